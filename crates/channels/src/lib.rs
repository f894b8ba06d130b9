//! The outside world as real protocols: certified mail and ordinary mail, going out and coming in.
//!
//! A channel takes bytes that are ready to leave and says what became of them; a mailbox gives bytes that
//! arrived; the parser says what they are. Nothing here knows which case, registration or body a message belongs
//! to, and nothing here stores anything.

pub mod clamav;
pub mod compose;
pub mod email;
pub mod pec;
pub mod time_stamp;
pub mod tls;

pub use compose::{Attachment, Letter, compose, split_by_size};
pub use tls::{Endpoint, Security, Trust};

use std::future::Future;
use std::pin::Pin;

/// Bytes ready to leave, with the envelope that goes before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Address of the sender as the server knows it.
    pub from: String,
    /// Addresses of the recipients.
    pub to: Vec<String>,
    /// The message as it must arrive, CRLF line ends. Its Message-ID is stored before it is handed over.
    pub raw: Vec<u8>,
}

/// What the server said when it took the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// The last reply, in one line: kept as evidence.
    pub reply: String,
}

/// Why a message was not handed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandOverError {
    /// Nothing was sent; trying again can help.
    #[error("not sent, to be tried again: {0}")]
    Later(String),
    /// Nothing was sent; trying again the same way cannot help.
    #[error("refused: {0}")]
    Refused(String),
    /// The connection broke after the message began to travel: it may have left. Compare with what comes back
    /// before sending again.
    #[error("not known whether it was sent: {0}")]
    Uncertain(String),
}

/// A future that can be held by a trait object.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A road on which messages leave.
pub trait Channel: Send + Sync {
    /// Hands one message over. The caller has stored the Message-ID before calling.
    fn hand_over<'a>(&'a self, message: &'a Outgoing) -> Promise<'a, Result<HandedOver, HandOverError>>;

    /// Whether the server answers and lets us in, without sending anything.
    fn reach<'a>(&'a self) -> Promise<'a, Result<(), HandOverError>>;
}
