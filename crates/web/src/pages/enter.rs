//! Entering by a link: the first password, or a new one after two people agreed. Public, because who holds the
//! link is not signed in; a link that does not work is a page that is not there.

use super::{Page, html};
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::state::AppState;
use crate::view::{Faults, Sampled, View};
use app::Error;
use app::accounts::enter_by_link;
use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::Invalid;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![
        Entry::page("GET", "/enter/{link}", Access::Public, get(show)),
        Entry::page("POST", "/enter/{link}", Access::Public, post(set)),
    ]
}

/// The form for a password.
#[derive(Template)]
#[template(path = "account/enter.html")]
pub struct EnterPage {
    view: View,
    faults: Faults,
    username: String,
    link: String,
}

impl Sampled for EnterPage {
    fn samples(view: View) -> Vec<Self> {
        let mut view = view;
        view.person = None;
        view.nav.clear();
        let wrong = view.faults(&Invalid::with("/password", "password-short", "12"));
        let page =
            |faults| Self { view: view.clone(), faults, username: "prova.uno".into(), link: "x".into() };
        vec![page(Faults::default()), page(wrong)]
    }
}

async fn show(State(state): State<AppState>, view: View, Path(link): Path<String>) -> Page {
    let username = enter_by_link::whose(&state.app, &link).await?;
    html(&EnterPage { view, faults: Faults::default(), username, link })
}

#[derive(Deserialize)]
struct NewPassword {
    password: String,
}

async fn set(
    State(state): State<AppState>,
    view: View,
    Path(link): Path<String>,
    Form(form): Form<NewPassword>,
) -> Result<Response, Fault> {
    match enter_by_link::set_password(&state.app, &link, form.password).await {
        Ok(()) => Ok(Redirect::to("/login?done=password").into_response()),
        Err(Error::Invalid(invalid)) => {
            let username = enter_by_link::whose(&state.app, &link).await?;
            let faults = view.faults(&invalid);
            let page = html(&EnterPage { view, faults, username, link })?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_form_holds_in_both_languages_and_all_looks() {
        check_pages::<EnterPage>();
    }
}
