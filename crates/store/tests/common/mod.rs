//! Invented bodies, files and entries for the tests of the store.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests; each file uses its own part")]

pub mod cluster;

use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::ids::{AccountId, DocumentId, Id, RegistrationId};
use domain::register::{NewRegistration, RegisteredFile};
use store::counters::Numbered;
use store::register::{self, NewEntry};
use store::{Store, StoreError, Tx, blobs, documents};

pub fn prato() -> IpaCode {
    IpaCode::parse("c_g999").unwrap()
}

pub fn montemurlo() -> IpaCode {
    IpaCode::parse("c_f572").unwrap()
}

pub fn aoo() -> AooCode {
    AooCode::parse("A1B2C3D").unwrap()
}

pub fn general() -> RegisterCode {
    RegisterCode::parse("RG").unwrap()
}

pub fn clerk() -> AccountId {
    AccountId::from_u128(1)
}

pub fn everybody() -> Vec<String> {
    vec!["all".to_owned()]
}

/// An incoming entry from an invented person.
pub fn letter(body: &IpaCode, subject: &str) -> NewRegistration {
    serde_json::from_value(serde_json::json!({
        "body": body, "aoo": aoo(), "direction": "incoming", "subject": subject,
        "correspondents": [{"kind": "person", "name": "Prova Uno"}],
        "sender_reference": {"number": "12/A"}, "classification": "VI.3"
    }))
    .unwrap()
}

/// Registers `new` with one small file; everything is derived from `seed`.
pub fn register_one(tx: &mut Tx, seed: u128, new: &NewRegistration) -> Result<Numbered, StoreError> {
    let bytes = format!("document {seed}");
    let sha256 = blobs::put_small(tx, &new.body, bytes.as_bytes())?;
    let file = RegisteredFile {
        id: DocumentId::from_u128(seed),
        sha256,
        media_type: "text/plain".into(),
        size: bytes.len() as u64,
        name: format!("documento-{seed}.txt"),
    };
    documents::insert(tx, &new.body, &file, clerk().as_str())?;
    register::create(
        tx,
        NewEntry {
            id: &RegistrationId::from_u128(seed),
            new,
            register: &general(),
            files: &[file],
            by: &clerk(),
            on_behalf_of: None,
            readers: &everybody(),
            words: &[],
        },
    )
}

pub async fn registered(store: &Store, seed: u128, new: NewRegistration) -> Numbered {
    store.write(move |tx| register_one(tx, seed, &new)).await.unwrap()
}
