//! The emergency register for programs (D.P.R. 445/2000, art. 63): periods, authorisations, restoration, and the
//! entries by hand with a trial first.

use app::use_cases::emergency::{self, Opening, Outcome, Period, ReportRow};
use app::{Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery};
use axum::http::StatusCode;
use axum::routing::{get, post};
use domain::body::AooCode;
use domain::ids::EmergencyId;
use domain::{Invalid, Moment};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::error::{Fault, Problem};
use crate::json;
use crate::routes::{Access, Entry};
use crate::who::Who;

/// Largest table of entries, bytes: that of the use case.
const TABLE_MAX: usize = 8 * 1024 * 1024;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let keeps = Access::May(Verb::KeepEmergency);
    let authorises = Access::May(Verb::AuthorizeEmergency);
    vec![
        Entry::api("GET", "/api/v1/emergency-periods", keeps, get(list)),
        Entry::api("POST", "/api/v1/emergency-periods", authorises, post(open)),
        Entry::api("POST", "/api/v1/emergency-periods/{id}/authorisations", authorises, post(prolong)),
        Entry::api("POST", "/api/v1/emergency-periods/{id}/restoration", authorises, post(restore)),
        Entry::api(
            "POST",
            "/api/v1/emergency-periods/{id}/entries",
            keeps,
            post(bring_in).layer(DefaultBodyLimit::max(TABLE_MAX)),
        ),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(list, open, prolong, restore, bring_in))]
    struct Slice;
    Slice::openapi()
}

/// A period in which registration was by hand.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeriodAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// Area.
    #[schema(max_length = 32)]
    aoo: String,
    /// Code that begins its numbers.
    #[schema(example = "EM-2026-03", max_length = 20)]
    code: String,
    /// What broke.
    #[schema(max_length = 1000)]
    cause: String,
    /// Since when.
    #[schema(format = "date-time", max_length = 40)]
    started_at: String,
    /// Until when it is authorised.
    #[schema(format = "date-time", max_length = 40)]
    authorised_until: String,
    /// When the system worked again.
    #[schema(format = "date-time", max_length = 40)]
    restored_at: Option<String>,
    /// Entries brought in so far.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    entries: i64,
}

impl From<Period> for PeriodAnswer {
    fn from(it: Period) -> Self {
        let instant = |micros| Moment::from_micros(micros).rfc3339();
        Self {
            id: it.id.to_string(),
            aoo: it.aoo.to_string(),
            code: it.code,
            cause: it.cause,
            started_at: instant(it.started_at),
            authorised_until: instant(it.authorised_until),
            restored_at: it.restored_at.map(instant),
            entries: it.entries,
        }
    }
}

/// Periods, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeriodPage {
    /// The periods.
    #[schema(max_items = 200)]
    items: Vec<PeriodAnswer>,
}

/// Lists the periods of the body.
#[utoipa::path(get, path = "/api/v1/emergency-periods", operation_id = "list_emergency_periods", tag = "registrations",
    responses((status = 200, body = PeriodPage)))]
async fn list(Who(ctx): Who) -> Result<Json<PeriodPage>, Fault> {
    let items = emergency::list(&ctx).await?.into_iter().map(PeriodAnswer::from).collect();
    Ok(Json(PeriodPage { items }))
}

/// What opens a period.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningRequest {
    /// Area.
    #[schema(max_length = 32)]
    aoo: String,
    /// What broke.
    #[schema(max_length = 1000)]
    cause: String,
    /// Since when.
    #[schema(format = "date-time", max_length = 40)]
    started_at: String,
    /// Act of the records manager.
    #[schema(max_length = 1000)]
    order_reference: String,
}

fn instant(text: &str, pointer: &str) -> Result<Timestamp, Invalid> {
    let wrong = |_| Invalid::with(pointer, "bad-date", text.chars().take(40).collect::<String>());
    text.parse().map_err(wrong)
}

fn id_of(text: &str) -> Result<EmergencyId, Fault> {
    Ok(text.parse().map_err(|_| Error::NotFound)?)
}

/// One period of the body, as it stands now.
async fn period(ctx: &app::Context, id: EmergencyId) -> Result<Json<PeriodAnswer>, Fault> {
    Ok(Json(emergency::linked(ctx, id).await?.0.into()))
}

/// Opens a period: it lasts 24 hours.
#[utoipa::path(post, path = "/api/v1/emergency-periods", operation_id = "open_emergency_period", tag = "registrations",
    request_body = OpeningRequest,
    responses((status = 201, body = PeriodAnswer), (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn open(Who(ctx): Who, body: Bytes) -> Result<(StatusCode, Json<PeriodAnswer>), Fault> {
    let asked: OpeningRequest = json::read(&body)?;
    let opening = Opening {
        aoo: AooCode::parse(&asked.aoo)?,
        cause: asked.cause,
        started_at: instant(&asked.started_at, "/started_at")?,
        reference: asked.order_reference,
    };
    let id = emergency::open(&ctx, opening).await?;
    Ok((StatusCode::CREATED, period(&ctx, id).await?))
}

/// What prolongs a period.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorisationRequest {
    /// Act of the records manager.
    #[schema(max_length = 1000)]
    order_reference: String,
    /// Until when; at most a week after the end of the last authorisation.
    #[schema(format = "date-time", max_length = 40)]
    valid_until: String,
}

/// Prolongs a period by at most a week.
#[utoipa::path(post, path = "/api/v1/emergency-periods/{id}/authorisations", operation_id = "prolong_emergency_period",
    tag = "registrations", params(("id" = String, Path, max_length = 40)), request_body = AuthorisationRequest,
    responses((status = 200, body = PeriodAnswer), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn prolong(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<Json<PeriodAnswer>, Fault> {
    let id = id_of(&id)?;
    let asked: AuthorisationRequest = json::read(&body)?;
    let until = instant(&asked.valid_until, "/valid_until")?;
    emergency::authorise(&ctx, id.clone(), asked.order_reference, until).await?;
    period(&ctx, id).await
}

/// When the system worked again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestorationRequest {
    /// When.
    #[schema(format = "date-time", max_length = 40)]
    restored_at: String,
}

/// Closes a period: from then on its entries can be brought in.
#[utoipa::path(post, path = "/api/v1/emergency-periods/{id}/restoration", operation_id = "restore_emergency_period",
    tag = "registrations", params(("id" = String, Path, max_length = 40)), request_body = RestorationRequest,
    responses((status = 200, body = PeriodAnswer), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn restore(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<Json<PeriodAnswer>, Fault> {
    let id = id_of(&id)?;
    let asked: RestorationRequest = json::read(&body)?;
    emergency::restore(&ctx, id.clone(), instant(&asked.restored_at, "/restored_at")?).await?;
    period(&ctx, id).await
}

/// What became of one row.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowAnswer {
    /// Line of the table, from 1.
    #[schema(minimum = 1, maximum = 9007199254740991_u64)]
    line: u64,
    /// Number by hand, when it could be read.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    number: Option<i64>,
    /// `ready`, `registered`, `before` (brought in before), `differs` (in use with other data) or `faulty`.
    #[schema(max_length = 10)]
    outcome: &'static str,
    /// Ordinary number.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    ordinary_number: Option<i64>,
    /// Its year.
    #[schema(minimum = 1, maximum = 9999)]
    year: Option<i64>,
    /// Fields that are wrong, as JSON pointers.
    #[schema(max_items = 10)]
    faults: Vec<String>,
}

impl From<ReportRow> for RowAnswer {
    fn from(row: ReportRow) -> Self {
        let (outcome, ordinary) = match &row.outcome {
            Outcome::Ready => ("ready", None),
            Outcome::Registered(number, year) => ("registered", Some((*number, *year))),
            Outcome::Before(number, year) => ("before", Some((*number, *year))),
            Outcome::Differs(number, year) => ("differs", Some((*number, *year))),
            Outcome::Faulty(_) => ("faulty", None),
        };
        let faults = match row.outcome {
            Outcome::Faulty(faults) => faults.errors.into_iter().map(|fault| fault.pointer).collect(),
            _ => Vec::new(),
        };
        Self {
            line: row.line,
            number: row.number,
            outcome,
            ordinary_number: ordinary.map(|(number, _)| number),
            year: ordinary.map(|(_, year)| year),
            faults,
        }
    }
}

/// The report of a table, row by row.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportAnswer {
    /// The rows.
    #[schema(max_items = 100000)]
    items: Vec<RowAnswer>,
}

/// Brings the entries by hand in, or says what would happen (`trial=true`). The same table again adds nothing.
#[utoipa::path(post, path = "/api/v1/emergency-periods/{id}/entries", operation_id = "import_emergency_entries",
    tag = "registrations", params(("id" = String, Path, max_length = 40), ("trial" = Option<bool>, Query)),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ReportAnswer), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn bring_in(
    Who(ctx): Who,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    table: Bytes,
) -> Result<Json<ReportAnswer>, Fault> {
    let id = id_of(&id)?;
    let rows = match query.as_deref().unwrap_or_default() {
        "trial=true" => emergency::dry_run(&ctx, id, &table).await?,
        "" | "trial=false" => emergency::import(&ctx, id, &table).await?,
        _ => return Err(Fault::BadRequest("bad-query")),
    };
    Ok(Json(ReportAnswer { items: rows.into_iter().map(RowAnswer::from).collect() }))
}
