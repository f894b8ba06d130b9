//! Bearer tokens of programs: made by a person, shown once, acting in that person's name and place.

use super::secret;
use crate::{Context, Error, Result};
use domain::Invalid;
use store::accounts::{self, Token, TokenHolder};

/// Longest life of a token, days.
pub const LONGEST_DAYS: i64 = 365;

/// Makes a token for the actor; the text is shown once and kept as a digest.
///
/// # Errors
/// `Invalid` when the label is empty or the life is not 1–365 days.
pub async fn make(ctx: &Context, label: &str, days: i64) -> Result<(Token, String)> {
    let mut faults = Invalid::default();
    if label.trim().is_empty() || label.chars().count() > 200 {
        faults.add("/label", "length-1-200");
    }
    if !(1..=LONGEST_DAYS).contains(&days) {
        faults.add_with("/days", "days-range", LONGEST_DAYS.to_string());
    }
    faults.or(())?;
    let Some(account) = ctx.actor.account.clone() else { return Err(Error::NotFound) };
    let text = secret::random_token()?;
    let hash = secret::digest(&text);
    let now = ctx.moment.micros();
    let token = Token {
        id: ctx.mint(),
        label: label.trim().to_owned(),
        created_at: now,
        ends_at: now + days * 86_400_000_000,
    };
    let holder = TokenHolder {
        account: account.clone(),
        body: ctx.actor.body.clone(),
        unit: ctx.actor.unit.clone(),
        ends_at: token.ends_at,
    };
    let (kept, actor) = (token.clone(), ctx.actor.tag());
    ctx.write(move |tx| {
        accounts::add_token(tx, &hash, &holder, &kept)?;
        super::second_factor::note(tx, &holder.body, &actor, "token.make", &account)
    })
    .await?;
    Ok((token, text))
}
