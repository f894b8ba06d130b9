//! Reading leaves a trace, and the types see to it: functions of this crate
//! hand personal data out as [`Personal`], which shows nothing; only writing a
//! [`Look`] turns it into [`Traced`], which can be read. Opening something is
//! one look; a page of results is one look that lists what it showed.
//!
//! Rule: access to personal data is logged with its purpose (Reg. (EU)
//! 2016/679 arts. 5 c. 2 and 32; register sheet, §16 and §18).

use domain::body::IpaCode;
use domain::ids::{AccountId, LookId, UnitId};

use crate::journal::{self, Entry};
use crate::{Query, Row, Store, StoreError, Tx};

const INSERT: &str = "insert into looks (id, at, body, actor, unit_id, purpose, norm, case_id) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const INSERT_SUBJECT: &str = "insert into look_subjects (look_id, subject) values ($1, $2) \
    on conflict (look_id, subject) do nothing";
const OF_SUBJECT: &str = "select l.id, l.at, l.body, l.actor, l.unit_id, l.purpose, l.norm, l.case_id \
    from look_subjects s join looks l on l.id = s.look_id where s.subject = $1 and l.body = $2 \
    order by l.at desc, l.id desc limit $3";

/// Personal data that nobody has answered for yet.
#[derive(Clone)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// For the nouns of this crate, when they hand data out.
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// For the nouns of this crate, when they need ids or places to go on.
    pub(crate) fn peek(&self) -> &T {
        &self.0
    }

    /// Applies a function inside the wrapper; the result is as personal as before.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Personal<U> {
        Personal(change(self.0))
    }
}

impl<T> std::fmt::Debug for Personal<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Personal(…)")
    }
}

/// Personal data whose reading has been written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced<T>(T);

impl<T> Traced<T> {
    /// The data themselves.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Traced<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Who looks, at what and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Minted by the caller.
    pub id: LookId,
    /// Who looks; a worker's name when no person does.
    pub actor: String,
    /// For which body.
    pub body: IpaCode,
    /// From which office.
    pub unit: Option<UnitId>,
    /// What for, as a stable code.
    pub purpose: String,
    /// Norm the purpose rests on.
    pub norm: Option<String>,
    /// Case it serves.
    pub case: Option<String>,
    /// Ids of what is shown (registrations, documents) and codes of persons.
    pub subjects: Vec<String>,
}

/// A look as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastLook {
    /// Which.
    pub id: LookId,
    /// When, UTC microseconds.
    pub at: i64,
    /// For which body.
    pub body: String,
    /// Who looked.
    pub actor: String,
    /// From which office.
    pub unit: Option<String>,
    /// What for.
    pub purpose: String,
    /// Norm.
    pub norm: Option<String>,
    /// Case.
    pub case: Option<String>,
}

/// Writes the look in the open transaction and hands the data over.
///
/// # Errors
/// Those of the database; then the data stay closed.
pub fn open<T>(tx: &mut Tx, look: &Look, value: Personal<T>) -> Result<Traced<T>, StoreError> {
    write(tx, look)?;
    Ok(Traced(value.0))
}

/// Writes down a look that showed nothing personal (an attempt at what was closed).
///
/// # Errors
/// Those of the database.
pub fn note(tx: &mut Tx, look: &Look) -> Result<(), StoreError> {
    write(tx, look)
}

impl Store {
    /// Writes the look in a group of writes and, after the flush, hands the data over.
    ///
    /// # Errors
    /// Those of the database; then the data stay closed.
    pub async fn open_traced<T, E>(&self, look: Look, value: Personal<T>) -> Result<Traced<T>, E>
    where
        T: Send,
        E: From<StoreError> + Send + 'static,
    {
        self.write(move |tx| write(tx, &look)).await.map_err(E::from)?;
        Ok(Traced(value.0))
    }
}

/// The latest looks at one subject within a body, newest first, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn looks_at(
    query: &mut impl Query,
    body: &IpaCode,
    subject: &str,
    limit: i64,
) -> Result<Vec<PastLook>, StoreError> {
    let params = [subject.into(), body.as_str().into(), limit.into()];
    query.rows(OF_SUBJECT, &params)?.iter().map(read).collect()
}

/// The latest looks of one account within a body, newest first, at most `limit`: for data protection officers.
///
/// # Errors
/// Those of the database.
pub fn looks_by(
    query: &mut impl Query,
    body: &IpaCode,
    actor: &AccountId,
    limit: i64,
) -> Result<Vec<PastLook>, StoreError> {
    const BY_ACTOR: &str = "select id, at, body, actor, unit_id, purpose, norm, case_id from looks \
        where body = $1 and actor = $2 order by at desc, id desc limit $3";
    let params = [body.as_str().into(), actor.as_str().into(), limit.into()];
    query.rows(BY_ACTOR, &params)?.iter().map(read).collect()
}

/// The latest looks of a body, newest first, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn latest(query: &mut impl Query, body: &IpaCode, limit: i64) -> Result<Vec<PastLook>, StoreError> {
    const LATEST: &str = "select id, at, body, actor, unit_id, purpose, norm, case_id from looks \
        where body = $1 order by at desc, id desc limit $2";
    query.rows(LATEST, &[body.as_str().into(), limit.into()])?.iter().map(read).collect()
}

fn write(tx: &mut Tx, look: &Look) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.put(
        INSERT,
        &[
            look.id.as_str().into(),
            at.into(),
            look.body.as_str().into(),
            look.actor.as_str().into(),
            look.unit.as_ref().map(UnitId::as_str).into(),
            look.purpose.as_str().into(),
            look.norm.as_deref().into(),
            look.case.as_deref().into(),
        ],
    )?;
    for subject in &look.subjects {
        tx.put(INSERT_SUBJECT, &[look.id.as_str().into(), subject.as_str().into()])?;
    }
    let state = [&look.subjects[..], std::slice::from_ref(&look.purpose)].concat();
    journal::append(
        tx,
        Entry {
            body: &look.body,
            actor: &look.actor,
            on_behalf_of: None,
            verb: "look.open",
            subject: look.id.as_str(),
            case: look.case.as_deref(),
            norm: look.norm.as_deref(),
            state: state.join("\n").as_bytes(),
        },
    )?;
    Ok(())
}

fn read(row: &Row) -> Result<PastLook, StoreError> {
    Ok(PastLook {
        id: row.parse(0)?,
        at: row.int(1)?,
        body: row.text(2)?.to_owned(),
        actor: row.text(3)?.to_owned(),
        unit: row.opt_text(4)?.map(str::to_owned),
        purpose: row.text(5)?.to_owned(),
        norm: row.opt_text(6)?.map(str::to_owned),
        case: row.opt_text(7)?.map(str::to_owned),
    })
}
