//! The letters: which typeface draws which character and how wide it is.
//!
//! Noto Sans for text, DejaVu for letters of equal width and for characters
//! Noto Sans lacks; both free, both packaged, both inside the program, so that
//! no paper depends on what is installed. Each face is parsed once per process
//! and its usual characters are kept in a table, because a font look-up per
//! letter would cost more than everything else in laying out a page.

use std::sync::OnceLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use unicode_normalization::UnicodeNormalization;

use super::model::Run;

/// Characters below this code are looked up in a table, the others in the font.
const TABLE: u32 = 0x2600;

/// Drawn in place of a character no face has; the text keeps the character.
const UNKNOWN: char = '\u{25A1}';

/// One typeface of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Face {
    Regular,
    Bold,
    Italic,
    BoldItalic,
    Mono,
    MonoBold,
    Spare,
    SpareBold,
}

impl Face {
    /// The face that a run asks for.
    pub(super) fn of(run: &Run) -> Face {
        match (run.mono, run.bold, run.italic) {
            (true, true, _) => Face::MonoBold,
            (true, false, _) => Face::Mono,
            (false, true, true) => Face::BoldItalic,
            (false, true, false) => Face::Bold,
            (false, false, true) => Face::Italic,
            (false, false, false) => Face::Regular,
        }
    }

    /// The face to try when this one lacks a character.
    fn spare(self) -> Face {
        match self {
            Face::Bold | Face::BoldItalic | Face::MonoBold | Face::SpareBold => Face::SpareBold,
            _ => Face::Spare,
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Face::Regular => notosans::REGULAR_TTF,
            Face::Bold => notosans::BOLD_TTF,
            Face::Italic => notosans::ITALIC_TTF,
            Face::BoldItalic => notosans::BOLD_ITALIC_TTF,
            Face::Mono => dejavu::sans_mono::regular(),
            Face::MonoBold => dejavu::sans_mono::bold(),
            Face::Spare => dejavu::sans::regular(),
            Face::SpareBold => dejavu::sans::bold(),
        }
    }

    fn loaded(self) -> &'static Loaded {
        LOADED[self as usize].get_or_init(|| load(self))
    }

    /// The parsed font for the PDF writer.
    pub(super) fn font(self) -> Font {
        self.loaded().font.clone()
    }

    /// Glyph and advance (in em) of a character, if the face has it.
    fn glyph(self, ch: char) -> Option<(u16, f32)> {
        let loaded = self.loaded();
        let (gid, advance) = match loaded.table.get(ch as usize) {
            Some(entry) => *entry,
            None => look_up(&font_ref(self), ch),
        };
        (gid != 0).then(|| (gid, f32::from(advance) / loaded.units))
    }
}

struct Loaded {
    font: Font,
    units: f32,
    table: Vec<(u16, u16)>,
}

/// Every face costs some hundred kilobytes to index, so each is read when the
/// first paper needs it.
static LOADED: [OnceLock<Loaded>; 8] = [const { OnceLock::new() }; 8];

fn font_ref(face: Face) -> FontRef<'static> {
    FontRef::new(face.bytes()).expect("invariant: a font of the program can be parsed")
}

fn load(face: Face) -> Loaded {
    let parsed = font_ref(face);
    let table =
        (0..TABLE).map(|code| char::from_u32(code).map_or((0, 0), |ch| look_up(&parsed, ch))).collect();
    let font = Font::new(face.bytes().into(), 0).expect("invariant: a font of the program can be parsed");
    Loaded { units: font.units_per_em(), font, table }
}

/// Glyph and advance in font units; glyph 0 means that the face lacks it.
fn look_up(font: &FontRef<'_>, ch: char) -> (u16, u16) {
    let Some(gid) = font.charmap().map(ch) else {
        return (0, 0);
    };
    let advance =
        font.glyph_metrics(Size::unscaled(), LocationRef::default()).advance_width(gid).unwrap_or(0.0);
    let gid = u16::try_from(gid.to_u32()).unwrap_or(0);
    // Advances of the shipped fonts are whole and far below 65,536.
    (gid, advance as u16)
}

/// One character ready to be placed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    /// What a reader copies or hears.
    pub ch: char,
    /// Who draws it.
    pub face: Face,
    gid: u16,
    /// Width in em.
    pub advance: f32,
}

/// Characters that a paper must not carry: controls, marks that reorder text
/// (they can make a sentence read as another one) and code points without
/// meaning of their own, which PDF/A refuses.
fn is_dropped(ch: char) -> bool {
    matches!(ch,
        '\u{00AD}' | '\u{061C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}')
        || (ch.is_control() && ch != '\n')
}

/// Private characters and non-characters have no agreed meaning: the reader
/// gets the official sign for "unreadable".
fn readable(ch: char) -> char {
    let private = matches!(ch, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}');
    let nothing = (ch as u32) & 0xFFFE == 0xFFFE || matches!(ch, '\u{FDD0}'..='\u{FDEF}');
    if private || nothing { '\u{FFFD}' } else { ch }
}

/// Turns runs into cells, composing accents first. A line feed stays as a cell
/// of its own without width; tabs become spaces.
pub(super) fn cells(runs: &[Run]) -> Vec<Cell> {
    let mut out = Vec::with_capacity(runs.iter().map(|r| r.text.len()).sum());
    for run in runs {
        let face = Face::of(run);
        if run.text.is_ascii() {
            push_all(&mut out, face, run.text.chars());
        } else {
            push_all(&mut out, face, run.text.nfc());
        }
    }
    out
}

fn push_all(out: &mut Vec<Cell>, face: Face, chars: impl Iterator<Item = char>) {
    for ch in chars {
        let ch = match ch {
            '\t' => ' ',
            '\u{2028}' | '\u{2029}' => '\n',
            other => other,
        };
        if !is_dropped(ch) {
            out.push(cell(face, readable(ch)));
        }
    }
}

fn cell(face: Face, ch: char) -> Cell {
    if ch == '\n' {
        return Cell { ch, face, gid: 0, advance: 0.0 };
    }
    for face in [face, face.spare()] {
        if let Some((gid, advance)) = face.glyph(ch) {
            return Cell { ch, face, gid, advance };
        }
    }
    let face = face.spare();
    let (gid, advance) = face.glyph(UNKNOWN).unwrap_or((0, 0.6));
    Cell { ch, face, gid, advance }
}

/// Neighbouring cells of one face, in the form the PDF writer takes.
#[derive(Debug, Clone)]
pub(super) struct Strip {
    pub face: Face,
    pub text: String,
    pub glyphs: Vec<KrillaGlyph>,
    /// Width in em.
    pub width: f32,
}

/// Groups cells into strips of one face each.
pub(super) fn strips(cells: &[Cell]) -> Vec<Strip> {
    let mut out: Vec<Strip> = Vec::new();
    for cell in cells.iter().filter(|c| c.ch != '\n') {
        let new = out.last().is_none_or(|last| last.face != cell.face);
        if new {
            out.push(Strip {
                face: cell.face,
                text: String::with_capacity(cells.len()),
                glyphs: Vec::with_capacity(cells.len()),
                width: 0.0,
            });
        }
        if let Some(strip) = out.last_mut() {
            let start = strip.text.len();
            strip.text.push(cell.ch);
            let range = start..strip.text.len();
            let gid = GlyphId::new(u32::from(cell.gid));
            strip.glyphs.push(KrillaGlyph::new(gid, cell.advance, 0.0, 0.0, 0.0, range, None));
            strip.width += cell.advance;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cells: &[Cell]) -> String {
        cells.iter().map(|c| c.ch).collect()
    }

    #[test]
    fn accents_written_apart_are_composed() {
        let composed = cells(&[Run::plain("perche\u{301}")]);
        assert_eq!(text(&composed), "perché");
        assert_eq!(composed[5].face, Face::Regular);
    }

    #[test]
    fn marks_that_reorder_text_are_dropped() {
        assert_eq!(text(&cells(&[Run::plain("a\u{202E}b\u{200B}\u{0}c")])), "abc");
    }

    #[test]
    fn a_character_without_glyph_keeps_its_meaning() {
        let cells = cells(&[Run::plain("🦄")]);
        assert_eq!(text(&cells), "🦄");
        assert!(cells[0].gid != 0 && cells[0].face == Face::Spare);
    }

    #[test]
    fn private_characters_become_the_unreadable_sign() {
        assert_eq!(text(&cells(&[Run::plain("\u{E001}\u{FFFF}")])), "\u{FFFD}\u{FFFD}");
    }
}
