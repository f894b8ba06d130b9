//! The command line as an outsider meets it: names, exit codes, the line that says the demo is ready.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

#[allow(dead_code, reason = "the encrypted line is tried by the tests of the store")]
#[path = "../../../store/tests/common/cluster.rs"]
mod cluster;
mod faults;
mod installation;
mod large;

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
        Demo::ready(command.args(more))
    }

    /// Starts it and waits for the line that says it is ready.
    fn ready(command: &mut Command) -> Demo {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let ready = out.lines().map_while(Result::ok).find(|line| line.starts_with("listening on "));
        let ready = ready.expect("the demo ended before it was ready");
        let port = ready.rsplit(':').next().unwrap().parse().unwrap();
        Demo { child, port }
    }

    fn get(&self, path: &str) -> String {
        self.get_with(path, "")
    }

    fn get_with(&self, path: &str, headers: &str) -> String {
        text(&self.bytes(path, headers))
    }

    fn bytes(&self, path: &str, headers: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nhost: localhost\r\n{headers}\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
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
    let trusted = std::fs::read(data.join("trust.pem")).unwrap();
    assert_eq!(first.end(), Some(0), "a signal is not a failure");
    let made = std::fs::metadata(data.join("demo.json")).unwrap().modified().unwrap();
    let second = Demo::start(&data, &[]);
    assert!(second.get("/healthz").contains("200 OK"));
    second.end();
    let kept = std::fs::metadata(data.join("demo.json")).unwrap().modified().unwrap();
    assert_eq!(made, kept, "a second start continues");
    assert_eq!(std::fs::read(data.join("trust.pem")).unwrap(), trusted, "whom it trusts is no new thing");
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

#[test]
fn a_backup_is_taken_while_the_demo_serves_and_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copies, back) =
        (folder.path().join("data"), folder.path().join("copies"), folder.path().join("back"));
    let name = |path: &Path| path.to_str().unwrap().to_owned();
    let demo = Demo::start(&data, &[]);
    let taken = run(&["backup", &name(&copies), "--data", &name(&data), "--keep", "1"]);
    assert_eq!(taken.status.code(), Some(0), "{}", text(&taken.stderr));
    assert!(demo.get("/healthz").contains("200 OK"), "the server goes on");
    demo.end();
    let without_key = run(&["restore", &name(&copies), "--data", &name(&back)]);
    assert_eq!(without_key.status.code(), Some(2), "documents cannot be read without the master keys");
    std::fs::create_dir_all(&back).unwrap();
    std::fs::copy(data.join("master.key"), back.join("master.key")).unwrap();
    let restored = run(&["restore", &name(&copies), "--data", &name(&back)]);
    assert_eq!(restored.status.code(), Some(0), "{}", text(&restored.stderr));
    assert!(text(&restored.stdout).contains("chains"));
    let again = run(&["restore", &name(&copies), "--data", &name(&back)]);
    assert_eq!(again.status.code(), Some(1), "a place that is not empty is refused");
}

#[test]
fn the_doctor_tries_every_part_and_asks_a_server_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let name = data.to_str().unwrap();
    let calm = run(&["doctor", "--data", name, "--json"]);
    assert_eq!(calm.status.code(), Some(0), "{}", text(&calm.stderr));
    let parts: serde_json::Value = serde_json::from_slice(&calm.stdout).unwrap();
    assert!(
        parts.as_array().unwrap().iter().any(|part| part["name"] == "storage" && part["state"] == "works")
    );
    let demo = Demo::start(&data, &["--fresh"]);
    let busy = run(&["doctor", "--data", name]);
    assert!(text(&busy.stdout).contains("server"), "{}", text(&busy.stdout));
    demo.end();
    let config = folder.path().join("telaio.toml");
    let nowhere = "[database]\nurl = \"postgres://telaio@127.0.0.1:1/none\"\n";
    std::fs::write(&config, format!("{nowhere}[storage]\nfolder = \"{name}\"\n")).unwrap();
    let gone = run(&["doctor", "--config", config.to_str().unwrap()]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stdout).contains("→"), "a remedy is told: {}", text(&gone.stdout));
}

/// Answers one connection as a daemon of ClamAV does, with whatever verdict.
fn scanner(verdict: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut command = [0; 10];
        peer.read_exact(&mut command).unwrap();
        loop {
            let mut length = [0; 4];
            peer.read_exact(&mut length).unwrap();
            match u32::from_be_bytes(length) {
                0 => break,
                length => drop(std::io::copy(&mut (&peer).take(length.into()), &mut std::io::sink())),
            }
        }
        peer.write_all(verdict.as_bytes()).unwrap();
    });
    address
}

#[test]
fn the_doctor_tries_what_the_configuration_names_outside_and_says_how_to_mend() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("telaio.toml");
    let data = folder.path().join("data");
    let anchors = folder.path().join("anchors.pem");
    std::fs::write(&anchors, "no certificate").unwrap();
    let settings = format!(
        "[storage]\nfolder = \"{}\"\n[trust]\nanchors = [\"{}\"]\n[timestamp]\nurl = \"http://127.0.0.1:1/\"\n\
         [antivirus]\nclamav = \"{}\"\n[key_token]\nmodule = \"/nowhere.so\"\ntoken = \"t\"\nkey = \"k\"\n\
         [[mail]]\nbody = \"c_x001\"\nkind = \"pec\"\naddress = \"a@pec.test\"\nsmtp = \"smtps://127.0.0.1:1\"\n\
         imap = \"imaps://127.0.0.1:1\"\npassword_file = \"{}\"\n[[scans]]\nbody = \"c_x001\"\nfolder = \"{}\"\n",
        data.display(),
        anchors.display(),
        scanner("stream: OK\0"),
        anchors.display(),
        folder.path().join("nowhere").display(),
    );
    std::fs::write(&config, settings).unwrap();
    let found = run(&["doctor", "--config", config.to_str().unwrap(), "--json"]);
    assert_eq!(found.status.code(), Some(1));
    let parts: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    for (name, state) in [
        ("database", "works"),
        ("antivirus", "works"),
        ("trust", "fails"),
        ("timestamp", "fails"),
        ("key_token", "fails"),
        ("smtp", "fails"),
        ("imap", "fails"),
        ("scans", "fails"),
    ] {
        let part = parts.as_array().unwrap().iter().find(|part| part["name"] == name).unwrap();
        assert_eq!(part["state"], state, "{part}");
        assert_eq!(part["remedy"].is_string(), state == "fails", "{part}");
    }
}

#[test]
fn accounts_and_tokens_of_the_demo_are_told_while_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let name = data.to_str().unwrap();
    assert_eq!(run(&["accounts", "--data", name]).status.code(), Some(1), "there is no demo yet");
    let demo = Demo::start(&data, &["--seed", "9"]);
    let listed = run(&["accounts", "--data", name, "--json"]);
    let accounts: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let accounts = accounts.as_array().unwrap();
    let has = |role: &str| accounts.iter().any(|one| one["roles"].as_array().unwrap().contains(&role.into()));
    for role in domain::Role::ALL {
        assert!(has(role.name()), "nobody is {}", role.name());
    }
    assert!(accounts.iter().any(|one| one["body"].is_null()), "citizens work for no body");
    let user = accounts[0]["username"].as_str().unwrap();
    let token = text(&run(&["token", "--user", user, "--data", name]).stdout).trim().to_owned();
    let answer = demo.get_with("/api/v1/bodies/c_g999", &format!("authorization: Bearer {token}\r\n"));
    assert!(!answer.contains(" 401 "), "{answer}");
    assert_eq!(run(&["token", "--user", "nobody", "--data", name]).status.code(), Some(1));
    demo.end();
}

/// A production installation on SQLite in a folder, with one body.
fn installation(folder: &Path) -> String {
    let config = folder.join("telaio.toml");
    let data = folder.join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(&config, format!("[storage]\nfolder = \"{}\"\n", data.display())).unwrap();
    let bodies = folder.join("bodies.csv");
    let heading =
        "ipa_code,name,kind,tax_code,digital_domicile,inside,valid_from,aoo,aoo_name,register,register_name";
    let row = "c_x001,Comune di Prova,municipality,,,yes,2020-01-01,AX00001,AOO unica,RG,Registro generale";
    std::fs::write(&bodies, format!("{heading}\n{row}\n")).unwrap();
    let config = config.to_str().unwrap().to_owned();
    let done = run(&["import", "bodies", bodies.to_str().unwrap(), "--config", &config]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    config
}

#[test]
fn production_serves_with_its_workers_and_ends_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let config = installation(folder.path());
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (public, monitoring) = (free(), free());
    let mut child = telaio(&["serve", "--config", &config])
        .env("TELAIO_SERVER__LISTEN", public.to_string())
        .env("TELAIO_SERVER__METRICS_LISTEN", monitoring.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    assert!(out.lines().map_while(Result::ok).any(|line| line.starts_with("listening on ")));
    let demo = Demo { child, port: public.port() };
    assert!(demo.get("/healthz").contains("200 OK"));
    assert!(demo.get("/metrics").contains("404"), "figures are not for the public");
    let figures = Demo { port: monitoring.port(), ..demo };
    assert!(figures.get("/metrics").contains("telaio_store_writes_total"));
    let mut child = figures.child;
    let errors = child.stderr.take().unwrap();
    assert_eq!(Demo { child, port: 0 }.end(), Some(0));
    for line in BufReader::new(errors).lines().map_while(Result::ok) {
        let line: serde_json::Value = serde_json::from_str(&line).expect("every line of the log is JSON");
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    let missing =
        telaio(&["serve", "--config", &config]).env("TELAIO_TRUST__ANCHORS", "[\"/nowhere.pem\"]").output();
    assert_eq!(missing.unwrap().status.code(), Some(2), "a file that is not there is a wrong configuration");
}

#[test]
fn an_installation_begins_with_bodies_a_scheme_and_its_first_two_people() {
    let folder = tempfile::tempdir().unwrap();
    let config = installation(folder.path());
    let here = |more: &[&str]| run(&[more, &["--body", "c_x001", "--config", &config]].concat());
    assert!(text(&here(&["import", "scheme"]).stdout).contains("classes in force"));
    let invite =
        |user: &str, role: &str| here(&["invite", "--user", user, "--name", "Prova Uno", "--role", role]);
    let first = invite("prova.uno", "it_admin");
    assert!(text(&first.stdout).contains("/enter/"), "{}", text(&first.stderr));
    assert_eq!(invite("prova.due", "it_admin").status.code(), Some(1), "the way is shut after the first");
    assert_eq!(invite("prova.tre", "records_manager").status.code(), Some(0));
    assert_eq!(invite("prova.sei", "weaver").status.code(), Some(2));
    let nowhere = run(&["import", "scheme", "--body", "c_x999", "--config", &config]);
    assert_eq!(nowhere.status.code(), Some(2));
}

#[test]
fn an_old_register_comes_in_with_a_verdict_for_each_row_and_everything_goes_out() {
    let folder = tempfile::tempdir().unwrap();
    let config = installation(folder.path());
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let columns =
        "number = \"N\"\ndate = \"D\"\ndirection = \"V\"\nsubject = \"O\"\ncorrespondents = \"M\"\n";
    let mapping = file("m.toml", &format!("[columns]\n{columns}[directions]\nE = \"incoming\"\n"));
    let rows = file("old.csv", "N;D;V;O;M\n41;31/12/2025;E;Vecchia domanda;Prova Uno\nx;;;;\n");
    let here = |more: &[&str]| run(&[more, &["--body", "c_x001", "--config", &config]].concat());
    let dry = here(&["import", "register", &rows, "--mapping", &mapping, "--dry-run"]);
    assert_eq!(dry.status.code(), Some(1), "one row is faulty");
    assert!(text(&dry.stderr).contains("1 would be imported"), "{}", text(&dry.stderr));
    let real = here(&["import", "register", &rows, "--mapping", &mapping, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&real.stdout).unwrap();
    assert_eq!((&report[0]["verdict"], &report[0]["number"]), (&"imported".into(), &41.into()));
    assert_eq!((&report[1]["verdict"], &report[1]["line"]), (&"faulty".into(), &3.into()));
    let wrong = here(&["import", "register", &rows, "--mapping", &rows]);
    assert_eq!(wrong.status.code(), Some(2), "a mapping that is none is wrong usage");
    let table = text(&here(&["export", "register", "--year", "2025"]).stdout);
    assert!(table.contains("registered_at"), "{table}");
    assert!(table.contains("0000041") && table.contains("Vecchia domanda"));
    let leaving = folder.path().join("leaving");
    let done = here(&["export", "everything", leaving.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let entries = std::fs::read_to_string(leaving.join("entries.jsonl")).unwrap();
    let entry: serde_json::Value = serde_json::from_str(entries.lines().next().unwrap()).unwrap();
    assert!(leaving.join("files").join(entry["document"]["sha256"].as_str().unwrap()).exists());
    assert_eq!(here(&["export", "everything", leaving.to_str().unwrap()]).status.code(), Some(2));
}

/// Words that a person might write; none of them may come back in a log or a figure.
const MARKER: &str = "Segretissimo7319";

/// One request with a body, as a program sends it.
fn post(demo: &Demo, path: &str, headers: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", demo.port)).unwrap();
    let head =
        format!("POST {path} HTTP/1.0\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    text(&answer)
}

/// A registration whose every field and file holds the marker.
fn marked_registration() -> Vec<u8> {
    let metadata = format!(
        "{{\"body\":\"c_g999\",\"aoo\":\"ADEMO01\",\"direction\":\"incoming\",\"subject\":\"Domanda {MARKER}\",\
         \"sender_reference\":{{\"number\":\"{MARKER}\"}},\"correspondents\":[{{\"kind\":\"person\",\"name\":\"Prova {MARKER}\",\
         \"digital_domicile\":\"{MARKER}@pec.cittadini.test\"}}],\"classification\":\"VI.3\"}}"
    );
    let part = |name: &str, kind: &str, content: &str| {
        format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"{kind}\r\n\r\n{content}\r\n")
    };
    let file = format!("; filename=\"{MARKER}.txt\"\r\ncontent-type: text/plain");
    let parts = [
        part("metadata", "\r\ncontent-type: application/json", &metadata),
        part("document", &file, &format!("Io sottoscritto Prova {MARKER}")),
    ];
    format!("{}--x--\r\n", parts.concat()).into_bytes()
}

#[test]
fn nothing_that_people_write_comes_into_logs_or_figures() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let name = data.to_str().unwrap();
    let mut command = telaio(&["demo", "--listen", "127.0.0.1:0", "--data", name]);
    command.env("TELAIO_LOG__LEVEL", "debug").env("TELAIO_LOG__FORMAT", "json");
    let demo = Demo::ready(command.stderr(std::fs::File::create(&log).unwrap()));
    let token = text(&run(&["token", "--user", "protocollo.comune.prato", "--data", name]).stdout);
    let bearer = format!("authorization: Bearer {}\r\n", token.trim());
    let multipart = format!("{bearer}content-type: multipart/form-data; boundary=x\r\n");
    let made = post(&demo, "/api/v1/registrations", &multipart, &marked_registration());
    assert!(made.contains(" 201 ") && made.contains(MARKER), "{made}");
    assert!(
        demo.get_with(&format!("/api/v1/registrations?body=c_g999&q={MARKER}"), &bearer).contains(MARKER)
    );
    let refused = post(&demo, "/api/v1/registrations", &multipart, &marked_registration()[..200]);
    assert!(refused.contains(" 4"), "half a request is refused: {refused}");
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    post(&demo, "/login", form, format!("username={MARKER}&password={MARKER}").as_bytes());
    demo.get(&format!("/{MARKER}?q={MARKER}"));
    demo.get_with("/api/v1/registrations", &format!("authorization: Bearer {MARKER}\r\n"));
    let figures = demo.get("/metrics");
    assert!(figures.contains("telaio_http_answers_total") && !figures.contains(MARKER));
    assert!(!figures.contains("c_g999"), "figures are of the installation, not of a body");
    demo.end();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.lines().count() > 5, "at this level something is written: {log}");
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "not JSON: {line}");
        assert!(!line.to_lowercase().contains(&MARKER.to_lowercase()), "{line}");
    }
}
