//! What closures of the store get in their hands: a [`Reader`] sees one
//! snapshot, a [`Tx`] may write and stamps time. Only files inside this crate
//! call them with SQL; everybody else calls the functions of the nouns.

use std::collections::HashMap;
use std::sync::Arc;

use crate::changes::Touched;
use crate::counters::Numbered;
use crate::dialect::Engine;
use crate::vault::Vault;
use crate::{Clock, Row, StoreError, Value};

/// Asking for rows; the same text of SQL serves both databases.
pub trait Query {
    /// All rows that answer `sql`, in its order.
    ///
    /// # Errors
    /// `Shape` when statement and parameters do not fit; `Unavailable`, `Io` when the database fails.
    fn rows(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// The first row that answers `sql`, if any.
    ///
    /// # Errors
    /// As [`Query::rows`].
    fn row(&mut self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, params)?.into_iter().next())
    }

    /// Whether this is PostgreSQL: for the few things that have no common text (full text search).
    #[doc(hidden)]
    fn is_postgres(&self) -> bool;
}

/// One reading snapshot: everything read inside one closure is of the same instant.
pub struct Reader {
    pub(crate) engine: Box<dyn Engine>,
}

impl Query for Reader {
    fn rows(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.engine.rows(sql, params)
    }

    fn is_postgres(&self) -> bool {
        self.engine.is_postgres()
    }
}

/// Ends of lists that the writer keeps extending, read once instead of once
/// per closure: nobody else writes. Forgotten when a closure is undone or a
/// group lost, and on PostgreSQL, where there may be other writers between two
/// groups, at the end of each group.
#[derive(Default)]
pub(crate) struct Memory {
    /// Last leaf and its hash, by body.
    pub(crate) heads: HashMap<String, (i64, Vec<u8>)>,
    /// Last number, by body, AOO and register.
    pub(crate) numbers: HashMap<String, Numbered>,
    /// Last place of the search index.
    pub(crate) last_place: Option<i64>,
}

/// The open transaction of the writer, lent to one closure at a time. What
/// the closure wrote is undone alone when it fails or panics.
pub struct Tx {
    pub(crate) memory: Memory,
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) clock: Clock,
    pub(crate) vault: Arc<Vault>,
    /// The absent person in whose place the closure acts: every journal entry of the closure names them.
    pub(crate) for_whom: Option<String>,
    /// Read once per closure, so that all it writes bears one time.
    pub(crate) stamped: Option<i64>,
    pub(crate) behind: Arc<std::sync::atomic::AtomicI64>,
    /// What the group has touched so far.
    pub(crate) touched: Touched,
}

impl Query for Tx {
    fn rows(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.engine.rows(sql, params)
    }

    fn is_postgres(&self) -> bool {
        self.engine.is_postgres()
    }
}

impl Tx {
    /// Carries out `sql` and says how many rows it touched.
    ///
    /// # Errors
    /// `Constraint` or `Immutable` when the tables refuse; `Unavailable`, `DiskFull`, `Io` when the database fails.
    pub fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        self.touched.note(sql);
        self.engine.execute(sql, params)
    }

    /// Carries out `sql` without waiting for its result: on PostgreSQL several
    /// of these travel together. A failure shows at the next statement that
    /// waits, at the latest at the end of the closure.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub fn put(&mut self, sql: &'static str, params: &[Value]) -> Result<(), StoreError> {
        self.touched.note(sql);
        self.engine.put(sql, params)
    }

    /// The time of this write, UTC microseconds: the writer's clock, read once per closure.
    pub fn stamp(&mut self) -> i64 {
        let clock = &self.clock;
        *self.stamped.get_or_insert_with(|| clock())
    }

    /// Says in whose place the rest of this closure acts; forgotten when the closure ends.
    pub fn act_for(&mut self, absent: &domain::ids::AccountId) {
        self.for_whom = Some(absent.as_str().to_owned());
    }

    /// Remembers that the clock stands `micros` behind what is already written (0: it does not).
    pub(crate) fn note_clock_behind(&self, micros: i64) {
        self.behind.store(micros, std::sync::atomic::Ordering::Relaxed);
    }
}
