//! Rows about the process as a whole: memory at rest, start to the first page, and what it costs to do nothing. All on the province of the demo, in production mode, on SQLite.

use std::time::Duration;

use super::server::Server;
use super::stack::{self, Stack};
use super::{ROUNDS, Row, Samples, load};
use crate::Outcome;

/// How long doing nothing is watched, in each round.
const IDLE: Duration = Duration::from_secs(12);
/// After the start there is work to settle before rest is rest.
pub const SETTLE: Duration = Duration::from_secs(5);
/// Bytes of a megabyte.
pub const MEGABYTE: f64 = 1_000_000.0;

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
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

/// No samples yet, of which less is better.
pub fn samples(unit: &'static str) -> Samples {
    Samples { telaio: Vec::new(), peer: Vec::new(), unit, smaller_is_better: true, notes: Vec::new() }
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
