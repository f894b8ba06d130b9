//! Recognising a format by its first bytes.
//!
//! `infer` knows the usual marks; what it does not know or does not tell apart
//! (signed envelopes, e-mail, markup, plain text) is added here. A zip is only
//! said to be a zip: what it really is depends on its entries (`archive`).

/// Old Office files, told apart by their streams.
pub(super) const COMPOUND: &str = "application/x-ole-storage";
/// Programs for Windows or Linux.
pub(super) const PROGRAM: &str = "application/x-executable";
/// Texts that a shell runs.
pub(super) const SCRIPT: &str = "text/x-script";

const UNKNOWN: &str = "application/octet-stream";

/// The media type by the first bytes (64 KiB are enough); the general
/// `application/octet-stream` when nothing fits.
#[must_use]
pub fn media_type(head: &[u8]) -> &'static str {
    // An envelope of a PDF has the mark of the PDF near its start: it is looked for before that mark.
    envelope(head)
        .or_else(|| marked(head))
        .or_else(|| inferred(head))
        .or_else(|| text(head))
        .unwrap_or(UNKNOWN)
}

fn marked(head: &[u8]) -> Option<&'static str> {
    const MARKS: &[(usize, &[u8], &str)] = &[
        (0, b"PK\x03\x04", "application/zip"),
        (0, b"PK\x05\x06", "application/zip"),
        (0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", COMPOUND),
        (0, b"{\\rtf", "application/rtf"),
        (0, b"MZ", PROGRAM),
        (0, b"\x7FELF", PROGRAM),
        (0, b"#!", SCRIPT),
        (0, b"AC10", "image/vnd.dwg"),
        (0, b"ISO-10303-21", "application/x-step"),
        (128, b"DICM", "application/dicom"),
        (257, b"ustar", "application/x-tar"),
        (0, b"\xFF\xFB", "audio/mpeg"),
        (0, b"ID3", "audio/mpeg"),
    ];
    // Readers accept a PDF whose mark stands a little after the start.
    let near = &head[..head.len().min(1024)];
    if near.windows(5).any(|w| w == b"%PDF-") && !near.starts_with(b"PK") {
        return Some("application/pdf");
    }
    MARKS
        .iter()
        .find(|(at, mark, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(mark)))
        .map(|(_, _, kind)| *kind)
}

/// PKCS#7/CMS envelopes and time stamps, in DER, BER, PEM or bare base64.
fn envelope(head: &[u8]) -> Option<&'static str> {
    const SIGNED_DATA: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02";
    const STAMPED_DATA: &[u8] = b"\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x1F";
    let start = &head[..head.len().min(64)];
    let contains = |mark: &[u8]| start.windows(mark.len()).any(|w| w == mark);
    if start.first() == Some(&0x30) && contains(STAMPED_DATA) {
        return Some("application/timestamped-data");
    }
    // TimeStampResp: SEQUENCE { PKIStatusInfo { INTEGER 0 .. }, token }.
    let reply = |header: usize| {
        start.get(header) == Some(&0x30) && start.get(header + 2..header + 5) == Some(b"\x02\x01\x00")
    };
    if start.starts_with(b"\x30\x82") && (reply(4) && contains(SIGNED_DATA)) {
        return Some("application/timestamp-reply");
    }
    if start.first() == Some(&0x30) && contains(SIGNED_DATA) {
        return Some("application/pkcs7-mime");
    }
    let text = std::str::from_utf8(start.get(..32)?).ok()?;
    let armoured = text.starts_with("-----BEGIN PKCS7") || text.starts_with("-----BEGIN CMS");
    // "MII…" is the base64 of a DER sequence; "KoZIhvcNAQcC" that of the type inside.
    let bare = text.starts_with("MI") && String::from_utf8_lossy(start).contains("KoZIhvcNAQcC");
    (armoured || bare).then_some("application/pkcs7-mime")
}

fn inferred(head: &[u8]) -> Option<&'static str> {
    let kind = infer::get(head)?.mime_type();
    match kind {
        "text/xml" | "text/html" | "text/x-shellscript" => None,
        known => Some(known),
    }
}

fn text(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Some("text/plain");
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    // Control characters other than white space do not occur in text of any
    // single-byte encoding.
    let odd = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B);
    if head.is_empty() || head.iter().any(odd) {
        return None;
    }
    let text = String::from_utf8_lossy(head);
    let trimmed = text.trim_start();
    markup(trimmed).or_else(|| mail(trimmed)).or_else(|| json(trimmed)).or(Some("text/plain"))
}

fn markup(text: &str) -> Option<&'static str> {
    if !text.starts_with('<') {
        return None;
    }
    let lower: String = text.chars().take(4096).collect::<String>().to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.contains("<html") || lower.starts_with("<body") {
        return Some("text/html");
    }
    if lower.contains("<svg") {
        return Some("image/svg+xml");
    }
    let second = lower.chars().nth(1)?;
    (second == '?' || second == '!' || second.is_alphabetic()).then_some("application/xml")
}

/// A message begins with header fields; two of the usual ones must be there,
/// or any note with a colon in its first line would be mail.
fn mail(text: &str) -> Option<&'static str> {
    if text.starts_with("From ") && text.lines().nth(1).is_some_and(|l| l.contains(": ")) {
        return Some("application/mbox");
    }
    const FIELDS: &[&str] = &[
        "from:",
        "to:",
        "subject:",
        "date:",
        "message-id:",
        "mime-version:",
        "received:",
        "return-path:",
        "content-type:",
        "x-ricevuta:",
        "x-trasporto:",
        "delivered-to:",
        "reply-to:",
    ];
    let is_field = |line: &str| {
        line.split_once(':').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
    };
    if !text.lines().next().is_some_and(is_field) {
        return None;
    }
    let head = text.split("\n\n").next()?.split("\r\n\r\n").next()?.to_ascii_lowercase();
    let found = FIELDS.iter().filter(|field| head.lines().any(|line| line.starts_with(**field))).count();
    (found >= 2).then_some("message/rfc822")
}

/// Only the beginning is at hand, so a long text cannot be parsed: brackets and
/// a quoted first name must do.
fn json(text: &str) -> Option<&'static str> {
    let rest = text.strip_prefix(['{', '['])?.trim_start();
    let opens =
        rest.starts_with(['"', '{', '[', '}', ']', '-']) || rest.starts_with(|c: char| c.is_ascii_digit());
    (opens && text.contains(['"', ']', '}'])).then_some("application/json")
}
