//! What a provider does with a message: checks, certifies, delivers, answers with receipts, or misbehaves.
//!
//! One provider plays both sides, the sender's and the recipient's; each signs as `posta-certificata@` its own
//! domain. A domain is certified when one of its labels holds `pec` or `cert`; all others are ordinary mail.

use crate::authority::Authority;
use crate::boxes::Boxes;
use crate::mime::{Facts, Sheet, seal, transported};
use crate::script::{HangUps, Mood, Side};
use crate::{Clock, Settings};
use jiff::{SignedDuration, Timestamp};
use mail_builder::MessageBuilder;
use mail_parser::{Message, MessageParser, MimeHeaders};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The harmless string every virus scanner takes for a virus, in two halves so that this file is not taken for one.
const TRIAL_VIRUS: [&str; 2] = ["EICAR-STANDARD-ANTI", "VIRUS-TEST-FILE"];

/// What became of a message handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The provider's identifier of the message.
    pub identifier: String,
    /// Whether it was accepted; if not, a notice says why.
    pub accepted: bool,
}

/// The provider.
pub struct Provider {
    authority: Authority,
    boxes: Boxes,
    clock: Clock,
    password: String,
    moods: Mutex<HashMap<String, Mood>>,
    pub(crate) hang_ups: HangUps,
    count: AtomicU64,
}

/// A message on its way, and who asked for what.
struct Parcel<'a> {
    sender: &'a str,
    recipients: Vec<(String, bool)>,
    message_id: String,
    subject: String,
    receipt: String,
    identifier: String,
    raw: &'a [u8],
    at: Timestamp,
}

/// A receipt or notice to be written.
struct Notice<'a> {
    header: &'a str,
    prefix: &'a str,
    error: &'a str,
    domain: &'a str,
    at: Timestamp,
    mailbox: Option<&'a str>,
    form: Option<&'a str>,
    extended: Option<&'a str>,
    original: Option<Vec<u8>>,
}

impl<'a> Notice<'a> {
    fn of(header: &'a str, prefix: &'a str, domain: &'a str, at: Timestamp) -> Self {
        Self {
            header,
            prefix,
            error: "nessuno",
            domain,
            at,
            mailbox: None,
            form: None,
            extended: None,
            original: None,
        }
    }
}

impl Provider {
    /// Opens the provider over its folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(settings: &Settings, authority: Authority) -> io::Result<Self> {
        Ok(Self {
            authority,
            boxes: Boxes::open(&settings.folder)?,
            clock: settings.clock.clone(),
            password: settings.password.clone(),
            moods: Mutex::default(),
            hang_ups: HangUps::default(),
            count: AtomicU64::new(0),
        })
    }

    /// The certificate a trust store must hold.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn trust_pem(&self) -> io::Result<Vec<u8>> {
        self.authority.trust_pem()
    }

    /// The mailboxes.
    pub fn boxes(&self) -> &Boxes {
        &self.boxes
    }

    /// Makes a box behave in a way, whatever its name says.
    pub fn set_mood(&self, address: &str, mood: Mood) {
        self.moods.lock().unwrap_or_else(PoisonError::into_inner).insert(address.to_lowercase(), mood);
    }

    /// Makes the servers hang up, once, at a step of a conversation: a verb of SMTP or IMAP, `SMTP` or `IMAP` for the
    /// greeting, `TEXT` for a message that was read and not taken yet. The step passes so many times before.
    pub fn hang_up(&self, side: Side, step: &str, passes: u32) {
        self.hang_ups.plan(side, step, passes);
    }

    /// How many of the planned hang-ups have not happened yet.
    pub fn hang_ups_left(&self) -> usize {
        self.hang_ups.left()
    }

    /// Whether the password opens the box.
    pub fn lets_in(&self, address: &str, password: &str) -> bool {
        is_of_trial(address)
            && (password.len() == self.password.len()
                && openssl::memcmp::eq(password.as_bytes(), self.password.as_bytes()))
    }

    /// Releases what fell due.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn release(&self) -> io::Result<usize> {
        self.boxes.release((self.clock)())
    }

    /// Takes a message from a signed-in sender.
    ///
    /// # Errors
    /// When the folder cannot be written: nothing was taken.
    pub fn submit(&self, sender: &str, recipients: &[String], raw: &[u8]) -> io::Result<Submitted> {
        let at = (self.clock)();
        let message = MessageParser::default().parse(raw).unwrap_or_default();
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let parcel = Parcel {
            sender,
            recipients: recipients.iter().map(|r| (r.to_lowercase(), is_certified(r))).collect(),
            message_id: message.message_id().unwrap_or("senza-identificativo").to_owned(),
            subject: message.subject().unwrap_or_default().to_owned(),
            receipt: header(&message, "X-TipoRicevuta").unwrap_or_else(|| "completa".to_owned()),
            identifier: format!("prova.{}.{number}@{}", at.as_microsecond(), domain_of(sender)),
            raw,
            at,
        };
        let identifier = parcel.identifier.clone();
        if !is_certified(sender) {
            self.pass_ordinary(&parcel)?;
            return Ok(Submitted { identifier, accepted: true });
        }
        if let Some((error, why)) = self.formal_fault(&parcel, &message) {
            self.refuse(&parcel, error, why)?;
            return Ok(Submitted { identifier, accepted: false });
        }
        let backwards = parcel.recipients.iter().any(|(r, _)| self.mood(r) == Mood::Backwards);
        if !backwards {
            self.accept(&parcel)?;
        }
        for (recipient, certified) in &parcel.recipients {
            match certified {
                true => self.carry(&parcel, recipient)?,
                false => drop(self.boxes.put(recipient, "INBOX", raw)?),
            }
        }
        if backwards {
            self.accept(&parcel)?;
        }
        Ok(Submitted { identifier, accepted: true })
    }

    pub(crate) fn mood(&self, address: &str) -> Mood {
        let moods = self.moods.lock().unwrap_or_else(PoisonError::into_inner);
        moods.get(address).copied().unwrap_or_else(|| Mood::of(address))
    }

    /// RFC 6109, 3.1.1: header and envelope must say the same, and nobody may be hidden.
    fn formal_fault(
        &self,
        parcel: &Parcel<'_>,
        message: &Message<'_>,
    ) -> Option<(&'static str, &'static str)> {
        if holds_trial_virus(message) {
            return Some(("virus", "virus di prova"));
        }
        if message.bcc().is_some() {
            return Some(("altro", "Il messaggio non rispetta i controlli formali: campo Bcc valorizzato"));
        }
        let from = message.from().and_then(|a| a.first()).and_then(|a| a.address.as_deref());
        if !from.is_some_and(|f| f.eq_ignore_ascii_case(parcel.sender)) {
            return Some(("altro", "Il messaggio non rispetta i controlli formali: mittente diverso"));
        }
        let written: BTreeSet<String> = [message.to(), message.cc()]
            .into_iter()
            .flatten()
            .flat_map(|a| a.iter())
            .filter_map(|a| a.address.as_deref())
            .map(str::to_lowercase)
            .collect();
        if written != parcel.recipients.iter().map(|(r, _)| r.clone()).collect() {
            return Some(("altro", "Il messaggio non rispetta i controlli formali: destinatari diversi"));
        }
        parcel.recipients.iter().find_map(|(recipient, _)| self.mood(recipient).not_accepted())
    }

    fn accept(&self, parcel: &Parcel<'_>) -> io::Result<()> {
        let notice = Notice::of("accettazione", "ACCETTAZIONE: ", domain_of(parcel.sender), parcel.at);
        self.notify(parcel, notice)
    }

    fn refuse(&self, parcel: &Parcel<'_>, error: &str, why: &str) -> io::Result<()> {
        let virus = error == "virus";
        let prefix =
            if virus { "AVVISO DI NON ACCETTAZIONE PER VIRUS: " } else { "AVVISO DI NON ACCETTAZIONE: " };
        let notice = Notice::of("non-accettazione", prefix, domain_of(parcel.sender), parcel.at);
        self.notify(parcel, Notice { error, extended: Some(why), ..notice })
    }

    /// Carries the message to one certified box, as its mood wants.
    fn carry(&self, parcel: &Parcel<'_>, recipient: &str) -> io::Result<()> {
        let mood = self.mood(recipient);
        let sender_side = domain_of(parcel.sender);
        if matches!(mood, Mood::Slow | Mood::Silent | Mood::Late) {
            let at = parcel.at + SignedDuration::from_hours(12);
            self.notify(parcel, overdue("preavviso-errore-consegna", sender_side, at, recipient, "12"))?;
        }
        if matches!(mood, Mood::Silent | Mood::Late) {
            let at = parcel.at + SignedDuration::from_hours(24);
            self.notify(parcel, overdue("errore-consegna", sender_side, at, recipient, "24"))?;
        }
        if let Some((error, why)) = mood.refusal() {
            let virus = mood == Mood::Virus;
            let prefix =
                if virus { "AVVISO DI MANCATA CONSEGNA PER VIRUS: " } else { "AVVISO DI MANCATA CONSEGNA: " };
            let domain = if virus { sender_side } else { domain_of(recipient) };
            let notice = Notice::of("errore-consegna", prefix, domain, parcel.at);
            self.notify(parcel, Notice { error, mailbox: Some(recipient), extended: Some(why), ..notice })?;
        }
        match mood.delivered_after() {
            Some(after) => self.deliver(parcel, recipient, mood, parcel.at + after),
            None => Ok(()),
        }
    }

    fn deliver(&self, parcel: &Parcel<'_>, recipient: &str, mood: Mood, at: Timestamp) -> io::Result<()> {
        let original = transported(parcel.raw, &parcel.identifier, &parcel.message_id);
        self.post(recipient, at, &self.envelope(parcel, recipient, original.clone(), at)?)?;
        if mood == Mood::Lost {
            return Ok(());
        }
        let form = match mood {
            Mood::Brief => "breve",
            Mood::Synthetic => "sintetica",
            _ => parcel.receipt.as_str(),
        };
        let original = match form {
            "sintetica" => None,
            "breve" => Some(brief(&original, &parcel.identifier)),
            _ => Some(original),
        };
        let notice = Notice::of("avvenuta-consegna", "CONSEGNA: ", domain_of(recipient), at);
        self.notify(parcel, Notice { mailbox: Some(recipient), form: Some(form), original, ..notice })
    }

    fn envelope(
        &self,
        parcel: &Parcel<'_>,
        recipient: &str,
        original: Vec<u8>,
        at: Timestamp,
    ) -> io::Result<Vec<u8>> {
        let facts = facts(parcel, "posta-certificata", parcel.at);
        let facts = Facts { receipt: Some(&parcel.receipt), ..facts };
        let domain = domain_of(parcel.sender);
        let sheet = Sheet {
            at,
            headers: vec![
                ("Date", mail_date(at)),
                ("From", format!("\"Per conto di: {}\" <posta-certificata@{domain}>", parcel.sender)),
                ("Reply-To", parcel.sender.to_owned()),
                ("To", recipient.to_owned()),
                ("Subject", format!("POSTA CERTIFICATA: {}", parcel.subject)),
                ("Message-ID", format!("<{}>", parcel.identifier)),
                ("X-Trasporto", "posta-certificata".to_owned()),
                ("X-TipoRicevuta", parcel.receipt.clone()),
                ("X-Riferimento-Message-ID", format!("<{}>", parcel.message_id)),
            ],
            text: format!("Messaggio di posta certificata (prova)\nMittente: {}\n", parcel.sender),
            facts: Some(&facts),
            original: Some(original),
        };
        seal(&sheet, &self.authority, domain, &self.unique(at))
    }

    /// Writes a receipt or notice into the sender's inbox, twice if a box wants that.
    fn notify(&self, parcel: &Parcel<'_>, notice: Notice<'_>) -> io::Result<()> {
        let facts = Facts {
            error: notice.error,
            receipt: notice.form,
            mailbox: notice.mailbox,
            extended: notice.extended,
            ..facts(parcel, notice.header, notice.at)
        };
        let unique = self.unique(notice.at);
        let mut headers = vec![
            ("Date", mail_date(notice.at)),
            ("From", format!("posta-certificata@{}", notice.domain)),
            ("To", parcel.sender.to_owned()),
            ("Subject", format!("{}{}", notice.prefix, parcel.subject)),
            ("Message-ID", format!("<ric.{unique}@{}>", notice.domain)),
            ("X-Ricevuta", notice.header.to_owned()),
            ("X-Riferimento-Message-ID", format!("<{}>", parcel.message_id)),
        ];
        if notice.error == "virus" {
            headers.push(("X-VerificaSicurezza", "errore".to_owned()));
        }
        let text = format!("{}{}\n(prova)\n", notice.prefix, parcel.subject);
        let sheet = Sheet { at: notice.at, headers, text, facts: Some(&facts), original: notice.original };
        let raw = seal(&sheet, &self.authority, notice.domain, &unique)?;
        self.post(parcel.sender, notice.at, &raw)?;
        if parcel.recipients.iter().any(|(r, _)| self.mood(r) == Mood::Twice) {
            self.post(parcel.sender, notice.at, &raw)?;
        }
        Ok(())
    }

    /// Ordinary mail: passes as it is, into certified boxes inside an anomaly envelope.
    fn pass_ordinary(&self, parcel: &Parcel<'_>) -> io::Result<()> {
        for (recipient, certified) in &parcel.recipients {
            if !certified {
                self.boxes.put(recipient, "INBOX", parcel.raw)?;
                continue;
            }
            let domain = domain_of(recipient);
            let unique = self.unique(parcel.at);
            let sheet = Sheet {
                at: parcel.at,
                headers: vec![
                    ("Date", mail_date(parcel.at)),
                    ("From", format!("\"Per conto di: {}\" <posta-certificata@{domain}>", parcel.sender)),
                    ("Reply-To", parcel.sender.to_owned()),
                    ("To", recipient.clone()),
                    ("Subject", format!("ANOMALIA MESSAGGIO: {}", parcel.subject)),
                    ("Message-ID", format!("<ano.{unique}@{domain}>")),
                    ("X-Trasporto", "errore".to_owned()),
                ],
                text: "Anomalia nel messaggio (prova): posta ordinaria\n".to_owned(),
                facts: None,
                original: Some(parcel.raw.to_vec()),
            };
            self.post(recipient, parcel.at, &seal(&sheet, &self.authority, domain, &unique)?)?;
        }
        Ok(())
    }

    fn post(&self, address: &str, at: Timestamp, raw: &[u8]) -> io::Result<()> {
        if at <= (self.clock)() {
            return self.boxes.put(address, "INBOX", raw).map(drop);
        }
        self.boxes.put_later(address, at, self.count.fetch_add(1, Ordering::Relaxed), raw)
    }

    fn unique(&self, at: Timestamp) -> String {
        format!("{:x}-{:x}", at.as_microsecond(), self.count.fetch_add(1, Ordering::Relaxed))
    }
}

fn facts<'a>(parcel: &'a Parcel<'_>, kind: &'a str, at: Timestamp) -> Facts<'a> {
    Facts {
        kind,
        error: "nessuno",
        sender: parcel.sender,
        recipients: &parcel.recipients,
        subject: &parcel.subject,
        at,
        identifier: &parcel.identifier,
        message_id: &parcel.message_id,
        receipt: None,
        mailbox: None,
        extended: None,
    }
}

fn overdue<'a>(header: &'a str, domain: &'a str, at: Timestamp, mailbox: &'a str, hours: &str) -> Notice<'a> {
    let prefix = "AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO: ";
    let extended = if hours == "12" {
        "superamento dei tempi massimi previsti (12 ore)"
    } else {
        "superamento dei tempi massimi previsti (24 ore)"
    };
    let notice = Notice::of(header, prefix, domain, at);
    Notice { error: "altro", mailbox: Some(mailbox), extended: Some(extended), ..notice }
}

/// The message with its attachments replaced by their digests.
fn brief(original: &[u8], identifier: &str) -> Vec<u8> {
    let Some(message) = MessageParser::default().parse(original) else { return Vec::new() };
    let text = message.body_text(0).unwrap_or_default();
    let mut copy = MessageBuilder::new()
        .message_id(identifier.to_owned())
        .subject(message.subject().unwrap_or_default().to_owned())
        .date(message.date().map_or(0, mail_parser::DateTime::to_timestamp))
        .text_body(text.into_owned());
    for part in message.attachments() {
        let digest = openssl::sha::sha1(part.contents());
        let name = format!("{}.hash", part.attachment_name().unwrap_or("allegato"));
        let words: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        copy = copy.attachment("text/plain", name, words);
    }
    copy.write_to_vec().unwrap_or_default()
}

fn holds_trial_virus(message: &Message<'_>) -> bool {
    let pattern = TRIAL_VIRUS.concat();
    let holds = |bytes: &[u8]| bytes.windows(pattern.len()).any(|w| w == pattern.as_bytes());
    message.parts.iter().any(|part| !part.is_multipart() && holds(part.contents()))
}

fn header(message: &Message<'_>, name: &'static str) -> Option<String> {
    message.header(name).and_then(|h| h.as_text()).map(|t| t.trim().to_lowercase())
}

fn mail_date(at: Timestamp) -> String {
    at.to_zoned(domain::moment::rome()).strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}

pub(crate) fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

fn is_certified(address: &str) -> bool {
    domain_of(address).to_lowercase().split('.').any(|label| label.contains("pec") || label.contains("cert"))
}

/// Whether an address is one the sandbox may speak to.
pub(crate) fn is_of_trial(address: &str) -> bool {
    address.matches('@').count() == 1 && domain_of(address).to_lowercase().ends_with(".test")
}
