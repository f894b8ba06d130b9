//! The two steps of adding and of using a passkey, as the browser's script speaks them: JSON both ways.

use crate::error::Fault;
use crate::identity;
use crate::routes::{Access, Entry};
use crate::shared::Shared;
use crate::state::AppState;
use crate::who::Who;
use app::accounts::{Identity, passkeys};
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![
        Entry::page("POST", "/account/passkeys/begin", Access::Signed, post(begin_adding)),
        Entry::page("POST", "/account/passkeys/finish", Access::Signed, post(finish_adding)),
        Entry::page("POST", "/login/passkey/begin", Access::Public, post(begin_entering)),
        Entry::page("POST", "/login/passkey/finish", Access::Public, post(finish_entering)),
    ]
}

async fn begin_adding(
    Who(ctx): Who,
    Extension(shared): Extension<Arc<Shared>>,
) -> Result<Json<Value>, Fault> {
    let (name, challenge) = passkeys::begin_adding(&ctx, &shared.ceremonies).await?;
    Ok(Json(json!({ "ceremony": name, "options": challenge })))
}

#[derive(Deserialize)]
struct Added {
    ceremony: String,
    label: String,
    answer: passkeys::NewKey,
}

async fn finish_adding(
    Who(ctx): Who,
    who: Option<Extension<Identity>>,
    Extension(shared): Extension<Arc<Shared>>,
    Json(added): Json<Added>,
) -> Result<Json<Value>, Fault> {
    let (session, all) = (who.and_then(|who| who.session.clone()), &shared.ceremonies);
    passkeys::finish_adding(&ctx, all, session, &added.ceremony, &added.label, &added.answer).await?;
    Ok(Json(json!({ "next": "/account?done=passkey" })))
}

async fn begin_entering(
    State(state): State<AppState>,
    Extension(shared): Extension<Arc<Shared>>,
) -> Result<Json<Value>, Fault> {
    let (name, challenge) = passkeys::begin_entering(&state.app, &shared.ceremonies)?;
    Ok(Json(json!({ "ceremony": name, "options": challenge })))
}

#[derive(Deserialize)]
struct Entered {
    ceremony: String,
    answer: passkeys::UsedKey,
}

async fn finish_entering(
    State(state): State<AppState>,
    Extension(shared): Extension<Arc<Shared>>,
    headers: HeaderMap,
    Json(entered): Json<Entered>,
) -> Result<Response, Fault> {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = passkeys::finish_entering(
        &state.app,
        &shared.ceremonies,
        &entered.ceremony,
        &entered.answer,
        agent.to_owned(),
    )
    .await?;
    let mut response = Json(json!({ "next": "/" })).into_response();
    if let Some(line) = identity::set_cookie(&state, &token) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    Ok(response)
}
