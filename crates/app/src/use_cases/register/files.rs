//! Taking in the files of a registration: streamed to the store with constant memory, looked into, refused when
//! empty or too large. What comes back is not yet anybody's document; if no entry names it, it vanishes.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::scan::{Scanned, beside, scanner};
use documents::inspect::{self, Limits};
use documents::{signature, text};
use domain::Invalid;
use domain::body::IpaCode;
use domain::document::{NAME_MAX, clean_name};
use std::collections::BTreeSet;
use std::io::Cursor;
use std::pin::Pin;
use std::task::{Context as Task, Poll};
use store::blobs::Prepared;
use store::search::Words;
use tokio::io::{AsyncRead, ReadBuf};

/// Files up to this size are looked into while they come in; larger ones by their beginning, and wholly by the
/// worker that reads their text.
pub const LOOK_AT_ONCE: usize = 4 * 1024 * 1024;
/// Open texts up to this size are read while they come in, which costs less than to let them wait for the worker.
const READ_AT_ONCE: usize = 64 * 1024;
/// What is kept of a larger file's beginning to recognise its format, and looked through for signs of a signature.
const HEAD: usize = 64 * 1024;

/// A file taken in.
#[derive(Clone)]
pub struct ReceivedFile {
    /// Its bytes, ready to be put in a transaction.
    pub bytes: Prepared,
    /// Its name, cleaned.
    pub name: String,
    /// Its media type by content.
    pub media_type: String,
    /// Codes of what an officer should know about it.
    pub flags: Vec<&'static str>,
    /// Pages, when known.
    pub pages: Option<u32>,
    /// Whether it is of a kind that bears signatures.
    pub may_be_signed: bool,
    /// Its words, when they cost next to nothing to read; the others are left to the worker.
    pub words: Option<Words>,
}

/// Takes in one file that a person gives. `pointer` names the field in faults (`/document`, `/attachments/0`).
///
/// # Errors
/// `Invalid` when the file is empty, infected, too large or its name too long, or when the sender's stream breaks;
/// `Problem` when the disk fails. Then nothing is left behind.
pub async fn receive_file(
    ctx: &Context,
    body: &IpaCode,
    pointer: &str,
    given_name: &str,
    source: impl AsyncRead + Send + Unpin,
) -> Result<ReceivedFile> {
    let (file, scanned) = take_in(ctx, body, pointer, given_name, source).await?;
    match scanned {
        Scanned::Infected(name) => Err(Invalid::with(pointer, "infected", name).into()),
        _ => Ok(file),
    }
}

/// Takes in bytes that are here already: an act of ours, or what a message brought. An infected file of a message
/// that was delivered is kept and flagged, since its arrival is a fact.
///
/// # Errors
/// As [`receive_file`], but for infected files.
pub async fn receive_bytes(
    ctx: &Context,
    body: &IpaCode,
    pointer: &str,
    given_name: &str,
    bytes: &[u8],
) -> Result<ReceivedFile> {
    Ok(take_in(ctx, body, pointer, given_name, bytes).await?.0)
}

async fn take_in(
    ctx: &Context,
    body: &IpaCode,
    pointer: &str,
    given_name: &str,
    source: impl AsyncRead + Send + Unpin,
) -> Result<(ReceivedFile, Scanned)> {
    if given_name.chars().count() > 4 * NAME_MAX {
        return Err(Invalid::with(format!("{pointer}/name"), "too-long", NAME_MAX.to_string()).into());
    }
    let limit = ctx.app.settings.max_file_bytes;
    let mut watched = Watched { source, limit, seen: 0, kept: Vec::new(), whole: true, ended: None };
    let store = &ctx.app.store;
    let taken = match scanner(&ctx.app.settings) {
        None => Ok((store.prepare_stream(body, &mut watched).await, Scanned::Clean)),
        Some(address) => beside(&address, &mut watched, |stream| store.prepare_stream(body, stream)).await,
    };
    match watched.ended {
        Some(End::TooLarge) => return Err(Invalid::with(pointer, "file-too-large", limit.to_string()).into()),
        Some(End::Broken) => return Err(Invalid::one(pointer, "broken-upload").into()),
        None => {}
    }
    let (bytes, scanned) = taken.map_err(|error| Error::Problem(error.to_string()))?;
    let bytes = bytes?;
    if bytes.size == 0 {
        return Err(Invalid::one(pointer, "empty-file").into());
    }
    let mut file = look(clean_name(given_name), bytes, watched.kept, watched.whole).await?;
    match scanned {
        Scanned::Clean => {}
        Scanned::Infected(_) => file.flags.push("infected"),
        Scanned::Unknown => file.flags.push("not-scanned"),
    }
    Ok((file, scanned))
}

async fn look(name: String, bytes: Prepared, kept: Vec<u8>, whole: bool) -> Result<ReceivedFile> {
    if !whole {
        let media_type = inspect::media_type(&kept).to_owned();
        let flags = vec![inspect::Flag::NotFullyInspected.code()];
        let may_be_signed = signature::may_be_signed(&kept);
        return Ok(ReceivedFile { bytes, name, media_type, flags, pages: None, may_be_signed, words: None });
    }
    let looking = move || {
        let may_be_signed = signature::may_be_signed(&kept[..kept.len().min(HEAD)]);
        let facts = inspect::inspect(&name, Cursor::new(&kept), &Limits::default());
        let words = facts.as_ref().ok().and_then(|facts| words_at_once(facts.media_type, &kept));
        (facts, may_be_signed, words, name)
    };
    // Small files cost microseconds: not worth a trip to another thread.
    let (facts, may_be_signed, words, name) = match bytes.size > 256 * 1024 {
        true => tokio::task::spawn_blocking(looking).await.map_err(|e| Error::Bug(e.to_string()))?,
        false => looking(),
    };
    let facts = facts.map_err(|e| Error::Bug(e.to_string()))?;
    Ok(ReceivedFile {
        bytes,
        name,
        media_type: facts.media_type.to_owned(),
        flags: codes(&facts.flags),
        pages: facts.pages,
        may_be_signed,
        words,
    })
}

/// The words of a small text that lies open.
fn words_at_once(media_type: &str, bytes: &[u8]) -> Option<Words> {
    let small = bytes.len() <= READ_AT_ONCE;
    small.then(|| text::open(media_type, bytes)).flatten().map(|text| Words::of(&text))
}

/// The stable codes of flags, in order.
pub fn codes(flags: &BTreeSet<inspect::Flag>) -> Vec<&'static str> {
    flags.iter().map(|flag| flag.code()).collect()
}

/// Why a stream ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    TooLarge,
    Broken,
}

/// Watches a stream go by: counts it, stops it at the limit, keeps its beginning (or all of it when small).
struct Watched<R> {
    source: R,
    limit: u64,
    seen: u64,
    kept: Vec<u8>,
    whole: bool,
    ended: Option<End>,
}

impl<R> Watched<R> {
    fn keep(&mut self, piece: &[u8]) {
        if self.whole && self.kept.len() + piece.len() > LOOK_AT_ONCE {
            self.whole = false;
            self.kept.truncate(HEAD);
            self.kept.shrink_to_fit();
        }
        if self.whole {
            self.kept.extend_from_slice(piece);
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.source).poll_read(task, buffer) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => {
                self.ended = Some(End::Broken);
                return Poll::Ready(Err(error));
            }
            Poll::Pending => return Poll::Pending,
        }
        let piece = &buffer.filled()[before..];
        self.seen += piece.len() as u64;
        if self.seen > self.limit {
            self.ended = Some(End::TooLarge);
            return Poll::Ready(Err(std::io::Error::other("larger than allowed")));
        }
        let piece = piece.to_vec();
        self.keep(&piece);
        Poll::Ready(Ok(()))
    }
}
