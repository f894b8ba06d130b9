//! The dossier (*fascicolo*): the ordered set of documents of one matter, with code, state and confidentiality.
//!
//! The code is year, class and progressive inside the class; parts of a dossier add a number after a dot. Who
//! sees what follows the five levels of the register sheet. This file must not know how dossiers are stored, nor
//! who is asking by name: it is told how the asking person stands to the thing.

use crate::body::IpaCode;
use crate::fault::{Invalid, Refusal};
use crate::ids::{AccountId, DossierId, UnitId};
use crate::law::Law;
use crate::register::check_subject;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Article on the dossier.
pub const DOSSIER_LAW: Law = Law("D.Lgs. 82/2005, art. 41");

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident, $pointer:literal { $($(#[$vdoc:meta])* $variant:ident $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $kind { $($(#[$vdoc])* $variant,)* }

        impl $kind {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used by the API and stored in the database.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }

            /// Reads a name.
            ///
            /// # Errors
            /// `Invalid` that names the field.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                let found = Self::ALL.iter().copied().find(|one| one.name() == text);
                found.ok_or_else(|| Invalid::with($pointer, "bad-code", text.chars().take(40).collect::<String>()))
            }
        }

        impl std::str::FromStr for $kind {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> { Self::parse(text) }
        }
    };
}

names!(
    /// What a dossier is about (AgID guidelines, annex 5).
    DossierKind, "/kind" {
        /// One matter (*affare*).
        Matter "matter",
        /// A yearly activity (*attività*).
        Activity "activity",
        /// A natural person.
        NaturalPerson "natural_person",
        /// A legal person.
        LegalPerson "legal_person",
        /// An administrative procedure (*procedimento*).
        Procedure "procedure",
    }
);

names!(
    /// Where a dossier stands in its life.
    DossierState, "/state" {
        /// Documents come in.
        Open "open",
        /// The matter is over.
        Closed "closed",
        /// In the deposit archive.
        InDeposit "in_deposit",
        /// Handed to preservation.
        SentToPreservation "sent_to_preservation",
        /// Destroyed with authorisation.
        Disposed "disposed",
        /// Kept for ever.
        Kept "kept",
    }
);

impl DossierState {
    /// The states that may follow. A closed dossier may be opened again; what was handed on does not come back.
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Open => &[Self::Closed],
            Self::Closed => &[Self::Open, Self::InDeposit],
            Self::InDeposit => &[Self::SentToPreservation],
            Self::SentToPreservation => &[Self::Disposed, Self::Kept],
            Self::Disposed | Self::Kept => &[],
        }
    }

    /// Moves on.
    ///
    /// # Errors
    /// `Refusal` when the step is not one of the life of a dossier.
    pub fn move_to(self, to: Self) -> Result<Self, Refusal> {
        match self.next().contains(&to) {
            true => Ok(to),
            false => Err(Refusal::by("dossier-step", DOSSIER_LAW)),
        }
    }

    /// Whether documents may be added.
    ///
    /// # Errors
    /// `Refusal` for a dossier that is not open.
    pub fn must_be_open(self) -> Result<(), Refusal> {
        match self {
            Self::Open => Ok(()),
            _ => Err(Refusal::by("dossier-not-open", DOSSIER_LAW)),
        }
    }
}

names!(
    /// Who may see it (register sheet, §16), from the most open.
    Confidentiality, "/confidentiality" {
        /// Everybody of the body who may read dossiers.
        Public "public",
        /// The office in charge and those to which it is assigned.
        Office "office",
        /// The persons to whom it is assigned, and the officer.
        Assignee "assignee",
        /// Named persons only; others see number and date.
        Confidential "confidential",
        /// Health or judicial data (Regulation EU 2016/679, arts. 9 and 10): named persons only.
        Special "special",
    }
);

/// How the asking person stands to a dossier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Works in the body that holds it.
    pub same_body: bool,
    /// Works in the office in charge or in one to which it is assigned.
    pub office: bool,
    /// Is the officer, or has it assigned by name.
    pub assigned: bool,
    /// Is on the list of named persons.
    pub named: bool,
    /// Answers for document management, and so sees the ordinary levels (D.P.R. 445/2000, art. 61).
    pub manager: bool,
    /// Works in a body with which it was shared.
    pub shared: bool,
}

/// How much of a dossier somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Everything.
    Full,
    /// Code and opening date; the attempt is traced.
    CodeAndDate,
    /// For this person it does not exist.
    Nothing,
}

/// How much of a dossier of this level a person sees. Sharing with a body opens the ordinary levels only: what is
/// confidential stays with named persons.
pub fn sight(level: Confidentiality, who: Standing) -> Sight {
    if who.shared && !who.same_body {
        return if level <= Confidentiality::Office { Sight::Full } else { Sight::Nothing };
    }
    if !who.same_body {
        return Sight::Nothing;
    }
    let full = match level {
        Confidentiality::Public => true,
        Confidentiality::Office => who.office || who.assigned || who.named || who.manager,
        Confidentiality::Assignee => who.assigned || who.named || who.manager,
        Confidentiality::Confidential | Confidentiality::Special => who.assigned || who.named,
    };
    if full { Sight::Full } else { Sight::CodeAndDate }
}

/// Code of a dossier: `2026-VI.3/12`, of a part of it `2026-VI.3/12.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DossierCode {
    /// Year of opening.
    pub year: i64,
    /// Class.
    pub class: String,
    /// Progressive inside the class and year, then that of each part.
    pub numbers: Vec<i64>,
}

impl std::fmt::Display for DossierCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers: Vec<String> = self.numbers.iter().map(i64::to_string).collect();
        write!(f, "{}-{}/{}", self.year, self.class, numbers.join("."))
    }
}

impl std::str::FromStr for DossierCode {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::with("/code", "bad-code", text.chars().take(40).collect::<String>());
        let (head, tail) = text.split_once('/').ok_or_else(wrong)?;
        let (year, class) = head.split_once('-').ok_or_else(wrong)?;
        let numbers =
            tail.split('.').map(|n| n.parse().map_err(|_| wrong())).collect::<Result<Vec<i64>, _>>()?;
        let year = year.parse().map_err(|_| wrong())?;
        if class.is_empty() || numbers.iter().any(|n| *n < 1) {
            return Err(wrong());
        }
        Ok(Self { year, class: class.to_owned(), numbers })
    }
}

/// A dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dossier {
    /// Id.
    pub id: DossierId,
    /// Body that holds it.
    pub body: IpaCode,
    /// Code, e.g. `2026-VI.3/12`.
    pub code: String,
    /// Class.
    pub classification: String,
    /// The whole of which it is a part.
    pub parent: Option<DossierId>,
    /// Kind.
    pub kind: DossierKind,
    /// What it is about.
    pub subject: String,
    /// Who may see it.
    pub confidentiality: Confidentiality,
    /// State.
    pub state: DossierState,
    /// Office in charge.
    pub unit: Option<UnitId>,
    /// Officer in charge.
    pub officer: Option<AccountId>,
    /// Name of the officer, as it was.
    pub officer_name: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

/// Deepest part of a part.
pub const DEPTH_MAX: usize = 4;

/// What is asked when a dossier, or a part of one, is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDossier {
    /// Class of the scheme; of a part it is the whole's.
    pub classification: String,
    /// What it is about.
    pub subject: String,
    /// Kind.
    pub kind: DossierKind,
    /// Who may see it.
    #[serde(default = "ordinary")]
    pub confidentiality: Confidentiality,
    /// Office in charge; that of who opens it when absent.
    #[serde(default)]
    pub unit: Option<UnitId>,
    /// The dossier of which it is a part.
    #[serde(default)]
    pub parent: Option<DossierId>,
}

fn ordinary() -> Confidentiality {
    Confidentiality::Public
}

impl NewDossier {
    /// Checks what can be checked without looking anything up.
    ///
    /// # Errors
    /// `Invalid` with every fault.
    pub fn check(&self) -> Result<(), Invalid> {
        let mut faults = Invalid::default();
        check_subject(&self.subject, &mut faults);
        if self.parent.is_none() && self.classification.trim().is_empty() {
            faults.add("/classification", "required");
        }
        faults.or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back() {
        for text in ["2026-VI.3/12", "2026-VI.3/12.1", "2027-I/1"] {
            assert_eq!(text.parse::<DossierCode>().unwrap().to_string(), text);
        }
        for bad in ["", "2026/12", "2026-VI.3", "2026-/1", "2026-VI.3/0", "x-VI.3/1", "2026-VI.3/1.a"] {
            assert!(bad.parse::<DossierCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn states_move_forward_and_names_read_back() {
        assert_eq!(DossierState::Open.move_to(DossierState::Closed), Ok(DossierState::Closed));
        assert_eq!(DossierState::Closed.move_to(DossierState::Open), Ok(DossierState::Open));
        assert!(DossierState::Disposed.move_to(DossierState::Open).is_err());
        assert!(DossierState::Closed.must_be_open().is_err());
        for state in DossierState::ALL {
            assert_eq!(DossierState::parse(state.name()).unwrap(), *state);
            assert_eq!(serde_json::to_string(state).unwrap(), format!("\"{}\"", state.name()));
        }
    }

    #[test]
    fn each_level_opens_to_whom_it_should() {
        let body = Standing { same_body: true, ..Standing::default() };
        let rows = [
            (Confidentiality::Public, body, Sight::Full),
            (Confidentiality::Office, body, Sight::CodeAndDate),
            (Confidentiality::Office, Standing { office: true, ..body }, Sight::Full),
            (Confidentiality::Assignee, Standing { office: true, ..body }, Sight::CodeAndDate),
            (Confidentiality::Assignee, Standing { assigned: true, ..body }, Sight::Full),
            // A colleague of the same office, and even the records manager, see number and date only.
            (
                Confidentiality::Confidential,
                Standing { office: true, manager: true, ..body },
                Sight::CodeAndDate,
            ),
            (Confidentiality::Confidential, Standing { named: true, ..body }, Sight::Full),
            (Confidentiality::Special, Standing { named: true, ..body }, Sight::Full),
            (Confidentiality::Public, Standing::default(), Sight::Nothing),
            (Confidentiality::Public, Standing { shared: true, ..Standing::default() }, Sight::Full),
            (Confidentiality::Confidential, Standing { shared: true, ..Standing::default() }, Sight::Nothing),
        ];
        for (level, who, expected) in rows {
            assert_eq!(sight(level, who), expected, "{level:?} {who:?}");
        }
    }
}
