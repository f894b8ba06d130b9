//! Sharing a dossier, or a part of one, with another body: explicit, with a reason, ended when no longer needed.

use super::{doer, must_hold};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::body::IpaCode;
use domain::dossier::{Confidentiality, DOSSIER_LAW};
use domain::ids::DossierId;
use domain::{Invalid, Refusal};
use store::{bodies, dossiers};

/// Shares a dossier with a body of this installation.
///
/// # Errors
/// `Invalid` for body or reason; `Refusal` for what is confidential, or shared already; `NotFound` for who may not
/// see the dossier.
pub async fn share(ctx: &Context, id: DossierId, with: IpaCode, reason: String) -> Result<()> {
    ctx.may(Verb::ShareDossier)?;
    let reason = reason.trim().to_owned();
    let mut faults = Invalid::default();
    if reason.is_empty() {
        faults.add("/reason", "required");
    } else if reason.chars().count() > 1_000 {
        faults.add_with("/reason", "too-long", "1000");
    }
    if with == ctx.actor.body {
        faults.add("/body", "own-body");
    }
    faults.or(())?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let dossier = must_hold(tx, &it, &id, "dossier.share")?;
        // Only inside this installation can the other body's people be known one by one.
        if !bodies::find(tx, &with)?.is_some_and(|body| body.inside) {
            return Err(Invalid::with("/body", "body-not-here", with.to_string()).into());
        }
        if dossier.confidentiality > Confidentiality::Office {
            return Err(Refusal::by("dossier-confidential", DOSSIER_LAW).into());
        }
        match dossiers::share(tx, &id, &with, &reason, doer(&it.actor, &it.actor.tag()))? {
            true => Ok(()),
            false => Err(Refusal::of("already-shared").into()),
        }
    })
    .await
}

/// Ends a sharing; what the other body copied meanwhile is its own.
///
/// # Errors
/// `NotFound` when there is no such sharing, or for who may not see the dossier.
pub async fn end_share(ctx: &Context, id: DossierId, with: IpaCode) -> Result<()> {
    ctx.may(Verb::ShareDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        must_hold(tx, &it, &id, "dossier.end-share")?;
        match dossiers::end_share(tx, &id, &with, doer(&it.actor, &it.actor.tag()))? {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    })
    .await
}
