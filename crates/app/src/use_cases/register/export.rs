//! The filtered list as a spreadsheet, a page of rows at a time, so that a million rows never stand in memory.

use super::access;
use super::list::{self, Cursor, LIMIT_MAX};
use super::sheet::{Cells, Sheet, SheetError};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::register::number_label;
use domain::register_filter::Filter;
use domain::{Invalid, Moment};
use store::register_list::{Line, Position};
use tokio::sync::mpsc;

/// The kinds of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetKind {
    /// Comma-separated values.
    Csv,
    /// Office Open XML.
    Xlsx,
}

/// The columns, in order; their titles are given by the caller in the reader's language.
pub const COLUMNS: [&str; 10] = [
    "number",
    "year",
    "registered_at",
    "direction",
    "subject",
    "correspondents",
    "classification",
    "files",
    "annulled",
    "confidential",
];

/// Words of an export in the reader's language.
#[derive(Debug, Clone)]
pub struct Words {
    /// Titles of [`COLUMNS`].
    pub titles: Vec<String>,
    /// Directions: incoming, outgoing, internal.
    pub directions: [String; 3],
    /// Yes.
    pub yes: String,
    /// Follows the first correspondent's name when there are more: `and others`.
    pub others: String,
}

/// Exports everything that passes the filter. Pieces of the file come out of the channel as they are ready; a
/// failure on the way ends them with an error.
///
/// # Errors
/// `Refusal` when the actor may not export.
pub fn export(
    ctx: &Context,
    filter: Filter,
    kind: SheetKind,
    words: Words,
) -> Result<mpsc::Receiver<std::result::Result<Vec<u8>, std::io::Error>>> {
    ctx.may(Verb::ExportRegister)?;
    let (send, receive) = mpsc::channel(4);
    let ctx = ctx.clone();
    tokio::spawn(async move {
        if let Err(error) = write(&ctx, filter, kind, &words, &send).await {
            tracing::warn!(%error, "an export ended early");
            // Nobody listens any more when this fails: then nobody needs to know.
            let _ = send.send(Err(std::io::Error::other("export failed"))).await;
        }
    });
    Ok(receive)
}

/// Largest list that is sealed, bytes: an envelope is made in memory.
pub const SEALED_MAX: usize = 64 * 1024 * 1024;

/// The same file whole, in a CAdES envelope (`.p7m`) of the body's seal: whoever holds it can prove with `/verify`
/// or `telaio verify` that it came from this register and was not changed. A bare list proves nothing.
///
/// # Errors
/// `Refusal` when the actor may not export, or `no-seal`; `Invalid` when the list is larger than [`SEALED_MAX`].
pub async fn export_sealed(ctx: &Context, filter: Filter, kind: SheetKind, words: Words) -> Result<Vec<u8>> {
    // Said before any work is done.
    crate::seals::key(&ctx.app, &ctx.actor.body).await?;
    let mut pieces = export(ctx, filter, kind, words)?;
    let mut whole = Vec::new();
    while let Some(piece) = pieces.recv().await {
        whole.extend(piece.map_err(|why| Error::Problem(why.to_string()))?);
        if whole.len() > SEALED_MAX {
            return Err(Invalid::with("/format", "list-too-large-to-seal", SEALED_MAX.to_string()).into());
        }
    }
    crate::seals::enclose(&ctx.app, &ctx.actor.body, whole, ctx.moment.at).await
}

type Pieces = mpsc::Sender<std::result::Result<Vec<u8>, std::io::Error>>;

async fn write(ctx: &Context, filter: Filter, kind: SheetKind, words: &Words, pieces: &Pieces) -> Result<()> {
    let mut sheet = match kind {
        SheetKind::Csv => Sheet::csv(&words.titles),
        SheetKind::Xlsx => Sheet::xlsx(&words.titles).map_err(failed)?,
    };
    let mut next = Some(Cursor::Position(Position::start()));
    while let Some(start) = next {
        let (lines, shown, after) = list::page(ctx, filter.clone(), start, LIMIT_MAX).await?;
        let look = access::look(ctx, "register.export", shown);
        let lines = ctx.app.store.open_traced::<_, Error>(look, lines).await?;
        let rows: Vec<Cells> = lines.iter().map(|line| cells(line, words)).collect();
        let room = sheet.add(&rows).map_err(failed)?;
        let ready = sheet.take_ready();
        if !ready.is_empty() && pieces.send(Ok(ready)).await.is_err() {
            return Ok(());
        }
        next = after.filter(|_| room);
    }
    finish(sheet, pieces.clone()).await
}

/// Packing an XLSX file takes time and disk: on a thread where waiting is allowed.
async fn finish(sheet: Sheet, pieces: Pieces) -> Result<()> {
    let packing = move || sheet.finish(|piece| drop(pieces.blocking_send(Ok(piece))));
    let done = tokio::task::spawn_blocking(packing).await;
    done.map_err(|error| Error::Bug(error.to_string()))?.map_err(failed)
}

fn failed(error: SheetError) -> Error {
    Error::Problem(error.to_string())
}

fn cells(line: &Line, words: &Words) -> Cells {
    let at = Moment::from_micros(line.registered_at);
    let when = at.local().strftime("%d/%m/%Y %H:%M").to_string();
    let yes = |flag: bool| if flag { words.yes.clone() } else { String::new() };
    let mut who = line.correspondent.clone();
    if line.correspondents > 1 {
        who = format!("{who} {}", words.others);
    }
    let direction = match line.hidden {
        true => String::new(),
        false => words.directions[line.direction as usize].clone(),
    };
    let files = if line.hidden { String::new() } else { line.files.to_string() };
    vec![
        number_label(line.number),
        line.year.to_string(),
        when,
        direction,
        line.subject.clone(),
        who,
        line.class.clone().unwrap_or_default(),
        files,
        yes(line.annulled),
        yes(line.confidential),
    ]
}
