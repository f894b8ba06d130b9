//! Segnature of 2013 and of 2001, which bodies that lag behind still send.
//!
//! Both have the same shape: sender and recipients in the heading, the answer
//! asked for by `si`/`no` (no unless said), files under `Allegati` at any depth
//! of dossiers. Neither is ever written, and neither can be signed inside.

use super::model::{
    Address, AddressKind, Administration, Class, ClassCode, Coded, Confidential, Contacts, Document, Header,
    Level, Person, Recipient, Segnatura, Subject,
};
use super::read::{Defects, ReadError, ReadSegnatura, Version, coded, fingerprint, identifier, nobody, time};
use crate::xml::Element;

pub(super) fn read(root: &Element, version: Version) -> Result<ReadSegnatura, ReadError> {
    let mut defects = Defects::default();
    let head = root.child("Intestazione").ok_or(ReadError::Missing("Intestazione"))?;
    let header = header(head, &mut defects)?;
    let sender = head.at(&["Origine", "Mittente"]).and_then(|it| sender(it, head.child("Origine")));
    let sender =
        defects.expect(sender, "Intestazione/Origine/Mittente").unwrap_or_else(|| nobody(&header.id));
    let mut recipients: Vec<Recipient> =
        head.children("Destinazione").flat_map(|it| recipients_of(it, false)).collect();
    recipients.extend(head.children("PerConoscenza").flat_map(|it| recipients_of(it, true)));
    if recipients.is_empty() {
        defects.note("Intestazione/Destinazione");
    }
    let reference = root.at(&["Riferimenti", "Messaggio"]).and_then(reference);
    let description = root.child("Descrizione").cloned().unwrap_or_default();
    let primary =
        description.child("Documento").map(document).unwrap_or_else(|| text_of_message(&description));
    let mut attachments = Vec::new();
    if let Some(list) = description.child("Allegati") {
        collect(list, &mut attachments);
    }
    let segnatura = Segnatura { header, reference, sender, recipients, primary, attachments };
    Ok(ReadSegnatura { version, segnatura, signed: false, defects: defects.into_inner() })
}

fn header(head: &Element, defects: &mut Defects) -> Result<Header, ReadError> {
    let id = head.child("Identificatore").and_then(identifier);
    let mut id = id.ok_or(ReadError::Missing("Identificatore"))?;
    // In 2001 and 2013 the time stands beside the identifier, not inside.
    id.time = id.time.or_else(|| head.text_of("OraRegistrazione").and_then(|t| time(&t)));
    if id.register.is_none() {
        defects.note("Intestazione/Identificatore/CodiceRegistro");
    }
    let subject = defects.expect(head.text_of("Oggetto"), "Intestazione/Oggetto");
    Ok(Header {
        id,
        first: head.at(&["PrimaRegistrazione", "Identificatore"]).and_then(identifier),
        subject: subject.unwrap_or_default(),
        class: head.child("Classifica").and_then(class),
        dossier: None,
        // The element alone asks for confidentiality; its text says why.
        confidential: head.child("Riservato").map(|it| Confidential { value: true, note: it.words() }),
    })
}

fn class(element: &Element) -> Option<Class> {
    let levels: Vec<Level> = element
        .children("Livello")
        .filter_map(|it| {
            Some(Coded { code: it.words()?, description: it.attribute("nome").map(str::to_owned) })
        })
        .collect();
    if levels.is_empty() {
        return None;
    }
    Some(Class { name: element.text_of("Denominazione").unwrap_or_default(), code: ClassCode::Path(levels) })
}

fn reference(message: &Element) -> Option<Header> {
    Some(Header {
        id: message.child("Identificatore").and_then(identifier)?,
        first: message.at(&["PrimaRegistrazione", "Identificatore"]).and_then(identifier),
        subject: String::new(),
        class: None,
        dossier: None,
        confidential: None,
    })
}

fn sender(element: &Element, origin: Option<&Element>) -> Option<Subject> {
    let mut subject = administration(element)?;
    let from = origin.map(contacts).unwrap_or_default();
    if let Subject::Administration(body) = &mut subject {
        body.aoo_contacts = from;
    }
    Some(subject)
}

/// A body with its AOO and the innermost office named.
fn administration(element: &Element) -> Option<Subject> {
    let body = element.child("Amministrazione")?;
    let aoo = element.child("AOO");
    let mut people: Vec<Person> = body.children("Persona").filter_map(person).collect();
    let mut unit = None;
    let mut inner = body.child("UnitaOrganizzativa");
    while let Some(office) = inner {
        people.extend(office.children("Persona").filter_map(person));
        unit = Some(Coded {
            code: office.text_of("Identificativo").unwrap_or_default(),
            description: office.text_of("Denominazione"),
        });
        inner = office.child("UnitaOrganizzativa");
    }
    Some(Subject::Administration(Box::new(Administration {
        name: body.text_of("Denominazione")?,
        tax_code: None,
        code: body.child("CodiceAmministrazione").and_then(coded),
        contacts: contacts(body),
        aoo: aoo.map(|it| Coded {
            code: it.text_of("CodiceAOO").unwrap_or_default(),
            description: it.text_of("Denominazione"),
        }),
        aoo_contacts: Contacts::default(),
        unit,
        unit_contacts: Contacts::default(),
        people,
    })))
}

fn recipients_of(element: &Element, for_information: bool) -> Vec<Recipient> {
    let confirm = element.attribute("confermaRicezione") == Some("si");
    let address = contacts(element);
    let mut subjects: Vec<Subject> = element.children("Destinatario").filter_map(recipient).collect();
    if subjects.is_empty() {
        // Only an address: whoever reads the mailbox is the recipient.
        let name = address.addresses.first().map(|a| a.value.clone());
        let Some(name) = name else { return Vec::new() };
        subjects.push(Subject::LegalPerson { name, tax_code: None, contacts: address, people: Vec::new() });
    }
    subjects.into_iter().map(|subject| Recipient { subject, confirm, for_information }).collect()
}

fn recipient(element: &Element) -> Option<Subject> {
    if element.child("Amministrazione").is_some() {
        return administration(element);
    }
    let mut people: Vec<Person> = element.children("Persona").filter_map(person).collect();
    match (element.text_of("Denominazione"), people.is_empty()) {
        (Some(name), _) => {
            Some(Subject::LegalPerson { name, tax_code: None, contacts: contacts(element), people })
        }
        (None, false) => {
            let mut person = people.swap_remove(0);
            person.contacts = contacts(element);
            Some(Subject::NaturalPerson(person))
        }
        (None, true) => None,
    }
}

fn person(element: &Element) -> Option<Person> {
    let surname = element.text_of("Cognome").or_else(|| element.text_of("Denominazione"))?;
    Some(Person {
        name: element.text_of("Nome").unwrap_or_default(),
        surname,
        title: element.text_of("Titolo"),
        tax_code: element.text_of("CodiceFiscale"),
        contacts: Contacts::default(),
    })
}

fn contacts(element: &Element) -> Contacts {
    let addresses = element.children("IndirizzoTelematico").filter_map(|it| {
        let kind = match it.attribute("tipo") {
            None | Some("smtp") => AddressKind::Mail,
            Some("uri") => AddressKind::Url,
            Some(_) => AddressKind::Other,
        };
        Some(Address { kind, value: it.words()?, note: it.attribute("note").map(str::to_owned) })
    });
    Contacts {
        addresses: addresses.collect(),
        phones: element.children("Telefono").filter_map(Element::words).collect(),
    }
}

fn document(element: &Element) -> Document {
    Document {
        file_name: element.attribute("nome").unwrap_or_default().to_owned(),
        media_type: element.attribute("tipoMIME").unwrap_or_default().to_owned(),
        description: element.text_of("TitoloDocumento").or_else(|| element.text_of("Oggetto")),
        fingerprint: element.child("Impronta").and_then(fingerprint),
        ..Document::default()
    }
}

/// A message may have no document but its own text.
fn text_of_message(description: &Element) -> Document {
    Document { description: description.text_of("TestoDelMessaggio"), ..Document::default() }
}

fn collect(list: &Element, out: &mut Vec<Document>) {
    // The depth of the tree is bounded by the XML reader.
    for child in &list.children {
        match child.name.as_str() {
            "Documento" => out.push(document(child)),
            "Fascicolo" => collect(child, out),
            _ => {}
        }
    }
}
