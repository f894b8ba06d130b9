//! The inbox for programs: what arrived, as found and verified; registering, refusing, discarding.

use crate::error::{Fault, Problem};
use crate::json;
use crate::routes::{Access, Entry};
use crate::serve_file;
use crate::who::Who;
use app::use_cases::exchange::desk::{self, Inbound, Opened};
use app::use_cases::exchange::register_inbound::{Changes, discard, refuse, register_inbound};
use app::{Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::ids::InboundId;
use domain::message::Anomaly;
use domain::{Invalid, Moment};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let api = |method, path, handler| Entry::api(method, path, Access::May(Verb::HandleInbox), handler);
    vec![
        api("GET", "/api/v1/inbound-messages", get(list)),
        api("GET", "/api/v1/inbound-messages/{id}", get(one)),
        api("GET", "/api/v1/inbound-messages/{id}/content", get(content)),
        api("GET", "/api/v1/inbound-messages/{id}/files/{place}", get(file)),
        api("POST", "/api/v1/inbound-messages/{id}/registration", post(register)),
        api("POST", "/api/v1/inbound-messages/{id}/refusal", post(turn_down)),
        api("POST", "/api/v1/inbound-messages/{id}/discard", post(throw_away)),
    ]
}

/// The description of these operations.
pub fn describe() -> utoipa::openapi::OpenApi {
    <Described as utoipa::OpenApi>::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(list, one, content, file, register, turn_down, throw_away))]
struct Described;

/// A message that arrived.
#[derive(Serialize, ToSchema)]
pub struct InboundAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// `waiting`, `quarantined`, `unreadable`, `registered`, `attached` or `discarded`.
    #[schema(max_length = 16)]
    state: String,
    /// `envelope`, `anomaly`, `ordinary`, `receipt`, `hub`, `unreadable` or `too_large`.
    #[schema(max_length = 16)]
    kind: String,
    /// Address of the sender.
    #[schema(max_length = 320)]
    sender_address: String,
    /// Name of the sender.
    #[schema(max_length = 400)]
    sender_name: String,
    /// Subject.
    #[schema(max_length = 1000)]
    subject: String,
    /// When it arrived here.
    #[schema(format = DateTime, max_length = 40)]
    arrived_at: String,
    /// Legal instant of receipt, when somebody certifies it.
    #[schema(format = DateTime, max_length = 40)]
    received_at: Option<String>,
    /// Verdict on the signature of the envelope.
    #[schema(max_length = 40)]
    verdict: Option<String>,
    /// The entry made of it.
    #[schema(max_length = 40)]
    registration: Option<String>,
    /// The delivery it answers.
    #[schema(max_length = 40)]
    delivery: Option<String>,
    /// Why it was discarded or kept apart.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// Messages, newest first.
#[derive(Serialize, ToSchema)]
pub struct InboundPage {
    /// The messages.
    #[schema(max_items = 50)]
    items: Vec<InboundAnswer>,
    /// Cursor of the next page.
    #[schema(max_length = 400)]
    next: Option<String>,
}

/// A message with what was found in it.
#[derive(Serialize, ToSchema)]
pub struct WholeInbound {
    /// The message.
    #[serde(flatten)]
    message: InboundAnswer,
    /// Text, files and segnatura as read and checked.
    #[schema(value_type = Object)]
    details: Value,
    /// Subject that the entry would have.
    #[schema(max_length = 4000)]
    proposed_subject: String,
    /// Sender that the entry would have.
    #[schema(max_length = 400)]
    proposed_sender: String,
    /// Where both come from: `segnatura`, `envelope` or `headers`.
    #[schema(max_length = 16)]
    origin: &'static str,
}

fn shown(one: Inbound) -> InboundAnswer {
    let at = |micros: i64| Moment::from_micros(micros).rfc3339();
    let message = one.message;
    InboundAnswer {
        id: message.id.to_string(),
        state: message.state,
        kind: message.kind,
        sender_address: message.sender_address,
        sender_name: message.sender_name,
        subject: message.subject,
        arrived_at: at(one.arrived_at),
        received_at: message.legal_at.map(at),
        verdict: message.verdict,
        registration: one.registration.map(|id| id.to_string()),
        delivery: one.delivery.map(|id| id.to_string()),
        reason: one.reason,
    }
}

fn whole(it: Opened) -> Result<WholeInbound, Fault> {
    let details = serde_json::to_value(&it.details).map_err(|error| Error::Bug(error.to_string()))?;
    Ok(WholeInbound {
        message: shown(it.inbound),
        details,
        proposed_subject: it.proposed.subject,
        proposed_sender: it.proposed.sender.name,
        origin: it.proposed.origin,
    })
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    cursor: Option<String>,
}

/// Messages of the body in one state (`waiting` by default), newest first.
#[utoipa::path(get, path = "/api/v1/inbound-messages", operation_id = "list_inbound_messages", tag = "inbound-messages",
    params(("state" = Option<String>, Query, max_length = 16), ("cursor" = Option<String>, Query, max_length = 400)),
    responses((status = 200, body = InboundPage)))]
async fn list(Who(ctx): Who, Query(asked): Query<Asked>) -> Result<Json<InboundPage>, Fault> {
    if !asked.state.is_empty() && !desk::STATES.contains(&asked.state.as_str()) {
        return Err(Invalid::with("/state", "unknown-state", &asked.state).into());
    }
    let page = desk::list(&ctx, &asked.state, asked.cursor.as_deref()).await?;
    Ok(Json(InboundPage { items: page.lines.into_iter().map(shown).collect(), next: page.next }))
}

/// One message.
#[utoipa::path(get, path = "/api/v1/inbound-messages/{id}", operation_id = "read_inbound_message", tag = "inbound-messages",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = WholeInbound),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn one(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<WholeInbound>, Fault> {
    Ok(Json(whole(desk::open(&ctx, id_of(&id)?).await?)?))
}

/// The message as it came, byte by byte.
#[utoipa::path(get, path = "/api/v1/inbound-messages/{id}/content", operation_id = "read_inbound_content", tag = "inbound-messages",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, content_type = "message/rfc822", body = String),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn content(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    let bytes = desk::raw(&ctx, id_of(&id)?).await?;
    Ok(serve_file::whole(desk::File { name: format!("{id}.eml"), bytes }, "message/rfc822"))
}

/// One file of the message, by its place from 0.
#[utoipa::path(get, path = "/api/v1/inbound-messages/{id}/files/{place}", operation_id = "read_inbound_file", tag = "inbound-messages",
    params(("id" = String, Path, max_length = 40), ("place" = u32, Path, minimum = 0, maximum = 10000)),
    responses((status = 200, content_type = "application/octet-stream", body = String),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn file(Who(ctx): Who, Path((id, place)): Path<(String, String)>) -> Result<Response, Fault> {
    let place = place.parse().map_err(|_| Error::NotFound)?;
    Ok(serve_file::whole(desk::file(&ctx, id_of(&id)?, place).await?, "application/octet-stream"))
}

/// What who registers may change.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InboundRegistrationRequest {
    /// Subject; the proposed one by default.
    #[schema(max_length = 4000)]
    subject: Option<String>,
    /// Class.
    #[schema(max_length = 32)]
    classification: Option<String>,
    /// Whether only those assigned may see it.
    confidential: bool,
    /// Whether to register it although its sender annulled what it carries.
    despite_annulment: bool,
}

/// The entry that was made.
#[derive(Serialize, ToSchema)]
pub struct RegisteredAnswer {
    /// The entry.
    #[schema(max_length = 40)]
    registration: String,
}

/// Registers a message; one registered before answers the same entry.
#[utoipa::path(post, path = "/api/v1/inbound-messages/{id}/registration", operation_id = "register_inbound_message", tag = "inbound-messages",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = InboundRegistrationRequest,
    responses((status = 201, body = RegisteredAnswer),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn register(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<Response, Fault> {
    let asked: InboundRegistrationRequest = json::read(&body)?;
    let changes = Changes {
        subject: asked.subject,
        classification: asked.classification,
        confidential: asked.confidential,
        despite_annulment: asked.despite_annulment,
        ..Changes::default()
    };
    let entry = register_inbound(&ctx, &id_of(&id)?, changes).await?.to_string();
    let place = format!("/api/v1/registrations/{entry}");
    let made = Json(RegisteredAnswer { registration: entry });
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], made).into_response())
}

/// Why a message is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusalRequest {
    /// Anomaly of Annex 6: its three digits, `000` to `007`.
    #[schema(max_length = 3)]
    anomaly: String,
    /// In short, what is wrong.
    #[schema(max_length = 1000)]
    reason: String,
}

/// Refuses a message with a segnatura: the exception of Annex 6 goes back.
#[utoipa::path(post, path = "/api/v1/inbound-messages/{id}/refusal", operation_id = "refuse_inbound_message", tag = "inbound-messages",
    params(("id" = String, Path, max_length = 40)), request_body = RefusalRequest,
    responses((status = 204, description = "Refused"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn turn_down(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: RefusalRequest = json::read(&body)?;
    let anomaly = Anomaly::read(&asked.anomaly);
    let anomaly = anomaly.ok_or_else(|| Invalid::with("/anomaly", "unknown-anomaly", &asked.anomaly))?;
    refuse(&ctx, &id_of(&id)?, anomaly, &asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why a message is discarded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardRequest {
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
}

/// Discards a message that is not to be registered.
#[utoipa::path(post, path = "/api/v1/inbound-messages/{id}/discard", operation_id = "discard_inbound_message", tag = "inbound-messages",
    params(("id" = String, Path, max_length = 40)), request_body = DiscardRequest,
    responses((status = 204, description = "Discarded"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn throw_away(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: DiscardRequest = json::read(&body)?;
    discard(&ctx, &id_of(&id)?, &asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn id_of(text: &str) -> Result<InboundId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}
