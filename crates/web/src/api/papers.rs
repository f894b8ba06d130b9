//! Papers of the register for programs: receipt and segnatura of an entry, closed daily registers.
//!
//! Each is sealed: `telaio verify` and `POST /api/v1/verifications` answer about it.

use app::Error;
use app::Verb;
use app::use_cases::daily_register::{self, Form};
use app::use_cases::papers;
use axum::Json;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use axum::routing::get;
use domain::Moment;
use domain::body::{AooCode, RegisterCode};
use domain::ids::RegistrationId;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use crate::error::{Fault, Problem};
use crate::pages::papers::{file, stamped};
use crate::routes::{Access, Entry};
use crate::who::Who;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let read = |path, handler| Entry::api("GET", path, Access::May(Verb::ReadRegister), handler);
    vec![
        read("/api/v1/registrations/{id}/receipt.pdf", get(receipt)),
        read("/api/v1/registrations/{id}/segnatura.xml", get(segnatura)),
        read("/api/v1/registrations/{id}/files/{document}/copy.pdf", get(copy)),
        read("/api/v1/daily-registers", get(days)),
        read("/api/v1/daily-registers/{aoo}/{register}/{day}/{form}", get(day)),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(receipt, segnatura, copy, days, day))]
    struct Slice;
    Slice::openapi()
}

fn entry_id(text: &str) -> Result<RegistrationId, Fault> {
    Ok(text.parse().map_err(|_| Error::NotFound)?)
}

/// The receipt of an entry, sealed; always the same bytes.
#[utoipa::path(get, path = "/api/v1/registrations/{id}/receipt.pdf", operation_id = "read_receipt", tag = "registrations",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, description = "PDF/A-2a, PAdES", content_type = "application/pdf", body = String),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn receipt(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    Ok(file("application/pdf", "ricevuta.pdf", papers::receipt(&ctx, entry_id(&id)?).await?))
}

/// The segnatura of an entry (AgID guidelines, annex 6), sealed.
#[utoipa::path(get, path = "/api/v1/registrations/{id}/segnatura.xml", operation_id = "read_segnatura", tag = "registrations",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 200, description = "Segnatura 3.0, XAdES", content_type = "application/xml", body = String),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn segnatura(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    Ok(file("application/xml", "segnatura.xml", papers::segnatura(&ctx, entry_id(&id)?).await?))
}

/// A copy of a PDF of an entry with the segnatura printed above its first page; the file itself stays as it is.
#[utoipa::path(get, path = "/api/v1/registrations/{id}/files/{document}/copy.pdf", operation_id = "read_stamped_copy",
    tag = "registrations",
    params(("id" = String, Path, max_length = 40), ("document" = String, Path, max_length = 40)),
    responses((status = 200, description = "PDF", content_type = "application/pdf", body = String),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn copy(Who(ctx): Who, Path((id, document)): Path<(String, String)>) -> Result<Response, Fault> {
    stamped(&ctx, &id, &document).await
}

/// A closed day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayAnswer {
    /// Area.
    #[schema(max_length = 32)]
    aoo: String,
    /// Register.
    #[schema(max_length = 16)]
    register: String,
    /// Day in Rome.
    #[schema(format = "date", max_length = 10)]
    day: String,
    /// Entries of the day, also annulled ones.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    entries: i64,
    /// First number of the day.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    first_number: Option<i64>,
    /// Last number of the day.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    last_number: Option<i64>,
    /// Entries annulled on the day.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    annulled: i64,
    /// Data corrected on the day.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    changed: i64,
    /// Entries that came from the emergency register.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    emergency: i64,
    /// SHA-256 of the XML of the day before; absent for the first.
    #[schema(max_length = 64)]
    previous_sha256: Option<String>,
    /// SHA-256 of the XML.
    #[schema(max_length = 64)]
    xml_sha256: String,
    /// SHA-256 of the PDF.
    #[schema(max_length = 64)]
    pdf_sha256: String,
    /// When it was closed.
    #[schema(format = "date-time", max_length = 40)]
    closed_at: String,
}

/// A page of closed days.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayPage {
    /// The days, newest first.
    #[schema(max_items = 60)]
    items: Vec<DayAnswer>,
    /// Where to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10)]
    next: Option<String>,
}

/// Lists the closed daily registers of the body, newest first.
#[utoipa::path(get, path = "/api/v1/daily-registers", operation_id = "list_daily_registers", tag = "registrations",
    params(("cursor" = Option<String>, Query, max_length = 10)),
    responses((status = 200, body = DayPage), (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn days(Who(ctx): Who, RawQuery(query): RawQuery) -> Result<Json<DayPage>, Fault> {
    let pairs = crate::forms::pairs(query.as_deref().unwrap_or_default().as_bytes())
        .ok_or(Fault::BadRequest("bad-query"))?;
    let mut before = None;
    for (name, value) in pairs {
        let known = (name == "cursor").then(|| value.parse::<Date>().ok()).flatten();
        before = Some(known.ok_or_else(|| domain::Invalid::one(format!("/{name}"), "bad-date"))?);
    }
    let closed = daily_register::list(&ctx, before).await?;
    let full = closed.len() >= daily_register::PAGE;
    let next = closed.last().filter(|_| full).map(|last| last.day.to_string());
    let items = closed.into_iter().map(|it| DayAnswer {
        aoo: it.aoo.to_string(),
        register: it.register.to_string(),
        day: it.day.to_string(),
        entries: it.entries,
        first_number: it.first_number,
        last_number: it.last_number,
        annulled: it.annulled,
        changed: it.changed,
        emergency: it.emergency,
        previous_sha256: it.previous_sha256,
        xml_sha256: it.xml_sha256,
        pdf_sha256: it.pdf_sha256,
        closed_at: Moment::from_micros(it.closed_at).rfc3339(),
    });
    Ok(Json(DayPage { items: items.collect(), next }))
}

/// One form of a closed daily register: `register.pdf`, `register.xml` or `register.csv.p7m`, each sealed.
#[utoipa::path(get, path = "/api/v1/daily-registers/{aoo}/{register}/{day}/{form}", operation_id = "read_daily_register",
    tag = "registrations",
    params(("aoo" = String, Path, max_length = 32), ("register" = String, Path, max_length = 16),
        ("day" = String, Path, format = "date", max_length = 10), ("form" = String, Path, max_length = 20)),
    responses((status = 200, description = "The register", content_type = "application/octet-stream", body = String),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn day(
    Who(ctx): Who,
    Path((aoo, register, day, form)): Path<(String, String, String, String)>,
) -> Result<Response, Fault> {
    let form = match form.as_str() {
        "register.pdf" => Form::Pdf,
        "register.xml" => Form::Xml,
        "register.csv.p7m" => Form::Csv,
        _ => return Err(Error::NotFound.into()),
    };
    let day: Date = day.parse().map_err(|_| Error::NotFound)?;
    daily_file(&ctx, &aoo, &register, day, form).await
}

/// One form of a closed day as an answer; used by the page too.
///
/// # Errors
/// `NotFound` when there is no such day, or for who may not open it.
pub async fn daily_file(
    ctx: &app::Context,
    aoo: &str,
    register: &str,
    day: Date,
    form: Form,
) -> Result<Response, Fault> {
    // A code that is none names nothing.
    let aoo = AooCode::parse(aoo).map_err(|_| Error::NotFound)?;
    let register = RegisterCode::parse(register).map_err(|_| Error::NotFound)?;
    let bytes = daily_register::open(ctx, aoo, register, day, form).await?;
    let (kind, name) = match form {
        Form::Pdf => ("application/pdf", "registro-giornaliero.pdf"),
        Form::Xml => ("application/xml", "registro-giornaliero.xml"),
        Form::Csv => ("application/pkcs7-mime", "registro-giornaliero.csv.p7m"),
    };
    Ok(file(kind, name, bytes))
}
