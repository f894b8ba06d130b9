//! The protocol register: what an entry is, what may change, and what is refused.
//!
//! An entry proves that a document existed, when it arrived or left, from or to whom. So number, date and
//! fingerprints never change, correspondents and subject change only by a visible cancellation of the single
//! datum, and only assignment and classification may be edited, with history (AgID guidelines 2021, 3.1.5).
//! This file must not know how entries are stored.

use crate::body::{AooCode, IpaCode, RegisterCode};
use crate::fault::{Invalid, Refusal};
use crate::ids::{CaseId, DocumentId, DossierId, RegistrationId};
use crate::law::Law;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Longest subject, in characters (advised limit of practice).
pub const SUBJECT_MAX: usize = 4_000;
/// Most correspondents of one entry.
pub const CORRESPONDENTS_MAX: usize = 500;

/// Which way a document moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Received from outside.
    Incoming,
    /// Sent outside.
    Outgoing,
    /// Between offices of the same AOO.
    Internal,
}

impl Direction {
    /// The name used by the API and stored in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
            Self::Internal => "internal",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "incoming" => Ok(Self::Incoming),
            "outgoing" => Ok(Self::Outgoing),
            "internal" => Ok(Self::Internal),
            _ => Err(Invalid::with("/direction", "unknown-direction", text)),
        }
    }
}

/// What a correspondent is; the segnatura has one element for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrespondentKind {
    /// A natural person.
    Person,
    /// A firm or other legal person.
    Firm,
    /// An Italian public body.
    Body,
    /// A foreign public body.
    ForeignBody,
    /// An office of the same AOO (internal documents).
    Office,
}

impl CorrespondentKind {
    /// The name used by the API and stored in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Firm => "firm",
            Self::Body => "body",
            Self::ForeignBody => "foreign_body",
            Self::Office => "office",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        serde_json::from_value(serde_json::Value::String(text.to_owned()))
            .map_err(|_| Invalid::with("/kind", "bad-code", text))
    }
}

/// Sender (incoming) or recipient (outgoing) of an entry, as it was when used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correspondent {
    /// Kind.
    pub kind: CorrespondentKind,
    /// Name as written.
    pub name: String,
    /// Tax code (16 characters or 11 digits).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_code: Option<String>,
    /// Certified-mail or e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digital_domicile: Option<String>,
    /// Code in IPA, for public bodies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<IpaCode>,
}

/// Date and number given by the sender to its own document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderReference {
    /// Number or text of the reference.
    pub number: String,
    /// Date of the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
}

/// What is asked of the register: everything but number, time and fingerprints, which the register gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRegistration {
    /// Body.
    pub body: IpaCode,
    /// Area of the body.
    pub aoo: AooCode,
    /// Register; the general one when absent.
    #[serde(default)]
    pub register: Option<RegisterCode>,
    /// Direction.
    pub direction: Direction,
    /// What the document is about.
    pub subject: String,
    /// Senders or recipients.
    pub correspondents: Vec<Correspondent>,
    /// Class of the classification scheme, e.g. `VI.3`.
    #[serde(default)]
    pub classification: Option<String>,
    /// Case it belongs to.
    #[serde(default)]
    pub case: Option<CaseId>,
    /// Dossier it belongs to.
    #[serde(default)]
    pub dossier: Option<DossierId>,
    /// Visible to named persons only.
    #[serde(default)]
    pub confidential: bool,
    /// When it really arrived, if before the registration (deferred registration keeps the arrival).
    #[serde(default)]
    pub received_at: Option<Timestamp>,
    /// The sender's own date and number.
    #[serde(default)]
    pub sender_reference: Option<SenderReference>,
}

impl NewRegistration {
    /// Checks what can be checked without looking anything up; `now` bounds the arrival.
    ///
    /// Rules: subject and correspondents are mandatory data of the entry (D.P.R. 445/2000, art. 53 c. 1).
    pub fn check(&self, now: Timestamp) -> Result<(), Invalid> {
        let mut faults = Invalid::default();
        check_subject(&self.subject, &mut faults);
        check_correspondents(&self.correspondents, &mut faults);
        if let Some(class) = &self.classification
            && (class.is_empty() || class.len() > 32)
        {
            faults.add_with("/classification", "unknown-class", class.chars().take(40).collect::<String>());
        }
        if self.received_at.is_some_and(|at| at > now) {
            faults.add("/received_at", "in-the-future");
        }
        if let Some(reference) = &self.sender_reference
            && (reference.number.trim().is_empty() || reference.number.chars().count() > 200)
        {
            faults.add("/sender_reference/number", "length-1-200");
        }
        faults.or(())
    }
}

/// Adds the faults of a subject: empty, too long, control characters.
pub fn check_subject(subject: &str, faults: &mut Invalid) {
    if subject.trim().is_empty() {
        faults.add("/subject", "required");
    } else if subject.chars().count() > SUBJECT_MAX {
        faults.add_with("/subject", "too-long", SUBJECT_MAX.to_string());
    } else if subject.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        faults.add("/subject", "control-characters");
    }
}

fn check_correspondents(all: &[Correspondent], faults: &mut Invalid) {
    if all.is_empty() {
        faults.add("/correspondents", "at-least-one");
    }
    if all.len() > CORRESPONDENTS_MAX {
        faults.add_with("/correspondents", "too-many", CORRESPONDENTS_MAX.to_string());
    }
    for (i, one) in all.iter().enumerate() {
        let at = |field: &str| format!("/correspondents/{i}/{field}");
        if one.name.trim().is_empty() {
            faults.add(at("name"), "required");
        } else if one.name.chars().count() > 400 || one.name.chars().any(char::is_control) {
            faults.add_with(at("name"), "too-long", "400");
        }
        if one.tax_code.as_deref().is_some_and(|code| !crate::party::is_tax_code(code)) {
            faults.add(at("tax_code"), "bad-tax-code");
        }
        if one.digital_domicile.as_deref().is_some_and(|address| !crate::party::is_address(address)) {
            faults.add(at("digital_domicile"), "bad-address");
        }
    }
}

/// A file of an entry, with its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredFile {
    /// Id of the document.
    pub id: DocumentId,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Media type by content.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// File name as given, cleaned.
    pub name: String,
}

/// A register entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// Id; not the number.
    pub id: RegistrationId,
    /// Body.
    pub body: IpaCode,
    /// Area.
    pub aoo: AooCode,
    /// Register.
    pub register: RegisterCode,
    /// Year in Rome of the commit.
    pub year: i64,
    /// Number: 1, 2, 3 … in the year.
    pub number: i64,
    /// When it was registered, by the writer's clock.
    pub registered_at: Timestamp,
    /// Direction.
    pub direction: Direction,
    /// Subject in force (after corrections).
    pub subject: String,
    /// Correspondents in force.
    pub correspondents: Vec<Correspondent>,
    /// Class in force.
    pub classification: Option<String>,
    /// Case.
    pub case: Option<CaseId>,
    /// Dossier.
    pub dossier: Option<DossierId>,
    /// Visible to named persons only.
    pub confidential: bool,
    /// Real arrival, if earlier.
    pub received_at: Option<Timestamp>,
    /// The sender's own reference.
    pub sender_reference: Option<SenderReference>,
    /// The main file.
    pub document: RegisteredFile,
    /// The attachments, in order.
    pub attachments: Vec<RegisteredFile>,
    /// Cancellation of the whole entry, if any.
    pub annulment: Option<Annulment>,
}

impl Registration {
    /// The number as on pages and in XML: at least seven digits (Annex 6, `[0-9]{7,}`).
    pub fn number_label(&self) -> String {
        number_label(self.number)
    }

    /// `0001234/2026`.
    pub fn full_label(&self) -> String {
        format!("{}/{}", self.number_label(), self.year)
    }
}

/// A register number with at least seven digits.
pub fn number_label(number: i64) -> String {
    format!("{number:07}")
}

/// Cancellation of an entry: the number stays consumed, the text readable, the mark always visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annulment {
    /// Why.
    pub reason: String,
    /// Act of the records manager that authorises it.
    pub order_reference: String,
    /// Who carried it out (name as shown).
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Article on cancellation.
pub const ANNULMENT_LAW: Law = Law("D.P.R. 445/2000, art. 54");
/// Article on the date that counts for what private parties hand in.
pub const PRESENTATION_LAW: Law = Law("L. 241/1990, art. 18-bis");
/// Article on the unalterable data of the entry.
pub const IMMUTABLE_LAW: Law = Law("D.P.R. 445/2000, art. 53");

/// Reason and authorising act of a cancellation or correction: both mandatory (D.P.R. 445/2000, art. 54 c. 1).
pub fn check_reasons(reason: &str, order_reference: &str) -> Result<(), Invalid> {
    let mut faults = Invalid::default();
    for (pointer, text) in [("/reason", reason), ("/order_reference", order_reference)] {
        if text.trim().is_empty() {
            faults.add(pointer, "required");
        } else if text.chars().count() > 1_000 {
            faults.add_with(pointer, "too-long", "1000");
        }
    }
    faults.or(())
}

/// Whether an entry may still change: one that is cancelled stays as it is, and is not cancelled twice.
pub fn check_live(annulled: bool) -> Result<(), Refusal> {
    match annulled {
        true => Err(Refusal::by("already-annulled", ANNULMENT_LAW)),
        false => Ok(()),
    }
}

/// Which date counts in law for an entry, and by which rule when it is not that of the number: what citizens and
/// firms hand in counts from the day they handed it in (L. 241/1990, art. 18-bis).
pub fn legal_date(
    direction: Direction,
    correspondents: &[Correspondent],
    registered_at: Timestamp,
    received_at: Option<Timestamp>,
) -> (Date, Option<Law>) {
    let day = |at| crate::Moment::new(at).today;
    let private = correspondents
        .iter()
        .any(|one| matches!(one.kind, CorrespondentKind::Person | CorrespondentKind::Firm));
    match received_at {
        Some(received)
            if direction == Direction::Incoming && private && day(received) < day(registered_at) =>
        {
            (day(received), Some(PRESENTATION_LAW))
        }
        _ => (day(registered_at), None),
    }
}

/// The data of an entry that can be mended one by one, by cancelling the datum and storing the new value beside
/// it; number, date and fingerprint have no new value: the whole entry is cancelled instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correctable {
    /// The subject.
    Subject,
    /// The correspondents.
    Correspondents,
    /// The sender's own reference.
    SenderReference,
}

impl Correctable {
    /// The name used by the API and stored in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Correspondents => "correspondents",
            Self::SenderReference => "sender_reference",
        }
    }

    /// Reads a field name; a datum that never changes is refused with the article and the way to mend.
    pub fn parse(field: &str) -> Result<Self, Refusal> {
        match field {
            "subject" => Ok(Self::Subject),
            "correspondents" => Ok(Self::Correspondents),
            "sender_reference" => Ok(Self::SenderReference),
            _ => Err(Refusal::by("immutable-field", IMMUTABLE_LAW)),
        }
    }
}

/// How an office or person gets a document: to act (*per competenza*) or to know (*per conoscenza*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentKind {
    /// To act.
    Competence,
    /// To know.
    Information,
}

impl AssignmentKind {
    /// The name used by the API and stored in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Competence => "competence",
            Self::Information => "information",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "competence" => Ok(Self::Competence),
            "information" => Ok(Self::Information),
            _ => Err(Invalid::with("/kind", "bad-code", text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> NewRegistration {
        serde_json::from_value(serde_json::json!({
            "body": "c_g999", "aoo": "A1B2C3D", "direction": "incoming", "subject": "Richiesta di prova",
            "correspondents": [{"kind": "person", "name": "Prova Uno"}]
        }))
        .unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-23T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_complete_entry_passes_and_every_fault_is_named() {
        assert_eq!(sample().check(now()), Ok(()));
        let mut bad = sample();
        bad.subject = "  ".into();
        bad.correspondents[0].name = String::new();
        bad.correspondents[0].digital_domicile = Some("not an address".into());
        bad.received_at = Some("2026-11-24T09:00:00Z".parse().unwrap());
        let found = bad.check(now()).unwrap_err();
        let pointers: Vec<_> = found.errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/subject", "/correspondents/0/name", "/correspondents/0/digital_domicile", "/received_at"]
        );
    }

    #[test]
    fn unknown_fields_and_directions_are_refused() {
        let text =
            r#"{"body":"c_g999","aoo":"A1B2C3D","direction":"sideways","subject":"x","correspondents":[]}"#;
        assert!(serde_json::from_str::<NewRegistration>(text).is_err());
        assert!(Direction::parse("sideways").is_err());
    }

    #[test]
    fn numbers_have_at_least_seven_digits() {
        assert_eq!(number_label(7), "0000007");
        assert_eq!(number_label(12_345_678), "12345678");
    }

    #[test]
    fn what_a_citizen_hands_in_counts_from_that_day() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut who = sample().correspondents;
        let (registered, received) = (at("2026-11-23T09:00:00Z"), Some(at("2026-11-21T22:00:00Z")));
        let date =
            |who: &[Correspondent], direction, received| legal_date(direction, who, registered, received);
        let (day, law) = date(&who, Direction::Incoming, received);
        assert_eq!((day.to_string().as_str(), law), ("2026-11-21", Some(PRESENTATION_LAW)));
        assert_eq!(date(&who, Direction::Incoming, None).1, None);
        assert_eq!(date(&who, Direction::Outgoing, received).1, None);
        who[0].kind = CorrespondentKind::Body;
        assert_eq!(date(&who, Direction::Incoming, received).0.to_string(), "2026-11-23");
    }

    #[test]
    fn a_cancellation_needs_reason_and_act_and_happens_once() {
        assert_eq!(check_reasons("Doppia registrazione", "Det. 88 del 23/11/2026"), Ok(()));
        let faults = check_reasons(" ", &"x".repeat(1_001)).unwrap_err();
        let codes: Vec<_> = faults.errors.iter().map(|e| (e.pointer.as_str(), e.code)).collect();
        assert_eq!(codes, [("/reason", "required"), ("/order_reference", "too-long")]);
        assert_eq!(check_live(true).unwrap_err().law, Some(ANNULMENT_LAW));
    }

    #[test]
    fn number_date_and_fingerprint_have_no_correction() {
        assert_eq!(Correctable::parse("subject"), Ok(Correctable::Subject));
        for never in ["number", "registered_at", "fingerprint"] {
            assert_eq!(Correctable::parse(never).unwrap_err().law, Some(IMMUTABLE_LAW));
        }
    }
}
