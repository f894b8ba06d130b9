//! Documents: what a file of a body is called, its media type and which bytes
//! it has (by fingerprint, see `blobs.rs`). The bytes are held as long as a
//! document names them.

use domain::body::IpaCode;
use domain::ids::DocumentId;
use domain::register::RegisteredFile;

use crate::document_facts::Found;
use crate::journal::{self, Entry};
use crate::trace::Personal;
use crate::{Query, Row, StoreError, Tx};

const INSERT: &str = "insert into documents (id, body, sha256, size, media_type, name, created_at, created_by, \
    flags, pages, text_state, signature_state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
/// The check of its signatures is still owed.
const UNCHECKED: &str = "waiting";
const FIND: &str = "select id, sha256, media_type, size, name, body, created_at from documents where id = $1";
const REGISTRATIONS: &str =
    "select registration_id from registration_files where document_id = $1 order by registration_id";

/// A document and the body it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Body.
    pub body: IpaCode,
    /// Id, name, type, size and fingerprint.
    pub file: RegisteredFile,
    /// When it came in, UTC microseconds.
    pub created_at: i64,
}

/// Writes a document that stands by itself, whose bytes are already in the blobs of the body. As long as it is
/// there, so are they.
///
/// # Errors
/// Those of the database.
pub fn insert(tx: &mut Tx, body: &IpaCode, file: &RegisteredFile, by: &str) -> Result<(), StoreError> {
    put(tx, body, file, by, None)?;
    journal::append(
        tx,
        Entry {
            body,
            actor: by,
            on_behalf_of: None,
            verb: "document.create",
            subject: file.id.as_str(),
            case: None,
            norm: None,
            state: format!("{}\n{}\n{}", file.sha256, file.media_type, file.name).as_bytes(),
        },
    )?;
    Ok(())
}

/// Writes a file of an entry about to be created, with what was found out about it; its text then waits to be
/// read, if it was not read at once, and its signatures to be checked when it may bear any. The journal tells of it
/// with the entry, whose leaf covers name, type and fingerprint of every file.
///
/// # Errors
/// Those of the database.
pub fn insert_with_entry(
    tx: &mut Tx,
    body: &IpaCode,
    file: &RegisteredFile,
    by: &str,
    found: Found<'_>,
) -> Result<(), StoreError> {
    put(tx, body, file, by, Some(found))
}

fn put(
    tx: &mut Tx,
    body: &IpaCode,
    file: &RegisteredFile,
    by: &str,
    found: Option<Found<'_>>,
) -> Result<(), StoreError> {
    let at = tx.stamp();
    let size = i64::try_from(file.size).map_err(|_| StoreError::Shape("size".into()))?;
    tx.put(
        INSERT,
        &[
            file.id.as_str().into(),
            body.as_str().into(),
            file.sha256.as_str().into(),
            size.into(),
            file.media_type.as_str().into(),
            file.name.as_str().into(),
            at.into(),
            by.into(),
            found.map(|found| found.flags.join(" ")).into(),
            found.and_then(|found| found.pages).into(),
            found.map(|found| found.text().name()).into(),
            found.is_none_or(|found| found.may_be_signed).then_some(UNCHECKED).into(),
        ],
    )
}

/// The body a document belongs to and the entries it is a file of: to decide who may see it.
///
/// # Errors
/// Those of the database.
pub fn whereabouts(
    query: &mut impl Query,
    id: &DocumentId,
) -> Result<Option<(IpaCode, Vec<domain::ids::RegistrationId>)>, StoreError> {
    let Some(row) = query.row(FIND, &[id.as_str().into()])? else {
        return Ok(None);
    };
    let entries = query.rows(REGISTRATIONS, &[id.as_str().into()])?;
    let entries = entries.iter().map(|row| row.parse(0)).collect::<Result<_, _>>()?;
    Ok(Some((row.parse(5)?, entries)))
}

/// A document; its name may be personal data.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, id: &DocumentId) -> Result<Option<Personal<Stored>>, StoreError> {
    let row = query.row(FIND, &[id.as_str().into()])?;
    row.map(|row| {
        Ok(Personal::new(Stored { body: row.parse(5)?, file: read(&row)?, created_at: row.int(6)? }))
    })
    .transpose()
}

/// Reads `id, sha256, media_type, size, name`.
pub(crate) fn read(row: &Row) -> Result<RegisteredFile, StoreError> {
    Ok(RegisteredFile {
        id: row.parse(0)?,
        sha256: row.text(1)?.to_owned(),
        media_type: row.text(2)?.to_owned(),
        size: u64::try_from(row.int(3)?).unwrap_or_default(),
        name: row.text(4)?.to_owned(),
    })
}
