//! Trying what the configuration names outside the program: each service is really asked, once.
//!
//! The database is not needed here, so these lines are there also while a server holds it or when it is gone.

use std::time::Duration;

use app::Clock;
use app::settings::ScanFolder;
use channels::clamav::{self, Address, Verdict};
use channels::pec::Mailbox;
use documents::signature::timestamp;

use super::Line;
use crate::config::{Config, Mail};
use crate::outside;

/// How long one service may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tries them all, in the order of the file.
pub async fn look(config: &Config) -> Vec<Line> {
    let mut lines = vec![key_token(config), trust(config), time_stamp(config).await, antivirus(config).await];
    for mail in &config.mail {
        lines.extend(account(config, mail).await);
    }
    lines.extend(config.scans.iter().map(scan_folder));
    lines
}

fn trust(config: &Config) -> Line {
    match outside::trust(config) {
        Err(error) => Line::fails("trust", error.text(), "remedy-trust"),
        Ok(trust) if trust.is_empty() => {
            Line::warns("trust", "nobody is trusted: no signature can be found valid", "remedy-trust")
        }
        Ok(trust) => Line::works("trust", &format!("{} anchors {}", trust.anchors().count(), trust.label())),
    }
}

async fn time_stamp(config: &Config) -> Line {
    const NAME: &str = "timestamp";
    let authority = match outside::time_stamps(config) {
        Ok(None) => return Line::unset(NAME),
        Ok(Some(authority)) => authority,
        Err(error) => return Line::fails(NAME, error.text(), "remedy-timestamp"),
    };
    let (digest, nonce) = ([7; 32], nonce());
    let told = match authority.ask(&timestamp::request(&digest, &nonce)).await {
        Ok(answer) => timestamp::token_of(&answer, &digest, &nonce).map_err(|e| e.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match told {
        Ok(_) => Line::works(NAME, &config.timestamp.url),
        Err(why) => Line::fails(NAME, &why, "remedy-timestamp"),
    }
}

/// Different at every question; what it must not be is the same, not predictable.
fn nonce() -> [u8; 16] {
    i128::from(Clock::System.now().micros()).to_be_bytes()
}

async fn antivirus(config: &Config) -> Line {
    const NAME: &str = "antivirus";
    if config.antivirus.clamav.is_empty() {
        return Line::unset(NAME);
    }
    let address = Address::parse(&config.antivirus.clamav);
    match clamav::scan(&address, &b"telaio doctor"[..], PATIENCE).await {
        Ok(Verdict::Clean) => Line::works(NAME, &config.antivirus.clamav),
        Ok(other) => {
            Line::fails(NAME, &format!("a harmless text is said to be {other:?}"), "remedy-antivirus")
        }
        Err(error) => Line::fails(NAME, &error.to_string(), "remedy-antivirus"),
    }
}

async fn account(config: &Config, mail: &Mail) -> Vec<Line> {
    let account = match outside::account(config, mail) {
        Ok(account) => account,
        Err(error) => return vec![Line::fails("mail", error.text(), "remedy-mail")],
    };
    let late = |_| "no answer in time".to_owned();
    let out = tokio::time::timeout(PATIENCE, account.road.reach()).await.map_err(late);
    let out = out.and_then(|done| done.map_err(|error| error.to_string()));
    let mut lines = vec![told("smtp", &mail.address, out)];
    if let Some(settings) = account.mailbox {
        let opened = tokio::time::timeout(PATIENCE, Mailbox::open(settings)).await.map_err(late);
        let opened = match opened {
            Ok(Ok(mailbox)) => {
                mailbox.close().await;
                Ok(())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(late) => Err(late),
        };
        lines.push(told("imap", &mail.address, opened));
    }
    lines
}

fn told(name: &str, address: &str, outcome: Result<(), String>) -> Line {
    match outcome {
        Ok(()) => Line::works(name, address),
        Err(why) => Line::fails(name, &format!("{address}: {why}"), "remedy-mail"),
    }
}

/// A folder of scans must let us look into it and take files out of it.
fn scan_folder(one: &ScanFolder) -> Line {
    let place = format!("{}: {}", one.body, one.folder.display());
    // A name that the server at work leaves alone, since it begins with a point.
    let trial = one.folder.join(".telaio-doctor");
    let tried = std::fs::read_dir(&one.folder)
        .and_then(|_| std::fs::File::create_new(&trial))
        .and_then(|_| std::fs::remove_file(&trial));
    match tried {
        Ok(_) => Line::works("scans", &place),
        Err(error) => Line::fails("scans", &format!("{place}: {error}"), "remedy-scans"),
    }
}

/// Opens the token of the master key and finds the key in it.
fn key_token(config: &Config) -> Line {
    match outside::key_token(config).map(|place| place.try_open()) {
        None => Line::unset("key_token"),
        Some(Ok(())) => Line::works("key_token", &config.key_token.token),
        Some(Err(error)) => Line::fails("key_token", &error.to_string(), "remedy-token"),
    }
}
