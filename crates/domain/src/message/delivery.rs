//! The life of one delivery, computed from the set of facts about it.
//!
//! One delivery may have several attempts, each with its own Message-ID; a fact names its attempt. Delivered wins
//! over everything that came before or after, because the law asks whether the message was made available, not in
//! which order the notices of it arrived (D.P.R. 68/2005, arts. 3, 6 and 8; CAD, art. 45).

use super::{Cause, Channel, ReceiptForm};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One thing that is known to have happened to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first server took the message (SMTP 250), or the hub put it into the recipient's inbox.
    Submitted,
    /// The first server could not take it; nothing was sent.
    NotSubmitted {
        /// Whether trying again can help (connection lost, 4xx).
        transient: bool,
    },
    /// The provider accepted the message: proof of sending.
    Accepted {
        /// The recipient is not certified: no delivery receipt will ever come.
        external: bool,
    },
    /// The provider refused the message: nothing was sent.
    Rejected {
        /// Why.
        cause: Cause,
    },
    /// First notice: twelve hours without news (D.M. 2/11/2005, art. 13).
    LateNotice,
    /// Made available to the recipient: proof of receipt.
    Delivered {
        /// What the receipt carries; none inside the hub.
        form: Option<ReceiptForm>,
    },
    /// The recipient's side said no.
    DeliveryError {
        /// Why.
        cause: Cause,
    },
    /// Definitive notice: a day without news (D.M. 2/11/2005, art. 13).
    Expired,
    /// An officer gave up this delivery, with a reason kept elsewhere.
    ClosedByOfficer,
}

impl Event {
    /// The stored name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::NotSubmitted { .. } => "not_submitted",
            Self::Accepted { .. } => "accepted",
            Self::Rejected { .. } => "rejected",
            Self::LateNotice => "late_notice",
            Self::Delivered { .. } => "delivered",
            Self::DeliveryError { .. } => "delivery_error",
            Self::Expired => "expired",
            Self::ClosedByOfficer => "closed_by_officer",
        }
    }
}

/// An event of an attempt with the instant its source gives (the provider's clock for receipts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fact {
    /// Attempt, from 1.
    pub attempt: u16,
    /// What happened.
    pub event: Event,
    /// When, by the clock of whoever attests it.
    pub at: Timestamp,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not handed over yet.
    Queued,
    /// Handed over; no receipt yet. For ordinary mail this is the end: sent, without proof.
    Submitted,
    /// Accepted by the provider.
    Accepted,
    /// Accepted for a recipient outside certified mail: final, without proof of receipt.
    AcceptedExternal,
    /// Refused by the sender's side; nothing left.
    Rejected,
    /// Twelve hours without news.
    LateNotice,
    /// A day without news.
    Expired,
    /// The recipient's side refused.
    DeliveryError,
    /// Received.
    Delivered,
    /// Given up by an officer.
    ClosedByOfficer,
}

/// The five states people see, always a word with a shape (design/pages.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// ● done.
    Done,
    /// ◐ waiting.
    Waiting,
    /// ▲ late.
    Late,
    /// ✕ failed.
    Failed,
    /// ○ not begun.
    NotBegun,
}

impl DeliveryState {
    /// Every state, in order of rank.
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::Submitted,
        Self::Accepted,
        Self::AcceptedExternal,
        Self::Rejected,
        Self::LateNotice,
        Self::Expired,
        Self::DeliveryError,
        Self::Delivered,
        Self::ClosedByOfficer,
    ];

    /// The stored and API name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::AcceptedExternal => "accepted_external",
            Self::Rejected => "rejected",
            Self::LateNotice => "late_notice",
            Self::Expired => "expired",
            Self::DeliveryError => "delivery_error",
            Self::Delivered => "delivered",
            Self::ClosedByOfficer => "closed_by_officer",
        }
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == text)
    }

    /// The shape shown for it.
    pub fn shape(self, channel: Channel) -> Shape {
        match self {
            Self::Queued => Shape::NotBegun,
            Self::Submitted if channel == Channel::Email => Shape::Done,
            Self::Submitted | Self::Accepted => Shape::Waiting,
            Self::LateNotice => Shape::Late,
            Self::Delivered | Self::AcceptedExternal => Shape::Done,
            Self::Rejected | Self::Expired | Self::DeliveryError | Self::ClosedByOfficer => Shape::Failed,
        }
    }
}

/// What is known about one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The road it takes.
    pub channel: Channel,
    facts: BTreeSet<Fact>,
}

impl Delivery {
    /// A delivery nothing is known about: queued.
    pub fn new(channel: Channel) -> Self {
        Self { channel, facts: BTreeSet::new() }
    }

    /// A delivery with the facts already known, in any order.
    pub fn with(channel: Channel, facts: impl IntoIterator<Item = Fact>) -> Self {
        Self { channel, facts: facts.into_iter().collect() }
    }

    /// Adds a fact; `false` when it was known already. Adding twice is harmless.
    pub fn learn(&mut self, fact: Fact) -> bool {
        self.facts.insert(fact)
    }

    /// The facts, by attempt and kind.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter()
    }

    /// The number of the last attempt that has any fact; 0 before the first.
    pub fn attempt(&self) -> u16 {
        self.facts.iter().map(|f| f.attempt).max().unwrap_or(0)
    }

    /// Where it stands now.
    ///
    /// A delivery receipt of any attempt wins over everything; then an officer's decision; then the last attempt
    /// that began counts, by the rank of what is known about it.
    pub fn state(&self) -> DeliveryState {
        let has = |wanted: DeliveryState| self.facts.iter().any(|f| state_of(&f.event) == Some(wanted));
        if has(DeliveryState::Delivered) {
            return DeliveryState::Delivered;
        }
        if has(DeliveryState::ClosedByOfficer) {
            return DeliveryState::ClosedByOfficer;
        }
        let last = self.attempt();
        let of_last = || self.facts.iter().filter(|f| f.attempt == last).map(|f| f.event);
        // A refusal by the first server is the weakest word: a receipt proves that the message left all the same.
        let refused = of_last().any(|e| matches!(e, Event::NotSubmitted { transient: false }));
        let weakest = if refused { DeliveryState::Rejected } else { DeliveryState::Queued };
        of_last().filter_map(|e| state_of(&e)).max().unwrap_or(weakest)
    }

    /// Instant of the acceptance receipt that counts as time of sending: the first one (CAD, art. 45).
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.first(|e| matches!(e, Event::Accepted { .. }))
    }

    /// Instant at which it was made available to the recipient: the first delivery receipt (CAD, art. 6).
    pub fn received_at(&self) -> Option<Timestamp> {
        self.first(|e| matches!(e, Event::Delivered { .. }))
    }

    /// The cause of the failure of an attempt, if it failed with one.
    pub fn cause(&self, attempt: u16) -> Option<Cause> {
        self.facts.iter().filter(|f| f.attempt == attempt).find_map(|f| match f.event {
            Event::DeliveryError { cause } | Event::Rejected { cause } => Some(cause),
            _ => None,
        })
    }

    /// How many times the first server could not be reached in the given attempt.
    pub fn refused_hand_overs(&self, attempt: u16) -> u32 {
        let of_attempt = self.facts.iter().filter(|f| f.attempt == attempt);
        let failed = of_attempt.filter(|f| matches!(f.event, Event::NotSubmitted { .. }));
        u32::try_from(failed.count()).unwrap_or(u32::MAX)
    }

    /// The latest instant of any fact of the attempt.
    pub fn last_at(&self, attempt: u16) -> Option<Timestamp> {
        self.facts.iter().filter(|f| f.attempt == attempt).map(|f| f.at).max()
    }

    fn first(&self, wanted: impl Fn(&Event) -> bool) -> Option<Timestamp> {
        self.facts.iter().filter(|f| wanted(&f.event)).map(|f| f.at).min()
    }
}

/// The state an event leads to by itself; a hand-over that failed leads nowhere.
fn state_of(event: &Event) -> Option<DeliveryState> {
    Some(match event {
        Event::Submitted => DeliveryState::Submitted,
        Event::NotSubmitted { .. } => return None,
        Event::Accepted { external: false } => DeliveryState::Accepted,
        Event::Accepted { external: true } => DeliveryState::AcceptedExternal,
        Event::Rejected { .. } => DeliveryState::Rejected,
        Event::LateNotice => DeliveryState::LateNotice,
        Event::Expired => DeliveryState::Expired,
        Event::DeliveryError { .. } => DeliveryState::DeliveryError,
        Event::Delivered { .. } => DeliveryState::Delivered,
        Event::ClosedByOfficer => DeliveryState::ClosedByOfficer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        format!("{text}+01:00").parse().unwrap()
    }

    fn fact(attempt: u16, event: Event, when: &str) -> Fact {
        Fact { attempt, event, at: at(when) }
    }

    const COMPLETE: Event = Event::Delivered { form: Some(ReceiptForm::Complete) };
    const ACCEPTED: Event = Event::Accepted { external: false };

    #[test]
    fn communications_scenario_02_twelve_and_twenty_four_hours() {
        let mut d = Delivery::new(Channel::Pec);
        assert_eq!(d.state(), DeliveryState::Queued);
        d.learn(fact(1, Event::Submitted, "2026-11-23T09:59:58"));
        d.learn(fact(1, ACCEPTED, "2026-11-23T10:00:00"));
        assert_eq!(d.state(), DeliveryState::Accepted);
        d.learn(fact(1, Event::LateNotice, "2026-11-23T22:03:00"));
        assert_eq!(d.state(), DeliveryState::LateNotice);
        assert_eq!(d.state().shape(Channel::Pec), Shape::Late);
        d.learn(fact(1, Event::Expired, "2026-11-24T09:40:00"));
        assert_eq!(d.state(), DeliveryState::Expired);
        d.learn(fact(1, COMPLETE, "2026-11-24T09:50:00"));
        assert_eq!(d.state(), DeliveryState::Delivered);
        assert_eq!(d.received_at(), Some(at("2026-11-24T09:50:00")));
        assert_eq!(d.sent_at(), Some(at("2026-11-23T10:00:00")));
    }

    #[test]
    fn a_delivery_of_the_first_attempt_ends_the_second() {
        let mut d = Delivery::new(Channel::Pec);
        d.learn(fact(1, Event::Expired, "2026-11-24T09:40:00"));
        d.learn(fact(2, Event::Submitted, "2026-11-24T10:00:00"));
        assert_eq!(d.state(), DeliveryState::Submitted);
        d.learn(fact(1, COMPLETE, "2026-11-24T10:05:00"));
        assert_eq!(d.state(), DeliveryState::Delivered);
    }

    #[test]
    fn a_delivery_seen_before_the_acceptance_is_kept_and_applied() {
        let mut d = Delivery::new(Channel::Pec);
        d.learn(fact(1, COMPLETE, "2026-11-23T10:00:09"));
        assert_eq!((d.state(), d.sent_at()), (DeliveryState::Delivered, None));
        assert!(d.learn(fact(1, ACCEPTED, "2026-11-23T10:00:04")));
        assert_eq!(d.sent_at(), Some(at("2026-11-23T10:00:04")));
        assert!(!d.learn(fact(1, ACCEPTED, "2026-11-23T10:00:04")));
    }

    #[test]
    fn a_recipient_outside_certified_mail_ends_without_proof() {
        let d = Delivery::with(
            Channel::Pec,
            [fact(1, Event::Accepted { external: true }, "2026-11-23T10:00:00")],
        );
        assert_eq!(d.state(), DeliveryState::AcceptedExternal);
        assert_eq!(d.received_at(), None);
    }

    #[test]
    fn an_officer_closes_but_a_late_receipt_still_wins() {
        let mut d = Delivery::with(Channel::Pec, [fact(1, Event::Expired, "2026-11-24T09:40:00")]);
        d.learn(fact(1, Event::ClosedByOfficer, "2026-11-24T12:00:00"));
        assert_eq!(d.state(), DeliveryState::ClosedByOfficer);
        d.learn(fact(1, COMPLETE, "2026-11-24T09:50:00"));
        assert_eq!(d.state(), DeliveryState::Delivered);
    }

    #[test]
    fn names_read_back() {
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::parse(state.name()), Some(state));
        }
        assert_eq!(DeliveryState::parse("lost"), None);
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Submitted),
            any::<bool>().prop_map(|transient| Event::NotSubmitted { transient }),
            any::<bool>().prop_map(|external| Event::Accepted { external }),
            Just(Event::Rejected { cause: Cause::Formal }),
            Just(Event::LateNotice),
            Just(COMPLETE),
            Just(Event::DeliveryError { cause: Cause::FullBox }),
            Just(Event::Expired),
            Just(Event::ClosedByOfficer),
        ]
    }

    fn some_facts() -> impl Strategy<Value = Vec<Fact>> {
        let one = (1u16..4, any_event(), 0i64..1000).prop_map(|(attempt, event, s)| Fact {
            attempt,
            event,
            at: Timestamp::from_second(1_790_000_000 + s).unwrap(),
        });
        proptest::collection::vec(one, 0..12)
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_gives_the_same_end(facts in some_facts(), seed in any::<u64>()) {
            let mut shuffled = facts.clone();
            let mut x = seed | 1;
            for i in (1..shuffled.len()).rev() {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                shuffled.swap(i, usize::try_from(x >> 33).unwrap() % (i + 1));
            }
            let once = Delivery::with(Channel::Pec, facts.iter().copied());
            let mut twice = Delivery::with(Channel::Pec, shuffled.iter().copied());
            for fact in &shuffled { twice.learn(*fact); }
            prop_assert_eq!(&once, &twice);
            prop_assert_eq!(once.state(), twice.state());
        }

        #[test]
        fn once_delivered_always_delivered(facts in some_facts(), more in any_event()) {
            let mut d = Delivery::with(Channel::Pec, facts);
            let before = d.state();
            d.learn(Fact { attempt: 3, event: more, at: Timestamp::UNIX_EPOCH });
            if before == DeliveryState::Delivered { prop_assert_eq!(d.state(), DeliveryState::Delivered); }
        }
    }
}
