//! The world failing: processes killed at any moment, databases that go away,
//! disks that fill up. Nothing acknowledged is lost, no number is skipped or
//! repeated, and work resumes by itself.
//!
//! The victims are this very program, started again with `TELAIO_VICTIM` set
//! to a folder (SQLite) or to the address of a PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::cluster::Cluster;
use common::{letter, prato, register_one};
use store::{Query, Store, StoreConfig, StoreError, TestClock, journal};

const VARIABLE: &str = "TELAIO_VICTIM";
/// Marks the lines by which a victim tells what was acknowledged.
const MARK: &str = "acknowledged ";

fn config(place: &str) -> StoreConfig {
    let clock = TestClock::default().clock();
    match place.split_once("=") {
        Some(_) => StoreConfig::postgres(place, std::env::temp_dir().join("telaio-victim-blobs"), clock),
        None => StoreConfig::sqlite(place, clock),
    }
}

/// Not a test by itself: the process that is killed. Registers with `TELAIO_CLIENTS` clients until it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victim() {
    let Ok(place) = std::env::var(VARIABLE) else {
        return;
    };
    let clients: u64 = std::env::var("TELAIO_CLIENTS").unwrap().parse().unwrap();
    let rounds: u64 = std::env::var("TELAIO_ROUNDS").unwrap().parse().unwrap();
    let store = Store::open(&config(&place)).unwrap();
    let seeds = Arc::new(AtomicU64::new(u64::from(std::process::id()) << 32));
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let (store, seeds) = (store.clone(), seeds.clone());
            tokio::spawn(async move {
                for _ in 0..rounds {
                    let seed = u128::from(seeds.fetch_add(1, Ordering::Relaxed));
                    let new = letter(&prato(), &format!("Lettera {seed}"));
                    match store.write(move |tx| register_one(tx, seed, &new)).await {
                        Ok(numbered) => println!("{MARK}{}", numbered.number),
                        Err(error) => return println!("refused {error}"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

fn start(command: &mut Command, place: &str, clients: u64, rounds: u64) -> Child {
    command
        .env(VARIABLE, place)
        .env("TELAIO_CLIENTS", clients.to_string())
        .env("TELAIO_ROUNDS", rounds.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn itself() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["victim", "--exact", "--nocapture"]);
    command
}

/// Lets the victim acknowledge about `enough` registrations, kills it, and reads the rest of what it said.
fn kill_after(mut child: Child, enough: usize) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        acknowledged.extend(number_in(&line));
        if acknowledged.len() == enough {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

/// The harness may print on the same line before the mark.
fn number_in(line: &str) -> Option<i64> {
    line.split_once(MARK).and_then(|(_, number)| number.trim().parse().ok())
}

/// Opens what the victims left: numbers 1..n, all that was acknowledged, a journal that holds.
async fn check(place: &str, acknowledged: &[i64]) -> i64 {
    let store = Store::open(&config(place)).unwrap();
    let rows =
        store.read(|reader| reader.rows("select number from registrations order by number", &[])).await;
    let numbers: Vec<i64> = rows.unwrap().iter().map(|row| row.int(0).unwrap()).collect();
    let highest = numbers.last().copied().unwrap_or(0);
    assert_eq!(numbers, (1..=highest).collect::<Vec<_>>(), "a number is missing or repeated");
    let lost: Vec<_> = acknowledged.iter().filter(|number| **number > highest).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    store.read(|reader| journal::verify_chain(reader, &prato())).await.unwrap();
    highest
}

#[tokio::test]
async fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let mut acknowledged = Vec::new();
    for enough in [1, 3, 17, 40, 64, 111, 2, 90] {
        acknowledged.extend(kill_after(start(&mut itself(), place, 8, 1_000_000), enough));
        let highest = check(place, &acknowledged).await;
        assert!(highest >= acknowledged.len() as i64);
    }
    acknowledged.sort_unstable();
    acknowledged.dedup();
    assert!(acknowledged.len() >= 328, "every number was acknowledged once");
}

/// A power cut may leave half a frame at the end of the log: it is recognised and dropped.
#[tokio::test]
async fn a_torn_end_of_the_log_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let acknowledged = kill_after(start(&mut itself(), place, 4, 1_000_000), 30);
    let log = folder.path().join("telaio.db-wal");
    let mut torn = std::fs::read(&log).unwrap();
    let half_a_frame = torn[32..2_000].to_vec();
    torn.extend(half_a_frame);
    std::fs::write(&log, torn).unwrap();
    assert!(check(place, &acknowledged).await >= 30);
}

#[tokio::test]
async fn a_killed_client_of_postgresql_loses_nothing_either() {
    let Some(cluster) = Cluster::start() else { return };
    let mut acknowledged = Vec::new();
    for enough in [1, 25, 80] {
        acknowledged.extend(kill_after(start(&mut itself(), &cluster.url(), 8, 1_000_000), enough));
        check(&cluster.url(), &acknowledged).await;
    }
}

#[tokio::test]
async fn a_database_that_goes_away_is_told_and_found_again() {
    let Some(cluster) = Cluster::start() else { return };
    let store = Store::open(&config(&cluster.url())).unwrap();
    let write = |seed: u128| {
        let new = letter(&prato(), "Lettera");
        store.write(move |tx| register_one(tx, seed, &new))
    };
    assert_eq!(write(1).await.unwrap().number, 1);
    cluster.stop_at_once();
    for seed in [2, 3] {
        let refused = write(seed).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    }
    let unread = store.read(|reader| reader.rows("select 1", &[])).await;
    assert!(unread.unwrap_err().is_passing());
    cluster.resume();
    assert_eq!(write(4).await.unwrap().number, 2, "no number was burnt");
    assert!(store.read(|reader| reader.rows("select 1", &[])).await.is_ok());
    assert_eq!(store.figures().lost, 2);
}

#[tokio::test]
async fn two_processes_share_a_postgresql_without_gaps() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.url();
    Store::open(&config(&url)).unwrap();
    let (one, two) = (start(&mut itself(), &url, 8, 20), start(&mut itself(), &url, 8, 20));
    let mut acknowledged = kill_after(one, usize::MAX);
    acknowledged.extend(kill_after(two, usize::MAX));
    acknowledged.sort_unstable();
    assert_eq!(acknowledged, (1..=320).collect::<Vec<_>>());
    assert_eq!(check(&url, &acknowledged).await, 320);
}

/// Not a fault but the same victim: with `sslmode=require` the line is encrypted and the server verified.
#[tokio::test]
async fn a_server_elsewhere_is_verified() {
    let Some(mut cluster) = Cluster::start() else { return };
    let Some(authority) = cluster.encrypt() else { return };
    let url = cluster.encrypted_url();
    let known = start(itself().env("SSL_CERT_FILE", &authority), &url, 1, 3);
    assert_eq!(kill_after(known, usize::MAX), [1, 2, 3]);
    let unknown = Store::open(&config(&url));
    assert!(matches!(unknown.err(), Some(StoreError::Unavailable(_))), "an unknown authority is refused");
}

/// The disk refuses to grow (a limit on the size of files stands for it): what was answered is there, the rest is told.
#[tokio::test]
async fn a_full_disk_refuses_and_keeps_what_it_answered() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    Store::open(&config(place)).unwrap();
    let wall = 700;
    let mut shell = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {wall}; exec \"$0\" victim --exact --nocapture");
    shell.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
    let mut child = start(&mut shell, place, 4, 100_000);
    let lines: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).collect();
    child.wait().unwrap();
    let acknowledged: Vec<i64> = lines.iter().filter_map(|line| number_in(line)).collect();
    assert!(lines.iter().any(|line| line.contains("refused ")), "the disk was never full");
    assert!(!acknowledged.is_empty());
    assert_eq!(check(place, &acknowledged).await, acknowledged.len() as i64);
}

/// Power loss is not kill -9: the system calls must show that no answer leaves before its flush.
#[tokio::test]
async fn no_answer_leaves_before_its_flush() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("data");
    let calls = folder.path().join("calls");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-s", "32", "-e", "trace=write,pwrite64,fdatasync,fsync", "-o"]).arg(&calls);
    traced.arg(std::env::current_exe().unwrap()).args(["victim", "--exact", "--nocapture"]);
    if !Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success())
    {
        println!("skipped: strace is absent or not allowed here");
        return;
    }
    let acknowledged = kill_after(start(&mut traced, place.to_str().unwrap(), 1, 20), usize::MAX);
    assert_eq!(acknowledged, (1..=20).collect::<Vec<_>>());
    assert_eq!(answers_after_flush(&calls), 20);
}

/// Counts the answers; fails at one with bytes written but not flushed, or with no flush since the answer before.
fn answers_after_flush(calls: &Path) -> usize {
    let (mut dirty, mut flushed, mut answers) = (false, false, 0);
    for line in std::fs::read_to_string(calls).unwrap().lines() {
        if line.contains("pwrite64(") {
            dirty = true;
        } else if line.contains("sync") && line.trim_end().ends_with("= 0") {
            (dirty, flushed) = (false, true);
        } else if line.contains("write(1") && line.contains(MARK.trim_end()) {
            assert!(!dirty && flushed, "answer {} left before its flush: {line}", answers + 1);
            (flushed, answers) = (false, answers + 1);
        }
    }
    answers
}
