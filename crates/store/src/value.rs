//! What goes into a statement and what comes out of it, the same for both
//! engines: numbers are 64 bits wide, instants are UTC microseconds, dates are
//! ISO text, flags are 0 or 1, ids and JSON are text.

use crate::StoreError;

/// One parameter or one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number, an instant in UTC microseconds, or a flag.
    Int(i64),
    /// Text: ids, ISO dates, JSON, words.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! from_integers {
    ($($integer:ty),*) => { $(
        impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                Self::Int(i64::from(value))
            }
        }
    )* };
}
from_integers!(i64, i32, i16, u32, u16, u8, bool);

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer; columns are counted from 0 in the order of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// The number, instant or flag in column `column`.
    ///
    /// # Errors
    /// `Shape` when the column is missing, null or of another type.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| null(column))
    }

    /// The flag in column `column`: 0 is false, anything else is true.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// The text in column `column`.
    ///
    /// # Errors
    /// `Shape` when the column is missing, null or of another type.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.opt_text(column)?.ok_or_else(|| null(column))
    }

    /// The bytes in column `column`.
    ///
    /// # Errors
    /// `Shape` when the column is missing, null or of another type.
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        self.opt_bytes(column)?.ok_or_else(|| null(column))
    }

    /// The number in column `column`, if any.
    ///
    /// # Errors
    /// `Shape` when the column is missing or of another type.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.value(column)? {
            Value::Int(value) => Ok(Some(*value)),
            Value::Null => Ok(None),
            other => Err(unlike(column, "a number", other)),
        }
    }

    /// The text in column `column`, if any.
    ///
    /// # Errors
    /// `Shape` when the column is missing or of another type.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.value(column)? {
            Value::Text(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            other => Err(unlike(column, "a text", other)),
        }
    }

    /// The bytes in column `column`, if any.
    ///
    /// # Errors
    /// `Shape` when the column is missing or of another type.
    pub fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.value(column)? {
            Value::Bytes(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            other => Err(unlike(column, "bytes", other)),
        }
    }

    /// The text in column `column` read by its own parser (an id, a code, a date).
    ///
    /// # Errors
    /// `Shape` when the column holds no text or the parser refuses it.
    pub fn parse<T: std::str::FromStr>(&self, column: usize) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| StoreError::Shape(format!("column {column} cannot be read")))
    }

    /// As [`Row::parse`], `None` when the column is null.
    ///
    /// # Errors
    /// As [`Row::parse`].
    pub fn opt_parse<T: std::str::FromStr>(&self, column: usize) -> Result<Option<T>, StoreError> {
        if self.opt_text(column)?.is_none() {
            return Ok(None);
        }
        self.parse(column).map(Some)
    }

    /// The value in column `column`, whatever it is.
    ///
    /// # Errors
    /// `Shape` when there is no such column.
    pub fn value(&self, column: usize) -> Result<&Value, StoreError> {
        self.0.get(column).ok_or_else(|| StoreError::Shape(format!("no column {column} in the row")))
    }

    /// The values of the row, in order.
    #[must_use]
    pub fn into_values(self) -> Vec<Value> {
        self.0
    }
}

fn null(column: usize) -> StoreError {
    StoreError::Shape(format!("column {column} is null"))
}

/// Names the kinds only: the value may be personal data.
fn unlike(column: usize, wanted: &str, found: &Value) -> StoreError {
    let kind = match found {
        Value::Null => "null",
        Value::Int(_) => "a number",
        Value::Text(_) => "a text",
        Value::Bytes(_) => "bytes",
    };
    StoreError::Shape(format!("column {column} holds {kind}, not {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_by_kind() {
        let row = Row(vec![Value::Int(7), "sette".into(), Value::Null, vec![1_u8].into()]);
        assert_eq!(row.int(0), Ok(7));
        assert_eq!(row.text(1), Ok("sette"));
        assert_eq!(row.opt_text(2), Ok(None));
        assert_eq!(row.bytes(3), Ok(&[1_u8][..]));
        assert!(row.int(1).is_err() && row.int(2).is_err() && row.int(9).is_err());
    }

    #[test]
    fn the_error_never_quotes_the_value() {
        let row = Row(vec!["Prova Uno".into()]);
        let said = row.int(0).unwrap_err().to_string();
        assert!(!said.contains("Prova"), "{said}");
    }
}
