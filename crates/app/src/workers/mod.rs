//! What runs by itself: background loops, each a `run_once` that may be repeated without harm.

pub mod daily_register;
pub mod deliver;
pub mod receive;

use crate::use_cases::exchange::Exchange;
use std::time::Duration;

/// Pause between two looks at the outbox; a commit wakes it before.
const OUTBOX_PAUSE: Duration = Duration::from_secs(5);
/// Pause between two looks at the mailboxes.
const MAILBOX_PAUSE: Duration = Duration::from_secs(10);
/// Pause between two looks for silence: the terms are in working days.
const SILENCE_PAUSE: Duration = Duration::from_secs(3_600);

/// Runs the exchange until it is dropped: what is due leaves, what arrived is kept, silence is told.
///
/// Failures are logged and tried again; nothing a server does stops the loops.
pub async fn run_exchange(exchange: Exchange) {
    tokio::join!(leave(&exchange), arrive(&exchange), listen_to_silence(&exchange));
}

async fn leave(exchange: &Exchange) {
    let mut commits = exchange.app.store.commits();
    loop {
        match deliver::run_once(exchange).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "the outbox could not be read"),
        }
        // Whichever comes first; the end of the store is the end of the program.
        tokio::select! {
            changed = commits.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(OUTBOX_PAUSE) => {}
        }
    }
}

async fn arrive(exchange: &Exchange) {
    loop {
        if let Err(error) = receive::run_once(exchange).await {
            tracing::warn!(%error, "not every mailbox could be read");
        }
        if let Err(error) = receive::register_by_rule(exchange).await {
            tracing::warn!(%error, "the rule of the inbox could not be carried out");
        }
        tokio::time::sleep(MAILBOX_PAUSE).await;
    }
}

async fn listen_to_silence(exchange: &Exchange) {
    loop {
        for body in exchange.seals.keys() {
            if let Err(error) = deliver::remind(exchange, body).await {
                tracing::warn!(%body, %error, "silence could not be told");
            }
        }
        tokio::time::sleep(SILENCE_PAUSE).await;
    }
}
