//! Whether the program is alive and ready: for load balancers and watchers, not for people.

use crate::routes::{Access, Entry};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![Entry::page("GET", "/healthz", Access::Public, get(healthz))]
}

/// `ok` when a read of the database answers.
async fn healthz(State(state): State<AppState>) -> (StatusCode, &'static str) {
    match state.app.store.read(|_| Ok::<_, app::Error>(())).await {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}
