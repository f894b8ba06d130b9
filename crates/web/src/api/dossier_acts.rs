//! What is done to a dossier by programs: its life, its level, its people, its documents, its sharings.
//!
//! Each act answers 204; the dossier as it stands then is read at its own address.

use app::use_cases::dossier::assign::{self, AssignDossier};
use app::use_cases::dossier::{change, people, share};
use app::{Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{delete, post};
use domain::Invalid;
use domain::body::IpaCode;
use domain::dossier::{Confidentiality, DossierState};
use domain::ids::{AccountId, AssignmentId, DossierId, RegistrationId, UnitId};
use domain::register::AssignmentKind;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::error::{Fault, Problem};
use crate::json;
use crate::routes::{Access, Entry};
use crate::who::Who;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let works = Access::May(Verb::OpenDossier);
    let shares = Access::May(Verb::ShareDossier);
    let takes = Access::May(Verb::TakeCharge);
    vec![
        Entry::api("POST", "/api/v1/dossiers/{id}/state", works, post(set_state)),
        Entry::api("POST", "/api/v1/dossiers/{id}/confidentiality", works, post(set_level)),
        Entry::api("POST", "/api/v1/dossiers/{id}/officer", works, post(set_officer)),
        Entry::api("POST", "/api/v1/dossiers/{id}/assignments", works, post(assign_to)),
        Entry::api("POST", "/api/v1/dossiers/{id}/documents", works, post(file)),
        Entry::api("POST", "/api/v1/dossiers/{id}/readers", works, post(add_reader)),
        Entry::api("DELETE", "/api/v1/dossiers/{id}/readers/{account}", works, delete(remove_reader)),
        Entry::api("POST", "/api/v1/dossiers/{id}/shares", shares, post(share_with)),
        Entry::api("DELETE", "/api/v1/dossiers/{id}/shares/{body}", shares, delete(end_share)),
        Entry::api("POST", "/api/v1/dossier-assignments/{id}/take-charge", takes, post(take)),
        Entry::api("POST", "/api/v1/dossier-assignments/{id}/send-back", takes, post(send_back)),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(
        set_state,
        set_level,
        set_officer,
        assign_to,
        file,
        add_reader,
        remove_reader,
        share_with,
        end_share,
        take,
        send_back
    ))]
    struct Slice;
    Slice::openapi()
}

fn id_of(text: &str) -> Result<DossierId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

/// Where a dossier moves to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DossierStateRequest {
    /// `open`, `closed`, `in_deposit`, `sent_to_preservation`, `disposed` or `kept`.
    #[schema(value_type = String, max_length = 24)]
    state: DossierState,
}

/// Moves a dossier on in its life: closes it, opens it again, hands it on.
#[utoipa::path(post, path = "/api/v1/dossiers/{id}/state", operation_id = "set_dossier_state", tag = "dossiers",
    params(("id" = String, Path, max_length = 40)), request_body = DossierStateRequest,
    responses((status = 204, description = "Moved"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn set_state(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: DossierStateRequest = json::read(&body)?;
    change::set_state(&ctx, id_of(&id)?, asked.state).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who may see a dossier.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfidentialityRequest {
    /// `public`, `office`, `assignee`, `confidential` or `special`.
    #[schema(value_type = String, max_length = 20)]
    confidentiality: Confidentiality,
}

/// Sets who may see a dossier.
#[utoipa::path(post, path = "/api/v1/dossiers/{id}/confidentiality", operation_id = "set_dossier_confidentiality",
    tag = "dossiers", params(("id" = String, Path, max_length = 40)), request_body = ConfidentialityRequest,
    responses((status = 204, description = "Set"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn set_level(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: ConfidentialityRequest = json::read(&body)?;
    change::set_confidentiality(&ctx, id_of(&id)?, asked.confidentiality).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A person of the body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonRequest {
    /// Account.
    #[schema(value_type = String, max_length = 40)]
    account: AccountId,
}

/// Names the officer in charge.
#[utoipa::path(post, path = "/api/v1/dossiers/{id}/officer", operation_id = "set_dossier_officer", tag = "dossiers",
    params(("id" = String, Path, max_length = 40)), request_body = PersonRequest,
    responses((status = 204, description = "Named"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn set_officer(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: PersonRequest = json::read(&body)?;
    people::set_officer(&ctx, id_of(&id)?, asked.account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// To whom a dossier is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DossierAssignmentRequest {
    /// `competence` (to act) or `information` (to know).
    #[schema(value_type = String, max_length = 16)]
    kind: AssignmentKind,
    /// Office.
    #[schema(value_type = Option<String>, max_length = 40)]
    unit: Option<UnitId>,
    /// Person.
    #[schema(value_type = Option<String>, max_length = 40)]
    account: Option<AccountId>,
    /// A word for the assignee.
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// The id of an assignment.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeAssignment {
    /// Id.
    #[schema(max_length = 40)]
    id: String,
}

/// Gives a dossier to an office or a person.
#[utoipa::path(post, path = "/api/v1/dossiers/{id}/assignments", operation_id = "assign_dossier", tag = "dossiers",
    params(("id" = String, Path, max_length = 40), ("Idempotency-Key" = Option<String>, Header, max_length = 200)),
    request_body = DossierAssignmentRequest,
    responses((status = 201, body = MadeAssignment),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn assign_to(
    Who(ctx): Who,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<MadeAssignment>), Fault> {
    let asked: DossierAssignmentRequest = json::read(&body)?;
    let to = AssignDossier { kind: asked.kind, unit: asked.unit, account: asked.account, note: asked.note };
    let made = assign::assign(&ctx, id_of(&id)?, to).await?;
    Ok((StatusCode::CREATED, Json(MadeAssignment { id: made.to_string() })))
}

/// What is put into a dossier.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileRequest {
    /// Register entry.
    #[schema(value_type = String, max_length = 40)]
    registration: RegistrationId,
}

/// Puts a register entry into a dossier.
#[utoipa::path(post, path = "/api/v1/dossiers/{id}/documents", operation_id = "file_in_dossier", tag = "dossiers",
    params(("id" = String, Path, max_length = 40)), request_body = FileRequest,
    responses((status = 204, description = "Filed"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn file(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: FileRequest = json::read(&body)?;
    change::file_document(&ctx, id_of(&id)?, asked.registration).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Names a person who may read a dossier.
#[utoipa::path(post, path = "/api/v1/dossiers/{id}/readers", operation_id = "add_dossier_reader", tag = "dossiers",
    params(("id" = String, Path, max_length = 40)), request_body = PersonRequest,
    responses((status = 204, description = "Named"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn add_reader(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: PersonRequest = json::read(&body)?;
    change::add_reader(&ctx, id_of(&id)?, asked.account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a person off the list of readers.
#[utoipa::path(delete, path = "/api/v1/dossiers/{id}/readers/{account}", operation_id = "remove_dossier_reader",
    tag = "dossiers",
    params(("id" = String, Path, max_length = 40), ("account" = String, Path, max_length = 40)),
    responses((status = 204, description = "Removed"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn remove_reader(
    Who(ctx): Who,
    Path((id, account)): Path<(String, String)>,
) -> Result<StatusCode, Fault> {
    let account: AccountId = account.parse().map_err(|_| Error::NotFound)?;
    change::remove_reader(&ctx, id_of(&id)?, account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// With whom a dossier is shared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareRequest {
    /// IPA code of the other body.
    #[schema(max_length = 32)]
    body: String,
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
}

/// Shares a dossier with another body of the installation.
#[utoipa::path(post, path = "/api/v1/dossiers/{id}/shares", operation_id = "share_dossier", tag = "dossiers",
    params(("id" = String, Path, max_length = 40)), request_body = ShareRequest,
    responses((status = 204, description = "Shared"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn share_with(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let asked: ShareRequest = json::read(&body)?;
    let with = IpaCode::parse(&asked.body).map_err(|_| Invalid::one("/body", "required"))?;
    share::share(&ctx, id_of(&id)?, with, asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the sharing with a body.
#[utoipa::path(delete, path = "/api/v1/dossiers/{id}/shares/{body}", operation_id = "end_dossier_share",
    tag = "dossiers", params(("id" = String, Path, max_length = 40), ("body" = String, Path, max_length = 32)),
    responses((status = 204, description = "Ended"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn end_share(Who(ctx): Who, Path((id, body)): Path<(String, String)>) -> Result<StatusCode, Fault> {
    let with = IpaCode::parse(&body).map_err(|_| Error::NotFound)?;
    share::end_share(&ctx, id_of(&id)?, with).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes charge of a dossier that was given to the caller or the caller's office.
#[utoipa::path(post, path = "/api/v1/dossier-assignments/{id}/take-charge", operation_id = "take_charge_of_dossier",
    tag = "dossiers", params(("id" = String, Path, max_length = 40)),
    responses((status = 204, description = "Taken"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn take(Who(ctx): Who, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    let id: AssignmentId = id.parse().map_err(|_| Error::NotFound)?;
    assign::take_charge(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why a dossier is sent back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DossierSendBackRequest {
    /// Why.
    #[schema(max_length = 1000)]
    reason: String,
}

/// Sends a dossier back to who gave it.
#[utoipa::path(post, path = "/api/v1/dossier-assignments/{id}/send-back", operation_id = "send_dossier_back",
    tag = "dossiers", params(("id" = String, Path, max_length = 40)), request_body = DossierSendBackRequest,
    responses((status = 204, description = "Sent back"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn send_back(Who(ctx): Who, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Fault> {
    let id: AssignmentId = id.parse().map_err(|_| Error::NotFound)?;
    let asked: DossierSendBackRequest = json::read(&body)?;
    assign::send_back(&ctx, id, asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
