//! `cargo xtask test`: check first, then every test there is, and one line at the end.
//!
//! The same tests run twice: on SQLite and, for the crates that store, on a PostgreSQL started for
//! the run. Mail tests get a real Postfix and Dovecot, browser tests a real Chromium against the
//! built demo. A test that cannot run here prints `skipped: why`; those are counted and shown.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::services::mail::MailStack;
use crate::services::postgres::Postgres;
use crate::setup::Purpose;
use crate::{Failure, Outcome, assets, check, setup, shell};

/// The crates whose tests run on the database they are given; those of `telaio` choose their own.
const ON_BOTH_DATABASES: &[&str] = &["store", "app", "web"];

/// What a run of tests came to.
#[derive(Default)]
struct Tally {
    passed: usize,
    /// Names of those that failed, each with its part of the run before it once the parts are joined.
    failed: Vec<String>,
    skipped: usize,
}

impl Tally {
    fn add(&mut self, part: &str, other: Tally) {
        self.passed += other.passed;
        self.failed.extend(other.failed.iter().map(|name| format!("{part}: {name}")));
        self.skipped += other.skipped;
    }
}

/// Runs everything; `--quick` leaves out the browser and the mail servers.
pub fn run(arguments: &[String]) -> Outcome {
    let quick = match arguments {
        [] => false,
        [flag] if flag == "--quick" => true,
        _ => return Err(Failure::Unready("usage: cargo xtask test [--quick]".to_owned())),
    };
    setup::ensure(Purpose::Test)?;
    assets::run()?;
    let checked = check::run();
    let mut tally = Tally::default();
    shell::step("tests, SQLite");
    let mail = if quick { None } else { mail_stack()? };
    let mail_folder = mail.as_ref().map(MailStack::folder);
    tally.add("SQLite", rust_tests(&Run { database: None, mail: mail_folder })?);
    shell::step("tests, PostgreSQL");
    let postgres = Postgres::start()?;
    tally.add("PostgreSQL", rust_tests(&Run { database: Some(postgres.url()), mail: None })?);
    drop(postgres);
    if !quick {
        shell::step("tests, browser");
        tally.add("browser", browser_tests()?);
    }
    finish(&tally, checked)
}

/// The names of what failed, so that the tail of a log has them, and the one line at the end.
fn finish(tally: &Tally, checked: Outcome) -> Outcome {
    if let Err(Failure::Broken(text) | Failure::Unready(text)) = &checked {
        println!("{text}");
    }
    for name in &tally.failed {
        println!("FAILED {name}");
    }
    let verdict = if checked.is_ok() { "check ok" } else { "check FAILED" };
    println!("{} passed, {} failed, {} skipped · {verdict}", tally.passed, tally.failed.len(), tally.skipped);
    if tally.failed.is_empty() && checked.is_ok() {
        return Ok(());
    }
    Err(Failure::Broken("something does not hold, see above".to_owned()))
}

/// Postfix and Dovecot need root; without it the tests that want them say that they are skipped.
fn mail_stack() -> Outcome<Option<MailStack>> {
    if !shell::is_root() {
        println!("skipped: Postfix and Dovecot need root; run the tests as root to include them");
        return Ok(None);
    }
    MailStack::start().map(Some)
}

/// What one run of the Rust tests is given.
struct Run<'a> {
    /// Address of a PostgreSQL; none: SQLite. With one, only the crates that store are run.
    database: Option<&'a str>,
    /// Folder that describes the mail servers.
    mail: Option<&'a Path>,
}

/// One run of the Rust tests.
///
/// Always over the whole workspace, even when a filter runs a part: a selection of packages would resolve other
/// features of the libraries and build them all once more.
fn rust_tests(run: &Run<'_>) -> Outcome<Tally> {
    let mut command = if shell::find("cargo-nextest").is_some() {
        let mut command = shell::cargo(["nextest", "run", "--locked", "--workspace", "--no-fail-fast"]);
        command.args(["--success-output=immediate", "--hide-progress-bar", "--no-tests=pass"]);
        if run.database.is_some() {
            let filter: Vec<String> =
                ON_BOTH_DATABASES.iter().map(|name| format!("package({name})")).collect();
            command.args(["--filterset", &filter.join(" + ")]);
        }
        command
    } else {
        let mut command =
            shell::cargo(["test", "--locked", "--workspace", "--no-fail-fast", "--all-targets"]);
        command.args(["--", "--show-output"]);
        command
    };
    match run.database {
        Some(url) => command.env("TELAIO_TEST_DB", url),
        None => command.env_remove("TELAIO_TEST_DB"),
    };
    if let Some(folder) = run.mail {
        command.env("TELAIO_TEST_MAIL", folder);
    }
    if let Some(folder) = shell::shared() {
        command.env("TELAIO_SHARED", folder);
    }
    watch(&mut command)
}

/// Browser journeys by Node's own test runner against the debug build of the demo.
fn browser_tests() -> Outcome<Tally> {
    let folder = shell::root().join("tests/browser");
    let journeys = shell::files(&folder.join("journeys"), ".test.mjs");
    if journeys.is_empty() {
        return Ok(Tally::default());
    }
    assets::install(&folder)?;
    shell::run(&mut shell::cargo(["build", "--locked", "--quiet", "--workspace", "--bin", "telaio"]))?;
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap", "--test-concurrency=1"]).args(journeys).current_dir(&folder);
    node.env("TELAIO_BINARY", shell::target().join("debug/telaio"));
    node.env("TELAIO_SHOTS", shell::target().join("shots"));
    watch(&mut node)
}

/// Runs a test program, shows what matters of its output as it comes and counts the verdicts.
fn watch(command: &mut Command) -> Outcome<Tally> {
    let started = Instant::now();
    let (reader, writer) = std::io::pipe().map_err(|error| Failure::Broken(format!("no pipe: {error}")))?;
    let errors = writer.try_clone().map_err(|error| Failure::Broken(format!("no pipe: {error}")))?;
    command.stdin(Stdio::null()).stdout(writer).stderr(errors);
    let mut child =
        command.spawn().map_err(|error| Failure::Broken(format!("cannot start the tests: {error}")))?;
    // Our own copies of the writing end must go, or the reading below would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut reading = Reading::default();
    for line in BufReader::new(reader).lines() {
        let line = line.unwrap_or_default();
        if reading.take(&line) {
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| Failure::Broken(format!("the tests vanished: {error}")))?;
    let mut tally = reading.tally;
    if !status.success() && tally.failed.is_empty() {
        // It did not even come to a verdict: a test program that did not compile, or crashed.
        tally.failed.push("a test program that came to no verdict, see its output above".to_owned());
    }
    println!("   {:.0} s", started.elapsed().as_secs_f64());
    Ok(tally)
}

/// Who is speaking: each kind of test program has its own words, and nextest shows libtest's inside its own.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    /// libtest, or Node's TAP stream.
    #[default]
    Plain,
    Nextest,
    /// Nextest repeats its failures after the summary; they have been counted.
    Repeating,
}

/// What has been understood of the output of nextest, of cargo test or of a TAP stream.
#[derive(Default)]
struct Reading {
    tally: Tally,
    speaker: Speaker,
    inside_success: bool,
}

impl Reading {
    /// Takes one line; answers whether a person wants to see it.
    fn take(&mut self, line: &str) -> bool {
        let text = line.trim_start();
        self.listen(text);
        if text.starts_with("skipped:") {
            self.tally.skipped += 1;
            self.tally.passed = self.tally.passed.saturating_sub(1);
            return true;
        }
        match self.verdict(text) {
            Some(true) => {
                let skipped = text.contains("# SKIP");
                self.tally.passed += usize::from(!skipped);
                self.tally.skipped += usize::from(skipped);
                self.inside_success = true;
                skipped
            }
            Some(false) => {
                self.tally.failed.push(name(text).to_owned());
                self.inside_success = false;
                true
            }
            None => !self.inside_success,
        }
    }

    /// Follows who speaks, and where the words of a test that passed end.
    fn listen(&mut self, text: &str) {
        if text.starts_with("Nextest run") {
            self.speaker = Speaker::Nextest;
        } else if text.starts_with("Summary [") && self.speaker == Speaker::Nextest {
            self.speaker = Speaker::Repeating;
        }
        if ["Compiling", "Finished", "Summary ["].iter().any(|word| text.starts_with(word)) {
            self.inside_success = false;
        }
    }

    /// Whether the line says that one test passed or failed.
    fn verdict(&self, text: &str) -> Option<bool> {
        let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        match self.speaker {
            Speaker::Nextest if begins(&["PASS [", "LEAK ["]) => Some(true),
            Speaker::Nextest if begins(&["FAIL [", "SIGABRT [", "SIGSEGV [", "TIMEOUT ["]) => Some(false),
            Speaker::Plain if begins(&["ok "]) => Some(true),
            Speaker::Plain if begins(&["not ok "]) => Some(false),
            Speaker::Plain if begins(&["test "]) && text.ends_with("... ok") => Some(true),
            Speaker::Plain if begins(&["test "]) && text.ends_with("FAILED") => Some(false),
            _ => None,
        }
    }
}

/// The name of the test in a line that says that it failed: `FAIL [ 0.1s] (1/9) store::writer torn`,
/// `not ok 2 - register` or `test ids::parse ... FAILED`.
fn name(text: &str) -> &str {
    let after = |mark: &str| text.split_once(mark).map(|(_, rest)| rest.trim_start());
    if let Some(rest) = text.strip_prefix("test ") {
        return rest.trim_end_matches("FAILED").trim_end_matches([' ', '.']);
    }
    if let Some(rest) = text.strip_prefix("not ok ") {
        return rest.split_once(" - ").map_or(rest, |(_, name)| name);
    }
    let rest = after("]").unwrap_or(text);
    match rest.strip_prefix('(') {
        Some(counted) => counted.split_once(')').map_or(rest, |(_, name)| name.trim_start()),
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, Tally, name};

    fn read(text: &str) -> (usize, usize, usize) {
        let mut reading = Reading::default();
        for line in text.lines() {
            reading.take(line);
        }
        (reading.tally.passed, reading.tally.failed.len(), reading.tally.skipped)
    }

    #[test]
    fn what_failed_is_named_with_its_part_of_the_run() {
        assert_eq!(
            name("FAIL [   0.657s] ( 6/14) telaio::commands faults::a_full"),
            "telaio::commands faults::a_full"
        );
        assert_eq!(name("TIMEOUT [ 60.0s] store::writer torn"), "store::writer torn");
        assert_eq!(name("not ok 2 - the clerk registers"), "the clerk registers");
        assert_eq!(name("test ids::print ... FAILED"), "ids::print");
        let mut all = Tally::default();
        let part = Tally { failed: vec!["app a".into()], ..Tally::default() };
        all.add("PostgreSQL", part);
        assert_eq!(all.failed, ["PostgreSQL: app a"]);
    }

    #[test]
    fn nextest_verdicts_are_counted_once_and_a_printed_skip_is_no_pass() {
        let text = concat!(
            " Nextest run ID 1 with nextest profile: default\n",
            "        PASS [   0.1s] domain a\n    running 1 test\n    test a ... ok\n    skipped: shared/ absent\n",
            "        PASS [   0.1s] domain b\n    test b ... ok\n",
            "        FAIL [   0.1s] domain c\n    test c ... FAILED\n",
            "     Summary [   0.3s] 3 tests run: 2 passed, 1 failed, 0 skipped\n",
            "        FAIL [   0.1s] domain c\n",
        );
        assert_eq!(read(text), (1, 1, 1));
    }

    #[test]
    fn tap_and_libtest_verdicts_are_counted() {
        assert_eq!(read("ok 1 - login\nnot ok 2 - register\nok 3 - mail # SKIP no root\n"), (1, 1, 1));
        assert_eq!(read("test ids::parse ... ok\ntest ids::print ... FAILED\n"), (1, 1, 0));
    }
}
