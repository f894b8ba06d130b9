//! The emergency register: periods with their authorisations, and the entries
//! made by hand with the ordinary numbers they were given afterwards.
//!
//! Who may open a period and for how long is decided before; here a number by
//! hand is linked to an ordinary one once and for ever.

use domain::body::{AooCode, IpaCode};
use domain::ids::{EmergencyId, RegistrationId};

use crate::journal::{self, Entry};
use crate::{Query, Row, StoreError, Tx};

const INSERT: &str = "insert into emergency_periods (id, body, aoo, code, cause, started_at, restored_at, \
    opened_by, opened_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const AUTHORISE: &str = "insert into emergency_authorisations (period_id, position, reference, valid_until, \
    authorised_by, authorised_at) values ($1, (select count(*) from emergency_authorisations \
    where period_id = $1), $2, $3, $4, $5)";
const RESTORE: &str = "update emergency_periods set restored_at = $2 where id = $1 and restored_at is null";
const LINK: &str = "insert into emergency_entries (period_id, number, registration_id, entered_at, row_digest, \
    imported_at) values ($1, $2, $3, $4, $5, $6)";
const FIND: &str = "select p.id, p.body, p.aoo, p.code, p.cause, p.started_at, p.restored_at, p.opened_at, \
    (select max(a.valid_until) from emergency_authorisations a where a.period_id = p.id), \
    (select count(*) from emergency_entries e where e.period_id = p.id) \
    from emergency_periods p where p.id = $1";
const PAGE: &str = "select p.id, p.body, p.aoo, p.code, p.cause, p.started_at, p.restored_at, p.opened_at, \
    (select max(a.valid_until) from emergency_authorisations a where a.period_id = p.id), \
    (select count(*) from emergency_entries e where e.period_id = p.id) \
    from emergency_periods p where p.body = $1 order by p.started_at desc limit $2";
const COUNT_OF_MONTH: &str =
    "select count(*) from emergency_periods where body = $1 and aoo = $2 and code like $3";
const LINKED: &str = "select e.number, e.registration_id, e.entered_at, e.row_digest, r.number, r.year \
    from emergency_entries e join registrations r on r.id = e.registration_id \
    where e.period_id = $1 order by e.number";

/// A period in which registration was by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Which.
    pub id: EmergencyId,
    /// Body.
    pub body: IpaCode,
    /// Area.
    pub aoo: AooCode,
    /// Code that begins every number made by hand, e.g. `EM-2026-03`.
    pub code: String,
    /// What broke.
    pub cause: String,
    /// Since when, UTC microseconds.
    pub started_at: i64,
    /// When the system worked again.
    pub restored_at: Option<i64>,
    /// When it was written down.
    pub opened_at: i64,
    /// Until when it is authorised, UTC microseconds.
    pub authorised_until: i64,
    /// Entries brought in so far.
    pub entries: i64,
}

/// An entry made by hand and its ordinary number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Number by hand.
    pub number: i64,
    /// The entry.
    pub registration: RegistrationId,
    /// When it was made by hand, UTC microseconds: the legal date.
    pub entered_at: i64,
    /// SHA-256 of what the row said, to tell a repetition from another row.
    pub row_digest: String,
    /// Ordinary number.
    pub ordinary_number: i64,
    /// Its year.
    pub ordinary_year: i64,
}

/// An act of the records manager that allows registration by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorisation<'a> {
    /// The act.
    pub reference: &'a str,
    /// Until when, UTC microseconds.
    pub valid_until: i64,
    /// Who.
    pub by: &'a str,
}

/// Opens a period with its first authorisation.
///
/// # Errors
/// `Constraint` when the code is taken; those of the database.
pub fn open(tx: &mut Tx, period: &Period, authorisation: &Authorisation<'_>) -> Result<(), StoreError> {
    tx.execute(
        INSERT,
        &[
            period.id.as_str().into(),
            period.body.as_str().into(),
            period.aoo.as_str().into(),
            period.code.as_str().into(),
            period.cause.as_str().into(),
            period.started_at.into(),
            period.restored_at.into(),
            authorisation.by.into(),
            period.opened_at.into(),
        ],
    )?;
    log(tx, &period.body, &period.id, "emergency.open", authorisation.by, &period.code)?;
    authorise(tx, &period.body, &period.id, authorisation)
}

/// Adds an authorisation to a period.
///
/// # Errors
/// Those of the database.
pub fn authorise(
    tx: &mut Tx,
    body: &IpaCode,
    id: &EmergencyId,
    authorisation: &Authorisation<'_>,
) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.execute(
        AUTHORISE,
        &[
            id.as_str().into(),
            authorisation.reference.into(),
            authorisation.valid_until.into(),
            authorisation.by.into(),
            at.into(),
        ],
    )?;
    log(tx, body, id, "emergency.authorise", authorisation.by, authorisation.reference)
}

/// Writes when the system worked again; says whether it was not written before.
///
/// # Errors
/// Those of the database.
pub fn restore(tx: &mut Tx, body: &IpaCode, id: &EmergencyId, at: i64, by: &str) -> Result<bool, StoreError> {
    let changed = tx.execute(RESTORE, &[id.as_str().into(), at.into()])? == 1;
    if changed {
        log(tx, body, id, "emergency.restore", by, &at.to_string())?;
    }
    Ok(changed)
}

/// Links a number by hand to an entry.
///
/// # Errors
/// `Constraint` (`is_duplicate`) when the number by hand has an ordinary one; those of the database.
pub fn link(
    tx: &mut Tx,
    period: &EmergencyId,
    number: i64,
    registration: &RegistrationId,
    entered_at: i64,
    row_digest: &str,
) -> Result<(), StoreError> {
    let at = tx.stamp();
    let params = [
        period.as_str().into(),
        number.into(),
        registration.as_str().into(),
        entered_at.into(),
        row_digest.into(),
        at.into(),
    ];
    tx.put(LINK, &params)
}

fn log(
    tx: &mut Tx,
    body: &IpaCode,
    id: &EmergencyId,
    verb: &str,
    by: &str,
    state: &str,
) -> Result<(), StoreError> {
    journal::append(
        tx,
        Entry {
            body,
            actor: by,
            on_behalf_of: None,
            verb,
            subject: id.as_str(),
            case: None,
            norm: Some("D.P.R. 445/2000, art. 63"),
            state: state.as_bytes(),
        },
    )?;
    Ok(())
}

fn period(row: &Row) -> Result<Period, StoreError> {
    Ok(Period {
        id: row.parse(0)?,
        body: row.parse(1)?,
        aoo: row.parse(2)?,
        code: row.text(3)?.to_owned(),
        cause: row.text(4)?.to_owned(),
        started_at: row.int(5)?,
        restored_at: row.opt_int(6)?,
        opened_at: row.int(7)?,
        authorised_until: row.opt_int(8)?.unwrap_or(0),
        entries: row.int(9)?,
    })
}

/// One period.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, id: &EmergencyId) -> Result<Option<Period>, StoreError> {
    query.row(FIND, &[id.as_str().into()])?.as_ref().map(period).transpose()
}

/// Periods of a body, newest first.
///
/// # Errors
/// Those of the database.
pub fn page(query: &mut impl Query, body: &IpaCode, limit: i64) -> Result<Vec<Period>, StoreError> {
    query.rows(PAGE, &[body.as_str().into(), limit.into()])?.iter().map(period).collect()
}

/// How many periods of an area have a code that begins so.
///
/// # Errors
/// Those of the database.
pub fn count_like(
    query: &mut impl Query,
    body: &IpaCode,
    aoo: &AooCode,
    start: &str,
) -> Result<i64, StoreError> {
    let params = [body.as_str().into(), aoo.as_str().into(), format!("{start}%").into()];
    query.row(COUNT_OF_MONTH, &params)?.map_or(Ok(0), |row| row.int(0))
}

/// The entries of a period, in order of their number by hand.
///
/// # Errors
/// Those of the database.
pub fn linked(query: &mut impl Query, id: &EmergencyId) -> Result<Vec<Linked>, StoreError> {
    let rows = query.rows(LINKED, &[id.as_str().into()])?;
    rows.iter()
        .map(|row| {
            Ok(Linked {
                number: row.int(0)?,
                registration: row.parse(1)?,
                entered_at: row.int(2)?,
                row_digest: row.text(3)?.to_owned(),
                ordinary_number: row.int(4)?,
                ordinary_year: row.int(5)?,
            })
        })
        .collect()
}
