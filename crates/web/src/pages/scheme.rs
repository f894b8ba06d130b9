//! The classification scheme: browse it as a tree, search it, ask it for a proposal, import another.

use super::html;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::{Faults, Sampled, View};
use crate::who::Who;
use app::use_cases::scheme::{self, Proposal};
use app::{Context, Error, Verb};
use askama::Template;
use axum::extract::{Multipart, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::Invalid;
use domain::scheme::Class;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![
        Entry::page("GET", "/classes", Access::May(Verb::ReadDossier), get(show)),
        Entry::page("POST", "/classes", Access::May(Verb::ManageScheme), post(import)),
    ]
}

/// A title and what is under it.
pub struct Branch {
    /// The title.
    pub title: Class,
    /// Its classes.
    pub classes: Vec<Class>,
}

/// The page of the scheme.
#[derive(Template)]
#[template(path = "scheme/tree.html")]
pub struct SchemePage {
    /// Chrome.
    pub view: View,
    /// What was searched.
    pub typed: String,
    /// Titles with their classes, as far as they match.
    pub branches: Vec<Branch>,
    /// Classes proposed for the words typed.
    pub proposals: Vec<Proposal>,
    /// Whether the person may import.
    pub manages: bool,
    /// Faults of the table sent.
    pub faults: Faults,
}

impl Sampled for SchemePage {
    fn samples(view: View) -> Vec<Self> {
        let class = |code: &str, name: &str| Class { code: code.into(), name: name.into() };
        let branch =
            Branch { title: class("VI", "Territorio"), classes: vec![class("VI.3", "Edilizia privata")] };
        let proposals =
            vec![Proposal { class: class("VI.3", "Edilizia privata"), because: vec!["edilizia".into()] }];
        let faults = view.faults(&Invalid::one("/file", "scheme-headings"));
        vec![
            Self {
                view: view.clone(),
                typed: "edilizia".into(),
                branches: vec![branch],
                proposals,
                manages: true,
                faults,
            },
            Self {
                view,
                typed: String::new(),
                branches: Vec::new(),
                proposals: Vec::new(),
                manages: false,
                faults: Faults::default(),
            },
        ]
    }
}

#[derive(Deserialize)]
struct Wish {
    q: Option<String>,
}

async fn page(ctx: &Context, view: View, typed: String, invalid: &Invalid) -> Result<SchemePage, Fault> {
    let scheme = scheme::scheme(ctx).await?;
    let proposals = if typed.trim().is_empty() { Vec::new() } else { scheme::suggest(ctx, &typed).await? };
    let mut branches: Vec<Branch> = Vec::new();
    for class in scheme.search(&typed) {
        match class.parent() {
            None => branches.push(Branch { title: class.clone(), classes: Vec::new() }),
            Some(above) => {
                let root = above.split('.').next().unwrap_or(above);
                if branches.last().is_none_or(|branch| branch.title.code != root) {
                    let title = scheme.find(root).cloned().unwrap_or_else(|| class.clone());
                    branches.push(Branch { title, classes: Vec::new() });
                }
                if let Some(branch) = branches.last_mut() {
                    branch.classes.push(class.clone());
                }
            }
        }
    }
    let manages = ctx.may(Verb::ManageScheme).is_ok();
    let faults = view.faults(invalid);
    Ok(SchemePage { view, typed, branches, proposals, manages, faults })
}

async fn show(Who(ctx): Who, view: View, Query(wish): Query<Wish>) -> Result<Response, Fault> {
    let typed: String = wish.q.unwrap_or_default().chars().take(200).collect();
    Ok(html(&page(&ctx, view, typed, &Invalid::default()).await?)?.into_response())
}

async fn import(Who(ctx): Who, view: View, mut form: Multipart) -> Result<Response, Fault> {
    let mut table = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|_| Fault::BadRequest("bad-form"))? {
        if field.name() == Some("file") {
            table = field.bytes().await.map_err(|_| Fault::BadRequest("bad-form"))?.to_vec();
        }
    }
    match scheme::import(&ctx, &table).await {
        Ok(_) => Ok(Redirect::to("/classes?done=scheme").into_response()),
        Err(Error::Invalid(invalid)) => {
            let shown = page(&ctx, view, String::new(), &invalid).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&shown)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_scheme_page_holds_in_both_languages_and_all_looks() {
        check_pages::<SchemePage>();
    }
}
