//! Registers a message of the inbox with one confirmation, or discards it with a reason.
//!
//! The entry is filled from what the segnatura, the envelope or the headers say; who registers may change subject,
//! class and correspondents before. The confirmation of Annex 6 leaves in the same transaction as the number.

use super::answer::{self, Answering};
use super::understand::{Details, SegnaturaFacts};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::files::{ReceivedFile, receive_bytes};
use crate::use_cases::register::register_document::{NewDocument, Registered, prepare};
use channels::pec::{Content, Mail, parse};
use domain::body::{AooCode, IpaCode};
use domain::ids::{InboundId, RegistrationId};
use domain::message::Anomaly;
use domain::register::{Correspondent, CorrespondentKind, Direction, NewRegistration, SenderReference};
use domain::{Invalid, Moment, Refusal, party};
use store::inbox::{self, Handled, Inbound};
use store::journal::{self, Entry};
use store::{Tx, bodies};

/// Largest message opened for registration, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// What who registers may change.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Area; the first of the body by default.
    pub aoo: Option<AooCode>,
    /// Subject.
    pub subject: Option<String>,
    /// Class.
    pub classification: Option<String>,
    /// Senders.
    pub correspondents: Option<Vec<Correspondent>>,
    /// Whether the entry is confidential.
    pub confidential: bool,
    /// Whether who registers has seen that the sender annulled what the message carries.
    pub despite_annulment: bool,
}

/// Registers a waiting message. A message registered before answers its entry again.
///
/// # Errors
/// `NotFound` when it is not the body's; `Refusal` when it was discarded or is kept apart, or "sender-annulled" when
/// the sender annulled what it carries and nobody said to have seen it; those of registering.
pub async fn register_inbound(ctx: &Context, id: &InboundId, changes: Changes) -> Result<RegistrationId> {
    ctx.may(Verb::HandleInbox)?;
    let inbound = load(ctx, id).await?;
    if let Some(entry) = inbound.registration {
        return Ok(entry);
    }
    if inbound.message.state != "waiting" {
        return Err(Refusal::of("message-not-waiting").into());
    }
    let details: Details = serde_json::from_str(&inbound.message.details).unwrap_or_default();
    let seen = changes.despite_annulment;
    let what = document(ctx, &inbound, &details, changes).await?;
    let prepared = prepare(ctx, what).await?;
    let (ctx_in, id) = (ctx.clone(), id.clone());
    ctx.write(move |tx| {
        // The notice may have come while the page was open.
        if !seen && inbox::annulled(tx, &id)?.is_some() {
            return Err(Refusal::of("sender-annulled").into());
        }
        let entry = prepared.id().clone();
        if let Registered::Before(entry) = prepared.record(tx)? {
            return Ok(entry);
        }
        let by = ctx_in.actor.tag();
        let how = Handled {
            state: "registered",
            registration: Some(&entry),
            delivery: None,
            by: &by,
            reason: None,
        };
        if !inbox::handle(tx, &id, how)? {
            // Somebody was faster: their number stands, ours is rolled back with this closure.
            return Err(Error::Conflict);
        }
        confirm(tx, &ctx_in, &inbound, details.segnatura.as_ref(), &entry)?;
        Ok(entry)
    })
    .await
}

/// Refuses a message that carries a segnatura: the exception of Annex 6 goes back, and it is not registered.
///
/// # Errors
/// `Invalid` without words; `NotFound`; `Refusal` when it carries no segnatura, since there is nobody to tell;
/// `Conflict` when somebody handled it before.
pub async fn refuse(ctx: &Context, id: &InboundId, anomaly: Anomaly, words: &str) -> Result<()> {
    ctx.may(Verb::HandleInbox)?;
    let words = reason(words)?;
    let inbound = load(ctx, id).await?;
    let details: Details = serde_json::from_str(&inbound.message.details).unwrap_or_default();
    let facts = details.segnatura.ok_or_else(|| Refusal::of("no-segnatura"))?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let said = format!("{} {words}", anomaly.code());
        set_aside(tx, &it, &inbound.message.id, "inbound.refuse", &said)?;
        let to = Answering::to(inbound.message.channel, &inbound.message.sender_address, Some(&facts));
        answer::exception(tx, &it, &to, &facts, &said)
    })
    .await
}

/// Discards a message that is not to be registered (spam, error), with a reason.
///
/// # Errors
/// `Invalid` without a reason; `NotFound`; `Conflict` when somebody handled it before.
pub async fn discard(ctx: &Context, id: &InboundId, reason: &str) -> Result<()> {
    ctx.may(Verb::HandleInbox)?;
    let words = self::reason(reason)?;
    let inbound = load(ctx, id).await?;
    let it = ctx.clone();
    ctx.write(move |tx| set_aside(tx, &it, &inbound.message.id, "inbound.discard", &words)).await
}

fn reason(text: &str) -> std::result::Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::one("/reason", "required"));
    }
    if text.chars().count() > 1_000 {
        return Err(Invalid::with("/reason", "too-long", "1000"));
    }
    Ok(text.to_owned())
}

/// Marks a waiting message as not to be registered, with the reason.
fn set_aside(tx: &mut Tx, ctx: &Context, id: &InboundId, verb: &str, reason: &str) -> Result<()> {
    let by = ctx.actor.tag();
    let how =
        Handled { state: "discarded", registration: None, delivery: None, by: &by, reason: Some(reason) };
    if !inbox::handle(tx, id, how)? {
        return Err(Error::Conflict);
    }
    let entry = Entry {
        body: &ctx.actor.body,
        actor: &by,
        on_behalf_of: ctx.actor.on_behalf_of.as_ref().map(domain::ids::AccountId::as_str),
        verb,
        subject: id.as_str(),
        case: None,
        norm: None,
        state: reason.as_bytes(),
    };
    journal::append(tx, entry)?;
    Ok(())
}

async fn load(ctx: &Context, id: &InboundId) -> Result<Inbound> {
    let id = id.clone();
    let found = ctx.read(move |r| Ok(inbox::find(r, &id)?)).await?.ok_or(Error::NotFound)?;
    ctx.may_in(Verb::HandleInbox, &found.message.body)?;
    Ok(found)
}

fn confirm(
    tx: &mut Tx,
    ctx: &Context,
    inbound: &Inbound,
    facts: Option<&SegnaturaFacts>,
    entry: &RegistrationId,
) -> Result<()> {
    let Some(facts) = facts.filter(|f| f.confirm) else { return Ok(()) };
    let to = Answering::to(inbound.message.channel, &inbound.message.sender_address, Some(facts));
    answer::confirm(tx, ctx, &to, facts, entry)
}

async fn document(
    ctx: &Context,
    inbound: &Inbound,
    details: &Details,
    changes: Changes,
) -> Result<NewDocument> {
    let body = inbound.message.body.clone();
    let raw = ctx.app.store.blob_bytes(&body, &inbound.message.raw_sha256, LARGEST).await?;
    let raw = raw.ok_or_else(|| Error::Damaged("the bytes of the message are gone".into()))?;
    let mail = parse(&raw).map_err(|_| Refusal::of("message-unreadable"))?;
    let (document, attachments) = files(ctx, &body, &raw, &mail, details.segnatura.as_ref()).await?;
    let code = body.clone();
    let area = match changes.aoo {
        Some(area) => area,
        None => ctx
            .read(move |r| Ok(bodies::find(r, &code)?))
            .await?
            .and_then(|b| b.aoos.into_iter().next())
            .map(|a| a.code)
            .ok_or_else(|| Invalid::one("/aoo", "unknown-aoo"))?,
    };
    let correspondents =
        changes.correspondents.unwrap_or_else(|| vec![sender(inbound, details.segnatura.as_ref())]);
    let subject =
        changes.subject.filter(|s| !s.trim().is_empty()).unwrap_or_else(|| subject(inbound, details));
    let new = NewRegistration {
        body,
        aoo: area,
        register: None,
        direction: Direction::Incoming,
        subject,
        correspondents,
        classification: changes.classification,
        case: None,
        dossier: None,
        confidential: changes.confidential,
        received_at: inbound.message.legal_at.map(|at| Moment::from_micros(at.min(ctx.moment.micros())).at),
        sender_reference: details.segnatura.as_ref().map(|f| SenderReference {
            number: format!("{} {}", f.administration, f.number),
            date: f.date.parse().ok(),
        }),
    };
    Ok(NewDocument { new, document, attachments, assignments: Vec::new(), idempotency_key: None })
}

/// What an entry made of a message would say, before anybody changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Subject.
    pub subject: String,
    /// Who sent it.
    pub sender: Correspondent,
    /// Where both come from: `segnatura`, `envelope` or `headers`.
    pub origin: &'static str,
}

/// The proposal for a message.
pub fn propose(inbound: &Inbound, details: &Details) -> Proposed {
    let origin = match (&details.segnatura, inbound.message.kind.as_str()) {
        (Some(_), _) => "segnatura",
        (None, "envelope") => "envelope",
        _ => "headers",
    };
    let sender = sender(inbound, details.segnatura.as_ref());
    Proposed { subject: subject(inbound, details), sender, origin }
}

fn subject(inbound: &Inbound, details: &Details) -> String {
    let found = details.segnatura.as_ref().map_or(&inbound.message.subject, |f| &f.subject);
    let clean: String =
        found.chars().filter(|c| !c.is_control()).take(domain::register::SUBJECT_MAX).collect();
    if clean.trim().is_empty() { "—".to_owned() } else { clean }
}

/// Who sent it: the body of the segnatura, or whoever the envelope names.
fn sender(inbound: &Inbound, facts: Option<&SegnaturaFacts>) -> Correspondent {
    let message = &inbound.message;
    let address = Some(message.sender_address.clone()).filter(|a| party::is_address(a));
    let named = [&message.sender_name, &message.sender_address].into_iter().find(|n| !n.trim().is_empty());
    let name = facts.map(|f| f.sender.clone()).or_else(|| named.cloned()).unwrap_or_else(|| "—".to_owned());
    Correspondent {
        kind: if facts.is_some() { CorrespondentKind::Body } else { CorrespondentKind::Person },
        name: name.chars().filter(|c| !c.is_control()).take(400).collect(),
        tax_code: None,
        digital_domicile: address.filter(|_| message.channel != domain::message::Channel::Hub),
        body: facts.and_then(|f| IpaCode::parse(&f.administration).ok()),
    }
}

/// With a segnatura the main document is the one it names; without, it is the message itself as it came.
async fn files(
    ctx: &Context,
    body: &IpaCode,
    raw: &[u8],
    mail: &Mail<'_>,
    facts: Option<&SegnaturaFacts>,
) -> Result<(ReceivedFile, Vec<ReceivedFile>)> {
    let content: &Content<'_> = &mail.content;
    let primary = facts.and_then(|f| content.file(&f.primary));
    let main = match primary {
        Some(file) => receive_bytes(ctx, body, "/document", &file.name, &file.bytes).await?,
        None => {
            let message = mail.original.as_deref().unwrap_or(raw);
            receive_bytes(ctx, body, "/document", "messaggio.eml", message).await?
        }
    };
    let mut others = Vec::new();
    for file in &content.attachments {
        // An empty file says nothing and would be refused; the message that carried it is kept whole anyway.
        if primary.is_some_and(|p| std::ptr::eq(p, file)) || file.bytes.is_empty() {
            continue;
        }
        let pointer = format!("/attachments/{}", others.len());
        others.push(receive_bytes(ctx, body, &pointer, &file.name, &file.bytes).await?);
    }
    Ok((main, others))
}
