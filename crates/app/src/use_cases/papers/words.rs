//! The words of papers, from one file that people who write Italian can edit.

use std::collections::HashMap;
use std::sync::LazyLock;

const FILE: &str = include_str!("../../../papers/it.txt");

static WORDS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    FILE.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, text)| (key.trim(), text.trim()))
        .collect()
});

/// The words of a key. A key that is not in the file is shown as it is, so that
/// a slip is seen on paper and not hidden; a test finds it first.
pub(crate) fn word(key: &str) -> &str {
    WORDS.get(key).copied().unwrap_or(key)
}

/// The words of a key with values in place of `{name}`.
pub(crate) fn word_with(key: &str, values: &[(&str, String)]) -> String {
    values
        .iter()
        .fold(word(key).to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_used_by_a_paper_is_in_the_file() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/use_cases");
        let mut used = 0;
        for noun in ["papers", "daily_register", "emergency"] {
            for file in std::fs::read_dir(folder.join(noun)).unwrap() {
                let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
                for call in ["word(\"", "word_with(\"", "pair(\""] {
                    for rest in text.split(call).skip(1) {
                        let key = rest.split('"').next().unwrap_or_default();
                        used += 1;
                        assert!(WORDS.contains_key(key), "{key} is not in papers/it.txt");
                    }
                }
            }
        }
        assert!(used > 20, "the scan found only {used} keys");
    }

    #[test]
    fn values_take_the_place_of_their_names() {
        assert_eq!(
            word_with("sheet-title", &[("number", "7/2026".to_owned())]),
            "Scheda di registrazione 7/2026"
        );
    }
}
