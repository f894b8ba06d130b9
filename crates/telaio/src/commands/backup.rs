//! `telaio backup DIR`: a consistent copy while the server runs.

use app::Clock;
use app::health::watched::{BACKUP_NOTE, Note};
use store::backup;

use super::progress::watched;
use super::serve::runtime;
use super::{Done, Stop};
use crate::assembly;
use crate::cli::BackupOptions;

/// Takes a set and, if asked, deletes old ones.
pub fn run(options: &BackupOptions) -> Done {
    let config = assembly::installation(&options.place)?;
    let wanted = assembly::store_config(&config, &Clock::System)?;
    let taken = runtime()?
        .block_on(watched("copying", backup::beside(&wanted, &options.folder)))
        .map_err(|error| Stop::Failed(format!("no backup was taken: {error}")))?;
    println!(
        "{}: {} tables, {} rows, {} files copied, {} already there",
        taken.set.display(),
        taken.tables,
        taken.rows,
        taken.copied,
        taken.already
    );
    let folder = std::path::absolute(&options.folder).unwrap_or_else(|_| options.folder.clone());
    let note = Note { at: Clock::System.now().at, folder };
    note.write(&config.storage.folder.join(BACKUP_NOTE))
        .map_err(|error| Stop::Failed(format!("the backup is there, but nobody can note it: {error}")))?;
    println!("the master keys are not in it; keep a copy of {} apart", assembly::key_file(&config).display());
    if let Some(keep) = options.keep {
        let (sets, files) = backup::prune(&options.folder, keep)
            .map_err(|error| Stop::Failed(format!("old sets are still there: {error}")))?;
        println!("{sets} old sets and {files} files deleted");
    }
    Ok(())
}
