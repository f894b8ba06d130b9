//! Checks a paper that was given out, with nothing but the file and the anchors of trust: what `telaio verify` does.

use super::recognise_and_verify;
use super::report::{Reason, Verdict, Verification};
use super::trust::{Times, TrustStore};
use serde::Serialize;

/// The answer to one question about a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Checked, and it holds.
    Holds,
    /// Checked, and it does not hold.
    Fails,
    /// Not checked: what is needed for it is not at hand.
    NotChecked,
}

/// What was found about one paper.
#[derive(Debug, Clone, Serialize)]
pub struct IssuedCheck {
    /// Whether it carries a signature or seal at all.
    pub sealed: Point,
    /// Whether it is what was sealed, to its last byte.
    pub integrity: Point,
    /// Whether the seal leads to somebody trusted.
    pub signer: Point,
    /// Whether the certificate was revoked.
    pub revocation: Point,
    /// Whether everything that must hold does: exit code 0.
    pub holds: bool,
    /// The whole report; absent when there is nothing signed.
    pub report: Option<Verification>,
}

/// Checks one paper. `beside` are other files given with it, by name.
pub fn verify_issued(
    bytes: &[u8],
    name: &str,
    beside: &[(&str, &[u8])],
    trust: &TrustStore,
    times: &Times,
) -> IssuedCheck {
    let Some(report) = recognise_and_verify(bytes, name, beside, trust, times) else {
        let not = Point::NotChecked;
        return IssuedCheck {
            sealed: Point::Fails,
            integrity: not,
            signer: not,
            revocation: not,
            holds: false,
            report: None,
        };
    };
    let has = |reason: Reason| report.signers.iter().any(|s| s.reasons.contains(&reason));
    let point = |holds: bool| if holds { Point::Holds } else { Point::Fails };
    let integrity = point(report.is_intact() && report.covers_whole);
    let signer = match report.verdict {
        _ if trust.is_empty() => Point::NotChecked,
        verdict => point(verdict <= Verdict::ValidWithWarnings),
    };
    let revocation = match () {
        () if has(Reason::Revoked) => Point::Fails,
        () if trust.is_empty() || has(Reason::RevocationNotChecked) || has(Reason::ChainNotTrusted) => {
            Point::NotChecked
        }
        () => Point::Holds,
    };
    let holds = integrity == Point::Holds && signer == Point::Holds && revocation != Point::Fails;
    IssuedCheck { sealed: Point::Holds, integrity, signer, revocation, holds, report: Some(report) }
}
