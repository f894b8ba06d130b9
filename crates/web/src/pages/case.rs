//! Pages of cases: a new one, and one whole with its timeline, parties, documents and what can be done now.

use super::events::{Names, entries};
use super::html;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::{Choice, Due, Faults, Sampled, Shape, TimelineEntry, View};
use crate::who::Who;
use app::use_cases::case::read::{self, Sheet, StoredDelivery};
use app::use_cases::case::{change, open};
use app::use_cases::dossier::Filed;
use app::{Context, Error, Verb};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::Invalid;
use domain::case::{CaseState, NewCase, Participant, ParticipantRole};
use domain::ids::CaseId;
use domain::register::CorrespondentKind;
use jiff::Timestamp;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let works = Access::May(Verb::OpenDossier);
    vec![
        Entry::page("GET", "/cases/new", works, get(blank)),
        Entry::page("POST", "/cases", works, post(create)),
        Entry::page("GET", "/cases/{id}", Access::May(Verb::ReadDossier), get(show)),
        Entry::page("POST", "/cases/{id}/state", works, post(set_state)),
        Entry::page("POST", "/cases/{id}/due", works, post(set_due)),
        Entry::page("POST", "/cases/{id}/notes", works, post(add_note)),
        Entry::page("POST", "/cases/{id}/participants", works, post(add_participant)),
    ]
}

/// What the form of a new case sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct NewForm {
    /// Dossier.
    pub dossier: String,
    /// Title.
    pub title: String,
    /// Date, ISO or empty.
    pub due_on: String,
}

/// The form of a new case.
#[derive(Template)]
#[template(path = "case/new.html")]
pub struct NewPage {
    /// Chrome.
    pub view: View,
    /// What was typed.
    pub form: NewForm,
    /// Faults.
    pub faults: Faults,
}

/// One case whole.
#[derive(Template)]
#[template(path = "case/show.html")]
pub struct CasePage {
    /// Chrome.
    pub view: View,
    /// Everything about it.
    pub sheet: Sheet,
    /// By when, and why.
    pub due: Option<Due>,
    /// What happened, in words.
    pub timeline: Vec<TimelineEntry>,
    /// Parts somebody may take.
    pub roles: Vec<Choice>,
    /// Kinds of persons and bodies.
    pub kinds: Vec<Choice>,
    /// Faults of the last act.
    pub faults: Faults,
    /// Whether the person may work on it now.
    pub works: bool,
    /// Whether the person may write the answer.
    pub writes: bool,
    /// Key of the reason why nothing can be done to it now.
    pub why_not: Option<&'static str>,
}

impl CasePage {
    /// A number with at least seven digits.
    pub fn label(&self, filed: &Filed) -> String {
        format!("{}/{}", domain::register::number_label(filed.number), filed.year)
    }

    /// An instant of the store.
    pub fn at(&self, micros: &i64) -> Timestamp {
        domain::Moment::from_micros(*micros).at
    }

    /// The sign of a delivery's state.
    pub fn sign(&self, one: &StoredDelivery) -> Shape {
        super::deliveries::sign(one)
    }

    /// The sign of the case's state.
    pub fn shape(&self) -> Shape {
        match (self.sheet.case.state, self.due.as_ref().is_some_and(|due| due.overdue)) {
            (CaseState::Closed, _) => Shape::Done,
            (_, true) => Shape::Late,
            _ => Shape::Waiting,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Start {
    dossier: String,
}

async fn blank(view: View, Query(start): Query<Start>) -> Result<Response, Fault> {
    let form = NewForm { dossier: start.dossier, ..NewForm::default() };
    Ok(html(&NewPage { view, form, faults: Faults::default() })?.into_response())
}

async fn create(Who(ctx): Who, view: View, Form(form): Form<NewForm>) -> Result<Response, Fault> {
    let outcome = match read_form(&form) {
        Ok(new) => open::open_case(&ctx, new).await,
        Err(invalid) => Err(invalid.into()),
    };
    match outcome {
        Ok(case) => Ok(Redirect::to(&format!("/cases/{}?done=case-opened", case.id)).into_response()),
        Err(Error::Invalid(invalid)) => {
            let faults = view.faults(&invalid);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&NewPage { view, form, faults })?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

fn read_form(form: &NewForm) -> Result<NewCase, Invalid> {
    Ok(NewCase {
        dossier: form.dossier.parse().map_err(|_| Invalid::one("/dossier", "required"))?,
        title: form.title.clone(),
        due_on: read_date("/due_on", &form.due_on)?,
        participants: Vec::new(),
    })
}

fn read_date(pointer: &str, text: &str) -> Result<Option<jiff::civil::Date>, Invalid> {
    match text.trim() {
        "" => Ok(None),
        date => date.parse().map(Some).map_err(|_| Invalid::one(pointer, "bad-date")),
    }
}

async fn show(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    page(&ctx, view, id_of(&id)?, &Invalid::default()).await
}

async fn page(ctx: &Context, view: View, id: CaseId, invalid: &Invalid) -> Result<Response, Fault> {
    let sheet = read::open(ctx, id).await?;
    let rights = Rights {
        works: sheet.own && ctx.may(Verb::OpenDossier).is_ok(),
        writes: ctx.may(Verb::WriteAnswer).is_ok(),
    };
    let status = if invalid.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, html(&arrange(view, sheet, invalid, rights))?).into_response())
}

/// What the person may do with the case.
#[derive(Clone, Copy)]
struct Rights {
    works: bool,
    writes: bool,
}

fn arrange(view: View, sheet: Sheet, invalid: &Invalid, rights: Rights) -> CasePage {
    let Rights { works, writes } = rights;
    let number = |filed: &Filed| format!("{}/{}", domain::register::number_label(filed.number), filed.year);
    let names: Names =
        sheet.documents.iter().map(|one| (one.registration.to_string(), number(one))).collect();
    // The reason of the date is what was said when it was set last.
    let why =
        sheet.timeline.iter().find(|event| event.verb == "case.due").and_then(|event| event.note.clone());
    let open = sheet.case.state != CaseState::Closed;
    let due = sheet.case.due_on.map(|on| Due {
        on,
        overdue: open && on < view.today,
        why: vec![why.unwrap_or_else(|| view.t("why-set-at-opening"))],
        norm: None,
    });
    let role =
        |role: &ParticipantRole| Choice::new(role.name(), view.family("participant-", role.name()), "");
    let kinds = [CorrespondentKind::Person, CorrespondentKind::Firm, CorrespondentKind::Body];
    let kind =
        |kind: CorrespondentKind| Choice::new(kind.name(), view.family("correspondent-", kind.name()), "");
    let why_not = match (open, sheet.own, works) {
        (_, false, _) => Some("case-why-shared"),
        (false, ..) => Some("case-why-closed"),
        (.., false) => Some("case-why-role"),
        _ => None,
    };
    CasePage {
        why_not,
        due,
        timeline: entries(&view, &sheet.timeline, &names),
        roles: ParticipantRole::ALL.iter().map(role).collect(),
        kinds: kinds.into_iter().map(kind).collect(),
        faults: view.faults(invalid),
        works: works && open,
        writes: works && open && writes,
        view,
        sheet,
    }
}

fn id_of(text: &str) -> Result<CaseId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

async fn after(
    ctx: &Context,
    view: View,
    id: CaseId,
    outcome: Result<(), Error>,
    done: &str,
) -> Result<Response, Fault> {
    match outcome {
        Ok(()) => Ok(Redirect::to(&format!("/cases/{id}?done={done}")).into_response()),
        Err(Error::Invalid(invalid)) => page(ctx, view, id, &invalid).await,
        Err(other) => Err(other.into()),
    }
}

#[derive(Deserialize)]
struct StateForm {
    state: String,
    #[serde(default)]
    note: String,
}

async fn set_state(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<StateForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match form.state.parse::<CaseState>() {
        Ok(to) => change::set_state(&ctx, id.clone(), to, Some(form.note)).await,
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, outcome, "case-state").await
}

#[derive(Deserialize)]
struct DueForm {
    due_on: String,
    reason: String,
}

async fn set_due(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<DueForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match read_date("/due_on", &form.due_on) {
        Ok(due) => change::set_due(&ctx, id.clone(), due, form.reason).await,
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, outcome, "case-due").await
}

#[derive(Deserialize)]
struct NoteForm {
    text: String,
}

async fn add_note(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<NoteForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = change::add_note(&ctx, id.clone(), form.text).await;
    after(&ctx, view, id, outcome, "case-note").await
}

#[derive(Deserialize)]
struct PartyForm {
    role: String,
    kind: String,
    name: String,
    digital_domicile: String,
}

async fn add_participant(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<PartyForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match read_party(form) {
        Ok(party) => change::add_participant(&ctx, id.clone(), party).await,
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, outcome, "case-participant").await
}

fn read_party(form: PartyForm) -> Result<Participant, Invalid> {
    Ok(Participant {
        role: form.role.parse()?,
        kind: CorrespondentKind::parse(&form.kind)?,
        name: form.name.trim().to_owned(),
        digital_domicile: Some(form.digital_domicile.trim().to_owned()).filter(|address| !address.is_empty()),
    })
}

impl Sampled for NewPage {
    fn samples(view: View) -> Vec<Self> {
        let faults = view.faults(&Invalid::one("/title", "required"));
        vec![Self { view, form: NewForm::default(), faults }]
    }
}

impl Sampled for CasePage {
    fn samples(view: View) -> Vec<Self> {
        let dossier = super::dossier::sample(domain::dossier::Confidentiality::Public);
        let case = |state| domain::case::Case {
            id: domain::ids::Id::from_u128(1),
            body: dossier.body.clone(),
            dossier: dossier.id.clone(),
            procedure: domain::case::ORDINARY.into(),
            procedure_version: 1,
            title: "Pratica di prova".into(),
            state,
            unit: None,
            officer: None,
            officer_name: Some("Prova Due".into()),
            due_on: Some(view.today),
            opened_at: Timestamp::UNIX_EPOCH,
            closed_at: None,
        };
        let party = Participant {
            role: ParticipantRole::Applicant,
            kind: CorrespondentKind::Person,
            name: "Prova Tre".into(),
            digital_domicile: Some("prova@pec.prova.test".into()),
        };
        let sheet = |state| Sheet {
            case: case(state),
            dossier: dossier.clone(),
            participants: vec![party.clone()],
            documents: Vec::new(),
            deliveries: Vec::new(),
            timeline: Vec::new(),
            own: true,
        };
        let wrong = Invalid::one("/text", "required");
        vec![
            arrange(view.clone(), sheet(CaseState::Open), &wrong, Rights { works: true, writes: true }),
            arrange(
                view.clone(),
                sheet(CaseState::Closed),
                &Invalid::default(),
                Rights { works: true, writes: false },
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn pages_of_cases_hold_in_both_languages_and_all_looks() {
        check_pages::<NewPage>();
        check_pages::<CasePage>();
    }
}
