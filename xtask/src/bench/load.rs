//! Registrations through the API by many clients in closed loop, each on its own connection, every answer read
//! and checked: created, the right size, a number. Afterwards the numbers of each body must stand without gap or
//! repetition – a server that answers quickly and wrongly has not been measured.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::http::Connection;
use super::machine;
use super::server::{Clerk, Server};
use crate::{Failure, Outcome};

/// Bytes of the document of each registration.
pub const DOCUMENT: usize = 20_000;
/// Words of the documents: text as offices write it, so that whoever indexes it has real words to index.
const SENTENCE: &str = "Si chiede il rilascio della copia degli atti indicati, per gli usi consentiti. ";
/// The words of a document, made once: a client that strings them together for every letter takes as much of the two
/// cores as the server that is measured.
static LETTER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut letter = SENTENCE.repeat(DOCUMENT / SENTENCE.len() + 1).into_bytes();
    letter.truncate(DOCUMENT);
    letter
});
/// Between the parts of a form.
const BOUNDARY: &str = "telaio-bench-boundary";
/// Clock ticks of the kernel's accounting, microseconds each.
const TICK: f64 = 10_000.0;

/// No two documents are equal, also over a folder that served another run: the store would keep one copy.
fn next_seed() -> u64 {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(machine::micros()));
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What one run did.
pub struct Run {
    /// Registrations answered per second.
    pub per_second: f64,
    /// Registrations answered per flushed group.
    pub per_flush: f64,
    /// Processor time of the server for each, microseconds.
    pub cpu: f64,
    /// Times to answer, milliseconds, sorted.
    pub times: Vec<f64>,
}

impl Run {
    /// The time under which a share of the answers came.
    pub fn percentile(&self, share: f64) -> f64 {
        let place = ((self.times.len() as f64 - 1.0) * share).round() as usize;
        self.times.get(place).copied().unwrap_or(f64::NAN)
    }
}

/// What was acknowledged: for each body the numbers, each with the seed of what was registered under it.
pub type Acknowledged = BTreeMap<String, Vec<(i64, u64)>>;

/// What one client got.
#[derive(Default)]
struct Got {
    numbers: Vec<(i64, u64)>,
    times: Vec<f64>,
}

/// How clients go about it.
#[derive(Clone, Copy)]
pub struct Manner<'a> {
    /// How many there are; they are spread over the bodies.
    pub clients: usize,
    /// When they end.
    pub until: Until<'a>,
    /// The least time between two requests of one client; none: as soon as the answer is there.
    pub pace: Duration,
    /// Whether the server may go away under them.
    pub may_be_lost: bool,
}

/// When clients end.
#[derive(Clone, Copy)]
pub enum Until<'a> {
    /// At a moment.
    Moment(Instant),
    /// When somebody says so.
    Said(&'a AtomicBool),
}

impl Until<'_> {
    fn is_over(self) -> bool {
        match self {
            Until::Moment(moment) => Instant::now() >= moment,
            Until::Said(flag) => flag.load(Ordering::Relaxed),
        }
    }
}

/// Registers with `clients` for `span`, each as fast as it is answered.
pub fn run(server: &Server, clerks: &[Clerk], clients: usize, span: Duration) -> Outcome<Run> {
    let until = Until::Moment(Instant::now() + span);
    go(server, clerks, Manner { clients, until, pace: Duration::ZERO, may_be_lost: false })
}

/// Registers in a manner of the caller's choice, on a server that stays.
pub fn go(server: &Server, clerks: &[Clerk], manner: Manner<'_>) -> Outcome<Run> {
    let (flushes, cpu, started) = (server.flushes()?, cpu_micros(server.pid()), Instant::now());
    let (acknowledged, mut times) = together(server.port, clerks, manner)?;
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu_micros(server.pid()) - cpu);
    let flushes = server.flushes()? - flushes;
    for (body, numbers) in acknowledged {
        without_gap(&body, &mut numbers.into_iter().map(|(number, _)| number).collect::<Vec<i64>>())?;
    }
    times.sort_by(f64::total_cmp);
    let count = times.len() as f64;
    Ok(Run { per_second: count / took, per_flush: count / flushes.max(1.0), cpu: cpu / count, times })
}

/// All clients at once; what they were told, and the times to answer.
pub fn together(port: u16, clerks: &[Clerk], manner: Manner<'_>) -> Outcome<(Acknowledged, Vec<f64>)> {
    let turns: Vec<&Clerk> = clerks.iter().cycle().take(manner.clients).collect();
    let results: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> =
            turns.iter().copied().map(|clerk| scope.spawn(move || client(port, clerk, manner))).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let (mut acknowledged, mut times) = (Acknowledged::new(), Vec::new());
    for (clerk, result) in turns.iter().zip(results) {
        let mut got = result.map_err(|_| Failure::Broken("a client panicked".to_owned()))??;
        acknowledged.entry(clerk.body.clone()).or_default().append(&mut got.numbers);
        times.append(&mut got.times);
    }
    Ok((acknowledged, times))
}

fn without_gap(body: &str, numbers: &mut [i64]) -> Outcome {
    numbers.sort_unstable();
    match numbers.windows(2).find(|pair| pair[1] != pair[0] + 1) {
        None => Ok(()),
        Some(pair) => Err(Failure::Broken(format!("{body}: number {} follows {}", pair[1], pair[0]))),
    }
}

fn client(port: u16, clerk: &Clerk, manner: Manner<'_>) -> Outcome<Got> {
    let failed = |error: std::io::Error| Failure::Broken(format!("a client lost its server: {error}"));
    let mut got = Got::default();
    let mut connection = match Connection::open(port) {
        Err(_) if manner.may_be_lost => return Ok(got),
        opened => opened.map_err(failed)?,
    };
    while !manner.until.is_over() {
        let seed = next_seed();
        let request = request(clerk, seed);
        let asked = Instant::now();
        let answer = match connection.send(&request) {
            Err(_) if manner.may_be_lost => return Ok(got),
            answer => answer.map_err(failed)?,
        };
        got.times.push(asked.elapsed().as_secs_f64() * 1_000.0);
        got.numbers.push((checked(answer.status, &answer.body)?, seed));
        std::thread::sleep(manner.pace.saturating_sub(asked.elapsed()));
    }
    Ok(got)
}

/// The subject under which a seed is registered.
pub fn subject(seed: u64) -> String {
    format!("Richiesta di copia degli atti, pratica {seed}")
}

fn checked(status: u16, body: &[u8]) -> Outcome<i64> {
    let read: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    match (status, read["number"].as_i64(), read["document"]["size"].as_u64()) {
        (201, Some(number), Some(size)) if size == DOCUMENT as u64 => Ok(number),
        _ => Err(Failure::Broken(format!("answer {status}: {}", String::from_utf8_lossy(body)))),
    }
}

/// A whole request: what a clerk's program sends to register a letter of 20 kB.
fn request(clerk: &Clerk, seed: u64) -> Vec<u8> {
    let metadata = serde_json::json!({
        "body": clerk.body, "aoo": clerk.aoo, "direction": "incoming",
        "subject": subject(seed),
        "correspondents": [{"kind": "person", "name": format!("Prova Numero {}", seed % 9_973)}],
    });
    let mut document = format!("Pratica {seed}. ").into_bytes();
    document.extend_from_slice(&LETTER[document.len()..]);
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\
         Content-Type: application/json\r\n\r\n{metadata}\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"document\"; filename=\"richiesta.txt\"\r\n\
         Content-Type: text/plain\r\n\r\n"
    )
    .into_bytes();
    body.append(&mut document);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let mut request = format!(
        "POST /api/v1/registrations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n",
        clerk.token,
        body.len()
    )
    .into_bytes();
    request.append(&mut body);
    request
}

/// Processor time a process has used, user and system, microseconds.
pub fn cpu_micros(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after.split(' ').skip(12).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    ticks * TICK
}
