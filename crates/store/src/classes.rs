//! The classification scheme of each body.
//!
//! A scheme is replaced whole; classes that leave it stay readable, because documents keep the class they had.

use crate::journal::{self, Entry};
use crate::{Query, StoreError, Tx};
use domain::body::IpaCode;
use domain::scheme::{Class, Scheme};
use std::cmp::Reverse;
use std::collections::BTreeMap;

const RETIRE: &str = "update classes set active = 0 where body = $1";
const PUT: &str = "insert into classes (body, code, name, position, active) values ($1, $2, $3, $4, 1) \
    on conflict (body, code) do update set name = excluded.name, position = excluded.position, active = 1";
const ALL: &str = "select code, name from classes where body = $1 and active = 1 order by position";
const NAME: &str = "select name from classes where body = $1 and code = $2";

/// Replaces the scheme of a body by another, already checked.
///
/// # Errors
/// Those of the database.
pub fn replace(tx: &mut Tx, body: &IpaCode, scheme: &Scheme, by: &str) -> Result<(), StoreError> {
    tx.put(RETIRE, &[body.as_str().into()])?;
    for (position, class) in scheme.classes.iter().enumerate() {
        let params = [
            body.as_str().into(),
            class.code.as_str().into(),
            class.name.as_str().into(),
            (position as i64).into(),
        ];
        tx.put(PUT, &params)?;
    }
    let state: String =
        scheme.classes.iter().map(|class| format!("{}\t{}\n", class.code, class.name)).collect();
    let entry = Entry {
        body,
        actor: by,
        on_behalf_of: None,
        verb: "scheme.replace",
        subject: "scheme",
        case: None,
        norm: None,
        state: state.as_bytes(),
    };
    journal::append(tx, entry).map(|_| ())
}

/// The scheme in force, in its order; empty when none was imported.
///
/// # Errors
/// Those of the database.
pub fn scheme(query: &mut impl Query, body: &IpaCode) -> Result<Scheme, StoreError> {
    let rows = query.rows(ALL, &[body.as_str().into()])?;
    let class = |row: &crate::Row| Ok(Class { code: row.text(0)?.to_owned(), name: row.text(1)?.to_owned() });
    Ok(Scheme { classes: rows.iter().map(class).collect::<Result<_, StoreError>>()? })
}

/// Whether entries may bear a class: it is in the scheme of the body, or the body has no scheme yet.
///
/// # Errors
/// Those of the database.
pub fn admits(query: &mut impl Query, body: &IpaCode, code: &str) -> Result<bool, StoreError> {
    const ANY: &str = "select 1 from classes where body = $1 limit 1";
    Ok(name(query, body, code)?.is_some() || query.row(ANY, &[body.as_str().into()])?.is_none())
}

/// The classes that the entries named bear, the commonest first, with how many bear each.
///
/// # Errors
/// Those of the database.
pub fn used_by(
    query: &mut impl Query,
    body: &IpaCode,
    entries: &[String],
) -> Result<Vec<(String, i64)>, StoreError> {
    const CLASS: &str = "select classification from registrations where id = $1 and body = $2 \
        and confidential = 0 and classification is not null";
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for id in entries {
        if let Some(row) = query.row(CLASS, &[id.as_str().into(), body.as_str().into()])? {
            *counts.entry(row.text(0)?.to_owned()).or_default() += 1;
        }
    }
    let mut counts: Vec<(String, i64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    Ok(counts)
}

/// The name of a class, also of one no longer in force.
///
/// # Errors
/// Those of the database.
pub fn name(query: &mut impl Query, body: &IpaCode, code: &str) -> Result<Option<String>, StoreError> {
    let row = query.row(NAME, &[body.as_str().into(), code.into()])?;
    row.map(|row| row.text(0).map(str::to_owned)).transpose()
}
