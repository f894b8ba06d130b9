//! A copy of a PDF with a strip above its first page: what the register prints on a copy of what it received.
//!
//! The page is made taller and the strip stands in the room gained, as an annotation with an appearance of its own:
//! nothing of the page is covered, and the bytes of the original are the beginning of the copy, as they were. What
//! the strip says is a one-page PDF drawn elsewhere, whose fonts and shapes are taken over.

use super::SignatureError;
use super::pdf_file::PdfFile;
use super::pdf_syntax::{Dict, Object};
use super::pdf_update::{Update, begin, dict, finish, refused, tag, text};
use std::collections::{BTreeMap, HashMap};

/// Deepest nesting of the objects of a strip.
const DEPTH: usize = 32;

/// Adds a strip to a PDF. `strip` is a PDF of one page, `label` what a screen reader says in its place.
///
/// # Errors
/// [`SignatureError::Document`] when the PDF is damaged, encrypted or has no page that can be made taller.
pub fn stamp(pdf: &[u8], strip: &[u8], label: &str) -> Result<Vec<u8>, SignatureError> {
    let damaged = |_| refused("the PDF is damaged");
    let file = PdfFile::open(pdf).map_err(damaged)?;
    if file.trailer.get("Encrypt").is_some() {
        return Err(refused("the PDF is encrypted"));
    }
    let drawn = PdfFile::open(strip).map_err(damaged)?;
    let (_, drawn_page) = drawn.first_page().map_err(damaged)?;
    let size = corners(&drawn, &drawn_page, "MediaBox").ok_or_else(|| refused("the strip has no size"))?;
    let (page_number, mut page) = file.first_page().map_err(damaged)?;
    let (_, catalog) = file.catalog().map_err(damaged)?;
    let taller = Taller::of(&file, &page, (size[2] - size[0], size[3] - size[1]))?;
    let mut update = Update::of(&file);
    let appearance = appearance(&drawn, &drawn_page, &mut update, size, &taller)?;

    let annotation = Object::Ref(update.reserve(), 0);
    let mut facts = dict(&[
        ("Type", Object::name("Annot")),
        ("Subtype", Object::name("Stamp")),
        ("Rect", numbers(&taller.strip)),
        ("Contents", text(label)),
        ("F", Object::Int(4 + 64 + 128)), // Print, ReadOnly and Locked
        ("P", Object::Ref(page_number, 0)),
        ("AP", Object::Dict(dict(&[("N", appearance)]))),
    ]);
    // A structure that cannot be followed is left as it is: the words stand in the annotation all the same.
    let tagged = tag(&file, &mut update, &catalog, page_number, ("Annot", &annotation));
    if let Some(key) = tagged.unwrap_or_default() {
        facts.set("StructParent", Object::Int(key));
        page.set("Tabs", Object::name("S"));
    }
    let number = annotation.reference().ok_or_else(|| refused("the PDF is damaged"))?;
    update.objects.insert(number, Object::Dict(facts));
    let mut annotations = file.get(&page, "Annots").array().unwrap_or_default().to_vec();
    annotations.push(annotation);
    page.set("Annots", Object::Array(annotations));
    page.set("MediaBox", numbers(&taller.media));
    page.set("CropBox", numbers(&taller.visible));
    update.objects.insert(page_number, Object::Dict(page));

    let mut out = begin(&file, strip.len() + 8192);
    finish(&file, &update, BTreeMap::new(), &mut out);
    Ok(out)
}

/// The boxes of the page with the strip above what is seen of it.
struct Taller {
    /// Degrees by which the page is turned clockwise when it is shown.
    turned: i64,
    media: [f64; 4],
    visible: [f64; 4],
    strip: [f64; 4],
}

impl Taller {
    /// The strip stands at what is the upper right corner for who looks, as large as it was drawn, or as wide as the
    /// page if that is narrower.
    fn of(file: &PdfFile<'_>, page: &Dict, (width, height): (f64, f64)) -> Result<Self, SignatureError> {
        let none = || refused("its first page has no size");
        let media = inherited(file, page, |node| corners(file, node, "MediaBox")).ok_or_else(none)?;
        let crop = inherited(file, page, |node| corners(file, node, "CropBox")).unwrap_or(media);
        // What is outside the medium is not seen.
        let mut visible = [0, 1].map(|i| crop[i].max(media[i])).to_vec();
        visible.extend([2, 3].map(|i| crop[i].min(media[i])));
        let mut visible: [f64; 4] = visible.try_into().map_err(|_| none())?;
        let turned = inherited(file, page, |node| node.int("Rotate")).unwrap_or(0).rem_euclid(360);
        let lies = turned % 180 == 90;
        let (x, y) = (visible[2] - visible[0], visible[3] - visible[1]);
        let across = if lies { y } else { x };
        if !(across > 1.0 && x > 1.0 && y > 1.0) {
            return Err(none());
        }
        let scale = (across / width).min(1.0);
        let (long, high) = (width * scale, height * scale);
        let mut strip = visible;
        // Which edge is the upper one for who looks, and where its right end is.
        match turned {
            0 => (strip[0], strip[1], strip[3]) = (visible[2] - long, visible[3], visible[3] + high),
            90 => (strip[1], strip[0], strip[2]) = (visible[3] - long, visible[0] - high, visible[0]),
            180 => (strip[2], strip[1], strip[3]) = (visible[0] + long, visible[1] - high, visible[1]),
            270 => (strip[3], strip[0], strip[2]) = (visible[1] + long, visible[2], visible[2] + high),
            _ => return Err(refused("its first page is turned by no right angle")),
        }
        for i in [0, 1] {
            visible[i] = visible[i].min(strip[i]);
            visible[i + 2] = visible[i + 2].max(strip[i + 2]);
        }
        let mut wider = media;
        for i in [0, 1] {
            wider[i] = wider[i].min(visible[i]);
            wider[i + 2] = wider[i + 2].max(visible[i + 2]);
        }
        Ok(Self { turned, media: wider, visible, strip })
    }

    /// Turns the appearance against the page, so that it stands upright.
    fn matrix(&self) -> [f64; 6] {
        match self.turned {
            90 => [0.0, 1.0, -1.0, 0.0, 0.0, 0.0],
            180 => [-1.0, 0.0, 0.0, -1.0, 0.0, 0.0],
            270 => [0.0, -1.0, 1.0, 0.0, 0.0, 0.0],
            _ => [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        }
    }
}

/// The page of the strip as a form that an annotation can show.
fn appearance(
    drawn: &PdfFile<'_>,
    page: &Dict,
    update: &mut Update,
    size: [f64; 4],
    taller: &Taller,
) -> Result<Object, SignatureError> {
    let none = || refused("the strip has no content");
    let Object::Stream(facts, start) = drawn.get(page, "Contents") else { return Err(none()) };
    let bytes = drawn.raw(&facts, start).map_err(|_| none())?.to_vec();
    let mut taken = Taken { drawn, update, numbers: HashMap::new() };
    let resources = taken.over(&drawn.get(page, "Resources"), 0)?;
    let mut form = dict(&[
        ("Type", Object::name("XObject")),
        ("Subtype", Object::name("Form")),
        ("BBox", numbers(&size)),
        ("Matrix", numbers(&taller.matrix())),
        ("Resources", resources),
    ]);
    if let Some(filter) = facts.get("Filter") {
        form.set("Filter", filter.clone());
    }
    let number = update.reserve();
    update.streams.insert(number, (form, bytes));
    Ok(Object::Ref(number, 0))
}

/// Takes objects of one file over into another, each once and under a new number.
struct Taken<'a, 'b> {
    drawn: &'a PdfFile<'b>,
    update: &'a mut Update,
    numbers: HashMap<u32, u32>,
}

impl Taken<'_, '_> {
    fn over(&mut self, object: &Object, depth: usize) -> Result<Object, SignatureError> {
        if depth > DEPTH {
            return Err(refused("the strip is nested too deeply"));
        }
        Ok(match object {
            Object::Ref(number, _) => self.reference(*number, depth)?,
            Object::Array(items) => {
                Object::Array(items.iter().map(|it| self.over(it, depth + 1)).collect::<Result<_, _>>()?)
            }
            Object::Dict(facts) => Object::Dict(self.pairs(facts, depth)?),
            other => other.clone(),
        })
    }

    fn pairs(&mut self, facts: &Dict, depth: usize) -> Result<Dict, SignatureError> {
        let pairs = facts.0.iter().map(|(key, value)| Ok((key.clone(), self.over(value, depth + 1)?)));
        Ok(Dict(pairs.collect::<Result<_, SignatureError>>()?))
    }

    fn reference(&mut self, old: u32, depth: usize) -> Result<Object, SignatureError> {
        if let Some(known) = self.numbers.get(&old) {
            return Ok(Object::Ref(*known, 0));
        }
        let number = self.update.reserve();
        self.numbers.insert(old, number);
        match self.drawn.object(old) {
            Object::Stream(facts, start) => {
                let bytes = self.drawn.raw(&facts, start).map_err(|_| refused("the strip is damaged"))?;
                let facts = self.pairs(&facts, depth)?;
                self.update.streams.insert(number, (facts, bytes.to_vec()));
            }
            other => {
                let other = self.over(&other, depth + 1)?;
                self.update.objects.insert(number, other);
            }
        }
        Ok(Object::Ref(number, 0))
    }
}

/// What a page says of itself, or the nearest node above it.
fn inherited<T>(file: &PdfFile<'_>, page: &Dict, read: impl Fn(&Dict) -> Option<T>) -> Option<T> {
    let mut node = page.clone();
    for _ in 0..64 {
        if let Some(found) = read(&node) {
            return Some(found);
        }
        node = file.get(&node, "Parent").dict()?.clone();
    }
    None
}

/// A rectangle of a page: left, lower, right, upper, whatever corners it names.
fn corners(file: &PdfFile<'_>, page: &Dict, key: &str) -> Option<[f64; 4]> {
    let list = file.get(page, key);
    let values: Vec<f64> =
        list.array()?.iter().map(|it| number(&file.resolve(it))).collect::<Option<Vec<_>>>()?;
    let [a, b, c, d] = values[..] else { return None };
    Some([a.min(c), b.min(d), a.max(c), b.max(d)])
}

fn number(object: &Object) -> Option<f64> {
    match object {
        Object::Int(n) => Some(*n as f64),
        Object::Real(words) => {
            std::str::from_utf8(words).ok()?.parse().ok().filter(|n: &f64| n.is_finite() && n.abs() < 1e6)
        }
        _ => None,
    }
}

fn numbers(values: &[f64]) -> Object {
    let one = |value: &f64| Object::Real(format!("{value:.3}").into_bytes());
    Object::Array(values.iter().map(one).collect())
}
