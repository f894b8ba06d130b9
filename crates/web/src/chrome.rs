//! Puts together what a page shows around its content, for the person of this request.
//!
//! The identity layer leaves in the request who asks (`Actor`), how the header should call them (`Person`) and
//! the token of their forms (`Csrf`); this file turns them into a `View`. It must not know how people sign in.

use crate::error::Fault;
use crate::state::AppState;
use crate::view::{NavItem, Person, View};
use app::accounts::Identity;
use app::use_cases::worklist;
use app::{Actor, Verb, authority};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, Uri};

/// The token that forms of this session must send back.
#[derive(Debug, Clone)]
pub struct Csrf(pub String);

/// The main navigation: address, key of the words, and the verb without which the entry is not shown.
const NAV: &[(&str, &str, Verb)] = &[
    ("/", "nav-worklist", Verb::TakeCharge),
    ("/register", "nav-register", Verb::ReadRegister),
    ("/inbox", "nav-inbox", Verb::HandleInbox),
    ("/dossiers", "nav-dossiers", Verb::ReadDossier),
    ("/deliveries", "nav-deliveries", Verb::ReadDeliveries),
    ("/audit", "nav-audit", Verb::ReadAudit),
    ("/admin/users", "nav-users", Verb::ManageUsers),
    ("/admin", "nav-admin", Verb::ManageSystem),
];

impl View {
    /// The view of a whole request, before a handler takes it apart.
    pub fn of_request(request: &Request, state: &AppState) -> Self {
        build(request.headers(), request.uri(), request.extensions(), state)
    }
}

impl FromRequestParts<AppState> for View {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Fault> {
        let mut view = build(&parts.headers, &parts.uri, &parts.extensions, state);
        if parts.method == Method::GET && view.works() {
            let unread = unread(&parts.extensions, state).await?;
            if let Some(person) = view.person.as_mut() {
                person.unread = Some(unread);
            }
        }
        Ok(view)
    }
}

/// How many things of the worklist the person has not opened: a figure for the bell of the header.
async fn unread(extensions: &Extensions, state: &AppState) -> Result<i64, Fault> {
    match extensions.get::<Actor>() {
        Some(actor) => Ok(worklist::unread(&state.app.context(actor.clone())).await?),
        None => Ok(0),
    }
}

fn build(headers: &HeaderMap, uri: &Uri, extensions: &Extensions, state: &AppState) -> View {
    let mut view = View::of(headers, uri, state.app.clock.now().today, state.app.settings.demo);
    if let Some(Csrf(token)) = extensions.get::<Csrf>() {
        view.csrf.clone_from(token);
    }
    // Who must set up a second factor first has nowhere else to go.
    let waits = extensions.get::<Identity>().is_some_and(|who| who.factor_missing);
    if let Some(actor) = extensions.get::<Actor>() {
        view.nav = NAV
            .iter()
            .filter(|(_, _, verb)| !waits && authority::may(actor, *verb).is_ok())
            .map(|(href, key, _)| NavItem { href, key })
            .collect();
        view.registers = !waits && authority::may(actor, Verb::Register).is_ok();
        view.person = Some(extensions.get::<Person>().cloned().unwrap_or_else(|| Person {
            name: actor.name.clone(),
            body: actor.body.to_string(),
            ..Person::default()
        }));
    }
    view
}
