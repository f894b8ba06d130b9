//! Answers on a case, for programs: the letters offered, the draft, its preview, and one act that composes, seals,
//! registers and sends.
//!
//! The same draft stands behind the page of the answer: what a program keeps here, a person goes on with there.

use app::Error;
use app::Verb;
use app::use_cases::answer::{self, Answer, To};
use app::use_cases::bodies;
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use domain::ids::CaseId;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::error::{Fault, Problem};
use crate::json;
use crate::routes::{Access, Entry};
use crate::who::Who;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let writes = Access::May(Verb::WriteAnswer);
    vec![
        Entry::api("GET", "/api/v1/letters", writes, get(letters)),
        Entry::api("POST", "/api/v1/letters/preview", writes, post(preview)),
        Entry::api("GET", "/api/v1/cases/{id}/answer", writes, get(read)),
        Entry::api("PUT", "/api/v1/cases/{id}/answer", writes, put(keep)),
        Entry::api("POST", "/api/v1/cases/{id}/answers", writes, post(send)),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(letters, preview, read, keep, send))]
    struct Slice;
    Slice::openapi()
}

fn id_of(text: &str) -> Result<CaseId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

/// A letter that an answer may be written from.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterOffered {
    /// Key, for `letter` of an answer.
    #[schema(max_length = 40)]
    key: String,
    /// Title.
    #[schema(max_length = 400)]
    title: String,
}

/// The letters offered.
#[derive(Debug, Serialize, ToSchema)]
pub struct LettersOffered {
    /// Those of the house, then the body's own.
    #[schema(max_items = 1000)]
    items: Vec<LetterOffered>,
}

/// Letters that an answer may be written from.
#[utoipa::path(get, path = "/api/v1/letters", operation_id = "list_letters", tag = "answers",
    responses((status = 200, body = LettersOffered)))]
async fn letters(Who(ctx): Who) -> Result<Json<LettersOffered>, Fault> {
    let offered = answer::offered(&ctx).await?;
    let items = offered.into_iter().map(|(key, title)| LetterOffered { key, title }).collect();
    Ok(Json(LettersOffered { items }))
}

/// The road to a recipient.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerRoad {
    /// A body of this installation.
    Hub,
    /// Certified mail.
    Pec,
    /// Ordinary e-mail.
    Email,
}

impl AnswerRoad {
    const ALL: [(Self, &'static str); 3] = [(Self::Hub, "hub"), (Self::Pec, "pec"), (Self::Email, "email")];

    fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Pec => "pec",
            Self::Email => "email",
        }
    }

    /// The road of a name; drafts hold no other than these three.
    fn of(name: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == name).map_or(Self::Email, |(road, _)| *road)
    }
}

/// A recipient of an answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRecipient {
    /// Road.
    channel: AnswerRoad,
    /// Name.
    #[schema(max_length = 400)]
    name: String,
    /// Address, or IPA code of the body for `hub`.
    #[schema(max_length = 400)]
    address: String,
}

/// An answer as far as it is written.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerContent {
    /// Key of the letter it is written from.
    #[schema(max_length = 40)]
    letter: String,
    /// Subject, also of the register entry.
    #[serde(default)]
    #[schema(max_length = 4000)]
    subject: String,
    /// To whom the letter speaks.
    #[serde(default)]
    #[schema(max_length = 400)]
    recipient: String,
    /// What it refers to.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reference: String,
    /// The officer's own words.
    #[serde(default)]
    #[schema(max_length = 60000)]
    text: String,
    /// Class of the register entry.
    #[serde(default)]
    #[schema(max_length = 40)]
    classification: String,
    /// Recipients.
    #[serde(default)]
    #[schema(max_items = 200)]
    to: Vec<AnswerRecipient>,
}

impl From<AnswerContent> for Answer {
    fn from(it: AnswerContent) -> Self {
        let to = |to: AnswerRecipient| To {
            channel: to.channel.name().to_owned(),
            name: to.name,
            address: to.address,
        };
        Self {
            letter: it.letter,
            subject: it.subject,
            recipient: it.recipient,
            reference: it.reference,
            text: it.text,
            classification: it.classification,
            to: it.to.into_iter().map(to).collect(),
        }
    }
}

impl From<Answer> for AnswerContent {
    fn from(it: Answer) -> Self {
        let to = |to: To| AnswerRecipient {
            channel: AnswerRoad::of(&to.channel),
            name: to.name,
            address: to.address,
        };
        Self {
            letter: it.letter,
            subject: it.subject,
            recipient: it.recipient,
            reference: it.reference,
            text: it.text,
            classification: it.classification,
            to: it.to.into_iter().map(to).collect(),
        }
    }
}

/// The letter as it would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterPreview {
    /// Its text, paragraphs divided by an empty line.
    #[schema(max_length = 200000)]
    text: String,
}

/// Shows the letter of an answer as it would be; nothing is kept.
#[utoipa::path(post, path = "/api/v1/letters/preview", operation_id = "preview_letter", tag = "answers",
    request_body = AnswerContent, responses((status = 200, body = LetterPreview)))]
async fn preview(Who(ctx): Who, body: Bytes) -> Result<Json<LetterPreview>, Fault> {
    let asked: AnswerContent = json::read(&body)?;
    let office = bodies::find(&ctx, ctx.actor.body.as_str()).await?.name;
    let text = answer::preview(&ctx, &asked.into(), &office).await?;
    Ok(Json(LetterPreview { text }))
}

/// The caller's draft of the answer on a case; where there is none, one begun from what the case knows.
#[utoipa::path(get, path = "/api/v1/cases/{id}/answer", operation_id = "read_answer_draft", tag = "answers",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = AnswerContent),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn read(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<AnswerContent>, Fault> {
    Ok(Json(answer::load(&ctx, id_of(&id)?).await?.into()))
}

/// Keeps the caller's draft of the answer on a case, in the place of the one before.
#[utoipa::path(put, path = "/api/v1/cases/{id}/answer", operation_id = "keep_answer_draft", tag = "answers",
    params(("id" = String, Path, max_length = 40)), request_body = AnswerContent,
    responses((status = 204, description = "Kept"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn keep(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: AnswerContent = json::read(&body)?;
    answer::keep(&ctx, id_of(&id)?, &asked.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Faults of the entry's correspondents and of the sending's recipients stand where the program gave them: in `to`.
fn in_place(error: Error) -> Fault {
    let Error::Invalid(mut invalid) = error else { return error.into() };
    for fault in &mut invalid.errors {
        for start in ["/recipients", "/correspondents"] {
            if let Some(rest) = fault.pointer.strip_prefix(start) {
                let place = rest.strip_suffix("/body").or_else(|| rest.strip_suffix("/digital_domicile"));
                fault.pointer = place.map_or_else(|| format!("/to{rest}"), |at| format!("/to{at}/address"));
                break;
            }
        }
    }
    invalid.into()
}

/// What sending an answer made.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnswerSent {
    /// The outgoing register entry.
    #[schema(max_length = 40)]
    registration: String,
    /// Number and year, as on pages.
    #[schema(max_length = 40)]
    label: String,
    /// Deliveries, in the order of the recipients.
    #[schema(max_items = 200)]
    deliveries: Vec<String>,
}

/// Composes and seals the answer, registers it as outgoing and queues it for every recipient, all or nothing.
#[utoipa::path(post, path = "/api/v1/cases/{id}/answers", operation_id = "send_answer", tag = "answers",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = AnswerContent,
    responses((status = 201, body = AnswerSent),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn send(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<Response, Fault> {
    let asked: AnswerContent = json::read(&body)?;
    let sent = answer::send(&ctx, id_of(&id)?, asked.into()).await.map_err(in_place)?;
    let place = format!("/api/v1/registrations/{}", sent.registration);
    let told = AnswerSent {
        registration: sent.registration.to_string(),
        label: sent.label,
        deliveries: sent.deliveries.iter().map(ToString::to_string).collect(),
    };
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(told)).into_response())
}
