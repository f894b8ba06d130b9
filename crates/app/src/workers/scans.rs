//! Empties the folders into which scanners write: each file that stopped growing is taken in and leaves the folder.
//!
//! A file is first moved into `.taken` beside the others, which shows that the folder may be written to and takes it
//! out of the scanner's hands; it is deleted only when the store has flushed it. A crash in between makes it be taken
//! again, and the same bytes wait once. What is no scan goes to `refused` with its reason on the clerk's page. Links
//! are never followed: nobody brings in a file of the machine by naming it here.

use crate::context::{App, Context};
use crate::error::{Error, Result};
use crate::settings::ScanFolder;
use crate::use_cases::scans;
use domain::scan::is_unfinished;
use std::collections::HashMap;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::fs;

/// Folder of files being taken in, inside the watched one.
const TAKEN: &str = ".taken";
/// Folder of what was refused, inside the watched one.
const REFUSED: &str = "refused";
/// How many looks an empty file is given before it counts as one that will stay empty.
const EMPTY_LOOKS: u32 = 6;
/// Most files taken in one look at one folder.
const BATCH: usize = 100;

/// Size and time of change of each file at the last look, and how many looks it has been so.
#[derive(Debug, Default)]
pub struct Seen(HashMap<PathBuf, (Mark, u32)>);

/// What shows that a file changed: size, and seconds and nanoseconds of its last change.
type Mark = (u64, i64, i64);

/// One look at every folder; answers how many files were taken. Repeating does no harm.
///
/// # Errors
/// The first failure, after every folder was tried; its file is tried again at the next look.
pub async fn run_once(app: &Arc<App>, seen: &mut Seen) -> Result<usize> {
    let (mut taken, mut failed) = (0, None);
    let mut now = HashMap::new();
    for one in &app.settings.scan_folders {
        let ctx = app.system_context(&one.body);
        match look(&ctx, one, &seen.0, &mut now).await {
            Ok(count) => taken += count,
            Err(error) => {
                tracing::warn!(body = %one.body, %error, "a folder of scans could not be emptied");
                failed = Some(error);
            }
        }
    }
    seen.0 = now;
    failed.map_or(Ok(taken), Err)
}

async fn look(
    ctx: &Context,
    one: &ScanFolder,
    before: &HashMap<PathBuf, (Mark, u32)>,
    now: &mut HashMap<PathBuf, (Mark, u32)>,
) -> Result<usize> {
    let holding = one.folder.join(TAKEN);
    fs::create_dir_all(&holding).await.map_err(|error| broken(&one.folder, &error))?;
    let mut count = 0;
    // What a crash left half done goes first, so that its name is free again.
    for (path, facts) in files(&holding).await? {
        take(ctx, &one.folder, &path, &facts).await?;
        count += 1;
    }
    for (path, facts) in files(&one.folder).await?.into_iter().take(BATCH) {
        let mark = (facts.size(), facts.mtime(), facts.mtime_nsec());
        let looks = match before.get(&path) {
            Some((same, looks)) if *same == mark => looks + 1,
            _ => 0,
        };
        let still = looks >= if mark.0 == 0 { EMPTY_LOOKS } else { 1 };
        if !still {
            now.insert(path, (mark, looks));
            continue;
        }
        let held = holding.join(path.file_name().unwrap_or_default());
        fs::rename(&path, &held).await.map_err(|error| broken(&one.folder, &error))?;
        take(ctx, &one.folder, &held, &facts).await?;
        count += 1;
    }
    Ok(count)
}

/// The files of a folder in order of name, with what they are; folders and files being written are left alone.
async fn files(folder: &Path) -> Result<Vec<(PathBuf, Metadata)>> {
    let mut entries = fs::read_dir(folder).await.map_err(|error| broken(folder, &error))?;
    let mut found = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(|error| broken(folder, &error))? {
        // Of the entry itself: a link is not followed. One that vanished meanwhile is nobody's business.
        let Ok(facts) = fs::symlink_metadata(entry.path()).await else { continue };
        if !facts.is_dir() && !is_unfinished(&entry.file_name().to_string_lossy()) {
            found.push((entry.path(), facts));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// Takes in one held file, then lets go of it: gone when it waits for its clerk, apart when it was refused.
async fn take(ctx: &Context, folder: &Path, held: &Path, facts: &Metadata) -> Result<()> {
    let name = held.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = open(held, facts).await.map_err(|error| broken(folder, &error))?;
    let refused = scans::arrive(ctx, &name, facts.size(), source).await?;
    let done = match refused {
        None => fs::remove_file(held).await,
        Some(code) => {
            tracing::info!(body = %ctx.actor.body, code, "a file in a folder of scans was refused");
            put_apart(folder, held, &name).await
        }
    };
    done.map_err(|error| broken(folder, &error))
}

/// Opens a plain file that has no other name and is still the one that was looked at.
async fn open(held: &Path, facts: &Metadata) -> std::io::Result<std::result::Result<fs::File, &'static str>> {
    if !facts.is_file() || facts.nlink() != 1 {
        return Ok(Err("not-plain-file"));
    }
    let file = match fs::File::open(held).await {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(Err("not-readable")),
        Err(error) => return Err(error),
    };
    let opened = file.metadata().await?;
    Ok(match (opened.dev(), opened.ino()) == (facts.dev(), facts.ino()) {
        true => Ok(file),
        false => Err("not-plain-file"),
    })
}

/// Moves a refused file to the folder of those, under a name that is free there.
async fn put_apart(folder: &Path, held: &Path, name: &str) -> std::io::Result<()> {
    let apart = folder.join(REFUSED);
    fs::create_dir_all(&apart).await?;
    let mut place = apart.join(held.file_name().unwrap_or_default());
    let mut n = 2;
    while fs::symlink_metadata(&place).await.is_ok() {
        place = apart.join(format!("{n}-{name}"));
        n += 1;
    }
    fs::rename(held, place).await
}

fn broken(folder: &Path, error: &std::io::Error) -> Error {
    Error::Problem(format!("{}: {error}", folder.display()))
}
