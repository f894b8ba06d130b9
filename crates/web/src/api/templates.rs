//! Templates of letters of the body for programs: read, try, keep as a new version, retire.
//!
//! What an answer may be written from, the body's own and those of the house, is listed by `answers::letters`.

use app::use_cases::templates;
use app::{Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::Moment;
use domain::ids::TemplateId;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::error::{Fault, Problem};
use crate::json;
use crate::routes::{Access, Entry};
use crate::who::Who;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let manages = Access::May(Verb::ManageTemplates);
    vec![
        Entry::api("GET", "/api/v1/templates", manages, get(list)),
        Entry::api("POST", "/api/v1/templates", manages, post(create)),
        Entry::api("POST", "/api/v1/templates/preview", manages, post(preview)),
        Entry::api("GET", "/api/v1/templates/{id}", manages, get(one)),
        Entry::api("POST", "/api/v1/templates/{id}/versions", manages, post(change)),
        Entry::api("POST", "/api/v1/templates/{id}/retirement", manages, post(retire)),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(list, create, preview, one, change, retire))]
    struct Slice;
    Slice::openapi()
}

fn id_of(text: &str) -> Result<TemplateId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

/// A version of a template.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateAnswer {
    /// Id of the template, the same for all its versions.
    #[schema(max_length = 40)]
    id: String,
    /// Counted from 1.
    #[schema(minimum = 1, maximum = 1000000)]
    version: i64,
    /// Title, as its text declares it.
    #[schema(max_length = 4000)]
    title: String,
    /// The text with its declarations.
    #[schema(max_length = 1000000)]
    text: String,
    /// Whether it is offered no more.
    retired: bool,
    /// Name of who saved it.
    #[schema(max_length = 400)]
    saved_by: String,
    /// When it was saved.
    #[schema(format = "date-time", max_length = 40)]
    saved_at: String,
}

impl From<templates::Template> for TemplateAnswer {
    fn from(it: templates::Template) -> Self {
        Self {
            id: it.id.to_string(),
            version: it.version,
            title: it.title,
            text: it.content,
            retired: it.retired,
            saved_by: it.saved_by_name,
            saved_at: Moment::from_micros(it.saved_at).rfc3339(),
        }
    }
}

/// Templates, or the versions of one.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateList {
    /// Newest first.
    #[schema(max_items = 10000)]
    items: Vec<TemplateAnswer>,
}

impl From<Vec<templates::Template>> for TemplateList {
    fn from(found: Vec<templates::Template>) -> Self {
        Self { items: found.into_iter().map(TemplateAnswer::from).collect() }
    }
}

/// The text of a template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateRequest {
    /// The text with its declarations.
    #[schema(max_length = 1000000)]
    text: String,
}

/// The next version of a template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateVersionRequest {
    /// The text with its declarations.
    #[schema(max_length = 1000000)]
    text: String,
    /// The version it was written from, so that nobody's work is overwritten unseen.
    #[schema(minimum = 1, maximum = 1000000)]
    from: i64,
}

/// The version that is taken off the list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateRetirementRequest {
    /// The newest version known.
    #[schema(minimum = 1, maximum = 1000000)]
    from: i64,
}

/// A letter as it would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplatePreview {
    /// The letter, every value shown by its name.
    #[schema(max_length = 1000000)]
    text: String,
}

/// Lists the body's own templates in their newest versions, also retired ones.
#[utoipa::path(get, path = "/api/v1/templates", operation_id = "list_templates", tag = "answers",
    responses((status = 200, body = TemplateList)))]
async fn list(Who(ctx): Who) -> Result<Json<TemplateList>, Fault> {
    Ok(Json(templates::list(&ctx).await?.into()))
}

/// Keeps a new template; its text is checked first.
#[utoipa::path(post, path = "/api/v1/templates", operation_id = "create_template", tag = "answers",
    params(("Idempotency-Key" = Option<String>, Header, max_length = 200)), request_body = TemplateRequest,
    responses((status = 201, body = TemplateAnswer)))]
async fn create(Who(ctx): Who, body: Bytes) -> Result<Response, Fault> {
    let asked: TemplateRequest = json::read(&body)?;
    let id = templates::save(&ctx, None, 0, &asked.text).await?;
    made(&ctx, id).await
}

/// Shows what a text would make, and keeps nothing.
#[utoipa::path(post, path = "/api/v1/templates/preview", operation_id = "preview_template", tag = "answers",
    request_body = TemplateRequest, responses((status = 200, body = TemplatePreview)))]
async fn preview(Who(ctx): Who, body: Bytes) -> Result<Json<TemplatePreview>, Fault> {
    ctx.may(Verb::ManageTemplates).map_err(Error::from)?;
    let asked: TemplateRequest = json::read(&body)?;
    Ok(Json(TemplatePreview { text: templates::preview(&asked.text).map_err(Error::from)? }))
}

/// Every version of a template, newest first.
#[utoipa::path(get, path = "/api/v1/templates/{id}", operation_id = "read_template", tag = "answers",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, body = TemplateList),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn one(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<TemplateList>, Fault> {
    Ok(Json(templates::open(&ctx, id_of(&id)?).await?.into()))
}

/// Keeps the next version of a template; a retired one is offered again.
#[utoipa::path(post, path = "/api/v1/templates/{id}/versions", operation_id = "change_template", tag = "answers",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = TemplateVersionRequest,
    responses((status = 201, body = TemplateAnswer),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn change(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<Response, Fault> {
    let asked: TemplateVersionRequest = json::read(&body)?;
    let id = templates::save(&ctx, Some(id_of(&id)?), asked.from, &asked.text).await?;
    made(&ctx, id).await
}

/// Takes a template off the list of those offered; its versions can still be read.
#[utoipa::path(post, path = "/api/v1/templates/{id}/retirement", operation_id = "retire_template", tag = "answers",
    params(("id" = String, Path, max_length = 40)), request_body = TemplateRetirementRequest,
    responses((status = 204, description = "Retired"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn retire(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: TemplateRetirementRequest = json::read(&body)?;
    templates::retire(&ctx, id_of(&id)?, asked.from).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The version just kept.
async fn made(ctx: &app::Context, id: TemplateId) -> Result<Response, Fault> {
    let place = format!("/api/v1/templates/{id}");
    let newest = templates::open(ctx, id).await?.into_iter().next().ok_or(Error::NotFound)?;
    let answer = Json(TemplateAnswer::from(newest));
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], answer).into_response())
}
