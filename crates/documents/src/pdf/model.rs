//! What a paper is made of. Plain data, no measurements: lengths that a caller
//! may choose are in millimetres, because people who design forms think so.

/// A whole document to be written.
#[derive(Debug, Clone)]
pub struct Paper {
    /// Title shown by viewers and required by PDF/UA; never empty in the file.
    pub title: String,
    /// Language of the text as an RFC 3066 tag, e.g. `it`.
    pub language: String,
    /// Who issues the paper, kept in the metadata.
    pub author: String,
    /// When the paper was made; the only date in the file.
    pub made_at: jiff::Zoned,
    /// Paper format.
    pub size: PageSize,
    /// Small lines on top of every page (an artifact for screen readers).
    pub header: Vec<String>,
    /// Small lines at the bottom of every page.
    pub footer: Vec<String>,
    /// Pattern of the page counter with `{page}` and `{pages}`; empty for none.
    pub page_counter: String,
    /// Lines of the registration stamp printed in a frame before the content.
    pub stamp: Vec<String>,
    /// The content in reading order.
    pub blocks: Vec<Block>,
}

/// The sizes of paper the product prints on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageSize {
    /// 210 × 297 mm.
    A4,
    /// 297 × 210 mm, for wide tables.
    A4Landscape,
    /// 100 × 50 mm, a common label of a thermal printer.
    Label,
    /// 120 × 20 mm: the strip that is added above the first page of a copy.
    Strip,
}

/// One piece of content.
#[derive(Debug, Clone)]
pub enum Block {
    /// A heading; level 1 is the highest. Skipped levels are closed up, since
    /// PDF/UA forbids them.
    Heading {
        /// 1 to 6.
        level: u8,
        /// The words.
        text: String,
    },
    /// Running text; a line feed inside forces a new line.
    Paragraph(Text),
    /// Rows under column titles, which return on every page.
    Table(Table),
    /// Two columns, name and value, tagged as a table with row headers.
    KeyValues(Vec<(String, Text)>),
    /// A list with numbers or bullets.
    List {
        /// Numbers when true, bullets when false.
        ordered: bool,
        /// The items.
        items: Vec<Text>,
    },
    /// A QR code drawn as shapes.
    Qr(Qr),
    /// A picture.
    Image(Image),
    /// A thin line across the page (decoration, not read aloud).
    Rule,
    /// Empty height in millimetres.
    Spacer(f32),
    /// The next block starts a new page.
    PageBreak,
}

/// Words with their styles.
pub type Text = Vec<Run>;

/// Words in one style.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The words.
    pub text: String,
    /// Heavier letters.
    pub bold: bool,
    /// Slanted letters.
    pub italic: bool,
    /// Letters of equal width, for codes and fingerprints.
    pub mono: bool,
}

impl Run {
    /// Words in the normal style.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Run {
        Run { text: text.into(), ..Run::default() }
    }

    /// Words in bold.
    #[must_use]
    pub fn bold(text: impl Into<String>) -> Run {
        Run { bold: true, ..Run::plain(text) }
    }

    /// Words in italic.
    #[must_use]
    pub fn italic(text: impl Into<String>) -> Run {
        Run { italic: true, ..Run::plain(text) }
    }

    /// Words in letters of equal width.
    #[must_use]
    pub fn mono(text: impl Into<String>) -> Run {
        Run { mono: true, ..Run::plain(text) }
    }
}

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left edge.
    Left,
    /// At the right edge, for numbers.
    Right,
}

/// One column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Title, repeated on every page.
    pub title: String,
    /// Share of the width, in proportion to the other columns.
    pub weight: f32,
    /// Where the text stands.
    pub align: Align,
}

impl Column {
    /// A column with its text at the left.
    #[must_use]
    pub fn left(title: impl Into<String>, weight: f32) -> Column {
        Column { title: title.into(), weight, align: Align::Left }
    }

    /// A column with its text at the right.
    #[must_use]
    pub fn right(title: impl Into<String>, weight: f32) -> Column {
        Column { align: Align::Right, ..Column::left(title, weight) }
    }
}

/// Rows under column titles. Missing cells are left blank, cells beyond the
/// last column are not printed.
#[derive(Debug, Clone)]
pub struct Table {
    /// The columns; a table without any is not printed.
    pub columns: Vec<Column>,
    /// The rows, each with one text per column.
    pub rows: Vec<Vec<Text>>,
}

/// A QR code.
#[derive(Debug, Clone)]
pub struct Qr {
    /// What the code says, usually an address.
    pub data: String,
    /// What a screen reader says in its place.
    pub alt: String,
    /// Side in millimetres with the quiet zone.
    pub side: f32,
    /// Words at the right of the code.
    pub caption: Text,
}

/// The kinds of picture that can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
}

/// A picture.
#[derive(Debug, Clone)]
pub struct Image {
    /// The kind of bytes.
    pub kind: ImageKind,
    /// The file.
    pub bytes: Vec<u8>,
    /// What a screen reader says in its place.
    pub alt: String,
    /// Width in millimetres; the height follows.
    pub width: f32,
}

/// Why a paper could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// A picture could not be read.
    #[error("the picture cannot be read: {0}")]
    Image(String),
    /// A QR code cannot hold so much.
    #[error("the QR code cannot hold {0} bytes")]
    Qr(usize),
    /// The file would not conform to PDF/A-2a and PDF/UA-1.
    #[error("the paper would not conform to PDF/A-2a and PDF/UA-1: {0}")]
    Standard(String),
}
