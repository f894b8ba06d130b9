//! Interface texts: every key exists in every language, and every key used in a page exists.
//!
//! Texts live in `crates/web/i18n/<language>/*.ftl` or `<language>.ftl`; pages ask for them by
//! `view.t("key")`. A key that only some languages have would show as a bare key to some readers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Outcome, shell};

/// Keys missing in a language, and keys pages ask for that no language has.
pub fn complaints() -> Outcome<Vec<String>> {
    let languages = languages()?;
    let all: BTreeSet<&String> = languages.values().flatten().collect();
    let mut found = Vec::new();
    for (language, keys) in &languages {
        let missing = all.iter().filter(|key| !keys.contains(**key));
        found.extend(missing.map(|key| format!("i18n: {language} lacks the text `{key}`")));
    }
    for (key, file) in used()? {
        if !languages.is_empty() && !all.contains(&key) {
            found.push(format!("i18n: no text `{key}`, asked for by {file}"));
        }
    }
    Ok(found)
}

/// Language and its keys; a file belongs to the language its path names.
fn languages() -> Outcome<BTreeMap<String, BTreeSet<String>>> {
    let folder = shell::root().join("crates/web/i18n");
    let mut languages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in shell::files(&folder, ".ftl") {
        let path = file.strip_prefix(&folder).unwrap_or(&file);
        let first = path.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let language = first.unwrap_or_default().trim_end_matches(".ftl").to_owned();
        let text = shell::read(&file)?;
        languages.entry(language).or_default().extend(keys(&text));
    }
    Ok(languages)
}

/// A message begins at the first column: `key = …`. Terms (`-brand`) and comments are not messages.
fn keys(text: &str) -> Vec<String> {
    let heads = text.lines().filter_map(|line| line.split_once('=')).map(|(head, _)| head);
    heads
        .filter(|head| head.starts_with(|first: char| first.is_ascii_lowercase()))
        .map(|head| head.trim().to_owned())
        .filter(|key| key.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')))
        .collect()
}

/// Keys asked for by templates and handlers, with the file that asks.
fn used() -> Outcome<Vec<(String, String)>> {
    let web = shell::root().join("crates/web");
    let mut files = shell::files(&web.join("templates"), ".html");
    files.extend(shell::files(&web.join("src"), ".rs"));
    let mut found = Vec::new();
    for file in files {
        let text = shell::read(&file)?;
        for start in [".t(\"", ".t1(\"", ".t2(\""] {
            for piece in text.split(start).skip(1) {
                let key = piece.split('"').next().unwrap_or_default();
                if !key.is_empty() && !key.contains('{') {
                    found.push((key.to_owned(), shell::relative(&file)));
                }
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::keys;

    #[test]
    fn messages_are_keys_and_terms_comments_and_continuations_are_not() {
        let text = "# a = b\n-brand = Telaio\nnav-home = Inizio\nlong =\n    many = words\n";
        assert_eq!(keys(text), vec!["nav-home", "long"]);
    }
}
