//! The persons of a body who may be named on its dossiers: as readers of what is confidential, as assignees, as the
//! officer in charge.
//!
//! Only who has an active account with a post in the body can be named; the name written beside the id is always
//! the account's, never one typed by hand.

use super::{doer, must_hold};
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use domain::Invalid;
use domain::body::IpaCode;
use domain::ids::{AccountId, DossierId};
use store::{Query, accounts, dossiers};

/// A person who works in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colleague {
    /// Account.
    pub id: AccountId,
    /// Name.
    pub name: String,
}

/// Everybody who can be named in a body, by name.
pub(crate) fn colleagues(query: &mut impl Query, body: &IpaCode) -> Result<Vec<Colleague>> {
    let mut found = Vec::new();
    for account in accounts::of_body(query, body)? {
        let posted = accounts::posts(query, &account.id)?.iter().any(|post| &post.body == body);
        if account.state == "active" && posted {
            found.push(Colleague { id: account.id, name: account.name });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// One person who can be named in a body.
///
/// # Errors
/// `Invalid` at `pointer` for anybody else.
pub(crate) fn colleague(
    query: &mut impl Query,
    body: &IpaCode,
    account: &AccountId,
    pointer: &str,
) -> Result<Colleague> {
    let found = colleagues(query, body)?.into_iter().find(|one| &one.id == account);
    found.ok_or_else(|| Invalid::with(pointer, "unknown-person", account.to_string()).into())
}

/// Gives a dossier another officer in charge (*responsabile*); the office in charge stays.
///
/// # Errors
/// `Invalid` for who does not work in the body; `Refusal` when the dossier is not open; `NotFound` for who may not
/// see it.
pub async fn set_officer(ctx: &Context, id: DossierId, officer: AccountId) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let dossier = must_hold(tx, &it, &id, "dossier.officer")?;
        dossier.state.must_be_open()?;
        let named = colleague(tx, &it.actor.body, &officer, "/officer")?;
        let whom = (&named.id, named.name.as_str());
        Ok(dossiers::set_officer(tx, &id, whom, dossier.unit.as_ref(), doer(&it.actor, &it.actor.tag()))?)
    })
    .await
}
