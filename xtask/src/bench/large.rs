//! Rows on a register of a million: restart after a kill under load, and the list, the search and the opening of an
//! entry against the same on ten thousand. The folders are made once in bulk, through the store's own closures, and
//! kept under the target folder; `TELAIO_BENCH_ROWS` makes the large one smaller, and a note says how large it is.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::http::{Answer, Connection, request};
use super::load::{self, Acknowledged, Manner, Until};
use super::process::samples;
use super::server::{self, Clerk, Server};
use super::{ROUNDS, Row, Samples, store};
use crate::services::postgres::{Postgres, programs};
use crate::{Failure, Outcome, shell};

/// The body whose register is made large.
pub const BODY: &str = "c_g999";
/// Entries of the small register.
const FEW: u64 = 10_000;
/// How long both sides are loaded before they are killed.
const LOAD: Duration = Duration::from_secs(4);
/// Questions of one side in one round.
const QUESTIONS: usize = 60;
/// Lines of a page.
const LIMIT: usize = 20;

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
    Row {
        name: "r22",
        title: "PostgreSQL restart after the same kill / first page of the register after kill -9 under load",
        target: 1.0,
        stop: 1.0 / 3.0,
        run: restart,
    },
    Row {
        name: "list",
        title: "a page of the list of 10,000 entries / of 1,000,000",
        target: 0.5,
        stop: 0.5,
        run: || against_few(list),
    },
    Row {
        name: "search",
        title: "a search among 10,000 entries / among 1,000,000",
        target: 0.5,
        stop: 0.5,
        run: || against_few(search),
    },
    Row {
        name: "open",
        title: "an entry opened among 10,000 / among 1,000,000",
        target: 0.5,
        stop: 0.5,
        run: || against_few(open),
    },
];

fn broken(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::Broken(format!("{what}: {error}"))
}

/// How many entries the large register has.
pub fn many() -> u64 {
    std::env::var("TELAIO_BENCH_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

/// A folder with the province of the demo in which one body has so many entries more.
pub fn filled(count: u64) -> Outcome<PathBuf> {
    let folder = shell::target().join(format!("bench/filled-{count}"));
    let mark = folder.join("filled");
    if !mark.exists() {
        let seed = server::province()?;
        let _ = std::fs::remove_dir_all(&folder);
        shell::run(Command::new("cp").arg("-a").arg(&seed).arg(&folder))?;
        let leaves = store::fill(&folder, BODY, count)?;
        shell::write(&mark, &format!("{leaves:.0}\n"))?;
    }
    // Renews the tokens of its accounts and brings its schema up to date.
    server::demo_until_ready(&folder)?;
    Ok(folder)
}

/// R22. Both are killed while 16 clients write. The page timed is the newest of the large register; then everything
/// that was acknowledged before the kill must be there, under its number, and no number may be missing.
fn restart() -> Outcome<Samples> {
    let (mut server, database) = (Server::over(filled(many())?, "large")?, Postgres::start_durable()?);
    let clerks = server.clerks()?;
    let clerk = of_body(&clerks)?;
    let page = format!("/api/v1/registrations?body={BODY}&limit=50");
    let pgbench = programs().map_or_else(|| "pgbench".into(), |folder| folder.join("pgbench"));
    shell::output(Command::new(&pgbench).args(["-i", "-q", "-s", "10", database.url()]))?;
    let (mut result, mut acknowledged) = (samples(" s"), 0);
    for _ in 0..ROUNDS {
        let told = kill_under_load(&mut server, &clerks)?;
        result.telaio.push(server.start_until(&page, Some(&clerk.token))?);
        acknowledged += everything_is_there(&server, &clerks, &told)?;
        let mut writing = Command::new(&pgbench);
        writing.args(["-N", "-c", "16", "-T", "60", database.url()]).stdout(std::process::Stdio::null());
        let writing = writing.stderr(std::process::Stdio::null()).spawn();
        let mut writing = writing.map_err(|error| broken("pgbench", error))?;
        std::thread::sleep(LOAD);
        database.crash()?;
        let _ = writing.wait();
        result.peer.push(database.restart()?);
    }
    result.notes.push(format!("{} entries in the register; pgbench with 1,000,000 accounts", many()));
    result
        .notes
        .push(format!("{acknowledged} entries acknowledged before the kills, all of them there after"));
    Ok(result)
}

fn kill_under_load(server: &mut Server, clerks: &[Clerk]) -> Outcome<Acknowledged> {
    let until = Until::Moment(Instant::now() + LOAD * 3);
    let manner = Manner { clients: 16, until, pace: Duration::ZERO, may_be_lost: true };
    let (port, pid) = (server.port, server.pid());
    let told = std::thread::scope(|scope| {
        let running = scope.spawn(move || load::together(port, clerks, manner));
        std::thread::sleep(LOAD);
        shell::run(Command::new("kill").args(["-KILL", &pid.to_string()]))?;
        running.join().map_err(|_| broken("the clients", "panicked"))?
    });
    server.kill();
    told.map(|(acknowledged, _)| acknowledged)
}

/// Looks up every number that was acknowledged; how many there were.
pub fn everything_is_there(server: &Server, clerks: &[Clerk], told: &Acknowledged) -> Outcome<usize> {
    let mut connection = Connection::open(server.port).map_err(|error| broken("telaio", error))?;
    let mut count = 0;
    for clerk in clerks {
        let Some(numbers) = told.get(&clerk.body).filter(|numbers| !numbers.is_empty()) else { continue };
        let first = numbers.iter().map(|(number, _)| *number).min().unwrap_or_default();
        let mut there = std::collections::BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let path = format!(
                "/api/v1/registrations?body={}&limit=200&year=2026&from_number={first}{cursor}",
                clerk.body
            );
            let page = asked(&mut connection, &path, &clerk.token)?.json();
            for item in page["items"].as_array().cloned().unwrap_or_default() {
                there.insert(item["number"].as_i64().unwrap_or_default(), subject_of(&item));
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let last = first + i64::try_from(there.len()).unwrap_or_default();
        if let Some(missing) = (first..last).find(|number| !there.contains_key(number)) {
            return Err(broken(&clerk.body, format!("number {missing} is missing")));
        }
        for (number, seed) in numbers {
            if there.get(number) != Some(&load::subject(*seed)) {
                return Err(broken(
                    &clerk.body,
                    format!("number {number} was acknowledged and is not there"),
                ));
            }
            count += 1;
        }
    }
    Ok(count)
}

fn subject_of(item: &serde_json::Value) -> String {
    let subject = item["subject"].as_str().or_else(|| item["content"]["subject"].as_str());
    subject.unwrap_or_default().to_owned()
}

fn of_body(clerks: &[Clerk]) -> Outcome<&Clerk> {
    clerks.iter().find(|clerk| clerk.body == BODY).ok_or_else(|| broken(BODY, "no clerk"))
}

/// One request on an open connection; anything but 200 fails.
fn asked(connection: &mut Connection, path: &str, token: &str) -> Outcome<Answer> {
    let answer = connection.send(&request(path, Some(token))).map_err(|error| broken(path, error))?;
    match answer.status {
        200 => Ok(answer),
        status => Err(broken(path, format!("{status} {}", String::from_utf8_lossy(&answer.body)))),
    }
}

/// One side of a comparison: a running server, a connection, the clerk's token, and ids of entries spread over the
/// whole register.
struct Side {
    server: Server,
    token: String,
    ids: Vec<String>,
    cursors: Vec<String>,
}

impl Side {
    fn start(count: u64, name: &str) -> Outcome<Side> {
        let server = Server::over(filled(count)?, name)?;
        let clerk = server.account(BODY, "registry_clerk")?;
        let token = server.token(clerk["username"].as_str().unwrap_or_default())?;
        let mut side = Side { server, token, ids: Vec::new(), cursors: Vec::new() };
        side.look_around(count)?;
        Ok(side)
    }

    /// Ids and cursors of pages at many depths.
    fn look_around(&mut self, count: u64) -> Outcome {
        let mut connection = self.connect()?;
        for step in 0..QUESTIONS as u64 {
            let to = 1 + count * (step + 1) / (QUESTIONS as u64);
            let path = format!("/api/v1/registrations?body={BODY}&limit={LIMIT}&year=2026&to_number={to}");
            let page = asked(&mut connection, &path, &self.token)?.json();
            self.ids.extend(page["items"][0]["id"].as_str().map(str::to_owned));
        }
        let mut cursor = String::new();
        for _ in 0..QUESTIONS {
            let path = format!("/api/v1/registrations?body={BODY}&limit={LIMIT}{cursor}");
            self.cursors.push(cursor);
            let page = asked(&mut connection, &path, &self.token)?.json();
            cursor = page["next"].as_str().map_or_else(String::new, |next| format!("&cursor={next}"));
        }
        Ok(())
    }

    fn connect(&self) -> Outcome<Connection> {
        Connection::open(self.server.port).map_err(|error| broken("telaio", error))
    }

    /// Milliseconds of a question, the mean of a round.
    fn time(&self, question: fn(&Side, &mut Connection, usize) -> Outcome) -> Outcome<f64> {
        let mut connection = self.connect()?;
        let started = Instant::now();
        for turn in 0..QUESTIONS {
            question(self, &mut connection, turn)?;
        }
        Ok(started.elapsed().as_secs_f64() * 1_000.0 / QUESTIONS as f64)
    }
}

/// Both registers served at once, asked in turn.
fn against_few(question: fn(&Side, &mut Connection, usize) -> Outcome) -> Outcome<Samples> {
    let (large, small) = (Side::start(many(), "large")?, Side::start(FEW, "small")?);
    let mut result = samples(" ms");
    for side in [&large, &small] {
        side.time(question)?;
    }
    for _ in 0..ROUNDS {
        result.telaio.push(large.time(question)?);
        result.peer.push(small.time(question)?);
    }
    result.notes.push(format!("{} entries against {FEW}, one client, one connection, by the API", many()));
    Ok(result)
}

/// A page of 20 lines: the newest, or one of the sixty that follow.
fn list(side: &Side, connection: &mut Connection, turn: usize) -> Outcome {
    let cursor = &side.cursors[turn % side.cursors.len()];
    let path = format!("/api/v1/registrations?body={BODY}&limit={LIMIT}{cursor}");
    let page = asked(connection, &path, &side.token)?.json();
    match page["items"].as_array().map(Vec::len) {
        Some(LIMIT) => Ok(()),
        lines => Err(broken(&path, format!("{lines:?} lines"))),
    }
}

/// Words of most subjects, of one subject in fifty thousand, and two words together.
fn search(side: &Side, connection: &mut Connection, turn: usize) -> Outcome {
    let rare = format!("pratica{}", turn * 131 % 9_000);
    let words = ["richiesta", rare.as_str(), "permesso+ordinanza"][turn % 3];
    let path = format!("/api/v1/registrations?body={BODY}&limit={LIMIT}&q={words}+");
    let page = asked(connection, &path, &side.token)?.json();
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let holds = |item: &serde_json::Value| {
        let subject = subject_of(item).to_lowercase();
        words.split('+').all(|word| subject.contains(word))
    };
    if items.is_empty() || !items.iter().all(holds) {
        return Err(broken(&path, "hits that do not hold the words, or none"));
    }
    Ok(())
}

/// An entry, whole, from anywhere in the register.
fn open(side: &Side, connection: &mut Connection, turn: usize) -> Outcome {
    let id = &side.ids[turn % side.ids.len()];
    let path = format!("/api/v1/registrations/{id}");
    let entry = asked(connection, &path, &side.token)?.json();
    if entry["id"] == id.as_str() { Ok(()) } else { Err(broken(&path, "another entry")) }
}
