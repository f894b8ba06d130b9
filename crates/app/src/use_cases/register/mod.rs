//! The protocol register: everything people and programs ask of it, one file per verb.
//!
//! Each verb loads, lets `domain::register` decide, and saves in one closure of the store, so that number,
//! entry, journal, search words and trace stand or fall together. Parsing, hashing and reading of files happen
//! before the closure. Nothing here knows HTTP or HTML.

pub(crate) mod access;
pub mod annul;
pub mod assign;
pub mod classify;
pub mod correct;
pub mod download;
pub mod drafts;
pub mod duplicates;
pub mod export;
pub mod extract;
pub mod files;
pub mod history;
pub mod import_job;
pub mod import_mapping;
pub mod import_old;
pub mod list;
pub mod propose;
pub mod read;
pub mod register_document;
pub mod scan;
pub mod sheet;
pub mod views;

pub use access::{eyes, look, readers, signer};
