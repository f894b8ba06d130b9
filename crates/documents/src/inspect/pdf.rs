//! PDF: locked, running code, launching programs, carrying files.

use std::io::{self, Read};

use lopdf::{Dictionary, Document, LoadOptions, Object};

use super::{Facts, Flag, Limits, fenced};

/// Largest stream unpacked while loading, in bytes.
const UNPACKED: usize = 64 * 1024 * 1024;

/// Looks at every object of the file, or at its bytes when it is too large.
pub(super) fn inspect(source: impl Read, size: u64, limits: &Limits) -> io::Result<Facts> {
    let mut facts = Facts::of("application/pdf", size);
    let mut bytes = Vec::new();
    source.take(limits.in_memory).read_to_end(&mut bytes)?;
    if size > limits.in_memory {
        facts.flag(Flag::NotFullyInspected);
        scan(&bytes, &mut facts);
        return Ok(facts);
    }
    match load(&bytes) {
        Some(document) => look(&document, &mut facts),
        None => {
            facts.flag(Flag::Damaged);
            scan(&bytes, &mut facts);
        }
    }
    Ok(facts)
}

/// Loads a PDF within limits; `None` when it cannot be parsed.
pub(crate) fn load(bytes: &[u8]) -> Option<Document> {
    let options = LoadOptions::with_max_decompressed_size(UNPACKED);
    fenced(|| Document::load_mem_with_options(bytes, options).ok())
}

/// Words that betray a feature even in a file that cannot be parsed.
fn scan(bytes: &[u8], facts: &mut Facts) {
    let has = |word: &[u8]| bytes.windows(word.len()).any(|w| w == word);
    if has(b"/Encrypt") {
        facts.flag(Flag::Encrypted);
    }
    if has(b"/JavaScript") || has(b"/Launch") {
        facts.flag(Flag::ActiveContent);
    }
    if has(b"/EmbeddedFile") {
        facts.flag(Flag::EmbeddedFiles);
    }
}

fn look(document: &Document, facts: &mut Facts) {
    if document.is_encrypted() || document.was_encrypted() {
        facts.flag(Flag::Encrypted);
    }
    for object in document.objects.values() {
        match object {
            Object::Dictionary(dictionary) => judge(dictionary, facts, 0),
            Object::Stream(stream) => judge(&stream.dict, facts, 0),
            Object::Array(items) => judge_all(items, facts, 0),
            _ => {}
        }
    }
    let pages = document.get_pages().len();
    facts.pages = u32::try_from(pages).ok();
    if pages == 0 && !facts.flags.contains(&Flag::Encrypted) {
        facts.flag(Flag::Damaged);
    }
    facts.pdf_a = claim(document);
}

fn judge_all(items: &[Object], facts: &mut Facts, depth: u8) {
    for item in items {
        match item {
            Object::Dictionary(dictionary) => judge(dictionary, facts, depth + 1),
            Object::Array(items) if depth < 16 => judge_all(items, facts, depth + 1),
            _ => {}
        }
    }
}

fn judge(dictionary: &Dictionary, facts: &mut Facts, depth: u8) {
    if let Ok(Object::Name(action)) = dictionary.get(b"S") {
        match action.as_slice() {
            b"JavaScript" | b"Launch" | b"Rendition" | b"ImportData" | b"SubmitForm" => {
                facts.flag(Flag::ActiveContent);
            }
            b"GoToR" | b"GoToE" => facts.flag(Flag::OutsideLinks),
            _ => {}
        }
    }
    if dictionary.has(b"JS") || dictionary.has(b"XFA") {
        facts.flag(Flag::ActiveContent);
    }
    if dictionary.has_type(b"EmbeddedFile") {
        facts.flag(Flag::EmbeddedFiles);
    }
    if depth >= 16 {
        return;
    }
    for (_, value) in dictionary {
        match value {
            Object::Dictionary(inner) => judge(inner, facts, depth + 1),
            Object::Array(items) => judge_all(items, facts, depth + 1),
            _ => {}
        }
    }
}

/// The level of PDF/A in the metadata, e.g. `2A`.
fn claim(document: &Document) -> Option<String> {
    let metadata = document.catalog().ok()?.get(b"Metadata").ok()?.as_reference().ok()?;
    let stream = document.get_object(metadata).ok()?.as_stream().ok()?;
    let bytes =
        stream.decompressed_content_with_limit(1024 * 1024).unwrap_or_else(|_| stream.content.clone());
    let text = String::from_utf8_lossy(&bytes);
    let part = after(&text, "pdfaid:part")?;
    Some(format!("{part}{}", after(&text, "pdfaid:conformance").unwrap_or_default()))
}

/// The first letter or digit of a property, written as element or attribute.
fn after(text: &str, property: &str) -> Option<char> {
    let start = text.find(property)? + property.len();
    text[start..].chars().take(4).find(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_uppercase())
}
