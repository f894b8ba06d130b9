//! Reading a segnatura of any version into the one model.
//!
//! The version is told by the root element and its namespace. A datum that is
//! not there is absent in the result, a datum that cannot be understood is
//! listed among the defects: an officer decides what to do with a poor message,
//! this room only refuses what cannot be identified at all. The signature is
//! not looked at here.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::civil::{Date, Time};

use super::model::{
    Address, AddressKind, Administration, Class, ClassCode, Coded, Confidential, Contacts, Detached,
    Document, Dossier, Fingerprint, Header, Identifier, Level, Location, Person, Recipient, Segnatura,
    SignatureNote, Subject,
};
use super::{NAMESPACE, read_old};
use crate::xml::{self, Element, XmlError};

/// The rules a message was written by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Annex 6 of the AgID guidelines, in force since 2022.
    V3,
    /// Circular 60/2013, an XSD.
    V2013,
    /// Circular 28/2001, a DTD, without namespace.
    V2001,
}

/// A segnatura that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSegnatura {
    /// The rules it follows.
    pub version: Version,
    /// What it says.
    pub segnatura: Segnatura,
    /// Whether it carries a `ds:Signature` (only 3.0 can; there it must).
    pub signed: bool,
    /// Elements that are missing or not understood, as paths in the official
    /// names; empty for a message without faults.
    pub defects: Vec<String>,
}

/// Why a file is not a segnatura.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not XML that we read.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// Another kind of XML; holds the name of its root.
    #[error("{0} is not the root of a segnatura")]
    NotASegnatura(String),
    /// Without this element no registration can be named.
    #[error("{0} is missing or not readable")]
    Missing(&'static str),
}

/// Reads a segnatura 3.0, 2013 or 2001.
///
/// # Errors
/// [`ReadError`] when the bytes are not XML, not a segnatura, or say neither who
/// sent it nor under which number and date.
pub fn read(bytes: &[u8]) -> Result<ReadSegnatura, ReadError> {
    let root = xml::parse(bytes)?;
    // Over SOAP the same content travels in an element called Segnatura of the
    // namespace of messages; old ones are called Segnatura too.
    match (root.name.as_str(), root.namespace.as_str()) {
        ("SegnaturaInformatica" | "Segnatura", ns) if ns.starts_with(NAMESPACE) => read_3(&root),
        ("Segnatura", "") => read_old::read(&root, Version::V2001),
        ("Segnatura", _) => read_old::read(&root, Version::V2013),
        (other, _) => Err(ReadError::NotASegnatura(other.to_owned())),
    }
}

/// Collects what could not be understood.
#[derive(Debug, Default)]
pub(super) struct Defects(Vec<String>);

impl Defects {
    pub(super) fn note(&mut self, at: impl Into<String>) {
        let at = at.into();
        if !self.0.contains(&at) {
            self.0.push(at);
        }
    }

    pub(super) fn into_inner(self) -> Vec<String> {
        self.0
    }

    /// Gives the value back, noting its absence.
    pub(super) fn expect<T>(&mut self, value: Option<T>, at: &str) -> Option<T> {
        if value.is_none() {
            self.note(at);
        }
        value
    }
}

fn read_3(root: &Element) -> Result<ReadSegnatura, ReadError> {
    let mut defects = Defects::default();
    if root.attribute("versione") != Some("3.0.0") {
        defects.note("@versione");
    }
    let head = root.child("Intestazione").ok_or(ReadError::Missing("Intestazione"))?;
    let header = header(head, "Intestazione", &mut defects)?;
    let reference = root.child("Riferimenti").and_then(|it| {
        let read = self::header(it, "Riferimenti", &mut defects).ok();
        defects.expect(read, "Riferimenti")
    });
    let blank = Element::default();
    let description = root.child("Descrizione").unwrap_or(&blank);
    let sender = description.child("Mittente").and_then(subject);
    let sender = defects.expect(sender, "Descrizione/Mittente").unwrap_or_else(|| nobody(&header.id));
    let recipients: Vec<Recipient> = description.children("Destinatario").filter_map(recipient).collect();
    if recipients.is_empty() {
        defects.note("Descrizione/Destinatario");
    }
    let primary = description.child("DocumentoPrimario");
    let primary = defects.expect(primary, "Descrizione/DocumentoPrimario").unwrap_or(&blank);
    let primary = document(primary, "Descrizione/DocumentoPrimario", &mut defects);
    let attachments = description
        .children("Allegato")
        .map(|it| document(it, "Descrizione/Allegato", &mut defects))
        .collect();
    let segnatura = Segnatura { header, reference, sender, recipients, primary, attachments };
    let signed = root.child("Signature").is_some();
    if !signed {
        defects.note("Signature");
    }
    Ok(ReadSegnatura { version: Version::V3, segnatura, signed, defects: defects.into_inner() })
}

/// A sender known only by the codes of the registration.
pub(super) fn nobody(id: &Identifier) -> Subject {
    let name = id.administration.description.clone();
    let name = name.unwrap_or_else(|| id.administration.code.clone());
    Subject::administration(name, id.administration.clone())
}

fn header(element: &Element, at: &str, defects: &mut Defects) -> Result<Header, ReadError> {
    let id = element.child("Identificatore").and_then(identifier);
    let id = id.ok_or(ReadError::Missing("Identificatore"))?;
    if id.register.is_none() {
        defects.note(format!("{at}/Identificatore/CodiceRegistro"));
    }
    if id.number.len() < 7 {
        defects.note(format!("{at}/Identificatore/NumeroRegistrazione"));
    }
    let subject = defects.expect(element.text_of("Oggetto"), &format!("{at}/Oggetto"));
    let class = element.child("Classifica").and_then(class);
    Ok(Header {
        id,
        first: element.child("PrimaRegistrazione").and_then(identifier),
        subject: subject.unwrap_or_default(),
        class: defects.expect(class, &format!("{at}/Classifica")),
        dossier: element.child("Fascicolo").map(|it| Dossier {
            name: it.text_of("Denominazione").unwrap_or_default(),
            code: it.text_of("CodiceFascicolo").unwrap_or_default(),
        }),
        confidential: element
            .child("Riservato")
            .map(|it| Confidential { value: truth(&it.text), note: it.attribute("note").map(str::to_owned) }),
    })
}

fn truth(text: &str) -> bool {
    matches!(text.trim(), "true" | "1")
}

/// Reads the children of an `IdentificatoreType`, of any version. `None` unless
/// body, number and date are there: without them nothing is identified.
pub(super) fn identifier(element: &Element) -> Option<Identifier> {
    let number = element.text_of("NumeroRegistrazione")?;
    if !number.bytes().all(|b| b.is_ascii_digit()) || number.len() > 40 {
        return None;
    }
    Some(Identifier {
        administration: coded(element.child("CodiceAmministrazione")?)?,
        aoo: element.child("CodiceAOO").and_then(coded).unwrap_or_default(),
        register: element.text_of("CodiceRegistro"),
        number,
        date: date(&element.text_of("DataRegistrazione")?)?,
        time: element.text_of("OraRegistrazione").and_then(|t| time(&t)),
    })
}

/// A date of XML Schema: an offset after the day is allowed and of no use here.
pub(super) fn date(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// A time with or without fractions (by comma in 2001) and offset.
pub(super) fn time(text: &str) -> Option<Time> {
    let text = text.trim();
    let clock = text.get(..8).unwrap_or(text);
    clock.parse().ok()
}

pub(super) fn coded(element: &Element) -> Option<Coded> {
    let code = element.words()?;
    Some(Coded { code, description: element.attribute("descrizione").map(str::to_owned) })
}

fn class(element: &Element) -> Option<Class> {
    let code = match (element.text_of("CodiceFlat"), element.child("CodicePath")) {
        (Some(code), _) => ClassCode::Flat(code),
        (None, Some(path)) => ClassCode::Path(levels(path)),
        (None, None) => return None,
    };
    if code == ClassCode::Path(Vec::new()) {
        return None;
    }
    Some(Class { name: element.text_of("Denominazione").unwrap_or_default(), code })
}

fn levels(path: &Element) -> Vec<Level> {
    let mut out = Vec::new();
    let mut next = Some(path);
    while let Some(element) = next {
        out.extend(element.child("Livello").and_then(coded));
        next = element.child("SubLivello");
    }
    out
}

fn recipient(element: &Element) -> Option<Recipient> {
    Some(Recipient {
        subject: subject(element)?,
        confirm: element.attribute("confermaRicezione").is_none_or(truth),
        for_information: element.attribute("perConoscenza").is_some_and(truth),
    })
}

fn subject(element: &Element) -> Option<Subject> {
    let body = element.children.first()?;
    Some(match body.name.as_str() {
        "Amministrazione" => Subject::Administration(Box::new(Administration {
            name: body.text_of("DenominazioneAmministrazione").unwrap_or_default(),
            tax_code: body.text_of("CFAmministrazione"),
            code: body.child("CodiceIPAAmministrazione").and_then(coded),
            contacts: contacts(body.child("ContattiAmministrazione")),
            aoo: body.child("CodiceIPAAOO").and_then(coded),
            aoo_contacts: contacts(body.child("ContattiAOO")),
            unit: body.child("CodiceIPAUO").and_then(coded),
            unit_contacts: contacts(body.child("ContattiUO")),
            people: body.children("PersonaFisica").map(person).collect(),
        })),
        "PersonaGiuridica" => Subject::LegalPerson {
            name: body.text_of("Denominazione").unwrap_or_default(),
            tax_code: body.text_of("PIVAoCF"),
            contacts: contacts(body.child("ContattiPersonaGiuridica")),
            people: body.children("PersonaFisica").map(person).collect(),
        },
        "PersonaFisica" => Subject::NaturalPerson(person(body)),
        "AmministrazioneEstera" => Subject::ForeignBody {
            name: body.text_of("DenominazioneAmministrazione").unwrap_or_default(),
            office: body.text_of("DenominazioneUfficio"),
            contacts: contacts(body.child("ContattiAmministrazione")),
        },
        _ => return None,
    })
}

fn person(element: &Element) -> Person {
    Person {
        name: element.text_of("Nome").unwrap_or_default(),
        surname: element.text_of("Cognome").unwrap_or_default(),
        title: element.text_of("Titolo"),
        tax_code: element.text_of("CodiceFiscale"),
        contacts: contacts(element.child("Contatti")),
    }
}

fn contacts(element: Option<&Element>) -> Contacts {
    let Some(element) = element else { return Contacts::default() };
    let addresses = element.children("IndirizzoTelematico").filter_map(|it| {
        let kind = match it.attribute("tipo") {
            None | Some("smtp") => AddressKind::Mail,
            Some("url") => AddressKind::Url,
            Some(_) => AddressKind::Other,
        };
        Some(Address { kind, value: it.words()?, note: it.attribute("note").map(str::to_owned) })
    });
    Contacts {
        addresses: addresses.collect(),
        phones: element.children("Telefono").filter_map(Element::words).collect(),
    }
}

fn document(element: &Element, at: &str, defects: &mut Defects) -> Document {
    let fingerprint = element.child("Impronta").and_then(fingerprint);
    let name = defects.expect(element.attribute("nomeFile"), &format!("{at}/@nomeFile"));
    Document {
        file_name: name.unwrap_or_default().to_owned(),
        media_type: element.attribute("mimeType").unwrap_or_default().to_owned(),
        description: element.text_of("Descrizione"),
        fingerprint: defects.expect(fingerprint, &format!("{at}/Impronta")),
        location: element.child("CollocazioneTelematica").map(location),
        signed: element.child("firmatoDigitalmente").and_then(note),
        sealed: element.child("sigillatoElettronicamente").and_then(note),
        stamped: element.child("marcaturaTemporale").and_then(note),
    }
}

/// Base64, with or without the padding that some senders forget.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Senders also write hashes in hexadecimal although base64 is the rule: told
/// apart by the length, which base64 of no usual hash has.
pub(super) fn fingerprint(element: &Element) -> Option<Fingerprint> {
    let text: String = element.text.split_whitespace().collect();
    let hexadecimal = matches!(text.len(), 40 | 64 | 96 | 128) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let bytes = if hexadecimal { hex::decode(&text).ok()? } else { BASE64.decode(&text).ok()? };
    if bytes.is_empty() {
        return None;
    }
    Some(Fingerprint { algorithm: element.attribute("algoritmo").unwrap_or("SHA-256").to_owned(), bytes })
}

fn location(element: &Element) -> Location {
    Location {
        host: element.text_of("HostValue").unwrap_or_default(),
        path: element.text_of("PathValue").unwrap_or_default(),
        time_to_live: element.attribute("timeToLive").and_then(|t| t.trim().parse().ok()),
        user: element.attribute("userId").map(str::to_owned),
        password: element.attribute("password").map(str::to_owned),
    }
}

fn note(element: &Element) -> Option<SignatureNote> {
    let files: Vec<Detached> = element
        .children("Detached")
        .filter_map(|it| {
            Some(Detached {
                file_name: it.attribute("nomeFile")?.to_owned(),
                media_type: it.attribute("mimeType").map(str::to_owned),
                order: it.attribute("order").and_then(|t| t.trim().parse().ok()).unwrap_or(0),
            })
        })
        .collect();
    match (files.is_empty(), element.child("UnDetached")) {
        (false, _) => Some(SignatureNote::Detached(files)),
        (true, Some(_)) => Some(SignatureNote::Inside),
        (true, None) => None,
    }
}
