//! Whom we believe: anchors, chains to them, and what a certificate was worth at a given time.
//!
//! Anchors come from PEM files (the operator's own choice) or from European trusted lists, which also say for what
//! and since when. Certificates already read and chains already built are remembered, because decoding them costs
//! ten times what checking a signature does. Nothing here looks at a clock or a network: the times come with the
//! question, revocation lists are files.

use super::SignatureError;
use super::asn1::Malformed;
use super::certificate::{Certificate, EMAIL_PROTECTION, TIME_STAMPING, usage};
use super::report::{Qualification, Reason, TimeKind, TimeReference};
use super::revocation::{RevocationList, Standing};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The moment of a check and the earlier times that something proves.
#[derive(Debug, Clone)]
pub struct Times {
    /// The moment of the check.
    pub now: Timestamp,
    /// Proofs from outside the signature: delivery by certified mail, registration.
    pub proofs: Vec<TimeReference>,
}

impl Times {
    /// Nothing but the moment of the check.
    pub fn now(now: Timestamp) -> Self {
        Self { now, proofs: Vec::new() }
    }

    /// Adds a proven time; later than `now` it proves nothing and is left out.
    pub fn proven(mut self, at: Timestamp, kind: TimeKind) -> Self {
        if at <= self.now {
            self.proofs.push(TimeReference { at, kind });
        }
        self
    }

    /// The earliest proven time, those of accepted time stamps included; without any, the moment of the check.
    pub(crate) fn earliest(&self, stamps: &[Timestamp]) -> TimeReference {
        let stamped = stamps.iter().map(|at| TimeReference { at: *at, kind: TimeKind::Timestamp });
        let all = self.proofs.iter().copied().chain(stamped);
        all.min_by_key(|r| r.at).unwrap_or(TimeReference { at: self.now, kind: TimeKind::Now })
    }
}

/// For what a certificate was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Signing or sealing a document.
    Document,
    /// Stamping a time.
    Timestamp,
    /// Signing a message of certified mail.
    Mail,
}

/// What a trusted list says of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceKind {
    /// Issues qualified certificates (`CA/QC`).
    QualifiedCertificates,
    /// Issues qualified time stamps (`TSA/QTST`).
    QualifiedTimestamps,
    /// Anything else.
    Other,
}

/// One service of a trusted list over one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What it does.
    pub kind: ServiceKind,
    /// Whether it was granted (or, before eIDAS, under supervision or accredited).
    pub granted: bool,
    /// From when.
    pub from: Timestamp,
    /// Until when, exclusive; `None`: still.
    pub until: Option<Timestamp>,
}

struct Anchor {
    certificate: Arc<Certificate>,
    /// `None`: chosen by the operator, trusted for everything but not a proof of qualification.
    services: Option<Vec<Service>>,
}

/// A chain from a certificate to an anchor.
pub(crate) struct Chain {
    path: Vec<Arc<Certificate>>,
    anchor: [u8; 32],
}

/// The worth of a certificate at a time.
pub(crate) struct Judgement {
    pub reasons: Vec<Reason>,
    pub qualification: Qualification,
}

const MAX_REMEMBERED: usize = 20_000;
const MAX_DEPTH: usize = 8;

/// Anchors, intermediate certificates and revocation lists, with what was learned from them.
pub struct TrustStore {
    anchors: HashMap<[u8; 32], Anchor>,
    issuers: HashMap<Vec<u8>, Vec<Arc<Certificate>>>,
    revocation: HashMap<Vec<u8>, Vec<RevocationList>>,
    label: String,
    read: Mutex<HashMap<[u8; 32], Arc<Certificate>>>,
    chains: Mutex<HashMap<[u8; 32], Arc<Chain>>>,
}

impl Default for TrustStore {
    fn default() -> Self {
        Self::empty()
    }
}

impl TrustStore {
    /// A store that trusts nobody: integrity is checked, signers are reported as not checked.
    pub fn empty() -> Self {
        Self {
            anchors: HashMap::new(),
            issuers: HashMap::new(),
            revocation: HashMap::new(),
            label: "none".to_owned(),
            read: Mutex::default(),
            chains: Mutex::default(),
        }
    }

    /// Adds anchors from PEM text. Returns how many.
    ///
    /// # Errors
    /// [`SignatureError::Trust`] when the text holds no certificate or a damaged one.
    pub fn add_anchors_pem(&mut self, pem: &[u8]) -> Result<usize, SignatureError> {
        let stack = openssl::x509::X509::stack_from_pem(pem)
            .map_err(|_| SignatureError::Trust("not PEM certificates"))?;
        if stack.is_empty() {
            return Err(SignatureError::Trust("no certificate in the file"));
        }
        let count = stack.len();
        for x509 in stack {
            let der = x509.to_der().map_err(|_| SignatureError::Trust("damaged certificate"))?;
            self.add_anchor(&der, None)?;
        }
        self.note(&format!("{count} PEM"));
        Ok(count)
    }

    /// Adds one anchor; `services` are those of a trusted list, joined with what was known of it.
    pub(crate) fn add_anchor(
        &mut self,
        der: &[u8],
        services: Option<Vec<Service>>,
    ) -> Result<(), SignatureError> {
        let certificate =
            Arc::new(Certificate::from_der(der).map_err(|_| SignatureError::Trust("damaged certificate"))?);
        let anchor = self
            .anchors
            .entry(certificate.sha256)
            .or_insert_with(|| Anchor { certificate: certificate.clone(), services: None });
        if let Some(services) = services {
            anchor.services.get_or_insert_default().extend(services);
        }
        self.add_issuer(certificate);
        Ok(())
    }

    /// Adds intermediate certificates from PEM text: used to build chains, not trusted by themselves.
    ///
    /// # Errors
    /// [`SignatureError::Trust`] when the text cannot be read.
    pub fn add_intermediates_pem(&mut self, pem: &[u8]) -> Result<usize, SignatureError> {
        let stack = openssl::x509::X509::stack_from_pem(pem)
            .map_err(|_| SignatureError::Trust("not PEM certificates"))?;
        let count = stack.len();
        for x509 in stack {
            let der = x509.to_der().map_err(|_| SignatureError::Trust("damaged certificate"))?;
            let read =
                Certificate::from_der(&der).map_err(|_| SignatureError::Trust("damaged certificate"))?;
            self.add_issuer(Arc::new(read));
        }
        Ok(count)
    }

    fn add_issuer(&mut self, certificate: Arc<Certificate>) {
        let list = self.issuers.entry(certificate.subject.der.clone()).or_default();
        if !list.iter().any(|c| c.sha256 == certificate.sha256) {
            list.push(certificate);
        }
    }

    /// Adds a revocation list, DER or PEM. Its signature is checked whenever it is used.
    ///
    /// # Errors
    /// [`SignatureError::Trust`] when it cannot be read.
    pub fn add_crl(&mut self, bytes: &[u8]) -> Result<(), SignatureError> {
        let list = RevocationList::read(bytes).map_err(|_| SignatureError::Trust("not a revocation list"))?;
        self.revocation.entry(list.issuer.clone()).or_default().push(list);
        Ok(())
    }

    /// Adds a line to the description of what is trusted.
    pub(crate) fn note(&mut self, what: &str) {
        self.label = if self.label == "none" { what.to_owned() } else { format!("{}; {what}", self.label) };
    }

    /// A short description of the material, kept with each check.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// The anchors' certificates.
    pub fn anchors(&self) -> impl Iterator<Item = &Certificate> {
        self.anchors.values().map(|a| a.certificate.as_ref())
    }

    /// A certificate, read or remembered.
    pub(crate) fn certificate(&self, der: &[u8]) -> Result<Arc<Certificate>, Malformed> {
        let key = openssl::sha::sha256(der);
        if let Some(known) = lock(&self.read).get(&key) {
            return Ok(known.clone());
        }
        let certificate = Arc::new(Certificate::from_der(der)?);
        remember(&self.read, key, &certificate);
        Ok(certificate)
    }

    /// The chain of a certificate, found with the help of others that came with it.
    fn chain(&self, leaf: &Arc<Certificate>, others: &[Arc<Certificate>]) -> Option<Arc<Chain>> {
        if let Some(known) = lock(&self.chains).get(&leaf.sha256) {
            return Some(known.clone());
        }
        let mut path = vec![leaf.clone()];
        let anchor = self.climb(&mut path, others, &mut 64)?;
        let chain = Arc::new(Chain { path, anchor });
        remember(&self.chains, leaf.sha256, &chain);
        Some(chain)
    }

    /// Depth-first search upwards; `budget` bounds the signatures tried, so that a bag of look-alike
    /// certificates cannot keep the machine busy.
    fn climb(
        &self,
        path: &mut Vec<Arc<Certificate>>,
        others: &[Arc<Certificate>],
        budget: &mut usize,
    ) -> Option<[u8; 32]> {
        let top = path.last()?.clone();
        if self.anchors.contains_key(&top.sha256) {
            return Some(top.sha256);
        }
        if path.len() >= MAX_DEPTH {
            return None;
        }
        let known = self.issuers.get(&top.issuer.der).map(Vec::as_slice).unwrap_or_default();
        let brought = others.iter().filter(|c| c.subject.der == top.issuer.der);
        for issuer in known.iter().chain(brought) {
            let below = path.iter().skip(1).filter(|c| !c.is_self_issued()).count() as u64;
            let may_issue = issuer.is_ca
                && issuer.may(usage::CERT_SIGN)
                && issuer.path_length.is_none_or(|max| below <= max);
            if !may_issue || path.iter().any(|c| c.sha256 == issuer.sha256) {
                continue;
            }
            *budget = budget.checked_sub(1)?;
            if !top.signed_by(issuer) {
                continue;
            }
            path.push(issuer.clone());
            if let Some(anchor) = self.climb(path, others, budget) {
                return Some(anchor);
            }
            path.pop();
        }
        None
    }

    /// What a certificate was worth for `purpose` at `reference`, seen from `now`.
    pub(crate) fn judge(
        &self,
        leaf: &Arc<Certificate>,
        others: &[Arc<Certificate>],
        purpose: Purpose,
        reference: TimeReference,
        now: Timestamp,
    ) -> Judgement {
        let mut reasons = Vec::new();
        judge_leaf(leaf, purpose, reference.at, now, &mut reasons);
        let mut qualification = claimed(leaf);
        if self.anchors.is_empty() {
            reasons.push(Reason::SignerNotChecked);
        } else if let Some(chain) = self.chain(leaf, others) {
            self.judge_path(&chain, reference.at, &mut reasons);
            qualification = self.qualify(leaf, &chain, purpose, reference.at, &mut reasons);
        } else {
            reasons.push(Reason::ChainNotTrusted);
        }
        if matches!(qualification, Qualification::NotQualified | Qualification::ClaimedQualified)
            && purpose == Purpose::Document
        {
            reasons.push(Reason::NotQualified);
        }
        reasons.sort_by_key(|r| std::cmp::Reverse(r.weight()));
        reasons.dedup();
        Judgement { reasons, qualification }
    }

    fn judge_path(&self, chain: &Chain, at: Timestamp, reasons: &mut Vec<Reason>) {
        let listed = self.anchors.get(&chain.anchor).is_some_and(|a| a.services.is_some());
        for (i, certificate) in chain.path.iter().enumerate() {
            let is_anchor = i + 1 == chain.path.len();
            // a trusted list vouches for its services by its own dates, not by those of their certificates
            let dated = i > 0 && !(is_anchor && listed);
            if dated && !(certificate.not_before <= at && at <= certificate.not_after) {
                reasons.push(Reason::IssuerNotValid);
            }
            if is_anchor {
                break;
            }
            if certificate.unknown_critical {
                reasons.push(Reason::UnknownCriticalExtension);
            }
            if certificate.signature_digest().is_some_and(|d| d.is_weak()) {
                reasons.push(Reason::WeakDigest);
            }
            self.judge_revocation(certificate, &chain.path[i + 1], at, i == 0, reasons);
        }
    }

    fn judge_revocation(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: Timestamp,
        leaf: bool,
        reasons: &mut Vec<Reason>,
    ) {
        let lists = self.revocation.get(&certificate.issuer.der).map(Vec::as_slice).unwrap_or_default();
        let standing =
            lists.iter().filter(|l| l.signed_by(issuer)).map(|l| l.standing(&certificate.serial, at)).max();
        match standing {
            Some(Standing::Good) => {}
            Some(Standing::GoodButOld) => reasons.push(Reason::RevocationListOld),
            Some(Standing::RevokedLater) if leaf => reasons.push(Reason::RevokedSince),
            Some(Standing::RevokedLater) => {}
            Some(Standing::Revoked) => {
                reasons.push(if leaf { Reason::Revoked } else { Reason::IssuerNotValid })
            }
            None if leaf => reasons.push(Reason::RevocationNotChecked),
            None => {}
        }
    }

    /// The legal kind, by the trusted list that the chain ends in.
    fn qualify(
        &self,
        leaf: &Certificate,
        chain: &Chain,
        purpose: Purpose,
        at: Timestamp,
        reasons: &mut Vec<Reason>,
    ) -> Qualification {
        let services = self.anchors.get(&chain.anchor).and_then(|a| a.services.as_ref());
        let Some(services) = services else { return claimed(leaf) };
        let wanted = match purpose {
            Purpose::Timestamp => ServiceKind::QualifiedTimestamps,
            Purpose::Document => ServiceKind::QualifiedCertificates,
            Purpose::Mail => return Qualification::NotQualified,
        };
        let then = |s: &&Service| s.from <= at && s.until.is_none_or(|until| at < until);
        let granted = services.iter().filter(|s| s.kind == wanted).filter(then).any(|s| s.granted);
        if !granted {
            reasons.push(Reason::ServiceNotGranted);
            return claimed(leaf);
        }
        match (purpose, leaf.qc) {
            (Purpose::Timestamp, _) => Qualification::QualifiedTimestamp,
            (_, qc) if !qc.compliance || !qc.device => Qualification::NotQualified,
            (_, qc) if qc.for_seal => Qualification::QualifiedSeal,
            _ => Qualification::QualifiedSignature,
        }
    }
}

/// What the certificate says of itself, which alone proves nothing.
fn claimed(leaf: &Certificate) -> Qualification {
    if leaf.qc.compliance { Qualification::ClaimedQualified } else { Qualification::NotQualified }
}

/// The checks that need no chain: dates, key, purpose.
fn judge_leaf(
    leaf: &Certificate,
    purpose: Purpose,
    at: Timestamp,
    now: Timestamp,
    reasons: &mut Vec<Reason>,
) {
    if at < leaf.not_before {
        reasons.push(Reason::CertificateNotYetValid);
    } else if at > leaf.not_after {
        reasons.push(Reason::CertificateExpired);
    } else if now > leaf.not_after {
        reasons.push(Reason::CertificateExpiredSince);
    }
    if leaf.key.id() == openssl::pkey::Id::RSA && leaf.key.bits() < 2048 {
        reasons.push(Reason::WeakKey);
    }
    match purpose {
        Purpose::Timestamp if !leaf.is_only_for(&TIME_STAMPING) => {
            reasons.push(Reason::NotATimestampAuthority)
        }
        Purpose::Mail if !leaf.allows(&EMAIL_PROTECTION) => reasons.push(Reason::KeyUsageOther),
        _ if !leaf.may(usage::DIGITAL_SIGNATURE | usage::NON_REPUDIATION) => {
            reasons.push(Reason::KeyUsageOther)
        }
        _ => {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // a panic while the lock was held cannot leave a half-written entry: take the map as it is
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a value; when the memory is full it starts afresh, so that hostile input cannot grow it for ever.
fn remember<T>(memory: &Mutex<HashMap<[u8; 32], Arc<T>>>, key: [u8; 32], value: &Arc<T>) {
    let mut map = lock(memory);
    if map.len() >= MAX_REMEMBERED {
        map.clear();
    }
    map.insert(key, value.clone());
}
