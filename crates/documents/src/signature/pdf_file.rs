//! A PDF as a file: its cross-reference sections, its revisions, its objects fetched one at a time.
//!
//! Only what is asked for is parsed, which is what makes checking a signature fast, and objects come from exactly
//! the place the cross-reference names: a file whose table is damaged is refused rather than guessed at, because
//! guessing is how two programs come to see two documents in one file.

use super::pdf_syntax::{Cursor, Damaged, Dict, Object};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::rc::Rc;

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    At(usize),
    InStream(u32, usize),
}

/// An unpacked object stream: its bytes and the position of each object in them.
type Unpacked = Rc<(Vec<u8>, Vec<(u32, usize)>)>;

/// An opened file.
pub(crate) struct PdfFile<'a> {
    bytes: &'a [u8],
    places: HashMap<u32, Place>,
    /// The newest trailer.
    pub trailer: Dict,
    /// Position of the newest cross-reference section.
    pub startxref: usize,
    /// Whether the newest section is a cross-reference stream.
    pub has_xref_stream: bool,
    unpacked: RefCell<HashMap<u32, Unpacked>>,
}

const MAX_SECTIONS: usize = 1_000;
const MAX_OBJECTS: u64 = 8_388_607; // ISO 32000-1, annex C
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;

impl<'a> PdfFile<'a> {
    /// Opens the file, or the revision that ends where `bytes` end.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let tail_start = bytes.len().saturating_sub(2048);
        let found = bytes[tail_start..].windows(9).rposition(|w| w == b"startxref").ok_or(Damaged)?;
        let startxref = Cursor::new(bytes, tail_start + found + 9).number()? as usize;
        let mut file = Self {
            bytes,
            places: HashMap::new(),
            trailer: Dict::default(),
            startxref,
            has_xref_stream: false,
            unpacked: RefCell::default(),
        };
        let mut next = Some(startxref);
        let mut seen = HashSet::new();
        while let Some(at) = next {
            if !seen.insert(at) || seen.len() > MAX_SECTIONS {
                return Err(Damaged);
            }
            let (trailer, is_stream) = file.read_section(at)?;
            if let Some(hybrid) = trailer.int("XRefStm") {
                file.read_section(usize::try_from(hybrid).map_err(|_| Damaged)?)?;
            }
            next = trailer.int("Prev").map(|p| usize::try_from(p).map_err(|_| Damaged)).transpose()?;
            if seen.len() == 1 {
                file.trailer = trailer;
                file.has_xref_stream = is_stream;
            }
        }
        Ok(file)
    }

    /// The bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    fn read_section(&mut self, at: usize) -> Result<(Dict, bool), Damaged> {
        let mut cursor = Cursor::new(self.bytes, at);
        if at >= self.bytes.len() {
            return Err(Damaged);
        }
        if cursor.take("xref") {
            Ok((self.read_table(&mut cursor)?, false))
        } else {
            Ok((self.read_stream(&mut cursor)?, true))
        }
    }

    /// Earlier calls are newer sections, so what is known stays.
    fn note(&mut self, number: u64, place: Place) -> Result<(), Damaged> {
        let number = u32::try_from(number).ok().filter(|n| u64::from(*n) <= MAX_OBJECTS).ok_or(Damaged)?;
        self.places.entry(number).or_insert(place);
        Ok(())
    }

    fn read_table(&mut self, cursor: &mut Cursor<'a>) -> Result<Dict, Damaged> {
        while !cursor.take("trailer") {
            let first = cursor.number()?;
            let count = cursor.number()?;
            for i in 0..count {
                let offset = cursor.number()? as usize;
                cursor.number()?;
                let place = if cursor.take("n") {
                    Place::At(offset)
                } else if cursor.take("f") {
                    Place::Free
                } else {
                    return Err(Damaged);
                };
                self.note(first.checked_add(i).ok_or(Damaged)?, place)?;
            }
        }
        match cursor.object()? {
            Object::Dict(trailer) => Ok(trailer),
            _ => Err(Damaged),
        }
    }

    fn read_stream(&mut self, cursor: &mut Cursor<'a>) -> Result<Dict, Damaged> {
        cursor.object_header()?;
        let Object::Stream(dict, start) = cursor.object()? else { return Err(Damaged) };
        let data = self.decode(&dict, start)?;
        let widths: Vec<usize> = dict
            .get("W")
            .and_then(Object::array)
            .ok_or(Damaged)?
            .iter()
            .map(|w| w.int().unwrap_or(0).clamp(0, 8) as usize)
            .collect();
        let [w1, w2, w3] = widths[..] else { return Err(Damaged) };
        let size = dict.int("Size").ok_or(Damaged)?;
        let index: Vec<u64> = match dict.get("Index").and_then(Object::array) {
            Some(list) => list.iter().map(|n| n.int().unwrap_or(0).max(0) as u64).collect(),
            None => vec![0, size.max(0) as u64],
        };
        let mut rows = data.chunks_exact((w1 + w2 + w3).max(1));
        for pair in index.chunks_exact(2) {
            for i in 0..pair[1] {
                let Some(row) = rows.next() else { break };
                let value = |bytes: &[u8]| bytes.iter().fold(0u64, |n, b| (n << 8) | u64::from(*b));
                let (kind, rest) = row.split_at(w1);
                let (second, third) = rest.split_at(w2);
                let kind = if w1 == 0 { 1 } else { value(kind) };
                let place = match kind {
                    1 => Place::At(value(second) as usize),
                    2 => Place::InStream(
                        u32::try_from(value(second)).map_err(|_| Damaged)?,
                        value(third) as usize,
                    ),
                    _ => Place::Free,
                };
                self.note(pair[0].checked_add(i).ok_or(Damaged)?, place)?;
            }
        }
        Ok(dict)
    }

    /// The raw bytes of a stream.
    pub fn raw(&self, dict: &Dict, start: usize) -> Result<&'a [u8], Damaged> {
        let length = match dict.get("Length") {
            Some(Object::Int(n)) => *n,
            Some(Object::Ref(n, _)) => self.object(*n).int().ok_or(Damaged)?,
            _ => return Err(Damaged),
        };
        let end = usize::try_from(length).ok().and_then(|l| start.checked_add(l)).ok_or(Damaged)?;
        self.bytes.get(start..end).ok_or(Damaged)
    }

    /// The bytes of a stream of the file's own structure: plain or deflated, with PNG predictors.
    fn decode(&self, dict: &Dict, start: usize) -> Result<Vec<u8>, Damaged> {
        let raw = self.raw(dict, start)?;
        let filter = match dict.get("Filter") {
            Some(Object::Array(list)) if list.len() == 1 => list.first(),
            other => other,
        };
        let data = match filter {
            None => raw.to_vec(),
            Some(Object::Name(name)) if name == b"FlateDecode" => {
                let mut out = Vec::new();
                flate2::read::ZlibDecoder::new(raw)
                    .take(MAX_UNPACKED)
                    .read_to_end(&mut out)
                    .map_err(|_| Damaged)?;
                out
            }
            Some(_) => return Err(Damaged),
        };
        let parameters = match dict.get("DecodeParms") {
            Some(Object::Array(list)) => list.first().and_then(Object::dict),
            other => other.and_then(Object::dict),
        };
        match parameters.and_then(|p| p.int("Predictor")) {
            Some(predictor) if predictor >= 10 => {
                let columns = parameters.and_then(|p| p.int("Columns")).unwrap_or(1).clamp(1, 4096) as usize;
                unpredict(&data, columns)
            }
            Some(2) => Err(Damaged),
            _ => Ok(data),
        }
    }

    /// The object of this number; `Null` when there is none or it is damaged.
    pub fn object(&self, number: u32) -> Object {
        self.fetch(number).unwrap_or(Object::Null)
    }

    fn fetch(&self, number: u32) -> Result<Object, Damaged> {
        match self.places.get(&number) {
            None | Some(Place::Free) => Ok(Object::Null),
            Some(Place::At(at)) => {
                let mut cursor = Cursor::new(self.bytes, *at);
                if *at >= self.bytes.len() || cursor.object_header()?.0 != number {
                    return Err(Damaged);
                }
                cursor.object()
            }
            Some(Place::InStream(stream, index)) => {
                let unpacked = self.unpack(*stream)?;
                let (found, at) = *unpacked.1.get(*index).ok_or(Damaged)?;
                if found != number {
                    return Err(Damaged);
                }
                // positions inside an unpacked stream are not positions in the file
                Ok(without_positions(Cursor::new(&unpacked.0, at).object()?))
            }
        }
    }

    fn unpack(&self, number: u32) -> Result<Unpacked, Damaged> {
        if let Some(known) = self.unpacked.borrow().get(&number) {
            return Ok(known.clone());
        }
        let Some(Place::At(at)) = self.places.get(&number) else { return Err(Damaged) };
        let mut cursor = Cursor::new(self.bytes, *at);
        if *at >= self.bytes.len() || cursor.object_header()?.0 != number {
            return Err(Damaged);
        }
        let Object::Stream(dict, start) = cursor.object()? else { return Err(Damaged) };
        let data = self.decode(&dict, start)?;
        let first = usize::try_from(dict.int("First").ok_or(Damaged)?).map_err(|_| Damaged)?;
        let count = dict.int("N").ok_or(Damaged)?.clamp(0, 100_000);
        let mut heads = Cursor::new(&data, 0);
        let mut list = Vec::new();
        for _ in 0..count {
            let number = u32::try_from(heads.number()?).map_err(|_| Damaged)?;
            let at =
                (heads.number()? as usize).checked_add(first).filter(|at| *at < data.len()).ok_or(Damaged)?;
            list.push((number, at));
        }
        let unpacked = Rc::new((data, list));
        self.unpacked.borrow_mut().insert(number, unpacked.clone());
        Ok(unpacked)
    }

    /// The value itself, following references.
    pub fn resolve(&self, object: &Object) -> Object {
        let mut object = object.clone();
        for _ in 0..16 {
            match object {
                Object::Ref(number, _) => object = self.object(number),
                other => return other,
            }
        }
        Object::Null
    }

    /// The value of a key, following references; `Null` when missing.
    pub fn get(&self, dict: &Dict, key: &str) -> Object {
        dict.get(key).map_or(Object::Null, |v| self.resolve(v))
    }

    /// Number and dictionary of the catalog.
    pub fn catalog(&self) -> Result<(u32, Dict), Damaged> {
        let number = self.trailer.get("Root").and_then(Object::reference).ok_or(Damaged)?;
        match self.object(number) {
            Object::Dict(dict) => Ok((number, dict)),
            _ => Err(Damaged),
        }
    }

    /// Number and dictionary of the first page.
    pub fn first_page(&self) -> Result<(u32, Dict), Damaged> {
        let (_, catalog) = self.catalog()?;
        let mut number = catalog.get("Pages").and_then(Object::reference).ok_or(Damaged)?;
        for _ in 0..64 {
            let Object::Dict(node) = self.object(number) else { return Err(Damaged) };
            match self.get(&node, "Kids") {
                Object::Array(kids) => number = kids.first().and_then(Object::reference).ok_or(Damaged)?,
                _ => return Ok((number, node)),
            }
        }
        Err(Damaged)
    }

    /// One more than the highest object number.
    pub fn size(&self) -> u32 {
        let highest = self.places.keys().max().copied().unwrap_or(0) + 1;
        let stated = self.trailer.int("Size").and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        highest.max(stated.min(MAX_OBJECTS as u32))
    }
}

fn without_positions(object: Object) -> Object {
    match object {
        Object::Text(bytes, _) => Object::Text(bytes, usize::MAX),
        Object::Array(items) => Object::Array(items.into_iter().map(without_positions).collect()),
        Object::Dict(dict) => {
            Object::Dict(Dict(dict.0.into_iter().map(|(k, v)| (k, without_positions(v))).collect()))
        }
        Object::Stream(..) => Object::Null, // streams may not be inside object streams
        other => other,
    }
}

/// Undoes the PNG predictors for one byte per column (ISO 32000-1, 7.4.4.4).
fn unpredict(data: &[u8], columns: usize) -> Result<Vec<u8>, Damaged> {
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let mut above = vec![0u8; columns];
    for row in data.chunks_exact(columns + 1) {
        let mut line = row[1..].to_vec();
        for i in 0..columns {
            let left = if i > 0 { line[i - 1] } else { 0 };
            let corner = if i > 0 { above[i - 1] } else { 0 };
            let guess = match row[0] {
                0 => 0,
                1 => left,
                2 => above[i],
                3 => ((u16::from(left) + u16::from(above[i])) / 2) as u8,
                4 => paeth(left, above[i], corner),
                _ => return Err(Damaged),
            };
            line[i] = line[i].wrapping_add(guess);
        }
        out.extend_from_slice(&line);
        above = line;
    }
    Ok(out)
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |b: u8| (estimate - i16::from(b)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}
