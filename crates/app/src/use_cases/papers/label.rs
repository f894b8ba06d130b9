//! The label to be stuck on paper: body, number, date and a code to find the entry by.

use super::{local, own_body, paper_of, word_with, write};
use crate::context::Context;
use crate::error::Result;
use crate::use_cases::register::read;
use documents::pdf::{Block, PageSize, Qr, Run};
use domain::ids::RegistrationId;

/// The label of an entry, 100 × 50 mm (D.P.R. 445/2000, art. 55: body, area, register, number and date).
///
/// # Errors
/// `NotFound` for who may not see the whole entry.
pub async fn label(ctx: &Context, id: RegistrationId) -> Result<Vec<u8>> {
    let entry = read::open_whole(ctx, id).await?.registration;
    let body = own_body(ctx).await?;
    let number = entry.full_label();
    let alt = word_with("label-qr", &[("number", number.clone())]);
    let mut paper = paper_of(ctx, &body, alt.clone(), PageSize::Label);
    // There is no room for what a sheet has around its content.
    paper.header.clear();
    paper.footer.clear();
    paper.page_counter.clear();
    let place = format!("{} · {} · {}", entry.body, entry.aoo, entry.register);
    paper.blocks.push(Block::Qr(Qr {
        data: format!("{}/register/{}", ctx.app.settings.public_url, entry.id),
        alt,
        side: 38.0,
        caption: vec![
            Run::bold(format!("{}\n{number}\n", body.name)),
            Run::plain(format!("{}\n{place}", local(entry.registered_at))),
        ],
    }));
    write(paper).await
}
