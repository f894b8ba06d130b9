//! Rows about a backup that is taken while people work: what it costs them (R23), and how long the slowest wait when
//! an audit of the whole journal runs as well (R30). Both on the large register, through the release binary: the
//! backup is the command `telaio backup`, the audit the call of the API.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::large::{BODY, everything_is_there, filled, many};
use super::load::{self, Manner, Run, Until};
use super::process::samples;
use super::server::{Clerk, Server, program};
use super::{ROUNDS, Row, Samples, http};
use crate::services::Folder;
use crate::{Failure, Outcome, shell};

/// How long one side of one round runs, at least.
const SPAN: Duration = Duration::from_secs(3);
/// Clients of R23: as many as needed to bring half of what the server can do.
const CLIENTS: usize = 16;

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
    Row {
        name: "r23",
        title: "registrations while backing up / before, at half load",
        target: 0.9,
        stop: 0.7,
        run: at_half_load,
    },
    Row {
        name: "r30",
        title: "p50 / p99 of 64 clients during a backup and an audit",
        target: 0.2,
        stop: 1.0 / 15.0,
        run: tail,
    },
];

fn broken(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::Broken(format!("{what}: {error}"))
}

/// R23. Clients that keep a pace of half of what the server managed at full speed, before and during the backup. The
/// last set is brought back into an empty place and must hold everything that was acknowledged before it was begun.
fn at_half_load() -> Outcome<Samples> {
    let server = Server::over(filled(many())?, "large")?;
    let (clerks, backups) = (server.clerks()?, Folder::make("backups")?);
    load::run(&server, &clerks, 64, SPAN)?;
    let most = load::run(&server, &clerks, 64, SPAN)?.per_second;
    let pace = Duration::from_secs_f64(CLIENTS as f64 / (most * 0.5));
    let mut result = Samples { smaller_is_better: false, ..samples("/s") };
    for round in 1..=ROUNDS {
        let moment = Until::Moment(Instant::now() + SPAN);
        let manner = Manner { clients: CLIENTS, until: moment, pace, may_be_lost: false };
        let before = load::go(&server, &clerks, manner)?;
        let (during, took) = while_backing_up(&server, backups.path(), |said| {
            load::go(&server, &clerks, Manner { until: Until::Said(said), ..manner })
        })?;
        result.notes.push(format!(
            "round {round}: backup of {took:.1} s; p99 {:.1} ms before, {:.1} ms during",
            before.percentile(0.99),
            during.percentile(0.99)
        ));
        result.telaio.push(during.per_second);
        result.peer.push(before.per_second);
    }
    result.notes.push(format!("{} entries; half load is {:.0} registrations per second", many(), most * 0.5));
    result.notes.push(loss(&server, &clerks, backups.path())?);
    Ok(result)
}

/// R30. The same clients as in R2, as fast as they are answered, under a backup and an endless audit.
fn tail() -> Outcome<Samples> {
    let server = Server::over(filled(many())?, "large")?;
    let (clerks, backups) = (server.clerks()?, Folder::make("backups")?);
    let auditor = server.account(BODY, "auditor")?;
    let token = server.token(auditor["username"].as_str().unwrap_or_default())?;
    let mut result = samples(" ms");
    load::run(&server, &clerks, 64, SPAN)?;
    for round in 1..=ROUNDS {
        let audits = AtomicU64::new(0);
        let (during, took) = while_backing_up(&server, backups.path(), |said| {
            std::thread::scope(|scope| {
                let auditing = scope.spawn(|| audit(&server, &token, said, &audits));
                let until = Until::Said(said);
                let manner = Manner { clients: 64, until, pace: Duration::ZERO, may_be_lost: false };
                let run = load::go(&server, &clerks, manner);
                auditing.join().map_err(|_| broken("the auditor", "panicked"))??;
                run
            })
        })?;
        let audits = audits.load(Ordering::Relaxed);
        result.notes.push(format!(
            "round {round}: {:.0} registrations per second, backup of {took:.1} s, {audits} audits of the journal",
            during.per_second
        ));
        result.telaio.push(during.percentile(0.99));
        result.peer.push(during.percentile(0.5));
    }
    result.notes.push(format!("{} entries; in the table: p99 under Telaio, p50 under peer", many()));
    Ok(result)
}

/// Audits again and again; each one must find the whole chain good.
fn audit(server: &Server, token: &str, said: &AtomicBool, audits: &AtomicU64) -> Outcome {
    while !said.load(Ordering::Relaxed) {
        let answer = http::get(server.port, "/api/v1/audit/chain", Some(token));
        let answer = answer.map_err(|error| broken("the audit", error))?.json();
        if answer["holds"] != true && answer["state"] != "holds" {
            return Err(broken("the audit", answer));
        }
        audits.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Does something from the beginning of a backup to its end, and not less than the span; what came of it, and the
/// seconds of the backup.
fn while_backing_up(
    server: &Server,
    folder: &Path,
    work: impl FnOnce(&AtomicBool) -> Outcome<Run> + Send,
) -> Outcome<(Run, f64)> {
    let said = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let working = scope.spawn(|| work(&said));
        let started = Instant::now();
        let taken = backup(server, folder);
        let took = started.elapsed();
        std::thread::sleep(SPAN.saturating_sub(took));
        said.store(true, Ordering::Relaxed);
        let run = working.join().map_err(|_| broken("the clients", "panicked"))?;
        taken?;
        Ok((run?, took.as_secs_f64()))
    })
}

fn backup(server: &Server, folder: &Path) -> Outcome {
    let mut command = Command::new(program());
    command.arg("backup").arg(folder).args(["--keep", "1", "--config"]).arg(server.config());
    shell::output(command.stdin(Stdio::null())).map(drop)
}

/// Registers, backs up, registers on; then the backup alone must hold the first of it.
fn loss(server: &Server, clerks: &[Clerk], backups: &Path) -> Outcome<String> {
    let seconds = |span| Manner {
        clients: CLIENTS,
        until: Until::Moment(Instant::now() + span),
        pace: Duration::ZERO,
        may_be_lost: false,
    };
    let (told, _) = load::together(server.port, clerks, seconds(SPAN / 2))?;
    std::thread::scope(|scope| {
        let port = server.port;
        let going_on = scope.spawn(move || load::together(port, clerks, seconds(SPAN)));
        backup(server, backups)?;
        going_on.join().map_err(|_| broken("the clients", "panicked"))?.map(drop)
    })?;
    let restored = Folder::make("restored")?;
    let data = restored.path().join("data");
    std::fs::create_dir_all(&data).map_err(|error| broken("the restored data", error))?;
    for kept in ["master.key", "demo.json"] {
        let copied = std::fs::copy(server.data().join(kept), restored.path().join(kept));
        copied.map_err(|error| broken(kept, error))?;
    }
    shell::run(Command::new("mv").arg(restored.path().join("master.key")).arg(&data))?;
    let mut command = Command::new(program());
    shell::output(command.arg("restore").arg(backups).arg("--data").arg(&data))?;
    shell::run(Command::new("mv").arg(restored.path().join("demo.json")).arg(&data))?;
    let again = Server::over(data, "restored")?;
    let count = everything_is_there(&again, clerks, &told)?;
    Ok(format!("bytes of loss: none of the {count} entries acknowledged before a backup is missing in it"))
}
