//! The words of a message: subject, people, body and what is attached.

use mail_parser::{Address, MessageParser, MimeHeaders, PartType};

use super::{Sink, TextError, read as read_document};
use crate::inspect::{fenced, media_type};

pub(super) fn read(bytes: &[u8], sink: &mut Sink, depth: u8) -> Result<(), TextError> {
    let message = fenced(|| MessageParser::default().parse(bytes)).ok_or(TextError::Damaged)?;
    sink.push(message.subject().unwrap_or_default());
    sink.end();
    for people in [message.from(), message.to(), message.cc()].into_iter().flatten() {
        addresses(people, sink);
    }
    for at in 0..message.text_body_count() {
        sink.push(&message.body_text(at).unwrap_or_default());
        sink.end();
    }
    for part in message.attachments() {
        if sink.full() || depth == 0 {
            break;
        }
        if let Some(name) = part.attachment_name() {
            sink.push(name);
            sink.end();
        }
        attachment(&part.body, part.contents(), sink, depth - 1);
    }
    Ok(())
}

/// An attachment that cannot be read does not spoil the message.
fn attachment(body: &PartType<'_>, bytes: &[u8], sink: &mut Sink, depth: u8) {
    let outcome = match body {
        PartType::Message(inner) => read(inner.raw_message(), sink, depth),
        _ => {
            let kind = media_type(bytes);
            let kind = if kind == "application/zip" { super::office::kind(bytes) } else { kind };
            read_document(kind, bytes, sink, depth)
        }
    };
    if outcome.is_ok() {
        sink.end();
    }
}

fn addresses(people: &Address<'_>, sink: &mut Sink) {
    for person in people.iter() {
        sink.push(person.name().unwrap_or_default());
        sink.push(" ");
        sink.push(person.address().unwrap_or_default());
        sink.end();
    }
}
