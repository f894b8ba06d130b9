//! What leaves and what arrives: sendings to bodies of the hub, to certified mail and to ordinary mail; the inbox;
//! the answers of registers to each other.
//!
//! Everything that leaves is a row of the outbox first, everything that arrives is raw bytes first. What is known
//! of a delivery is a set of facts, and its state follows from the set. Servers are spoken to by the workers only.

pub mod admit;
pub mod annulled;
pub mod answer;
pub mod decide;
pub mod desk;
pub mod package;
pub mod progress;
pub mod register_inbound;
pub mod roads;
pub mod rules;
pub mod send;
pub mod understand;
pub mod watch;

pub use roads::{Account, Exchange};
pub use send::{Recipient, Sending, send, sent_before, warned};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::access;
use domain::ids::{LookId, RegistrationId};
use store::trace::Look;
use store::{Tx, register};

/// Stops who may not see what was sent: what is confidential on the register is confidential on its way too. Who sent
/// or registered it in another's place knows it already.
fn must_see(tx: &mut Tx, ctx: &Context, entry: Option<&RegistrationId>, sent_by: &str) -> Result<()> {
    let Some(entry) = entry.filter(|_| sent_by != ctx.actor.tag()) else { return Ok(()) };
    let head = register::head(tx, entry)?.ok_or(Error::NotFound)?;
    if head.registered_by == ctx.actor.tag() {
        return Ok(());
    }
    access::must_see(tx, &ctx.actor.body, entry, &access::eyes(&ctx.actor))
}

/// A look at messages and deliveries: what was sent and received is read to handle it (D.Lgs. 82/2005, art. 47).
fn look(ctx: &Context, purpose: &str, subjects: Vec<String>) -> Look {
    Look {
        id: ctx.mint::<LookId>(),
        actor: ctx.actor.tag(),
        body: ctx.actor.body.clone(),
        unit: ctx.actor.unit.clone(),
        purpose: ctx.purpose.clone().unwrap_or_else(|| purpose.to_owned()),
        norm: Some("D.Lgs. 82/2005, art. 47".to_owned()),
        case: None,
        subjects,
    }
}
