//! QR codes as shapes: sharp at every size and a few hundred bytes in the file.

use krilla::geom::{Path, PathBuilder, Rect};
use qrcodegen::{QrCode, QrCodeEcc};

use super::model::PdfError;

/// Blank modules around the code, as ISO/IEC 18004 asks.
const QUIET: i32 = 4;

/// The dark modules as one path inside a square of `side` points whose upper
/// left corner is at (`x`, `y`).
///
/// # Errors
/// `PdfError::Qr` when the text is longer than a code can hold (2,331 bytes at
/// this level of error correction).
pub(super) fn path(data: &str, x: f32, y: f32, side: f32) -> Result<Path, PdfError> {
    let code = QrCode::encode_text(data, QrCodeEcc::Medium).map_err(|_| PdfError::Qr(data.len()))?;
    let size = code.size();
    let module = side / (size + 2 * QUIET) as f32;
    let mut builder = PathBuilder::new();
    for row in 0..size {
        let top = y + (row + QUIET) as f32 * module;
        for (from, to) in dark_runs(&code, row) {
            let left = x + (from + QUIET) as f32 * module;
            let width = (to - from) as f32 * module;
            if let Some(rect) = Rect::from_xywh(left, top, width, module) {
                builder.push_rect(rect);
            }
        }
    }
    builder.finish().ok_or(PdfError::Qr(data.len()))
}

/// Runs of dark modules of a row as (first, one past the last): one rectangle
/// per run keeps hairlines between modules from showing.
fn dark_runs(code: &QrCode, row: i32) -> Vec<(i32, i32)> {
    let mut runs = Vec::new();
    let mut start = None;
    for column in 0..=code.size() {
        let dark = column < code.size() && code.get_module(column, row);
        match (start, dark) {
            (None, true) => start = Some(column),
            (Some(from), false) => {
                runs.push((from, column));
                start = None;
            }
            _ => {}
        }
    }
    runs
}
