//! HTML pages and the REST API over the same use cases.
//!
//! A handler extracts, calls one use case and renders. Nothing here knows SQL or a rule of law, and no sentence
//! for people stands in Rust: words come from the message files, prose from the templates.

pub mod api;
pub mod assets;
pub mod chrome;
pub mod error;
pub mod form_guard;
pub mod forms;
pub mod guard;
pub mod i18n;
pub mod identity;
pub mod json;
pub mod limits;
pub mod pages;
pub mod prefs;
pub mod repeatable;
pub mod routes;
pub mod security;
pub mod serve_file;
pub mod shared;
pub mod state;
pub mod upload;
pub mod view;
pub mod who;

pub use routes::router;
pub use state::AppState;
