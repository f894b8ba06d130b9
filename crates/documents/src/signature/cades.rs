//! CAdES: `.p7m` envelopes and `.p7s` files beside a document (ETSI EN 319 122-1).
//!
//! Files as they really arrive are accepted: DER or BER, wrapped in PEM, in bare base64 or in mail headers, with
//! several signers and countersigners.

use super::SignatureError;
use super::algorithms::Digest;
use super::asn1;
use super::cms::{self, DATA, SIGNED_DATA, SignedData, Stamper, TST_INFO, ToSign};
use super::judge;
use super::keys::SealKey;
use super::report::{Content, Format, Reason, Verification};
use super::trust::{Purpose, Times, TrustStore};
use base64::Engine;
use jiff::Timestamp;
use std::borrow::Cow;

/// Signs a document and encloses it: the bytes of a `.p7m`. Level B, or T with a `stamper`.
///
/// # Errors
/// When the key or the time-stamp authority refuses.
pub fn sign_attached(
    key: &SealKey,
    content: &[u8],
    at: Timestamp,
    stamper: Option<&mut Stamper<'_>>,
) -> Result<Vec<u8>, SignatureError> {
    cms::sign(key, &ToSign::document(openssl::sha::sha256(content), Some(content), Some(at)), stamper)
}

/// Signs a document by its SHA-256 digest: the bytes of a `.p7s` beside it.
///
/// # Errors
/// When the key or the time-stamp authority refuses.
pub fn sign_detached(
    key: &SealKey,
    digest: [u8; 32],
    at: Timestamp,
    stamper: Option<&mut Stamper<'_>>,
) -> Result<Vec<u8>, SignatureError> {
    cms::sign(key, &ToSign::document(digest, None, Some(at)), stamper)
}

/// Checks a signature. `beside` is the document, where it is not enclosed. `None` when the bytes are not a CMS
/// signature at all. The enclosed document is not looked into: [`super::recognise_and_verify`] does.
pub fn verify(
    bytes: &[u8],
    beside: Option<&[u8]>,
    trust: &TrustStore,
    times: &Times,
) -> Option<Verification> {
    let by_digest = beside.map(|content| move |d: Digest| Some(d.of(content)));
    let beside_digest = by_digest.as_ref().map(|f| f as &dyn Fn(Digest) -> Option<Vec<u8>>);
    let mut out = verify_with(bytes, beside_digest, trust, times)?;
    if out.content.is_none() {
        out.content = beside.map(describe);
    }
    Some(out)
}

/// As [`verify`], with the digest of the document beside given by a function, so that it need not be held.
pub(crate) fn verify_with(
    bytes: &[u8],
    beside: Option<&dyn Fn(Digest) -> Option<Vec<u8>>>,
    trust: &TrustStore,
    times: &Times,
) -> Option<Verification> {
    let der = unwrap(bytes)?;
    let data = SignedData::read(&der).ok().filter(|d| d.content_type != TST_INFO.as_bytes())?;
    let mut out = Verification::new(Format::Cades, trust.label());
    let certificates = data.read_certificates(trust);
    let enclosed = |d: Digest| data.content.map(|c| d.of(c));
    let content = beside.filter(|_| data.content.is_none()).unwrap_or(&enclosed);
    for info in data.signers.iter().take(64) {
        let signer = judge::cms_signer(
            info,
            Some(data.content_type),
            content,
            &certificates,
            Purpose::Document,
            trust,
            times,
        );
        out.signers.push(signer);
    }
    if data.signers.is_empty() {
        // a bag of certificates: looks like a signature, is none
        out.reasons.push(Reason::Damaged);
    }
    if data.content_type != DATA.as_bytes() && data.content.is_some() {
        out.covers_whole = false;
        out.reasons.push(Reason::PartlySigned);
    }
    out.content = data.content.map(describe);
    Some(out.conclude())
}

/// The document enclosed in a `.p7m`, one layer down; `None` when there is none.
pub fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    let der = unwrap(bytes)?;
    SignedData::read(&der).ok()?.content.map(<[u8]>::to_vec)
}

/// Digest and size of some content.
pub(crate) fn describe(content: &[u8]) -> Content {
    Content { sha256: hex::encode(openssl::sha::sha256(content)), size: content.len() as u64 }
}

/// The DER of a SignedData, out of whatever it is wrapped in.
fn unwrap(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    if bytes.first() == Some(&0x30) {
        return asn1::to_der(bytes).ok().filter(|der| is_signed_data(der));
    }
    let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim();
    let body = if let Some(rest) = text.strip_prefix("-----BEGIN ") {
        let (_, rest) = rest.split_once("-----")?;
        rest.split_once("-----END")?.0
    } else if text.len() > 12 && text.as_bytes()[..12].eq_ignore_ascii_case(b"MIME-Version")
        || text.starts_with("Content-Type:")
    {
        text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"))?.1
    } else {
        text
    };
    // enough of it must be base64 before the whole is copied
    if !body.starts_with("MI") && !body.trim_start().starts_with("MI") {
        return None;
    }
    let compact: Vec<u8> = body.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let decoded = base64::engine::general_purpose::STANDARD.decode(compact).ok()?;
    let der = asn1::to_der(&decoded).ok()?.into_owned();
    is_signed_data(&der).then_some(Cow::Owned(der))
}

/// A quick look: ContentInfo of type SignedData.
pub(crate) fn is_signed_data(der: &[u8]) -> bool {
    asn1::Reader(der).sequence().and_then(|mut r| r.next()).is_ok_and(|t| t.is(&SIGNED_DATA))
}
