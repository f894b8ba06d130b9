//! `cargo xtask assets`: front-end files into `target/assets`, where the binary takes them from.
//!
//! The Node package manager installs what the lock file names (no install scripts are run), and the
//! list in `crates/web/frontend/assets.txt` says which files are shipped and under which name. When
//! nothing changed since the last time, nothing is done.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Failure, Outcome, shell};

/// Brings the files; quick when lock file, list and own sources are those of the last time.
pub fn run() -> Outcome {
    let source = shell::root().join("crates/web/frontend");
    if !source.join("package-lock.json").exists() {
        return Err(Failure::Broken("crates/web/frontend/package-lock.json is not there".to_owned()));
    }
    let folder = shell::target().join("assets");
    let stamp = folder.join(".made-from");
    let made_from = fingerprint(&source)?;
    if std::fs::read_to_string(&stamp).is_ok_and(|old| old == made_from) {
        return Ok(());
    }
    shell::step("front-end files (npm ci)");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&source);
    shell::run(&mut npm)?;
    let count = copy(&source, &folder)?;
    shell::write(&stamp, &made_from)?;
    println!("{count} files in {}", shell::relative(&folder));
    Ok(())
}

/// Everything the result depends on, as one text.
fn fingerprint(source: &Path) -> Outcome<String> {
    let mut text = shell::read(&source.join("package-lock.json"))?;
    text.push_str(&shell::read(&source.join("assets.txt"))?);
    Ok(text)
}

/// Copies each line `from -> to` of the list; `from` is below `node_modules`.
fn copy(source: &Path, folder: &Path) -> Outcome<usize> {
    let list = shell::read(&source.join("assets.txt"))?;
    let mut count = 0;
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((from, to)) = line.split_once("->") else {
            return Err(Failure::Broken(format!("assets.txt: no `->` in: {line}")));
        };
        let (from, to) = (source.join("node_modules").join(from.trim()), folder.join(to.trim()));
        place(&from, &to)?;
        count += 1;
    }
    Ok(count)
}

fn place(from: &Path, to: &Path) -> Outcome {
    let parent = to.parent().map(PathBuf::from).unwrap_or_default();
    std::fs::create_dir_all(parent).and_then(|()| std::fs::copy(from, to)).map(|_| ()).map_err(|error| {
        Failure::Broken(format!("cannot copy {} to {}: {error}", from.display(), to.display()))
    })
}
