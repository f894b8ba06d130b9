//! Messages that leave a body: how a delivery lives, fails, is tried again and ends.
//!
//! A delivery is one recipient of one sending. Its state is never stored as truth: it is computed from the *set*
//! of facts known about it, so receipts may arrive twice, late or in any order and the end is the same. The
//! answer of the other body's register (confirmation, exception, annulment) is a second, independent story in
//! `exchange`. Nothing here knows mail servers, headers or storage.

mod delivery;
mod exchange;
mod failure;
mod plan;

pub use delivery::{Delivery, DeliveryState, Event, Fact, Shape};
pub use exchange::{Anomaly, Answer, Exchange, ExchangeState};
pub use failure::{Cause, ReceiptForm};
pub use plan::{Policy, Proposal, Step, back_off, plan};

use serde::{Deserialize, Serialize};

/// The road a delivery takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Body to body within one installation.
    Hub,
    /// Certified mail (D.P.R. 68/2005): acceptance and delivery are proved by receipts.
    Pec,
    /// Ordinary mail: courtesy, no proof of receipt.
    Email,
}

impl Channel {
    /// The stored and API name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Pec => "pec",
            Self::Email => "email",
        }
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Hub, Self::Pec, Self::Email].into_iter().find(|c| c.name() == text)
    }
}
