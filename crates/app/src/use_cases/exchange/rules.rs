//! The rule of a body about registering by itself what arrives with a segnatura that holds in every part: read and
//! set by its administrator or records manager; where nothing was chosen the configuration file decides.

use super::roads::Exchange;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::body::IpaCode;
use std::collections::BTreeSet;
use store::exchange_rules;

/// What the actor's body chose; `None`: the configuration file decides.
///
/// # Errors
/// `Refusal` for who may not set it.
pub async fn read(ctx: &Context) -> Result<Option<bool>> {
    ctx.may(Verb::SetExchangeRules)?;
    let body = ctx.actor.body.clone();
    ctx.read(move |r| Ok(exchange_rules::automatic(r, &body)?)).await
}

/// Sets what the actor's body chooses; `None` leaves it to the configuration file. It holds from the next message.
///
/// # Errors
/// `Refusal` for who may not set it.
pub async fn choose(ctx: &Context, automatic: Option<bool>) -> Result<()> {
    ctx.may(Verb::SetExchangeRules)?;
    let (body, by) = (ctx.actor.body.clone(), ctx.actor.tag());
    ctx.write(move |tx| Ok(exchange_rules::choose(tx, &body, automatic, &by)?)).await
}

/// The bodies that register by themselves now: those of the configuration file, changed by what each chose.
///
/// # Errors
/// `Problem` when the store is away.
pub(crate) async fn automatic(exchange: &Exchange) -> Result<BTreeSet<IpaCode>> {
    let mut bodies = exchange.automatic.clone();
    let chosen = exchange.app.store.read::<_, Error, _>(|r| Ok(exchange_rules::all(r)?)).await?;
    for (body, automatic) in chosen {
        match automatic {
            true => drop(bodies.insert(body)),
            false => drop(bodies.remove(&body)),
        }
    }
    Ok(bodies)
}
