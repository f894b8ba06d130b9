//! Deliveries for programs: send an entry, follow each recipient to its end with the proofs, decide what failed.

use super::registrations::registration_id;
use crate::error::{Fault, Problem};
use crate::json;
use crate::routes::{Access, Entry};
use crate::serve_file;
use crate::who::Who;
use app::use_cases::exchange::watch::{self, KnownAnswer, KnownFact, Opened, StoredDelivery, Watched};
use app::use_cases::exchange::{Recipient, Sending, decide, desk, send, sent_before, warned};
use app::{Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::body::IpaCode;
use domain::ids::DeliveryId;
use domain::message::{Channel, DeliveryState};
use domain::{Invalid, Moment};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let api = |method, path, verb, handler| Entry::api(method, path, Access::May(verb), handler);
    let (reads, decides) = (Verb::ReadDeliveries, Verb::DecideDelivery);
    vec![
        api("GET", "/api/v1/registrations/{id}/deliveries", reads, get(of_registration)),
        api("POST", "/api/v1/registrations/{id}/deliveries", Verb::SendAct, post(create)),
        api("GET", "/api/v1/deliveries", reads, get(list)),
        api("GET", "/api/v1/deliveries/{id}", reads, get(one)),
        api("GET", "/api/v1/deliveries/{id}/proofs/{sha256}", reads, get(proof)),
        api("POST", "/api/v1/deliveries/{id}/retries", decides, post(retry)),
        api("POST", "/api/v1/deliveries/{id}/closure", decides, post(close)),
        api("POST", "/api/v1/deliveries/{id}/replacement", decides, post(replace)),
    ]
}

/// The description of these operations.
pub fn describe() -> utoipa::openapi::OpenApi {
    <Described as utoipa::OpenApi>::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(of_registration, create, list, one, proof, retry, close, replace))]
struct Described;

/// A delivery: one recipient of one sending.
#[derive(Serialize, ToSchema)]
pub struct DeliveryAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// What was sent.
    #[schema(max_length = 40)]
    registration: Option<String>,
    /// `0001234/2026`.
    #[schema(max_length = 32)]
    number: Option<String>,
    /// `hub`, `pec` or `email`.
    #[schema(max_length = 8)]
    channel: &'static str,
    /// Name of the recipient.
    #[schema(max_length = 400)]
    recipient: String,
    /// Address; the IPA code of a body in the hub.
    #[schema(max_length = 320)]
    address: String,
    /// Body of the recipient, when it is one.
    #[schema(max_length = 32)]
    body: Option<String>,
    /// `queued`, `submitted`, `accepted`, `accepted_external`, `rejected`, `late_notice`, `expired`,
    /// `delivery_error`, `delivered` or `closed_by_officer`.
    #[schema(max_length = 32)]
    state: &'static str,
    /// Where the exchange with the other register stands.
    #[schema(max_length = 32)]
    exchange_state: String,
    /// What an officer is asked to do.
    #[schema(max_length = 32)]
    proposal: Option<String>,
    /// When it was created.
    #[schema(format = DateTime, max_length = 40)]
    created_at: String,
    /// When its state changed last.
    #[schema(format = DateTime, max_length = 40)]
    changed_at: String,
}

/// Deliveries, newest first.
#[derive(Serialize, ToSchema)]
pub struct DeliveryPage {
    /// The deliveries.
    #[schema(max_items = 500)]
    items: Vec<DeliveryAnswer>,
    /// Cursor of the next page.
    #[schema(max_length = 400)]
    next: Option<String>,
}

/// Something that is known of a delivery.
#[derive(Serialize, ToSchema)]
pub struct EventAnswer {
    /// Attempt, from 1; none for an answer of the other register.
    #[schema(minimum = 1, maximum = 1000)]
    attempt: Option<u16>,
    /// What happened.
    #[schema(max_length = 40)]
    event: &'static str,
    /// When, by the clock of whoever attests it.
    #[schema(format = DateTime, max_length = 40)]
    at: String,
    /// SHA-256 of the message that proves it.
    #[schema(max_length = 64)]
    proof: Option<String>,
    /// Verdict on its signature.
    #[schema(max_length = 40)]
    verdict: Option<String>,
    /// Words of the server, of the other register or of an officer.
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// A delivery with everything that is known of it.
#[derive(Serialize, ToSchema)]
pub struct WholeDelivery {
    /// The delivery.
    #[serde(flatten)]
    delivery: DeliveryAnswer,
    /// Proved instant of sending (D.Lgs. 82/2005, art. 45).
    #[schema(format = DateTime, max_length = 40)]
    sent_at: Option<String>,
    /// Proved instant of receipt (D.Lgs. 82/2005, art. 6).
    #[schema(format = DateTime, max_length = 40)]
    received_at: Option<String>,
    /// What happened, oldest first.
    #[schema(max_items = 1000)]
    events: Vec<EventAnswer>,
}

fn shown(one: Watched) -> DeliveryAnswer {
    let Watched { delivery: it, number } = one;
    DeliveryAnswer {
        id: it.id.to_string(),
        registration: it.registration.map(|id| id.to_string()),
        number,
        channel: it.channel.name(),
        recipient: it.recipient_name,
        address: it.address,
        body: it.recipient_body.map(|body| body.to_string()),
        state: it.state.name(),
        exchange_state: it.exchange_state,
        proposal: it.proposal,
        created_at: at(it.created_at),
        changed_at: at(it.changed_at),
    }
}

fn at(micros: i64) -> String {
    Moment::from_micros(micros).rfc3339()
}

fn time(at: Timestamp) -> String {
    Moment::new(at).rfc3339()
}

fn whole(it: Opened) -> WholeDelivery {
    let mut events: Vec<_> =
        it.facts.into_iter().map(of_fact).chain(it.answers.into_iter().map(of_answer)).collect();
    events.sort_by_key(|event| event.0);
    WholeDelivery {
        delivery: shown(it.watched),
        sent_at: it.sent_at.map(time),
        received_at: it.received_at.map(time),
        events: events.into_iter().map(|(_, event)| event).collect(),
    }
}

fn of_fact(known: KnownFact) -> (i64, EventAnswer) {
    let event = EventAnswer {
        attempt: Some(known.fact.attempt),
        event: known.fact.event.name(),
        at: time(known.fact.at),
        proof: known.evidence,
        verdict: known.verdict,
        note: known.note,
    };
    (known.fact.at.as_microsecond(), event)
}

fn of_answer(known: KnownAnswer) -> (i64, EventAnswer) {
    let note = [known.own_identifier, known.reason].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let event = EventAnswer {
        attempt: None,
        event: known.answer.name(),
        at: at(known.at),
        proof: known.evidence,
        verdict: None,
        note: Some(note).filter(|note| !note.is_empty()),
    };
    (known.at, event)
}

/// Deliveries of an entry, in the order of its recipients.
#[utoipa::path(get, path = "/api/v1/registrations/{id}/deliveries", operation_id = "list_deliveries_of_registration", tag = "deliveries",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = DeliveryPage),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn of_registration(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<DeliveryPage>, Fault> {
    let all = watch::of_registration(&ctx, registration_id(&id)?).await?;
    let one = |delivery: StoredDelivery| shown(Watched { delivery, number: None });
    Ok(Json(DeliveryPage { items: all.into_iter().map(one).collect(), next: None }))
}

/// A recipient.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipientRequest {
    /// Name; of the earlier recipient when a delivery is replaced.
    #[serde(default)]
    #[schema(max_length = 400)]
    name: String,
    /// `hub`, `pec` or `email`.
    #[schema(max_length = 8)]
    channel: String,
    /// Mail address; not needed in the hub.
    #[serde(default)]
    #[schema(max_length = 320)]
    address: String,
    /// IPA code of the body, when the recipient is one; needed in the hub.
    #[schema(max_length = 32)]
    body: Option<String>,
    /// Whether to ask for a confirmation of registration.
    #[serde(default)]
    confirm: bool,
}

impl RecipientRequest {
    fn read(self, pointer: &str) -> Result<Recipient, Invalid> {
        let channel = Channel::parse(&self.channel)
            .ok_or_else(|| Invalid::with(format!("{pointer}/channel"), "unknown-channel", &self.channel))?;
        let body = self.body.as_deref().map(IpaCode::parse).transpose();
        let body = body.map_err(|_| {
            Invalid::with(format!("{pointer}/body"), "bad-code", self.body.as_deref().unwrap_or_default())
        })?;
        Ok(Recipient { name: self.name, channel, address: self.address, body, confirm: self.confirm })
    }
}

/// What to send to whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendingRequest {
    /// Covering text.
    #[serde(default)]
    #[schema(max_length = 20000)]
    text: String,
    /// Recipients, in any mix of channels.
    #[schema(min_items = 1, max_items = 500)]
    recipients: Vec<RecipientRequest>,
    /// Whether to refuse, naming each recipient who was sent the same main document before.
    #[serde(default)]
    refuse_repeated: bool,
}

/// Sends an outgoing entry: one delivery for each recipient, in the same order.
#[utoipa::path(post, path = "/api/v1/registrations/{id}/deliveries", operation_id = "send_registration", tag = "deliveries",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = SendingRequest,
    responses((status = 201, body = DeliveryPage),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn create(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<Response, Fault> {
    let asked: SendingRequest = json::read(&body)?;
    let recipients = asked.recipients.into_iter().enumerate();
    let recipients = recipients.map(|(i, one)| one.read(&format!("/recipients/{i}")));
    let registration = registration_id(&id)?;
    let what = Sending {
        registration: registration.clone(),
        text: asked.text,
        recipients: recipients.collect::<Result<_, _>>()?,
    };
    if asked.refuse_repeated {
        warned(&sent_before(&ctx, &what).await?).or(())?;
    }
    let made = send(&ctx, what).await?;
    let all = watch::of_registration(&ctx, registration).await?;
    let new = all.into_iter().filter(|one| made.contains(&one.id));
    let items = new.map(|delivery| shown(Watched { delivery, number: None })).collect();
    Ok((StatusCode::CREATED, Json(DeliveryPage { items, next: None })).into_response())
}

#[derive(Deserialize)]
struct Asked {
    state: Option<String>,
    cursor: Option<String>,
}

/// Deliveries of the body, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", operation_id = "list_deliveries", tag = "deliveries",
    params(("state" = Option<String>, Query, max_length = 32), ("cursor" = Option<String>, Query, max_length = 400)),
    responses((status = 200, body = DeliveryPage)))]
async fn list(Who(ctx): Who, Query(asked): Query<Asked>) -> Result<Json<DeliveryPage>, Fault> {
    let state = match asked.state.as_deref() {
        None => None,
        Some(name) => {
            let known = DeliveryState::parse(name);
            Some(known.ok_or_else(|| Invalid::with("/state", "unknown-state", name))?)
        }
    };
    let page = watch::list(&ctx, state, asked.cursor.as_deref()).await?;
    Ok(Json(DeliveryPage { items: page.lines.into_iter().map(shown).collect(), next: page.next }))
}

/// One delivery with its events.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", operation_id = "read_delivery", tag = "deliveries",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = WholeDelivery),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn one(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<WholeDelivery>, Fault> {
    Ok(Json(whole(watch::open(&ctx, id_of(&id)?).await?)))
}

/// The message that proves an event, byte by byte.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}/proofs/{sha256}", operation_id = "read_proof", tag = "deliveries",
    params(("id" = String, Path, max_length = 40), ("sha256" = String, Path, max_length = 64)),
    responses((status = 200, content_type = "message/rfc822", body = String),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn proof(Who(ctx): Who, Path((id, sha256)): Path<(String, String)>) -> Result<Response, Fault> {
    let bytes = watch::proof(&ctx, id_of(&id)?, &sha256).await?;
    Ok(serve_file::whole(desk::File { name: format!("{id}.eml"), bytes }, "message/rfc822"))
}

/// Tries again now.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retries", operation_id = "retry_delivery", tag = "deliveries",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 204, description = "It leaves now"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn retry(Who(ctx): Who, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    decide::retry(&ctx, id_of(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why a delivery is given up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosureRequest {
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
}

/// Gives a delivery up.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/closure", operation_id = "close_delivery", tag = "deliveries",
    params(("id" = String, Path, max_length = 40)), request_body = ClosureRequest,
    responses((status = 204, description = "Closed"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn close(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: ClosureRequest = json::read(&body)?;
    decide::give_up(&ctx, id_of(&id)?, &asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes a delivery and sends the same entry by another road.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/replacement", operation_id = "replace_delivery", tag = "deliveries",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = RecipientRequest,
    responses((status = 201, body = WholeDelivery),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn replace(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let mut asked: RecipientRequest = json::read(&body)?;
    if asked.name.trim().is_empty() {
        asked.name = watch::open(&ctx, id.clone()).await?.watched.delivery.recipient_name;
    }
    let new = decide::change_road(&ctx, id, asked.read("/recipients/0")?).await?;
    let place = format!("/api/v1/deliveries/{new}");
    let made = whole(watch::open(&ctx, new).await?);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(made)).into_response())
}

fn id_of(text: &str) -> Result<DeliveryId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}
