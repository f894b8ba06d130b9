//! Public bodies, their organisational areas (AOO) and offices.
//!
//! A body is never renamed in place: names have dates and heirs are recorded as successions, so that a document
//! of 2010 stays under the body of then while today's letter goes to the heir. This file must not know where
//! bodies are stored.

use crate::fault::Invalid;
use crate::ids::UnitId;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $field:literal, $max:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Reads the code; the error names the field and quotes the text.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                let ok: fn(u8) -> bool = $ok;
                if !text.is_empty() && text.len() <= $max && text.bytes().all(ok) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(Invalid::with($field, "bad-code", text.chars().take(40).collect::<String>()))
                }
            }
            /// The text of the code.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> { Self::parse(text) }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

code!(
    /// Code of a body in the national index (IPA): letters, digits, underscore; comuni are `c_` + cadastral code.
    IpaCode, "/body", 32, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'
);
code!(
    /// Code of an AOO; since 2022 the seven-character `Codice_uni_aoo` of IPA, older ones survive as aliases.
    AooCode, "/aoo", 32, |b| b.is_ascii_alphanumeric() || b == b'_'
);
code!(
    /// Code of a register inside an AOO (Annex 6: `[A-Za-z0-9_.-]{1,16}`).
    RegisterCode, "/register", 16, |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
);

impl AooCode {
    /// Whether the code may stand in an outgoing segnatura (seven characters, first letter A; Annex 6, 2021).
    pub fn is_unique_code(&self) -> bool {
        self.0.len() == 7 && self.0.starts_with('A')
    }
}

/// What kind of body it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyKind {
    /// Comune.
    Municipality,
    /// Union of comuni.
    Union,
    /// Provincia.
    Province,
    /// Regione.
    Region,
    /// Peripheral office of the State.
    StateOffice,
    /// Court.
    Court,
    /// Public prosecutor's office.
    Prosecutor,
    /// Chamber of commerce.
    Chamber,
    /// Other public entity.
    PublicEntity,
    /// Operator of a public service.
    Utility,
}

impl BodyKind {
    /// The name used by the API and stored in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Municipality => "municipality",
            Self::Union => "union",
            Self::Province => "province",
            Self::Region => "region",
            Self::StateOffice => "state_office",
            Self::Court => "court",
            Self::Prosecutor => "prosecutor",
            Self::Chamber => "chamber",
            Self::PublicEntity => "public_entity",
            Self::Utility => "utility",
        }
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        serde_json::from_value(serde_json::Value::String(text.to_owned()))
            .map_err(|_| Invalid::with("/kind", "bad-code", text))
    }
}

/// A public body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Code in IPA; `demo_…` where the true one could not be verified.
    pub ipa_code: IpaCode,
    /// Name in force.
    pub name: String,
    /// Eleven-digit tax code.
    pub tax_code: Option<String>,
    /// Kind of body.
    pub kind: BodyKind,
    /// General certified-mail address.
    pub digital_domicile: Option<String>,
    /// Areas with a register of their own.
    pub aoos: Vec<Aoo>,
    /// Offices, as a tree by `parent`.
    pub offices: Vec<Unit>,
    /// Heir, when the body has ceased.
    pub succeeded_by: Option<IpaCode>,
    /// First day of existence under this name.
    pub valid_from: Date,
    /// Last day of existence, when ceased.
    pub valid_to: Option<Date>,
    /// Whether the body works inside this installation (has users and registers) or is reached from outside.
    pub inside: bool,
}

/// An organisational area (*area organizzativa omogenea*): one register, one numbering, one set of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aoo {
    /// Code.
    pub code: AooCode,
    /// Name.
    pub name: String,
    /// Certified-mail address of the area.
    pub digital_domicile: Option<String>,
    /// Registers: the general one first.
    pub registers: Vec<RegisterInfo>,
}

/// A register of an AOO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterInfo {
    /// Code.
    pub code: RegisterCode,
    /// Name.
    pub name: String,
}

/// An office (*unità organizzativa*).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Id.
    pub id: UnitId,
    /// Short code shown to people.
    pub code: String,
    /// Name.
    pub name: String,
    /// AOO it belongs to.
    pub aoo: AooCode,
    /// Office above it.
    pub parent: Option<UnitId>,
    /// Whether it still works.
    pub active: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_parsed_at_the_door() {
        assert!(IpaCode::parse("c_g999").is_ok());
        assert!(IpaCode::parse("C_G999").is_err());
        assert!(IpaCode::parse("").is_err());
        assert!(RegisterCode::parse("RG-1.a_b").is_ok());
        assert!(RegisterCode::parse("a name with spaces").is_err());
        assert!(AooCode::parse("A1B2C3D").unwrap().is_unique_code());
        assert!(!AooCode::parse("c_g999").unwrap().is_unique_code());
    }

    #[test]
    fn kinds_read_back() {
        assert_eq!(BodyKind::parse(BodyKind::StateOffice.name()).unwrap(), BodyKind::StateOffice);
        assert!(BodyKind::parse("kingdom").is_err());
    }
}
