//! Attestations: who said, in which words, that a file conforms to the paper it was made from. Written with the entry,
//! never changed after it; the journal tells of each under its entry.

use domain::body::IpaCode;
use domain::ids::{AccountId, DocumentId, RegistrationId};

use crate::journal::{self, Entry};
use crate::{Query, Row, StoreError, Tx};

const INSERT: &str = "insert into attestations (document_id, registration_id, statement, norm, by_account, by_name, \
    attested_at) values ($1, $2, $3, $4, $5, $6, $7)";
const OF_REGISTRATION: &str = "select a.document_id, a.statement, a.norm, a.by_name, a.attested_at from attestations a \
    join registration_files f on f.document_id = a.document_id and f.registration_id = a.registration_id \
    where a.registration_id = $1 order by f.position";

/// An attestation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The file.
    pub document: DocumentId,
    /// The words.
    pub statement: String,
    /// The article they rest on.
    pub norm: String,
    /// Name of who attested.
    pub by_name: String,
    /// When, UTC microseconds.
    pub at: i64,
}

/// An attestation about to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewAttestation<'a> {
    /// Body of the entry.
    pub body: &'a IpaCode,
    /// The entry.
    pub registration: &'a RegistrationId,
    /// The file.
    pub document: &'a DocumentId,
    /// Fingerprint of the file, for the journal.
    pub sha256: &'a str,
    /// The words.
    pub statement: &'a str,
    /// The article they rest on.
    pub norm: &'a str,
    /// Who attests.
    pub by: &'a AccountId,
    /// For whom, while standing in.
    pub on_behalf_of: Option<&'a AccountId>,
    /// Name of who attests.
    pub by_name: &'a str,
}

/// Writes an attestation with its leaf in the journal.
///
/// # Errors
/// `Duplicate` when the file has one; those of the database.
pub fn insert(tx: &mut Tx, new: NewAttestation<'_>) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.put(
        INSERT,
        &[
            new.document.as_str().into(),
            new.registration.as_str().into(),
            new.statement.into(),
            new.norm.into(),
            new.by.as_str().into(),
            new.by_name.into(),
            at.into(),
        ],
    )?;
    journal::append(
        tx,
        Entry {
            body: new.body,
            actor: new.by.as_str(),
            on_behalf_of: new.on_behalf_of.map(AccountId::as_str),
            verb: "registration.attest",
            subject: new.registration.as_str(),
            case: None,
            norm: Some(new.norm),
            state: format!("{}\n{}\n{}", new.document, new.sha256, new.statement).as_bytes(),
        },
    )?;
    Ok(())
}

/// The attestations about the files of an entry, in the order of the files.
///
/// # Errors
/// Those of the database.
pub fn of_registration(query: &mut impl Query, id: &RegistrationId) -> Result<Vec<Attestation>, StoreError> {
    query.rows(OF_REGISTRATION, &[id.as_str().into()])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Attestation, StoreError> {
    Ok(Attestation {
        document: row.parse(0)?,
        statement: row.text(1)?.to_owned(),
        norm: row.text(2)?.to_owned(),
        by_name: row.text(3)?.to_owned(),
        at: row.int(4)?,
    })
}
