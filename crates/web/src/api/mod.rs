//! Resources for programs under `/api/v1/`: extract, one use case, answer.
//!
//! Each slice describes its own operations with utoipa and hands the description to `openapi::SLICES`; a test
//! crosses the descriptions with the list of routes.

pub mod accounts;
pub mod answers;
pub mod bodies;
pub mod cases;
pub mod deliveries;
pub mod dossier_acts;
pub mod dossiers;
pub mod emergency;
pub mod inbound_messages;
pub mod openapi;
pub mod own_account;
pub mod papers;
pub mod register_imports;
pub mod registration_acts;
pub mod registrations;
pub mod scans;
pub mod status;
pub mod templates;
pub mod verifications;
pub mod worklist;
