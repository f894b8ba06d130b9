//! Opening an ordinary case in a dossier. Cases of a procedure are opened by its own use cases, with its key and
//! version.

use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use crate::use_cases::dossier::{doer, must_hold};
use domain::case::{Case, CaseState, NewCase, ORDINARY, ORDINARY_VERSION};
use store::cases;

/// Opens a case with the actor as its officer.
///
/// # Errors
/// `Invalid` for its data; `NotFound` for who may not see the dossier; `Refusal` when that is not open.
pub async fn open_case(ctx: &Context, new: NewCase) -> Result<Case> {
    ctx.may(Verb::OpenDossier)?;
    new.check()?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let dossier = must_hold(tx, &it, &new.dossier, "case.open")?;
        dossier.state.must_be_open()?;
        let mut case = Case {
            id: it.mint(),
            body: it.actor.body.clone(),
            dossier: dossier.id,
            procedure: ORDINARY.to_owned(),
            procedure_version: ORDINARY_VERSION,
            title: new.title.trim().to_owned(),
            state: CaseState::Open,
            unit: it.actor.unit.clone(),
            officer: it.actor.owner().cloned(),
            officer_name: Some(it.actor.name.clone()),
            due_on: new.due_on,
            opened_at: it.moment.at,
            closed_at: None,
        };
        cases::open(tx, &mut case, &new.participants, doer(&it.actor, &it.actor.tag()))?;
        Ok(case)
    })
    .await
}
