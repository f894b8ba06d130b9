//! Text that lies open: plain, CSV, HTML, RTF, XML.

use std::borrow::Cow;

use super::{Sink, TextError};

/// Decodes by byte order mark, else as UTF-8, else as Windows-1252, which is
/// what Italian offices have written for thirty years.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0,
    }
}

pub(super) fn text(bytes: &[u8], sink: &mut Sink) -> Result<(), TextError> {
    // Four bytes of input per byte of output are more than any encoding needs.
    let wanted = &bytes[..bytes.len().min(sink.room().saturating_mul(4))];
    for line in decode(wanted).lines() {
        sink.push(line);
        sink.end();
        if sink.full() {
            break;
        }
    }
    Ok(())
}

pub(super) fn html(bytes: &[u8], sink: &mut Sink) -> Result<(), TextError> {
    let wanted = &bytes[..bytes.len().min(sink.room().saturating_mul(16))];
    let page = without(&decode(wanted), &["script", "style"]);
    for line in mail_parser::decoders::html::html_to_text(&page).lines() {
        sink.push(line);
        sink.end();
    }
    Ok(())
}

/// Cuts out elements whose content is not for people.
fn without(page: &str, names: &[&str]) -> String {
    let lower = page.to_ascii_lowercase();
    let mut out = String::with_capacity(page.len());
    let mut at = 0;
    while at < page.len() {
        let next = names.iter().filter_map(|n| Some((lower[at..].find(&format!("<{n}"))?, n))).min();
        let Some((start, name)) = next else { break };
        out.push_str(&page[at..at + start]);
        let rest = at + start;
        let close = format!("</{name}");
        let Some(end) = lower[rest..].find(&close) else { return out };
        at = rest + end + close.len();
        at += lower[at..].find('>').map_or(lower.len() - at, |p| p + 1);
    }
    out.push_str(page.get(at..).unwrap_or_default());
    out
}

pub(super) fn xml(bytes: &[u8], sink: &mut Sink) -> Result<(), TextError> {
    let root = crate::xml::parse(bytes).map_err(|_| TextError::Damaged)?;
    xml_element(&root, sink);
    Ok(())
}

// The reader bounds the depth of the tree.
fn xml_element(element: &crate::xml::Element, sink: &mut Sink) {
    sink.push(&element.text);
    sink.end();
    for child in &element.children {
        xml_element(child, sink);
    }
}

/// RTF: control words are dropped, groups that hold no text are skipped.
pub(super) fn rtf(bytes: &[u8], sink: &mut Sink) -> Result<(), TextError> {
    let mut reader = Rtf { bytes, at: 0, depth: 0, skip_from: None };
    while reader.at < bytes.len() && !sink.full() {
        reader.step(sink);
    }
    Ok(())
}

struct Rtf<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    /// Depth of the group being skipped.
    skip_from: Option<usize>,
}

impl Rtf<'_> {
    fn step(&mut self, sink: &mut Sink) {
        let byte = self.bytes[self.at];
        self.at += 1;
        match byte {
            b'{' => self.depth += 1,
            b'}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.skip_from.is_some_and(|from| self.depth < from) {
                    self.skip_from = None;
                }
            }
            b'\\' => self.control(sink),
            b'\r' | b'\n' => {}
            _ => self.letter(byte, sink),
        }
    }

    fn letter(&self, byte: u8, sink: &mut Sink) {
        if self.skip_from.is_none() {
            sink.push(&encoding_rs::WINDOWS_1252.decode(&[byte]).0);
        }
    }

    fn control(&mut self, sink: &mut Sink) {
        let rest = &self.bytes[self.at..];
        let letters = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        if letters == 0 {
            self.symbol(rest.first().copied(), sink);
            return;
        }
        let word = String::from_utf8_lossy(&rest[..letters]).into_owned();
        let number: String = rest[letters..]
            .iter()
            .map(|b| *b as char)
            .take_while(|c| c.is_ascii_digit() || *c == '-')
            .take(8)
            .collect();
        self.at += letters + number.len();
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        match word.as_str() {
            "par" | "line" | "cell" | "row" | "tab" => sink.end(),
            "u" => self.unicode(&number, sink),
            "fonttbl" | "colortbl" | "stylesheet" | "info" | "pict" | "object" | "themedata"
            | "datastore" => {
                self.skip_from.get_or_insert(self.depth);
            }
            _ => {}
        }
    }

    /// `\'e8` is a byte, `\*` starts a group that old readers skip.
    fn symbol(&mut self, symbol: Option<u8>, sink: &mut Sink) {
        self.at += 1;
        match symbol {
            Some(b'\'') => {
                let digits = self.bytes.get(self.at..self.at + 2).unwrap_or_default();
                let byte = std::str::from_utf8(digits).ok().and_then(|t| u8::from_str_radix(t, 16).ok());
                self.at += 2;
                if let Some(byte) = byte {
                    self.letter(byte, sink);
                }
            }
            Some(b'*') => {
                self.skip_from.get_or_insert(self.depth);
            }
            Some(b'~') => self.letter(b' ', sink),
            Some(byte @ (b'\\' | b'{' | b'}')) => self.letter(byte, sink),
            _ => {}
        }
    }

    /// `\u224?`: the character, then a replacement for old readers.
    fn unicode(&mut self, number: &str, sink: &mut Sink) {
        let code = number.parse::<i32>().unwrap_or(0);
        let code = if code < 0 { code + 65_536 } else { code };
        let ch = u32::try_from(code).ok().and_then(char::from_u32);
        if let (Some(ch), None) = (ch, self.skip_from) {
            sink.push(ch.encode_utf8(&mut [0; 4]));
        }
        match self.bytes.get(self.at) {
            Some(b'\\') if self.bytes.get(self.at + 1) == Some(&b'\'') => self.at += 4,
            Some(b'?' | b' ') => self.at += 1,
            _ => {}
        }
    }
}
