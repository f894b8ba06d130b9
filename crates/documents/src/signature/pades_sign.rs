//! Sealing a PDF: an incremental update that leaves the bytes before it as they were.
//!
//! The signature field is invisible and, in a tagged document, part of its structure (PDF/UA-1, 7.18), printable and
//! without appearance (PDF/A-2, 6.3), so that an archival, accessible paper stays one after it is sealed.

use super::SignatureError;
use super::cms::{self, Stamper, ToSign};
use super::keys::SealKey;
use super::pdf_file::PdfFile;
use super::pdf_syntax::Object;
use super::pdf_update::{Update, begin, dict, finish, refused, tag, text};
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
    let mut update = Update::of(&file);
    let value = Object::Ref(update.reserve(), 0);
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
    let widget_ref = Object::Ref(update.reserve(), 0);
    // a document that is signed already must keep its structure as it was signed; a field outside the page may
    // stay out of the structure (PDF/UA-1, 7.18.1)
    let signed = fields
        .iter()
        .any(|f| file.resolve(f).dict().is_some_and(|f| f.is("FT", "Sig") && f.get("V").is_some()));
    let key = if signed { None } else { tag(file, update, &catalog, page_number, ("Form", &widget_ref))? };
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

/// Writes the update after the original bytes. Returns the file and the position of the signature's value.
fn write(
    file: &PdfFile<'_>,
    update: &Update,
    value: &Object,
    how: &Sealing<'_>,
    room: usize,
) -> Result<(Vec<u8>, usize), SignatureError> {
    let mut out = begin(file, room * 2 + 8192);
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
    finish(file, update, places, &mut out);
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
