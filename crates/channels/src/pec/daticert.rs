//! Reads `daticert.xml`, the certification data that providers put into envelopes and receipts.
//!
//! Strict where it matters, because a date or an address in it is proof: unknown elements, wrong order, missing
//! parts, entities and document types with a body are refused. Signatures and meaning are judged elsewhere.

use domain::message::ReceiptForm;
use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Longest certification data that is read, in bytes; real ones have two to four thousand.
const LONGEST: usize = 512 * 1024;

/// What a provider certifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daticert {
    /// `tipo`: what kind of message this is.
    pub kind: String,
    /// `errore`: `nessuno`, `no-dest`, `no-dominio`, `virus` or `altro`.
    pub error: String,
    /// Sender.
    pub sender: String,
    /// Recipients.
    pub recipients: Vec<Recipient>,
    /// Where answers go; may be empty.
    pub replies: String,
    /// Subject.
    pub subject: String,
    /// Provider that issued it.
    pub provider: String,
    /// Instant, from legal local time and zone.
    pub at: Timestamp,
    /// The same as written: `dd/mm/yyyy hh:mm:ss ±hhmm`.
    pub local_time: String,
    /// The provider's own identifier of the message.
    pub identifier: String,
    /// The Message-ID the sender chose, without angle brackets.
    pub message_id: Option<String>,
    /// The form of delivery receipt asked or given.
    pub receipt: Option<ReceiptForm>,
    /// The mailbox this is about.
    pub mailbox: Option<String>,
    /// Recipients taken in charge.
    pub taken: Vec<String>,
    /// The error in words, often beginning with a status code.
    pub extended_error: Option<String>,
}

/// A recipient named in certification data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Address.
    pub address: String,
    /// Whether the box belongs to certified mail; no delivery receipt comes from others.
    pub certified: bool,
}

/// Why certification data was refused; says where, not what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("certification data cannot be trusted: {0}")]
pub struct DaticertError(pub &'static str);

/// Reads certification data.
///
/// # Errors
/// When it is not well formed or does not follow the official structure.
pub fn read(bytes: &[u8]) -> Result<Daticert, DaticertError> {
    if bytes.len() > LONGEST {
        return Err(DaticertError("too long"));
    }
    let text = decode(bytes)?;
    let root = tree(&text)?;
    if root.name != "postacert" {
        return Err(DaticertError("not certification data"));
    }
    let kind =
        root.attribute("tipo").filter(|k| KINDS.contains(k)).ok_or(DaticertError("unknown kind"))?.to_owned();
    let error = root.attribute("errore").unwrap_or("nessuno").to_owned();
    if !["nessuno", "no-dest", "no-dominio", "virus", "altro"].contains(&error.as_str()) {
        return Err(DaticertError("unknown error"));
    }
    let mut parts = Parts::of(&root);
    let mut heading = Parts::of(parts.one("intestazione")?);
    let mut data = Parts::of(parts.one("dati")?);
    parts.end()?;

    let sender = heading.one("mittente")?.text.clone();
    let recipients: Vec<Recipient> = heading
        .many("destinatari")
        .map(|r| Recipient { address: r.text.clone(), certified: r.attribute("tipo") != Some("esterno") })
        .collect();
    if recipients.is_empty() {
        return Err(DaticertError("no recipient"));
    }
    let replies = heading.one("risposte")?.text.clone();
    let subject = heading.maybe("oggetto").map(|o| o.text.clone()).unwrap_or_default();
    heading.end()?;

    let provider = data.one("gestore-emittente")?.text.clone();
    let (at, local_time) = instant(data.one("data")?)?;
    let identifier = data.one("identificativo")?.text.clone();
    let message_id = data.maybe("msgid").map(|m| bare(&m.text).to_owned());
    let receipt = match data.maybe("ricevuta") {
        None => None,
        Some(r) => Some(
            r.attribute("tipo").and_then(ReceiptForm::parse).ok_or(DaticertError("unknown receipt form"))?,
        ),
    };
    let mailbox = data.maybe("consegna").map(|c| c.text.clone());
    let taken = data.many("ricezione").map(|r| r.text.clone()).collect();
    let extended_error = data.maybe("errore-esteso").map(|e| e.text.clone());
    data.end()?;
    Ok(Daticert {
        kind,
        error,
        sender,
        recipients,
        replies,
        subject,
        provider,
        at,
        local_time,
        identifier,
        message_id,
        receipt,
        mailbox,
        taken,
        extended_error,
    })
}

const KINDS: [&str; 8] = [
    "accettazione",
    "non-accettazione",
    "presa-in-carico",
    "avvenuta-consegna",
    "posta-certificata",
    "errore-consegna",
    "preavviso-errore-consegna",
    "rilevazione-virus",
];

/// A Message-ID without its angle brackets and blanks.
pub(crate) fn bare(id: &str) -> &str {
    let id = id.trim();
    id.strip_prefix('<').and_then(|i| i.strip_suffix('>')).unwrap_or(id).trim()
}

/// Bytes to text: UTF-8, or ISO 8859-1 when the declaration says so.
fn decode(bytes: &[u8]) -> Result<String, DaticertError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).to_ascii_lowercase();
    if head.contains("iso-8859-1") {
        return Ok(bytes.iter().map(|b| char::from(*b)).collect());
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| DaticertError("not in its declared encoding"))
}

#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The children of an element, consumed in the order of the official structure.
struct Parts<'a>(&'a [Element]);

impl<'a> Parts<'a> {
    fn of(element: &'a Element) -> Self {
        Self(&element.children)
    }

    fn maybe(&mut self, name: &str) -> Option<&'a Element> {
        let (first, rest) = self.0.split_first()?;
        (first.name == name).then(|| {
            self.0 = rest;
            first
        })
    }

    fn one(&mut self, name: &str) -> Result<&'a Element, DaticertError> {
        self.maybe(name).ok_or(DaticertError("a mandatory element is missing or out of order"))
    }

    fn many<'s>(&'s mut self, name: &'s str) -> impl Iterator<Item = &'a Element> + 's {
        std::iter::from_fn(move || self.maybe(name))
    }

    fn end(&self) -> Result<(), DaticertError> {
        if self.0.is_empty() { Ok(()) } else { Err(DaticertError("an element that should not be there")) }
    }
}

fn tree(text: &str) -> Result<Element, DaticertError> {
    const BROKEN: DaticertError = DaticertError("not well formed");
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().map_err(|_| BROKEN)? {
            Event::Start(start) if root.is_none() && open.len() < 8 => open.push(element(&start)?),
            Event::Empty(start) if root.is_none() => close(element(&start)?, &mut open, &mut root),
            Event::End(_) => {
                let done = open.pop().ok_or(BROKEN)?;
                close(done, &mut open, &mut root);
            }
            Event::Text(words) => append(&words.into_inner(), &mut open)?,
            Event::CData(words) => append(&words.into_inner(), &mut open)?,
            Event::GeneralRef(reference) => {
                let c = match &*reference {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => reference.resolve_char_ref().ok().flatten().ok_or(DaticertError("an entity"))?,
                };
                append(c.encode_utf8(&mut [0; 4]), &mut open)?;
            }
            Event::DocType(kind) if kind.contains('[') => {
                return Err(DaticertError("a document type with a body"));
            }
            Event::Decl(_) | Event::Comment(_) | Event::DocType(_) => {}
            Event::Eof => break,
            _ => return Err(BROKEN),
        }
    }
    if open.is_empty() { root.ok_or(BROKEN) } else { Err(BROKEN) }
}

fn element(start: &BytesStart<'_>) -> Result<Element, DaticertError> {
    let mut it = Element { name: start.name().as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| DaticertError("a broken attribute"))?;
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Explicit1_0)
            .map_err(|_| DaticertError("a broken attribute"))?;
        it.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(it)
}

fn close(mut done: Element, open: &mut [Element], root: &mut Option<Element>) {
    done.text = done.text.trim().to_owned();
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None => *root = Some(done),
    }
}

fn append(words: &str, open: &mut [Element]) -> Result<(), DaticertError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(words),
        None if words.trim().is_empty() => {}
        None => return Err(DaticertError("text outside the root")),
    }
    Ok(())
}

/// `<data zona="+0100"><giorno>dd/mm/yyyy</giorno><ora>hh:mm:ss</ora></data>`
fn instant(data: &Element) -> Result<(Timestamp, String), DaticertError> {
    let zone = data.attribute("zona").ok_or(DaticertError("no time zone"))?;
    let mut parts = Parts::of(data);
    let (day, time) = (&parts.one("giorno")?.text, &parts.one("ora")?.text);
    parts.end()?;
    let text = format!("{day} {time} {}", zone.replace(':', ""));
    let parsed = jiff::fmt::strtime::parse("%d/%m/%Y %H:%M:%S %z", &text).and_then(|t| t.to_timestamp());
    Ok((parsed.map_err(|_| DaticertError("a date that is none"))?, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<postacert tipo="errore-consegna" errore="altro"><intestazione><mittente>a@prova.test</mittente>
<destinatari tipo="certificato">b@prova.test</destinatari><destinatari tipo="esterno">c@prova.test</destinatari>
<risposte/><oggetto>Costi &amp; tempi</oggetto></intestazione><dati><gestore-emittente>Gestore</gestore-emittente>
<data zona="+0100"><giorno>02/11/2026</giorno><ora>10:16:05</ora></data><identificativo>id.1</identificativo>
<msgid>&lt;m1@prova.test&gt;</msgid><consegna>b@prova.test</consegna>
<errore-esteso>5.2.2 - casella piena</errore-esteso></dati></postacert>"#;

    #[test]
    fn reads_what_the_provider_certifies() {
        let it = read(GOOD.as_bytes()).unwrap();
        assert_eq!((it.kind.as_str(), it.error.as_str()), ("errore-consegna", "altro"));
        assert_eq!(it.message_id.as_deref(), Some("m1@prova.test"));
        assert_eq!(it.subject, "Costi & tempi");
        assert_eq!(it.at, "2026-11-02T09:16:05Z".parse().unwrap());
        assert_eq!(it.recipients.iter().map(|r| r.certified).collect::<Vec<_>>(), [true, false]);
        assert_eq!(it.mailbox.as_deref(), Some("b@prova.test"));
        assert_eq!(it.replies, "");
    }

    #[test]
    fn refuses_what_is_not_exactly_certification_data() {
        for (from, to) in [
            ("errore-consegna", "consegna-forse"),
            ("<risposte/>", ""),
            ("<mittente>a@prova.test</mittente>", ""),
            ("02/11/2026", "31/02/2026"),
            ("10:16:05", "10:16"),
            ("zona=\"+0100\"", ""),
            ("</dati>", "<altro/></dati>"),
            ("&amp;", "&file;"),
            ("</postacert>", ""),
            ("<postacert ", "<!DOCTYPE x [<!ENTITY file SYSTEM 'file:///etc/hostname'>]><postacert "),
            ("</postacert>", "</postacert><postacert/>"),
        ] {
            let bad = GOOD.replacen(from, to, 1);
            assert!(read(bad.as_bytes()).is_err(), "{from} -> {to}");
        }
        assert!(read(&[b'<'; 100]).is_err());
        assert!(read(b"").is_err());
    }

    #[test]
    fn an_old_encoding_is_read_when_declared() {
        let text = GOOD.replace("UTF-8", "ISO-8859-1").replace("Costi", "Perch\u{e9}");
        let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        assert_eq!(read(&bytes).unwrap().subject, "Perché & tempi");
        let lying = GOOD.replace("Costi", "Perch\u{e9}");
        let lying: Vec<u8> = lying.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        assert!(read(&lying).is_err());
    }

    proptest! {
        #[test]
        fn never_panics_on_changed_bytes(at in 0usize..GOOD.len(), byte in any::<u8>(), cut in 0usize..GOOD.len()) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = read(&bytes);
            let _ = read(&bytes[..cut]);
        }
    }
}
