//! Keys of idempotent requests: claimed in the transaction of what they ask for, so that the work and the memory
//! of it stand or fall together. A repetition finds the answer of the first time.

use crate::{Query, StoreError, Tx};
use sha2::{Digest, Sha256};

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Not seen before: now it stands for the answer given.
    New,
    /// The same request came before; its answer.
    Same(String),
    /// The key was used for another request.
    Other,
}

/// Claims a key of an account for a request, told by any stable form of it, and its answer (an id).
///
/// # Errors
/// Those of the database.
pub fn claim(
    tx: &mut Tx,
    account: &str,
    key: &str,
    request: &str,
    answer: &str,
) -> Result<Claim, StoreError> {
    const FIND: &str = "select digest, answer from idempotency where account = $1 and key = $2";
    const INSERT: &str =
        "insert into idempotency (account, key, digest, answer, at) values ($1, $2, $3, $4, $5)";
    let digest = Sha256::digest(request.as_bytes()).to_vec();
    if let Some(row) = tx.row(FIND, &[account.into(), key.into()])? {
        return Ok(match row.bytes(0)? == digest.as_slice() {
            true => Claim::Same(row.text(1)?.to_owned()),
            false => Claim::Other,
        });
    }
    let at = tx.stamp();
    tx.put(INSERT, &[account.into(), key.into(), digest.into(), answer.into(), at.into()])?;
    Ok(Claim::New)
}

/// Forgets keys claimed before `before` (UTC microseconds). Answers how many.
///
/// # Errors
/// Those of the database.
pub fn forget(tx: &mut Tx, before: i64) -> Result<u64, StoreError> {
    const DELETE: &str = "delete from idempotency where at < $1";
    tx.execute(DELETE, &[before.into()])
}
