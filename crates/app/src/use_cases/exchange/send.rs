//! Sending a registered document to any mix of recipients, in one act.
//!
//! Only rows are written: the sending, its recipients, and one row of the outbox for each, with the Message-ID of
//! its first attempt. Nothing is composed or spoken to here, so the answer comes at once.

use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::body::IpaCode;
use domain::ids::{DeliveryId, OutboxId, RegistrationId, SendingId};
use domain::message::Channel;
use domain::register::{Direction, number_label};
use domain::{Invalid, Law, Refusal, party};
use store::deliveries::{self, NewDelivery, NewSending};
use store::journal::{self, Entry};
use store::outbox::{self, NewOutgoing};
use store::{Tx, bodies, register};

/// Most recipients of one sending.
pub const RECIPIENTS_MAX: usize = 500;
/// Longest covering text, in characters.
const TEXT_MAX: usize = 20_000;
/// Communications between bodies are telematic (D.Lgs. 82/2005, art. 47).
const BETWEEN_BODIES: Law = Law("D.Lgs. 82/2005, art. 47");

/// A recipient as chosen by who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Name.
    pub name: String,
    /// Road.
    pub channel: Channel,
    /// Mail address; ignored in the hub.
    pub address: String,
    /// Body, when the recipient is one; needed in the hub.
    pub body: Option<IpaCode>,
    /// Whether to ask for a confirmation of registration.
    pub confirm: bool,
}

/// What to send to whom.
#[derive(Debug, Clone)]
pub struct Sending {
    /// An outgoing entry of the actor's body.
    pub registration: RegistrationId,
    /// Covering text; it is no part of the exchange (Annex 6).
    pub text: String,
    /// Recipients.
    pub recipients: Vec<Recipient>,
}

/// Sends. Answers the deliveries in the order of the recipients.
///
/// # Errors
/// `Invalid` with a pointer for each bad recipient; `Refusal` when the entry is annulled or not outgoing;
/// `NotFound` when it is not the body's.
pub async fn send(ctx: &Context, what: Sending) -> Result<Vec<DeliveryId>> {
    ctx.may(Verb::SendAct)?;
    check(ctx, &what)?;
    let ctx_in = ctx.clone();
    ctx.write(move |tx| record(tx, &ctx_in, &what)).await
}

/// Which recipients were sent the same main document before, by another sending that did not fail: place in the list,
/// and the name with the number of the entry it left with. An act is not delivered twice unless somebody wants it (house rule; cf.
/// D.Lgs. 82/2005, art. 47).
///
/// # Errors
/// `NotFound` when the entry is not the body's or not for the actor's eyes.
pub async fn sent_before(ctx: &Context, what: &Sending) -> Result<Vec<(usize, String)>> {
    ctx.may(Verb::SendAct)?;
    let (it, entry) = (ctx.clone(), what.registration.clone());
    let places: Vec<_> = what.recipients.iter().map(|to| (place(to), to.name.trim().to_owned())).collect();
    ctx.write(move |tx| {
        let head = register::head(tx, &entry)?.ok_or(Error::NotFound)?;
        it.may_in(Verb::SendAct, &head.body)?;
        super::must_see(tx, &it, Some(&entry), "")?;
        let mut found = Vec::new();
        for (at, (address, name)) in places.iter().enumerate() {
            if let Some((number, year)) = deliveries::sent_before(tx, &head.body, &entry, address)? {
                found.push((at, format!("{name} ({}/{year})", number_label(number))));
            }
        }
        Ok(found)
    })
    .await
}

/// What [`sent_before`] found, as faults of the recipients.
pub fn warned(found: &[(usize, String)]) -> Invalid {
    let mut faults = Invalid::default();
    for (at, whom) in found {
        faults.add_with(format!("/recipients/{at}/address"), "sent-before", whom.clone());
    }
    faults
}

pub(crate) fn check(ctx: &Context, what: &Sending) -> std::result::Result<(), Invalid> {
    let mut faults = Invalid::default();
    if what.recipients.is_empty() {
        faults.add("/recipients", "at-least-one");
    }
    if what.recipients.len() > RECIPIENTS_MAX {
        faults.add_with("/recipients", "too-many", RECIPIENTS_MAX.to_string());
    }
    if what.text.chars().count() > TEXT_MAX {
        faults.add_with("/text", "too-long", TEXT_MAX.to_string());
    }
    let mut seen = std::collections::BTreeSet::new();
    // The same act never leaves twice for one body (D.Lgs. 82/2005, art. 47).
    let mut bodies = std::collections::BTreeSet::new();
    for (i, to) in what.recipients.iter().enumerate() {
        let at = |field: &str| format!("/recipients/{i}/{field}");
        if to.name.trim().is_empty() {
            faults.add(at("name"), "required");
        }
        match (to.channel, &to.body) {
            (Channel::Hub, None) => faults.add(at("body"), "required"),
            (Channel::Hub, Some(body)) if *body == ctx.actor.body => faults.add(at("body"), "own-body"),
            (Channel::Hub, Some(_)) => {}
            _ if !party::is_address(&to.address) => faults.add(at("address"), "bad-address"),
            _ if ctx.app.settings.demo && !to.address.to_lowercase().ends_with(".test") => {
                faults.add(at("address"), "only-test-addresses");
            }
            _ => {}
        }
        if !seen.insert((to.channel, place(to))) {
            faults.add(at("address"), "twice");
        } else if to.body.as_ref().is_some_and(|body| !bodies.insert(body)) {
            faults.add(at("body"), "body-twice");
        }
    }
    faults.or(())
}

/// Where the recipient is, in the form used for comparison.
fn place(to: &Recipient) -> String {
    match (to.channel, &to.body) {
        (Channel::Hub, Some(body)) => body.to_string(),
        _ => to.address.trim().to_lowercase(),
    }
}

pub(crate) fn record(tx: &mut Tx, ctx: &Context, what: &Sending) -> Result<Vec<DeliveryId>> {
    let head = register::head(tx, &what.registration)?.ok_or(Error::NotFound)?;
    ctx.may_in(Verb::SendAct, &head.body)?;
    super::must_see(tx, ctx, Some(&what.registration), "")?;
    if head.annulled_at.is_some() {
        return Err(Refusal::of("annulled-entry").into());
    }
    if head.direction != Direction::Outgoing {
        return Err(Refusal::of("only-outgoing-entries").into());
    }
    check_bodies(tx, &what.recipients)?;
    let new: Vec<NewDelivery> = what
        .recipients
        .iter()
        .map(|to| NewDelivery {
            id: ctx.mint(),
            channel: to.channel,
            recipient_name: to.name.trim().to_owned(),
            address: place(to),
            recipient_body: to.body.clone(),
            confirmation_asked: to.confirm,
        })
        .collect();
    let sending = ctx.mint::<SendingId>();
    let by = ctx.actor.tag();
    let row = NewSending {
        id: &sending,
        body: &head.body,
        registration: Some(&what.registration),
        text: &what.text,
        notice: None,
        by: &by,
    };
    queue(tx, ctx, row, &new)?;
    Ok(new.into_iter().map(|d| d.id).collect())
}

/// A body reached in the hub must work here and now; an abolished one is never written to, its heir is named.
fn check_bodies(tx: &mut Tx, recipients: &[Recipient]) -> Result<()> {
    for (i, to) in recipients.iter().enumerate() {
        let Some(code) = &to.body else { continue };
        let pointer = format!("/recipients/{i}/body");
        let Some(body) = bodies::find(tx, code)? else {
            return Err(Invalid::with(pointer, "unknown-body", code.as_str()).into());
        };
        if let Some(heir) = body.succeeded_by {
            return Err(Invalid::with(pointer, "ceased-body", heir.as_str()).into());
        }
        if to.channel == Channel::Hub && !body.inside {
            return Err(Refusal::by("body-outside-hub", BETWEEN_BODIES).into());
        }
    }
    Ok(())
}

/// Writes a sending, its recipients and the first attempt of each.
///
/// # Errors
/// Those of the store.
pub(crate) fn queue(tx: &mut Tx, ctx: &Context, sending: NewSending<'_>, all: &[NewDelivery]) -> Result<()> {
    deliveries::insert(tx, sending, all)?;
    for one in all {
        let id = ctx.mint::<OutboxId>();
        let row = NewOutgoing {
            id: &id,
            body: sending.body,
            delivery: &one.id,
            attempt: 1,
            channel: one.channel,
            message_id: &message_id(ctx, &id),
            due_at: ctx.moment.micros(),
        };
        outbox::insert(tx, row)?;
    }
    let state: Vec<String> =
        all.iter().map(|d| format!("{} {} {}", d.id, d.channel.name(), d.address)).collect();
    journal::append(
        tx,
        Entry {
            body: sending.body,
            actor: sending.by,
            on_behalf_of: ctx.actor.on_behalf_of.as_ref().map(domain::ids::AccountId::as_str),
            verb: "sending.create",
            subject: sending.id.as_str(),
            case: None,
            norm: Some(BETWEEN_BODIES.0),
            state: state.join("\n").as_bytes(),
        },
    )?;
    Ok(())
}

/// The Message-ID of an attempt: its row, at the host people know the program by.
pub(crate) fn message_id(ctx: &Context, id: &OutboxId) -> String {
    let url = &ctx.app.settings.public_url;
    let host = url.split("://").last().and_then(|h| h.split(['/', ':']).next()).filter(|h| !h.is_empty());
    format!("{id}@{}", host.unwrap_or("localhost"))
}
