//! What people and programs can ask for: one file (or folder, when a noun is large) per verb.

pub mod answer;
pub mod bodies;
pub mod case;
pub mod cursor;
pub mod daily_register;
pub mod dossier;
pub mod emergency;
pub mod exchange;
pub mod import_bodies;
pub mod papers;
pub mod read_audit;
pub mod register;
pub mod scans;
pub mod scheme;
pub mod system;
pub mod templates;
pub mod verification;
pub mod worklist;
