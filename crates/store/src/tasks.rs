//! Things somebody has to do that are not assignments, and what each person has already seen.
//!
//! A task says its kind by a code (`task-<kind>` in words), what it is about, and where to do it. One cause makes
//! one task, however often it is told.

use crate::journal::{self, Entry};
use crate::{Query, Row, StoreError, Tx};
use domain::body::IpaCode;
use domain::ids::{AccountId, CaseId, TaskId, UnitId};
use jiff::civil::Date;

const INSERT: &str = "insert into tasks (id, body, once, unit_id, account, kind, about, href, proposal, case_id, \
    due_on, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
    on conflict (body, once) do nothing";
const DONE: &str = "update tasks set done_at = $2, done_by = $3 where id = $1 and done_at is null";
const DONE_ONCE: &str =
    "update tasks set done_at = $3, done_by = $4 where body = $1 and once = $2 and done_at is null";
const OPEN_CAUSES: &str =
    "select once from tasks where body = $1 and kind = $2 and done_at is null order by once";
const OPEN_AT: &str = "select id from tasks where body = $1 and href = $2 and done_at is null";
const OPEN_OF: &str = "select id, body, unit_id, account, kind, about, href, proposal, case_id, due_on, created_at, \
    done_at from tasks where account = $1 and body = $2 and done_at is null order by due_on, created_at limit $3";
const FIND: &str = "select id, body, unit_id, account, kind, about, href, proposal, case_id, due_on, created_at, \
    done_at from tasks where id = $1";
const SEE: &str =
    "insert into seen (account, object, at) values ($1, $2, $3) on conflict (account, object) do nothing";

/// A new task.
#[derive(Debug, Clone)]
pub struct NewTask<'a> {
    /// Minted by the caller.
    pub id: TaskId,
    /// Body.
    pub body: &'a IpaCode,
    /// What caused it: the same cause makes no second task.
    pub once: String,
    /// Office that has to do it.
    pub unit: Option<&'a UnitId>,
    /// Person who has to do it.
    pub account: Option<&'a AccountId>,
    /// Kind, e.g. `delivery-failed`.
    pub kind: &'a str,
    /// What it is about, as people read it.
    pub about: String,
    /// Page where it is done.
    pub href: String,
    /// Code of the proposal of what to do (`proposal-<code>` in words).
    pub proposal: Option<&'a str>,
    /// Case.
    pub case: Option<&'a CaseId>,
    /// By when.
    pub due_on: Option<Date>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Which.
    pub id: TaskId,
    /// Body.
    pub body: IpaCode,
    /// Office that has to do it.
    pub unit: Option<UnitId>,
    /// Person who has to do it.
    pub account: Option<AccountId>,
    /// Kind.
    pub kind: String,
    /// What it is about.
    pub about: String,
    /// Page where it is done.
    pub href: String,
    /// Code of the proposal.
    pub proposal: Option<String>,
    /// Case.
    pub case: Option<CaseId>,
    /// By when.
    pub due_on: Option<Date>,
    /// When it arose, UTC microseconds.
    pub created_at: i64,
    /// When it was done.
    pub done_at: Option<i64>,
}

/// Adds a task; false when its cause made one already.
///
/// # Errors
/// `Constraint` when neither office nor person is named; those of the database.
pub fn add(tx: &mut Tx, new: &NewTask<'_>, by: &str) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let added = tx.execute(
        INSERT,
        &[
            new.id.as_str().into(),
            new.body.as_str().into(),
            new.once.as_str().into(),
            new.unit.map(UnitId::as_str).into(),
            new.account.map(AccountId::as_str).into(),
            new.kind.into(),
            new.about.as_str().into(),
            new.href.as_str().into(),
            new.proposal.into(),
            new.case.map(CaseId::as_str).into(),
            new.due_on.map(|date| date.to_string()).into(),
            at.into(),
        ],
    )?;
    if added == 1 {
        log(tx, new.body, by, "task.add", new.id.as_str(), new.case)?;
    }
    Ok(added == 1)
}

/// Marks a task done; false when it was already.
///
/// # Errors
/// Those of the database.
pub fn done(tx: &mut Tx, body: &IpaCode, id: &TaskId, by: &str) -> Result<bool, StoreError> {
    let at = tx.stamp();
    if tx.execute(DONE, &[id.as_str().into(), at.into(), by.into()])? == 0 {
        return Ok(false);
    }
    log(tx, body, by, "task.done", id.as_str(), None)?;
    Ok(true)
}

/// Marks the task of a cause done, if it is open: the cause went away by itself.
///
/// # Errors
/// Those of the database.
pub fn settle(tx: &mut Tx, body: &IpaCode, once: &str, by: &str) -> Result<bool, StoreError> {
    let at = tx.stamp();
    if tx.execute(DONE_ONCE, &[body.as_str().into(), once.into(), at.into(), by.into()])? == 0 {
        return Ok(false);
    }
    log(tx, body, by, "task.done", once, None)?;
    Ok(true)
}

/// Marks the open tasks that are done on one page: who decided there has done them.
///
/// # Errors
/// Those of the database.
pub fn settle_at(tx: &mut Tx, body: &IpaCode, href: &str, by: &str) -> Result<(), StoreError> {
    for row in tx.rows(OPEN_AT, &[body.as_str().into(), href.into()])? {
        done(tx, body, &row.parse(0)?, by)?;
    }
    Ok(())
}

/// One task.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, id: &TaskId) -> Result<Option<Task>, StoreError> {
    query.row(FIND, &[id.as_str().into()])?.as_ref().map(read).transpose()
}

/// The open tasks of a person in a body, the most urgent first.
///
/// # Errors
/// Those of the database.
pub fn open_of(
    query: &mut impl Query,
    account: &AccountId,
    body: &IpaCode,
    limit: i64,
) -> Result<Vec<Task>, StoreError> {
    let rows = query.rows(OPEN_OF, &[account.as_str().into(), body.as_str().into(), limit.into()])?;
    rows.iter().map(read).collect()
}

/// The causes of the open tasks of a kind, among those that begin so.
///
/// # Errors
/// Those of the database.
pub fn open_causes(
    query: &mut impl Query,
    body: &IpaCode,
    kind: &str,
    beginning: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = query.rows(OPEN_CAUSES, &[body.as_str().into(), kind.into()])?;
    let all: Result<Vec<String>, StoreError> =
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect();
    Ok(all?.into_iter().filter(|once| once.starts_with(beginning)).collect())
}

/// Remembers that a person has opened a thing.
///
/// # Errors
/// Those of the database.
pub fn see(tx: &mut Tx, account: &AccountId, object: &str) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.put(SEE, &[account.as_str().into(), object.into(), at.into()])
}

fn read(row: &Row) -> Result<Task, StoreError> {
    Ok(Task {
        id: row.parse(0)?,
        body: row.parse(1)?,
        unit: row.opt_parse(2)?,
        account: row.opt_parse(3)?,
        kind: row.text(4)?.to_owned(),
        about: row.text(5)?.to_owned(),
        href: row.text(6)?.to_owned(),
        proposal: row.opt_text(7)?.map(str::to_owned),
        case: row.opt_parse(8)?,
        due_on: row.opt_parse(9)?,
        created_at: row.int(10)?,
        done_at: row.opt_int(11)?,
    })
}

fn log(
    tx: &mut Tx,
    body: &IpaCode,
    actor: &str,
    verb: &str,
    subject: &str,
    case: Option<&CaseId>,
) -> Result<(), StoreError> {
    let case = case.map(CaseId::as_str);
    let entry =
        Entry { body, actor, on_behalf_of: None, verb, subject, case, norm: None, state: subject.as_bytes() };
    journal::append(tx, entry).map(|_| ())
}
