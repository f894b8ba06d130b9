//! Cases for programs: opening one in a dossier, reading it whole, and its acts.

use app::use_cases::case::read::Sheet;
use app::use_cases::case::{change, open, read};
use app::{Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::case::{Case, CaseState, NewCase, Participant, ParticipantRole};
use domain::ids::{CaseId, DossierId};
use domain::register::CorrespondentKind;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::dossiers::{FiledAnswer, TimelineEvent, stamp};
use crate::error::{Fault, Problem};
use crate::json;
use crate::routes::{Access, Entry};
use crate::who::Who;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let reads = Access::May(Verb::ReadDossier);
    let works = Access::May(Verb::OpenDossier);
    vec![
        Entry::api("GET", "/api/v1/dossiers/{id}/cases", reads, get(list)),
        Entry::api("POST", "/api/v1/cases", works, post(create)),
        Entry::api("GET", "/api/v1/cases/{id}", reads, get(one)),
        Entry::api("POST", "/api/v1/cases/{id}/state", works, post(set_state)),
        Entry::api("POST", "/api/v1/cases/{id}/due-date", works, post(set_due)),
        Entry::api("POST", "/api/v1/cases/{id}/notes", works, post(add_note)),
        Entry::api("POST", "/api/v1/cases/{id}/participants", works, post(add_participant)),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(list, create, one, set_state, set_due, add_note, add_participant))]
    struct Slice;
    Slice::openapi()
}

fn id_of(text: &str) -> Result<CaseId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

/// A case.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// IPA code of the body whose case it is.
    #[schema(max_length = 32)]
    body: String,
    /// Its dossier.
    #[schema(max_length = 40)]
    dossier: String,
    /// Key of the procedure.
    #[schema(max_length = 80)]
    procedure: String,
    /// What it is about.
    #[schema(max_length = 4000)]
    title: String,
    /// `open`, `waiting` or `closed`.
    #[schema(max_length = 10)]
    state: &'static str,
    /// Office in charge.
    #[schema(max_length = 40)]
    unit: Option<String>,
    /// Account of the officer in charge.
    #[schema(max_length = 40)]
    officer: Option<String>,
    /// Name of the officer, as it was.
    #[schema(max_length = 400)]
    officer_name: Option<String>,
    /// By when it must end.
    #[schema(format = "date", max_length = 10)]
    due_on: Option<String>,
    /// When it was opened.
    #[schema(format = "date-time", max_length = 40)]
    opened_at: String,
    /// When it was closed.
    #[schema(format = "date-time", max_length = 40)]
    closed_at: Option<String>,
}

impl From<Case> for CaseAnswer {
    fn from(it: Case) -> Self {
        Self {
            id: it.id.to_string(),
            body: it.body.to_string(),
            dossier: it.dossier.to_string(),
            procedure: it.procedure,
            title: it.title,
            state: it.state.name(),
            unit: it.unit.map(|id| id.to_string()),
            officer: it.officer.map(|id| id.to_string()),
            officer_name: it.officer_name,
            due_on: it.due_on.map(|date| date.to_string()),
            opened_at: stamp(it.opened_at),
            closed_at: it.closed_at.map(stamp),
        }
    }
}

/// Cases, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseList {
    /// The cases.
    #[schema(max_items = 10000)]
    items: Vec<CaseAnswer>,
}

/// Somebody who takes part in a case.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParticipantShape {
    /// `applicant`, `representative`, `body` or `interested`.
    #[schema(value_type = String, max_length = 16)]
    role: ParticipantRole,
    /// Kind of person or body, as of the correspondents of a registration.
    #[schema(value_type = String, max_length = 20)]
    kind: CorrespondentKind,
    /// Name.
    #[schema(max_length = 400)]
    name: String,
    /// Certified-mail or e-mail address.
    #[schema(max_length = 320)]
    digital_domicile: Option<String>,
}

impl From<Participant> for ParticipantShape {
    fn from(it: Participant) -> Self {
        Self { role: it.role, kind: it.kind, name: it.name, digital_domicile: it.digital_domicile }
    }
}

impl From<ParticipantShape> for Participant {
    fn from(it: ParticipantShape) -> Self {
        Self { role: it.role, kind: it.kind, name: it.name, digital_domicile: it.digital_domicile }
    }
}

/// One case whole; its deliveries are read at `/api/v1/deliveries/{id}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeCase {
    /// The case.
    #[serde(flatten)]
    case: CaseAnswer,
    /// Whether the caller's body holds it, and so may change it.
    own: bool,
    /// Who takes part.
    #[schema(max_items = 10000)]
    participants: Vec<ParticipantShape>,
    /// Its register entries.
    #[schema(max_items = 10000)]
    documents: Vec<FiledAnswer>,
    /// Ids of its deliveries.
    #[schema(max_items = 10000)]
    deliveries: Vec<String>,
    /// What happened, newest first.
    #[schema(max_items = 10000)]
    timeline: Vec<TimelineEvent>,
}

impl From<Sheet> for WholeCase {
    fn from(it: Sheet) -> Self {
        Self {
            case: it.case.into(),
            own: it.own,
            participants: it.participants.into_iter().map(ParticipantShape::from).collect(),
            documents: it.documents.into_iter().map(FiledAnswer::from).collect(),
            deliveries: it.deliveries.iter().map(|one| one.id.to_string()).collect(),
            timeline: it.timeline.into_iter().map(TimelineEvent::from).collect(),
        }
    }
}

/// Lists the cases of a dossier.
#[utoipa::path(get, path = "/api/v1/dossiers/{id}/cases", operation_id = "list_dossier_cases", tag = "cases",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = CaseList),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn list(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<CaseList>, Fault> {
    let id: DossierId = id.parse().map_err(|_| Error::NotFound)?;
    let found = read::of_dossier(&ctx, id).await?;
    Ok(Json(CaseList { items: found.into_iter().map(CaseAnswer::from).collect() }))
}

/// What opens a case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseRequest {
    /// The one dossier it belongs to.
    #[schema(value_type = String, max_length = 40)]
    dossier: DossierId,
    /// What it is about.
    #[schema(max_length = 4000)]
    title: String,
    /// By when it must end, if a date is known.
    #[schema(value_type = Option<String>, format = "date", max_length = 10)]
    due_on: Option<Date>,
    /// Who takes part.
    #[serde(default)]
    #[schema(max_items = 200)]
    participants: Vec<ParticipantShape>,
}

/// Opens a case in a dossier.
#[utoipa::path(post, path = "/api/v1/cases", operation_id = "open_case", tag = "cases",
    params(("Idempotency-Key" = Option<String>, Header, max_length = 200)), request_body = CaseRequest,
    responses((status = 201, body = CaseAnswer),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn create(Who(ctx): Who, body: Bytes) -> Result<Response, Fault> {
    let asked: CaseRequest = json::read(&body)?;
    let new = NewCase {
        dossier: asked.dossier,
        title: asked.title,
        due_on: asked.due_on,
        participants: asked.participants.into_iter().map(Participant::from).collect(),
    };
    let made = CaseAnswer::from(open::open_case(&ctx, new).await?);
    let place = format!("/api/v1/cases/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(made)).into_response())
}

/// One case with its people, documents, deliveries and timeline.
#[utoipa::path(get, path = "/api/v1/cases/{id}", operation_id = "read_case", tag = "cases",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = WholeCase),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn one(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<WholeCase>, Fault> {
    Ok(Json(read::open(&ctx, id_of(&id)?).await?.into()))
}

/// Where a case moves to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseStateRequest {
    /// `open`, `waiting` or `closed`.
    #[schema(value_type = String, max_length = 10)]
    state: CaseState,
    /// A word for the timeline.
    #[schema(max_length = 4000)]
    note: Option<String>,
}

/// Moves a case on, or closes it.
#[utoipa::path(post, path = "/api/v1/cases/{id}/state", operation_id = "set_case_state", tag = "cases",
    params(("id" = String, Path, max_length = 40)), request_body = CaseStateRequest,
    responses((status = 204, description = "Moved"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn set_state(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: CaseStateRequest = json::read(&body)?;
    change::set_state(&ctx, id_of(&id)?, asked.state, asked.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// By when a case must end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DueDateRequest {
    /// The date; null takes it away.
    #[schema(value_type = Option<String>, format = "date", max_length = 10)]
    due_on: Option<Date>,
    /// Why.
    #[schema(max_length = 4000)]
    reason: String,
}

/// Sets by when a case must end.
#[utoipa::path(post, path = "/api/v1/cases/{id}/due-date", operation_id = "set_case_due_date", tag = "cases",
    params(("id" = String, Path, max_length = 40)), request_body = DueDateRequest,
    responses((status = 204, description = "Set"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn set_due(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: DueDateRequest = json::read(&body)?;
    change::set_due(&ctx, id_of(&id)?, asked.due_on, asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A note.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// Its words.
    #[schema(max_length = 10000)]
    text: String,
}

/// Writes a note on the timeline of a case.
#[utoipa::path(post, path = "/api/v1/cases/{id}/notes", operation_id = "add_case_note", tag = "cases",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = NoteRequest,
    responses((status = 204, description = "Written"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn add_note(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: NoteRequest = json::read(&body)?;
    change::add_note(&ctx, id_of(&id)?, asked.text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds somebody who takes part in a case.
#[utoipa::path(post, path = "/api/v1/cases/{id}/participants", operation_id = "add_case_participant", tag = "cases",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = ParticipantShape,
    responses((status = 204, description = "Added"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn add_participant(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: ParticipantShape = json::read(&body)?;
    change::add_participant(&ctx, id_of(&id)?, asked.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}
