//! Register entries: written once with their number, read whole or by the
//! page. What may change later (single data by correction, class, assignment)
//! is in `register/changes.rs`; the tables refuse everything else.
//!
//! This file does not know who may register nor what a good entry is: that is
//! decided before the closure reaches the store.

mod changes;
mod reading;

use domain::body::RegisterCode;
use domain::ids::{AccountId, RegistrationId};
use domain::register::{Correspondent, NewRegistration, RegisteredFile};

use crate::counters::{self, Numbered, Scope};
use crate::journal::{self, Entry};
use crate::search::{self, Indexed, Words};
use crate::{StoreError, Tx, Value};

pub use changes::{
    Assignment, Correction, NewAnnulment, NewAssignment, NewCorrection, annul, annulment, assign, assignment,
    assignments, classes, classify, correct, corrections, end_assignment, note, place, set_confidential,
    take_charge,
};
pub use reading::{Filter, Head, Line, Position, by_number, digests, find, head, list};

const INSERT: &str = "insert into registrations (id, body, aoo, register, year, number, registered_at, \
    registered_by, direction, subject, sender_reference, received_at, confidential, imported, \
    classification, case_id, dossier_id) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
const INSERT_CORRESPONDENT: &str = "insert into correspondents (registration_id, version, position, kind, \
    name, tax_code, digital_domicile, body) values ($1, $2, $3, $4, $5, $6, $7, $8)";
const INSERT_FILE: &str =
    "insert into registration_files (registration_id, position, document_id) values ($1, $2, $3)";
const INSERT_CLASS: &str = "insert into classifications (registration_id, position, class_code, account, at) \
    values ($1, $2, $3, $4, $5)";

/// A register entry about to get its number.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// Minted by the caller.
    pub id: &'a RegistrationId,
    /// What is registered, already checked.
    pub new: &'a NewRegistration,
    /// The register, resolved.
    pub register: &'a RegisterCode,
    /// Main file first, then the attachments; each already in `documents`.
    pub files: &'a [RegisteredFile],
    /// Who registers.
    pub by: &'a AccountId,
    /// For whom, when on behalf of another account.
    pub on_behalf_of: Option<&'a AccountId>,
    /// Who may find it: reader tokens of the search index (see `search.rs`).
    pub readers: &'a [String],
    /// Words of its files, as far as they were read already.
    pub words: &'a [&'a Words],
}

/// Takes the next number and writes the entry, its correspondents and files,
/// its journal leaf and its words in the search index: all or nothing.
///
/// # Errors
/// `Constraint` when a file is not in `documents`; those of the database.
pub fn create(tx: &mut Tx, entry: NewEntry<'_>) -> Result<Numbered, StoreError> {
    let scope = Scope { body: &entry.new.body, aoo: &entry.new.aoo, register: entry.register };
    let numbered = counters::next(tx, scope)?;
    write(tx, entry, numbered, false)?;
    Ok(numbered)
}

/// Writes an entry that got its number elsewhere (an old register): the number
/// is kept, the entry is marked as imported, and the counter moves past it.
///
/// # Errors
/// `Constraint` (`is_duplicate`) when the number is taken; those of the database.
pub fn import(tx: &mut Tx, entry: NewEntry<'_>, given: Numbered) -> Result<(), StoreError> {
    let scope = Scope { body: &entry.new.body, aoo: &entry.new.aoo, register: entry.register };
    write(tx, entry, given, true)?;
    counters::advance_to(tx, scope, given)
}

fn write(tx: &mut Tx, entry: NewEntry<'_>, numbered: Numbered, imported: bool) -> Result<(), StoreError> {
    tx.put(INSERT, &columns(entry, numbered, imported)?)?;
    insert_correspondents(tx, entry.id, 0, &entry.new.correspondents)?;
    for (position, file) in entry.files.iter().enumerate() {
        let params = [entry.id.as_str().into(), Value::Int(position as i64), file.id.as_str().into()];
        tx.put(INSERT_FILE, &params)?;
    }
    if let Some(class) = &entry.new.classification {
        let at = tx.stamp();
        let (id, by) = (entry.id.as_str(), entry.by.as_str());
        let params = [id.into(), 0_i64.into(), class.into(), by.into(), at.into()];
        tx.put(INSERT_CLASS, &params)?;
    }
    log_creation(tx, entry, numbered, imported)?;
    search::put(tx, &words(entry, numbered), entry.words)
}

fn columns(entry: NewEntry<'_>, numbered: Numbered, imported: bool) -> Result<[Value; 17], StoreError> {
    let new = entry.new;
    Ok([
        entry.id.as_str().into(),
        new.body.as_str().into(),
        new.aoo.as_str().into(),
        entry.register.as_str().into(),
        numbered.year.into(),
        numbered.number.into(),
        numbered.at.into(),
        entry.by.as_str().into(),
        new.direction.name().into(),
        new.subject.as_str().into(),
        new.sender_reference.as_ref().map(json).transpose()?.into(),
        new.received_at.map(|at| at.as_microsecond()).into(),
        new.confidential.into(),
        imported.into(),
        new.classification.as_deref().into(),
        new.case.as_ref().map(|id| id.as_str()).into(),
        new.dossier.as_ref().map(|id| id.as_str()).into(),
    ])
}

fn insert_correspondents(
    tx: &mut Tx,
    id: &RegistrationId,
    version: i64,
    correspondents: &[Correspondent],
) -> Result<(), StoreError> {
    for (position, one) in correspondents.iter().enumerate() {
        tx.put(
            INSERT_CORRESPONDENT,
            &[
                id.as_str().into(),
                version.into(),
                Value::Int(position as i64),
                one.kind.name().into(),
                one.name.as_str().into(),
                one.tax_code.as_deref().into(),
                one.digital_domicile.as_deref().into(),
                one.body.as_ref().map(|body| body.as_str()).into(),
            ],
        )?;
    }
    Ok(())
}

/// The digest in the journal covers everything that never changes.
fn log_creation(
    tx: &mut Tx,
    entry: NewEntry<'_>,
    numbered: Numbered,
    imported: bool,
) -> Result<(), StoreError> {
    let state = serde_json::json!({
        "registration": entry.new,
        "register": entry.register,
        "year": numbered.year,
        "number": numbered.number,
        "registered_at": numbered.at,
        "files": entry.files,
    });
    journal::append(
        tx,
        Entry {
            body: &entry.new.body,
            actor: entry.by.as_str(),
            on_behalf_of: entry.on_behalf_of.map(AccountId::as_str),
            verb: if imported { "registration.import" } else { "registration.create" },
            subject: entry.id.as_str(),
            case: entry.new.case.as_ref().map(|id| id.as_str()),
            norm: Some("D.P.R. 445/2000, art. 53"),
            state: state.to_string().as_bytes(),
        },
    )?;
    Ok(())
}

fn words(entry: NewEntry<'_>, numbered: Numbered) -> Indexed {
    let mut parties = String::new();
    for one in &entry.new.correspondents {
        for word in
            [Some(&one.name), one.tax_code.as_ref(), one.digital_domicile.as_ref()].into_iter().flatten()
        {
            parties.push_str(word);
            parties.push(' ');
        }
    }
    let reference = entry.new.sender_reference.as_ref();
    let label = domain::register::number_label(numbered.number);
    Indexed {
        body: entry.new.body.clone(),
        object: entry.id.to_string(),
        at: numbered.at,
        readers: entry.readers.to_vec(),
        number: format!("{} {label} {label}/{}", numbered.number, numbered.year),
        parties,
        subject: entry.new.subject.clone(),
        text: reference.map_or_else(String::new, |reference| reference.number.clone()),
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Shape(error.to_string()))
}
