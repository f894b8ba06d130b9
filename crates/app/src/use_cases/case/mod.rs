//! Cases: opening, reading, moving on, notes and participants. Who sees a case is who sees its dossier.

pub mod change;
pub mod open;
pub mod read;

use super::dossier::{look, must_hold, must_see};
use crate::context::Context;
use crate::error::{Error, Result};
use domain::case::Case;
use domain::dossier::Dossier;
use domain::ids::CaseId;
use store::{Tx, cases, trace};

/// Loads a case with its dossier; for a change both must be of the actor's body.
///
/// # Errors
/// `NotFound` for who may not see the dossier.
pub(crate) fn load(
    tx: &mut Tx,
    ctx: &Context,
    id: &CaseId,
    purpose: &str,
    change: bool,
) -> Result<(Case, Dossier)> {
    let (_, dossier) = cases::whereabouts(tx, id)?.ok_or(Error::NotFound)?;
    let dossier = match change {
        true => must_hold(tx, ctx, &dossier, purpose)?,
        false => must_see(tx, ctx, &dossier, purpose)?,
    };
    let found = cases::find(tx, id)?.ok_or(Error::NotFound)?;
    let mut look = look(ctx, purpose, vec![id.to_string()]);
    look.case = Some(id.to_string());
    Ok((trace::open(tx, &look, found)?.into_inner(), dossier))
}
