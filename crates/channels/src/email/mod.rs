//! Ordinary mail: the same submission as certified mail, without its receipts.
//!
//! What it proves is only that a server took the message; whoever decides whether that is enough is not here.

use crate::pec::send::Submission;
use crate::{Channel, Endpoint, HandOverError, HandedOver, Outgoing, Promise};

/// Ordinary mail through one submission server.
#[derive(Debug)]
pub struct Email(Submission);

impl Email {
    /// A road through the given server; connections are opened when needed and kept for reuse.
    ///
    /// # Errors
    /// When the trust file cannot be read or an unprotected connection would leave this machine.
    pub fn new(endpoint: &Endpoint) -> Result<Self, HandOverError> {
        Ok(Self(Submission::new(endpoint)?))
    }
}

impl Channel for Email {
    fn hand_over<'a>(&'a self, message: &'a Outgoing) -> Promise<'a, Result<HandedOver, HandOverError>> {
        self.0.hand_over(message)
    }

    fn reach<'a>(&'a self) -> Promise<'a, Result<(), HandOverError>> {
        self.0.reach()
    }
}
