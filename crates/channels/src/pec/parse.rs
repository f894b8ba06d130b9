//! Says what an arrived message is: envelope, anomaly envelope, receipt or notice, or ordinary mail.
//!
//! Pure: bytes in, facts out, nothing copied that can be borrowed. Only the *top-level* headers decide, and
//! `X-Trasporto` before `X-Ricevuta`, because envelopes carry the reference of receipts too and people can put any
//! header into the message inside. Signatures are verified elsewhere: this file only points at the exact bytes
//! that were signed and at the signature.

use super::daticert::{self, Daticert, DaticertError, bare};
use domain::message::{Cause, Event, ReceiptForm};
use jiff::Timestamp;
use mail_parser::{
    Address, Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
};
use std::borrow::Cow;

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Transport envelope (*busta di trasporto*): a certified message is inside.
    Envelope,
    /// Anomaly envelope: ordinary mail that reached a certified box; proves nothing.
    Anomaly,
    /// A receipt or notice about a message we sent.
    Receipt(ReceiptKind),
    /// Ordinary mail as it is.
    Ordinary,
}

/// Which receipt or notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptKind {
    /// `accettazione`.
    Acceptance,
    /// `non-accettazione`.
    NonAcceptance,
    /// `presa-in-carico`: between providers, never seen by a mailbox that works well.
    TakenInCharge,
    /// `avvenuta-consegna`.
    Delivery,
    /// `errore-consegna`.
    DeliveryError,
    /// `preavviso-errore-consegna`: twelve hours.
    LateNotice,
    /// `rilevazione-virus`: between providers.
    VirusFound,
}

impl ReceiptKind {
    /// The word of the header and of the certification data.
    pub fn word(self) -> &'static str {
        match self {
            Self::Acceptance => "accettazione",
            Self::NonAcceptance => "non-accettazione",
            Self::TakenInCharge => "presa-in-carico",
            Self::Delivery => "avvenuta-consegna",
            Self::DeliveryError => "errore-consegna",
            Self::LateNotice => "preavviso-errore-consegna",
            Self::VirusFound => "rilevazione-virus",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        const ALL: [ReceiptKind; 7] = [
            ReceiptKind::Acceptance,
            ReceiptKind::NonAcceptance,
            ReceiptKind::TakenInCharge,
            ReceiptKind::Delivery,
            ReceiptKind::DeliveryError,
            ReceiptKind::LateNotice,
            ReceiptKind::VirusFound,
        ];
        ALL.into_iter().find(|k| k.word().eq_ignore_ascii_case(word.trim()))
    }
}

/// Why bytes are no message that can be worked with. The bytes are kept all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No header was found.
    #[error("not a message")]
    NotAMessage,
    /// A header that decides about the kind stands twice with different values, or has an unknown value.
    #[error("a deciding header is ambiguous: {0}")]
    Ambiguous(&'static str),
}

/// The signed part of an S/MIME message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<'a> {
    /// Exactly the bytes that were signed.
    pub content: &'a [u8],
    /// The detached signature, DER.
    pub signature: Cow<'a, [u8]>,
}

/// A file inside a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached<'a> {
    /// Name without any folder.
    pub name: String,
    /// Media type as declared.
    pub media_type: String,
    /// The bytes after transfer decoding, never re-encoded.
    pub bytes: Cow<'a, [u8]>,
}

/// What a person wrote: the message itself, or the one inside the envelope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content<'a> {
    /// Message-ID without brackets. Providers replace it with their identifier in the message they transport.
    pub message_id: Option<String>,
    /// The Message-ID the sender chose, when the provider says it (`X-Riferimento-Message-ID`).
    pub reference: Option<String>,
    /// Message-ID of the message it answers.
    pub answers: Option<String>,
    /// Display name of the sender.
    pub from_name: String,
    /// Address of the sender.
    pub from: String,
    /// Addresses in To and Cc.
    pub to: Vec<String>,
    /// Subject.
    pub subject: String,
    /// Date the writer claims.
    pub written_at: Option<Timestamp>,
    /// Text, from HTML when there is no other.
    pub text: String,
    /// Files.
    pub attachments: Vec<Attached<'a>>,
    /// Whether a program wrote it (auto-reply, list, bounce): never answered automatically.
    pub automatic: bool,
}

impl Content<'_> {
    /// The file of the given name, without regard to case.
    pub fn file(&self, name: &str) -> Option<&Attached<'_>> {
        self.attachments.iter().find(|a| a.name.eq_ignore_ascii_case(name))
    }
}

/// A parsed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its own Message-ID, without brackets.
    pub message_id: Option<String>,
    /// `X-Riferimento-Message-ID`, without brackets: the Message-ID the sender chose.
    pub reference: Option<String>,
    /// Address in From: for certified mail that of the provider, to be compared with its certificate.
    pub from: String,
    /// Subject of the outer message.
    pub subject: String,
    /// Date of the outer message.
    pub date: Option<Timestamp>,
    /// The S/MIME signature, when there is one.
    pub signed: Option<Signed<'a>>,
    /// Certification data: absent, unreadable, or read.
    pub daticert: Option<Result<Daticert, DaticertError>>,
    /// The bytes of `postacert.eml`, when the original is included.
    pub original: Option<Cow<'a, [u8]>>,
    /// What a person wrote; empty for receipts without the original.
    pub content: Content<'a>,
}

impl Mail<'_> {
    /// The certification data, when it says the same kind as the header. Anything else is no proof.
    pub fn certified(&self) -> Option<&Daticert> {
        let wanted = match self.kind {
            Kind::Envelope => "posta-certificata",
            Kind::Receipt(kind) => kind.word(),
            Kind::Anomaly | Kind::Ordinary => return None,
        };
        self.daticert.as_ref()?.as_ref().ok().filter(|d| d.kind == wanted)
    }

    /// What a receipt means for the deliveries it names: `(recipient, event)`, one per recipient.
    ///
    /// Receipts between providers mean nothing here. The definitive notice of the twenty-fourth hour and the
    /// error of a mailbox share kind and `errore="altro"`: only the words tell them apart.
    pub fn events(&self) -> Vec<(String, Event)> {
        let (Kind::Receipt(kind), Some(data)) = (self.kind, self.certified()) else { return Vec::new() };
        let cause = Cause::read(&data.error, data.extended_error.as_deref());
        let event = match kind {
            ReceiptKind::Acceptance => {
                let each = data.recipients.iter();
                return each.map(|r| (key(&r.address), Event::Accepted { external: !r.certified })).collect();
            }
            ReceiptKind::NonAcceptance => {
                let cause = if cause == Cause::Other { Cause::Formal } else { cause };
                let each = data.recipients.iter();
                return each.map(|r| (key(&r.address), Event::Rejected { cause })).collect();
            }
            ReceiptKind::Delivery => {
                Event::Delivered { form: Some(data.receipt.unwrap_or(ReceiptForm::Complete)) }
            }
            ReceiptKind::LateNotice => Event::LateNotice,
            ReceiptKind::DeliveryError if cause == Cause::Other && self.is_expiry(data) => Event::Expired,
            ReceiptKind::DeliveryError => Event::DeliveryError { cause },
            ReceiptKind::TakenInCharge | ReceiptKind::VirusFound => return Vec::new(),
        };
        let mailboxes = match &data.mailbox {
            Some(mailbox) => vec![key(mailbox)],
            None => data.recipients.iter().map(|r| key(&r.address)).collect(),
        };
        mailboxes.into_iter().map(|m| (m, event)).collect()
    }

    fn is_expiry(&self, data: &Daticert) -> bool {
        let words = data.extended_error.as_deref().unwrap_or_default().to_lowercase();
        (words.contains("temp") && words.contains("massim"))
            || self.subject.starts_with("AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO")
    }
}

/// Addresses are compared without regard to case and blanks.
fn key(address: &str) -> String {
    address.trim().to_lowercase()
}

/// Parses a message.
///
/// # Errors
/// When it is no message, or a deciding header contradicts itself.
pub fn parse(raw: &[u8]) -> Result<Mail<'_>, ParseError> {
    let message = MessageParser::default().parse(raw).ok_or(ParseError::NotAMessage)?;
    if message.root_part().headers.is_empty() {
        return Err(ParseError::NotAMessage);
    }
    let kind = kind(&message)?;
    let mut mail = Mail {
        kind,
        message_id: message.message_id().map(|m| bare(m).to_owned()),
        reference: single(&message, "X-Riferimento-Message-ID")?.map(|r| bare(&r).to_owned()),
        from: first_address(message.from()).1,
        subject: message.subject().unwrap_or_default().to_owned(),
        date: date(&message),
        signed: None,
        daticert: None,
        original: None,
        content: Content::default(),
    };
    if kind == Kind::Ordinary {
        mail.content = content(message);
        return Ok(mail);
    }
    open(raw, message, &mut mail);
    Ok(mail)
}

fn kind(message: &Message<'_>) -> Result<Kind, ParseError> {
    if let Some(transport) = single(message, "X-Trasporto")? {
        return match transport.to_ascii_lowercase().as_str() {
            "posta-certificata" => Ok(Kind::Envelope),
            "errore" => Ok(Kind::Anomaly),
            _ => Err(ParseError::Ambiguous("X-Trasporto")),
        };
    }
    match single(message, "X-Ricevuta")? {
        Some(word) => ReceiptKind::parse(&word).map(Kind::Receipt).ok_or(ParseError::Ambiguous("X-Ricevuta")),
        None => Ok(Kind::Ordinary),
    }
}

/// The value of a top-level header that must not contradict itself.
fn single(message: &Message<'_>, name: &'static str) -> Result<Option<String>, ParseError> {
    let mut found: Option<String> = None;
    for header in message.root_part().headers.iter().filter(|h| h.name.as_str().eq_ignore_ascii_case(name)) {
        let value = match &header.value {
            HeaderValue::Text(text) => text.trim().to_owned(),
            HeaderValue::TextList(list) => list.iter().map(|t| t.trim()).collect::<Vec<_>>().join(" "),
            _ => String::new(),
        };
        if found.as_ref().is_some_and(|before| *before != value) {
            return Err(ParseError::Ambiguous(name));
        }
        found = Some(value);
    }
    Ok(found.filter(|v| !v.is_empty()))
}

/// Finds the signed bytes, the certification data and the original inside a provider's message.
fn open<'a>(raw: &'a [u8], mut message: Message<'a>, mail: &mut Mail<'a>) {
    let children = |part: &MessagePart<'_>| match &part.body {
        PartType::Multipart(ids) => ids.iter().map(|id| *id as usize).collect(),
        _ => Vec::new(),
    };
    let root = message.root_part();
    let top: Vec<usize> = children(root);
    let is_signed = root.content_type().is_some_and(|t| t.subtype() == Some("signed"));
    if let (true, [content, signature]) = (is_signed, top.as_slice()) {
        mail.signed = signed(raw, &message.parts, *content, *signature);
    }
    let Some(mixed) = (if is_signed { top.first().copied() } else { Some(0) }) else { return };
    let inside: Vec<usize> = message.parts.get(mixed).map(children).unwrap_or_default();
    for id in inside {
        let Some(part) = message.parts.get_mut(id) else { continue };
        let named = |name: &str| part.attachment_name().is_some_and(|n| n.eq_ignore_ascii_case(name));
        if mail.daticert.is_none() && named("daticert.xml") {
            mail.daticert = Some(daticert::read(&exact_bytes(raw, part)));
        } else if mail.original.is_none() && (named("postacert.eml") || part.is_message()) {
            mail.original = Some(original_bytes(raw, part));
            if let PartType::Message(inner) = std::mem::take(&mut part.body) {
                mail.content = content(inner);
            }
        }
    }
}

/// The bytes from the first header of the signed part to the line break before the next boundary, which belongs
/// to the boundary (RFC 1847, 2.1).
fn signed<'a>(
    raw: &'a [u8],
    parts: &[MessagePart<'a>],
    content: usize,
    signature: usize,
) -> Option<Signed<'a>> {
    let (content, signature) = (parts.get(content)?, parts.get(signature)?);
    let before = raw.get(content.offset_header as usize..signature.offset_header as usize)?;
    let boundary = before.strip_suffix(b"\n")?;
    let line = boundary.iter().rposition(|b| *b == b'\n')?;
    if !boundary.get(line + 1..)?.starts_with(b"--") {
        return None;
    }
    let body = before.get(..line)?;
    let body = body.strip_suffix(b"\r").unwrap_or(body);
    let kind = signature.content_type().and_then(|t| t.subtype()).unwrap_or_default();
    let is_signature =
        kind.eq_ignore_ascii_case("pkcs7-signature") || kind.eq_ignore_ascii_case("x-pkcs7-signature");
    is_signature.then(|| Signed { content: body, signature: exact_bytes(raw, signature) })
}

fn original_bytes<'a>(raw: &'a [u8], part: &MessagePart<'a>) -> Cow<'a, [u8]> {
    match &part.body {
        PartType::Message(inner) if part.encoding != Encoding::None => Cow::Owned(inner.raw_message.to_vec()),
        _ => exact_bytes(raw, part),
    }
}

/// The bytes of a part after transfer decoding, without the character-set conversion done for reading.
fn exact_bytes<'a>(raw: &'a [u8], part: &MessagePart<'a>) -> Cow<'a, [u8]> {
    match &part.body {
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes.clone(),
        _ => {
            let body = raw.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
            let decoded = match part.encoding {
                Encoding::Base64 => mail_parser::decoders::base64::base64_decode(body),
                Encoding::QuotedPrintable => {
                    mail_parser::decoders::quoted_printable::quoted_printable_decode(body)
                }
                _ => None,
            };
            decoded.map_or(Cow::Borrowed(body), Cow::Owned)
        }
    }
}

/// Reads what a person wrote, taking the files out of the parsed message without copying them.
fn content(message: Message<'_>) -> Content<'_> {
    let (from_name, from) = first_address(message.from());
    let to = [message.to(), message.cc()].into_iter().flatten();
    let mut it = Content {
        message_id: message.message_id().map(|m| bare(m).to_owned()),
        reference: single(&message, "X-Riferimento-Message-ID").ok().flatten().map(|r| bare(&r).to_owned()),
        answers: message.in_reply_to().as_text_list().and_then(|l| l.first()).map(|m| bare(m).to_owned()),
        from_name,
        from,
        to: to.flat_map(|a| a.iter()).filter_map(|a| a.address.as_deref()).map(key).collect(),
        subject: message.subject().unwrap_or_default().to_owned(),
        written_at: date(&message),
        text: message.body_text(0).map(Cow::into_owned).unwrap_or_default(),
        attachments: Vec::new(),
        automatic: is_automatic(&message),
    };
    let Message { attachments, mut parts, raw_message, .. } = message;
    for id in attachments {
        let Some(part) = parts.get_mut(id as usize) else { continue };
        let name = file_name(part, it.attachments.len() + 1);
        let media_type = media_type(part);
        let bytes = match std::mem::take(&mut part.body) {
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes,
            body => {
                part.body = body;
                Cow::Owned(match &raw_message {
                    Cow::Borrowed(raw) => exact_bytes(raw, part).into_owned(),
                    Cow::Owned(raw) => exact_bytes(raw, part).into_owned(),
                })
            }
        };
        it.attachments.push(Attached { name, media_type, bytes });
    }
    it
}

fn first_address(address: Option<&Address<'_>>) -> (String, String) {
    let first = address.and_then(|a| a.first());
    let text = |part: Option<&Cow<'_, str>>| part.map(|t| t.trim().to_owned()).unwrap_or_default();
    (text(first.and_then(|a| a.name.as_ref())), key(&text(first.and_then(|a| a.address.as_ref()))))
}

fn date(message: &Message<'_>) -> Option<Timestamp> {
    let date = message.date().filter(|d| d.is_valid())?;
    Timestamp::from_second(date.to_timestamp()).ok()
}

fn is_automatic(message: &Message<'_>) -> bool {
    let value = |name| single(message, name).ok().flatten().unwrap_or_default().to_ascii_lowercase();
    let submitted = value("Auto-Submitted");
    (!submitted.is_empty() && submitted != "no")
        || matches!(value("Precedence").as_str(), "bulk" | "list" | "junk" | "auto_reply")
        || !value("X-Auto-Response-Suppress").is_empty()
        || message.root_part().content_type().is_some_and(|t| t.subtype() == Some("report"))
}

fn media_type(part: &MessagePart<'_>) -> String {
    match part.content_type() {
        Some(t) => format!("{}/{}", t.ctype(), t.subtype().unwrap_or("octet-stream")).to_ascii_lowercase(),
        None => "application/octet-stream".to_owned(),
    }
}

/// The declared name without folders and control characters; a numbered one when there is none.
fn file_name(part: &MessagePart<'_>, number: usize) -> String {
    let declared = part.attachment_name().unwrap_or_default();
    let last = declared.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    match clean.trim().trim_matches('.') {
        "" if part.is_message() => format!("messaggio-{number}.eml"),
        "" => format!("allegato-{number}"),
        name => name.to_owned(),
    }
}
