//! The *segnatura di protocollo* and the messages around it (AgID LG on
//! documents, Annex 6): written in version 3.0, read in 3.0, 2013 and 2001.
//!
//! One model serves all: what an older message cannot say is absent. Writing is
//! strict (what leaves must validate against the official XSD), reading is
//! lenient (what arrives is what it is) and tells what was missing. Signing is
//! the business of `signature`; finding out who may register what is not known
//! here. The official schemas have traps; the comments name them.

mod message;
mod model;
mod read;
mod read_old;
mod write;

pub use message::{ExchangeMessage, Received};
pub use model::{
    Address, AddressKind, Administration, Class, ClassCode, Coded, Confidential, Contacts, Detached,
    Document, Dossier, Fingerprint, Header, Identifier, Level, Location, Person, Recipient, Segnatura,
    SignatureNote, Subject,
};
pub use read::{ReadError, ReadSegnatura, Version, read};
pub use write::{WriteError, write};

/// Namespace of the segnatura 3.0.
pub const NAMESPACE: &str = "http://www.agid.gov.it/protocollo/";

/// Namespace of the messages that travel by PEC.
pub const PEC_NAMESPACE: &str = "http://www.agid.gov.it/protocollo/pec/";

/// Name of the file that carries a segnatura in a PEC message (Annex 6, App. C).
pub const FILE_NAME: &str = "Segnatura.xml";

#[cfg(test)]
mod tests;
