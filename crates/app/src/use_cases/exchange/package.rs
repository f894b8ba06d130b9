//! Composes what leaves: the entry's files, its sealed segnatura, the covering text, as one message.
//!
//! The same bytes go to the hub and to mail, so what a body of the hub receives is what an outside body would.
//! The bytes are made once per attempt, kept, and never made again.

use super::roads::Exchange;
use crate::error::{Error, Result};
use channels::compose::encoded_size;
use channels::{Attachment, Letter, compose};
use documents::segnatura::{
    self, Class, ClassCode, Coded, Document, Fingerprint, Header, Identifier, Recipient, Segnatura, Subject,
};
use domain::Moment;
use domain::body::{Body, IpaCode};
use domain::ids::LookId;
use domain::message::{Channel, ReceiptForm};
use domain::register::{RegisteredFile, Registration};
use store::deliveries::StoredDelivery;
use store::outbox::Outgoing;
use store::trace::Look;
use store::{bodies, register};

/// Largest message inside the hub, bytes: both sides hold it in memory while it is handed over.
pub const HUB_LIMIT: u64 = 64 * 1024 * 1024;

/// What composing came to.
pub enum Packed {
    /// It may leave.
    Ready(Package),
    /// Its files alone are larger than its road allows.
    TooLarge {
        /// Bytes on the wire.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
}

/// A message ready to leave.
pub struct Package {
    /// Sender's address as the channel knows it.
    pub from: String,
    /// The bytes.
    pub raw: Vec<u8>,
}

/// Composes the message of one attempt.
///
/// # Errors
/// `Problem` when something it needs cannot be read, or the body has no account or seal.
pub async fn package(exchange: &Exchange, row: &Outgoing, delivery: &StoredDelivery) -> Result<Packed> {
    let code = row.body.clone();
    let body = exchange.context(&code).read(move |r| Ok(bodies::find(r, &code)?)).await?;
    let body = body.ok_or_else(|| Error::Bug(format!("{} sends and is not there", row.body)))?;
    let from = sender_address(exchange, &body, row.channel)?;
    let (subject, attachments) = match (&delivery.notice, &delivery.registration) {
        (Some((name, xml)), _) => {
            let file = Attachment {
                name: name.clone(),
                media_type: "application/xml".into(),
                bytes: xml.clone().into_bytes(),
            };
            (format!("[{}] {}", body.ipa_code, name.trim_end_matches(".xml")), vec![file])
        }
        (None, Some(id)) => {
            let entry = open_entry(exchange, &row.body, id.clone()).await?;
            let limit = limit(exchange, row.channel);
            let size = all_files(&entry).map(|file| encoded_size(file.size)).sum();
            if size > limit {
                return Ok(Packed::TooLarge { size, limit });
            }
            let files = open_files(exchange, &entry, limit).await?;
            entry_parts(exchange, &body, &entry, delivery, files).await?
        }
        (None, None) => return Err(Error::Bug(format!("{} sends nothing", delivery.id))),
    };
    let letter = Letter {
        message_id: row.message_id.clone(),
        from_name: body.name.clone(),
        from: from.clone(),
        to: vec![recipient_address(delivery)],
        cc: Vec::new(),
        subject,
        written_at: exchange.app.clock.now().at.as_second(),
        answers: None,
        receipt: (row.channel == Channel::Pec).then_some(ReceiptForm::Complete),
        text: delivery.text.clone(),
        attachments,
    };
    Ok(Packed::Ready(Package { from, raw: compose(&letter) }))
}

/// Bytes on the wire that a road takes.
pub fn limit(exchange: &Exchange, channel: Channel) -> u64 {
    if channel == Channel::Hub { HUB_LIMIT } else { exchange.message_limit }
}

fn all_files(entry: &Registration) -> impl Iterator<Item = &RegisteredFile> {
    std::iter::once(&entry.document).chain(&entry.attachments)
}

fn sender_address(exchange: &Exchange, body: &Body, channel: Channel) -> Result<String> {
    if channel == Channel::Hub {
        return Ok(hub_address(&body.ipa_code));
    }
    let account = exchange.account(&body.ipa_code, channel);
    let none = || Error::Problem(format!("{} has no {} account", body.ipa_code, channel.name()));
    account.map(|a| a.address.clone()).ok_or_else(none)
}

fn recipient_address(delivery: &StoredDelivery) -> String {
    match (delivery.channel, &delivery.recipient_body) {
        (Channel::Hub, Some(body)) => hub_address(body),
        _ => delivery.address.clone(),
    }
}

/// In the hub a body is addressed by its code; the domain exists nowhere else.
pub fn hub_address(body: &IpaCode) -> String {
    format!("{body}@hub.telaio.invalid")
}

/// The entry, looked at by the program in order to deliver it.
async fn open_entry(
    exchange: &Exchange,
    body: &IpaCode,
    id: domain::ids::RegistrationId,
) -> Result<Registration> {
    let ctx = exchange.context(body);
    let look = Look {
        id: ctx.mint::<LookId>(),
        actor: "system".into(),
        body: body.clone(),
        unit: None,
        purpose: "delivery".into(),
        norm: Some("D.Lgs. 82/2005, art. 47".into()),
        case: None,
        subjects: vec![id.to_string()],
    };
    let found = ctx.read(move |r| Ok(register::find(r, &id)?)).await?.ok_or(Error::NotFound)?;
    Ok(exchange.app.store.open_traced::<_, Error>(look, found).await?.into_inner())
}

async fn open_files(exchange: &Exchange, entry: &Registration, limit: u64) -> Result<Vec<Attachment>> {
    let mut files = Vec::new();
    for file in all_files(entry) {
        let bytes = exchange.app.store.blob_bytes(&entry.body, &file.sha256, limit).await?;
        let bytes = bytes.ok_or_else(|| Error::Damaged(format!("the bytes of {} are gone", file.id)))?;
        files.push(Attachment {
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            bytes: bytes.to_vec(),
        });
    }
    Ok(files)
}

/// Subject and files of a protocol message: the main document, the attachments, the segnatura.
async fn entry_parts(
    exchange: &Exchange,
    body: &Body,
    entry: &Registration,
    delivery: &StoredDelivery,
    mut files: Vec<Attachment>,
) -> Result<(String, Vec<Attachment>)> {
    let xml =
        segnatura::write(&segnatura_of(body, entry, delivery)?).map_err(|e| Error::Bug(e.to_string()))?;
    let at = exchange.app.clock.now().at;
    let sealed = crate::seals::seal_xml(&exchange.app, &body.ipa_code, xml, at).await?;
    files.push(Attachment {
        name: segnatura::FILE_NAME.into(),
        media_type: "application/xml".into(),
        bytes: sealed.into_bytes(),
    });
    Ok((format!("[{} {}] {}", body.ipa_code, entry.full_label(), entry.subject), files))
}

/// The identifier of an entry of ours, as other registers cite it (D.P.R. 445/2000, art. 55).
pub fn identifier(body: &Body, entry: &Registration) -> Identifier {
    let local = Moment::new(entry.registered_at).local();
    let area = body.aoos.iter().find(|a| a.code == entry.aoo);
    Identifier {
        administration: Coded::named(body.ipa_code.as_str(), body.name.as_str()),
        aoo: Coded { code: entry.aoo.to_string(), description: area.map(|a| a.name.clone()) },
        register: Some(entry.register.to_string()),
        number: entry.number_label(),
        date: local.date(),
        time: Some(local.time().round(jiff::Unit::Second).unwrap_or(local.time())),
    }
}

fn segnatura_of(body: &Body, entry: &Registration, delivery: &StoredDelivery) -> Result<Segnatura> {
    let to = match &delivery.recipient_body {
        Some(code) => Subject::administration(delivery.recipient_name.as_str(), Coded::new(code.as_str())),
        None => Subject::LegalPerson {
            name: delivery.recipient_name.clone(),
            tax_code: None,
            contacts: segnatura::Contacts::mail(delivery.address.as_str()),
            people: Vec::new(),
        },
    };
    let sender = Subject::administration(body.name.as_str(), Coded::new(body.ipa_code.as_str()));
    let to = Recipient { subject: to, confirm: delivery.confirmation_asked, for_information: false };
    segnatura_between(body, entry, sender, vec![to])
}

/// The segnatura of an entry of ours, between a sender and its recipients.
///
/// # Errors
/// `Bug` when a fingerprint kept is none.
pub(crate) fn segnatura_between(
    body: &Body,
    entry: &Registration,
    sender: Subject,
    recipients: Vec<Recipient>,
) -> Result<Segnatura> {
    let class = entry.classification.as_deref().unwrap_or("0");
    let header = Header {
        id: identifier(body, entry),
        first: None,
        subject: entry.subject.clone(),
        class: Some(Class { name: class.to_owned(), code: ClassCode::Flat(class.to_owned()) }),
        dossier: None,
        confidential: entry.confidential.then_some(segnatura::Confidential { value: true, note: None }),
    };
    Ok(Segnatura {
        header,
        reference: None,
        sender,
        recipients,
        primary: document(&entry.document)?,
        attachments: entry.attachments.iter().map(document).collect::<Result<_>>()?,
    })
}

fn document(file: &RegisteredFile) -> Result<Document> {
    let digest = hex::decode(&file.sha256).map_err(|_| Error::Bug(format!("digest of {}", file.id)))?;
    Ok(Document {
        file_name: file.name.clone(),
        media_type: file.media_type.clone(),
        fingerprint: Some(Fingerprint { algorithm: "SHA-256".into(), bytes: digest }),
        ..Document::default()
    })
}
