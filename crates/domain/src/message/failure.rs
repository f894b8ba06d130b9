//! Why a message was refused or did not arrive, read from the words of certified mail.
//!
//! Providers name the cause twice: a short attribute and an extended text that begins with an enhanced status
//! code. Real ones write `altro` even for a box that does not exist, so the code decides and the attribute is
//! the fallback. This file must not know XML.

use serde::{Deserialize, Serialize};

/// How much of the message a delivery receipt carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptForm {
    /// The whole message.
    Complete,
    /// The message with attachments replaced by their digests.
    Brief,
    /// Only the certification data.
    Synthetic,
}

impl ReceiptForm {
    /// The word used in headers and certification data.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "completa",
            Self::Brief => "breve",
            Self::Synthetic => "sintetica",
        }
    }

    /// Reads the word, without regard to case.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Complete, Self::Brief, Self::Synthetic]
            .into_iter()
            .find(|f| f.word().eq_ignore_ascii_case(word.trim()))
    }
}

/// Why it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The mailbox does not exist or was revoked (5.1.x).
    NoSuchBox,
    /// The domain is unknown or not served by certified mail (`no-dominio`, 5.1.2).
    NoDomain,
    /// The mailbox exists but is disabled or cannot take the message (5.2.x other than full).
    BoxDisabled,
    /// The mailbox is full (5.2.2).
    FullBox,
    /// Too large for the recipient or the provider (5.2.3, 5.3.4).
    TooLarge,
    /// A virus was found.
    Virus,
    /// Formal fault of the message, e.g. a blind copy (RFC 6109, 3.1.1).
    Formal,
    /// Anything else; the extended text is kept as evidence.
    Other,
}

impl Cause {
    /// The cause from the `errore` attribute and the extended text of a receipt.
    pub fn read(attribute: &str, extended: Option<&str>) -> Self {
        let by_code = extended.and_then(status_code).and_then(|code| match code {
            (5, 1, 2) => Some(Self::NoDomain),
            (5, 1, _) => Some(Self::NoSuchBox),
            (5, 2, 2) => Some(Self::FullBox),
            (5, 2, 3) | (5, 3, 4) => Some(Self::TooLarge),
            (5, 2, _) => Some(Self::BoxDisabled),
            _ => None,
        });
        by_code.unwrap_or(match attribute {
            "no-dest" => Self::NoSuchBox,
            "no-dominio" => Self::NoDomain,
            "virus" => Self::Virus,
            _ => Self::Other,
        })
    }

    /// The stored name, also the key of its words.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSuchBox => "no_such_box",
            Self::NoDomain => "no_domain",
            Self::BoxDisabled => "box_disabled",
            Self::FullBox => "full_box",
            Self::TooLarge => "too_large",
            Self::Virus => "virus",
            Self::Formal => "formal",
            Self::Other => "other",
        }
    }
}

/// The first `d.d.d` of the text: enhanced status codes stand at the beginning, but not all providers agree.
fn status_code(text: &str) -> Option<(u8, u16, u16)> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let mut numbers = word.trim_matches('.').split('.');
        let code =
            (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        (numbers.next().is_none() && matches!(code.0, 2 | 4 | 5)).then_some(code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_and_the_attribute_is_the_fallback() {
        let read = |a, e| Cause::read(a, Some(e));
        assert_eq!(read("altro", "5.1.1 - Gestore - indirizzo non valido"), Cause::NoSuchBox);
        assert_eq!(read("altro", "5.2.2 - casella piena"), Cause::FullBox);
        assert_eq!(read("altro", "Errore: 5.2.1 casella disabilitata"), Cause::BoxDisabled);
        assert_eq!(read("altro", "552 5.3.4 message too big"), Cause::TooLarge);
        assert_eq!(read("no-dest", "casella sconosciuta"), Cause::NoSuchBox);
        assert_eq!(Cause::read("no-dominio", None), Cause::NoDomain);
        assert_eq!(read("virus", "virus di prova"), Cause::Virus);
        assert_eq!(read("altro", "host 192.0.2.1 non raggiungibile"), Cause::Other);
        assert_eq!(Cause::read("altro", None), Cause::Other);
    }
}
