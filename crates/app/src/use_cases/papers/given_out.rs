//! Papers that leave the house: each carries a code of its own with a QR that leads to `/verify`, and the body's seal.
//!
//! The code stands inside the sealed bytes, so it is reserved first; it counts only from the moment its fingerprint
//! is written, in the transaction that keeps the paper. Nothing leaves unsealed: a body without a seal is told so.

use super::{word, write};
use crate::context::Context;
use crate::error::Result;
use crate::seals;
use crate::use_cases::verification::issue;
use documents::pdf::{Block, Paper, Qr, Run};
use domain::paper_code::PaperCode;
use sha2::{Digest, Sha256};
use store::Tx;

/// Side of the QR, millimetres: 60 signs and more are read from a print of 34 mm by any telephone.
const SIDE: f32 = 34.0;

/// A sealed paper whose code does not count yet.
pub(crate) struct GivenOut {
    /// The sealed PDF.
    pub bytes: Vec<u8>,
    /// Its fingerprint, hexadecimal.
    pub sha256: String,
    code: PaperCode,
    body: domain::body::IpaCode,
    by: String,
}

impl GivenOut {
    /// Makes the code count, in the transaction that keeps the paper.
    ///
    /// # Errors
    /// Those of the store.
    pub fn conclude(&self, tx: &mut Tx) -> Result<()> {
        issue::conclude_in(tx, &self.body, &self.by, &self.code, &self.sha256)
    }
}

/// Reserves a code, lets `compose` lay it out as the block it is given, writes the PDF and seals it for the actor's
/// body. `kind` is what the paper is (`receipt`, `act`, `daily-register`, …), `subject` the id of what it is about.
///
/// # Errors
/// Refusal `no-seal`; `Problem` when the time-stamp authority or the token does not answer; those of the store.
pub(crate) async fn give_out(
    ctx: &Context,
    kind: &'static str,
    subject: &str,
    compose: impl FnOnce(Block) -> Paper,
) -> Result<GivenOut> {
    // Refused before anything is reserved.
    seals::key(&ctx.app, &ctx.actor.body).await?;
    let code = issue::reserve(ctx, kind, subject).await?;
    let pdf = write(compose(mark(&issue::address(ctx, &code), &code))).await?;
    let bytes = seals::seal_pdf(&ctx.app, &ctx.actor.body, pdf, ctx.moment.at, None).await?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    Ok(GivenOut { bytes, sha256, code, body: ctx.actor.body.clone(), by: ctx.actor.tag() })
}

/// The QR with what to do without a telephone: the address and the code as people type it.
fn mark(address: &str, code: &PaperCode) -> Block {
    let site = address.split("?c=").next().unwrap_or(address);
    Block::Qr(Qr {
        data: address.to_owned(),
        alt: word("mark-qr").to_owned(),
        side: SIDE,
        caption: vec![
            Run::plain(format!("{}\n", word("mark-verify"))),
            Run::mono(format!("{site}\n")),
            Run::plain(format!("{}\n", word("mark-code"))),
            Run::mono(code.spaced()),
        ],
    })
}
