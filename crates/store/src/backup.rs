//! Backups while the program runs. A backup is a set of files of rows, taken
//! from one snapshot, and the files of large blobs, which never change and are
//! therefore copied once into a pool that all sets share:
//!
//! `DIR/sets/TIME/TABLE.rows`, `DIR/sets/TIME/manifest.json` (written last: a
//! set without it is not one), `DIR/blobs/BODY/AB/SHA256-SUFFIX`.
//!
//! The master keys are not in it: they are kept apart, or the backup would
//! open itself. Restoring is in `backup/restore.rs`.

mod restore;

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dialect::{self, Engine};
use crate::tables::{self, Sum, Table};
use crate::{Store, StoreConfig, StoreError, migrate};

pub use restore::restore;

/// Layout of the files; a new one takes a new number.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const SETS: &str = "sets";
const POOL: &str = "blobs";
/// Rows or files between two looks at the pace.
const STEP: u64 = 256;
/// The longest rest at once.
const REST_MAX: Duration = Duration::from_millis(200);

/// What a finished backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The folder of the set.
    pub set: PathBuf,
    /// Tables in it.
    pub tables: u64,
    /// Rows in them.
    pub rows: u64,
    /// Files of blobs copied now.
    pub copied: u64,
    /// Files of blobs that an earlier backup had copied.
    pub already: u64,
}

/// The table of contents of a set.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// UTC microseconds.
    taken_at: i64,
    engine: String,
    migrations: Vec<(i64, String)>,
    tables: Vec<Listed>,
    /// Files of blobs that the rows of this set name.
    places: Vec<String>,
    /// Among them, those whose document was destroyed while the backup ran.
    destroyed: Vec<String>,
}

/// One table of a set.
#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    table: Table,
    sum: Sum,
    /// Of the file of rows, hexadecimal.
    sha256: String,
}

/// Rests as long as it worked, so that a backup never takes more than half of one core and of the disk's time.
struct Pace {
    since: Instant,
    steps: u64,
}

impl Pace {
    fn new() -> Self {
        Self { since: Instant::now(), steps: 0 }
    }

    fn step(&mut self) {
        self.steps += 1;
        if self.steps.is_multiple_of(STEP) {
            std::thread::sleep(self.since.elapsed().min(REST_MAX));
            self.since = Instant::now();
        }
    }
}

impl Store {
    /// Takes a backup into `folder` while everything runs. The new set is of
    /// one instant; files of blobs already there are not copied again.
    ///
    /// # Errors
    /// `DiskFull` or `Io` when the folder cannot be written; those of the
    /// database. An unfinished set has no manifest and is never restored.
    pub async fn backup(&self, folder: &Path) -> Result<Taken, StoreError> {
        beside(self.config(), folder).await
    }
}

/// Takes a backup from another process than the one that serves: it only reads, so it needs no lock.
///
/// # Errors
/// As [`Store::backup`]; `Unavailable` when there is no database yet.
pub async fn beside(config: &StoreConfig, folder: &Path) -> Result<Taken, StoreError> {
    let (folder, config) = (folder.to_owned(), config.clone());
    let work = tokio::task::spawn_blocking(move || take(&config, &folder));
    work.await.map_err(|_| StoreError::Panicked)?
}

fn take(config: &StoreConfig, folder: &Path) -> Result<Taken, StoreError> {
    let taken_at = (config.clock)();
    let set = folder.join(SETS).join(format!("{taken_at:020}"));
    let pool = folder.join(POOL);
    std::fs::create_dir_all(&pool)?;
    std::fs::create_dir_all(folder.join(SETS))?;
    std::fs::create_dir(&set)?;
    let mut engine = dialect::reader(&config.database)?;
    engine.begin_read()?;
    let mut pace = Pace::new();
    let mut manifest = Manifest {
        format: FORMAT,
        taken_at,
        engine: if engine.is_postgres() { "postgres" } else { "sqlite" }.to_owned(),
        migrations: migrate::recorded(engine.as_mut())?,
        tables: Vec::new(),
        places: Vec::new(),
        destroyed: Vec::new(),
    };
    for table in tables::all(engine.as_mut())? {
        manifest.tables.push(write_table(engine.as_mut(), &set, table, &mut pace)?);
    }
    engine.scan("select place from blobs where place is not null", &mut |row| {
        manifest.places.push(row.text(0)?.to_owned());
        Ok(())
    })?;
    engine.rollback()?;
    let (copied, already) = copy_blobs(config, &pool, &mut manifest, &mut pace)?;
    write_manifest(&set, &manifest)?;
    Ok(Taken {
        set,
        tables: manifest.tables.len() as u64,
        rows: manifest.tables.iter().map(|listed| listed.sum.rows).sum(),
        copied,
        already,
    })
}

fn write_table(
    engine: &mut dyn Engine,
    set: &Path,
    table: Table,
    pace: &mut Pace,
) -> Result<Listed, StoreError> {
    let mut file = BufWriter::new(File::create_new(set.join(format!("{}.rows", table.name)))?);
    let mut digest = Sha256::new();
    let sum = tables::walk(engine, &table, &mut |encoded, _| {
        digest.update(encoded);
        file.write_all(encoded)?;
        pace.step();
        Ok(())
    })?;
    let file = file.into_inner().map_err(|error| StoreError::from(error.into_error()))?;
    file.sync_all()?;
    Ok(Listed { table, sum, sha256: hex::encode(digest.finalize()) })
}

/// Copies what the pool does not have. A file may vanish meanwhile, when its
/// document is destroyed: the manifest says so.
fn copy_blobs(
    config: &StoreConfig,
    pool: &Path,
    manifest: &mut Manifest,
    pace: &mut Pace,
) -> Result<(u64, u64), StoreError> {
    let (mut copied, mut already) = (0, 0);
    for place in &manifest.places {
        let target = pool.join(place);
        if target.exists() {
            already += 1;
            continue;
        }
        match copy(&config.blobs.join(place), &target) {
            Ok(()) => copied += 1,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                manifest.destroyed.push(place.clone());
            }
            Err(error) => return Err(error.into()),
        }
        pace.step();
    }
    Ok((copied, already))
}

/// Copies under another name, flushes, renames: a file of the pool is whole or absent.
fn copy(source: &Path, target: &Path) -> std::io::Result<()> {
    let mut from = File::open(source)?;
    let parent = target.parent().unwrap_or(target);
    std::fs::create_dir_all(parent)?;
    let partial = target.with_extension("partial");
    let mut to = File::create(&partial)?;
    std::io::copy(&mut from, &mut to)?;
    to.sync_all()?;
    std::fs::rename(&partial, target)?;
    File::open(parent)?.sync_all()
}

fn write_manifest(set: &Path, manifest: &Manifest) -> Result<(), StoreError> {
    let text = serde_json::to_vec_pretty(manifest).map_err(|error| StoreError::Shape(error.to_string()))?;
    let partial = set.join("manifest.partial");
    let mut file = File::create(&partial)?;
    file.write_all(&text)?;
    file.sync_all()?;
    std::fs::rename(&partial, set.join(MANIFEST))?;
    Ok(File::open(set)?.sync_all()?)
}

/// The finished sets of a backup folder, oldest first.
///
/// # Errors
/// `Io` when the folder cannot be read.
pub fn sets(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut sets = Vec::new();
    for entry in std::fs::read_dir(folder.join(SETS))? {
        let path = entry?.path();
        if path.join(MANIFEST).is_file() {
            sets.push(path);
        }
    }
    sets.sort();
    Ok(sets)
}

/// Deletes all but the newest `keep` sets and the files of blobs that none of
/// the kept ones names. Answers how many sets and files went. What was
/// destroyed in the house leaves the backups with the last set that had it.
///
/// # Errors
/// `Damaged` when a manifest cannot be read; `Io` when something cannot be deleted.
pub fn prune(folder: &Path, keep: usize) -> Result<(u64, u64), StoreError> {
    let sets = sets(folder)?;
    let (old, kept) = sets.split_at(sets.len().saturating_sub(keep.max(1)));
    let mut named = std::collections::HashSet::new();
    for set in kept {
        named.extend(read_manifest(set)?.places);
    }
    for set in old {
        std::fs::remove_dir_all(set)?;
    }
    let pool = folder.join(POOL);
    let mut files = 0;
    for place in crate::files::older_than(&pool, i64::MAX)? {
        if !place.to_str().is_some_and(|place| named.contains(place)) {
            std::fs::remove_file(pool.join(place))?;
            files += 1;
        }
    }
    Ok((old.len() as u64, files))
}

fn read_manifest(set: &Path) -> Result<Manifest, StoreError> {
    let unreadable = || StoreError::Damaged(format!("the manifest of {}", set.display()));
    let text = std::fs::read(set.join(MANIFEST))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| unreadable())?;
    if manifest.format != FORMAT {
        return Err(StoreError::Migration(format!("backup of format {}", manifest.format)));
    }
    Ok(manifest)
}

/// Reads a file through a digest.
struct Hashing<R> {
    inner: R,
    digest: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

fn open_rows(set: &Path, table: &str) -> Result<BufReader<Hashing<File>>, StoreError> {
    let inner = File::open(set.join(format!("{table}.rows")))?;
    Ok(BufReader::new(Hashing { inner, digest: Sha256::new() }))
}
