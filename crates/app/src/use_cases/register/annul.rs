//! Declaring an entry void: by the records manager's act, once, with the text still readable.

use super::access;
use super::read::must_be_live;
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use crate::use_cases::exchange::annulled;
use crate::use_cases::verification::issue;
use domain::ids::RegistrationId;
use domain::register::check_reasons;
use store::register::{self, NewAnnulment};

/// Annuls an entry (D.P.R. 445/2000, art. 54). The number stays consumed; other registers that have it are told.
///
/// # Errors
/// `Invalid` without reason or act; `Refusal` when it is annulled already; `NotFound` for who may not see it.
pub async fn annul(ctx: &Context, id: RegistrationId, reason: String, order_reference: String) -> Result<()> {
    ctx.may(Verb::Annul)?;
    check_reasons(&reason, &order_reference)?;
    let (body, eyes) = (ctx.actor.body.clone(), access::eyes(&ctx.actor));
    let (by, by_name) = (access::signer(&ctx.actor), ctx.actor.name.clone());
    let it = ctx.clone();
    ctx.write(move |tx| {
        access::must_see(tx, &body, &id, &eyes)?;
        must_be_live(tx, &id)?;
        let annulment = NewAnnulment {
            reason: reason.trim(),
            order_reference: order_reference.trim(),
            by: &by,
            by_name: &by_name,
        };
        register::annul(tx, &body, &id, annulment)?;
        // Receipts in people's hands no longer stand: `/verify` says so.
        issue::withdraw_about(tx, &it, "receipt", id.as_str(), order_reference.trim())?;
        annulled::tell(tx, &it, &id)
    })
    .await
}
