//! Bringing the entries by hand into the register: first a dry run, then for
//! real; each row stands or falls by itself, and a row brought in before is
//! recognised and left alone.

use super::rows::{self, Row};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::papers::{give_out, local, own_body, paper_of, word, word_with};
use crate::use_cases::register::files::receive_bytes;
use crate::use_cases::register::register_document::{self, NewDocument, Registered};
use documents::pdf::{Block, PageSize, Paper, Run};
use domain::ids::EmergencyId;
use domain::register::NewRegistration;
use domain::{Invalid, Refusal};
use std::collections::HashMap;
use store::emergency::{self, Linked, Period};

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It would be registered (dry run).
    Ready,
    /// Registered under this number and year.
    Registered(i64, i64),
    /// Brought in before, under this number and year.
    Before(i64, i64),
    /// The number by hand is in the register with other data: an officer must look.
    Differs(i64, i64),
    /// Cannot be registered.
    Faulty(Invalid),
}

/// A row of the report.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRow {
    /// Line of the file, from 1.
    pub line: u64,
    /// Number by hand, when it could be read.
    pub number: Option<i64>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Says what an import would do; nothing is written.
///
/// # Errors
/// As [`import`].
pub async fn dry_run(ctx: &Context, id: EmergencyId, file: &[u8]) -> Result<Vec<ReportRow>> {
    let (period, known, rows) = prepare(ctx, id, file).await?;
    Ok(rows.into_iter().map(|(line, row)| judge(&period, &known, line, row).0).collect())
}

/// Brings the entries in, in the order of their numbers by hand.
///
/// # Errors
/// `Refusal` when the period is not restored yet; `NotFound` for another body's; `Invalid` for a file that is not
/// the table expected. Rows have their own faults in the report.
pub async fn import(ctx: &Context, id: EmergencyId, file: &[u8]) -> Result<Vec<ReportRow>> {
    let (period, known, mut rows) = prepare(ctx, id, file).await?;
    rows.sort_by_key(|(_, row)| row.as_ref().map_or(i64::MAX, |row| row.number));
    let mut report = Vec::with_capacity(rows.len());
    let mut known = known;
    for (line, row) in rows {
        let (mut judged, row) = judge(&period, &known, line, row);
        if let (Outcome::Ready, Some(row)) = (&judged.outcome, row) {
            let digest = row.digest.clone();
            let number = row.number;
            let entry = bring_in(ctx, &period, row).await;
            judged.outcome = match entry {
                Ok((ordinary, year)) => {
                    known.insert(number, (digest, ordinary, year));
                    Outcome::Registered(ordinary, year)
                }
                Err(Error::Invalid(faults)) => Outcome::Faulty(faults),
                Err(other) => return Err(other),
            };
        }
        report.push(judged);
    }
    Ok(report)
}

/// Numbers by hand that are in the register: digest of the row, number, year.
type Known = HashMap<i64, (String, i64, i64)>;

type Rows = Vec<(u64, std::result::Result<Row, Invalid>)>;

async fn prepare(ctx: &Context, id: EmergencyId, file: &[u8]) -> Result<(Period, Known, Rows)> {
    ctx.may(Verb::KeepEmergency)?;
    let rows = rows::read(file)?;
    let (period, linked): (Period, Vec<Linked>) = super::period::linked(ctx, id).await?;
    if period.restored_at.is_none() {
        return Err(Refusal::of("emergency-not-restored").into());
    }
    let known = linked.into_iter().map(|l| (l.number, (l.row_digest, l.ordinary_number, l.ordinary_year)));
    Ok((period, known.collect(), rows))
}

fn judge(
    period: &Period,
    known: &Known,
    line: u64,
    row: std::result::Result<Row, Invalid>,
) -> (ReportRow, Option<Row>) {
    let row = match row {
        Ok(row) => row,
        Err(faults) => return (ReportRow { line, number: None, outcome: Outcome::Faulty(faults) }, None),
    };
    let at = row.entered_at.as_microsecond();
    let outside = at < period.started_at || period.restored_at.is_some_and(|end| at > end);
    let outcome = match known.get(&row.number) {
        Some((digest, number, year)) if *digest == row.digest => Outcome::Before(*number, *year),
        Some((_, number, year)) => Outcome::Differs(*number, *year),
        None if outside => Outcome::Faulty(Invalid::one("/entered_at", "outside-the-period")),
        None => Outcome::Ready,
    };
    (ReportRow { line, number: Some(row.number), outcome }, Some(row))
}

/// Registers one row and links both numbers, in one transaction. The document
/// of the entry is the record of what was written by hand.
async fn bring_in(ctx: &Context, period: &Period, row: Row) -> Result<(i64, i64)> {
    let body = own_body(ctx).await?;
    let about = format!("{}/{:06}", period.code, row.number);
    let record =
        give_out(ctx, "emergency-entry", &about, |mark| record(ctx, &body, period, &row, mark)).await?;
    let name = format!("{}-{:06}.pdf", period.code, row.number);
    let document = receive_bytes(ctx, &ctx.actor.body, "/document", &name, &record.bytes).await?;
    let new = NewRegistration {
        body: ctx.actor.body.clone(),
        aoo: period.aoo.clone(),
        register: None,
        direction: row.direction,
        subject: row.subject,
        correspondents: vec![row.correspondent],
        classification: row.class,
        case: None,
        dossier: None,
        confidential: false,
        // The legal date is that of the entry by hand (art. 63).
        received_at: Some(row.entered_at),
        sender_reference: None,
    };
    let what = NewDocument {
        new,
        document,
        attachments: Vec::new(),
        assignments: Vec::new(),
        idempotency_key: None,
    };
    let prepared = register_document::prepare(ctx, what).await?;
    let (id, number, digest) = (period.id.clone(), row.number, row.digest);
    let at = row.entered_at.as_microsecond();
    ctx.write(move |tx| match prepared.record(tx)? {
        Registered::New(entry) => {
            emergency::link(tx, &id, number, &entry.id, at, &digest)?;
            record.conclude(tx)?;
            Ok((entry.number, entry.year))
        }
        Registered::Before(_) => Err(Error::Bug("an entry by hand has no idempotency key".into())),
    })
    .await
}

fn record(ctx: &Context, body: &domain::body::Body, period: &Period, row: &Row, mark: Block) -> Paper {
    let values = [("code", period.code.clone()), ("number", format!("{:06}", row.number))];
    let title = word_with("emergency-entry-title", &values);
    let pair = |key: &str, value: String| (word(key).to_owned(), vec![Run::plain(value)]);
    let mut paper = paper_of(ctx, body, title.clone(), PageSize::A4);
    let mut pairs = vec![
        pair("emergency-entered", local(row.entered_at)),
        pair("direction", word(&format!("direction-{}", row.direction.name())).to_owned()),
        pair("daily-correspondent", row.correspondent.name.clone()),
        pair("subject", row.subject.clone()),
        pair("emergency-cause", period.cause.clone()),
    ];
    if let Some(class) = &row.class {
        pairs.push(pair("class", class.clone()));
    }
    paper.blocks.extend([
        Block::Heading { level: 1, text: title },
        Block::Paragraph(vec![Run::plain(word("emergency-entry-intro"))]),
        Block::KeyValues(pairs),
        mark,
        Block::Paragraph(vec![Run::italic(word("emergency-law"))]),
    ]);
    paper
}
