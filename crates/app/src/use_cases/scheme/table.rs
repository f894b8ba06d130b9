//! Reading a scheme out of a CSV table.
//!
//! Two forms are read: `code,name`, and the form of the scheme of the comuni, one row per class with its title
//! (`title,title_name,class,class_name,code`). Lines that begin with `#` are remarks.

use domain::Invalid;
use domain::scheme::Class;

/// Reads the rows of a table, in order; whether they make a tree is for `Scheme::checked`.
///
/// # Errors
/// `Invalid` when the text is not UTF-8, not CSV, or has none of the two headings.
pub fn read_table(csv: &[u8]) -> Result<Vec<Class>, Invalid> {
    let text = std::str::from_utf8(csv).map_err(|_| Invalid::one("/file", "not-utf8"))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut reader =
        csv::ReaderBuilder::new().comment(Some(b'#')).flexible(false).from_reader(text.as_bytes());
    let headings = reader.headers().map_err(|_| Invalid::one("/file", "not-csv"))?.clone();
    let column = |name: &str| headings.iter().position(|heading| heading.trim() == name);
    let Some(code) = column("code") else {
        return Err(Invalid::one("/file", "scheme-headings"));
    };
    let names: Vec<usize> = match (column("name"), column("class_name"), column("title_name")) {
        (Some(name), ..) => vec![name],
        (None, Some(class), Some(title)) => vec![class, title],
        _ => return Err(Invalid::one("/file", "scheme-headings")),
    };
    let mut classes = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|_| Invalid::with("/file", "bad-row", (row + 2).to_string()))?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        // A title's row has no name of a class: its own name is in the other column.
        let name = names.iter().map(|at| cell(*at)).find(|name| !name.is_empty()).unwrap_or_default();
        classes.push(Class { code: cell(code).to_owned(), name: name.to_owned() });
    }
    Ok(classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::scheme::Scheme;

    #[test]
    fn the_scheme_of_the_comuni_is_read_whole() {
        let scheme = Scheme::checked(read_table(super::super::MUNICIPAL.as_bytes()).unwrap()).unwrap();
        assert_eq!(scheme.classes.iter().filter(|class| class.depth() == 0).count(), 14);
        assert_eq!(scheme.find("VI.3").map(|class| class.name.as_str()), Some("Edilizia privata"));
        let best = &scheme.suggest("Permesso di costruire: edilizia privata", 1)[0];
        assert_eq!(best.class.code, "VI.3");
    }

    #[test]
    fn simple_tables_are_read_and_others_refused_with_the_reason() {
        let rows = read_table("\u{feff}code,name\nI,Uno\nI.1,\"Due, tre\"\n".as_bytes()).unwrap();
        assert_eq!(rows[1].name, "Due, tre");
        for (bad, code) in [
            (&b"\xff\xfe"[..], "not-utf8"),
            (&b"a,b\n1,2\n"[..], "scheme-headings"),
            (&b"code,name\nI\n"[..], "bad-row"),
        ] {
            assert_eq!(read_table(bad).unwrap_err().errors[0].code, code);
        }
    }
}
