//! The program `telaio`: reads settings, joins the rooms and speaks on the command line.
//!
//! Nothing is decided here. Each command is a file of `commands`; it reads its options, calls use cases and
//! prints. Exit codes: 0 done, 1 the thing asked for does not hold or failed, 2 wrong usage or configuration.

mod assembly;
mod cli;
mod commands;
mod config;
mod exchange;
mod outside;
mod server;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for; everything else is wrong usage.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match commands::run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("telaio: {}", stop.text());
            ExitCode::from(stop.code())
        }
    }
}
