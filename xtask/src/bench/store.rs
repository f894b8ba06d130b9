//! Rows of the store: durable registrations, search, audit, backup. The work
//! is done by `crates/store/examples/measure`, built for release, so that this
//! tool itself stays small; here its samples are read. Where the row is meant
//! through the HTTP API, a note of the samples says that it is not yet.

use std::process::Command;

use super::{Row, Samples};
use crate::services::postgres::Postgres;
use crate::{Failure, Outcome, shell};

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
    Row {
        name: "r1",
        title: "registration with 20 kB, 1 client / append and flush",
        target: 0.7,
        stop: 0.4,
        run: || measure("r1"),
    },
    Row {
        name: "r2",
        title: "same, 64 clients / bare engine in equal groups",
        target: 0.35,
        stop: 0.2,
        run: || measure("r2"),
    },
    Row {
        name: "r3",
        title: "same, 64 clients, PostgreSQL / pgbench -N",
        target: 3.0,
        stop: 1.0,
        run: on_postgres,
    },
    Row {
        name: "r4",
        title: "bulk, 1,024 clients / bare SQLite in equal groups",
        target: 0.35,
        stop: 0.2,
        run: || measure("r4"),
    },
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

fn measure(row: &str) -> Outcome<Samples> {
    sample(&mut example(row))
}

/// On a server of our own, with its own `pgbench` beside it.
fn on_postgres() -> Outcome<Samples> {
    let server = Postgres::start_durable()?;
    let mut command = example("r3");
    command.env("TELAIO_TEST_DB", server.url());
    if let Some(programs) = crate::services::postgres::programs() {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", programs.display()));
    }
    sample(&mut command)
}

fn example(row: &str) -> Command {
    shell::cargo([
        "run",
        "--release",
        "--locked",
        "--quiet",
        "-p",
        "store",
        "--example",
        "measure",
        "--",
        row,
    ])
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
