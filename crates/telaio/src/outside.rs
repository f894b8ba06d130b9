//! What the configuration names outside the program, opened: trust material, time-stamp authority, mail accounts,
//! the token of the master key.
//!
//! `serve` uses it all, `doctor` tries each part alone. Every failure names the setting and what it points to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use app::use_cases::exchange::{Account, Exchange};
use app::{App, Clock};
use channels::email::Email;
use channels::pec::{MailboxSettings, Submission};
use channels::time_stamp::TimeStampAuthority;
use channels::{Endpoint, Security, Trust};
use documents::signature::trusted_list::TrustedList;
use documents::signature::{SignatureError, TrustStore};
use domain::body::IpaCode;
use domain::message::Channel;
use store::TokenKey;

use crate::commands::Stop;
use crate::config::{self, Config, Mail, MailKind};

/// Largest message fetched from a mailbox, bytes (D.M. 2/11/2005: 30 MB must be accepted; providers allow 100).
const MESSAGE_MAX: u64 = 100 * 1024 * 1024;

/// Reads anchors, trusted lists and revocation lists.
///
/// # Errors
/// When a file cannot be read or is not what the setting says.
pub fn trust(config: &Config) -> Result<TrustStore, Stop> {
    let settings = &config.trust;
    let now = Clock::System.now().at;
    let mut trust = TrustStore::empty();
    for file in &settings.anchors {
        trust.add_anchors_pem(&bytes(file)?).map_err(|e| wrong("trust.anchors", file, &e))?;
    }
    let guide = match settings.list_of_lists.as_os_str().is_empty() {
        true => None,
        false => {
            let file = &settings.list_of_lists;
            let read = TrustedList::read(&bytes(file)?, None, now);
            Some(read.map_err(|e| wrong("trust.list_of_lists", file, &e))?)
        }
    };
    for file in &settings.trusted_lists {
        let content = bytes(file)?;
        let wrong = |e: SignatureError| wrong("trust.trusted_lists", file, &e);
        let mut list = TrustedList::read(&content, None, now).map_err(wrong)?;
        if let Some(guide) = &guide {
            let signers = guide.signers_of(&list.territory);
            list = TrustedList::read(&content, Some(&signers), now).map_err(wrong)?;
        }
        trust.add_trusted_list(&list);
    }
    for file in &settings.revocation_lists {
        trust.add_crl(&bytes(file)?).map_err(|e| wrong("trust.revocation_lists", file, &e))?;
    }
    Ok(trust)
}

/// Pause between two looks at the files of the trust material.
const TRUST_PAUSE: Duration = Duration::from_secs(60);

/// Each file of the trust material with its time of change and size; neither for a file that is not there.
type Stamps = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

fn stamps(settings: &config::Trust) -> Stamps {
    let single = Some(&settings.list_of_lists).filter(|file| !file.as_os_str().is_empty());
    let lists = settings.trusted_lists.iter().chain(&settings.revocation_lists);
    let stamp = |file: &PathBuf| {
        let about = std::fs::metadata(file).ok();
        (file.clone(), about.and_then(|about| Some((about.modified().ok()?, about.len()))))
    };
    settings.anchors.iter().chain(single).chain(lists).map(stamp).collect()
}

/// Reads the trust material again whenever one of its files changes, until it is dropped. What cannot be read leaves
/// everything as it was and is said once: a list that is being written is whole at the next change.
pub async fn watch_trust(config: Config, app: Arc<App>) {
    let mut known = stamps(&config.trust);
    loop {
        tokio::time::sleep(TRUST_PAUSE).await;
        let (config, app) = (config.clone(), app.clone());
        let looked = tokio::task::spawn_blocking(move || refresh_trust(&config, &app, known)).await;
        match looked {
            Ok(now) => known = now,
            Err(error) => return tracing::error!(%error, "the trust material is no longer watched"),
        }
    }
}

/// One look at the files; gives their stamps from now on.
fn refresh_trust(config: &Config, app: &App, known: Stamps) -> Stamps {
    let now = stamps(&config.trust);
    if now != known {
        match trust(config) {
            Ok(trust) => {
                app.seals.set_trust(trust);
                tracing::info!("the trust material changed and was read again");
            }
            Err(stop) => tracing::warn!(why = stop.text(), "the changed trust material cannot be read"),
        }
    }
    now
}

fn bytes(file: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(file).map_err(|error| Stop::Usage(format!("{}: {error}", file.display())))
}

fn wrong(setting: &str, file: &Path, error: &dyn std::fmt::Display) -> Stop {
    Stop::Usage(format!("{setting}: {}: {error}", file.display()))
}

/// The time-stamp authority, if one is configured.
///
/// # Errors
/// When its address or its files are wrong.
pub fn time_stamps(config: &Config) -> Result<Option<TimeStampAuthority>, Stop> {
    let settings = &config.timestamp;
    if settings.url.is_empty() {
        return Ok(None);
    }
    let login = match settings.user.is_empty() {
        true => None,
        false => Some((settings.user.clone(), config::secret(&settings.password_file)?)),
    };
    TimeStampAuthority::new(&settings.url, login, servers(&settings.trust_file)?)
        .map(Some)
        .map_err(|error| Stop::Usage(format!("timestamp: {error}")))
}

/// Whose certificates a server must show.
fn servers(file: &Path) -> Result<Trust, Stop> {
    match file.as_os_str().is_empty() {
        true => Ok(Trust::System),
        false => bytes(file).map(Trust::Pem),
    }
}

/// The place of the master key in a token, if one is configured.
pub fn key_token(config: &Config) -> Option<TokenKey> {
    let settings = &config.key_token;
    (!settings.module.as_os_str().is_empty()).then(|| TokenKey {
        module: settings.module.clone(),
        token: settings.token.clone(),
        key: settings.key.clone(),
        pin_file: settings.pin_file.clone(),
    })
}

/// A mail account as the workers need it.
///
/// # Errors
/// When its files cannot be read or its servers cannot be used as they are written.
pub fn account(config: &Config, mail: &Mail) -> Result<Account, Stop> {
    let password = config::secret(&mail.password_file)?;
    let trust = servers(&mail.trust_file)?;
    let endpoint = |url: &str, implicit: &str, starttls: &str| -> Result<Endpoint, Stop> {
        let (host, port, tls) = config::server(url, implicit, starttls)
            .ok_or_else(|| Stop::Usage(format!("mail of {}: {url}", mail.address)))?;
        let user = if mail.user.is_empty() { &mail.address } else { &mail.user };
        let security = if tls { Security::Implicit } else { Security::StartTls };
        let (trust, password) = (trust.clone(), password.clone());
        Ok(Endpoint { host, port, security, trust, user: Some(user.clone()), password })
    };
    let out = endpoint(&mail.smtp, "smtps", "smtp")?;
    let unusable = |error: channels::HandOverError| Stop::Usage(format!("mail of {}: {error}", mail.address));
    let road: Arc<dyn channels::Channel> = match mail.kind {
        MailKind::Pec => Arc::new(Submission::new(&out).map_err(unusable)?),
        MailKind::Email => Arc::new(Email::new(&out).map_err(unusable)?),
    };
    let mailbox = match mail.imap.is_empty() {
        true => None,
        false => Some(MailboxSettings {
            endpoint: endpoint(&mail.imap, "imaps", "imap")?,
            inbox: "INBOX".to_owned(),
            registered: mail.folder.clone(),
            limit: MESSAGE_MAX,
            spool: config.storage.folder.join("spool"),
        }),
    };
    Ok(Account { address: mail.address.clone(), road, mailbox })
}

/// Gives the program its trust material and its time-stamp authority, and opens the roads of its bodies.
///
/// # Errors
/// As [`trust`], [`time_stamps`] and [`account`].
pub fn exchange(config: &Config, app: Arc<App>) -> Result<Exchange, Stop> {
    app.seals.set_trust(trust(config)?);
    if let Some(authority) = time_stamps(config)? {
        app.seals.set_authority(Arc::new(move |question: &[u8]| {
            // Whoever seals does so on a thread that may wait.
            let answer = tokio::runtime::Handle::current().block_on(authority.ask(question));
            answer.map_err(|error| SignatureError::Timestamp(error.to_string()))
        }));
    }
    let mut exchange = Exchange::new(app);
    exchange.message_limit = config.exchange.message_bytes;
    exchange.automatic = codes(&config.exchange.automatic)?;
    for mail in &config.mail {
        let body = code(&mail.body)?;
        let account = account(config, mail)?;
        let known = match channel(mail.kind) {
            Channel::Email => exchange.email.insert(body, account),
            _ => exchange.pec.insert(body, account),
        };
        if known.is_some() {
            return Err(Stop::Usage(format!("mail: {} has two accounts of one kind", mail.body)));
        }
    }
    Ok(exchange)
}

/// The road a mail account is for.
pub fn channel(kind: MailKind) -> Channel {
    match kind {
        MailKind::Pec => Channel::Pec,
        MailKind::Email => Channel::Email,
    }
}

fn codes(texts: &[String]) -> Result<BTreeSet<IpaCode>, Stop> {
    texts.iter().map(|text| code(text)).collect()
}

fn code(text: &str) -> Result<IpaCode, Stop> {
    IpaCode::parse(text).map_err(|_| Stop::Usage(format!("{text}: not an IPA code")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use documents::signature::test_ca::TestCa;

    #[test]
    fn trust_is_read_again_when_a_file_changes_and_kept_when_it_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("anchors.pem");
        let authority = || {
            let valid = "2020-01-01T00:00:00Z".parse().unwrap().."2040-01-01T00:00:00Z".parse().unwrap();
            TestCa::create("CA di prova", valid).unwrap().root_pem().unwrap()
        };
        let (one, other) = (authority(), authority());
        std::fs::write(&file, &one).unwrap();
        let mut config = Config::default();
        config.trust.anchors = vec![file.clone()];
        config.storage.folder = folder.path().join("data");
        let app = crate::assembly::program(&config, false).unwrap();
        app.seals.set_trust(trust(&config).unwrap());
        let known = stamps(&config.trust);
        let before = app.seals.trust();
        let known = refresh_trust(&config, &app, known);
        assert!(Arc::ptr_eq(&before, &app.seals.trust()), "nothing changed, nothing is read");
        std::fs::write(&file, [one, other].concat()).unwrap();
        let known = refresh_trust(&config, &app, known);
        assert_eq!(app.seals.trust().anchors().count(), 2);
        std::fs::write(&file, b"-----BEGIN CERTIFICATE-----\nhalf").unwrap();
        refresh_trust(&config, &app, known);
        assert_eq!(app.seals.trust().anchors().count(), 2, "half a file changes nothing");
    }
}
