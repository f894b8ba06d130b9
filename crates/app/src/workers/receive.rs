//! Reads the mailboxes: raw bytes are kept first, the mailbox is told after, receipts find their delivery.
//!
//! The same message twice is one row; a message that cannot be read is kept all the same; one over the limit
//! stays in the mailbox, and a row with its header says so.

use crate::error::{Error, Result};
use crate::use_cases::exchange::admit::admit;
use crate::use_cases::exchange::register_inbound::{Changes, register_inbound};
use crate::use_cases::exchange::roads::{Account, Exchange};
use crate::use_cases::exchange::rules;
use crate::use_cases::exchange::understand::{Came, Details, too_large, understand};
use crate::workers::warnings;
use channels::pec::{Arrived, Keep, Mailbox, Raw};
use domain::body::IpaCode;
use domain::message::Channel;
use std::time::Duration;
use store::inbox;

/// How long one IDLE lasts: servers may hang up after thirty minutes (RFC 2177).
const IDLE: Duration = Duration::from_secs(25 * 60);
/// How often servers without IDLE are asked.
const POLL: Duration = Duration::from_secs(45);

/// Collects what is new in every mailbox; answers how many messages were kept. Harmless to repeat.
///
/// # Errors
/// The first failure, after every mailbox was tried.
pub async fn run_once(exchange: &Exchange) -> Result<usize> {
    let pec = exchange.pec.iter().map(|(body, account)| (body, account, Channel::Pec));
    let email = exchange.email.iter().map(|(body, account)| (body, account, Channel::Email));
    let (mut kept, mut failed) = (0, None);
    for (body, account, channel) in pec.chain(email) {
        match collect(exchange, body, account, channel).await {
            Ok(count) => kept += count,
            Err(error) => {
                tracing::warn!(%body, %error, "a mailbox could not be read");
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(kept), Err)
}

/// Keeps a mailbox open and collects as soon as something arrives, until the connection breaks.
///
/// # Errors
/// `Problem` when the mailbox or the store fails: open it again after a pause.
pub async fn watch(exchange: &Exchange, body: &IpaCode, account: &Account, channel: Channel) -> Result<()> {
    let Some(settings) = account.mailbox.clone() else { return Ok(()) };
    let problem = |e: channels::pec::MailboxError| Error::Problem(e.to_string());
    let mut mailbox = Mailbox::open(settings).await.map_err(problem)?;
    loop {
        let mut keeper = Keeper { exchange, body, channel, mailbox: &account.address };
        if mailbox.collect(&mut keeper).await.map_err(problem)? > 0 {
            register_by_rule(exchange).await?;
        }
        watch_quota(exchange, body, account, &mut mailbox).await?;
        mailbox = mailbox.wait(IDLE, POLL).await.map_err(problem)?;
    }
}

/// A mailbox that fills up is somebody's task: a full one loses mail that the law counts as delivered.
async fn watch_quota(
    exchange: &Exchange,
    body: &IpaCode,
    account: &Account,
    mailbox: &mut Mailbox,
) -> Result<()> {
    let quota = mailbox.quota().await.map_err(|e| Error::Problem(e.to_string()))?;
    let Some(quota) = quota else { return Ok(()) };
    warnings::mailbox(&exchange.app, body, &account.address, quota.used, quota.limit).await.map(drop)
}

async fn collect(exchange: &Exchange, body: &IpaCode, account: &Account, channel: Channel) -> Result<usize> {
    let Some(settings) = account.mailbox.clone() else { return Ok(0) };
    let problem = |e: channels::pec::MailboxError| Error::Problem(e.to_string());
    let mut mailbox = Mailbox::open(settings).await.map_err(problem)?;
    let mut keeper = Keeper { exchange, body, channel, mailbox: &account.address };
    let kept = mailbox.collect(&mut keeper).await.map_err(problem);
    mailbox.close().await;
    kept
}

/// Registers, for the bodies that chose so, what arrived with a segnatura whose signature and digests hold.
///
/// # Errors
/// `Problem` when the store fails; a message that cannot be registered waits for a person.
pub async fn register_by_rule(exchange: &Exchange) -> Result<usize> {
    let mut done = 0;
    for body in &rules::automatic(exchange).await? {
        let ctx = exchange.context(body);
        let code = body.clone();
        let waiting = ctx.read(move |r| Ok(inbox::waiting_protocol(r, &code, 200)?)).await?;
        for (id, details) in waiting {
            let details: Details = serde_json::from_str(&details).unwrap_or_default();
            if !details.segnatura.is_some_and(|f| f.signature.starts_with("valid") && f.anomalies.is_empty())
            {
                continue;
            }
            match register_inbound(&ctx, &id, Changes::default()).await {
                Ok(_) => done += 1,
                Err(error) if error.is_passing() => return Err(error),
                Err(error) => {
                    exchange.app.health.note(&error);
                    tracing::warn!(%id, %error, "a message waits for a person");
                }
            }
        }
    }
    Ok(done)
}

struct Keeper<'a> {
    exchange: &'a Exchange,
    body: &'a IpaCode,
    channel: Channel,
    mailbox: &'a str,
}

impl Keeper<'_> {
    fn came(&self, raw: Vec<u8>) -> Came {
        Came { body: self.body.clone(), channel: self.channel, mailbox: self.mailbox.to_owned(), raw }
    }
}

impl Keep for Keeper<'_> {
    async fn keep(&mut self, arrived: Vec<Arrived>) -> std::result::Result<Vec<u32>, String> {
        let mut safe = Vec::new();
        let mut waiting = Vec::new();
        for one in arrived {
            let raw = match one.raw {
                Raw::Memory(raw) => raw,
                Raw::File(path) => {
                    let raw = tokio::fs::read(&path).await.map_err(|e| e.to_string())?;
                    tokio::fs::remove_file(&path).await.map_err(|e| e.to_string())?;
                    raw
                }
                Raw::TooLarge(header) => {
                    let came = self.came(header);
                    let kept = too_large(self.exchange, came, one.size).await;
                    waiting.push(kept.map_err(|e| e.to_string())?);
                    continue;
                }
            };
            let came = self.came(raw);
            waiting.push(understand(self.exchange, came).await.map_err(|e| e.to_string())?);
            safe.push(one.uid);
        }
        let ctx = self.exchange.context(self.body);
        let policy = self.exchange.policy.clone();
        let kept = self.exchange.app.store.write::<_, Error, _>(move |tx| {
            for one in waiting {
                admit(tx, &ctx, &policy, one)?;
            }
            Ok(())
        });
        kept.await.map_err(|e| e.to_string())?;
        Ok(safe)
    }
}
