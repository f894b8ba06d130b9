//! `cargo xtask bench`: what we claim is a ratio of two operations timed in the same run.
//!
//! A row times its sides one after the other, again and again, on the same machine, and gives the
//! median of each with its spread. Load average and the disk's true flush rate are taken before and
//! after; when either moved by more than half the row is marked as disturbed. A row needs its peers:
//! where one is not installed the row says so instead of printing a number.

mod backup;
mod budget;
mod http;
mod large;
mod load;
mod machine;
mod mail;
mod paper;
mod process;
mod registration;
mod report;
mod server;
mod signature;
mod stack;
mod store;

use std::path::Path;

use crate::setup::Purpose;
use crate::{Failure, Outcome, setup, shell};
use machine::Conditions;

/// At least five rounds of each side, interleaved.
pub const ROUNDS: usize = 5;

/// One benchmark: its name in `docs/benchmarks.md` and how it is run.
pub struct Row {
    /// Short name, as typed: `r1`.
    pub name: &'static str,
    /// What is compared, in one line.
    pub title: &'static str,
    /// The ratio we want to print.
    pub target: f64,
    /// The ratio under which nothing is released.
    pub stop: f64,
    /// Times both sides and gives the samples.
    pub run: fn() -> Outcome<Samples>,
}

/// Raw samples of both sides, one per round, in the same unit.
pub struct Samples {
    /// Ours.
    pub telaio: Vec<f64>,
    /// The peer's, or the limit of physics.
    pub peer: Vec<f64>,
    /// Unit of the samples, e.g. `/s`.
    pub unit: &'static str,
    /// Whether a smaller sample is better (seconds) rather than a larger one (per second).
    pub smaller_is_better: bool,
    /// What a reader must know: sizes, settings, what is unfair.
    pub notes: Vec<String>,
}

/// Every row there is, by the part of the house that it measures.
const PARTS: &[&[Row]] = &[
    registration::ROWS,
    signature::ROWS,
    mail::ROWS,
    paper::ROWS,
    store::ROWS,
    large::ROWS,
    backup::ROWS,
    process::ROWS,
    budget::ROWS,
];
/// The programs that measure from inside, built for release beside the server.
const EXAMPLES: [&str; 4] = ["measure", "measure_signatures", "measure_papers", "measure_mail"];

fn all() -> impl Iterator<Item = &'static Row> {
    PARTS.iter().flat_map(|part| part.iter())
}

/// A row with its samples and the conditions it was measured under.
pub struct Measured {
    row: &'static Row,
    samples: Samples,
    before: Conditions,
    after: Conditions,
}

/// Runs the rows named, or all; prints the Markdown table and writes the raw samples if asked.
pub fn run(arguments: &[String]) -> Outcome {
    let (names, json) = arguments_of(arguments)?;
    let rows: Vec<&Row> =
        all().filter(|row| names.is_empty() || names.iter().any(|name| name == row.name)).collect();
    if rows.is_empty() {
        let known: Vec<&str> = all().map(|row| row.name).collect();
        return Err(Failure::Unready(format!("no such row; rows are: {}", known.join(" "))));
    }
    setup::ensure(Purpose::Bench)?;
    build()?;
    let mut measured = Vec::new();
    for row in rows {
        shell::step(&format!("{} {}", row.name, row.title));
        let before = Conditions::now()?;
        let samples = (row.run)()?;
        measured.push(Measured { row, samples, before, after: Conditions::now()? });
    }
    println!("{}", report::markdown(&measured));
    if let Some(file) = json {
        shell::write(file.as_ref(), &report::json(&measured))?;
    }
    report::verdict(&measured)
}

/// The server, unless another one is given, and the programs that measure: in one build, so that what they share is
/// compiled once.
fn build() -> Outcome {
    let mut arguments = vec!["build", "--release", "--locked", "--workspace"];
    if server::given_program().is_none() {
        arguments.extend(["--bin", "telaio"]);
    } else if EXAMPLES.iter().all(|name| Path::new(store::example(name).get_program()).exists()) {
        return Ok(());
    }
    arguments.extend(EXAMPLES.iter().flat_map(|name| ["--example", name]));
    shell::run(&mut shell::cargo(arguments))
}

fn arguments_of(arguments: &[String]) -> Outcome<(Vec<String>, Option<String>)> {
    let (mut names, mut json) = (Vec::new(), None);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => {
                let file = words.next().ok_or_else(|| Failure::Unready("--json wants a file".to_owned()))?;
                json = Some(file.clone());
            }
            flag if flag.starts_with('-') => return Err(Failure::Unready(format!("unknown option {flag}"))),
            name => names.push(name.to_lowercase()),
        }
    }
    Ok((names, json))
}
