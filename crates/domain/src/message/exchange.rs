//! The answer of the other body's register to a protocol message (Annex 6 of the AgID guidelines).
//!
//! This is the second story of a recipient: the first (`delivery`) says whether the message arrived, this one
//! whether it was registered there. Like the first it is computed from a set, so the order of arrival of the
//! answers does not matter. XML is read and written elsewhere.

use crate::calendar::add_working_days;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The anomalies of Annex 6. The official texts spell the names differently: they are compared on their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anomaly {
    /// 000: not receivable.
    NotReceivable,
    /// 001: the signature of the segnatura does not hold.
    Signature,
    /// 002: a file is not the one whose digest stands in the segnatura.
    Digest,
    /// 003: documents cannot be read.
    Unreadable,
    /// 004: the signature of a document does not hold.
    DocumentSignature,
    /// 005: the time stamp of a document does not hold.
    DocumentTimeStamp,
    /// 006: the seal of a document does not hold.
    DocumentSeal,
    /// 007: the identifier is not known.
    UnknownIdentifier,
}

impl Anomaly {
    /// Every anomaly, in the order of the codes.
    pub const ALL: [Self; 8] = [
        Self::NotReceivable,
        Self::Signature,
        Self::Digest,
        Self::Unreadable,
        Self::DocumentSignature,
        Self::DocumentTimeStamp,
        Self::DocumentSeal,
        Self::UnknownIdentifier,
    ];

    /// The code as the WSDL spells it (its slips included: peers compare the whole word).
    pub fn code(self) -> &'static str {
        match self {
            Self::NotReceivable => "000_Irricevibile",
            Self::Signature => "001_ValidazioneFirma",
            Self::Digest => "002_AnomaliaImpronte",
            Self::Unreadable => "003_DocumentoAllegatiNonLeggibili",
            Self::DocumentSignature => "004_DocumentoAllegatiErroreValidazioneFirma",
            Self::DocumentTimeStamp => "005_DocumentoAllegatiErroreVaidazioneMarcaTemporale",
            Self::DocumentSeal => "006_DocumentoAllegatiErroreValidazioneSigillo",
            Self::UnknownIdentifier => "007_ErroreIdentificatoreNonTrovato",
        }
    }

    /// The three digits by which peers compare codes.
    pub fn digits(self) -> &'static str {
        &self.code()[..3]
    }

    /// Reads a reason by the three digits it begins with, however the rest is spelled. `None` for free text.
    pub fn read(reason: &str) -> Option<Self> {
        let reason = reason.trim_start();
        let digits = reason.get(..3)?;
        if reason[3..].starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        Self::ALL.into_iter().find(|a| a.digits() == digits)
    }
}

/// One answer, or one act of the sender about the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The recipient registered it (`ConfermaRicezione`).
    Confirmed,
    /// The recipient corrected its confirmation (`AggiornamentoConferma`).
    Updated,
    /// The recipient refuses it (`NotificaEccezione`).
    Exception {
        /// The code of the reason; none when it begins with no known number.
        anomaly: Option<Anomaly>,
    },
    /// The sender annulled its registration and said so (`AnnullamentoProtocollazione`).
    CancelledBySender,
    /// The recipient annulled its registration and said so.
    CancelledByRecipient,
}

impl Answer {
    /// The stored name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Updated => "updated",
            Self::Exception { .. } => "exception",
            Self::CancelledBySender => "cancelled_by_sender",
            Self::CancelledByRecipient => "cancelled_by_recipient",
        }
    }
}

/// Where the exchange with one recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeState {
    /// Not delivered yet: the delivery tells the rest.
    Pending,
    /// Delivered, and no confirmation was asked.
    NoConfirmationRequested,
    /// Delivered; the confirmation may still come in time.
    AwaitingConfirmation,
    /// Delivered, and no answer within the term (three working days by default).
    Unconfirmed,
    /// Registered by the recipient.
    Confirmed,
    /// Refused by the recipient: the sending is not concluded.
    Anomaly,
    /// Annulled by the sender.
    CancelledBySender,
    /// Annulled by the recipient.
    CancelledByRecipient,
}

impl ExchangeState {
    /// The stored and API name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::NoConfirmationRequested => "no_confirmation_requested",
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::Unconfirmed => "unconfirmed",
            Self::Confirmed => "confirmed",
            Self::Anomaly => "anomaly",
            Self::CancelledBySender => "cancelled_by_sender",
            Self::CancelledByRecipient => "cancelled_by_recipient",
        }
    }
}

/// What is known of the exchange with one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Whether the segnatura asks for a confirmation (`confermaRicezione`).
    pub confirmation_asked: bool,
    /// Legal date of receipt, once the delivery is proved.
    pub received_on: Option<Date>,
    answers: BTreeSet<(Timestamp, Answer)>,
}

impl Exchange {
    /// An exchange without answers.
    pub fn new(confirmation_asked: bool, received_on: Option<Date>) -> Self {
        Self { confirmation_asked, received_on, answers: BTreeSet::new() }
    }

    /// Adds an answer; `false` when it was known already.
    pub fn learn(&mut self, at: Timestamp, answer: Answer) -> bool {
        self.answers.insert((at, answer))
    }

    /// Where it stands on the given date. A cancellation ends it; then a confirmation outweighs an exception,
    /// because a message may be refused, mended and sent again.
    pub fn state(&self, today: Date) -> ExchangeState {
        let has = |wanted: fn(&Answer) -> bool| self.answers.iter().any(|(_, a)| wanted(a));
        if has(|a| matches!(a, Answer::CancelledBySender)) {
            ExchangeState::CancelledBySender
        } else if has(|a| matches!(a, Answer::CancelledByRecipient)) {
            ExchangeState::CancelledByRecipient
        } else if has(|a| matches!(a, Answer::Confirmed | Answer::Updated)) {
            ExchangeState::Confirmed
        } else if has(|a| matches!(a, Answer::Exception { .. })) {
            ExchangeState::Anomaly
        } else {
            self.without_answer(today)
        }
    }

    /// Whether a cancellation may be sent: only after the send flow is complete (Annex 6).
    pub fn may_cancel(&self, today: Date) -> bool {
        matches!(self.state(today), ExchangeState::Confirmed | ExchangeState::NoConfirmationRequested)
    }

    /// How many reminders are due: one after three working days of silence, a second after six.
    pub fn reminders_due(&self, today: Date) -> u8 {
        let Some(received) = self.received_on else { return 0 };
        if self.without_answer(today) != self.state(today) || !self.confirmation_asked {
            return 0;
        }
        u8::from(today > add_working_days(received, 3, None))
            + u8::from(today > add_working_days(received, 6, None))
    }

    fn without_answer(&self, today: Date) -> ExchangeState {
        match self.received_on {
            None => ExchangeState::Pending,
            Some(_) if !self.confirmation_asked => ExchangeState::NoConfirmationRequested,
            Some(day) if today > add_working_days(day, 3, None) => ExchangeState::Unconfirmed,
            Some(_) => ExchangeState::AwaitingConfirmation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + s).unwrap()
    }

    #[test]
    fn silence_is_counted_in_working_days() {
        // Received on Friday 4 December 2026; Tuesday the 8th is a holiday: the third working day is the 10th.
        let x = Exchange::new(true, Some(date(2026, 12, 4)));
        assert_eq!(x.state(date(2026, 12, 10)), ExchangeState::AwaitingConfirmation);
        assert_eq!(x.reminders_due(date(2026, 12, 10)), 0);
        assert_eq!(x.state(date(2026, 12, 11)), ExchangeState::Unconfirmed);
        assert_eq!(x.reminders_due(date(2026, 12, 11)), 1);
        assert_eq!(x.reminders_due(date(2026, 12, 15)), 1);
        assert_eq!(x.reminders_due(date(2026, 12, 16)), 2);
    }

    #[test]
    fn a_confirmation_outweighs_an_exception_in_any_order_and_ends_the_reminders() {
        let today = date(2026, 12, 20);
        let exception = Answer::Exception { anomaly: Anomaly::read("002_AnomaliaImpronta pianta.pdf") };
        let mut x = Exchange::new(true, Some(date(2026, 12, 4)));
        assert!(x.learn(second(5), exception));
        assert_eq!(x.state(today), ExchangeState::Anomaly);
        let mut y = Exchange::new(true, Some(date(2026, 12, 4)));
        y.learn(second(9), Answer::Confirmed);
        y.learn(second(5), exception);
        x.learn(second(9), Answer::Confirmed);
        assert!(!x.learn(second(9), Answer::Confirmed));
        assert_eq!(x, y);
        assert_eq!(x.state(today), ExchangeState::Confirmed);
        assert_eq!(x.reminders_due(today), 0);
    }

    #[test]
    fn no_cancellation_before_the_send_flow_is_complete() {
        let today = date(2026, 12, 5);
        let mut x = Exchange::new(true, None);
        assert!(!x.may_cancel(today));
        x.received_on = Some(date(2026, 12, 4));
        assert!(!x.may_cancel(today));
        x.learn(second(1), Answer::Confirmed);
        assert!(x.may_cancel(today));
        x.learn(second(2), Answer::CancelledBySender);
        assert!(!x.may_cancel(today));
        assert_eq!(x.state(today), ExchangeState::CancelledBySender);
        assert!(Exchange::new(false, Some(today)).may_cancel(today));
    }

    #[test]
    fn anomalies_are_compared_on_their_number_and_spelled_like_the_wsdl() {
        assert_eq!(Anomaly::read("000_Irricevibilita"), Some(Anomaly::NotReceivable));
        assert_eq!(
            Anomaly::read("005_DocumentoAllegatiErroreValidazioneMarcaTemporale"),
            Some(Anomaly::DocumentTimeStamp)
        );
        assert_eq!(Anomaly::read("illeggibile"), None);
        assert_eq!(Anomaly::read("é0"), None);
        assert!(Anomaly::DocumentTimeStamp.code().contains("Vaidazione"));
    }

    #[test]
    fn an_anomaly_is_known_by_its_digits_however_the_rest_is_spelled() {
        for (text, anomaly) in [
            ("002_AnomaliaImpronta", Anomaly::Digest),
            ("000_Irricevibilita", Anomaly::NotReceivable),
            (" 005_DocumentoAllegatiErroreValidazioneMarcaTemporale: a.tsr", Anomaly::DocumentTimeStamp),
        ] {
            assert_eq!(Anomaly::read(text), Some(anomaly), "{text}");
        }
        for text in ["", "00", "0021 documenti", "008_Altro", "Destinatario errato", "€€"] {
            assert_eq!(Anomaly::read(text), None, "{text}");
        }
    }
}
