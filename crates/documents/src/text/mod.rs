//! The words of a document, for full-text search.
//!
//! Best effort within limits of size and time: what cannot be read gives an
//! error that is shown beside the document, never a failed registration. Layout
//! is lost on purpose. Nothing is fetched, nothing is written, archives are not
//! unpacked beyond a budget.

mod envelope;
mod mail;
mod office;
mod plain;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::inspect::{fenced, load_pdf};

/// How much work a document is worth.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest document read, in bytes.
    pub input: usize,
    /// Most text kept, in bytes.
    pub output: usize,
    /// Longest time spent; looked at between pages and parts.
    pub time: Duration,
    /// Deepest nesting of messages and envelopes.
    pub depth: u8,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { input: 64 * 1024 * 1024, output: 2 * 1024 * 1024, time: Duration::from_secs(10), depth: 4 }
    }
}

/// The words found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// The text, paragraphs ended by line feeds.
    pub text: String,
    /// Whether a limit cut it short.
    pub cut: bool,
}

/// Why a document gave no words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Its format holds no text that is read here (pictures, drawings, archives).
    #[error("the format holds no readable text")]
    NotText,
    /// Locked by a password.
    #[error("the document is locked")]
    Locked,
    /// Cannot be parsed.
    #[error("the document is damaged")]
    Damaged,
    /// Larger than the limit.
    #[error("the document is too large to be read")]
    TooLarge,
}

/// Takes the words out of a document whose media type is known by content (see
/// `inspect`).
///
/// # Errors
/// [`TextError`]; a document that is read in part is no error but `cut`.
pub fn words(media_type: &str, bytes: &[u8], limits: &Limits) -> Result<Words, TextError> {
    if bytes.len() > limits.input {
        return Err(TextError::TooLarge);
    }
    let mut sink = Sink::new(limits);
    read(media_type, bytes, &mut sink, limits.depth)?;
    Ok(sink.finish())
}

/// The text of a document that lies open, so that nothing has to be taken out of it; none of any other kind. The
/// caller bounds the size.
#[must_use]
pub fn open<'a>(media_type: &str, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    let lies_open = matches!(media_type, "text/plain" | "text/csv" | "application/json");
    lies_open.then(|| plain::decode(bytes))
}

/// Reads one document into the sink; called again for what is inside.
fn read(media_type: &str, bytes: &[u8], sink: &mut Sink, depth: u8) -> Result<(), TextError> {
    match media_type {
        "application/pdf" => pdf(bytes, sink),
        "application/pkcs7-mime" | "application/timestamped-data" => envelope::read(bytes, sink, depth),
        "message/rfc822" => mail::read(bytes, sink, depth),
        "text/html" => plain::html(bytes, sink),
        "application/rtf" => plain::rtf(bytes, sink),
        "application/xml" | "image/svg+xml" => plain::xml(bytes, sink),
        "text/plain" | "text/csv" | "application/json" | "application/mbox" => plain::text(bytes, sink),
        kind if kind.contains("openxmlformats") || kind.contains("opendocument") => {
            office::read(kind, bytes, sink)
        }
        _ => Err(TextError::NotText),
    }
}

/// Where words go until a limit is reached.
#[derive(Debug)]
struct Sink {
    words: Words,
    limit: usize,
    until: Instant,
}

impl Sink {
    fn new(limits: &Limits) -> Sink {
        // Not business time: only how long this call has been working.
        Sink { words: Words::default(), limit: limits.output, until: Instant::now() + limits.time }
    }

    /// Whether there is no point in reading on.
    fn full(&mut self) -> bool {
        if self.words.text.len() >= self.limit || Instant::now() >= self.until {
            self.words.cut = true;
        }
        self.words.cut
    }

    /// Bytes still wanted.
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.words.text.len())
    }

    /// Adds text, joining white space and leaving out control characters.
    fn push(&mut self, text: &str) {
        let mut left = self.room();
        let mut blank = self.words.text.ends_with([' ', '\n']) || self.words.text.is_empty();
        for ch in text.chars() {
            let ch = if ch.is_whitespace() || ch.is_control() { ' ' } else { ch };
            if ch == ' ' && blank {
                continue;
            }
            if ch.len_utf8() > left {
                self.words.cut = true;
                return;
            }
            left -= ch.len_utf8();
            blank = ch == ' ';
            self.words.text.push(ch);
        }
    }

    /// Ends a paragraph.
    fn end(&mut self) {
        let kept = self.words.text.trim_end_matches(' ').len();
        self.words.text.truncate(kept);
        if kept > 0 && !self.words.text.ends_with('\n') {
            self.words.text.push('\n');
        }
    }

    fn finish(mut self) -> Words {
        self.end();
        self.words
    }
}

/// Largest page content unpacked, in bytes.
const PAGE: usize = 16 * 1024 * 1024;

fn pdf(bytes: &[u8], sink: &mut Sink) -> Result<(), TextError> {
    let document = load_pdf(bytes).ok_or(TextError::Damaged)?;
    if document.is_encrypted() {
        return Err(TextError::Locked);
    }
    let mut pages = document.get_pages().into_keys().peekable();
    if pages.peek().is_none() {
        return Err(TextError::Damaged);
    }
    for page in pages {
        if sink.full() {
            break;
        }
        let page =
            fenced(std::panic::AssertUnwindSafe(|| document.extract_text_with_limit(&[page], PAGE).ok()));
        // A page with a broken font is left out, the others are read.
        sink.push(&page.unwrap_or_default());
        sink.end();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
