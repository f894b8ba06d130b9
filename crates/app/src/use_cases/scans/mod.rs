//! Scans of papers, from the scanner to the register: what came by a watched folder or by hand waits here; a clerk
//! looks at each, attests that it conforms to the paper and registers it as incoming, or sets it aside with a reason.
//!
//! The attestation is kept with the file for ever, in its words; entry and receipt show it.

mod arrive;
mod desk;
mod register;

pub use arrive::{Source, arrive, upload};
pub use desk::{Page, content, discard, list, open};
pub use register::{NewEntry, document, register, statement};
pub use store::scans::Scan;

use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::access;
use domain::ids::ScanId;
use store::{Tx, scans, trace};

/// A scan of the actor's body, with the look at it written down.
fn load(tx: &mut Tx, ctx: &Context, id: &ScanId, purpose: &str) -> Result<Scan> {
    let found = scans::find(tx, id)?.ok_or(Error::NotFound)?;
    let scan = trace::open(tx, &access::look(ctx, purpose, vec![id.to_string()]), found)?.into_inner();
    ctx.may_in(Verb::ScanIntake, &scan.body)?;
    Ok(scan)
}
