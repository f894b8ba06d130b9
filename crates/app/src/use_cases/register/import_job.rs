//! Bringing in an old register from the browser: the file is tried first, its first rows and faults are shown, and
//! after a confirmation it is written in the background while the page tells how far it is.
//!
//! A job stands in memory only, one for each person: the import itself may be repeated without harm (a number that
//! stands already is left as it is), so after a restart the file is simply given again.

use super::import_mapping::{ReadRow, read_mapping, read_rows};
use super::import_old::{Import, ReportRow, import_old, import_watched};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Largest file taken from a browser, bytes; larger ones are for the command line.
pub const FILE_MAX: usize = 32 * 1024 * 1024;
/// First rows shown as they were understood.
const SHOWN: usize = 10;

/// The jobs of this process, by account and body.
#[derive(Default)]
pub struct Jobs(Mutex<HashMap<String, Arc<Job>>>);

/// One file on its way into the register.
pub struct Job {
    import: Import,
    /// The first rows as they were understood.
    pub first: Vec<ReadRow>,
    /// What would become of each row.
    pub trial: Vec<ReportRow>,
    started: AtomicBool,
    done: AtomicUsize,
    outcome: OnceLock<std::result::Result<Vec<ReportRow>, ()>>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Tried; waits for the confirmation.
    Tried,
    /// Rows written so far.
    Running(usize),
    /// The report, row by row.
    Done(&'a [ReportRow]),
    /// Ended by a fault of the program or disk; what was written stays, and the file can be given again.
    Failed,
}

impl Job {
    /// Where it stands now.
    pub fn standing(&self) -> Standing<'_> {
        match self.outcome.get() {
            Some(Ok(report)) => Standing::Done(report),
            Some(Err(())) => Standing::Failed,
            None if self.started.load(Ordering::SeqCst) => {
                Standing::Running(self.done.load(Ordering::SeqCst))
            }
            None => Standing::Tried,
        }
    }

    /// Whether rows are being written.
    fn runs(&self) -> bool {
        matches!(self.standing(), Standing::Running(_))
    }
}

fn key(ctx: &Context) -> String {
    format!("{} {}", ctx.actor.owner_tag(), ctx.actor.body)
}

impl Jobs {
    fn of(&self, key: &str) -> Option<Arc<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: String, job: Arc<Job>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, job);
    }
}

/// Tries a file and keeps it for the confirmation, in the place of the one before.
///
/// # Errors
/// `Invalid` for mapping or file as a whole; `Conflict` while another file of the actor is being written.
pub async fn try_file(ctx: &Context, import: Import) -> Result<()> {
    ctx.may(Verb::ImportRegister)?;
    if ctx.app.imports.of(&key(ctx)).is_some_and(|job| job.runs()) {
        return Err(Error::Conflict);
    }
    let mut first = read_rows(&import.file, &read_mapping(&import.mapping)?)?;
    first.truncate(SHOWN);
    let trial = import_old(ctx, Import { dry_run: true, ..import.clone() }).await?;
    let job = Job {
        import: Import { dry_run: false, ..import },
        first,
        trial,
        started: AtomicBool::new(false),
        done: AtomicUsize::new(0),
        outcome: OnceLock::new(),
    };
    ctx.app.imports.put(key(ctx), Arc::new(job));
    Ok(())
}

/// The actor's job in the present body.
///
/// # Errors
/// `Refusal` for who may not import.
pub fn find(ctx: &Context) -> Result<Option<Arc<Job>>> {
    ctx.may(Verb::ImportRegister)?;
    Ok(ctx.app.imports.of(&key(ctx)))
}

/// Begins to write the file that was tried; a second confirmation changes nothing.
///
/// # Errors
/// `NotFound` when there is none.
pub fn confirm(ctx: &Context) -> Result<()> {
    let job = find(ctx)?.ok_or(Error::NotFound)?;
    if job.started.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let ctx = ctx.clone();
    tokio::spawn(async move {
        let told = job.clone();
        let tell = move |rows: usize| told.done.store(rows, Ordering::SeqCst);
        let outcome = import_watched(&ctx, job.import.clone(), &tell).await;
        let outcome = outcome.map_err(|error| tracing::error!(%error, "an import ended early"));
        // Only this task sets it, once.
        let _ = job.outcome.set(outcome);
    });
    Ok(())
}
