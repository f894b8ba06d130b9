//! Lists of entries as files for a spreadsheet: CSV and XLSX.
//!
//! What people typed goes into cells, and a spreadsheet would run a cell that begins like a formula: such cells
//! get an apostrophe in CSV and are written as text in XLSX. Rows come one page at a time, so that a million of
//! them never stand in memory. This file must not know where rows come from.

use rust_xlsxwriter::{Format, Workbook, Worksheet};
use std::io::{Read, Write};

/// Rows of an XLSX sheet, by the format's own limit, less the header.
pub const XLSX_ROWS_MAX: u32 = 1_048_575;

/// One row: its cells as text, in the order of the header.
pub type Cells = Vec<String>;

/// A spreadsheet being written; give it the header first, then the rows, then finish it.
pub enum Sheet {
    /// Comma-separated values, `;` as Italian spreadsheets expect, UTF-8 with a mark.
    Csv(Vec<u8>),
    /// Office Open XML, written through a temporary file.
    Xlsx(Box<XlsxSheet>),
}

/// State of an XLSX file.
pub struct XlsxSheet {
    workbook: Workbook,
    next_row: u32,
}

/// What failed while writing: always the machine (disk, memory), never the data.
#[derive(Debug, thiserror::Error)]
#[error("the spreadsheet could not be written: {0}")]
pub struct SheetError(String);

impl From<rust_xlsxwriter::XlsxError> for SheetError {
    fn from(error: rust_xlsxwriter::XlsxError) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for SheetError {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl Sheet {
    /// A CSV file, beginning with its header.
    pub fn csv(header: &[String]) -> Self {
        let mut bytes = "\u{feff}".as_bytes().to_vec();
        write_line(&mut bytes, header);
        Self::Csv(bytes)
    }

    /// An XLSX file, beginning with its header in bold.
    pub fn xlsx(header: &[String]) -> Result<Self, SheetError> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        let bold = Format::new().set_bold();
        for (column, title) in header.iter().enumerate() {
            sheet.write_string_with_format(0, column as u16, title, &bold)?;
        }
        sheet.set_freeze_panes(1, 0)?;
        Ok(Self::Xlsx(Box::new(XlsxSheet { workbook, next_row: 1 })))
    }

    /// Adds rows; an XLSX sheet that is full takes no more and says so.
    pub fn add(&mut self, rows: &[Cells]) -> Result<bool, SheetError> {
        match self {
            Self::Csv(bytes) => {
                rows.iter().for_each(|row| write_line(bytes, row));
                Ok(true)
            }
            Self::Xlsx(it) => {
                let row = &mut it.next_row;
                let sheet = it.workbook.worksheet_from_index(0)?;
                rows.iter().try_for_each(|cells| write_row(sheet, row, cells))?;
                Ok(it.next_row <= XLSX_ROWS_MAX)
            }
        }
    }

    /// What is ready to be sent now (CSV only: an XLSX file is a whole).
    pub fn take_ready(&mut self) -> Vec<u8> {
        match self {
            Self::Csv(bytes) => std::mem::take(bytes),
            Self::Xlsx(_) => Vec::new(),
        }
    }

    /// Finishes the file and hands what is left to `send`, a piece at a time.
    pub fn finish(self, mut send: impl FnMut(Vec<u8>)) -> Result<(), SheetError> {
        match self {
            Self::Csv(bytes) => send(bytes),
            Self::Xlsx(mut it) => {
                let mut file = tempfile::tempfile()?;
                it.workbook.save_to_writer(&mut file)?;
                file.flush()?;
                std::io::Seek::rewind(&mut file)?;
                let mut piece = vec![0; 64 * 1024];
                loop {
                    let read = file.read(&mut piece)?;
                    if read == 0 {
                        break;
                    }
                    send(piece[..read].to_vec());
                }
            }
        }
        Ok(())
    }
}

fn write_row(sheet: &mut Worksheet, row: &mut u32, cells: &Cells) -> Result<(), SheetError> {
    if *row > XLSX_ROWS_MAX {
        return Ok(());
    }
    for (column, cell) in cells.iter().enumerate() {
        // A sheet holds at most 32,767 characters in a cell; the whole text stays in the register.
        let text: String = cell.chars().take(32_767).collect();
        sheet.write_string(*row, column as u16, text)?;
    }
    *row += 1;
    Ok(())
}

fn write_line(bytes: &mut Vec<u8>, cells: &[String]) {
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            bytes.push(b';');
        }
        bytes.push(b'"');
        bytes.extend(harmless(cell).replace('"', "\"\"").into_bytes());
        bytes.push(b'"');
    }
    bytes.extend(b"\r\n");
}

/// The cell as a spreadsheet must read it: as text, never as a formula.
fn harmless(cell: &str) -> String {
    let risky = cell.trim_start().starts_with(['=', '+', '-', '@']) || cell.starts_with(['\t', '\r', '\n']);
    if risky { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<String> {
        ["Numero", "Oggetto"].map(str::to_owned).to_vec()
    }

    fn hostile() -> Vec<Cells> {
        let row = |subject: &str| vec!["0000001".to_owned(), subject.to_owned()];
        vec![row("=HYPERLINK(\"http://x.test\";\"qui\")"), row(" @SUM(1)"), row("Uno; \"due\"\nTre")]
    }

    #[test]
    fn csv_cells_never_begin_like_a_formula() {
        let mut sheet = Sheet::csv(&header());
        sheet.add(&hostile()).unwrap();
        let mut bytes = sheet.take_ready();
        sheet.finish(|rest| bytes.extend(rest)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let text = text.strip_prefix('\u{feff}').unwrap();
        let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(text.as_bytes());
        let cells: Vec<String> = reader.records().map(|r| r.unwrap()[1].to_owned()).collect();
        assert_eq!(cells[0], "'=HYPERLINK(\"http://x.test\";\"qui\")");
        assert_eq!(cells[1], "' @SUM(1)");
        assert_eq!(cells[2], "Uno; \"due\"\nTre");
    }

    #[test]
    fn xlsx_cells_are_text_and_read_back() {
        use calamine::{Data, Reader, Xlsx};
        let mut sheet = Sheet::xlsx(&header()).unwrap();
        sheet.add(&hostile()).unwrap();
        let mut bytes = Vec::new();
        sheet.finish(|rest| bytes.extend(rest)).unwrap();
        let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
        let range = book.worksheet_range_at(0).unwrap().unwrap();
        assert_eq!(range.height(), 4);
        assert_eq!(range.get((1, 1)), Some(&Data::String("=HYPERLINK(\"http://x.test\";\"qui\")".into())));
    }
}
