//! Daily registers: what happened in a register on one day, and the closed
//! days with the fingerprints of their static forms.
//!
//! Entries are read as they were first written, with the changes of the day
//! beside them. What the static form looks like is not known here.

use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::ids::RegistrationId;
use jiff::civil::Date;

use crate::counters::Scope;
use crate::journal::{self, Entry};
use crate::trace::Personal;
use crate::{Query, Row, StoreError, Tx, Value, blobs};

const ENTRIES: &str = "select r.id, r.year, r.number, r.registered_at, r.direction, r.subject, \
    r.sender_reference, r.received_at, r.confidential, r.classification, a.at, p.code, e.number \
    from registrations r left join annulments a on a.registration_id = r.id \
    left join emergency_entries e on e.registration_id = r.id \
    left join emergency_periods p on p.id = e.period_id \
    where r.body = $1 and r.aoo = $2 and r.register = $3 and r.registered_at >= $4 and r.registered_at < $5 \
    and r.imported = 0 order by r.registered_at, r.number";
const CORRESPONDENTS: &str = "select c.registration_id, c.name from correspondents c \
    join registrations r on r.id = c.registration_id \
    where r.body = $1 and r.aoo = $2 and r.register = $3 and r.registered_at >= $4 and r.registered_at < $5 \
    and r.imported = 0 and c.version = 0 order by r.registered_at, r.number, c.position";
const FILES: &str = "select f.registration_id, d.name, d.sha256 from registration_files f \
    join registrations r on r.id = f.registration_id join documents d on d.id = f.document_id \
    where r.body = $1 and r.aoo = $2 and r.register = $3 and r.registered_at >= $4 and r.registered_at < $5 \
    and r.imported = 0 order by r.registered_at, r.number, f.position";
const CORRECTIONS: &str = "select r.year, r.number, c.field, c.old_value, c.new_value, c.reason, \
    c.order_reference, c.account_name, c.at from corrections c join registrations r on r.id = c.registration_id \
    where r.body = $1 and r.aoo = $2 and r.register = $3 and c.at >= $4 and c.at < $5 order by c.at, r.number";
const ANNULMENTS: &str = "select r.year, r.number, a.reason, a.order_reference, a.account_name, a.at \
    from annulments a join registrations r on r.id = a.registration_id \
    where r.body = $1 and r.aoo = $2 and r.register = $3 and a.at >= $4 and a.at < $5 order by a.at, r.number";
const COUNTS: &str = "select (select count(*) from registrations r where r.body = $1 and r.aoo = $2 \
      and r.register = $3 and r.registered_at >= $4 and r.registered_at < $5 and r.imported = 0), \
    (select count(*) from corrections c join registrations r on r.id = c.registration_id where r.body = $1 \
      and r.aoo = $2 and r.register = $3 and c.at >= $4 and c.at < $5), \
    (select count(*) from annulments a join registrations r on r.id = a.registration_id where r.body = $1 \
      and r.aoo = $2 and r.register = $3 and a.at >= $4 and a.at < $5)";
const FIRST: &str = "select min(registered_at) from registrations \
    where body = $1 and aoo = $2 and register = $3 and imported = 0";
const INSERT: &str = "insert into daily_registers (body, aoo, register, day, entries, first_number, last_number, \
    annulled, changed, emergency, previous_sha256, xml_sha256, pdf_sha256, closed_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const LAST: &str = "select aoo, register, day, entries, first_number, last_number, annulled, changed, emergency, \
    previous_sha256, xml_sha256, pdf_sha256, closed_at from daily_registers \
    where body = $1 and aoo = $2 and register = $3 order by day desc limit 1";
const FIND: &str = "select aoo, register, day, entries, first_number, last_number, annulled, changed, emergency, \
    previous_sha256, xml_sha256, pdf_sha256, closed_at from daily_registers \
    where body = $1 and aoo = $2 and register = $3 and day = $4";
const PAGE: &str = "select aoo, register, day, entries, first_number, last_number, annulled, changed, emergency, \
    previous_sha256, xml_sha256, pdf_sha256, closed_at from daily_registers \
    where body = $1 and day < $2 order by day desc, aoo, register limit $3";

/// An entry as it stands in the register of its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayEntry {
    /// Which.
    pub id: RegistrationId,
    /// Year.
    pub year: i64,
    /// Number.
    pub number: i64,
    /// When, UTC microseconds.
    pub registered_at: i64,
    /// Name of the direction.
    pub direction: String,
    /// Subject as first written.
    pub subject: String,
    /// The sender's own reference, JSON.
    pub sender_reference: Option<String>,
    /// Real arrival, UTC microseconds.
    pub received_at: Option<i64>,
    /// Visible to named persons only.
    pub confidential: bool,
    /// Class at the closing.
    pub classification: Option<String>,
    /// When it was annulled, if it was by the closing.
    pub annulled_at: Option<i64>,
    /// Code and number in the emergency register.
    pub emergency: Option<(String, i64)>,
    /// Names of the correspondents as first written.
    pub correspondents: Vec<String>,
    /// Names and fingerprints of the files.
    pub files: Vec<(String, String)>,
}

/// A datum corrected on the day, of an entry of any day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCorrection {
    /// Year of the entry.
    pub year: i64,
    /// Number of the entry.
    pub number: i64,
    /// Which datum.
    pub field: String,
    /// What was cancelled.
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

/// An entry annulled on the day, of any day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayAnnulment {
    /// Year of the entry.
    pub year: i64,
    /// Number of the entry.
    pub number: i64,
    /// Why.
    pub reason: String,
    /// Authorising act.
    pub order_reference: String,
    /// Who, by name.
    pub by_name: String,
    /// When, UTC microseconds.
    pub at: i64,
}

/// Everything that happened in a register between two instants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Day {
    /// Entries, in order of time.
    pub entries: Vec<DayEntry>,
    /// Corrections, in order of time.
    pub corrections: Vec<DayCorrection>,
    /// Annulments, in order of time.
    pub annulments: Vec<DayAnnulment>,
}

/// How much happened: to see that nothing was added while the static form was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Entries.
    pub entries: i64,
    /// Corrections.
    pub corrections: i64,
    /// Annulments.
    pub annulments: i64,
}

impl Day {
    /// How much happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Counts {
            entries: count(self.entries.len()),
            corrections: count(self.corrections.len()),
            annulments: count(self.annulments.len()),
        }
    }
}

/// A closed day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Area.
    pub aoo: AooCode,
    /// Register.
    pub register: RegisterCode,
    /// Day in Rome.
    pub day: Date,
    /// Entries of the day, also annulled ones.
    pub entries: i64,
    /// First number of the day.
    pub first_number: Option<i64>,
    /// Last number of the day.
    pub last_number: Option<i64>,
    /// Entries annulled on the day.
    pub annulled: i64,
    /// Data corrected on the day.
    pub changed: i64,
    /// Entries that came from the emergency register.
    pub emergency: i64,
    /// SHA-256 of the XML of the day before; none for the first.
    pub previous_sha256: Option<String>,
    /// SHA-256 of the XML.
    pub xml_sha256: String,
    /// SHA-256 of the PDF.
    pub pdf_sha256: String,
    /// When it was closed, UTC microseconds.
    pub closed_at: i64,
}

fn range(scope: Scope<'_>, from: i64, to: i64) -> [Value; 5] {
    [
        scope.body.as_str().into(),
        scope.aoo.as_str().into(),
        scope.register.as_str().into(),
        from.into(),
        to.into(),
    ]
}

/// Everything from `from` (included) to `to` (excluded), UTC microseconds.
///
/// # Errors
/// Those of the database.
pub fn day(
    query: &mut impl Query,
    scope: Scope<'_>,
    from: i64,
    to: i64,
) -> Result<Personal<Day>, StoreError> {
    let params = range(scope, from, to);
    let mut entries: Vec<DayEntry> =
        query.rows(ENTRIES, &params)?.iter().map(entry).collect::<Result<_, _>>()?;
    let at: std::collections::HashMap<String, usize> =
        entries.iter().enumerate().map(|(at, e)| (e.id.to_string(), at)).collect();
    for row in query.rows(CORRESPONDENTS, &params)? {
        if let Some(at) = at.get(row.text(0)?) {
            entries[*at].correspondents.push(row.text(1)?.to_owned());
        }
    }
    for row in query.rows(FILES, &params)? {
        if let Some(at) = at.get(row.text(0)?) {
            entries[*at].files.push((row.text(1)?.to_owned(), row.text(2)?.to_owned()));
        }
    }
    let corrections = query.rows(CORRECTIONS, &params)?.iter().map(correction).collect::<Result<_, _>>()?;
    let annulments = query.rows(ANNULMENTS, &params)?.iter().map(annulment).collect::<Result<_, _>>()?;
    Ok(Personal::new(Day { entries, corrections, annulments }))
}

fn entry(row: &Row) -> Result<DayEntry, StoreError> {
    let code = row.opt_text(11)?.map(str::to_owned);
    Ok(DayEntry {
        id: row.parse(0)?,
        year: row.int(1)?,
        number: row.int(2)?,
        registered_at: row.int(3)?,
        direction: row.text(4)?.to_owned(),
        subject: row.text(5)?.to_owned(),
        sender_reference: row.opt_text(6)?.map(str::to_owned),
        received_at: row.opt_int(7)?,
        confidential: row.flag(8)?,
        classification: row.opt_text(9)?.map(str::to_owned),
        annulled_at: row.opt_int(10)?,
        emergency: code.zip(row.opt_int(12)?),
        correspondents: Vec::new(),
        files: Vec::new(),
    })
}

fn correction(row: &Row) -> Result<DayCorrection, StoreError> {
    Ok(DayCorrection {
        year: row.int(0)?,
        number: row.int(1)?,
        field: row.text(2)?.to_owned(),
        old_value: row.opt_text(3)?.map(str::to_owned),
        new_value: row.opt_text(4)?.map(str::to_owned),
        reason: row.text(5)?.to_owned(),
        order_reference: row.text(6)?.to_owned(),
        by_name: row.text(7)?.to_owned(),
        at: row.int(8)?,
    })
}

fn annulment(row: &Row) -> Result<DayAnnulment, StoreError> {
    Ok(DayAnnulment {
        year: row.int(0)?,
        number: row.int(1)?,
        reason: row.text(2)?.to_owned(),
        order_reference: row.text(3)?.to_owned(),
        by_name: row.text(4)?.to_owned(),
        at: row.int(5)?,
    })
}

/// How much happened between two instants.
///
/// # Errors
/// Those of the database.
pub fn counts(query: &mut impl Query, scope: Scope<'_>, from: i64, to: i64) -> Result<Counts, StoreError> {
    let row = query.row(COUNTS, &range(scope, from, to))?;
    let row = row.ok_or_else(|| StoreError::Shape("a count gives one row".into()))?;
    Ok(Counts { entries: row.int(0)?, corrections: row.int(1)?, annulments: row.int(2)? })
}

/// When the register got its first entry of its own, UTC microseconds.
///
/// # Errors
/// Those of the database.
pub fn first(query: &mut impl Query, scope: Scope<'_>) -> Result<Option<i64>, StoreError> {
    let [body, aoo, register, ..] = range(scope, 0, 0);
    query.row(FIRST, &[body, aoo, register])?.map_or(Ok(None), |row| row.opt_int(0))
}

/// Writes a closed day, holds its two files and journals it.
///
/// # Errors
/// `Constraint` (`is_duplicate`) when the day was closed before; those of the database.
pub fn close(tx: &mut Tx, body: &IpaCode, closed: &Closed, by: &str) -> Result<(), StoreError> {
    let day = closed.day.to_string();
    let holder = format!("daily {body} {} {} {day}", closed.aoo, closed.register);
    tx.execute(
        INSERT,
        &[
            body.as_str().into(),
            closed.aoo.as_str().into(),
            closed.register.as_str().into(),
            day.as_str().into(),
            closed.entries.into(),
            closed.first_number.into(),
            closed.last_number.into(),
            closed.annulled.into(),
            closed.changed.into(),
            closed.emergency.into(),
            closed.previous_sha256.as_deref().into(),
            closed.xml_sha256.as_str().into(),
            closed.pdf_sha256.as_str().into(),
            closed.closed_at.into(),
        ],
    )?;
    blobs::hold(tx, body, &closed.xml_sha256, &holder)?;
    blobs::hold(tx, body, &closed.pdf_sha256, &holder)?;
    journal::append(
        tx,
        Entry {
            body,
            actor: by,
            on_behalf_of: None,
            verb: "daily_register.close",
            subject: &holder,
            case: None,
            norm: Some("AgID guidelines 2021, 3.1.6"),
            state: format!("{}\n{}", closed.xml_sha256, closed.pdf_sha256).as_bytes(),
        },
    )?;
    Ok(())
}

fn closed(row: &Row) -> Result<Closed, StoreError> {
    Ok(Closed {
        aoo: row.parse(0)?,
        register: row.parse(1)?,
        day: row.parse(2)?,
        entries: row.int(3)?,
        first_number: row.opt_int(4)?,
        last_number: row.opt_int(5)?,
        annulled: row.int(6)?,
        changed: row.int(7)?,
        emergency: row.int(8)?,
        previous_sha256: row.opt_text(9)?.map(str::to_owned),
        xml_sha256: row.text(10)?.to_owned(),
        pdf_sha256: row.text(11)?.to_owned(),
        closed_at: row.int(12)?,
    })
}

/// The day closed last.
///
/// # Errors
/// Those of the database.
pub fn last(query: &mut impl Query, scope: Scope<'_>) -> Result<Option<Closed>, StoreError> {
    let [body, aoo, register, ..] = range(scope, 0, 0);
    query.row(LAST, &[body, aoo, register])?.as_ref().map(closed).transpose()
}

/// One closed day.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, scope: Scope<'_>, day: Date) -> Result<Option<Closed>, StoreError> {
    let [body, aoo, register, ..] = range(scope, 0, 0);
    let params = [body, aoo, register, day.to_string().into()];
    query.row(FIND, &params)?.as_ref().map(closed).transpose()
}

/// Closed days of a body before `before`, newest first.
///
/// # Errors
/// Those of the database.
pub fn page(
    query: &mut impl Query,
    body: &IpaCode,
    before: Date,
    limit: i64,
) -> Result<Vec<Closed>, StoreError> {
    let params = [body.as_str().into(), before.to_string().into(), limit.into()];
    query.rows(PAGE, &params)?.iter().map(closed).collect()
}
