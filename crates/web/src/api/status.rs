//! `GET /status`: whether the interface can be used, as the national interoperability model wants it told.

use app::{Error, health};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::state::AppState;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![Entry::api("GET", "/status", Access::Public, get(status))]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(status), components(schemas(Status)))]
    struct Slice;
    Slice::openapi()
}

/// The state of the interface.
#[derive(Debug, Serialize, ToSchema)]
struct Status {
    /// `ok` when requests can be answered.
    #[schema(example = "ok", max_length = 16)]
    status: &'static str,
}

/// Whether the interface can be used
///
/// Answers 200 when the database reads and writes, 503 otherwise. Not cached: `Cache-Control: no-store`.
#[utoipa::path(
    get, path = "/status", tag = "status", operation_id = "status",
    responses((status = 200, description = "The interface can be used.", body = Status))
)]
async fn status(State(state): State<AppState>) -> Result<Response, Fault> {
    let parts = health::look(&state.app).await;
    let failing = parts.iter().find(|part| part.stops_work());
    match failing {
        None => {
            let body = axum::Json(Status { status: "ok" });
            Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
        }
        Some(part) => Err(Error::Problem(format!("{} fails", part.name)).into()),
    }
}
