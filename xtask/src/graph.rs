//! `cargo xtask graph`: the crates and the arrows between them, as a Mermaid diagram to paste.

use crate::{Outcome, workspace};

/// Prints the arrows of normal dependencies among our crates.
pub fn run() -> Outcome {
    let packages = workspace::packages()?;
    let ours: Vec<_> = packages.iter().filter(|package| package.is_ours()).collect();
    println!("graph RL");
    for package in &ours {
        for (need, kind) in &package.needs {
            if kind == "normal" && ours.iter().any(|other| &other.name == need) {
                println!("  {} --> {need}", package.name);
            }
        }
    }
    Ok(())
}
