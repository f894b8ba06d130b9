//! The draft of a new registration: what a clerk has typed and not yet registered, given back when the form opens
//! again, thrown away with the number. One for each person and body; files are not part of it.

use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::Invalid;
use domain::ids::DraftId;
use store::drafts;

/// Kind of these drafts in the store.
const KIND: &str = "registration";
/// Longest draft, bytes.
const MAX: usize = 100_000;

/// Names and values of the form, in its order.
pub type Fields = Vec<(String, String)>;

/// What was kept, and when (UTC microseconds).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The fields.
    pub fields: Fields,
    /// When it was saved last.
    pub saved_at: i64,
}

/// The actor's draft in the present body. Programs have none.
///
/// # Errors
/// Those of the store.
pub async fn find(ctx: &Context) -> Result<Option<Kept>> {
    ctx.may(Verb::Register)?;
    let Some(account) = ctx.actor.owner().cloned() else { return Ok(None) };
    let body = ctx.actor.body.clone();
    let draft = ctx.read(move |r| Ok(drafts::find(r, &account, KIND, body.as_str())?)).await?;
    // A draft of an older program that cannot be read is no draft.
    Ok(draft.and_then(|draft| {
        let fields = serde_json::from_str(&draft.content).ok()?;
        Some(Kept { fields, saved_at: draft.saved_at })
    }))
}

/// Keeps the fields in the place of those kept before.
///
/// # Errors
/// `Invalid` when they are too long; `NotFound` for who has no account.
pub async fn keep(ctx: &Context, fields: &Fields) -> Result<()> {
    ctx.may(Verb::Register)?;
    let content = serde_json::to_string(fields).map_err(|why| Error::Bug(why.to_string()))?;
    if content.len() > MAX {
        return Err(Invalid::with("/subject", "too-long", MAX.to_string()).into());
    }
    let account = ctx.actor.owner().cloned().ok_or(Error::NotFound)?;
    let (draft, body): (DraftId, _) = (ctx.mint(), ctx.actor.body.clone());
    ctx.write(move |tx| Ok(drafts::save(tx, &draft, &body, &account, (KIND, body.as_str()), &content)?)).await
}

/// Throws the draft away; without one nothing happens.
///
/// # Errors
/// Those of the store.
pub async fn discard(ctx: &Context) -> Result<()> {
    ctx.may(Verb::Register)?;
    let Some(account) = ctx.actor.owner().cloned() else { return Ok(()) };
    let body = ctx.actor.body.clone();
    ctx.write(move |tx| Ok(drafts::discard(tx, &account, KIND, body.as_str())?)).await
}
