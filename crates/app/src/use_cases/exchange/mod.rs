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
pub mod send;
pub mod understand;
pub mod watch;

pub use roads::{Account, Exchange};
pub use send::{Recipient, Sending, send};

use crate::context::Context;
use domain::ids::LookId;
use store::trace::Look;

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
