//! Who may do which verb: one table.
//!
//! A permission is body + role + verb, and for things with an owner also office, assignment or sharing, which
//! the query of each noun applies with the actor in hand. What somebody may not see is *not found*, never
//! *forbidden*, so that nothing hints that it exists.

use crate::context::Actor;
use domain::body::IpaCode;
use domain::{Refusal, Role};

macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident: $($role:ident)|+ ;)*) => {
        /// Everything a person can do here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Verb { $($(#[$doc])* $verb,)* }

        impl Verb {
            /// Every verb.
            pub const ALL: &'static [Verb] = &[$(Verb::$verb,)*];

            /// The roles that may do it, inside their own body.
            pub fn roles(self) -> &'static [Role] {
                match self { $(Verb::$verb => &[$(Role::$role,)+],)* }
            }
        }
    };
}

verbs! {
    /// Annul an entry, or cancel and replace one datum of it (D.P.R. 445/2000, arts. 54 and 61).
    Annul: RecordsManager;
    /// Approve a change of rights that somebody else asked for.
    ApproveRights: RecordsManager | UnitHead;
    /// Give a document to an office or person, or change its class.
    Assign: RegistryClerk | RecordsManager | UnitHead;
    /// Authorise the emergency register (D.P.R. 445/2000, art. 63).
    AuthorizeEmergency: RecordsManager;
    /// Decide what to do with a delivery that failed or stays silent.
    DecideDelivery: RegistryClerk | CaseOfficer | DecidingOfficer | UnitHead | RecordsManager;
    /// Export lists of entries.
    ExportRegister: RegistryClerk | RecordsManager | Auditor;
    /// Work on the inbox: register, discard with reason, answer with an exception.
    HandleInbox: RegistryClerk | RecordsManager;
    /// Bring in entries of an old register.
    ImportRegister: RecordsManager;
    /// Merge the emergency register back.
    KeepEmergency: RegistryClerk | RecordsManager;
    /// Look after the installation; no content.
    ManageSystem: ItAdmin;
    /// Write and change templates of letters.
    ManageTemplates: CaseOfficer | UnitHead | RecordsManager;
    /// Load the classification scheme.
    ManageScheme: RecordsManager | Archivist;
    /// Invite, suspend, move and remove users.
    ManageUsers: ItAdmin;
    /// Open dossiers and cases and work on them.
    OpenDossier: CaseOfficer | UnitHead | DecidingOfficer | RecordsManager | RegistryClerk;
    /// Read logs and traces.
    ReadAudit: Auditor | PrivacyOfficer;
    /// Read what was sent and how it ended.
    ReadDeliveries: RegistryClerk | CaseOfficer | DecidingOfficer | UnitHead | RecordsManager | Auditor;
    /// Read dossiers and cases shown to the office or person.
    ReadDossier: CaseOfficer | UnitHead | DecidingOfficer | RecordsManager | RegistryClerk | Archivist | Auditor;
    /// Read and search the register.
    ReadRegister: RegistryClerk | RecordsManager | UnitHead | CaseOfficer | DecidingOfficer | Auditor | Archivist;
    /// Register documents.
    Register: RegistryClerk | RecordsManager | CaseOfficer;
    /// Attest that a scan conforms to the paper (D.Lgs. 82/2005, art. 22).
    ScanIntake: RegistryClerk | RecordsManager;
    /// Seal an act and send it.
    SendAct: CaseOfficer | DecidingOfficer | UnitHead | RecordsManager | RegistryClerk;
    /// Choose how the body's exchange registers what arrives.
    SetExchangeRules: ItAdmin | RecordsManager;
    /// Share a dossier with another body.
    ShareDossier: CaseOfficer | UnitHead | RecordsManager;
    /// Take charge of what was assigned to the office, or send it back.
    TakeCharge: CaseOfficer | UnitHead | DecidingOfficer | RegistryClerk | RecordsManager;
    /// Write answers.
    WriteAnswer: CaseOfficer | UnitHead | DecidingOfficer;
}

/// Whether the actor holds a role that may do the verb (inside the actor's own body).
pub fn may(actor: &Actor, verb: Verb) -> Result<(), Refusal> {
    match actor.roles.iter().any(|role| verb.roles().contains(role)) {
        true => Ok(()),
        false => Err(Refusal::of("not-permitted")),
    }
}

/// The same, for something that belongs to a body: another body's things do not exist for the actor.
pub fn may_in(actor: &Actor, verb: Verb, body: &IpaCode) -> crate::error::Result<()> {
    if &actor.body != body {
        return Err(crate::Error::NotFound);
    }
    Ok(may(actor, verb)?)
}
