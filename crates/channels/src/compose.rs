//! Writes the bytes of a message that leaves: headers of our choice, text, attachments.
//!
//! The Message-ID is given by the caller, which stores it first; recipients stand in To and Cc only, because a
//! blind copy makes a certified message formally wrong (RFC 6109, 3.1.1). Nothing here talks to a server.

use domain::message::ReceiptForm;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// File name shown to the recipient.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// A message as its writer thinks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Message-ID without angle brackets, unique, stored before sending.
    pub message_id: String,
    /// Display name of the sender.
    pub from_name: String,
    /// Address of the sender.
    pub from: String,
    /// Main recipients.
    pub to: Vec<String>,
    /// Recipients in copy.
    pub cc: Vec<String>,
    /// Subject; entry number first (`[c_g999 0184300/2026] …`).
    pub subject: String,
    /// Instant of writing, seconds since 1970 (UTC).
    pub written_at: i64,
    /// Message-ID of the message this one answers, without brackets.
    pub answers: Option<String>,
    /// The delivery receipt asked of the certified-mail provider; none for ordinary mail.
    pub receipt: Option<ReceiptForm>,
    /// Text of the message.
    pub text: String,
    /// Files.
    pub attachments: Vec<Attachment>,
}

/// The bytes of the letter, with CRLF line ends.
pub fn compose(letter: &Letter) -> Vec<u8> {
    let list = |all: &[String]| Address::new_list(all.iter().map(|a| Address::from(clean(a))).collect());
    let mut message = MessageBuilder::new()
        .message_id(clean(&letter.message_id))
        .date(Date::new(letter.written_at))
        .from((clean(&letter.from_name), clean(&letter.from)))
        .to(list(&letter.to))
        .subject(clean(&letter.subject))
        .text_body(letter.text.as_str());
    if !letter.cc.is_empty() {
        message = message.cc(list(&letter.cc));
    }
    if let Some(answered) = &letter.answers {
        message = message.in_reply_to(clean(answered)).references(clean(answered));
    }
    if let Some(form) = letter.receipt {
        message = message.header("X-TipoRicevuta", Raw::new(form.word()));
    }
    for file in &letter.attachments {
        message = message.attachment(clean(&file.media_type), clean(&file.name), file.bytes.as_slice());
    }
    // Writing to memory cannot fail; an empty message would be refused by every server.
    message.write_to_vec().unwrap_or_default()
}

/// Header values never carry line ends: what a user typed cannot add a header.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// Bytes on the wire of a file of `size` bytes: base64 in lines of 76 characters, and its headers.
pub fn encoded_size(size: u64) -> u64 {
    let text = size.div_ceil(3) * 4;
    text + text.div_ceil(76) * 2 + 400
}

/// Distributes files over as few messages as their order allows, each within `limit` bytes on the wire.
///
/// The answer lists the indexes of the files of each message; files that fit in no message alone are returned
/// apart, to be offered as a link with their digest. Order is kept: part 1/3, 2/3, 3/3 read as one.
pub fn split_by_size(sizes: &[u64], limit: u64) -> (Vec<Vec<usize>>, Vec<usize>) {
    let (mut parts, mut too_large) = (Vec::<Vec<usize>>::new(), Vec::new());
    let mut room = 0;
    for (i, size) in sizes.iter().map(|s| encoded_size(*s)).enumerate() {
        if size > limit {
            too_large.push(i);
            continue;
        }
        match parts.last_mut() {
            Some(part) if size <= room => part.push(i),
            _ => {
                parts.push(vec![i]);
                room = limit;
            }
        }
        room -= size;
    }
    (parts, too_large)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::{MessageParser, MimeHeaders};
    use proptest::prelude::*;

    fn letter() -> Letter {
        Letter {
            message_id: "out_1@telaio.test".into(),
            from_name: "Comune di Prova – Protocollo".into(),
            from: "protocollo@comune.prova.test".into(),
            to: vec!["ditta@pec.prova.test".into()],
            cc: vec!["ente@pec.prova.test".into()],
            subject: "[c_g999 0184300/2026] Perché sì: è così".into(),
            written_at: 1_795_000_000,
            answers: Some("prima@pec.prova.test".into()),
            receipt: Some(ReceiptForm::Complete),
            text: "Si trasmette quanto in oggetto.\n".into(),
            attachments: vec![Attachment {
                name: "relazione è.pdf".into(),
                media_type: "application/pdf".into(),
                bytes: (0..=255).cycle().take(5_000).collect(),
            }],
        }
    }

    #[test]
    fn a_letter_reads_back_as_written() {
        let raw = compose(&letter());
        let read = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(read.message_id(), Some("out_1@telaio.test"));
        assert_eq!(read.subject(), Some("[c_g999 0184300/2026] Perché sì: è così"));
        assert_eq!(read.header("X-TipoRicevuta").and_then(|h| h.as_text()), Some("completa"));
        assert_eq!(read.attachment(0).unwrap().contents(), letter().attachments[0].bytes);
        assert_eq!(read.attachment(0).unwrap().attachment_name(), Some("relazione è.pdf"));
        assert!(read.bcc().is_none());
        assert!(!raw.windows(2).any(|w| w[1] == b'\n' && w[0] != b'\r'));
    }

    #[test]
    fn what_people_type_cannot_add_a_header() {
        let mut bad = letter();
        bad.subject = "Oggetto\r\nBcc: altri@prova.test".into();
        bad.from_name = "Nome\nX-Ricevuta: accettazione".into();
        let raw = compose(&bad);
        let read = MessageParser::default().parse(&raw).unwrap();
        assert!(read.bcc().is_none());
        assert!(read.header("X-Ricevuta").is_none());
    }

    proptest! {
        #[test]
        fn splitting_keeps_every_file_once_and_in_order(
            sizes in proptest::collection::vec(0u64..40_000, 0..20), limit in 1_000u64..60_000,
        ) {
            let (parts, too_large) = split_by_size(&sizes, limit);
            let kept: Vec<usize> = parts.iter().flatten().copied().collect();
            let mut all = [kept.clone(), too_large].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..sizes.len()).collect::<Vec<_>>());
            prop_assert!(kept.is_sorted());
            for part in parts {
                let total: u64 = part.iter().map(|i| encoded_size(sizes[*i])).sum();
                prop_assert!(total <= limit);
            }
        }
    }
}
