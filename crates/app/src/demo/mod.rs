//! The demonstration: the province of Prato with true bodies and invented people.
//!
//! Everything is made by the use cases themselves with the clock moved by hand, so that numbers, journal,
//! deliveries and receipts are as real as anybody's. The same seed gives the same province. Nothing here is used
//! in production, and nothing here may reach a real mailbox: every address ends in `.test`.

pub mod province;
