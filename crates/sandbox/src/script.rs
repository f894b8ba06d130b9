//! Misbehaviour on purpose, chosen by the first letters of the recipient's address.
//!
//! | Address begins with | What happens |
//! |---|---|
//! | `inesistente` | the box does not exist: non-delivery 5.1.1 |
//! | `piena` | the box is full: non-delivery 5.2.2 |
//! | `disabilitata` | the box is disabled: non-delivery 5.2.1 |
//! | `virus` | a virus is seen by the recipient's provider: non-delivery for virus |
//! | `rifiuta` | the provider does not accept the message (formal check) |
//! | `infetta` | a virus is seen by the sender's provider: not accepted for virus |
//! | `occupata` | the first server puts off: 451 at RCPT, nothing is taken |
//! | `respinta` | the first server refuses: 550 at RCPT, nothing is taken |
//! | `lenta` | notice after 12 hours, delivered after 13 |
//! | `muta` | notices after 12 and 24 hours, never delivered |
//! | `tardi` | notices after 12 and 24 hours, delivered ten minutes later |
//! | `doppia` | every receipt comes twice |
//! | `persa` | delivered, the delivery receipt is lost |
//! | `rovescia` | the delivery receipt comes before the acceptance |
//! | `breve`, `sintetica` | the delivery receipt is of that form whatever was asked |
//! | anything else | works |
//!
//! The same moods can be set for any address with `Provider::set_mood`.

use jiff::SignedDuration;
use std::io;
use std::sync::{Mutex, PoisonError};

/// On which side of a step of a conversation the server hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before the step has any effect.
    Before,
    /// After it had its effect, before the answer is whole.
    After,
}

/// The places at which the servers will hang up, once each. A step is a verb of SMTP or IMAP, `SMTP` or `IMAP` for
/// the greeting, or `TEXT` for a message that was read and not taken yet.
#[derive(Debug, Default)]
pub(crate) struct HangUps(Mutex<Vec<(Side, String, u32)>>);

impl HangUps {
    /// Hangs up at the step after letting it pass so many times.
    pub(crate) fn plan(&self, side: Side, step: &str, passes: u32) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((side, step.to_owned(), passes));
    }

    /// How many have not happened yet.
    pub(crate) fn left(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// An error where the server hangs up now: the conversation ends with it.
    pub(crate) fn pass(&self, side: Side, step: &str) -> io::Result<()> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = all.iter().position(|one| one.0 == side && one.1.eq_ignore_ascii_case(step)) else {
            return Ok(());
        };
        if all[place].2 > 0 {
            all[place].2 -= 1;
            return Ok(());
        }
        all.remove(place);
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

/// How a recipient's box behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Delivers at once.
    Good,
    /// The box does not exist.
    Missing,
    /// The box is full.
    Full,
    /// The box is disabled.
    Disabled,
    /// A virus is seen on arrival.
    Virus,
    /// The sender's provider does not accept the message.
    Refused,
    /// A virus is seen by the sender's provider, which does not accept the message.
    Infected,
    /// The first server puts off whoever names the box.
    Busy,
    /// The first server refuses whoever names the box.
    Barred,
    /// Delivered after a first notice.
    Slow,
    /// Never delivered.
    Silent,
    /// Delivered after the definitive notice.
    Late,
    /// Receipts come twice.
    Twice,
    /// The delivery receipt is lost.
    Lost,
    /// Delivery receipt first, acceptance after it.
    Backwards,
    /// Brief delivery receipt.
    Brief,
    /// Synthetic delivery receipt.
    Synthetic,
}

const MOODS: [(&str, Mood); 16] = [
    ("inesistente", Mood::Missing),
    ("piena", Mood::Full),
    ("disabilitata", Mood::Disabled),
    ("virus", Mood::Virus),
    ("rifiuta", Mood::Refused),
    ("infetta", Mood::Infected),
    ("occupata", Mood::Busy),
    ("respinta", Mood::Barred),
    ("lenta", Mood::Slow),
    ("muta", Mood::Silent),
    ("tardi", Mood::Late),
    ("doppia", Mood::Twice),
    ("persa", Mood::Lost),
    ("rovescia", Mood::Backwards),
    ("breve", Mood::Brief),
    ("sintetica", Mood::Synthetic),
];

impl Mood {
    /// The mood written in an address.
    pub fn of(address: &str) -> Self {
        MOODS.iter().find(|(word, _)| address.starts_with(word)).map_or(Self::Good, |(_, mood)| *mood)
    }

    /// When the message reaches the box, counted from the hand-over; none if never.
    pub(crate) fn delivered_after(self) -> Option<SignedDuration> {
        match self {
            Self::Missing | Self::Full | Self::Disabled | Self::Virus | Self::Silent => None,
            Self::Refused | Self::Infected | Self::Busy | Self::Barred => None,
            Self::Slow => Some(SignedDuration::from_hours(13)),
            Self::Late => Some(SignedDuration::from_mins(24 * 60 + 10)),
            _ => Some(SignedDuration::ZERO),
        }
    }

    /// What the first server says at RCPT instead of taking the recipient.
    pub(crate) fn at_the_door(self) -> Option<&'static str> {
        match self {
            Self::Busy => Some("451 4.3.2 not now, try again later"),
            Self::Barred => Some("550 5.7.1 not from here"),
            _ => None,
        }
    }

    /// The attribute and the extended text with which the sender's provider does not accept the message.
    pub(crate) fn not_accepted(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Refused => Some(("altro", "Il messaggio non rispetta i controlli formali (prova)")),
            Self::Infected => Some(("virus", "virus di prova")),
            _ => None,
        }
    }

    /// The attribute and the extended text of the non-delivery notice, if the box says no.
    pub(crate) fn refusal(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Missing => Some(("no-dest", "5.1.1 - Gestore di prova - indirizzo non valido")),
            Self::Full => Some(("altro", "5.2.2 - Gestore di prova - casella piena")),
            Self::Disabled => Some(("altro", "5.2.1 - Gestore di prova - casella disabilitata")),
            Self::Virus => Some(("virus", "virus di prova")),
            _ => None,
        }
    }
}
