//! Every kind of identifier, one line each, in alphabetical order.
//!
//! An id is a visible prefix and 32 hexadecimal digits of a UUID (version 7 when minted by the program), so
//! that a stray id in a log says what it names. Ids carry no meaning and are never register numbers. This file
//! must not know how ids are made: that is `app::Context`.

use std::fmt;
use std::str::FromStr;

/// An id kind: its prefix, and how it is built from 128 bits.
pub trait Id: Sized + Clone + fmt::Display + FromStr + Send + 'static {
    /// The visible prefix, without the underscore.
    const PREFIX: &'static str;
    /// Builds the id from 128 bits.
    fn from_u128(bits: u128) -> Self;
    /// The text form, `prefix_<32 hex>`.
    fn as_str(&self) -> &str;
}

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the kind {expected}")]
pub struct NotAnId {
    /// The prefix that was expected.
    pub expected: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_u128(bits: u128) -> Self { Self(format!(concat!($prefix, "_{:032x}"), bits)) }
            fn as_str(&self) -> &str { &self.0 }
        }

        impl $name {
            /// The text form, `prefix_<32 hex>`.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> { parse::<Self>(text).map(Self) }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

fn parse<I: Id>(text: &str) -> Result<String, NotAnId> {
    let digits = text.strip_prefix(I::PREFIX).and_then(|rest| rest.strip_prefix('_'));
    match digits {
        Some(d) if d.len() == 32 && d.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
            Ok(text.to_owned())
        }
        _ => Err(NotAnId { expected: I::PREFIX }),
    }
}

ids! {
    /// A person's account.
    AccountId "acc";
    /// One assignment of a registration or dossier to an office or person.
    AssignmentId "asg";
    /// One run of a procedure.
    CaseId "case";
    /// One recipient of one sending.
    DeliveryId "dlv";
    /// A document: bytes, name and the facts about them.
    DocumentId "doc";
    /// A dossier (*fascicolo*).
    DossierId "dos";
    /// A draft of an answer or of a registration.
    DraftId "drf";
    /// One period of the emergency register.
    EmergencyId "emg";
    /// A message that arrived and waits to be registered.
    InboundId "inb";
    /// One look at personal data.
    LookId "look";
    /// One attempt to hand something to a channel.
    OutboxId "out";
    /// A registration (*registrazione di protocollo*).
    RegistrationId "reg";
    /// A requested change of somebody's rights.
    RightsChangeId "rch";
    /// A scan of a paper that waits to be registered.
    ScanId "scn";
    /// A sending: one registration to one or more recipients.
    SendingId "snd";
    /// A session of a signed-in person.
    SessionId "ses";
    /// Something a person has to do.
    TaskId "task";
    /// A template of a letter.
    TemplateId "tpl";
    /// A bearer token of the API.
    TokenId "tok";
    /// One failure of the program, as it stands in the log and in the answer.
    TraceId "trc";
    /// An office (*unità organizzativa*).
    UnitId "unit";
    /// A saved view: a named set of filters.
    ViewId "view";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_a_foreign_prefix_is_refused() {
        let id = CaseId::from_u128(7);
        assert_eq!(id.to_string(), format!("case_{:032x}", 7));
        assert_eq!(id.to_string().parse::<CaseId>(), Ok(id.clone()));
        assert_eq!(id.to_string().parse::<TaskId>(), Err(NotAnId { expected: "task" }));
        assert!("case_7".parse::<CaseId>().is_err());
    }
}
