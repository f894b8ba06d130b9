//! The bytes of documents, by SHA-256 within a body, encrypted at rest. Small
//! ones travel inside the transaction; large ones are streamed to a file with
//! constant memory and flushed (file and folder) before any row names them.
//!
//! Bytes are prepared outside the writer (hashing and encryption take time),
//! put inside the transaction of whatever needs them, held by it, and
//! destroyed when nobody holds them any more: the key goes with the row, so
//! that no copy of the file can be read again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use domain::body::IpaCode;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::files::{self, CHUNK};
use crate::journal::{self, Entry};
use crate::vault::{self, BodyKey, Secret, Vault};
use crate::{Query, Store, StoreError, Tx, Value};

/// Up to this size, bytes are kept in the database itself.
pub const SMALL: usize = 128 * 1024;

const INSERT: &str = "insert into blobs (body, sha256, size, key_id, wrapped, created_at, place, bytes) \
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (body, sha256) do nothing";
const FIND: &str = "select size, key_id, wrapped, place, bytes from blobs where body = $1 and sha256 = $2";
const HOLD: &str = "insert into blob_holders (body, sha256, holder) values ($1, $2, $3) \
    on conflict (body, sha256, holder) do nothing";
const RELEASE: &str = "delete from blob_holders where body = $1 and sha256 = $2 and holder = $3";
const HOLDERS: &str = "select (select count(*) from blob_holders where body = $1 and sha256 = $2) \
    + (select count(*) from documents where body = $1 and sha256 = $2)";
const UNHELD: &str = "select b.body, b.sha256, b.place from blobs b where b.created_at <= $1 \
    and not exists (select 1 from blob_holders h where h.body = b.body and h.sha256 = b.sha256) \
    and not exists (select 1 from documents d where d.body = b.body and d.sha256 = b.sha256) \
    order by b.created_at limit $2";
const DELETE: &str = "delete from blobs where body = $1 and sha256 = $2";

/// Bytes ready to be put into a transaction.
#[derive(Clone)]
pub struct Prepared {
    /// The body they belong to.
    pub body: IpaCode,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    key_id: String,
    wrapped: Vec<u8>,
    content: Content,
}

#[derive(Clone)]
enum Content {
    /// Encrypted bytes.
    Row(Vec<u8>),
    /// A flushed file; deleted again if no row ever names it.
    File(Arc<Unclaimed>),
}

/// A file on disk that no row names yet.
struct Unclaimed {
    folder: PathBuf,
    place: String,
    claimed: AtomicBool,
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if !self.claimed.load(Ordering::Acquire) {
            // What cannot be deleted now is swept later.
            let _ = std::fs::remove_file(self.folder.join(&self.place));
        }
    }
}

/// An open blob: its size, and its bytes as a stream.
pub struct Opened {
    /// Size in bytes.
    pub size: u64,
    /// The bytes; a damaged chunk ends the stream with an error, never with a silent end.
    pub bytes: Box<dyn AsyncRead + Send + Unpin>,
}

impl Store {
    /// Reads a stream to its end, hashing and encrypting on the way with
    /// constant memory. What comes back belongs to no one until
    /// [`put`] names it inside a transaction.
    ///
    /// # Errors
    /// `DiskFull` or `Io` when the stream or the disk fails; then nothing is left on disk.
    pub async fn prepare_stream(
        &self,
        body: &IpaCode,
        mut source: impl AsyncRead + Send + Unpin,
    ) -> Result<Prepared, StoreError> {
        let mut start = Vec::with_capacity(CHUNK);
        (&mut source).take(SMALL as u64 + 1).read_to_end(&mut start).await?;
        if start.len() <= SMALL {
            return self.prepare(body, &start).await;
        }
        let owner = self.body_key(body).await?;
        let key = vault::random()?;
        let folder = self.config().blobs.clone();
        let written = files::write(&folder, body, &key, start, source).await?;
        Ok(Prepared {
            body: body.clone(),
            wrapped: wrap(&owner, &key)?,
            key_id: owner.id,
            sha256: written.sha256,
            size: written.size,
            content: Content::File(Arc::new(Unclaimed {
                folder,
                place: written.place,
                claimed: AtomicBool::new(false),
            })),
        })
    }

    /// Hashes and encrypts bytes that are already in memory (at most a few MB).
    ///
    /// # Errors
    /// Those of the database, the first time a body stores anything.
    pub async fn prepare(&self, body: &IpaCode, plain: &[u8]) -> Result<Prepared, StoreError> {
        let owner = self.body_key(body).await?;
        seal(body, &owner, plain)
    }

    /// Opens the bytes of a body by fingerprint.
    ///
    /// # Errors
    /// `Key` when the key is missing, `Io` when the file is; those of the database.
    pub async fn open_blob(&self, body: &IpaCode, sha256: &str) -> Result<Option<Opened>, StoreError> {
        let (vault, asked, sha256) = (self.vault().clone(), body.clone(), sha256.to_owned());
        let found = self.read(move |reader| locate(reader, &vault, &asked, &sha256)).await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let bytes: Box<dyn AsyncRead + Send + Unpin> = match found.content {
            Located::Row(sealed) => Box::new(std::io::Cursor::new(unseal(body, &found.key, &sealed)?)),
            Located::File(place) => {
                Box::new(files::read(&self.config().blobs.join(place), body, found.key).await?)
            }
        };
        Ok(Some(Opened { size: found.size, bytes }))
    }

    /// All the bytes of a blob, in memory, when they are at most `limit`.
    ///
    /// # Errors
    /// `Shape` when there are more; those of [`Store::open_blob`].
    pub async fn blob_bytes(
        &self,
        body: &IpaCode,
        sha256: &str,
        limit: u64,
    ) -> Result<Option<Bytes>, StoreError> {
        let Some(mut opened) = self.open_blob(body, sha256).await? else {
            return Ok(None);
        };
        if opened.size > limit {
            return Err(StoreError::Shape(format!(
                "{} bytes where at most {limit} were expected",
                opened.size
            )));
        }
        let mut all = Vec::with_capacity(usize::try_from(opened.size).unwrap_or_default());
        opened.bytes.read_to_end(&mut all).await?;
        Ok(Some(all.into()))
    }

    /// Destroys, oldest first, at most `limit` blobs that nobody holds and that
    /// came before `before` (UTC microseconds): the row with its key, a leaf of
    /// the journal that says so, then the file. Answers how many.
    ///
    /// # Errors
    /// Those of the database; a file that cannot be deleted is swept later.
    pub async fn destroy_unheld(&self, before: i64, limit: i64) -> Result<u64, StoreError> {
        let places = self.write(move |tx| destroy_rows(tx, before, limit)).await?;
        let folder = self.config().blobs.clone();
        let count = places.len() as u64;
        let removal = tokio::task::spawn_blocking(move || {
            for place in places.into_iter().flatten() {
                let _ = std::fs::remove_file(folder.join(place));
            }
        });
        // The rows, and so the keys, are gone already.
        let _ = removal.await;
        Ok(count)
    }

    /// Deletes files that no row names and that were last touched before
    /// `before` (UTC microseconds): what a crash left behind. Answers how many.
    ///
    /// # Errors
    /// `Io` when the folder cannot be read; those of the database.
    pub async fn sweep_blobs(&self, before: i64) -> Result<u64, StoreError> {
        let folder = self.config().blobs.clone();
        let files = tokio::task::spawn_blocking(move || files::older_than(&folder, before));
        let files = files.await.map_err(|_| StoreError::Panicked)??;
        let orphans = self
            .read(move |reader| {
                let mut orphans = Vec::new();
                for place in files {
                    if !is_named(reader, &place)? {
                        orphans.push(place);
                    }
                }
                Ok::<_, StoreError>(orphans)
            })
            .await?;
        let mut removed = 0;
        for place in orphans {
            removed += u64::from(tokio::fs::remove_file(self.config().blobs.join(place)).await.is_ok());
        }
        Ok(removed)
    }

    async fn body_key(&self, body: &IpaCode) -> Result<BodyKey, StoreError> {
        if let Some(known) = self.vault().remembered(body) {
            return Ok(known);
        }
        let (vault, asked) = (self.vault().clone(), body.clone());
        let found = self.read(move |reader| vault.find(reader, &asked)).await?;
        if let Some(found) = found {
            return Ok(found);
        }
        let (vault, asked) = (self.vault().clone(), body.clone());
        self.write(move |tx| vault.find_or_make(tx, &asked)).await
    }
}

/// Puts prepared bytes into the transaction. The same bytes twice are kept once.
///
/// # Errors
/// Those of the database.
pub fn put(tx: &mut Tx, prepared: &Prepared) -> Result<(), StoreError> {
    let at = tx.stamp();
    let (place, bytes) = match &prepared.content {
        Content::Row(sealed) => (Value::Null, sealed.as_slice().into()),
        Content::File(file) => (file.place.as_str().into(), Value::Null),
    };
    let size = i64::try_from(prepared.size).map_err(|_| StoreError::Shape("size".into()))?;
    let params = [
        prepared.body.as_str().into(),
        prepared.sha256.as_str().into(),
        size.into(),
        prepared.key_id.as_str().into(),
        prepared.wrapped.as_slice().into(),
        at.into(),
        place,
        bytes,
    ];
    match &prepared.content {
        Content::Row(_) => tx.put(INSERT, &params),
        Content::File(file) => {
            // If the group is lost after this, the file is an orphan and is swept.
            if tx.execute(INSERT, &params)? == 1 {
                file.claimed.store(true, Ordering::Release);
            }
            Ok(())
        }
    }
}

/// Prepares and puts small bytes made inside the transaction itself. Answers their fingerprint.
///
/// # Errors
/// `Shape` when they are more than [`SMALL`]; those of the database.
pub fn put_small(tx: &mut Tx, body: &IpaCode, plain: &[u8]) -> Result<String, StoreError> {
    if plain.len() > SMALL {
        return Err(StoreError::Shape(format!("{} bytes are not small", plain.len())));
    }
    let vault = tx.vault.clone();
    let owner = vault.find_or_make(tx, body)?;
    let prepared = seal(body, &owner, plain)?;
    put(tx, &prepared)?;
    Ok(prepared.sha256)
}

/// Says that `holder` (an id) needs the bytes.
///
/// # Errors
/// `Constraint` when there are no such bytes; those of the database.
pub fn hold(tx: &mut Tx, body: &IpaCode, sha256: &str, holder: &str) -> Result<(), StoreError> {
    tx.put(HOLD, &[body.as_str().into(), sha256.into(), holder.into()])
}

/// Says that `holder` does not need the bytes any more. Answers how many others still do.
///
/// # Errors
/// Those of the database.
pub fn release(tx: &mut Tx, body: &IpaCode, sha256: &str, holder: &str) -> Result<i64, StoreError> {
    tx.execute(RELEASE, &[body.as_str().into(), sha256.into(), holder.into()])?;
    let row = tx.row(HOLDERS, &[body.as_str().into(), sha256.into()])?;
    row.map_or(Ok(0), |row| row.int(0))
}

struct Found {
    size: u64,
    key: Secret,
    content: Located,
}

enum Located {
    Row(Vec<u8>),
    File(String),
}

fn locate(
    query: &mut impl Query,
    vault: &Vault,
    body: &IpaCode,
    sha256: &str,
) -> Result<Option<Found>, StoreError> {
    let Some(row) = query.row(FIND, &[body.as_str().into(), sha256.into()])? else {
        return Ok(None);
    };
    let owner = vault
        .find(query, body)?
        .filter(|owner| row.text(1) == Ok(owner.id.as_str()))
        .ok_or_else(|| StoreError::Key(format!("a blob of {body} names another data key")))?;
    let key = vault::decrypt(&owner.key, b"blob key", row.bytes(2)?)?;
    let key: [u8; 32] = key[..].try_into().map_err(|_| StoreError::Damaged("key of a blob".into()))?;
    let content = match row.opt_text(3)? {
        Some(place) => Located::File(place.to_owned()),
        None => Located::Row(row.bytes(4)?.to_vec()),
    };
    Ok(Some(Found { size: u64::try_from(row.int(0)?).unwrap_or_default(), key: Secret::new(key), content }))
}

fn seal(body: &IpaCode, owner: &BodyKey, plain: &[u8]) -> Result<Prepared, StoreError> {
    let key = vault::random()?;
    Ok(Prepared {
        body: body.clone(),
        sha256: hex::encode(Sha256::digest(plain)),
        size: plain.len() as u64,
        key_id: owner.id.clone(),
        wrapped: wrap(owner, &key)?,
        content: Content::Row(vault::encrypt_at(&key, [0; 12], body.as_str().as_bytes(), plain)?),
    })
}

/// The key of a blob is used once, so the nonce may be zero.
fn unseal(body: &IpaCode, key: &Secret, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    vault::decrypt_at(key, [0; 12], body.as_str().as_bytes(), sealed)
}

fn wrap(owner: &BodyKey, key: &Secret) -> Result<Vec<u8>, StoreError> {
    vault::encrypt(&owner.key, b"blob key", &key[..])
}

fn destroy_rows(tx: &mut Tx, before: i64, limit: i64) -> Result<Vec<Option<String>>, StoreError> {
    let rows = tx.rows(UNHELD, &[before.into(), limit.into()])?;
    let mut places = Vec::with_capacity(rows.len());
    for row in rows {
        let (body, sha256): (IpaCode, _) = (row.parse(0)?, row.text(1)?);
        tx.put(DELETE, &[body.as_str().into(), sha256.into()])?;
        journal::append(
            tx,
            Entry {
                body: &body,
                actor: "store",
                on_behalf_of: None,
                verb: "blob.destroy",
                subject: sha256,
                case: None,
                norm: None,
                state: b"",
            },
        )?;
        places.push(row.opt_text(2)?.map(str::to_owned));
    }
    Ok(places)
}

/// A file is called after its body and fingerprint, so its row is found by key.
fn is_named(query: &mut impl Query, place: &Path) -> Result<bool, StoreError> {
    const PLACE: &str = "select place from blobs where body = $1 and sha256 = $2";
    let Some((body, sha256)) = files::meaning(place) else {
        return Ok(false);
    };
    let row = query.row(PLACE, &[body.into(), sha256.into()])?;
    Ok(row.is_some_and(|row| row.opt_text(0).ok().flatten() == place.to_str()))
}
