//! The register of a day as a paper: the same content as the XML, for people.

use crate::context::Context;
use crate::use_cases::papers::{local, paper_of, word, word_with};
use documents::pdf::{Block, Column, PageSize, Paper, Run, Table, Text};
use domain::body::{AooCode, Body, RegisterCode};
use domain::register::number_label;
use jiff::Timestamp;
use jiff::civil::Date;
use store::daily::{Day, DayEntry};

/// Composes the paper; it is dated at the moment of closing.
pub(super) fn compose(
    ctx: &Context,
    body: &Body,
    (aoo, register): (&AooCode, &RegisterCode),
    date: Date,
    day: &Day,
    previous: Option<&str>,
    mark: Block,
) -> Paper {
    let title = word_with("daily-title", &[("day", date.strftime("%d/%m/%Y").to_string())]);
    let mut paper = paper_of(ctx, body, title.clone(), PageSize::A4Landscape);
    paper.blocks.push(Block::Heading { level: 1, text: title });
    paper.blocks.push(Block::KeyValues(summary(body, (aoo, register), day, previous)));
    if day.entries.is_empty() {
        paper.blocks.push(Block::Paragraph(plain(word("daily-none"))));
    } else {
        paper.blocks.push(heading("daily-entries"));
        paper.blocks.push(entries(day));
    }
    if !day.corrections.is_empty() {
        paper.blocks.push(heading("daily-changes-title"));
        paper.blocks.push(corrections(day));
    }
    if !day.annulments.is_empty() {
        paper.blocks.push(heading("daily-annulments-title"));
        paper.blocks.push(annulments(day));
    }
    paper.blocks.extend([mark, Block::Paragraph(vec![Run::italic(word("daily-law"))])]);
    paper
}

fn plain(text: impl Into<String>) -> Text {
    vec![Run::plain(text)]
}

fn heading(key: &str) -> Block {
    Block::Heading { level: 2, text: word(key).to_owned() }
}

fn at(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map(local).unwrap_or_default()
}

fn summary(
    body: &Body,
    (aoo, register): (&AooCode, &RegisterCode),
    day: &Day,
    previous: Option<&str>,
) -> Vec<(String, Text)> {
    let counts = day.counts();
    let emergency = day.entries.iter().filter(|e| e.emergency.is_some()).count();
    let mut pairs = vec![
        (word("body").to_owned(), plain(format!("{} ({})", body.name, body.ipa_code))),
        (word("register").to_owned(), plain(format!("{aoo} · {register}"))),
        (word("daily-entries").to_owned(), plain(counts.entries.to_string())),
    ];
    if let (Some(first), Some(last)) = (day.entries.first(), day.entries.last()) {
        let range = format!("{} – {}", number_label(first.number), number_label(last.number));
        pairs.push((word("daily-range").to_owned(), plain(range)));
    }
    pairs.extend([
        (word("daily-annulled").to_owned(), plain(counts.annulments.to_string())),
        (word("daily-changed").to_owned(), plain(counts.corrections.to_string())),
        (word("daily-emergency").to_owned(), plain(emergency.to_string())),
    ]);
    let chain = previous.map_or_else(|| plain(word("daily-first")), |sha256| vec![Run::mono(sha256)]);
    pairs.push((word("daily-previous").to_owned(), chain));
    pairs
}

fn entries(day: &Day) -> Block {
    let rows = day.entries.iter().map(|it| {
        let files: Vec<Run> =
            it.files.iter().map(|(name, sha256)| Run::plain(format!("{name}\n{sha256}\n"))).collect();
        vec![
            vec![Run::bold(number_label(it.number))],
            plain(at(it.registered_at)),
            plain(word(&format!("direction-{}", it.direction))),
            plain(it.correspondents.join("\n")),
            subject(it),
            plain(it.classification.clone().unwrap_or_default()),
            files,
        ]
    });
    Block::Table(Table {
        columns: vec![
            Column::left(word("number"), 1.2),
            Column::left(word("daily-time"), 1.3),
            Column::left(word("direction"), 1.1),
            Column::left(word("daily-correspondent"), 2.2),
            Column::left(word("subject"), 3.4),
            Column::left(word("class"), 1.2),
            Column::left(word("files"), 3.0),
        ],
        rows: rows.collect(),
    })
}

/// The subject with the marks that stand beside it in every view.
fn subject(it: &DayEntry) -> Text {
    let mut runs = Text::new();
    if it.annulled_at.is_some() {
        runs.push(Run::bold(format!("{}\n", word("annulled"))));
    }
    runs.push(Run::plain(it.subject.clone()));
    if it.confidential {
        runs.push(Run::italic(format!(" ({})", word("daily-confidential"))));
    }
    if let Some((code, number)) = &it.emergency {
        let label = word_with("daily-emergency-number", &[("number", format!("{code}/{number:06}"))]);
        runs.push(Run::italic(format!("\n{label}")));
    }
    runs
}

fn corrections(day: &Day) -> Block {
    let rows = day.corrections.iter().map(|it| {
        vec![
            vec![Run::bold(format!("{}/{}", number_label(it.number), it.year))],
            plain(at(it.at)),
            plain(word(&format!("daily-field-{}", it.field))),
            plain(it.old_value.clone().unwrap_or_default()),
            plain(it.new_value.clone().unwrap_or_default()),
            plain(format!("{}\n{}", it.order_reference, it.reason)),
            plain(it.by_name.clone()),
        ]
    });
    Block::Table(Table {
        columns: vec![
            Column::left(word("number"), 1.3),
            Column::left(word("daily-time"), 1.3),
            Column::left(word("daily-field"), 1.2),
            Column::left(word("daily-before"), 2.6),
            Column::left(word("daily-after"), 2.6),
            Column::left(word("daily-order"), 2.2),
            Column::left(word("daily-author"), 1.3),
        ],
        rows: rows.collect(),
    })
}

fn annulments(day: &Day) -> Block {
    let rows = day.annulments.iter().map(|it| {
        vec![
            vec![Run::bold(format!("{}/{}", number_label(it.number), it.year))],
            plain(at(it.at)),
            plain(it.reason.clone()),
            plain(it.order_reference.clone()),
            plain(it.by_name.clone()),
        ]
    });
    Block::Table(Table {
        columns: vec![
            Column::left(word("number"), 1.3),
            Column::left(word("daily-time"), 1.3),
            Column::left(word("daily-reason"), 3.0),
            Column::left(word("daily-order"), 2.4),
            Column::left(word("daily-author"), 1.4),
        ],
        rows: rows.collect(),
    })
}
