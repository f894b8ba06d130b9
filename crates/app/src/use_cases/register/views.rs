//! Saved views: a name for a set of filters, for oneself or for one's office.

use super::access::signer;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::Invalid;
use domain::ids::ViewId;
use domain::register_filter::Filter;
use store::saved_views::{self, VIEWS_MAX};

pub use store::saved_views::SavedView;

/// Saves the filters under a name.
///
/// # Errors
/// `Invalid` when the name is not 1–80 characters long or there are too many views.
pub async fn save(ctx: &Context, name: &str, filter: &Filter, for_office: bool) -> Result<ViewId> {
    ctx.may(Verb::ReadRegister)?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 80 || name.chars().any(char::is_control) {
        return Err(Invalid::one("/name", "length-1-80").into());
    }
    let id = ctx.mint::<ViewId>();
    let view = SavedView {
        id: id.clone(),
        account: signer(&ctx.actor).to_string(),
        unit: ctx.actor.unit.clone().filter(|_| for_office),
        name: name.to_owned(),
        query: query_string(filter),
    };
    let body = ctx.actor.body.clone();
    let saved = ctx.write(move |tx| Ok(saved_views::insert(tx, &body, &view)?)).await?;
    match saved {
        true => Ok(id),
        false => Err(Invalid::with("/name", "too-many", VIEWS_MAX.to_string()).into()),
    }
}

/// The actor's views and those of the actor's office.
///
/// # Errors
/// Those of the store.
pub async fn all(ctx: &Context) -> Result<Vec<SavedView>> {
    ctx.may(Verb::ReadRegister)?;
    let (body, account, unit) = (ctx.actor.body.clone(), signer(&ctx.actor), ctx.actor.unit.clone());
    ctx.read(move |r| Ok(saved_views::of(r, &body, &account, unit.as_ref())?)).await
}

/// Removes one of the actor's views.
///
/// # Errors
/// `NotFound` when it is not the actor's.
pub async fn remove(ctx: &Context, id: ViewId) -> Result<()> {
    ctx.may(Verb::ReadRegister)?;
    let (body, account) = (ctx.actor.body.clone(), signer(&ctx.actor));
    match ctx.write(move |tx| Ok(saved_views::remove(tx, &body, &account, &id)?)).await? {
        true => Ok(()),
        false => Err(Error::NotFound),
    }
}

/// A filter as the query string of a link.
pub fn query_string(filter: &Filter) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs: Vec<String> =
        filter.pairs().into_iter().map(|(name, value)| format!("{name}={}", encode(&value))).collect();
    pairs.join("&")
}
