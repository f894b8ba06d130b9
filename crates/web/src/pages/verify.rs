//! `/verify`: whoever holds a paper or its code asks whether it stands. Open to everybody.
//!
//! One word with its shape, then what was checked and what was not. The page tells nothing that the holder does not
//! hold already; the file shown is looked at in memory and forgotten.

use super::{Page, html};
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::state::AppState;
use crate::view::{Faults, Sampled, Shape, View};
use app::Error;
use app::use_cases::verification::kept::Signer;
use app::use_cases::verification::show::{self, Answer, Shown};
use askama::Template;
use axum::extract::multipart::Multipart;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::routing::{get, post};
use domain::Invalid;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Largest file that is looked at here; larger ones are for `telaio verify`.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let upload = post(check_file).layer(DefaultBodyLimit::max(MAX_BYTES));
    vec![
        Entry::page("GET", "/verify", Access::Public, get(open)),
        Entry::page("POST", "/verify", Access::Public, upload),
    ]
}

/// One signature, in words.
pub struct SignatureWords {
    /// Who signed.
    pub who: String,
    /// Who vouches for the certificate.
    pub issuer: String,
    /// The time at which it was judged.
    pub at: Timestamp,
    /// What proves that time.
    pub time: String,
    /// Outcome.
    pub verdict: String,
    /// Findings.
    pub reasons: Vec<String>,
}

/// The answer, in words.
pub struct AnswerWords {
    /// Shape of the answer.
    pub shape: Shape,
    /// The answer in one word.
    pub word: String,
    /// What to do, or what it means.
    pub meaning: String,
    /// What was checked and holds.
    pub checked: Vec<String>,
    /// What was not checked.
    pub unchecked: Vec<String>,
    /// The body that gave the paper out.
    pub body: Option<String>,
    /// What the paper is.
    pub kind: Option<String>,
    /// When it was given out.
    pub issued_at: Option<Timestamp>,
    /// Its fingerprint.
    pub sha256: Option<String>,
    /// Signatures of the file.
    pub signatures: Vec<SignatureWords>,
}

/// The page.
#[derive(Template)]
#[template(path = "pages/verify.html")]
pub struct VerifyPage {
    /// Chrome.
    pub view: View,
    /// Faults of the form.
    pub faults: Faults,
    /// Code typed.
    pub code: String,
    /// The answer, once something was asked.
    pub answer: Option<AnswerWords>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    c: String,
}

async fn open(State(state): State<AppState>, view: View, Query(asked): Query<Asked>) -> Page {
    if asked.c.trim().is_empty() {
        return html(&VerifyPage { view, faults: Faults::default(), code: String::new(), answer: None });
    }
    match show::by_code(&state.app, &asked.c).await {
        Ok(shown) => {
            let answer = Some(words(&view, &shown));
            html(&VerifyPage { view, faults: Faults::default(), code: asked.c, answer })
        }
        Err(Error::Invalid(invalid)) => refused(view, asked.c, &invalid),
        Err(other) => Err(other.into()),
    }
}

fn refused(view: View, code: String, invalid: &Invalid) -> Page {
    let faults = view.faults(invalid);
    html(&VerifyPage { view, faults, code, answer: None })
}

async fn check_file(State(state): State<AppState>, view: View, form: Multipart) -> Page {
    match uploaded(form).await? {
        Some((name, bytes)) => {
            let shown = show::by_file(&state.app, name, bytes).await?;
            let answer = Some(words(&view, &shown));
            html(&VerifyPage { view, faults: Faults::default(), code: String::new(), answer })
        }
        None => refused(view, String::new(), &Invalid::one("/file", "required")),
    }
}

/// The file of a form, with its name.
///
/// # Errors
/// When the form is not one, or the file is larger than [`MAX_BYTES`].
pub async fn uploaded(mut form: Multipart) -> Result<Option<(String, Vec<u8>)>, Fault> {
    let broken = |error: axum::extract::multipart::MultipartError| match error.status() {
        axum::http::StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge(MAX_BYTES as u64),
        _ => Fault::BadRequest("bad-request"),
    };
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() == Some("file") {
            let name = field.file_name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(broken)?;
            return Ok((!bytes.is_empty()).then(|| (name, bytes.to_vec())));
        }
    }
    Ok(None)
}

/// The stable name of a value, as in the API.
fn code(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(code)) => code,
        _ => String::new(),
    }
}

/// One signature in words.
pub fn signature(view: &View, signer: &Signer) -> SignatureWords {
    SignatureWords {
        who: signer.name.clone().or_else(|| signer.organisation.clone()).unwrap_or_else(|| "?".to_owned()),
        issuer: signer.certificate.as_ref().map(|c| c.issuer.clone()).unwrap_or_default(),
        at: signer.at,
        time: view.family("verify-time-", code(signer.time_reference)),
        verdict: view.family("verify-verdict-", code(signer.verdict)),
        reasons: signer.reasons.iter().map(|r| view.family("verify-reason-", code(r))).collect(),
    }
}

fn words(view: &View, shown: &Shown) -> AnswerWords {
    let shape = match shown.answer {
        Answer::Valid => Shape::Done,
        Answer::Expired => Shape::Late,
        Answer::Revoked | Answer::Altered => Shape::Failed,
        Answer::Unknown => Shape::Idle,
    };
    let answer = code(shown.answer);
    let list =
        |checks: &[show::Check]| checks.iter().map(|c| view.family("verify-check-", code(c))).collect();
    let signers = shown.signatures.iter().flat_map(|report| &report.signers);
    let signatures = signers.map(|signer| signature(view, signer));
    AnswerWords {
        shape,
        word: view.family("verify-answer-", &answer),
        meaning: view.family("verify-meaning-", &answer),
        checked: list(&shown.checked),
        unchecked: list(&shown.unchecked),
        body: shown.body.clone(),
        kind: shown.kind.as_ref().map(|kind| view.family("verify-paper-", kind)),
        issued_at: shown.issued_at.and_then(|at| Timestamp::from_microsecond(at).ok()),
        sha256: shown.sha256.clone(),
        signatures: signatures.collect(),
    }
}

impl Sampled for VerifyPage {
    fn samples(view: View) -> Vec<Self> {
        let answer = AnswerWords {
            shape: Shape::Done,
            word: view.t("verify-answer-valid"),
            meaning: view.t("verify-meaning-valid"),
            checked: vec![view.t("verify-check-integrity")],
            unchecked: vec![view.t("verify-check-revocation")],
            body: Some("c_g999".into()),
            kind: Some(view.t("verify-paper-receipt")),
            issued_at: Some(Timestamp::UNIX_EPOCH),
            sha256: Some("00".repeat(32)),
            signatures: vec![SignatureWords {
                who: "Comune di Prova".into(),
                issuer: "CN=CA di prova".into(),
                at: Timestamp::UNIX_EPOCH,
                time: view.t("verify-time-now"),
                verdict: view.t("verify-verdict-valid"),
                reasons: vec![view.t("verify-reason-time-not-proven")],
            }],
        };
        let faults = view.faults(&Invalid::one("/code", "paper-code"));
        vec![
            Self { view: view.clone(), faults: Faults::default(), code: String::new(), answer: None },
            Self { view: view.clone(), faults, code: "1".into(), answer: None },
            Self { view, faults: Faults::default(), code: String::new(), answer: Some(answer) },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n;
    use crate::prefs::Lang;

    #[test]
    fn the_page_holds_in_every_look() {
        crate::view::testing::check_pages::<VerifyPage>();
    }

    #[test]
    fn every_finding_has_its_words() {
        for reason in show::reason_codes() {
            for lang in [Lang::It, Lang::En] {
                assert!(i18n::has(lang, &format!("verify-reason-{reason}")), "verify-reason-{reason}");
            }
        }
    }
}
