//! A case (*pratica*): one run of a procedure, inside one dossier, with its participants and its state.
//!
//! A dossier is archival and may have no case; a case always has exactly one dossier and keeps the version of the
//! procedure it was born under. The procedures themselves are in their own crate; this file must not know them.

use crate::body::IpaCode;
use crate::fault::{Invalid, Refusal};
use crate::ids::{AccountId, CaseId, DossierId, UnitId};
use crate::register::{CorrespondentKind, check_subject};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The procedure of cases that follow none in particular: an ordinary matter of an office.
pub const ORDINARY: &str = "ordinary";
/// Version of the ordinary procedure.
pub const ORDINARY_VERSION: i64 = 1;
/// Most participants of one case.
pub const PARTICIPANTS_MAX: usize = 200;

/// State of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Being worked on.
    Open,
    /// Waiting for somebody outside the office.
    Waiting,
    /// Over.
    Closed,
}

impl CaseState {
    /// Every state.
    pub const ALL: &'static [Self] = &[Self::Open, Self::Waiting, Self::Closed];

    /// The name used by the API and stored in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Closed => "closed",
        }
    }

    /// Moves on; a closed case is not worked on again, a new one is opened instead.
    ///
    /// # Errors
    /// `Refusal` when the case is closed or stands there already.
    pub fn move_to(self, to: Self) -> Result<Self, Refusal> {
        match (self, to) {
            (Self::Closed, _) => Err(Refusal::of("case-closed")),
            (from, to) if from == to => Err(Refusal::of("case-step")),
            (_, to) => Ok(to),
        }
    }
}

impl std::str::FromStr for CaseState {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.iter().copied().find(|state| state.name() == text);
        found.ok_or_else(|| Invalid::with("/state", "bad-code", text.chars().take(40).collect::<String>()))
    }
}

/// In which part somebody takes part in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantRole {
    /// Who asked.
    Applicant,
    /// Who acts for the applicant.
    Representative,
    /// A body that takes part.
    Body,
    /// Somebody whose interest is touched.
    Interested,
}

impl ParticipantRole {
    /// Every part.
    pub const ALL: &'static [Self] = &[Self::Applicant, Self::Representative, Self::Body, Self::Interested];

    /// The name used by the API and stored in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Applicant => "applicant",
            Self::Representative => "representative",
            Self::Body => "body",
            Self::Interested => "interested",
        }
    }
}

impl std::str::FromStr for ParticipantRole {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.iter().copied().find(|role| role.name() == text);
        found.ok_or_else(|| Invalid::with("/role", "bad-code", text.chars().take(40).collect::<String>()))
    }
}

/// Somebody who takes part, as it was when added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// Part.
    pub role: ParticipantRole,
    /// Kind of person or body.
    pub kind: CorrespondentKind,
    /// Name.
    pub name: String,
    /// Certified-mail or e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digital_domicile: Option<String>,
}

impl Participant {
    /// Checks name and address.
    ///
    /// # Errors
    /// `Invalid` with every fault; `at` is the pointer of the participant.
    pub fn check(&self, at: &str, faults: &mut Invalid) {
        if self.name.trim().is_empty() {
            faults.add(format!("{at}/name"), "required");
        } else if self.name.chars().count() > 400 {
            faults.add_with(format!("{at}/name"), "too-long", "400");
        }
        if self.digital_domicile.as_deref().is_some_and(|address| !crate::party::is_address(address)) {
            faults.add(format!("{at}/digital_domicile"), "bad-address");
        }
    }
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Id.
    pub id: CaseId,
    /// Body whose case it is.
    pub body: IpaCode,
    /// Its dossier.
    pub dossier: DossierId,
    /// Key of the procedure.
    pub procedure: String,
    /// Version of the procedure it was born under.
    pub procedure_version: i64,
    /// What it is about.
    pub title: String,
    /// State.
    pub state: CaseState,
    /// Office in charge.
    pub unit: Option<UnitId>,
    /// Officer in charge (*responsabile del procedimento*).
    pub officer: Option<AccountId>,
    /// Name of the officer, as it was.
    pub officer_name: Option<String>,
    /// By when it must end.
    pub due_on: Option<Date>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

/// What is asked when a case is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCase {
    /// The one dossier it belongs to.
    pub dossier: DossierId,
    /// What it is about.
    pub title: String,
    /// By when it must end, if a date is known.
    #[serde(default)]
    pub due_on: Option<Date>,
    /// Who takes part.
    #[serde(default)]
    pub participants: Vec<Participant>,
}

impl NewCase {
    /// Checks what can be checked without looking anything up.
    ///
    /// # Errors
    /// `Invalid` with every fault.
    pub fn check(&self) -> Result<(), Invalid> {
        let mut subject = Invalid::default();
        check_subject(&self.title, &mut subject);
        let mut faults = Invalid::default();
        for fault in subject.errors {
            faults.errors.push(crate::FieldError { pointer: "/title".into(), ..fault });
        }
        if self.participants.len() > PARTICIPANTS_MAX {
            faults.add_with("/participants", "too-many", PARTICIPANTS_MAX.to_string());
        }
        for (i, one) in self.participants.iter().enumerate() {
            one.check(&format!("/participants/{i}"), &mut faults);
        }
        faults.or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    #[test]
    fn a_closed_case_stays_closed() {
        assert_eq!(CaseState::Open.move_to(CaseState::Waiting), Ok(CaseState::Waiting));
        assert!(CaseState::Closed.move_to(CaseState::Open).is_err());
        assert!(CaseState::Open.move_to(CaseState::Open).is_err());
    }

    #[test]
    fn faults_name_their_field() {
        let bad = NewCase {
            dossier: DossierId::from_u128(1),
            title: " ".into(),
            due_on: None,
            participants: vec![Participant {
                role: ParticipantRole::Applicant,
                kind: CorrespondentKind::Person,
                name: String::new(),
                digital_domicile: Some("nowhere".into()),
            }],
        };
        let pointers: Vec<String> = bad.check().unwrap_err().errors.into_iter().map(|e| e.pointer).collect();
        assert_eq!(pointers, ["/title", "/participants/0/name", "/participants/0/digital_domicile"]);
    }
}
