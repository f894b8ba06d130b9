//! Rows R1–R4: a durable registration with a 20 kB document through the HTTP API of the release binary, against
//! the disk's own flushes, the bare engine in groups of the same size, and `pgbench`.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::load::{self, DOCUMENT, Run};
use super::server::Server;
use super::{ROUNDS, Row, Samples, store};
use crate::services::Folder;
use crate::services::postgres::{Postgres, programs};
use crate::{Failure, Outcome, shell};

/// How long one side of one round runs.
const SPAN: Duration = Duration::from_secs(3);
/// Bytes of the rows of a registration beside its document.
const RECORD: usize = 400;

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
    Row {
        name: "r1",
        title: "registration with 20 kB by the API, 1 client / append and flush",
        target: 0.7,
        stop: 0.4,
        run: one_client,
    },
    Row {
        name: "r2",
        title: "same, 64 clients / bare SQLite in equal groups",
        target: 0.35,
        stop: 0.2,
        run: || in_groups(64),
    },
    Row {
        name: "r3",
        title: "same, 64 clients, PostgreSQL / pgbench -N",
        target: 3.0,
        stop: 1.0,
        run: against_pgbench,
    },
    Row {
        name: "r4",
        title: "same, in bulk by the store itself / bare SQLite in equal groups",
        target: 0.35,
        stop: 0.2,
        run: || store::measure("r4"),
    },
    Row {
        name: "r1p",
        title: "as R1, PostgreSQL / append and flush",
        target: 0.7,
        stop: 0.4,
        run: one_client_postgres,
    },
];

fn one_client() -> Outcome<Samples> {
    one_client_on(&Server::sqlite()?)
}

fn one_client_postgres() -> Outcome<Samples> {
    let database = Postgres::start_durable()?;
    one_client_on(&Server::postgres(database.url())?)
}

fn one_client_on(server: &Server) -> Outcome<Samples> {
    let folder = Folder::make("appended")?;
    rounds(server, 1, |_| append_and_flush(folder.path()))
}

fn in_groups(clients: usize) -> Outcome<Samples> {
    let server = Server::sqlite()?;
    rounds(&server, clients, |run| store::bare(run.per_flush.round().max(1.0), SPAN))
}

fn against_pgbench() -> Outcome<Samples> {
    let database = Postgres::start_durable()?;
    let server = Server::postgres(database.url())?;
    let program = programs().map_or_else(|| "pgbench".into(), |folder| folder.join("pgbench"));
    shell::output(Command::new(&program).args(["-i", "-q", "-s", "10", database.url()]))?;
    rounds(&server, 64, |_| {
        let seconds = SPAN.as_secs().to_string();
        let mut pgbench = Command::new(&program);
        let text =
            shell::output(pgbench.args(["-N", "-c", "64", "-j", "2", "-T", &seconds, database.url()]))?;
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.ok_or_else(|| Failure::Broken(format!("pgbench said: {text}")))
    })
}

/// Ours and the peer in turn; what it cost us goes into the notes.
fn rounds(server: &Server, clients: usize, peer: impl Fn(&Run) -> Outcome<f64>) -> Outcome<Samples> {
    let clerks = server.clerks()?;
    settle(server)?;
    load::run(server, &clerks, clients, SPAN / 3)?;
    let mut samples = Samples {
        telaio: Vec::new(),
        peer: Vec::new(),
        unit: "/s",
        smaller_is_better: false,
        notes: Vec::new(),
    };
    for round in 1..=ROUNDS {
        let run = load::run(server, &clerks, clients, SPAN)?;
        samples.peer.push(peer(&run)?);
        samples.telaio.push(run.per_second);
        samples.notes.push(format!(
            "round {round}: {:.1} registrations per flush, {:.0} µs of processor each; p50 {:.1} ms, p99 {:.1} ms",
            run.per_flush,
            run.cpu,
            run.percentile(0.5),
            run.percentile(0.99)
        ));
    }
    Ok(samples)
}

/// Waits until what the start left to do (past days to close, letters of the demo) is done: nothing flushed for a
/// while, but for the one write by which the server tries, when it is asked for its figures, whether it still can.
fn settle(server: &Server) -> Outcome {
    const QUIET: Duration = Duration::from_secs(3);
    const PATIENCE: Duration = Duration::from_secs(120);
    let started = Instant::now();
    let mut before = server.flushes()?;
    loop {
        std::thread::sleep(QUIET);
        let now = server.flushes()?;
        if now <= before + 1.0 {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            return Err(Failure::Broken("the server does not come to rest".to_owned()));
        }
        before = now;
    }
}

/// Appends record and document and flushes, once per turn; turns per second.
fn append_and_flush(folder: &Path) -> Outcome<f64> {
    let measure = || -> std::io::Result<f64> {
        let path = folder.join("appended");
        let mut file = std::fs::File::create(&path)?;
        let (bytes, started, mut count) = (vec![b'x'; RECORD + DOCUMENT], Instant::now(), 0_u32);
        while started.elapsed() < SPAN {
            file.write_all(&bytes)?;
            file.sync_data()?;
            count += 1;
        }
        let rate = f64::from(count) / started.elapsed().as_secs_f64();
        std::fs::remove_file(path)?;
        Ok(rate)
    };
    measure().map_err(|error| Failure::Broken(format!("cannot measure the disk: {error}")))
}
