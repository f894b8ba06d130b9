//! Saved views: a name for a set of filters of the register, kept by a person or shared with an office.

use crate::{Query, StoreError, Tx};
use domain::body::IpaCode;
use domain::ids::{AccountId, UnitId, ViewId};

/// Most views of one person.
pub const VIEWS_MAX: i64 = 50;

/// A saved view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Which.
    pub id: ViewId,
    /// Whose.
    pub account: String,
    /// Office it is shared with, if any.
    pub unit: Option<UnitId>,
    /// Its name.
    pub name: String,
    /// The filters as a query string.
    pub query: String,
}

/// Saves a view. Answers false when the person has [`VIEWS_MAX`] already.
///
/// # Errors
/// Those of the database.
pub fn insert(tx: &mut Tx, body: &IpaCode, view: &SavedView) -> Result<bool, StoreError> {
    const COUNT: &str = "select count(*) from saved_views where body = $1 and account = $2";
    const INSERT: &str = "insert into saved_views (id, body, account, unit_id, name, query, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7)";
    let at = tx.stamp();
    let count = tx.row(COUNT, &[body.as_str().into(), view.account.as_str().into()])?;
    if count.map_or(Ok(0), |row| row.int(0))? >= VIEWS_MAX {
        return Ok(false);
    }
    tx.put(
        INSERT,
        &[
            view.id.as_str().into(),
            body.as_str().into(),
            view.account.as_str().into(),
            view.unit.as_ref().map(UnitId::as_str).into(),
            view.name.as_str().into(),
            view.query.as_str().into(),
            at.into(),
        ],
    )?;
    Ok(true)
}

/// The views of a person and those shared with the person's office, by name.
///
/// # Errors
/// Those of the database.
pub fn of(
    query: &mut impl Query,
    body: &IpaCode,
    account: &AccountId,
    unit: Option<&UnitId>,
) -> Result<Vec<SavedView>, StoreError> {
    const ALL: &str = "select id, account, unit_id, name, query from saved_views \
        where body = $1 and (account = $2 or unit_id = $3) order by name, id";
    let unit = unit.map_or("", UnitId::as_str);
    let rows = query.rows(ALL, &[body.as_str().into(), account.as_str().into(), unit.into()])?;
    rows.iter()
        .map(|row| {
            Ok(SavedView {
                id: row.parse(0)?,
                account: row.text(1)?.to_owned(),
                unit: row.opt_parse(2)?,
                name: row.text(3)?.to_owned(),
                query: row.text(4)?.to_owned(),
            })
        })
        .collect()
}

/// Removes a view of a person. Answers false when it is not there.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx, body: &IpaCode, account: &AccountId, id: &ViewId) -> Result<bool, StoreError> {
    const DELETE: &str = "delete from saved_views where id = $1 and body = $2 and account = $3";
    Ok(tx.execute(DELETE, &[id.as_str().into(), body.as_str().into(), account.as_str().into()])? > 0)
}
