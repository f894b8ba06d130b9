//! The store as the rest of the house sees it: open it, hand it closures that
//! write or read, close it. Which engine is behind is known to `dialect.rs`.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::changes::{Changes, Touched};
use crate::config::{Database, StoreConfig};
use crate::dialect::{self, FolderLock};
use crate::tx::Memory;
use crate::vault::Vault;
use crate::writer::{self, Closure, Counts, Job};
use crate::{Reader, StoreError, Topic, Tx, files, migrate};

/// Closures that may wait for the writer before callers wait to hand in theirs.
const QUEUE: usize = 4096;

/// An open database and the folder of its documents. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What the writer has done since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Groups committed: one flush of the disk each.
    pub groups: u64,
    /// Closures whose writes were kept.
    pub kept: u64,
    /// Closures undone alone because they failed.
    pub undone: u64,
    /// Closures lost with their whole group (database gone, disk full).
    pub lost: u64,
    /// Closures waiting now.
    pub waiting: u64,
}

struct Inner {
    config: StoreConfig,
    vault: Arc<Vault>,
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Mutex<Vec<Reader>>,
    permits: Arc<Semaphore>,
    counts: Arc<Counts>,
    behind: Arc<AtomicI64>,
    changes: Arc<Changes>,
    /// Kept alive for stores that live in a throw-away folder.
    _guard: Option<Box<dyn Send + Sync>>,
}

impl Store {
    /// Connects, brings the schema up to date and starts the writer.
    ///
    /// # Errors
    /// `Busy` when another process uses the same SQLite folder; `Unavailable` when the database does not answer;
    /// `Migration` when its schema is newer than this program or was altered.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        Self::open_guarded(config, None)
    }

    pub(crate) fn open_guarded(
        config: &StoreConfig,
        guard: Option<Box<dyn Send + Sync>>,
    ) -> Result<Self, StoreError> {
        std::fs::create_dir_all(&config.blobs)?;
        let vault = Arc::new(Vault::open(&config.key_file)?);
        let (jobs, queue) = mpsc::channel(QUEUE);
        let changes = Arc::new(Changes::default());
        let counts = Arc::new(Counts::default());
        let behind = Arc::new(AtomicI64::new(0));
        let (ready, opened) = std::sync::mpsc::channel();
        let thread = {
            let (config, counts, behind) = (config.clone(), counts.clone(), behind.clone());
            let changes = changes.clone();
            let vault = vault.clone();
            thread::Builder::new().name("store-writer".into()).spawn(move || {
                match prepare(&config, vault, behind) {
                    Ok((tx, lock)) => {
                        let _ = ready.send(Ok(()));
                        writer::run(tx, queue, &counts, &changes);
                        drop(lock);
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            })?
        };
        opened.recv().map_err(|_| StoreError::Closed)??;
        Ok(Self {
            inner: Arc::new(Inner {
                config: config.clone(),
                vault,
                jobs: Some(jobs),
                thread: Mutex::new(Some(thread)),
                readers: Mutex::new(Vec::new()),
                permits: Arc::new(Semaphore::new(config.readers.max(1))),
                counts,
                behind,
                changes,
                _guard: guard,
            }),
        })
    }

    /// Hands a closure to the writer and waits for the flush of its group. An
    /// `Ok` means: on durable storage. An error leaves nothing behind.
    ///
    /// The closure runs even when the caller stops waiting.
    ///
    /// # Errors
    /// What the closure answered, or a [`StoreError`] when its writes could not be kept.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        E: From<StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Closure::new(work, caller));
        let jobs = self.inner.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    /// Runs a closure on a snapshot, on a thread where waiting is allowed.
    ///
    /// # Errors
    /// What the closure answered, or a [`StoreError`] when no snapshot could be had.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Reader) -> Result<T, E> + Send + 'static,
        E: From<StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let permit = self.inner.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Closed)?;
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || {
            let result = inner.snapshot(work);
            drop(permit);
            result
        });
        done.await.unwrap_or_else(|_| Err(E::from(StoreError::Panicked)))
    }

    /// A signal that changes after every group of writes of this process that touched `topic`.
    #[must_use]
    pub fn changes(&self, topic: Topic) -> watch::Receiver<u64> {
        self.inner.changes.listen(topic)
    }

    /// How many groups of this process touched `topic`: as long as it stays, what was read before still holds,
    /// as far as this process goes.
    #[must_use]
    pub fn version(&self, topic: Topic) -> u64 {
        self.inner.changes.count(topic)
    }

    /// What the writer has done so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let counts = &self.inner.counts;
        let waiting = self.inner.jobs.as_ref().map_or(0, |jobs| jobs.max_capacity() - jobs.capacity());
        Figures {
            groups: counts.groups.load(Ordering::Relaxed),
            kept: counts.kept.load(Ordering::Relaxed),
            undone: counts.undone.load(Ordering::Relaxed),
            lost: counts.lost.load(Ordering::Relaxed),
            waiting: waiting as u64,
        }
    }

    /// How far, in microseconds, the clock stood behind the last number given (0: it did not).
    #[must_use]
    pub fn clock_behind(&self) -> i64 {
        self.inner.behind.load(Ordering::Relaxed)
    }

    /// Name of the engine behind: `sqlite` or `postgres`.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self.inner.config.database {
            Database::Sqlite { .. } => "sqlite",
            Database::Postgres { .. } => "postgres",
        }
    }

    pub(crate) fn config(&self) -> &StoreConfig {
        &self.inner.config
    }

    pub(crate) fn vault(&self) -> &Arc<Vault> {
        &self.inner.vault
    }
}

impl Inner {
    fn snapshot<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Reader) -> Result<T, E>,
        E: From<StoreError>,
    {
        let mut reader = self.begin_snapshot()?;
        // A closure that panics drops its connection with it.
        let result = work(&mut reader);
        if reader.engine.rollback().is_ok() {
            self.pool().push(reader);
        }
        result
    }

    /// A pooled connection may have died while it lay idle: then one new attempt is made.
    fn begin_snapshot(&self) -> Result<Reader, StoreError> {
        let pooled = self.pool().pop();
        if let Some(mut reader) = pooled
            && reader.engine.begin_read().is_ok()
            && reader.engine.sync().is_ok()
        {
            return Ok(reader);
        }
        let mut reader = Reader { engine: dialect::reader(&self.config.database)? };
        reader.engine.begin_read()?;
        Ok(reader)
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    /// Lets the writer finish what it has, so that the folder is free when the store is gone.
    fn drop(&mut self) {
        self.jobs = None;
        let thread = self.thread.lock().map(|mut thread| thread.take());
        if let Ok(Some(thread)) = thread
            // A closure may hold the last clone: the writer cannot wait for itself.
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// Rows that the full text index has not taken in: those of the last minutes, or a whole database just restored.
fn fold_in(engine: &mut dyn dialect::Engine) -> Result<(), StoreError> {
    engine.begin_write()?;
    engine.fold_search()?;
    engine.commit()
}

/// On the writer's own thread: lock, connect, migrate.
fn prepare(
    config: &StoreConfig,
    vault: Arc<Vault>,
    behind: Arc<AtomicI64>,
) -> Result<(Tx, Option<FolderLock>), StoreError> {
    let lock = match &config.database {
        Database::Sqlite { folder } => {
            let lock = FolderLock::take(Path::new(folder))?;
            files::clear_incoming(&config.blobs)?;
            Some(lock)
        }
        Database::Postgres { .. } => None,
    };
    let mut engine = dialect::writer(&config.database)?;
    migrate::run(engine.as_mut(), (config.clock)())?;
    fold_in(engine.as_mut())?;
    let tx = Tx {
        memory: Memory::default(),
        engine,
        clock: config.clock.clone(),
        vault,
        for_whom: None,
        stamped: None,
        behind,
        touched: Touched::default(),
    };
    Ok((tx, lock))
}
