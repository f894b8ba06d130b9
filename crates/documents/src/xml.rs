//! Small, suspicious XML: a tree for reading and a builder for writing.
//!
//! Made for messages that strangers send. Nothing is ever fetched; a DOCTYPE
//! may name a DTD (old messages do) but may not declare anything; only the five
//! entities of XML itself are known; size and depth are bounded. Names are kept
//! without prefix, with their namespace beside.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// Largest message read, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Deepest nesting read.
const MAX_DEPTH: usize = 64;

/// Most elements read.
const MAX_ELEMENTS: usize = 200_000;

/// Why a text is not XML that we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Longer than [`MAX_BYTES`].
    #[error("the XML is longer than the limit")]
    TooLong,
    /// Deeper or with more elements than read.
    #[error("the XML is nested too deeply or has too many elements")]
    TooDeep,
    /// The DOCTYPE declares entities or elements.
    #[error("the XML declares its own entities")]
    Declarations,
    /// Not well formed; with the place in bytes and what was found.
    #[error("the XML is not well formed at byte {at}: {reason}")]
    Malformed {
        /// Offset in bytes in the decoded text.
        at: u64,
        /// What the parser says.
        reason: String,
    },
}

/// One element with its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Name without prefix.
    pub name: String,
    /// Namespace, empty when none.
    pub namespace: String,
    /// Attributes by name without prefix.
    pub attributes: Vec<(String, String)>,
    /// Text directly inside, all pieces joined.
    pub text: String,
    /// Elements directly inside.
    pub children: Vec<Element>,
}

impl Element {
    /// The first child of that name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    /// All children of that name.
    pub fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The element at the end of a path of names.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Element> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The trimmed text of a child, unless blank.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<String> {
        self.child(name).and_then(Element::words)
    }

    /// The own trimmed text, unless blank.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let text = self.text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// An attribute, unless blank.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(n, _)| n == name)?;
        (!found.1.trim().is_empty()).then_some(found.1.as_str())
    }
}

/// Turns the bytes of an XML file into text, by byte order mark, then by the
/// encoding it declares, then as UTF-8. Unreadable bytes become U+FFFD.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    let declared = bytes.get(..bytes.len().min(200)).and_then(|head| {
        let head = String::from_utf8_lossy(head);
        let start = head.find("encoding")? + "encoding".len();
        let value = head[start..].trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let value = value[1..].split(quote).next()?.to_owned();
        encoding_rs::Encoding::for_label(value.as_bytes())
    });
    // A declaration readable as ASCII cannot be true when it says UTF-16.
    let declared = declared.filter(|e| e.is_ascii_compatible());
    let encoding = declared.unwrap_or(encoding_rs::UTF_8);
    encoding.decode(bytes).0.into_owned()
}

/// Reads a whole message into a tree.
///
/// # Errors
/// Any [`XmlError`]; nothing is repaired.
pub fn parse(bytes: &[u8]) -> Result<Element, XmlError> {
    if bytes.len() > MAX_BYTES {
        return Err(XmlError::TooLong);
    }
    parse_text(&decode(bytes))
}

fn parse_text(text: &str) -> Result<Element, XmlError> {
    let mut reader = NsReader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0;
    loop {
        let at = reader.buffer_position();
        let (namespace, event) = reader.read_resolved_event().map_err(|e| malformed(at, &e))?;
        match event {
            Event::Start(start) => {
                count += 1;
                if open.len() >= MAX_DEPTH || count > MAX_ELEMENTS {
                    return Err(XmlError::TooDeep);
                }
                refuse_second_root(&open, root.as_ref(), at)?;
                open.push(element(&start, &namespace, at)?);
            }
            Event::Empty(start) => {
                count += 1;
                if count > MAX_ELEMENTS {
                    return Err(XmlError::TooDeep);
                }
                refuse_second_root(&open, root.as_ref(), at)?;
                close(&mut open, &mut root, element(&start, &namespace, at)?);
            }
            Event::End(_) => {
                let done = open.pop().ok_or_else(|| malformed(at, &"end without start"))?;
                close(&mut open, &mut root, done);
            }
            Event::Text(piece) => {
                add_text(&mut open, &piece.xml10_content(), at)?;
            }
            Event::CData(piece) => {
                add_text(&mut open, &piece.xml10_content(), at)?;
            }
            Event::GeneralRef(name) => {
                add_text(&mut open, &entity(&name, at)?, at)?;
            }
            Event::DocType(declaration) => {
                if declaration.contains('[') {
                    return Err(XmlError::Declarations);
                }
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    let end = reader.buffer_position();
    if !open.is_empty() {
        return Err(malformed(end, &"end of text inside an element"));
    }
    root.ok_or_else(|| malformed(end, &"no element"))
}

fn malformed(at: u64, reason: &impl std::fmt::Display) -> XmlError {
    XmlError::Malformed { at, reason: reason.to_string() }
}

fn refuse_second_root(open: &[Element], root: Option<&Element>, at: u64) -> Result<(), XmlError> {
    if open.is_empty() && root.is_some() {
        return Err(malformed(at, &"a second root element"));
    }
    Ok(())
}

fn close(open: &mut [Element], root: &mut Option<Element>, done: Element) {
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None => *root = Some(done),
    }
}

fn add_text(open: &mut [Element], piece: &str, at: u64) -> Result<(), XmlError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(piece),
        None if piece.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}').is_empty() => {}
        None => return Err(malformed(at, &"text outside the root element")),
    }
    Ok(())
}

fn element(start: &BytesStart<'_>, namespace: &ResolveResult<'_>, at: u64) -> Result<Element, XmlError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| malformed(at, &e))?;
        let name = attribute.key.local_name().as_ref().to_owned();
        attributes.push((name, unescape(&attribute.value, at)?));
    }
    let namespace = match namespace {
        ResolveResult::Bound(ns) => ns.as_ref().to_owned(),
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(prefix) => {
            return Err(malformed(at, &format!("prefix {prefix} is not declared")));
        }
    };
    let name = start.local_name().as_ref().to_owned();
    Ok(Element { name, namespace, attributes, ..Element::default() })
}

fn unescape(raw: &str, at: u64) -> Result<String, XmlError> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let end = after.find(';').ok_or_else(|| malformed(at, &"a bare &"))?;
        out.push_str(&entity(&after[..end], at)?);
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The five entities of XML and numbered characters; nothing else exists here.
fn entity(name: &str, at: u64) -> Result<String, XmlError> {
    let known = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    };
    let numbered = || {
        let digits = name.strip_prefix('#')?;
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        };
        char::from_u32(code).filter(|c| is_allowed(*c))
    };
    known
        .or_else(numbered)
        .map(String::from)
        .ok_or(XmlError::Malformed { at, reason: format!("the entity {name} is not known") })
}

/// Characters that XML 1.0 admits.
fn is_allowed(ch: char) -> bool {
    matches!(ch, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Builds a message; element names carry their prefix.
#[derive(Debug, Default)]
pub struct XmlWriter {
    out: String,
    open: Vec<&'static str>,
}

impl XmlWriter {
    /// A writer that has put the declaration.
    #[must_use]
    pub fn new() -> XmlWriter {
        XmlWriter { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), open: Vec::new() }
    }

    /// Opens an element.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self.out.push('>');
        self.open.push(name);
        self
    }

    /// Closes the element opened last.
    pub fn close(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
        self
    }

    /// An element with text only.
    pub fn leaf(&mut self, name: &'static str, attributes: &[(&str, &str)], text: &str) -> &mut Self {
        self.open(name, attributes);
        self.escape(text, false);
        self.close()
    }

    /// An element with text, when there is one.
    pub fn optional(&mut self, name: &'static str, text: Option<&str>) -> &mut Self {
        if let Some(text) = text {
            self.leaf(name, &[], text);
        }
        self
    }

    /// Closes what is open and gives the text.
    #[must_use]
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            self.escape(value, true);
            self.out.push('"');
        }
    }

    /// Characters that XML cannot carry are left out. A carriage return is
    /// written by number, or a parser would read it as a line feed and the
    /// fingerprint of the canonical form would differ.
    fn escape(&mut self, text: &str, attribute: bool) {
        for ch in text.chars().filter(|c| is_allowed(*c)) {
            match ch {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' if attribute => self.out.push_str("&quot;"),
                '\n' if attribute => self.out.push_str("&#10;"),
                '\t' if attribute => self.out.push_str("&#9;"),
                '\r' => self.out.push_str("&#13;"),
                other => self.out.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn own_entities_are_refused() {
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "cccc">]><a>&b;</a>"#;
        assert_eq!(parse(bomb.as_bytes()), Err(XmlError::Declarations));
        let outside = r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#;
        assert_eq!(parse(outside.as_bytes()), Err(XmlError::Declarations));
        assert!(matches!(parse(b"<a>&x;</a>"), Err(XmlError::Malformed { .. })));
    }

    #[test]
    fn a_doctype_that_only_names_a_dtd_is_passed_over() {
        let text = r#"<!DOCTYPE Segnatura SYSTEM "http://localhost:1/Segnatura.dtd"><Segnatura/>"#;
        assert_eq!(parse(text.as_bytes()).unwrap().name, "Segnatura");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = format!("{}{}", "<a>".repeat(70), "</a>".repeat(70));
        assert_eq!(parse(text.as_bytes()), Err(XmlError::TooDeep));
        assert_eq!(parse(&vec![b' '; MAX_BYTES + 1]), Err(XmlError::TooLong));
    }

    #[test]
    fn the_declared_encoding_is_honoured() {
        let bytes = b"<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xE8'>perch\xE9</a>";
        let root = parse(bytes).unwrap();
        assert_eq!((root.text.as_str(), root.attribute("b")), ("perché", Some("è")));
    }

    #[test]
    fn broken_text_is_refused_without_panic() {
        for text in
            ["", "<a>", "<a></b>", "<a/><b/>", "x<a/>", "<p:a/>", "<a b=1/>", "<a b='&'/>", "<a>&#0;</a>"]
        {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>(), value in any::<String>()) {
            let mut writer = XmlWriter::new();
            writer.open("a", &[("b", value.as_str())]).leaf("c", &[], &text);
            let root = parse(writer.finish().as_bytes()).unwrap();
            let clean = |s: &str| s.chars().filter(|c| is_allowed(*c)).collect::<String>();
            prop_assert_eq!(&root.children[0].text, &clean(&text));
            prop_assert_eq!(&root.attributes[0].1, &clean(&value));
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
        }
    }
}
