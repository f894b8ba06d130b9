//! Signing in: password, then the second factor where the account has one.
//!
//! Wrong attempts lock the account for a time that doubles; the answer is the same for a wrong password, a wrong
//! code, a locked, suspended or unknown account, so that nothing can be learned by trying.

use super::{password, second_factor, secret};
use crate::context::App;
use crate::{Error, Result};
use domain::Refusal;
use domain::ids::{AccountId, SessionId};
use std::sync::Arc;
use store::accounts::{self, Account, Post, Session};

/// Wrong attempts before the first lock.
const FREE_ATTEMPTS: i64 = 5;
/// First lock, microseconds; it doubles with each further attempt.
const FIRST_LOCK: i64 = 60_000_000;
/// Longest lock, microseconds: one hour.
const LONGEST_LOCK: i64 = 3_600_000_000;
/// A session ends after so long in any case, microseconds: twelve hours.
pub const SESSION_LENGTH: i64 = 12 * 3_600_000_000;
/// A session ends when unused for so long, microseconds: two hours.
pub const SESSION_IDLE: i64 = 2 * 3_600_000_000;

/// What somebody types to sign in.
pub struct SignIn {
    /// Name of the account.
    pub username: String,
    /// Password.
    pub password: String,
    /// Code of the second factor, if asked before.
    pub code: Option<String>,
    /// Browser, as it calls itself.
    pub agent: String,
}

/// How signing in ended.
pub enum SignedIn {
    /// Done: the token for the cookie.
    Session {
        /// Token; only its digest is kept.
        token: String,
    },
    /// The password is right and the account wants a code too.
    CodeWanted,
}

fn refused() -> Error {
    Refusal::of("wrong-credentials").into()
}

/// Signs in.
///
/// # Errors
/// `Refusal` "wrong-credentials" for everything that is wrong; `Problem` when the store is away.
pub async fn sign_in(app: &Arc<App>, asked: SignIn) -> Result<SignedIn> {
    let username = asked.username.trim().to_lowercase();
    let found = app.store.read(move |r| accounts::by_name(r, &username).map_err(Error::from)).await?;
    let now = app.clock.now();
    let usable = found.filter(|account| account.state == "active" && account.locked_until <= now.micros());
    let kept = usable.as_ref().and_then(|account| account.password_hash.clone());
    let right = password::matches_apart(asked.password.clone(), kept, app.settings.password_cost).await?;
    match usable {
        Some(account) if right => {
            let (id, kept) = (account.id.clone(), account.password_hash.clone());
            let entered = enter(app, account, asked.code, asked.agent).await?;
            if let (SignedIn::Session { .. }, Some(kept)) = (&entered, kept) {
                keep_cost(app, id, kept, asked.password).await?;
            }
            Ok(entered)
        }
        Some(account) => {
            miss(app, account).await?;
            Err(refused())
        }
        None => Err(refused()),
    }
}

/// Hashes the password anew when the settings ask another cost than its hash was made at: only now is it known.
async fn keep_cost(app: &Arc<App>, id: AccountId, kept: String, typed: String) -> Result<()> {
    let cost = app.settings.password_cost;
    if !password::is_outdated(&kept, cost) {
        return Ok(());
    }
    let anew = password::hash_apart(typed, cost).await?;
    app.store
        .write(move |tx| {
            let account = accounts::find(tx, &id)?.ok_or(Error::NotFound)?;
            if !accounts::replace_hash(tx, &id, &kept, &anew)? {
                return Ok(());
            }
            second_factor::note(tx, &account.body, id.as_str(), "account.password.rehash", &id)
        })
        .await
}

async fn miss(app: &Arc<App>, account: Account) -> Result<()> {
    let now = app.clock.micros();
    app.store
        .write(move |tx| {
            let account = accounts::find(tx, &account.id)?.ok_or(Error::NotFound)?;
            let failures = account.failures + 1;
            accounts::set_failures(tx, &account.id, failures, lock_until(failures, now))?;
            Ok::<_, Error>(())
        })
        .await
}

/// Until when an account is locked after so many wrong attempts in a row.
fn lock_until(failures: i64, now: i64) -> i64 {
    let over = failures - FREE_ATTEMPTS;
    if over < 0 { 0 } else { now + (FIRST_LOCK << over.min(10)).min(LONGEST_LOCK) }
}

/// Whether one of the posts asks for a second factor in this installation.
pub(super) fn factor_required(app: &App, posts: &[Post]) -> bool {
    posts.iter().any(|post| app.settings.second_factor_for.contains(&post.role))
}

/// Whether more than the password is asked: of who has a code, and of who must have a second factor and has a
/// passkey only, for whom a recovery code stands in.
async fn code_wanted(app: &Arc<App>, account: &Account) -> Result<bool> {
    if account.totp_secret.is_some() {
        return Ok(true);
    }
    let (it, id) = (app.clone(), account.id.clone());
    app.store
        .read(move |r| {
            let required = factor_required(&it, &accounts::posts(r, &id)?);
            Ok(required && !store::factors::passkeys(r, &id)?.is_empty())
        })
        .await
}

async fn enter(app: &Arc<App>, account: Account, code: Option<String>, agent: String) -> Result<SignedIn> {
    let strong = code_wanted(app, &account).await?;
    if strong && code.as_deref().is_none_or(|code| code.trim().is_empty()) {
        return Ok(SignedIn::CodeWanted);
    }
    let token = open_session(app, account, code.filter(|_| strong), agent).await?;
    token.map_or_else(|| Err(refused()), |token| Ok(SignedIn::Session { token }))
}

/// Opens a session, a strong one when a code is given; `None` when the code was wrong or used before.
async fn open_session(
    app: &Arc<App>,
    account: Account,
    code: Option<String>,
    agent: String,
) -> Result<Option<String>> {
    let (token, csrf, moment) = (secret::random_token()?, secret::random_token()?, app.clock.now());
    let (hash, store) = (secret::digest(&token), app.store.clone());
    let id: SessionId = app.ids.mint(moment);
    let entered = app
        .store
        .write(move |tx| {
            let proved = match code.as_deref() {
                None => true,
                Some(typed) => {
                    second_factor::check(tx, &store, &account, typed, moment)?
                        || recovery_code(tx, &account, typed)?
                }
            };
            if !proved {
                let failures = account.failures + 1;
                let until = lock_until(failures, moment.micros());
                accounts::set_failures(tx, &account.id, failures, until)?;
                return Ok(false);
            }
            accounts::set_failures(tx, &account.id, 0, 0)?;
            let opened = Opened { id, hash, csrf, agent, strong: code.is_some(), now: moment.micros() };
            begin(tx, &account, opened)?;
            Ok::<_, Error>(true)
        })
        .await?;
    Ok(entered.then_some(token))
}

/// Opens a session for somebody who has just proved who they are with a passkey; the token for the cookie.
pub(super) async fn open_proved(app: &Arc<App>, account: Account, agent: String) -> Result<String> {
    let (token, csrf, moment) = (secret::random_token()?, secret::random_token()?, app.clock.now());
    let hash = secret::digest(&token);
    let id: SessionId = app.ids.mint(moment);
    let opened = Opened { id, hash, csrf, agent, strong: true, now: moment.micros() };
    app.store.write(move |tx| begin(tx, &account, opened)).await?;
    Ok(token)
}

/// What a new session is made of.
struct Opened {
    id: SessionId,
    hash: [u8; 32],
    csrf: String,
    agent: String,
    strong: bool,
    now: i64,
}

/// Every entry begins a session with a secret of its own: one planted before is worth nothing afterwards.
fn begin(tx: &mut store::Tx, account: &Account, opened: Opened) -> Result<()> {
    let posts = accounts::posts(tx, &account.id)?;
    let (body, unit) = first_place(&posts, account);
    let session = Session {
        id: opened.id,
        account: account.id.clone(),
        body,
        unit,
        stands_in_for: None,
        csrf: opened.csrf,
        agent: opened.agent.chars().take(200).collect(),
        strong: opened.strong,
        created_at: opened.now,
        seen_at: opened.now,
        ends_at: opened.now + SESSION_LENGTH,
    };
    Ok(accounts::add_session(tx, &opened.hash, &session)?)
}

/// Uses up a recovery code in place of the code of a lost second factor.
fn recovery_code(tx: &mut store::Tx, account: &Account, typed: &str) -> Result<bool> {
    Ok(store::factors::use_code(tx, &account.id, &secret::digest_of_code(typed))?)
}

/// Where a person starts to work: the first post, preferring one with an office in the person's own body.
pub(crate) fn first_place(
    posts: &[Post],
    account: &Account,
) -> (domain::body::IpaCode, Option<domain::ids::UnitId>) {
    let own = posts.iter().filter(|post| post.body == account.body);
    let best =
        own.clone().find(|post| post.unit.is_some()).or_else(|| own.clone().next()).or_else(|| posts.first());
    best.map_or_else(|| (account.body.clone(), None), |post| (post.body.clone(), post.unit.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_grow_and_stop_at_an_hour() {
        assert_eq!(lock_until(4, 0), 0);
        assert_eq!(lock_until(5, 0), FIRST_LOCK);
        assert_eq!(lock_until(6, 0), 2 * FIRST_LOCK);
        assert_eq!(lock_until(5_000, 0), LONGEST_LOCK);
    }
}
