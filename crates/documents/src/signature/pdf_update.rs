//! Adding to a PDF without touching what is there: objects written after the old end, a new cross-reference section,
//! and, in a tagged document, an element of its structure for what was added (PDF/UA-1, 7.18).
//!
//! The bytes before the update stay as they were, so signatures over them keep holding. Who adds what is not known here.

use super::SignatureError;
use super::pdf_file::PdfFile;
use super::pdf_syntax::{Dict, Object};
use std::collections::BTreeMap;

/// Objects written anew or for the first time.
pub(super) struct Update {
    pub objects: BTreeMap<u32, Object>,
    /// Streams: their dictionary and their bytes as they are written.
    pub streams: BTreeMap<u32, (Dict, Vec<u8>)>,
    pub next: u32,
}

impl Update {
    /// An update of a file, still without objects.
    pub fn of(file: &PdfFile<'_>) -> Self {
        Self { objects: BTreeMap::new(), streams: BTreeMap::new(), next: file.size() }
    }

    /// The number of an object that will be put later.
    pub fn reserve(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Puts a new object; answers the reference to it.
    pub fn add(&mut self, object: Object) -> Object {
        let number = self.reserve();
        self.objects.insert(number, object);
        Object::Ref(number, 0)
    }
}

pub(super) fn refused(why: &'static str) -> SignatureError {
    SignatureError::Document(why)
}

/// A dictionary of these pairs.
pub(super) fn dict(pairs: &[(&str, Object)]) -> Dict {
    Dict(pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.clone())).collect())
}

/// A text string: plain when ASCII, UTF-16 otherwise.
pub(super) fn text(words: &str) -> Object {
    if words.is_ascii() {
        return Object::Text(words.as_bytes().to_vec(), 0);
    }
    let units = words.encode_utf16().flat_map(u16::to_be_bytes);
    Object::Text([0xFE, 0xFF].into_iter().chain(units).collect(), 0)
}

/// Makes an annotation an element of this kind (`Form`, `Annot`) at the end of the document's structure and returns its key in the parent tree;
/// `None` when the document is not tagged.
pub(super) fn tag(
    file: &PdfFile<'_>,
    update: &mut Update,
    catalog: &Dict,
    page: u32,
    (kind, annotation): (&str, &Object),
) -> Result<Option<i64>, SignatureError> {
    let Some(tree_number) = catalog.get("StructTreeRoot").and_then(Object::reference) else {
        return Ok(None);
    };
    let Object::Dict(mut tree) = file.object(tree_number) else { return Ok(None) };
    let top = match file.get(&tree, "K") {
        Object::Array(list) => list.first().cloned(),
        _ => tree.get("K").cloned(),
    };
    let top_number = top
        .as_ref()
        .and_then(Object::reference)
        .ok_or_else(|| refused("its structure tree has no top element"))?;
    let Object::Dict(mut document) = file.object(top_number) else {
        return Err(refused("its structure tree has no top element"));
    };

    let kid =
        dict(&[("Type", Object::name("OBJR")), ("Obj", annotation.clone()), ("Pg", Object::Ref(page, 0))]);
    let element = update.add(Object::Dict(dict(&[
        ("Type", Object::name("StructElem")),
        ("S", Object::name(kind)),
        ("P", Object::Ref(top_number, 0)),
        ("Pg", Object::Ref(page, 0)),
        ("K", Object::Dict(kid)),
    ])));
    let mut kids = match file.get(&document, "K") {
        Object::Array(list) => list,
        Object::Null => Vec::new(),
        _ => document.get("K").cloned().into_iter().collect(),
    };
    kids.push(element.clone());
    document.set("K", Object::Array(kids));
    update.objects.insert(top_number, Object::Dict(document));

    let parents = file.get(&tree, "ParentTree").dict().cloned().unwrap_or_default();
    let key = tree.int("ParentTreeNextKey").unwrap_or_else(|| next_key(file, &parents, 0));
    let parents = with_parent(file, update, parents, key, element);
    tree.set("ParentTree", update.add(Object::Dict(parents)));
    tree.set("ParentTreeNextKey", Object::Int(key + 1));
    update.objects.insert(tree_number, Object::Dict(tree));
    Ok(Some(key))
}

/// One more than the highest key of a number tree.
fn next_key(file: &PdfFile<'_>, node: &Dict, depth: usize) -> i64 {
    let numbers = file.get(node, "Nums");
    let here = numbers
        .array()
        .unwrap_or_default()
        .iter()
        .step_by(2)
        .filter_map(Object::int)
        .max()
        .map_or(0, |n| n + 1);
    if depth > 32 {
        return here;
    }
    let kids = file.get(node, "Kids");
    let below = kids.array().unwrap_or_default().iter().filter_map(|k| file.resolve(k).dict().cloned());
    below.map(|k| next_key(file, &k, depth + 1)).max().unwrap_or(0).max(here)
}

/// The parent tree with one more entry at its end.
fn with_parent(file: &PdfFile<'_>, update: &mut Update, mut tree: Dict, key: i64, element: Object) -> Dict {
    let entry = [Object::Int(key), element];
    if let Object::Array(mut kids) = file.get(&tree, "Kids") {
        let limits = Object::Array(vec![Object::Int(key); 2]);
        kids.push(
            update.add(Object::Dict(dict(&[("Limits", limits), ("Nums", Object::Array(entry.to_vec()))]))),
        );
        tree.set("Kids", Object::Array(kids));
        return tree;
    }
    let mut numbers = file.get(&tree, "Nums").array().unwrap_or_default().to_vec();
    numbers.extend(entry);
    tree.set("Nums", Object::Array(numbers));
    tree
}

/// Writes the objects of an update and its cross-reference section. `out` holds the file so far, `places` what was
/// written there by somebody else.
pub(super) fn finish(
    file: &PdfFile<'_>,
    update: &Update,
    mut places: BTreeMap<u32, usize>,
    out: &mut Vec<u8>,
) {
    for (number, object) in &update.objects {
        places.insert(*number, out.len());
        out.extend(format!("{number} 0 obj\n").bytes());
        object.write(out);
        out.extend(b"\nendobj\n");
    }
    for (number, (dict, bytes)) in &update.streams {
        places.insert(*number, out.len());
        out.extend(format!("{number} 0 obj\n").bytes());
        let mut dict = dict.clone();
        dict.set("Length", Object::Int(bytes.len() as i64));
        Object::Dict(dict).write(out);
        out.extend(b"\nstream\n");
        out.extend(bytes);
        out.extend(b"\nendstream\nendobj\n");
    }
    let section = out.len();
    if file.has_xref_stream {
        write_stream(file, update.next, places, section, out);
    } else {
        write_table(file, update.next, &places, out);
    }
    out.extend(format!("startxref\n{section}\n%%EOF\n").bytes());
}

/// The file with room for what is added: it ends with a line feed.
pub(super) fn begin(file: &PdfFile<'_>, room: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(file.bytes().len() + room);
    out.extend_from_slice(file.bytes());
    if out.last() != Some(&b'\n') {
        out.push(b'\n');
    }
    out
}

/// The entries that every trailer carries on.
fn trailer(file: &PdfFile<'_>, size: u32) -> Dict {
    let mut trailer =
        dict(&[("Size", Object::Int(i64::from(size))), ("Prev", Object::Int(file.startxref as i64))]);
    for key in ["Root", "Info", "ID"] {
        if let Some(value) = file.trailer.get(key) {
            trailer.set(key, value.clone());
        }
    }
    trailer
}

/// Runs of consecutive numbers: first and length.
fn runs(places: &BTreeMap<u32, usize>) -> Vec<(u32, u32)> {
    let mut out: Vec<(u32, u32)> = Vec::new();
    for number in places.keys() {
        match out.last_mut() {
            Some((first, count)) if *first + *count == *number => *count += 1,
            _ => out.push((*number, 1)),
        }
    }
    out
}

fn write_table(file: &PdfFile<'_>, size: u32, places: &BTreeMap<u32, usize>, out: &mut Vec<u8>) {
    out.extend(b"xref\n");
    for (first, count) in runs(places) {
        out.extend(format!("{first} {count}\n").bytes());
        for place in places.range(first..first + count).map(|(_, p)| p) {
            out.extend(format!("{place:010} 00000 n \n").bytes());
        }
    }
    out.extend(b"trailer\n");
    Object::Dict(trailer(file, size)).write(out);
    out.push(b'\n');
}

fn write_stream(
    file: &PdfFile<'_>,
    number: u32,
    mut places: BTreeMap<u32, usize>,
    section: usize,
    out: &mut Vec<u8>,
) {
    places.insert(number, section);
    let mut rows = Vec::new();
    for place in places.values() {
        rows.push(1);
        rows.extend_from_slice(&(*place as u64).to_be_bytes()[3..]);
        rows.push(0);
    }
    let index = runs(&places)
        .into_iter()
        .flat_map(|(f, c)| [Object::Int(i64::from(f)), Object::Int(i64::from(c))])
        .collect();
    let mut head = trailer(file, number + 1);
    head.set("Type", Object::name("XRef"));
    head.set("W", Object::Array([1, 5, 1].map(Object::Int).to_vec()));
    head.set("Index", Object::Array(index));
    head.set("Length", Object::Int(rows.len() as i64));
    out.extend(format!("{number} 0 obj\n").bytes());
    Object::Dict(head).write(out);
    out.extend(b"\nstream\n");
    out.extend(rows);
    out.extend(b"\nendstream\nendobj\n");
}
