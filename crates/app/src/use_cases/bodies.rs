//! Looking up public bodies, their heirs and who is competent. Reference data: open to every account.

use crate::context::Context;
use crate::error::{Error, Result};
use domain::Invalid;
use domain::body::{Body, IpaCode, Unit};
use domain::succession::{self, Competence, Succession};
use store::bodies;

/// Most bodies of one page.
const LIMIT_MAX: usize = 200;

/// A page of bodies in order of code, and where to go on.
///
/// # Errors
/// `Invalid` when `limit` is not 1–200.
pub async fn list(ctx: &Context, after: Option<&str>, limit: usize) -> Result<(Vec<Body>, Option<String>)> {
    check_limit(limit)?;
    let after = after.unwrap_or_default().to_owned();
    let mut found = ctx.read(move |r| Ok(bodies::page(r, &after, limit as i64 + 1)?)).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|body| body.ipa_code.to_string());
    Ok((found, next))
}

/// Bodies that bear or bore a name with these words.
///
/// # Errors
/// `Invalid` when `limit` is not 1–200 or the words are too long.
pub async fn search(ctx: &Context, words: &str, limit: usize) -> Result<Vec<Body>> {
    check_limit(limit)?;
    if words.chars().count() > 200 {
        return Err(Invalid::with("/q", "too-long", "200").into());
    }
    let words = words.to_owned();
    ctx.read(move |r| Ok(bodies::search(r, &words, limit as i64)?)).await
}

/// One body.
///
/// # Errors
/// `NotFound` when there is none with this code.
pub async fn find(ctx: &Context, code: &str) -> Result<Body> {
    let code = IpaCode::parse(code).map_err(|_| Error::NotFound)?;
    ctx.read(move |r| bodies::find(r, &code)?.ok_or(Error::NotFound)).await
}

/// The offices of the actor's body that work.
///
/// # Errors
/// Those of the store.
pub async fn offices(ctx: &Context) -> Result<Vec<Unit>> {
    let body = ctx.actor.body.clone();
    let mut units = ctx.read(move |r| Ok(bodies::units(r, &body)?)).await?;
    units.retain(|unit| unit.active);
    Ok(units)
}

/// The heirs of a body today, each with the succession that says why; empty when the body still does the work.
///
/// # Errors
/// `NotFound` when there is no body with this code.
pub async fn heirs(ctx: &Context, code: &str, function: Option<&str>) -> Result<Vec<(Succession, Body)>> {
    let code = IpaCode::parse(code).map_err(|_| Error::NotFound)?;
    let (function, today) = (function.map(str::to_owned), ctx.moment.today);
    ctx.read(move |r| {
        bodies::find(r, &code)?.ok_or(Error::NotFound)?;
        let rows = bodies::successions(r)?;
        let mut found = Vec::new();
        for (row, heir) in succession::heirs(&rows, &code, today, function.as_deref()) {
            found.extend(bodies::find(r, heir)?.map(|body| (row.clone(), body)));
        }
        Ok(found)
    })
    .await
}

/// Which body does a function in a municipality (ISTAT code) today.
///
/// # Errors
/// Those of the store.
pub async fn competent(ctx: &Context, function: &str, municipality: &str) -> Result<Option<Competence>> {
    let (function, municipality) = (function.to_owned(), municipality.to_owned());
    let today = ctx.moment.today;
    ctx.read(move |r| {
        let rows = bodies::competences(r)?;
        Ok(succession::competent(&rows, &function, &municipality, today).cloned())
    })
    .await
}

fn check_limit(limit: usize) -> std::result::Result<(), Invalid> {
    match (1..=LIMIT_MAX).contains(&limit) {
        true => Ok(()),
        false => Err(Invalid::with("/limit", "limit-1-200", limit.to_string())),
    }
}
