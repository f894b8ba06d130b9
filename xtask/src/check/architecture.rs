//! The arrows between our crates, as `ARCHITECTURE.md` draws them.
//!
//! The table here is the law; `ARCHITECTURE.md` must show the same rows, and every `Cargo.toml` must
//! stay within it. Besides the arrows: no I/O library in `domain`, no SQL outside `store`.

use crate::workspace::Package;
use crate::{Outcome, shell};

/// Crate, and the crates of ours it may use. An arrow not listed needs a page in `docs/decisions`.
pub const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("procedures", &["domain"]),
    ("store", &["domain"]),
    ("channels", &["domain"]),
    ("documents", &["domain"]),
    ("sandbox", &["domain", "documents"]),
    ("app", &["domain", "procedures", "store", "channels", "documents"]),
    ("web", &["app", "procedures", "domain"]),
    ("telaio", &["domain", "procedures", "store", "channels", "documents", "sandbox", "app", "web"]),
    ("xtask", &[]),
];

/// Dates, serialization, errors: all that values and pure functions need.
const DOMAIN_LIBRARIES: &[&str] = &["jiff", "serde", "serde_json", "thiserror"];

/// Words that begin a statement of SQL inside a string literal.
const SQL: &[&str] = &["\"select ", "\"insert into ", "\"update ", "\"delete from ", "\"create table "];

/// Everything that leans out of the table.
pub fn complaints(packages: &[Package]) -> Outcome<Vec<String>> {
    let ours: Vec<&Package> = packages.iter().filter(|package| package.is_ours()).collect();
    let mut found = arrows(&ours);
    found.extend(domain_libraries(&ours));
    found.extend(page()?);
    found.extend(sql()?);
    Ok(found)
}

fn arrows(ours: &[&Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in ours {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            found.push(format!("crate {} is not in the table of ARCHITECTURE.md", package.name));
            continue;
        };
        for (need, kind) in &package.needs {
            let inside = ours.iter().any(|other| &other.name == need);
            if inside && kind != "dev" && !allowed.contains(&need.as_str()) {
                found.push(format!("{} may not depend on {need}", package.name));
            }
        }
    }
    found
}

fn domain_libraries(ours: &[&Package]) -> Vec<String> {
    let domain = ours.iter().find(|package| package.name == "domain");
    let needs = domain.map(|package| package.needs.as_slice()).unwrap_or_default();
    needs
        .iter()
        .filter(|(need, kind)| kind != "dev" && !DOMAIN_LIBRARIES.contains(&need.as_str()))
        .map(|(need, _)| format!("domain may not use the library {need}"))
        .collect()
}

/// The page shows one row per crate: `| \`name\` | purpose | \`a\`, \`b\` | … |`.
fn page() -> Outcome<Vec<String>> {
    let text = shell::read(&shell::root().join("ARCHITECTURE.md"))?;
    let mut found = Vec::new();
    for (name, allowed) in ARROWS {
        let Some(row) = text.lines().find(|line| line.starts_with(&format!("| `{name}` |"))) else {
            found.push(format!("ARCHITECTURE.md has no row for the crate {name}"));
            continue;
        };
        let cell = row.split('|').nth(3).unwrap_or_default();
        let mut shown: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        let mut wanted = allowed.to_vec();
        shown.sort_unstable();
        wanted.sort_unstable();
        if shown != wanted {
            found.push(format!("ARCHITECTURE.md: {name} may depend on {}", wanted.join(", ")));
        }
    }
    Ok(found)
}

/// SQL is written in `store` only; other crates' tests and benchmarks may look at what was stored.
fn sql() -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for (name, _) in ARROWS.iter().filter(|(name, _)| !matches!(*name, "store" | "xtask")) {
        for file in shell::files(&shell::root().join("crates").join(name).join("src"), ".rs") {
            let text = shell::read(&file)?.to_lowercase();
            let lines = text.lines().enumerate();
            let hits = lines.filter(|(_, line)| SQL.iter().any(|word| line.contains(word)));
            found.extend(
                hits.map(|(n, _)| format!("{}:{}: SQL outside store", shell::relative(&file), n + 1)),
            );
        }
    }
    Ok(found)
}
