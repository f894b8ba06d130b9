//! What runs by itself: background loops, each a `run_once` that may be repeated without harm.

pub mod daily_register;
pub mod deliver;
pub mod receive;
pub mod scans;
pub mod sweep;
pub mod texts;
pub mod warnings;

use crate::use_cases::exchange::{Account, Exchange};
use crate::use_cases::verification;
use crate::{App, Error};
use domain::body::IpaCode;
use domain::message::Channel;
use std::sync::Arc;
use std::time::Duration;
use store::Topic;
use tokio::task::JoinSet;

/// Pause between two looks at the outbox; what is put there wakes it before.
const OUTBOX_PAUSE: Duration = Duration::from_secs(5);
/// Pause between two looks at what may be registered by rule.
const RULE_PAUSE: Duration = Duration::from_secs(20);
/// First pause after a mailbox failed, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LAST_PAUSE: Duration = Duration::from_secs(300);
/// Pause between two looks for silence: the terms are in working days.
const SILENCE_PAUSE: Duration = Duration::from_secs(3_600);

/// What the readers of texts and of signatures wait after a new file, so that more come together.
const BREATH: Duration = Duration::from_millis(200);
/// While others write, the reading of texts rests so many times as long as it worked, and never longer than this.
const TEXTS_YIELD: u32 = 4;
const TEXTS_PAUSE: Duration = Duration::from_secs(2);

/// Pause between two looks at the folders of scanners: a file that did not change in it is whole.
const SCANS_PAUSE: Duration = Duration::from_secs(5);

/// Pause between two looks at what the house itself has to do: registers to close, certificates that end.
const HOUSE_PAUSE: Duration = Duration::from_secs(600);

/// Does the house's own work until it is dropped: closes the daily registers of past days, warns of what ends, sweeps.
///
/// Days that passed while the program stood still are made up at the start.
pub async fn run_house(app: Arc<App>) {
    loop {
        match daily_register::run_once(&app).await {
            Ok(0) => {}
            Ok(days) => tracing::info!(days, "daily registers were closed"),
            Err(error) => failed(&app, &error, "the daily registers could not be closed"),
        }
        if let Err(error) = warnings::certificates(&app).await {
            failed(&app, &error, "the certificates could not be looked at");
        }
        match sweep::run_once(&app).await {
            Ok(swept) if swept == sweep::Swept::default() => {}
            Ok(swept) => tracing::info!(?swept, "the house was swept"),
            Err(error) => failed(&app, &error, "the house could not be swept"),
        }
        tokio::time::sleep(HOUSE_PAUSE).await;
    }
}

/// Says in the log that a loop could not do its work; damage is told to the administrator too.
fn failed(app: &App, error: &Error, what: &'static str) {
    app.health.note(error);
    tracing::warn!(%error, "{what}");
}

/// Empties the folders of scanners until it is dropped; without any it rests.
pub async fn run_scans(app: Arc<App>) {
    let mut seen = scans::Seen::default();
    while !app.settings.scan_folders.is_empty() {
        // Which folder failed is in the log already.
        if let Ok(taken @ 1..) = scans::run_once(&app, &mut seen).await {
            tracing::info!(taken, "files were taken from the folders of scans");
        }
        tokio::time::sleep(SCANS_PAUSE).await;
    }
}

/// Runs the exchange until it is dropped: what is due leaves, what arrived is kept, silence is told.
///
/// Failures are logged and tried again; nothing a server does stops the loops.
pub async fn run_exchange(exchange: Exchange) {
    tokio::join!(leave(&exchange), arrive(&exchange), listen_to_silence(&exchange), verify(&exchange));
}

/// Reads the words of what was registered, soon after it is, until it is dropped.
///
/// It yields to those who register: while they do, it works at most a fifth of the time. What waits is marked as such.
pub async fn run_texts(app: Arc<App>) {
    let mut changed = app.store.changes(Topic::Documents);
    loop {
        changed.mark_unchanged();
        let (before, began) = (app.store.figures().kept, tokio::time::Instant::now());
        match texts::run_once(&app).await {
            Ok(0) => {}
            Ok(_) => {
                // One write is its own.
                if app.store.figures().kept > before + 1 {
                    tokio::time::sleep((began.elapsed() * TEXTS_YIELD).min(TEXTS_PAUSE)).await;
                }
                continue;
            }
            Err(error) => failed(&app, &error, "texts could not be read"),
        }
        // New files wake it after a breath, so that many are read together; a failed attempt may wait.
        tokio::select! {
            told = changed.changed() => if told.is_err() { return },
            () = tokio::time::sleep(HOUSE_PAUSE) => {}
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn leave(exchange: &Exchange) {
    let mut changed = exchange.app.store.changes(Topic::Outbox);
    loop {
        match deliver::run_once(exchange).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => failed(&exchange.app, &error, "the outbox could not be read"),
        }
        // Whichever comes first; the end of the store is the end of the program.
        tokio::select! {
            told = changed.changed() => if told.is_err() { return },
            () = tokio::time::sleep(OUTBOX_PAUSE) => {}
        }
    }
}

/// Checks the signatures of what came in, a batch at a time, soon after it came.
async fn verify(exchange: &Exchange) {
    let mut changed = exchange.app.store.changes(Topic::Documents);
    loop {
        changed.mark_unchanged();
        match verification::arrive::run_once(&exchange.app).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => failed(&exchange.app, &error, "signatures could not be checked"),
        }
        // A failed attempt may wait; new files are looked at a breath after they came.
        tokio::select! {
            told = changed.changed() => if told.is_err() { return },
            () = tokio::time::sleep(RULE_PAUSE) => {}
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// One watcher per mailbox, and a slow look at what the hub brought.
async fn arrive(exchange: &Exchange) {
    let mut watchers = JoinSet::new();
    let pec = exchange.pec.iter().map(|(body, account)| (body, account, Channel::Pec));
    let email = exchange.email.iter().map(|(body, account)| (body, account, Channel::Email));
    for (body, account, channel) in pec.chain(email) {
        if account.mailbox.is_some() {
            watchers.spawn(watch(exchange.clone(), body.clone(), account.clone(), channel));
        }
    }
    loop {
        if let Err(error) = receive::register_by_rule(exchange).await {
            failed(&exchange.app, &error, "the rule of the inbox could not be carried out");
        }
        tokio::time::sleep(RULE_PAUSE).await;
    }
}

/// Watches a mailbox for ever; after a failure it waits, twice as long each time, five minutes at most.
async fn watch(exchange: Exchange, body: IpaCode, account: Account, channel: Channel) {
    let mut pause = FIRST_PAUSE;
    loop {
        let began = tokio::time::Instant::now();
        if let Err(error) = receive::watch(&exchange, &body, &account, channel).await {
            tracing::warn!(%body, %error, "a mailbox could not be read");
        }
        pause = if began.elapsed() > LAST_PAUSE { FIRST_PAUSE } else { (pause * 2).min(LAST_PAUSE) };
        tokio::time::sleep(pause).await;
    }
}

async fn listen_to_silence(exchange: &Exchange) {
    loop {
        match warnings::inside(&exchange.app).await {
            Err(error) => failed(&exchange.app, &error, "the bodies could not be read"),
            Ok(bodies) => {
                for body in &bodies {
                    let told = deliver::remind(exchange, body).await;
                    if let Err(error) = told.and(deliver::watch_silence(exchange, body).await) {
                        tracing::warn!(%body, %error, "silence could not be told");
                    }
                }
            }
        }
        tokio::time::sleep(SILENCE_PAUSE).await;
    }
}
