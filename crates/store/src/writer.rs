//! The one writer of a database. Closures wait in a bounded queue; the writer
//! takes all that arrived during the previous flush, runs them one after the
//! other inside one transaction (a savepoint each when there are several, so
//! that a failing or panicking one is undone alone), flushes once and only then
//! answers them.
//!
//! It knows nothing of what the closures do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::changes::{Changes, Touched};
use crate::tx::Memory;
use crate::{StoreError, Tx};

/// The largest group: bounds the memory of a group and how long its first caller waits.
pub(crate) const GROUP: usize = 1024;

/// A closure on its way through the writer.
pub(crate) trait Job: Send {
    /// Runs the closure; `Keep` when what it wrote may stay.
    fn run(&mut self, tx: &mut Tx) -> Verdict;
    /// Replaces the result: what was written could not be kept.
    fn fail(&mut self, error: StoreError);
    /// Tells the caller; called after the flush, or with the reason why there was none.
    fn answer(self: Box<Self>, end: Result<(), StoreError>);
}

/// What becomes of the writes of one closure.
#[derive(PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Undo,
}

/// The usual job: a closure, then its result, then the caller who waits for it.
pub(crate) struct Closure<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Closure<T, E, F> {
    pub(crate) fn new(work: F, caller: oneshot::Sender<Result<T, E>>) -> Self {
        Self { work: Some(work), result: None, caller }
    }
}

impl<T, E, F> Job for Closure<T, E, F>
where
    F: FnOnce(&mut Tx) -> Result<T, E> + Send,
    E: From<StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx) -> Verdict {
        let Some(work) = self.work.take() else {
            return Verdict::Undo;
        };
        // The closure is consumed and its writes are undone: nothing half-changed survives the panic.
        let result = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|_| Err(E::from(StoreError::Panicked)));
        let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.result = Some(result);
        verdict
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(E::from(error)));
    }

    fn answer(self: Box<Self>, end: Result<(), StoreError>) {
        let result = match end {
            Ok(()) => self.result.unwrap_or_else(|| Err(E::from(StoreError::Closed))),
            Err(error) => Err(E::from(error)),
        };
        // A caller that went away meanwhile is no error: its write is kept all the same.
        let _ = self.caller.send(result);
    }
}

/// Counted by the writer, read by whoever watches it.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) groups: AtomicU64,
    pub(crate) kept: AtomicU64,
    pub(crate) undone: AtomicU64,
    pub(crate) lost: AtomicU64,
}

/// Runs until the last sender is gone.
pub(crate) fn run(
    mut tx: Tx,
    mut jobs: mpsc::Receiver<Box<dyn Job>>,
    counts: &Arc<Counts>,
    changes: &Changes,
) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
        let end = one_group(&mut tx, &mut group, counts);
        if let Err(error) = &end {
            tracing::error!(%error, writes = group.len(), "a group of writes was not kept");
            counts.lost.fetch_add(group.len() as u64, Ordering::Relaxed);
        }
        // Before the answers: whoever is told that a right was taken away finds it gone.
        changes.tell(&std::mem::take(&mut tx.touched));
        for job in group.drain(..) {
            job.answer(end.clone());
        }
    }
}

fn one_group(tx: &mut Tx, group: &mut [Box<dyn Job>], counts: &Counts) -> Result<(), StoreError> {
    // A PostgreSQL may have other writers between two groups; a folder of SQLite has none (`FolderLock`).
    if tx.engine.is_postgres() {
        tx.memory = Memory::default();
    }
    tx.touched = Touched::default();
    let end = begin(tx).and_then(|()| match group {
        [job] => alone(tx, job.as_mut(), counts),
        jobs => {
            for job in jobs {
                one_job(tx, job.as_mut(), counts)?;
            }
            tx.engine.commit()
        }
    });
    match &end {
        Ok(()) => {
            counts.groups.fetch_add(1, Ordering::Relaxed);
        }
        Err(_) => {
            tx.memory = Memory::default();
            // Failing to recover is found again, and told, by the next group.
            drop(tx.engine.recover());
        }
    }
    end
}

/// A group of one needs no savepoint: what it wrote is kept or undone with the transaction.
fn alone(tx: &mut Tx, job: &mut dyn Job, counts: &Counts) -> Result<(), StoreError> {
    tx.stamped = None;
    tx.for_whom = None;
    let mut verdict = job.run(tx);
    if verdict == Verdict::Keep
        && let Err(error) = tx.engine.sync()
    {
        job.fail(error);
        verdict = Verdict::Undo;
    }
    if let Some(error) = tx.engine.lost() {
        return Err(error);
    }
    if verdict == Verdict::Keep {
        tx.engine.commit()?;
        counts.kept.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    }
    tx.memory = Memory::default();
    counts.undone.fetch_add(1, Ordering::Relaxed);
    tx.engine.rollback()
}

/// A connection lost while nobody was writing is found here; one new attempt is made at once.
fn begin(tx: &mut Tx) -> Result<(), StoreError> {
    let opened = tx.engine.begin_write().and_then(|()| tx.engine.sync());
    match opened {
        Err(StoreError::Unavailable(_)) => {
            tx.engine.recover()?;
            tx.engine.begin_write()
        }
        other => other,
    }
}

fn one_job(tx: &mut Tx, job: &mut dyn Job, counts: &Counts) -> Result<(), StoreError> {
    tx.stamped = None;
    tx.for_whom = None;
    tx.engine.savepoint()?;
    let mut verdict = job.run(tx);
    if verdict == Verdict::Keep {
        // What was deferred may fail only now: then it is this closure that fails.
        if let Err(error) = tx.engine.release() {
            job.fail(error);
            verdict = Verdict::Undo;
        }
    }
    if let Some(error) = tx.engine.lost() {
        return Err(error);
    }
    match verdict {
        Verdict::Keep => counts.kept.fetch_add(1, Ordering::Relaxed),
        Verdict::Undo => {
            tx.memory = Memory::default();
            tx.engine.undo()?;
            counts.undone.fetch_add(1, Ordering::Relaxed)
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Query, Store, StoreConfig, StoreError, TestClock, Value};

    const FILL: &str = "insert into journal_salts (body, leaf, salt) values ('fill', $1, $2)";

    async fn fill(store: &Store, leaf: i64, size: usize) -> Result<(), StoreError> {
        store.write(move |tx| tx.put(FILL, &[leaf.into(), Value::Bytes(vec![7; size])])).await
    }

    /// The engine undoes the whole transaction when the file cannot grow: the whole group must be told.
    #[tokio::test]
    async fn a_full_database_fails_the_group_and_then_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::sqlite(folder.path(), TestClock::default().clock())).unwrap();
        fill(&store, 0, 10).await.unwrap();
        let limit = |script: &'static str| store.write(move |tx| tx.engine.script(script));
        limit("pragma max_page_count = 200").await.unwrap();
        let (full, _together) = tokio::join!(fill(&store, 1, 2_000_000), fill(&store, 2, 10));
        assert!(matches!(full, Err(StoreError::DiskFull(_))), "{full:?}");
        assert!(store.figures().lost >= 1);
        limit("pragma max_page_count = 4000000").await.unwrap();
        fill(&store, 3, 2_000_000).await.unwrap();
        let kept =
            store.read(|reader| reader.rows("select leaf from journal_salts where leaf in (1, 3)", &[]));
        let kept: Vec<_> = kept.await.unwrap().iter().map(|row| row.int(0)).collect();
        assert_eq!(kept, [Ok(3)]);
    }
}
