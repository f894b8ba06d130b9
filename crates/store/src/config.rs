//! What the store must be told before it opens: which database, where the
//! bytes of documents live, and which clock to ask. Reading settings from a
//! file belongs to the binary; this room only names them.

use std::path::PathBuf;
use std::sync::Arc;

/// The clock of the house: UTC microseconds since 1970. The store asks it when
/// a number is taken, never the system.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Where the rows live.
#[derive(Debug, Clone)]
pub enum Database {
    /// One file in `folder`, written by this process alone.
    Sqlite {
        /// Data folder; created when missing, locked while the store is open.
        folder: PathBuf,
    },
    /// A schema of a PostgreSQL database, possibly shared with other processes of this program.
    Postgres {
        /// `postgres://user:password@host/database`, or key-value form.
        url: String,
        /// Name of the schema (`search_path`), created when missing.
        schema: String,
    },
}

/// Everything [`crate::Store::open`] needs.
#[derive(Clone)]
pub struct StoreConfig {
    /// Where the rows live.
    pub database: Database,
    /// Folder of the bytes of documents.
    pub blobs: PathBuf,
    /// File of the master keys (see `vault.rs`); a first key is made when it is missing. Keep a
    /// copy apart from the backups: without it documents cannot be read.
    pub key_file: PathBuf,
    /// The clock handed down by the application.
    pub clock: Clock,
    /// How many reading connections may be open at once.
    pub readers: usize,
}

impl StoreConfig {
    /// The embedded database, with everything under `folder`.
    #[must_use]
    pub fn sqlite(folder: impl Into<PathBuf>, clock: Clock) -> Self {
        let folder = folder.into();
        Self {
            blobs: folder.join("blobs"),
            key_file: folder.join("master.key"),
            database: Database::Sqlite { folder },
            clock,
            readers: 4,
        }
    }

    /// A PostgreSQL database at `url` (schema `public`), with the bytes of documents under `blobs`.
    #[must_use]
    pub fn postgres(url: impl Into<String>, blobs: impl Into<PathBuf>, clock: Clock) -> Self {
        let blobs = blobs.into();
        Self {
            key_file: blobs.with_file_name("master.key"),
            blobs,
            database: Database::Postgres { url: url.into(), schema: String::from("public") },
            clock,
            readers: 8,
        }
    }
}
