//! What follows from what is known: the summary of a delivery, its next attempt, the task of an officer.
//!
//! Called in the transaction that learned something. Repeating it changes nothing: the next attempt has one row,
//! the task one cause.

use super::annulled;
use super::send::message_id;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::Moment;
use domain::ids::{AccountId, DeliveryId, OutboxId, TaskId};
use domain::message::{Delivery, DeliveryState, Event, Exchange, Fact, Policy, Step, plan};
use jiff::Timestamp;
use store::deliveries::{self, KnownFact, StoredDelivery};
use store::outbox::{self, NewOutgoing};
use store::tasks::{self, NewTask};
use store::{Query, Tx, bodies};

/// Learns a fact and draws the conclusions; `false` when it was known.
///
/// # Errors
/// Those of the store.
pub fn learn(
    tx: &mut Tx,
    ctx: &Context,
    policy: &Policy,
    id: &DeliveryId,
    known: &KnownFact,
) -> Result<bool> {
    let is_new = deliveries::add_fact(tx, id, known)?;
    if is_new {
        conclude(tx, ctx, policy, id)?;
    }
    Ok(is_new)
}

/// A fact the program itself is witness of.
pub fn own_fact(attempt: u16, event: Event, at: Timestamp, note: &str) -> KnownFact {
    let note = (!note.is_empty()).then(|| note.chars().take(1_000).collect());
    KnownFact { fact: Fact { attempt, event, at }, evidence: None, verdict: None, note, learned_at: 0 }
}

/// What is known of a delivery, as the rules of `domain` take it.
///
/// # Errors
/// `NotFound`; those of the store.
pub fn load(query: &mut impl Query, id: &DeliveryId) -> Result<(StoredDelivery, Delivery, Exchange)> {
    let row = deliveries::find(query, id)?.ok_or(Error::NotFound)?;
    let facts = deliveries::facts(query, id)?;
    let delivery = Delivery::with(row.channel, facts.iter().map(|k| k.fact));
    let received = delivery.received_at().map(|at| Moment::new(at).today);
    let mut exchange = Exchange::new(row.confirmation_asked, received);
    for known in deliveries::answers(query, id)? {
        exchange.learn(Moment::from_micros(known.at).at, known.answer);
    }
    Ok((row, delivery, exchange))
}

/// Computes the summary anew, begins the next attempt if one is due, and tells an officer what needs one.
///
/// # Errors
/// Those of the store.
pub fn conclude(tx: &mut Tx, ctx: &Context, policy: &Policy, id: &DeliveryId) -> Result<()> {
    let (row, delivery, exchange) = load(tx, id)?;
    // The entry was annulled meanwhile: that decides what follows, and leads back here once.
    if annulled::follow(tx, ctx, &row, &delivery, &exchange)? {
        return Ok(());
    }
    let now = Moment::from_micros(tx.stamp());
    let step = plan(&delivery, policy, now.at);
    let proposal = match step {
        Step::Officer(proposal) => Some(proposal),
        Step::TryAgain { tell, .. } => tell,
        _ => None,
    };
    match step {
        Step::TryAgain { attempt, at, .. } => {
            let next = ctx.mint::<OutboxId>();
            let new = NewOutgoing {
                id: &next,
                body: &row.body,
                delivery: id,
                attempt,
                channel: row.channel,
                message_id: &message_id(ctx, &next),
                due_at: at.as_microsecond(),
            };
            outbox::insert(tx, new)?;
        }
        Step::Done => drop(outbox::withdraw(tx, id)?),
        _ => {}
    }
    let (state, exchange_state) = (delivery.state(), exchange.state(now.today));
    let proposal = proposal.map(|p| p.name());
    deliveries::summarise(tx, id, state, exchange_state.name(), proposal)?;
    tell(tx, ctx, &row, &delivery, proposal)
}

/// One task for each failure that needs somebody; settled by itself when a late receipt mends it.
fn tell(
    tx: &mut Tx,
    ctx: &Context,
    row: &StoredDelivery,
    delivery: &Delivery,
    proposal: Option<&str>,
) -> Result<()> {
    // A new attempt that fails is a new cause, and so is a new hand-over that an officer asked for.
    let attempt = delivery.attempt();
    let once = format!("delivery {} {attempt} {}", row.id, delivery.refused_hand_overs(attempt));
    if let Some(proposal) = proposal {
        add_task(tx, ctx, row, "delivery-failed", once, proposal)?;
    } else if matches!(delivery.state(), DeliveryState::Delivered | DeliveryState::ClosedByOfficer) {
        tasks::settle_at(tx, &row.body, &page(row), "system")?;
    }
    Ok(())
}

/// Where a delivery is decided about.
fn page(row: &StoredDelivery) -> String {
    format!("/deliveries/{}", row.id)
}

/// One task for each reminder: the message arrived and the other register keeps silent.
///
/// # Errors
/// Those of the store.
pub fn tell_of_silence(tx: &mut Tx, ctx: &Context, row: &StoredDelivery, number: i64) -> Result<()> {
    let once = format!("silence {} {number}", row.id);
    add_task(tx, ctx, row, "delivery-silent", once, if number < 2 { "ask" } else { "decide" })
}

/// One task for an attempt of which nobody knows whether it left, because its receipts cannot be looked for.
///
/// # Errors
/// Those of the store.
pub fn tell_of_doubt(tx: &mut Tx, ctx: &Context, row: &StoredDelivery, attempt: u16) -> Result<()> {
    let once = format!("doubt {} {attempt}", row.id);
    add_task(tx, ctx, row, "delivery-in-doubt", once, "ask-provider")
}

/// A task for who sent; what the program sent by itself is for the first office of the body.
fn add_task(
    tx: &mut Tx,
    ctx: &Context,
    row: &StoredDelivery,
    kind: &str,
    once: String,
    proposal: &str,
) -> Result<()> {
    let account = row.created_by.parse::<AccountId>().ok();
    let office = match account {
        Some(_) => None,
        None => bodies::units(tx, &row.body)?.into_iter().find(|u| u.active).map(|u| u.id),
    };
    if account.is_none() && office.is_none() {
        return Ok(());
    }
    let task = NewTask {
        id: ctx.mint::<TaskId>(),
        body: &row.body,
        once,
        unit: office.as_ref(),
        account: account.as_ref(),
        kind,
        about: row.recipient_name.clone(),
        href: page(row),
        proposal: Some(proposal),
        case: None,
        due_on: None,
    };
    tasks::add(tx, &task, "system")?;
    Ok(())
}
