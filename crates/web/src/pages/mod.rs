//! Pages for people: extract, one use case, render.

pub mod words;
