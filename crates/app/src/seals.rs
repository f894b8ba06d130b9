//! The seals of the bodies and the trust material of the installation, opened once and kept ready.
//!
//! Key material rests in the store under each body's data key; here it is opened at the first need. "Seal after
//! number": nothing seals inside a transaction, whoever seals hands the finished bytes to the next one. What a seal
//! looks like is `documents`' business.

use crate::{App, Context, Error, Result};
use documents::signature::pades::{self, Sealing};
use documents::signature::{SealKey, SignatureError, TrustStore, cades, timestamp, xades};
use domain::Refusal;
use domain::body::{Body, IpaCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Bodies read at once when all are looked at.
const BODIES_AT_ONCE: i64 = 500;

/// Asks a time-stamp authority: request in, response out. Blocking; given by the assembly when one is configured.
pub type Authority = dyn Fn(&[u8]) -> std::result::Result<Vec<u8>, SignatureError> + Send + Sync;

/// Makes a seal for a body that has none: the demonstration's own authority.
pub type Issuer = dyn Fn(&Body) -> std::result::Result<Material, SignatureError> + Send + Sync;

/// Opened keys, whom to trust, and the time-stamp authority.
#[derive(Default)]
pub struct Seals {
    trust: RwLock<Arc<TrustStore>>,
    keys: Mutex<HashMap<IpaCode, Arc<SealKey>>>,
    authority: RwLock<Option<Arc<Authority>>>,
    issuer: RwLock<Option<Arc<Issuer>>>,
}

/// What is kept of a seal, encrypted: the container itself, or the way to its token.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Material {
    /// A PKCS#12 container and its password.
    Pkcs12 {
        /// The bytes, base64.
        container: String,
        /// The password.
        password: String,
    },
    /// A key in a PKCS#11 token.
    Token {
        /// The driver.
        module: PathBuf,
        /// Label of the token.
        token: String,
        /// PIN.
        pin: String,
        /// Label of the key; absent: the first with a certificate.
        key: Option<String>,
    },
}

impl Material {
    /// A PKCS#12 container.
    pub fn pkcs12(bytes: &[u8], password: &str) -> Self {
        use base64::Engine;
        let container = base64::engine::general_purpose::STANDARD.encode(bytes);
        Self::Pkcs12 { container, password: password.to_owned() }
    }

    fn open(&self) -> std::result::Result<SealKey, SignatureError> {
        use base64::Engine;
        match self {
            Self::Pkcs12 { container, password } => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(container);
                let bytes = bytes.map_err(|_| SignatureError::Key("damaged container".into()))?;
                SealKey::from_pkcs12(&bytes, password)
            }
            Self::Token { module, token, pin, key } => {
                SealKey::from_token(module, token, pin, key.as_deref())
            }
        }
    }
}

impl Seals {
    /// Whom the installation trusts.
    pub fn trust(&self) -> Arc<TrustStore> {
        self.trust.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the trust material, e.g. after new trusted lists were downloaded.
    pub fn set_trust(&self, trust: TrustStore) {
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(trust);
    }

    /// Sets the time-stamp authority: from then on PDFs are sealed at level B-T.
    pub fn set_authority(&self, authority: Arc<Authority>) {
        *self.authority.write().unwrap_or_else(PoisonError::into_inner) = Some(authority);
    }

    /// Sets who makes a seal for a body that has none. Production never does.
    pub fn set_issuer(&self, issuer: Arc<Issuer>) {
        *self.issuer.write().unwrap_or_else(PoisonError::into_inner) = Some(issuer);
    }

    fn issuer(&self) -> Option<Arc<Issuer>> {
        self.issuer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn authority(&self) -> Option<Arc<Authority>> {
        self.authority.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<IpaCode, Arc<SealKey>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: SignatureError) -> Error {
    match error {
        SignatureError::Document(why) => Error::Bug(format!("a paper cannot be sealed: {why}")),
        other => Error::Problem(other.to_string()),
    }
}

/// Runs something slow (a token, a big file) away from the threads that serve.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Bug(error.to_string()))?
}

/// Installs the seal of a body after trying it out; an earlier one is replaced.
///
/// # Errors
/// `Invalid` with code `seal-key` when the key cannot be opened or its certificate is not valid now.
pub async fn install(ctx: &Context, body: IpaCode, material: Material) -> Result<()> {
    let now = ctx.moment;
    let (key, bytes) = aside(move || {
        let key = material.open().map_err(|_| domain::Invalid::one("/seal", "seal-key"))?;
        let bytes = serde_json::to_vec(&material).map_err(|e| Error::Bug(e.to_string()))?;
        Ok((key, bytes))
    })
    .await?;
    let certificate = key.certificate();
    if now.at < certificate.not_before() || now.at > certificate.not_after() {
        return Err(domain::Invalid::one("/seal", "seal-key").into());
    }
    let seal = store::seals::Seal {
        body: body.clone(),
        subject: certificate.subject().text().to_owned(),
        not_after: certificate.not_after().as_microsecond(),
        installed_at: now.micros(),
    };
    let by = ctx.actor.tag();
    ctx.write(move |tx| Ok(store::seals::save(tx, &seal, &bytes, &by)?)).await?;
    ctx.app.seals.known().insert(body, Arc::new(key));
    Ok(())
}

/// The seal key of a body.
///
/// # Errors
/// Refusal `no-seal` when the body has none; `Problem` when its token does not answer.
pub async fn key(app: &Arc<App>, body: &IpaCode) -> Result<Arc<SealKey>> {
    if let Some(known) = app.seals.known().get(body) {
        return Ok(known.clone());
    }
    let (store, asked) = (app.store.clone(), body.clone());
    let material =
        app.store.read(move |r| Ok::<_, Error>(store::seals::material(r, &store, &asked)?)).await?;
    let Some(material) = material else { return issue(app, body).await };
    let key = aside(move || {
        let material: Material = serde_json::from_slice(&material).map_err(|e| Error::Bug(e.to_string()))?;
        material.open().map_err(failed)
    })
    .await?;
    let key = Arc::new(key);
    app.seals.known().insert(body.clone(), key.clone());
    Ok(key)
}

/// Has a seal made for a body, where somebody is set to do so, and installs it.
async fn issue(app: &Arc<App>, body: &IpaCode) -> Result<Arc<SealKey>> {
    let issuer = app.seals.issuer().ok_or_else(|| Refusal::of("no-seal"))?;
    let asked = body.clone();
    let found = app.store.read(move |r| Ok::<_, Error>(store::bodies::find(r, &asked)?)).await?;
    let found = found.ok_or_else(|| Refusal::of("no-seal"))?;
    let material = aside(move || issuer(&found).map_err(failed)).await?;
    install(&app.system_context(body), body.clone(), material).await?;
    app.seals.known().get(body).cloned().ok_or_else(|| Refusal::of("no-seal").into())
}

/// Seals a PDF for a body: PAdES B-B, or B-T when an authority is configured. `reason` is written into the seal.
///
/// # Errors
/// As [`key`]; `Problem` when the time-stamp authority fails.
pub async fn seal_pdf(
    app: &Arc<App>,
    body: &IpaCode,
    pdf: Vec<u8>,
    at: Timestamp,
    reason: Option<String>,
) -> Result<Vec<u8>> {
    let key = key(app, body).await?;
    let authority = app.seals.authority();
    aside(move || {
        // the name of the body is what a screen reader says of the seal: it needs no translation
        let label = key.certificate().subject().organisation.clone().unwrap_or_default();
        let how = Sealing { at, label: &label, reason: reason.as_deref() };
        let sealed = match authority {
            Some(authority) => {
                let mut stamper = timestamp::stamper(|question| authority(question));
                pades::sign(&pdf, &key, &how, Some(&mut stamper))
            }
            None => pades::sign(&pdf, &key, &how, None),
        };
        sealed.map_err(failed)
    })
    .await
}

/// Seals an XML for a body: XAdES baseline B, enveloped.
///
/// # Errors
/// As [`key`].
pub async fn seal_xml(app: &Arc<App>, body: &IpaCode, xml: String, at: Timestamp) -> Result<String> {
    let key = key(app, body).await?;
    aside(move || xades::sign_enveloped(&xml, &key, at).map_err(failed)).await
}

/// Encloses any file in a CAdES envelope (`.p7m`) sealed for a body: level B, or T when an authority is configured.
///
/// # Errors
/// As [`seal_pdf`].
pub async fn enclose(app: &Arc<App>, body: &IpaCode, content: Vec<u8>, at: Timestamp) -> Result<Vec<u8>> {
    let key = key(app, body).await?;
    let authority = app.seals.authority();
    aside(move || {
        let sealed = match authority {
            Some(authority) => {
                let mut stamper = timestamp::stamper(|question| authority(question));
                cades::sign_attached(&key, &content, at, Some(&mut stamper))
            }
            None => cades::sign_attached(&key, &content, at, None),
        };
        sealed.map_err(failed)
    })
    .await
}

/// A seal that ends soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Body.
    pub body: IpaCode,
    /// Subject of the certificate.
    pub subject: String,
    /// End of validity.
    pub not_after: Timestamp,
    /// Whole days left; negative when it has ended.
    pub days: i64,
    /// The threshold reached: 60, 30 or 7 days; 0 when it has ended.
    pub stage: i64,
}

/// Days before the end at which somebody is warned.
pub const STAGES: [i64; 3] = [7, 30, 60];

/// The stage reached with so many days left, if any.
pub fn stage(days: i64) -> Option<i64> {
    if days < 0 { Some(0) } else { STAGES.into_iter().find(|limit| days <= *limit) }
}

/// Seals that end within 60 days, for the doctor and the daily watch.
///
/// # Errors
/// Those of the store.
pub async fn ending(app: &Arc<App>, now: Timestamp) -> Result<Vec<Ending>> {
    let seals = app.store.read(|r| Ok::<_, Error>(store::seals::all(r)?)).await?;
    let ending = seals.into_iter().filter_map(|seal| {
        let not_after = Timestamp::from_microsecond(seal.not_after).ok()?;
        let days = not_after.duration_since(now).as_hours().div_euclid(24);
        Some(Ending { body: seal.body, subject: seal.subject, not_after, days, stage: stage(days)? })
    });
    Ok(ending.collect())
}

/// Bodies at work here that have no seal: what they issue cannot be told from a forgery.
///
/// # Errors
/// Those of the store.
pub async fn missing(app: &Arc<App>) -> Result<Vec<IpaCode>> {
    let read = |r: &mut store::Reader| {
        let sealed: BTreeSet<IpaCode> = store::seals::all(r)?.into_iter().map(|seal| seal.body).collect();
        let mut missing = Vec::new();
        let mut after = String::new();
        loop {
            let page = store::bodies::page(r, &after, BODIES_AT_ONCE)?;
            let Some(last) = page.last() else { return Ok::<_, Error>(missing) };
            after = last.ipa_code.to_string();
            let bare =
                |body: &Body| body.inside && body.valid_to.is_none() && !sealed.contains(&body.ipa_code);
            missing.extend(page.into_iter().filter(bare).map(|body| body.ipa_code));
        }
    };
    app.store.read(read).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, Clock, Settings};
    use documents::signature::test_ca::{Holder, TestCa};
    use documents::signature::{KeyKind, Times, Verdict};
    use domain::Moment;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    async fn sealed_body(until: &str) -> (Arc<App>, Context, TestCa) {
        let clock = Clock::manual(Moment::new(at("2026-11-23T09:00:00Z")));
        let app = Arc::new(App::new(store::test_store(), clock, Settings::default()));
        let ctx = app.context(Actor::system(IpaCode::parse("c_g999").unwrap()));
        let ca =
            TestCa::create("CA di prova", at("2020-01-01T00:00:00Z")..at("2040-01-01T00:00:00Z")).unwrap();
        let holder = Holder::seal("Comune di Prova", "VATIT-01234567890");
        let issued = ca.issue(&holder, KeyKind::P256, at("2026-01-01T00:00:00Z")..at(until)).unwrap();
        let material = Material::pkcs12(&issued.pkcs12("segreto").unwrap(), "segreto");
        install(&ctx, ctx.actor.body.clone(), material).await.unwrap();
        (app, ctx, ca)
    }

    #[tokio::test]
    async fn a_body_seals_with_its_own_key_after_a_restart_too() {
        let (app, ctx, ca) = sealed_body("2028-01-01T00:00:00Z").await;
        app.seals.known().clear(); // as after a restart: the material must come back out of the store
        let xml = seal_xml(&app, &ctx.actor.body, "<a>prova</a>".into(), ctx.moment.at).await.unwrap();
        let mut trust = TrustStore::empty();
        trust.add_anchors_pem(&ca.root_pem().unwrap()).unwrap();
        let found = xades::verify(xml.as_bytes(), &[], &trust, &Times::now(ctx.moment.at)).unwrap();
        assert_eq!(found.verdict, Verdict::Valid);
        let other = IpaCode::parse("c_f572").unwrap();
        assert!(matches!(key(&app, &other).await, Err(Error::Refusal(r)) if r.code == "no-seal"));
        let wrong = Material::pkcs12(b"niente", "segreto");
        assert!(matches!(install(&ctx, other, wrong).await, Err(Error::Invalid(_))));
    }

    #[tokio::test]
    async fn seals_are_announced_60_30_and_7_days_before_their_end() {
        let (app, ctx, _) = sealed_body("2027-01-22T09:00:00Z").await;
        let found = ending(&app, ctx.moment.at).await.unwrap();
        assert_eq!((found[0].days, found[0].stage), (60, 60));
        assert!(ending(&app, at("2026-11-20T00:00:00Z")).await.unwrap().is_empty());
        assert_eq!(
            [61, 60, 31, 30, 8, 7, 0, -1].map(stage),
            [None, Some(60), Some(60), Some(30), Some(30), Some(7), Some(7), Some(0)]
        );
    }
}
