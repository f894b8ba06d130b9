//! Empties the outbox: claims what is due, composes it, hands it over, writes down what happened.
//!
//! The Message-ID and the bytes are on disk before a server is spoken to. A row whose worker died in between is of
//! unknown fate: receipts are looked for before the same bytes, with the same Message-ID, are handed over again
//! (communications sheet, scenario 11).

use crate::error::{Error, Result};
use crate::use_cases::exchange::admit::admit;
use crate::use_cases::exchange::package::{Packed, package};
use crate::use_cases::exchange::progress::{self, own_fact};
use crate::use_cases::exchange::roads::Exchange;
use crate::use_cases::exchange::understand::{Came, understand};
use channels::pec::Mailbox;
use channels::{HandOverError, Outgoing as Letter};
use domain::body::IpaCode;
use domain::message::{Cause, Channel, DeliveryState, Event, back_off};
use store::deliveries::{self, StoredDelivery};
use store::outbox::{self, Claimed, Outgoing};
use store::{Tx, blobs};

/// How long a claimed row is ours, microseconds: longer than any hand-over.
const LEASE: i64 = 10 * 60 * 1_000_000;
/// Rows claimed together.
const TOGETHER: i64 = 16;
/// Bytes of a message as it leaves, at most.
const LARGEST: u64 = 80 * 1024 * 1024;

/// Handles what is due now; answers how many rows were handled. Harmless to repeat.
///
/// # Errors
/// `Problem` when the store fails; what a server does is not an error but a fact.
pub async fn run_once(exchange: &Exchange) -> Result<usize> {
    let now = exchange.app.clock.micros();
    if !exchange.app.store.read::<_, Error, _>(move |r| Ok(outbox::is_due(r, now)?)).await? {
        return Ok(0);
    }
    let claimed = exchange
        .app
        .store
        .write::<_, Error, _>(move |tx| Ok(outbox::claim(tx, now, LEASE, TOGETHER)?))
        .await?;
    let count = claimed.len();
    for one in claimed {
        let (row, in_doubt) = (one.row.clone(), one.may_have_left);
        if let Err(error) = deliver(exchange, one).await {
            exchange.app.health.note(&error);
            tracing::warn!(row = %row.id, %error, "a row of the outbox could not be handled");
            put_off(exchange, row, in_doubt, &error.to_string()).await?;
        }
    }
    Ok(count)
}

/// Ours or the world's fault, not the recipient's: later, without a fact. What may have left stays in doubt: its
/// receipts could not be looked for, and it must not leave a second time because of that. A doubt that lasts becomes
/// a task: the provider knows.
async fn put_off(exchange: &Exchange, row: Outgoing, in_doubt: bool, error: &str) -> Result<()> {
    let (now, error) = (exchange.app.clock.micros(), error.to_owned());
    let (due, lasts) = (now + 5 * 60 * 1_000_000, hours(exchange.policy.doubt_hours));
    let ctx = exchange.context(&row.body);
    let put_off = move |tx: &mut Tx| {
        if !in_doubt {
            return Ok(outbox::postpone(tx, &row.id, due, &error)?);
        }
        outbox::doubt(tx, &row.id, due, &error)?;
        if now - row.due_at < lasts {
            return Ok(());
        }
        let (delivery, ..) = progress::load(tx, &row.delivery)?;
        progress::tell_of_doubt(tx, &ctx, &delivery, row.attempt)
    };
    exchange.app.store.write(put_off).await
}

/// Hours in microseconds.
fn hours(count: u16) -> i64 {
    i64::from(count) * 3_600_000_000
}

async fn deliver(exchange: &Exchange, claimed: Claimed) -> Result<()> {
    let row = claimed.row;
    let id = row.delivery.clone();
    let (delivery, state, is_known) = exchange
        .app
        .store
        .read::<_, Error, _>(move |r| {
            let (row, known, _) = progress::load(r, &id)?;
            Ok((row, known.state(), known.facts().map(|f| (f.attempt, f.event)).collect::<Vec<_>>()))
        })
        .await?;
    if matches!(state, DeliveryState::Delivered | DeliveryState::ClosedByOfficer) {
        return settle(exchange, &row, "withdrawn").await;
    }
    let left = |(attempt, event): &(u16, Event)| {
        *attempt == row.attempt && !matches!(event, Event::NotSubmitted { .. })
    };
    if claimed.may_have_left && (is_known.iter().any(left) || has_receipts(exchange, &row).await?) {
        return note(exchange, &row, Event::Submitted, "found among the receipts", Next::Gone).await;
    }
    let letter = match prepare(exchange, &row, &delivery).await? {
        Ok(letter) => letter,
        Err(why) => return too_large(exchange, &row, &why).await,
    };
    match row.channel {
        Channel::Hub => into_hub(exchange, &row, &delivery, letter).await,
        Channel::Pec | Channel::Email => hand_over(exchange, &row, letter).await,
    }
}

async fn settle(exchange: &Exchange, row: &Outgoing, why: &'static str) -> Result<()> {
    let id = row.id.clone();
    exchange.app.store.write(move |tx| Ok(outbox::settle_gone(tx, &id, why)?)).await
}

/// Whether the sender's mailbox holds a receipt for the row's Message-ID.
async fn has_receipts(exchange: &Exchange, row: &Outgoing) -> Result<bool> {
    let account = exchange.account(&row.body, row.channel).and_then(|a| a.mailbox.clone());
    let Some(settings) = account else { return Ok(false) };
    let problem = |e: channels::pec::MailboxError| Error::Problem(e.to_string());
    let mut mailbox = Mailbox::open(settings).await.map_err(problem)?;
    let found = mailbox.knows_of(&row.message_id).await.map_err(problem)?;
    mailbox.close().await;
    Ok(found)
}

/// Refused by ourselves before a server does: an officer is asked to split it.
async fn too_large(exchange: &Exchange, row: &Outgoing, why: &str) -> Result<()> {
    note(exchange, row, Event::Rejected { cause: Cause::TooLarge }, why, Next::Stuck).await
}

/// The bytes of the attempt: those kept before, or made now and kept before they leave. The inner error says that
/// they are too many for the road.
async fn prepare(
    exchange: &Exchange,
    row: &Outgoing,
    delivery: &StoredDelivery,
) -> Result<std::result::Result<Letter, String>> {
    let store = &exchange.app.store;
    let to = vec![delivery.address.clone()];
    if let Some(sha256) = &row.raw_sha256 {
        let raw = store.blob_bytes(&row.body, sha256, LARGEST).await?;
        let raw = raw.ok_or_else(|| Error::Damaged(format!("the bytes of {} are gone", row.id)))?.to_vec();
        let from = exchange.account(&row.body, row.channel).map(|a| a.address.clone()).unwrap_or_default();
        return Ok(Ok(Letter { from, to, raw }));
    }
    let made = match package(exchange, row, delivery).await? {
        Packed::Ready(made) => made,
        Packed::TooLarge { size, limit } => return Ok(Err(format!("{size} > {limit} bytes"))),
    };
    let prepared = store.prepare(&row.body, &made.raw).await?;
    let (id, body) = (row.id.clone(), row.body.clone());
    store
        .write::<_, Error, _>(move |tx| {
            blobs::put(tx, &prepared)?;
            blobs::hold(tx, &body, &prepared.sha256, id.as_str())?;
            Ok(outbox::keep_raw(tx, &id, &prepared.sha256)?)
        })
        .await?;
    Ok(Ok(Letter { from: made.from, to, raw: made.raw }))
}

/// Puts the message into the recipient's inbox: both sides in one transaction, so it can be neither lost nor twice.
async fn into_hub(
    exchange: &Exchange,
    row: &Outgoing,
    delivery: &StoredDelivery,
    letter: Letter,
) -> Result<()> {
    let body =
        delivery.recipient_body.clone().ok_or_else(|| Error::Bug("hub delivery without body".into()))?;
    let came = Came { body: body.clone(), channel: Channel::Hub, mailbox: body.to_string(), raw: letter.raw };
    let understood = understand(exchange, came).await?;
    let (receiver, sender) = (exchange.context(&body), exchange.context(&row.body));
    let (policy, row) = (exchange.policy.clone(), row.clone());
    exchange
        .app
        .store
        .write::<_, Error, _>(move |tx| {
            admit(tx, &receiver, &policy, understood)?;
            let fact = own_fact(row.attempt, Event::Delivered { form: None }, sender.moment.at, "");
            progress::learn(tx, &sender, &policy, &row.delivery, &fact)?;
            Ok(outbox::settle_gone(tx, &row.id, "hub")?)
        })
        .await
}

async fn hand_over(exchange: &Exchange, row: &Outgoing, letter: Letter) -> Result<()> {
    let Some(account) = exchange.account(&row.body, row.channel) else {
        return Err(Error::Problem(format!("{} has no {} account", row.body, row.channel.name())));
    };
    let size = letter.raw.len() as u64;
    if size > exchange.message_limit {
        return too_large(exchange, row, &format!("{size} > {} bytes", exchange.message_limit)).await;
    }
    match account.road.hand_over(&letter).await {
        Ok(done) => {
            // It left. If that cannot be written down, the lease runs out and receipts are looked for.
            if let Err(error) = note(exchange, row, Event::Submitted, &done.reply, Next::Gone).await {
                exchange.app.health.note(&error);
                tracing::warn!(row = %row.id, %error, "it left, and that could not be written down");
            }
            Ok(())
        }
        Err(HandOverError::Later(why)) => {
            note(exchange, row, Event::NotSubmitted { transient: true }, &why, Next::Later).await
        }
        Err(HandOverError::Refused(why)) => {
            note(exchange, row, Event::NotSubmitted { transient: false }, &why, Next::Stuck).await
        }
        // Nothing is written: the lease runs out, and then receipts are looked for.
        Err(HandOverError::Uncertain(why)) => {
            tracing::warn!(row = %row.id, %why, "not known whether it left");
            Ok(())
        }
    }
}

/// What becomes of a row.
#[derive(Clone, Copy)]
enum Next {
    Gone,
    Later,
    Stuck,
}

/// Writes down what happened to the attempt, and what becomes of its row.
async fn note(exchange: &Exchange, row: &Outgoing, event: Event, words: &str, next: Next) -> Result<()> {
    let ctx = exchange.context(&row.body);
    let (policy, row, words) = (exchange.policy.clone(), row.clone(), words.to_owned());
    exchange
        .app
        .store
        .write::<_, Error, _>(move |tx| {
            let fact = own_fact(row.attempt, event, ctx.moment.at, &words);
            progress::learn(tx, &ctx, &policy, &row.delivery, &fact)?;
            let (_, known, _) = progress::load(tx, &row.delivery)?;
            let failures = known.refused_hand_overs(row.attempt);
            match next {
                Next::Gone => outbox::settle_gone(tx, &row.id, &words)?,
                Next::Later if failures < policy.hand_overs => {
                    let pause = i64::try_from(back_off(failures).as_micros()).unwrap_or(i64::MAX);
                    outbox::postpone(tx, &row.id, ctx.moment.micros() + pause, &words)?;
                }
                Next::Later | Next::Stuck => outbox::settle_stuck(tx, &row.id, &words)?,
            }
            Ok(())
        })
        .await
}

/// Asks an officer about what was handed over and of which nothing was heard for longer than any notice takes;
/// answers how many.
///
/// # Errors
/// `Problem` when the store fails.
pub async fn watch_silence(exchange: &Exchange, body: &IpaCode) -> Result<usize> {
    let ctx = exchange.context(body);
    let policy = exchange.policy.clone();
    let before = ctx.moment.micros() - hours(policy.silence_hours);
    let code = body.clone();
    let silent = ctx.read(move |r| Ok(deliveries::silent(r, &code, before, 1_000)?)).await?;
    let count = silent.len();
    for id in silent {
        let (inside, policy) = (ctx.clone(), policy.clone());
        ctx.write(move |tx| progress::conclude(tx, &inside, &policy, &id)).await?;
    }
    Ok(count)
}

/// Marks deliveries whose confirmation is late; one reminder after three working days, one after six.
///
/// # Errors
/// `Problem` when the store fails.
pub async fn remind(exchange: &Exchange, body: &IpaCode) -> Result<usize> {
    let ctx = exchange.context(body);
    let (code, policy) = (body.clone(), exchange.policy.clone());
    let waiting = ctx.read(move |r| Ok(deliveries::awaiting(r, &code, 1_000)?)).await?;
    let mut reminded = 0;
    for id in waiting {
        let (inside, policy) = (ctx.clone(), policy.clone());
        let given = ctx
            .write(move |tx| {
                let (row, _, answers) = progress::load(tx, &id)?;
                let due = i64::from(answers.reminders_due(inside.moment.today));
                let given = due > 0 && deliveries::remind(tx, &id, due)?;
                if given {
                    progress::conclude(tx, &inside, &policy, &id)?;
                    progress::tell_of_silence(tx, &inside, &row, due)?;
                }
                Ok(given)
            })
            .await?;
        reminded += usize::from(given);
    }
    Ok(reminded)
}
