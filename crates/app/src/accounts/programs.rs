//! Programs that work with the interface: OAuth 2.0 client credentials (RFC 6749, §4.4).
//!
//! A program has a name and a secret, made by an administrator and shown once, and acts as one account of the
//! body. It trades them for bearer tokens that live an hour.

use super::second_factor::note;
use super::secret;
use crate::authority::Verb;
use crate::context::App;
use crate::{Context, Error, Result};
use domain::Invalid;
use domain::ids::{AccountId, TokenId};
use std::sync::Arc;
use store::accounts::{self, Token, TokenHolder};
use store::factors::{self, Client};

/// Life of a bearer token, seconds.
pub const TOKEN_SECONDS: i64 = 3_600;
/// Most programs of one body.
const MOST: i64 = 200;

/// Gives a program a name and a secret. The account must work in the administrator's body.
///
/// # Errors
/// `Refusal` when the actor may not; `Invalid` for the label; `NotFound` when the account works elsewhere.
pub async fn make(ctx: &Context, account: AccountId, label: &str) -> Result<(TokenId, String)> {
    ctx.may(Verb::ManageUsers)?;
    if label.trim().is_empty() || label.chars().count() > 200 {
        return Err(Invalid::one("/label", "length-1-200").into());
    }
    let text = secret::random_token()?;
    let client = Client {
        id: ctx.mint(),
        account,
        body: ctx.actor.body.clone(),
        label: label.trim().to_owned(),
        made_at: ctx.moment.micros(),
        hash: secret::digest(&text).to_vec(),
    };
    let (id, actor) = (client.id.clone(), ctx.actor.tag());
    ctx.write(move |tx| {
        if !accounts::posts(tx, &client.account)?.iter().any(|post| post.body == client.body) {
            return Err(Error::NotFound);
        }
        factors::add_client(tx, &client, &actor)?;
        note(tx, &client.body, &actor, "client.make", &client.account)
    })
    .await?;
    Ok((id, text))
}

/// The programs of the administrator's body.
///
/// # Errors
/// `Refusal` when the actor may not.
pub async fn list(ctx: &Context) -> Result<Vec<Client>> {
    ctx.may(Verb::ManageUsers)?;
    let body = ctx.actor.body.clone();
    ctx.read(move |r| Ok(factors::clients(r, &body, MOST)?)).await
}

/// Revokes a program: it gets no more tokens, those it has end within the hour.
///
/// # Errors
/// `Refusal` when the actor may not; `NotFound` when the body has none like it.
pub async fn revoke(ctx: &Context, id: TokenId) -> Result<()> {
    ctx.may(Verb::ManageUsers)?;
    let (body, actor) = (ctx.actor.body.clone(), ctx.actor.tag());
    ctx.write(move |tx| {
        let client = factors::client(tx, &id)?.filter(|client| client.body == body).ok_or(Error::NotFound)?;
        factors::revoke_client(tx, &body, &id)?;
        note(tx, &body, &actor, "client.revoke", &client.account)
    })
    .await
}

/// Trades name and secret for a bearer token; `None` when they do not fit.
///
/// # Errors
/// `Problem` when the store is away.
pub async fn trade(app: &Arc<App>, name: &str, typed: &str) -> Result<Option<String>> {
    let Ok(id) = name.parse::<TokenId>() else { return Ok(None) };
    let (typed, text) = (secret::digest(typed), secret::random_token()?);
    let (hash, now) = (secret::digest(&text), app.clock.now());
    let token_id: TokenId = app.ids.mint(now);
    let traded = app.store.write(move |tx| {
        let Some(client) = factors::client(tx, &id)?.filter(|client| same(&client.hash, &typed)) else {
            return Ok(false);
        };
        let ends_at = now.micros() + TOKEN_SECONDS * 1_000_000;
        let holder = TokenHolder { account: client.account, body: client.body, unit: None, ends_at };
        let token = Token { id: token_id, label: client.label, created_at: now.micros(), ends_at };
        accounts::add_token(tx, &hash, &holder, &token)?;
        Ok::<_, Error>(true)
    });
    Ok(traded.await?.then_some(text))
}

/// Compares digests in equal time.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}
