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

/// The stable names of all findings, so that a test can ask for the words of each.
pub fn reason_codes() -> Vec<String> {
    let name =
        |reason: &Reason| serde_json::to_value(reason).ok().and_then(|v| v.as_str().map(str::to_owned));
    Reason::ALL.iter().filter_map(name).collect()
}

/// Answers about a code.
///
/// # Errors
/// `Invalid` when it is not a code at all; those of the store.
pub async fn by_code(app: &Arc<App>, text: &str) -> Result<Shown> {
    let code = PaperCode::parse(text)?;
    let found = app.store.read(move |r| Ok::<_, Error>(issued::by_code(r, code.as_str())?)).await?;
    // A code without a fingerprint was reserved, and its paper never left.
    let found = found.filter(|paper| !paper.sha256.is_empty());
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
    let (sha256, signatures) =
        tokio::task::spawn_blocking(work).await.map_err(|e| Error::Bug(e.to_string()))?;
    let paper = app.store.read(move |r| Ok::<_, Error>(issued::by_fingerprint(r, &sha256)?)).await?;
    Ok(judge(paper, signatures, now.micros()))
}

/// The answer from the list of papers and from the signatures.
fn judge(paper: Option<Issued>, signatures: Option<Verification>, now: i64) -> Shown {
    let mut checked = Vec::new();
    let mut unchecked = Vec::new();
    let mut note =
        |check: Check, holds: bool| if holds { checked.push(check) } else { unchecked.push(check) };
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

fn shown(
    answer: Answer,
    checked: Vec<Check>,
    unchecked: Vec<Check>,
    paper: Option<Issued>,
    signatures: Option<Verification>,
) -> Shown {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::verification::issue;
    use crate::{Actor, Clock, Settings, seals};
    use documents::signature::test_ca::{Holder, TestCa};
    use documents::signature::{KeyKind, TrustStore};
    use domain::Moment;
    use domain::body::IpaCode;
    use jiff::Timestamp;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    async fn program() -> (Arc<App>, crate::Context) {
        let clock = Clock::manual(Moment::new(at("2026-11-23T09:00:00Z")));
        let app = Arc::new(App::new(store::test_store(), clock, Settings::default()));
        let ctx = app.context(Actor::system(IpaCode::parse("c_g999").unwrap()));
        let valid = at("2020-01-01T00:00:00Z")..at("2040-01-01T00:00:00Z");
        let ca = TestCa::create("CA di prova", valid.clone()).unwrap();
        let issued =
            ca.issue(&Holder::seal("Comune di Prova", "VATIT-01234567890"), KeyKind::P256, valid).unwrap();
        let material = seals::Material::pkcs12(&issued.pkcs12("segreto").unwrap(), "segreto");
        seals::install(&ctx, ctx.actor.body.clone(), material).await.unwrap();
        let mut trust = TrustStore::empty();
        trust.add_anchors_pem(&ca.root_pem().unwrap()).unwrap();
        app.seals.set_trust(trust);
        (app, ctx)
    }

    #[tokio::test]
    async fn a_paper_is_followed_from_its_code_to_its_withdrawal() {
        let (app, ctx) = program().await;
        let code = issue::reserve(&ctx, "receipt", "reg_1").await.unwrap();
        let xml = format!("<ricevuta codice=\"{code}\"/>").replace("/>", "></ricevuta>");
        let sealed = seals::seal_xml(&app, &ctx.actor.body, xml, ctx.moment.at).await.unwrap();
        issue::conclude(&ctx, &code, sealed.as_bytes()).await.unwrap();
        assert!(issue::conclude(&ctx, &code, b"altro").await.is_err(), "a fingerprint never changes");

        let found = by_code(&app, &code.spaced()).await.unwrap();
        assert_eq!((found.answer, found.body.as_deref()), (Answer::Valid, Some("c_g999")));
        let found = by_file(&app, "r.xml".into(), sealed.clone().into_bytes()).await.unwrap();
        assert_eq!(found.answer, Answer::Valid);
        assert!(found.checked.contains(&Check::Fingerprint) && found.checked.contains(&Check::Signer));
        let altered = sealed.replace("codice=", "codici=").into_bytes();
        assert_eq!(by_file(&app, "r.xml".into(), altered).await.unwrap().answer, Answer::Altered);
        let foreign = by_file(&app, "x.txt".into(), b"prova".to_vec()).await.unwrap();
        assert_eq!(foreign.answer, Answer::Unknown);

        issue::withdraw(&ctx, &code, "annulled").await.unwrap();
        assert_eq!(by_code(&app, code.as_str()).await.unwrap().answer, Answer::Revoked);
        assert_eq!(by_file(&app, "r.xml".into(), sealed.into_bytes()).await.unwrap().answer, Answer::Revoked);
        assert!(matches!(by_code(&app, "niente").await, Err(Error::Invalid(_))));
        let other = issue::reserve(&ctx, "act", "reg_2").await.unwrap();
        assert_ne!(other, code);
    }
}
