//! Reads the words of what was registered, so that entries are found by the text of their documents.
//!
//! Runs after the registration, never inside it: a file that cannot be read is marked, it stops nobody. A crash
//! makes it read the same file again; the words are then the same. Files too large to be looked into while they
//! came in are inspected here, whole.

use crate::use_cases::register::files::codes;
use crate::{App, Error, Result};
use documents::inspect::{self, Facts};
use documents::text::{self, Limits, TextError};
use std::io::Cursor;
use std::sync::Arc;
use store::document_facts::{self, TextState, Waiting};
use store::search::{self, Words};

/// Files read in one turn.
const BATCH: i64 = 20;

/// What was found in one file.
struct Found {
    one: Waiting,
    words: Words,
    state: TextState,
    /// Why there are no words, as the entry's page says it.
    reason: Option<&'static str>,
    /// What a whole inspection says, for a file that had none yet.
    facts: Option<Facts>,
}

/// Reads some files that wait, and keeps what was found in one write. Returns how many; repeating does no harm.
///
/// # Errors
/// Those of the store. A file whose bytes cannot be had is tried again, a few times.
pub async fn run_once(app: &Arc<App>) -> Result<usize> {
    let waiting = app.store.read(|r| Ok::<_, Error>(document_facts::waiting(r, BATCH)?)).await?;
    let count = waiting.len();
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for one in waiting {
        let id = one.document.clone();
        match read(app, one).await {
            Ok(facts) => found.push(facts),
            // The world's fault, not the file's: it keeps its attempts.
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                app.health.note(&error);
                tracing::warn!(document = %id, %error, "the text of a document could not be read");
                failed.push(id);
            }
        }
    }
    if count > 0 {
        let keep_all = move |tx: &mut store::Tx| {
            found.iter().try_for_each(|found| keep(tx, found))?;
            failed.iter().try_for_each(|id| Ok(document_facts::fail_once(tx, id)?))
        };
        app.store.write::<_, Error, _>(keep_all).await?;
    }
    Ok(count)
}

async fn read(app: &Arc<App>, one: Waiting) -> Result<Found> {
    let limit = Limits::default().input as u64;
    if u64::try_from(one.size).map_or(true, |size| size > limit) {
        let (words, state, reason) = (Words::of(""), TextState::Failed, Some("too-large"));
        return Ok(Found { one, words, state, reason, facts: None });
    }
    let bytes = app.store.blob_bytes(&one.body, &one.sha256, limit).await?;
    let bytes = bytes.ok_or_else(|| Error::Damaged("its bytes are gone".into()))?;
    let work = move || look(one, &bytes);
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Bug(error.to_string()))
}

fn look(one: Waiting, bytes: &[u8]) -> Found {
    // Small files were inspected when they came in; this one may have been recognised by its beginning only.
    let facts = (bytes.len() > crate::use_cases::register::files::LOOK_AT_ONCE)
        .then(|| inspect::inspect(&one.name, Cursor::new(bytes), &inspect::Limits::default()).ok())
        .flatten();
    let media_type = facts.as_ref().map_or(one.media_type.as_str(), |facts| facts.media_type);
    let (words, state, reason) = match text::words(media_type, bytes, &Limits::default()) {
        Ok(words) => (Words::of(&words.text), TextState::Done, None),
        Err(TextError::NotText) => (Words::of(""), TextState::None, pictures(media_type)),
        Err(why) => (Words::of(""), TextState::Failed, Some(reason(&why))),
    };
    let (state, reason) = match state {
        TextState::Done if words.is_empty() => (TextState::None, pictures(media_type)),
        state => (state, reason),
    };
    Found { one, words, state, reason, facts }
}

/// Pages without words are pictures of a paper: said, so that nobody looks for their words.
fn pictures(media_type: &str) -> Option<&'static str> {
    (media_type == "application/pdf" || media_type.starts_with("image/")).then_some("scanned")
}

/// The stable code of why a text could not be read.
pub(crate) fn reason(why: &TextError) -> &'static str {
    match why {
        TextError::Locked => "locked",
        TextError::Damaged => "damaged",
        TextError::TooLarge => "too-large",
        TextError::NotText => "no-text",
    }
}

fn keep(tx: &mut store::Tx, found: &Found) -> Result<()> {
    let Found { one, words, state, reason, facts } = found;
    if let Some(facts) = facts {
        document_facts::refine(tx, &one.document, facts.media_type, &codes(&facts.flags), facts.pages)?;
    }
    if !words.is_empty() {
        search::add_words(tx, one.registration.as_str(), words)?;
    }
    Ok(document_facts::finish(tx, &one.document, *state, *reason)?)
}
