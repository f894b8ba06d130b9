//! The page of the acceptance scenarios against the code: a test that is named there must exist, and a test that
//! bears the name of a scenario must be named there.

use std::collections::BTreeSet;

use crate::{Outcome, shell};

/// The beginnings of the names of scenario tests: the sheet, then the number.
const SHEETS: &[&str] = &["register_scenario_", "communications_scenario_", "bodies_scenario_"];

/// Names that stand on one side only.
pub fn complaints() -> Outcome<Vec<String>> {
    let page = names(&shell::read(&shell::root().join("docs/scenarios.md"))?, "`");
    let mut code = BTreeSet::new();
    for file in shell::files(&shell::root().join("crates"), ".rs") {
        code.extend(names(&shell::read(&file)?, "fn "));
    }
    let mut found = Vec::new();
    for name in &page {
        if !code.iter().any(|test| test.starts_with(name.as_str())) {
            found.push(format!("docs/scenarios.md names {name}, and no test is called so"));
        }
    }
    for test in &code {
        if !page.iter().any(|name| test.starts_with(name.as_str())) {
            found.push(format!("the test {test} is not in docs/scenarios.md"));
        }
    }
    Ok(found)
}

/// The scenario names in a text that stand right after `before`.
fn names(text: &str, before: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for piece in text.split(before).skip(1) {
        if SHEETS.iter().any(|sheet| piece.starts_with(sheet)) {
            let end = piece.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
            found.insert(piece[..end.unwrap_or(piece.len())].to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_read_from_page_and_code() {
        let page = names("| 1 | x | `register_scenario_01_a`; later: `other` |", "`");
        assert_eq!(page.into_iter().collect::<Vec<_>>(), ["register_scenario_01_a"]);
        let code = names("async fn bodies_scenario_02_b_more() {}\nfn helper() {}", "fn ");
        assert_eq!(code.into_iter().collect::<Vec<_>>(), ["bodies_scenario_02_b_more"]);
    }
}
