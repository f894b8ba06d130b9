//! Dependencies that nobody uses: each one named in a `Cargo.toml` must be a word of that crate's sources.
//!
//! A library that is only named costs every build and every audit. Words are looked for, not paths, so a library
//! mentioned in a comment passes; what is found here is surely unused.

use crate::workspace::Package;
use crate::{Outcome, shell};

/// Named for the sake of what they switch on in others, or used through a macro of another library.
const SILENT: &[(&str, &str)] = &[];

/// Every dependency of ours that no source of its crate mentions.
pub fn complaints(packages: &[Package]) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for package in packages.iter().filter(|package| package.is_ours()) {
        let folder = match package.name.as_str() {
            "xtask" => shell::root().join("xtask"),
            name => shell::root().join("crates").join(name),
        };
        let sources: Vec<String> = shell::files(&folder, ".rs")
            .iter()
            .chain(&shell::files(&folder, ".html"))
            .map(|file| shell::read(file))
            .collect::<Outcome<_>>()?;
        for (need, _) in &package.needs {
            let word = need.replace('-', "_");
            let known = SILENT.contains(&(package.name.as_str(), need.as_str()));
            if !known && !sources.iter().any(|text| mentions(text, &word)) {
                found.push(format!("{}: the dependency {need} is not used", package.name));
            }
        }
    }
    Ok(found)
}

/// Whether a text holds the word, not as a part of a longer one.
fn mentions(text: &str, word: &str) -> bool {
    let part_of_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(part_of_word);
        let after = text[at + word.len()..].chars().next().is_some_and(part_of_word);
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn a_part_of_a_longer_word_is_no_mention() {
        assert!(mentions("use serde::Serialize;", "serde"));
        assert!(!mentions("use serde_json::Value; fn deserde() {}", "serde"));
    }
}
