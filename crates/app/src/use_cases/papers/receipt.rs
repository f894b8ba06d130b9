//! The receipt for who presented a document: number, date, subject, files with
//! their fingerprints, and a code that leads to the verification page.

use super::{annulment, facts, files, own_body, paper_of, word, write};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::read;
use documents::pdf::{Block, PageSize, Paper, Qr, Run};
use domain::body::Body;
use domain::ids::RegistrationId;
use domain::register::Registration;
use store::{blobs, papers};

/// The kind under which a receipt is kept.
const KIND: &str = "receipt";

/// Largest receipt read back, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The receipt of an entry as PDF/A-2a and PDF/UA-1; made at the first request, then always the same bytes.
/// Norms: L. 241/1990 art. 18-bis, D.P.R. 445/2000 arts. 53 and 55.
///
/// # Errors
/// `NotFound` for who may not see the whole entry.
pub async fn receipt(ctx: &Context, id: RegistrationId) -> Result<Vec<u8>> {
    let entry = read::open_whole(ctx, id.clone()).await?.registration;
    let asked = id.clone();
    if let Some(sha256) = ctx.read(move |r| Ok(papers::find(r, &asked, KIND)?)).await? {
        return kept(ctx, &sha256).await;
    }
    let body = own_body(ctx).await?;
    let bytes = write(compose(ctx, &body, &entry)).await?;
    let prepared = ctx.app.store.prepare(&ctx.actor.body, &bytes).await?;
    let code = ctx.actor.body.clone();
    let made = prepared.sha256.clone();
    let sha256 = ctx
        .write(move |tx| {
            blobs::put(tx, &prepared)?;
            Ok(papers::keep(tx, &code, &id, KIND, &prepared.sha256)?)
        })
        .await?;
    // Somebody else may have been faster: theirs is the one that is kept.
    if sha256 == made { Ok(bytes) } else { kept(ctx, &sha256).await }
}

async fn kept(ctx: &Context, sha256: &str) -> Result<Vec<u8>> {
    let bytes = ctx.app.store.blob_bytes(&ctx.actor.body, sha256, LARGEST).await?;
    bytes
        .map(|bytes| bytes.to_vec())
        .ok_or_else(|| Error::Bug(format!("the kept receipt {sha256} has no bytes")))
}

fn compose(ctx: &Context, body: &Body, entry: &Registration) -> Paper {
    let mut paper =
        paper_of(ctx, body, format!("{} {}", word("receipt-title"), entry.full_label()), PageSize::A4);
    let address = format!("{}/verify?entry={}", ctx.app.settings.public_url, entry.id);
    paper.blocks.push(Block::Heading { level: 1, text: word("receipt-title").to_owned() });
    paper.blocks.extend(annulment(entry));
    paper.blocks.extend([
        Block::Paragraph(vec![Run::plain(word("receipt-intro"))]),
        Block::KeyValues(facts(entry, body)),
        Block::Heading { level: 2, text: word("files").to_owned() },
        files(entry),
        Block::Qr(Qr {
            data: address.clone(),
            alt: word("receipt-qr").to_owned(),
            side: 34.0,
            caption: vec![Run::plain(format!("{}\n", word("receipt-verify"))), Run::mono(address)],
        }),
        Block::Paragraph(vec![Run::italic(word("receipt-law"))]),
    ]);
    paper
}
