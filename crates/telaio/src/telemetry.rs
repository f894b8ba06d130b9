//! The server's own log.
//!
//! One line per event, as JSON for machines or as text for a terminal. Lines carry ids, counts, durations and
//! names of errors, never what a person wrote or who that person is: fields of that kind are not logged anywhere,
//! and a test plants markers in every input and searches the log for them.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::commands::Stop;
use crate::config::{Log, LogFormat};

/// Begins to write the log to the standard error; once per process.
pub fn start(log: &Log) -> Result<(), Stop> {
    let filter =
        EnvFilter::try_new(&log.level).map_err(|error| Stop::Usage(format!("log.level: {error}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A line that cannot be written (the log is a file on a full disk) is lost: telling so on the same standard
        // error would stop whoever logged.
        .log_internal_errors(false)
        .with_span_events(FmtSpan::NONE);
    let begun = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    begun.map_err(|error| Stop::Failed(format!("the log cannot begin: {error}")))
}
