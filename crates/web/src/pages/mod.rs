//! Pages for people: extract, one use case, render.

pub mod fault;
pub mod health;
