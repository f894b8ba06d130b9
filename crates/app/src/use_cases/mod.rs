//! What people and programs can ask for: one file (or folder, when a noun is large) per verb.

pub mod bodies;
pub mod register;
