//! What became of what was sent: the list of deliveries, one delivery with its proofs, what does not leave.
//!
//! Reading only. A delivery belongs to the body that sent it and does not exist for others. Recipients are personal
//! data: every opening is a look.

use super::progress;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::cursor::{self, Place};
use crate::use_cases::exchange::{look, must_see};
use crate::use_cases::register::access::eyes;
use domain::Moment;
use domain::ids::{DeliveryId, RegistrationId};
use domain::message::{Delivery, DeliveryState, ExchangeState, Policy, Step, plan};
use domain::register::number_label;
use jiff::Timestamp;
pub use store::deliveries::{KnownAnswer, KnownFact, StoredDelivery};
pub use store::outbox::Outgoing;
use store::{Query, deliveries, outbox, register, trace};

/// Deliveries on one page.
const PAGE: i64 = 50;
/// Rows of the outbox shown; who has more has a server that does not answer, and the first say it.
const STUCK: i64 = 200;
/// Bytes of one proof, at most.
const LARGEST: u64 = 256 * 1024 * 1024;

/// A delivery with the number of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The delivery.
    pub delivery: StoredDelivery,
    /// `0001234/2026`; none for a notice about nothing registered.
    pub number: Option<String>,
}

/// A page of deliveries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The deliveries.
    pub lines: Vec<Watched>,
    /// How many stand in each state.
    pub counts: Vec<(DeliveryState, i64)>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// One delivery with everything that is known of it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The delivery and its number.
    pub watched: Watched,
    /// Facts, oldest first.
    pub facts: Vec<KnownFact>,
    /// Answers of the other register, oldest first.
    pub answers: Vec<KnownAnswer>,
    /// Attempts.
    pub attempts: Vec<Outgoing>,
    /// Proved instant of sending (D.Lgs. 82/2005, art. 45).
    pub sent_at: Option<Timestamp>,
    /// Proved instant of receipt (D.Lgs. 82/2005, art. 6).
    pub received_at: Option<Timestamp>,
    /// Where the exchange with the other register stands.
    pub exchange: ExchangeState,
    /// What happens next if nobody does anything.
    pub step: Step,
}

impl Opened {
    /// Whether an officer may decide about it: it neither arrived nor was given up.
    pub fn is_open(&self) -> bool {
        super::decide::is_open(self.watched.delivery.state)
    }

    /// Whether another road makes sense: a registered document, not a mere notice.
    pub fn may_change_road(&self) -> bool {
        let it = &self.watched.delivery;
        self.is_open() && it.registration.is_some() && it.notice.is_none()
    }
}

/// Deliveries of the actor's body, newest first, in one state or all.
///
/// # Errors
/// `Refusal` for who may not; `Invalid` for a cursor that is not ours.
pub async fn list(ctx: &Context, state: Option<DeliveryState>, from: Option<&str>) -> Result<Page> {
    ctx.may(Verb::ReadDeliveries)?;
    let place = cursor::read(from)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let body = it.actor.body.clone();
        let found = deliveries::page(tx, &body, &eyes(&it.actor), (place.at, &place.id), state, PAGE + 1)?;
        let mut found = trace::open(tx, &look(&it, "deliveries.list", Vec::new()), found)?.into_inner();
        let more = found.len() as i64 > PAGE;
        found.truncate(PAGE as usize);
        let last = found.last().filter(|_| more);
        let next = last.map(|last| cursor::write(&Place { at: last.created_at, id: last.id.to_string() }));
        let lines = found.into_iter().map(|one| watched(tx, one)).collect::<Result<_>>()?;
        Ok(Page { lines, counts: deliveries::counts(tx, &body)?, next })
    })
    .await
}

/// What was sent of one entry, in the order of its recipients.
///
/// # Errors
/// `Refusal` for who may not; `NotFound` when the entry is not the body's, or confidential and not for the actor.
pub async fn of_registration(ctx: &Context, entry: RegistrationId) -> Result<Vec<StoredDelivery>> {
    ctx.may(Verb::ReadDeliveries)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let head = register::head(tx, &entry)?.ok_or(Error::NotFound)?;
        it.may_in(Verb::ReadDeliveries, &head.body)?;
        must_see(tx, &it, Some(&entry), "")?;
        let found = deliveries::of_registration(tx, &entry)?;
        Ok(trace::open(tx, &look(&it, "deliveries.list", vec![entry.to_string()]), found)?.into_inner())
    })
    .await
}

/// Opens one delivery.
///
/// # Errors
/// `NotFound` when it is not the body's, or of an entry that the actor may not see.
pub async fn open(ctx: &Context, id: DeliveryId) -> Result<Opened> {
    ctx.may(Verb::ReadDeliveries)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let found = deliveries::look(tx, &id)?.ok_or(Error::NotFound)?;
        let row = trace::open(tx, &look(&it, "delivery.read", vec![id.to_string()]), found)?.into_inner();
        it.may_in(Verb::ReadDeliveries, &row.body)?;
        must_see(tx, &it, row.registration.as_ref(), &row.created_by)?;
        let (_, known, exchange) = progress::load(tx, &id)?;
        let now = Moment::from_micros(it.moment.micros());
        Ok(Opened {
            facts: deliveries::facts(tx, &id)?,
            answers: deliveries::answers(tx, &id)?,
            attempts: outbox::of_delivery(tx, &id)?,
            sent_at: known.sent_at(),
            received_at: known.received_at(),
            exchange: exchange.state(now.today),
            step: step(&known, now),
            watched: watched(tx, row)?,
        })
    })
    .await
}

/// The bytes of a proof: a receipt, an answer, or the message as it left.
///
/// # Errors
/// `NotFound` when the fingerprint proves nothing about this delivery.
pub async fn proof(ctx: &Context, id: DeliveryId, sha256: &str) -> Result<Vec<u8>> {
    let opened = open(ctx, id).await?;
    let of_facts = opened.facts.iter().filter_map(|one| one.evidence.as_deref());
    let of_answers = opened.answers.iter().filter_map(|one| one.evidence.as_deref());
    let of_attempts = opened.attempts.iter().filter_map(|one| one.raw_sha256.as_deref());
    if !of_facts.chain(of_answers).chain(of_attempts).any(|known| known == sha256) {
        return Err(Error::NotFound);
    }
    let body = &opened.watched.delivery.body;
    let bytes = ctx.app.store.blob_bytes(body, sha256, LARGEST).await?;
    bytes.map(|bytes| bytes.to_vec()).ok_or(Error::NotFound)
}

/// What has not left yet: tried at least once, or waiting for an officer; oldest first.
///
/// # Errors
/// `Refusal` for who may not.
pub async fn stuck(ctx: &Context) -> Result<Vec<(Outgoing, Watched)>> {
    ctx.may(Verb::ReadDeliveries)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let mut lines = Vec::new();
        for row in outbox::stuck(tx, &it.actor.body, STUCK)? {
            let Some(found) = deliveries::look(tx, &row.delivery)? else { continue };
            let subjects = vec![row.delivery.to_string()];
            let delivery = trace::open(tx, &look(&it, "outbox.stuck", subjects), found)?.into_inner();
            if must_see(tx, &it, delivery.registration.as_ref(), &delivery.created_by).is_ok() {
                lines.push((row, watched(tx, delivery)?));
            }
        }
        Ok(lines)
    })
    .await
}

fn step(known: &Delivery, now: Moment) -> Step {
    plan(known, &Policy::default(), now.at)
}

fn watched(query: &mut impl Query, delivery: StoredDelivery) -> Result<Watched> {
    let head = match &delivery.registration {
        Some(entry) => register::head(query, entry)?,
        None => None,
    };
    let number = head.map(|head| format!("{}/{}", number_label(head.number), head.year));
    Ok(Watched { delivery, number })
}
