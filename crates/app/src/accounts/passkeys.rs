//! Passkeys (WebAuthn): adding one to the own account, and signing in with one, without name or password.
//!
//! The device must verify its user each time, so a passkey is two factors at once. What a ceremony needs between
//! its two steps stays in the memory of the process that began it, for two minutes and one use.

use super::second_factor::note;
use super::sign_in;
use crate::context::App;
use crate::{Context, Error, Result};
use domain::ids::{AccountId, SessionId};
use domain::{Invalid, Refusal};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::factors::{self, Passkey as Kept};
use webauthn_rs::prelude::{
    CreationChallengeResponse, DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, RequestChallengeResponse, Url, Uuid, Webauthn,
    WebauthnBuilder,
};

/// What a browser answers when a passkey is made.
pub type NewKey = RegisterPublicKeyCredential;
/// What a browser answers when a passkey is used.
pub type UsedKey = PublicKeyCredential;

/// A ceremony must end within so long, microseconds.
const LIFE: i64 = 120_000_000;
/// Most entries under way, which strangers may begin; beyond it the oldest are forgotten.
const MOST: usize = 10_000;

enum Begun {
    Adding(AccountId, PasskeyRegistration),
    Entering(DiscoverableAuthentication),
}

/// The ceremonies under way in this process, never more than its memory can bear: of a signed-in person the last
/// one begun, of strangers [`MOST`] at a time.
#[derive(Default)]
pub struct Ceremonies(Mutex<HashMap<String, (i64, Begun)>>);

impl Ceremonies {
    fn keep(&self, now: i64, begun: Begun) -> Result<String> {
        let name = super::secret::random_token()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, _)| *at + LIFE > now);
        match &begun {
            Begun::Adding(id, _) => {
                all.retain(|_, (_, other)| !matches!(other, Begun::Adding(whose, _) if whose == id));
            }
            Begun::Entering(_) => {
                let entering = || all.iter().filter(|(_, (_, one))| matches!(one, Begun::Entering(_)));
                if entering().count() >= MOST {
                    // Whoever floods us with beginnings pushes out the oldest, not everybody who is at it.
                    let oldest = entering().min_by_key(|(_, (at, _))| *at).map(|(name, _)| name.clone());
                    oldest.and_then(|name| all.remove(&name));
                }
            }
        }
        all.insert(name.clone(), (now, begun));
        Ok(name)
    }

    fn take(&self, now: i64, name: &str) -> Option<Begun> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(name).filter(|(at, _)| *at + LIFE > now).map(|(_, begun)| begun)
    }
}

/// The public address decides for which site passkeys are made.
fn site(app: &App) -> Result<Webauthn> {
    let bad = |why: String| Error::Problem(format!("public_url cannot carry passkeys: {why}"));
    let origin = Url::parse(&app.settings.public_url).map_err(|why| bad(why.to_string()))?;
    let host = origin.host_str().ok_or_else(|| bad("no host".to_owned()))?.to_owned();
    WebauthnBuilder::new(&host, &origin)
        .and_then(|builder| builder.rp_name("Telaio").build())
        .map_err(|why| bad(why.to_string()))
}

/// The account's id as a UUID: its 32 hexadecimal digits.
fn handle(id: &AccountId) -> Result<Uuid> {
    let digits = id.as_str().rsplit('_').next().unwrap_or_default();
    Uuid::parse_str(digits).map_err(|why| Error::Bug(format!("account id: {why}")))
}

fn refused() -> Error {
    Refusal::of("passkey-refused").into()
}

/// First step of adding a passkey: what the browser must be asked, and the name of the ceremony.
///
/// # Errors
/// `Problem` when the public address cannot carry passkeys.
pub async fn begin_adding(
    ctx: &Context,
    ceremonies: &Ceremonies,
) -> Result<(String, CreationChallengeResponse)> {
    let id = ctx.actor.account.clone().ok_or(Error::NotFound)?;
    let wanted = id.clone();
    let (account, keys) = ctx
        .read(move |r| {
            let account = store::accounts::find(r, &wanted)?.ok_or(Error::NotFound)?;
            Ok((account, factors::passkeys(r, &wanted)?))
        })
        .await?;
    let known = keys.iter().filter_map(|key| read(key).ok()).map(|key| key.cred_id().clone()).collect();
    let (challenge, state) = site(&ctx.app)?
        .start_passkey_registration(handle(&id)?, &account.username, &account.name, Some(known))
        .map_err(|_| refused())?;
    let name = ceremonies.keep(ctx.moment.micros(), Begun::Adding(id, state))?;
    Ok((name, challenge))
}

/// Second step: keeps the passkey if the browser's answer holds; the session counts as strong from then on.
///
/// # Errors
/// `Refusal` when the answer does not hold or the ceremony is over; `Invalid` for the label.
pub async fn finish_adding(
    ctx: &Context,
    ceremonies: &Ceremonies,
    session: Option<SessionId>,
    name: &str,
    label: &str,
    answer: &RegisterPublicKeyCredential,
) -> Result<()> {
    if label.trim().is_empty() || label.chars().count() > 200 {
        return Err(Invalid::one("/label", "length-1-200").into());
    }
    let begun = ceremonies.take(ctx.moment.micros(), name);
    let Some(Begun::Adding(id, state)) = begun else { return Err(refused()) };
    if Some(&id) != ctx.actor.account.as_ref() {
        return Err(refused());
    }
    let key = site(&ctx.app)?.finish_passkey_registration(answer, &state).map_err(|_| refused())?;
    let kept = Kept {
        id: key_name(key.cred_id()),
        account: id,
        label: label.trim().to_owned(),
        credential: text(&key)?,
        created_at: ctx.moment.micros(),
        used_at: None,
    };
    let (actor, body) = (ctx.actor.tag(), ctx.actor.body.clone());
    ctx.write(move |tx| {
        factors::add_passkey(tx, &kept)?;
        if let Some(session) = &session {
            store::accounts::make_strong(tx, &kept.account, session)?;
        }
        note(tx, &body, &actor, "account.passkey.add", &kept.account)
    })
    .await
}

/// First step of signing in: the browser shows the passkeys it has for this site.
///
/// # Errors
/// `Problem` when the public address cannot carry passkeys.
pub fn begin_entering(app: &App, ceremonies: &Ceremonies) -> Result<(String, RequestChallengeResponse)> {
    let (challenge, state) = site(app)?.start_discoverable_authentication().map_err(|_| refused())?;
    let name = ceremonies.keep(app.clock.micros(), Begun::Entering(state))?;
    Ok((name, challenge))
}

/// Second step: opens a session when the answer holds; its token for the cookie.
///
/// # Errors
/// `Refusal` when the answer does not hold, the ceremony is over or the account may not enter.
pub async fn finish_entering(
    app: &Arc<App>,
    ceremonies: &Ceremonies,
    name: &str,
    answer: &PublicKeyCredential,
    agent: String,
) -> Result<String> {
    let Some(Begun::Entering(state)) = ceremonies.take(app.clock.micros(), name) else {
        return Err(refused());
    };
    let site = site(app)?;
    let (handle_said, key_said) = site.identify_discoverable_authentication(answer).map_err(|_| refused())?;
    let wanted = key_name(key_said);
    let found = app.store.read(move |r| {
        let Some(key) = factors::passkey(r, &wanted)? else { return Ok(None) };
        let account = store::accounts::find(r, &key.account)?;
        Ok::<_, Error>(account.filter(|account| account.state == "active").map(|account| (key, account)))
    });
    let (kept, account) = found.await?.ok_or_else(refused)?;
    if handle(&account.id)? != handle_said {
        return Err(refused());
    }
    let mut key = read(&kept)?;
    let result = site
        .finish_discoverable_authentication_v2(answer, state, DiscoverableKey::from(&key))
        .map_err(|_| refused())?;
    if !result.user_verified() {
        return Err(refused());
    }
    key.update_credential(&result);
    let credential = text(&key)?;
    let id = kept.id.clone();
    app.store.write(move |tx| factors::use_passkey(tx, &id, &credential).map_err(Error::from)).await?;
    sign_in::open_proved(app, account, agent).await
}

fn key_name(id: &[u8]) -> String {
    hex::encode(id)
}

fn text(key: &Passkey) -> Result<String> {
    serde_json::to_string(key).map_err(|why| Error::Bug(format!("passkey: {why}")))
}

fn read(kept: &Kept) -> Result<Passkey> {
    serde_json::from_str(&kept.credential).map_err(|why| Error::Bug(format!("passkey: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::Id;

    fn begun() -> Begun {
        let origin = Url::parse("https://telaio.test").unwrap();
        let site = WebauthnBuilder::new("telaio.test", &origin).unwrap().build().unwrap();
        Begun::Entering(site.start_discoverable_authentication().unwrap().1)
    }

    #[test]
    fn a_ceremony_serves_once_and_for_two_minutes() {
        let all = Ceremonies::default();
        let name = all.keep(0, begun()).unwrap();
        assert!(all.take(1, &name).is_some());
        assert!(all.take(1, &name).is_none(), "used up");
        let late = all.keep(0, begun()).unwrap();
        assert!(all.take(LIFE, &late).is_none(), "too late");
    }

    #[test]
    fn strangers_do_not_push_out_a_signed_in_person_who_has_one_ceremony_at_a_time() {
        let all = Ceremonies::default();
        let adding = |n| {
            let origin = Url::parse("https://telaio.test").unwrap();
            let site = WebauthnBuilder::new("telaio.test", &origin).unwrap().build().unwrap();
            let (_, state) = site.start_passkey_registration(Uuid::from_u128(n), "p", "p", None).unwrap();
            Begun::Adding(AccountId::from_u128(n), state)
        };
        let left = all.keep(0, adding(1)).unwrap();
        let mine = all.keep(1, adding(1)).unwrap();
        for _ in 0..=MOST {
            all.keep(2, begun()).unwrap();
        }
        assert_eq!(all.0.lock().unwrap().len(), MOST + 1);
        assert!(all.take(3, &left).is_none(), "begun anew");
        assert!(all.take(3, &mine).is_some());
    }

    #[test]
    fn a_flood_of_ceremonies_forgets_the_oldest_only() {
        let all = Ceremonies::default();
        let first = all.keep(0, begun()).unwrap();
        let second = all.keep(1, begun()).unwrap();
        for _ in 2..=MOST {
            all.keep(2, begun()).unwrap();
        }
        assert_eq!(all.0.lock().unwrap().len(), MOST);
        assert!(all.take(3, &first).is_none());
        assert!(all.take(3, &second).is_some());
    }
}
