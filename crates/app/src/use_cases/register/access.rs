//! Whose eyes may see which entry: the one translation of an actor into what store and search index understand.
//!
//! An entry is open to everyone of its body who may read the register; a confidential one only to who registered
//! it, to the persons it is assigned to, and to the records manager, who answers for the register (D.P.R.
//! 445/2000, art. 61).

use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use domain::body::IpaCode;
use domain::ids::{AccountId, Id, LookId, RegistrationId};
use domain::{Law, Role};
use store::Query;
use store::register_list::{self, Eyes};
use store::trace::Look;

/// The name under which everybody of a body finds things in the search index.
const EVERYBODY: &str = "all";
/// The name under which records managers find confidential things.
const MANAGERS: &str = "records_manager";

/// The norm on which reading the register rests.
pub const READING: Law = Law("D.P.R. 445/2000, art. 58");

/// The eyes of an actor.
pub fn eyes(actor: &Actor) -> Eyes {
    Eyes { account: actor.owner_tag(), all: actor.has(Role::RecordsManager) }
}

/// The account that signs what an actor does; the program itself has the account with all bits zero.
pub fn signer(actor: &Actor) -> AccountId {
    actor.account.clone().unwrap_or_else(|| AccountId::from_u128(0))
}

/// Who may find an entry in the search index.
pub fn readers(confidential: bool, registered_by: &str, assigned: &[AccountId]) -> Vec<String> {
    if !confidential {
        return vec![EVERYBODY.to_owned()];
    }
    let mut names = vec![MANAGERS.to_owned(), registered_by.to_owned()];
    names.extend(assigned.iter().map(ToString::to_string));
    names
}

/// The names by which an actor searches.
pub fn reads_as(actor: &Actor) -> Vec<String> {
    let own = actor.owner().map_or_else(|| signer(actor).to_string(), ToString::to_string);
    let mut names = vec![EVERYBODY.to_owned(), own];
    if actor.has(Role::RecordsManager) {
        names.push(MANAGERS.to_owned());
    }
    names
}

/// The look to be written when an actor is shown something.
pub fn look(ctx: &Context, purpose: &str, subjects: Vec<String>) -> Look {
    Look {
        id: ctx.mint::<LookId>(),
        actor: ctx.actor.tag(),
        body: ctx.actor.body.clone(),
        unit: ctx.actor.unit.clone(),
        purpose: ctx.purpose.clone().unwrap_or_else(|| purpose.to_owned()),
        norm: Some(READING.to_string()),
        case: None,
        subjects,
    }
}

/// Stops who may not see what an entry holds: for them it is not there.
pub fn must_see(query: &mut impl Query, body: &IpaCode, id: &RegistrationId, eyes: &Eyes) -> Result<()> {
    match register_list::may_see(query, body, id, eyes)? {
        Some(true) => Ok(()),
        _ => Err(Error::NotFound),
    }
}
