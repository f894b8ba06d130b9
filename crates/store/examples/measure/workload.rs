//! Our side: registrations with a 20 kB document by a number of clients in
//! closed loop, each a whole unit of work (bytes, document, number,
//! correspondents, journal, search words).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::ids::{AccountId, DocumentId, Id, RegistrationId};
use domain::register::{NewRegistration, RegisteredFile};
use store::register::{self, NewEntry};
use store::{Clock, Store, StoreConfig, StoreError, Tx, blobs, document_facts, documents};

use crate::Outcome;

/// Bytes of the document of each registration.
pub const DOCUMENT: usize = 20_000;
/// Bodies among which registrations are spread.
const BODIES: u64 = 18;
/// Monday 23 November 2026, 10:00 in Rome, UTC microseconds: the benches have a clock of their own.
const MORNING: i64 = 1_795_424_400_000_000;
/// Words of subjects, so that the index has common and rare ones.
const WORDS: [&str; 12] = [
    "richiesta",
    "permesso",
    "suolo",
    "pubblico",
    "edilizia",
    "tributi",
    "anagrafe",
    "scuola",
    "mensa",
    "verbale",
    "ordinanza",
    "accesso",
];

/// A store with its throw-away folder on disk.
pub struct Bench {
    store: Store,
    folder: tempfile::TempDir,
    seeds: Arc<AtomicU64>,
}

/// What one run did.
pub struct Run {
    count: u64,
    flushes: u64,
    took: Duration,
}

impl Run {
    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }

    pub fn per_flush(&self) -> f64 {
        self.count as f64 / self.flushes.max(1) as f64
    }
}

/// Moves with the real time, from a fixed morning.
pub fn clock() -> Clock {
    let started = Instant::now();
    Arc::new(move || MORNING + i64::try_from(started.elapsed().as_micros()).unwrap_or_default())
}

pub fn body(number: u64) -> IpaCode {
    IpaCode::parse(&format!("demo_{}", number % BODIES)).expect("letters, digits and an underscore")
}

/// A subject of a few common words and one that is rare.
pub fn subject(seed: u64) -> String {
    let word = |shift: u64| WORDS[((seed >> shift) as usize) % WORDS.len()];
    format!("{} {} {} pratica{}", word(0), word(3), word(7), seed % 50_000)
}

impl Bench {
    pub fn sqlite() -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("telaio-bench-").tempdir()?;
        let store = Store::open(&StoreConfig::sqlite(folder.path().join("data"), clock()))?;
        Ok(Self { store, folder, seeds: Arc::default() })
    }

    pub fn postgres(url: &str) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("telaio-bench-").tempdir()?;
        let mut config = StoreConfig::postgres(url, folder.path().join("blobs"), clock());
        if let store::Database::Postgres { schema, .. } = &mut config.database {
            *schema = format!("bench_{}", std::process::id());
        }
        Ok(Self { store: Store::open(&config)?, folder, seeds: Arc::default() })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/telaio.db")
    }

    /// Registers with `clients` in closed loop for `span`.
    pub async fn run(&self, clients: usize, span: Duration) -> Outcome<Run> {
        let (before, started) = (self.store.figures(), Instant::now());
        let tasks: Vec<_> = (0..clients)
            .map(|_| {
                let (store, seeds) = (self.store.clone(), self.seeds.clone());
                tokio::spawn(async move {
                    while started.elapsed() < span {
                        one(&store, seeds.fetch_add(1, Ordering::Relaxed)).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        let after = self.store.figures();
        Ok(Run {
            count: after.kept - before.kept,
            flushes: after.groups - before.groups,
            took: started.elapsed(),
        })
    }
}

/// Hashing and encryption outside the writer, everything else inside: as the application does it.
pub async fn one(store: &Store, seed: u64) -> Result<(), StoreError> {
    let mut bytes = vec![b'x'; DOCUMENT];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let prepared = store.prepare(&body(seed), &bytes).await?;
    store.write(move |tx| register(tx, seed, &prepared)).await
}

fn register(tx: &mut Tx, seed: u64, prepared: &blobs::Prepared) -> Result<(), StoreError> {
    let by = AccountId::from_u128(1);
    let file = RegisteredFile {
        id: DocumentId::from_u128(u128::from(seed)),
        sha256: prepared.sha256.clone(),
        media_type: "application/pdf".into(),
        size: prepared.size,
        name: "documento.pdf".into(),
    };
    blobs::put(tx, prepared)?;
    let found = document_facts::Found { flags: &[], pages: None, may_be_signed: false, words: None };
    documents::insert_with_entry(tx, &prepared.body, &file, by.as_str(), found)?;
    let new = entry(seed)?;
    register::create(
        tx,
        NewEntry {
            id: &RegistrationId::from_u128(u128::from(seed)),
            new: &new,
            register: &RegisterCode::parse("RG").map_err(|_| StoreError::Closed)?,
            files: &[file],
            by: &by,
            on_behalf_of: None,
            readers: &["all".to_owned()],
            words: &[],
        },
    )?;
    Ok(())
}

fn entry(seed: u64) -> Result<NewRegistration, StoreError> {
    let aoo = AooCode::parse("A1B2C3D").map_err(|_| StoreError::Closed)?;
    let value = serde_json::json!({
        "body": body(seed), "aoo": aoo, "direction": "incoming", "subject": subject(seed),
        "correspondents": [{"kind": "person", "name": format!("Prova Numero {}", seed % 9_973)}],
        "classification": "VI.3"
    });
    serde_json::from_value(value).map_err(|error| StoreError::Shape(error.to_string()))
}
