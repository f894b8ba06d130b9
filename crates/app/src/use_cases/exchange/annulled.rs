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
use domain::ids::{RegistrationId, TaskId};
use domain::message::{Answer, Delivery, DeliveryState, Event, Exchange, Policy};
use store::deliveries::{self, KnownAnswer, StoredDelivery};
use store::inbox::{self, Handled, Inbound, PeerKey};
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
/// message. `false` when no such message is known, or it came from somebody else.
///
/// # Errors
/// Those of the store.
pub(super) fn by_sender(
    tx: &mut Tx,
    ctx: &Context,
    it: &Understood,
    own: &Identifier,
    said: &str,
) -> Result<bool> {
    let key = PeerKey {
        administration: own.administration.code.clone(),
        aoo: own.aoo.code.clone(),
        register: own.register.clone().unwrap_or_default(),
        number: own.number.clone(),
        date: own.date.to_string(),
    };
    let Some(first) = inbox::of_peer(tx, &it.row.body, &key)? else { return Ok(false) };
    let first = inbox::find(tx, &first)?.ok_or_else(|| Error::Bug(format!("{first} is gone")))?;
    let same = first.message.sender_address.eq_ignore_ascii_case(&it.row.sender_address)
        && first.message.channel == it.row.channel;
    if !same {
        return Ok(false);
    }
    let reason = format!("{}: {said}", words(own));
    let how = Handled {
        state: "attached",
        registration: first.registration.as_ref(),
        delivery: None,
        by: "system",
        reason: Some(&reason),
    };
    inbox::handle(tx, &it.row.id, how)?;
    inbox::mark_annulled(tx, &first.message.id, &reason)?;
    if let Some(entry) = &first.registration {
        register::note(tx, &it.row.body, "system", "registration.sender-annul", entry, &reason)?;
    }
    add_task(tx, ctx, &first, &reason)?;
    Ok(true)
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
