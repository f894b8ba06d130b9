//! The scans as their clerk sees them: the list, one of them with its bytes, and setting one aside.

use super::{Scan, load};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::cursor::{self, Place};
use crate::use_cases::register::access;
use domain::ids::{AccountId, ScanId};
use domain::scan::ScanState;
use domain::{Invalid, Refusal};
use store::blobs::Opened;
use store::{scans, trace};

/// Scans on one page.
const PAGE: i64 = 50;
/// Longest reason, characters.
const REASON_MAX: usize = 1_000;

/// A page of scans, newest first.
#[derive(Debug, Clone)]
pub struct Page {
    /// The scans.
    pub lines: Vec<Scan>,
    /// How many are in each state.
    pub counts: Vec<(ScanState, i64)>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// Scans of the actor's body in a state.
///
/// # Errors
/// `Refusal` for who may not; `Invalid` for a cursor that is not ours.
pub async fn list(ctx: &Context, state: ScanState, from: Option<&str>) -> Result<Page> {
    ctx.may(Verb::ScanIntake)?;
    let place = cursor::read(from)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let body = it.actor.body.clone();
        let found = scans::page(tx, &body, state, (place.at, &place.id), PAGE + 1)?;
        let ids = Vec::new();
        let mut lines = trace::open(tx, &access::look(&it, "scan.list", ids), found)?.into_inner();
        let more = lines.len() as i64 > PAGE;
        lines.truncate(PAGE as usize);
        let last = lines.last().filter(|_| more);
        let next = last.map(|last| cursor::write(&Place { at: last.arrived_at, id: last.id.to_string() }));
        let mut counts = Vec::new();
        for state in ScanState::ALL {
            counts.push((state, scans::count(tx, &body, state)?));
        }
        Ok(Page { lines, counts, next })
    })
    .await
}

/// Opens one scan.
///
/// # Errors
/// `NotFound` when it is not the body's.
pub async fn open(ctx: &Context, id: ScanId) -> Result<Scan> {
    ctx.may(Verb::ScanIntake)?;
    let it = ctx.clone();
    ctx.write(move |tx| load(tx, &it, &id, "scan.read")).await
}

/// A scan with its bytes as a stream.
///
/// # Errors
/// `NotFound` when it is not the body's, or its bytes are not here (refused, or set aside long ago).
pub async fn content(ctx: &Context, id: ScanId) -> Result<(Scan, Opened)> {
    let scan = open(ctx, id).await?;
    let sha256 = scan.sha256.clone().ok_or(Error::NotFound)?;
    let opened = ctx.app.store.open_blob(&scan.body, &sha256).await?.ok_or(Error::NotFound)?;
    Ok((scan, opened))
}

/// Sets a scan aside, with a reason: it is not registered.
///
/// # Errors
/// `Invalid` without a reason; `NotFound`; `Refusal` when it was handled before.
pub async fn discard(ctx: &Context, id: ScanId, reason: &str) -> Result<()> {
    ctx.may(Verb::ScanIntake)?;
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Invalid::one("/reason", "required").into());
    }
    if reason.chars().count() > REASON_MAX {
        return Err(Invalid::with("/reason", "too-long", REASON_MAX.to_string()).into());
    }
    let it = ctx.clone();
    ctx.write(move |tx| {
        let scan = load(tx, &it, &id, "scan.discard")?;
        let how = scans::Handled {
            state: ScanState::Discarded,
            registration: None,
            by: &it.actor.tag(),
            on_behalf_of: it.actor.on_behalf_of.as_ref().map(AccountId::as_str),
            reason: Some(&reason),
        };
        match scans::handle(tx, &scan, how)? {
            true => Ok(()),
            false => Err(Refusal::of("scan-not-waiting").into()),
        }
    })
    .await
}
