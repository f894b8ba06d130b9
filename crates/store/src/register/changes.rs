//! The few things that may change in an entry, each with what it was before:
//! correction of a single datum and cancellation of the whole entry (TUDA art.
//! 54), class and assignment (AgID guidelines 3.1.5). Every change is a leaf
//! of the journal of the body.

use domain::body::IpaCode;
use domain::ids::{AccountId, AssignmentId, CaseId, DossierId, RegistrationId, UnitId};
use domain::register::{AssignmentKind, Correctable, Correspondent, SenderReference};

use super::{INSERT_CLASS, insert_correspondents, json};
use crate::journal::{self, Entry};
use crate::{Query, Row, StoreError, Tx, Value};

/// Cancellation of a whole entry.
#[derive(Debug, Clone, Copy)]
pub struct NewAnnulment<'a> {
    /// Why.
    pub reason: &'a str,
    /// Authorising act.
    pub order_reference: &'a str,
    /// Who.
    pub by: &'a AccountId,
    /// The name shown beside it.
    pub by_name: &'a str,
}

/// The new value of a single datum, with why and by which act.
#[derive(Debug, Clone)]
pub enum NewCorrection {
    /// A new subject.
    Subject(String),
    /// New correspondents.
    Correspondents(Vec<Correspondent>),
    /// A new reference of the sender, or none.
    SenderReference(Option<SenderReference>),
}

/// A correction as it stands in the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Which datum.
    pub field: Correctable,
    /// What was cancelled (text, or JSON for correspondents and reference).
    pub old_value: Option<String>,
    /// What stands instead.
    pub new_value: Option<String>,
    /// Why.
    pub reason: String,
    /// Authorising act.
    pub order_reference: String,
    /// Who, by name.
    pub by_name: String,
    /// When, UTC microseconds.
    pub at: i64,
}

/// An assignment to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewAssignment<'a> {
    /// Minted by the caller.
    pub id: &'a AssignmentId,
    /// To act or to know.
    pub kind: AssignmentKind,
    /// Office.
    pub unit: Option<&'a UnitId>,
    /// Person.
    pub account: Option<&'a AccountId>,
    /// Who assigns.
    pub by: &'a AccountId,
    /// A word for the assignee.
    pub note: Option<&'a str>,
}

/// An assignment as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Which.
    pub id: AssignmentId,
    /// Of which entry.
    pub registration: RegistrationId,
    /// To act or to know.
    pub kind: AssignmentKind,
    /// Office.
    pub unit: Option<UnitId>,
    /// Person.
    pub account: Option<AccountId>,
    /// Who assigned.
    pub assigned_by: String,
    /// When, UTC microseconds.
    pub assigned_at: i64,
    /// A word for the assignee.
    pub note: Option<String>,
    /// Who took charge.
    pub taken_by: Option<String>,
    /// When, UTC microseconds.
    pub taken_at: Option<i64>,
    /// When it ended, UTC microseconds.
    pub ended_at: Option<i64>,
    /// Why it ended.
    pub end_reason: Option<String>,
}

/// Declares an entry void.
///
/// # Errors
/// `Constraint` (`is_duplicate`) when it already is; those of the database.
pub fn annul(
    tx: &mut Tx,
    body: &IpaCode,
    id: &RegistrationId,
    annulment: NewAnnulment<'_>,
) -> Result<(), StoreError> {
    const INSERT: &str = "insert into annulments (registration_id, reason, order_reference, account, \
        account_name, at) values ($1, $2, $3, $4, $5, $6)";
    let at = tx.stamp();
    tx.execute(
        INSERT,
        &[
            id.as_str().into(),
            annulment.reason.into(),
            annulment.order_reference.into(),
            annulment.by.as_str().into(),
            annulment.by_name.into(),
            at.into(),
        ],
    )?;
    let state = format!("{}\n{}", annulment.reason, annulment.order_reference);
    log(tx, body, annulment.by, "registration.annul", id, &state)
}

/// Reason and act of an entry that was declared void, as other registers are told them.
///
/// # Errors
/// Those of the database.
pub fn annulment(
    query: &mut impl Query,
    id: &RegistrationId,
) -> Result<Option<(String, String)>, StoreError> {
    const FIND: &str = "select reason, order_reference from annulments where registration_id = $1";
    let row = query.row(FIND, &[id.as_str().into()])?;
    row.map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).transpose()
}

/// Writes in the story of an entry something that happened to it elsewhere.
///
/// # Errors
/// Those of the database.
pub fn note(
    tx: &mut Tx,
    body: &IpaCode,
    by: &str,
    verb: &str,
    id: &RegistrationId,
    state: &str,
) -> Result<(), StoreError> {
    let entry = Entry {
        body,
        actor: by,
        on_behalf_of: None,
        verb,
        subject: id.as_str(),
        case: None,
        norm: None,
        state: state.as_bytes(),
    };
    journal::append(tx, entry).map(drop)
}

/// Cancels a single datum and puts the new value beside it; both stay.
///
/// # Errors
/// `Shape` when there is no such entry; those of the database.
pub fn correct(
    tx: &mut Tx,
    body: &IpaCode,
    id: &RegistrationId,
    correction: NewCorrection,
    why: NewAnnulment<'_>,
) -> Result<(), StoreError> {
    let (position, version) = next_correction(tx, id)?;
    let (field, new_value) = match correction {
        NewCorrection::Subject(subject) => {
            const SUBJECT: &str = "update registrations set subject_now = $2 where id = $1";
            tx.put(SUBJECT, &[id.as_str().into(), subject.as_str().into()])?;
            (Correctable::Subject, subject)
        }
        NewCorrection::Correspondents(all) => {
            const VERSION: &str = "update registrations set correspondents_version = $2 where id = $1";
            insert_correspondents(tx, id, version + 1, &all)?;
            tx.put(VERSION, &[id.as_str().into(), (version + 1).into()])?;
            (Correctable::Correspondents, json(&all)?)
        }
        NewCorrection::SenderReference(reference) => {
            const REFERENCE: &str = "update registrations set sender_reference_now = $2 where id = $1";
            let text = json(&reference)?;
            tx.put(REFERENCE, &[id.as_str().into(), text.as_str().into()])?;
            (Correctable::SenderReference, text)
        }
    };
    insert_correction(tx, id, position, field, &new_value, why)?;
    let state = format!("{}\n{new_value}\n{}", field.name(), why.order_reference);
    log(tx, body, why.by, "registration.correct", id, &state)
}

/// Position of the next correction, and the version of the correspondents in force.
fn next_correction(tx: &mut Tx, id: &RegistrationId) -> Result<(i64, i64), StoreError> {
    const NEXT: &str = "select (select count(*) from corrections c where c.registration_id = r.id), \
        r.correspondents_version from registrations r where r.id = $1";
    let row =
        tx.row(NEXT, &[id.as_str().into()])?.ok_or_else(|| StoreError::Shape(format!("no entry {id}")))?;
    Ok((row.int(0)?, row.int(1)?))
}

/// The old value is the new value of the correction before, or the original.
fn insert_correction(
    tx: &mut Tx,
    id: &RegistrationId,
    position: i64,
    field: Correctable,
    new_value: &str,
    why: NewAnnulment<'_>,
) -> Result<(), StoreError> {
    const INSERT: &str = "insert into corrections (registration_id, position, field, old_value, new_value, \
        reason, order_reference, account, account_name, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let old_value = old_value(tx, id, field)?;
    let at = tx.stamp();
    let params: [Value; 10] = [
        id.as_str().into(),
        position.into(),
        field.name().into(),
        old_value.into(),
        new_value.into(),
        why.reason.into(),
        why.order_reference.into(),
        why.by.as_str().into(),
        why.by_name.into(),
        at.into(),
    ];
    tx.put(INSERT, &params)
}

fn old_value(tx: &mut Tx, id: &RegistrationId, field: Correctable) -> Result<Option<String>, StoreError> {
    const LATEST: &str = "select new_value from corrections where registration_id = $1 and field = $2 \
        order by position desc limit 1";
    const ORIGINAL: &str = "select subject, sender_reference from registrations where id = $1";
    const ORIGINAL_CORRESPONDENTS: &str = "select kind, name, tax_code, digital_domicile, body \
        from correspondents where registration_id = $1 and version = 0 order by position";
    if let Some(row) = tx.row(LATEST, &[id.as_str().into(), field.name().into()])? {
        return Ok(row.opt_text(0)?.map(str::to_owned));
    }
    if field == Correctable::Correspondents {
        let rows = tx.rows(ORIGINAL_CORRESPONDENTS, &[id.as_str().into()])?;
        let all = rows.iter().map(super::reading::correspondent).collect::<Result<Vec<_>, _>>()?;
        return json(&all).map(Some);
    }
    let column = usize::from(field == Correctable::SenderReference);
    match tx.row(ORIGINAL, &[id.as_str().into()])? {
        Some(row) => Ok(row.opt_text(column)?.map(str::to_owned)),
        None => Ok(None),
    }
}

/// The corrections of an entry, oldest first.
///
/// # Errors
/// Those of the database.
pub fn corrections(query: &mut impl Query, id: &RegistrationId) -> Result<Vec<Correction>, StoreError> {
    const ALL: &str = "select field, old_value, new_value, reason, order_reference, account_name, at \
        from corrections where registration_id = $1 order by position";
    let rows = query.rows(ALL, &[id.as_str().into()])?;
    rows.iter()
        .map(|row| {
            Ok(Correction {
                field: Correctable::parse(row.text(0)?)
                    .map_err(|_| StoreError::Shape("corrected field".into()))?,
                old_value: row.opt_text(1)?.map(str::to_owned),
                new_value: row.opt_text(2)?.map(str::to_owned),
                reason: row.text(3)?.to_owned(),
                order_reference: row.text(4)?.to_owned(),
                by_name: row.text(5)?.to_owned(),
                at: row.int(6)?,
            })
        })
        .collect()
}

/// Gives an entry another class; the ones before stay in its history.
///
/// # Errors
/// Those of the database.
pub fn classify(
    tx: &mut Tx,
    body: &IpaCode,
    id: &RegistrationId,
    class: &str,
    by: &AccountId,
) -> Result<(), StoreError> {
    const COUNT: &str = "select count(*) from classifications where registration_id = $1";
    const SET: &str = "update registrations set classification = $2 where id = $1";
    let at = tx.stamp();
    let count = tx.row(COUNT, &[id.as_str().into()])?;
    let position = count.map_or(Ok(0), |row| row.int(0))?;
    let params = [id.as_str().into(), position.into(), class.into(), by.as_str().into(), at.into()];
    tx.put(INSERT_CLASS, &params)?;
    tx.put(SET, &[id.as_str().into(), class.into()])?;
    log(tx, body, by, "registration.classify", id, class)
}

/// The classes an entry had: code, account, time (UTC microseconds), oldest first.
///
/// # Errors
/// Those of the database.
pub fn classes(
    query: &mut impl Query,
    id: &RegistrationId,
) -> Result<Vec<(String, String, i64)>, StoreError> {
    const ALL: &str = "select class_code, account, at from classifications \
        where registration_id = $1 order by position";
    let rows = query.rows(ALL, &[id.as_str().into()])?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.int(2)?))).collect()
}

/// Puts an entry into a dossier or a case (or takes it out); the journal keeps what it was.
///
/// # Errors
/// Those of the database.
pub fn place(
    tx: &mut Tx,
    body: &IpaCode,
    id: &RegistrationId,
    dossier: Option<&DossierId>,
    case: Option<&CaseId>,
    by: &AccountId,
) -> Result<(), StoreError> {
    const SET: &str = "update registrations set dossier_id = $2, case_id = $3 where id = $1";
    let dossier = dossier.map(DossierId::as_str);
    let case = case.map(CaseId::as_str);
    tx.put(SET, &[id.as_str().into(), dossier.into(), case.into()])?;
    let state = format!("{}\n{}", dossier.unwrap_or(""), case.unwrap_or(""));
    log(tx, body, by, "registration.place", id, &state)
}

/// Closes or opens an entry to others than named persons.
///
/// # Errors
/// Those of the database.
pub fn set_confidential(
    tx: &mut Tx,
    body: &IpaCode,
    id: &RegistrationId,
    confidential: bool,
    by: &AccountId,
) -> Result<(), StoreError> {
    const SET: &str = "update registrations set confidential = $2 where id = $1";
    tx.put(SET, &[id.as_str().into(), confidential.into()])?;
    let state = if confidential { "1" } else { "0" };
    log(tx, body, by, "registration.set_confidential", id, state)
}

/// Assigns an entry to an office or a person.
///
/// # Errors
/// `Constraint` when neither is named; those of the database.
pub fn assign(
    tx: &mut Tx,
    body: &IpaCode,
    id: &RegistrationId,
    new: NewAssignment<'_>,
) -> Result<(), StoreError> {
    const INSERT: &str = "insert into assignments (id, registration_id, kind, unit_id, account, \
        assigned_by, assigned_at, note) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let at = tx.stamp();
    let (unit, account) = (new.unit.map(UnitId::as_str), new.account.map(AccountId::as_str));
    tx.put(
        INSERT,
        &[
            new.id.as_str().into(),
            id.as_str().into(),
            new.kind.name().into(),
            unit.into(),
            account.into(),
            new.by.as_str().into(),
            at.into(),
            new.note.into(),
        ],
    )?;
    let state = [new.kind.name(), unit.unwrap_or(""), account.unwrap_or("")].join("\n");
    log(tx, body, new.by, "registration.assign", id, &state)
}

/// The assignee accepts. Answers false when the assignment is over or already taken.
///
/// # Errors
/// Those of the database.
pub fn take_charge(
    tx: &mut Tx,
    body: &IpaCode,
    assignment: &Assignment,
    by: &AccountId,
) -> Result<bool, StoreError> {
    const TAKE: &str = "update assignments set taken_by = $2, taken_at = $3 \
        where id = $1 and taken_at is null and ended_at is null";
    let at = tx.stamp();
    // Who stands in takes charge for the absent person, on whose list it must stay.
    let holder = tx.for_whom.clone().unwrap_or_else(|| by.to_string());
    let params = [assignment.id.as_str().into(), holder.as_str().into(), at.into()];
    if tx.execute(TAKE, &params)? == 0 {
        return Ok(false);
    }
    let (id, state) = (&assignment.registration, assignment.id.as_str());
    log(tx, body, by, "registration.take_charge", id, state)?;
    Ok(true)
}

/// Ends an assignment (moved on, sent back, done). Answers false when it was over.
///
/// # Errors
/// Those of the database.
pub fn end_assignment(
    tx: &mut Tx,
    body: &IpaCode,
    assignment: &Assignment,
    by: &AccountId,
    reason: &str,
) -> Result<bool, StoreError> {
    const END: &str = "update assignments set ended_by = $2, ended_at = $3, end_reason = $4 \
        where id = $1 and ended_at is null";
    let at = tx.stamp();
    let params = [assignment.id.as_str().into(), by.as_str().into(), at.into(), reason.into()];
    if tx.execute(END, &params)? == 0 {
        return Ok(false);
    }
    let state = format!("{}\n{reason}", assignment.id);
    log(tx, body, by, "registration.end_assignment", &assignment.registration, &state)?;
    Ok(true)
}

/// One assignment.
///
/// # Errors
/// Those of the database.
pub fn assignment(query: &mut impl Query, id: &AssignmentId) -> Result<Option<Assignment>, StoreError> {
    const ONE: &str = "select id, registration_id, kind, unit_id, account, assigned_by, assigned_at, note, \
        taken_by, taken_at, ended_at, end_reason from assignments where id = $1";
    let row = query.row(ONE, &[id.as_str().into()])?;
    row.as_ref().map(read_assignment).transpose()
}

/// The assignments of an entry, also those that ended, oldest first.
///
/// # Errors
/// Those of the database.
pub fn assignments(query: &mut impl Query, id: &RegistrationId) -> Result<Vec<Assignment>, StoreError> {
    const ALL: &str = "select id, registration_id, kind, unit_id, account, assigned_by, assigned_at, note, \
        taken_by, taken_at, ended_at, end_reason from assignments where registration_id = $1 \
        order by assigned_at, id";
    let rows = query.rows(ALL, &[id.as_str().into()])?;
    rows.iter().map(read_assignment).collect()
}

fn read_assignment(row: &Row) -> Result<Assignment, StoreError> {
    Ok(Assignment {
        id: row.parse(0)?,
        registration: row.parse(1)?,
        kind: AssignmentKind::parse(row.text(2)?)
            .map_err(|_| StoreError::Shape("kind of assignment".into()))?,
        unit: row.opt_parse(3)?,
        account: row.opt_parse(4)?,
        assigned_by: row.text(5)?.to_owned(),
        assigned_at: row.int(6)?,
        note: row.opt_text(7)?.map(str::to_owned),
        taken_by: row.opt_text(8)?.map(str::to_owned),
        taken_at: row.opt_int(9)?,
        ended_at: row.opt_int(10)?,
        end_reason: row.opt_text(11)?.map(str::to_owned),
    })
}

fn log(
    tx: &mut Tx,
    body: &IpaCode,
    by: &AccountId,
    verb: &str,
    id: &RegistrationId,
    state: &str,
) -> Result<(), StoreError> {
    journal::append(
        tx,
        Entry {
            body,
            actor: by.as_str(),
            on_behalf_of: None,
            verb,
            subject: id.as_str(),
            case: None,
            norm: None,
            state: state.as_bytes(),
        },
    )?;
    Ok(())
}
