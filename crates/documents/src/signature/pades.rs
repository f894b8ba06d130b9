//! PAdES: signatures inside a PDF, checked (ETSI EN 319 142-1).
//!
//! What each signature covers is proved byte by byte: its range starts at the first byte, its only hole is its own
//! value, and whatever a later revision added is compared with what was signed. The making of them is in
//! [`super::pades_sign`].

use super::algorithms::Digest;
use super::asn1::{self, Reader, UTC_TIME};
use super::cms::SignedData;
use super::judge;
pub use super::pades_sign::{Sealing, sign};
use super::pdf_changes::{Change, compare};
use super::pdf_file::PdfFile;
use super::pdf_syntax::{Damaged, Dict, Object};
use super::report::{Format, Reason, Signer, TimeReference, Verification};
use super::timestamp;
use super::trust::{Purpose, Times, TrustStore};
use jiff::Timestamp;
use std::collections::HashSet;

/// The bytes that a signature covers: two pieces around its own value.
struct Covered<'a> {
    first: &'a [u8],
    second: &'a [u8],
    /// End of the covered revision.
    end: usize,
}

impl Covered<'_> {
    fn digest(&self, digest: Digest) -> Vec<u8> {
        digest.of_parts(&[self.first, self.second])
    }
}

/// Whether the bytes look like a PDF that could carry a signature.
fn may_be_signed(bytes: &[u8]) -> bool {
    begins_like_pdf(bytes) && memchr::memmem::find(bytes, b"/ByteRange").is_some()
}

/// Readers accept a PDF whose mark stands a little after the start.
pub(super) fn begins_like_pdf(bytes: &[u8]) -> bool {
    memchr::memmem::find(&bytes[..bytes.len().min(1024)], b"%PDF-").is_some()
}

/// Checks every signature and document time stamp of a PDF. `None` when it has none.
pub fn verify(bytes: &[u8], trust: &TrustStore, times: &Times) -> Option<Verification> {
    if !may_be_signed(bytes) {
        return None;
    }
    let Ok(file) = PdfFile::open(bytes) else {
        return Some(Verification::of_reason(Format::Pades, trust.label(), Reason::Damaged));
    };
    let signatures = signature_dictionaries(&file);
    if signatures.is_empty() {
        return None;
    }
    let mut out = Verification::new(Format::Pades, trust.label());
    let mut furthest = 0;
    for dict in signatures.iter().take(200) {
        furthest = furthest.max(check(&file, dict, &mut out, trust, times));
    }
    let rest = bytes.get(furthest..).unwrap_or_default();
    out.covers_whole = furthest > 0 && rest.iter().all(|b| super::pdf_syntax::is_space(*b));
    Some(out.conclude())
}

/// Checks one signature dictionary, adds what it found, and returns the end of what it covers.
fn check(
    file: &PdfFile<'_>,
    dict: &Dict,
    out: &mut Verification,
    trust: &TrustStore,
    times: &Times,
) -> usize {
    let (covered, contents) = match coverage(file, dict) {
        Ok(found) => found,
        Err(reason) => {
            out.signers.push(broken(reason, times));
            return 0;
        }
    };
    let later = later_changes(file, covered.end);
    if dict.is("SubFilter", "ETSI.RFC3161") {
        let token = asn1::to_der(&contents).unwrap_or_default();
        let mut stamp = timestamp::check_token(&token, &|d| Some(covered.digest(d)), trust, times.now);
        stamp.reasons.extend(later);
        stamp.verdict = super::report::heaviest(&stamp.reasons);
        out.timestamps.push(stamp);
        return covered.end;
    }
    let mut signer =
        read_signer(dict, &covered, &contents, trust, times).unwrap_or_else(|reason| broken(reason, times));
    if let Some(reason) = later {
        signer.add(reason);
    }
    signer.claimed_at = signer.claimed_at.or_else(|| claimed_time(dict));
    out.signers.push(signer.conclude());
    covered.end
}

fn broken(reason: Reason, times: &Times) -> Signer {
    let mut signer = Signer::at(TimeReference::now(times.now));
    signer.add(reason);
    signer.conclude()
}

fn read_signer(
    dict: &Dict,
    covered: &Covered<'_>,
    contents: &[u8],
    trust: &TrustStore,
    times: &Times,
) -> Result<Signer, Reason> {
    if !dict.is("SubFilter", "ETSI.CAdES.detached") && !dict.is("SubFilter", "adbe.pkcs7.detached") {
        return Err(Reason::AlgorithmUnknown);
    }
    let der = asn1::to_der(contents).map_err(|_| Reason::Damaged)?;
    let data = SignedData::read(&der).map_err(|_| Reason::Damaged)?;
    // ISO 32000-1, 12.8.3.3: one signer, and the content is the file, not something inside the signature
    let [info] = data.signers.as_slice() else { return Err(Reason::Damaged) };
    if data.content.is_some() {
        return Err(Reason::Damaged);
    }
    let certificates = data.read_certificates(trust);
    let content = |d: Digest| Some(covered.digest(d));
    Ok(judge::cms_signer(
        info,
        Some(data.content_type),
        &content,
        &certificates,
        Purpose::Document,
        trust,
        times,
    ))
}

/// What the signature covers, if its byte range is honest, and its value.
fn coverage<'a>(file: &PdfFile<'a>, dict: &Dict) -> Result<(Covered<'a>, Vec<u8>), Reason> {
    let bytes = file.bytes();
    let range: Vec<usize> = match file.get(dict, "ByteRange") {
        Object::Array(list) => list
            .iter()
            .map(|n| n.int().and_then(|n| usize::try_from(n).ok()))
            .collect::<Option<_>>()
            .ok_or(Reason::CoverageBroken)?,
        _ => return Err(Reason::CoverageBroken),
    };
    let [0, hole, after, length] = range[..] else { return Err(Reason::CoverageBroken) };
    let end = after
        .checked_add(length)
        .filter(|end| *end <= bytes.len() && hole < after)
        .ok_or(Reason::CoverageBroken)?;
    let Some(Object::Text(contents, position)) = dict.get("Contents") else {
        return Err(Reason::CoverageBroken);
    };
    let gap = &bytes[hole..after];
    let inner = gap.strip_prefix(b"<").and_then(|g| g.strip_suffix(b">")).ok_or(Reason::CoverageBroken)?;
    if *position != hole || !inner.iter().all(u8::is_ascii_hexdigit) || length == 0 {
        return Err(Reason::CoverageBroken);
    }
    Ok((Covered { first: &bytes[..hole], second: &bytes[after..end], end }, contents.clone()))
}

/// What came after the covered revision.
fn later_changes(file: &PdfFile<'_>, end: usize) -> Option<Reason> {
    let bytes = file.bytes();
    if bytes[end..].iter().all(|b| super::pdf_syntax::is_space(*b)) {
        return None;
    }
    let Ok(covered) = PdfFile::open(&bytes[..end]) else { return Some(Reason::ChangedAfterSigning) };
    match compare(&covered, file) {
        Change::Content => Some(Reason::ChangedAfterSigning),
        Change::Extended | Change::Nothing => Some(Reason::ExtendedAfterSigning),
    }
}

/// The signature dictionaries that the form's fields hold, in the order of the fields.
fn signature_dictionaries(file: &PdfFile<'_>) -> Vec<Dict> {
    let mut found = Vec::new();
    let Ok((_, catalog)) = file.catalog() else { return found };
    let Object::Dict(form) = file.get(&catalog, "AcroForm") else { return found };
    let mut todo: Vec<(Object, bool)> = match file.get(&form, "Fields") {
        Object::Array(list) => list.into_iter().rev().map(|f| (f, false)).collect(),
        _ => return found,
    };
    let mut seen = HashSet::new();
    while let Some((field, inherited)) = todo.pop() {
        if field.reference().is_some_and(|n| !seen.insert(n)) || seen.len() > 100_000 {
            continue;
        }
        let Object::Dict(field) = file.resolve(&field) else { continue };
        let is_signature = inherited || field.is("FT", "Sig");
        if let Object::Array(kids) = file.get(&field, "Kids") {
            todo.extend(kids.into_iter().rev().map(|k| (k, is_signature)));
        }
        if is_signature
            && field.get("V").and_then(Object::reference).is_none_or(|n| seen.insert(n))
            && let Object::Dict(value) = file.get(&field, "V")
        {
            found.push(value);
        }
    }
    found
}

/// The time in `/M`, which anybody could have written: `D:20261123101112+01'00'`.
fn claimed_time(dict: &Dict) -> Option<Timestamp> {
    let Some(Object::Text(text, _)) = dict.get("M") else { return None };
    let text = std::str::from_utf8(text).ok()?.strip_prefix("D:")?;
    let digits = text.get(..14).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let utc = format!("{}Z", &digits[2..]);
    let local = asn1::read_time(Reader(&asn1::tlv(UTC_TIME, utc.as_bytes())).next().ok()?).ok()?;
    let zone = text.get(14..).unwrap_or_default();
    let sign = match zone.bytes().next() {
        Some(b'+') => -1,
        Some(b'-') => 1,
        _ => return Some(local),
    };
    let part = |at: usize| zone.get(at..at + 2).and_then(|t| t.parse::<i64>().ok()).unwrap_or(0);
    let minutes = part(1) * 60 + part(4);
    local.checked_add(jiff::SignedDuration::from_mins(sign * minutes)).ok()
}

impl From<Damaged> for super::SignatureError {
    fn from(_: Damaged) -> Self {
        Self::Document("the PDF is damaged")
    }
}
