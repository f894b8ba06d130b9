//! What an officer decides about a delivery that did not arrive: try again now, take another road, give it up.
//!
//! Nothing that was proved is ever undone: a delivery that arrived cannot be decided about. Each decision is a fact
//! or a row of the outbox, settles the tasks that asked for it, and is an entry of the journal.

use super::progress::{self, own_fact};
use super::send::{self, Recipient, Sending, message_id};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::ids::{DeliveryId, OutboxId};
use domain::message::{Delivery, DeliveryState, Event, Policy};
use domain::{Invalid, Refusal};
use store::deliveries::{self, StoredDelivery};
use store::journal::{self, Entry};
use store::outbox::{self, NewOutgoing};
use store::{Tx, tasks};

/// Longest reason, in characters.
const REASON_MAX: usize = 1_000;

/// Whether an officer may still decide: it neither arrived nor was given up.
pub fn is_open(state: DeliveryState) -> bool {
    use DeliveryState::{AcceptedExternal, ClosedByOfficer, Delivered};
    !matches!(state, Delivered | AcceptedExternal | ClosedByOfficer)
}

/// Whether trying again now can help: it is not under way with a receipt still to come.
pub fn may_retry(state: DeliveryState) -> bool {
    use DeliveryState::{Accepted, LateNotice, Submitted};
    is_open(state) && !matches!(state, Submitted | Accepted | LateNotice)
}

/// Tries again now: what waits leaves at once, what failed gets a new attempt with a Message-ID of its own.
///
/// # Errors
/// `NotFound` when it is not the body's; `Refusal` when it arrived, was given up or is under way.
pub async fn retry(ctx: &Context, id: DeliveryId) -> Result<()> {
    ctx.may(Verb::DecideDelivery)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let (row, known) = load(tx, &it, &id)?;
        if !may_retry(known.state()) {
            return Err(Refusal::of("delivery-under-way").into());
        }
        let attempts = outbox::of_delivery(tx, &id)?;
        let idle = attempts.iter().rev().find(|one| matches!(one.state.as_str(), "waiting" | "stuck"));
        match idle {
            Some(one) => {
                let said = one.last_error.clone().unwrap_or_default();
                outbox::postpone(tx, &one.id, it.moment.micros(), &said)?;
            }
            None => {
                let last = attempts.iter().map(|one| one.attempt).max().unwrap_or(0);
                begin(tx, &it, &row, last.max(known.attempt()) + 1)?;
            }
        }
        deliveries::summarise(tx, &id, known.state(), &row.exchange_state, None)?;
        settle(tx, &it, &id)?;
        log(tx, &it, "delivery.retry", &id, b"")
    })
    .await
}

/// Gives a delivery up, with a reason: nothing more leaves for it. A receipt that comes later still counts.
///
/// # Errors
/// `Invalid` without a reason; `NotFound`; `Refusal` when it arrived or was given up before.
pub async fn give_up(ctx: &Context, id: DeliveryId, reason: &str) -> Result<()> {
    ctx.may(Verb::DecideDelivery)?;
    let reason = read_reason(reason)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let (_, known) = load(tx, &it, &id)?;
        must_be_open(known.state())?;
        close(tx, &it, &id, &known, &reason)
    })
    .await
}

/// Sends the same entry by another road or to another address, and closes this delivery: never two at once.
///
/// # Errors
/// `Invalid` with a pointer under `/recipients/0`; `NotFound`; `Refusal` when it arrived, was given up, or is a
/// notice, which has no other road.
pub async fn change_road(ctx: &Context, id: DeliveryId, to: Recipient) -> Result<DeliveryId> {
    ctx.may(Verb::DecideDelivery)?;
    ctx.may(Verb::SendAct)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let (row, known) = load(tx, &it, &id)?;
        must_be_open(known.state())?;
        let entry = row.registration.clone().filter(|_| row.notice.is_none());
        let registration = entry.ok_or_else(|| Refusal::of("notice-has-no-other-road"))?;
        if (row.channel, &row.address) == (to.channel, &to.address.trim().to_lowercase()) {
            return Err(Invalid::one("/recipients/0/address", "same-road").into());
        }
        let note = format!("{}: {}", to.channel.name(), to.address.trim());
        let what = Sending { registration, text: row.text.clone(), recipients: vec![to] };
        send::check(&it, &what)?;
        let new = send::record(tx, &it, &what)?;
        close(tx, &it, &id, &known, &note)?;
        new.into_iter().next().ok_or_else(|| Error::Bug("a sending without recipients".into()))
    })
    .await
}

fn load(tx: &mut Tx, ctx: &Context, id: &DeliveryId) -> Result<(StoredDelivery, Delivery)> {
    let (row, known, _) = progress::load(tx, id)?;
    ctx.may_in(Verb::DecideDelivery, &row.body)?;
    super::must_see(tx, ctx, row.registration.as_ref(), &row.created_by)?;
    Ok((row, known))
}

fn must_be_open(state: DeliveryState) -> std::result::Result<(), Refusal> {
    if is_open(state) { Ok(()) } else { Err(Refusal::of("delivery-ended")) }
}

fn read_reason(text: &str) -> std::result::Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::one("/reason", "required"));
    }
    if text.chars().count() > REASON_MAX {
        return Err(Invalid::with("/reason", "too-long", REASON_MAX.to_string()));
    }
    Ok(text.to_owned())
}

fn begin(tx: &mut Tx, ctx: &Context, row: &StoredDelivery, attempt: u16) -> Result<()> {
    let next = ctx.mint::<OutboxId>();
    let new = NewOutgoing {
        id: &next,
        body: &row.body,
        delivery: &row.id,
        attempt,
        channel: row.channel,
        message_id: &message_id(ctx, &next),
        due_at: ctx.moment.micros(),
    };
    outbox::insert(tx, new)?;
    Ok(())
}

fn close(tx: &mut Tx, ctx: &Context, id: &DeliveryId, known: &Delivery, reason: &str) -> Result<()> {
    let fact = own_fact(known.attempt().max(1), Event::ClosedByOfficer, ctx.moment.at, reason);
    progress::learn(tx, ctx, &Policy::default(), id, &fact)?;
    settle(tx, ctx, id)?;
    log(tx, ctx, "delivery.close", id, reason.as_bytes())
}

/// Whoever decided has done what the tasks asked for.
fn settle(tx: &mut Tx, ctx: &Context, id: &DeliveryId) -> Result<()> {
    tasks::settle_at(tx, &ctx.actor.body, &format!("/deliveries/{id}"), &ctx.actor.tag())?;
    Ok(())
}

fn log(tx: &mut Tx, ctx: &Context, verb: &str, id: &DeliveryId, state: &[u8]) -> Result<()> {
    let entry = Entry {
        body: &ctx.actor.body,
        actor: &ctx.actor.tag(),
        on_behalf_of: ctx.actor.on_behalf_of.as_ref().map(domain::ids::AccountId::as_str),
        verb,
        subject: id.as_str(),
        case: None,
        norm: None,
        state,
    };
    journal::append(tx, entry)?;
    Ok(())
}
