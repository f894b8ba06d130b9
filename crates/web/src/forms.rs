//! Reading `application/x-www-form-urlencoded`: query strings and simple forms, with repeated names in order.

use crate::error::Fault;
use percent_encoding::percent_decode_str;

/// Most pairs of one form.
const PAIRS_MAX: usize = 5_000;

/// Names and values in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a form.
    ///
    /// # Errors
    /// `BadRequest` when it is not UTF-8 or has too many fields.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        pairs(bytes).map(Self).ok_or(Fault::BadRequest("bad-form"))
    }

    /// A form of pairs already read.
    pub fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The first value of a name, trimmed; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// The first value of a name that is not empty.
    pub fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// Every value of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// Whether a button or box of this name was sent.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// The pairs.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Checks the token that every form of a session sends back.
///
/// # Errors
/// `bad-csrf` when it is not that of the session.
pub fn check_token(expected: &str, sent: &str) -> Result<(), Fault> {
    let same = expected.len() == sent.len()
        && expected.bytes().zip(sent.bytes()).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0;
    match same && !expected.is_empty() {
        true => Ok(()),
        false => Err(Fault::Status(axum::http::StatusCode::FORBIDDEN, "bad-csrf")),
    }
}

/// Names and values of a query string or form; none when they are not UTF-8 or too many.
pub fn pairs(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let decode = |piece: &str| {
        let spaced = piece.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).ok()
    };
    let pieces: Vec<&str> = text.split('&').filter(|piece| !piece.is_empty()).collect();
    if pieces.len() > PAIRS_MAX {
        return None;
    }
    pieces
        .into_iter()
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_in_order_and_bad_bytes_refused() {
        let form = Form::read(b"q=via+Roma%2C+12&id=a&id=b&empty=&flag").unwrap();
        assert_eq!(form.text("q"), "via Roma, 12");
        assert_eq!(form.all("id").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((form.some("empty"), form.has("flag"), form.has("none")), (None, true, false));
        assert!(Form::read(b"q=%ff").is_err());
        assert!(Form::read(&[0xff]).is_err());
        assert!(Form::read(&b"a&".repeat(PAIRS_MAX + 1)).is_err());
    }
}
