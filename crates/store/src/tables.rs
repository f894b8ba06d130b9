//! Whole tables as rows, the same for both engines: what a backup writes, a
//! restore reads and a move carries over. Each table has a sum that does not
//! depend on the order of its rows, so that two databases can be compared.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dialect::Engine;
use crate::{Row, StoreError, Value, migrate};

/// Longest value that is believed when a file is read back, bytes.
const VALUE_MAX: u64 = 1 << 30;

/// A table and the columns that are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
}

/// Number of rows, and the sum of their digests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    lanes: [u64; 4],
}

impl Sum {
    pub(crate) fn add(&mut self, encoded: &[u8]) {
        self.rows += 1;
        let digest = Sha256::digest(encoded);
        for (lane, part) in self.lanes.iter_mut().zip(digest.chunks_exact(8)) {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(part);
            *lane = lane.wrapping_add(u64::from_be_bytes(bytes));
        }
    }
}

impl Table {
    pub(crate) fn select(&self) -> String {
        format!("select {} from {}", self.columns.join(", "), self.name)
    }

    pub(crate) fn insert(&self) -> String {
        let marks: Vec<String> = (1..=self.columns.len()).map(|number| format!("${number}")).collect();
        format!("insert into {} ({}) values ({})", self.name, self.columns.join(", "), marks.join(", "))
    }
}

/// The tables of a database, each after those it points to.
pub(crate) fn all(engine: &mut dyn Engine) -> Result<Vec<Table>, StoreError> {
    let mut tables = Vec::new();
    for name in migrate::tables() {
        let columns = engine.columns(name)?;
        if !columns.is_empty() {
            tables.push(Table { name: name.to_owned(), columns });
        }
    }
    Ok(tables)
}

/// What [`walk`] does with each row and its written form.
pub(crate) type Each<'a> = dyn FnMut(&[u8], Row) -> Result<(), StoreError> + 'a;

/// Counts and sums a table, handing each row over in its written form too.
pub(crate) fn walk(engine: &mut dyn Engine, table: &Table, each: &mut Each<'_>) -> Result<Sum, StoreError> {
    let mut sum = Sum::default();
    let mut encoded = Vec::new();
    engine.scan(&table.select(), &mut |row| {
        encoded.clear();
        encode(&row, &mut encoded)?;
        sum.add(&encoded);
        each(&encoded, row)
    })?;
    Ok(sum)
}

/// Each value as a letter and, where there is something, its length and bytes.
fn encode(row: &Row, out: &mut Vec<u8>) -> Result<(), StoreError> {
    for value in &row.0 {
        match value {
            Value::Null => out.push(b'n'),
            Value::Int(number) => {
                out.push(b'i');
                out.extend(number.to_be_bytes());
            }
            Value::Text(text) => lengthy(b't', text.as_bytes(), out)?,
            Value::Bytes(bytes) => lengthy(b'b', bytes, out)?,
        }
    }
    Ok(())
}

fn lengthy(letter: u8, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), StoreError> {
    out.write_all(&[letter])?;
    out.write_all(&(bytes.len() as u64).to_be_bytes())?;
    Ok(out.write_all(bytes)?)
}

/// Reads one row of `width` columns; `None` at a proper end.
pub(crate) fn decode(source: &mut impl Read, width: usize) -> Result<Option<Vec<Value>>, StoreError> {
    let mut values = Vec::with_capacity(width);
    while values.len() < width {
        let mut letter = [0];
        if source.read(&mut letter)? == 0 {
            return if values.is_empty() { Ok(None) } else { Err(torn()) };
        }
        values.push(match letter[0] {
            b'n' => Value::Null,
            b'i' => Value::Int(i64::from_be_bytes(eight(source)?)),
            b't' => {
                let bytes = sized(source)?;
                Value::Text(String::from_utf8(bytes).map_err(|_| torn())?)
            }
            b'b' => Value::Bytes(sized(source)?),
            _ => return Err(torn()),
        });
    }
    Ok(Some(values))
}

fn sized(source: &mut impl Read) -> Result<Vec<u8>, StoreError> {
    let length = u64::from_be_bytes(eight(source)?);
    let mut bytes = Vec::new();
    if length > VALUE_MAX || source.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Err(torn());
    }
    Ok(bytes)
}

fn eight(source: &mut impl Read) -> Result<[u8; 8], StoreError> {
    let mut bytes = [0; 8];
    source.read_exact(&mut bytes).map_err(|_| torn())?;
    Ok(bytes)
}

fn torn() -> StoreError {
    StoreError::Damaged("a file of rows is cut or altered".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back_and_torn_ones_are_refused() {
        let row = Row(vec![Value::Null, Value::Int(-7), "Prova".into(), vec![0_u8, 255].into()]);
        let mut encoded = Vec::new();
        encode(&row, &mut encoded).unwrap();
        assert_eq!(decode(&mut &encoded[..], 4), Ok(Some(row.0)));
        assert_eq!(decode(&mut &[][..], 4), Ok(None));
        for cut in 1..encoded.len() {
            assert!(decode(&mut &encoded[..cut], 4).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn the_sum_depends_on_rows_not_on_their_order() {
        let (mut one, mut two, mut three) = (Sum::default(), Sum::default(), Sum::default());
        for row in [b"a", b"b"] {
            one.add(row);
        }
        for row in [b"b", b"a"] {
            two.add(row);
        }
        for row in [b"b", b"b"] {
            three.add(row);
        }
        assert_eq!(one, two);
        assert_ne!(one, three);
    }
}
