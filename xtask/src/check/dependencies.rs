//! What may come in from outside: licences, sources, and how many copies of one library.
//!
//! The policy is `deny.toml`, written so that cargo-deny reads the same file; this check needs no
//! tool to be installed. Advisories are not looked up here: no database travels with the project.

use std::collections::BTreeMap;

use toml::Table;

use crate::workspace::Package;
use crate::{Failure, Outcome, shell};

/// Libraries present in several versions. It may only shrink; a rise wants a reason in the commit.
const MOST_DUPLICATES: usize = 27;

/// Libraries that would bring a second TLS stack or a build we do not want.
const UNWANTED: &[&str] = &["aws-lc-rs", "aws-lc-sys", "cmake", "native-tls", "sqlx", "reqwest"];

/// Everything in the lock file that the policy does not allow.
pub fn complaints(packages: &[Package]) -> Outcome<Vec<String>> {
    let policy: Table = shell::read(&shell::root().join("deny.toml"))?
        .parse()
        .map_err(|error| Failure::Broken(format!("deny.toml: {error}")))?;
    let foreign: Vec<&Package> = packages.iter().filter(|package| !package.is_ours()).collect();
    let mut found = licences(&foreign, &policy);
    found.extend(sources(&foreign));
    found.extend(duplicates(&foreign));
    found.extend(front_end()?);
    Ok(found)
}

fn licences(foreign: &[&Package], policy: &Table) -> Vec<String> {
    let allowed: Vec<&str> = policy
        .get("licenses")
        .and_then(|section| section.get("allow"))
        .and_then(toml::Value::as_array)
        .map(|list| list.iter().filter_map(toml::Value::as_str).collect())
        .unwrap_or_default();
    foreign
        .iter()
        .filter(|package| !acceptable(&package.licence, &allowed))
        .map(|package| {
            format!("{} {}: licence {:?} is not allowed", package.name, package.version, package.licence)
        })
        .collect()
}

/// Whether an SPDX expression can be satisfied with allowed licences only: one branch of every `OR`,
/// all members of every `AND`. Parentheses are honoured; the old `/` means `OR`.
fn acceptable(expression: &str, allowed: &[&str]) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut place = 0;
    !words.is_empty() && any(&words, &mut place, allowed) && place == words.len()
}

fn any(words: &[&str], place: &mut usize, allowed: &[&str]) -> bool {
    let mut good = all(words, place, allowed);
    while words.get(*place) == Some(&"OR") {
        *place += 1;
        good |= all(words, place, allowed);
    }
    good
}

fn all(words: &[&str], place: &mut usize, allowed: &[&str]) -> bool {
    let mut good = one(words, place, allowed);
    while words.get(*place) == Some(&"AND") {
        *place += 1;
        good &= one(words, place, allowed);
    }
    good
}

fn one(words: &[&str], place: &mut usize, allowed: &[&str]) -> bool {
    let Some(word) = words.get(*place) else { return false };
    *place += 1;
    if *word == "(" {
        let good = any(words, place, allowed);
        let closed = words.get(*place) == Some(&")");
        *place += 1;
        return good && closed;
    }
    // `WITH exception` only adds permissions to the licence before it.
    if words.get(*place) == Some(&"WITH") {
        *place += 2;
    }
    allowed.contains(word)
}

fn sources(foreign: &[&Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in foreign {
        if package.source.starts_with("git+") {
            found.push(format!("{} comes from a git repository, not from the registry", package.name));
        }
        if UNWANTED.contains(&package.name.as_str()) {
            found.push(format!(
                "{} is not wanted in this build (docs/decisions, one TLS stack)",
                package.name
            ));
        }
    }
    found
}

fn duplicates(foreign: &[&Package]) -> Vec<String> {
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for package in foreign {
        *versions.entry(package.name.as_str()).or_default() += 1;
    }
    let several: Vec<&str> =
        versions.iter().filter(|(_, count)| **count > 1).map(|(name, _)| *name).collect();
    if several.len() <= MOST_DUPLICATES {
        return Vec::new();
    }
    vec![format!(
        "{} libraries come in several versions, at most {MOST_DUPLICATES} may: {}",
        several.len(),
        several.join(" ")
    )]
}

/// Lock files of Node packages name packages, never hosts.
fn front_end() -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for lock in shell::files(&shell::root(), "package-lock.json") {
        if shell::read(&lock)?.contains("\"resolved\"") {
            found.push(format!(
                "{} names download addresses: npm config set omit-lockfile-registry-resolved true",
                shell::relative(&lock)
            ));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::acceptable;

    const ALLOWED: &[&str] = &["MIT", "Apache-2.0", "Unicode-3.0"];

    #[test]
    fn an_expression_holds_when_one_choice_of_every_or_is_allowed() {
        assert!(acceptable("MIT", ALLOWED));
        assert!(acceptable("GPL-3.0 OR MIT", ALLOWED));
        assert!(acceptable("MIT/Apache-2.0", ALLOWED));
        assert!(acceptable("(MIT OR GPL-3.0) AND Unicode-3.0", ALLOWED));
        assert!(acceptable("Apache-2.0 WITH LLVM-exception OR GPL-2.0", ALLOWED));
    }

    #[test]
    fn an_expression_fails_when_a_member_of_an_and_is_not_allowed() {
        assert!(!acceptable("MIT AND GPL-3.0", ALLOWED));
        assert!(!acceptable("(MIT OR Apache-2.0) AND GPL-3.0", ALLOWED));
        assert!(!acceptable("", ALLOWED));
        assert!(!acceptable("(MIT", ALLOWED));
    }
}
