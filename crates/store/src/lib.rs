//! The only SQL of the house: tables, migrations, transactions, and the bytes
//! of documents. One writer per database commits in groups (one flush of the
//! disk answers many callers), readers see snapshots, and nobody outside can
//! tell SQLite from PostgreSQL.
//!
//! This room does not know who asks or why, nor any rule of law; it never
//! reads the system clock (the clock is handed to [`Store::open`]).

mod changes;
mod config;
mod dialect;
mod error;
mod files;
mod migrate;
mod space;
#[cfg(test)]
mod statements;
mod store;
mod tables;
mod testing;
mod token;
mod tx;
#[cfg(test)]
mod upgrade;
mod value;
mod verify;
mod writer;

pub mod accounts;
pub mod answers;
pub mod attestations;
pub mod backup;
pub mod blobs;
pub mod bodies;
pub mod cases;
pub mod classes;
pub mod counters;
pub mod daily;
pub mod deliveries;
pub mod document_facts;
pub mod documents;
pub mod dossiers;
pub mod drafts;
pub mod emergency;
pub mod exchange_rules;
pub mod factors;
pub mod idempotency;
pub mod inbox;
pub mod issued;
pub mod journal;
pub mod move_to;
pub mod outbox;
pub mod papers;
pub mod queues;
pub mod register;
pub mod register_list;
pub mod rights;
pub mod saved_views;
pub mod scans;
pub mod seals;
pub mod search;
pub mod tasks;
pub mod templates;
pub mod timeline;
pub mod trace;
pub mod vault;
pub mod verifications;
pub mod worklist;

pub use changes::Topic;
pub use config::{Clock, Database, StoreConfig};
pub use error::{Broken, StoreError};
pub use store::{Figures, Store};
pub use testing::{TestClock, test_store, test_store_at};
pub use token::TokenKey;
pub use tx::{Query, Reader, Tx};
pub use value::{Row, Value};
pub use verify::Checked;
