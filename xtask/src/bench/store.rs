//! Rows of the store: search, audit, and the bare engine that others are compared with. The work is done
//! by `crates/store/examples/measure`, built for release, so that this tool itself stays small; here its samples
//! are read.

use std::path::Path;
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
];

pub(super) fn measure(row: &str) -> Outcome<Samples> {
    sample(example("measure").arg(row))
}

/// Rows per second of a bare SQLite storing the bytes of a registration, `group` per transaction.
pub(super) fn bare(group: f64, span: Duration) -> Outcome<f64> {
    let mut command = example("measure");
    command.args(["bare".to_owned(), format!("{group:.0}"), span.as_millis().to_string()]);
    let text = shell::output(&mut command)?;
    text.trim().parse().map_err(|_| Failure::Broken(format!("the bare engine said: {text}")))
}

/// Makes the register of a body large: `count` entries more, in the data folder of an installation.
pub(super) fn fill(folder: &Path, body: &str, count: u64) -> Outcome<f64> {
    let mut command = example("measure");
    let text = shell::output(command.arg("fill").arg(folder).args([body, &count.to_string()]))?;
    text.trim().parse().map_err(|_| Failure::Broken(format!("filling said: {text}")))
}

/// One of the programs that measure, built for release beside the server.
pub(super) fn example(name: &str) -> Command {
    Command::new(shell::target().join("release/examples").join(name))
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
