//! Rows of certified mail: opening an envelope (R13), and from its arrival to its number (R14). Envelopes are made
//! and handed over by `crates/app/examples/measure_mail`; Postfix and Dovecot are those that the tests use too, with
//! Dovecot's LMTP at the end of the road.

use std::path::Path;
use std::time::{Duration, Instant};

use super::http;
use super::large::BODY;
use super::process::samples;
use super::server::Server;
use super::{ROUNDS, Row, Samples, machine, store};
use crate::services::Folder;
use crate::services::mail::MailStack;
use crate::{Failure, Outcome, shell};

/// Letters of one round: a thousand in all.
const LETTERS: usize = 200;
/// Letters that have not arrived by then never will.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at the box or the register.
const LOOK: Duration = Duration::from_millis(5);

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
    Row {
        name: "r13",
        title: "open a PEC envelope of 135 kB / a process of openssl cms -verify",
        target: 20.0,
        stop: 5.0,
        run: || store::sample(store::example("measure_mail").arg("open")),
    },
    Row {
        name: "r14",
        title: "Postfix to Dovecot by LMTP / from the box to the number, the same letters",
        target: 1.0,
        stop: 0.3,
        run: arrival,
    },
];

fn broken(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::Broken(format!("{what}: {error}"))
}

/// R14. Ours is down while Postfix and Dovecot take the letters, which is the peer's time; then it is started, and
/// its time runs from its start to the last number.
fn arrival() -> Outcome<Samples> {
    let (stack, folder) = (MailStack::start_with_lmtp()?, Folder::make("letters")?);
    let facts =
        std::fs::read(stack.folder().join("stack.json")).map_err(|error| broken("the stack", error))?;
    let facts: serde_json::Value =
        serde_json::from_slice(&facts).map_err(|error| broken("the stack", error))?;
    let address = facts["accounts"][0]["address"].as_str().unwrap_or_default().to_owned();
    let (count, first) = ((ROUNDS * LETTERS).to_string(), "1");
    let mut write = store::example("measure_mail");
    shell::output(write.arg("letters").arg(folder.path()).args([count.as_str(), first, &address]))?;
    let mut server = Server::with_settings(&settings(&facts, folder.path())?)?;
    server.start()?;
    let clerk = server.clerks()?.into_iter().find(|clerk| clerk.body == BODY);
    let token = clerk.ok_or_else(|| broken(BODY, "no clerk"))?.token;
    let mut result = samples(" s");
    for round in 0..ROUNDS {
        let before = registered(&server, &token)?;
        server.kill();
        result.peer.push(handed_over(&stack, folder.path(), &address, round)?);
        let started = Instant::now();
        server.start()?;
        while registered(&server, &token)? < before + LETTERS {
            if started.elapsed() > PATIENCE {
                let there = registered(&server, &token)? - before;
                return Err(broken("arrival", format!("{there} of {LETTERS} letters have a number")));
            }
            std::thread::sleep(LOOK);
        }
        result.telaio.push(started.elapsed().as_secs_f64());
    }
    result
        .notes
        .push(format!("{LETTERS} letters a round, each with 20 kB and a sealed segnatura; start included"));
    Ok(result)
}

/// The box of the stack as one of the body's, the letters' authorities believed, registration without a clerk.
fn settings(facts: &serde_json::Value, letters: &Path) -> Outcome<String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let account = &facts["accounts"][0];
    let secret = letters.join("password");
    shell::write(&secret, &word(&account["password"]))?;
    Ok(format!(
        "[trust]\nanchors = [\"{}\"]\n[exchange]\nautomatic = [\"{BODY}\"]\n[[mail]]\nbody = \"{BODY}\"\nkind = \"pec\"\n\
         address = \"{}\"\nsmtp = \"smtp://localhost:{}\"\nimap = \"imaps://localhost:{}\"\nuser = \"{}\"\n\
         password_file = \"{}\"\ntrust_file = \"{}\"\n",
        letters.join("anchors.pem").display(),
        word(&account["address"]),
        facts["submission"],
        facts["imaps"],
        word(&account["address"]),
        secret.display(),
        word(&facts["ca"]),
    ))
}

/// Seconds from the first letter handed to Postfix until the last lies in the box.
fn handed_over(stack: &MailStack, letters: &Path, address: &str, round: usize) -> Outcome<f64> {
    let there = in_the_box(stack, address);
    let mut submit = store::example("measure_mail");
    submit.arg("submit").arg(letters).arg(stack.folder().join("stack.json"));
    let began = shell::output(submit.args([(round * LETTERS).to_string(), LETTERS.to_string()]))?;
    let began: u64 = began.trim().parse().map_err(|_| broken("submit", &began))?;
    let waiting = Instant::now();
    while in_the_box(stack, address) < there + LETTERS {
        if waiting.elapsed() > PATIENCE {
            return Err(broken("the box", "letters are missing"));
        }
        std::thread::sleep(LOOK);
    }
    Ok(machine::micros().saturating_sub(began) as f64 / 1e6)
}

/// Letters in the new and the read part of a box of the stack.
fn in_the_box(stack: &MailStack, address: &str) -> usize {
    let root = stack.folder().join("boxes").join(address);
    let count = |part| std::fs::read_dir(root.join(part)).map_or(0, Iterator::count);
    count("new") + count("cur")
}

/// The newest number of the body; only letters are registered while this row runs, one number each.
fn registered(server: &Server, token: &str) -> Outcome<usize> {
    let path = format!("/api/v1/registrations?body={BODY}&limit=1");
    let answer = http::get(server.port, &path, Some(token)).map_err(|error| broken(&path, error))?;
    let newest = answer.json()["items"][0]["number"].as_u64();
    newest.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| broken(&path, answer.status))
}
