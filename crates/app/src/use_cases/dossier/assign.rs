//! Giving dossiers to offices and persons, to act or to know; taking charge of them, or sending them back.

use super::people::colleague;
use super::{doer, must_hold};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::ids::{AccountId, AssignmentId, DossierId, UnitId};
use domain::register::AssignmentKind;
use domain::{Invalid, Refusal};
use serde::Deserialize;
use store::dossiers::{self, Assigned, NewLink};
use store::{Tx, bodies};

/// To whom, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignDossier {
    /// To act or to know.
    pub kind: AssignmentKind,
    /// Office.
    #[serde(default)]
    pub unit: Option<UnitId>,
    /// Person.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// A word for the assignee, at most 1,000 characters.
    #[serde(default)]
    pub note: Option<String>,
}

impl AssignDossier {
    /// Checks form only.
    ///
    /// # Errors
    /// `Invalid` when nobody is named or the note is too long.
    pub fn check(&self) -> std::result::Result<(), Invalid> {
        let mut faults = Invalid::default();
        if self.unit.is_none() && self.account.is_none() {
            faults.add("/unit", "required");
        }
        if self.note.as_ref().is_some_and(|note| note.chars().count() > 1_000) {
            faults.add_with("/note", "too-long", "1000");
        }
        faults.or(())
    }
}

/// Gives a dossier to an office or person of the actor's body.
///
/// # Errors
/// `Invalid` for the assignee; `NotFound` for who may not see the dossier; `Refusal` when it is not open.
pub async fn assign(ctx: &Context, id: DossierId, to: AssignDossier) -> Result<AssignmentId> {
    ctx.may(Verb::OpenDossier)?;
    to.check()?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        must_hold(tx, &it, &id, "dossier.assign")?.state.must_be_open()?;
        if let Some(unit) = &to.unit
            && !bodies::units(tx, &it.actor.body)?.iter().any(|one| &one.id == unit && one.active)
        {
            return Err(Invalid::with("/unit", "unknown-unit", unit.to_string()).into());
        }
        if let Some(account) = &to.account {
            colleague(tx, &it.actor.body, account, "/person")?;
        }
        let assignment: AssignmentId = it.mint();
        let link = NewLink {
            id: &assignment,
            kind: to.kind,
            unit: to.unit.as_ref(),
            account: to.account.as_ref(),
            note: to.note.as_deref(),
        };
        dossiers::assign(tx, &id, link, doer(&it.actor, &it.actor.tag()))?;
        Ok(assignment)
    })
    .await
}

/// The assignee accepts (*presa in carico*).
///
/// # Errors
/// `NotFound` when it is not the actor's; `Refusal` when it is over or taken already.
pub async fn take_charge(ctx: &Context, assignment: AssignmentId) -> Result<()> {
    ctx.may(Verb::TakeCharge)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let found = mine(tx, &it, &assignment)?;
        match dossiers::take_charge(tx, &found, doer(&it.actor, &it.actor.tag()))? {
            true => Ok(()),
            false => Err(Refusal::of("assignment-over").into()),
        }
    })
    .await
}

/// The assignee sends it back with a reason (*rifiuto*).
///
/// # Errors
/// `Invalid` without reason; `NotFound` when it is not the actor's; `Refusal` when it is over.
pub async fn send_back(ctx: &Context, assignment: AssignmentId, reason: String) -> Result<()> {
    ctx.may(Verb::TakeCharge)?;
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Invalid::one("/reason", "required").into());
    }
    if reason.chars().count() > 1_000 {
        return Err(Invalid::with("/reason", "too-long", "1000").into());
    }
    let it = ctx.clone();
    ctx.write(move |tx| {
        let found = mine(tx, &it, &assignment)?;
        match dossiers::end_assignment(tx, &found, &reason, doer(&it.actor, &it.actor.tag()))? {
            true => Ok(()),
            false => Err(Refusal::of("assignment-over").into()),
        }
    })
    .await
}

/// An assignment of the actor or of the actor's office.
fn mine(tx: &mut Tx, ctx: &Context, id: &AssignmentId) -> Result<Assigned> {
    let found = dossiers::assignment(tx, id)?.ok_or(Error::NotFound)?;
    let own = found.account.is_some() && found.account.as_ref() == ctx.actor.owner();
    let office = found.account.is_none() && found.unit.is_some() && found.unit == ctx.actor.unit;
    if own || office { Ok(found) } else { Err(Error::NotFound) }
}
