//! The text of a file that is not registered yet, so that the clerk reads it beside the form. Nothing is stored.

use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::workers::texts::reason;
use documents::inspect;
use documents::text::{Limits, words};
use std::time::Duration;

/// Largest file looked at for this, bytes.
pub const INPUT_MAX: usize = 16 * 1024 * 1024;
/// Longest text shown, bytes.
const OUTPUT_MAX: usize = 100_000;

/// What a file says, or the stable code of why it cannot be read (`locked`, `damaged`, `too-large`, `no-text`).
///
/// # Errors
/// `Refusal` for who may not register.
pub async fn extract(ctx: &Context, bytes: Vec<u8>) -> Result<std::result::Result<String, &'static str>> {
    ctx.may(Verb::Register)?;
    let work = move || {
        let limits = Limits {
            input: INPUT_MAX,
            output: OUTPUT_MAX,
            time: Duration::from_secs(4),
            ..Limits::default()
        };
        let found = words(inspect::media_type(&bytes), &bytes, &limits).map_err(|why| reason(&why))?;
        if found.text.trim().is_empty() { Err("no-text") } else { Ok(found.text) }
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Bug(error.to_string()))
}
