//! Checks every SQL text of this crate on the engine of the tests: the sources
//! are read, each string that begins like a statement is prepared. A statement
//! that one of the two databases does not understand fails here, before any
//! page does.

use std::path::{Path, PathBuf};

use crate::config::Database;
use crate::dialect::{self, Engine};
use crate::migrate;

/// First words of the statements that callers of [`crate::Query`] write.
const BEGINNINGS: [&str; 5] = ["select ", "insert ", "update ", "delete ", "with "];

#[test]
fn every_statement_is_understood_by_the_engine() {
    let mut engine = engine();
    migrate::run(engine.as_mut(), 0).unwrap();
    let mut checked = 0;
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if other_engine(&file, engine.is_postgres()) || file.ends_with("statements.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for literal in literals(text) {
            if is_whole(&literal) {
                checked += 1;
                if let Err(error) = engine.prepare(&literal) {
                    panic!("{}: {error}\n{literal}", file.display());
                }
            }
        }
    }
    assert!(checked > 5, "the scan found only {checked} statements");
}

#[test]
fn literals_are_read_as_the_compiler_does() {
    let source =
        "const A: &str = \"select \\\n    1\"; let c = '\"'; // \"no\n let r = r#\"with \"x\"\"#; \"a\\\"b\"";
    assert_eq!(literals(source), ["select 1", "with \"x\"", "a\"b"]);
}

/// Pieces are put together at run time and prepared by the tests that use them: patterns with braces (`tables.rs`),
/// and a list of columns without the `from` that follows.
fn is_whole(literal: &str) -> bool {
    let text = literal.to_lowercase();
    let begins = BEGINNINGS.iter().any(|start| text.starts_with(start));
    begins && !text.contains('{') && (!text.starts_with("select ") || outside(&text).contains(" from "))
}

/// The text without what stands in parentheses.
fn outside(text: &str) -> String {
    let mut depth = 0_i32;
    text.chars()
        .filter(|c| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0
        })
        .collect()
}

fn engine() -> Box<dyn Engine> {
    let database = match std::env::var("TELAIO_TEST_DB") {
        Ok(url) => Database::Postgres { url, schema: format!("statements_{}", std::process::id()) },
        Err(_) => Database::Sqlite {
            // Kept until the process ends: the engine outlives this function.
            folder: tempfile::tempdir().unwrap().keep(),
        },
    };
    dialect::writer(&database).unwrap()
}

/// Files named after one engine hold what only that one understands.
fn other_engine(file: &Path, postgres: bool) -> bool {
    let name = file.file_name().unwrap_or_default();
    name == if postgres { "sqlite.rs" } else { "postgres.rs" }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The string literals of a Rust source, with escapes resolved.
fn literals(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '\'' if chars.get(at + 2) == Some(&'\'') => at += 3,
            '\'' if chars.get(at + 1) == Some(&'\\') => at += 4,
            'r' if matches!(chars.get(at + 1), Some('"' | '#')) => {
                let (literal, next) = raw(&chars, at + 1);
                found.extend(literal);
                at = next;
            }
            '"' => {
                let (literal, next) = plain(&chars, at + 1);
                found.push(literal);
                at = next;
            }
            _ => at += 1,
        }
    }
    found
}

/// A literal that begins after its opening quote; a backslash at the end of a line eats the indentation.
fn plain(chars: &[char], mut at: usize) -> (String, usize) {
    let mut literal = String::new();
    while at < chars.len() && chars[at] != '"' {
        if chars[at] != '\\' {
            literal.push(chars[at]);
            at += 1;
            continue;
        }
        match chars.get(at + 1) {
            Some('\n') => {
                at += 2;
                while at < chars.len() && chars[at].is_whitespace() {
                    at += 1;
                }
            }
            Some('n') => {
                literal.push('\n');
                at += 2;
            }
            Some(other) => {
                literal.push(*other);
                at += 2;
            }
            None => at += 1,
        }
    }
    (literal, at + 1)
}

/// A raw literal that begins at its first `#` or quote; `None` when it is a raw identifier.
fn raw(chars: &[char], start: usize) -> (Option<String>, usize) {
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    let open = start + hashes;
    if chars.get(open) != Some(&'"') {
        return (None, open.max(start + 1));
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let mut at = open + 1;
    while at < chars.len() && !chars[at..].starts_with(&close) {
        at += 1;
    }
    let literal = chars[open + 1..at.min(chars.len())].iter().collect();
    (Some(literal), at + close.len())
}
