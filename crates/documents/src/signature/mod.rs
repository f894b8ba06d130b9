//! Electronic signatures, seals and time stamps: making them, and finding out what those of others are worth.
//!
//! The parts: [`keys`] sign digests; [`cades`], [`pades`], [`xades`], [`smime`] and [`timestamp`] put signatures into
//! the formats of eIDAS and check them; [`trust`] knows whom to believe at what time; [`report`] is what remains of
//! a check. Nothing here knows registers, cases or users, asks a clock, or speaks to a network: times and exchanges
//! with a time-stamp authority are handed in.

mod algorithms;
mod asn1;
pub mod cades;
pub mod certificate;
mod cms;
mod issued;
mod judge;
pub mod keys;
pub mod pades;
mod pades_sign;
mod pdf_changes;
mod pdf_file;
mod pdf_stamp;
mod pdf_syntax;
mod pdf_update;
mod pkcs11;
mod recognise;
pub mod report;
mod revocation;
pub mod smime;
pub mod test_ca;
pub mod timestamp;
pub mod trust;
pub mod trusted_list;
pub mod xades;
mod xades_sign;

pub use certificate::{Certificate, certificates_pem};
pub use cms::Stamper;
pub use issued::{IssuedCheck, Point, verify_issued};
pub use keys::{KeyKind, SealKey};
pub use pdf_stamp::stamp;
pub use recognise::{may_be_signed, recognise_and_verify};
pub use report::{Qualification, Reason, Signer, TimeKind, TimeReference, Verdict, Verification};
pub use trust::{Times, TrustStore};

/// Why something could not be signed or set up. What a check finds is a [`Verification`], never an error.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The trust material cannot be used.
    #[error("trust material: {0}")]
    Trust(&'static str),
    /// The key cannot be opened or refuses to sign.
    #[error("key: {0}")]
    Key(String),
    /// The document cannot carry a signature.
    #[error("document: {0}")]
    Document(&'static str),
    /// The time-stamp authority did not answer as it should.
    #[error("time stamp: {0}")]
    Timestamp(String),
    /// The cryptographic library failed.
    #[error("cryptography: {0}")]
    Crypto(#[from] openssl::error::ErrorStack),
}
