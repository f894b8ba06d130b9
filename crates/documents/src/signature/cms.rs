//! CMS SignedData (RFC 5652), taken apart and put together.
//!
//! Built by hand because PAdES wants what OpenSSL cannot leave out (no signing-time) and put in (the binding of the
//! certificate, RFC 5035) at the same time. Here is only structure and the mathematics of one signature; the rules
//! of the formats that use CMS are in their own files.

use super::SignatureError;
use super::algorithms::{Digest, ECDSA_SHA256, RSA_SHA256, SHA256, SignatureAlgorithm};
use super::asn1::{self, INTEGER, Malformed, OCTET_STRING, OID, Reader, SEQUENCE, SET, Tlv, context};
use super::certificate::Certificate;
use super::keys::{KeyKind, SealKey};
use super::report::Reason;
use super::trust::TrustStore;
use const_oid::ObjectIdentifier;
use jiff::Timestamp;
use std::sync::Arc;

pub(crate) const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
pub(crate) const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(crate) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const COUNTER_SIGNATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.6");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const TIMESTAMP_TOKEN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");

/// How a signer names its certificate.
#[derive(Debug, Clone, Copy)]
enum SignerId<'a> {
    IssuerAndSerial { issuer: &'a [u8], serial: &'a [u8] },
    KeyId(&'a [u8]),
}

/// One SignerInfo, its attributes sorted out.
#[derive(Debug, Clone)]
pub(crate) struct SignerInfo<'a> {
    id: SignerId<'a>,
    digest: Option<Digest>,
    algorithm: Option<SignatureAlgorithm>,
    signed_attributes: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    message_digest: Option<&'a [u8]>,
    bound: Option<(Option<Digest>, &'a [u8])>,
    duplicate_attributes: bool,
    /// The time the signer claims.
    pub signing_time: Option<Timestamp>,
    /// The signature value.
    pub signature: &'a [u8],
    /// Time-stamp tokens over the signature value.
    pub timestamps: Vec<&'a [u8]>,
    /// Signatures over the signature value.
    pub countersignatures: Vec<SignerInfo<'a>>,
}

/// A SignedData, borrowed from its bytes.
#[derive(Debug)]
pub(crate) struct SignedData<'a> {
    pub content_type: &'a [u8],
    pub content: Option<&'a [u8]>,
    pub certificates: Vec<&'a [u8]>,
    pub signers: Vec<SignerInfo<'a>>,
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo that holds a SignedData; DER (see [`asn1::to_der`]).
    pub fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut info = Reader(der).sequence()?;
        if !info.next()?.is(&SIGNED_DATA) {
            return Err(Malformed);
        }
        let mut body = info.expect(context(0))?.inside().sequence()?;
        body.expect(INTEGER)?;
        body.expect(SET)?;
        let mut encapsulated = body.sequence()?;
        let content_type = encapsulated.expect(OID)?.body;
        let content = match encapsulated.optional(context(0))? {
            // CMS wraps the content in an octet string; old PKCS#7 may hold any element
            Some(explicit) => Some(explicit.inside().next()?.body),
            None => None,
        };
        let mut certificates = Vec::new();
        if let Some(list) = body.optional(context(0))? {
            certificates =
                list.inside().all()?.iter().filter(|c| c.tag == SEQUENCE).map(|c| c.whole).collect();
        }
        body.optional(context(1))?;
        let signers = body.expect(SET)?.inside().all()?;
        let signers = signers.into_iter().map(|s| SignerInfo::read(s, 0)).collect::<Result<_, _>>()?;
        Ok(Self { content_type, content, certificates, signers })
    }

    /// The certificates, read; damaged ones are left out.
    pub fn read_certificates(&self, trust: &TrustStore) -> Vec<Arc<Certificate>> {
        self.certificates.iter().take(64).filter_map(|der| trust.certificate(der).ok()).collect()
    }
}

impl<'a> SignerInfo<'a> {
    fn read(info: Tlv<'a>, depth: usize) -> Result<Self, Malformed> {
        if info.tag != SEQUENCE || depth > 4 {
            return Err(Malformed);
        }
        let mut parts = info.inside();
        parts.expect(INTEGER)?;
        let sid = parts.next()?;
        let id = if sid.tag == SEQUENCE {
            let mut pair = sid.inside();
            SignerId::IssuerAndSerial {
                issuer: pair.expect(SEQUENCE)?.whole,
                serial: pair.expect(INTEGER)?.body,
            }
        } else {
            SignerId::KeyId(sid.body)
        };
        let digest = Digest::by_oid(parts.sequence()?.next()?);
        let attributes = parts.optional(context(0))?;
        let algorithm = SignatureAlgorithm::read(parts.sequence()?)?;
        let mut out = Self {
            id,
            digest,
            algorithm,
            signed_attributes: attributes.map(|a| a.body),
            content_type: None,
            message_digest: None,
            bound: None,
            duplicate_attributes: false,
            signing_time: None,
            signature: parts.expect(OCTET_STRING)?.body,
            timestamps: Vec::new(),
            countersignatures: Vec::new(),
        };
        if let Some(attributes) = attributes {
            out.read_signed(attributes.inside())?;
        }
        if let Some(attributes) = parts.optional(context(1))? {
            out.read_unsigned(attributes.inside(), depth)?;
        }
        Ok(out)
    }

    fn read_signed(&mut self, attributes: Reader<'a>) -> Result<(), Malformed> {
        let mut seen: Vec<&[u8]> = Vec::new();
        for attribute in attributes.all()? {
            let mut parts = attribute.inside();
            let kind = parts.next()?;
            let mut values = parts.expect(SET)?.inside();
            // RFC 5652, 5.3: an attribute appears once; the ones used here have one value
            self.duplicate_attributes |= seen.contains(&kind.body);
            seen.push(kind.body);
            let known = [
                &CONTENT_TYPE,
                &MESSAGE_DIGEST,
                &SIGNING_TIME,
                &SIGNING_CERTIFICATE,
                &SIGNING_CERTIFICATE_V2,
            ];
            if !known.iter().any(|oid| kind.is(oid)) {
                continue;
            }
            let value = values.next()?;
            self.duplicate_attributes |= !values.is_empty();
            match kind {
                k if k.is(&CONTENT_TYPE) => self.content_type = Some(value.body),
                k if k.is(&MESSAGE_DIGEST) => self.message_digest = Some(value.body),
                k if k.is(&SIGNING_TIME) => self.signing_time = Some(asn1::read_time(value)?),
                k if k.is(&SIGNING_CERTIFICATE) && self.bound.is_none() => {
                    let hash = value.inside().sequence()?.sequence()?.expect(OCTET_STRING)?.body;
                    self.bound = Some((Some(Digest::Sha1), hash));
                }
                k if k.is(&SIGNING_CERTIFICATE_V2) => self.bound = Some(read_bound(value)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_unsigned(&mut self, attributes: Reader<'a>, depth: usize) -> Result<(), Malformed> {
        for attribute in attributes.all()? {
            let mut parts = attribute.inside();
            let kind = parts.next()?;
            let values = parts.expect(SET)?.inside().all()?;
            if kind.is(&TIMESTAMP_TOKEN) {
                self.timestamps.extend(values.iter().map(|v| v.whole));
            } else if kind.is(&COUNTER_SIGNATURE) {
                for value in values.into_iter().take(16) {
                    self.countersignatures.push(Self::read(value, depth + 1)?);
                }
            }
        }
        Ok(())
    }

    /// Whether `certificate` is the one this signer names.
    fn is_by(&self, certificate: &Certificate) -> bool {
        match self.id {
            SignerId::IssuerAndSerial { issuer, serial } => {
                certificate.issuer.der == issuer && certificate.serial == serial
            }
            SignerId::KeyId(id) => certificate.key_id.as_deref() == Some(id),
        }
    }

    /// Checks digest, binding of the certificate and signature. `content` gives the digest of what was signed, or
    /// `None` when it is not at hand. Returns the certificate used and what was found.
    pub fn check(
        &self,
        content_type: Option<&[u8]>,
        content: &dyn Fn(Digest) -> Option<Vec<u8>>,
        certificates: &[Arc<Certificate>],
    ) -> (Option<Arc<Certificate>>, Vec<Reason>) {
        let mut found = Vec::new();
        let certificate = certificates.iter().find(|c| self.is_by(c)).cloned();
        let (Some(digest), Some(algorithm)) = (self.digest, self.algorithm) else {
            return (certificate, vec![Reason::AlgorithmUnknown]);
        };
        if digest.is_weak() {
            found.push(Reason::WeakDigest);
        }
        let hash = self.signed_hash(digest, content_type, content, &mut found);
        let Some(certificate) = certificate else {
            found.push(Reason::CertificateMissing);
            return (None, found);
        };
        self.check_binding(&certificate, &mut found);
        // without signed attributes the digest is that of the content, and `found` says when it is not at hand
        if let Some(hash) = hash {
            let used = algorithm.digest.filter(|_| self.signed_attributes.is_some()).unwrap_or(digest);
            let hash = if used == digest { hash } else { self.attributes_hash(used) };
            if used.is_weak() && !digest.is_weak() {
                found.push(Reason::WeakDigest);
            }
            if algorithm.digest.is_some_and(|d| d != digest) && self.signed_attributes.is_none() {
                found.push(Reason::Damaged);
            } else if !algorithm.verify(&certificate.key, used, &hash, self.signature) {
                found.push(Reason::SignatureBroken);
            }
        }
        (Some(certificate), found)
    }

    /// The digest that the signature is over.
    fn signed_hash(
        &self,
        digest: Digest,
        content_type: Option<&[u8]>,
        content: &dyn Fn(Digest) -> Option<Vec<u8>>,
        found: &mut Vec<Reason>,
    ) -> Option<Vec<u8>> {
        let actual = content(digest);
        if actual.is_none() {
            found.push(Reason::ContentMissing);
        }
        if self.signed_attributes.is_none() {
            return actual;
        }
        if self.duplicate_attributes || content_type.is_some_and(|t| self.content_type != Some(t)) {
            found.push(Reason::Damaged);
        }
        match (self.message_digest, actual) {
            (Some(stated), Some(actual)) if stated != actual => found.push(Reason::DigestMismatch),
            (None, _) => found.push(Reason::Damaged),
            _ => {}
        }
        Some(self.attributes_hash(digest))
    }

    /// The digest of the signed attributes in the form that is signed: as a SET OF (RFC 5652, 5.4).
    fn attributes_hash(&self, digest: Digest) -> Vec<u8> {
        let body = self.signed_attributes.unwrap_or_default();
        digest.of(&asn1::tlv(SET, body))
    }

    fn check_binding(&self, certificate: &Certificate, found: &mut Vec<Reason>) {
        match self.bound {
            None => found.push(Reason::CertificateNotBound),
            Some((None, _)) => found.push(Reason::AlgorithmUnknown),
            Some((Some(digest), hash)) => {
                let actual = if digest == Digest::Sha256 {
                    certificate.sha256.to_vec()
                } else {
                    digest.of(&certificate.der)
                };
                if actual != hash {
                    found.push(Reason::CertificateMismatch);
                }
            }
        }
    }
}

/// Reads a SigningCertificateV2 (RFC 5035): the digest of the first certificate named.
fn read_bound(value: Tlv<'_>) -> Result<(Option<Digest>, &[u8]), Malformed> {
    let mut first = value.inside().sequence()?.sequence()?;
    let digest = match first.optional(SEQUENCE)? {
        Some(algorithm) => Digest::by_oid(algorithm.inside().next()?),
        None => Some(Digest::Sha256),
    };
    Ok((digest, first.expect(OCTET_STRING)?.body))
}

/// Asks for a time stamp over a SHA-256 digest and returns the token (a ContentInfo).
pub type Stamper<'a> = dyn FnMut(&[u8; 32]) -> Result<Vec<u8>, SignatureError> + 'a;

/// What goes into a new SignedData.
pub(crate) struct ToSign<'a> {
    /// Content type, `id-data` but for time stamps.
    pub content_type: &'a ObjectIdentifier,
    /// SHA-256 of the content.
    pub digest: [u8; 32],
    /// The content, to enclose it.
    pub content: Option<&'a [u8]>,
    /// The time to claim; PAdES must leave it out.
    pub signing_time: Option<Timestamp>,
    /// Whether to send the certificates along.
    pub certificates: bool,
}

impl<'a> ToSign<'a> {
    /// A document: `content` encloses it, `None` leaves it beside.
    pub fn document(digest: [u8; 32], content: Option<&'a [u8]>, signing_time: Option<Timestamp>) -> Self {
        Self { content_type: &DATA, digest, content, signing_time, certificates: true }
    }
}

/// Makes a SignedData with one signer, at baseline level B, or T when a `stamper` is given.
pub(crate) fn sign(
    key: &SealKey,
    what: &ToSign<'_>,
    stamper: Option<&mut Stamper<'_>>,
) -> Result<Vec<u8>, SignatureError> {
    let attributes = signed_attributes(key, what);
    let hash = openssl::sha::sha256(&asn1::tlv(SET, &attributes));
    let signature = key.sign_digest(&hash)?;
    let unsigned = match stamper {
        Some(stamper) => {
            let token = stamper(&openssl::sha::sha256(&signature))?;
            asn1::tlv(context(1), &attribute(&TIMESTAMP_TOKEN, &token))
        }
        None => Vec::new(),
    };
    let certificate = key.certificate();
    let algorithm = match key.kind() {
        KeyKind::Rsa => asn1::algorithm(&RSA_SHA256, true),
        KeyKind::P256 => asn1::algorithm(&ECDSA_SHA256, false),
    };
    let signer = asn1::sequence(&[
        &asn1::unsigned(&[1]),
        &asn1::sequence(&[&certificate.issuer.der, &asn1::tlv(INTEGER, &certificate.serial)]),
        &asn1::algorithm(&SHA256, false),
        &asn1::tlv(context(0), &attributes),
        &algorithm,
        &asn1::tlv(OCTET_STRING, &signature),
        &unsigned,
    ]);
    let content =
        what.content.map(|c| asn1::tlv(context(0), &asn1::tlv(OCTET_STRING, c))).unwrap_or_default();
    let chain: Vec<Vec<u8>> =
        std::iter::once(certificate.der.clone()).chain(key.chain().iter().cloned()).collect();
    let certificates =
        if what.certificates { asn1::tlv(context(0), &asn1::set_body(chain)) } else { Vec::new() };
    let version: u8 = if *what.content_type == DATA { 1 } else { 3 };
    let signed = asn1::sequence(&[
        &asn1::unsigned(&[version]),
        &asn1::tlv(SET, &asn1::algorithm(&SHA256, false)),
        &asn1::sequence(&[&asn1::oid(what.content_type), &content]),
        &certificates,
        &asn1::tlv(SET, &signer),
    ]);
    Ok(asn1::sequence(&[&asn1::oid(&SIGNED_DATA), &asn1::tlv(context(0), &signed)]))
}

fn attribute(kind: &ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    asn1::sequence(&[&asn1::oid(kind), &asn1::tlv(SET, value)])
}

fn signed_attributes(key: &SealKey, what: &ToSign<'_>) -> Vec<u8> {
    let certificate = key.certificate();
    // RFC 5035: ESSCertIDv2 with the default SHA-256, and the issuer and serial number of the certificate
    let issuer = asn1::sequence(&[&asn1::tlv(context(4), &certificate.issuer.der)]);
    let id = asn1::sequence(&[
        &asn1::tlv(OCTET_STRING, &certificate.sha256),
        &asn1::sequence(&[&issuer, &asn1::tlv(INTEGER, &certificate.serial)]),
    ]);
    let mut parts = vec![
        attribute(&CONTENT_TYPE, &asn1::oid(what.content_type)),
        attribute(&MESSAGE_DIGEST, &asn1::tlv(OCTET_STRING, &what.digest)),
        attribute(&SIGNING_CERTIFICATE_V2, &asn1::sequence(&[&asn1::sequence(&[&id])])),
    ];
    parts.extend(what.signing_time.map(|at| attribute(&SIGNING_TIME, &asn1::time(at))));
    asn1::set_body(parts)
}
