//! Rows about the process as a whole: restart after a kill under load, memory at rest, start to the first page, and
//! what it costs to do nothing. All on the province of the demo, in production mode, on SQLite.

use std::process::Command;
use std::time::Duration;

use super::server::Server;
use super::stack::{self, Stack};
use super::{ROUNDS, Row, Samples, load};
use crate::services::postgres::{Postgres, programs};
use crate::{Failure, Outcome, shell};

/// How long both sides are loaded before they are killed.
const LOAD: Duration = Duration::from_secs(4);
/// How long doing nothing is watched, in each round.
const IDLE: Duration = Duration::from_secs(12);
/// After the start there is work to settle before rest is rest.
const SETTLE: Duration = Duration::from_secs(5);
/// Bytes of a megabyte.
const MEGABYTE: f64 = 1_000_000.0;

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
    Row {
        name: "r22",
        title: "PostgreSQL restart after the same kill / first page after kill -9 under load",
        target: 1.0,
        stop: 1.0 / 3.0,
        run: restart,
    },
    Row {
        name: "r24",
        title: "memory of PostgreSQL + Redis + gunicorn with an empty Django / ours, at rest",
        target: 10.0,
        stop: 4.0,
        run: memory,
    },
    Row {
        name: "r25",
        title: "that stack's start to its first page / ours, data already there",
        target: 20.0,
        stop: 5.0,
        run: first_page,
    },
    Row {
        name: "r29",
        title: "time / processor time of doing nothing",
        target: 500.0,
        stop: 100.0,
        run: idle,
    },
];

fn samples(unit: &'static str) -> Samples {
    Samples { telaio: Vec::new(), peer: Vec::new(), unit, smaller_is_better: true, notes: Vec::new() }
}

/// R22. Both are killed while 16 clients write. That nothing acknowledged is lost is shown by the kill test of the
/// store, not here.
fn restart() -> Outcome<Samples> {
    let (mut server, database) = (Server::sqlite()?, Postgres::start_durable()?);
    let clerks = server.clerks()?;
    let pgbench = programs().map_or_else(|| "pgbench".into(), |folder| folder.join("pgbench"));
    shell::output(Command::new(&pgbench).args(["-i", "-q", "-s", "10", database.url()]))?;
    let mut result = samples(" s");
    for _ in 0..ROUNDS {
        std::thread::scope(|scope| {
            // Its connections break when the server is killed: that is the point.
            scope.spawn(|| drop(load::run(&server, &clerks, 16, LOAD * 3)));
            std::thread::sleep(LOAD);
            shell::run(Command::new("kill").args(["-KILL", &server.pid().to_string()]))
        })?;
        server.kill();
        result.telaio.push(server.start()?);
        let mut writing = Command::new(&pgbench);
        writing.args(["-N", "-c", "16", "-T", "60", database.url()]).stdout(std::process::Stdio::null());
        let mut writing = writing
            .stderr(std::process::Stdio::null())
            .spawn()
            .map_err(|error| Failure::Broken(format!("pgbench: {error}")))?;
        std::thread::sleep(LOAD);
        database.crash()?;
        let _ = writing.wait();
        result.peer.push(database.restart()?);
    }
    result
        .notes
        .push("the province of the demo and what was written in the rounds, not 1,000,000 entries".into());
    Ok(result)
}

/// R24. Resident memory of ours against the proportional memory of the stack's processes, one page seen on each.
fn memory() -> Outcome<Samples> {
    let (mut server, mut stack, mut result) = (Server::sqlite()?, Stack::prepare()?, samples(" MB"));
    for _ in 0..ROUNDS {
        server.kill();
        server.start()?;
        stack.start()?;
        std::thread::sleep(SETTLE);
        result.telaio.push(stack::resident(server.pid()) / MEGABYTE);
        result.peer.push(stack.memory()? / MEGABYTE);
        stack.stop()?;
    }
    result.notes.push("gunicorn with 2 workers; ours holds 18 bodies with some hundred entries each".into());
    Ok(result)
}

/// R25. Seconds from the start of the programs to the first whole page.
fn first_page() -> Outcome<Samples> {
    let (mut server, mut stack, mut result) = (Server::sqlite()?, Stack::prepare()?, samples(" s"));
    for _ in 0..ROUNDS {
        server.kill();
        result.telaio.push(server.start()?);
        result.peer.push(stack.start()?);
        stack.stop()?;
    }
    result
        .notes
        .push("the stack's three programs are started together, one after the other would be slower".into());
    Ok(result)
}

/// R29. Processor seconds of the whole process, workers included, with nobody at the door.
fn idle() -> Outcome<Samples> {
    let (server, mut result) = (Server::sqlite()?, samples(" s"));
    std::thread::sleep(SETTLE);
    for _ in 0..ROUNDS {
        let before = load::cpu_micros(server.pid());
        std::thread::sleep(IDLE);
        // The kernel counts in hundredths: what it does not see is taken as one.
        result.telaio.push(((load::cpu_micros(server.pid()) - before) / 1e6).max(0.01));
        result.peer.push(IDLE.as_secs_f64());
    }
    result.notes.push("12 s a round instead of 60".into());
    Ok(result)
}
