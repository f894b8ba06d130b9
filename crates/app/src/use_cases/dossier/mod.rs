//! Dossiers: opening, reading, moving through their life, giving to offices, sharing with other bodies.
//!
//! Who sees how much is said by `domain::dossier::sight`; here the answer is carried out. What a person may not
//! see is shown as code and date when it is of the person's body (and the attempt is traced), and does not exist
//! when it is another's.

pub mod assign;
pub mod change;
pub mod open;
pub mod people;
pub mod read;
pub mod share;

pub use store::dossiers::{Assigned, Filed, Filter, Reader, Share};
pub use store::timeline::Event;

use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use domain::Role;
use domain::dossier::{DOSSIER_LAW, Dossier, Sight, sight};
use domain::ids::{DossierId, LookId};
use store::Tx;
use store::dossiers::{self, Viewer};
use store::timeline::Doer;
use store::trace::{self, Look};

/// The actor as the store needs to know it.
pub(crate) fn viewer(actor: &Actor) -> Viewer {
    Viewer {
        body: actor.body.clone(),
        account: actor.owner_tag(),
        unit: actor.unit.clone(),
        manager: actor.has(Role::RecordsManager),
    }
}

/// The actor as journal and timeline write it; `account` is `actor.tag()`, kept by the caller.
pub(crate) fn doer<'a>(actor: &'a Actor, account: &'a str) -> Doer<'a> {
    let on_behalf_of = actor.on_behalf_of.as_ref().map(|id| id.as_str());
    Doer { body: &actor.body, account, name: &actor.name, on_behalf_of }
}

/// A look of the actor, about to be written.
pub(crate) fn look(ctx: &Context, purpose: &str, subjects: Vec<String>) -> Look {
    Look {
        id: ctx.mint::<LookId>(),
        actor: ctx.actor.tag(),
        body: ctx.actor.body.clone(),
        unit: ctx.actor.unit.clone(),
        purpose: ctx.purpose.clone().unwrap_or_else(|| purpose.to_owned()),
        norm: Some(DOSSIER_LAW.to_string()),
        case: None,
        subjects,
    }
}

/// Loads a dossier of the actor's own body for a change; it must be seen whole.
///
/// # Errors
/// `NotFound` for who may not see it, or when it is another body's.
pub(crate) fn must_hold(tx: &mut Tx, ctx: &Context, id: &DossierId, purpose: &str) -> Result<Dossier> {
    let found = dossiers::find(tx, id, &viewer(&ctx.actor))?.ok_or(Error::NotFound)?;
    let seen = trace::open(tx, &look(ctx, purpose, vec![id.to_string()]), found)?.into_inner();
    match sight(seen.dossier.confidentiality, seen.standing) {
        Sight::Full if seen.dossier.body == ctx.actor.body => Ok(seen.dossier),
        _ => Err(Error::NotFound),
    }
}

/// Loads a dossier that the actor may read, held by the actor's body or shared with it.
///
/// # Errors
/// `NotFound` for who may not see it whole.
pub(crate) fn must_see(tx: &mut Tx, ctx: &Context, id: &DossierId, purpose: &str) -> Result<Dossier> {
    let found = dossiers::find(tx, id, &viewer(&ctx.actor))?.ok_or(Error::NotFound)?;
    let seen = trace::open(tx, &look(ctx, purpose, vec![id.to_string()]), found)?.into_inner();
    match sight(seen.dossier.confidentiality, seen.standing) {
        Sight::Full => Ok(seen.dossier),
        _ => Err(Error::NotFound),
    }
}
