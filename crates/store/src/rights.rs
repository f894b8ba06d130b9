//! Requested changes of people's rights: asked by one person, decided by another; the rows are their history.

use crate::{Query, Row, StoreError, Tx};
use domain::body::IpaCode;
use domain::ids::{AccountId, RightsChangeId};

const INSERT: &str = "insert into rights_changes (id, body, account, kind, detail, asked_by, asked_at, state) \
    values ($1, $2, $3, $4, $5, $6, $7, 'pending')";
const FIND: &str = "select id, body, account, kind, detail, asked_by, asked_at, state, decided_by, decided_at \
    from rights_changes where id = $1 and body = $2";
const OF_BODY: &str = "select id, body, account, kind, detail, asked_by, asked_at, state, decided_by, \
    decided_at from rights_changes where body = $1 order by case state when 'pending' then 0 else 1 end, \
    asked_at desc, id limit $2";
const DECIDE: &str = "update rights_changes set state = $2, decided_by = $3, decided_at = $4 \
    where id = $1 and state = 'pending' and asked_by <> $3";

/// A requested change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsChange {
    /// Which.
    pub id: RightsChangeId,
    /// In which body.
    pub body: IpaCode,
    /// Whose rights.
    pub account: AccountId,
    /// `grant`, `move`, `suspend`, `restore`, `remove` or `recover`.
    pub kind: String,
    /// What exactly, JSON.
    pub detail: String,
    /// Who asked.
    pub asked_by: String,
    /// When, UTC microseconds.
    pub asked_at: i64,
    /// `pending`, `approved` or `refused`.
    pub state: String,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When, UTC microseconds.
    pub decided_at: Option<i64>,
}

/// Records a request; its state is `pending` whatever the value says.
///
/// # Errors
/// Those of the database.
pub fn insert(tx: &mut Tx, change: &RightsChange) -> Result<(), StoreError> {
    tx.put(
        INSERT,
        &[
            change.id.as_str().into(),
            change.body.as_str().into(),
            change.account.as_str().into(),
            change.kind.as_str().into(),
            change.detail.as_str().into(),
            change.asked_by.as_str().into(),
            change.asked_at.into(),
        ],
    )
}

/// One request of a body.
///
/// # Errors
/// Those of the database.
pub fn find(
    query: &mut impl Query,
    id: &RightsChangeId,
    body: &IpaCode,
) -> Result<Option<RightsChange>, StoreError> {
    query.row(FIND, &[id.as_str().into(), body.as_str().into()])?.as_ref().map(read).transpose()
}

/// The requests of a body: those that wait first, then the newest.
///
/// # Errors
/// Those of the database.
pub fn of_body(query: &mut impl Query, body: &IpaCode, limit: i64) -> Result<Vec<RightsChange>, StoreError> {
    query.rows(OF_BODY, &[body.as_str().into(), limit.into()])?.iter().map(read).collect()
}

/// Decides a request; false when it was decided before, or by the person who asked.
///
/// # Errors
/// Those of the database.
pub fn decide(tx: &mut Tx, id: &RightsChangeId, approved: bool, by: &str) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let state = if approved { "approved" } else { "refused" };
    Ok(tx.execute(DECIDE, &[id.as_str().into(), state.into(), by.into(), at.into()])? == 1)
}

fn read(row: &Row) -> Result<RightsChange, StoreError> {
    Ok(RightsChange {
        id: row.parse(0)?,
        body: row.parse(1)?,
        account: row.parse(2)?,
        kind: row.text(3)?.to_owned(),
        detail: row.text(4)?.to_owned(),
        asked_by: row.text(5)?.to_owned(),
        asked_at: row.int(6)?,
        state: row.text(7)?.to_owned(),
        decided_by: row.opt_text(8)?.map(str::to_owned),
        decided_at: row.opt_int(9)?,
    })
}
