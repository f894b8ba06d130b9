//! What the check of a document's signatures found, and the times that something outside proves. The facts name
//! signers, so they leave only against a trace.

use domain::body::IpaCode;
use domain::ids::DocumentId;
use domain::register::RegisteredFile;

use crate::journal::{self, Entry};
use crate::trace::Personal;
use crate::{Query, StoreError, Tx, documents};

const SAVE: &str = "insert into verifications (document_id, body, checked_at, verdict, trust, facts) \
    values ($1, $2, $3, $4, $5, $6) on conflict (document_id) do update set \
    checked_at = excluded.checked_at, verdict = excluded.verdict, trust = excluded.trust, facts = excluded.facts";
const FIND: &str = "select checked_at, verdict, trust, facts from verifications where document_id = $1";
const WAITING: &str = "select id, sha256, media_type, size, name, body from documents \
    where signature_state = 'waiting' order by id limit $1";
const CHECKED: &str = "update documents set signature_state = null where id = $1";
const PROVE: &str = "insert into document_proofs (document_id, kind, proven_at) values ($1, $2, $3) \
    on conflict (document_id, kind) do nothing";
const PROOFS: &str = "select kind, proven_at from document_proofs where document_id = $1 order by proven_at";
const REGISTERED: &str = "select min(r.registered_at) from registration_files f \
    join registrations r on r.id = f.registration_id where f.document_id = $1";
const SIBLINGS: &str = "select distinct d.id, d.sha256, d.media_type, d.size, d.name from registration_files mine \
    join registration_files f on f.registration_id = mine.registration_id join documents d on d.id = f.document_id \
    where mine.document_id = $1 and d.id <> $1 order by d.id";

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// When, UTC microseconds.
    pub checked_at: i64,
    /// `unsigned`, `too-large`, `unreadable`, or the verdict: `valid`, `valid-with-warnings`, `indeterminate`,
    /// `invalid`.
    pub verdict: String,
    /// The trust material used.
    pub trust: String,
    /// The report as JSON; absent for what carries no signature.
    pub facts: Option<String>,
}

/// Saves the outcome of a check, in place of an earlier one: the document waits no more, and the journal keeps what
/// was found.
///
/// # Errors
/// Those of the database.
pub fn save(
    tx: &mut Tx,
    body: &IpaCode,
    document: &DocumentId,
    outcome: &Outcome,
    by: &str,
) -> Result<(), StoreError> {
    tx.put(
        SAVE,
        &[
            document.as_str().into(),
            body.as_str().into(),
            outcome.checked_at.into(),
            outcome.verdict.as_str().into(),
            outcome.trust.as_str().into(),
            outcome.facts.clone().into(),
        ],
    )?;
    tx.put(CHECKED, &[document.as_str().into()])?;
    let state = format!("{}\n{}", outcome.verdict, outcome.facts.as_deref().unwrap_or_default());
    journal::append(
        tx,
        Entry {
            body,
            actor: by,
            on_behalf_of: None,
            verb: "document.verify",
            subject: document.as_str(),
            case: None,
            norm: None,
            state: state.as_bytes(),
        },
    )?;
    Ok(())
}

/// The outcome for a document; who signed is personal data.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, document: &DocumentId) -> Result<Option<Personal<Outcome>>, StoreError> {
    let row = query.row(FIND, &[document.as_str().into()])?;
    row.map(|row| {
        Ok(Personal::new(Outcome {
            checked_at: row.int(0)?,
            verdict: row.text(1)?.to_owned(),
            trust: row.text(2)?.to_owned(),
            facts: row.opt_text(3)?.map(str::to_owned),
        }))
    })
    .transpose()
}

/// Documents that may be signed and were not looked at yet, oldest first: work for the program itself, which reads no
/// words.
///
/// # Errors
/// Those of the database.
pub fn waiting(query: &mut impl Query, limit: i64) -> Result<Vec<(IpaCode, RegisteredFile)>, StoreError> {
    let rows = query.rows(WAITING, &[limit.into()])?;
    rows.iter().map(|row| Ok((row.parse(5)?, documents::read(row)?))).collect()
}

/// The other files of the same entries, among which a detached signature finds its document.
///
/// # Errors
/// Those of the database.
pub fn siblings(query: &mut impl Query, document: &DocumentId) -> Result<Vec<RegisteredFile>, StoreError> {
    query.rows(SIBLINGS, &[document.as_str().into()])?.iter().map(documents::read).collect()
}

/// Notes that a document existed at a time (UTC microseconds); the first proof of a kind stays.
/// Kinds: `pec-delivery`, `registration`, `timestamp`.
///
/// # Errors
/// `Constraint` for another kind; those of the database.
pub fn prove(tx: &mut Tx, document: &DocumentId, kind: &str, at: i64) -> Result<(), StoreError> {
    tx.put(PROVE, &[document.as_str().into(), kind.into(), at.into()])
}

/// The proven times of a document: kind and UTC microseconds, its first registration included.
///
/// # Errors
/// Those of the database.
pub fn proofs(query: &mut impl Query, document: &DocumentId) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = query.rows(PROOFS, &[document.as_str().into()])?;
    let mut all: Vec<(String, i64)> =
        rows.iter().map(|r| Ok((r.text(0)?.to_owned(), r.int(1)?))).collect::<Result<_, StoreError>>()?;
    let registered = query.row(REGISTERED, &[document.as_str().into()])?;
    if let Some(at) = registered.map(|row| row.opt_int(0)).transpose()?.flatten() {
        all.push(("registration".to_owned(), at));
    }
    Ok(all)
}
