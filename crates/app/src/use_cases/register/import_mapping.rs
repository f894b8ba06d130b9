//! Reading an old register: a CSV file and a mapping (TOML) that says which column is what.
//!
//! Pure: bytes in, rows or faults out, one verdict for each row so that a bad row never hides the good ones.
//! Saving the rows is `import_old`'s work; this file must not know the store.

use domain::fault::Invalid;
use domain::moment::rome;
use domain::party::is_tax_code;
use domain::register::{Correspondent, CorrespondentKind, Direction, check_subject};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most rows of one file: larger registers are imported year by year.
pub const ROWS_MAX: usize = 2_000_000;

/// Which column is what, and how its values are written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Names of the columns.
    pub columns: Columns,
    /// How dates, text and fields are written.
    #[serde(default)]
    pub format: Format,
    /// Words of the direction column, e.g. `E = "incoming"`.
    pub directions: BTreeMap<String, String>,
}

/// Names of the columns, as in the first line of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// Number, with or without leading zeros.
    pub number: String,
    /// Date of registration.
    pub date: String,
    /// Time of registration, if it stands in a column of its own.
    pub time: Option<String>,
    /// Direction.
    pub direction: String,
    /// Subject.
    pub subject: String,
    /// Senders or recipients, separated by `format.separator`.
    pub correspondents: String,
    /// Tax code of the only correspondent.
    pub tax_code: Option<String>,
    /// Class.
    pub classification: Option<String>,
    /// Number the sender gave.
    pub sender_number: Option<String>,
    /// Reference of the act that annulled the entry; empty when it was not.
    pub annulled: Option<String>,
}

/// How values are written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Format {
    /// One character between fields.
    pub delimiter: char,
    /// `utf-8` or `windows-1252`.
    pub encoding: String,
    /// Form of dates, `strftime` letters.
    pub date: String,
    /// Form of times.
    pub time: String,
    /// What stands between several correspondents.
    pub separator: String,
}

impl Default for Format {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            delimiter: ';',
            encoding: text("utf-8"),
            date: text("%d/%m/%Y"),
            time: text("%H:%M"),
            separator: text("|"),
        }
    }
}

/// An entry of the old register, ready to be kept under its own number.
#[derive(Debug, Clone, PartialEq)]
pub struct OldEntry {
    /// Line of the file, the header being line 1.
    pub line: u64,
    /// Its number, kept.
    pub number: i64,
    /// Year of its date.
    pub year: i64,
    /// When it was registered; midday in Rome when the file has no times.
    pub registered_at: Timestamp,
    /// Direction.
    pub direction: Direction,
    /// Subject.
    pub subject: String,
    /// Senders or recipients.
    pub correspondents: Vec<Correspondent>,
    /// Class.
    pub classification: Option<String>,
    /// Number the sender gave.
    pub sender_number: Option<String>,
    /// Act that annulled it.
    pub annulled: Option<String>,
}

/// One row of the file: an entry, or why not.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRow {
    /// Line of the file.
    pub line: u64,
    /// The entry or its faults, with pointers named after the mapping's columns.
    pub entry: Result<OldEntry, Invalid>,
}

/// Reads a mapping; the fault quotes what the parser says and where.
pub fn read_mapping(text: &str) -> Result<Mapping, Invalid> {
    let mapping: Mapping =
        toml::from_str(text).map_err(|e| Invalid::with("/mapping", "bad-mapping", e.message().to_owned()))?;
    let mut faults = Invalid::default();
    if !mapping.format.delimiter.is_ascii() {
        faults.add("/mapping/format/delimiter", "bad-code");
    }
    if !matches!(mapping.format.encoding.as_str(), "utf-8" | "windows-1252") {
        faults.add_with("/mapping/format/encoding", "bad-code", mapping.format.encoding.clone());
    }
    for (word, direction) in &mapping.directions {
        if Direction::parse(direction).is_err() {
            faults.add_with(format!("/mapping/directions/{word}"), "unknown-direction", direction.clone());
        }
    }
    faults.or(mapping)
}

/// Reads every row of a file. Faults of the file as a whole (no header, a column that is not there, text that is
/// not of the encoding) refuse it; faults of a row stay with the row.
pub fn read_rows(file: &[u8], mapping: &Mapping) -> Result<Vec<ReadRow>, Invalid> {
    let text = decode(file, &mapping.format.encoding)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(mapping.format.delimiter as u8)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|_| Invalid::one("/file", "bad-csv"))?.clone();
    let places = Places::find(&header, &mapping.columns)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| Invalid::one("/file", "bad-csv"))?;
        let line = record.position().map_or(0, csv::Position::line);
        if rows.len() == ROWS_MAX {
            return Err(Invalid::with("/file", "too-many", ROWS_MAX.to_string()));
        }
        rows.push(ReadRow { line, entry: read_row(&record, line, &places, mapping) });
    }
    Ok(rows)
}

fn decode(file: &[u8], encoding: &str) -> Result<String, Invalid> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    match encoding {
        "windows-1252" => Ok(file.iter().map(|b| windows_1252(*b)).collect()),
        _ => String::from_utf8(file.to_vec()).map_err(|_| Invalid::one("/file", "not-utf8")),
    }
}

/// The upper half of Windows-1252 where it differs from Latin-1; the rest are the same code points.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

/// Where each column stands.
struct Places {
    number: usize,
    date: usize,
    time: Option<usize>,
    direction: usize,
    subject: usize,
    correspondents: usize,
    tax_code: Option<usize>,
    classification: Option<usize>,
    sender_number: Option<usize>,
    annulled: Option<usize>,
}

impl Places {
    fn find(header: &csv::StringRecord, columns: &Columns) -> Result<Self, Invalid> {
        let mut faults = Invalid::default();
        let mut place = |name: &str| {
            let found = header.iter().position(|h| h.trim().eq_ignore_ascii_case(name.trim()));
            if found.is_none() {
                faults.add_with("/mapping/columns", "no-such-column", name.to_owned());
            }
            found
        };
        let (number, date, direction) =
            (place(&columns.number), place(&columns.date), place(&columns.direction));
        let (subject, correspondents) = (place(&columns.subject), place(&columns.correspondents));
        let mut optional = |name: &Option<String>| name.as_deref().and_then(&mut place);
        let rest = [
            optional(&columns.time),
            optional(&columns.tax_code),
            optional(&columns.classification),
            optional(&columns.sender_number),
            optional(&columns.annulled),
        ];
        faults.or(())?;
        let there = |place: Option<usize>| place.ok_or_else(|| Invalid::one("/mapping/columns", "required"));
        let [time, tax_code, classification, sender_number, annulled] = rest;
        Ok(Self {
            number: there(number)?,
            date: there(date)?,
            time,
            direction: there(direction)?,
            subject: there(subject)?,
            correspondents: there(correspondents)?,
            tax_code,
            classification,
            sender_number,
            annulled,
        })
    }
}

fn read_row(
    record: &csv::StringRecord,
    line: u64,
    places: &Places,
    mapping: &Mapping,
) -> Result<OldEntry, Invalid> {
    let cell = |place: usize| record.get(place).unwrap_or_default().trim();
    let some = |place: Option<usize>| place.map(cell).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut faults = Invalid::default();
    let number = cell(places.number).parse().ok().filter(|n: &i64| *n > 0);
    if number.is_none() {
        faults.add_with("/number", "bad-number", shortened(cell(places.number)));
    }
    let time = places.time.map(cell).filter(|text| !text.is_empty());
    let at = instant(cell(places.date), time, &mapping.format);
    if at.is_none() {
        faults.add_with("/date", "bad-date", shortened(cell(places.date)));
    }
    let word = cell(places.direction);
    let direction = mapping.directions.get(word).and_then(|name| Direction::parse(name).ok());
    if direction.is_none() {
        faults.add_with("/direction", "unknown-direction", shortened(word));
    }
    let subject = cell(places.subject).to_owned();
    check_subject(&subject, &mut faults);
    let correspondents =
        correspondents(cell(places.correspondents), some(places.tax_code), &mapping.format.separator);
    if correspondents.is_empty() {
        faults.add("/correspondents", "at-least-one");
    }
    let (Some(number), Some((date, registered_at)), Some(direction)) = (number, at, direction) else {
        return Err(faults);
    };
    faults.or(OldEntry {
        line,
        number,
        year: i64::from(date.year()),
        registered_at,
        direction,
        subject,
        correspondents,
        classification: some(places.classification),
        sender_number: some(places.sender_number),
        annulled: some(places.annulled),
    })
}

fn instant(date: &str, time: Option<&str>, format: &Format) -> Option<(Date, Timestamp)> {
    let date = Date::strptime(&format.date, date).ok()?;
    let time = match time {
        Some(text) => Time::strptime(&format.time, text).ok()?,
        None => Time::midnight().saturating_add(jiff::Span::new().hours(12)),
    };
    let at = DateTime::from_parts(date, time).to_zoned(rome()).ok()?.timestamp();
    Some((date, at))
}

fn correspondents(text: &str, tax_code: Option<String>, separator: &str) -> Vec<Correspondent> {
    let names: Vec<&str> = match separator.is_empty() {
        true => vec![text],
        false => text.split(separator).collect(),
    };
    let names: Vec<&str> = names.into_iter().map(str::trim).filter(|name| !name.is_empty()).collect();
    let alone = names.len() == 1;
    let code = tax_code.filter(|code| alone && is_tax_code(code));
    let kind = match code.as_deref().map(str::len) {
        Some(16) => CorrespondentKind::Person,
        // The old register does not say what the name is: a firm is the reading without personal assumptions.
        _ => CorrespondentKind::Firm,
    };
    let one = |name: &str| Correspondent {
        kind,
        name: name.chars().take(400).collect(),
        tax_code: code.clone(),
        digital_domicile: None,
        body: None,
    };
    names.into_iter().map(one).collect()
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPPING: &str = r#"
        [columns]
        number = "NUM_PROT"
        date = "DATA"
        time = "ORA"
        direction = "VERSO"
        subject = "OGGETTO"
        correspondents = "SOGGETTI"
        classification = "CLASSIFICA"
        annulled = "ANN"
        [directions]
        E = "incoming"
        U = "outgoing"
    "#;
    const HEADER: &str = "NUM_PROT;DATA;ORA;VERSO;OGGETTO;SOGGETTI;CLASSIFICA;ANN\n";

    #[test]
    fn good_rows_are_read_and_bad_ones_say_why() {
        let mapping = read_mapping(MAPPING).unwrap();
        let file = format!(
            "{HEADER}0009874;31/12/2025;23:30;E;Richiesta di prova;Prova Uno|Prova Due;VI.3;\n\
             x;2025-12-31;;Z;;;;\n9875;31/12/2025;;U;Risposta;Ditta Prova;;Det. 4/2026\n"
        );
        let rows = read_rows(file.as_bytes(), &mapping).unwrap();
        assert_eq!(rows.len(), 3);
        let first = rows[0].entry.as_ref().unwrap();
        assert_eq!((first.number, first.year, first.line), (9874, 2025, 2));
        assert_eq!(first.registered_at.to_string(), "2025-12-31T22:30:00Z");
        assert_eq!(first.correspondents.len(), 2);
        let faults = rows[1].entry.as_ref().unwrap_err();
        let pointers: Vec<_> = faults.errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(pointers, ["/number", "/date", "/direction", "/subject", "/correspondents"]);
        let last = rows[2].entry.as_ref().unwrap();
        assert_eq!(last.annulled.as_deref(), Some("Det. 4/2026"));
        assert_eq!(last.registered_at.to_string(), "2025-12-31T11:00:00Z");
    }

    #[test]
    fn a_missing_column_and_a_wrong_mapping_refuse_the_file() {
        let mapping = read_mapping(MAPPING).unwrap();
        let fault = read_rows(b"NUM_PROT;DATA\n1;2\n", &mapping).unwrap_err();
        assert!(fault.errors.iter().all(|e| e.code == "no-such-column") && fault.errors.len() == 6);
        assert!(read_mapping("[columns]\nnumber = 3").is_err());
        assert!(read_mapping(&MAPPING.replace("\"outgoing\"", "\"sideways\"")).is_err());
        assert!(read_rows(b"\xff\xfe", &mapping).is_err());
    }

    #[test]
    fn old_windows_files_are_read() {
        let text = format!("{MAPPING}\n[format]\nencoding = \"windows-1252\"\n");
        let mapping = read_mapping(&text).unwrap();
        let mut file = HEADER.as_bytes().to_vec();
        file.extend(b"1;01/02/2024;08:15;E;Viabilit\xe0 \x96 \x80 100;Prova Uno;;\n");
        let rows = read_rows(&file, &mapping).unwrap();
        assert_eq!(rows[0].entry.as_ref().unwrap().subject, "Viabilità – € 100");
    }
}
