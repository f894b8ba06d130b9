//! Reads what arrived, outside any transaction: kind, signature, segnatura, digests. Decides nothing.
//!
//! The result says what the message is about; `admit` then keeps it and draws the consequences in one transaction.

use super::roads::Exchange;
use crate::context::Context;
use crate::error::Result;
use channels::pec::{Content, Kind, Mail, parse};
use documents::segnatura::{self, ExchangeMessage, Identifier, ReadSegnatura, Version};
use documents::signature::{TimeKind, Times, Verdict, smime, xades};
use domain::body::IpaCode;
use domain::ids::InboundId;
use domain::message::{Anomaly, Channel, Event, ReceiptForm};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use store::blobs::Prepared;
use store::inbox::{NewInbound, PeerKey};

/// Kind of a message of which only the header was fetched.
pub const TOO_LARGE: &str = "too_large";

/// A message as it came.
pub struct Came {
    /// Body that receives.
    pub body: IpaCode,
    /// Road.
    pub channel: Channel,
    /// Box it came to.
    pub mailbox: String,
    /// The bytes.
    pub raw: Vec<u8>,
}

/// What a message is about.
#[derive(Debug, Clone)]
pub enum About {
    /// Something to be looked at and registered, or discarded, by a person.
    Matter,
    /// Receipts for something we sent.
    Receipt {
        /// The Message-ID we chose.
        message_id: String,
        /// Recipient and event.
        events: Vec<(String, Event)>,
        /// Instant certified by the provider.
        at: Timestamp,
        /// Fingerprints of the files inside a complete receipt; none for the other forms.
        files: Option<BTreeSet<String>>,
    },
    /// The answer of another register.
    Answer {
        /// The answer.
        message: Box<ExchangeMessage>,
        /// Address of who sent it, or the body's code in the hub.
        from: String,
        /// When it was sent.
        at: Timestamp,
    },
    /// A protocol message of another register.
    Protocol {
        /// The registration it carries.
        key: PeerKey,
        /// Fingerprint of its segnatura.
        segnatura_sha256: String,
    },
}

/// What is written beside a kept message, for the page and for the registration made of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Beginning of the text.
    pub text: String,
    /// Name, media type and size of each file.
    pub files: Vec<(String, String, u64)>,
    /// Whether a program wrote the message.
    pub automatic: bool,
    /// The segnatura, when there is one.
    pub segnatura: Option<SegnaturaFacts>,
    /// Why bytes could not be read.
    pub fault: Option<String>,
}

/// What a segnatura says and whether it holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SegnaturaFacts {
    /// `3.0`, `2013` or `2001`.
    pub version: String,
    /// Name of the sender.
    pub sender: String,
    /// Code of the sender's administration.
    pub administration: String,
    /// Code of its AOO.
    pub aoo: String,
    /// Register, empty in old messages.
    pub register: String,
    /// Number as written.
    pub number: String,
    /// Date, ISO.
    pub date: String,
    /// Subject.
    pub subject: String,
    /// File name of the main document.
    pub primary: String,
    /// Whether a confirmation is asked.
    pub confirm: bool,
    /// Verdict on its signature: `valid`, `invalid`, … or `unsigned`.
    pub signature: String,
    /// What is wrong, as Annex 6 names it, with the file's name.
    pub anomalies: Vec<(Anomaly, String)>,
}

/// A message that was read.
pub struct Understood {
    /// The row to be kept.
    pub row: NewInbound,
    /// Its bytes, ready for the transaction.
    pub bytes: Prepared,
    /// What it is about.
    pub about: About,
    /// What is written beside it.
    pub details: Details,
}

/// Reads a message.
///
/// # Errors
/// `Problem` when the bytes cannot be prepared for the store. Bytes that are no message are not an error.
pub async fn understand(exchange: &Exchange, came: Came) -> Result<Understood> {
    let ctx = exchange.context(&came.body);
    let bytes = exchange.app.store.prepare(&came.body, &came.raw).await?;
    let mut row = unread(&ctx, &came, &bytes);
    let mut details = Details::default();
    let about = match parse(&came.raw) {
        Ok(mail) => read(exchange, &ctx, &came, &mail, &mut row, &mut details),
        Err(error) => {
            details.fault = Some(error.to_string());
            About::Matter
        }
    };
    row.details = serde_json::to_string(&details).unwrap_or_default();
    Ok(Understood { row, bytes, about, details })
}

/// Keeps the header of a message too large to be fetched; the message itself stays in its mailbox.
///
/// # Errors
/// As [`understand`].
pub async fn too_large(exchange: &Exchange, came: Came, size: u64) -> Result<Understood> {
    let ctx = exchange.context(&came.body);
    let bytes = exchange.app.store.prepare(&came.body, &came.raw).await?;
    let mut row = unread(&ctx, &came, &bytes);
    row.kind = TOO_LARGE.into();
    row.size = size;
    if let Ok(mail) = parse(&came.raw) {
        row.message_id = mail.reference.clone().or_else(|| mail.message_id.clone());
        row.sender_address = mail.content.from.clone();
        row.sender_name = mail.content.from_name.clone();
        row.subject = plain(&mail.subject);
    }
    let details = Details { fault: Some(TOO_LARGE.into()), ..Details::default() };
    row.details = serde_json::to_string(&details).unwrap_or_default();
    Ok(Understood { row, bytes, about: About::Matter, details })
}

/// The row of a message nothing is known of yet.
fn unread(ctx: &Context, came: &Came, bytes: &Prepared) -> NewInbound {
    NewInbound {
        id: ctx.mint::<InboundId>(),
        body: came.body.clone(),
        channel: came.channel,
        mailbox: came.mailbox.clone(),
        raw_sha256: bytes.sha256.clone(),
        size: came.raw.len() as u64,
        kind: "unreadable".into(),
        state: "unreadable".into(),
        message_id: None,
        sender_address: String::new(),
        sender_name: String::new(),
        subject: String::new(),
        legal_at: None,
        verdict: None,
        details: String::new(),
    }
}

fn plain(subject: &str) -> String {
    subject.chars().filter(|c| !c.is_control()).take(1_000).collect()
}

fn read(
    exchange: &Exchange,
    ctx: &Context,
    came: &Came,
    mail: &Mail<'_>,
    row: &mut NewInbound,
    details: &mut Details,
) -> About {
    let now = ctx.moment.at;
    let data = mail.certified();
    row.kind = kind_name(mail.kind, came.channel).to_owned();
    row.state = "waiting".into();
    row.message_id = mail.reference.clone().or_else(|| mail.message_id.clone());
    row.verdict = verify(exchange, came, mail, now);
    row.legal_at = match came.channel {
        Channel::Hub => Some(now.as_microsecond()),
        _ => data.map(|d| d.at.as_microsecond()),
    };
    row.sender_address = data.map_or_else(|| mail.content.from.clone(), |d| d.sender.to_lowercase());
    row.sender_name = mail.content.from_name.clone();
    let subject = if mail.content.subject.is_empty() { &mail.subject } else { &mail.content.subject };
    row.subject = plain(subject);
    if is_forged(mail.kind, row.verdict.as_deref()) {
        row.state = "quarantined".into();
        details.fault = Some("signature".into());
        return About::Matter;
    }
    if let (Kind::Receipt(_), Some(data)) = (mail.kind, data) {
        let message_id = data.message_id.clone().or_else(|| mail.reference.clone()).unwrap_or_default();
        let events = mail.events();
        let files = is_complete(&events).then(|| digests(&mail.content));
        return About::Receipt { message_id, events, at: data.at, files };
    }
    fill(&mail.content, details);
    let from = match came.channel {
        Channel::Hub => mail.content.from.split('@').next().unwrap_or_default().to_owned(),
        _ => row.sender_address.clone(),
    };
    let at = data.map_or(now, |d| d.at);
    if let Some(message) = answer(&mail.content) {
        return About::Answer { message: Box::new(message), from, at };
    }
    protocol(exchange, &mail.content, details, at, now)
}

fn is_complete(events: &[(String, Event)]) -> bool {
    events.iter().any(|(_, event)| matches!(event, Event::Delivered { form: Some(ReceiptForm::Complete) }))
}

fn digests(content: &Content<'_>) -> BTreeSet<String> {
    content.attachments.iter().map(|file| hex::encode(Sha256::digest(&file.bytes))).collect()
}

fn kind_name(kind: Kind, channel: Channel) -> &'static str {
    match (kind, channel) {
        (_, Channel::Hub) => "hub",
        (Kind::Envelope, _) => "envelope",
        (Kind::Anomaly, _) => "anomaly",
        (Kind::Receipt(_), _) => "receipt",
        (Kind::Ordinary, _) => "ordinary",
    }
}

/// The verdict on the provider's signature, at the date the provider certifies.
fn verify(exchange: &Exchange, came: &Came, mail: &Mail<'_>, now: Timestamp) -> Option<String> {
    if came.channel == Channel::Hub || mail.kind == Kind::Ordinary {
        return None;
    }
    let at = mail.certified().map(|d| d.at);
    let times = at.map_or_else(|| Times::now(now), |at| Times::now(now).proven(at, TimeKind::PecDelivery));
    Some(match smime::verify(&came.raw, &exchange.trust(), &times) {
        Some(found) if !found.is_intact() => "invalid".to_owned(),
        Some(found) => verdict_name(found.verdict).to_owned(),
        None => "unsigned".to_owned(),
    })
}

/// What claims to come from a provider and is not signed by one proves nothing and is kept apart.
fn is_forged(kind: Kind, verdict: Option<&str>) -> bool {
    matches!(kind, Kind::Receipt(_) | Kind::Envelope) && matches!(verdict, Some("invalid" | "unsigned"))
}

/// The stored name of a verdict.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::ValidWithWarnings => "valid-with-warnings",
        Verdict::Indeterminate => "indeterminate",
        Verdict::Invalid => "invalid",
    }
}

fn fill(content: &Content<'_>, details: &mut Details) {
    details.text = content.text.chars().take(4_000).collect();
    let files = content.attachments.iter();
    details.files = files.map(|f| (f.name.clone(), f.media_type.clone(), f.bytes.len() as u64)).collect();
    details.automatic = content.automatic;
}

/// One of the four notices of Annex 6, recognised by its name and its root.
fn answer(content: &Content<'_>) -> Option<ExchangeMessage> {
    ["Conferma.xml", "Aggiornamento.xml", "Eccezione.xml", "Annullamento.xml"]
        .iter()
        .filter_map(|name| content.file(name))
        .find_map(|file| ExchangeMessage::read(&file.bytes).ok())
}

/// Reads and checks a segnatura in the order of Annex 6: signature, main document, attachments.
fn protocol(
    exchange: &Exchange,
    content: &Content<'_>,
    details: &mut Details,
    at: Timestamp,
    now: Timestamp,
) -> About {
    let Some(file) = content.file(segnatura::FILE_NAME) else { return About::Matter };
    let read = match segnatura::read(&file.bytes) {
        Ok(read) => read,
        Err(error) => {
            details.fault = Some(error.to_string());
            return About::Matter;
        }
    };
    let times = Times::now(now).proven(at, TimeKind::PecDelivery);
    let found = xades::verify(&file.bytes, &[], &exchange.trust(), &times);
    let is_intact = found.as_ref().is_none_or(documents::signature::Verification::is_intact);
    let signature = match &found {
        None => "unsigned",
        Some(_) if !is_intact => "invalid",
        Some(found) => verdict_name(found.verdict),
    };
    let mut anomalies = Vec::new();
    if signature == "invalid" || (signature == "unsigned" && read.version == Version::V3) {
        anomalies.push((Anomaly::Signature, segnatura::FILE_NAME.to_owned()));
    }
    anomalies.extend(wrong_digests(&read, content));
    let facts = facts(&read, signature, anomalies);
    let key = PeerKey {
        administration: facts.administration.clone(),
        aoo: facts.aoo.clone(),
        register: facts.register.clone(),
        number: facts.number.clone(),
        date: facts.date.clone(),
    };
    details.segnatura = Some(facts);
    About::Protocol { key, segnatura_sha256: hex::encode(Sha256::digest(&file.bytes)) }
}

/// Files whose digest is not the one in the segnatura, or that did not come at all.
fn wrong_digests(read: &ReadSegnatura, content: &Content<'_>) -> Vec<(Anomaly, String)> {
    let documents = std::iter::once(&read.segnatura.primary).chain(&read.segnatura.attachments);
    let mut wrong = Vec::new();
    for document in documents {
        let Some(wanted) = &document.fingerprint else { continue };
        let holds = content.file(&document.file_name).is_some_and(|file| {
            let digest = match wanted.algorithm.to_ascii_uppercase().replace('-', "").as_str() {
                "SHA256" => Sha256::digest(&file.bytes).to_vec(),
                "SHA512" => sha2::Sha512::digest(&file.bytes).to_vec(),
                _ => return false,
            };
            digest == wanted.bytes
        });
        if !holds {
            wrong.push((Anomaly::Digest, document.file_name.clone()));
        }
    }
    wrong
}

fn facts(read: &ReadSegnatura, signature: &str, anomalies: Vec<(Anomaly, String)>) -> SegnaturaFacts {
    let it = &read.segnatura;
    let Identifier { administration, aoo, register, number, date, .. } = &it.header.id;
    SegnaturaFacts {
        version: match read.version {
            Version::V3 => "3.0",
            Version::V2013 => "2013",
            Version::V2001 => "2001",
        }
        .to_owned(),
        sender: it.sender.display_name(),
        administration: administration.code.clone(),
        aoo: aoo.code.clone(),
        register: register.clone().unwrap_or_default(),
        number: number.clone(),
        date: date.to_string(),
        subject: it.header.subject.clone(),
        primary: it.primary.file_name.clone(),
        confirm: it.recipients.iter().any(|r| r.confirm),
        signature: signature.to_owned(),
        anomalies,
    }
}
