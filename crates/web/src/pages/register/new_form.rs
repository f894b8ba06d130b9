//! The form of a new registration: from what the browser sent to what the use case wants, with a fault beside
//! each field that cannot be read. Pure: nothing is looked up here.

use crate::forms::Form;
use app::use_cases::register::assign::AssignTo;
use domain::body::{AooCode, IpaCode};
use domain::moment::rome;
use domain::register::{
    AssignmentKind, Correspondent, CorrespondentKind, Direction, NewRegistration, Registration,
    SenderReference,
};
use domain::{FieldError, Invalid};
use jiff::Timestamp;
use jiff::civil::DateTime;

/// Most rows of correspondents of the form; more come in through the API.
pub const ROWS_MAX: usize = 50;

/// A row of correspondents as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorrespondentRow {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Tax code.
    pub tax_code: String,
    /// Certified mail.
    pub digital_domicile: String,
    /// Code in IPA.
    pub body: String,
}

/// The rows of correspondents of a form, at least one; `add` and `remove` are the buttons that need no script.
pub fn rows(form: &Form) -> Vec<CorrespondentRow> {
    let value = |i: usize, field: &str| form.text(&format!("correspondents/{i}/{field}")).to_owned();
    let mut rows: Vec<CorrespondentRow> = (0..ROWS_MAX)
        .take_while(|i| form.has(&format!("correspondents/{i}/name")))
        .map(|i| CorrespondentRow {
            kind: value(i, "kind"),
            name: value(i, "name"),
            tax_code: value(i, "tax_code"),
            digital_domicile: value(i, "digital_domicile"),
            body: value(i, "body"),
        })
        .collect();
    if let Some(gone) = form.some("remove").and_then(|n| n.parse::<usize>().ok())
        && gone < rows.len()
    {
        rows.remove(gone);
    }
    if (form.has("add") || rows.is_empty()) && rows.len() < ROWS_MAX {
        rows.push(CorrespondentRow { kind: "person".into(), ..CorrespondentRow::default() });
    }
    rows
}

/// Whether the form was sent to add or remove a row or to be told classes, not to register.
pub fn only_rows(form: &Form) -> bool {
    form.has("add") || form.has("remove") || form.has("suggest")
}

/// Fields that say what the browser wants now, not what was written: never part of a draft.
const NOT_WRITTEN: [&str; 10] =
    ["csrf", "attested", "add", "remove", "suggest", "save", "reply", "again", "other_draft", "registering"];

/// What is worth keeping of a form as a draft; nothing when nothing was written.
pub fn draft(form: &Form) -> Vec<(String, String)> {
    let kept: Vec<(String, String)> = form
        .pairs()
        .filter(|(name, _)| !NOT_WRITTEN.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let chosen = |name: &str| matches!(name, "aoo" | "direction" | "unit") || name.ends_with("/kind");
    let written = kept.iter().any(|(name, value)| !chosen(name) && !value.trim().is_empty());
    if written { kept } else { Vec::new() }
}

/// A form that begins from an entry: an answer to it (the other direction, its subject under `subject`), or another
/// document of the same correspondents.
pub fn from_entry(entry: &Registration, answers: bool, subject: String) -> Form {
    let direction = match (answers, entry.direction) {
        (true, Direction::Incoming) => Direction::Outgoing,
        (true, Direction::Outgoing) => Direction::Incoming,
        (_, same) => same,
    };
    let mut pairs = vec![
        ("aoo".to_owned(), entry.aoo.to_string()),
        ("direction".to_owned(), direction.name().to_owned()),
        ("subject".to_owned(), if answers { subject } else { String::new() }),
        ("classification".to_owned(), entry.classification.clone().unwrap_or_default()),
    ];
    for (i, one) in entry.correspondents.iter().take(ROWS_MAX).enumerate() {
        let mut put = |field: &str, value: &str| {
            pairs.push((format!("correspondents/{i}/{field}"), value.to_owned()));
        };
        put("kind", one.kind.name());
        put("name", &one.name);
        put("tax_code", one.tax_code.as_deref().unwrap_or_default());
        put("digital_domicile", one.digital_domicile.as_deref().unwrap_or_default());
        put("body", one.body.as_ref().map_or("", |code| code.as_str()));
    }
    if entry.confidential {
        pairs.push(("confidential".to_owned(), "true".to_owned()));
    }
    Form::of(pairs)
}

/// The class typed, or else the one picked from tree or proposals.
pub fn class(form: &Form) -> Option<&str> {
    form.some("classification").or_else(|| form.some("class_pick"))
}

/// Reads the whole form.
///
/// # Errors
/// `Invalid` with every field that cannot be read; what the register itself refuses comes later.
pub fn read(form: &Form, body: &IpaCode) -> Result<(NewRegistration, Vec<AssignTo>), Invalid> {
    let mut faults = Invalid::default();
    let aoo = kept(AooCode::parse(form.text("aoo")), &mut faults);
    let direction = kept(Direction::parse(form.text("direction")), &mut faults);
    let correspondents = correspondents(form, &mut faults);
    let received_at = local_time(form, "received_at", &mut faults);
    let sender_reference = sender_reference(form, &mut faults);
    let assignments = assignments(form, &mut faults);
    let (Some(aoo), Some(direction)) = (aoo, direction) else { return Err(faults) };
    faults.or((
        NewRegistration {
            body: body.clone(),
            aoo,
            register: None,
            direction,
            subject: form.text("subject").replace("\r\n", "\n"),
            correspondents,
            classification: class(form).map(str::to_owned),
            case: None,
            dossier: None,
            confidential: form.has("confidential"),
            received_at,
            sender_reference,
        },
        assignments,
    ))
}

fn kept<T>(read: Result<T, Invalid>, faults: &mut Invalid) -> Option<T> {
    read.map_err(|found| faults.errors.extend(found.errors)).ok()
}

fn correspondents(form: &Form, faults: &mut Invalid) -> Vec<Correspondent> {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut all = Vec::new();
    for (i, row) in rows(form).into_iter().enumerate() {
        let at = |field: &str| format!("/correspondents/{i}/{field}");
        let kind = CorrespondentKind::parse(&row.kind).unwrap_or_else(|_| {
            faults.add_with(at("kind"), "bad-code", row.kind.clone());
            CorrespondentKind::Person
        });
        let body = some(&row.body).and_then(|code| match IpaCode::parse(&code) {
            Ok(code) => Some(code),
            Err(_) => {
                faults.add_with(at("body"), "bad-code", code);
                None
            }
        });
        all.push(Correspondent {
            kind,
            name: row.name.clone(),
            tax_code: some(&row.tax_code.to_uppercase()),
            digital_domicile: some(&row.digital_domicile),
            body,
        });
    }
    all
}

/// A date and time without zone, as browsers send it: legal time of Italy.
fn local_time(form: &Form, name: &'static str, faults: &mut Invalid) -> Option<Timestamp> {
    let text = form.some(name)?;
    let read = text.parse::<DateTime>().ok().and_then(|local| local.to_zoned(rome()).ok());
    if read.is_none() {
        faults.add_with(format!("/{name}"), "bad-date", text.chars().take(40).collect::<String>());
    }
    read.map(|zoned| zoned.timestamp())
}

fn sender_reference(form: &Form, faults: &mut Invalid) -> Option<SenderReference> {
    let (number, date) = (form.some("sender_number"), form.some("sender_date"));
    let day = date.and_then(|text| {
        let read = text.parse().ok();
        if read.is_none() {
            faults.add_with("/sender_date", "bad-date", text.chars().take(40).collect::<String>());
        }
        read
    });
    if number.is_none() && day.is_some() {
        faults.add("/sender_number", "required");
    }
    number.map(|number| SenderReference { number: number.to_owned(), date: day })
}

fn assignments(form: &Form, faults: &mut Invalid) -> Vec<AssignTo> {
    let Some(text) = form.some("unit") else { return Vec::new() };
    let Ok(unit) = text.parse() else {
        faults.errors.push(FieldError { pointer: "/unit".into(), code: "unknown-unit", value: None });
        return Vec::new();
    };
    let kind = AssignmentKind::parse(form.text("kind")).unwrap_or(AssignmentKind::Competence);
    vec![AssignTo { kind, unit: Some(unit), account: None, note: form.some("note").map(str::to_owned) }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        Form::of(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_full_form_is_read_in_italian_time() {
        let full = form(&[
            ("aoo", "A1B2C3D"),
            ("direction", "incoming"),
            ("subject", "Richiesta"),
            ("correspondents/0/kind", "person"),
            ("correspondents/0/name", "Prova Uno"),
            ("received_at", "2026-11-20T23:30"),
            ("sender_number", "12/A"),
            ("confidential", "true"),
        ]);
        let (new, to) = read(&full, &IpaCode::parse("c_g999").unwrap()).unwrap();
        assert_eq!(new.received_at.unwrap().to_string(), "2026-11-20T22:30:00Z");
        assert!(new.confidential && to.is_empty());
        assert_eq!(new.sender_reference.unwrap().number, "12/A");
    }

    #[test]
    fn a_draft_keeps_what_was_written_and_nothing_of_an_empty_form() {
        let empty =
            [("csrf", "x"), ("direction", "incoming"), ("correspondents/0/kind", "person"), ("subject", " ")];
        assert!(draft(&form(&empty)).is_empty());
        let kept = draft(&form(&[&empty[..], &[("subject", "Istanza"), ("save", "1")]].concat()));
        assert!(kept.iter().all(|(name, _)| name != "csrf" && name != "save"));
        assert!(kept.contains(&("subject".to_owned(), "Istanza".to_owned())));
    }

    #[test]
    fn an_answer_turns_the_direction_and_another_document_keeps_it() {
        let entry = crate::pages::register::entry::sample_entry(false);
        let answer = from_entry(&entry, true, "Risposta".into());
        let shown = (answer.text("direction"), answer.text("subject"), answer.text("correspondents/0/name"));
        assert_eq!(shown, ("outgoing", "Risposta", "Prova Uno"));
        let same = from_entry(&entry, false, "Risposta".into());
        assert_eq!((same.text("direction"), same.text("subject")), ("incoming", ""));
        assert!(same.has("confidential"), "what follows a confidential entry begins confidential");
    }

    #[test]
    fn the_class_typed_goes_before_the_one_picked() {
        assert_eq!(class(&form(&[("classification", ""), ("class_pick", "VI.3")])), Some("VI.3"));
        assert_eq!(class(&form(&[("classification", "I.1"), ("class_pick", "VI.3")])), Some("I.1"));
    }

    #[test]
    fn faults_are_told_of_each_field() {
        let bad = form(&[
            ("aoo", ""),
            ("direction", "sideways"),
            ("correspondents/0/name", "x"),
            ("correspondents/0/kind", "robot"),
            ("received_at", "yesterday"),
            ("sender_date", "2026-01-01"),
            ("unit", "x"),
        ]);
        let faults = read(&bad, &IpaCode::parse("c_g999").unwrap()).unwrap_err();
        let pointers: Vec<_> = faults.errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/aoo", "/direction", "/correspondents/0/kind", "/received_at", "/sender_number", "/unit"]
        );
    }

    #[test]
    fn rows_are_added_and_removed_without_script() {
        let two = [("correspondents/0/name", "a"), ("correspondents/1/name", "b")];
        let names = |extra: (&str, &str)| {
            let form = form(&[&two[..], &[extra]].concat());
            rows(&form).into_iter().map(|row| row.name).collect::<Vec<_>>()
        };
        assert_eq!(names(("add", "1")), ["a", "b", ""]);
        assert_eq!(names(("remove", "0")), ["b"]);
        assert_eq!(names(("remove", "9")), ["a", "b"]);
        assert_eq!(rows(&form(&[])).len(), 1);
    }
}
