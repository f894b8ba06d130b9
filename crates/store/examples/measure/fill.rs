//! Makes a register large: so many entries of one body, written in bulk through the store's own closures into a
//! data folder that is there already, e.g. a copy of the demo's province. What comes out is what as many
//! registrations would have left: bytes, document, number, correspondents, journal leaf, words in the index.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use domain::body::{Body, IpaCode};
use domain::ids::{AccountId, DocumentId, Id, RegistrationId};
use domain::register::{NewRegistration, RegisteredFile};
use store::document_facts::{self, Found, TextState};
use store::register::{self, NewEntry};
use store::{Clock, Store, StoreConfig, StoreError, Tx, blobs, bodies, documents};

use crate::workload::subject;

/// Entries written per transaction. Not more: each release of a savepoint walks what the open group has kept for
/// undoing, so that a group of thousands spends four fifths of its time there.
const GROUP: u64 = 200;
/// Ids of the entries made here: none of the demo's begins so.
const FIRST_ID: u128 = 0xbe2c_0000_0000_0000_0000_0000_0000_0000;

/// The clock of the machine: the folder is served afterwards, and its journal must not run backwards.
#[allow(
    clippy::disallowed_methods,
    reason = "the store takes its clock from outside; here nobody else gives it one"
)]
fn clock() -> Clock {
    let micros = || SystemTime::now().duration_since(UNIX_EPOCH).map(|passed| passed.as_micros());
    Arc::new(move || micros().ok().and_then(|micros| i64::try_from(micros).ok()).unwrap_or_default())
}

/// `measure fill FOLDER BODY COUNT`: prints how many leaves the body's journal has then.
pub async fn run(folder: &Path, body: &str, count: u64) -> crate::Outcome<()> {
    let store = Store::open(&StoreConfig::sqlite(folder, clock()))?;
    let code = IpaCode::parse(body).map_err(|_| format!("{body}: not an IPA code"))?;
    let wanted = code.clone();
    let found: Option<Body> = store.read(move |reader| bodies::find(reader, &wanted)).await?;
    let body = Arc::new(found.ok_or("no such body in that folder")?);
    let started = Instant::now();
    for start in (0..count).step_by(usize::try_from(GROUP)?) {
        let group = start..(start + GROUP).min(count);
        let mut bytes = Vec::new();
        for seed in group.clone() {
            bytes.push(store.prepare(&code, letter(seed).as_bytes()).await?);
        }
        let body = body.clone();
        let write = move |tx: &mut Tx| {
            group.zip(&bytes).try_for_each(|(seed, prepared)| entry(tx, &body, seed, prepared))
        };
        store.write::<_, StoreError, _>(write).await?;
    }
    let leaves = store.read(move |reader| store::journal::length(reader, &code)).await?;
    eprintln!("{count} entries in {:.0} s", started.elapsed().as_secs_f64());
    println!("{leaves}");
    Ok(())
}

/// A short letter, no two alike.
fn letter(seed: u64) -> String {
    format!("Pratica {seed}. Si chiede il rilascio della copia degli atti indicati, per gli usi consentiti.")
}

fn entry(tx: &mut Tx, body: &Body, seed: u64, prepared: &blobs::Prepared) -> Result<(), StoreError> {
    let by = AccountId::from_u128(1);
    let area = body.aoos.first().ok_or_else(|| StoreError::Shape("a body without an area".into()))?;
    let register =
        area.registers.first().ok_or_else(|| StoreError::Shape("an area without a register".into()))?;
    let file = RegisteredFile {
        id: DocumentId::from_u128(FIRST_ID + u128::from(seed)),
        sha256: prepared.sha256.clone(),
        media_type: "text/plain".into(),
        size: prepared.size,
        name: "richiesta.txt".into(),
    };
    blobs::put(tx, prepared)?;
    let found = Found { flags: &[], pages: None, may_be_signed: false, words: None };
    documents::insert_with_entry(tx, &body.ipa_code, &file, by.as_str(), found)?;
    let id = RegistrationId::from_u128(FIRST_ID + u128::from(seed));
    let value = serde_json::json!({
        "body": body.ipa_code, "aoo": area.code, "direction": "incoming", "subject": subject(seed),
        "correspondents": [{"kind": "person", "name": format!("Prova Numero {}", seed % 9_973)}],
    });
    let new: NewRegistration =
        serde_json::from_value(value).map_err(|error| StoreError::Shape(error.to_string()))?;
    register::create(
        tx,
        NewEntry {
            id: &id,
            new: &new,
            register: &register.code,
            files: std::slice::from_ref(&file),
            by: &by,
            on_behalf_of: None,
            readers: &["all".to_owned()],
            words: &[],
        },
    )?;
    // Its words are in the subject already: no worker shall read a million files while something is measured.
    document_facts::finish(tx, &file.id, TextState::Done, None)
}
