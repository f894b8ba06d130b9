//! Backups taken while the clerks write, restored elsewhere and checked; data
//! moved from one engine to the other and compared.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use common::cluster::Cluster;
use common::{letter, prato, register_one, registered};
use store::move_to::move_to;
use store::{Query, Store, StoreConfig, StoreError, TestClock, backup, blobs};

fn sqlite(folder: &Path, clock: &TestClock) -> StoreConfig {
    StoreConfig::sqlite(folder.join("data"), clock.clock())
}

/// The same master keys, another place.
fn elsewhere(original: &StoreConfig, folder: &Path, clock: &TestClock) -> StoreConfig {
    StoreConfig { key_file: original.key_file.clone(), ..sqlite(folder, clock) }
}

async fn keep_large(store: &Store, letter: u8, holder: &'static str) -> String {
    let prepared = store.prepare_stream(&prato(), &vec![letter; 300_000][..]).await.unwrap();
    let sha256 = prepared.sha256.clone();
    store
        .write(move |tx| {
            blobs::put(tx, &prepared)?;
            blobs::hold(tx, &prato(), &prepared.sha256, holder)
        })
        .await
        .unwrap();
    sha256
}

async fn numbers(store: &Store) -> Vec<i64> {
    let rows =
        store.read(|reader| reader.rows("select number from registrations order by number", &[])).await;
    rows.unwrap().iter().map(|row| row.int(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_busy_store_restores_whole() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::default());
    let config = sqlite(folder.path(), &clock);
    let store = Store::open(&config).unwrap();
    keep_large(&store, b'a', "doc_a").await;
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
    let writing = {
        let (store, stop, acknowledged) = (store.clone(), stop.clone(), acknowledged.clone());
        tokio::spawn(async move {
            for seed in 1.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let number = registered(&store, seed, letter(&prato(), "Lettera")).await.number;
                acknowledged.store(number, Ordering::SeqCst);
            }
        })
    };
    while acknowledged.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    let target = folder.path().join("backup");
    let first = store.backup(&target).await.unwrap();
    assert_eq!((first.copied, first.already), (1, 0));
    keep_large(&store, b'b', "doc_b").await;
    clock.advance(1);
    let before = acknowledged.load(Ordering::SeqCst);
    let second = store.backup(&target).await.unwrap();
    assert_eq!((second.copied, second.already), (1, 1), "files are copied once");
    stop.store(true, Ordering::SeqCst);
    writing.await.unwrap();

    let sets = backup::sets(&target).unwrap();
    assert_eq!(sets, [first.set, second.set.clone()]);
    let place = folder.path().join("restored");
    let restored = elsewhere(&config, &place, &clock);
    let checked = backup::restore(&second.set, &restored).await.unwrap();
    assert!(checked.faults.is_empty() && checked.blobs > 20, "{checked:?}");
    let store = Store::open(&restored).unwrap();
    let there = numbers(&store).await;
    let highest = there.len() as i64;
    assert_eq!(there, (1..=highest).collect::<Vec<_>>());
    assert!(highest >= before, "what was acknowledged before the backup is in it");
    assert_eq!(registered(&store, 999_999, letter(&prato(), "Dopo")).await.number, highest + 1);
    assert_eq!(backup::prune(&target, 1).unwrap(), (1, 0), "the newer set still names both files");
}

#[tokio::test]
async fn an_altered_backup_is_refused_and_leaves_nothing() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::default());
    let config = sqlite(folder.path(), &clock);
    let store = Store::open(&config).unwrap();
    registered(&store, 1, letter(&prato(), "Lettera")).await;
    let taken = store.backup(&folder.path().join("backup")).await.unwrap();
    let rows = taken.set.join("registrations.rows");
    let mut altered = std::fs::read(&rows).unwrap();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    std::fs::write(&rows, altered).unwrap();
    let place = elsewhere(&config, &folder.path().join("restored"), &clock);
    let refused = backup::restore(&taken.set, &place).await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    assert_eq!(numbers(&Store::open(&place).unwrap()).await, [0_i64; 0]);
    let refused = backup::restore(&taken.set, &config).await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "a place in use: {refused:?}");
}

#[tokio::test]
async fn a_missing_or_altered_file_is_named() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::default());
    let config = sqlite(folder.path(), &clock);
    let store = Store::open(&config).unwrap();
    let sha256 = keep_large(&store, b'a', "doc_a").await;
    let taken = store.backup(&folder.path().join("backup")).await.unwrap();
    let pool = folder.path().join("backup/blobs/c_g999").join(&sha256[..2]);
    let file = std::fs::read_dir(&pool).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, b"not the same").unwrap();
    let place = elsewhere(&config, &folder.path().join("restored"), &clock);
    let checked = backup::restore(&taken.set, &place).await.unwrap();
    assert_eq!(checked.faults.len(), 1);
    assert!(checked.faults[0].contains(&sha256));
}

#[tokio::test]
async fn data_move_to_postgresql_and_a_backup_brings_them_back() {
    let Some(cluster) = Cluster::start() else { return };
    let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::default());
    let config = sqlite(folder.path(), &clock);
    {
        let store = Store::open(&config).unwrap();
        for seed in 1..=5 {
            let new = letter(&prato(), &format!("Lettera {seed}"));
            store.write(move |tx| register_one(tx, seed, &new)).await.unwrap();
        }
        keep_large(&store, b'a', "doc_a").await;
        assert!(matches!(move_to(&config, &config).await, Err(StoreError::Busy(_))), "the source is in use");
    }
    let mut target = StoreConfig::postgres(cluster.url(), folder.path().join("blobs"), clock.clock());
    target.key_file = config.key_file.clone();
    let moved = move_to(&config, &target).await.unwrap();
    assert_eq!(moved.files, 1);
    assert!(moved.tables.contains(&("registrations".to_owned(), 5)), "{moved:?}");
    assert!(matches!(move_to(&config, &target).await, Err(StoreError::Busy(_))), "not onto existing data");
    let store = Store::open(&target).unwrap();
    let checked = store.check_everything().await.unwrap();
    assert!(checked.faults.is_empty() && checked.blobs == 6, "{checked:?}");
    assert_eq!(registered(&store, 6, letter(&prato(), "Dopo")).await.number, 6);

    let taken = store.backup(&folder.path().join("backup")).await.unwrap();
    let back = elsewhere(&config, &folder.path().join("back"), &clock);
    let checked = backup::restore(&taken.set, &back).await.unwrap();
    assert!(checked.faults.is_empty(), "{checked:?}");
    assert_eq!(numbers(&Store::open(&back).unwrap()).await, (1..=6).collect::<Vec<_>>());
}
