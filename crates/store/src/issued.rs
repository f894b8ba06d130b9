//! Papers given out: receipts, sealed acts, daily registers, each with the code printed on it, so that whoever holds
//! one can ask whether it is ours and still stands. No personal data: the code leads to a fingerprint, not to a name.

use domain::body::IpaCode;

use crate::journal::{self, Entry};
use crate::{Query, Row, StoreError, Tx};

const INSERT: &str = "insert into issued_papers (code, body, kind, subject, sha256, issued_at, expires_at) \
    values ($1, $2, $3, $4, $5, $6, $7)";
const SEALED: &str = "update issued_papers set sha256 = $2 where code = $1 and sha256 = ''";
const WITHDRAW: &str = "update issued_papers set withdrawn_at = $2, withdrawn_why = $3 \
    where code = $1 and withdrawn_at is null";
const BY_CODE: &str = "select code, body, kind, subject, sha256, issued_at, expires_at, withdrawn_at \
    from issued_papers where code = $1";
const BY_FINGERPRINT: &str = "select code, body, kind, subject, sha256, issued_at, expires_at, withdrawn_at \
    from issued_papers where sha256 = $1 order by issued_at limit 1";
const ABOUT: &str = "select code, body, kind, subject, sha256, issued_at, expires_at, withdrawn_at \
    from issued_papers where body = $1 and subject = $2 order by issued_at, code";

/// A paper given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The code printed on it.
    pub code: String,
    /// The body that gave it out.
    pub body: IpaCode,
    /// What it is: `receipt`, `act`, `daily-register`, …
    pub kind: String,
    /// What it is about: the id of an entry or dossier.
    pub subject: String,
    /// SHA-256 of its bytes, hexadecimal; empty until it is sealed, because the code is printed inside.
    pub sha256: String,
    /// When, UTC microseconds.
    pub issued_at: i64,
    /// Until when it may be relied upon, if it expires.
    pub expires_at: Option<i64>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<i64>,
}

/// Notes a paper. Its fingerprint may follow with [`sealed`].
///
/// # Errors
/// `Constraint` when the code was used before; those of the database.
pub fn insert(tx: &mut Tx, paper: &Issued, by: &str) -> Result<(), StoreError> {
    tx.put(
        INSERT,
        &[
            paper.code.as_str().into(),
            paper.body.as_str().into(),
            paper.kind.as_str().into(),
            paper.subject.as_str().into(),
            paper.sha256.as_str().into(),
            paper.issued_at.into(),
            paper.expires_at.into(),
        ],
    )?;
    note(tx, &paper.body, "paper.issue", &paper.subject, &format!("{}\n{}", paper.code, paper.sha256), by)
}

/// Adds the fingerprint of a paper once it is sealed; it never changes again.
///
/// # Errors
/// `Constraint` when it had one already; those of the database.
pub fn sealed(tx: &mut Tx, paper: &Issued, sha256: &str, by: &str) -> Result<(), StoreError> {
    if tx.execute(SEALED, &[paper.code.as_str().into(), sha256.into()])? != 1 {
        return Err(StoreError::Shape(format!("paper {} is sealed already", paper.code)));
    }
    note(tx, &paper.body, "paper.seal", &paper.subject, &format!("{}\n{sha256}", paper.code), by)
}

/// Withdraws a paper; what was withdrawn stays so.
///
/// # Errors
/// Those of the database.
pub fn withdraw(tx: &mut Tx, paper: &Issued, at: i64, why: &str, by: &str) -> Result<(), StoreError> {
    tx.execute(WITHDRAW, &[paper.code.as_str().into(), at.into(), why.into()])?;
    note(tx, &paper.body, "paper.withdraw", &paper.subject, &format!("{}\n{why}", paper.code), by)
}

fn note(
    tx: &mut Tx,
    body: &IpaCode,
    verb: &str,
    subject: &str,
    state: &str,
    by: &str,
) -> Result<(), StoreError> {
    let entry = Entry {
        body,
        actor: by,
        on_behalf_of: None,
        verb,
        subject,
        case: None,
        norm: None,
        state: state.as_bytes(),
    };
    journal::append(tx, entry)?;
    Ok(())
}

/// The paper of a code.
///
/// # Errors
/// Those of the database.
pub fn by_code(query: &mut impl Query, code: &str) -> Result<Option<Issued>, StoreError> {
    query.row(BY_CODE, &[code.into()])?.as_ref().map(read).transpose()
}

/// The paper that has these bytes.
///
/// # Errors
/// Those of the database.
pub fn by_fingerprint(query: &mut impl Query, sha256: &str) -> Result<Option<Issued>, StoreError> {
    query.row(BY_FINGERPRINT, &[sha256.into()])?.as_ref().map(read).transpose()
}

/// Every paper of a body about something, oldest first.
///
/// # Errors
/// Those of the database.
pub fn about(query: &mut impl Query, body: &IpaCode, subject: &str) -> Result<Vec<Issued>, StoreError> {
    query.rows(ABOUT, &[body.as_str().into(), subject.into()])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Issued, StoreError> {
    Ok(Issued {
        code: row.text(0)?.to_owned(),
        body: row.parse(1)?,
        kind: row.text(2)?.to_owned(),
        subject: row.text(3)?.to_owned(),
        sha256: row.text(4)?.to_owned(),
        issued_at: row.int(5)?,
        expires_at: row.opt_int(6)?,
        withdrawn_at: row.opt_int(7)?,
    })
}
