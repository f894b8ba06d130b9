//! Entering by a link: the first password of an invited person, or a new one after two people agreed that the
//! old was lost. A link works once and for a short time; nobody but its holder ever knows the password.

use super::second_factor::note;
use super::{password, secret};
use crate::context::App;
use crate::{Error, Result};
use domain::ids::AccountId;
use std::sync::Arc;
use store::{accounts, factors};

/// A link works for so long, microseconds: three days.
const LIFE: i64 = 3 * 86_400_000_000;

/// Makes a link's secret for an account; earlier links of the account stop working.
pub(super) fn make(tx: &mut store::Tx, id: &AccountId, purpose: &str, by: &str) -> Result<String> {
    let text = secret::random_token()?;
    let ends_at = tx.stamp() + LIFE;
    factors::invite(tx, &digest(&text), id, purpose, by, ends_at)?;
    Ok(text)
}

fn digest(text: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).into()
}

/// The sign-in name behind a link that still works.
///
/// # Errors
/// `NotFound` for a link that is unknown, used or too old: the three are not told apart.
pub async fn whose(app: &Arc<App>, link: &str) -> Result<String> {
    let (hash, now) = (digest(link), app.clock.micros());
    app.store
        .read(move |r| {
            let (id, _) = factors::invitation(r, &hash, now)?.ok_or(Error::NotFound)?;
            let account = accounts::find(r, &id)?.filter(may_enter).ok_or(Error::NotFound)?;
            Ok(account.username)
        })
        .await
}

/// Sets the password of the account behind a link. After a recovery the second factors are gone and every
/// session and token has ended: the person enrols anew.
///
/// # Errors
/// `NotFound` as for [`whose`]; `Invalid` for a weak password, and then the link still works.
pub async fn set_password(app: &Arc<App>, link: &str, new: String) -> Result<()> {
    let username = whose(app, link).await?;
    password::check(&new, &username)?;
    let hash = password::hash_apart(new, app.settings.password_cost).await?;
    let (link, now) = (digest(link), app.clock.micros());
    app.store
        .write(move |tx| {
            let (id, purpose) = factors::invitation(tx, &link, now)?.ok_or(Error::NotFound)?;
            let account = accounts::find(tx, &id)?.filter(may_enter).ok_or(Error::NotFound)?;
            if !factors::use_invitation(tx, &link)? {
                return Err(Error::NotFound);
            }
            accounts::set_password(tx, &id, &hash)?;
            accounts::set_state(tx, &id, "active")?;
            accounts::end_sessions(tx, &id, None)?;
            if purpose == "recover" {
                factors::clear_factors(tx, &id)?;
                super::own::end_tokens(tx, &id)?;
            }
            note(tx, &account.body, id.as_str(), &format!("account.{purpose}.done"), &id)
        })
        .await
}

fn may_enter(account: &accounts::Account) -> bool {
    matches!(account.state.as_str(), "invited" | "active")
}
