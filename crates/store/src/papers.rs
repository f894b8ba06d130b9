//! Papers about an entry that were made at the first request and are kept.

use domain::body::IpaCode;
use domain::ids::RegistrationId;

use crate::{Query, StoreError, Tx, blobs};

const INSERT: &str = "insert into papers (registration_id, kind, sha256, made_at) values ($1, $2, $3, $4) \
    on conflict (registration_id, kind) do nothing";
const FIND: &str = "select sha256 from papers where registration_id = $1 and kind = $2";

/// Keeps a paper whose bytes are already in the blobs of the body. A paper kept
/// before stays as it is; the answer is the fingerprint of the one that is kept.
///
/// # Errors
/// Those of the database.
pub fn keep(
    tx: &mut Tx,
    body: &IpaCode,
    id: &RegistrationId,
    kind: &str,
    sha256: &str,
) -> Result<String, StoreError> {
    let at = tx.stamp();
    let inserted = tx.execute(INSERT, &[id.as_str().into(), kind.into(), sha256.into(), at.into()])?;
    if inserted == 1 {
        blobs::hold(tx, body, sha256, &format!("{kind} {id}"))?;
        return Ok(sha256.to_owned());
    }
    find(tx, id, kind)?.ok_or_else(|| StoreError::Shape("a kept paper is there".into()))
}

/// The fingerprint of a kept paper.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, id: &RegistrationId, kind: &str) -> Result<Option<String>, StoreError> {
    let row = query.row(FIND, &[id.as_str().into(), kind.into()])?;
    row.map(|row| Ok(row.text(0)?.to_owned())).transpose()
}
