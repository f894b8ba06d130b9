//! Drafts: what somebody is still writing, kept so that nothing is lost. Not acts, so they leave no journal; only
//! their author reads them.

use crate::{Query, StoreError, Tx};
use domain::body::IpaCode;
use domain::ids::{AccountId, DraftId};

const SAVE: &str = "insert into drafts (id, body, account, kind, object, content, saved_at) \
    values ($1, $2, $3, $4, $5, $6, $7) on conflict (account, kind, object) \
    do update set content = excluded.content, saved_at = excluded.saved_at";
const FIND: &str =
    "select id, content, saved_at from drafts where account = $1 and kind = $2 and object = $3";
const OF: &str = "select id, kind, object, content, saved_at from drafts where account = $1 and body = $2 \
    order by saved_at desc limit 50";
const DROP: &str = "delete from drafts where account = $1 and kind = $2 and object = $3";

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Which.
    pub id: DraftId,
    /// Of what: `answer`, `registration`.
    pub kind: String,
    /// On which thing; empty for a new one.
    pub object: String,
    /// What was written, as JSON.
    pub content: String,
    /// When it was saved last, UTC microseconds.
    pub saved_at: i64,
}

/// Keeps a draft, in the place of the one before.
///
/// # Errors
/// Those of the database.
pub fn save(
    tx: &mut Tx,
    id: &DraftId,
    body: &IpaCode,
    account: &AccountId,
    (kind, object): (&str, &str),
    content: &str,
) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.put(
        SAVE,
        &[
            id.as_str().into(),
            body.as_str().into(),
            account.as_str().into(),
            kind.into(),
            object.into(),
            content.into(),
            at.into(),
        ],
    )
}

/// The draft of a person on a thing.
///
/// # Errors
/// Those of the database.
pub fn find(
    query: &mut impl Query,
    account: &AccountId,
    kind: &str,
    object: &str,
) -> Result<Option<Draft>, StoreError> {
    let row = query.row(FIND, &[account.as_str().into(), kind.into(), object.into()])?;
    row.map(|row| {
        Ok(Draft {
            id: row.parse(0)?,
            kind: kind.to_owned(),
            object: object.to_owned(),
            content: row.text(1)?.to_owned(),
            saved_at: row.int(2)?,
        })
    })
    .transpose()
}

/// The drafts of a person in a body, newest first.
///
/// # Errors
/// Those of the database.
pub fn of(query: &mut impl Query, account: &AccountId, body: &IpaCode) -> Result<Vec<Draft>, StoreError> {
    let rows = query.rows(OF, &[account.as_str().into(), body.as_str().into()])?;
    rows.iter()
        .map(|row| {
            Ok(Draft {
                id: row.parse(0)?,
                kind: row.text(1)?.to_owned(),
                object: row.text(2)?.to_owned(),
                content: row.text(3)?.to_owned(),
                saved_at: row.int(4)?,
            })
        })
        .collect()
}

/// Throws a draft away: it became an act, or its author gave it up.
///
/// # Errors
/// Those of the database.
pub fn discard(tx: &mut Tx, account: &AccountId, kind: &str, object: &str) -> Result<(), StoreError> {
    tx.put(DROP, &[account.as_str().into(), kind.into(), object.into()])
}
