//! Answers whoever shows a paper or its code: is it ours, and does it stand?
//!
//! Open to everybody and tells nothing that the holder does not already hold: no names, no subjects.

use crate::{App, Error, Result};
use documents::signature::{Reason, Times, Verdict, Verification, recognise_and_verify};
use domain::paper_code::PaperCode;
use serde::Serialize;
use std::sync::Arc;
use store::issued::{self, Issued};

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It stands.
    Valid,
    /// It stood, but its time or its certificate's time has passed.
    Expired,
    /// It was withdrawn, or its certificate revoked.
    Revoked,
    /// No paper of ours.
    Unknown,
    /// The file is not what was sealed.
    Altered,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The code is right in itself and stands in the list of papers given out.
    Code,
    /// The file has the fingerprint of the paper given out.
    Fingerprint,
    /// Nothing changed since the seal.
    Integrity,
    /// The certificate leads to somebody trusted here.
    Signer,
    /// The list of revoked certificates.
    Revocation,
}

/// The answer with its grounds.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// In one word.
    pub answer: Answer,
    /// What was checked and holds.
    pub checked: Vec<Check>,
    /// What could not be checked here.
    pub unchecked: Vec<Check>,
    /// The body that gave the paper out, IPA code.
    pub body: Option<String>,
    /// What it is.
    pub kind: Option<String>,
    /// When it was given out, UTC microseconds.
    pub issued_at: Option<i64>,
    /// SHA-256 of the paper given out, to be compared with a file at hand.
    pub sha256: Option<String>,
    /// The signatures of the file shown.
    pub signatures: Option<Verification>,
}

/// Answers about a code.
///
/// # Errors
/// `Invalid` when it is not a code at all; those of the store.
pub async fn by_code(app: &Arc<App>, text: &str) -> Result<Shown> {
    let code = PaperCode::parse(text)?;
    let found = app.store.read(move |r| Ok::<_, Error>(issued::by_code(r, code.as_str())?)).await?;
    let now = app.clock.now().micros();
    let unchecked = vec![Check::Fingerprint, Check::Integrity, Check::Signer];
    Ok(match found {
        None => shown(Answer::Unknown, Vec::new(), unchecked, None, None),
        Some(paper) => shown(standing(&paper, now), vec![Check::Code], unchecked, Some(paper), None),
    })
}

/// Answers about a file.
///
/// # Errors
/// Those of the store.
pub async fn by_file(app: &Arc<App>, name: String, bytes: Vec<u8>) -> Result<Shown> {
    let (trust, now) = (app.seals.trust(), app.clock.now());
    let work = move || {
        let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
        (sha256, recognise_and_verify(&bytes, &name, &[], &trust, &Times::now(now.at)))
    };
    let (sha256, signatures) = tokio::task::spawn_blocking(work).await.map_err(|e| Error::Bug(e.to_string()))?;
    let paper = app.store.read(move |r| Ok::<_, Error>(issued::by_fingerprint(r, &sha256)?)).await?;
    Ok(judge(paper, signatures, now.micros()))
}

/// The answer from the list of papers and from the signatures.
fn judge(paper: Option<Issued>, signatures: Option<Verification>, now: i64) -> Shown {
    let mut checked = Vec::new();
    let mut unchecked = Vec::new();
    let mut note = |check: Check, holds: bool| if holds { checked.push(check) } else { unchecked.push(check) };
    note(Check::Fingerprint, paper.is_some());
    let Some(found) = &signatures else {
        let answer = paper.as_ref().map_or(Answer::Unknown, |p| standing(p, now));
        return shown(answer, checked, unchecked, paper, None);
    };
    let has = |reason: Reason| found.signers.iter().any(|s| s.reasons.contains(&reason));
    let intact = found.is_intact();
    note(Check::Integrity, intact && found.covers_whole);
    note(Check::Signer, found.verdict <= Verdict::ValidWithWarnings);
    note(Check::Revocation, !has(Reason::RevocationNotChecked));
    let answer = match &paper {
        _ if !intact => Answer::Altered,
        _ if has(Reason::Revoked) => Answer::Revoked,
        Some(paper) => standing(paper, now),
        None if has(Reason::CertificateExpired) => Answer::Expired,
        None if found.verdict <= Verdict::ValidWithWarnings && found.covers_whole => Answer::Valid,
        None => Answer::Unknown,
    };
    shown(answer, checked, unchecked, paper, signatures)
}

fn standing(paper: &Issued, now: i64) -> Answer {
    match paper {
        p if p.withdrawn_at.is_some() => Answer::Revoked,
        p if p.expires_at.is_some_and(|end| end < now) => Answer::Expired,
        _ => Answer::Valid,
    }
}

fn shown(answer: Answer, checked: Vec<Check>, unchecked: Vec<Check>, paper: Option<Issued>, signatures: Option<Verification>) -> Shown {
    Shown {
        answer,
        checked,
        unchecked,
        body: paper.as_ref().map(|p| p.body.to_string()),
        kind: paper.as_ref().map(|p| p.kind.clone()),
        issued_at: paper.as_ref().map(|p| p.issued_at),
        sha256: paper.map(|p| p.sha256).filter(|s| !s.is_empty()),
        signatures,
    }
}
