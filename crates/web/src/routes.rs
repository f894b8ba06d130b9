//! Every route of the program, as one list.
//!
//! Each slice gives its entries; this file joins them, puts the same guard in front of each (who asks, may they,
//! how are errors shown) and lets tests cross the list with the table of permissions. A handler that is not in
//! the list cannot be reached.

use crate::shared::Shared;
use crate::state::AppState;
use crate::{guard, identity, limits, security};
use app::Verb;
use axum::Router;
use axum::middleware;
use axum::routing::MethodRouter;
use std::sync::Arc;

/// Who may knock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone, signed in or not.
    Public,
    /// Anyone with an account.
    Signed,
    /// Who holds a role that may do the verb.
    May(Verb),
}

/// How answers and errors are dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTML for people, session cookie.
    Page,
    /// JSON for programs, bearer token, `application/problem+json`.
    Api,
}

/// One route: method, path, who may, and the handler.
pub struct Entry {
    /// HTTP method, upper case.
    pub method: &'static str,
    /// Path with `{name}` parameters.
    pub path: &'static str,
    /// Who may knock.
    pub access: Access,
    /// Page or API.
    pub kind: Kind,
    /// The handler, already bound to the method.
    pub handler: MethodRouter<AppState>,
}

impl Entry {
    /// A page for people. `handler` is built with `axum::routing::{get, post}` of the same method.
    pub fn page(
        method: &'static str,
        path: &'static str,
        access: Access,
        handler: MethodRouter<AppState>,
    ) -> Self {
        Self { method, path, access, kind: Kind::Page, handler }
    }

    /// A resource for programs.
    pub fn api(
        method: &'static str,
        path: &'static str,
        access: Access,
        handler: MethodRouter<AppState>,
    ) -> Self {
        Self { method, path, access, kind: Kind::Api, handler }
    }
}

/// Every entry, slice by slice.
pub fn table() -> Vec<Entry> {
    let mut all = Vec::new();
    // One line a slice, in the order of the alphabet.
    all.extend(crate::api::accounts::routes());
    all.extend(crate::api::answers::routes());
    all.extend(crate::api::bodies::routes());
    all.extend(crate::api::cases::routes());
    all.extend(crate::api::deliveries::routes());
    all.extend(crate::api::dossier_acts::routes());
    all.extend(crate::api::dossiers::routes());
    all.extend(crate::api::inbound_messages::routes());
    all.extend(crate::api::emergency::routes());
    all.extend(crate::api::openapi::routes());
    all.extend(crate::api::own_account::routes());
    all.extend(crate::api::papers::routes());
    all.extend(crate::api::register_imports::routes());
    all.extend(crate::api::registration_acts::routes());
    all.extend(crate::api::registrations::routes());
    all.extend(crate::api::scans::routes());
    all.extend(crate::api::status::routes());
    all.extend(crate::api::templates::routes());
    all.extend(crate::api::verifications::routes());
    all.extend(crate::api::worklist::routes());
    all.extend(crate::pages::account::routes());
    all.extend(crate::pages::admin::routes());
    all.extend(crate::pages::audit::routes());
    all.extend(crate::pages::answer::routes());
    all.extend(crate::pages::case::routes());
    all.extend(crate::pages::deliveries::routes());
    all.extend(crate::pages::dossier::routes());
    all.extend(crate::pages::inbox::routes());
    all.extend(crate::pages::dossier_acts::routes());
    all.extend(crate::pages::emergency::routes());
    all.extend(crate::pages::enter::routes());
    all.extend(crate::pages::exchange_rules::routes());
    all.extend(crate::pages::health::routes());
    all.extend(crate::pages::login::routes());
    all.extend(crate::pages::papers::routes());
    all.extend(crate::pages::passkeys::routes());
    all.extend(crate::pages::plain::routes());
    all.extend(crate::pages::register::routes());
    all.extend(crate::pages::scans::routes());
    all.extend(crate::pages::scheme::routes());
    all.extend(crate::pages::templates::routes());
    all.extend(crate::pages::users::routes());
    all.extend(crate::pages::verify::routes());
    all.extend(crate::pages::worklist::routes());
    all
}

/// The router of the whole program.
pub fn router(state: AppState) -> Router {
    let shared = Arc::new(Shared::default());
    let mut router = Router::new();
    for entry in table() {
        let rule = guard::Rule { access: entry.access, kind: entry.kind };
        let guarded =
            entry.handler.layer(middleware::from_fn_with_state((state.clone(), rule), guard::guard));
        router = router.route(entry.path, guarded);
    }
    router
        .fallback(guard::not_found)
        .layer(middleware::from_fn_with_state((state.clone(), shared.limits.clone()), limits::count))
        .layer(middleware::from_fn_with_state(state.clone(), identity::identify))
        .layer(middleware::from_fn(identity::refuse_cross_site))
        .layer(middleware::from_fn_with_state(state.clone(), guard::last_dress))
        .layer(middleware::from_fn_with_state(state.clone(), security::headers))
        .layer(axum::Extension(shared))
        .with_state(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_route_stands_twice_and_writes_on_pages_are_posts() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in table() {
            assert!(seen.insert((entry.method, entry.path)), "{} {} stands twice", entry.method, entry.path);
            if entry.kind == Kind::Page {
                assert!(
                    matches!(entry.method, "GET" | "POST"),
                    "{}: a form can only GET or POST",
                    entry.path
                );
            } else {
                let known = ["/api/v1/", "/oauth/", "/status"];
                assert!(known.iter().any(|start| entry.path.starts_with(start)), "{}", entry.path);
            }
        }
    }
}
