//! Files of large blobs: written in encrypted chunks to `incoming/`, flushed,
//! then moved to `BODY/AB/SHA256-SUFFIX` and the folders flushed too. Chunks
//! carry their position and whether they are the last, so a file that was cut,
//! lengthened or shuffled is not read as if it were whole.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use domain::body::IpaCode;
use futures_util::stream;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;

use crate::StoreError;
use crate::vault::{self, Secret};

/// Plain bytes of one chunk.
pub(crate) const CHUNK: usize = 64 * 1024;
/// What GCM adds to a chunk.
const TAG: usize = 16;
/// Chunks on their way between the source and the disk: bounds the memory of an upload.
const AHEAD: usize = 4;
const INCOMING: &str = "incoming";

/// A file that is on disk for good.
pub(crate) struct Written {
    pub(crate) sha256: String,
    pub(crate) size: u64,
    /// Below the folder of the blobs.
    pub(crate) place: String,
}

/// Writes `start` and then the rest of `source` as one file.
pub(crate) async fn write(
    folder: &Path,
    body: &IpaCode,
    key: &Secret,
    start: Vec<u8>,
    mut source: impl AsyncRead + Send + Unpin,
) -> Result<Written, StoreError> {
    let (chunks, queue) = mpsc::channel::<std::io::Result<Vec<u8>>>(AHEAD);
    let (folder, body, key) = (folder.to_owned(), body.clone(), key.clone());
    let disk = tokio::task::spawn_blocking(move || write_chunks(&folder, &body, &key, queue));
    let mut next = Ok(start);
    loop {
        let failed = match &next {
            Ok(bytes) if bytes.is_empty() => break,
            other => other.is_err(),
        };
        // When the disk side stopped, its own error says why.
        if chunks.send(next).await.is_err() || failed {
            break;
        }
        let mut bytes = Vec::with_capacity(CHUNK);
        let read = (&mut source).take(CHUNK as u64).read_to_end(&mut bytes).await;
        next = read.map(|_| bytes);
    }
    drop(chunks);
    disk.await.map_err(|_| StoreError::Panicked)?
}

/// The blocking side: hash, encrypt, write; a failure removes the file.
fn write_chunks(
    folder: &Path,
    body: &IpaCode,
    key: &Secret,
    mut queue: mpsc::Receiver<std::io::Result<Vec<u8>>>,
) -> Result<Written, StoreError> {
    let incoming = folder.join(INCOMING);
    std::fs::create_dir_all(&incoming)?;
    let suffix = hex::encode(*vault::random::<8>()?);
    let path = incoming.join(&suffix);
    let mut file = OpenOptions::new().create_new(true).write(true).open(&path)?;
    let done = fill(&mut file, body, key, &mut queue)
        .and_then(|(sha256, size)| Ok((file.sync_all()?, sha256, size)))
        .and_then(|((), sha256, size)| {
            let place = format!("{body}/{}/{sha256}-{suffix}", &sha256[..2]);
            settle(folder, &path, &place)?;
            Ok(Written { sha256, size, place })
        });
    if done.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    done
}

fn fill(
    file: &mut File,
    body: &IpaCode,
    key: &Secret,
    queue: &mut mpsc::Receiver<std::io::Result<Vec<u8>>>,
) -> Result<(String, u64), StoreError> {
    let mut digest = Sha256::new();
    let (mut size, mut position) = (0_u64, 0_u64);
    let mut waiting: Vec<u8> = Vec::with_capacity(2 * CHUNK);
    let mut write = |plain: &[u8], last: bool| -> Result<(), StoreError> {
        let sealed = vault::encrypt_at(key, nonce(position, last), body.as_str().as_bytes(), plain)?;
        position += 1;
        Ok(file.write_all(&sealed)?)
    };
    while let Some(bytes) = queue.blocking_recv() {
        let bytes = bytes?;
        digest.update(&bytes);
        size += bytes.len() as u64;
        waiting.extend(bytes);
        // One chunk always waits: the last one is marked, and only the end tells which it is.
        while waiting.len() > CHUNK {
            write(&waiting[..CHUNK], false)?;
            waiting.drain(..CHUNK);
        }
    }
    write(&waiting, true)?;
    Ok((hex::encode(digest.finalize()), size))
}

/// Moves a flushed file to its place and flushes the folders that now name it.
fn settle(folder: &Path, path: &Path, place: &str) -> Result<(), StoreError> {
    let target = folder.join(place);
    let parent = target.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)?;
    std::fs::rename(path, &target)?;
    let mut level = Some(parent);
    while let Some(current) = level {
        File::open(current)?.sync_all()?;
        level = if current == folder { None } else { current.parent() };
    }
    Ok(())
}

/// Opens a file as a stream of its plain bytes.
pub(crate) async fn read(
    path: &Path,
    body: &IpaCode,
    key: Secret,
) -> Result<impl AsyncRead + Send + Unpin + use<>, StoreError> {
    let (path, body) = (path.to_owned(), body.clone());
    let opening = tokio::task::spawn_blocking(move || File::open(path));
    let file = opening.await.map_err(|_| StoreError::Panicked)?.map_err(|error| match error.kind() {
        // A row names it, so it was there: waiting will not bring it back.
        std::io::ErrorKind::NotFound => StoreError::Damaged("the file of a document is gone".into()),
        _ => StoreError::from(error),
    })?;
    let (chunks, queue) = mpsc::channel::<std::io::Result<Bytes>>(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut file = file;
        if let Err(error) =
            send_chunks(&mut file, &body, &key, |plain| chunks.blocking_send(Ok(plain.into())).is_ok())
        {
            let _ = chunks.blocking_send(Err(told(&error)));
        }
    });
    let stream = stream::unfold(queue, |mut queue| async move {
        let next = queue.recv().await?;
        Some((next, queue))
    });
    Ok(StreamReader::new(Box::pin(stream)))
}

/// A failure as a stream tells it; damage stays damage (`InvalidData`).
fn told(error: &StoreError) -> std::io::Error {
    let kind = match error {
        StoreError::Damaged(_) => std::io::ErrorKind::InvalidData,
        _ => std::io::ErrorKind::Other,
    };
    std::io::Error::new(kind, error.to_string())
}

/// Reads and opens every chunk; stops early when `give` answers false.
pub(crate) fn send_chunks(
    file: &mut File,
    body: &IpaCode,
    key: &Secret,
    mut give: impl FnMut(Vec<u8>) -> bool,
) -> Result<(), StoreError> {
    let mut sealed = read_chunk(file)?;
    for position in 0.. {
        let following = read_chunk(file)?;
        let last = following.is_empty();
        let plain = vault::decrypt_at(key, nonce(position, last), body.as_str().as_bytes(), &sealed)?;
        if !give(plain) || last {
            break;
        }
        sealed = following;
    }
    Ok(())
}

fn read_chunk(file: &mut File) -> Result<Vec<u8>, StoreError> {
    let mut sealed = Vec::with_capacity(CHUNK + TAG);
    file.take((CHUNK + TAG) as u64).read_to_end(&mut sealed)?;
    Ok(sealed)
}

/// Position and end of a chunk; the key of a blob is used for one file only.
fn nonce(position: u64, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&position.to_be_bytes());
    nonce[11] = if last { 2 } else { 1 };
    nonce
}

/// Body and fingerprint from the place of a file.
pub(crate) fn meaning(place: &Path) -> Option<(String, String)> {
    let body = place.iter().next()?.to_str()?;
    let name = place.file_name()?.to_str()?;
    let (sha256, _) = name.split_once('-')?;
    Some((body.to_owned(), sha256.to_owned()))
}

/// Places of files last touched before `before` (UTC microseconds).
pub(crate) fn older_than(folder: &Path, before: i64) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(&current)? {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let touched = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            if i64::try_from(touched.as_micros()).is_ok_and(|touched| touched < before)
                && let Ok(place) = entry.path().strip_prefix(folder)
            {
                found.push(place.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Empties `incoming/`: uploads that a crash cut. Only while nobody else writes to the folder.
pub(crate) fn clear_incoming(folder: &Path) -> Result<(), StoreError> {
    let incoming = folder.join(INCOMING);
    std::fs::create_dir_all(&incoming)?;
    for entry in std::fs::read_dir(incoming)? {
        std::fs::remove_file(entry?.path())?;
    }
    Ok(())
}
