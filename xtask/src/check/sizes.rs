//! Rooms that have grown too large: files over 900 lines, functions over 100.
//!
//! The compass is smaller (400 and 70, see `CONTRIBUTING.md`); these are the lines nobody may cross.
//! A function is found by its shape as rustfmt leaves it: `fn` and its closing brace stand at the
//! same indentation.

use crate::{Outcome, shell};

const MOST_LINES_OF_A_FILE: usize = 900;
const MOST_LINES_OF_A_FUNCTION: usize = 100;

/// Every file and function beyond the limit.
pub fn complaints() -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for folder in ["crates", "xtask"] {
        for file in shell::files(&shell::root().join(folder), ".rs") {
            let text = shell::read(&file)?;
            let (name, lines) = (shell::relative(&file), text.lines().count());
            if lines > MOST_LINES_OF_A_FILE {
                found.push(format!("{name}: {lines} lines, at most {MOST_LINES_OF_A_FILE}"));
            }
            for (first, length) in long_functions(&text) {
                found.push(format!(
                    "{name}:{first}: a function of {length} lines, at most {MOST_LINES_OF_A_FUNCTION}"
                ));
            }
        }
    }
    Ok(found)
}

fn long_functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (first, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let Some(indent) = line.strip_suffix(code) else { continue };
        if !begins_function(code) {
            continue;
        }
        let end = format!("{indent}}}");
        let length = lines[first..].iter().position(|line| **line == end).map_or(0, |last| last + 1);
        if length > MOST_LINES_OF_A_FUNCTION {
            found.push((first + 1, length));
        }
    }
    found
}

/// Whether the line begins a function with a body (a signature may run over several lines).
fn begins_function(code: &str) -> bool {
    let words = code.split_whitespace().take_while(|word| *word != "fn");
    let is_prefix = |word: &str| word.starts_with("pub") || matches!(word, "async" | "const" | "in");
    let starts = code.starts_with("fn ") || (code.contains(" fn ") && words.clone().all(is_prefix));
    starts && !code.ends_with(';') && !code.ends_with('}')
}

#[cfg(test)]
mod tests {
    use super::long_functions;

    #[test]
    fn a_function_is_measured_from_its_name_to_its_own_brace() {
        let body = "        let x = 1;\n".repeat(120);
        let long =
            format!("impl A {{\n    pub async fn long() {{\n{body}    }}\n\n    fn short() {{\n    }}\n}}\n");
        assert_eq!(long_functions(&long), vec![(2, 122)]);
    }
}
