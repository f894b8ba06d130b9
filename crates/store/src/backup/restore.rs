//! Restoring a set into an empty place, on either engine: the schema of the
//! time, the rows (all or none), the files, then the steps that brought the
//! schema up to today; at the end every chain and every fingerprint is checked.

use std::path::Path;

use super::{Listed, Manifest, POOL, copy, open_rows, read_manifest};
use crate::config::{Database, StoreConfig};
use crate::dialect::{self, Engine, FolderLock};
use crate::tables::{self, Sum};
use crate::verify::Checked;
use crate::{Store, StoreError, migrate};

/// Restores `set` (a folder that [`super::sets`] lists) into the place that
/// `config` names, which must be empty, and checks all of it. Answers what was
/// checked; a restore with faults is told, not undone.
///
/// # Errors
/// `Busy` when the place is in use or not empty; `Damaged` when a file of the
/// set does not match the manifest (then nothing was kept); `Migration` when
/// the set is newer than this program.
pub async fn restore(set: &Path, config: &StoreConfig) -> Result<Checked, StoreError> {
    let (path, place) = (set.to_owned(), config.clone());
    let load = tokio::task::spawn_blocking(move || load(&path, &place));
    let destroyed = load.await.map_err(|_| StoreError::Panicked)??;
    let store = Store::open(config)?;
    let mut checked = store.check_everything().await?;
    checked.faults.retain(|fault| !destroyed.iter().any(|sha256| fault.contains(sha256)));
    Ok(checked)
}

/// Answers the fingerprints of blobs destroyed while the backup was taken.
fn load(set: &Path, config: &StoreConfig) -> Result<Vec<String>, StoreError> {
    let manifest = read_manifest(set)?;
    let _lock = match &config.database {
        Database::Sqlite { folder } => Some(FolderLock::take(folder)?),
        Database::Postgres { .. } => None,
    };
    let mut engine = dialect::writer(&config.database)?;
    migrate::run_recorded(engine.as_mut(), &manifest.migrations, manifest.taken_at)?;
    load_rows(engine.as_mut(), set, &manifest)?;
    load_files(set, config, &manifest)?;
    let fingerprint = |place: &String| {
        crate::files::meaning(Path::new(place)).map_or_else(|| place.clone(), |(_, sha256)| sha256)
    };
    Ok(manifest.destroyed.iter().map(fingerprint).collect())
}

/// All rows in one transaction: a set that does not match its manifest leaves nothing.
fn load_rows(engine: &mut dyn Engine, set: &Path, manifest: &Manifest) -> Result<(), StoreError> {
    engine.begin_write()?;
    let loaded = engine
        .defer_references()
        .and_then(|()| manifest.tables.iter().try_for_each(|listed| load_table(engine, set, listed)))
        .and_then(|()| engine.check_references());
    match loaded {
        Ok(()) => engine.commit(),
        Err(error) => {
            engine.rollback()?;
            Err(error)
        }
    }
}

fn load_table(engine: &mut dyn Engine, set: &Path, listed: &Listed) -> Result<(), StoreError> {
    let table = &listed.table;
    if engine.columns(&table.name)? != table.columns {
        return Err(StoreError::Migration(format!("table {} has other columns", table.name)));
    }
    let count = format!("select count(*) from {}", table.name);
    let there = engine.rows(&count, &[])?.first().map_or(Ok(0), |row| row.int(0))?;
    if there > 0 {
        return Err(StoreError::Busy(format!("table {} is not empty", table.name)));
    }
    let insert = table.insert();
    let mut rows = open_rows(set, &table.name)?;
    while let Some(values) = tables::decode(&mut rows, table.columns.len())? {
        engine.put(&insert, &values)?;
    }
    engine.sync()?;
    let digest = hex::encode(sha2::Digest::finalize(rows.into_inner().digest));
    if digest != listed.sha256 {
        return Err(StoreError::Damaged(format!("the rows of {} were altered", table.name)));
    }
    let sum: Sum = tables::walk(engine, table, &mut |_, _| Ok(()))?;
    if sum != listed.sum {
        return Err(StoreError::Damaged(format!("the rows of {} did not arrive whole", table.name)));
    }
    Ok(())
}

fn load_files(set: &Path, config: &StoreConfig, manifest: &Manifest) -> Result<(), StoreError> {
    let pool = set.parent().and_then(Path::parent).unwrap_or(set).join(POOL);
    for place in &manifest.places {
        let target = config.blobs.join(place);
        if target.exists() || manifest.destroyed.contains(place) {
            continue;
        }
        match copy(&pool.join(place), &target) {
            // The check that follows names what is missing.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}
