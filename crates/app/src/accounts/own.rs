//! What a person does with the own account: password, sessions, recovery codes, and who stands in.

use super::second_factor::note;
use super::{Identity, password, secret};
use crate::{Context, Error, Result};
use domain::Invalid;
use domain::ids::{AccountId, SessionId, TokenId};
use store::accounts::{self, Account};
pub use store::accounts::{Session, Token};
use store::factors;
pub use store::factors::{Absence, Passkey};

/// How many recovery codes are made at once.
const CODES: usize = 10;

/// The own account as its page shows it.
pub struct Own {
    /// The account.
    pub account: Account,
    /// Sessions, the last used first.
    pub sessions: Vec<Session>,
    /// Bearer tokens.
    pub tokens: Vec<Token>,
    /// Passkeys.
    pub passkeys: Vec<Passkey>,
    /// Who stands in, and when; those over are left out.
    pub absences: Vec<(Absence, String)>,
    /// For whom the person stands in, today or later.
    pub stands_in: Vec<(Absence, String)>,
    /// Colleagues who may stand in: account and name.
    pub colleagues: Vec<(AccountId, String)>,
    /// Recovery codes left.
    pub codes_left: i64,
}

fn me(ctx: &Context) -> Result<AccountId> {
    ctx.actor.account.clone().ok_or(Error::NotFound)
}

/// Everything about the own account.
///
/// # Errors
/// `NotFound` for the program itself; `Problem` when the store is away.
pub async fn read(ctx: &Context) -> Result<Own> {
    let (id, body, today) = (me(ctx)?, ctx.actor.body.clone(), ctx.moment.today);
    ctx.read(move |r| {
        let account = accounts::find(r, &id)?.ok_or(Error::NotFound)?;
        let mut absences = Vec::new();
        for absence in factors::absences(r, &id)? {
            if absence.to >= today {
                absences.push((absence.clone(), name(r, &absence.deputy)?));
            }
        }
        let mut stands_in = Vec::new();
        for absence in factors::stands_in_from(r, &id, today)? {
            stands_in.push((absence.clone(), name(r, &absence.account)?));
        }
        let colleagues = accounts::of_body(r, &body)?.into_iter();
        let colleagues = colleagues.filter(|other| other.state == "active" && other.id != id);
        Ok(Own {
            sessions: accounts::sessions_of(r, &id)?,
            tokens: accounts::tokens_of(r, &id)?,
            passkeys: factors::passkeys(r, &id)?,
            codes_left: factors::codes_left(r, &id)?,
            colleagues: colleagues.map(|other| (other.id, other.name)).collect(),
            absences,
            stands_in,
            account,
        })
    })
    .await
}

fn name(r: &mut store::Reader, id: &AccountId) -> Result<String> {
    Ok(accounts::find(r, id)?.map(|account| account.name).unwrap_or_default())
}

/// Changes the own password. Every other session and every bearer token ends, so that who stole one is out.
///
/// # Errors
/// `Invalid` when the present password is wrong or the new one too weak.
pub async fn change_password(ctx: &Context, who: &Identity, present: String, new: String) -> Result<()> {
    let (id, cost) = (me(ctx)?, ctx.app.settings.password_cost);
    let wanted = id.clone();
    let account = ctx.read(move |r| accounts::find(r, &wanted)?.ok_or(Error::NotFound)).await?;
    if !password::matches_apart(present, account.password_hash.clone(), cost).await? {
        return Err(Invalid::one("/present", "wrong-password").into());
    }
    password::check(&new, &account.username)?;
    let hash = password::hash_apart(new, cost).await?;
    let (actor, body, keep) = (ctx.actor.tag(), ctx.actor.body.clone(), who.session.clone());
    ctx.write(move |tx| {
        accounts::set_password(tx, &id, &hash)?;
        accounts::end_sessions(tx, &id, keep.as_ref())?;
        end_tokens(tx, &id)?;
        note(tx, &body, &actor, "account.password.change", &id)
    })
    .await
}

/// Ends every bearer token of an account.
pub(super) fn end_tokens(tx: &mut store::Tx, id: &AccountId) -> Result<()> {
    for token in accounts::tokens_of(tx, id)? {
        accounts::end_token(tx, id, &token.id)?;
    }
    Ok(())
}

/// Ends one of the own sessions; another person's is left alone.
///
/// # Errors
/// `Problem` when the store is away.
pub async fn end_session(ctx: &Context, session: SessionId) -> Result<()> {
    let id = me(ctx)?;
    ctx.write(move |tx| Ok(accounts::end_session(tx, &id, &session)?)).await
}

/// Ends one of the own bearer tokens.
///
/// # Errors
/// `Problem` when the store is away.
pub async fn end_token(ctx: &Context, token: TokenId) -> Result<()> {
    let (id, actor, body) = (me(ctx)?, ctx.actor.tag(), ctx.actor.body.clone());
    ctx.write(move |tx| {
        accounts::end_token(tx, &id, &token)?;
        note(tx, &body, &actor, "token.end", &id)
    })
    .await
}

/// New recovery codes, shown once; those made before no longer work.
///
/// # Errors
/// `Problem` when the store is away.
pub async fn new_codes(ctx: &Context) -> Result<Vec<String>> {
    let (id, actor, body) = (me(ctx)?, ctx.actor.tag(), ctx.actor.body.clone());
    let codes = (0..CODES).map(|_| secret::short_code()).collect::<Result<Vec<_>>>()?;
    let hashes: Vec<[u8; 32]> = codes.iter().map(|code| secret::digest_of_code(code)).collect();
    ctx.write(move |tx| {
        factors::set_codes(tx, &id, &hashes)?;
        note(tx, &body, &actor, "account.recovery_codes.make", &id)
    })
    .await?;
    Ok(codes)
}

/// Takes a passkey away.
///
/// # Errors
/// `NotFound` when the account has none like it.
pub async fn drop_passkey(ctx: &Context, key: String) -> Result<()> {
    let (id, actor, body) = (me(ctx)?, ctx.actor.tag(), ctx.actor.body.clone());
    ctx.write(move |tx| {
        if !factors::drop_passkey(tx, &id, &key)? {
            return Err(Error::NotFound);
        }
        note(tx, &body, &actor, "account.passkey.remove", &id)
    })
    .await
}
