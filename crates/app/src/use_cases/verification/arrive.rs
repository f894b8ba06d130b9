//! Verifies the signatures of every document that came in, once, and keeps the facts with it (LG 3.6; Annex 6).
//!
//! Runs after the registration, never inside it: a bad signature is shown, it does not stop the clerk. The time that
//! counts is the earliest that something proves: a time stamp, the delivery by certified mail, the registration
//! (D.P.C.M. 22/2/2013, art. 41).

use crate::{App, Error, Result};
use documents::signature::{TimeKind, Times, Verification, may_be_signed, recognise_and_verify};
use domain::body::IpaCode;
use domain::register::RegisteredFile;
use jiff::Timestamp;
use std::sync::Arc;
use store::verifications::{self, Outcome};
use tokio::io::AsyncReadExt;

/// Larger files are kept and registered, but their signatures are not looked into; the facts say so.
///
/// Checking holds the file in memory, an envelope within an envelope a few times over: this bounds it, and lets in
/// whatever certified mail carries (100 MB with its encoding).
pub const MAX_BYTES: u64 = 80 * 1024 * 1024;
/// Above this, the beginning of a file must say that it may be signed before the whole is held.
const LOOK_FIRST: u64 = 1024 * 1024;
/// So much of the beginning.
const BEGINNING: u64 = 64 * 1024;
/// Documents looked at in one turn.
const BATCH: i64 = 20;

/// Looks at some documents that were not looked at yet. Returns how many; repeating does no harm.
///
/// # Errors
/// Those of the store that pass; a document whose bytes cannot be read is marked as such.
pub async fn run_once(app: &Arc<App>) -> Result<usize> {
    let waiting = app.store.read(|r| Ok::<_, Error>(verifications::waiting(r, BATCH)?)).await?;
    for (body, file) in &waiting {
        match check(app, body, file).await {
            Ok(_) => {}
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => give_up(app, body, file, &error).await?,
        }
    }
    Ok(waiting.len())
}

/// A document that cannot be read must not keep the others waiting: it is said of it, and somebody is told.
async fn give_up(app: &Arc<App>, body: &IpaCode, file: &RegisteredFile, error: &Error) -> Result<()> {
    app.health.note(error);
    tracing::error!(document = %file.id, %error, "a document could not be checked");
    let (checked_at, trust) = (app.clock.micros(), app.seals.trust().label().to_owned());
    let outcome = Outcome { checked_at, verdict: "unreadable".to_owned(), trust, facts: None };
    let (body, id) = (body.clone(), file.id.clone());
    app.store.write(move |tx| Ok(verifications::save(tx, &body, &id, &outcome, "system")?)).await
}

/// The bytes of a file that may be signed; none when it is too large or its beginning says that it is not.
async fn bytes_to_check(
    app: &App,
    body: &IpaCode,
    file: &RegisteredFile,
) -> Result<Option<impl AsRef<[u8]> + Send + use<>>> {
    let gone = || Error::Damaged(format!("the bytes of {} are gone", file.id));
    if file.size > MAX_BYTES {
        return Ok(None);
    }
    if file.size > LOOK_FIRST {
        let opened = app.store.open_blob(body, &file.sha256).await?.ok_or_else(gone)?;
        let mut beginning = Vec::new();
        let read = opened.bytes.take(BEGINNING).read_to_end(&mut beginning).await;
        read.map_err(store::StoreError::from)?;
        if !may_be_signed(&beginning) {
            return Ok(None);
        }
    }
    Ok(Some(app.store.blob_bytes(body, &file.sha256, MAX_BYTES).await?.ok_or_else(gone)?))
}

/// Checks one document and keeps the outcome; an earlier one is replaced.
///
/// # Errors
/// Those of the store.
pub async fn check(app: &Arc<App>, body: &IpaCode, file: &RegisteredFile) -> Result<Option<Verification>> {
    let now = app.clock.now();
    let id = file.id.clone();
    let (proofs, siblings) = app
        .store
        .read(move |r| Ok::<_, Error>((verifications::proofs(r, &id)?, verifications::siblings(r, &id)?)))
        .await?;
    let times = proofs.iter().fold(Times::now(now.at), |times, (kind, at)| with_proof(times, kind, *at));
    let trust = app.seals.trust();
    let trust_label = trust.label().to_owned();
    let found = match bytes_to_check(app, body, file).await? {
        None => None,
        Some(bytes) => {
            let beside = companions(app, body, file, &siblings).await?;
            let name = file.name.clone();
            let work = move || {
                let beside: Vec<(&str, &[u8])> =
                    beside.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
                recognise_and_verify(bytes.as_ref(), &name, &beside, &trust, &times)
            };
            tokio::task::spawn_blocking(work).await.map_err(|e| Error::Bug(e.to_string()))?
        }
    };
    let outcome = outcome(found.as_ref(), file, now.micros(), trust_label)?;
    let (body, id) = (body.clone(), file.id.clone());
    app.store
        .write(move |tx| Ok::<_, Error>(verifications::save(tx, &body, &id, &outcome, "system")?))
        .await?;
    Ok(found)
}

fn with_proof(times: Times, kind: &str, micros: i64) -> Times {
    let kind = match kind {
        "pec-delivery" => TimeKind::PecDelivery,
        "timestamp" => TimeKind::Timestamp,
        _ => TimeKind::Registration,
    };
    match Timestamp::from_microsecond(micros) {
        Ok(at) => times.proven(at, kind),
        Err(_) => times,
    }
}

fn outcome(
    found: Option<&Verification>,
    file: &RegisteredFile,
    checked_at: i64,
    trust: String,
) -> Result<Outcome> {
    let facts = found.map(serde_json::to_string).transpose().map_err(|e| Error::Bug(e.to_string()))?;
    let verdict = match found.map(|f| serde_json::to_value(f.verdict)) {
        Some(Ok(serde_json::Value::String(verdict))) => verdict,
        _ if file.size > MAX_BYTES => "too-large".to_owned(),
        _ => "unsigned".to_owned(),
    };
    Ok(Outcome { checked_at, verdict, trust, facts })
}

/// The other files of the entry, for a signature or stamp that may stand beside its document.
async fn companions(
    app: &Arc<App>,
    body: &IpaCode,
    file: &RegisteredFile,
    siblings: &[RegisteredFile],
) -> Result<Vec<(String, Vec<u8>)>> {
    let stands_beside = ["p7s", "p7m", "tsr", "tst", "tsd", "xml", "sig"];
    let extension = file.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let mut out = Vec::new();
    if !stands_beside.contains(&extension.as_str()) {
        return Ok(out);
    }
    for sibling in siblings.iter().filter(|s| s.size <= MAX_BYTES / 8).take(20) {
        if let Some(bytes) = app.store.blob_bytes(body, &sibling.sha256, MAX_BYTES).await? {
            out.push((sibling.name.clone(), bytes.to_vec()));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Settings};
    use documents::signature::test_ca::{Holder, TestCa};
    use documents::signature::{KeyKind, TrustStore, Verdict, cades};
    use domain::Moment;
    use domain::ids::{DocumentId, Id};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A program that trusts `ca`, holding one document that came by certified mail at `delivered`.
    async fn arrived(
        bytes: Vec<u8>,
        name: &str,
        ca: &TestCa,
        delivered: Option<Timestamp>,
    ) -> (Arc<App>, DocumentId) {
        let clock = Clock::manual(Moment::new(at("2026-11-23T09:00:00Z")));
        let app = Arc::new(App::new(store::test_store(), clock, Settings::default()));
        let mut trust = TrustStore::empty();
        trust.add_anchors_pem(&ca.root_pem().unwrap()).unwrap();
        app.seals.set_trust(trust);
        let body = IpaCode::parse("c_g999").unwrap();
        let prepared = app.store.prepare(&body, &bytes).await.unwrap();
        let id = DocumentId::from_u128(1);
        let file = RegisteredFile {
            id: id.clone(),
            name: name.to_owned(),
            media_type: "application/pkcs7-mime".to_owned(),
            size: prepared.size,
            sha256: prepared.sha256.clone(),
        };
        let document = id.clone();
        app.store
            .write(move |tx| {
                store::blobs::put(tx, &prepared)?;
                store::documents::insert(tx, &body, &file, "system")?;
                if let Some(at) = delivered {
                    verifications::prove(tx, &document, "pec-delivery", at.as_microsecond())?;
                }
                Ok::<_, Error>(())
            })
            .await
            .unwrap();
        (app, id)
    }

    async fn check_waiting(app: &Arc<App>) -> Option<Verification> {
        let waiting = app.store.read(|r| Ok::<_, Error>(verifications::waiting(r, 10)?)).await.unwrap();
        let (body, file) = waiting.first()?;
        check(app, body, file).await.unwrap()
    }

    #[tokio::test]
    async fn register_scenario_10_expired_certificate_valid_at_the_pec_delivery() {
        let ca =
            TestCa::create("CA di prova", at("2020-01-01T00:00:00Z")..at("2040-01-01T00:00:00Z")).unwrap();
        let holder = Holder::person("Prova", "Uno", "PRVNUO80A01G999X");
        let until = at("2026-01-01T00:00:00Z")..at("2026-11-15T00:00:00Z");
        let key = ca.issue(&holder, KeyKind::P256, until).unwrap().seal_key().unwrap();
        let signed = cades::sign_attached(&key, b"istanza", at("2026-11-10T09:00:00Z"), None).unwrap();
        let delivered = at("2026-11-12T10:00:00Z");
        let (app, _) = arrived(signed.clone(), "istanza.p7m", &ca, Some(delivered)).await;
        let found = check_waiting(&app).await.unwrap();
        assert_eq!(found.verdict, Verdict::Valid);
        assert_eq!(
            (found.signers[0].at, found.signers[0].time_reference),
            (delivered, TimeKind::PecDelivery)
        );
        assert_eq!(run_once(&app).await.unwrap(), 0, "each document is looked at once");
        let (app, _) = arrived(signed, "istanza.p7m", &ca, None).await;
        assert_eq!(check_waiting(&app).await.unwrap().verdict, Verdict::Indeterminate);
    }

    #[tokio::test]
    async fn a_document_without_signature_is_not_looked_at_again() {
        let ca =
            TestCa::create("CA di prova", at("2020-01-01T00:00:00Z")..at("2040-01-01T00:00:00Z")).unwrap();
        let (app, _) = arrived(b"testo semplice".to_vec(), "nota.txt", &ca, None).await;
        assert_eq!(run_once(&app).await.unwrap(), 1);
        assert_eq!(run_once(&app).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_large_file_is_held_only_when_it_may_be_signed_and_one_that_is_gone_keeps_nobody_waiting() {
        let ca =
            TestCa::create("CA di prova", at("2020-01-01T00:00:00Z")..at("2040-01-01T00:00:00Z")).unwrap();
        for (start, held) in [("parole", false), ("%PDF-1.7", true)] {
            let large: Vec<u8> = start.bytes().cycle().take(LOOK_FIRST as usize + 1).collect();
            let (app, _) = arrived(large, "grande", &ca, None).await;
            let read = |r: &mut store::Reader| Ok::<_, Error>(verifications::waiting(r, 10)?);
            let (body, mut file) = app.store.read(read).await.unwrap().remove(0);
            let found = bytes_to_check(&app, &body, &file).await.unwrap();
            assert_eq!(found.is_some(), held, "{start}");
            file.sha256 = "0".repeat(64);
            assert!(matches!(check(&app, &body, &file).await, Err(Error::Damaged(_))));
            give_up(&app, &body, &file, &Error::Damaged("gone".into())).await.unwrap();
            assert_eq!(run_once(&app).await.unwrap(), 0, "it was said once");
        }
    }
}
