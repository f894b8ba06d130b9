//! One door for whatever arrives: is it signed, in which format, and does it hold?
//!
//! The content decides, not the name; envelopes are opened and what is inside is checked in its turn.

use super::report::{Reason, Verification};
use super::trust::{Times, TrustStore};
use super::{cades, pades, smime, timestamp, xades};

/// Envelopes within envelopes are followed this far: `.p7m.p7m` is an everyday case, ten layers are not.
const MAX_LAYERS: usize = 6;

/// Recognises a signed file and checks it. `beside` are other files of the same delivery, by name, which a detached
/// signature may be about; `name` is the file's own. `None` when the file carries no signature or stamp.
pub fn recognise_and_verify(
    bytes: &[u8],
    name: &str,
    beside: &[(&str, &[u8])],
    trust: &TrustStore,
    times: &Times,
) -> Option<Verification> {
    layer(bytes, name, beside, trust, times, MAX_LAYERS)
}

/// Whether a file that begins like this may carry a signature that [`recognise_and_verify`] knows: a PDF, DER or its
/// text form, XML, a mail message. Lets a large file be passed over without holding it.
pub fn may_be_signed(beginning: &[u8]) -> bool {
    let sixteen_bits = beginning.starts_with(b"\xff\xfe") || beginning.starts_with(b"\xfe\xff");
    let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
    let starts = [&b"\x30"[..], b"<", b"MI", b"-----BEGIN "];
    sixteen_bits
        || starts.iter().any(|start| text.starts_with(start))
        || pades::begins_like_pdf(beginning)
        || says_content_type(beginning)
}

/// Whether the header field without which no mail message is signed occurs, in letters of either case.
fn says_content_type(beginning: &[u8]) -> bool {
    const FIELD: &[u8] = b"content-type";
    const DASH: usize = 7;
    memchr::memchr_iter(b'-', beginning).any(|at| {
        let field = at.checked_sub(DASH).and_then(|start| beginning.get(start..start + FIELD.len()));
        field.is_some_and(|field| field.eq_ignore_ascii_case(FIELD))
    })
}

fn layer(
    bytes: &[u8],
    name: &str,
    beside: &[(&str, &[u8])],
    trust: &TrustStore,
    times: &Times,
    left: usize,
) -> Option<Verification> {
    if let Some(found) = pades::verify(bytes, trust, times) {
        return Some(found);
    }
    let partner = partner(name, beside);
    if let Some(found) = timestamp::verify(bytes, partner, trust, times) {
        return Some(found);
    }
    if let Some(found) = envelope(bytes, name, partner, beside, trust, times, left) {
        return Some(found);
    }
    xades::verify(bytes, beside, trust, times).or_else(|| smime::verify(bytes, trust, times))
}

fn envelope(
    bytes: &[u8],
    name: &str,
    partner: Option<&[u8]>,
    beside: &[(&str, &[u8])],
    trust: &TrustStore,
    times: &Times,
    left: usize,
) -> Option<Verification> {
    let mut found = cades::verify(bytes, partner, trust, times)?;
    if left == 0 {
        found.reasons.push(Reason::TooLarge);
        return Some(found.conclude());
    }
    let inner_name = without_extension(name);
    let inner = cades::content(bytes);
    if let Some(content) = inner.as_deref().or(partner) {
        found.nested = layer(content, inner_name, beside, trust, times, left - 1).map(Box::new);
    }
    Some(found.conclude())
}

/// The file that a detached signature is about: the one named like it but for the last extension, or the only other.
fn partner<'a>(name: &str, beside: &[(&str, &'a [u8])]) -> Option<&'a [u8]> {
    let wanted = without_extension(name);
    let named = beside.iter().find(|(n, _)| *n == wanted || (*n != name && without_extension(n) == wanted));
    match (named, beside) {
        (Some((_, content)), _) => Some(content),
        (None, [(_, content)]) => Some(content),
        _ => None,
    }
}

fn without_extension(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::may_be_signed;

    #[test]
    fn what_can_carry_no_signature_is_told_by_its_beginning() {
        for yes in [
            &b"junk before %PDF-1.7"[..],
            b"\x30\x82\x10\x00",
            b"\xef\xbb\xbf <?xml version=\"1.0\"?>",
            b"\xff\xfe<\0",
            b"MIIGzQYJKoZIhvcNAQcCoIIGvjCC",
            b"-----BEGIN PKCS7-----",
            b"From: a@b.test\r\nContent-Type: Multipart/Signed; x",
            b"CONTENT-TYPE: multipart/signed",
        ] {
            assert!(may_be_signed(yes), "{}", String::from_utf8_lossy(yes));
        }
        for no in [&b"PK\x03\x04 a zip"[..], b"\x89PNG", b"parole di prova, non-type", b"-type", b""] {
            assert!(!may_be_signed(no), "{}", String::from_utf8_lossy(no));
        }
    }
}
