//! The same file twice: before it is registered again, the entry that already holds it is proposed.
//!
//! A proposal only: the same paper may rightly arrive twice, and the register refuses nothing.

use super::access;
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use store::register_list::{self, Line};

/// Most entries proposed.
const PROPOSED: usize = 5;

/// The entries of the actor's body that hold a file with this SHA-256 (lower-case hexadecimal), newest first.
///
/// # Errors
/// `Problem` when the store fails.
pub async fn with_same_file(ctx: &Context, sha256: &str) -> Result<Vec<Line>> {
    ctx.may(Verb::ReadRegister)?;
    let (body, eyes, sha256) = (ctx.actor.body.clone(), access::eyes(&ctx.actor), sha256.to_owned());
    let found =
        ctx.read(move |r| Ok(register_list::with_fingerprint(r, &body, &sha256, &eyes, PROPOSED)?)).await?;
    let subjects = Vec::new();
    let lines =
        ctx.app.store.open_traced::<_, crate::Error>(access::look(ctx, "duplicate", subjects), found).await?;
    Ok(lines.into_inner())
}
