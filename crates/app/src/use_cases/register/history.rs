//! The story of an entry: its leaves in the journal, newest first, beside the changes themselves.

use super::{access, read};
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use domain::ids::{AccountId, RegistrationId};
use std::collections::BTreeMap;
use store::{Query, accounts, journal};

pub use store::journal::Leaf;

/// The leaves of the journal about an entry, newest first.
///
/// # Errors
/// `NotFound` for who may not see the entry.
pub async fn history(ctx: &Context, id: RegistrationId) -> Result<Vec<Leaf>> {
    ctx.may(Verb::ReadRegister)?;
    let (body, eyes) = (ctx.actor.body.clone(), access::eyes(&ctx.actor));
    ctx.read(move |r| {
        access::must_see(r, &body, &id, &eyes)?;
        let mut leaves = journal::of_subject(r, &body, id.as_str())?;
        leaves.reverse();
        name_actors(r, &mut leaves)?;
        Ok(leaves)
    })
    .await
}

/// Puts the names of people in place of the ids that the journal keeps; what is not an account stays as it is.
fn name_actors(query: &mut impl Query, leaves: &mut [Leaf]) -> Result<()> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for leaf in leaves {
        if !names.contains_key(&leaf.actor)
            && let Ok(id) = leaf.actor.parse::<AccountId>()
            && let Some(account) = accounts::find(query, &id)?
        {
            names.insert(leaf.actor.clone(), account.name);
        }
        if let Some(name) = names.get(&leaf.actor) {
            leaf.actor.clone_from(name);
        }
    }
    Ok(())
}

/// The entry and its story, as one page shows them.
///
/// # Errors
/// As [`read::open`].
pub async fn open_with_history(ctx: &Context, id: RegistrationId) -> Result<(read::Opened, Vec<Leaf>)> {
    let opened = read::open(ctx, id.clone()).await?;
    let leaves = match &opened {
        read::Opened::Whole(_) => history(ctx, id).await?,
        read::Opened::NumberOnly(_) => Vec::new(),
    };
    Ok((opened, leaves))
}
