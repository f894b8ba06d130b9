//! The only place that knows SQLite from PostgreSQL. Everything above speaks
//! to an [`Engine`]: one connection that carries out statements with `$n`
//! parameters, with transactions and savepoints.
//!
//! Two engines and no more; this trait is not a door for a third.

mod postgres;
mod sqlite;
mod tls;

use crate::config::Database;
use crate::{Row, StoreError, Value};

pub(crate) use sqlite::FolderLock;

/// What [`Engine::scan`] does with each row.
pub(crate) type EachRow<'a> = dyn FnMut(Row) -> Result<(), StoreError> + 'a;

/// One connection. `put` may be deferred until the next call that waits.
pub(crate) trait Engine: Send {
    fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError>;
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError>;
    fn put(&mut self, sql: &str, params: &[Value]) -> Result<(), StoreError>;
    /// Hands every row that answers `sql` to `each`, without keeping them all in memory.
    fn scan(&mut self, sql: &str, each: &mut EachRow<'_>) -> Result<(), StoreError>;
    /// Waits for everything deferred.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Carries out a script of several statements.
    fn script(&mut self, sql: &str) -> Result<(), StoreError>;
    /// Only asks the engine whether it understands `sql`.
    /// Until the end of the transaction rows may point to rows that come later.
    fn defer_references(&mut self) -> Result<(), StoreError>;
    /// Checks what was deferred, and from now on checks at once again.
    fn check_references(&mut self) -> Result<(), StoreError>;
    /// The columns of a table that are written (not computed), in order; none when it does not exist.
    fn columns(&mut self, table: &str) -> Result<Vec<String>, StoreError>;
    #[cfg(test)]
    fn prepare(&mut self, sql: &str) -> Result<(), StoreError>;

    /// Opens the transaction of a group of writes; no other process writes until it ends.
    fn begin_write(&mut self) -> Result<(), StoreError>;
    /// Opens a snapshot.
    fn begin_read(&mut self) -> Result<(), StoreError>;
    /// Returns after the flush.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Undoes the whole open transaction, if there is one.
    fn rollback(&mut self) -> Result<(), StoreError>;
    /// Marks the point to which one closure may be undone.
    fn savepoint(&mut self) -> Result<(), StoreError>;
    /// Keeps what was written since the savepoint; waits for what was deferred.
    fn release(&mut self) -> Result<(), StoreError>;
    /// Undoes what was written since the savepoint.
    fn undo(&mut self) -> Result<(), StoreError>;

    /// Lets the full text index take in the rows that it has not taken in yet (see `search.rs`).
    fn fold_search(&mut self) -> Result<(), StoreError>;

    /// Why the connection or its transaction is gone and the group cannot go on, if so.
    fn lost(&self) -> Option<StoreError>;
    /// Makes the connection usable again after a failure.
    fn recover(&mut self) -> Result<(), StoreError>;
    fn is_postgres(&self) -> bool;
}

/// A connection that may write.
pub(crate) fn writer(database: &Database) -> Result<Box<dyn Engine>, StoreError> {
    Ok(match database {
        Database::Sqlite { folder } => Box::new(sqlite::Sqlite::writer(folder)?),
        Database::Postgres { url, schema } => Box::new(postgres::Postgres::connect(url, schema, true)?),
    })
}

/// A connection that only reads.
pub(crate) fn reader(database: &Database) -> Result<Box<dyn Engine>, StoreError> {
    Ok(match database {
        Database::Sqlite { folder } => Box::new(sqlite::Sqlite::reader(folder)?),
        Database::Postgres { url, schema } => Box::new(postgres::Postgres::connect(url, schema, false)?),
    })
}

/// The statement and the expression that find rows bearing one of `tokens` and
/// all of `words` (the last one as a beginning, when `unfinished`), newest
/// first: parameters are the expression, the place to start before, the limit.
/// Tokens and words are letters and digits only, so nothing needs quoting.
pub(crate) fn full_text(
    postgres: bool,
    tokens: &[String],
    words: &[String],
    unfinished: bool,
) -> (&'static str, String) {
    if postgres {
        postgres::full_text(tokens, words, unfinished)
    } else {
        sqlite::full_text(tokens, words, unfinished)
    }
}

/// Rewrites the common text of a migration for one engine: the names of the
/// types (`STRICT` tables of SQLite know neither `bigint` nor `bytea`) and the
/// directives that protect tables.
///
/// - `--! append-only TABLE` : rows are never changed nor deleted;
/// - `--! immutable TABLE: a, b` : these columns never change, rows are never deleted;
/// - `--! unchanging TABLE: a, b` : these columns never change, rows may be deleted.
///
/// A table ends with a line that begins with `);`, which is how the strict ones are marked.
pub(crate) fn render(sql: &str, postgres: bool) -> Result<String, StoreError> {
    let mut script = String::with_capacity(sql.len() * 2);
    for line in sql.lines() {
        if let Some(directive) = line.trim().strip_prefix("--!") {
            script.push_str(&protection(directive.trim(), postgres)?);
        } else if postgres || line.trim_start().starts_with("--") {
            script.push_str(line);
        } else if line.starts_with(");") {
            script.push_str(") strict;");
        } else {
            script.push_str(&sqlite_types(line));
        }
        script.push('\n');
    }
    Ok(script)
}

/// `bigint` → `integer`, `bytea` → `blob`, as whole words.
fn sqlite_types(line: &str) -> String {
    line.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .map(|piece| {
            let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            match word {
                "bigint" => piece.replacen("bigint", "integer", 1),
                "bytea" => piece.replacen("bytea", "blob", 1),
                _ => piece.to_owned(),
            }
        })
        .collect()
}

fn protection(directive: &str, postgres: bool) -> Result<String, StoreError> {
    let unclear = || StoreError::Migration(format!("unclear directive: --! {directive}"));
    let (kind, rest) = directive.split_once(' ').ok_or_else(unclear)?;
    let (table, columns) = match kind {
        "append-only" => (rest.trim(), Vec::new()),
        "immutable" | "unchanging" => {
            let (table, columns) = rest.split_once(':').ok_or_else(unclear)?;
            (table.trim(), columns.split(',').map(str::trim).collect())
        }
        _ => return Err(unclear()),
    };
    let lasting = kind != "unchanging";
    let protect = if postgres { postgres::protect } else { sqlite::protect };
    Ok(protect(table, &columns, lasting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_rewritten_as_whole_words() {
        let sql = "create table t (\n  n bigint not null, bigint_name text, b bytea\n);";
        let sqlite = render(sql, false).unwrap();
        assert!(sqlite.contains("n integer not null, bigint_name text, b blob"), "{sqlite}");
        assert!(sqlite.trim_end().ends_with(") strict;"), "{sqlite}");
        assert_eq!(render(sql, true).unwrap().trim_end(), sql);
    }

    #[test]
    fn unknown_directives_are_refused() {
        assert!(render("--! forever t", true).is_err());
        assert!(render("--! immutable t", false).is_err());
    }
}
