//! What one register says back to another: confirmation, exception, cancellation (Annex 6, PEC half).
//!
//! Each is a sending of one small XML, on the road the message came by, through the same outbox.

use super::send::queue;
use super::understand::SegnaturaFacts;
use crate::context::Context;
use crate::error::{Error, Result};
use documents::segnatura::{Coded, ExchangeMessage, Identifier, Received};
use domain::Moment;
use domain::body::IpaCode;
use domain::ids::{DeliveryId, RegistrationId, SendingId};
use domain::message::Channel;
use domain::register::number_label;
use store::deliveries::{NewDelivery, NewSending};
use store::{Tx, register};

/// Where an answer goes.
#[derive(Debug, Clone)]
pub struct Answering {
    /// Road.
    pub channel: Channel,
    /// Address; the code of the body in the hub.
    pub address: String,
    /// Name.
    pub name: String,
    /// Body.
    pub body: Option<IpaCode>,
}

impl Answering {
    /// The sender of a message.
    pub fn to(channel: Channel, address: &str, facts: Option<&SegnaturaFacts>) -> Self {
        let body = facts.and_then(|f| IpaCode::parse(&f.administration).ok());
        let name = facts.map_or_else(|| address.to_owned(), |f| f.sender.clone());
        let address = match (channel, &body) {
            (Channel::Hub, Some(body)) => body.to_string(),
            _ => address.to_lowercase(),
        };
        Self { channel, address, name, body }
    }
}

/// Confirms that the message was registered as the given entry.
///
/// # Errors
/// Those of the store.
pub fn confirm(
    tx: &mut Tx,
    ctx: &Context,
    to: &Answering,
    facts: &SegnaturaFacts,
    entry: &RegistrationId,
) -> Result<()> {
    let message = ExchangeMessage::Confirmation { own: own(tx, entry)?, received: received(facts)? };
    put(tx, ctx, to, Some(entry), &message)
}

/// Says that the message is not accepted, and why; the reason begins with the code of an anomaly.
///
/// # Errors
/// Those of the store.
pub fn exception(
    tx: &mut Tx,
    ctx: &Context,
    to: &Answering,
    facts: &SegnaturaFacts,
    reason: &str,
) -> Result<()> {
    let message =
        ExchangeMessage::Exception { own: None, received: received(facts)?, reason: reason.to_owned() };
    put(tx, ctx, to, None, &message)
}

/// Says that our entry was annulled, by which act.
///
/// # Errors
/// Those of the store.
pub fn cancellation(
    tx: &mut Tx,
    ctx: &Context,
    to: &Answering,
    entry: &RegistrationId,
    reason: &str,
    act: &str,
) -> Result<()> {
    let message = ExchangeMessage::Cancellation {
        own: own(tx, entry)?,
        reason: reason.to_owned(),
        act: act.to_owned(),
    };
    put(tx, ctx, to, Some(entry), &message)
}

fn own(tx: &mut Tx, entry: &RegistrationId) -> Result<Identifier> {
    let head = register::head(tx, entry)?.ok_or(Error::NotFound)?;
    let local = Moment::from_micros(head.registered_at).local();
    Ok(Identifier {
        administration: Coded::new(head.body.as_str()),
        aoo: Coded::new(head.aoo.as_str()),
        register: Some(head.register.to_string()),
        number: number_label(head.number),
        date: local.date(),
        time: None,
    })
}

fn received(facts: &SegnaturaFacts) -> Result<Received> {
    let Ok(date) = facts.date.parse() else { return Err(Error::Bug("date of a segnatura".into())) };
    let id = Identifier {
        administration: Coded::new(facts.administration.as_str()),
        aoo: Coded::new(facts.aoo.as_str()),
        register: Some(facts.register.clone()).filter(|r| !r.is_empty()),
        number: facts.number.clone(),
        date,
        time: None,
    };
    Ok(Received::Identified { id: Box::new(id), first: None })
}

fn put(
    tx: &mut Tx,
    ctx: &Context,
    to: &Answering,
    entry: Option<&RegistrationId>,
    message: &ExchangeMessage,
) -> Result<()> {
    let xml = message.write().map_err(|e| Error::Problem(e.to_string()))?;
    let sending = ctx.mint::<SendingId>();
    let row = NewSending {
        id: &sending,
        body: &ctx.actor.body,
        registration: entry,
        text: "",
        notice: Some((message.file_name(), &xml)),
        by: &ctx.actor.tag(),
    };
    let delivery = NewDelivery {
        id: ctx.mint::<DeliveryId>(),
        channel: to.channel,
        recipient_name: to.name.clone(),
        address: to.address.clone(),
        recipient_body: to.body.clone(),
        confirmation_asked: false,
    };
    queue(tx, ctx, row, &[delivery])
}
