//! Signed mail: `multipart/signed` with PKCS#7, the form in which every message of certified mail is signed.
//!
//! What is signed is the first part exactly as it travelled, so the bytes between the boundaries are taken from the
//! raw message and never written anew; only bare line feeds, which mail stores on disk may leave, become CRLF again
//! (RFC 8551, 3.1.1).

use super::algorithms::Digest;
use super::cms::SignedData;
use super::report::{Format, Reason, Verification};
use super::trust::{Purpose, Times, TrustStore};
use super::{asn1, judge};
use base64::Engine;
use mail_parser::{MessageParser, MimeHeaders};
use std::borrow::Cow;

/// Checks a signed message: signature, chain, and that the certificate carries the sender's address. `None` when the
/// message is not signed in this way.
pub fn verify(message: &[u8], trust: &TrustStore, times: &Times) -> Option<Verification> {
    let headers = MessageParser::default().parse_headers(message)?;
    let kind = headers.content_type()?;
    let is_signed = kind.ctype().eq_ignore_ascii_case("multipart")
        && kind.subtype().is_some_and(|s| s.eq_ignore_ascii_case("signed"));
    let protocol = kind.attribute("protocol").unwrap_or_default().to_ascii_lowercase();
    if !is_signed || !protocol.ends_with("pkcs7-signature") {
        return None;
    }
    let damaged = || Some(Verification::of_reason(Format::Smime, trust.label(), Reason::Damaged));
    let Some((signed, signature)) = kind.attribute("boundary").and_then(|b| split(message, b)) else {
        return damaged();
    };
    let Some(der) = decode(signature) else { return damaged() };
    let Ok(data) = SignedData::read(&der) else { return damaged() };
    let sender =
        headers.from().and_then(|f| f.first()).and_then(|a| a.address()).map(str::to_ascii_lowercase);

    let mut out = Verification::new(Format::Smime, trust.label());
    let signed = with_crlf(signed);
    let certificates = data.read_certificates(trust);
    let content = |d: Digest| Some(d.of(&signed));
    for info in data.signers.iter().take(16) {
        let mut signer = judge::cms_signer(
            info,
            Some(data.content_type),
            &content,
            &certificates,
            Purpose::Mail,
            trust,
            times,
        );
        let emails = signer
            .certificate
            .as_ref()
            .and_then(|c| certificates.iter().find(|k| hex::encode(k.sha256) == c.sha256))
            .map(|c| c.emails.clone());
        let same =
            emails.unwrap_or_default().iter().any(|e| sender.as_deref() == Some(&e.to_ascii_lowercase()));
        if !same {
            signer.add(Reason::AddressDiffers);
        }
        // ordinary mail programs do not bind the certificate; in mail the address does that
        signer.reasons.retain(|r| *r != Reason::CertificateNotBound);
        out.signers.push(signer.conclude());
    }
    if out.signers.is_empty() {
        out.reasons.push(Reason::Damaged);
    }
    Some(out.conclude())
}

/// The signed part and the signature part, between the boundaries.
fn split<'a>(message: &'a [u8], boundary: &str) -> Option<(&'a [u8], &'a [u8])> {
    let mut marks = Vec::new();
    let delimiter = format!("--{boundary}");
    let mut at = 0;
    while at < message.len() && marks.len() < 3 {
        let end = message[at..].iter().position(|b| *b == b'\n').map_or(message.len(), |n| at + n + 1);
        let line = &message[at..end];
        if let Some(rest) = line.strip_prefix(delimiter.as_bytes())
            && (rest.iter().all(|b| b.is_ascii_whitespace()) || (rest.starts_with(b"--") && marks.len() == 2))
        {
            marks.push((at, end));
        }
        at = end;
    }
    let [first, second, third] = marks[..] else { return None };
    Some((without_line_end(&message[first.1..second.0]), without_line_end(&message[second.1..third.0])))
}

/// The line end before a boundary belongs to the boundary (RFC 2046, 5.1.1).
fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

fn with_crlf(part: &[u8]) -> Cow<'_, [u8]> {
    let bare = |i: usize| part[i] == b'\n' && (i == 0 || part[i - 1] != b'\r');
    if !(0..part.len()).any(bare) {
        return Cow::Borrowed(part);
    }
    let mut out = Vec::with_capacity(part.len() + part.len() / 40);
    for (i, b) in part.iter().enumerate() {
        if bare(i) {
            out.push(b'\r');
        }
        out.push(*b);
    }
    Cow::Owned(out)
}

/// The DER of the signature part.
fn decode(part: &[u8]) -> Option<Vec<u8>> {
    let blank = |mark: &[u8]| part.windows(mark.len()).position(|w| w == mark).map(|at| at + mark.len());
    let body = &part[blank(b"\r\n\r\n").or_else(|| blank(b"\n\n"))?..];
    let head = String::from_utf8_lossy(&part[..part.len() - body.len()]).to_ascii_lowercase();
    let raw = if head.contains("base64") {
        let compact: Vec<u8> = body.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        base64::engine::general_purpose::STANDARD.decode(compact).ok()?
    } else {
        body.to_vec()
    };
    asn1::to_der(&raw).ok().map(Cow::into_owned)
}
