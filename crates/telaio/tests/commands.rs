//! The command line as an outsider meets it: names, exit codes, the line that says the demo is ready.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn telaio(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telaio"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    telaio(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A demo that ends with the test.
struct Demo {
    child: Child,
    port: u16,
}

impl Demo {
    fn start(folder: &Path, more: &[&str]) -> Demo {
        let mut command = telaio(&["demo", "--listen", "127.0.0.1:0", "--data", folder.to_str().unwrap()]);
        let mut child = command.args(more).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let ready = out.lines().map_while(Result::ok).find(|line| line.starts_with("listening on "));
        let ready = ready.expect("the demo ended before it was ready");
        let port = ready.rsplit(':').next().unwrap().parse().unwrap();
        Demo { child, port }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Asks for the end as an operator does, and gives the exit code.
    fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    assert_eq!(run(&[]).status.code(), Some(2));
    assert_eq!(run(&["weave"]).status.code(), Some(2));
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

#[test]
fn a_configuration_is_checked_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("telaio.toml");
    std::fs::write(&file, run(&["config", "example"]).stdout).unwrap();
    let name = file.to_str().unwrap();
    assert_eq!(run(&["config", "check", name]).status.code(), Some(0));
    std::fs::write(&file, "[server]\nlissten = 1\n").unwrap();
    let refused = run(&["config", "check", name]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("line 2"), "{}", text(&refused.stderr));
    let overridden = telaio(&["config", "check", name]).env("TELAIO_LOG__LEVLE", "x").output().unwrap();
    assert_eq!(overridden.status.code(), Some(2));
    assert_eq!(run(&["serve", "--config", "/nowhere/telaio.toml"]).status.code(), Some(2));
}

#[test]
fn the_demo_starts_answers_ends_quietly_and_continues() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("province");
    let first = Demo::start(&data, &["--seed", "7"]);
    assert!(first.get("/healthz").ends_with("\r\n\r\nok"));
    assert!(first.get("/readyz").contains("database works"));
    assert!(first.get("/metrics").contains("telaio_http_answers_total"));
    assert_eq!(first.end(), Some(0), "a signal is not a failure");
    let made = std::fs::metadata(data.join("demo.json")).unwrap().modified().unwrap();
    let second = Demo::start(&data, &[]);
    assert!(second.get("/healthz").contains("200 OK"));
    second.end();
    let kept = std::fs::metadata(data.join("demo.json")).unwrap().modified().unwrap();
    assert_eq!(made, kept, "a second start continues");
}

#[test]
fn a_folder_that_is_not_a_demo_s_is_never_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious.txt");
    std::fs::write(&precious, "mine").unwrap();
    let done =
        run(&["demo", "--fresh", "--listen", "127.0.0.1:0", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "mine");
}
