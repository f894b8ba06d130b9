//! Papers: a small block model in, a PDF/A-2a that is also PDF/UA-1 out.
//!
//! The caller says what a paper contains (headings, paragraphs, tables, a QR
//! code); this room lays it out on pages, tags every piece for assistive
//! technology and writes the file through `krilla`, whose two validators must
//! both accept it. It knows nothing of registers, bodies or the law: words come
//! from the caller, already in the language the paper declares. The same input
//! gives the same bytes, because the date is part of the input.

mod draw;
mod fonts;
mod layout;
mod lines;
mod model;
mod qr;
mod structure;
mod table;

pub use model::{Align, Block, Column, Image, ImageKind, PageSize, Paper, PdfError, Qr, Run, Table, Text};

/// Lays out `paper` and returns the bytes of the PDF.
///
/// # Errors
/// `PdfError::Image` or `PdfError::Qr` when a picture cannot be read or a code
/// holds too much data; `PdfError::Standard` when the result would break
/// PDF/A-2a or PDF/UA-1, in which case nothing is returned.
pub fn write(paper: &Paper) -> Result<Vec<u8>, PdfError> {
    let laid = layout::lay_out(paper)?;
    draw::draw(paper, laid)
}

#[cfg(test)]
mod tests;
