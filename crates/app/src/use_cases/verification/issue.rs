//! Gives a paper its code before it is printed and its fingerprint once it is sealed.
//!
//! The two steps are apart because the code stands inside the sealed bytes: reserve, compose with the code and the
//! address of the QR, seal, conclude.

use crate::{Context, Error, Result};
use domain::body::IpaCode;
use domain::paper_code::PaperCode;
use store::Tx;
use store::issued::{self, Issued};

/// Reserves a code for a paper of the actor's body. `kind` is what it is (`receipt`, `act`, `daily-register`),
/// `subject` the id of what it is about.
///
/// # Errors
/// Those of the store and of the random source.
pub async fn reserve(ctx: &Context, kind: &str, subject: &str) -> Result<PaperCode> {
    let mut bytes = [0u8; 64];
    getrandom::fill(&mut bytes).map_err(|e| Error::Problem(e.to_string()))?;
    // 64 bytes fail to give 30 signs once in 10^40 times
    let code = PaperCode::from_random(&bytes).ok_or_else(|| Error::Problem("poor random source".into()))?;
    let paper = Issued {
        code: code.as_str().to_owned(),
        body: ctx.actor.body.clone(),
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        sha256: String::new(),
        issued_at: ctx.moment.micros(),
        expires_at: None,
        withdrawn_at: None,
    };
    let by = ctx.actor.tag();
    ctx.write(move |tx| Ok(issued::insert(tx, &paper, &by)?)).await?;
    Ok(code)
}

/// The address that the QR of a paper leads to.
pub fn address(ctx: &Context, code: &PaperCode) -> String {
    format!("{}/verify?c={code}", ctx.app.settings.public_url)
}

/// Notes the fingerprint of the sealed paper.
///
/// # Errors
/// `NotFound` for a code of another body or none.
pub async fn conclude(ctx: &Context, code: &PaperCode, sealed: &[u8]) -> Result<()> {
    let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(sealed));
    let (code, body, by) = (code.clone(), ctx.actor.body.clone(), ctx.actor.tag());
    ctx.write(move |tx| conclude_in(tx, &body, &by, &code, &sha256)).await
}

/// The same inside a transaction that keeps the paper, so that a code counts only with its paper.
///
/// # Errors
/// `NotFound` for a code of another body or none; those of the store.
pub(crate) fn conclude_in(
    tx: &mut Tx,
    body: &IpaCode,
    by: &str,
    code: &PaperCode,
    sha256: &str,
) -> Result<()> {
    let paper = issued::by_code(tx, code.as_str())?.filter(|p| p.body == *body).ok_or(Error::NotFound)?;
    Ok(issued::sealed(tx, &paper, sha256, by)?)
}

/// Withdraws every paper of a kind about something, in the transaction that takes away its ground.
///
/// # Errors
/// Those of the store.
pub(crate) fn withdraw_about(tx: &mut Tx, ctx: &Context, kind: &str, subject: &str, why: &str) -> Result<()> {
    for paper in issued::about(tx, &ctx.actor.body, subject)? {
        if paper.kind == kind && paper.withdrawn_at.is_none() {
            issued::withdraw(tx, &paper, ctx.moment.micros(), why, &ctx.actor.tag())?;
        }
    }
    Ok(())
}

/// Withdraws a paper, e.g. because its entry was annulled: `/verify` says so from then on.
///
/// # Errors
/// `NotFound` for a code of another body or none.
pub async fn withdraw(ctx: &Context, code: &PaperCode, why: &str) -> Result<()> {
    let (code, body, by) = (code.as_str().to_owned(), ctx.actor.body.clone(), ctx.actor.tag());
    let (at, why) = (ctx.moment.micros(), why.to_owned());
    ctx.write(move |tx| {
        let paper = issued::by_code(tx, &code)?.filter(|p| p.body == body).ok_or(Error::NotFound)?;
        Ok(issued::withdraw(tx, &paper, at, &why, &by)?)
    })
    .await
}
