//! Dossiers for programs: the list, a new one (or a part of one), and one whole with its timeline.
//!
//! What is done to a dossier is in `dossier_acts.rs`. A dossier that the caller may not see whole has only id, code
//! and opening date, as on the pages; the other members are null.

use app::use_cases::cursor::{self, Place};
use app::use_cases::dossier::open::open_dossier;
use app::use_cases::dossier::read::{self, Opened, Sheet, Shown};
use app::use_cases::dossier::{Assigned, Event, Filed, Filter};
use app::{Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::Invalid;
use domain::Moment;
use domain::dossier::{Confidentiality, Dossier, DossierKind, DossierState, NewDossier};
use domain::ids::{DossierId, UnitId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::cases::CaseAnswer;
use crate::error::{Fault, Problem};
use crate::json;
use crate::routes::{Access, Entry};
use crate::who::Who;

/// Dossiers on one page when the caller does not say.
const PAGE: i64 = 50;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let reads = Access::May(Verb::ReadDossier);
    vec![
        Entry::api("GET", "/api/v1/dossiers", reads, get(list)),
        Entry::api("POST", "/api/v1/dossiers", Access::May(Verb::OpenDossier), post(create)),
        Entry::api("GET", "/api/v1/shared-dossiers", reads, get(list_shared)),
        Entry::api("GET", "/api/v1/dossiers/{id}", reads, get(one)),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(list, create, list_shared, one))]
    struct Slice;
    Slice::openapi()
}

/// An instant of the store, in words.
pub(super) fn instant(micros: i64) -> String {
    Moment::from_micros(micros).rfc3339()
}

/// An instant of the domain, in words.
pub(super) fn stamp(at: Timestamp) -> String {
    Moment::new(at).rfc3339()
}

/// A dossier, as far as the caller may see it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct DossierAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// Code.
    #[schema(example = "2026-VI.3/12", max_length = 80)]
    code: String,
    /// When it was opened.
    #[schema(format = "date-time", max_length = 40)]
    opened_at: String,
    /// IPA code of the body that holds it.
    #[schema(max_length = 32)]
    body: Option<String>,
    /// Class.
    #[schema(max_length = 32)]
    classification: Option<String>,
    /// The dossier of which it is a part.
    #[schema(max_length = 40)]
    parent: Option<String>,
    /// `matter`, `activity`, `natural_person`, `legal_person` or `procedure`.
    #[schema(max_length = 20)]
    kind: Option<&'static str>,
    /// What it is about.
    #[schema(max_length = 4000)]
    subject: Option<String>,
    /// `public`, `office`, `assignee`, `confidential` or `special`.
    #[schema(max_length = 20)]
    confidentiality: Option<&'static str>,
    /// `open`, `closed`, `in_deposit`, `sent_to_preservation`, `disposed` or `kept`.
    #[schema(max_length = 24)]
    state: Option<&'static str>,
    /// Office in charge.
    #[schema(max_length = 40)]
    unit: Option<String>,
    /// Account of the officer in charge.
    #[schema(max_length = 40)]
    officer: Option<String>,
    /// Name of the officer, as it was.
    #[schema(max_length = 400)]
    officer_name: Option<String>,
    /// When it was closed.
    #[schema(format = "date-time", max_length = 40)]
    closed_at: Option<String>,
}

impl From<Dossier> for DossierAnswer {
    fn from(it: Dossier) -> Self {
        Self {
            id: it.id.to_string(),
            code: it.code,
            opened_at: stamp(it.opened_at),
            body: Some(it.body.to_string()),
            classification: Some(it.classification),
            parent: it.parent.map(|id| id.to_string()),
            kind: Some(it.kind.name()),
            subject: Some(it.subject),
            confidentiality: Some(it.confidentiality.name()),
            state: Some(it.state.name()),
            unit: it.unit.map(|id| id.to_string()),
            officer: it.officer.map(|id| id.to_string()),
            officer_name: it.officer_name,
            closed_at: it.closed_at.map(stamp),
        }
    }
}

impl From<Shown> for DossierAnswer {
    fn from(it: Shown) -> Self {
        match it {
            Shown::Full(dossier) => dossier.into(),
            Shown::CodeAndDate { id, code, opened_at } => {
                Self { id: id.to_string(), code, opened_at: stamp(opened_at), ..Self::default() }
            }
        }
    }
}

/// Dossiers, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DossierPage {
    /// The dossiers.
    #[schema(max_items = 200)]
    items: Vec<DossierAnswer>,
    /// Cursor of the next page.
    #[schema(max_length = 400)]
    next: Option<String>,
}

/// A register entry in a dossier or case.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiledAnswer {
    /// The entry.
    #[schema(max_length = 40)]
    registration: String,
    /// Year of the number.
    #[schema(minimum = 1, maximum = 9999)]
    year: i64,
    /// Number.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    number: i64,
    /// When it was registered.
    #[schema(format = "date-time", max_length = 40)]
    registered_at: String,
    /// `incoming`, `outgoing` or `internal`.
    #[schema(max_length = 10)]
    direction: &'static str,
    /// Subject; null for who may not see the entry.
    #[schema(max_length = 4000)]
    subject: Option<String>,
    /// Id of the main file; null for who may not see the entry.
    #[schema(max_length = 40)]
    document: Option<String>,
    /// Whether the entry was annulled.
    annulled: bool,
}

impl From<Filed> for FiledAnswer {
    fn from(it: Filed) -> Self {
        Self {
            registration: it.registration.to_string(),
            year: it.year,
            number: it.number,
            registered_at: instant(it.at),
            direction: it.direction.name(),
            subject: it.subject,
            document: it.document.map(|(id, _)| id.to_string()),
            annulled: it.annulled,
        }
    }
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineEvent {
    /// When.
    #[schema(format = "date-time", max_length = 40)]
    at: String,
    /// Who, by name.
    #[schema(max_length = 400)]
    actor: String,
    /// What, as the journal's verb.
    #[schema(example = "dossier.state", max_length = 80)]
    verb: String,
    /// Id or code of the thing it is about.
    #[schema(max_length = 400)]
    about: Option<String>,
    /// Reason or note.
    #[schema(max_length = 10000)]
    note: Option<String>,
}

impl From<Event> for TimelineEvent {
    fn from(it: Event) -> Self {
        Self { at: instant(it.at), actor: it.actor, verb: it.verb, about: it.about, note: it.note }
    }
}

/// To whom a dossier was given.
#[derive(Debug, Serialize, ToSchema)]
pub struct DossierAssignmentAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// `competence` or `information`.
    #[schema(max_length = 16)]
    kind: &'static str,
    /// Office.
    #[schema(max_length = 40)]
    unit: Option<String>,
    /// Person.
    #[schema(max_length = 40)]
    account: Option<String>,
    /// When.
    #[schema(format = "date-time", max_length = 40)]
    at: String,
    /// A word for the assignee.
    #[schema(max_length = 1000)]
    note: Option<String>,
    /// When it was taken charge of.
    #[schema(format = "date-time", max_length = 40)]
    taken_at: Option<String>,
    /// When it ended.
    #[schema(format = "date-time", max_length = 40)]
    ended_at: Option<String>,
    /// Why it ended.
    #[schema(max_length = 1000)]
    end_reason: Option<String>,
}

impl From<Assigned> for DossierAssignmentAnswer {
    fn from(it: Assigned) -> Self {
        Self {
            id: it.id.to_string(),
            kind: it.kind.name(),
            unit: it.unit.map(|id| id.to_string()),
            account: it.account.map(|id| id.to_string()),
            at: instant(it.at),
            note: it.note,
            taken_at: it.taken_at.map(instant),
            ended_at: it.ended_at.map(instant),
            end_reason: it.end_reason,
        }
    }
}

/// A person named on a dossier.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReaderAnswer {
    /// Account.
    #[schema(max_length = 40)]
    account: String,
    /// Name, as it was.
    #[schema(max_length = 400)]
    name: String,
    /// Since when.
    #[schema(format = "date-time", max_length = 40)]
    since: String,
}

/// A sharing with another body.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareAnswer {
    /// IPA code of the other body.
    #[schema(max_length = 32)]
    body: String,
    /// Its name.
    #[schema(max_length = 400)]
    name: String,
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
    /// Since when.
    #[schema(format = "date-time", max_length = 40)]
    since: String,
    /// When it ended.
    #[schema(format = "date-time", max_length = 40)]
    ended_at: Option<String>,
}

/// One dossier whole.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct WholeDossier {
    /// The dossier.
    #[serde(flatten)]
    dossier: DossierAnswer,
    /// Whether the caller's body holds it, and so may change it.
    own: bool,
    /// Its register entries.
    #[schema(max_items = 500)]
    documents: Vec<FiledAnswer>,
    /// Its cases.
    #[schema(max_items = 10000)]
    cases: Vec<CaseAnswer>,
    /// Its parts.
    #[schema(max_items = 10000)]
    parts: Vec<DossierAnswer>,
    /// Assignments, newest first.
    #[schema(max_items = 10000)]
    assignments: Vec<DossierAssignmentAnswer>,
    /// Persons named one by one.
    #[schema(max_items = 10000)]
    readers: Vec<ReaderAnswer>,
    /// Sharings with other bodies.
    #[schema(max_items = 10000)]
    shares: Vec<ShareAnswer>,
    /// What happened, newest first.
    #[schema(max_items = 500)]
    timeline: Vec<TimelineEvent>,
}

impl From<Sheet> for WholeDossier {
    fn from(it: Sheet) -> Self {
        let reader = |one: app::use_cases::dossier::Reader| ReaderAnswer {
            account: one.account.to_string(),
            name: one.name,
            since: instant(one.at),
        };
        let share = |(one, name): (app::use_cases::dossier::Share, String)| ShareAnswer {
            body: one.with.to_string(),
            name,
            reason: one.reason,
            since: instant(one.at),
            ended_at: one.ended_at.map(instant),
        };
        Self {
            dossier: it.dossier.into(),
            own: it.own,
            documents: it.documents.into_iter().map(FiledAnswer::from).collect(),
            cases: it.cases.into_iter().map(CaseAnswer::from).collect(),
            parts: it.parts.into_iter().map(DossierAnswer::from).collect(),
            assignments: it.assignments.into_iter().map(DossierAssignmentAnswer::from).collect(),
            readers: it.readers.into_iter().map(reader).collect(),
            shares: it.shares.into_iter().map(share).collect(),
            timeline: it.timeline.into_iter().map(TimelineEvent::from).collect(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    q: Option<String>,
    class: Option<String>,
    state: Option<String>,
    parent: Option<String>,
    mine: bool,
    limit: Option<i64>,
    cursor: Option<String>,
}

impl Wish {
    /// The filter; the words of the cursor are those of an answer before.
    fn filter(self) -> Result<Filter, Fault> {
        let after = match &self.cursor {
            Some(words) => {
                let place = cursor::read(Some(words))?;
                Some((place.at, place.id))
            }
            None => None,
        };
        if self.q.as_ref().is_some_and(|words| words.chars().count() > 200) {
            return Err(Error::from(Invalid::with("/q", "too-long", "200")).into());
        }
        let parent = self.parent.map(|id| id.parse().map_err(|_| Error::NotFound)).transpose()?;
        Ok(Filter {
            state: self.state.as_deref().map(DossierState::parse).transpose()?,
            class: self.class,
            text: self.q.map(|words| words.chars().take(200).collect()),
            parent,
            mine: self.mine,
            after,
        })
    }
}

/// Lists the dossiers of the body, newest first.
#[utoipa::path(get, path = "/api/v1/dossiers", operation_id = "list_dossiers", tag = "dossiers",
    params(("q" = Option<String>, Query, max_length = 200, description = "Words of the subject, or a whole code."),
        ("class" = Option<String>, Query, max_length = 32, description = "Class, with those below it."),
        ("state" = Option<String>, Query, max_length = 24, description = "State."),
        ("parent" = Option<String>, Query, max_length = 40, description = "Only the parts of this dossier."),
        ("mine" = Option<bool>, Query, description = "Only those whose officer is the caller."),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 200, description = "Most dossiers of a page."),
        ("cursor" = Option<String>, Query, max_length = 400, description = "`next` of the page before.")),
    responses((status = 200, body = DossierPage),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn list(Who(ctx): Who, Query(wish): Query<Wish>) -> Result<Json<DossierPage>, Fault> {
    let limit = wish.limit.unwrap_or(PAGE);
    let page = read::list(&ctx, wish.filter()?, limit).await?;
    let next = page.next.map(|(at, id)| cursor::write(&Place { at, id }));
    Ok(Json(DossierPage { items: page.items.into_iter().map(DossierAnswer::from).collect(), next }))
}

/// Lists the dossiers that other bodies share with the caller's; at most 200, in one page.
#[utoipa::path(get, path = "/api/v1/shared-dossiers", operation_id = "list_shared_dossiers", tag = "dossiers",
    responses((status = 200, body = DossierPage)))]
async fn list_shared(Who(ctx): Who) -> Result<Json<DossierPage>, Fault> {
    let found = read::shared_with_us(&ctx).await?;
    Ok(Json(DossierPage { items: found.into_iter().map(DossierAnswer::from).collect(), next: None }))
}

/// What opens a dossier.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DossierRequest {
    /// Class of the scheme; a part takes the whole's.
    #[serde(default)]
    #[schema(max_length = 32)]
    classification: String,
    /// What it is about.
    #[schema(max_length = 4000)]
    subject: String,
    /// `matter`, `activity`, `natural_person`, `legal_person` or `procedure`.
    #[schema(value_type = String, max_length = 20)]
    kind: DossierKind,
    /// `public` (when absent), `office`, `assignee`, `confidential` or `special`.
    #[schema(value_type = Option<String>, max_length = 20)]
    confidentiality: Option<Confidentiality>,
    /// Office in charge; the caller's when absent.
    #[schema(value_type = Option<String>, max_length = 40)]
    unit: Option<UnitId>,
    /// The dossier of which it becomes a part.
    #[schema(value_type = Option<String>, max_length = 40)]
    parent: Option<DossierId>,
}

/// Opens a dossier, or a part of one.
#[utoipa::path(post, path = "/api/v1/dossiers", operation_id = "open_dossier", tag = "dossiers",
    params(("Idempotency-Key" = Option<String>, Header, max_length = 200)), request_body = DossierRequest,
    responses((status = 201, body = DossierAnswer),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn create(Who(ctx): Who, body: Bytes) -> Result<Response, Fault> {
    let asked: DossierRequest = json::read(&body)?;
    let new = NewDossier {
        classification: asked.classification.trim().to_owned(),
        subject: asked.subject,
        kind: asked.kind,
        confidentiality: asked.confidentiality.unwrap_or(Confidentiality::Public),
        unit: asked.unit,
        parent: asked.parent,
    };
    let made = DossierAnswer::from(open_dossier(&ctx, new).await?);
    let place = format!("/api/v1/dossiers/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(made)).into_response())
}

/// One dossier with its documents, cases, parts, people and timeline.
#[utoipa::path(get, path = "/api/v1/dossiers/{id}", operation_id = "read_dossier", tag = "dossiers",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = WholeDossier),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn one(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<WholeDossier>, Fault> {
    let id: DossierId = id.parse().map_err(|_| Error::NotFound)?;
    Ok(Json(match read::open(&ctx, id.clone()).await? {
        Opened::Sheet(sheet) => (*sheet).into(),
        Opened::CodeAndDate { code, opened_at } => WholeDossier {
            dossier: Shown::CodeAndDate { id, code, opened_at }.into(),
            own: true,
            ..WholeDossier::default()
        },
    }))
}
