//! What a later revision of a PDF did to the document that an earlier signature covers.
//!
//! Both revisions are walked side by side from the catalog. Only what further signatures need may differ: signature
//! fields, their widgets, validation data, metadata, structure tags. Any other difference, an object that was
//! missing and now exists included (that is how "shadow" attacks hide), counts as a change of content.

use super::pdf_file::PdfFile;
use super::pdf_syntax::{Dict, Object};
use std::collections::HashSet;

/// The outcome of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing that anybody sees or reads differs.
    Nothing,
    /// Signatures, stamps, validation data, metadata or tags were added.
    Extended,
    /// The document itself differs.
    Content,
}

/// Entries of the catalog that may come or change without changing the document.
const CATALOG_FREE: [&str; 6] = ["DSS", "Extensions", "Metadata", "StructTreeRoot", "Version", "Perms"];
const FORM_FREE: [&str; 3] = ["SigFlags", "DR", "DA"];
const PAGE_FREE: [&str; 2] = ["Tabs", "StructParents"];
const FIELD_FREE: [&str; 8] = ["V", "AP", "F", "M", "MK", "Lock", "SV", "StructParent"];
const MAX_STEPS: usize = 2_000_000;

struct Walk<'o, 'n> {
    old: &'o PdfFile<'o>,
    new: &'n PdfFile<'n>,
    todo: Vec<(Object, Object)>,
    seen: HashSet<(u32, u32)>,
    extended: bool,
}

/// Compares the revision covered by a signature with the whole file.
pub(crate) fn compare(old: &PdfFile<'_>, new: &PdfFile<'_>) -> Change {
    let mut walk = Walk { old, new, todo: Vec::new(), seen: HashSet::new(), extended: false };
    let (Ok((_, old_catalog)), Ok((_, new_catalog))) = (old.catalog(), new.catalog()) else {
        return Change::Content;
    };
    if !walk.catalog(&old_catalog, &new_catalog) || old.trailer.get("Encrypt") != new.trailer.get("Encrypt") {
        return Change::Content;
    }
    let mut steps = 0;
    while let Some((a, b)) = walk.todo.pop() {
        steps += 1;
        if steps > MAX_STEPS || !walk.same(&a, &b) {
            return Change::Content;
        }
    }
    if walk.extended { Change::Extended } else { Change::Nothing }
}

fn keys(a: &Dict, b: &Dict) -> HashSet<String> {
    a.0.iter().chain(&b.0).map(|(k, _)| String::from_utf8_lossy(k).into_owned()).collect()
}

impl Walk<'_, '_> {
    fn push(&mut self, a: &Object, b: &Object) {
        self.todo.push((a.clone(), b.clone()));
    }

    /// Pushes the values of one key; a key on one side only is a difference.
    fn push_key(&mut self, key: &str, a: &Dict, b: &Dict) -> bool {
        match (a.get(key), b.get(key)) {
            (Some(x), Some(y)) => {
                self.push(x, y);
                true
            }
            (None, None) => true,
            _ => false,
        }
    }

    fn same(&mut self, a: &Object, b: &Object) -> bool {
        if let (Object::Ref(x, _), Object::Ref(y, _)) = (a, b)
            && !self.seen.insert((*x, *y))
        {
            return true;
        }
        match (self.old.resolve(a), self.new.resolve(b)) {
            (Object::Text(x, _), Object::Text(y, _)) => x == y,
            (Object::Array(x), Object::Array(y)) => {
                x.iter().zip(&y).for_each(|(x, y)| self.push(x, y));
                x.len() == y.len()
            }
            (Object::Dict(x), Object::Dict(y)) => self.dicts(&x, &y),
            (Object::Stream(x, at), Object::Stream(y, then)) => {
                let same_bytes =
                    matches!((self.old.raw(&x, at), self.new.raw(&y, then)), (Ok(p), Ok(q)) if p == q);
                same_bytes && keys(&x, &y).iter().all(|key| self.push_key(key, &x, &y))
            }
            (x, y) => x == y,
        }
    }

    fn dicts(&mut self, a: &Dict, b: &Dict) -> bool {
        if a.is("Type", "Page") && b.is("Type", "Page") {
            return self.page(a, b);
        }
        if a.is("FT", "Sig") && b.is("FT", "Sig") {
            return self.field(a, b);
        }
        keys(a, b).iter().all(|key| self.push_key(key, a, b))
    }

    fn catalog(&mut self, a: &Dict, b: &Dict) -> bool {
        keys(a, b).iter().all(|key| match key.as_str() {
            "AcroForm" => self.form(&self.old.get(a, key), &self.new.get(b, key)),
            k if CATALOG_FREE.contains(&k) => {
                self.extended |= a.get(key) != b.get(key);
                true
            }
            k => self.push_key(k, a, b),
        })
    }

    fn form(&mut self, a: &Object, b: &Object) -> bool {
        let none = Dict::default();
        let (a, b) = (a.dict().unwrap_or(&none), b.dict().unwrap_or(&none));
        keys(a, b).iter().all(|key| match key.as_str() {
            "Fields" => self.list(&self.old.get(a, key), &self.new.get(b, key)),
            k if FORM_FREE.contains(&k) => true,
            k => self.push_key(k, a, b),
        })
    }

    fn page(&mut self, a: &Dict, b: &Dict) -> bool {
        keys(a, b).iter().all(|key| match key.as_str() {
            "Annots" => self.list(&self.old.get(a, key), &self.new.get(b, key)),
            k if PAGE_FREE.contains(&k) => true,
            k => self.push_key(k, a, b),
        })
    }

    /// A list of fields or annotations: the old ones in their places, then only new signature fields.
    fn list(&mut self, a: &Object, b: &Object) -> bool {
        let (old, new) = (a.array().unwrap_or_default(), b.array().unwrap_or_default());
        if new.len() < old.len() {
            return false;
        }
        old.iter().zip(new).for_each(|(x, y)| self.push(x, y));
        let added = &new[old.len()..];
        self.extended |= !added.is_empty();
        added.iter().all(|item| self.is_signature_field(item))
    }

    fn is_signature_field(&self, item: &Object) -> bool {
        let Object::Dict(dict) = self.new.resolve(item) else { return false };
        let parent = self.new.get(&dict, "Parent");
        dict.is("FT", "Sig") || parent.dict().is_some_and(|p| p.is("FT", "Sig"))
    }

    /// A signature field: once filled in it stays; an empty one may be filled in.
    fn field(&mut self, a: &Dict, b: &Dict) -> bool {
        let was_empty = self.old.get(a, "V") == Object::Null;
        keys(a, b).iter().all(|key| {
            if was_empty && FIELD_FREE.contains(&key.as_str()) {
                self.extended |= a.get(key) != b.get(key);
                return true;
            }
            self.push_key(key, a, b)
        })
    }
}
