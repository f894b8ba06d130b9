//! The rules of a body's exchange, for its administrator and its records manager.

use super::{Page, html};
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::{Choice, Sampled, View};
use crate::who::Who;
use app::Verb;
use app::use_cases::exchange::rules;
use askama::Template;
use axum::extract::Form;
use axum::response::Redirect;
use axum::routing::{get, post};
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let may = Access::May(Verb::SetExchangeRules);
    vec![
        Entry::page("GET", "/admin/exchange", may, get(show)),
        Entry::page("POST", "/admin/exchange", may, post(choose)),
    ]
}

/// What the form sends for each choice.
const CODES: [(&str, Option<bool>); 3] =
    [("automatic", Some(true)), ("by-hand", Some(false)), ("configuration", None)];

/// The page.
#[derive(Template)]
#[template(path = "admin/exchange.html")]
pub struct RulesPage {
    view: View,
    choices: Vec<Choice>,
}

impl RulesPage {
    fn new(view: View, chosen: Option<bool>) -> Self {
        let present = CODES.iter().find(|(_, choice)| *choice == chosen).map_or("", |(code, _)| code);
        let choice = |(code, _): &(&str, _)| Choice::new(*code, view.family("exchange-rule-", code), present);
        Self { choices: CODES.iter().map(choice).collect(), view }
    }
}

impl Sampled for RulesPage {
    fn samples(view: View) -> Vec<Self> {
        vec![Self::new(view.clone(), None), Self::new(view, Some(true))]
    }
}

async fn show(view: View, Who(ctx): Who) -> Page {
    let chosen = rules::read(&ctx).await?;
    html(&RulesPage::new(view, chosen))
}

#[derive(Deserialize)]
struct Chosen {
    automatic: String,
}

async fn choose(Who(ctx): Who, Form(form): Form<Chosen>) -> Result<Redirect, Fault> {
    let found = CODES.iter().find(|(code, _)| *code == form.automatic);
    let (_, automatic) = found.ok_or(Fault::BadRequest("bad-form"))?;
    rules::choose(&ctx, *automatic).await?;
    Ok(Redirect::to("/admin/exchange?done=exchange-rule"))
}

#[cfg(test)]
mod tests {
    use super::RulesPage;

    #[test]
    fn the_page_holds_in_both_languages_and_all_looks() {
        crate::view::testing::check_pages::<RulesPage>();
    }
}
