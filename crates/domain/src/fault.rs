//! How the domain says no: bad input, or the law.
//!
//! Both are values with stable codes; the words people read are chosen by `web` and the letters from its
//! message files (`err-<code>`, `refusal-<code>`). This file must not hold sentences.

use crate::law::Law;
use serde::Serialize;

/// One fault in what somebody sent: where, what, and the offending value if it helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer of the field, e.g. `/correspondents/0/name`.
    pub pointer: String,
    /// Message key without its prefix, e.g. `required`; the page adds what to write instead.
    pub code: &'static str,
    /// A figure or word the message may quote (a limit, the bad value shortened).
    pub value: Option<String>,
}

/// Bad input: at least one fault. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, thiserror::Error)]
#[error("invalid input: {}", self.summary())]
pub struct Invalid {
    /// Every fault found, in the order of the form.
    pub errors: Vec<FieldError>,
}

impl Invalid {
    /// A single fault.
    pub fn one(pointer: impl Into<String>, code: &'static str) -> Self {
        let mut it = Self::default();
        it.add(pointer, code);
        it
    }

    /// A single fault that quotes a value.
    pub fn with(pointer: impl Into<String>, code: &'static str, value: impl Into<String>) -> Self {
        let mut it = Self::default();
        it.add_with(pointer, code, value);
        it
    }

    /// Adds a fault.
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str) {
        self.errors.push(FieldError { pointer: pointer.into(), code, value: None });
    }

    /// Adds a fault that quotes a value.
    pub fn add_with(&mut self, pointer: impl Into<String>, code: &'static str, value: impl Into<String>) {
        self.errors.push(FieldError { pointer: pointer.into(), code, value: Some(value.into()) });
    }

    /// `Ok(value)` when no fault was found.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.errors.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Pointers and codes, without the values people typed: fit for a log.
    pub fn summary(&self) -> String {
        self.errors.iter().map(|e| format!("{} {}", e.pointer, e.code)).collect::<Vec<_>>().join(", ")
    }
}

/// The law or a permission says no: an expected answer, with its article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("refused: {code}")]
pub struct Refusal {
    /// Message key without its prefix, e.g. `immutable-field`.
    pub code: &'static str,
    /// The article that wants it so, if a law does.
    pub law: Option<Law>,
}

impl Refusal {
    /// A refusal by a permission or a rule of the house.
    pub fn of(code: &'static str) -> Self {
        Self { code, law: None }
    }

    /// A refusal by an article of law.
    pub fn by(code: &'static str, law: Law) -> Self {
        Self { code, law: Some(law) }
    }
}
