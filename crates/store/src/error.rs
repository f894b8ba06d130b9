//! What can go wrong in the store, told so that the caller knows what to do:
//! wait and try again, free some space, or correct the data. No SQL and no
//! personal data are put into these texts: engines quote values in their
//! messages, so only their codes and the names of constraints are kept.

/// Which promise of the tables a write would have broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A row with the same key is already there.
    Unique,
    /// A row that this one points to is missing, or is still pointed to.
    Reference,
    /// A value outside what the column admits.
    Check,
    /// A column that must have a value was left empty.
    Missing,
}

/// Failure of the store. After any of these the closure that met it has left
/// nothing behind; `Unavailable`, `DiskFull`, `Busy`, `Io` and `Closed` (the
/// program is ending, and will be started again) mean that trying later may
/// succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer; the writer reconnects by itself.
    #[error("the database is not reachable: {0}")]
    Unavailable(String),
    /// No space left where the data live; nothing of this write was kept.
    #[error("no space left for the data: {0}")]
    DiskFull(String),
    /// The disk or the file system failed.
    #[error("the storage failed: {0}")]
    Io(String),
    /// Somebody else holds what was asked for (another process on the same folder, a lock).
    #[error("in use by somebody else: {0}")]
    Busy(String),
    /// The tables refuse this write.
    #[error("the data refuse this write ({broken:?}): {what}")]
    Constraint {
        /// Which promise.
        broken: Broken,
        /// Name of the constraint, or the columns, as the engine tells them.
        what: String,
    },
    /// A trigger protects what may never change or vanish (TUDA arts. 50-70).
    #[error("this can never be changed: {0}")]
    Immutable(String),
    /// The schema of the data and the one of this program do not agree.
    #[error("migration: {0}")]
    Migration(String),
    /// A statement, a parameter or a column is not of the expected form: a bug of this crate.
    #[error("unexpected shape of data: {0}")]
    Shape(String),
    /// What is stored does not match its own fingerprint.
    #[error("damaged data: {0}")]
    Damaged(String),
    /// The key needed to read this is not in the key ring.
    #[error("key: {0}")]
    Key(String),
    /// The closure handed to the store panicked; it was rolled back alone.
    #[error("a closure of the store panicked")]
    Panicked,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// True when a row with the same key is already there.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Constraint { broken: Broken::Unique, .. })
    }

    /// True when the same call may succeed later without any change.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::DiskFull(_) | Self::Busy(_) | Self::Io(_) | Self::Closed)
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::FileTooLarge => Self::DiskFull(error.to_string()),
            // So says a stream of ours whose bytes do not match their key.
            std::io::ErrorKind::InvalidData => Self::Damaged(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}
