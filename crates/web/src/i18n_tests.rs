//! Holds the message files together: same keys in both languages, none missing, none unused.
//!
//! Keys are found by reading templates and sources as text. Families of keys whose end is only known at run
//! time (`err-<code>`) are listed here; for those, the codes written in the sources are looked up too.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Beginnings of keys that are put together at run time.
const FAMILIES: &[&str] = &[
    "account-state-",
    "aggregation-",
    "anomaly-",
    "api-access-",
    "assign-",
    "assignment-",
    "case-state-",
    "channel-",
    "chip-",
    "column-",
    "confidentiality-",
    "correctable-",
    "correspondent-",
    "delivery-",
    "direction-",
    "done-",
    "dossier-event-",
    "dossier-kind-",
    "dossier-state-",
    "dossier-step-",
    "emergency-outcome-",
    "err-",
    "event-",
    "exchange-rule-",
    "fault-",
    "field-",
    "flag-",
    "health-",
    "import-column-",
    "import-format-",
    "import-standing-",
    "import-verdict-",
    "import-word-",
    "inbox-ground-",
    "inbox-kind-",
    "inbox-origin-",
    "inbox-state-",
    "journal-",
    "kind-",
    "law-",
    "look-",
    "month-",
    "norm-",
    "participant-",
    "problem-",
    "proposal-",
    "purpose-",
    "queue-",
    "refusal-",
    "remedy-",
    "rights-kind-",
    "rights-state-",
    "road-",
    "role-",
    "scan-from-",
    "scan-refused-",
    "scan-state-",
    "seen-",
    "signature-",
    "text-reason-",
    "state-",
    "status-",
    "task-",
    "verb-",
    "verify-",
    "watch-",
    "weekday-",
    "why-",
];

fn keys(text: &str) -> BTreeSet<String> {
    let head = |line: &str| line.split_once(" =").map(|(key, _)| key.to_owned());
    let plain = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    text.lines().filter(plain).filter_map(head).collect()
}

fn all_keys(italian: bool) -> BTreeMap<String, &'static str> {
    let of = |slice: &(&'static str, &'static str, &'static str)| {
        let text = if italian { slice.1 } else { slice.2 };
        keys(text).into_iter().map(|key| (key, slice.0)).collect::<Vec<_>>()
    };
    SLICES.iter().flat_map(of).collect()
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

/// Texts of templates and of every crate's sources, test files apart.
fn sources() -> Vec<(PathBuf, String)> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    files(&web.join("templates"), "html", &mut found);
    for room in ["domain", "procedures", "store", "channels", "documents", "app", "web"] {
        files(&web.join("..").join(room).join("src"), "rs", &mut found);
    }
    found.retain(|path| !path.to_string_lossy().ends_with("_tests.rs"));
    let code = |text: String| -> String {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.flat_map(|line| [line, "\n"]).collect()
    };
    found
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(&path).ok().map(|text| (path, code(text))))
        .collect()
}

/// Every literal that follows one of the given openings, up to the closing quote.
fn literals<'a>(text: &'a str, opening: &str) -> Vec<&'a str> {
    text.match_indices(opening)
        .filter_map(|(at, _)| text[at + opening.len()..].split_once('"').map(|(literal, _)| literal))
        .collect()
}

#[test]
fn both_languages_have_the_same_keys_and_no_file_has_faults() {
    for (name, italian, english) in SLICES {
        for text in [italian, english] {
            assert!(FluentResource::try_new((*text).to_owned()).is_ok(), "{name}.ftl has faults");
        }
        assert_eq!(keys(italian), keys(english), "{name}.ftl: keys differ between it and en");
    }
}

#[test]
fn a_key_stands_in_one_file_only() {
    let mut seen = BTreeMap::new();
    for (name, italian, _) in SLICES {
        for key in keys(italian) {
            let first = seen.insert(key.clone(), name);
            assert!(first.is_none(), "{key} is in {name}.ftl and in {}.ftl", first.unwrap_or(name));
        }
    }
}

#[test]
fn every_key_used_exists() {
    let known = all_keys(true);
    let mut missing = BTreeSet::new();
    for (path, text) in sources() {
        for opening in [
            "view.t(\"",
            "view.t1(\"",
            "view.t2(\"",
            "view.tn(\"",
            "text(lang, \"",
            "text1(lang, \"",
            "text2(lang, \"",
            "text_n(lang, \"",
        ] {
            for key in literals(&text, opening) {
                if !known.contains_key(key) {
                    missing.insert(format!("{key} ({})", path.display()));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "keys without a message:\n{}",
        missing.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn every_refusal_and_every_fault_has_its_words() {
    let known = all_keys(true);
    let mut missing = BTreeSet::new();
    for (path, text) in sources() {
        let body = text.split("#[cfg(test)]").next().unwrap_or_default();
        for opening in ["Refusal::of(\"", "Refusal::by(\""] {
            for code in
                literals(body, opening).into_iter().filter(|c| !known.contains_key(&format!("refusal-{c}")))
            {
                missing.insert(format!("refusal-{code} ({})", path.display()));
            }
        }
        for opening in ["Invalid::one(\"", "Invalid::with(\"", "faults.add(\"", "faults.add_with(\""] {
            for (at, _) in body.match_indices(opening) {
                let rest = &body[at + opening.len()..];
                let code =
                    rest.split_once("\", \"").and_then(|(_, after)| after.split_once('"')).map(|(c, _)| c);
                let near = rest.find("\", \"") == rest.find('"');
                if let Some(code) = code.filter(|c| near && !known.contains_key(&format!("err-{c}"))) {
                    missing.insert(format!("err-{code} ({})", path.display()));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "codes without words:\n{}",
        missing.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn no_key_is_unused() {
    let everything: String = sources().into_iter().map(|(_, text)| text).collect();
    let family = |key: &str| FAMILIES.iter().any(|start| key.starts_with(start));
    let unused: Vec<String> = all_keys(true)
        .into_keys()
        .filter(|key| !family(key) && !everything.contains(&format!("\"{key}\"")))
        .collect();
    assert!(unused.is_empty(), "keys nobody uses:\n{}", unused.join("\n"));
}

#[test]
fn dates_speak_in_both_languages() {
    let day_of = |text: &str| text.parse::<Date>().unwrap();
    let check = |lang, date: &str, expected: &str| {
        assert_eq!(by(lang, day_of(date), day_of("2026-12-23")), expected);
    };
    check(Lang::It, "2026-12-30", "entro mercoledì 30 dicembre (fra 7 giorni)");
    check(Lang::It, "2026-12-22", "entro martedì 22 dicembre (ieri)");
    check(Lang::It, "2027-01-04", "entro lunedì 4 gennaio 2027 (fra 12 giorni)");
    check(Lang::En, "2026-12-24", "by Thursday 24 December (tomorrow)");
    check(Lang::En, "2026-12-20", "by Sunday 20 December (3 days ago)");
    let at = "2026-11-23T09:15:00Z".parse().unwrap();
    assert_eq!(instant(Lang::It, at, day_of("2026-12-23")), "lunedì 23 novembre, ore 10:15");
}

#[test]
fn sizes_and_numbers_follow_the_language() {
    assert_eq!(size(Lang::It, 3_400_000), "3,4 MB");
    assert_eq!(size(Lang::En, 20_480), "20 kB");
    assert_eq!(number(Lang::It, 1_234_567), "1.234.567");
    assert_eq!(number(Lang::En, -1_234), "-1,234");
}
