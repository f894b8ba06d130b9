//! Drafts of answers: saved while typing, given back when the page is opened again, thrown away when sent.

use super::{Answer, LETTERS};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::case;
use domain::Invalid;
use domain::ids::{CaseId, DraftId};
use store::drafts;

/// Kind of these drafts in the store.
pub(super) const KIND: &str = "answer";
/// Longest draft, bytes.
const MAX: usize = 200_000;

/// The answer the actor was writing on a case, or a new one that knows the case.
///
/// # Errors
/// `NotFound` for who may not see the case.
pub async fn load(ctx: &Context, id: CaseId) -> Result<Answer> {
    ctx.may(Verb::WriteAnswer)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let (found, dossier) = case::load(tx, &it, &id, "case.answer", true)?;
        let account = it.actor.owner().ok_or(Error::NotFound)?;
        let kept = drafts::find(tx, account, KIND, id.as_str())?;
        if let Some(answer) = kept.and_then(|draft| serde_json::from_str(&draft.content).ok()) {
            return Ok(answer);
        }
        let letter = LETTERS.first().map(|letter| letter.key.to_owned()).unwrap_or_default();
        Ok(Answer {
            letter,
            subject: found.title,
            classification: dossier.classification,
            ..Answer::default()
        })
    })
    .await
}

/// Keeps what was written so far.
///
/// # Errors
/// `Invalid` when it is too long; `NotFound` for who may not see the case.
pub async fn keep(ctx: &Context, id: CaseId, answer: &Answer) -> Result<()> {
    ctx.may(Verb::WriteAnswer)?;
    let content = serde_json::to_string(answer).map_err(|why| Error::Bug(why.to_string()))?;
    if content.len() > MAX {
        return Err(Invalid::with("/text", "too-long", MAX.to_string()).into());
    }
    let it = ctx.clone();
    ctx.write(move |tx| {
        case::load(tx, &it, &id, "case.answer", true)?;
        let account = it.actor.owner().ok_or(Error::NotFound)?;
        let draft: DraftId = it.mint();
        Ok(drafts::save(tx, &draft, &it.actor.body, account, (KIND, id.as_str()), &content)?)
    })
    .await
}
