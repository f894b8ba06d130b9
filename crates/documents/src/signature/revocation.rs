//! Lists of revoked certificates (X.509 CRL, RFC 5280, 5), read from files.
//!
//! Fetching them is not done here: an operator who wants revocation checked puts the lists in a folder.

use super::algorithms::SignatureAlgorithm;
use super::asn1::{self, BIT_STRING, GENERALIZED_TIME, INTEGER, Malformed, Reader, SEQUENCE, UTC_TIME};
use super::certificate::{Certificate, usage};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Where a certificate stands on a list at a time. The order is that of gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// On no list, and the list is fresh enough for the time asked.
    Good,
    /// On no list, but the list was due to be replaced before the time asked.
    GoodButOld,
    /// Revoked, after the time asked.
    RevokedLater,
    /// Revoked at that time.
    Revoked,
}

/// One list.
pub(crate) struct RevocationList {
    pub issuer: Vec<u8>,
    next_update: Option<Timestamp>,
    revoked: HashMap<Vec<u8>, Timestamp>,
    tbs: Vec<u8>,
    algorithm: Option<SignatureAlgorithm>,
    signature: Vec<u8>,
    /// The certificate found to have signed it: the signature is checked once.
    signer: OnceLock<[u8; 32]>,
}

impl RevocationList {
    /// Reads DER or PEM.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.starts_with(b"-----BEGIN") {
            let crl = openssl::x509::X509Crl::from_pem(bytes).map_err(|_| Malformed)?;
            return Self::from_der(&crl.to_der().map_err(|_| Malformed)?);
        }
        Self::from_der(bytes)
    }

    fn from_der(der: &[u8]) -> Result<Self, Malformed> {
        let mut outer = Reader(der).sequence()?;
        let tbs = outer.expect(SEQUENCE)?;
        let algorithm = SignatureAlgorithm::read(outer.sequence()?)?;
        let signature = outer.expect(BIT_STRING)?.body.strip_prefix(&[0]).ok_or(Malformed)?.to_vec();
        let mut inner = tbs.inside();
        inner.optional(INTEGER)?;
        inner.expect(SEQUENCE)?;
        let issuer = inner.expect(SEQUENCE)?.whole.to_vec();
        asn1::read_time(inner.next()?)?;
        let next_update = match inner.peek() {
            Some(UTC_TIME | GENERALIZED_TIME) => Some(asn1::read_time(inner.next()?)?),
            _ => None,
        };
        let mut revoked = HashMap::new();
        if let Some(list) = inner.optional(SEQUENCE)? {
            for entry in list.inside().all()? {
                let mut entry = entry.inside();
                let serial = entry.expect(INTEGER)?.body.to_vec();
                revoked.insert(serial, asn1::read_time(entry.next()?)?);
            }
        }
        let tbs = tbs.whole.to_vec();
        Ok(Self { issuer, next_update, revoked, tbs, algorithm, signature, signer: OnceLock::new() })
    }

    /// Whether `issuer` signed the list and may do so.
    pub fn signed_by(&self, issuer: &Certificate) -> bool {
        if let Some(signer) = self.signer.get() {
            return *signer == issuer.sha256;
        }
        let Some((algorithm, digest)) = self.algorithm.and_then(|a| a.digest.map(|d| (a, d))) else {
            return false;
        };
        let good = issuer.may(usage::CRL_SIGN)
            && algorithm.verify(&issuer.key, digest, &digest.of(&self.tbs), &self.signature);
        good && *self.signer.get_or_init(|| issuer.sha256) == issuer.sha256
    }

    /// Where a serial number stood at a time.
    pub fn standing(&self, serial: &[u8], at: Timestamp) -> Standing {
        match self.revoked.get(serial) {
            Some(when) if *when <= at => Standing::Revoked,
            Some(_) => Standing::RevokedLater,
            None if self.next_update.is_some_and(|next| next < at) => Standing::GoodButOld,
            None => Standing::Good,
        }
    }
}
