//! What may be done with an entry after its number: correction, class, assignments; and reading around it:
//! history, files, exports, saved views.

use super::registrations::{ListQuery, registration_id};
use crate::error::{Fault, Problem};
use crate::prefs::Prefs;
use crate::routes::{Access, Entry};
use crate::who::Who;
use crate::{guard, i18n, json, serve_file};
use app::use_cases::register::assign::{self, AssignTo};
use app::use_cases::register::export::{COLUMNS, SheetKind, Words, export, export_sealed};
use app::use_cases::register::{classify, correct, download, history, views};
use app::{Error, Verb};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use domain::Moment;
use domain::ids::RegistrationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let (read, assigns, takes) = (Verb::ReadRegister, Verb::Assign, Verb::TakeCharge);
    let api = |method, path, verb, handler| Entry::api(method, path, Access::May(verb), handler);
    vec![
        api("POST", "/api/v1/registrations/{id}/corrections", Verb::Annul, post(add_correction)),
        api("POST", "/api/v1/registrations/{id}/classification", assigns, post(set_class)),
        api("POST", "/api/v1/registrations/{id}/assignments", assigns, post(add_assignment)),
        api("POST", "/api/v1/registrations/assignments", assigns, post(assign_many)),
        api("POST", "/api/v1/assignments/{id}/take-charge", takes, post(take_charge)),
        api("POST", "/api/v1/assignments/{id}/send-back", takes, post(send_back)),
        api("GET", "/api/v1/registrations/{id}/history", read, get(story)),
        api("GET", "/api/v1/registrations/export", Verb::ExportRegister, get(export_list)),
        api("GET", "/api/v1/documents/{id}/content", read, get(content)),
        api("GET", "/api/v1/register-views", read, get(list_views)),
        api("POST", "/api/v1/register-views", read, post(save_view)),
        api("DELETE", "/api/v1/register-views/{id}", read, delete(remove_view)),
    ]
}

/// The description of these operations.
pub fn describe() -> utoipa::openapi::OpenApi {
    <Described as utoipa::OpenApi>::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(
    add_correction,
    set_class,
    add_assignment,
    assign_many,
    take_charge,
    send_back,
    story,
    export_list,
    content,
    list_views,
    save_view,
    remove_view
))]
struct Described;

/// A datum to be cancelled and replaced.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request to the API documentation")]
pub struct CorrectionRequest {
    /// `subject`, `correspondents` or `sender_reference`.
    #[schema(max_length = 20)]
    field: String,
    /// The new value.
    #[schema(value_type = Object)]
    value: String,
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
    /// Act of the records manager.
    #[schema(max_length = 1000)]
    order_reference: String,
}

/// Corrects one datum: the old value stays beside the new one.
#[utoipa::path(post, path = "/api/v1/registrations/{id}/corrections", operation_id = "correct_registration", tag = "registrations",
    params(("id" = String, Path, max_length = 40)), request_body = CorrectionRequest,
    responses((status = 204, description = "Corrected"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn add_correction(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    correct::correct(&ctx, registration_id(&id)?, json::read(&body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A class.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassRequest {
    /// Code of the class.
    #[schema(max_length = 32)]
    classification: String,
}

/// Gives an entry another class.
#[utoipa::path(post, path = "/api/v1/registrations/{id}/classification", operation_id = "classify_registration", tag = "registrations",
    params(("id" = String, Path, max_length = 40)), request_body = ClassRequest,
    responses((status = 204, description = "Classified")))]
async fn set_class(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: ClassRequest = json::read(&body)?;
    classify::classify(&ctx, registration_id(&id)?, asked.classification).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// To whom an entry goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRequest {
    /// Office or person, to act or to know.
    #[schema(value_type = Object)]
    to: AssignTo,
    /// Whether the assignments of the same kind end.
    #[serde(default)]
    instead: bool,
}

/// Assigns an entry.
#[utoipa::path(post, path = "/api/v1/registrations/{id}/assignments", operation_id = "assign_registration", tag = "registrations",
    params(("id" = String, Path, max_length = 40)), request_body = AssignmentRequest,
    responses((status = 204, description = "Assigned")))]
async fn add_assignment(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: AssignmentRequest = json::read(&body)?;
    assign::assign(&ctx, registration_id(&id)?, asked.to, asked.instead).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Several entries assigned by one act.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// The entries.
    #[schema(value_type = Vec<String>, max_items = 500)]
    registrations: Vec<RegistrationId>,
    /// Office or person, to act or to know.
    #[schema(value_type = Object)]
    to: AssignTo,
    /// Whether the assignments of the same kind end.
    #[serde(default)]
    instead: bool,
}

/// What became of one entry of a bulk act.
#[derive(Serialize, ToSchema)]
pub struct BulkRow {
    /// The entry.
    #[schema(max_length = 40)]
    id: String,
    /// `done`, or the code of what went wrong.
    #[schema(max_length = 100)]
    outcome: &'static str,
    /// What went wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    detail: Option<String>,
}

/// Assigns several entries; each answers for itself.
#[utoipa::path(post, path = "/api/v1/registrations/assignments", operation_id = "assign_registrations", tag = "registrations",
    request_body = BulkRequest, responses((status = 200, body = Vec<BulkRow>)))]
async fn assign_many(Who(ctx): Who, headers: HeaderMap, body: Bytes) -> Result<Json<Vec<BulkRow>>, Fault> {
    let asked: BulkRequest = json::read(&body)?;
    let lang = Prefs::of(&headers).lang;
    let outcomes = assign::assign_many(&ctx, asked.registrations, asked.to, asked.instead).await?;
    let row = |one: assign::RowOutcome| match one.outcome {
        Ok(()) => BulkRow { id: one.id.to_string(), outcome: "done", detail: None },
        Err(error) => {
            let fault = Fault::from(error);
            let detail = Some(guard::detail(&fault, lang));
            BulkRow { id: one.id.to_string(), outcome: fault.code(), detail }
        }
    };
    Ok(Json(outcomes.into_iter().map(row).collect()))
}

/// The assignee takes charge.
#[utoipa::path(post, path = "/api/v1/assignments/{id}/take-charge", operation_id = "take_charge_of_assignment", tag = "registrations",
    params(("id" = String, Path, max_length = 40)), responses((status = 204, description = "Taken")))]
async fn take_charge(Who(ctx): Who, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    assign::take_charge(&ctx, id.parse().map_err(|_| Error::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why it is sent back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBackRequest {
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
}

/// The assignee sends it back.
#[utoipa::path(post, path = "/api/v1/assignments/{id}/send-back", operation_id = "send_back_assignment", tag = "registrations",
    params(("id" = String, Path, max_length = 40)), request_body = SendBackRequest,
    responses((status = 204, description = "Sent back")))]
async fn send_back(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: SendBackRequest = json::read(&body)?;
    assign::send_back(&ctx, id.parse().map_err(|_| Error::NotFound)?, asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One step of the story of an entry.
#[derive(Serialize, ToSchema)]
pub struct StoryAnswer {
    /// Position in the journal of the body.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    leaf: i64,
    /// When.
    #[schema(format = "date-time", max_length = 40)]
    at: String,
    /// Who: account, or name of a worker.
    #[schema(max_length = 100)]
    actor: String,
    /// What.
    #[schema(max_length = 100)]
    verb: String,
    /// Norm.
    #[schema(max_length = 200)]
    norm: Option<String>,
    /// Hash of the leaf, hexadecimal.
    #[schema(max_length = 64)]
    hash: String,
}

/// The story of an entry, newest first.
#[utoipa::path(get, path = "/api/v1/registrations/{id}/history", operation_id = "read_registration_history", tag = "registrations",
    params(("id" = String, Path, max_length = 40)), responses((status = 200, body = Vec<StoryAnswer>)))]
async fn story(Who(ctx): Who, Path(id): Path<String>) -> Result<Json<Vec<StoryAnswer>>, Fault> {
    let leaves = history::history(&ctx, registration_id(&id)?).await?;
    let step = |leaf: history::Leaf| StoryAnswer {
        leaf: leaf.index,
        at: Moment::from_micros(leaf.at).rfc3339(),
        actor: leaf.actor,
        verb: leaf.verb,
        norm: leaf.norm,
        hash: hex::encode(leaf.hash),
    };
    Ok(Json(leaves.into_iter().map(step).collect()))
}

/// The filtered list as CSV, or as `format` says: `xlsx`, or sealed by the body: `csv.p7m`, `xlsx.p7m`.
#[utoipa::path(get, path = "/api/v1/registrations/export", operation_id = "export_registrations", tag = "registrations",
    params(("format" = Option<String>, Query, max_length = 8), ("q" = Option<String>, Query, max_length = 200)),
    responses((status = 200, description = "The list", content_type = "text/csv", body = String)))]
async fn export_list(
    Who(ctx): Who,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    export_answer(&ctx, query.as_deref().unwrap_or_default(), Prefs::of(&headers).lang).await
}

/// Streams an export, or gives it whole in the body's seal (`csv.p7m`, `xlsx.p7m`); used by the page too.
///
/// # Errors
/// `Invalid` for a filter or format; `Refusal` for who may not export, or for a body without a seal.
pub async fn export_answer(
    ctx: &app::Context,
    query: &str,
    lang: crate::prefs::Lang,
) -> Result<Response, Fault> {
    let (format, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|pair| pair.starts_with("format="));
    let format = format.first().map_or("csv", |pair| &pair["format=".len()..]);
    let kind = match format {
        "csv" | "csv.p7m" => SheetKind::Csv,
        "xlsx" | "xlsx.p7m" => SheetKind::Xlsx,
        _ => return Err(domain::Invalid::one("/format", "csv-or-xlsx").into()),
    };
    let asked = ListQuery::read(&rest.join("&"))?;
    let name = format!("registro-{}.{format}", ctx.moment.today);
    if format.ends_with(".p7m") {
        let sealed = export_sealed(ctx, asked.filter, kind, words(lang)).await?;
        return Ok((serve_file::headers(&name, "application/pkcs7-mime", false), sealed).into_response());
    }
    let pieces = export(ctx, asked.filter, kind, words(lang))?;
    let stream =
        futures_util::stream::unfold(pieces, |mut pieces| async { Some((pieces.recv().await?, pieces)) });
    let media_type = match kind {
        SheetKind::Csv => "text/csv; charset=utf-8",
        SheetKind::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    };
    Ok((serve_file::headers(&name, media_type, false), Body::from_stream(stream)).into_response())
}

fn words(lang: crate::prefs::Lang) -> Words {
    let word = |key: &str| i18n::text(lang, key);
    Words {
        titles: COLUMNS.iter().map(|column| word(&format!("column-{}", column.replace('_', "-")))).collect(),
        directions: ["incoming", "outgoing", "internal"].map(|name| word(&format!("direction-{name}"))),
        yes: word("yes"),
        others: word("and-others"),
    }
}

/// The bytes of a file.
#[utoipa::path(get, path = "/api/v1/documents/{id}/content", operation_id = "read_document_content", tag = "registrations",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, description = "The bytes", content_type = "application/octet-stream", body = String)))]
async fn content(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    document(&ctx, &id, false).await
}

/// Streams a document; used by the page too.
///
/// # Errors
/// `NotFound` for who may not see it.
pub async fn document(ctx: &app::Context, id: &str, inline: bool) -> Result<Response, Fault> {
    let (file, opened) = download::open(ctx, id.parse().map_err(|_| Error::NotFound)?).await?;
    Ok(serve_file::stream(&file.name, &file.media_type, file.size, inline, opened.bytes))
}

/// A saved view.
#[derive(Serialize, ToSchema)]
pub struct ViewAnswer {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
    /// Name.
    #[schema(max_length = 80)]
    name: String,
    /// Filters, as a query string.
    #[schema(max_length = 4000)]
    query: String,
    /// Whether it is shared with the office.
    shared: bool,
}

/// A view to be saved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewRequest {
    /// Name.
    #[schema(max_length = 80)]
    name: String,
    /// Filters, as a query string.
    #[schema(max_length = 4000)]
    query: String,
    /// Whether to share it with the office.
    #[serde(default)]
    shared: bool,
}

/// Saved views of the person and of the office.
#[utoipa::path(get, path = "/api/v1/register-views", operation_id = "list_register_views", tag = "registrations",
    responses((status = 200, body = Vec<ViewAnswer>)))]
async fn list_views(Who(ctx): Who) -> Result<Json<Vec<ViewAnswer>>, Fault> {
    let all = views::all(&ctx).await?;
    let shown = |view: views::SavedView| ViewAnswer {
        id: view.id.to_string(),
        name: view.name,
        query: view.query,
        shared: view.unit.is_some(),
    };
    Ok(Json(all.into_iter().map(shown).collect()))
}

/// Saves a view.
#[utoipa::path(post, path = "/api/v1/register-views", operation_id = "save_register_view", tag = "registrations", request_body = ViewRequest,
    responses((status = 201, body = ViewAnswer)))]
async fn save_view(Who(ctx): Who, body: Bytes) -> Result<Response, Fault> {
    let asked: ViewRequest = json::read(&body)?;
    let filter = ListQuery::read(&asked.query)?.filter;
    let id = views::save(&ctx, &asked.name, &filter, asked.shared).await?;
    let query = views::query_string(&filter);
    let answer =
        ViewAnswer { id: id.to_string(), name: asked.name.trim().to_owned(), query, shared: asked.shared };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Removes a view.
#[utoipa::path(delete, path = "/api/v1/register-views/{id}", operation_id = "remove_register_view", tag = "registrations",
    params(("id" = String, Path, max_length = 40)), responses((status = 204, description = "Removed")))]
async fn remove_view(Who(ctx): Who, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    views::remove(&ctx, id.parse().map_err(|_| Error::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
