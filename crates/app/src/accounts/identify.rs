//! In whose name a request acts: from the cookie of a session or from a bearer token.

use super::absence::{self, Standing};
use super::secret;
use super::sign_in::{SESSION_IDLE, factor_required, first_place};
use crate::context::{Actor, App};
use crate::{Error, Result};
use domain::Role;
use domain::body::IpaCode;
use domain::ids::{AccountId, SessionId, UnitId};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use store::Topic;
use store::accounts::{self, Account, Post, Session};

/// The last use of a session is written at most once in so long, microseconds: a read stays a read.
const SEEN_EVERY: i64 = 60_000_000;

/// How long a holder is believed without looking again, microseconds.
const KNOWN_FOR: i64 = 1_000_000;
/// Most holders kept in memory.
const HOLDERS_MAX: usize = 4_096;

/// A place where a person may work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Body.
    pub body: IpaCode,
    /// Name of the body.
    pub body_name: String,
    /// Office.
    pub unit: Option<UnitId>,
    /// Name of the office.
    pub unit_name: Option<String>,
    /// The absent person in whose place: account and name.
    pub for_whom: Option<(AccountId, String)>,
}

/// Who is behind a request.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Who acts.
    pub actor: Actor,
    /// Session, for requests of a browser.
    pub session: Option<SessionId>,
    /// Token that the forms of the session must carry; empty for programs.
    pub csrf: String,
    /// Where the person works now and where else they may.
    pub places: Vec<Place>,
    /// Whether a role of the person asks for a second factor and there is none yet: nothing else before that.
    pub factor_missing: bool,
}

/// The person of a session's cookie; `None` when it does not exist, has ended or the account may no longer enter.
///
/// A session without a second factor that a role asks for serves only to set one up; when the account has one by now,
/// it serves for nothing.
///
/// # Errors
/// `Problem` when the store is away.
pub async fn by_session(app: &Arc<App>, token: &str) -> Result<Option<Identity>> {
    let (hash, moment) = (secret::digest(token), app.clock.now());
    let (now, it) = (moment.micros(), app.clone());
    let found = app
        .store
        .read(move |r| {
            let Some(session) = accounts::session(r, &hash)? else { return Ok(None) };
            if session.ends_at <= now || session.seen_at + SESSION_IDLE <= now {
                return Ok(None);
            }
            let Some(account) = active(r, &session.account)? else { return Ok(None) };
            let posts = accounts::posts(r, &account.id)?;
            let weak = !session.strong && factor_required(&it, &posts);
            if weak && has_factor(r, &account)? {
                return Ok(None);
            }
            let standing = absence::standing(r, &account.id, &posts, moment.today)?;
            let mut all = places(r, &posts)?;
            for one in &standing {
                all.extend(absence::in_place_of(places(r, &one.posts)?, &one.absent));
            }
            let actor = at_work(&account, &posts, &standing, &session);
            Ok::<_, Error>(Some((session, actor, all, weak)))
        })
        .await?;
    let Some((session, actor, places, factor_missing)) = found else { return Ok(None) };
    if session.seen_at + SEEN_EVERY <= now {
        let id = session.id.clone();
        app.store.write(move |tx| accounts::seen(tx, &id, now).map_err(Error::from)).await?;
    }
    Ok(Some(Identity { actor, session: Some(session.id), csrf: session.csrf, places, factor_missing }))
}

/// The holder of a bearer token; `None` as for [`by_session`].
///
/// # Errors
/// `Problem` when the store is away.
pub async fn by_token(app: &Arc<App>, token: &str) -> Result<Option<Identity>> {
    let (hash, now) = (secret::digest(token), app.clock.micros());
    // Before reading: what changes meanwhile makes what was read stale at once.
    let version = app.store.version(Topic::Identities);
    if let Some(known) = app.holders.get(&hash, version, now) {
        return Ok(Some(known));
    }
    let found = app.store.read(move |r| holder(r, &hash, now)).await?;
    let Some((who, ends_at)) = found else { return Ok(None) };
    app.holders.put(hash, Known { who: who.clone(), version, until: ends_at.min(now + KNOWN_FOR) });
    Ok(Some(who))
}

/// The holder of a token and when it ends.
fn holder(r: &mut store::Reader, hash: &[u8; 32], now: i64) -> Result<Option<(Identity, i64)>> {
    let Some(holder) = accounts::token(r, hash)?.filter(|holder| holder.ends_at > now) else {
        return Ok(None);
    };
    let Some(account) = active(r, &holder.account)? else { return Ok(None) };
    let posts = accounts::posts(r, &account.id)?;
    let actor = actor(&account, &posts, &holder.body, holder.unit.as_ref());
    let places = Vec::new();
    let who = Identity { actor, session: None, csrf: String::new(), places, factor_missing: false };
    Ok(Some((who, holder.ends_at)))
}

/// Holders of tokens seen lately, so that a program that asks a thousand times a second is looked up once.
///
/// Any change of accounts, posts or tokens by this process makes all of them stale before it is answered. A change
/// by another process on the same PostgreSQL holds at the latest after [`KNOWN_FOR`].
#[derive(Default)]
pub struct Holders(RwLock<HashMap<[u8; 32], Known>>);

struct Known {
    who: Identity,
    version: u64,
    until: i64,
}

impl Holders {
    fn get(&self, hash: &[u8; 32], version: u64, now: i64) -> Option<Identity> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(hash).filter(|known| known.version == version && known.until > now)?;
        Some(known.who.clone())
    }

    fn put(&self, hash: [u8; 32], known: Known) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= HOLDERS_MAX {
            all.clear();
        }
        all.insert(hash, known);
    }
}

fn has_factor(r: &mut store::Reader, account: &Account) -> Result<bool> {
    Ok(account.totp_secret.is_some() || !store::factors::passkeys(r, &account.id)?.is_empty())
}

fn active(r: &mut store::Reader, id: &domain::ids::AccountId) -> Result<Option<Account>> {
    Ok(accounts::find(r, id)?.filter(|account| account.state == "active"))
}

/// The actor of an account at work in a body and office: the roles held there, or in the body as a whole.
pub fn actor(account: &Account, posts: &[Post], body: &IpaCode, unit: Option<&UnitId>) -> Actor {
    let here =
        posts.iter().filter(|post| &post.body == body && (post.unit.is_none() || post.unit.as_ref() == unit));
    let mut roles: Vec<Role> = here.map(|post| post.role).collect();
    roles.sort();
    roles.dedup();
    Actor {
        account: Some(account.id.clone()),
        name: account.name.clone(),
        body: body.clone(),
        unit: unit.cloned(),
        roles,
        on_behalf_of: None,
    }
}

/// The actor of a session. Standing in ends by itself: when the absence is over, or the shared roles are gone, the
/// person is back in the own first place.
fn at_work(account: &Account, posts: &[Post], standing: &[Standing], session: &Session) -> Actor {
    let Some(absent) = &session.stands_in_for else {
        return actor(account, posts, &session.body, session.unit.as_ref());
    };
    let lent = standing.iter().filter(|one| &one.absent.id == absent);
    for one in lent {
        let there = actor(account, &one.posts, &session.body, session.unit.as_ref());
        if !there.roles.is_empty() {
            // "p." as clerks sign in another's place.
            let name = format!("{} (p. {})", account.name, one.absent.name);
            return Actor { name, on_behalf_of: Some(absent.clone()), ..there };
        }
    }
    let (body, unit) = first_place(posts, account);
    actor(account, posts, &body, unit.as_ref())
}

fn places(r: &mut store::Reader, posts: &[Post]) -> Result<Vec<Place>> {
    let mut all: Vec<Place> = Vec::new();
    for post in posts {
        if all.iter().any(|place| place.body == post.body && (place.unit == post.unit || post.unit.is_none()))
        {
            continue;
        }
        let Some(body) = store::bodies::find(r, &post.body)? else { continue };
        let unit_name = post
            .unit
            .as_ref()
            .and_then(|id| body.offices.iter().find(|o| &o.id == id).map(|o| o.name.clone()));
        all.push(Place {
            body: post.body.clone(),
            body_name: body.name,
            unit: post.unit.clone(),
            unit_name,
            for_whom: None,
        });
    }
    Ok(all)
}
