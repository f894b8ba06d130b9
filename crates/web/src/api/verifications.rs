//! `POST /api/v1/verifications`: what `/verify` does, for programs.

use app::use_cases::verification::show::{self, Shown};
use axum::Json;
use axum::extract::multipart::Multipart;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use domain::Moment;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use crate::error::Fault;
use crate::pages::verify::{MAX_BYTES, uploaded};
use crate::routes::{Access, Entry};
use crate::state::AppState;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let handler = post(verify).layer(DefaultBodyLimit::max(MAX_BYTES));
    vec![Entry::api("POST", "/api/v1/verifications", Access::Public, handler)]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(verify), components(schemas(Upload, VerificationAnswer)))]
    struct Slice;
    Slice::openapi()
}

/// The file to be checked.
#[derive(ToSchema)]
#[allow(dead_code, reason = "described here, read as a multipart form")]
struct Upload {
    /// The file, at most 32 MiB.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
struct VerificationAnswer {
    /// `valid`, `expired`, `revoked`, `unknown` or `altered`.
    #[schema(example = "valid", max_length = 16)]
    answer: String,
    /// What was checked and holds: `code`, `fingerprint`, `integrity`, `signer`, `revocation`.
    #[schema(max_items = 5)]
    checked: Vec<String>,
    /// What could not be checked.
    #[schema(max_items = 5)]
    unchecked: Vec<String>,
    /// The body that gave the paper out, IPA code.
    #[schema(example = "c_g999", max_length = 16)]
    body: Option<String>,
    /// What the paper is.
    #[schema(example = "receipt", max_length = 40)]
    kind: Option<String>,
    /// When it was given out.
    #[schema(example = "2026-11-23T10:15:00+01:00", max_length = 32)]
    issued_at: Option<String>,
    /// SHA-256 of the paper given out, hexadecimal.
    #[schema(max_length = 64)]
    sha256: Option<String>,
    /// The whole report on signatures and time stamps, when the file carries any.
    #[schema(value_type = Option<Object>)]
    signatures: Option<serde_json::Value>,
}

impl VerificationAnswer {
    fn of(shown: &Shown) -> Result<Self, serde_json::Error> {
        let code = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let list = |checks: &[show::Check]| -> Result<Vec<String>, serde_json::Error> {
            checks.iter().map(|c| serde_json::to_value(c).map(code)).collect()
        };
        Ok(Self {
            answer: code(serde_json::to_value(shown.answer)?),
            checked: list(&shown.checked)?,
            unchecked: list(&shown.unchecked)?,
            body: shown.body.clone(),
            kind: shown.kind.clone(),
            issued_at: shown.issued_at.map(|at| Moment::from_micros(at).rfc3339()),
            sha256: shown.sha256.clone(),
            signatures: shown.signatures.as_ref().map(serde_json::to_value).transpose()?,
        })
    }
}

/// Check a paper or any signed file
///
/// Looks at signatures, seals and time stamps of the file and at the list of papers given out. Nothing is kept.
#[utoipa::path(
    post, path = "/api/v1/verifications", tag = "verifications", operation_id = "verify_file",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 200, description = "What was found.", body = VerificationAnswer))
)]
async fn verify(State(state): State<AppState>, form: Multipart) -> Result<Json<VerificationAnswer>, Fault> {
    let missing = || app::Error::from(domain::Invalid::one("/file", "required"));
    let (name, bytes) = uploaded(form).await?.ok_or_else(missing)?;
    let shown = show::by_file(&state.app, name, bytes).await?;
    VerificationAnswer::of(&shown).map(Json).map_err(|e| app::Error::Bug(e.to_string()).into())
}
