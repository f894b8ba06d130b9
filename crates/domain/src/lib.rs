//! The words and rules of law, as values and pure functions.
//!
//! Nothing here touches files, network, SQL, HTTP, the current time or randomness; nothing here holds a sentence
//! for people. Each rule stands in the file of its noun, under the citation it comes from.

pub mod body;
pub mod calendar;
pub mod case;
pub mod document;
pub mod dossier;
pub mod fault;
pub mod ids;
pub mod law;
pub mod message;
pub mod moment;
pub mod paper_code;
pub mod party;
pub mod register;
pub mod register_filter;
pub mod role;
pub mod scan;
pub mod scheme;
pub mod succession;

pub use fault::{FieldError, Invalid, Refusal};
pub use law::Law;
pub use moment::Moment;
pub use role::Role;
