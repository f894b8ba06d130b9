//! A scan arrives: streamed into the store as any file, looked into, and refused at once when nobody could attest it.
//!
//! What a person uploads is refused to their face. What lies in a watched folder has nobody before it: it is kept as
//! refused, with the reason, so that the clerk sees why a paper is missing from the list.

use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::files::{ReceivedFile, receive_file};
use domain::document::clean_name;
use domain::ids::ScanId;
use domain::{Invalid, scan};
use store::{blobs, scans};
use tokio::io::AsyncRead;

/// Where a scan came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The watched folder of the body.
    Folder,
    /// A person, by page or interface.
    Upload,
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Upload => "upload",
        }
    }
}

/// Takes in a scan that a person hands over. The same bytes that wait already are answered with their id.
///
/// # Errors
/// `Invalid` at `pointer` when it is empty, infected, too large, locked, damaged or no picture of a paper.
pub async fn upload(
    ctx: &Context,
    pointer: &str,
    name: &str,
    source: impl AsyncRead + Send + Unpin,
) -> Result<ScanId> {
    ctx.may(Verb::ScanIntake)?;
    let file = receive_file(ctx, &ctx.actor.body, pointer, name, source).await?;
    if let Some(code) = scan::unfit(&file.media_type, &file.flags) {
        return Err(Invalid::one(pointer, code).into());
    }
    keep(ctx, Source::Upload, file).await
}

/// Takes in a file of a watched folder, or `Err` with the fault for which it is no scan (`not-plain-file`). What is
/// refused is kept as such; the answer is the code of the refusal.
///
/// # Errors
/// `Problem` when file or store fail: the file is still where it was, and is tried again.
pub async fn arrive<R: AsyncRead + Send + Unpin>(
    ctx: &Context,
    name: &str,
    size: u64,
    source: std::result::Result<R, &'static str>,
) -> Result<Option<&'static str>> {
    ctx.may(Verb::ScanIntake)?;
    let taken = match source {
        Ok(source) => receive_file(ctx, &ctx.actor.body, "/file", name, source).await,
        Err(code) => Err(Invalid::one("/file", code).into()),
    };
    let code = match taken {
        Ok(file) => match scan::unfit(&file.media_type, &file.flags) {
            None => return keep(ctx, Source::Folder, file).await.map(|_| None),
            Some(code) => code,
        },
        Err(Error::Invalid(fault)) => match fault.errors.first().map(|error| error.code) {
            // The disk failed under the scanner's file, not the scan.
            Some("broken-upload") | None => return Err(Error::Problem("the file cannot be read".into())),
            Some(code) => code,
        },
        Err(other) => return Err(other),
    };
    refuse(ctx, name, size, code).await.map(|()| Some(code))
}

async fn keep(ctx: &Context, source: Source, file: ReceivedFile) -> Result<ScanId> {
    let new = scans::NewScan {
        id: ctx.mint(),
        body: ctx.actor.body.clone(),
        source: source.name(),
        name: file.name,
        sha256: Some(file.bytes.sha256.clone()),
        media_type: file.media_type,
        size: file.bytes.size,
        pages: file.pages,
        flags: file.flags.into_iter().map(str::to_owned).collect(),
        refused: None,
    };
    let (bytes, by) = (file.bytes, ctx.actor.tag());
    ctx.write(move |tx| {
        blobs::put(tx, &bytes)?;
        Ok(scans::insert(tx, &new, &by)?)
    })
    .await
}

async fn refuse(ctx: &Context, name: &str, size: u64, code: &'static str) -> Result<()> {
    let new = scans::NewScan {
        id: ctx.mint(),
        body: ctx.actor.body.clone(),
        source: Source::Folder.name(),
        name: clean_name(name),
        sha256: None,
        media_type: String::new(),
        size,
        pages: None,
        flags: Vec::new(),
        refused: Some(code.to_owned()),
    };
    let by = ctx.actor.tag();
    ctx.write(move |tx| Ok(scans::insert(tx, &new, &by).map(drop)?)).await
}
