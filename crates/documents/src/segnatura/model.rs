//! What a segnatura says, in the words of the glossary.

use jiff::civil::{Date, Time};

/// A code of IPA with the name it stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coded {
    /// The code, e.g. `c_g999`.
    pub code: String,
    /// The name, if given.
    pub description: Option<String>,
}

impl Coded {
    /// A code without a name.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Coded {
        Coded { code: code.into(), description: None }
    }

    /// A code with its name.
    #[must_use]
    pub fn named(code: impl Into<String>, description: impl Into<String>) -> Coded {
        Coded { code: code.into(), description: Some(description.into()) }
    }
}

/// What makes a registration unique (DPR 445/2000, art. 55).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// The body.
    pub administration: Coded,
    /// Its AOO.
    pub aoo: Coded,
    /// The register; messages of old leave it out.
    pub register: Option<String>,
    /// At least seven digits, zero-padded, when well formed.
    pub number: String,
    /// Day of registration.
    pub date: Date,
    /// Time of registration, local to the body.
    pub time: Option<Time>,
}

/// The first part of a segnatura, also used for the message answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The registration.
    pub id: Identifier,
    /// The first registration, when the document travels again.
    pub first: Option<Identifier>,
    /// What the document is about.
    pub subject: String,
    /// Where the sender has classified it; mandatory in 3.0.
    pub class: Option<Class>,
    /// The sender's dossier.
    pub dossier: Option<Dossier>,
    /// Whether it is confidential; only in the message's own header.
    pub confidential: Option<Confidential>,
}

/// A place in a classification scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its code.
    pub code: ClassCode,
}

/// The two ways to write the code of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassCode {
    /// All in one, e.g. `VI.3`.
    Flat(String),
    /// Level by level from the top; never empty.
    Path(Vec<Level>),
}

impl ClassCode {
    /// The code in one piece, levels joined by dots.
    #[must_use]
    pub fn flat(&self) -> String {
        match self {
            ClassCode::Flat(code) => code.clone(),
            ClassCode::Path(levels) => levels.iter().map(|l| l.code.as_str()).collect::<Vec<_>>().join("."),
        }
    }
}

/// One level of a class code.
pub type Level = Coded;

/// The dossier of the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// Its subject.
    pub name: String,
    /// Its code, e.g. `2026-VI.3/12`.
    pub code: String,
}

/// The sender's word on confidentiality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confidential {
    /// Whether it is.
    pub value: bool,
    /// Why.
    pub note: Option<String>,
}

/// Who sends or receives: exactly one of four kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An Italian public body.
    Administration(Box<Administration>),
    /// A firm or association.
    LegalPerson {
        /// Its name.
        name: String,
        /// VAT number or tax code of 11 digits. A sole trader's code of 16
        /// characters does not fit the XSD: use a natural person.
        tax_code: Option<String>,
        /// Its addresses.
        contacts: Contacts,
        /// People in it.
        people: Vec<Person>,
    },
    /// A human being.
    NaturalPerson(Person),
    /// A body of another State.
    ForeignBody {
        /// Its name.
        name: String,
        /// Its office.
        office: Option<String>,
        /// Its addresses.
        contacts: Contacts,
    },
}

/// An Italian public body as a sender or recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Administration {
    /// Its name.
    pub name: String,
    /// Its tax code, 11 digits.
    pub tax_code: Option<String>,
    /// Its code of IPA; absent only in old messages.
    pub code: Option<Coded>,
    /// Addresses of the body.
    pub contacts: Contacts,
    /// Its AOO.
    pub aoo: Option<Coded>,
    /// Addresses of the AOO.
    pub aoo_contacts: Contacts,
    /// Its office.
    pub unit: Option<Coded>,
    /// Addresses of the office.
    pub unit_contacts: Contacts,
    /// People in it.
    pub people: Vec<Person>,
}

impl Subject {
    /// A public body with nothing but name and code.
    #[must_use]
    pub fn administration(name: impl Into<String>, code: Coded) -> Subject {
        Subject::Administration(Box::new(Administration {
            name: name.into(),
            code: Some(code),
            ..Administration::default()
        }))
    }

    /// The name to show in lists.
    #[must_use]
    pub fn display_name(&self) -> String {
        match self {
            Subject::Administration(body) => body.name.clone(),
            Subject::LegalPerson { name, .. } | Subject::ForeignBody { name, .. } => name.clone(),
            Subject::NaturalPerson(person) => person.display_name(),
        }
    }

    /// The first e-mail address, if any.
    #[must_use]
    pub fn mail(&self) -> Option<&str> {
        let contacts: Vec<&Contacts> = match self {
            Subject::Administration(body) => {
                vec![&body.aoo_contacts, &body.contacts, &body.unit_contacts]
            }
            Subject::LegalPerson { contacts, .. } | Subject::ForeignBody { contacts, .. } => vec![contacts],
            Subject::NaturalPerson(person) => vec![&person.contacts],
        };
        contacts
            .iter()
            .flat_map(|c| &c.addresses)
            .find(|a| a.kind == AddressKind::Mail)
            .map(|a| a.value.as_str())
    }
}

/// A human being.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// First name.
    pub name: String,
    /// Family name.
    pub surname: String,
    /// Title, e.g. `Dott.`.
    pub title: Option<String>,
    /// Tax code of 16 characters.
    pub tax_code: Option<String>,
    /// Addresses.
    pub contacts: Contacts,
}

impl Person {
    /// First name and family name.
    #[must_use]
    pub fn display_name(&self) -> String {
        format!("{} {}", self.name, self.surname).trim().to_owned()
    }
}

/// Ways to reach someone. Postal addresses are neither written nor read: the
/// XSD asks for a CAP of six digits, so no real one validates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contacts {
    /// Electronic addresses.
    pub addresses: Vec<Address>,
    /// Telephone numbers.
    pub phones: Vec<String>,
}

impl Contacts {
    /// One e-mail address.
    #[must_use]
    pub fn mail(address: impl Into<String>) -> Contacts {
        let address = Address { kind: AddressKind::Mail, value: address.into(), note: None };
        Contacts { addresses: vec![address], phones: Vec::new() }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.phones.is_empty()
    }
}

/// An electronic address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What kind.
    pub kind: AddressKind,
    /// The address.
    pub value: String,
    /// A remark.
    pub note: Option<String>,
}

/// Kinds of electronic address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// `smtp`: e-mail and PEC.
    Mail,
    /// `url`: a service.
    Url,
    /// `other`.
    Other,
}

/// Who receives, and what is asked of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub subject: Subject,
    /// Whether a confirmation of registration is asked for (3.0: by default
    /// yes; before: by default no).
    pub confirm: bool,
    /// For information only.
    pub for_information: bool,
}

/// A file of the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub file_name: String,
    /// Its media type.
    pub media_type: String,
    /// What it is.
    pub description: Option<String>,
    /// Its fingerprint; mandatory in 3.0.
    pub fingerprint: Option<Fingerprint>,
    /// Where it can be fetched.
    pub location: Option<Location>,
    /// Whether and how it is signed.
    pub signed: Option<SignatureNote>,
    /// Whether and how it is sealed.
    pub sealed: Option<SignatureNote>,
    /// Whether and how it carries a time stamp.
    pub stamped: Option<SignatureNote>,
}

/// A hash with the name of its algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// e.g. `SHA-256`.
    pub algorithm: String,
    /// The bytes of the hash (base64 on the wire).
    pub bytes: Vec<u8>,
}

impl Fingerprint {
    /// A SHA-256.
    #[must_use]
    pub fn sha256(bytes: [u8; 32]) -> Fingerprint {
        Fingerprint { algorithm: "SHA-256".to_owned(), bytes: bytes.to_vec() }
    }
}

/// A place to fetch a file from, over TLS with a password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Location {
    /// The server.
    pub host: String,
    /// The path on it.
    pub path: String,
    /// How long it stays, in milliseconds.
    pub time_to_live: Option<i64>,
    /// User name.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
}

/// Where a signature, seal or time stamp is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureNote {
    /// In the file itself.
    Inside,
    /// In files of their own; never empty.
    Detached(Vec<Detached>),
}

/// A file that holds a detached signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    /// Its name.
    pub file_name: String,
    /// Its media type.
    pub media_type: Option<String>,
    /// Its place among several, from 1.
    pub order: i64,
}

/// A whole segnatura.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segnatura {
    /// The registration and its data.
    pub header: Header,
    /// The message this one answers.
    pub reference: Option<Header>,
    /// Who sends.
    pub sender: Subject,
    /// Who receives; at least one in 3.0.
    pub recipients: Vec<Recipient>,
    /// The document.
    pub primary: Document,
    /// What comes with it.
    pub attachments: Vec<Document>,
}
