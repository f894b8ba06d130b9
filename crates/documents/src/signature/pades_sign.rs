//! Sealing a PDF: an incremental update that leaves the bytes before it as they were.
//!
//! The signature field is invisible and, in a tagged document, part of its structure (PDF/UA-1, 7.18), printable and
//! without appearance (PDF/A-2, 6.3), so that an archival, accessible paper stays one after it is sealed.

use super::SignatureError;
use super::cms::{self, Stamper, ToSign};
use super::keys::SealKey;
use super::pdf_file::PdfFile;
use super::pdf_syntax::{Dict, Object};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// How a document is sealed.
#[derive(Debug, Clone, Copy)]
pub struct Sealing<'a> {
    /// The time written into the signature dictionary.
    pub at: Timestamp,
    /// What a screen reader says of the field, e.g. the name of the body with the word for seal.
    pub label: &'a str,
    /// Why it is sealed, if that is to be said.
    pub reason: Option<&'a str>,
}

/// Room for the signature value, in bytes; a time stamp brings its own certificates.
const ROOM: usize = 8 * 1024;
const ROOM_WITH_STAMP: usize = 16 * 1024;
/// Room for the numbers of the byte range: enough for any file that fits in ten digits.
const RANGE: &str = "0 0000000000 0000000000 0000000000";

/// Objects written anew or for the first time.
struct Update {
    objects: BTreeMap<u32, Object>,
    next: u32,
}

impl Update {
    fn add(&mut self, object: Object) -> Object {
        let number = self.next;
        self.next += 1;
        self.objects.insert(number, object);
        Object::Ref(number, 0)
    }
}

fn refused(why: &'static str) -> SignatureError {
    SignatureError::Document(why)
}

fn dict(pairs: &[(&str, Object)]) -> Dict {
    Dict(pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.clone())).collect())
}

/// A text string: plain when ASCII, UTF-16 otherwise.
fn text(words: &str) -> Object {
    if words.is_ascii() {
        return Object::Text(words.as_bytes().to_vec(), 0);
    }
    let units = words.encode_utf16().flat_map(u16::to_be_bytes);
    Object::Text([0xFE, 0xFF].into_iter().chain(units).collect(), 0)
}

/// Seals a PDF at PAdES level B-B, or B-T with a `stamper`. Signatures already there stay valid.
///
/// # Errors
/// [`SignatureError::Document`] when the PDF is damaged, encrypted or cannot be extended; otherwise when the key or
/// the time-stamp authority refuses.
pub fn sign(
    pdf: &[u8],
    key: &SealKey,
    how: &Sealing<'_>,
    mut stamper: Option<&mut Stamper<'_>>,
) -> Result<Vec<u8>, SignatureError> {
    let file = PdfFile::open(pdf)?;
    if file.trailer.get("Encrypt").is_some() {
        return Err(refused("the PDF is encrypted"));
    }
    let mut update = Update { objects: BTreeMap::new(), next: file.size() };
    let value = Object::Ref(update.next, 0);
    update.next += 1;
    add_field(&file, &mut update, &value, how)?;
    let room = if stamper.is_some() { ROOM_WITH_STAMP } else { ROOM };
    let (mut out, hole) = write(&file, &update, &value, how, room)?;

    let after = hole + 2 + room * 2;
    let range = format!("0 {hole} {after} {}", out.len() - after);
    let place = hole - "/Contents".len() - 1 - RANGE.len();
    out[place..place + RANGE.len()].fill(b' ');
    out[place..place + range.len()].copy_from_slice(range.as_bytes());

    let mut hasher = openssl::sha::Sha256::new();
    hasher.update(&out[..hole]);
    hasher.update(&out[after..]);
    // PAdES forbids the signing-time attribute: the time is in /M (EN 319 142-1, 6.3)
    let what = ToSign::document(hasher.finish(), None, None);
    let signature = cms::sign(key, &what, stamper.as_mut().map(|s| &mut **s as &mut Stamper<'_>))?;
    if signature.len() > room {
        return Err(refused("the signature is larger than the room kept for it"));
    }
    out[hole + 1..hole + 1 + signature.len() * 2].copy_from_slice(hex::encode(&signature).as_bytes());
    Ok(out)
}

/// Adds the field with its widget to the form, the first page and the structure.
fn add_field(
    file: &PdfFile<'_>,
    update: &mut Update,
    value: &Object,
    how: &Sealing<'_>,
) -> Result<(), SignatureError> {
    let (catalog_number, mut catalog) = file.catalog()?;
    let (page_number, mut page) = file.first_page()?;
    let form = file.get(&catalog, "AcroForm");
    let mut form = form.dict().cloned().unwrap_or_default();
    let mut fields = file.get(&form, "Fields").array().unwrap_or_default().to_vec();
    let mut widget = dict(&[
        ("Type", Object::name("Annot")),
        ("Subtype", Object::name("Widget")),
        ("FT", Object::name("Sig")),
        ("T", text(&format!("Seal{}", fields.len() + 1))),
        ("TU", text(how.label)),
        ("V", value.clone()),
        ("F", Object::Int(4 + 128)), // Print and Locked
        // an empty place just outside the page: nothing to draw, nothing to read out
        ("Rect", Object::Array(vec![Object::Int(-1); 4])),
        ("P", Object::Ref(page_number, 0)),
    ]);
    let widget_ref = Object::Ref(update.next, 0);
    update.next += 1;
    // a document that is signed already must keep its structure as it was signed; a field outside the page may
    // stay out of the structure (PDF/UA-1, 7.18.1)
    let signed = fields
        .iter()
        .any(|f| file.resolve(f).dict().is_some_and(|f| f.is("FT", "Sig") && f.get("V").is_some()));
    let key = if signed { None } else { tag(file, update, &catalog, page_number, &widget_ref)? };
    if let Some(key) = key {
        widget.set("StructParent", Object::Int(key));
        page.set("Tabs", Object::name("S"));
    }
    let number = widget_ref.reference().ok_or_else(|| refused("the PDF is damaged"))?;
    update.objects.insert(number, Object::Dict(widget));

    let mut annotations = file.get(&page, "Annots").array().unwrap_or_default().to_vec();
    annotations.push(widget_ref.clone());
    page.set("Annots", Object::Array(annotations));
    update.objects.insert(page_number, Object::Dict(page));

    fields.push(widget_ref);
    form.set("Fields", Object::Array(fields));
    form.set("SigFlags", Object::Int(3));
    catalog.set("AcroForm", Object::Dict(form));
    update.objects.insert(catalog_number, Object::Dict(catalog));
    Ok(())
}

/// Makes the widget a `Form` element at the end of the document's structure and returns its key in the parent tree;
/// `None` when the document is not tagged.
fn tag(
    file: &PdfFile<'_>,
    update: &mut Update,
    catalog: &Dict,
    page: u32,
    widget: &Object,
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

    let kid = dict(&[("Type", Object::name("OBJR")), ("Obj", widget.clone()), ("Pg", Object::Ref(page, 0))]);
    let element = update.add(Object::Dict(dict(&[
        ("Type", Object::name("StructElem")),
        ("S", Object::name("Form")),
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

/// Writes the update after the original bytes. Returns the file and the position of the signature's value.
fn write(
    file: &PdfFile<'_>,
    update: &Update,
    value: &Object,
    how: &Sealing<'_>,
    room: usize,
) -> Result<(Vec<u8>, usize), SignatureError> {
    let mut out = Vec::with_capacity(file.bytes().len() + room * 2 + 8192);
    out.extend_from_slice(file.bytes());
    if out.last() != Some(&b'\n') {
        out.push(b'\n');
    }
    let mut places = BTreeMap::new();
    let number = value.reference().ok_or_else(|| refused("the PDF is damaged"))?;
    places.insert(number, out.len());
    let mut start = Vec::new();
    signature_dictionary(number, how).into_iter().for_each(|part| start.extend(part));
    out.extend(&start);
    let hole = out.len();
    out.push(b'<');
    out.resize(out.len() + room * 2, b'0');
    out.extend(b">>>\nendobj\n");
    for (number, object) in &update.objects {
        places.insert(*number, out.len());
        out.extend(format!("{number} 0 obj\n").bytes());
        object.write(&mut out);
        out.extend(b"\nendobj\n");
    }
    let section = out.len();
    if file.has_xref_stream {
        write_stream(file, update.next, places, section, &mut out);
    } else {
        write_table(file, update.next, &places, &mut out);
    }
    out.extend(format!("startxref\n{section}\n%%EOF\n").bytes());
    Ok((out, hole))
}

/// The signature dictionary up to its value; the byte range stands right before it.
fn signature_dictionary(number: u32, how: &Sealing<'_>) -> [Vec<u8>; 2] {
    let at = how.at.to_zoned(TimeZone::UTC).strftime("D:%Y%m%d%H%M%SZ").to_string();
    let mut facts = dict(&[
        ("Type", Object::name("Sig")),
        ("Filter", Object::name("Adobe.PPKLite")),
        ("SubFilter", Object::name("ETSI.CAdES.detached")),
        ("M", text(&at)),
    ]);
    if let Some(reason) = how.reason {
        facts.set("Reason", text(reason));
    }
    let mut head = format!("{number} 0 obj\n").into_bytes();
    Object::Dict(facts).write(&mut head);
    head.truncate(head.len() - 2);
    [head, format!("/ByteRange[{RANGE}]/Contents").into_bytes()]
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
