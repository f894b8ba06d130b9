//! What leaves and what arrives: sendings to bodies of the hub, to certified mail and to ordinary mail; the inbox;
//! the answers of registers to each other.
//!
//! Everything that leaves is a row of the outbox first, everything that arrives is raw bytes first. What is known
//! of a delivery is a set of facts, and its state follows from the set. Servers are spoken to by the workers only.

pub mod admit;
pub mod answer;
pub mod package;
pub mod progress;
pub mod register_inbound;
pub mod roads;
pub mod send;
pub mod understand;

pub use roads::{Account, Exchange};
pub use send::{Recipient, Sending, send};
