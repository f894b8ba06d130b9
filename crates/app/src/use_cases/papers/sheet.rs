//! The entry sheet: everything an entry says, with the data that were mended.

use super::{annulment, attestations, facts, files, local, own_body, paper_of, word, word_with, write};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::read::{self, Entry};
use documents::pdf::{Block, Column, PageSize, Run, Table, Text};
use domain::ids::RegistrationId;
use jiff::Timestamp;

/// The sheet of an entry, made anew each time: it says how the entry stands today.
///
/// # Errors
/// `NotFound` for who may not see the whole entry.
pub async fn sheet(ctx: &Context, id: RegistrationId) -> Result<Vec<u8>> {
    let entry = read::open_whole(ctx, id).await?;
    let body = own_body(ctx).await?;
    let registration = &entry.registration;
    let title = word_with("sheet-title", &[("number", registration.full_label())]);
    let mut paper = paper_of(ctx, &body, title.clone(), PageSize::A4);
    paper.blocks.push(Block::Heading { level: 1, text: title });
    paper.blocks.extend(annulment(registration));
    paper.blocks.push(Block::KeyValues(facts(registration, &body)));
    paper.blocks.push(Block::Heading { level: 2, text: word("files").to_owned() });
    paper.blocks.push(files(registration));
    paper.blocks.extend(attestations(&entry));
    if !entry.corrections.is_empty() {
        paper.blocks.push(Block::Heading { level: 2, text: word("daily-changes-title").to_owned() });
        paper.blocks.push(corrections(&entry)?);
    }
    write(paper).await
}

fn corrections(entry: &Entry) -> Result<Block> {
    let cell = |text: &str| -> Text { vec![Run::plain(text)] };
    let rows = entry.corrections.iter().map(|it| {
        let at = Timestamp::from_microsecond(it.at).map_err(|e| Error::Bug(e.to_string()))?;
        Ok(vec![
            cell(&local(at)),
            cell(word(&format!("daily-field-{}", it.field.name()))),
            cell(it.old_value.as_deref().unwrap_or_default()),
            cell(it.new_value.as_deref().unwrap_or_default()),
            cell(&format!("{} · {}", it.order_reference, it.by_name)),
        ])
    });
    Ok(Block::Table(Table {
        columns: vec![
            Column::left(word("registered-at"), 1.5),
            Column::left(word("daily-field"), 1.2),
            Column::left(word("daily-before"), 2.5),
            Column::left(word("daily-after"), 2.5),
            Column::left(word("daily-order"), 2.0),
        ],
        rows: rows.collect::<Result<_>>()?,
    }))
}
