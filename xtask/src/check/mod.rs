//! `cargo xtask check`: everything that can be said about the code without running it.
//!
//! Each part answers with a list of complaints; all parts run, so that one visit mends everything.
//! The cheap ones come first, the compiler's last.

mod architecture;
mod dependencies;
mod scenarios;
mod sizes;
mod unused;

use crate::{Failure, Outcome, law_index, shell, workspace};

/// Runs every check and fails with all complaints at once.
pub fn run() -> Outcome {
    let packages = workspace::packages()?;
    let mut complaints = Vec::new();
    let mut part = |name: &str, found: Vec<String>| {
        shell::step(&format!("check {name}: {}", if found.is_empty() { "ok" } else { "NOT ok" }));
        complaints.extend(found);
    };
    part("architecture", architecture::complaints(&packages)?);
    part("dependency policy", dependencies::complaints(&packages)?);
    part("unused dependencies", unused::complaints(&packages)?);
    part("scenarios", scenarios::complaints()?);
    part("sizes", sizes::complaints()?);
    part("law index", law_index::complaints()?);
    part("format", compiler(&["fmt", "--all", "--check"], &[]));
    part(
        "lints",
        compiler(
            &["clippy", "--locked", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"],
            &[],
        ),
    );
    let doc = ["doc", "--locked", "--quiet", "--workspace", "--no-deps", "--document-private-items"];
    part(
        "documentation",
        compiler(&doc, &[("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links")]),
    );
    if complaints.is_empty() {
        return Ok(());
    }
    Err(Failure::Broken(format!("\n{} complaints:\n  {}", complaints.len(), complaints.join("\n  "))))
}

/// A check by one of cargo's own tools; its output is shown as it comes.
fn compiler(arguments: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let mut command = shell::cargo(arguments);
    command.envs(environment.iter().copied());
    match shell::run(&mut command) {
        Ok(()) => Vec::new(),
        Err(Failure::Broken(text) | Failure::Unready(text)) => vec![text],
    }
}
