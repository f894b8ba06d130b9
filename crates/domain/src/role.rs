//! The roles a person can hold in a body, with the names of the public contract.

use serde::{Deserialize, Serialize};

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident $name:literal;)*) => {
        /// A role. One account may hold several.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Role { $($(#[$doc])* $variant,)* }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Role] = &[$(Role::$variant,)*];

            /// The name used by the API and the accounts list.
            pub fn name(self) -> &'static str { match self { $(Role::$variant => $name,)* } }
        }
    };
}

roles! {
    /// Keeps the archive of closed dossiers.
    Archivist "archivist";
    /// Reads logs and registers, changes nothing.
    Auditor "auditor";
    /// Responsible for a procedure (*responsabile del procedimento*).
    CaseOfficer "case_officer";
    /// A citizen, for own matters only.
    Citizen "citizen";
    /// Civil-status officer (*ufficiale dello stato civile*).
    CivilStatusOfficer "civil_status_officer";
    /// Coordinator of the provincial programme.
    Coordinator "coordinator";
    /// Adopts the final act of a procedure.
    DecidingOfficer "deciding_officer";
    /// Runs the installation and invites users; sees no content.
    ItAdmin "it_admin";
    /// Police user of the consultation door.
    PoliceUser "police_user";
    /// Data-protection officer.
    PrivacyOfficer "privacy_officer";
    /// A professional acting for clients.
    Professional "professional";
    /// Clerk of the public prosecutor.
    ProsecutorClerk "prosecutor_clerk";
    /// Clerk of the criminal-records office.
    RecordsClerk "records_clerk";
    /// Responsible for document management (*responsabile della gestione documentale*).
    RecordsManager "records_manager";
    /// Population registrar (*ufficiale d'anagrafe*).
    Registrar "registrar";
    /// Protocol operator (*operatore di protocollo*).
    RegistryClerk "registry_clerk";
    /// Head of an office.
    UnitHead "unit_head";
}

impl std::str::FromStr for Role {
    type Err = crate::fault::Invalid;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Role::ALL.iter().copied().find(|r| r.name() == text);
        found.ok_or_else(|| crate::fault::Invalid::with("/role", "unknown-role", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_match_serde() {
        for role in Role::ALL {
            assert_eq!(role.name().parse::<Role>().unwrap(), *role);
            assert_eq!(serde_json::to_string(role).unwrap(), format!("\"{}\"", role.name()));
        }
        assert!("protocol_operator".parse::<Role>().is_err());
    }
}
