//! The entries of a closed day as a table for spreadsheets, made from the sealed XML so that both say the same.
//!
//! Cells that a spreadsheet would run as formulas are defused. The table is enclosed in a CAdES envelope of the
//! body's seal: a bare CSV proves nothing.

use crate::error::{Error, Result};
use crate::use_cases::papers::word;
use crate::use_cases::register::sheet::Sheet;
use documents::xml::{self, Element};

/// Elements of an entry, in the order of the columns, with the key of the column's title.
const COLUMNS: [(&str, &str); 7] = [
    ("DataOra", "registered-at"),
    ("Flusso", "direction"),
    ("Oggetto", "subject"),
    ("Corrispondente", "daily-correspondent"),
    ("Classificazione", "class"),
    ("AnnullatoIl", "annulled"),
    ("File", "files"),
];

/// Writes the table.
///
/// # Errors
/// `Bug` when the kept XML cannot be read.
pub(super) fn write(register: &[u8]) -> Result<Vec<u8>> {
    let register = xml::parse(register).map_err(|e| Error::Bug(e.to_string()))?;
    let titles = std::iter::once("number").chain(COLUMNS.iter().map(|(_, key)| *key));
    let titles: Vec<String> = titles.map(|key| word(key).to_owned()).collect();
    let mut sheet = Sheet::csv(&titles);
    let entries = register.child("Registrazioni").map(|it| it.children.as_slice()).unwrap_or_default();
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    sheet.add(&rows).map_err(|e| Error::Problem(e.to_string()))?;
    Ok(sheet.take_ready())
}

fn row(entry: &Element) -> Vec<String> {
    let number = |name| entry.attribute(name).unwrap_or_default();
    let several = |name: &str| {
        let values: Vec<String> = entry.children(name).filter_map(cell).collect();
        values.join("; ")
    };
    let label = format!("{}/{}", number("numero"), number("anno"));
    std::iter::once(label).chain(COLUMNS.iter().map(|(name, _)| several(name))).collect()
}

/// The text of an element; of a file its fingerprint too.
fn cell(it: &Element) -> Option<String> {
    let text = it.words()?;
    Some(it.attribute("impronta").map_or_else(|| text.clone(), |sha256| format!("{text} ({sha256})")))
}
