//! The own account and the rules of the own body, for programs: sessions, tokens, absences, and whether messages of
//! other bodies are registered by themselves.
//!
//! What needs the person – password, second factor, passkeys, a new token – has no operation here: who stole a token
//! must not be able to stay.

use app::accounts::absence::{self, HandOver};
use app::accounts::own;
use app::use_cases::exchange::rules;
use app::{Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use domain::ids::AccountId;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::dossiers::instant;
use crate::error::{Fault, Problem};
use crate::json;
use crate::routes::{Access, Entry};
use crate::who::Who;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let signed = Access::Signed;
    let asks = Access::May(Verb::ManageUsers);
    let rules = Access::May(Verb::SetExchangeRules);
    vec![
        Entry::api("GET", "/api/v1/me/access", signed, get(show)),
        Entry::api("DELETE", "/api/v1/me/sessions/{id}", signed, delete(end_session)),
        Entry::api("DELETE", "/api/v1/me/tokens/{id}", signed, delete(end_token)),
        Entry::api("POST", "/api/v1/me/absences", signed, post(hand_over)),
        Entry::api("DELETE", "/api/v1/me/absences", signed, delete(end_absences)),
        Entry::api("POST", "/api/v1/accounts/{id}/absences", asks, post(hand_over_for)),
        Entry::api("DELETE", "/api/v1/accounts/{id}/absences", asks, delete(end_absences_of)),
        Entry::api("GET", "/api/v1/exchange-rule", rules, get(rule)),
        Entry::api("PUT", "/api/v1/exchange-rule", rules, put(choose)),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(
        show,
        end_session,
        end_token,
        hand_over,
        end_absences,
        hand_over_for,
        end_absences_of,
        rule,
        choose
    ))]
    struct Slice;
    Slice::openapi()
}

/// A session of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnSession {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// Browser, as it calls itself.
    #[schema(max_length = 1000)]
    agent: String,
    /// When it was last used.
    #[schema(format = "date-time", max_length = 40)]
    seen_at: String,
}

/// A bearer token of the caller; never the secret itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnToken {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// What it is for.
    #[schema(max_length = 200)]
    label: String,
    /// When it ends.
    #[schema(format = "date-time", max_length = 40)]
    ends_at: String,
}

/// Who stands in for the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnAbsence {
    /// Account of who stands in.
    #[schema(max_length = 40)]
    deputy: String,
    /// First day.
    #[schema(format = "date", max_length = 10)]
    from: String,
    /// Last day.
    #[schema(format = "date", max_length = 10)]
    to: String,
}

/// The ways into the caller's account.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnAccess {
    /// Sessions, the last used first.
    #[schema(max_items = 1000)]
    sessions: Vec<OwnSession>,
    /// Bearer tokens.
    #[schema(max_items = 1000)]
    tokens: Vec<OwnToken>,
    /// Who stands in, today or later.
    #[schema(max_items = 1000)]
    absences: Vec<OwnAbsence>,
}

/// The ways into the caller's account: sessions, tokens, and who stands in.
#[utoipa::path(get, path = "/api/v1/me/access", operation_id = "read_own_access", tag = "accounts",
    responses((status = 200, body = OwnAccess)))]
async fn show(Who(ctx): Who) -> Result<Json<OwnAccess>, Fault> {
    let own = own::read(&ctx).await?;
    let session = |it: own::Session| OwnSession {
        id: it.id.to_string(),
        agent: it.agent,
        seen_at: instant(it.seen_at),
    };
    let token =
        |it: own::Token| OwnToken { id: it.id.to_string(), label: it.label, ends_at: instant(it.ends_at) };
    let absence = |(it, _): (own::Absence, String)| OwnAbsence {
        deputy: it.deputy.to_string(),
        from: it.from.to_string(),
        to: it.to.to_string(),
    };
    Ok(Json(OwnAccess {
        sessions: own.sessions.into_iter().map(session).collect(),
        tokens: own.tokens.into_iter().map(token).collect(),
        absences: own.absences.into_iter().map(absence).collect(),
    }))
}

/// Ends one of the caller's sessions; one that has ended already is no fault.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", operation_id = "end_own_session", tag = "accounts",
    params(("id" = String, Path, max_length = 40)), responses((status = 204, description = "Ended")))]
async fn end_session(Who(ctx): Who, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    own::end_session(&ctx, id.parse().map_err(|_| Error::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one of the caller's bearer tokens; one that has ended already is no fault.
#[utoipa::path(delete, path = "/api/v1/me/tokens/{id}", operation_id = "end_own_token", tag = "accounts",
    params(("id" = String, Path, max_length = 40)), responses((status = 204, description = "Ended")))]
async fn end_token(Who(ctx): Who, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    own::end_token(&ctx, id.parse().map_err(|_| Error::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who stands in, and when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsenceRequest {
    /// Account of who stands in.
    #[schema(value_type = String, max_length = 40)]
    deputy: AccountId,
    /// First day.
    #[schema(value_type = String, format = "date", max_length = 10)]
    from: Date,
    /// Last day.
    #[schema(value_type = String, format = "date", max_length = 10)]
    to: Date,
}

impl AbsenceRequest {
    fn read(body: &Bytes) -> Result<HandOver, Fault> {
        let Self { deputy, from, to } = json::read(body)?;
        Ok(HandOver { deputy, from, to })
    }
}

/// Names who stands in for the caller.
#[utoipa::path(post, path = "/api/v1/me/absences", operation_id = "hand_over", tag = "accounts",
    params(("Idempotency-Key" = Option<String>, Header, max_length = 200)), request_body = AbsenceRequest,
    responses((status = 204, description = "Named")))]
async fn hand_over(Who(ctx): Who, body: Bytes) -> Result<StatusCode, Fault> {
    absence::hand_over(&ctx, AbsenceRequest::read(&body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the hand-overs of the caller in this body.
#[utoipa::path(delete, path = "/api/v1/me/absences", operation_id = "end_own_absences", tag = "accounts",
    responses((status = 204, description = "Ended")))]
async fn end_absences(Who(ctx): Who) -> Result<StatusCode, Fault> {
    absence::end(&ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Names who stands in for a person of the body who cannot do it.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/absences", operation_id = "hand_over_for", tag = "accounts",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = AbsenceRequest,
    responses((status = 204, description = "Named"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn hand_over_for(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let absent: AccountId = id.parse().map_err(|_| Error::NotFound)?;
    absence::hand_over_for(&ctx, absent, AbsenceRequest::read(&body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the hand-overs of a person of the body.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/absences", operation_id = "end_absences_of", tag = "accounts",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 204, description = "Ended"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn end_absences_of(Who(ctx): Who, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    absence::end_for(&ctx, id.parse().map_err(|_| Error::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether messages of other bodies are registered by themselves.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRule {
    /// True: by themselves; false: by a clerk's confirmation; null: as the configuration file says.
    #[serde(deserialize_with = "Option::deserialize")]
    automatic: Option<bool>,
}

/// The rule of the body's exchange.
#[utoipa::path(get, path = "/api/v1/exchange-rule", operation_id = "read_exchange_rule", tag = "bodies",
    responses((status = 200, body = ExchangeRule)))]
async fn rule(Who(ctx): Who) -> Result<Json<ExchangeRule>, Fault> {
    Ok(Json(ExchangeRule { automatic: rules::read(&ctx).await? }))
}

/// Sets the rule of the body's exchange; it holds from the next message.
#[utoipa::path(put, path = "/api/v1/exchange-rule", operation_id = "set_exchange_rule", tag = "bodies",
    request_body = ExchangeRule, responses((status = 204, description = "Set")))]
async fn choose(Who(ctx): Who, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: ExchangeRule = json::read(&body)?;
    rules::choose(&ctx, asked.automatic).await?;
    Ok(StatusCode::NO_CONTENT)
}
