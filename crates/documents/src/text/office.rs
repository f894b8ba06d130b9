//! Office documents: zip files with XML inside, read as a stream.
//!
//! Each part is read through a limit on what it unpacks to; entities of the
//! document's own are not expanded, so neither bomb nor outside file can come in.

use std::io::{Cursor, Read};

use quick_xml::events::Event;
use quick_xml::reader::Reader;
use zip::ZipArchive;

use super::{Sink, TextError};
use crate::inspect::{Limits, inspect};

/// Most bytes one part may unpack to.
const PART: u64 = 64 * 1024 * 1024;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// What a zip is, by its entries.
pub(super) fn kind(bytes: &[u8]) -> &'static str {
    inspect("", Cursor::new(bytes), &Limits::default()).map_or("application/zip", |facts| facts.media_type)
}

pub(super) fn read(kind: &str, bytes: &[u8], sink: &mut Sink) -> Result<(), TextError> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| TextError::Damaged)?;
    let parts =
        if kind.contains("opendocument") { vec!["content.xml".to_owned()] } else { text_parts(&zip, kind) };
    let mut any = false;
    for part in parts {
        if sink.full() {
            break;
        }
        match read_part(&mut zip, &part, sink) {
            Ok(()) => any = true,
            Err(TextError::Locked) => return Err(TextError::Locked),
            // A broken footnote does not spoil the text.
            Err(_) => {}
        }
        sink.end();
    }
    if any { Ok(()) } else { Err(TextError::Damaged) }
}

/// The parts of an OOXML document that hold words, in reading order.
fn text_parts(zip: &Archive<'_>, kind: &str) -> Vec<String> {
    let wanted: &[&str] = if kind.contains("wordprocessing") {
        &[
            "word/document.xml",
            "word/header",
            "word/footer",
            "word/footnotes.xml",
            "word/endnotes.xml",
            "word/comments.xml",
        ]
    } else if kind.contains("spreadsheet") {
        &["xl/sharedStrings.xml", "xl/worksheets/sheet"]
    } else {
        &["ppt/slides/slide", "ppt/notesSlides/notesSlide"]
    };
    let mut out = Vec::new();
    for start in wanted {
        let mut names: Vec<String> = zip
            .file_names()
            .flatten()
            .map(|n| n.into_owned())
            .filter(|n| n.starts_with(start) && n.ends_with(".xml"))
            .collect();
        // slide10 comes after slide9.
        names.sort_by_key(|n| (n.len(), n.clone()));
        out.append(&mut names);
    }
    out
}

fn read_part(zip: &mut Archive<'_>, name: &str, sink: &mut Sink) -> Result<(), TextError> {
    let sheet = name.starts_with("xl/worksheets/");
    let entry = match zip.by_name(name) {
        Ok(entry) if entry.encrypted() => return Err(TextError::Locked),
        Ok(entry) => entry,
        Err(zip::result::ZipError::UnsupportedArchive(_)) => return Err(TextError::Locked),
        Err(_) => return Err(TextError::Damaged),
    };
    let mut reader = Reader::from_reader(std::io::BufReader::new(entry.take(PART)));
    let open = name == "content.xml";
    let mut part = Part { open, sheet, text: false, shared: false, element: String::new() };
    let mut buffer = Vec::new();
    loop {
        let event = reader.read_event_into(&mut buffer).map_err(|_| TextError::Damaged)?;
        if matches!(event, Event::Eof) || sink.full() {
            return Ok(());
        }
        part.take(&event, sink);
        buffer.clear();
    }
}

/// Where in a part the reader is.
struct Part {
    /// Of an ODF document.
    open: bool,
    sheet: bool,
    /// Inside an element whose text is words.
    text: bool,
    /// Inside a cell that only points at a shared string.
    shared: bool,
    element: String,
}

impl Part {
    fn take(&mut self, event: &Event<'_>, sink: &mut Sink) {
        match event {
            Event::Start(start) => self.start(start.local_name().as_ref(), start),
            Event::Empty(empty) => separator(empty.local_name().as_ref(), sink),
            Event::End(end) => {
                let name = end.local_name();
                let name = name.as_ref();
                if name == self.element {
                    self.text = false;
                }
                if matches!(name, "p" | "h" | "si" | "row" | "table-row" | "c" | "table-cell") {
                    sink.end();
                }
            }
            Event::Text(text) if self.text => sink.push(&text.xml10_content()),
            Event::GeneralRef(name) if self.text => sink.push(&entity(name)),
            _ => {}
        }
    }

    fn words(&mut self, name: &str) {
        self.text = true;
        self.element = name.to_owned();
    }

    fn start(&mut self, name: &str, start: &quick_xml::events::BytesStart<'_>) {
        match name {
            // OOXML keeps words in `t` alone, ODF in paragraphs and headings.
            "t" => self.words(name),
            "p" | "h" if self.open => self.words(name),
            "c" if self.sheet => {
                let kind = start.attributes().flatten().find(|a| a.key.as_ref() == "t");
                self.shared = kind.is_some_and(|a| a.value.as_ref() == "s");
            }
            "v" if self.sheet && !self.shared => self.words(name),
            _ => {}
        }
    }
}

/// Breaks and tabs part words.
fn separator(name: &str, sink: &mut Sink) {
    match name {
        "br" | "cr" | "line-break" => sink.end(),
        "tab" | "s" => sink.push(" "),
        _ => {}
    }
}

fn entity(name: &str) -> String {
    let ch = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.strip_prefix("#").and_then(|digits| {
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)
        }),
    };
    ch.map(String::from).unwrap_or_default()
}
