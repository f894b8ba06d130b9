//! Pages for people, one file per noun: extract, one use case, render.

pub mod account;
pub mod admin;
pub mod answer;
pub mod audit;
pub mod case;
pub mod deliveries;
pub mod dossier;
pub mod dossier_acts;
pub mod emergency;
pub mod enter;
mod events;
pub mod exchange_rules;
pub mod fault;
pub mod health;
pub mod inbox;
pub mod login;
pub mod papers;
pub mod passkeys;
pub mod plain;
pub mod register;
pub mod scans;
pub mod scheme;
pub mod templates;
pub mod users;
pub mod verify;
pub mod words;
pub mod worklist;

use crate::error::Fault;
use askama::Template;
use axum::response::Html;

/// What a page handler answers.
pub type Page = Result<Html<String>, Fault>;

/// Renders a template; a template that fails is a bug of ours.
pub fn html(page: &impl Template) -> Page {
    page.render().map(Html).map_err(|why| app::Error::Bug(format!("template: {why}")).into())
}
