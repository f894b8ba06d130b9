//! Documents: everything the product does with files of people and bodies.
//!
//! Writing papers, looking into uploads, taking text out of them, signatures
//! and the exchange messages of AgID's Annex 6. This crate knows formats, not
//! procedures: it reads bytes and gives facts, or takes facts and gives bytes.
//! It knows no database, no network and no clock.

pub mod inspect;
pub mod letters;
pub mod pdf;
pub mod segnatura;
pub mod signature;
pub mod text;
pub mod xml;
