//! The roads of the demonstration: a provider of certified mail inside the program.
//!
//! `trust.pem` in the data folder names all that is to be believed: the authority of the demo's seals and the
//! provider's. Both are made once and kept, so the file is the same at every start. Nothing here leads out of the machine: the sandbox refuses what does not end in `.test`.

use crate::commands::Stop;
use app::demo::Outside;
use app::use_cases::exchange::{Account, Exchange};
use app::workers::{deliver, receive};
use app::{App, Error};
use channels::pec::{MailboxSettings, Submission};
use channels::{Endpoint, Letter, Security, Trust, compose};
use documents::signature::TrustStore;
use sandbox::{Sandbox, Settings};
use std::path::Path;
use std::sync::Arc;

/// Password of every mailbox of the sandbox; it listens on this machine only.
const PASSWORD: &str = "dimostrazione";
/// Largest message fetched, bytes.
const LIMIT: u64 = 100 * 1024 * 1024;

/// One body in so many registers by rule: confirmations come back there, everywhere else messages wait for a clerk.
const BY_RULE: usize = 3;

/// Starts the sandbox and joins every living body to it. `authority` is the root of the demo's seals, PEM.
pub async fn demo(app: Arc<App>, folder: &Path, authority: &[u8]) -> Result<(Sandbox, Exchange), Stop> {
    let failed = |e: &dyn std::fmt::Display| Stop::Failed(format!("the exchange cannot begin: {e}"));
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
    believe(&app, folder, &[authority, &pec].concat()).map_err(|e| failed(&e))?;
    let bodies = app.store.read::<_, Error, _>(|r| Ok(store::bodies::page(r, "", 1_000)?)).await;
    let mut exchange = Exchange::new(app);
    let bodies = bodies.map_err(|e| failed(&e))?;
    let at_work = bodies.iter().filter(|b| b.inside && b.succeeded_by.is_none());
    for (place, body) in at_work.enumerate() {
        if place % BY_RULE == 0 {
            exchange.automatic.insert(body.ipa_code.clone());
        }
        if let Some(address) = body.digital_domicile.as_deref().filter(|a| a.ends_with(".test")) {
            let account = account(&sandbox, &pec, address, folder).map_err(|e| failed(&e))?;
            exchange.pec.insert(body.ipa_code.clone(), account);
            let address = ordinary(address);
            let account = self::account(&sandbox, &pec, &address, folder).map_err(|e| failed(&e))?;
            exchange.email.insert(body.ipa_code.clone(), account);
        }
    }
    Ok((sandbox, exchange))
}

/// The sandbox while the demo's history is played: it goes by the clock that is moved by hand.
pub struct Played {
    sandbox: Sandbox,
    exchange: Exchange,
}

impl Played {
    /// Starts the sandbox for the bodies of the program.
    ///
    /// # Errors
    /// When it cannot listen or keep its folder.
    pub async fn begin(app: Arc<App>, folder: &Path, authority: &[u8]) -> Result<Self, Error> {
        let begun = demo(app, folder, authority).await;
        let (sandbox, exchange) = begun.map_err(|stop| Error::Problem(stop.text().to_owned()))?;
        Ok(Self { sandbox, exchange })
    }
}

impl Outside for Played {
    async fn leave(&self) -> Result<(), Error> {
        while deliver::run_once(&self.exchange).await? > 0 {}
        Ok(())
    }

    async fn arrive(&self) -> Result<(), Error> {
        let due = self.sandbox.provider.release();
        due.map_err(|e| Error::Problem(format!("the sandbox: {e}")))?;
        receive::run_once(&self.exchange).await?;
        for body in self.exchange.pec.keys() {
            deliver::remind(&self.exchange, body).await?;
        }
        self.leave().await
    }

    async fn write(&self, letter: &Letter) -> Result<(), Error> {
        let taken = self.sandbox.provider.submit(&letter.from, &letter.to, &compose(letter));
        taken.map(drop).map_err(|e| Error::Problem(format!("the sandbox: {e}")))
    }
}

/// Names the anchors in `trust.pem` and believes them; a file that says so already stays untouched.
fn believe(app: &App, folder: &Path, anchors: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let file = folder.join("trust.pem");
    if std::fs::read(&file).ok().as_deref() != Some(anchors) {
        std::fs::write(&file, anchors)?;
    }
    let mut trust = TrustStore::empty();
    trust.add_anchors_pem(anchors)?;
    app.seals.set_trust(trust);
    Ok(())
}

/// The ordinary box beside a certified one: the same name at the domain without its certified part.
fn ordinary(address: &str) -> String {
    let (name, domain) = address.split_once('@').unwrap_or((address, "ente.test"));
    let labels: Vec<&str> =
        domain.split('.').filter(|label| !label.contains("pec") && !label.contains("cert")).collect();
    let place = if labels.len() > 1 { labels.join(".") } else { format!("{name}.test") };
    format!("{name}@{place}")
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
