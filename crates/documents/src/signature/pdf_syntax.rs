//! The syntax of PDF objects (ISO 32000-1, 7.3): reading and writing, without knowing what they mean.
//!
//! Reading is by position in the file and never trusts a length; nesting is bounded. Strings remember where they
//! stood, because a signature must prove that the hole in its byte range is its own value and nothing else.

/// The bytes are not the PDF they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("damaged PDF")]
pub(crate) struct Damaged;

/// An object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Object {
    Null,
    Bool(bool),
    Int(i64),
    /// A real, as written.
    Real(Vec<u8>),
    Name(Vec<u8>),
    /// A string and the position of its opening delimiter.
    Text(Vec<u8>, usize),
    Array(Vec<Object>),
    Dict(Dict),
    Ref(u32, u16),
    /// The dictionary of a stream and the position of its first byte.
    Stream(Dict, usize),
}

/// A dictionary in its written order; the last of repeated keys counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Dict(pub Vec<(Vec<u8>, Object)>);

impl Dict {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Object> {
        self.0.iter().rev().find(|(k, _)| k == key.as_bytes()).map(|(_, v)| v)
    }

    /// Sets a key.
    pub fn set(&mut self, key: &str, value: Object) {
        self.0.retain(|(k, _)| k != key.as_bytes());
        self.0.push((key.as_bytes().to_vec(), value));
    }

    /// Whether `key` has the name `value`.
    pub fn is(&self, key: &str, value: &str) -> bool {
        matches!(self.get(key), Some(Object::Name(n)) if n == value.as_bytes())
    }

    /// An integer value.
    pub fn int(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(Object::int)
    }
}

impl Object {
    /// A name.
    pub fn name(text: &str) -> Self {
        Self::Name(text.as_bytes().to_vec())
    }

    /// As an integer.
    pub fn int(&self) -> Option<i64> {
        if let Self::Int(n) = self { Some(*n) } else { None }
    }

    /// As a dictionary, that of a stream included.
    pub fn dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(d) | Self::Stream(d, _) => Some(d),
            _ => None,
        }
    }

    /// As an array.
    pub fn array(&self) -> Option<&[Object]> {
        if let Self::Array(a) = self { Some(a) } else { None }
    }

    /// As the number of an indirect object.
    pub fn reference(&self) -> Option<u32> {
        if let Self::Ref(n, _) = self { Some(*n) } else { None }
    }

    /// Appends the written form. Streams are written by their owner.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend(b"null"),
            Self::Bool(b) => out.extend(if *b { &b"true"[..] } else { b"false" }),
            Self::Int(n) => out.extend(n.to_string().bytes()),
            Self::Real(text) => out.extend(text),
            Self::Name(name) => write_name(name, out),
            Self::Text(bytes, _) => {
                out.push(b'<');
                out.extend(hex::encode_upper(bytes).bytes());
                out.push(b'>');
            }
            Self::Array(items) => {
                out.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(b' ');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Dict(dict) | Self::Stream(dict, _) => {
                out.extend(b"<<");
                for (key, value) in &dict.0 {
                    write_name(key, out);
                    out.push(b' ');
                    value.write(out);
                }
                out.extend(b">>");
            }
            Self::Ref(n, g) => out.extend(format!("{n} {g} R").bytes()),
        }
    }
}

fn write_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for b in name {
        if b.is_ascii_graphic() && !is_delimiter(*b) && *b != b'#' {
            out.push(*b);
        } else {
            out.extend(format!("#{b:02X}").bytes());
        }
    }
}

pub(crate) fn is_space(b: u8) -> bool {
    matches!(b, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_delimiter(b: u8) -> bool {
    matches!(b, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

const MAX_DEPTH: usize = 60;

/// A reading position in a file.
pub(crate) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips white space and comments.
    pub fn skip_space(&mut self) {
        while let Some(b) = self.peek() {
            if b == b'%' {
                while self.peek().is_some_and(|b| b != b'\n' && b != b'\r') {
                    self.at += 1;
                }
            } else if is_space(b) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    /// Takes a keyword if it comes next.
    pub fn take(&mut self, word: &str) -> bool {
        self.skip_space();
        let there = self.bytes[self.at.min(self.bytes.len())..].starts_with(word.as_bytes());
        if there {
            self.at += word.len();
        }
        there
    }

    /// An unsigned number.
    pub fn number(&mut self) -> Result<u64, Damaged> {
        self.skip_space();
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        std::str::from_utf8(&self.bytes[start..self.at]).ok().and_then(|t| t.parse().ok()).ok_or(Damaged)
    }

    /// The header `n g obj` of an indirect object.
    pub fn object_header(&mut self) -> Result<(u32, u16), Damaged> {
        let number = self.number()?.try_into().map_err(|_| Damaged)?;
        let generation = self.number()?.try_into().map_err(|_| Damaged)?;
        if self.take("obj") { Ok((number, generation)) } else { Err(Damaged) }
    }

    /// An object; a dictionary followed by `stream` becomes a stream.
    pub fn object(&mut self) -> Result<Object, Damaged> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Object, Damaged> {
        if depth > MAX_DEPTH {
            return Err(Damaged);
        }
        self.skip_space();
        match self.peek().ok_or(Damaged)? {
            b'/' => Ok(Object::Name(self.read_name())),
            b'(' => self.literal(),
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => self.dictionary(depth),
            b'<' => self.hexadecimal(),
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                loop {
                    self.skip_space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        return Ok(Object::Array(items));
                    }
                    items.push(self.nested(depth + 1)?);
                }
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.numeric(),
            _ => self.keyword(),
        }
    }

    fn keyword(&mut self) -> Result<Object, Damaged> {
        for (word, object) in
            [("null", Object::Null), ("true", Object::Bool(true)), ("false", Object::Bool(false))]
        {
            if self.take(word) {
                return Ok(object);
            }
        }
        Err(Damaged)
    }

    /// A number, or a reference when two integers and `R` follow one another.
    fn numeric(&mut self) -> Result<Object, Damaged> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        let text = &self.bytes[start..self.at];
        if text.contains(&b'.') {
            return Ok(Object::Real(text.to_vec()));
        }
        let number: i64 = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).ok_or(Damaged)?;
        let after = self.at;
        if let (Ok(n), true) = (u32::try_from(number), self.peek().is_some_and(is_space))
            && let Ok(generation) = self.number().and_then(|g| u16::try_from(g).map_err(|_| Damaged))
        {
            let bounded = |c: &Self| c.bytes.get(c.at + 1).is_none_or(|b| is_space(*b) || is_delimiter(*b));
            self.skip_space();
            if self.peek() == Some(b'R') && bounded(self) {
                self.at += 1;
                return Ok(Object::Ref(n, generation));
            }
        }
        self.at = after;
        Ok(Object::Int(number))
    }

    fn read_name(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut out = Vec::new();
        while let Some(b) = self.peek().filter(|b| !is_space(*b) && !is_delimiter(*b)) {
            let code = self
                .bytes
                .get(self.at + 1..self.at + 3)
                .filter(|_| b == b'#')
                .and_then(|h| hex::decode(h).ok());
            match code {
                Some(code) => {
                    out.extend(code);
                    self.at += 3;
                }
                None => {
                    out.push(b);
                    self.at += 1;
                }
            }
        }
        out
    }

    fn dictionary(&mut self, depth: usize) -> Result<Object, Damaged> {
        self.at += 2;
        let mut dict = Dict::default();
        loop {
            self.skip_space();
            if self.bytes[self.at..].starts_with(b">>") {
                self.at += 2;
                break;
            }
            if self.peek() != Some(b'/') {
                return Err(Damaged);
            }
            let key = self.read_name();
            dict.0.push((key, self.nested(depth + 1)?));
        }
        let end = self.at;
        if depth == 0 && self.take("stream") {
            if self.peek() == Some(b'\r') {
                self.at += 1;
            }
            if self.peek() == Some(b'\n') {
                self.at += 1;
            }
            return Ok(Object::Stream(dict, self.at));
        }
        self.at = end;
        Ok(Object::Dict(dict))
    }

    fn hexadecimal(&mut self) -> Result<Object, Damaged> {
        let start = self.at;
        let length = self.bytes[start..].iter().position(|b| *b == b'>').ok_or(Damaged)?;
        let mut digits: Vec<u8> =
            self.bytes[start + 1..start + length].iter().copied().filter(|b| !is_space(*b)).collect();
        if digits.len() % 2 == 1 {
            digits.push(b'0');
        }
        self.at = start + length + 1;
        Ok(Object::Text(hex::decode(digits).map_err(|_| Damaged)?, start))
    }

    fn literal(&mut self) -> Result<Object, Damaged> {
        let start = self.at;
        let mut out = Vec::new();
        let mut open = 0usize;
        loop {
            let b = self.peek().ok_or(Damaged)?;
            self.at += 1;
            match b {
                b'(' => {
                    open += 1;
                    if open > 1 {
                        out.push(b);
                    }
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(Object::Text(out, start));
                    }
                    out.push(b);
                }
                b'\\' => self.escape(&mut out)?,
                _ => out.push(b),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Damaged> {
        let b = self.peek().ok_or(Damaged)?;
        self.at += 1;
        match b {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.at += 1;
                }
            }
            b'\n' => {}
            b'0'..=b'7' => {
                let mut code = u32::from(b - b'0');
                for _ in 0..2 {
                    let Some(d) = self.peek().filter(|d| (b'0'..=b'7').contains(d)) else { break };
                    code = code * 8 + u32::from(d - b'0');
                    self.at += 1;
                }
                out.push(code as u8);
            }
            other => out.push(other),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn objects_are_read_and_written_alike() {
        let text = b"<</Type /Sig/A [1 -2 3.5 4 0 R null true]/S (a\\(b\\)\\101(c))/H <4142 4>/N /a#20b>>";
        let read = Cursor::new(text, 0).object().unwrap();
        let dict = read.dict().unwrap();
        assert!(dict.is("Type", "Sig") && dict.is("N", "a b"));
        assert_eq!(dict.get("S"), Some(&Object::Text(b"a(b)A(c)".to_vec(), 44)));
        assert_eq!(dict.get("H").unwrap(), &Object::Text(b"AB@".to_vec(), 62));
        assert_eq!(dict.get("A").unwrap().array().unwrap()[3], Object::Ref(4, 0));
        let mut out = Vec::new();
        read.write(&mut out);
        let mut again = Vec::new();
        Cursor::new(&out, 0).object().unwrap().write(&mut again);
        assert_eq!(out, again);
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        assert_eq!(Cursor::new(&[b'['; 100_000], 0).object(), Err(Damaged));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(&b"<>[]()/ 0R%\\"[..])], 0..200)) {
            let _ = Cursor::new(&bytes, 0).object();
            let _ = Cursor::new(&bytes, 0).object_header();
        }
    }
}
