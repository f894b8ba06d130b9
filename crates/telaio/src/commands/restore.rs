//! `telaio restore DIR`: a copy comes back into an empty place, and everything in it is checked.

use std::path::{Path, PathBuf};

use app::Clock;
use app::health::watched::{DRILL_NOTE, Note};
use store::backup;

use super::progress::watched;
use super::serve::runtime;
use super::{Done, Stop};
use crate::assembly;
use crate::cli::RestoreOptions;

/// Restores the newest set of the folder (or the set named) and tells what was checked.
pub fn run(options: &RestoreOptions) -> Done {
    let config = assembly::installation(&options.place)?;
    let key_file = assembly::key_file(&config);
    if !key_file.exists() {
        return Err(Stop::Usage(format!(
            "{} is not there: put the copy of the master keys back first, documents cannot be read without them",
            key_file.display()
        )));
    }
    let wanted = assembly::store_config(&config, &Clock::System)?;
    let set = newest(&options.folder)?;
    let checked = runtime()?
        .block_on(watched("restoring", backup::restore(&set, &wanted)))
        .map_err(|error| Stop::Failed(format!("nothing was restored: {error}")))?;
    println!(
        "{}: {} chains with {} entries, {} fingerprints over {} bytes",
        set.display(),
        checked.chains,
        checked.entries,
        checked.blobs,
        checked.bytes
    );
    match checked.faults.is_empty() {
        true => {
            let note = Note { at: Clock::System.now().at, folder: options.folder.clone() };
            if let Err(error) = note.write(&options.folder.join(DRILL_NOTE)) {
                // The folder of backups may be read-only here; the restore holds all the same.
                eprintln!("this restore is not noted beside the backups: {error}");
            }
            Ok(())
        }
        false => Err(Stop::Failed(format!("does not hold:\n  {}", checked.faults.join("\n  ")))),
    }
}

fn newest(folder: &Path) -> Result<PathBuf, Stop> {
    let sets = backup::sets(folder).unwrap_or_default();
    match sets.into_iter().next_back() {
        Some(set) => Ok(set),
        // Perhaps the folder is a set itself; the store says so if it is not.
        None if folder.is_dir() => Ok(folder.to_path_buf()),
        None => Err(Stop::Usage(format!("{}: no backup there", folder.display()))),
    }
}
