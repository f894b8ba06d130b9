//! What an annulment means for the other registers (Annex 6, cancellation flow).
//!
//! A register that had our entry is told, but only once its own flow is complete: until then the notice waits for
//! the confirmation or the receipt that completes it. What has not left yet, or would be tried again, does not
//! leave any more. The notice of another register is linked to the entry made of its message, and is a task.

use super::admit::words;
use super::answer::{self, Answering};
use super::progress::{self, own_fact};
use super::understand::{Details, Understood};
use crate::context::Context;
use crate::error::{Error, Result};
use documents::segnatura::Identifier;
use domain::ids::{DeliveryId, RegistrationId, TaskId};
use domain::message::{Answer, Delivery, DeliveryState, Event, Exchange, Policy};
use store::deliveries::{self, KnownAnswer, StoredDelivery};
use store::inbox::{self, EarlyAnnulment, Handled, Inbound, NewInbound, PeerKey};
use store::tasks::{self, NewTask};
use store::{Tx, bodies, register};

/// Tells whoever has the entry that it is annulled: recipients of what left, the sender of what arrived.
///
/// # Errors
/// Those of the store.
pub(crate) fn tell(tx: &mut Tx, ctx: &Context, entry: &RegistrationId) -> Result<()> {
    for (id, ..) in deliveries::ids_of_registration(tx, entry)? {
        progress::conclude(tx, ctx, &Policy::default(), &id)?;
    }
    let Some(id) = inbox::of_registration(tx, entry)? else { return Ok(()) };
    let Some(inbound) = inbox::find(tx, &id)? else { return Ok(()) };
    let details: Details = serde_json::from_str(&inbound.message.details).unwrap_or_default();
    // Without a confirmation the sender never learned our number: a cancellation of it would tell nothing.
    let Some(facts) = details.segnatura.filter(|facts| facts.confirm) else { return Ok(()) };
    let Some((reason, act)) = register::annulment(tx, entry)? else { return Ok(()) };
    let to = Answering::to(inbound.message.channel, &inbound.message.sender_address, Some(&facts));
    answer::cancellation(tx, ctx, &to, entry, &reason, &act)
}

/// What follows for one delivery of an annulled entry; `true` when the entry is one.
///
/// # Errors
/// Those of the store.
pub(crate) fn follow(
    tx: &mut Tx,
    ctx: &Context,
    row: &StoredDelivery,
    delivery: &Delivery,
    exchange: &Exchange,
) -> Result<bool> {
    let Some(entry) = row.registration.as_ref().filter(|_| row.notice.is_none()) else { return Ok(false) };
    let Some((reason, act)) = register::annulment(tx, entry)? else { return Ok(false) };
    use DeliveryState::{DeliveryError, Expired, Queued, Rejected};
    if matches!(delivery.state(), Queued | Rejected | DeliveryError | Expired) {
        let fact = own_fact(delivery.attempt().max(1), Event::ClosedByOfficer, ctx.moment.at, &act);
        progress::learn(tx, ctx, &Policy::default(), &row.id, &fact)?;
    } else if exchange.may_cancel(ctx.moment.today) {
        let to = Answering {
            channel: row.channel,
            address: row.address.clone(),
            name: row.recipient_name.clone(),
            body: row.recipient_body.clone(),
        };
        answer::cancellation(tx, ctx, &to, entry, &reason, &act)?;
        let known = KnownAnswer {
            answer: Answer::CancelledBySender,
            at: ctx.moment.micros(),
            own_identifier: None,
            reason: Some(format!("{act}: {reason}")),
            evidence: None,
            learned_at: 0,
        };
        deliveries::add_answer(tx, &row.id, &known)?;
        progress::conclude(tx, ctx, &Policy::default(), &row.id)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// Another register annulled an entry of its own that it had sent us: the notice goes to what was made of the
/// message. One about an entry that is not known yet is kept until that comes; one from somebody else waits for a
/// person.
///
/// # Errors
/// Those of the store.
pub(super) fn by_sender(
    tx: &mut Tx,
    ctx: &Context,
    it: &Understood,
    own: &Identifier,
    (reason, act): (&str, &str),
) -> Result<()> {
    let key = key_of(own);
    let early = EarlyAnnulment { notice: it.row.id.clone(), reason: reason.to_owned(), act: act.to_owned() };
    let Some(first) = inbox::of_peer(tx, &it.row.body, &key)? else {
        return Ok(inbox::keep_early(tx, &it.row.body, &key, &early)?);
    };
    let first = inbox::find(tx, &first)?.ok_or_else(|| Error::Bug(format!("{first} is gone")))?;
    if is_same_sender(&first.message, &it.row) { apply(tx, ctx, &first, &early, &key) } else { Ok(()) }
}

/// A message of another register came whose annulment had come before it: roads keep no order.
///
/// # Errors
/// Those of the store.
pub(super) fn before_message(tx: &mut Tx, ctx: &Context, it: &Understood, key: &PeerKey) -> Result<()> {
    for early in inbox::early(tx, &it.row.body, key)? {
        let (Some(notice), Some(first)) = (inbox::find(tx, &early.notice)?, inbox::find(tx, &it.row.id)?)
        else {
            continue;
        };
        if is_same_sender(&first.message, &notice.message) {
            apply(tx, ctx, &first, &early, key)?;
        }
    }
    Ok(())
}

/// A confirmation came whose annulment had come before it: what is known then of the delivery, and the notices that
/// say it.
///
/// # Errors
/// Those of the store.
pub(super) fn before_confirmation(
    tx: &mut Tx,
    it: &Understood,
    own: &Identifier,
    delivery: &DeliveryId,
) -> Result<()> {
    for early in inbox::early(tx, &it.row.body, &key_of(own))? {
        let Some(notice) = inbox::find(tx, &early.notice)? else { continue };
        if !is_same_sender(&it.row, &notice.message) {
            continue;
        }
        let known = KnownAnswer {
            answer: Answer::CancelledByRecipient,
            at: notice.message.legal_at.unwrap_or(notice.arrived_at),
            own_identifier: Some(words(own)),
            reason: Some(early.reason),
            evidence: Some(notice.message.raw_sha256),
            learned_at: 0,
        };
        deliveries::add_answer(tx, delivery, &known)?;
        let how = Handled {
            state: "attached",
            registration: None,
            delivery: Some(delivery),
            by: "system",
            reason: None,
        };
        inbox::handle(tx, &early.notice, how)?;
    }
    Ok(())
}

fn key_of(own: &Identifier) -> PeerKey {
    PeerKey {
        administration: own.administration.code.clone(),
        aoo: own.aoo.code.clone(),
        register: own.register.clone().unwrap_or_default(),
        number: own.number.clone(),
        date: own.date.to_string(),
    }
}

/// Nobody annuls what somebody else sent.
fn is_same_sender(one: &NewInbound, other: &NewInbound) -> bool {
    one.channel == other.channel && one.sender_address.eq_ignore_ascii_case(&other.sender_address)
}

/// Links a notice to the message it annuls, marks the message, and tells who has it.
fn apply(tx: &mut Tx, ctx: &Context, first: &Inbound, early: &EarlyAnnulment, key: &PeerKey) -> Result<()> {
    let register = if key.register.is_empty() { "-" } else { &key.register };
    let reason = format!(
        "{} {} {register} {} {}: {}: {}",
        key.administration, key.aoo, key.number, key.date, early.act, early.reason
    );
    let how = Handled {
        state: "attached",
        registration: first.registration.as_ref(),
        delivery: None,
        by: "system",
        reason: Some(&reason),
    };
    inbox::handle(tx, &early.notice, how)?;
    inbox::mark_annulled(tx, &first.message.id, &reason)?;
    if let Some(entry) = &first.registration {
        register::note(tx, &first.message.body, "system", "registration.sender-annul", entry, &reason)?;
    }
    add_task(tx, ctx, first, &reason)
}

/// A task for the office that has the entry, or for the first of the body.
fn add_task(tx: &mut Tx, ctx: &Context, first: &Inbound, reason: &str) -> Result<()> {
    let body = &first.message.body;
    let assigned = match &first.registration {
        Some(entry) => register::assignments(tx, entry)?,
        None => Vec::new(),
    };
    let office = assigned.into_iter().filter(|one| one.ended_at.is_none()).find_map(|one| one.unit);
    let office = match office {
        Some(unit) => Some(unit),
        None => bodies::units(tx, body)?.into_iter().find(|unit| unit.active).map(|unit| unit.id),
    };
    let Some(office) = office else { return Ok(()) };
    let href = match &first.registration {
        Some(entry) => format!("/register/{entry}"),
        None => format!("/inbox/{}", first.message.id),
    };
    let task = NewTask {
        id: ctx.mint::<TaskId>(),
        body,
        once: format!("sender-annulled {}", first.message.id),
        unit: Some(&office),
        account: None,
        kind: "sender-annulled",
        about: reason.chars().take(400).collect(),
        href,
        proposal: Some("decide"),
        case: None,
        due_on: None,
    };
    tasks::add(tx, &task, "system")?;
    Ok(())
}
