//! Signing in and out, and changing the place of work. Works without script; the second step is a second form.

use super::{Page, html};
use crate::error::Fault;
use crate::identity;
use crate::limits;
use crate::prefs;
use crate::routes::{Access, Entry};
use crate::shared::Shared;
use crate::state::AppState;
use crate::view::{Faults, Sampled, View};
use app::accounts::{self, Identity, SignIn, SignedIn};
use askama::Template;
use axum::extract::{Extension, Form, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use std::sync::Arc;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![
        Entry::page("GET", "/login", Access::Public, get(show)),
        Entry::page("POST", "/login", Access::Public, post(enter)),
        Entry::page("POST", "/logout", Access::Signed, post(leave)),
        Entry::page("POST", "/workplace", Access::Signed, post(work_in)),
    ]
}

/// The form to sign in.
#[derive(Template)]
#[template(path = "pages/login.html")]
pub struct Login {
    /// Chrome.
    pub view: View,
    /// Where to go afterwards.
    pub next: String,
    /// Name typed before.
    pub username: String,
    /// Whether the second factor is asked now.
    pub code_wanted: bool,
    /// What went wrong, in words.
    pub refused: Option<String>,
    /// Faults of the fields.
    pub faults: Faults,
    /// Whether passkeys can be used here.
    pub passkeys: bool,
}

impl Sampled for Login {
    fn samples(view: View) -> Vec<Self> {
        let view = View { person: None, nav: Vec::new(), ..view };
        let page = |code_wanted, refused: Option<&str>| Self {
            view: view.clone(),
            next: "/register".into(),
            username: "prova.uno".into(),
            code_wanted,
            refused: refused.map(|key| view.t(key)),
            faults: Faults::default(),
            passkeys: true,
        };
        vec![page(false, None), page(false, Some("refusal-wrong-credentials")), page(true, None)]
    }
}

#[derive(Deserialize)]
struct Wish {
    next: Option<String>,
}

async fn show(view: View, Query(wish): Query<Wish>) -> Page {
    let next = prefs::local(wish.next.as_deref());
    html(&Login {
        view,
        next,
        username: String::new(),
        code_wanted: false,
        refused: None,
        faults: Faults::default(),
        passkeys: true,
    })
}

/// What the form sends.
#[derive(Deserialize)]
struct Typed {
    username: String,
    password: String,
    #[serde(default)]
    code: String,
    next: Option<String>,
}

async fn enter(
    State(state): State<AppState>,
    view: View,
    Extension(shared): Extension<Arc<Shared>>,
    parts: Parts,
    Form(typed): Form<Typed>,
) -> Result<Response, Fault> {
    let headers = &parts.headers;
    let address = limits::address(&state.app.settings.trusted_proxies, headers, &parts.extensions);
    let now = state.app.clock.micros();
    shared.limits.may_try(&address, now)?;
    let next = prefs::local(typed.next.as_deref());
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let asked = SignIn {
        username: typed.username.clone(),
        password: typed.password,
        code: Some(typed.code).filter(|code| !code.trim().is_empty()),
        agent: agent.to_owned(),
    };
    let mut page = Login {
        view,
        next,
        username: typed.username,
        code_wanted: false,
        refused: None,
        faults: Faults::default(),
        passkeys: true,
    };
    match accounts::sign_in(&state.app, asked).await {
        Ok(SignedIn::Session { token }) => {
            let mut response = Redirect::to(&page.next).into_response();
            if let Some(line) = identity::set_cookie(&state, &token) {
                response.headers_mut().append(header::SET_COOKIE, line);
            }
            Ok(response)
        }
        Ok(SignedIn::CodeWanted) => {
            page.code_wanted = true;
            Ok(html(&page)?.into_response())
        }
        Err(app::Error::Refusal(refusal)) => {
            shared.limits.wrong_password(&address, now);
            page.refused = Some(page.view.t(&format!("refusal-{}", refusal.code)));
            Ok((StatusCode::UNAUTHORIZED, html(&page)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

#[derive(Deserialize)]
struct Leave {
    csrf: String,
}

async fn leave(
    State(state): State<AppState>,
    view: View,
    headers: HeaderMap,
    Form(form): Form<Leave>,
) -> Result<Response, Fault> {
    identity::form_token(&view.csrf, &form.csrf)?;
    if let Some(token) = identity::session_token(&state, &headers) {
        accounts::session::sign_out(&state.app, &token).await?;
    }
    let mut response = Redirect::to("/login").into_response();
    if let Some(line) = identity::set_cookie(&state, "") {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    Ok(response)
}

#[derive(Deserialize)]
struct Place {
    csrf: String,
    workplace: String,
}

async fn work_in(
    State(state): State<AppState>,
    view: View,
    Extension(who): Extension<Identity>,
    Form(form): Form<Place>,
) -> Result<Response, Fault> {
    identity::form_token(&view.csrf, &form.csrf)?;
    let to = identity::read_place(&form.workplace).ok_or(Fault::BadRequest("bad-form"))?;
    let token = accounts::session::work_in(&state.app, &who, to).await?;
    // What was on the page may not be visible from the new place, so the way leads home.
    let mut response = Redirect::to("/").into_response();
    if let Some(line) = identity::set_cookie(&state, &token) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_form_holds_in_both_languages_and_all_looks() {
        check_pages::<Login>();
    }
}
