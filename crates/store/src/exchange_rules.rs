//! What a body chose about its exchange: whether a message whose segnatura holds in every part is registered by
//! itself. A row only where the body chose; what holds without one is for the caller to say.

use crate::journal::{self, Entry};
use crate::{Query, StoreError, Tx};
use domain::body::IpaCode;

const FIND: &str = "select automatic from exchange_rules where body = $1";
const ALL: &str = "select body, automatic from exchange_rules order by body";
const SET: &str = "insert into exchange_rules (body, automatic, changed_by, changed_at) values ($1, $2, $3, $4) \
    on conflict (body) do update set automatic = excluded.automatic, changed_by = excluded.changed_by, \
    changed_at = excluded.changed_at";
const DROP: &str = "delete from exchange_rules where body = $1";

/// What a body chose about registering by itself, if it chose.
///
/// # Errors
/// Those of the database.
pub fn automatic(query: &mut impl Query, body: &IpaCode) -> Result<Option<bool>, StoreError> {
    query.row(FIND, &[body.as_str().into()])?.map(|row| row.flag(0)).transpose()
}

/// Every body that chose, with its choice.
///
/// # Errors
/// Those of the database.
pub fn all(query: &mut impl Query) -> Result<Vec<(IpaCode, bool)>, StoreError> {
    query.rows(ALL, &[])?.iter().map(|row| Ok((row.parse(0)?, row.flag(1)?))).collect()
}

/// Keeps the choice of a body, or forgets it (`None`), and writes it in the journal.
///
/// # Errors
/// Those of the database.
pub fn choose(tx: &mut Tx, body: &IpaCode, automatic: Option<bool>, by: &str) -> Result<(), StoreError> {
    let at = tx.stamp();
    match automatic {
        Some(choice) => tx.put(SET, &[body.as_str().into(), choice.into(), by.into(), at.into()])?,
        None => tx.put(DROP, &[body.as_str().into()])?,
    }
    let state: &[u8] = match automatic {
        Some(true) => b"automatic",
        Some(false) => b"by hand",
        None => b"configuration",
    };
    let entry = Entry {
        body,
        actor: by,
        on_behalf_of: None,
        verb: "exchange.rule.set",
        subject: body.as_str(),
        case: None,
        norm: None,
        state,
    };
    journal::append(tx, entry).map(drop)
}
