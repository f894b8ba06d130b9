//! SQLite: one file in WAL mode with a flush at every commit, one writing
//! connection, reading connections beside it, and a lock on the folder so
//! that two processes never write the same data.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OpenFlags};

use super::{EachRow, Engine};
use crate::error::Broken;
use crate::{Row, StoreError, Value};

const FILE: &str = "telaio.db";
const LOCK: &str = "telaio.lock";
/// More statements than the crate has, so that none is prepared twice.
const STATEMENTS: usize = 1024;
/// How long a connection waits for a checkpoint of another one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Held as long as the store is open; the system frees it when the process dies.
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(crate) fn take(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy(format!(
                "another process already uses the data folder {}",
                folder.display()
            ))),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

pub(crate) struct Sqlite {
    connection: Connection,
    /// The last failure of disk or file: it explains a transaction that vanished.
    reason: Option<StoreError>,
}

impl Sqlite {
    pub(crate) fn writer(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join(FILE), flags).map_err(explain)?;
        // FULL: the WAL is flushed at every commit, so an answer survives a power cut.
        // recursive_triggers: without it `insert or replace` deletes rows behind the triggers' back.
        connection
            .execute_batch(
                "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;
                 pragma recursive_triggers = on; pragma temp_store = memory;
                 pragma cache_size = -16000; pragma wal_autocheckpoint = 4000;
                 pragma journal_size_limit = 67108864;",
            )
            .map_err(explain)?;
        Ok(Self::ready(connection))
    }

    pub(crate) fn reader(folder: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join(FILE), flags).map_err(explain)?;
        connection
            .execute_batch("pragma query_only = on; pragma temp_store = memory; pragma cache_size = -8000;")
            .map_err(explain)?;
        Ok(Self::ready(connection))
    }

    fn ready(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Cannot fail: they only set a number on an open connection. A plan that does not look at the values is made
        // once; otherwise a statement with a range is compiled again at every use.
        let _ = connection.busy_timeout(PATIENCE);
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
        Self { connection, reason: None }
    }

    fn noted<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error @ (StoreError::DiskFull(_) | StoreError::Io(_) | StoreError::Damaged(_))) = &result {
            self.reason = Some(error.clone());
        }
        result
    }

    fn walk(&self, sql: &str, params: &[Value], each: &mut EachRow<'_>) -> Result<(), StoreError> {
        let mut statement = self.bound(sql, params)?;
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(explain)? {
            let mut values = Vec::with_capacity(width);
            for column in 0..width {
                values.push(read(row.get_ref(column).map_err(explain)?)?);
            }
            each(Row(values))?;
        }
        Ok(())
    }

    fn carry_out(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.bound(sql, params)?;
        Ok(statement.raw_execute().map_err(explain)? as u64)
    }

    fn bound(&self, sql: &str, params: &[Value]) -> Result<CachedStatement<'_>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(explain)?;
        for index in 1..=statement.parameter_count() {
            // `$n` is a *name* to SQLite, numbered by first appearance: bind by the digits, not by the index.
            let wanted = statement
                .parameter_name(index)
                .and_then(|name| name.strip_prefix('$'))
                .and_then(|digits| digits.parse::<usize>().ok())
                .ok_or_else(|| StoreError::Shape(format!("a parameter is not $n in: {sql}")))?;
            let value = params
                .get(wanted.wrapping_sub(1))
                .ok_or_else(|| StoreError::Shape(format!("no value for ${wanted} in: {sql}")))?;
            statement.raw_bind_parameter(index, Bound(value)).map_err(explain)?;
        }
        Ok(statement)
    }

    fn quick(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.execute(sql, &[]).map(drop)
    }
}

impl Engine for Sqlite {
    fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut answer = Vec::new();
        self.walk(sql, params, &mut |row| {
            answer.push(row);
            Ok(())
        })?;
        Ok(answer)
    }

    fn scan(&mut self, sql: &str, each: &mut EachRow<'_>) -> Result<(), StoreError> {
        self.walk(sql, &[], each)
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let result = self.carry_out(sql, params);
        self.noted(result)
    }

    fn put(&mut self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        self.execute(sql, params).map(drop)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(explain)
    }

    fn defer_references(&mut self) -> Result<(), StoreError> {
        self.script("pragma defer_foreign_keys = on")
    }

    /// The commit itself checks what is still deferred.
    fn check_references(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>, StoreError> {
        const COLUMNS: &str = "select name from pragma_table_xinfo($1) where hidden = 0 order by cid";
        let rows = self.rows(COLUMNS, &[table.into()])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    #[cfg(test)]
    fn prepare(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.prepare(sql).map(drop).map_err(explain)
    }

    fn begin_write(&mut self) -> Result<(), StoreError> {
        self.quick("begin immediate")
    }

    fn begin_read(&mut self) -> Result<(), StoreError> {
        self.quick("begin")
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.quick("commit")
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.quick("rollback")
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.quick("savepoint one")
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.quick("release one")
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.quick("rollback to one")?;
        self.quick("release one")
    }

    fn fold_search(&mut self) -> Result<(), StoreError> {
        self.quick(
            "insert into search_index (rowid, scope, words) \
             select d.id, d.scope, d.words from search_unfolded u join search_docs d on d.id = u.id",
        )?;
        self.quick("delete from search_unfolded")
    }

    /// A full disk or a failing one makes SQLite undo the whole transaction by itself.
    fn lost(&self) -> Option<StoreError> {
        self.connection.is_autocommit().then(|| {
            let reason = self.reason.clone();
            reason.unwrap_or_else(|| StoreError::Io("the transaction was undone".into()))
        })
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        self.reason = None;
        self.rollback()
    }

    fn is_postgres(&self) -> bool {
        false
    }
}

/// Lends a value to SQLite without copying it.
struct Bound<'a>(&'a Value);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

fn read(value: ValueRef<'_>) -> Result<Value, StoreError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(_) => return Err(StoreError::Shape("a column with decimals".into())),
        ValueRef::Text(value) => Value::Text(
            String::from_utf8(value.to_vec())
                .map_err(|_| StoreError::Damaged("a text that is not UTF-8".into()))?,
        ),
        ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
    })
}

/// Triggers that refuse changes; with no columns, every update is refused; when `lasting`, every deletion too.
pub(crate) fn protect(table: &str, columns: &[&str], lasting: bool) -> String {
    let (of, when) = if columns.is_empty() {
        (String::new(), String::new())
    } else {
        let changed: Vec<String> =
            columns.iter().map(|column| format!("old.{column} is not new.{column}")).collect();
        (format!(" of {}", columns.join(", ")), format!(" when {}", changed.join(" or ")))
    };
    let mut script = format!(
        "create trigger {table}_unchanging before update{of} on {table}{when}\n\
         begin select raise(abort, 'telaio: immutable {table}'); end;\n"
    );
    if lasting {
        script.push_str(&format!(
            "create trigger {table}_lasting before delete on {table}\n\
             begin select raise(abort, 'telaio: immutable {table}'); end;\n"
        ));
    }
    script
}

/// Words are quoted because `and`, `or`, `not` and `near` mean something to FTS5.
pub(crate) fn full_text(tokens: &[String], words: &[String], unfinished: bool) -> (&'static str, String) {
    const FIND: &str = "select d.object, d.id from search_index i join search_docs d on d.id = i.rowid \
        where search_index match $1 and i.rowid < $2 order by i.rowid desc limit $3";
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let star = if unfinished { " *" } else { "" };
    let expression =
        format!("scope : ({}) AND words : ({}{star})", tokens.join(" OR "), quoted.join(" AND "));
    (FIND, expression)
}

fn explain(error: rusqlite::Error) -> StoreError {
    let (code, message) = match &error {
        rusqlite::Error::SqliteFailure(code, message) => (*code, message.clone().unwrap_or_default()),
        rusqlite::Error::SqlInputError { error, msg, sql, .. } => (*error, format!("{msg} in: {sql}")),
        other => return StoreError::Shape(other.to_string()),
    };
    match code.code {
        ErrorCode::DiskFull => StoreError::DiskFull("the database cannot grow".into()),
        // The index of the log is a file too: that it cannot grow is told as a failure of input and output.
        _ if code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => {
            StoreError::DiskFull("the index of the log cannot grow".into())
        }
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly => {
            StoreError::Io(format!("SQLite error {}: {message}", code.extended_code))
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            StoreError::Busy("the database is locked".into())
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            StoreError::Damaged("the database file".into())
        }
        ErrorCode::ConstraintViolation => constraint(code.extended_code, message),
        _ => StoreError::Shape(message),
    }
}

fn constraint(extended: i32, message: String) -> StoreError {
    use rusqlite::ffi;
    if let Some(what) = message.strip_prefix("telaio: immutable ") {
        return StoreError::Immutable(what.to_owned());
    }
    let broken = match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Broken::Unique
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Broken::Reference,
        ffi::SQLITE_CONSTRAINT_NOTNULL => Broken::Missing,
        _ => Broken::Check,
    };
    StoreError::Constraint { broken, what: message }
}
