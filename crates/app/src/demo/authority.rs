//! The demonstration's own certification authority and time-stamp authority, kept in the demo's folder.
//!
//! Each body gets a seal (P-256) at its first need and papers carry a real time stamp; whoever starts the
//! demo names the root in `trust.pem`, so that `telaio verify --trust` and any other program can check what the demo gives out.

use crate::seals::Material;
use crate::{App, Clock, Error, Result};
use documents::signature::test_ca::{Holder, TestCa};
use documents::signature::timestamp::Tsa;
use documents::signature::{KeyKind, SignatureError, TrustStore};
use domain::body::Body;
use jiff::{SignedDuration, Timestamp};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// How long the demo's certificates are good for, around the moment they are made: its history is in the past.
const BEFORE: SignedDuration = SignedDuration::from_hours(24 * 365 * 3);
const AFTER: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);

/// The authority, opened.
pub struct DemoAuthority {
    ca: TestCa,
    valid: Range<Timestamp>,
}

fn failed(error: SignatureError) -> Error {
    Error::Problem(error.to_string())
}

fn unwritable(error: std::io::Error) -> Error {
    Error::Problem(error.to_string())
}

impl DemoAuthority {
    /// Opens the authority in `folder/ca`, or makes it at the first start.
    ///
    /// # Errors
    /// When the folder cannot be written or its keys are damaged.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Self> {
        let place = folder.join("ca");
        let (key, root) = (place.join("root.key"), place.join("root.pem"));
        let valid = now.saturating_sub(BEFORE).map_err(|e| Error::Bug(e.to_string()))?
            ..now.saturating_add(AFTER).map_err(|e| Error::Bug(e.to_string()))?;
        let ca = match (std::fs::read(&key), std::fs::read(&root)) {
            (Ok(key), Ok(root)) => TestCa::load(&key, &root).map_err(failed)?,
            _ => {
                let ca = TestCa::create("Telaio demo CA", valid.clone()).map_err(failed)?;
                std::fs::create_dir_all(&place).map_err(unwritable)?;
                write_secret(&key, &ca.key_pem().map_err(failed)?)?;
                std::fs::write(&root, ca.root_pem().map_err(failed)?).map_err(unwritable)?;
                ca
            }
        };
        Ok(Self { ca, valid })
    }

    /// A new seal for a body.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn seal_of(&self, body: &Body) -> std::result::Result<Material, SignatureError> {
        let id = format!("VATIT-{}", body.tax_code.as_deref().unwrap_or("00000000000"));
        let issued = self.ca.issue(&Holder::seal(&body.name, &id), KeyKind::P256, self.valid.clone())?;
        let mut noise = [0; 18];
        getrandom::fill(&mut noise).map_err(|e| SignatureError::Key(e.to_string()))?;
        let password = hex::encode(noise);
        Ok(Material::pkcs12(&issued.pkcs12(&password)?, &password))
    }

    /// The root of what the authority issues, PEM.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn root_pem(&self) -> Result<Vec<u8>> {
        self.ca.root_pem().map_err(failed)
    }

    /// Lets a program use the authority: its seals, its time stamps, its root as anchor.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn serve(self, app: &Arc<App>) -> Result<()> {
        let unit = Holder::TimestampUnit { name: "Telaio demo TSU".into() };
        let unit = self
            .ca
            .issue(&unit, KeyKind::P256, self.valid.clone())
            .and_then(|i| i.seal_key())
            .map_err(failed)?;
        let tsa = Tsa::new(unit);
        let clock: Clock = app.clock.clone();
        app.seals.set_authority(Arc::new(move |question: &[u8]| tsa.respond(question, clock.now().at)));
        let mut trust = TrustStore::empty();
        trust.add_anchors_pem(&self.ca.root_pem().map_err(failed)?).map_err(failed)?;
        app.seals.set_trust(trust);
        app.seals.set_issuer(Arc::new(move |body: &Body| self.seal_of(body)));
        Ok(())
    }
}

/// Writes a file that only its owner may read.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(bytes)).map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, seals};
    use documents::signature::{Times, Verdict, xades};
    use domain::Moment;
    use domain::body::IpaCode;

    #[tokio::test]
    async fn what_was_sealed_before_a_restart_is_believed_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Moment::new("2026-11-23T09:00:00Z".parse().unwrap()));
        let app = Arc::new(App::new(store::test_store(), clock, Settings::default()));
        let body = IpaCode::parse("c_g999").unwrap();
        let issuer = DemoAuthority::open(folder.path(), app.clock.now().at).unwrap();
        let root = issuer.root_pem().unwrap();
        let found = Body {
            ipa_code: body.clone(),
            name: "Comune di Prova".into(),
            tax_code: None,
            kind: domain::body::BodyKind::Municipality,
            digital_domicile: None,
            aoos: Vec::new(),
            offices: Vec::new(),
            succeeded_by: None,
            valid_from: "2020-01-01".parse().unwrap(),
            valid_to: None,
            inside: true,
        };
        app.store.write(move |tx| store::bodies::insert(tx, &found)).await.unwrap();
        issuer.serve(&app).unwrap();
        let now = app.clock.now().at;
        let sealed = seals::seal_xml(&app, &body, "<a>prova</a>".into(), now).await.unwrap();
        let later = now.saturating_add(SignedDuration::from_hours(24 * 40)).unwrap();
        let again = DemoAuthority::open(folder.path(), later).unwrap();
        assert_eq!(again.root_pem().unwrap(), root, "the root is made once");
        again.serve(&app).unwrap();
        let verified = xades::verify(sealed.as_bytes(), &[], &app.seals.trust(), &Times::now(later)).unwrap();
        assert_eq!(verified.verdict, Verdict::Valid);
    }
}
