//! `telaio export …`: the register as a table, and everything of a body in files that need no program of ours.
//!
//! `everything` writes `entries.jsonl` (one entry a line, as the API shows it) and `files/<sha256>`; whoever leaves
//! can check each file by its name. What the law calls a preservation package is another thing and comes later.

use std::io::Write;
use std::path::Path;

use app::Context;
use app::use_cases::register::export::{COLUMNS, SheetKind, Words, export};
use app::use_cases::register::{download, list, read};
use domain::register::{RegisteredFile, Registration};
use domain::register_filter::Filter;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::operator::{self, refused};
use super::progress::watched;
use super::serve::runtime;
use super::{Done, Stop};
use crate::cli::ExportCommand;

/// Entries read at a time.
const PAGE: usize = 200;
/// Bytes of a file held in memory at a time.
const PIECE: usize = 64 << 10;

/// Gives out what was asked.
pub fn run(command: &ExportCommand) -> Done {
    let runtime = runtime()?;
    match command {
        ExportCommand::Register { body, year, place } => {
            let ctx = operator::context(place, body)?;
            runtime.block_on(register(&ctx, *year))
        }
        ExportCommand::Everything { folder, body, place } => {
            let ctx = operator::context(place, body)?;
            runtime.block_on(watched("exporting", everything(&ctx, folder)))
        }
    }
}

async fn register(ctx: &Context, year: Option<i64>) -> Done {
    operator::body(ctx).await?;
    let filter = Filter { year, ..Filter::default() };
    let text = str::to_owned;
    let words = Words {
        titles: COLUMNS.map(text).to_vec(),
        directions: ["incoming", "outgoing", "internal"].map(text),
        yes: text("yes"),
        others: text("and others"),
    };
    let mut pieces = export(ctx, filter, SheetKind::Csv, words).map_err(|e| refused(&e))?;
    let mut out = std::io::stdout().lock();
    while let Some(piece) = pieces.recv().await {
        piece.and_then(|bytes| out.write_all(&bytes)).map_err(|e| Stop::Failed(e.to_string()))?;
    }
    Ok(())
}

async fn everything(ctx: &Context, folder: &Path) -> Done {
    operator::body(ctx).await?;
    let unwritable = |error: std::io::Error| Stop::Failed(format!("{}: {error}", folder.display()));
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Stop::Usage(format!("{}: not empty", folder.display())));
    }
    let files = folder.join("files");
    std::fs::create_dir_all(&files).map_err(unwritable)?;
    let mut lines = std::fs::File::create(folder.join("entries.jsonl")).map_err(unwritable)?;
    let (mut entries, mut cursor) = (0_u64, None::<String>);
    loop {
        let page = list::list(ctx, Filter::default(), cursor.as_deref(), PAGE).await;
        let page = page.map_err(|e| refused(&e))?;
        for line in page.lines {
            let entry = read::open_whole(ctx, line.id).await.map_err(|e| refused(&e))?.registration;
            let json = serde_json::to_string(&entry).map_err(|e| Stop::Failed(e.to_string()))?;
            writeln!(lines, "{json}").map_err(unwritable)?;
            for file in documents(&entry) {
                copy(ctx, file, &files).await?;
            }
            entries += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    lines.sync_all().map_err(unwritable)?;
    println!("{entries} entries in {}", folder.display());
    Ok(())
}

fn documents(entry: &Registration) -> impl Iterator<Item = &RegisteredFile> {
    std::iter::once(&entry.document).chain(&entry.attachments)
}

/// Copies one file under its fingerprint, and compares it: a damaged file must not leave unnoticed.
async fn copy(ctx: &Context, file: &RegisteredFile, folder: &Path) -> Done {
    let target = folder.join(&file.sha256);
    if target.exists() {
        return Ok(());
    }
    let (_, mut opened) = download::open(ctx, file.id.clone()).await.map_err(|e| refused(&e))?;
    let failed = |error: &dyn std::fmt::Display| Stop::Failed(format!("{}: {error}", target.display()));
    let mut out = std::fs::File::create(&target).map_err(|e| failed(&e))?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        let read = opened.bytes.read(&mut piece).await.map_err(|e| failed(&e))?;
        if read == 0 {
            break;
        }
        digest.update(&piece[..read]);
        out.write_all(&piece[..read]).map_err(|e| failed(&e))?;
    }
    match hex::encode(digest.finalize()) == file.sha256 {
        true => Ok(()),
        false => Err(failed(&"the kept file is damaged")),
    }
}
