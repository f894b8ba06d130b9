//! Breaking text into lines of a given width.
//!
//! Where a line may break is Unicode's rule (through `textwrap`); how wide a
//! word is comes from the font. A word wider than the line is cut between two
//! characters, so nothing ever leaves the page.

use std::ops::Range;

use textwrap::core::Fragment;
use textwrap::{WordSeparator, wrap_algorithms::wrap_first_fit};

use super::fonts::{Cell, Strip, strips};

/// A line ready to be drawn.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub strips: Vec<Strip>,
    /// Width in em, without the space at the end.
    pub width: f32,
}

/// A word or a part of one; widths in em.
#[derive(Debug)]
struct Piece {
    cells: Range<usize>,
    width: f64,
    space: f64,
}

impl Fragment for Piece {
    fn width(&self) -> f64 {
        self.width
    }
    fn whitespace_width(&self) -> f64 {
        self.space
    }
    fn penalty_width(&self) -> f64 {
        0.0
    }
}

/// Breaks `cells` into lines no wider than `width` em. Empty text gives one
/// empty line, so that a blank cell of a table keeps its height.
pub(super) fn break_lines(cells: &[Cell], width: f32) -> Vec<Line> {
    let mut out = Vec::new();
    for part in split_at_feeds(cells) {
        let pieces = pieces(&cells[part.clone()], part.start, width);
        if pieces.is_empty() {
            out.push(Line { strips: Vec::new(), width: 0.0 });
            continue;
        }
        for line in wrap_first_fit(&pieces, &[f64::from(width)]) {
            if let (Some(first), Some(last)) = (line.first(), line.last()) {
                out.push(line_of(cells, first.cells.start..last.cells.end));
            }
        }
    }
    out
}

fn split_at_feeds(cells: &[Cell]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    for (at, cell) in cells.iter().enumerate() {
        if cell.ch == '\n' {
            out.push(start..at);
            start = at + 1;
        }
    }
    out.push(start..cells.len());
    out
}

fn line_of(cells: &[Cell], range: Range<usize>) -> Line {
    let cells = &cells[range];
    let trailing: f32 = cells.iter().rev().take_while(|c| c.ch == ' ').map(|c| c.advance).sum();
    let strips = strips(cells);
    let width = strips.iter().map(|s| s.width).sum::<f32>() - trailing;
    Line { strips, width }
}

/// Cuts one paragraph into pieces; `offset` is the place of its first cell.
fn pieces(cells: &[Cell], offset: usize, limit: f32) -> Vec<Piece> {
    let text: String = cells.iter().map(|c| c.ch).collect();
    let mut out = Vec::new();
    let mut at = 0;
    for word in WordSeparator::UnicodeBreakProperties.find_words(&text) {
        let letters = word.word.chars().count();
        let spaces = word.whitespace.chars().count();
        push_word(&mut out, cells, offset, at..at + letters, spaces, limit);
        at += letters + spaces;
    }
    out
}

fn push_word(
    out: &mut Vec<Piece>,
    cells: &[Cell],
    offset: usize,
    letters: Range<usize>,
    spaces: usize,
    limit: f32,
) {
    let space: f32 = cells[letters.end..letters.end + spaces].iter().map(|c| c.advance).sum();
    let mut start = letters.start;
    let mut width = 0.0_f32;
    for at in letters.clone() {
        let advance = cells[at].advance;
        if width + advance > limit && at > start {
            out.push(piece(offset, start..at, width, 0.0));
            start = at;
            width = 0.0;
        }
        width += advance;
    }
    out.push(piece(offset, start..letters.end + spaces, width, space));
}

fn piece(offset: usize, cells: Range<usize>, width: f32, space: f32) -> Piece {
    Piece {
        cells: offset + cells.start..offset + cells.end,
        width: f64::from(width),
        space: f64::from(space),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fonts::cells;
    use super::super::model::Run;
    use super::*;

    fn words(line: &Line) -> String {
        line.strips.iter().map(|s| s.text.as_str()).collect()
    }

    #[test]
    fn a_line_feed_forces_a_line() {
        let cells = cells(&[Run::plain("uno\n\ndue")]);
        let lines: Vec<String> = break_lines(&cells, 50.0).iter().map(words).collect();
        assert_eq!(lines, ["uno", "", "due"]);
    }

    #[test]
    fn a_word_wider_than_the_line_is_cut() {
        let long = "a".repeat(500);
        let lines = break_lines(&cells(&[Run::plain(long.clone())]), 20.0);
        assert!(lines.len() > 10);
        assert_eq!(lines.iter().map(words).collect::<String>(), long);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in "\\PC{0,200}", width in 3.0_f32..60.0) {
            let cells = cells(&[Run::plain(text)]);
            let lines = break_lines(&cells, width);
            for line in &lines {
                // A single letter may be wider than a very narrow line.
                let letters = words(line).trim_end().chars().count();
                prop_assert!(line.width <= width + 0.01 || letters == 1);
            }
            let kept: String = lines.iter().map(words).collect();
            let wanted: String = cells.iter().map(|c| c.ch).filter(|c| *c != '\n').collect();
            prop_assert_eq!(kept, wanted);
        }
    }
}
