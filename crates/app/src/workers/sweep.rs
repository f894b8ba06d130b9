//! Sweeps the house: sessions that ended, bytes that no row needs any more, files that a crash left behind.
//!
//! Bytes wait a day before they go: an upload that is being registered holds them only at its end.

use crate::accounts::sign_in::SESSION_IDLE;
use crate::context::App;
use crate::error::{Error, Result};
use std::sync::Arc;

/// How long bytes without a holder are kept, microseconds.
const KEPT: i64 = 24 * 3_600_000_000;
/// Most blobs destroyed in one turn: each is a leaf of the journal.
const BATCH: i64 = 500;

/// What one turn took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Sessions.
    pub sessions: u64,
    /// Bytes of documents, with their keys.
    pub blobs: u64,
    /// Files without a row.
    pub files: u64,
}

/// One turn; harmless to repeat.
///
/// # Errors
/// Those of the store; what was swept before the fault stays swept.
pub async fn run_once(app: &Arc<App>) -> Result<Swept> {
    let now = app.clock.now().micros();
    let sessions = app
        .store
        .write(move |tx| Ok::<_, Error>(store::accounts::sweep_sessions(tx, now, now - SESSION_IDLE)?));
    let sessions = sessions.await?;
    let blobs = app.store.destroy_unheld(now - KEPT, BATCH).await?;
    let files = app.store.sweep_blobs(now - KEPT).await?;
    Ok(Swept { sessions, blobs, files })
}
