//! The file that the offline page and the spreadsheet of the paper register give:
//! one row per entry, checked before anything is written.

use domain::Invalid;
use domain::moment::rome;
use domain::register::{Correspondent, CorrespondentKind, Direction, check_subject};
use jiff::Timestamp;
use jiff::civil::DateTime;
use sha2::{Digest, Sha256};

/// Columns, in any order; `class` and `tax_code` may be missing.
pub const HEADER: [&str; 7] =
    ["number", "entered_at", "direction", "correspondent", "tax_code", "subject", "class"];

/// Largest file, in bytes.
const LARGEST: usize = 8 * 1024 * 1024;

/// A row that can become an entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Number by hand.
    pub number: i64,
    /// When it was written by hand: the legal date.
    pub entered_at: Timestamp,
    /// Direction.
    pub direction: Direction,
    /// Subject.
    pub subject: String,
    /// Who sent or receives.
    pub correspondent: Correspondent,
    /// Class, if written.
    pub class: Option<String>,
    /// SHA-256 of what the row says.
    pub digest: String,
}

/// Reads the whole file: each line gives a row or its faults.
pub(super) fn read(file: &[u8]) -> Result<Vec<(u64, Result<Row, Invalid>)>, Invalid> {
    if file.len() > LARGEST {
        return Err(Invalid::with("/file", "file-too-large", LARGEST.to_string()));
    }
    let text = std::str::from_utf8(file).map_err(|_| Invalid::one("/file", "not-utf8"))?;
    let text = text.trim_start_matches('\u{FEFF}');
    let separator = if text.lines().next().unwrap_or_default().contains(';') { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|_| Invalid::one("/file", "bad-csv"))?.clone();
    let missing =
        HEADER.iter().find(|c| !["tax_code", "class"].contains(c) && !header.iter().any(|h| h == **c));
    if let Some(column) = missing {
        return Err(Invalid::with("/file", "missing-column", *column));
    }
    let mut out = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| Invalid::one("/file", "bad-csv"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |name: &str| {
            let at = header.iter().position(|h| h == name);
            at.and_then(|at| record.get(at)).unwrap_or_default()
        };
        out.push((line, row(&field)));
    }
    Ok(out)
}

fn row<'a>(field: &impl Fn(&str) -> &'a str) -> Result<Row, Invalid> {
    let mut faults = Invalid::default();
    let number = field("number").rsplit('/').next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    if number.is_none() {
        faults.add_with("/number", "bad-number", field("number"));
    }
    let entered_at = instant(field("entered_at"));
    if entered_at.is_none() {
        faults.add_with("/entered_at", "bad-date", field("entered_at"));
    }
    let direction = direction(field("direction"));
    if direction.is_none() {
        faults.add_with("/direction", "unknown-direction", field("direction"));
    }
    check_subject(field("subject"), &mut faults);
    if field("correspondent").is_empty() {
        faults.add("/correspondent", "required");
    }
    let tax_code = Some(field("tax_code")).filter(|code| !code.is_empty());
    if tax_code.is_some_and(|code| !domain::party::is_tax_code(code)) {
        faults.add("/tax_code", "bad-tax-code");
    }
    let (Some(number), Some(entered_at), Some(direction)) = (number, entered_at, direction) else {
        return Err(faults);
    };
    let digest =
        HEADER.iter().fold(Sha256::new(), |hash, name| hash.chain_update(field(name)).chain_update([0]));
    faults.or(Row {
        number,
        entered_at,
        direction,
        subject: field("subject").to_owned(),
        correspondent: Correspondent {
            kind: CorrespondentKind::Person,
            name: field("correspondent").to_owned(),
            tax_code: tax_code.map(str::to_owned),
            digital_domicile: None,
            body: None,
        },
        class: Some(field("class")).filter(|class| !class.is_empty()).map(str::to_owned),
        digest: hex::encode(digest.finalize()),
    })
}

/// An instant with offset, or a local time of Rome with or without the `T`.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let local: DateTime = text.parse().ok().or_else(|| DateTime::strptime("%d/%m/%Y %H:%M", text).ok())?;
    local.to_zoned(rome()).ok().map(|zoned| zoned.timestamp())
}

/// The names of the API, or the letters of the paper register (E, U, I).
fn direction(text: &str) -> Option<Direction> {
    match text {
        "E" | "e" => Some(Direction::Incoming),
        "U" | "u" => Some(Direction::Outgoing),
        "I" | "i" => Some(Direction::Internal),
        other => Direction::parse(other).ok(),
    }
}
