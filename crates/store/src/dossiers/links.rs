//! What ties dossiers to offices, persons and other bodies: assignments, named readers, sharings.
//!
//! None of these rows is ever erased (a named reader apart, whose removal the timeline tells): they end.

use super::happened;
use crate::timeline::Doer;
use crate::{Query, Row, StoreError, Tx};
use domain::body::IpaCode;
use domain::ids::{AccountId, AssignmentId, DossierId, UnitId};
use domain::register::AssignmentKind;

const ASSIGN: &str = "insert into dossier_assignments (id, dossier_id, kind, unit_id, account, assigned_by, \
    assigned_at, note) values ($1, $2, $3, $4, $5, $6, $7, $8)";
const TAKE: &str = "update dossier_assignments set taken_by = $2, taken_at = $3 \
    where id = $1 and taken_at is null and ended_at is null";
const END: &str = "update dossier_assignments set ended_by = $2, ended_at = $3, end_reason = $4 \
    where id = $1 and ended_at is null";
const ONE: &str = "select a.id, a.dossier_id, a.kind, a.unit_id, u.name, a.account, a.assigned_at, a.note, \
    a.taken_at, a.ended_at, a.end_reason from dossier_assignments a left join units u on u.id = a.unit_id \
    where a.id = $1";
const ALL: &str = "select a.id, a.dossier_id, a.kind, a.unit_id, u.name, a.account, a.assigned_at, a.note, \
    a.taken_at, a.ended_at, a.end_reason from dossier_assignments a left join units u on u.id = a.unit_id \
    where a.dossier_id = $1 order by a.assigned_at desc, a.id desc";
const ADD_READER: &str = "insert into dossier_readers (dossier_id, account, name, added_by, added_at) \
    values ($1, $2, $3, $4, $5) on conflict (dossier_id, account) do nothing";
const REMOVE_READER: &str = "delete from dossier_readers where dossier_id = $1 and account = $2";
const READERS: &str =
    "select account, name, added_at from dossier_readers where dossier_id = $1 order by name";
const SHARED_BEFORE: &str = "select count(*), cast(coalesce(sum(case when ended_at is null then 1 else 0 end), 0) as bigint) \
    from dossier_shares where dossier_id = $1 and with_body = $2";
const SHARE: &str = "insert into dossier_shares (dossier_id, with_body, position, reason, shared_by, shared_at) \
    values ($1, $2, $3, $4, $5, $6)";
const END_SHARE: &str = "update dossier_shares set ended_by = $3, ended_at = $4 \
    where dossier_id = $1 and with_body = $2 and ended_at is null";
const SHARES: &str = "select with_body, reason, shared_at, ended_at from dossier_shares where dossier_id = $1 \
    order by shared_at desc";

/// A new assignment.
#[derive(Debug, Clone, Copy)]
pub struct NewLink<'a> {
    /// Minted by the caller.
    pub id: &'a AssignmentId,
    /// To act or to know.
    pub kind: AssignmentKind,
    /// Office.
    pub unit: Option<&'a UnitId>,
    /// Person.
    pub account: Option<&'a AccountId>,
    /// A word for the assignee.
    pub note: Option<&'a str>,
}

/// An assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// Which.
    pub id: AssignmentId,
    /// Of which dossier.
    pub dossier: DossierId,
    /// To act or to know.
    pub kind: AssignmentKind,
    /// Office.
    pub unit: Option<UnitId>,
    /// Name of the office.
    pub unit_name: Option<String>,
    /// Person.
    pub account: Option<AccountId>,
    /// When, UTC microseconds.
    pub at: i64,
    /// A word for the assignee.
    pub note: Option<String>,
    /// When it was taken charge of.
    pub taken_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Why it ended.
    pub end_reason: Option<String>,
}

/// A named reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Account.
    pub account: AccountId,
    /// Name, as it was.
    pub name: String,
    /// Since when, UTC microseconds.
    pub at: i64,
}

/// A sharing with another body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The other body.
    pub with: IpaCode,
    /// Why.
    pub reason: String,
    /// When, UTC microseconds.
    pub at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
}

/// Gives a dossier to an office or person.
///
/// # Errors
/// Those of the database.
pub fn assign(tx: &mut Tx, id: &DossierId, new: NewLink<'_>, doer: Doer<'_>) -> Result<(), StoreError> {
    let at = tx.stamp();
    let (unit, account) = (new.unit.map(UnitId::as_str), new.account.map(AccountId::as_str));
    tx.execute(
        ASSIGN,
        &[
            new.id.as_str().into(),
            id.as_str().into(),
            new.kind.name().into(),
            unit.into(),
            account.into(),
            doer.account.into(),
            at.into(),
            new.note.into(),
        ],
    )?;
    happened(tx, id, doer, "dossier.assign", unit.or(account), new.note)
}

/// The assignee accepts; false when it is over or was taken already.
///
/// # Errors
/// Those of the database.
pub fn take_charge(tx: &mut Tx, assignment: &Assigned, doer: Doer<'_>) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let holder = doer.on_behalf_of.unwrap_or(doer.account);
    if tx.execute(TAKE, &[assignment.id.as_str().into(), holder.into(), at.into()])? == 0 {
        return Ok(false);
    }
    happened(tx, &assignment.dossier, doer, "dossier.take-charge", None, None)?;
    Ok(true)
}

/// Ends an assignment: sent back, moved on or done; false when it was over.
///
/// # Errors
/// Those of the database.
pub fn end_assignment(
    tx: &mut Tx,
    assignment: &Assigned,
    reason: &str,
    doer: Doer<'_>,
) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let params = [assignment.id.as_str().into(), doer.account.into(), at.into(), reason.into()];
    if tx.execute(END, &params)? == 0 {
        return Ok(false);
    }
    happened(tx, &assignment.dossier, doer, "dossier.send-back", None, Some(reason))?;
    Ok(true)
}

/// One assignment.
///
/// # Errors
/// Those of the database.
pub fn assignment(query: &mut impl Query, id: &AssignmentId) -> Result<Option<Assigned>, StoreError> {
    query.row(ONE, &[id.as_str().into()])?.as_ref().map(read_assigned).transpose()
}

/// Every assignment of a dossier, also those that ended, newest first.
///
/// # Errors
/// Those of the database.
pub fn assignments(query: &mut impl Query, id: &DossierId) -> Result<Vec<Assigned>, StoreError> {
    query.rows(ALL, &[id.as_str().into()])?.iter().map(read_assigned).collect()
}

fn read_assigned(row: &Row) -> Result<Assigned, StoreError> {
    Ok(Assigned {
        id: row.parse(0)?,
        dossier: row.parse(1)?,
        kind: AssignmentKind::parse(row.text(2)?)
            .map_err(|_| StoreError::Shape("kind of assignment".into()))?,
        unit: row.opt_parse(3)?,
        unit_name: row.opt_text(4)?.map(str::to_owned),
        account: row.opt_parse(5)?,
        at: row.int(6)?,
        note: row.opt_text(7)?.map(str::to_owned),
        taken_at: row.opt_int(8)?,
        ended_at: row.opt_int(9)?,
        end_reason: row.opt_text(10)?.map(str::to_owned),
    })
}

/// Names a person who may see what is confidential.
///
/// # Errors
/// Those of the database.
pub fn add_reader(
    tx: &mut Tx,
    id: &DossierId,
    account: &AccountId,
    name: &str,
    doer: Doer<'_>,
) -> Result<(), StoreError> {
    let at = tx.stamp();
    let params = [id.as_str().into(), account.as_str().into(), name.into(), doer.account.into(), at.into()];
    tx.execute(ADD_READER, &params)?;
    happened(tx, id, doer, "dossier.add-reader", Some(name), None)
}

/// Takes a named person off the list; false when the name was not on it.
///
/// # Errors
/// Those of the database.
pub fn remove_reader(
    tx: &mut Tx,
    id: &DossierId,
    account: &AccountId,
    doer: Doer<'_>,
) -> Result<bool, StoreError> {
    if tx.execute(REMOVE_READER, &[id.as_str().into(), account.as_str().into()])? == 0 {
        return Ok(false);
    }
    happened(tx, id, doer, "dossier.remove-reader", Some(account.as_str()), None)?;
    Ok(true)
}

/// The named persons.
///
/// # Errors
/// Those of the database.
pub fn readers(query: &mut impl Query, id: &DossierId) -> Result<Vec<Reader>, StoreError> {
    let rows = query.rows(READERS, &[id.as_str().into()])?;
    rows.iter()
        .map(|row| Ok(Reader { account: row.parse(0)?, name: row.text(1)?.to_owned(), at: row.int(2)? }))
        .collect()
}

/// Shares a dossier with another body; false when it is shared already.
///
/// # Errors
/// Those of the database.
pub fn share(
    tx: &mut Tx,
    id: &DossierId,
    with: &IpaCode,
    reason: &str,
    doer: Doer<'_>,
) -> Result<bool, StoreError> {
    let before = tx.row(SHARED_BEFORE, &[id.as_str().into(), with.as_str().into()])?;
    let (position, live) =
        before.map_or(Ok((0, 0)), |row| Ok::<_, StoreError>((row.int(0)?, row.int(1)?)))?;
    if live > 0 {
        return Ok(false);
    }
    let at = tx.stamp();
    tx.execute(
        SHARE,
        &[
            id.as_str().into(),
            with.as_str().into(),
            position.into(),
            reason.into(),
            doer.account.into(),
            at.into(),
        ],
    )?;
    happened(tx, id, doer, "dossier.share", Some(with.as_str()), Some(reason))?;
    Ok(true)
}

/// Ends a sharing; false when there was none.
///
/// # Errors
/// Those of the database.
pub fn end_share(tx: &mut Tx, id: &DossierId, with: &IpaCode, doer: Doer<'_>) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let params = [id.as_str().into(), with.as_str().into(), doer.account.into(), at.into()];
    if tx.execute(END_SHARE, &params)? == 0 {
        return Ok(false);
    }
    happened(tx, id, doer, "dossier.end-share", Some(with.as_str()), None)?;
    Ok(true)
}

/// Every sharing of a dossier, newest first.
///
/// # Errors
/// Those of the database.
pub fn shares(query: &mut impl Query, id: &DossierId) -> Result<Vec<Share>, StoreError> {
    let rows = query.rows(SHARES, &[id.as_str().into()])?;
    rows.iter()
        .map(|row| {
            Ok(Share {
                with: row.parse(0)?,
                reason: row.text(1)?.to_owned(),
                at: row.int(2)?,
                ended_at: row.opt_int(3)?,
            })
        })
        .collect()
}
