//! The second factor by time-based codes (RFC 6238): enrolment, and the check that no code works twice.

use crate::{Context, Error, Result};
use domain::ids::{AccountId, SessionId};
use domain::{Invalid, Moment, Refusal};
use store::{accounts, journal, vault};
use totp_rs::{Builder, Secret, Totp};

/// Seconds of a step.
const STEP: u64 = 30;
/// What the seed is sealed for.
const PURPOSE: &str = "totp";

/// A seed waiting to be confirmed by a first code.
pub struct Enrolment {
    /// The seed in base 32, as typed into an application.
    pub secret: String,
    /// The `otpauth://` address that the QR code carries.
    pub url: String,
}

/// A new seed for the actor. Nothing is kept before [`confirm`].
pub fn enrol(ctx: &Context, username: &str) -> Result<Enrolment> {
    let mut seed = vec![0_u8; 20];
    getrandom::fill(&mut seed).map_err(|why| Error::Problem(format!("no randomness: {why}")))?;
    let secret = Secret::from(seed.clone()).to_base32();
    let url = code_of(seed, &ctx.app.settings.public_url, username)?
        .to_url()
        .map_err(|why| Error::Bug(format!("totp: {why}")))?;
    Ok(Enrolment { secret, url })
}

fn code_of(seed: Vec<u8>, issuer: &str, username: &str) -> Result<Totp> {
    let host = issuer.split("//").last().unwrap_or(issuer).replace(':', " ");
    Builder::new()
        .with_secret(seed)
        .with_step_duration(STEP)
        .with_issuer(Some(format!("Telaio {host}")))
        .with_account_name(username)
        .build()
        .map_err(|why| Error::Bug(format!("totp: {why}")))
}

/// The step a code belongs to, when it is right now or one step off (clocks of telephones drift).
fn step_of(totp: &Totp, code: &str, moment: Moment) -> Option<i64> {
    let now = u64::try_from(moment.at.as_second()).ok()?;
    totp.check(code, now).and_then(|step| i64::try_from(step).ok())
}

/// Keeps a seed after a first right code; the session in which it was typed counts as strong from then on.
///
/// # Errors
/// `Invalid` at `/code` when the code is wrong; `Refusal` "second-factor-present" when there is a seed already: it
/// must be removed first, which asks for the password.
pub async fn confirm(ctx: &Context, session: Option<SessionId>, secret: &str, code: &str) -> Result<()> {
    let seed = Secret::try_from_base32(secret).map_err(|_| Invalid::one("/code", "wrong-code"))?;
    let totp = code_of(seed.to_vec(), "", "x")?;
    let step = step_of(&totp, code.trim(), ctx.moment).ok_or_else(|| Invalid::one("/code", "wrong-code"))?;
    let Some(account) = ctx.actor.account.clone() else { return Err(Error::NotFound) };
    let (actor, body) = (ctx.actor.tag(), ctx.actor.body.clone());
    ctx.write(move |tx| {
        let found = accounts::find(tx, &account)?.ok_or(Error::NotFound)?;
        if found.totp_secret.is_some() {
            return Err(Refusal::of("second-factor-present").into());
        }
        let sealed = vault::seal_secret(tx, &found.body, PURPOSE, &seed)?;
        accounts::set_totp(tx, &account, Some(&sealed))?;
        // The code that confirmed it is spent: whoever saw it typed cannot enter with it.
        accounts::use_totp_step(tx, &account, step)?;
        if let Some(session) = &session {
            accounts::make_strong(tx, &account, session)?;
        }
        note(tx, &body, &actor, "account.second_factor.add", &account)
    })
    .await
}

/// Removes the second factor of the actor, who proves with the password to be more than an open session: who
/// finds a desk unattended must not be able to weaken the account.
///
/// # Errors
/// `Invalid` at `/password` when the password is wrong; `Problem` when the store is away.
pub async fn remove(ctx: &Context, password: String) -> Result<()> {
    let Some(id) = ctx.actor.account.clone() else { return Err(Error::NotFound) };
    let (wanted, cost) = (id.clone(), ctx.app.settings.password_cost);
    let account = ctx.read(move |r| accounts::find(r, &wanted)?.ok_or(Error::NotFound)).await?;
    if !super::password::matches_apart(password, account.password_hash, cost).await? {
        return Err(Invalid::one("/password", "wrong-password").into());
    }
    let (actor, body) = (ctx.actor.tag(), ctx.actor.body.clone());
    ctx.write(move |tx| {
        accounts::set_totp(tx, &id, None)?;
        note(tx, &body, &actor, "account.second_factor.remove", &id)
    })
    .await
}

/// Whether a code is right for an account with a seed, never for one without; the step is used up in the same write.
pub(super) fn check(
    tx: &mut store::Tx,
    store: &store::Store,
    account: &accounts::Account,
    code: &str,
    moment: Moment,
) -> Result<bool> {
    let Some(sealed) = &account.totp_secret else { return Ok(false) };
    let seed = vault::open_secret(tx, store, &account.body, PURPOSE, sealed)?;
    let totp = code_of(seed.to_vec(), "", "x")?;
    match step_of(&totp, code.trim(), moment) {
        Some(step) => Ok(accounts::use_totp_step(tx, &account.id, step)?),
        None => Ok(false),
    }
}

/// A change of an account, in the journal of the body in which the actor works.
pub(crate) fn note(
    tx: &mut store::Tx,
    body: &domain::body::IpaCode,
    actor: &str,
    verb: &str,
    account: &AccountId,
) -> Result<()> {
    journal::append(
        tx,
        journal::Entry {
            body,
            actor,
            on_behalf_of: None,
            verb,
            subject: account.as_str(),
            case: None,
            norm: None,
            state: &[],
        },
    )?;
    Ok(())
}
