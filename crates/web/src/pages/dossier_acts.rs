//! What is done to a dossier from its page: each act is one form, and its faults come back on the same page.

use super::dossier::page;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::View;
use crate::who::Who;
use app::use_cases::dossier::assign::{self, AssignDossier};
use app::use_cases::dossier::{change, people, share};
use app::{Context, Error, Verb};
use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use domain::Invalid;
use domain::body::IpaCode;
use domain::dossier::{Confidentiality, DossierState};
use domain::ids::{AccountId, AssignmentId, DossierId};
use domain::register::AssignmentKind;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let works = Access::May(Verb::OpenDossier);
    let shares = Access::May(Verb::ShareDossier);
    let takes = Access::May(Verb::TakeCharge);
    vec![
        Entry::page("POST", "/dossiers/{id}/state", works, post(set_state)),
        Entry::page("POST", "/dossiers/{id}/confidentiality", works, post(set_level)),
        Entry::page("POST", "/dossiers/{id}/assignments", works, post(assign_to)),
        Entry::page("POST", "/dossiers/{id}/officer", works, post(set_officer)),
        Entry::page("POST", "/dossiers/{id}/readers", works, post(add_reader)),
        Entry::page("POST", "/dossiers/{id}/readers/{account}/remove", works, post(remove_reader)),
        Entry::page("POST", "/dossiers/{id}/documents", works, post(file)),
        Entry::page("POST", "/dossiers/{id}/shares", shares, post(share_with)),
        Entry::page("POST", "/dossiers/{id}/shares/{body}/end", shares, post(end_share)),
        Entry::page("POST", "/dossiers/{id}/assignments/{assignment}/take", takes, post(take)),
        Entry::page("POST", "/dossiers/{id}/assignments/{assignment}/back", takes, post(send_back)),
    ]
}

/// After an act: back to the page, with what was done or what is wrong.
async fn after(
    ctx: &Context,
    view: View,
    id: DossierId,
    outcome: Result<(), Error>,
    done: &str,
) -> Result<Response, Fault> {
    match outcome {
        Ok(()) => Ok(Redirect::to(&format!("/dossiers/{id}?done={done}")).into_response()),
        Err(Error::Invalid(invalid)) => page(ctx, view, id, &invalid).await,
        Err(other) => Err(other.into()),
    }
}

fn id_of(text: &str) -> Result<DossierId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

#[derive(Deserialize)]
struct StateForm {
    state: String,
}

async fn set_state(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<StateForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match DossierState::parse(&form.state) {
        Ok(to) => change::set_state(&ctx, id.clone(), to).await,
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, outcome, "dossier-state").await
}

#[derive(Deserialize)]
struct LevelForm {
    confidentiality: String,
}

async fn set_level(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<LevelForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match Confidentiality::parse(&form.confidentiality) {
        Ok(level) => change::set_confidentiality(&ctx, id.clone(), level).await,
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, outcome, "dossier-level").await
}

#[derive(Deserialize)]
struct AssignForm {
    kind: String,
    unit: String,
    #[serde(default)]
    person: String,
    #[serde(default)]
    note: String,
}

async fn assign_to(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<AssignForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match read_assignment(form) {
        Ok(to) => assign::assign(&ctx, id.clone(), to).await.map(|_| ()),
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, outcome, "dossier-assigned").await
}

fn read_assignment(form: AssignForm) -> Result<AssignDossier, Invalid> {
    Ok(AssignDossier {
        kind: AssignmentKind::parse(&form.kind)?,
        unit: match form.unit.is_empty() {
            true => None,
            false => Some(
                form.unit.parse().map_err(|_| Invalid::with("/unit", "unknown-unit", form.unit.clone()))?,
            ),
        },
        account: match form.person.is_empty() {
            true => None,
            false => Some(person_of("/person", &form.person)?),
        },
        note: Some(form.note.trim().to_owned()).filter(|note| !note.is_empty()),
    })
}

fn person_of(pointer: &str, text: &str) -> Result<AccountId, Invalid> {
    text.parse()
        .map_err(|_| Invalid::with(pointer, "unknown-person", text.chars().take(60).collect::<String>()))
}

#[derive(Deserialize)]
struct OfficerForm {
    officer: String,
}

async fn set_officer(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<OfficerForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match person_of("/officer", &form.officer) {
        Ok(officer) => people::set_officer(&ctx, id.clone(), officer).await,
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, outcome, "dossier-officer").await
}

#[derive(Deserialize)]
struct ReaderForm {
    reader: String,
}

async fn add_reader(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<ReaderForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match person_of("/reader", &form.reader) {
        Ok(reader) => change::add_reader(&ctx, id.clone(), reader).await,
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, outcome, "dossier-reader").await
}

async fn remove_reader(
    Who(ctx): Who,
    view: View,
    Path((id, account)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let account: AccountId = account.parse().map_err(|_| Error::NotFound)?;
    let outcome = change::remove_reader(&ctx, id.clone(), account).await;
    after(&ctx, view, id, outcome, "dossier-reader-removed").await
}

#[derive(Deserialize)]
struct FileForm {
    number: String,
    year: String,
}

/// Puts an entry into the dossier by its number, as the clerk reads it on the paper.
async fn file(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<FileForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let wanted = (form.number.trim().parse::<i64>(), form.year.trim().parse::<i64>());
    let outcome = match wanted {
        (Ok(number), Ok(year)) => change::file_by_number(&ctx, id.clone(), year, number).await,
        _ => Err(Invalid::one("/number", "bad-number").into()),
    };
    after(&ctx, view, id, outcome, "dossier-filed").await
}

#[derive(Deserialize)]
struct ShareForm {
    body: String,
    reason: String,
}

async fn share_with(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<ShareForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match IpaCode::parse(&form.body) {
        Ok(with) => share::share(&ctx, id.clone(), with, form.reason).await,
        Err(_) => Err(Invalid::one("/body", "required").into()),
    };
    after(&ctx, view, id, outcome, "dossier-shared").await
}

async fn end_share(
    Who(ctx): Who,
    view: View,
    Path((id, body)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let with = IpaCode::parse(&body).map_err(|_| Error::NotFound)?;
    let outcome = share::end_share(&ctx, id.clone(), with).await;
    after(&ctx, view, id, outcome, "dossier-unshared").await
}

async fn take(
    Who(ctx): Who,
    view: View,
    Path((id, assignment)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let assignment: AssignmentId = assignment.parse().map_err(|_| Error::NotFound)?;
    let outcome = assign::take_charge(&ctx, assignment).await;
    after(&ctx, view, id, outcome, "dossier-taken").await
}

#[derive(Deserialize)]
struct BackForm {
    back_reason: String,
}

async fn send_back(
    Who(ctx): Who,
    view: View,
    Path((id, assignment)): Path<(String, String)>,
    Form(form): Form<BackForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let assignment: AssignmentId = assignment.parse().map_err(|_| Error::NotFound)?;
    let outcome = assign::send_back(&ctx, assignment, form.back_reason).await;
    after(&ctx, view, id, outcome, "dossier-sent-back").await
}
