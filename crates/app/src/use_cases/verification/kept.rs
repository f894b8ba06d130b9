//! What the check on arrival found about the signatures of an entry's files, for whoever reads the entry.

use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::access;
use domain::ids::{DocumentId, RegistrationId};
use store::{document_facts, trace, verifications};

pub use documents::signature::{Signer, Verification};

/// The facts kept about one signed file.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The file.
    pub document: DocumentId,
    /// What was found.
    pub found: Verification,
}

/// The signed files of an entry; files without a signature, or not looked at yet, are left out.
///
/// # Errors
/// `NotFound` for who may not see the entry.
pub async fn of_entry(ctx: &Context, id: RegistrationId) -> Result<Vec<Kept>> {
    ctx.may(Verb::ReadRegister)?;
    let (it, body, eyes) = (ctx.clone(), ctx.actor.body.clone(), access::eyes(&ctx.actor));
    ctx.write(move |tx| {
        access::must_see(tx, &body, &id, &eyes)?;
        let mut all = Vec::new();
        for file in document_facts::of_registration(tx, &id)? {
            let Some(outcome) = verifications::find(tx, &file.document)? else { continue };
            let look = access::look(&it, "register.signatures", vec![file.document.to_string()]);
            let Some(facts) = trace::open(tx, &look, outcome)?.into_inner().facts else { continue };
            let found = serde_json::from_str(&facts)
                .map_err(|error| Error::Bug(format!("facts of {}: {error}", file.document)))?;
            all.push(Kept { document: file.document, found });
        }
        Ok(all)
    })
    .await
}
