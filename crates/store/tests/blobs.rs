//! Bytes of documents: kept once, encrypted, streamed, damaged ones never read
//! as whole, destroyed only when nobody holds them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{montemurlo, prato};
use sha2::{Digest, Sha256};
use store::blobs::{self, Prepared};
use store::{Store, StoreConfig, StoreError, TestClock, test_store, vault};
use tokio::io::AsyncReadExt;

const LARGE: usize = 1_000_003;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 % 251) as u8).collect()
}

async fn keep(store: &Store, prepared: Prepared, holder: &'static str) {
    store
        .write(move |tx| {
            blobs::put(tx, &prepared)?;
            blobs::hold(tx, &prepared.body, &prepared.sha256, holder)
        })
        .await
        .unwrap();
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn on_disk(folder: &std::path::Path) -> Store {
    Store::open(&StoreConfig::sqlite(folder, TestClock::default().clock())).unwrap()
}

#[tokio::test]
async fn bytes_of_every_size_read_back() {
    let store = test_store();
    for length in [0, 1, 65_536, blobs::SMALL, blobs::SMALL + 1, 3 * 65_536, LARGE] {
        let plain = bytes(length);
        let prepared = store.prepare_stream(&prato(), &plain[..]).await.unwrap();
        assert_eq!(prepared.sha256, hex::encode(Sha256::digest(&plain)));
        let sha256 = prepared.sha256.clone();
        keep(&store, prepared, "doc").await;
        let mut opened = store.open_blob(&prato(), &sha256).await.unwrap().unwrap();
        let mut read = Vec::new();
        opened.bytes.read_to_end(&mut read).await.unwrap();
        assert!(opened.size == length as u64 && read == plain, "{length} bytes");
        assert!(store.open_blob(&montemurlo(), &sha256).await.unwrap().is_none(), "another body has nothing");
    }
}

#[tokio::test]
async fn files_are_encrypted_and_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let plain = vec![b'A'; LARGE];
    let prepared = store.prepare_stream(&prato(), &plain[..]).await.unwrap();
    let sha256 = prepared.sha256.clone();
    keep(&store, prepared, "doc").await;
    let path = files_below(&folder.path().join("blobs")).remove(0);
    let whole = std::fs::read(&path).unwrap();
    assert!(!whole.windows(16).any(|window| window == [b'A'; 16]), "no plain text on disk");
    let mut flipped = whole.clone();
    flipped[70_000] ^= 1;
    let (cut, exact) = (&whole[..LARGE / 2], &whole[..65_552 * 2]);
    for torn in [&flipped[..], cut, exact, &[][..]] {
        std::fs::write(&path, torn).unwrap();
        let mut opened = store.open_blob(&prato(), &sha256).await.unwrap().unwrap();
        let read = opened.bytes.read_to_end(&mut Vec::new()).await;
        assert!(read.is_err(), "{} bytes were read as whole", torn.len());
    }
}

#[tokio::test]
async fn the_same_bytes_are_kept_once_and_leftovers_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let plain = bytes(LARGE);
    for holder in ["one", "two"] {
        let prepared = store.prepare_stream(&prato(), &plain[..]).await.unwrap();
        keep(&store, prepared, holder).await;
    }
    drop(store.prepare_stream(&prato(), &bytes(LARGE + 1)[..]).await.unwrap());
    assert_eq!(files_below(&folder.path().join("blobs")).len(), 1);
    // What a crash leaves: a half upload, and a whole file that no row names.
    std::fs::write(folder.path().join("blobs/incoming/half"), b"x").unwrap();
    let stray = folder.path().join("blobs/c_g999/ab");
    std::fs::create_dir_all(&stray).unwrap();
    std::fs::write(stray.join(format!("{}-00", "ab".repeat(32))), b"x").unwrap();
    drop(store);
    let store = on_disk(folder.path());
    assert_eq!(files_below(&folder.path().join("blobs")).len(), 2, "incoming is emptied at the start");
    assert_eq!(store.sweep_blobs(0).await, Ok(0), "young files are left alone");
    assert_eq!(store.sweep_blobs(i64::MAX).await, Ok(1));
    assert_eq!(files_below(&folder.path().join("blobs")).len(), 1);
}

#[tokio::test]
async fn bytes_vanish_when_nobody_holds_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let prepared = store.prepare_stream(&prato(), &bytes(LARGE)[..]).await.unwrap();
    let sha256 = prepared.sha256.clone();
    keep(&store, prepared.clone(), "one").await;
    keep(&store, prepared, "two").await;
    for (holder, left) in [("one", 1), ("two", 0)] {
        let sha256 = sha256.clone();
        let others = store.write(move |tx| blobs::release(tx, &prato(), &sha256, holder)).await;
        assert_eq!(others, Ok(left));
        assert_eq!(store.destroy_unheld(i64::MAX, 10).await, Ok(u64::from(left == 0)));
    }
    assert!(store.open_blob(&prato(), &sha256).await.unwrap().is_none());
    assert_eq!(files_below(&folder.path().join("blobs")).len(), 0);
    let told = store.read(move |reader| store::journal::of_subject(reader, &prato(), &sha256)).await.unwrap();
    assert_eq!(told[0].verb, "blob.destroy");
}

#[tokio::test]
async fn holding_what_is_not_there_is_refused() {
    let store = test_store();
    let refused = store.write(|tx| blobs::hold(tx, &prato(), "no such bytes", "doc")).await;
    assert!(matches!(refused, Err(StoreError::Constraint { .. })), "{refused:?}");
}

#[tokio::test]
async fn master_keys_rotate_while_everything_reads_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let prepared = store.prepare(&prato(), b"small").await.unwrap();
    let sha256 = prepared.sha256.clone();
    keep(&store, prepared, "doc").await;
    let sealed = store.write(|tx| vault::seal_secret(tx, &prato(), "mailbox", b"password")).await.unwrap();
    assert_eq!(store.rotate_master_key(vault::NewMaster::Random).await, Ok(1));
    let key_file = folder.path().join("master.key");
    let newest = std::fs::read_to_string(&key_file).unwrap().lines().last().unwrap().to_owned();
    drop(store);
    // The new master key alone is enough: everything was wrapped again.
    std::fs::write(&key_file, newest).unwrap();
    let store = on_disk(folder.path());
    let read = store.blob_bytes(&prato(), &sha256, 100).await.unwrap().unwrap();
    assert_eq!(&read[..], b"small");
    let again = store.clone();
    let secret = store
        .read(move |reader| {
            let wrong = vault::open_secret(reader, &again, &prato(), "another purpose", &sealed);
            assert!(wrong.is_err());
            vault::open_secret(reader, &again, &prato(), "mailbox", &sealed)
        })
        .await
        .unwrap();
    assert_eq!(&secret[..], b"password");
}

#[tokio::test]
async fn two_processes_cannot_write_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let second = Store::open(&StoreConfig::sqlite(folder.path(), TestClock::default().clock()));
    assert!(matches!(second, Err(StoreError::Busy(_))));
    drop(store);
    on_disk(folder.path());
}
