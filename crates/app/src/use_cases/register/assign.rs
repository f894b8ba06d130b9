//! Giving entries to offices and persons, to act or to know; taking charge of them, or sending them back.
//!
//! Every hop stays in the history. Several entries may be assigned by one act: each answers for itself, so one
//! that cannot be assigned does not stop the others.

use super::access::{self, readers};
use super::read::must_be_live;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::ids::{AccountId, AssignmentId, RegistrationId, UnitId};
use domain::register::AssignmentKind;
use domain::{Invalid, Refusal};
use serde::Deserialize;
use store::register::{self, Assignment, NewAssignment};
use store::{Tx, search};

/// To whom, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignTo {
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

impl AssignTo {
    /// Checks form only; whether office and person are of the body is seen inside the transaction.
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

/// Outcome for one entry of a bulk assignment.
#[derive(Debug)]
pub struct RowOutcome {
    /// The entry.
    pub id: RegistrationId,
    /// Done, or why not.
    pub outcome: Result<()>,
}

/// Most entries of one bulk act.
pub const BULK_MAX: usize = 500;

/// Assigns one entry; assignments before stay in force unless `instead` ends them.
///
/// # Errors
/// `Invalid` for the assignee; `NotFound` for who may not see the entry; `Refusal` when it is annulled.
pub async fn assign(ctx: &Context, id: RegistrationId, to: AssignTo, instead: bool) -> Result<()> {
    ctx.may(Verb::Assign)?;
    to.check()?;
    let work = Work::of(ctx, to, instead);
    ctx.write(move |tx| work.carry_out(tx, &id)).await
}

/// Assigns several entries by one act, with one outcome for each.
///
/// # Errors
/// `Invalid` for the assignee, or when there is no entry or too many.
pub async fn assign_many(
    ctx: &Context,
    ids: Vec<RegistrationId>,
    to: AssignTo,
    instead: bool,
) -> Result<Vec<RowOutcome>> {
    ctx.may(Verb::Assign)?;
    to.check()?;
    if ids.is_empty() || ids.len() > BULK_MAX {
        return Err(Invalid::with("/registrations", "length-1-500", ids.len().to_string()).into());
    }
    // One closure each, all waiting together: the writer joins them in one flush, and each is undone alone.
    let start = |id: RegistrationId| {
        let (work, one, ctx) = (Work::of(ctx, to.clone(), instead), id.clone(), ctx.clone());
        (id, tokio::spawn(async move { ctx.write(move |tx| work.carry_out(tx, &one)).await }))
    };
    let started: Vec<_> = ids.into_iter().map(start).collect();
    let mut outcomes = Vec::with_capacity(started.len());
    for (id, waiting) in started {
        let outcome = waiting.await.unwrap_or_else(|error| Err(Error::Bug(error.to_string())));
        outcomes.push(RowOutcome { id, outcome });
    }
    Ok(outcomes)
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
        let by = access::signer(&it.actor);
        match register::take_charge(tx, &it.actor.body, &found, &by)? {
            true => Ok(()),
            false => Err(Refusal::of("assignment-over").into()),
        }
    })
    .await
}

/// The assignee sends it back with a reason (*rifiuto*): it stands again before the registry.
///
/// # Errors
/// `Invalid` without reason; `NotFound` when it is not the actor's; `Refusal` when it is over.
pub async fn send_back(ctx: &Context, assignment: AssignmentId, reason: String) -> Result<()> {
    ctx.may(Verb::TakeCharge)?;
    if reason.trim().is_empty() || reason.chars().count() > 1_000 {
        return Err(Invalid::with("/reason", "length-1-1000", "").into());
    }
    let it = ctx.clone();
    ctx.write(move |tx| {
        let found = mine(tx, &it, &assignment)?;
        let by = access::signer(&it.actor);
        if !register::end_assignment(tx, &it.actor.body, &found, &by, reason.trim())? {
            return Err(Refusal::of("assignment-over").into());
        }
        refresh_readers(tx, &it, &found.registration)
    })
    .await
}

/// An assignment of the actor, of the actor's office, or of the body for who assigns there.
fn mine(tx: &mut Tx, ctx: &Context, id: &AssignmentId) -> Result<Assignment> {
    let found = register::assignment(tx, id)?.ok_or(Error::NotFound)?;
    let head = register::head(tx, &found.registration)?.ok_or(Error::NotFound)?;
    let own = found.account.is_some() && found.account.as_ref() == ctx.actor.owner();
    let office = found.unit.is_some() && found.unit == ctx.actor.unit;
    match head.body == ctx.actor.body && (own || office || ctx.may(Verb::Assign).is_ok()) {
        true => Ok(found),
        false => Err(Error::NotFound),
    }
}

/// One assignment about to be made.
struct Work {
    ctx: Context,
    to: AssignTo,
    instead: bool,
}

impl Work {
    fn of(ctx: &Context, to: AssignTo, instead: bool) -> Self {
        Self { ctx: ctx.clone(), to, instead }
    }

    fn carry_out(self, tx: &mut Tx, id: &RegistrationId) -> Result<()> {
        let actor = &self.ctx.actor;
        access::must_see(tx, &actor.body, id, &access::eyes(actor))?;
        must_be_live(tx, id)?;
        let by = access::signer(actor);
        if self.instead {
            for old in register::assignments(tx, id)? {
                if old.ended_at.is_none() && old.kind == self.to.kind {
                    register::end_assignment(tx, &actor.body, &old, &by, "reassigned")?;
                }
            }
        }
        record(tx, &self.ctx, id, &self.to, &by)?;
        refresh_readers(tx, &self.ctx, id)
    }
}

/// Writes one assignment inside an open transaction; the office must be of the actor's body.
pub(super) fn record(
    tx: &mut Tx,
    ctx: &Context,
    id: &RegistrationId,
    to: &AssignTo,
    by: &AccountId,
) -> Result<()> {
    if let Some(unit) = &to.unit
        && !store::bodies::has_unit(tx, &ctx.actor.body, unit)?
    {
        return Err(Invalid::with("/unit", "unknown-unit", unit.to_string()).into());
    }
    let new = NewAssignment {
        id: &ctx.mint(),
        kind: to.kind,
        unit: to.unit.as_ref(),
        account: to.account.as_ref(),
        by,
        note: to.note.as_deref(),
    };
    Ok(register::assign(tx, &ctx.actor.body, id, new)?)
}

/// A confidential entry is found by the persons it is assigned to, and by no others.
fn refresh_readers(tx: &mut Tx, ctx: &Context, id: &RegistrationId) -> Result<()> {
    let head = register::head(tx, id)?.ok_or(Error::NotFound)?;
    if !head.confidential {
        return Ok(());
    }
    let assigned: Vec<AccountId> = register::assignments(tx, id)?
        .into_iter()
        .filter(|one| one.ended_at.is_none())
        .filter_map(|one| one.account)
        .collect();
    let names = readers(true, &head.registered_by, &assigned);
    Ok(search::set_readers(tx, &ctx.actor.body, id.as_str(), &names)?)
}
