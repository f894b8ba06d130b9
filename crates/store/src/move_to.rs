//! Moving the data from one engine to the other (SQLite to PostgreSQL, or
//! back) in one call: every row of one snapshot goes over in one transaction,
//! then both sides are counted and summed and must agree.

use crate::config::{Database, StoreConfig};
use crate::dialect::{self, Engine, FolderLock};
use crate::tables::{self, Table};
use crate::{StoreError, migrate};

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Name and number of rows of each table, in order; equal on both sides.
    pub tables: Vec<(String, u64)>,
    /// Files of blobs copied, when the folders differ.
    pub files: u64,
}

/// Moves everything from `source` to the empty `target`. The source is only
/// read and stays as it was; nobody may write to it meanwhile (a SQLite
/// folder is locked).
///
/// # Errors
/// `Busy` when the source is in use or the target is not empty; `Damaged` when
/// the two sides differ afterwards: then the target is left empty.
pub async fn move_to(source: &StoreConfig, target: &StoreConfig) -> Result<Moved, StoreError> {
    let (source, target) = (source.clone(), target.clone());
    let work = tokio::task::spawn_blocking(move || carry_over(&source, &target));
    work.await.map_err(|_| StoreError::Panicked)?
}

fn carry_over(source: &StoreConfig, target: &StoreConfig) -> Result<Moved, StoreError> {
    let _locks = (lock(&source.database)?, lock(&target.database)?);
    // The source is brought to this program's schema first, so that both have the same tables.
    let mut from = dialect::writer(&source.database)?;
    migrate::run(from.as_mut(), (source.clock)())?;
    let mut to = dialect::writer(&target.database)?;
    migrate::run(to.as_mut(), (source.clock)())?;
    from.begin_write()?;
    to.begin_write()?;
    let carried = carry_all(from.as_mut(), to.as_mut());
    from.rollback()?;
    // The files first: rows never name a file that is not there.
    match carried.and_then(|tables| Ok((tables, copy_files(source, target)?))) {
        Ok((tables, files)) => {
            to.commit()?;
            Ok(Moved { tables, files })
        }
        Err(error) => {
            to.rollback()?;
            Err(error)
        }
    }
}

fn lock(database: &Database) -> Result<Option<FolderLock>, StoreError> {
    match database {
        Database::Sqlite { folder } => FolderLock::take(folder).map(Some),
        Database::Postgres { .. } => Ok(None),
    }
}

fn carry_all(from: &mut dyn Engine, to: &mut dyn Engine) -> Result<Vec<(String, u64)>, StoreError> {
    to.defer_references()?;
    let mut carried = Vec::new();
    for table in tables::all(from)? {
        let rows = carry(from, to, &table)?;
        carried.push((table.name, rows));
    }
    to.check_references()?;
    Ok(carried)
}

fn carry(from: &mut dyn Engine, to: &mut dyn Engine, table: &Table) -> Result<u64, StoreError> {
    let there = tables::walk(to, table, &mut |_, _| Ok(()))?;
    if there.rows > 0 {
        return Err(StoreError::Busy(format!("table {} of the target is not empty", table.name)));
    }
    let insert = table.insert();
    let sent = tables::walk(from, table, &mut |_, row| to.put(&insert, &row.0))?;
    to.sync()?;
    let arrived = tables::walk(to, table, &mut |_, _| Ok(()))?;
    if sent != arrived {
        return Err(StoreError::Damaged(format!("table {} differs after the move", table.name)));
    }
    Ok(sent.rows)
}

fn copy_files(source: &StoreConfig, target: &StoreConfig) -> Result<u64, StoreError> {
    if source.blobs == target.blobs || !source.blobs.exists() {
        return Ok(0);
    }
    let mut files = 0;
    for place in crate::files::older_than(&source.blobs, i64::MAX)? {
        let to = target.blobs.join(&place);
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(source.blobs.join(&place), &to)?;
        std::fs::File::open(&to)?.sync_all()?;
        files += 1;
    }
    Ok(files)
}
