//! The inbox as its clerk sees it: the list, one message with what was found in it, its files, and the proposal of
//! an entry. Reading only; registering, refusing and discarding are acts of their own.

use super::register_inbound::{self, Proposed};
use super::understand::Details;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::cursor::{self, Place};
use crate::use_cases::exchange::look;
use channels::pec::parse;
use domain::ids::InboundId;
use domain::register::number_label;
pub use store::inbox::{Inbound, NewInbound as Message};
use store::{Tx, inbox, register, trace};

/// Messages on one page.
const PAGE: i64 = 50;
/// Bytes of one message, at most.
const LARGEST: u64 = 256 * 1024 * 1024;

/// States of the inbox in the order of the page.
pub const STATES: [&str; 6] = ["waiting", "quarantined", "unreadable", "registered", "attached", "discarded"];

/// A page of messages, newest first.
#[derive(Debug, Clone)]
pub struct Page {
    /// The state shown.
    pub state: &'static str,
    /// The messages.
    pub lines: Vec<Inbound>,
    /// Those whose sender annulled what they carry.
    pub annulled: Vec<InboundId>,
    /// How many are in each state.
    pub counts: Vec<(&'static str, i64)>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// One message, opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What was kept.
    pub inbound: Inbound,
    /// What was found in it.
    pub details: Details,
    /// What the entry made of it would say.
    pub proposed: Proposed,
    /// `0001234/2026`, once it is registered.
    pub number: Option<String>,
    /// The letter of D.Lgs. 82/2005, art. 65, c. 1 under which it may hold as an instance: `c` or `c-bis`.
    pub ground: Option<&'static str>,
    /// Words with which the sender annulled what it carries.
    pub annulled: Option<String>,
}

/// A file taken out of a message.
#[derive(Debug, Clone)]
pub struct File {
    /// Name, as the sender wrote it.
    pub name: String,
    /// Bytes.
    pub bytes: Vec<u8>,
}

/// Messages of the actor's body in one state; an unknown state is the first.
///
/// # Errors
/// `Refusal` for who may not; `Invalid` for a cursor that is not ours.
pub async fn list(ctx: &Context, state: &str, from: Option<&str>) -> Result<Page> {
    ctx.may(Verb::HandleInbox)?;
    let state = STATES.into_iter().find(|known| *known == state).unwrap_or(STATES[0]);
    let place = cursor::read(from)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let body = it.actor.body.clone();
        let found = inbox::page(tx, &body, state, (place.at, &place.id), PAGE + 1)?;
        let mut lines = trace::open(tx, &look(&it, "inbox.list", Vec::new()), found)?.into_inner();
        let more = lines.len() as i64 > PAGE;
        lines.truncate(PAGE as usize);
        let last = lines.last().filter(|_| more);
        let next =
            last.map(|last| cursor::write(&Place { at: last.arrived_at, id: last.message.id.to_string() }));
        let mut annulled = Vec::new();
        for line in &lines {
            if inbox::annulled(tx, &line.message.id)?.is_some() {
                annulled.push(line.message.id.clone());
            }
        }
        let mut counts = Vec::new();
        for state in STATES {
            counts.push((state, inbox::count(tx, &body, state)?));
        }
        Ok(Page { state, lines, annulled, counts, next })
    })
    .await
}

/// Opens one message.
///
/// # Errors
/// `NotFound` when it is not the body's.
pub async fn open(ctx: &Context, id: InboundId) -> Result<Opened> {
    ctx.may(Verb::HandleInbox)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let inbound = load(tx, &it, &id)?;
        let details: Details = serde_json::from_str(&inbound.message.details).unwrap_or_default();
        let head = match &inbound.registration {
            Some(entry) => register::head(tx, entry)?,
            None => None,
        };
        let number = head.map(|head| format!("{}/{}", number_label(head.number), head.year));
        let proposed = register_inbound::propose(&inbound, &details);
        let ground = ground(&inbound, &details);
        let annulled = inbox::annulled(tx, &id)?;
        Ok(Opened { inbound, details, proposed, number, ground, annulled })
    })
    .await
}

/// Under which letter of art. 65 a message without segnatura may hold: one from a certified box was sent by its
/// holder; one from ordinary mail holds with the signed form and the copy of an identity card among its files.
/// Neither may be bounced for the road it took.
pub fn ground(inbound: &Inbound, details: &Details) -> Option<&'static str> {
    if details.segnatura.is_some() {
        return None;
    }
    match inbound.message.kind.as_str() {
        "envelope" => Some("c-bis"),
        "anomaly" | "ordinary" if !details.files.is_empty() => Some("c"),
        _ => None,
    }
}

/// The message as it came, byte by byte.
///
/// # Errors
/// `NotFound` when it is not the body's.
pub async fn raw(ctx: &Context, id: InboundId) -> Result<Vec<u8>> {
    ctx.may(Verb::HandleInbox)?;
    let it = ctx.clone();
    let inbound = ctx.write(move |tx| load(tx, &it, &id)).await?;
    let bytes = ctx.app.store.blob_bytes(&inbound.message.body, &inbound.message.raw_sha256, LARGEST).await?;
    bytes.map(|bytes| bytes.to_vec()).ok_or(Error::NotFound)
}

/// One file of the message, by its place from 0.
///
/// # Errors
/// `NotFound` when the message is not the body's, cannot be read or has no such file.
pub async fn file(ctx: &Context, id: InboundId, place: usize) -> Result<File> {
    let raw = raw(ctx, id).await?;
    let mail = parse(&raw).map_err(|_| Error::NotFound)?;
    let file = mail.content.attachments.get(place).ok_or(Error::NotFound)?;
    Ok(File { name: file.name.clone(), bytes: file.bytes.to_vec() })
}

fn load(tx: &mut Tx, ctx: &Context, id: &InboundId) -> Result<Inbound> {
    let found = inbox::look(tx, id)?.ok_or(Error::NotFound)?;
    let inbound = trace::open(tx, &look(ctx, "inbox.read", vec![id.to_string()]), found)?.into_inner();
    ctx.may_in(Verb::HandleInbox, &inbound.message.body)?;
    Ok(inbound)
}
