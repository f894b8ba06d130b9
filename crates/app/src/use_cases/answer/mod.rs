//! The officer's answer on a case: written from a letter, previewed, kept as a draft, sent in one act.
//!
//! Sending composes the paper, seals it with the body's seal, registers it as outgoing, queues it for every
//! recipient and tells it in the case's timeline: registration, sending and timeline are one transaction.

mod draft;
mod letters;
mod send;

pub use draft::{keep, load};
pub use letters::{LETTERS, Letter, offered, preview};
pub use send::{Sent, send};

use serde::{Deserialize, Serialize};

/// A recipient as typed: the road, the name and the address (a body's code in the hub).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct To {
    /// `hub`, `pec` or `email`.
    pub channel: String,
    /// Name.
    pub name: String,
    /// Address, or code of the body.
    pub address: String,
}

/// An answer being written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// Key of the letter it is written from.
    pub letter: String,
    /// Subject, also of the registration.
    pub subject: String,
    /// To whom it speaks.
    pub recipient: String,
    /// What it refers to.
    pub reference: String,
    /// The officer's own words.
    pub text: String,
    /// Class of the registration.
    pub classification: String,
    /// Recipients.
    pub to: Vec<To>,
}
