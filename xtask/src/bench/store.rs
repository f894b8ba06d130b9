//! Rows of the store: search, audit, backup, and the bare engine that others are compared with. The work is done
//! by `crates/store/examples/measure`, built for release, so that this tool itself stays small; here its samples
//! are read.

use std::process::Command;
use std::time::Duration;

use super::{Row, Samples};
use crate::{Failure, Outcome, shell};

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
    Row {
        name: "r16",
        title: "search first 20 of 2,000,000 with permission / bare FTS5",
        target: 0.5,
        stop: 0.2,
        run: || measure("r16"),
    },
    Row {
        name: "r17",
        title: "share of writes found by the next search",
        target: 1.0,
        stop: 1.0,
        run: || measure("r17"),
    },
    Row {
        name: "r20",
        title: "audit of 1,000,000 entries / SHA-256 of the same bytes",
        target: 1.0 / 3.0,
        stop: 0.1,
        run: || measure("r20"),
    },
    Row {
        name: "r23",
        title: "registrations while backing up / before",
        target: 0.9,
        stop: 0.7,
        run: || measure("r23"),
    },
];

pub(super) fn measure(row: &str) -> Outcome<Samples> {
    sample(&mut example(row)?)
}

/// Rows per second of a bare SQLite storing the bytes of a registration, `group` per transaction.
pub(super) fn bare(group: f64, span: Duration) -> Outcome<f64> {
    let mut command = example("bare")?;
    command.args([format!("{group:.0}"), span.as_millis().to_string()]);
    let text = shell::output(&mut command)?;
    text.trim().parse().map_err(|_| Failure::Broken(format!("the bare engine said: {text}")))
}

/// The measure, built with the features of the whole workspace so that nothing is compiled twice.
fn example(row: &str) -> Outcome<Command> {
    shell::run(&mut shell::cargo([
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--workspace",
        "--example",
        "measure",
    ]))?;
    let mut command = Command::new(shell::target().join("release/examples/measure"));
    command.arg(row);
    Ok(command)
}

/// Runs a measure and reads the samples it prints as one JSON object.
pub(super) fn sample(command: &mut Command) -> Outcome<Samples> {
    let text = shell::output(command)?;
    let unreadable = || Failure::Broken(format!("the measure said: {text}"));
    let said: serde_json::Value = serde_json::from_str(text.trim()).map_err(|_| unreadable())?;
    let numbers = |side: &str| -> Option<Vec<f64>> {
        said[side].as_array()?.iter().map(serde_json::Value::as_f64).collect()
    };
    let notes = said["notes"].as_array().ok_or_else(unreadable)?;
    Ok(Samples {
        telaio: numbers("telaio").ok_or_else(unreadable)?,
        peer: numbers("peer").ok_or_else(unreadable)?,
        unit: unit(said["unit"].as_str().ok_or_else(unreadable)?),
        smaller_is_better: said["smaller_is_better"].as_bool().ok_or_else(unreadable)?,
        notes: notes.iter().filter_map(|note| note.as_str().map(str::to_owned)).collect(),
    })
}

/// The units that the measure knows, as the table prints them.
fn unit(said: &str) -> &'static str {
    match said {
        "/s" => "/s",
        " ms" => " ms",
        " s" => " s",
        _ => " of 1",
    }
}
