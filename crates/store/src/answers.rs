//! Answers kept for requests that may be repeated (`Idempotency-Key`).
//!
//! The claim is written by the same transaction that does the work: either both are durable or neither. The
//! answer is added afterwards; a claim without an answer means that the work was done and its answer lost.

use crate::{Query, StoreError, Tx};

const CLAIM: &str = "insert into answers (account, key, route, claimed_at) values ($1, $2, $3, $4)";
const FIND: &str = "select fingerprint, status, headers, answer from answers \
    where account = $1 and key = $2 and route = $3";
const ANSWER: &str = "insert into answers (account, key, route, claimed_at, fingerprint, status, headers, \
    answer) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (account, key, route) do update set \
    fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers, \
    answer = excluded.answer";
const FORGET: &str = "delete from answers where claimed_at < $1";

/// Whose request, under which key, to which route (method and path).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Account that asked.
    pub account: String,
    /// The key it chose.
    pub key: String,
    /// Method and path.
    pub route: String,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Digest of what was asked.
    pub fingerprint: Vec<u8>,
    /// HTTP status.
    pub status: i64,
    /// Headers worth repeating, JSON.
    pub headers: String,
    /// Body.
    pub body: Vec<u8>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: do the work.
    Unknown,
    /// The work was done and its answer lost.
    Claimed,
    /// Answered.
    Answered(Answer),
}

/// Claims a key inside the transaction that does the work.
///
/// # Errors
/// `Constraint` when it is claimed already; those of the database.
pub fn claim(tx: &mut Tx, key: &Key) -> Result<(), StoreError> {
    let at = tx.stamp();
    let params = [key.account.as_str().into(), key.key.as_str().into(), key.route.as_str().into(), at.into()];
    tx.execute(CLAIM, &params).map(|_| ())
}

/// What is known of a key.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, key: &Key) -> Result<Known, StoreError> {
    let params = [key.account.as_str().into(), key.key.as_str().into(), key.route.as_str().into()];
    let Some(row) = query.row(FIND, &params)? else { return Ok(Known::Unknown) };
    let Some(status) = row.opt_int(1)? else { return Ok(Known::Claimed) };
    Ok(Known::Answered(Answer {
        fingerprint: row.bytes(0)?.to_vec(),
        status,
        headers: row.text(2)?.to_owned(),
        body: row.bytes(3)?.to_vec(),
    }))
}

/// Adds the answer to a key.
///
/// # Errors
/// Those of the database.
pub fn answer(tx: &mut Tx, key: &Key, answer: &Answer) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.put(
        ANSWER,
        &[
            key.account.as_str().into(),
            key.key.as_str().into(),
            key.route.as_str().into(),
            at.into(),
            answer.fingerprint.as_slice().into(),
            answer.status.into(),
            answer.headers.as_str().into(),
            answer.body.as_slice().into(),
        ],
    )
}

/// Forgets keys claimed before `before`, UTC microseconds.
///
/// # Errors
/// Those of the database.
pub fn forget(tx: &mut Tx, before: i64) -> Result<u64, StoreError> {
    tx.execute(FORGET, &[before.into()])
}
