//! Putting an entry into a dossier, or taking it out; the journal keeps where it was.

use super::access;
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use domain::ids::{CaseId, DossierId, RegistrationId};
use store::register;

/// Places an entry in a dossier and, if it belongs to one, a case.
///
/// # Errors
/// `NotFound` for who may not see the entry.
pub async fn place(
    ctx: &Context,
    id: RegistrationId,
    dossier: Option<DossierId>,
    case: Option<CaseId>,
) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let (body, eyes) = (ctx.actor.body.clone(), access::eyes(&ctx.actor));
    let by = access::signer(&ctx.actor);
    ctx.write(move |tx| {
        access::must_see(tx, &body, &id, &eyes)?;
        Ok(register::place(tx, &body, &id, dossier.as_ref(), case.as_ref(), &by)?)
    })
    .await
}
