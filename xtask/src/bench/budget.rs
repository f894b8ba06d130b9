//! Budgets of the issue as rows: bytes of the worklist page, the second start of the demo, and memory while 500 MB
//! are uploaded. The peer of each is the figure that was allowed, so that a ratio of 1 is the budget itself.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::http::{Answer, Connection};
use super::large::BODY;
use super::process::{MEGABYTE, SETTLE, samples};
use super::server::{self, Clerk, Server};
use super::{ROUNDS, Row, Samples, stack};
use crate::{Failure, Outcome};

/// Bytes of the document that is uploaded.
const UPLOAD: u64 = 500_000_000;
/// Bytes allowed for the first visit of the worklist, and for each one after it.
const FIRST_VISIT: f64 = 300_000.0;
const LATER_VISIT: f64 = 50_000.0;
/// Seconds allowed for the second start of the demo.
const SECOND_START: f64 = 5.0;
/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(20);

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
    Row {
        name: "worklist",
        title: "300 kB / bytes of the worklist page with all it loads, first visit",
        target: 1.0,
        stop: 1.0,
        run: || worklist(true),
    },
    Row {
        name: "worklist2",
        title: "50 kB / bytes of the worklist page, later visits",
        target: 1.0,
        stop: 1.0,
        run: || worklist(false),
    },
    Row {
        name: "second",
        title: "5 s / second start of the demo until it listens",
        target: 1.0,
        stop: 1.0,
        run: second_start,
    },
    Row {
        name: "upload",
        title: "500 MB / peak of resident memory while 500 MB are uploaded",
        target: 4.0,
        stop: 2.0,
        run: upload,
    },
];

fn broken(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::Broken(format!("{what}: {error}"))
}

/// What a browser transfers for the clerk's worklist, heads of the answers included. At the first visit that is the
/// page and every file that its markup and its style sheet name; later only the page and what may not be kept.
fn worklist(first: bool) -> Outcome<Samples> {
    let (server, mut result) = (Server::sqlite()?, samples(" kB"));
    let clerk = server.account(BODY, "registry_clerk")?;
    let cookie = signed_in(&server, &clerk)?;
    let mut files = 0;
    for _ in 0..ROUNDS {
        let visit = visited(server.port, &cookie, first).map_err(|error| broken("the worklist", error))?;
        files = visit.1;
        result.telaio.push(visit.0 as f64 / 1_000.0);
        result.peer.push(if first { FIRST_VISIT } else { LATER_VISIT } / 1_000.0);
    }
    result.notes.push(format!("page and {files} files, as sent to a browser that takes gzip; heads counted"));
    Ok(result)
}

/// The cookie of a session of an account of the demo.
fn signed_in(server: &Server, account: &serde_json::Value) -> Outcome<String> {
    let word = |name: &str| account[name].as_str().unwrap_or_default();
    let form = format!("username={}&password={}&next=%2F", word("username"), word("password"));
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len(),
        port = server.port,
    );
    let mut connection = Connection::open(server.port).map_err(|error| broken("telaio", error))?;
    let answer = connection.send(request.as_bytes()).map_err(|error| broken("the sign-in", error))?;
    let cookie = answer.header("set-cookie").and_then(|line| line.split(';').next());
    let cookie = cookie.ok_or_else(|| broken("the sign-in", format!("no session: {}", answer.status)))?;
    Ok(cookie.to_owned())
}

/// Bytes that crossed the wire, and how many files beside the page.
fn visited(port: u16, cookie: &str, first: bool) -> Result<(usize, usize)> {
    let mut connection = Connection::open(port)?;
    let plain = fetched(&mut connection, port, "/", cookie, false)?;
    let page = fetched(&mut connection, port, "/", cookie, true)?;
    let mut bytes = page.wire;
    let (mut seen, mut waiting) = (HashSet::new(), named(&plain.body));
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let whole = fetched(&mut connection, port, &path, cookie, false)?;
        let sent = fetched(&mut connection, port, &path, cookie, true)?;
        let kept = sent.header("cache-control").is_some_and(|value| value.contains("immutable"));
        if first || !kept {
            bytes += sent.wire;
        } else {
            seen.remove(&path);
            continue;
        }
        if whole.header("content-type").is_some_and(|kind| kind.starts_with("text/css")) {
            waiting.append(&mut named(&whole.body));
        }
    }
    Ok((bytes, seen.len()))
}

/// One GET of a browser; anything but 200 is an error.
fn fetched(connection: &mut Connection, port: u16, path: &str, cookie: &str, gzip: bool) -> Result<Answer> {
    let coding = if gzip { "gzip" } else { "identity" };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\nAccept: text/html,*/*\r\n\
         Accept-Encoding: {coding}\r\n\r\n"
    );
    let answer = connection.send(request.as_bytes())?;
    match answer.status {
        200 => Ok(answer),
        status => Err(Error::other(format!("{path}: {status}"))),
    }
}

/// Addresses of our own files that a page or a style sheet names. A browser takes of the fonts only those it needs:
/// counting all of them errs on the side of too many bytes.
fn named(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let ends = |letter: char| matches!(letter, '"' | '\'' | ')' | '#' | '?' | '<' | ' ');
    let found = text.match_indices("/assets/").map(|(start, _)| {
        let rest = &text[start..];
        rest[..rest.find(ends).unwrap_or(rest.len())].to_owned()
    });
    let mut all: Vec<String> = found.collect();
    all.sort();
    all.dedup();
    all
}

/// Seconds from the start of the command to the line that says that it listens, on a folder that is filled already.
fn second_start() -> Outcome<Samples> {
    let folder = server::province()?;
    let mut result = samples(" s");
    for _ in 0..ROUNDS {
        result.telaio.push(server::demo_until_ready(&folder)?);
        result.peer.push(SECOND_START);
    }
    result
        .notes
        .push("the built binary; `cargo xtask demo` looks first whether there is something to build".into());
    Ok(result)
}

/// Peak of the resident memory from the first byte of a registration with a document of 500 MB to its answer.
fn upload() -> Outcome<Samples> {
    let (mut server, mut result) = (Server::sqlite()?, samples(" MB"));
    let clerks = server.clerks()?;
    let clerk = clerks.iter().find(|clerk| clerk.body == BODY).ok_or_else(|| broken(BODY, "no clerk"))?;
    let mut rest: f64 = 0.0;
    for round in 0..ROUNDS {
        server.kill();
        server.start()?;
        std::thread::sleep(SETTLE);
        rest = rest.max(stack::resident(server.pid()) / MEGABYTE);
        result.telaio.push(peak_while_uploading(&server, clerk, round)?);
        result.peer.push(UPLOAD as f64 / MEGABYTE);
    }
    result.notes.push(format!("one upload after a fresh start; {rest:.0} MB at rest before it"));
    Ok(result)
}

fn peak_while_uploading(server: &Server, clerk: &Clerk, round: usize) -> Outcome<f64> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut peak: f64 = 0.0;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(stack::resident(server.pid()));
                std::thread::sleep(LOOK);
            }
            peak / MEGABYTE
        });
        let sent = send_large(server.port, clerk, round);
        done.store(true, Ordering::Relaxed);
        let peak = watching.join().map_err(|_| broken("the watcher", "panicked"))?;
        sent.map_err(|error| broken("the upload", error))?;
        Ok(peak)
    })
}

/// Sends the document in pieces, so that the sender too holds one piece only; the answer must name its whole size.
fn send_large(port: u16, clerk: &Clerk, round: usize) -> Result<()> {
    let metadata = serde_json::json!({
        "body": clerk.body, "aoo": clerk.aoo, "direction": "incoming", "subject": "Un documento grande",
        "correspondents": [{"kind": "person", "name": "Prova Grande"}],
    });
    let head = format!(
        "--large\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n\
         {metadata}\r\n--large\r\nContent-Disposition: form-data; name=\"document\"; filename=\"grande.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let tail = "\r\n--large--\r\n";
    let length = head.len() as u64 + UPLOAD + tail.len() as u64;
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port))?);
    write!(
        stream.get_mut(),
        "POST /api/v1/registrations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=large\r\nContent-Length: {length}\r\n\r\n{head}",
        clerk.token
    )?;
    let mut state = round as u64 * 2 + 1;
    let mut piece = vec![0_u8; 1_000_000];
    for _ in 0..UPLOAD / 1_000_000 {
        for word in piece.chunks_exact_mut(8) {
            // Xorshift: nothing that the disk could make smaller, no two rounds alike.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        stream.get_mut().write_all(&piece)?;
    }
    stream.get_mut().write_all(tail.as_bytes())?;
    let (mut status, mut answer) = (String::new(), String::new());
    stream.read_line(&mut status)?;
    stream.read_to_string(&mut answer)?;
    match status.contains(" 201 ") && answer.contains(&format!("\"size\":{UPLOAD}")) {
        true => Ok(()),
        false => Err(Error::other(format!("{status}{answer}"))),
    }
}
