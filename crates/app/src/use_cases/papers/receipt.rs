//! The receipt for who presented a document: number, date, subject, files with
//! their fingerprints, and a code that leads to the verification page.

use super::{annulment, attestations, facts, files, give_out, own_body, paper_of, word};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::read::{self, Entry};
use documents::pdf::{Block, PageSize, Paper, Run};
use domain::body::Body;
use domain::ids::RegistrationId;
use store::{blobs, papers};

/// The kinds under which receipts are kept: of an entry in force, and of one that was annulled since.
const KIND: &str = "receipt";
const KIND_ANNULLED: &str = "receipt-annulled";

/// Largest receipt read back, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The receipt of an entry as PDF/A-2a and PDF/UA-1, sealed; made at the first request, then always the same bytes. Of
/// an entry annulled since, another is made that says so; the first no longer stands at `/verify`.
/// Norms: L. 241/1990 art. 18-bis, D.P.R. 445/2000 arts. 53 and 55.
///
/// # Errors
/// `NotFound` for who may not see the whole entry; refusal `no-seal` when the body has no seal.
pub async fn receipt(ctx: &Context, id: RegistrationId) -> Result<Vec<u8>> {
    let entry = read::open_whole(ctx, id.clone()).await?;
    let kind = if entry.registration.annulment.is_some() { KIND_ANNULLED } else { KIND };
    let asked = id.clone();
    if let Some(sha256) = ctx.read(move |r| Ok(papers::find(r, &asked, kind)?)).await? {
        return kept(ctx, &sha256).await;
    }
    let body = own_body(ctx).await?;
    let given = give_out(ctx, KIND, id.as_str(), |mark| compose(ctx, &body, &entry, mark)).await?;
    let prepared = ctx.app.store.prepare(&ctx.actor.body, &given.bytes).await?;
    let code = ctx.actor.body.clone();
    let (sha256, given) = ctx
        .write(move |tx| {
            blobs::put(tx, &prepared)?;
            let sha256 = papers::keep(tx, &code, &id, kind, &prepared.sha256)?;
            if sha256 == given.sha256 {
                given.conclude(tx)?;
            }
            Ok((sha256, given))
        })
        .await?;
    // Somebody else may have been faster: theirs is the one that is kept.
    if sha256 == given.sha256 { Ok(given.bytes) } else { kept(ctx, &sha256).await }
}

async fn kept(ctx: &Context, sha256: &str) -> Result<Vec<u8>> {
    let bytes = ctx.app.store.blob_bytes(&ctx.actor.body, sha256, LARGEST).await?;
    bytes
        .map(|bytes| bytes.to_vec())
        .ok_or_else(|| Error::Bug(format!("the kept receipt {sha256} has no bytes")))
}

fn compose(ctx: &Context, body: &Body, whole: &Entry, mark: Block) -> Paper {
    let entry = &whole.registration;
    let mut paper =
        paper_of(ctx, body, format!("{} {}", word("receipt-title"), entry.full_label()), PageSize::A4);
    paper.blocks.push(Block::Heading { level: 1, text: word("receipt-title").to_owned() });
    paper.blocks.extend(annulment(entry));
    paper.blocks.extend([
        Block::Paragraph(vec![Run::plain(word("receipt-intro"))]),
        Block::KeyValues(facts(entry, body)),
        Block::Heading { level: 2, text: word("files").to_owned() },
        files(entry),
    ]);
    paper.blocks.extend(attestations(whole));
    paper.blocks.extend([mark, Block::Paragraph(vec![Run::italic(word("receipt-law"))])]);
    paper
}
