//! What was found out about the files of an entry, and the queue of those whose text is still to be read.
//!
//! The row is written with the entry, so a file never waits unseen; a worker takes what waits, and a crash only
//! makes it take the same again. Flags are stable codes; their words are for the pages.

use crate::search::Words;
use crate::{Query, Row, StoreError, Tx};
use domain::body::IpaCode;
use domain::ids::{DocumentId, RegistrationId};

/// How often the reading of one file is tried.
pub const ATTEMPTS_MAX: i64 = 3;

/// Where the extraction of text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextState {
    /// Still to be read.
    Waiting,
    /// Read, and found by its words.
    Done,
    /// Holds no text.
    None,
    /// Could not be read.
    Failed,
}

impl TextState {
    /// The stored name, also the key of its words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::None => "none",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Waiting, Self::Done, Self::None, Self::Failed]
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| StoreError::Shape("state of a text".into()))
    }
}

/// Facts of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFacts {
    /// The file.
    pub document: DocumentId,
    /// Codes of the flags, in order.
    pub flags: Vec<String>,
    /// Pages, when known.
    pub pages: Option<i64>,
    /// Where the extraction of its text stands.
    pub text: TextState,
    /// Why it holds no text that can be found: `locked`, `damaged`, `too-large`, `scanned`, `unreachable`.
    pub reason: Option<String>,
}

/// What was found out about a file while it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Codes of the flags, in order.
    pub flags: &'a [&'static str],
    /// Pages, when known.
    pub pages: Option<u32>,
    /// Whether it is of a kind that bears signatures: only such files wait to be checked.
    pub may_be_signed: bool,
    /// Its words, when they were read as it came in: then no worker has to.
    pub words: Option<&'a Words>,
}

impl Found<'_> {
    /// Where the extraction of its text stands when its entry is written.
    pub(crate) fn text(&self) -> TextState {
        match self.words {
            None => TextState::Waiting,
            Some(words) if words.is_empty() => TextState::None,
            Some(_) => TextState::Done,
        }
    }
}

/// A file whose text is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The file.
    pub document: DocumentId,
    /// Its body.
    pub body: IpaCode,
    /// The entry that will be found by its words.
    pub registration: RegistrationId,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its name.
    pub name: String,
    /// Its media type, as far as known.
    pub media_type: String,
    /// Its size in bytes.
    pub size: i64,
}

/// The facts of the files of an entry.
///
/// # Errors
/// Those of the database.
pub fn of_registration(
    query: &mut impl Query,
    id: &RegistrationId,
) -> Result<Vec<DocumentFacts>, StoreError> {
    const ALL: &str = "select d.id, d.flags, d.pages, d.text_state, d.text_reason from registration_files f \
         join documents d on d.id = f.document_id \
         where f.registration_id = $1 and d.text_state is not null order by f.position";
    query.rows(ALL, &[id.as_str().into()])?.iter().map(read).collect()
}

/// At most `limit` files whose text waits, those tried least first.
///
/// # Errors
/// Those of the database.
pub fn waiting(query: &mut impl Query, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    const NEXT: &str = "select d.id, d.body, f.registration_id, d.sha256, d.name, d.media_type, d.size \
        from documents d join registration_files f on f.document_id = d.id where d.text_state = 'waiting' \
        order by d.attempts, d.id limit $1";
    let rows = query.rows(NEXT, &[limit.into()])?;
    rows.iter()
        .map(|row| {
            Ok(Waiting {
                document: row.parse(0)?,
                body: row.parse(1)?,
                registration: row.parse(2)?,
                sha256: row.text(3)?.to_owned(),
                name: row.text(4)?.to_owned(),
                media_type: row.text(5)?.to_owned(),
                size: row.int(6)?,
            })
        })
        .collect()
}

/// Says how the reading of a text ended, and why it brought nothing (see [`DocumentFacts::reason`]).
///
/// # Errors
/// Those of the database.
pub fn finish(
    tx: &mut Tx,
    document: &DocumentId,
    state: TextState,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    const END: &str = "update documents set text_state = $2, text_reason = $3 where id = $1";
    tx.put(END, &[document.as_str().into(), state.name().into(), reason.into()])
}

/// Counts an attempt that failed; after [`ATTEMPTS_MAX`] the file is left alone.
///
/// # Errors
/// Those of the database.
pub fn fail_once(tx: &mut Tx, document: &DocumentId) -> Result<(), StoreError> {
    const FAIL: &str = "update documents set attempts = attempts + 1, \
        text_state = case when attempts + 1 >= $2 then 'failed' else 'waiting' end, \
        text_reason = case when attempts + 1 >= $2 then 'unreachable' else text_reason end where id = $1";
    tx.put(FAIL, &[document.as_str().into(), ATTEMPTS_MAX.into()])
}

/// Replaces type, flags and pages by what a complete inspection found, for a file too large for the first one.
///
/// # Errors
/// Those of the database.
pub fn refine(
    tx: &mut Tx,
    document: &DocumentId,
    media_type: &str,
    flags: &[&str],
    pages: Option<u32>,
) -> Result<(), StoreError> {
    const FACTS: &str = "update documents set flags = $2, pages = $3 where id = $1";
    const TYPE: &str = "update documents set media_type = $2 where id = $1 and media_type <> $2";
    tx.put(FACTS, &[document.as_str().into(), flags.join(" ").into(), pages.into()])?;
    tx.put(TYPE, &[document.as_str().into(), media_type.into()])
}

fn read(row: &Row) -> Result<DocumentFacts, StoreError> {
    Ok(DocumentFacts {
        document: row.parse(0)?,
        flags: row.text(1)?.split_whitespace().map(str::to_owned).collect(),
        pages: row.opt_int(2)?,
        text: TextState::parse(row.text(3)?)?,
        reason: row.opt_text(4)?.map(str::to_owned),
    })
}
