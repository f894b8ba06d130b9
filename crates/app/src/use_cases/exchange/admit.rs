//! Keeps a message that was read and draws its consequences, in one transaction.
//!
//! A receipt becomes a fact of its delivery, an answer goes to the entry it is about, a protocol message of another
//! register waits for its registration or gets its exception. The same message twice has no second consequence.

use super::annulled;
use super::answer::{self, Answering};
use super::progress;
use super::understand::{About, TOO_LARGE, Understood};
use crate::context::Context;
use crate::error::Result;
use documents::segnatura::{ExchangeMessage, Identifier, Received};
use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::ids::{DeliveryId, InboundId, TaskId};
use domain::message::{Anomaly, Answer, Event, Fact, Policy};
use jiff::Timestamp;
use std::collections::BTreeSet;
use store::counters::Scope;
use store::deliveries::{self, KnownAnswer, KnownFact};
use store::inbox::{self, Handled};
use store::tasks::{self, NewTask};
use store::{Tx, blobs, bodies, outbox, register};

/// Note of a delivery whose complete receipt carries the files that were sent.
pub const FILES_MATCH: &str = "files-match";
/// Note of a delivery whose complete receipt carries other files than were sent.
pub const FILES_DIFFER: &str = "files-differ";

/// Keeps the message; `None` when the same bytes were kept before.
///
/// # Errors
/// Those of the store.
pub fn admit(tx: &mut Tx, ctx: &Context, policy: &Policy, it: Understood) -> Result<Option<InboundId>> {
    blobs::put(tx, &it.bytes)?;
    let Some(id) = inbox::insert(tx, &it.row)? else { return Ok(None) };
    match &it.about {
        About::Matter if it.row.kind == TOO_LARGE => tell_of_size(tx, ctx, &it)?,
        About::Matter => {}
        About::Receipt { .. } => receipt(tx, ctx, policy, &it)?,
        About::Answer { message, from, at } => attach_answer(tx, ctx, policy, &it, (message, from, *at))?,
        About::Protocol { key, segnatura_sha256 } => {
            let before = inbox::remember_peer(tx, &it.row.body, key, segnatura_sha256, &id)?;
            match before {
                None => {
                    refuse_if_wrong(tx, ctx, &it)?;
                    annulled::before_message(tx, ctx, &it, key)?;
                }
                // The same registration with the same segnatura: answered as the first time.
                Some((first, sha256)) if sha256 == *segnatura_sha256 => again(tx, ctx, &it, &first)?,
                // Another content under the same registration is for an officer: it waits, and the page says why.
                Some(_) => {}
            }
        }
    }
    Ok(Some(id))
}

/// Somebody has to open the mailbox itself: the law counts the message as delivered there.
fn tell_of_size(tx: &mut Tx, ctx: &Context, it: &Understood) -> Result<()> {
    let Some(office) = bodies::units(tx, &it.row.body)?.into_iter().find(|unit| unit.active) else {
        return Ok(());
    };
    let task = NewTask {
        id: ctx.mint::<TaskId>(),
        body: &it.row.body,
        once: format!("message-too-large {}", it.row.id),
        unit: Some(&office.id),
        account: None,
        kind: "message-too-large",
        about: format!("{}: {}", it.row.mailbox, it.row.subject),
        href: format!("/inbox/{}", it.row.id),
        proposal: Some("open-mailbox"),
        case: None,
        due_on: None,
    };
    tasks::add(tx, &task, "system")?;
    Ok(())
}

fn receipt(tx: &mut Tx, ctx: &Context, policy: &Policy, it: &Understood) -> Result<()> {
    let About::Receipt { message_id, events, at, files } = &it.about else { return Ok(()) };
    // Without a known Message-ID the receipt stays in the inbox, for an officer.
    let Some(row) = outbox::by_message_id(tx, message_id)?.filter(|row| row.body == it.row.body) else {
        return Ok(());
    };
    let Some(delivery) = deliveries::find(tx, &row.delivery)? else { return Ok(()) };
    let address = delivery.address.to_lowercase();
    let compared = match (files, &delivery.registration) {
        (Some(files), Some(entry)) if delivery.notice.is_none() => Some(compare(tx, entry, files)?),
        _ => None,
    };
    for (_, event) in events.iter().filter(|(recipient, _)| *recipient == address) {
        let known = KnownFact {
            fact: Fact { attempt: row.attempt, event: *event, at: *at },
            evidence: Some(it.row.raw_sha256.clone()),
            verdict: it.row.verdict.clone(),
            note: compared.filter(|_| matches!(event, Event::Delivered { .. })).map(str::to_owned),
            learned_at: 0,
        };
        progress::learn(tx, ctx, policy, &row.delivery, &known)?;
    }
    outbox::settle_gone(tx, &row.id, "receipt")?;
    attached(tx, it, &row.delivery)
}

/// Whether the receipt carries every file of the entry, byte by byte: that is what a complete one proves.
fn compare(
    tx: &mut Tx,
    entry: &domain::ids::RegistrationId,
    inside: &BTreeSet<String>,
) -> Result<&'static str> {
    let ours = register::digests(tx, entry)?;
    Ok(if ours.iter().all(|one| inside.contains(one)) { FILES_MATCH } else { FILES_DIFFER })
}

fn attached(tx: &mut Tx, it: &Understood, delivery: &DeliveryId) -> Result<()> {
    let how = Handled {
        state: "attached",
        registration: None,
        delivery: Some(delivery),
        by: "system",
        reason: None,
    };
    inbox::handle(tx, &it.row.id, how)?;
    Ok(())
}

fn attach_answer(
    tx: &mut Tx,
    ctx: &Context,
    policy: &Policy,
    it: &Understood,
    (message, from, at): (&ExchangeMessage, &str, Timestamp),
) -> Result<()> {
    let (answer, about, own, reason) = match message {
        ExchangeMessage::Confirmation { own, received } => {
            (Answer::Confirmed, Some(received), Some(own), None)
        }
        ExchangeMessage::Update { own, received } => (Answer::Updated, Some(received), Some(own), None),
        ExchangeMessage::Exception { own, received, reason } => {
            (Answer::Exception { anomaly: Anomaly::read(reason) }, Some(received), own.as_ref(), Some(reason))
        }
        ExchangeMessage::Cancellation { own, reason, .. } => {
            (Answer::CancelledByRecipient, None, Some(own), Some(reason))
        }
    };
    let found = match about {
        Some(Received::Identified { id, .. }) => delivery_of(tx, &it.row.body, id, from)?,
        _ => match own {
            Some(own) => confirmed_by(tx, &it.row.body, own, from)?,
            None => None,
        },
    };
    let Some(id) = found else {
        // An answer to nothing we know stays in the inbox, for an officer.
        if let ExchangeMessage::Cancellation { own, reason, act } = message {
            annulled::by_sender(tx, ctx, it, own, (reason, act))?;
        }
        return Ok(());
    };
    let known = KnownAnswer {
        answer,
        at: at.as_microsecond(),
        own_identifier: own.map(words),
        reason: reason.cloned(),
        evidence: Some(it.row.raw_sha256.clone()),
        learned_at: 0,
    };
    if deliveries::add_answer(tx, &id, &known)? {
        if let Some(own) = own.filter(|_| answer != Answer::CancelledByRecipient) {
            annulled::before_confirmation(tx, it, own, &id)?;
        }
        progress::conclude(tx, ctx, policy, &id)?;
    }
    attached(tx, it, &id)
}

/// An identifier in one line: what people read and what is compared.
pub fn words(id: &Identifier) -> String {
    let register = id.register.as_deref().unwrap_or("-");
    format!("{} {} {register} {} {}", id.administration.code, id.aoo.code, id.number, id.date)
}

/// The delivery of our entry to whoever answers.
fn delivery_of(tx: &mut Tx, body: &IpaCode, id: &Identifier, from: &str) -> Result<Option<DeliveryId>> {
    if id.administration.code != body.as_str() {
        return Ok(None);
    }
    let (Ok(aoo), Ok(number)) = (AooCode::parse(&id.aoo.code), id.number.parse::<i64>()) else {
        return Ok(None);
    };
    let Some(Ok(code)) = id.register.as_deref().map(RegisterCode::parse) else { return Ok(None) };
    let scope = Scope { body, aoo: &aoo, register: &code };
    let Some(entry) = register::by_number(tx, scope, i64::from(id.date.year()), number)? else {
        return Ok(None);
    };
    let all = deliveries::ids_of_registration(tx, &entry)?;
    let from = from.to_lowercase();
    let of_sender = all.iter().find(|(_, address, code)| *address == from || code.as_deref() == Some(&from));
    Ok(of_sender.or_else(|| if all.len() == 1 { all.first() } else { None }).map(|(id, ..)| id.clone()))
}

/// The delivery whose confirmation bore the given registration: what a cancellation of Annex 6 cites.
fn confirmed_by(tx: &mut Tx, body: &IpaCode, own: &Identifier, from: &str) -> Result<Option<DeliveryId>> {
    Ok(deliveries::by_own_identifier(tx, body, &words(own), &from.to_lowercase())?)
}

/// A message whose signature or digests do not hold is not registered by itself: its exception goes back.
fn refuse_if_wrong(tx: &mut Tx, ctx: &Context, it: &Understood) -> Result<()> {
    let Some(facts) = &it.details.segnatura else { return Ok(()) };
    let Some((anomaly, file)) = facts.anomalies.first() else { return Ok(()) };
    let reason = format!("{} {file}", anomaly.code());
    answer::exception(tx, ctx, &answering(it), facts, &reason)
}

/// Where the answer to a message goes.
fn answering(it: &Understood) -> Answering {
    Answering::to(it.row.channel, &it.row.sender_address, it.details.segnatura.as_ref())
}

/// The same message again: if it was registered, the same confirmation leaves again.
fn again(tx: &mut Tx, ctx: &Context, it: &Understood, first: &InboundId) -> Result<()> {
    let before = inbox::find(tx, first)?;
    let registration = before.as_ref().and_then(|b| b.registration.clone());
    let how = Handled {
        state: if registration.is_some() { "registered" } else { "discarded" },
        registration: registration.as_ref(),
        delivery: None,
        by: "system",
        reason: Some("duplicate"),
    };
    inbox::handle(tx, &it.row.id, how)?;
    match (registration, &it.details.segnatura) {
        (Some(id), Some(facts)) if facts.confirm => answer::confirm(tx, ctx, &answering(it), facts, &id),
        _ => Ok(()),
    }
}
