//! What to do next with a delivery: wait, try again, ask an officer, nothing.
//!
//! The program repeats by itself only what cannot do harm: a hand-over that failed, a message that expired. What
//! has a legal side (a full box, a ceased address) becomes a proposal for an officer with the facts beside it
//! (communications sheet, §11). The numbers are settings of the body, the defaults are here.

use super::{Cause, Channel, Delivery, DeliveryState};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How often and how long to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Failed hand-overs of one attempt before an officer is asked.
    pub hand_overs: u32,
    /// Attempts in all (each with its own Message-ID) before an officer is asked.
    pub attempts: u16,
    /// Days before the second try at a full box.
    pub full_box_days: u16,
    /// Hours after acceptance before the absence of any notice is itself a failure.
    pub silence_hours: u16,
    /// Hours after which an officer is told that nobody knows whether an attempt left.
    pub doubt_hours: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self { hand_overs: 10, attempts: 3, full_box_days: 7, silence_hours: 48, doubt_hours: 4 }
    }
}

/// What an officer is asked to do, as the key of its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposal {
    /// The address is wrong or ceased: ask the index again, resend once if it changed, else another channel.
    CheckIndex,
    /// The box is full: a second try after some days, and the rule of the procedure.
    SecondTryLater,
    /// Tried as often as the policy allows: another channel, or more time if the law allows.
    OtherChannel,
    /// The provider refused the message: mend what it names and send again.
    MendMessage,
    /// A virus was found: nothing goes out until the document is clean.
    RemoveVirus,
    /// Too large: split in parts, or a link with the digest.
    SplitMessage,
    /// Accepted, then silence of all: ask the provider, whose logs last thirty months.
    AskProvider,
    /// The mail server does not take messages: look at the configuration.
    CheckServer,
}

impl Proposal {
    /// The stored name, also the key of its words.
    pub fn name(self) -> &'static str {
        match self {
            Self::CheckIndex => "check-index",
            Self::SecondTryLater => "second-try-later",
            Self::OtherChannel => "other-channel",
            Self::MendMessage => "mend-message",
            Self::RemoveVirus => "remove-virus",
            Self::SplitMessage => "split-message",
            Self::AskProvider => "ask-provider",
            Self::CheckServer => "check-server",
        }
    }
}

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Hand the current attempt over, not before the instant.
    HandOver {
        /// Attempt, from 1.
        attempt: u16,
        /// Not before.
        at: Timestamp,
    },
    /// Begin a new attempt, not before the instant; `tell` is said to an officer at once.
    TryAgain {
        /// The new attempt.
        attempt: u16,
        /// Not before.
        at: Timestamp,
        /// What the officer is told.
        tell: Option<Proposal>,
    },
    /// Receipts are awaited; when none came by the instant, plan again.
    Wait {
        /// When silence becomes a fact.
        until: Timestamp,
    },
    /// An officer has to decide.
    Officer(Proposal),
    /// Nothing more to do.
    Done,
}

/// The pause before the n-th repetition of a hand-over: 1, 2, 4 … minutes, four hours at most.
pub fn back_off(failures: u32) -> SignedDuration {
    let minutes = 1i64 << failures.saturating_sub(1).min(8);
    SignedDuration::from_mins(minutes.min(240))
}

/// What to do next with a delivery, as of `now`.
pub fn plan(delivery: &Delivery, policy: &Policy, now: Timestamp) -> Step {
    let attempt = delivery.attempt().max(1);
    match delivery.state() {
        DeliveryState::Delivered | DeliveryState::AcceptedExternal | DeliveryState::ClosedByOfficer => {
            Step::Done
        }
        DeliveryState::Queued => hand_over(delivery, policy, attempt, now),
        DeliveryState::Submitted if delivery.channel == Channel::Email => Step::Done,
        DeliveryState::Submitted | DeliveryState::Accepted | DeliveryState::LateNotice => {
            let since = delivery.last_at(attempt).unwrap_or(now);
            let until = since + SignedDuration::from_hours(i64::from(policy.silence_hours));
            if now < until { Step::Wait { until } } else { Step::Officer(Proposal::AskProvider) }
        }
        DeliveryState::Expired if attempt < policy.attempts => {
            let since = delivery.last_at(attempt).unwrap_or(now);
            let at = since + SignedDuration::from_hours(1i64 << attempt.min(5));
            Step::TryAgain { attempt: attempt + 1, at, tell: Some(Proposal::OtherChannel) }
        }
        DeliveryState::Expired => Step::Officer(Proposal::OtherChannel),
        DeliveryState::Rejected => Step::Officer(after_refusal(delivery.cause(attempt))),
        DeliveryState::DeliveryError => after_error(delivery, policy, attempt, now),
    }
}

fn hand_over(delivery: &Delivery, policy: &Policy, attempt: u16, now: Timestamp) -> Step {
    let failures = delivery.refused_hand_overs(attempt);
    if failures >= policy.hand_overs {
        return Step::Officer(Proposal::CheckServer);
    }
    let at = match delivery.last_at(attempt) {
        Some(last) if failures > 0 => last + back_off(failures),
        _ => now,
    };
    Step::HandOver { attempt, at }
}

fn after_refusal(cause: Option<Cause>) -> Proposal {
    match cause {
        Some(Cause::Virus) => Proposal::RemoveVirus,
        Some(Cause::TooLarge) => Proposal::SplitMessage,
        Some(Cause::NoSuchBox | Cause::NoDomain) => Proposal::CheckIndex,
        _ => Proposal::MendMessage,
    }
}

fn after_error(delivery: &Delivery, policy: &Policy, attempt: u16, now: Timestamp) -> Step {
    match delivery.cause(attempt) {
        Some(Cause::FullBox) if attempt == 1 => {
            let since = delivery.last_at(attempt).unwrap_or(now);
            let at = since + SignedDuration::from_hours(24 * i64::from(policy.full_box_days));
            Step::TryAgain { attempt: 2, at, tell: Some(Proposal::SecondTryLater) }
        }
        Some(Cause::FullBox | Cause::BoxDisabled | Cause::Other | Cause::Formal) | None => {
            Step::Officer(Proposal::OtherChannel)
        }
        Some(Cause::Virus) => Step::Officer(Proposal::RemoveVirus),
        Some(Cause::TooLarge) => Step::Officer(Proposal::SplitMessage),
        Some(Cause::NoSuchBox | Cause::NoDomain) => Step::Officer(Proposal::CheckIndex),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Fact};
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("{text}+01:00").parse().unwrap()
    }

    fn delivery(facts: &[(u16, Event, &str)]) -> Delivery {
        let facts = facts.iter().map(|(attempt, event, when)| Fact {
            attempt: *attempt,
            event: *event,
            at: at(when),
        });
        Delivery::with(Channel::Pec, facts)
    }

    #[test]
    fn a_failed_hand_over_waits_longer_each_time_and_ends_with_a_person() {
        let now = at("2026-11-23T10:00:00");
        let policy = Policy { hand_overs: 2, ..Policy::default() };
        let fresh = Delivery::new(Channel::Pec);
        assert_eq!(plan(&fresh, &policy, now), Step::HandOver { attempt: 1, at: now });
        let down = Event::NotSubmitted { transient: true };
        let once = delivery(&[(1, down, "2026-11-23T09:59:30")]);
        let next = at("2026-11-23T10:00:30");
        assert_eq!(plan(&once, &policy, now), Step::HandOver { attempt: 1, at: next });
        let twice = delivery(&[(1, down, "2026-11-23T09:58:00"), (1, down, "2026-11-23T09:59:30")]);
        assert_eq!(plan(&twice, &policy, now), Step::Officer(Proposal::CheckServer));
        assert_eq!(back_off(1), SignedDuration::from_mins(1));
        assert_eq!(back_off(200), SignedDuration::from_mins(240));
    }

    #[test]
    fn communications_scenario_02_no_resend_on_the_first_notice_a_retry_on_the_second() {
        let now = at("2026-11-24T09:45:00");
        let policy = Policy::default();
        let mut d = delivery(&[
            (1, Event::Submitted, "2026-11-23T10:00:00"),
            (1, Event::Accepted { external: false }, "2026-11-23T10:00:00"),
            (1, Event::LateNotice, "2026-11-23T22:03:00"),
        ]);
        assert!(matches!(plan(&d, &policy, now), Step::Wait { .. }));
        d.learn(Fact { attempt: 1, event: Event::Expired, at: at("2026-11-24T09:40:00") });
        let retry =
            Step::TryAgain { attempt: 2, at: at("2026-11-24T11:40:00"), tell: Some(Proposal::OtherChannel) };
        assert_eq!(plan(&d, &policy, now), retry);
        d.learn(Fact { attempt: 1, event: Event::Delivered { form: None }, at: at("2026-11-24T09:50:00") });
        assert_eq!(plan(&d, &policy, now), Step::Done);
    }

    #[test]
    fn communications_scenario_06_full_box_is_tried_again_after_seven_days_once() {
        let now = at("2026-11-23T10:01:00");
        let full = Event::DeliveryError { cause: Cause::FullBox };
        let d = delivery(&[(1, full, "2026-11-23T10:00:10")]);
        let second = Step::TryAgain {
            attempt: 2,
            at: at("2026-11-30T10:00:10"),
            tell: Some(Proposal::SecondTryLater),
        };
        assert_eq!(plan(&d, &Policy::default(), now), second);
        let again = delivery(&[(1, full, "2026-11-23T10:00:10"), (2, full, "2026-11-30T10:00:20")]);
        assert_eq!(plan(&again, &Policy::default(), now), Step::Officer(Proposal::OtherChannel));
    }

    #[test]
    fn each_failure_has_its_proposal() {
        let now = at("2026-11-23T10:01:00");
        let error = |cause| delivery(&[(1, Event::DeliveryError { cause }, "2026-11-23T10:00:10")]);
        let refusal = |cause| delivery(&[(1, Event::Rejected { cause }, "2026-11-23T10:00:10")]);
        for (given, wanted) in [
            (error(Cause::NoSuchBox), Proposal::CheckIndex),
            (error(Cause::TooLarge), Proposal::SplitMessage),
            (refusal(Cause::Virus), Proposal::RemoveVirus),
            (refusal(Cause::Formal), Proposal::MendMessage),
        ] {
            assert_eq!(plan(&given, &Policy::default(), now), Step::Officer(wanted));
        }
        let silent = delivery(&[(1, Event::Accepted { external: false }, "2026-11-20T10:00:00")]);
        assert_eq!(plan(&silent, &Policy::default(), now), Step::Officer(Proposal::AskProvider));
    }
}
