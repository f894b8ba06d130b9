//! Writing a segnatura 3.0, everything but its signature.
//!
//! Every element and every attribute carries the prefix `prot`: in this schema
//! attributes are qualified too, and `versione` without prefix is refused. What
//! the XSD would refuse is refused here with the place, before anything is signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::civil::Time;

use super::NAMESPACE;
use super::model::{
    AddressKind, Administration, Class, ClassCode, Coded, Contacts, Document, Fingerprint, Header,
    Identifier, Level, Location, Person, Recipient, Segnatura, SignatureNote, Subject,
};
use crate::xml::XmlWriter;

/// Why a segnatura would not validate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {reason}")]
pub struct WriteError {
    /// The element, as a path in the official names.
    pub at: String,
    /// What it lacks.
    pub reason: &'static str,
}

fn error<T>(at: &str, reason: &'static str) -> Result<T, WriteError> {
    Err(WriteError { at: at.to_owned(), reason })
}

/// The XML without `ds:Signature`, which must become the last child of the root
/// (XAdES baseline B, Annex 6).
///
/// # Errors
/// [`WriteError`] naming the first datum that the official XSD would refuse.
pub fn write(segnatura: &Segnatura) -> Result<String, WriteError> {
    own_aoo(&segnatura.header.id)?;
    let mut xml = XmlWriter::new();
    let root = [
        ("xmlns:prot", NAMESPACE),
        ("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#"),
        ("prot:versione", "3.0.0"),
        ("prot:lang", "it"),
    ];
    xml.open("prot:SegnaturaInformatica", &root);
    xml.open("prot:Intestazione", &[]);
    header(&mut xml, &segnatura.header, "Intestazione")?;
    if let Some(confidential) = &segnatura.header.confidential {
        let note = attribute("prot:note", confidential.note.as_ref());
        xml.leaf("prot:Riservato", &note, boolean(confidential.value));
    }
    xml.close();
    if let Some(reference) = &segnatura.reference {
        xml.open("prot:Riferimenti", &[]);
        header(&mut xml, reference, "Riferimenti")?;
        xml.close();
    }
    description(&mut xml, segnatura)?;
    Ok(xml.finish())
}

/// Since 1 January 2022 an AOO has the code that IPA gave it: seven characters,
/// the first an A. Asked only of the sender's own: the message answered may be older.
fn own_aoo(id: &Identifier) -> Result<(), WriteError> {
    let code = &id.aoo.code;
    if code.len() == 7 && code.starts_with('A') && code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    error("Intestazione/Identificatore/CodiceAOO", "is not the code of 7 characters given by IPA")
}

fn header(xml: &mut XmlWriter, header: &Header, at: &str) -> Result<(), WriteError> {
    xml.open("prot:Identificatore", &[]);
    identifier(xml, &header.id, at)?;
    xml.close();
    if let Some(first) = &header.first {
        xml.open("prot:PrimaRegistrazione", &[]);
        identifier(xml, first, at)?;
        xml.close();
    }
    if header.subject.trim().is_empty() {
        return error(&format!("{at}/Oggetto"), "is empty");
    }
    xml.leaf("prot:Oggetto", &[], &header.subject);
    let Some(class) = &header.class else {
        return error(&format!("{at}/Classifica"), "is missing");
    };
    write_class(xml, class, at)?;
    if let Some(dossier) = &header.dossier {
        xml.open("prot:Fascicolo", &[]);
        xml.leaf("prot:Denominazione", &[], &dossier.name);
        xml.leaf("prot:CodiceFascicolo", &[], &dossier.code).close();
    }
    Ok(())
}

/// The children of an `IdentificatoreType`; also used by the PEC messages, whose
/// own element is of another namespace but whose children are of this one.
pub(super) fn identifier(xml: &mut XmlWriter, id: &Identifier, at: &str) -> Result<(), WriteError> {
    let Some(register) = id.register.as_deref().filter(|r| is_register(r)) else {
        return error(&format!("{at}/CodiceRegistro"), "is not 1 to 16 letters, digits or _ . -");
    };
    if id.number.len() < 7 || !id.number.bytes().all(|b| b.is_ascii_digit()) {
        return error(&format!("{at}/NumeroRegistrazione"), "is not at least 7 digits");
    }
    coded(xml, "prot:CodiceAmministrazione", &id.administration);
    coded(xml, "prot:CodiceAOO", &id.aoo);
    xml.leaf("prot:CodiceRegistro", &[], register);
    xml.leaf("prot:NumeroRegistrazione", &[], &id.number);
    xml.leaf("prot:DataRegistrazione", &[], &id.date.to_string());
    xml.optional("prot:OraRegistrazione", id.time.map(seconds).as_deref());
    Ok(())
}

fn is_register(code: &str) -> bool {
    (1..=16).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn seconds(time: Time) -> String {
    time.strftime("%H:%M:%S").to_string()
}

fn coded(xml: &mut XmlWriter, name: &'static str, value: &Coded) {
    let description = attribute("prot:descrizione", value.description.as_ref());
    xml.leaf(name, &description, &value.code);
}

fn attribute<'a>(name: &'a str, value: Option<&'a String>) -> Vec<(&'a str, &'a str)> {
    value.map(|v| (name, v.as_str())).into_iter().collect()
}

fn boolean(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn write_class(xml: &mut XmlWriter, class: &Class, at: &str) -> Result<(), WriteError> {
    xml.open("prot:Classifica", &[]);
    xml.leaf("prot:Denominazione", &[], &class.name);
    match &class.code {
        ClassCode::Flat(code) => {
            xml.leaf("prot:CodiceFlat", &[], code);
        }
        ClassCode::Path(levels) if levels.is_empty() => {
            return error(&format!("{at}/Classifica/CodicePath"), "has no level");
        }
        ClassCode::Path(levels) => class_path(xml, levels),
    }
    xml.close();
    Ok(())
}

fn class_path(xml: &mut XmlWriter, levels: &[Level]) {
    for (depth, level) in levels.iter().enumerate() {
        let name = if depth == 0 { "prot:CodicePath" } else { "prot:SubLivello" };
        xml.open(name, &[]);
        coded(xml, "prot:Livello", level);
    }
    for _ in levels {
        xml.close();
    }
}

fn description(xml: &mut XmlWriter, segnatura: &Segnatura) -> Result<(), WriteError> {
    xml.open("prot:Descrizione", &[]);
    xml.open("prot:Mittente", &[]);
    subject(xml, &segnatura.sender, "Descrizione/Mittente")?;
    xml.close();
    if segnatura.recipients.is_empty() {
        return error("Descrizione/Destinatario", "is missing");
    }
    for recipient in &segnatura.recipients {
        write_recipient(xml, recipient)?;
    }
    document(xml, "prot:DocumentoPrimario", &segnatura.primary)?;
    for attachment in &segnatura.attachments {
        document(xml, "prot:Allegato", attachment)?;
    }
    xml.close();
    Ok(())
}

fn write_recipient(xml: &mut XmlWriter, recipient: &Recipient) -> Result<(), WriteError> {
    let attributes = [
        ("prot:confermaRicezione", boolean(recipient.confirm)),
        ("prot:perConoscenza", boolean(recipient.for_information)),
    ];
    xml.open("prot:Destinatario", &attributes);
    subject(xml, &recipient.subject, "Descrizione/Destinatario")?;
    xml.close();
    Ok(())
}

fn subject(xml: &mut XmlWriter, subject: &Subject, at: &str) -> Result<(), WriteError> {
    match subject {
        Subject::Administration(body) => administration(xml, body, at),
        Subject::LegalPerson { name, tax_code, contacts: addresses, people } => {
            xml.open("prot:PersonaGiuridica", &[]).leaf("prot:Denominazione", &[], name);
            eleven_digits(xml, "prot:PIVAoCF", tax_code.as_deref(), at)?;
            contacts(xml, "prot:ContattiPersonaGiuridica", addresses);
            people.iter().try_for_each(|p| person(xml, p, at))?;
            xml.close();
            Ok(())
        }
        Subject::NaturalPerson(it) => person(xml, it, at),
        Subject::ForeignBody { name, office, contacts: addresses } => {
            xml.open("prot:AmministrazioneEstera", &[]);
            xml.leaf("prot:DenominazioneAmministrazione", &[], name);
            xml.optional("prot:DenominazioneUfficio", office.as_deref());
            contacts(xml, "prot:ContattiAmministrazione", addresses);
            xml.close();
            Ok(())
        }
    }
}

fn administration(xml: &mut XmlWriter, body: &Administration, at: &str) -> Result<(), WriteError> {
    let Some(code) = &body.code else {
        return error(&format!("{at}/CodiceIPAAmministrazione"), "is missing");
    };
    xml.open("prot:Amministrazione", &[]).leaf("prot:DenominazioneAmministrazione", &[], &body.name);
    eleven_digits(xml, "prot:CFAmministrazione", body.tax_code.as_deref(), at)?;
    coded(xml, "prot:CodiceIPAAmministrazione", code);
    contacts(xml, "prot:ContattiAmministrazione", &body.contacts);
    if let Some(aoo) = &body.aoo {
        coded(xml, "prot:CodiceIPAAOO", aoo);
    }
    contacts(xml, "prot:ContattiAOO", &body.aoo_contacts);
    if let Some(unit) = &body.unit {
        coded(xml, "prot:CodiceIPAUO", unit);
    }
    contacts(xml, "prot:ContattiUO", &body.unit_contacts);
    body.people.iter().try_for_each(|p| person(xml, p, at))?;
    xml.close();
    Ok(())
}

fn eleven_digits(
    xml: &mut XmlWriter,
    name: &'static str,
    code: Option<&str>,
    at: &str,
) -> Result<(), WriteError> {
    let Some(code) = code else { return Ok(()) };
    if code.len() != 11 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return error(&format!("{at}/{}", &name[5..]), "is not 11 digits");
    }
    xml.leaf(name, &[], code);
    Ok(())
}

fn person(xml: &mut XmlWriter, person: &Person, at: &str) -> Result<(), WriteError> {
    xml.open("prot:PersonaFisica", &[]);
    xml.leaf("prot:Nome", &[], &person.name).leaf("prot:Cognome", &[], &person.surname);
    xml.optional("prot:Titolo", person.title.as_deref());
    if let Some(code) = &person.tax_code {
        if !is_tax_code(code) {
            return error(&format!("{at}/PersonaFisica/CodiceFiscale"), "is not a tax code");
        }
        xml.leaf("prot:CodiceFiscale", &[], code);
    }
    contacts(xml, "prot:Contatti", &person.contacts);
    xml.close();
    Ok(())
}

/// The pattern of the XSD, which admits the letters of *omocodia*.
fn is_tax_code(code: &str) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || b"LMNPQRSTUV".contains(&b);
    let bytes = code.as_bytes();
    bytes.len() == 16
        && bytes.iter().enumerate().all(|(at, b)| match at {
            0..=5 | 11 | 15 => b.is_ascii_uppercase(),
            8 => b"ABCDEHLMPRST".contains(b),
            _ => digit(*b),
        })
}

fn contacts(xml: &mut XmlWriter, name: &'static str, contacts: &Contacts) {
    if contacts.is_empty() {
        return;
    }
    xml.open(name, &[]);
    for address in &contacts.addresses {
        let kind = match address.kind {
            AddressKind::Mail => "smtp",
            AddressKind::Url => "url",
            AddressKind::Other => "other",
        };
        let mut attributes = vec![("prot:tipo", kind)];
        attributes.extend(attribute("prot:note", address.note.as_ref()));
        xml.leaf("prot:IndirizzoTelematico", &attributes, &address.value);
    }
    for phone in &contacts.phones {
        xml.leaf("prot:Telefono", &[], phone);
    }
    xml.close();
}

fn document(xml: &mut XmlWriter, name: &'static str, document: &Document) -> Result<(), WriteError> {
    let at = format!("Descrizione/{}", &name[5..]);
    if document.file_name.is_empty() || document.media_type.is_empty() {
        return error(&at, "has no file name or media type");
    }
    let attributes =
        [("prot:nomeFile", document.file_name.as_str()), ("prot:mimeType", &document.media_type)];
    xml.open(name, &attributes);
    xml.optional("prot:Descrizione", document.description.as_deref());
    let Some(Fingerprint { algorithm, bytes }) = &document.fingerprint else {
        return error(&format!("{at}/Impronta"), "is missing");
    };
    xml.leaf("prot:Impronta", &[("prot:algoritmo", algorithm)], &BASE64.encode(bytes));
    if let Some(it) = &document.location {
        location(xml, it);
    }
    note(xml, "prot:firmatoDigitalmente", document.signed.as_ref(), &at)?;
    note(xml, "prot:sigillatoElettronicamente", document.sealed.as_ref(), &at)?;
    note(xml, "prot:marcaturaTemporale", document.stamped.as_ref(), &at)?;
    xml.close();
    Ok(())
}

fn location(xml: &mut XmlWriter, location: &Location) {
    let milliseconds = location.time_to_live.map(|ms| ms.to_string());
    let mut attributes = attribute("prot:timeToLive", milliseconds.as_ref());
    attributes.extend(attribute("prot:userId", location.user.as_ref()));
    attributes.extend(attribute("prot:password", location.password.as_ref()));
    xml.open("prot:CollocazioneTelematica", &attributes);
    xml.leaf("prot:HostValue", &[], &location.host);
    xml.leaf("prot:PathValue", &[], &location.path).close();
}

fn note(
    xml: &mut XmlWriter,
    name: &'static str,
    note: Option<&SignatureNote>,
    at: &str,
) -> Result<(), WriteError> {
    let Some(note) = note else { return Ok(()) };
    xml.open(name, &[]);
    match note {
        SignatureNote::Inside => {
            xml.leaf("prot:UnDetached", &[], "true");
        }
        SignatureNote::Detached(files) if files.is_empty() => {
            return error(&format!("{at}/{}", &name[5..]), "names no file");
        }
        SignatureNote::Detached(files) => {
            for file in files {
                let order = file.order.to_string();
                let mut attributes = vec![("prot:nomeFile", file.file_name.as_str())];
                attributes.extend(attribute("prot:mimeType", file.media_type.as_ref()));
                attributes.push(("prot:order", &order));
                xml.leaf("prot:Detached", &attributes, "true");
            }
        }
    }
    xml.close();
    Ok(())
}
