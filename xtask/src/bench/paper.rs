//! The row of papers: certificates as tagged PDF/A against WeasyPrint. The work is done by
//! `crates/documents/examples/measure_papers`, which drives both sides and compares what they wrote.

use std::path::PathBuf;
use std::process::Command;

use super::{Row, store};
use crate::{Outcome, shell};

/// The row.
pub const ROWS: &[Row] = &[Row {
    name: "r15",
    title: "certificate to tagged PDF/A / WeasyPrint",
    target: 50.0,
    stop: 12.0,
    run: || store::sample(store::example("measure_papers").arg(python()?)),
}];

/// An interpreter of our own with WeasyPrint and a maker of QR codes, made once under the target folder.
fn python() -> Outcome<PathBuf> {
    let folder = shell::target().join("bench/weasyprint");
    let python = folder.join("bin/python");
    if !folder.join("bin/weasyprint").exists() {
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut install = Command::new(&python);
        shell::run(install.args(["-m", "pip", "install", "--quiet", "weasyprint", "segno"]))?;
    }
    Ok(python)
}
