//! The roads of the demonstration: a provider of certified mail inside the program, and a seal for every body.
//!
//! Certificates come from an authority kept in the data folder; `trust.pem` there names all that is to be
//! believed. Nothing here leads out of the machine: the sandbox refuses what does not end in `.test`.

use crate::commands::Stop;
use app::use_cases::exchange::{Account, Exchange};
use app::{App, Error};
use channels::pec::{MailboxSettings, Submission};
use channels::{Endpoint, Security, Trust};
use documents::signature::test_ca::{Holder, TestCa};
use documents::signature::{KeyKind, TrustStore};
use domain::body::Body;
use jiff::{SignedDuration, Timestamp};
use sandbox::{Sandbox, Settings};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Password of every mailbox of the sandbox; it listens on this machine only.
const PASSWORD: &str = "dimostrazione";
/// Largest message fetched, bytes.
const LIMIT: u64 = 100 * 1024 * 1024;
/// How long certificates last.
const VALIDITY_DAYS: i64 = 3_650;

/// Starts the sandbox and joins every living body to it.
pub async fn demo(app: Arc<App>, folder: &Path) -> Result<(Sandbox, Exchange), Stop> {
    let failed = |e: &dyn std::fmt::Display| Stop::Failed(format!("the exchange cannot begin: {e}"));
    let now = app.clock.now().at;
    let clock = app.clock.clone();
    let local = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = Settings {
        folder: folder.join("pec"),
        clock: Arc::new(move || clock.now().at),
        password: PASSWORD.to_owned(),
        listen: [local; 3],
    };
    let sandbox = Sandbox::start(settings).await.map_err(|e| failed(&e))?;
    let pec = sandbox.provider.trust_pem().map_err(|e| failed(&e))?;
    let authority = authority(&folder.join("authority"), now).map_err(|e| failed(&e))?;
    let anchors = [authority.root_pem().map_err(|e| failed(&e))?, pec.clone()].concat();
    std::fs::write(folder.join("trust.pem"), &anchors).map_err(|e| failed(&e))?;
    let mut trust = TrustStore::empty();
    trust.add_anchors_pem(&anchors).map_err(|e| failed(&e))?;
    let bodies = app.store.read::<_, Error, _>(|r| Ok(store::bodies::page(r, "", 1_000)?)).await;
    let mut exchange = Exchange::new(app);
    exchange.trust = Arc::new(trust);
    for body in bodies.map_err(|e| failed(&e))?.iter().filter(|b| b.inside && b.succeeded_by.is_none()) {
        let holder = Holder::seal(&body.name, &organisation(body));
        let seal = authority.issue(&holder, KeyKind::P256, validity(now)).and_then(|i| i.seal_key());
        exchange.seals.insert(body.ipa_code.clone(), Arc::new(seal.map_err(|e| failed(&e))?));
        if let Some(address) = body.digital_domicile.as_deref().filter(|a| a.ends_with(".test")) {
            let account = account(&sandbox, &pec, address, folder).map_err(|e| failed(&e))?;
            exchange.pec.insert(body.ipa_code.clone(), account);
        }
    }
    Ok((sandbox, exchange))
}

fn validity(now: Timestamp) -> Range<Timestamp> {
    let days = |n: i64| SignedDuration::from_hours(24 * n);
    now - days(365)..now + days(VALIDITY_DAYS)
}

fn organisation(body: &Body) -> String {
    format!("VATIT-{}", body.tax_code.as_deref().unwrap_or("00000000000"))
}

/// The authority of the demonstration's seals, made once.
fn authority(folder: &Path, now: Timestamp) -> Result<TestCa, Box<dyn std::error::Error>> {
    let (key, root) = (folder.join("seals.key"), folder.join("seals.pem"));
    if key.exists() && root.exists() {
        return Ok(TestCa::load(&std::fs::read(key)?, &std::fs::read(root)?)?);
    }
    std::fs::create_dir_all(folder)?;
    let made = TestCa::create("CA dei sigilli di prova (Telaio)", validity(now))?;
    std::fs::write(key, made.key_pem()?)?;
    std::fs::write(root, made.root_pem()?)?;
    Ok(made)
}

fn account(
    sandbox: &Sandbox,
    trust: &[u8],
    address: &str,
    folder: &Path,
) -> Result<Account, channels::HandOverError> {
    let endpoint = |port: u16| Endpoint {
        host: "localhost".to_owned(),
        port,
        security: Security::Implicit,
        trust: Trust::Pem(trust.to_vec()),
        user: Some(address.to_owned()),
        password: PASSWORD.to_owned(),
    };
    Ok(Account {
        address: address.to_owned(),
        road: Arc::new(Submission::new(&endpoint(sandbox.smtps.port()))?),
        mailbox: Some(MailboxSettings {
            endpoint: endpoint(sandbox.imaps.port()),
            inbox: "INBOX".to_owned(),
            registered: "Registrati".to_owned(),
            limit: LIMIT,
            spool: folder.join("spool"),
        }),
    })
}
