//! An entry among the dossiers: where it stands, where it may be put, and the form that puts or moves it.

use crate::error::Fault;
use crate::forms::{self, Form};
use crate::view::{Choice, View};
use crate::who::Who;
use app::use_cases::case;
use app::use_cases::dossier::Filter;
use app::use_cases::dossier::change::place_entry;
use app::use_cases::dossier::read::{self, Shown};
use app::{Context, Error, Verb};
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::Redirect;
use domain::dossier::DossierState;
use domain::ids::{CaseId, DossierId};
use domain::register::Registration;

/// Dossiers offered while a code is typed.
const OFFERED: i64 = 100;

/// Where an entry stands and may go.
#[derive(Debug, Default)]
pub struct Filing {
    /// Id and name of its dossier; without a name for who may not see it.
    pub here: Option<(String, String)>,
    /// Code of its dossier, as far as it may be seen.
    pub code: String,
    /// Id and title of its case.
    pub case: Option<(String, String)>,
    /// Whether the person may put it elsewhere.
    pub may_file: bool,
    /// Codes and subjects of open dossiers.
    pub offered: Vec<(String, String)>,
    /// Cases of its dossier.
    pub cases: Vec<Choice>,
}

impl Filing {
    /// For samples.
    pub fn sample() -> Self {
        Self {
            here: Some(("dos_1".into(), "VI.3/2026/1 Prova".into())),
            code: "VI.3/2026/1".into(),
            case: Some(("case_1".into(), "Pratica di prova".into())),
            may_file: true,
            offered: vec![("VI.3/2026/1".into(), "Prova".into())],
            cases: vec![Choice::new("case_1", "Pratica di prova", "case_1")],
        }
    }
}

/// Where an entry stands for the actor; who may not read dossiers sees nothing of them.
///
/// # Errors
/// Those of the store.
pub async fn of(ctx: &Context, entry: &Registration) -> Result<Filing, Fault> {
    if ctx.may(Verb::ReadDossier).is_err() {
        return Ok(Filing::default());
    }
    let mut filing = Filing {
        here: entry.dossier.as_ref().map(|id| (id.to_string(), String::new())),
        may_file: ctx.may(Verb::OpenDossier).is_ok() && entry.annulment.is_none(),
        ..Filing::default()
    };
    if filing.may_file {
        let open = Filter { state: Some(DossierState::Open), ..Filter::default() };
        for one in read::list(ctx, open, OFFERED).await?.items {
            if let Shown::Full(dossier) = one {
                if entry.dossier.as_ref() == Some(&dossier.id) {
                    filing.here =
                        Some((dossier.id.to_string(), format!("{} {}", dossier.code, dossier.subject)));
                    filing.code.clone_from(&dossier.code);
                }
                filing.offered.push((dossier.code, dossier.subject));
            }
        }
    }
    if let Some(dossier) = &entry.dossier {
        add_cases(ctx, &mut filing, dossier, entry.case.as_ref()).await?;
    }
    Ok(filing)
}

async fn add_cases(
    ctx: &Context,
    filing: &mut Filing,
    dossier: &DossierId,
    here: Option<&CaseId>,
) -> Result<(), Fault> {
    let cases = match case::read::of_dossier(ctx, dossier.clone()).await {
        Ok(cases) => cases,
        // A dossier that may not be seen has no cases to show.
        Err(Error::NotFound) => return Ok(()),
        Err(other) => return Err(other.into()),
    };
    let present = here.map(ToString::to_string).unwrap_or_default();
    filing.case = cases
        .iter()
        .find(|case| Some(&case.id) == here)
        .map(|case| (case.id.to_string(), case.title.clone()));
    filing.cases =
        cases.into_iter().map(|case| Choice::new(case.id.to_string(), case.title, &present)).collect();
    Ok(())
}

/// `POST /register/{id}/dossier`
pub async fn place(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Redirect, Fault> {
    let form = Form::read(&body)?;
    forms::check_token(&view.csrf, form.text("csrf"))?;
    let id = crate::api::registrations::registration_id(&id)?;
    // The cases offered are those of the dossier shown: moved elsewhere, the choice among them means nothing.
    let case = form.some("case").filter(|_| form.text("dossier") == form.text("shown"));
    let case = case.map(|case| case.parse().map_err(|_| Error::NotFound)).transpose()?;
    place_entry(&ctx, id.clone(), form.text("dossier"), case).await?;
    Ok(Redirect::to(&format!("/register/{id}?done=dossier-filed")))
}
