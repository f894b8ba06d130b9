//! Opening a file of an entry: who may see the entry may see its files, and the look is written down.

use super::access;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::ids::DocumentId;
use domain::register::RegisteredFile;
use store::blobs::Opened;
use store::{documents as stored_documents, register_list};

/// Opens a document for reading: what it is, and its bytes as a stream.
///
/// # Errors
/// `NotFound` when it is not a file of an entry that the actor may see.
pub async fn open(ctx: &Context, id: DocumentId) -> Result<(RegisteredFile, Opened)> {
    ctx.may(Verb::ReadRegister)?;
    let (body, eyes, asked) = (ctx.actor.body.clone(), access::eyes(&ctx.actor), id.clone());
    let found = ctx
        .read(move |r| {
            let (owner, entries) = stored_documents::whereabouts(r, &asked)?.ok_or(Error::NotFound)?;
            let mut visible = false;
            for entry in entries.iter().filter(|_| owner == body) {
                visible |= register_list::may_see(r, &body, entry, &eyes)? == Some(true);
            }
            match visible {
                true => stored_documents::find(r, &asked)?.ok_or(Error::NotFound),
                false => Err(Error::NotFound),
            }
        })
        .await?;
    let look = access::look(ctx, "document.read", vec![id.to_string()]);
    let stored = ctx.app.store.open_traced::<_, Error>(look, found).await?.into_inner();
    let opened = ctx.app.store.open_blob(&stored.body, &stored.file.sha256).await?;
    let opened = opened.ok_or_else(|| Error::Damaged(format!("{id} has no bytes")))?;
    Ok((stored.file, opened))
}

/// Whether a browser may show this type itself; everything else is only offered for saving.
pub fn safe_inline(media_type: &str) -> bool {
    matches!(media_type, "application/pdf" | "image/png" | "image/jpeg" | "image/gif" | "text/plain")
}
