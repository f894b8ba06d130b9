//! The seal of each body: its key material, or the way to the token that holds it, encrypted under the body's data
//! key; and what the certificate watch needs to know in clear.

use domain::body::IpaCode;
use zeroize::Zeroizing;

use crate::journal::{self, Entry};
use crate::{Query, Row, Store, StoreError, Tx, vault};

/// Binds the ciphertext to this column.
const PURPOSE: &str = "seals.sealed";

const SAVE: &str = "insert into seals (body, sealed, subject, not_after, installed_at, installed_by) \
    values ($1, $2, $3, $4, $5, $6) on conflict (body) do update set sealed = excluded.sealed, \
    subject = excluded.subject, not_after = excluded.not_after, installed_at = excluded.installed_at, \
    installed_by = excluded.installed_by";
const MATERIAL: &str = "select sealed from seals where body = $1";
const ALL: &str = "select body, subject, not_after, installed_at from seals order by not_after, body";

/// What is known of a seal without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Body.
    pub body: IpaCode,
    /// Subject of the certificate.
    pub subject: String,
    /// End of validity, UTC microseconds.
    pub not_after: i64,
    /// When it was installed, UTC microseconds.
    pub installed_at: i64,
}

/// Installs the seal of a body in place of an earlier one.
///
/// # Errors
/// Those of the keys at rest and of the database.
pub fn save(tx: &mut Tx, seal: &Seal, material: &[u8], by: &str) -> Result<(), StoreError> {
    let sealed = vault::seal_secret(tx, &seal.body, PURPOSE, material)?;
    tx.put(
        SAVE,
        &[
            seal.body.as_str().into(),
            sealed.into(),
            seal.subject.as_str().into(),
            seal.not_after.into(),
            seal.installed_at.into(),
            by.into(),
        ],
    )?;
    journal::append(
        tx,
        Entry {
            body: &seal.body,
            actor: by,
            on_behalf_of: None,
            verb: "seal.install",
            subject: "seal",
            case: None,
            norm: None,
            state: format!("{}\n{}", seal.subject, seal.not_after).as_bytes(),
        },
    )?;
    Ok(())
}

/// The material of a body's seal.
///
/// # Errors
/// Those of the keys at rest and of the database.
pub fn material(
    query: &mut impl Query,
    store: &Store,
    body: &IpaCode,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(row) = query.row(MATERIAL, &[body.as_str().into()])? else { return Ok(None) };
    vault::open_secret(query, store, body, PURPOSE, row.bytes(0)?).map(Some)
}

/// Every seal, the one that expires first in front.
///
/// # Errors
/// Those of the database.
pub fn all(query: &mut impl Query) -> Result<Vec<Seal>, StoreError> {
    query.rows(ALL, &[])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Seal, StoreError> {
    Ok(Seal {
        body: row.parse(0)?,
        subject: row.text(1)?.to_owned(),
        not_after: row.int(2)?,
        installed_at: row.int(3)?,
    })
}
