//! Bringing in an old register for programs: a trial first, then the same request without it. Repeating adds nothing.

use crate::error::{Fault, Problem};
use crate::prefs::Prefs;
use crate::routes::{Access, Entry};
use crate::who::Who;
use crate::{guard, json};
use app::Verb;
use app::use_cases::register::import_job::FILE_MAX;
use app::use_cases::register::import_old::{Import, ReportRow, Verdict, import_old};
use axum::Json;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::routing::post;
use domain::body::{AooCode, RegisterCode};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let import = post(import).layer(DefaultBodyLimit::max(FILE_MAX));
    vec![Entry::api("POST", "/api/v1/register-imports", Access::May(Verb::ImportRegister), import)]
}

/// The description of this operation.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(import))]
    struct Slice;
    Slice::openapi()
}

/// An old register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// Area.
    #[schema(max_length = 32)]
    aoo: String,
    /// Register.
    #[schema(max_length = 16)]
    register: String,
    /// Which column is what, and how values are written: TOML, as the command line reads it.
    #[schema(max_length = 20000)]
    mapping: String,
    /// The file: CSV, its first line the titles.
    #[schema(max_length = 33554432)]
    file: String,
    /// Only say what would happen.
    #[serde(default)]
    trial: bool,
}

/// What became of a row.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportRow {
    /// Line of the file, the titles being line 1.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    line: u64,
    /// Number.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    number: Option<i64>,
    /// Year.
    #[schema(minimum = 1800, maximum = 9999)]
    year: Option<i64>,
    /// `imported`, `already_there` or `faulty`.
    #[schema(max_length = 20)]
    verdict: &'static str,
    /// Faults in words.
    #[schema(max_items = 20)]
    faults: Vec<String>,
}

/// The report, row by row.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportReport {
    /// The rows.
    #[schema(max_items = 2000000)]
    items: Vec<ImportRow>,
}

/// Imports an old register: numbers are kept, entries are marked as imported.
#[utoipa::path(post, path = "/api/v1/register-imports", operation_id = "import_register", tag = "registrations",
    request_body = ImportRequest,
    responses((status = 200, body = ImportReport),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn import(Who(ctx): Who, headers: HeaderMap, body: Bytes) -> Result<Json<ImportReport>, Fault> {
    let asked: ImportRequest = json::read(&body)?;
    let import = Import {
        aoo: AooCode::parse(&asked.aoo)?,
        register: RegisterCode::parse(&asked.register)?,
        mapping: asked.mapping,
        file: asked.file.into_bytes(),
        dry_run: asked.trial,
    };
    let lang = Prefs::of(&headers).lang;
    let row = |row: ReportRow| {
        let (verdict, faults) = match row.verdict {
            Verdict::Imported => ("imported", Vec::new()),
            Verdict::AlreadyThere => ("already_there", Vec::new()),
            Verdict::Faulty(invalid) => {
                ("faulty", invalid.errors.iter().map(|fault| guard::field_words(fault, lang)).collect())
            }
        };
        let (number, year) = row.number.unzip();
        ImportRow { line: row.line, number, year, verdict, faults }
    };
    Ok(Json(ImportReport { items: import_old(&ctx, import).await?.into_iter().map(row).collect() }))
}
