//! From blocks to pages: what stands where, in points from the upper left.
//!
//! One pass places everything, so the number of pages is known before the
//! first is drawn and the counter "page n of m" can be right. Headings stay
//! with the text that follows; a stamp is never cut in two.

use krilla::geom::{Path, Rect};
use krilla::tagging::ArtifactType;

use super::fonts::{Cell, Strip, cells, strips};
use super::lines::{Line, break_lines};
use super::model::{Align, Block, Image, ImageKind, PageSize, Paper, PdfError, Qr, Run, Text};
use super::structure::{NodeId, Role, Tree};
use super::{qr, table};

/// Points per millimetre.
const MM: f32 = 72.0 / 25.4;

/// Measures of one paper format, in points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub width: f32,
    pub height: f32,
    pub margin: f32,
    /// Size of the letters of running text.
    pub body: f32,
    /// Size of the letters of header and footer.
    pub small: f32,
}

impl Frame {
    fn of(size: PageSize) -> Frame {
        let (width, height, margin, body, small) = match size {
            PageSize::A4 => (210.0, 297.0, 20.0, 10.5, 8.0),
            PageSize::A4Landscape => (297.0, 210.0, 15.0, 9.0, 8.0),
            PageSize::Label => (100.0, 50.0, 3.0, 7.5, 6.0),
            PageSize::Strip => (120.0, 20.0, 1.0, 7.0, 6.0),
        };
        Frame { width: width * MM, height: height * MM, margin: margin * MM, body, small }
    }
}

/// Height of a line in relation to the size of its letters.
pub(super) const LEADING: f32 = 1.4;

/// How far below the top of its line the letters stand.
const BASELINE: f32 = 1.05;

/// Something visible.
pub(super) enum Shape {
    Strip { x: f32, y: f32, size: f32, strip: Strip },
    Box { frame: Rect, shade: u8 },
    Path(Path),
    Picture { x: f32, y: f32, width: f32, height: f32, image: krilla::image::Image },
}

/// Who owns a piece of content.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    Node(NodeId),
    Artifact(ArtifactType),
}

/// Shapes of one owner.
pub(super) struct Mark {
    pub owner: Owner,
    pub shapes: Vec<Shape>,
}

/// An entry of the outline.
pub(super) struct Bookmark {
    pub level: u8,
    pub text: String,
    pub page: usize,
    pub y: f32,
}

/// A paper with everything in its place.
pub(super) struct Laid {
    pub frame: Frame,
    pub pages: Vec<Vec<Mark>>,
    pub tree: Tree,
    pub bookmarks: Vec<Bookmark>,
}

/// Places every block of the paper.
pub(super) fn lay_out(paper: &Paper) -> Result<Laid, PdfError> {
    let mut composer = Composer::new(paper);
    composer.stamp(&paper.stamp);
    for block in &paper.blocks {
        composer.block(block)?;
    }
    Ok(composer.finish(paper))
}

/// The pen: where the next block goes.
pub(super) struct Composer {
    pub frame: Frame,
    pub tree: Tree,
    /// Upper edge of the free room on the current page.
    pub y: f32,
    pages: Vec<Vec<Mark>>,
    bookmarks: Vec<Bookmark>,
    top: f32,
    bottom: f32,
    level: u8,
}

impl Composer {
    fn new(paper: &Paper) -> Composer {
        let frame = Frame::of(paper.size);
        let line = frame.small * LEADING;
        let counter = usize::from(!paper.page_counter.is_empty());
        let gap = |lines: usize| if lines == 0 { 0.0 } else { line * (lines as f32 + 0.5) };
        let top = frame.margin + gap(paper.header.len());
        let bottom = frame.height - frame.margin - gap(paper.footer.len() + counter);
        Composer {
            frame,
            tree: Tree::new(),
            y: top,
            pages: vec![Vec::new()],
            bookmarks: Vec::new(),
            top,
            bottom,
            level: 0,
        }
    }

    /// Usable width in points.
    pub(super) fn width(&self) -> f32 {
        self.frame.width - 2.0 * self.frame.margin
    }

    /// Height of a whole empty page.
    pub(super) fn full_height(&self) -> f32 {
        self.bottom - self.top
    }

    /// Whether a piece of this height still fits on the current page.
    pub(super) fn fits(&self, height: f32) -> bool {
        self.y + height <= self.bottom + 0.01
    }

    pub(super) fn new_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = self.top;
    }

    /// Starts a new page unless the piece fits or the page is still empty.
    pub(super) fn need(&mut self, height: f32) {
        if !self.fits(height) && self.y > self.top {
            self.new_page();
        }
    }

    /// Puts shapes on the current page.
    pub(super) fn put(&mut self, owner: Owner, shapes: Vec<Shape>) {
        if let Some(page) = self.pages.last_mut() {
            page.push(Mark { owner, shapes });
        }
    }

    fn block(&mut self, block: &Block) -> Result<(), PdfError> {
        match block {
            Block::Heading { level, text } => self.heading(*level, text),
            Block::Paragraph(text) => self.paragraph(text),
            Block::Table(it) => table::place(self, it),
            Block::KeyValues(pairs) => table::place_pairs(self, pairs),
            Block::List { ordered, items } => self.list(*ordered, items),
            Block::Qr(it) => self.qr(it)?,
            Block::Image(it) => self.image(it)?,
            Block::Rule => self.rule(),
            Block::Spacer(height) => self.y += (height * MM).clamp(0.0, self.full_height()),
            Block::PageBreak => self.new_page(),
        }
        Ok(())
    }

    fn heading(&mut self, level: u8, text: &str) {
        // PDF/UA asks every heading for its words: one without words is no heading.
        if cells(&[Run::bold(text)]).is_empty() {
            return;
        }
        // PDF/UA: the first heading is of level 1 and no level is skipped.
        self.level = level.clamp(1, 6).min(self.level + 1);
        let size = self.frame.body * [1.6, 1.3, 1.1, 1.0, 1.0, 1.0][usize::from(self.level) - 1];
        let lines = break_lines(&cells(&[Run::bold(text)]), self.width() / size);
        let height = lines.len() as f32 * size * LEADING;
        let before = if self.y > self.top { size * 0.8 } else { 0.0 };
        self.need(before + height + 2.0 * self.frame.body * LEADING);
        if self.y > self.top {
            self.y += before;
        }
        let title = text.to_owned();
        let (level, page, y) = (self.level, self.pages.len() - 1, self.y);
        self.bookmarks.push(Bookmark { level, text: title.clone(), page, y });
        let node = self.tree.add(None, Role::Heading { level: u16::from(level), title });
        let x = self.frame.margin;
        self.lines(node, lines, x, size, Align::Left, self.width());
        self.y += size * 0.3;
    }

    fn paragraph(&mut self, text: &Text) {
        let size = self.frame.body;
        let letters = cells(text);
        if letters.is_empty() {
            self.y += size * LEADING;
            return;
        }
        let lines = break_lines(&letters, self.width() / size);
        let node = self.tree.add(None, Role::Paragraph);
        let x = self.frame.margin;
        self.lines(node, lines, x, size, Align::Left, self.width());
        self.y += size * 0.45;
    }

    fn list(&mut self, ordered: bool, items: &[Text]) {
        let size = self.frame.body;
        let indent = size * 2.0;
        let list = self.tree.add(None, Role::List { ordered });
        for (at, text) in items.iter().enumerate() {
            let item = self.tree.add(Some(list), Role::Item);
            let label = self.tree.add(Some(item), Role::Label);
            let body = self.tree.add(Some(item), Role::Body);
            let sign = if ordered { format!("{}. ", at + 1) } else { "• ".to_owned() };
            self.need(size * LEADING);
            let shapes = self.strips_at(strips(&cells(&[Run::plain(sign)])), self.frame.margin, size);
            self.put(Owner::Node(label), shapes);
            let room = self.width() - indent;
            let lines = break_lines(&cells_or_blank(text), room / size);
            self.lines(body, lines, self.frame.margin + indent, size, Align::Left, room);
        }
        self.y += size * 0.45;
    }

    /// Places lines one under the other, turning the page where needed.
    fn lines(&mut self, node: NodeId, lines: Vec<Line>, x: f32, size: f32, align: Align, room: f32) {
        for line in lines {
            self.need(size * LEADING);
            let shapes = self.line_at(line, x, size, align, room);
            if !shapes.is_empty() {
                self.put(Owner::Node(node), shapes);
            }
            self.y += size * LEADING;
        }
    }

    /// The shapes of a line whose top is at the pen.
    pub(super) fn line_at(&self, line: Line, x: f32, size: f32, align: Align, room: f32) -> Vec<Shape> {
        let x = match align {
            Align::Left => x,
            Align::Right => x + (room - line.width * size).max(0.0),
        };
        self.strips_at(line.strips, x, size)
    }

    fn strips_at(&self, strips: Vec<Strip>, mut x: f32, size: f32) -> Vec<Shape> {
        let y = self.y + size * BASELINE;
        strips
            .into_iter()
            .map(|strip| {
                let left = x;
                x += strip.width * size;
                Shape::Strip { x: left, y, size, strip }
            })
            .collect()
    }

    fn stamp(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let size = self.frame.body * 0.95;
        let pad = size * 0.6;
        let room = self.width() - 2.0 * pad;
        let broken: Vec<Line> = lines
            .iter()
            .flat_map(|text| break_lines(&cells(&[Run::bold(text.as_str())]), room / size))
            .collect();
        let height = broken.len() as f32 * size * LEADING + 2.0 * pad;
        self.need(height);
        self.put(
            Owner::Artifact(ArtifactType::Layout),
            border(self.frame.margin, self.y, self.width(), height),
        );
        let section = self.tree.add(None, Role::Section);
        let node = self.tree.add(Some(section), Role::Paragraph);
        self.y += pad;
        self.lines(node, broken, self.frame.margin + pad, size, Align::Left, room);
        self.y += pad + size;
    }

    fn rule(&mut self) {
        let gap = self.frame.body * 0.5;
        self.need(2.0 * gap);
        let line = bar(self.frame.margin, self.y + gap, self.width(), 0.6, 120);
        self.put(Owner::Artifact(ArtifactType::Layout), line.into_iter().collect());
        self.y += 2.0 * gap;
    }

    fn qr(&mut self, it: &Qr) -> Result<(), PdfError> {
        let side = (it.side * MM).clamp(MM, self.width());
        self.need(side);
        let (x, y) = (self.frame.margin, self.y);
        let path = qr::path(&it.data, x, y, side)?;
        self.figure(&it.alt, x, y, side, side, Shape::Path(path));
        let beside = side + self.frame.body;
        let room = self.width() - beside;
        if !it.caption.is_empty() && room > self.frame.body * 4.0 {
            let lines = break_lines(&cells(&it.caption), room / self.frame.body);
            let page = self.pages.len();
            let height = lines.len() as f32 * self.frame.body * LEADING;
            self.y = y + ((side - height) / 2.0).max(0.0);
            let node = self.tree.add(None, Role::Paragraph);
            self.lines(node, lines, x + beside, self.frame.body, Align::Left, room);
            if self.pages.len() > page {
                return Ok(());
            }
        }
        self.y = self.y.max(y + side) + self.frame.body * 0.45;
        Ok(())
    }

    fn image(&mut self, it: &Image) -> Result<(), PdfError> {
        let image = match it.kind {
            ImageKind::Png => krilla::image::Image::from_png(it.bytes.clone().into(), false),
            ImageKind::Jpeg => krilla::image::Image::from_jpeg(it.bytes.clone().into(), false),
        }
        .map_err(PdfError::Image)?;
        let (pixels_wide, pixels_high) = image.size();
        let ratio = pixels_high.max(1) as f32 / pixels_wide.max(1) as f32;
        let width = (it.width * MM).clamp(MM, self.width()).min(self.full_height() / ratio);
        let height = width * ratio;
        self.need(height);
        let (x, y) = (self.frame.margin, self.y);
        self.figure(&it.alt, x, y, width, height, Shape::Picture { x, y, width, height, image });
        self.y += height + self.frame.body * 0.45;
        Ok(())
    }

    fn figure(&mut self, alt: &str, x: f32, y: f32, width: f32, height: f32, shape: Shape) {
        let Some(frame) = Rect::from_xywh(x, y, width, height) else {
            return;
        };
        let page = self.pages.len() - 1;
        let node = self.tree.add(None, Role::Figure { alt: alt.to_owned(), page, frame });
        self.put(Owner::Node(node), vec![shape]);
    }

    fn finish(mut self, paper: &Paper) -> Laid {
        let total = self.pages.len();
        let mut pages = std::mem::take(&mut self.pages);
        for (at, page) in pages.iter_mut().enumerate() {
            if let Some(mark) = self.header(&paper.header) {
                page.insert(0, mark);
            }
            page.extend(self.footer(paper, at + 1, total));
        }
        Laid { frame: self.frame, pages, tree: self.tree, bookmarks: self.bookmarks }
    }

    fn header(&self, lines: &[String]) -> Option<Mark> {
        let shapes = self.small_lines(lines, self.frame.margin);
        let owner = Owner::Artifact(ArtifactType::Header);
        (!shapes.is_empty()).then_some(Mark { owner, shapes })
    }

    fn footer(&self, paper: &Paper, page: usize, pages: usize) -> Option<Mark> {
        let mut lines = paper.footer.clone();
        if !paper.page_counter.is_empty() {
            let counter = paper.page_counter.replace("{pages}", &pages.to_string());
            lines.push(counter.replace("{page}", &page.to_string()));
        }
        let top = self.frame.height - self.frame.margin - lines.len() as f32 * self.frame.small * LEADING;
        let shapes = self.small_lines(&lines, top);
        let owner = Owner::Artifact(ArtifactType::Footer);
        (!shapes.is_empty()).then_some(Mark { owner, shapes })
    }

    /// One line each; what does not fit the width is cut, since these lines
    /// repeat on every page and have no room to grow.
    fn small_lines(&self, lines: &[String], top: f32) -> Vec<Shape> {
        let size = self.frame.small;
        let mut out = Vec::new();
        for (at, text) in lines.iter().enumerate() {
            let letters = cells(&[Run::plain(text.as_str())]);
            let Some(line) = break_lines(&letters, self.width() / size).into_iter().next() else {
                continue;
            };
            let y = top + at as f32 * size * LEADING + size * BASELINE;
            let mut x = self.frame.margin;
            for strip in line.strips {
                let left = x;
                x += strip.width * size;
                out.push(Shape::Strip { x: left, y, size, strip });
            }
        }
        out
    }
}

/// The letters of a text, or one space: a list item or a table cell without
/// content would vanish from the tree and break its regularity.
pub(super) fn cells_or_blank(text: &Text) -> Vec<Cell> {
    let letters = cells(text);
    if letters.iter().all(|c| c.ch == '\n') {
        return cells(&[Run::plain(" ")]);
    }
    letters
}

/// A filled rectangle; nothing when it has no area.
pub(super) fn bar(x: f32, y: f32, width: f32, height: f32, shade: u8) -> Option<Shape> {
    Rect::from_xywh(x, y, width, height).map(|frame| Shape::Box { frame, shade })
}

fn border(x: f32, y: f32, width: f32, height: f32) -> Vec<Shape> {
    const THICK: f32 = 0.8;
    [
        bar(x, y, width, THICK, 60),
        bar(x, y + height - THICK, width, THICK, 60),
        bar(x, y, THICK, height, 60),
        bar(x + width - THICK, y, THICK, height, 60),
    ]
    .into_iter()
    .flatten()
    .collect()
}
