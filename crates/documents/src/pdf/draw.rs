//! From placed shapes to the file, through `krilla`.
//!
//! Both validators are always on: if the result would not be PDF/A-2a and
//! PDF/UA-1 together, no bytes leave this room.

use std::sync::LazyLock;

use krilla::color::luma;
use krilla::configure::{Accessibility, Archival, Configuration, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Size};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ContentTag, SpanTag};
use krilla::{Document, SerializeSettings};

use super::layout::{Bookmark, Laid, Mark, Owner, Shape};
use super::model::{Paper, PdfError};

static CONFIGURATION: LazyLock<Configuration> = LazyLock::new(|| {
    ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .expect("invariant: PDF/A-2a and PDF/UA-1 share PDF 1.7")
});

/// Draws the pages and writes the file.
pub(super) fn draw(paper: &Paper, laid: Laid) -> Result<Vec<u8>, PdfError> {
    let mut document = Document::new_with(SerializeSettings {
        configuration: *CONFIGURATION,
        enable_tagging: true,
        ..SerializeSettings::default()
    });
    let Laid { frame, pages, mut tree, bookmarks } = laid;
    let settings = PageSettings::from_wh(frame.width, frame.height)
        .ok_or_else(|| PdfError::Standard("page without area".to_owned()))?;
    for marks in pages {
        let mut page = document.start_page_with(settings.clone());
        let mut surface = page.surface();
        for mark in marks {
            draw_mark(&mut surface, &mut tree, mark);
        }
        surface.finish();
        page.finish();
    }
    document.set_outline(outline(paper, &bookmarks));
    document.set_metadata(metadata(paper));
    document.set_tag_tree(tree.into_tags(&paper.language));
    document.finish().map_err(|error| refused(&error))
}

fn draw_mark(surface: &mut Surface<'_>, tree: &mut super::structure::Tree, mark: Mark) {
    let tag = match (mark.owner, mark.shapes.first()) {
        (Owner::Artifact(kind), _) => ContentTag::Artifact(Artifact::with_kind(kind)),
        (Owner::Node(_), Some(Shape::Strip { .. })) => ContentTag::Span(SpanTag::empty()),
        (Owner::Node(_), _) => ContentTag::Other,
    };
    let content = surface.start_tagged(tag);
    for shape in mark.shapes {
        draw_shape(surface, shape);
    }
    surface.end_tagged();
    if let Owner::Node(node) = mark.owner {
        tree.hang(node, content);
    }
}

fn draw_shape(surface: &mut Surface<'_>, shape: Shape) {
    match shape {
        Shape::Strip { x, y, size, strip } => {
            surface.set_fill(Some(grey(0)));
            let at = Point::from_xy(x, y);
            surface.draw_glyphs(at, &strip.glyphs, strip.face.font(), &strip.text, size, false);
        }
        Shape::Box { frame, shade } => {
            let mut builder = PathBuilder::new();
            builder.push_rect(frame);
            if let Some(path) = builder.finish() {
                surface.set_fill(Some(grey(shade)));
                surface.draw_path(&path);
            }
        }
        Shape::Path(path) => {
            surface.set_fill(Some(grey(0)));
            surface.draw_path(&path);
        }
        Shape::Picture { x, y, width, height, image } => {
            if let Some(size) = Size::from_wh(width, height) {
                surface.push_transform(&krilla::geom::Transform::from_translate(x, y));
                surface.draw_image(image, size);
                surface.pop();
            }
        }
    }
}

fn grey(shade: u8) -> Fill {
    Fill { paint: luma::Color::new(shade).into(), ..Fill::default() }
}

/// Headings as a two-level outline (deeper ones stand under the second);
/// a paper without headings gets its title, since PDF/UA wants an outline.
fn outline(paper: &Paper, bookmarks: &[Bookmark]) -> Outline {
    let mut outline = Outline::new();
    let mut chapter: Option<OutlineNode> = None;
    for bookmark in bookmarks {
        let target = XyzDestination::new(bookmark.page, Point::from_xy(0.0, bookmark.y));
        let node = OutlineNode::new(named(&bookmark.text, paper), target);
        match &mut chapter {
            Some(open) if bookmark.level > 1 => open.push_child(node),
            _ => {
                if let Some(done) = chapter.replace(node) {
                    outline.push_child(done);
                }
            }
        }
    }
    let top = XyzDestination::new(0, Point::from_xy(0.0, 0.0));
    outline.push_child(chapter.unwrap_or_else(|| OutlineNode::new(named("", paper), top)));
    outline
}

/// Viewers show nothing for an empty name.
fn named(text: &str, paper: &Paper) -> String {
    [text, &paper.title, "PDF"].into_iter().find(|name| !name.trim().is_empty()).unwrap_or("PDF").to_owned()
}

fn metadata(paper: &Paper) -> Metadata {
    let at = &paper.made_at;
    let offset = at.offset().seconds() / 60;
    let date = DateTime::new(u16::try_from(at.year()).unwrap_or(0))
        .month(at.month().unsigned_abs())
        .day(at.day().unsigned_abs())
        .hour(at.hour().unsigned_abs())
        .minute(at.minute().unsigned_abs())
        .second(at.second().unsigned_abs())
        .utc_offset_hour(i8::try_from(offset / 60).unwrap_or(0))
        .utc_offset_minute(u8::try_from((offset % 60).abs()).unwrap_or(0));
    Metadata::new()
        .title(named("", paper))
        .language(paper.language.clone())
        .authors(vec![paper.author.clone()])
        .creator("Telaio".to_owned())
        .creation_date(date)
}

fn refused(error: &KrillaError) -> PdfError {
    match error {
        KrillaError::Image(_, _, reason) => PdfError::Image(reason.clone()),
        KrillaError::Validation(errors) => {
            let reasons: Vec<String> = errors.iter().map(|(e, _)| format!("{e:?}")).collect();
            PdfError::Standard(reasons.join("; "))
        }
        other => PdfError::Standard(other.to_string()),
    }
}
