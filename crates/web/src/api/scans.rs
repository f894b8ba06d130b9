//! Scans of papers for programs: a scanner hands one over, a clerk's program attests and registers it. Shapes of the
//! entry are those of `registrations`.

use super::registrations::Metadata;
use crate::error::{Fault, Problem};
use crate::pages::scans::{scan_id, stream};
use crate::routes::{Access, Entry};
use crate::who::Who;
use crate::{json, upload};
use app::Verb;
use app::use_cases::scans::{self, Scan};
use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::scan::ScanState;
use domain::{Invalid, Moment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let api = |method, path, handler| Entry::api(method, path, Access::May(Verb::ScanIntake), handler);
    vec![
        // The limit is per file and in the settings; the body is streamed.
        api("POST", "/api/v1/scans", post(create).layer(DefaultBodyLimit::disable())),
        api("GET", "/api/v1/scans", get(list)),
        api("GET", "/api/v1/scans/{id}", get(one)),
        api("GET", "/api/v1/scans/{id}/content", get(content)),
        api("POST", "/api/v1/scans/{id}/registration", post(register)),
        api("POST", "/api/v1/scans/{id}/discard", post(throw_away)),
    ]
}

/// The description of these operations.
pub fn describe() -> utoipa::openapi::OpenApi {
    <Described as utoipa::OpenApi>::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(create, list, one, content, register, throw_away))]
struct Described;

/// A scan.
#[derive(Serialize, ToSchema)]
pub struct ScanAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// `waiting`, `refused`, `registered` or `discarded`.
    #[schema(max_length = 16)]
    state: &'static str,
    /// `folder` or `upload`.
    #[schema(max_length = 16)]
    source: String,
    /// Name.
    #[schema(max_length = 200)]
    name: String,
    /// SHA-256, hexadecimal; absent for what was refused.
    #[schema(max_length = 64)]
    sha256: Option<String>,
    /// Media type by content; empty for what was refused.
    #[schema(max_length = 200)]
    media_type: String,
    /// Size in bytes.
    #[schema(minimum = 0, maximum = 9007199254740991_u64)]
    size: u64,
    /// Pages, when known.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pages: Option<i64>,
    /// Codes of what to know about it.
    #[schema(max_items = 20)]
    flags: Vec<String>,
    /// When it came.
    #[schema(format = DateTime, max_length = 40)]
    arrived_at: String,
    /// The entry made of it.
    #[schema(max_length = 40)]
    registration: Option<String>,
    /// Code of the refusal, or why it was set aside.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// A page of scans.
#[derive(Serialize, ToSchema)]
pub struct ScanPage {
    /// The scans, newest first.
    #[schema(max_items = 50)]
    items: Vec<ScanAnswer>,
    /// Where to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 400)]
    next: Option<String>,
}

impl From<Scan> for ScanAnswer {
    fn from(scan: Scan) -> Self {
        Self {
            id: scan.id.to_string(),
            state: scan.state.name(),
            source: scan.source,
            name: scan.name,
            sha256: scan.sha256,
            media_type: scan.media_type,
            size: scan.size,
            pages: scan.pages,
            flags: scan.flags,
            arrived_at: Moment::from_micros(scan.arrived_at).rfc3339(),
            registration: scan.registration.map(|id| id.to_string()),
            reason: scan.reason,
        }
    }
}

/// The part of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the multipart form to the API documentation")]
pub struct ScanForm {
    /// The scan: PDF, TIFF, JPEG or PNG.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    document: String,
}

/// Hands over a scan, which then waits for its clerk. The same bytes that wait already are answered again.
#[utoipa::path(post, path = "/api/v1/scans", operation_id = "create_scan", tag = "scans",
    request_body(content = ScanForm, content_type = "multipart/form-data"),
    params(("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    responses((status = 201, body = ScanAnswer),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn create(Who(ctx): Who, parts: Result<Multipart, MultipartRejection>) -> Result<Response, Fault> {
    let mut parts = parts.map_err(|_| Fault::UnsupportedMedia)?;
    let mut taken = None;
    while let Some(part) = upload::next_part(&mut parts).await? {
        let name: String = part.name().unwrap_or_default().chars().take(40).collect();
        match name.as_str() {
            "document" if taken.is_none() => {
                taken = Some(upload::scan_part(&ctx, part, "/document").await?);
            }
            "document" => return Err(Invalid::one("/document", "part-twice").into()),
            _ => return Err(Invalid::with(format!("/{name}"), "unknown-field", name).into()),
        }
    }
    let id = taken.ok_or_else(|| Invalid::one("/document", "required"))?;
    let place = format!("/api/v1/scans/{id}");
    let answer = ScanAnswer::from(scans::open(&ctx, id).await?);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(answer)).into_response())
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    cursor: Option<String>,
}

/// Scans of the body in one state (`waiting` by default), newest first.
#[utoipa::path(get, path = "/api/v1/scans", operation_id = "list_scans", tag = "scans",
    params(("state" = Option<String>, Query, max_length = 16), ("cursor" = Option<String>, Query, max_length = 400)),
    responses((status = 200, body = ScanPage), (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn list(Who(ctx): Who, Query(asked): Query<Asked>) -> Result<Json<ScanPage>, Fault> {
    let state = match asked.state.as_str() {
        "" => ScanState::Waiting,
        text => {
            ScanState::parse(text).ok_or_else(|| Invalid::with("/state", "unknown-state", &asked.state))?
        }
    };
    let page = scans::list(&ctx, state, asked.cursor.as_deref()).await?;
    Ok(Json(ScanPage { items: page.lines.into_iter().map(ScanAnswer::from).collect(), next: page.next }))
}

/// One scan.
#[utoipa::path(get, path = "/api/v1/scans/{id}", operation_id = "read_scan", tag = "scans",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = ScanAnswer),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn one(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<ScanAnswer>, Fault> {
    Ok(Json(scans::open(&ctx, scan_id(&id)?).await?.into()))
}

/// The bytes of a scan.
#[utoipa::path(get, path = "/api/v1/scans/{id}/content", operation_id = "read_scan_content", tag = "scans",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, content_type = "application/octet-stream", body = String),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn content(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    stream(&ctx, &id, false).await
}

/// What registers a scan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanRegistrationRequest {
    /// The data of the entry, as of `POST /registrations`; its direction is `incoming`.
    #[schema(value_type = Object)]
    metadata: serde_json::Value,
    /// That the clerk compared the scan with the paper and attests that it conforms to it: must be `true`.
    attested: bool,
}

/// The entry that was made.
#[derive(Serialize, ToSchema)]
pub struct ScanRegistered {
    /// The entry.
    #[schema(max_length = 40)]
    registration: String,
    /// The words that were attested and are kept with the file.
    #[schema(max_length = 1000)]
    statement: String,
}

/// Attests a scan and registers it; one registered before answers the same entry.
#[utoipa::path(post, path = "/api/v1/scans/{id}/registration", operation_id = "register_scan", tag = "scans",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = ScanRegistrationRequest,
    responses((status = 201, body = ScanRegistered),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn register(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<Response, Fault> {
    let id = scan_id(&id)?;
    let asked: ScanRegistrationRequest = json::read(&body)?;
    let Metadata { new, assignments } = Metadata::read(asked.metadata.to_string().as_bytes())?;
    let entry = scans::NewEntry { new, attachments: Vec::new(), assignments, attested: asked.attested };
    let registration = scans::register(&ctx, &id, entry).await?.to_string();
    let place = format!("/api/v1/registrations/{registration}");
    let made = Json(ScanRegistered { registration, statement: scans::statement() });
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], made).into_response())
}

/// Why a scan is set aside.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanDiscardRequest {
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
}

/// Sets a scan aside: it is not registered.
#[utoipa::path(post, path = "/api/v1/scans/{id}/discard", operation_id = "discard_scan", tag = "scans",
    params(("id" = String, Path, max_length = 40)), request_body = ScanDiscardRequest,
    responses((status = 204, description = "Set aside"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn throw_away(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let id = scan_id(&id)?;
    let asked: ScanDiscardRequest = json::read(&body)?;
    scans::discard(&ctx, id, &asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
