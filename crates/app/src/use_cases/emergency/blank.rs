//! The blank emergency register, to be printed and filled in by hand.

use crate::context::Context;
use crate::error::Result;
use crate::use_cases::papers::{give_out, local, own_body, paper_of, word, word_with};
use documents::pdf::{Block, Column, PageSize, Paper, Run, Table, Text};
use domain::body::Body;
use domain::ids::EmergencyId;
use store::emergency::Period;

/// Rows of a printed register: three pages.
const ROWS: i64 = 36;

/// The blank register of a period with its numbers already printed, sealed: who finds a sheet can ask whether the
/// period was authorised.
///
/// # Errors
/// `NotFound` for another body's period; refusal `no-seal`.
pub async fn blank(ctx: &Context, id: EmergencyId) -> Result<Vec<u8>> {
    let (period, _) = super::period::linked(ctx, id).await?;
    let body = own_body(ctx).await?;
    let given =
        give_out(ctx, "emergency-register", period.id.as_str(), |mark| compose(ctx, &body, &period, mark))
            .await?;
    let given = ctx
        .write(move |tx| {
            given.conclude(tx)?;
            Ok(given)
        })
        .await?;
    Ok(given.bytes)
}

fn compose(ctx: &Context, body: &Body, period: &Period, mark: Block) -> Paper {
    let title = word_with("emergency-title", &[("code", period.code.clone())]);
    let plain = |text: String| -> Text { vec![Run::plain(text)] };
    let time = |micros: i64| local(domain::Moment::from_micros(micros).at);
    let mut paper = paper_of(ctx, body, title.clone(), PageSize::A4Landscape);
    let rows = (period.entries + 1..=period.entries + ROWS).map(|number| {
        // Two blank lines leave room for handwriting.
        vec![plain(format!("{}/{number:06}\n\n", period.code))]
    });
    paper.blocks.extend([
        Block::Heading { level: 1, text: title },
        Block::KeyValues(vec![
            (word("emergency-cause").to_owned(), plain(period.cause.clone())),
            (word("emergency-started").to_owned(), plain(time(period.started_at))),
            (word("emergency-until").to_owned(), plain(time(period.authorised_until))),
        ]),
        Block::Table(Table {
            columns: vec![
                Column::left(word("emergency-number"), 1.5),
                Column::left(word("emergency-entered"), 1.3),
                Column::left(word("emergency-flow"), 0.8),
                Column::left(word("daily-correspondent"), 2.5),
                Column::left(word("subject"), 4.0),
                Column::left(word("class"), 1.0),
            ],
            rows: rows.collect(),
        }),
        Block::KeyValues(vec![(word("emergency-total").to_owned(), plain(String::new()))]),
        mark,
        Block::Paragraph(vec![Run::italic(word("emergency-law"))]),
    ]);
    paper
}
