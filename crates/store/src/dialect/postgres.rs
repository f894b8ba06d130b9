//! PostgreSQL: one connection per engine, driven by a small runtime of its own
//! on the thread that uses it, so that no statement crosses a thread. Deferred
//! statements are sent together with the next one that waits.
//!
//! Several processes may share a schema: a group of writes begins by taking an
//! advisory lock, so groups follow each other and can never lock two counters
//! in opposite order; the lock dies with its transaction or its connection.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut};
use tokio_postgres::{Client, NoTls, Socket, Statement};

use super::tls::Verified;
use super::{EachRow, Engine};
use crate::error::Broken;
use crate::{Row, StoreError, Value};

/// Statements sent before the answers are read; `join_all` polls in order up to 30.
const IN_FLIGHT: usize = 24;
/// Statements that may wait before they are sent in any case: bounds the memory of a bulk load.
const WAITING: usize = 240;
/// How long to wait for a connection before telling the callers that the database is away.
const CONNECT: Duration = Duration::from_secs(5);
/// A silent peer is declared gone after this.
const SILENCE: Duration = Duration::from_secs(20);

const BEGIN: &str = "begin";
const LOCK: &str = "select pg_advisory_xact_lock(hashtext('telaio writer'), hashtext(current_schema()))";

/// Prepared when the connection opens: a transaction that failed accepts no new statement.
const CONTROLS: [&str; 7] = [BEGIN, SNAPSHOT, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, UNDO];
const SNAPSHOT: &str = "begin isolation level repeatable read read only";
const COMMIT: &str = "commit";
const ROLLBACK: &str = "rollback";
const SAVEPOINT: &str = "savepoint one";
const RELEASE: &str = "release savepoint one";
const UNDO: &str = "rollback to savepoint one";

/// A statement that waits to travel with the next one.
struct Deferred {
    sql: Arc<str>,
    statement: Statement,
    params: Vec<Value>,
}

pub(crate) struct Postgres {
    runtime: Option<Runtime>,
    client: Client,
    statements: HashMap<Arc<str>, Statement>,
    deferred: Vec<Deferred>,
    url: String,
    schema: String,
    writes: bool,
    gone: bool,
}

impl Postgres {
    pub(crate) fn connect(url: &str, schema: &str, writes: bool) -> Result<Self, StoreError> {
        if schema.is_empty() || !schema.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(StoreError::Shape(format!("not a name of a schema: {schema}")));
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = runtime.block_on(open(url, schema, writes))?;
        let mut engine = Self {
            runtime: Some(runtime),
            client,
            statements: HashMap::new(),
            deferred: Vec::new(),
            url: url.to_owned(),
            schema: schema.to_owned(),
            writes,
            gone: false,
        };
        engine.prepare_controls()?;
        Ok(engine)
    }

    fn prepare_controls(&mut self) -> Result<(), StoreError> {
        for sql in CONTROLS {
            self.statement(sql)?;
        }
        Ok(())
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("the runtime is taken only when the connection is dropped")
    }

    fn statement(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let prepared = self.runtime().block_on(self.client.prepare(sql));
        let statement = self.checked(prepared, sql)?;
        self.statements.insert(sql.into(), statement.clone());
        Ok(statement)
    }

    /// Notes a lost connection, so that the writer knows its group cannot go on.
    fn checked<T>(&mut self, result: Result<T, tokio_postgres::Error>, sql: &str) -> Result<T, StoreError> {
        result.map_err(|error| {
            let error = explain(&error, sql);
            if matches!(error, StoreError::Unavailable(_)) {
                self.gone = true;
            }
            error
        })
    }

    /// Sends what was deferred and reads the answers; the first failure counts.
    fn flush_deferred(&mut self) -> Result<(), StoreError> {
        let deferred = std::mem::take(&mut self.deferred);
        for chunk in deferred.chunks(IN_FLIGHT) {
            let results = self.runtime().block_on(join_all(
                chunk.iter().map(|one| self.client.execute_raw(&one.statement, &one.params)),
            ));
            for (result, one) in results.into_iter().zip(chunk) {
                self.checked(result, &one.sql)?;
            }
        }
        Ok(())
    }

    fn defer(&mut self, sql: &str) -> Result<(), StoreError> {
        self.put(sql, &[])
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A runtime may not be dropped where waiting is forbidden (inside another runtime).
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn open(url: &str, schema: &str, writes: bool) -> Result<Client, StoreError> {
    let mut config: tokio_postgres::Config = url
        .parse()
        .map_err(|_| StoreError::Unavailable("the address of the database is not valid".into()))?;
    config.connect_timeout(CONNECT).tcp_user_timeout(SILENCE).application_name("telaio");
    let client = if config.get_ssl_mode() == SslMode::Require {
        drive(&config, Verified::new()?).await?
    } else {
        // `prefer`, the default of addresses, would promise a secrecy that nobody checked.
        config.ssl_mode(SslMode::Disable);
        drive(&config, NoTls).await?
    };
    let create = if writes { format!("create schema if not exists {schema}; ") } else { String::new() };
    let mode = if writes { "off" } else { "on" };
    client
        .batch_execute(&format!(
            "set client_min_messages to warning; {create}set search_path to {schema}; set timezone to 'UTC'; \
             set default_transaction_read_only to {mode}"
        ))
        .await
        .map_err(|error| explain(&error, "prepare the session"))?;
    Ok(client)
}

/// Connects and leaves the connection to a task of this thread's runtime.
async fn drive<T>(config: &tokio_postgres::Config, tls: T) -> Result<Client, StoreError>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = tokio::time::timeout(CONNECT, config.connect(tls))
        .await
        .map_err(|_| StoreError::Unavailable("no answer in time".into()))?
        .map_err(|error| explain(&error, "connect"))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "the connection to PostgreSQL ended");
        }
    });
    Ok(client)
}

impl Engine for Postgres {
    fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let statement = self.statement(sql)?;
        self.flush_deferred()?;
        let list: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let result = if list.len() == statement.params().len() {
            self.runtime().block_on(self.client.query(&statement, &list))
        } else {
            return Err(StoreError::Shape(format!("wrong number of values for: {sql}")));
        };
        self.checked(result, sql)?.iter().map(read).collect()
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let statement = self.statement(sql)?;
        if params.len() != statement.params().len() {
            return Err(StoreError::Shape(format!("wrong number of values for: {sql}")));
        }
        self.flush_deferred()?;
        let result = self.runtime().block_on(self.client.execute_raw(&statement, params));
        self.checked(result, sql)
    }

    fn put(&mut self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        let statement = self.statement(sql)?;
        if params.len() != statement.params().len() {
            return Err(StoreError::Shape(format!("wrong number of values for: {sql}")));
        }
        self.deferred.push(Deferred { sql: sql.into(), statement, params: params.to_vec() });
        if self.deferred.len() >= WAITING {
            return self.flush_deferred();
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.flush_deferred()
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.flush_deferred()?;
        let result = self.runtime().block_on(self.client.batch_execute(sql));
        self.checked(result, "a script")
    }

    /// By a cursor, some hundred rows at a time.
    fn scan(&mut self, sql: &str, each: &mut EachRow<'_>) -> Result<(), StoreError> {
        self.script(&format!("declare walk no scroll cursor for {sql}"))?;
        loop {
            let rows = self.runtime().block_on(self.client.query("fetch forward 500 from walk", &[]));
            let rows = self.checked(rows, sql)?;
            if rows.is_empty() {
                return self.script("close walk");
            }
            for row in &rows {
                each(read(row)?)?;
            }
        }
    }

    fn defer_references(&mut self) -> Result<(), StoreError> {
        self.script(&alter_references("deferrable initially deferred"))
    }

    fn check_references(&mut self) -> Result<(), StoreError> {
        self.script("set constraints all immediate")?;
        self.script(&alter_references("not deferrable"))
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>, StoreError> {
        const COLUMNS: &str = "select cast(column_name as text) from information_schema.columns \
            where table_schema = current_schema() and cast(table_name as text) = $1 and is_generated = 'NEVER' \
            order by ordinal_position";
        let rows = self.rows(COLUMNS, &[table.into()])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    #[cfg(test)]
    fn prepare(&mut self, sql: &str) -> Result<(), StoreError> {
        let result = self.runtime().block_on(self.client.prepare(sql));
        self.checked(result, sql).map(drop)
    }

    fn begin_write(&mut self) -> Result<(), StoreError> {
        self.defer(BEGIN)?;
        self.defer(LOCK)
    }

    fn begin_read(&mut self) -> Result<(), StoreError> {
        self.defer(SNAPSHOT)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.execute(COMMIT, &[]).map(drop)
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.deferred.clear();
        self.execute(ROLLBACK, &[]).map(drop)
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.defer(SAVEPOINT)
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.defer(RELEASE)?;
        self.flush_deferred()
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        let unsent = self.deferred.iter().rposition(|one| &*one.sql == SAVEPOINT);
        if let Some(position) = unsent {
            self.deferred.truncate(position);
            return Ok(());
        }
        self.deferred.clear();
        self.defer(UNDO)?;
        self.defer(RELEASE)?;
        self.flush_deferred()
    }

    /// Its own index keeps such a list by itself.
    fn fold_search(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn lost(&self) -> Option<StoreError> {
        (self.gone || self.client.is_closed())
            .then(|| StoreError::Unavailable("the connection was lost".into()))
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        self.deferred.clear();
        if self.lost().is_none() && self.rollback().is_ok() {
            return Ok(());
        }
        self.client = self.runtime().block_on(open(&self.url, &self.schema, self.writes))?;
        self.statements.clear();
        self.gone = false;
        self.prepare_controls()
    }

    fn is_postgres(&self) -> bool {
        true
    }
}

/// Changes when the foreign keys of the schema are checked.
fn alter_references(when: &str) -> String {
    format!(
        "do $$ declare one record; begin \
         for one in select conrelid::regclass as t, conname as c from pg_constraint \
           where contype = 'f' and connamespace = current_schema()::regnamespace loop \
           execute format('alter table %s alter constraint %I {when}', one.t, one.c); \
         end loop; end $$"
    )
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(value), &Type::INT8) => value.to_sql(kind, out),
            (Self::Int(value), &Type::INT4) => i32::try_from(*value)?.to_sql(kind, out),
            (Self::Text(value), &Type::TEXT | &Type::VARCHAR) => value.to_sql(kind, out),
            (Self::Bytes(value), &Type::BYTEA) => value.to_sql(kind, out),
            _ => Err(format!("the statement wants {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

fn read(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let value = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index).map(Value::from),
            Type::INT4 => row.try_get::<_, Option<i32>>(index).map(Value::from),
            Type::BOOL => row.try_get::<_, Option<bool>>(index).map(Value::from),
            Type::TEXT | Type::VARCHAR | Type::NAME => {
                row.try_get::<_, Option<String>>(index).map(Value::from)
            }
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(index).map(Value::from),
            // What a function called only for its effect answers.
            Type::VOID => Ok(Value::Null),
            ref other => {
                return Err(StoreError::Shape(format!(
                    "column {} is {other}: cast it to bigint or text",
                    column.name()
                )));
            }
        };
        values.push(value.map_err(|error| StoreError::Shape(error.to_string()))?);
    }
    Ok(Row(values))
}

/// Triggers that refuse changes; with no columns, every update is refused; when `lasting`, every deletion too.
pub(crate) fn protect(table: &str, columns: &[&str], lasting: bool) -> String {
    let (of, when) = if columns.is_empty() {
        (String::new(), String::new())
    } else {
        let changed: Vec<String> =
            columns.iter().map(|column| format!("old.{column} is distinct from new.{column}")).collect();
        (format!(" of {}", columns.join(", ")), format!(" when ({})", changed.join(" or ")))
    };
    let mut script = format!(
        "create or replace function telaio_refuse() returns trigger language plpgsql as \
         $$ begin raise exception 'telaio: immutable %', tg_table_name; end $$;\n\
         create trigger {table}_unchanging before update{of} on {table} for each row{when} \
         execute function telaio_refuse();\n"
    );
    if lasting {
        script.push_str(&format!(
            "create trigger {table}_lasting before delete on {table} for each row execute function telaio_refuse();\n\
             create trigger {table}_whole before truncate on {table} for each statement execute function telaio_refuse();\n"
        ));
    }
    script
}

pub(crate) fn full_text(tokens: &[String], words: &[String], unfinished: bool) -> (&'static str, String) {
    const FIND: &str = "select object, id from search_docs \
        where lexemes @@ cast(cast($1 as text) as tsquery) and id < $2 order by id desc limit $3";
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let star = if unfinished { ":*" } else { "" };
    let expression = format!("({}) & {}{star}", tokens.join(" | "), quoted.join(" & "));
    (FIND, expression)
}

fn explain(error: &tokio_postgres::Error, sql: &str) -> StoreError {
    let Some(server) = error.as_db_error() else {
        // Without an answer of the server: either the line is broken or a value did not fit its column.
        let text = error.to_string();
        return if text.contains("serializing parameter") || text.contains("deserializing") {
            StoreError::Shape(format!("{text} in: {sql}"))
        } else {
            StoreError::Unavailable(text)
        };
    };
    let what = || server.constraint().or(server.column()).unwrap_or("").to_owned();
    let constraint = |broken| StoreError::Constraint { broken, what: what() };
    match server.code().code() {
        "23505" => constraint(Broken::Unique),
        "23503" => constraint(Broken::Reference),
        "23514" => constraint(Broken::Check),
        "23502" => constraint(Broken::Missing),
        "P0001" => match server.message().strip_prefix("telaio: immutable ") {
            Some(table) => StoreError::Immutable(table.to_owned()),
            None => StoreError::Shape(server.message().to_owned()),
        },
        "53100" => StoreError::DiskFull("the database cannot grow".into()),
        code if code.starts_with("58") => StoreError::Io("PostgreSQL reports a failing disk".into()),
        code if code.starts_with("XX00") && code != "XX000" => {
            StoreError::Damaged("PostgreSQL reports damaged data".into())
        }
        "40001" | "40P01" | "55P03" | "57014" => StoreError::Busy("another process holds the rows".into()),
        // Shutting down, starting up, too many connections, no memory, connection exceptions, a server that only reads.
        code if ["57P", "08", "53"].iter().any(|class| code.starts_with(class)) || code == "25006" => {
            StoreError::Unavailable(server.message().to_owned())
        }
        code => StoreError::Shape(format!("{code} {} in: {sql}", server.message())),
    }
}
