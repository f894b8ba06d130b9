//! The workspace as cargo sees it: packages, licences and arrows between crates.
//!
//! One reading of `cargo metadata`, shared by the architecture check, the dependency policy, the
//! graph and the bill of materials.

use serde_json::Value;

use crate::{Failure, Outcome, shell};

/// One package of the build: ours or somebody else's.
pub struct Package {
    /// Name on the registry or in the workspace.
    pub name: String,
    /// Version as published.
    pub version: String,
    /// SPDX expression, empty when the package names none.
    pub licence: String,
    /// Where it comes from; empty for our own crates.
    pub source: String,
    /// Declared dependencies: name and kind (`normal`, `dev`, `build`).
    pub needs: Vec<(String, String)>,
}

impl Package {
    /// Whether the package is a member of this workspace.
    pub fn is_ours(&self) -> bool {
        self.source.is_empty()
    }
}

/// Reads the dependency graph of this platform from the committed lock file.
pub fn packages() -> Outcome<Vec<Package>> {
    let host = host()?;
    let text = shell::output(&mut shell::cargo([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        &host,
    ]))?;
    let metadata: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::Broken(format!("cargo metadata printed no JSON: {error}")))?;
    let list = metadata["packages"].as_array().cloned().unwrap_or_default();
    Ok(list.iter().map(package).collect())
}

/// The platform we run on, as rustc names it: what only others would build is nobody's concern here.
fn host() -> Outcome<String> {
    let text = shell::output(std::process::Command::new("rustc").arg("-vV"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| Failure::Broken("rustc -vV names no host".to_owned()))
}

fn package(value: &Value) -> Package {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let needs = value["dependencies"].as_array().cloned().unwrap_or_default();
    Package {
        name: text("name"),
        version: text("version"),
        licence: text("license"),
        source: text("source"),
        needs: needs.iter().map(need).collect(),
    }
}

fn need(value: &Value) -> (String, String) {
    let name = value["name"].as_str().unwrap_or_default();
    (name.to_owned(), value["kind"].as_str().unwrap_or("normal").to_owned())
}
