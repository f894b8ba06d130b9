//! From the mathematics of one signature to a [`Signer`]: time stamps first, because they fix the time at which the
//! certificate is judged, then the certificate itself.

use super::algorithms::Digest;
use super::certificate::Certificate;
use super::cms::SignerInfo;
use super::report::{Reason, Signer, Stamp, TimeKind, Verdict};
use super::timestamp;
use super::trust::{Purpose, Times, TrustStore};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Clocks of signers may be this much ahead before it is worth a word.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a signature before its certificate is judged.
pub(crate) struct Facts<'a> {
    pub certificate: Option<Arc<Certificate>>,
    pub others: &'a [Arc<Certificate>],
    pub found: Vec<Reason>,
    pub claimed_at: Option<Timestamp>,
    pub stamps: Vec<Stamp>,
    pub purpose: Purpose,
}

/// Judges one signature.
pub(crate) fn signer(facts: Facts<'_>, trust: &TrustStore, times: &Times) -> Signer {
    let relied = |s: &&Stamp| s.verdict <= Verdict::ValidWithWarnings;
    let accepted: Vec<Timestamp> = facts.stamps.iter().filter(relied).map(|s| s.at).collect();
    let reference = times.earliest(&accepted);
    let mut signer = Signer::at(reference);
    signer.claimed_at = facts.claimed_at;
    facts.found.iter().for_each(|r| signer.add(*r));
    if accepted.len() < facts.stamps.len() {
        signer.add(Reason::TimestampNotAccepted);
    }
    signer.timestamps = facts.stamps;
    if facts.claimed_at.is_some_and(|claimed| claimed > reference.at + CLOCK_TOLERANCE) {
        signer.add(Reason::ClaimedTimeLater);
    }
    if let Some(certificate) = &facts.certificate {
        signer.name_from(certificate);
        let judgement = trust.judge(certificate, facts.others, facts.purpose, reference, times.now);
        judgement.reasons.iter().for_each(|r| signer.add(*r));
        signer.qualification = judgement.qualification;
    }
    if reference.kind == TimeKind::Now && facts.purpose == Purpose::Document {
        signer.add(Reason::TimeNotProven);
    }
    signer.conclude()
}

/// Checks and judges one signer of a CMS message, with its countersignatures.
pub(crate) fn cms_signer(
    info: &SignerInfo<'_>,
    content_type: Option<&[u8]>,
    content: &dyn Fn(Digest) -> Option<Vec<u8>>,
    certificates: &[Arc<Certificate>],
    purpose: Purpose,
    trust: &TrustStore,
    times: &Times,
) -> Signer {
    let (certificate, found) = info.check(content_type, content, certificates);
    let tokens = info.timestamps.iter().take(8);
    let stamps = tokens
        .map(|token| timestamp::check_token(token, &|d| Some(d.of(info.signature)), trust, times.now))
        .collect();
    let facts =
        Facts { certificate, others: certificates, found, claimed_at: info.signing_time, stamps, purpose };
    let mut out = signer(facts, trust, times);
    let over = |d: Digest| Some(d.of(info.signature));
    // a countersignature has no content type (RFC 5652, 11.4)
    out.countersigners = info
        .countersignatures
        .iter()
        .map(|c| cms_signer(c, None, &over, certificates, purpose, trust, times))
        .collect();
    out
}
