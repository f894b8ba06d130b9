//! The journal: one append-only, hash-chained list of changes per body.
//!
//! An entry says who did what to which object, when and under which norm, with
//! a salted digest of the new state; never personal text. Each leaf is
//! `SHA-256(0x00 ‖ canonical bytes)`, the leaf hash of RFC 6962, and the
//! canonical bytes contain the previous leaf hash: a Merkle log over the
//! leaves 0, 1, 2 … of a body can be built later without changing a row.

use domain::body::IpaCode;
use sha2::{Digest, Sha256};

use crate::{Query, Row, StoreError, Tx, Value};

/// First byte of the canonical form: a new layout takes a new number.
const LAYOUT: u8 = 1;
/// RFC 6962 §2.1: leaves and inner nodes are hashed with different prefixes.
const LEAF_PREFIX: u8 = 0x00;
/// Rows read at a time when a chain is verified.
const PAGE: i64 = 5_000;

const HEAD: &str = "select leaf, leaf_hash from journal where body = $1 order by leaf desc limit 1";
const INSERT: &str = "insert into journal \
    (body, leaf, at, actor, on_behalf_of, verb, subject, case_id, norm, state_digest, leaf_hash) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const INSERT_SALT: &str = "insert into journal_salts (body, leaf, salt) values ($1, $2, $3)";
const FIELDS_FROM: &str = "select leaf, at, actor, on_behalf_of, verb, subject, case_id, norm, state_digest, \
    leaf_hash from journal where body = $1 and leaf >= $2 order by leaf limit $3";
const OF_SUBJECT: &str = "select leaf, at, actor, on_behalf_of, verb, subject, case_id, norm, state_digest, \
    leaf_hash from journal where body = $1 and subject = $2 order by leaf";

/// One change, as told by whoever makes it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The body in whose chain it stands.
    pub body: &'a IpaCode,
    /// Account that acts, or the name of a worker.
    pub actor: &'a str,
    /// Account for whom it acts, when another's; absent: that of the closure ([`Tx::act_for`]), if any.
    pub on_behalf_of: Option<&'a str>,
    /// What was done, e.g. `registration.create`.
    pub verb: &'a str,
    /// To what: an id, or kind and code.
    pub subject: &'a str,
    /// The case it belongs to.
    pub case: Option<&'a str>,
    /// The norm it rests on.
    pub norm: Option<&'a str>,
    /// The new state in any stable form; only its salted digest is kept.
    pub state: &'a [u8],
}

/// One entry as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Position in the chain of the body, from 0.
    pub index: i64,
    /// When, UTC microseconds.
    pub at: i64,
    /// Account that acted, or the name of a worker.
    pub actor: String,
    /// Account for whom it acted.
    pub on_behalf_of: Option<String>,
    /// What was done.
    pub verb: String,
    /// To what.
    pub subject: String,
    /// The case.
    pub case: Option<String>,
    /// The norm.
    pub norm: Option<String>,
    /// Salted digest of the new state.
    pub state_digest: Vec<u8>,
    /// RFC 6962 leaf hash; covers the leaf before it.
    pub hash: Vec<u8>,
}

/// Outcome of the verification of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many entries were checked.
    pub entries: i64,
    /// Hash of the last one; empty when there is none.
    pub head: Vec<u8>,
}

/// Appends an entry at the end of the chain of its body, at the time of the
/// write ([`Tx::stamp`]). Answers its index.
///
/// # Errors
/// Those of the database; `Io` when the system gives no random bytes.
pub fn append(tx: &mut Tx, entry: Entry<'_>) -> Result<i64, StoreError> {
    let at = tx.stamp();
    let (index, previous) = match last_leaf(tx, entry.body)? {
        Some((last, hash)) => (last + 1, hash),
        None => (0, Vec::new()),
    };
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|error| StoreError::Io(error.to_string()))?;
    let state_digest = Sha256::new().chain_update(salt).chain_update(entry.state).finalize();
    let mut leaf = Leaf {
        index,
        at,
        actor: entry.actor.to_owned(),
        on_behalf_of: entry.on_behalf_of.map(str::to_owned).or_else(|| tx.for_whom.clone()),
        verb: entry.verb.to_owned(),
        subject: entry.subject.to_owned(),
        case: entry.case.map(str::to_owned),
        norm: entry.norm.map(str::to_owned),
        state_digest: state_digest.to_vec(),
        hash: Vec::new(),
    };
    leaf.hash = leaf_hash(entry.body, &leaf, &previous);
    tx.put(INSERT, &columns(entry.body, &leaf))?;
    tx.put(INSERT_SALT, &[entry.body.as_str().into(), index.into(), salt.into()])?;
    tx.memory.heads.insert(entry.body.to_string(), (index, leaf.hash));
    Ok(index)
}

/// Index and hash of the last leaf of a body.
fn last_leaf(tx: &mut Tx, body: &IpaCode) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    if let Some(known) = tx.memory.heads.remove(body.as_str()) {
        return Ok(Some(known));
    }
    let row = tx.row(HEAD, &[body.as_str().into()])?;
    row.map(|row| Ok((row.int(0)?, row.bytes(1)?.to_vec()))).transpose()
}

/// The entries about one subject, oldest first.
///
/// # Errors
/// Those of the database.
pub fn of_subject(query: &mut impl Query, body: &IpaCode, subject: &str) -> Result<Vec<Leaf>, StoreError> {
    let rows = query.rows(OF_SUBJECT, &[body.as_str().into(), subject.into()])?;
    rows.iter().map(read).collect()
}

/// At most `limit` entries of a body from index `from` on, oldest first.
///
/// # Errors
/// Those of the database.
pub fn page(query: &mut impl Query, body: &IpaCode, from: i64, limit: i64) -> Result<Vec<Leaf>, StoreError> {
    let params = [body.as_str().into(), from.into(), limit.into()];
    query.rows(FIELDS_FROM, &params)?.iter().map(read).collect()
}

/// How many entries the chain of a body has.
///
/// # Errors
/// Those of the database.
pub fn length(query: &mut impl Query, body: &IpaCode) -> Result<i64, StoreError> {
    query.row(HEAD, &[body.as_str().into()])?.map_or(Ok(0), |row| Ok(row.int(0)? + 1))
}

/// Reads the whole chain of a body and recomputes every hash.
///
/// # Errors
/// `Damaged`, naming the leaf, when an index is missing or a hash does not match.
pub fn verify_chain(query: &mut impl Query, body: &IpaCode) -> Result<Verified, StoreError> {
    let mut expected = 0;
    let mut head = Vec::new();
    loop {
        let leaves = page(query, body, expected, PAGE)?;
        if leaves.is_empty() {
            return Ok(Verified { entries: expected, head });
        }
        for leaf in leaves {
            if leaf.index != expected || leaf.hash != leaf_hash(body, &leaf, &head) {
                return Err(StoreError::Damaged(format!(
                    "the journal of {body} does not hold at leaf {expected}"
                )));
            }
            expected += 1;
            head = leaf.hash;
        }
    }
}

fn leaf_hash(body: &IpaCode, leaf: &Leaf, previous: &[u8]) -> Vec<u8> {
    let mut digest = Sha256::new();
    digest.update([LEAF_PREFIX]);
    digest.update(canonical(body, leaf, previous));
    digest.finalize().to_vec()
}

/// Layout byte, index and time as big-endian numbers, then every field with
/// its length before it (absent and empty differ), so that no two entries
/// share a form.
fn canonical(body: &IpaCode, leaf: &Leaf, previous: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(LAYOUT);
    bytes.extend(leaf.index.to_be_bytes());
    bytes.extend(leaf.at.to_be_bytes());
    let fields = [
        Some(body.as_str().as_bytes()),
        Some(previous),
        Some(leaf.actor.as_bytes()),
        leaf.on_behalf_of.as_deref().map(str::as_bytes),
        Some(leaf.verb.as_bytes()),
        Some(leaf.subject.as_bytes()),
        leaf.case.as_deref().map(str::as_bytes),
        leaf.norm.as_deref().map(str::as_bytes),
        Some(leaf.state_digest.as_slice()),
    ];
    for field in fields {
        let length = field.map_or(u32::MAX, |field| field.len() as u32);
        bytes.extend(length.to_be_bytes());
        bytes.extend(field.unwrap_or_default());
    }
    bytes
}

fn columns(body: &IpaCode, leaf: &Leaf) -> [Value; 11] {
    [
        body.as_str().into(),
        leaf.index.into(),
        leaf.at.into(),
        leaf.actor.as_str().into(),
        leaf.on_behalf_of.as_deref().into(),
        leaf.verb.as_str().into(),
        leaf.subject.as_str().into(),
        leaf.case.as_deref().into(),
        leaf.norm.as_deref().into(),
        leaf.state_digest.as_slice().into(),
        leaf.hash.as_slice().into(),
    ]
}

fn read(row: &Row) -> Result<Leaf, StoreError> {
    Ok(Leaf {
        index: row.int(0)?,
        at: row.int(1)?,
        actor: row.text(2)?.to_owned(),
        on_behalf_of: row.opt_text(3)?.map(str::to_owned),
        verb: row.text(4)?.to_owned(),
        subject: row.text(5)?.to_owned(),
        case: row.opt_text(6)?.map(str::to_owned),
        norm: row.opt_text(7)?.map(str::to_owned),
        state_digest: row.bytes(8)?.to_vec(),
        hash: row.bytes(9)?.to_vec(),
    })
}
