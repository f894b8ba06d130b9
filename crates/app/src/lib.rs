//! Use cases, permissions, the clock and the workers.
//!
//! One file per verb: load, decide, save. Only this crate joins store, channels, documents and procedures; it
//! must not know HTTP or HTML, and law stands in `domain`.

pub mod accounts;
pub mod authority;
pub mod clock;
pub mod context;
pub mod demo;
pub mod error;
pub mod health;
pub mod repeatable;
pub mod seals;
pub mod settings;
pub mod use_cases;
pub mod workers;

pub use authority::Verb;
pub use clock::Clock;
pub use context::{Actor, App, Context};
pub use error::{Error, Result};
pub use settings::Settings;
