//! What a check found out, as facts to keep with the document.
//!
//! No sentence for people is here: every [`Reason`] has a stable name (kebab case in JSON) and the message files
//! say `sig-<name>`. The verdict is nothing but the heaviest of the reasons, so that it can always be explained.

use super::certificate::Certificate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The kind of signed thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `.p7m` with its content, or `.p7s` beside it (CMS, CAdES).
    Cades,
    /// A signed PDF.
    Pades,
    /// A signed XML.
    Xades,
    /// `.tsr`, `.tst`, `.tsd`: a time stamp (RFC 3161, RFC 5544).
    Timestamp,
    /// A signed e-mail message.
    Smime,
}

/// The outcome, as records offices know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything that was to be checked holds.
    Valid,
    /// Holds, with something a person should know.
    ValidWithWarnings,
    /// Cannot be decided with what is known here.
    Indeterminate,
    /// Does not hold.
    Invalid,
}

/// Where a proven time comes from (D.P.C.M. 22/2/2013, art. 41).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeKind {
    /// A time stamp inside or beside the signature.
    Timestamp,
    /// Delivery by certified mail.
    PecDelivery,
    /// The entry in a public body's register.
    Registration,
    /// Nothing proves an earlier time: the moment of the check.
    Now,
}

/// A time at which the signed thing is proven to have existed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeReference {
    /// The instant.
    pub at: Timestamp,
    /// What proves it.
    pub kind: TimeKind,
}

impl TimeReference {
    /// The moment of the check itself.
    pub fn now(at: Timestamp) -> Self {
        Self { at, kind: TimeKind::Now }
    }
}

/// What European law would call the signature, as far as the certificate and the trusted list show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Qualification {
    /// Qualified electronic signature: *firma digitale*.
    QualifiedSignature,
    /// Qualified electronic seal.
    QualifiedSeal,
    /// Qualified time stamp.
    QualifiedTimestamp,
    /// The certificate says it is qualified, but no trusted list known here confirms its issuer.
    ClaimedQualified,
    /// Advanced signature or seal, not qualified.
    NotQualified,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $weight:ident),* $(,)?) => {
        /// One finding. The name is stable; it is what the message files and the API speak of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Reason { $($(#[$doc])* $name),* }

        impl Reason {
            /// What the finding does to the verdict.
            pub fn weight(self) -> Verdict {
                match self { $(Self::$name => Verdict::$weight),* }
            }

            /// Every reason there is, for the test that each has its words.
            pub const ALL: &'static [Reason] = &[$(Self::$name),*];
        }
    };
}

reasons! {
    /// The certificate had expired at the check, but not at the proven time.
    CertificateExpiredSince = Valid,
    /// The certificate was revoked after the proven time.
    RevokedSince = Valid,
    /// Revocation was not looked up: no list of the issuer is configured.
    RevocationNotChecked = Valid,
    /// The list of revoked certificates is older than the proven time.
    RevocationListOld = ValidWithWarnings,
    /// No time stamp, delivery or registration proves when it was signed; the check's own time was used.
    TimeNotProven = Valid,
    /// The signing time claimed by the signer lies after the proven time.
    ClaimedTimeLater = ValidWithWarnings,
    /// The certificate is not (or cannot be shown to be) a qualified one.
    NotQualified = Valid,
    /// The signature does not bind the signer's certificate (no signing-certificate attribute).
    CertificateNotBound = ValidWithWarnings,
    /// The digest is SHA-1: too weak for a new signature.
    WeakDigest = ValidWithWarnings,
    /// The key is shorter than 2048 bits (RSA).
    WeakKey = ValidWithWarnings,
    /// The key usage of the certificate does not mention signatures.
    KeyUsageOther = ValidWithWarnings,
    /// A time stamp inside could not be accepted, so it proves nothing.
    TimestampNotAccepted = ValidWithWarnings,
    /// The file was added to after this signature, in ways that cannot change what was signed.
    ExtendedAfterSigning = Valid,
    /// The certificate's address is not the sender's.
    AddressDiffers = Invalid,
    /// Signed parts do not make up the whole document.
    PartlySigned = ValidWithWarnings,
    /// No chain to a trusted anchor was found.
    ChainNotTrusted = Indeterminate,
    /// No anchor is configured: the signer was not checked.
    SignerNotChecked = Indeterminate,
    /// The service was not granted in the trusted list at that time.
    ServiceNotGranted = Indeterminate,
    /// The certificate demands something this program does not know.
    UnknownCriticalExtension = Indeterminate,
    /// The certificate had expired at the time used for the check, and no earlier time is proven.
    CertificateExpired = Indeterminate,
    /// The certificate was revoked before the time used for the check.
    Revoked = Invalid,
    /// An issuer of the chain was not valid at the time used.
    IssuerNotValid = Indeterminate,
    /// The certificate was not valid yet.
    CertificateNotYetValid = Invalid,
    /// An algorithm not known here.
    AlgorithmUnknown = Indeterminate,
    /// The signer's certificate is not in the file.
    CertificateMissing = Indeterminate,
    /// The signed content is not in the file and was not given.
    ContentMissing = Indeterminate,
    /// Something signed lies outside the document; it is never fetched.
    ExternalReference = Indeterminate,
    /// Too big to be checked here.
    TooLarge = Indeterminate,
    /// The content is not what was signed.
    DigestMismatch = Invalid,
    /// The signature does not fit the certificate's key.
    SignatureBroken = Invalid,
    /// The certificate is not the one that the signature binds.
    CertificateMismatch = Invalid,
    /// The signature covers less than it pretends to.
    CoverageBroken = Invalid,
    /// Content was changed by a revision added after the signature.
    ChangedAfterSigning = Invalid,
    /// The structure is damaged or plays tricks.
    Damaged = Invalid,
    /// The certificate may not be used for time stamps.
    NotATimestampAuthority = Invalid,
}

/// What identifies the certificate used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Subject on one line.
    pub subject: String,
    /// Issuer on one line.
    pub issuer: String,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
}

impl CertificateFacts {
    /// The facts of a certificate.
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            serial: certificate.serial_hex(),
            subject: certificate.subject.text().to_owned(),
            issuer: certificate.issuer.text().to_owned(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            sha256: hex::encode(certificate.sha256),
        }
    }
}

/// A time stamp found and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The instant stamped.
    pub at: Timestamp,
    /// The authority's name.
    pub authority: Option<String>,
    /// Whether it can be relied upon.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Outcome of this signature alone.
    pub verdict: Verdict,
    /// Name of the person or body.
    pub name: Option<String>,
    /// Organisation.
    pub organisation: Option<String>,
    /// Italian tax code, if the certificate carries one.
    pub tax_code: Option<String>,
    /// The certificate, if it was found.
    pub certificate: Option<CertificateFacts>,
    /// The time the signer claims.
    pub claimed_at: Option<Timestamp>,
    /// The time at which the certificate was judged.
    pub at: Timestamp,
    /// What proves that time.
    pub time_reference: TimeKind,
    /// Its legal kind.
    pub qualification: Qualification,
    /// Time stamps on this signature.
    pub timestamps: Vec<Stamp>,
    /// Findings.
    pub reasons: Vec<Reason>,
    /// Signatures on this signature.
    pub countersigners: Vec<Signer>,
}

impl Signer {
    /// An empty record judged at `reference`; the caller adds findings and calls [`Signer::conclude`].
    pub(crate) fn at(reference: TimeReference) -> Self {
        Self {
            verdict: Verdict::Valid,
            name: None,
            organisation: None,
            tax_code: None,
            certificate: None,
            claimed_at: None,
            at: reference.at,
            time_reference: reference.kind,
            qualification: Qualification::NotQualified,
            timestamps: Vec::new(),
            reasons: Vec::new(),
            countersigners: Vec::new(),
        }
    }

    /// Fills in who signed.
    pub(crate) fn name_from(&mut self, certificate: &Certificate) {
        let subject = &certificate.subject;
        let person =
            subject.given_name.as_ref().zip(subject.surname.as_ref()).map(|(g, s)| format!("{g} {s}"));
        self.name = person.or_else(|| subject.common_name.clone()).or_else(|| subject.organisation.clone());
        self.organisation = subject.organisation.clone();
        self.tax_code = subject.tax_code();
        self.certificate = Some(CertificateFacts::of(certificate));
    }

    /// Adds a finding once.
    pub(crate) fn add(&mut self, reason: Reason) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Draws the verdict from the findings.
    pub(crate) fn conclude(mut self) -> Self {
        self.verdict = heaviest(&self.reasons);
        self
    }

    /// Whether the signed bytes are intact and signed by the key of the certificate shown, whoever that is.
    pub fn is_intact(&self) -> bool {
        use Reason::*;
        let broken = [
            DigestMismatch,
            SignatureBroken,
            CertificateMismatch,
            CoverageBroken,
            ChangedAfterSigning,
            Damaged,
        ];
        let unseen = [AlgorithmUnknown, CertificateMissing, ContentMissing, ExternalReference, TooLarge];
        !self.reasons.iter().any(|r| broken.contains(r) || unseen.contains(r))
    }
}

/// The heaviest of some findings.
pub(crate) fn heaviest(reasons: &[Reason]) -> Verdict {
    reasons.iter().map(|r| r.weight()).max().unwrap_or(Verdict::Valid)
}

/// The document inside a signed envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// What was recognised.
    pub format: Format,
    /// The worst of everything found.
    pub verdict: Verdict,
    /// Each signature.
    pub signers: Vec<Signer>,
    /// Time stamps on the document itself.
    pub timestamps: Vec<Stamp>,
    /// Findings about the file as a whole.
    pub reasons: Vec<Reason>,
    /// Whether a signature covers the file to its last byte.
    pub covers_whole: bool,
    /// The document inside, for envelopes.
    pub content: Option<Content>,
    /// The check of the document inside, when that is signed too.
    pub nested: Option<Box<Verification>>,
    /// Name and date of the trust material used.
    pub trust: String,
}

impl Verification {
    /// A record without findings.
    pub(crate) fn new(format: Format, trust: &str) -> Self {
        Self {
            format,
            verdict: Verdict::Valid,
            signers: Vec::new(),
            timestamps: Vec::new(),
            reasons: Vec::new(),
            covers_whole: true,
            content: None,
            nested: None,
            trust: trust.to_owned(),
        }
    }

    /// A record of one finding about the whole file.
    pub(crate) fn of_reason(format: Format, trust: &str, reason: Reason) -> Self {
        let mut out = Self::new(format, trust);
        out.covers_whole = false;
        out.reasons.push(reason);
        out.conclude()
    }

    /// Draws the verdict from everything found, the nested document included.
    pub(crate) fn conclude(mut self) -> Self {
        let own = heaviest(&self.reasons);
        let signers = self.signers.iter().map(|s| s.verdict);
        let stamps = self.timestamps.iter().map(|s| s.verdict);
        let nested = self.nested.iter().map(|n| n.verdict);
        self.verdict = signers.chain(stamps).chain(nested).chain([own]).max().unwrap_or(own);
        self
    }

    /// Whether nothing was altered, whoever signed.
    pub fn is_intact(&self) -> bool {
        let whole = !self.reasons.iter().any(|r| r.weight() == Verdict::Invalid || *r == Reason::TooLarge);
        whole
            && self.signers.iter().all(Signer::is_intact)
            && self.nested.as_ref().is_none_or(|n| n.is_intact())
    }
}
