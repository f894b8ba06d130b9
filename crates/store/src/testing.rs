//! A real store for tests, never a double: a throw-away SQLite folder, or a
//! fresh schema of the PostgreSQL that `TELAIO_TEST_DB` names. The clock is
//! moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::config::{Clock, Database, StoreConfig};
use crate::{Store, StoreError};

/// Names the PostgreSQL of the tests (`postgres://…`); absent: SQLite.
const VARIABLE: &str = "TELAIO_TEST_DB";
/// A file system in memory, where Linux has one.
const MEMORY: &str = "/dev/shm";
/// Monday 23 November 2026, 10:00 in Rome, in UTC microseconds.
const MORNING: i64 = 1_795_424_400_000_000;

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that shows `micros` (UTC microseconds).
    #[must_use]
    pub fn at(micros: i64) -> Self {
        Self(Arc::new(AtomicI64::new(micros)))
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }

    /// Moves the clock by `micros` microseconds.
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// The time it shows, UTC microseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// The clock in the form the store wants.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let hands = self.0.clone();
        Arc::new(move || hands.load(Ordering::SeqCst))
    }
}

impl Default for TestClock {
    /// Monday 23 November 2026, 10:00 in Rome.
    fn default() -> Self {
        Self::at(MORNING)
    }
}

/// An empty store of its own for one test, at 10:00 of Monday 23 November 2026.
///
/// # Panics
/// When no store can be opened: the test cannot go on.
#[must_use]
pub fn test_store() -> Store {
    test_store_at(&TestClock::default())
}

/// An empty store of its own for one test, on the given clock.
///
/// # Panics
/// When no store can be opened: the test cannot go on.
#[must_use]
pub fn test_store_at(clock: &TestClock) -> Store {
    open(clock).unwrap_or_else(|error| panic!("no store for this test: {error}"))
}

fn open(clock: &TestClock) -> Result<Store, StoreError> {
    let builder = || tempfile::Builder::new().prefix("telaio-test-").to_owned();
    // In memory where the system offers it: tests of the logic need not wait for a disk; those of
    // durability open their stores on one.
    let folder = builder().tempdir_in(MEMORY).or_else(|_| builder().tempdir())?;
    let mut config = StoreConfig::sqlite(folder.path(), clock.clock());
    if let Ok(url) = std::env::var(VARIABLE) {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|error| StoreError::Io(error.to_string()))?;
        config.database = Database::Postgres { url, schema: format!("t_{}", hex::encode(random)) };
    }
    Store::open_guarded(&config, Some(Box::new(folder)))
}
