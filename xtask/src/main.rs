//! The project's chores: `cargo xtask <chore>`.
//!
//! Everything a newcomer or a CI machine must do around the code is here, in Rust, so that it
//! works the same everywhere: set-up, front-end files, checks, tests, benchmarks, the demo and the
//! generated documents. This crate knows nothing of the product; it only starts programs and reads
//! files. It depends on two small libraries so that it builds in seconds on a fresh machine.

mod assets;
mod bench;
mod check;
mod demo;
mod graph;
mod law_index;
mod sbom;
mod services;
mod setup;
mod shell;
mod test;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask CHORE

  setup [build|test|bench]   install what building, testing or measuring needs (apt as root; else names it, exit 2)
  assets                     front-end files of the Node packages into target/assets
  check                      format, lints, architecture, dependency policy, sizes, texts, documentation
  test [--quick]             check, then every test; --quick leaves out the browser and the mail servers
  bench [NAME…] [--json F]   the benchmarks as ratios; NAME is a row (r1, r10, …), nothing means all
  demo [OPTIONS]             set up, build for release, run `telaio demo OPTIONS`
  graph                      the crates and their arrows as Mermaid
  law-index                  write docs/law-index.md from the citations in the code
  sbom [FILE]                CycloneDX bill of materials (default: target/sbom.cdx.json)

exit: 0 done · 1 something does not hold · 2 wrong usage, or something must be installed first";

/// How a chore ends when it does not end well.
pub enum Failure {
    /// The thing asked for does not hold (exit 1).
    Broken(String),
    /// Wrong usage, or a tool is missing; the text names the remedy (exit 2).
    Unready(String),
}

/// What every chore answers.
pub type Outcome<T = ()> = Result<T, Failure>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Broken(text)) => {
            eprintln!("{text}");
            ExitCode::from(1)
        }
        Err(Failure::Unready(text)) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Outcome {
    let Some((chore, rest)) = arguments.split_first() else {
        return Err(Failure::Unready(USAGE.to_owned()));
    };
    match chore.as_str() {
        "setup" => setup::run(rest),
        "assets" => assets::run(),
        "check" => check::run(),
        "test" => test::run(rest),
        "bench" => bench::run(rest),
        "demo" => demo::run(rest),
        "graph" => graph::run(),
        "law-index" => law_index::write(),
        "sbom" => sbom::run(rest),
        "help" | "-h" | "--help" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(Failure::Unready(format!("no chore is called {other}\n\n{USAGE}"))),
    }
}
