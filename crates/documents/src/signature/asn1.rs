//! Reading and writing ASN.1: the few shapes that certificates, CMS and time stamps are made of.
//!
//! The reader borrows and never copies; it accepts definite lengths only, and [`to_der`] first turns the looser
//! BER that some signing programs write (indefinite lengths, octet strings in pieces) into that form. Nothing
//! here knows what a signature is. Hostile input is expected: every length is checked, depth is bounded.

use const_oid::ObjectIdentifier;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// The bytes are not the ASN.1 they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed ASN.1")]
pub struct Malformed;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Constructed context tag `[n]`.
pub(crate) const fn context(n: u8) -> u8 {
    0xA0 | n
}

/// One element: its tag, its content, and all its bytes as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tlv<'a> {
    pub tag: u8,
    pub body: &'a [u8],
    pub whole: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// A reader over the content.
    pub fn inside(&self) -> Reader<'a> {
        Reader(self.body)
    }

    /// Whether this is the object identifier given.
    pub fn is(&self, oid: &ObjectIdentifier) -> bool {
        self.tag == OID && self.body == oid.as_bytes()
    }
}

/// A cursor over consecutive elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag that comes next.
    pub fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element.
    pub fn next(&mut self) -> Result<Tlv<'a>, Malformed> {
        let (tag, head, length) = header(self.0)?;
        let length = length.ok_or(Malformed)?;
        let end = head.checked_add(length).filter(|end| *end <= self.0.len()).ok_or(Malformed)?;
        let whole = &self.0[..end];
        self.0 = &self.0[end..];
        Ok(Tlv { tag, body: &whole[head..], whole })
    }

    /// The next element, which must carry `tag`.
    pub fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, Malformed> {
        let tlv = self.next()?;
        if tlv.tag == tag { Ok(tlv) } else { Err(Malformed) }
    }

    /// The next element if it carries `tag`; otherwise nothing is consumed.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, Malformed> {
        if self.peek() == Some(tag) { self.next().map(Some) } else { Ok(None) }
    }

    /// The next element, a SEQUENCE, opened.
    pub fn sequence(&mut self) -> Result<Reader<'a>, Malformed> {
        Ok(self.expect(SEQUENCE)?.inside())
    }

    /// All elements that are left.
    pub fn all(mut self) -> Result<Vec<Tlv<'a>>, Malformed> {
        let mut out = Vec::new();
        while !self.is_empty() {
            out.push(self.next()?);
        }
        Ok(out)
    }
}

/// Tag, size of the header, length of the content (`None`: indefinite).
fn header(input: &[u8]) -> Result<(u8, usize, Option<usize>), Malformed> {
    let tag = *input.first().ok_or(Malformed)?;
    if tag & 0x1F == 0x1F {
        return Err(Malformed); // multi-byte tags appear in none of the structures read here
    }
    let first = usize::from(*input.get(1).ok_or(Malformed)?);
    match first {
        0x80 => Ok((tag, 2, None)),
        0..0x80 => Ok((tag, 2, Some(first))),
        _ => {
            let count = first & 0x7F;
            let bytes = input.get(2..2 + count).filter(|_| count <= 8).ok_or(Malformed)?;
            let length =
                bytes.iter().try_fold(0usize, |n, b| n.checked_mul(256)?.checked_add(usize::from(*b)));
            Ok((tag, 2 + count, Some(length.ok_or(Malformed)?)))
        }
    }
}

const MAX_DEPTH: usize = 64;

/// The same value with definite lengths and octet strings in one piece. Borrowed when nothing had to change.
/// Bytes after the first element are dropped.
pub(crate) fn to_der(input: &[u8]) -> Result<Cow<'_, [u8]>, Malformed> {
    let (_, head, length) = header(input)?;
    if let Some(length) = length {
        let end = head.checked_add(length).filter(|end| *end <= input.len()).ok_or(Malformed)?;
        if !needs_rewriting(&input[..end], 0)? {
            return Ok(Cow::Borrowed(&input[..end]));
        }
    }
    let mut out = Vec::with_capacity(input.len());
    rewrite(input, &mut out, 0)?;
    Ok(Cow::Owned(out))
}

/// Whether a definite-length element holds anything of indefinite length, or an octet string in pieces.
fn needs_rewriting(input: &[u8], depth: usize) -> Result<bool, Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed);
    }
    let mut rest = input;
    while !rest.is_empty() {
        let (tag, head, length) = header(rest)?;
        let Some(length) = length else { return Ok(true) };
        let end = head.checked_add(length).filter(|end| *end <= rest.len()).ok_or(Malformed)?;
        if tag == OCTET_STRING | 0x20 || (tag & 0x20 != 0 && needs_rewriting(&rest[head..end], depth + 1)?) {
            return Ok(true);
        }
        rest = &rest[end..];
    }
    Ok(false)
}

/// Writes one element as DER and returns how many input bytes it took.
fn rewrite(input: &[u8], out: &mut Vec<u8>, depth: usize) -> Result<usize, Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed);
    }
    let (tag, head, length) = header(input)?;
    if tag & 0x20 == 0 {
        let end =
            head.checked_add(length.ok_or(Malformed)?).filter(|end| *end <= input.len()).ok_or(Malformed)?;
        out.extend_from_slice(&input[..end]);
        return Ok(end);
    }
    let mut body = Vec::new();
    let mut at = head;
    let limit = match length {
        Some(length) => head.checked_add(length).filter(|end| *end <= input.len()).ok_or(Malformed)?,
        None => input.len(),
    };
    let joined = tag == OCTET_STRING | 0x20;
    loop {
        if length.is_none() && input.get(at..at + 2) == Some(&[0, 0]) {
            at += 2;
            break;
        }
        if at >= limit {
            if length.is_none() {
                return Err(Malformed);
            }
            break;
        }
        if joined {
            let mut piece = Vec::new();
            at += rewrite(&input[at..limit], &mut piece, depth + 1)?;
            body.extend_from_slice(Reader(&piece).expect(OCTET_STRING)?.body);
        } else {
            at += rewrite(&input[at..limit], &mut body, depth + 1)?;
        }
    }
    put(out, if joined { OCTET_STRING } else { tag }, &body);
    Ok(at)
}

/// Appends one element.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    if body.len() < 0x80 {
        out.push(body.len() as u8);
    } else {
        let bytes = body.len().to_be_bytes();
        let skip = bytes.iter().take_while(|b| **b == 0).count();
        out.push(0x80 | (bytes.len() - skip) as u8);
        out.extend_from_slice(&bytes[skip..]);
    }
    out.extend_from_slice(body);
}

/// One element.
pub(crate) fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 6);
    put(&mut out, tag, body);
    out
}

/// A SEQUENCE of elements already encoded.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// The content of a SET OF: elements already encoded, sorted as DER wants.
pub(crate) fn set_body(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    parts.concat()
}

/// An object identifier.
pub(crate) fn oid(oid: &ObjectIdentifier) -> Vec<u8> {
    tlv(OID, oid.as_bytes())
}

/// An algorithm identifier, with NULL parameters or with none.
pub(crate) fn algorithm(id: &ObjectIdentifier, null: bool) -> Vec<u8> {
    if null { sequence(&[&oid(id), &[NULL, 0]]) } else { sequence(&[&oid(id)]) }
}

/// A non-negative INTEGER from its big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|b| **b == 0).count().min(bytes.len().saturating_sub(1));
    let digits = if bytes.is_empty() { &[0u8][..] } else { &bytes[skip..] };
    if digits[0] & 0x80 == 0 {
        return tlv(INTEGER, digits);
    }
    let mut body = vec![0];
    body.extend_from_slice(digits);
    tlv(INTEGER, &body)
}

/// An instant as CMS wants it: UTCTime up to 2049, GeneralizedTime after; whole seconds.
pub(crate) fn time(at: Timestamp) -> Vec<u8> {
    let z = at.to_zoned(TimeZone::UTC);
    if (1950..2050).contains(&z.year()) {
        return tlv(UTC_TIME, z.strftime("%y%m%d%H%M%SZ").to_string().as_bytes());
    }
    generalized_time(at)
}

/// An instant as GeneralizedTime, whole seconds.
pub(crate) fn generalized_time(at: Timestamp) -> Vec<u8> {
    tlv(GENERALIZED_TIME, at.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
}

/// Reads a UTCTime or a GeneralizedTime in UTC (fractions of a second allowed in the latter).
pub(crate) fn read_time(t: Tlv<'_>) -> Result<Timestamp, Malformed> {
    let text = std::str::from_utf8(t.body).map_err(|_| Malformed)?.strip_suffix('Z').ok_or(Malformed)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) || fraction.len() > 9 {
        return Err(Malformed);
    }
    let (century, rest) = match (t.tag, whole.len()) {
        (UTC_TIME, 12) => (if &whole[..2] < "50" { "20" } else { "19" }, whole),
        (GENERALIZED_TIME, 14) => (&whole[..2], &whole[2..]),
        _ => return Err(Malformed),
    };
    let field = |text: &str| text.parse::<i16>().map_err(|_| Malformed);
    let year = field(&format!("{century}{}", &rest[..2]))?;
    let part = |i: usize| field(&rest[i..i + 2]).map(|n| n as i8);
    let nanos = format!("{fraction:0<9}").parse::<i32>().map_err(|_| Malformed)?;
    let civil = DateTime::new(year, part(2)?, part(4)?, part(6)?, part(8)?, part(10)?.min(59), nanos);
    civil.and_then(|c| c.to_zoned(TimeZone::UTC)).map(|z| z.timestamp()).map_err(|_| Malformed)
}

/// The text of a directory string, whatever its encoding.
pub(crate) fn read_text(t: Tlv<'_>) -> String {
    match t.tag {
        0x1E => {
            let units: Vec<u16> = t.body.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        0x14 => t.body.iter().map(|b| char::from(*b)).collect(), // T61: read as Latin 1, as everybody does
        _ => String::from_utf8_lossy(t.body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn indefinite_lengths_and_pieces_become_der() {
        // SEQUENCE (indefinite) { OCTET STRING (indefinite) { 'ab', 'c' }, INTEGER 5 }
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 2, b'a', b'b', 4, 1, b'c', 0, 0, 2, 1, 5, 0, 0];
        assert_eq!(&*to_der(&ber).unwrap(), &[0x30, 8, 4, 3, b'a', b'b', b'c', 2, 1, 5]);
        assert!(matches!(to_der(&[0x30, 3, 2, 1, 5]).unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn times_go_and_come() {
        let at: Timestamp = "2026-11-23T10:11:12Z".parse().unwrap();
        for der in [time(at), generalized_time(at)] {
            assert_eq!(read_time(Reader(&der).next().unwrap()).unwrap(), at);
        }
        let fine = Tlv { tag: GENERALIZED_TIME, body: b"20261123101112.25Z", whole: b"" };
        assert_eq!(read_time(fine).unwrap().subsec_millisecond(), 250);
        let silly = Tlv { tag: UTC_TIME, body: b"269923101112Z", whole: b"" };
        assert_eq!(read_time(silly), Err(Malformed));
    }

    #[test]
    fn integers_keep_their_sign() {
        assert_eq!(unsigned(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(der) = to_der(&bytes) {
                prop_assert!(Reader(&der).next().is_ok());
            }
            let _ = Reader(&bytes).all();
        }
    }
}
