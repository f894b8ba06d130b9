//! The other sides: a bare file, a bare engine, `pgbench`. Each does what its
//! row of `docs/benchmarks.md` says and no less, with real flushes.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::Outcome;
use crate::workload::{DOCUMENT, clock};

/// Bytes of the row of a registration beside its document.
const RECORD: usize = 400;

/// Appends record and document and flushes, once per turn; turns per second.
pub fn append_and_flush(folder: &Path, span: Duration) -> Outcome<f64> {
    let path = folder.join("appended");
    let mut file = std::fs::File::create(&path)?;
    let bytes = vec![b'x'; RECORD + DOCUMENT];
    let (started, mut count) = (Instant::now(), 0_u32);
    while started.elapsed() < span {
        file.write_all(&bytes)?;
        file.sync_data()?;
        count += 1;
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}

/// What a registration is, without its proof, its audit and its search words: number, bytes, document, entry,
/// correspondent and file.
const ROWS: [&str; 6] = [
    "insert into counters (body, aoo, register, year, last, last_at) values (?1, 'A1B2C3D', 'RG', 2026, ?2, ?2)
       on conflict (body, aoo, register, year) do update set last = excluded.last, last_at = excluded.last_at",
    "insert into blobs (body, sha256, size, key_id, wrapped, created_at, bytes)
       values (?1, ?3, 20000, 'bare', zeroblob(60), ?2, ?4)",
    "insert into documents (id, body, sha256, size, media_type, name, created_at, created_by)
       values ('doc_' || ?5, ?1, ?3, 20000, 'application/pdf', 'documento.pdf', ?2, 'acc_bare')",
    "insert into registrations (id, body, aoo, register, year, number, registered_at, registered_by, direction,
       subject, confidential, imported, classification) values ('reg_' || ?5, ?1, 'A1B2C3D', 'RG', 2026, ?2, ?2,
       'acc_bare', 'incoming', 'richiesta permesso suolo pratica', 0, 0, 'VI.3')",
    "insert into correspondents (registration_id, version, position, kind, name)
       values ('reg_' || ?5, 0, 0, 'person', 'Prova Numero')",
    "insert into registration_files (registration_id, position, document_id) values ('reg_' || ?5, 0, 'doc_' || ?5)",
];

/// The same rows and bytes in the same tables, with their keys and indexes, of a bare SQLite: `group` registrations
/// per transaction, each flushed; registrations per second. Ids and fingerprints are ready, nothing is hashed.
pub fn bare_sqlite(folder: &Path, group: usize, span: Duration) -> Outcome<f64> {
    let folder = folder.join("bare");
    drop(store::Store::open(&store::StoreConfig::sqlite(&folder, clock()))?);
    let connection = Connection::open(folder.join("telaio.db"))?;
    connection.execute_batch(
        "pragma synchronous = full; pragma wal_autocheckpoint = 4000; pragma cache_size = -32000;
         insert into body_keys (id, body, master, wrapped, created_at)
           values ('bare', 'bare', 'bare', zeroblob(60), 0) on conflict do nothing;",
    )?;
    connection.set_prepared_statement_cache_capacity(32);
    let bytes = vec![b'x'; DOCUMENT];
    let mut number: i64 = connection.query_row("select count(*) from registrations", [], |row| row.get(0))?;
    let (started, first) = (Instant::now(), number);
    while started.elapsed() < span {
        connection.execute_batch("begin immediate")?;
        for _ in 0..group {
            number += 1;
            one_bare(&connection, number, &bytes)?;
        }
        connection.execute_batch("commit")?;
    }
    Ok((number - first) as f64 / started.elapsed().as_secs_f64())
}

fn one_bare(connection: &Connection, number: i64, bytes: &[u8]) -> Outcome<()> {
    let (body, id) = (format!("demo_{}", number % 18), format!("{number:032x}"));
    // As spread as a fingerprint.
    let print = format!("{:016x}{number:048x}", (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for sql in ROWS {
        let mut statement = connection.prepare_cached(sql)?;
        let all: [&dyn rusqlite::ToSql; 5] = [&body, &number, &print, &bytes, &id];
        for place in 1..=statement.parameter_count() {
            // A statement may use ?5 and not ?4: each is bound by its number.
            statement.raw_bind_parameter(place, all[place - 1])?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

/// Makes the tables of `pgbench`, scale 10.
pub fn prepare_pgbench(url: &str) -> Outcome<()> {
    let made = Command::new("pgbench").args(["-i", "-q", "-s", "10", url]).output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
    }
    Ok(())
}

/// `pgbench -N` with 64 clients; transactions per second.
pub fn pgbench(url: &str, span: Duration) -> Outcome<f64> {
    let seconds = span.as_secs().max(2).to_string();
    let ran = Command::new("pgbench").args(["-N", "-c", "64", "-j", "2", "-T", &seconds, url]).output()?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| format!("pgbench said: {text}{}", String::from_utf8_lossy(&ran.stderr)).into())
}

/// The bare full-text query on the same index, without anybody's permission; milliseconds each.
pub fn bare_search(database: &Path, words: &[String]) -> Outcome<f64> {
    let connection = Connection::open(database)?;
    let mut find = connection
        .prepare("select rowid from search_index where search_index match ?1 order by rowid desc limit 20")?;
    let started = Instant::now();
    let mut hits = 0;
    for word in words {
        let mut rows = find.query([format!("words : (\"{word}\")")])?;
        while rows.next()?.is_some() {
            hits += 1;
        }
    }
    let took = started.elapsed().as_secs_f64() * 1_000.0 / words.len() as f64;
    if hits == 0 { Err("the bare query found nothing".into()) } else { Ok(took) }
}
