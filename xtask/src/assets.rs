//! `cargo xtask assets`: front-end files into `target/assets`, where the binary takes them from.
//!
//! The steps are those of `crates/web/frontend/README.md`: the Node package manager installs what
//! the lock file names (no install scripts are run), then `build.mjs` makes the style sheet of the
//! rules that templates use. Each step is left out while what it was made from has not changed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;

use crate::{Failure, Outcome, shell};

/// Folders of the crate `web` whose words decide which style rules are kept.
const READ_BY_THE_BUILD: &[(&str, &str)] = &[("templates", ".html"), ("src", ".rs"), ("assets", "")];

/// Brings the files; a quick look when nothing changed since the last time.
pub fn run() -> Outcome {
    let web = shell::root().join("crates/web");
    let source = web.join("frontend");
    install(&source)?;
    let folder = shell::target().join("assets");
    unless_made(&folder.join(".made-from"), sources(&web)?, || {
        shell::step("front-end files");
        shell::run(Command::new("node").arg("build.mjs").arg(&folder).current_dir(&source))
    })
}

/// Installs a folder's Node packages exactly as its lock file names them.
pub fn install(folder: &Path) -> Outcome {
    let lock = shell::read(&folder.join("package-lock.json"))?;
    unless_made(&folder.join("node_modules/.made-from"), fingerprint(&lock), || {
        shell::step(&format!("Node packages of {}", shell::relative(folder)));
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        shell::run(npm.current_dir(folder))
    })
}

/// Does the work unless the stamp says it was done from the same sources.
fn unless_made(stamp: &Path, made_from: String, work: impl FnOnce() -> Outcome) -> Outcome {
    if std::fs::read_to_string(stamp).is_ok_and(|old| old == made_from) {
        return Ok(());
    }
    work()?;
    shell::write(stamp, &made_from)
}

/// Everything the built files depend on, as one number.
fn sources(web: &Path) -> Outcome<String> {
    let mut text = shell::read(&web.join("frontend/package-lock.json"))?;
    text.push_str(&shell::read(&web.join("frontend/build.mjs"))?);
    for (folder, ending) in READ_BY_THE_BUILD {
        for file in shell::files(&web.join(folder), ending) {
            let bytes = std::fs::read(&file)
                .map_err(|error| Failure::Broken(format!("cannot read {}: {error}", file.display())))?;
            text.push_str(&shell::relative(&file));
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(fingerprint(&text))
}

/// A short name for a text; it only has to notice changes, not to withstand anyone.
fn fingerprint(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}\n", hasher.finish())
}
