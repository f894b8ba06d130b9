//! The other sides: a bare file, a bare engine, `pgbench`. Each does what its
//! row of `docs/benchmarks.md` says and no less, with real flushes.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::Outcome;
use crate::workload::DOCUMENT;

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

/// The same bytes as rows of a bare SQLite, `group` per transaction; rows per second.
pub fn bare_sqlite(folder: &Path, group: usize, span: Duration) -> Outcome<f64> {
    let path = folder.join("bare.db");
    let connection = Connection::open(&path)?;
    connection.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000;
         create table if not exists bare (body integer, year integer, number integer, record text, bytes blob,
           primary key (body, year, number)) strict;
         delete from bare;",
    )?;
    let (record, bytes) = ("x".repeat(RECORD), vec![b'x'; DOCUMENT]);
    let (started, mut number) = (Instant::now(), 0_i64);
    while started.elapsed() < span {
        connection.execute_batch("begin immediate")?;
        let mut insert = connection.prepare_cached("insert into bare values (?1, 2026, ?2, ?3, ?4)")?;
        for _ in 0..group {
            number += 1;
            insert.execute(rusqlite::params![number % 18, number, record, bytes])?;
        }
        drop(insert);
        connection.execute_batch("commit")?;
    }
    Ok(number as f64 / started.elapsed().as_secs_f64())
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
