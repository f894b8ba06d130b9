//! Keys at rest. A key file holds the master keys, newest last, or says in
//! which PKCS#11 token they are (see `token.rs`); each body has
//! one data key, wrapped under a master key; each blob or secret is encrypted
//! under a key or nonce of its own below that. A new master key is added to
//! the file and the data keys are wrapped again, while everything runs.
//!
//! AES-256-GCM throughout; every use is bound to its purpose by the
//! additional data, so that one ciphertext never passes for another.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::body::IpaCode;
use zeroize::Zeroizing;

use crate::token::{Token, TokenKey};
use crate::{Query, Store, StoreError, Tx};

pub(crate) const NONCE: usize = 12;

const FIND: &str = "select id, master, wrapped from body_keys where body = $1";
const ALL: &str = "select id, master, wrapped from body_keys where master <> $1 order by id";
const INSERT: &str =
    "insert into body_keys (id, body, master, wrapped, created_at) values ($1, $2, $3, $4, $5)";
const REWRAP: &str = "update body_keys set master = $2, wrapped = $3 where id = $1";

/// 256 bits that are wiped from memory when dropped.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// The data key of a body and its id.
#[derive(Clone)]
pub(crate) struct BodyKey {
    pub(crate) id: String,
    pub(crate) key: Secret,
}

/// The master keys by name, in the order of the file.
struct Ring(Vec<(String, Master)>);

/// A master key: in memory, or in a token that never gives it away.
enum Master {
    Inside(Secret),
    Token(Token),
}

impl Master {
    fn encrypt(&self, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Inside(key) => encrypt(key, purpose, plain),
            Self::Token(token) => token.encrypt(purpose, plain),
        }
    }

    fn decrypt(&self, purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Inside(key) => decrypt(key, purpose, sealed),
            Self::Token(token) => token.decrypt(purpose, sealed),
        }
    }
}

/// Where the next master key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewMaster {
    /// A random one, written into the key file.
    Random,
    /// A key that a PKCS#11 token already has.
    Token(TokenKey),
}

/// Master keys and the data keys already unwrapped.
pub(crate) struct Vault {
    file: PathBuf,
    ring: RwLock<Ring>,
    /// By body; a data key never changes, only its wrapping does.
    known: Mutex<HashMap<String, BodyKey>>,
}

impl Vault {
    /// Reads the key file, or writes a first one (mode 0600) when there is none.
    pub(crate) fn open(file: &Path) -> Result<Self, StoreError> {
        if !file.exists() {
            add_master(file, &NewMaster::Random)?;
        }
        Ok(Self {
            file: file.to_owned(),
            ring: RwLock::new(Ring::read(file)?),
            known: Mutex::new(HashMap::new()),
        })
    }

    /// The data key of a body, if it was used since the start: no question to the database.
    pub(crate) fn remembered(&self, body: &IpaCode) -> Option<BodyKey> {
        self.known().get(body.as_str()).cloned()
    }

    /// The data key of a body, if it has one yet.
    pub(crate) fn find(&self, query: &mut impl Query, body: &IpaCode) -> Result<Option<BodyKey>, StoreError> {
        if let Some(known) = self.remembered(body) {
            return Ok(Some(known));
        }
        let Some(row) = query.row(FIND, &[body.as_str().into()])? else {
            return Ok(None);
        };
        let id = row.text(0)?.to_owned();
        let key = self.unwrap(&id, row.text(1)?, row.bytes(2)?)?;
        let found = BodyKey { id, key };
        self.known().insert(body.to_string(), found.clone());
        Ok(Some(found))
    }

    /// The data key of a body, made now if it has none.
    pub(crate) fn find_or_make(&self, tx: &mut Tx, body: &IpaCode) -> Result<BodyKey, StoreError> {
        if let Some(found) = self.find(tx, body)? {
            return Ok(found);
        }
        let id = hex::encode(*random::<16>()?);
        let made = BodyKey { key: random()?, id: id.clone() };
        let (master, wrapped) = self.wrap(&id, &made.key)?;
        let at = tx.stamp();
        // Not remembered before it is committed: the next use reads it from the row.
        tx.execute(INSERT, &[id.into(), body.as_str().into(), master.into(), wrapped.into(), at.into()])?;
        Ok(made)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, BodyKey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrap(&self, id: &str, key: &Secret) -> Result<(String, Vec<u8>), StoreError> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let (master, secret) =
            ring.0.last().ok_or_else(|| StoreError::Key("the key file is empty".into()))?;
        Ok((master.clone(), secret.encrypt(id.as_bytes(), &key[..])?))
    }

    fn unwrap(&self, id: &str, master: &str, wrapped: &[u8]) -> Result<Secret, StoreError> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let (_, secret) = ring
            .0
            .iter()
            .find(|(name, _)| name == master)
            .ok_or_else(|| StoreError::Key(format!("master key {master} is not in the key file")))?;
        let key = Zeroizing::new(secret.decrypt(id.as_bytes(), wrapped)?);
        let key: [u8; 32] = key[..].try_into().map_err(|_| StoreError::Damaged(format!("data key {id}")))?;
        Ok(Zeroizing::new(key))
    }

    /// Whether the newest master key is the one at this place of a token.
    fn is_kept_in(&self, place: &TokenKey) -> bool {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        matches!(ring.0.last(), Some((_, Master::Token(token))) if token.place() == place)
    }

    fn newest(&self) -> Option<String> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.0.last().map(|(name, _)| name.clone())
    }
}

impl Ring {
    /// One key per line: a name, a space, 32 bytes in base64 or the place in a token.
    fn read(file: &Path) -> Result<Self, StoreError> {
        let text = Zeroizing::new(std::fs::read_to_string(file)?);
        let mut keys = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let unclear = || StoreError::Key(format!("{}: not a key file", file.display()));
            let (name, encoded) = line.trim().split_once(' ').ok_or_else(unclear)?;
            if let Some(place) = TokenKey::from_line(encoded) {
                keys.push((name.to_owned(), Master::Token(Token::open(place)?)));
                continue;
            }
            let bytes = Zeroizing::new(STANDARD.decode(encoded.trim()).map_err(|_| unclear())?);
            let key: [u8; 32] = bytes[..].try_into().map_err(|_| unclear())?;
            keys.push((name.to_owned(), Master::Inside(Zeroizing::new(key))));
        }
        Ok(Self(keys))
    }
}

impl Store {
    /// Makes the key at this place of a token the master key, unless it is already. Answers how many data keys were
    /// wrapped again.
    ///
    /// # Errors
    /// As [`Store::rotate_master_key`].
    pub async fn keep_master_in(&self, place: TokenKey) -> Result<u64, StoreError> {
        if self.vault().is_kept_in(&place) {
            return Ok(0);
        }
        self.rotate_master_key(NewMaster::Token(place)).await
    }

    /// Adds a new master key to the key file and wraps every data key under it.
    /// Reading and writing go on meanwhile. Answers how many keys were wrapped again.
    ///
    /// Older master keys stay in the file until no backup needs them.
    ///
    /// # Errors
    /// `Io` when the key file cannot be written; `Key` when the token has no such key; those of the
    /// database, and then the old wrapping holds.
    pub async fn rotate_master_key(&self, new: NewMaster) -> Result<u64, StoreError> {
        let vault = self.vault();
        if let NewMaster::Token(place) = &new {
            // Before the key file names it: a line that cannot be opened would stop the next start.
            Token::open(place.clone())?;
        }
        add_master(&vault.file, &new)?;
        let ring = Ring::read(&vault.file)?;
        *vault.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        self.write(|tx| {
            let vault = tx.vault.clone();
            let newest = vault.newest().unwrap_or_default();
            let rows = tx.rows(ALL, &[newest.into()])?;
            for row in &rows {
                let id = row.text(0)?;
                let key = vault.unwrap(id, row.text(1)?, row.bytes(2)?)?;
                let (master, wrapped) = vault.wrap(id, &key)?;
                tx.put(REWRAP, &[id.into(), master.into(), wrapped.into()])?;
            }
            Ok(rows.len() as u64)
        })
        .await
    }
}

/// Encrypts a secret of a body (a password, the seed of a second factor) for a
/// column; `purpose` says where it stands and must be the same when it is opened.
///
/// # Errors
/// `Key`, `Io` when there is no key or no randomness; those of the database.
pub fn seal_secret(tx: &mut Tx, body: &IpaCode, purpose: &str, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
    let vault = tx.vault.clone();
    let key = vault.find_or_make(tx, body)?;
    encrypt(&key.key, purpose.as_bytes(), secret)
}

/// Opens what [`seal_secret`] made.
///
/// # Errors
/// `Key` when the body has no key; `Damaged` when it is not what was sealed for this purpose.
pub fn open_secret(
    query: &mut impl Query,
    store: &Store,
    body: &IpaCode,
    purpose: &str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let key = store.vault().find(query, body)?;
    let key = key.ok_or_else(|| StoreError::Key(format!("{body} has no data key")))?;
    decrypt(&key.key, purpose.as_bytes(), sealed).map(Zeroizing::new)
}

/// A random nonce, then ciphertext and tag.
pub(crate) fn encrypt(key: &Secret, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let nonce = random::<NONCE>()?;
    let mut sealed = nonce.to_vec();
    sealed.extend(encrypt_at(key, *nonce, purpose, plain)?);
    Ok(sealed)
}

/// Opens what [`encrypt`] made.
pub(crate) fn decrypt(key: &Secret, purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let (nonce, sealed) = sealed
        .split_at_checked(NONCE)
        .ok_or_else(|| StoreError::Damaged("a ciphertext that is too short".into()))?;
    let nonce = nonce.try_into().map_err(|_| StoreError::Damaged("a nonce".into()))?;
    decrypt_at(key, nonce, purpose, sealed)
}

/// Encrypts under a nonce chosen by the caller, which must never repeat under the same key.
pub(crate) fn encrypt_at(
    key: &Secret,
    nonce: [u8; NONCE],
    purpose: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let payload = Payload { msg: plain, aad: purpose };
    cipher(key)
        .encrypt(&Nonce::from(nonce), payload)
        .map_err(|_| StoreError::Shape("too long to be encrypted at once".into()))
}

/// Opens what [`encrypt_at`] made.
pub(crate) fn decrypt_at(
    key: &Secret,
    nonce: [u8; NONCE],
    purpose: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let payload = Payload { msg: sealed, aad: purpose };
    cipher(key)
        .decrypt(&Nonce::from(nonce), payload)
        .map_err(|_| StoreError::Damaged("a ciphertext does not match its key".into()))
}

fn cipher(key: &Secret) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(**key))
}

pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, StoreError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut bytes[..]).map_err(|error| StoreError::Io(error.to_string()))?;
    Ok(bytes)
}

/// Appends a new master key, flushed before anything is wrapped under it.
fn add_master(file: &Path, new: &NewMaster) -> Result<(), StoreError> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(file)?;
    let name = hex::encode(*random::<8>()?);
    let key = match new {
        NewMaster::Random => STANDARD.encode(*random::<32>()?),
        NewMaster::Token(place) => place.to_line(),
    };
    let key = Zeroizing::new(key);
    let line = Zeroizing::new(format!("{name} {}\n", *key));
    open.write_all(line.as_bytes())?;
    open.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ciphertext_is_bound_to_its_purpose_and_key() {
        let (key, other) = (random().unwrap(), random().unwrap());
        let sealed = encrypt(&key, b"one", b"plain").unwrap();
        assert_eq!(decrypt(&key, b"one", &sealed).unwrap(), b"plain");
        assert!(decrypt(&key, b"two", &sealed).is_err());
        assert!(decrypt(&other, b"one", &sealed).is_err());
        assert!(decrypt(&key, b"one", &sealed[..11]).is_err());
    }
}
