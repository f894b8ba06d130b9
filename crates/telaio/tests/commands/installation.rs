//! A production installation with one body, one clerk and a token, served by the real program: what the tests of
//! faults and of large files start from. Everything is asked over HTTP, as programs and browsers do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use app::accounts::{identify, password, tokens};
use app::{App, Clock, Settings, seals};
use documents::signature::KeyKind;
use documents::signature::test_ca::{Holder, TestCa};
use domain::Role;
use domain::body::{Aoo, AooCode, Body, BodyKind, IpaCode, RegisterCode, RegisterInfo, Unit};
use domain::ids::{AccountId, Id, UnitId};
use serde_json::{Value, json};
use store::accounts::{Account, Post};
use store::{Query, Store, StoreConfig};

pub const BODY: &str = "c_g999";
pub const USER: &str = "prova.uno";
pub const PASSWORD: &str = "una frase lunga di prova";
/// How long something may take that the program does by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    fn read(stream: &mut TcpStream) -> Answer {
        let mut all = Vec::new();
        // A server that has said all it wants may cut the line: what came before counts.
        let _ = stream.read_to_end(&mut all);
        let end = all.windows(4).position(|w| w == b"\r\n\r\n").expect("an answer with a head");
        let head = String::from_utf8_lossy(&all[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: all.split_off(end + 4) }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// Fails unless this is a refusal with the time to come back.
    pub fn must_say_when_to_come_back(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text());
        let seconds: u64 = self.header("retry-after").expect("Retry-After").parse().unwrap();
        assert!(seconds > 0);
    }
}

/// Where everything of one installation is.
pub struct Installation {
    folder: tempfile::TempDir,
    /// On the same disk as the data, as it often is.
    log: PathBuf,
    store: StoreConfig,
    settings: String,
    pub token: String,
}

impl Installation {
    /// On SQLite in `data`, or with documents in `data` and the rows in a PostgreSQL.
    pub fn new(data: &Path, postgres: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::System;
        let (store, mut settings) = match postgres {
            None => (StoreConfig::sqlite(data, clock.as_fn()), String::new()),
            Some(url) => (
                StoreConfig::postgres(url, data.join("blobs"), clock.as_fn()),
                format!("[database]\nurl = \"{url}\"\n"),
            ),
        };
        settings.push_str(&format!("[storage]\nfolder = \"{}\"\n", data.display()));
        let token = tokio::runtime::Runtime::new().unwrap().block_on(people(&store));
        Self { folder, log: data.join("log"), store, settings, token }
    }

    /// More of the configuration file.
    pub fn with(mut self, settings: &str) -> Self {
        self.settings.push_str(settings);
        self
    }

    /// A folder for whatever the test needs beside the data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the server and waits until it listens.
    pub fn start(&self) -> Server {
        self.start_by(Command::new(env!("CARGO_BIN_EXE_telaio")))
    }

    /// Starts it by a command that ends with the program: a shell with limits, a preloaded library.
    pub fn start_by(&self, mut command: Command) -> Server {
        let config = self.folder.path().join("telaio.toml");
        std::fs::write(&config, &self.settings).unwrap();
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (public, monitoring) = (free(), free());
        let log = std::fs::File::create(&self.log).unwrap();
        let mut child = command
            .args(["serve", "--config"])
            .arg(&config)
            .env("TELAIO_SERVER__LISTEN", public.to_string())
            .env("TELAIO_SERVER__METRICS_LISTEN", monitoring.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let ready = out.lines().map_while(Result::ok).any(|line| line.starts_with("listening on "));
        assert!(ready, "the server ended: {}", self.log());
        Server { child, public: public.port(), monitoring: monitoring.port(), token: self.token.clone() }
    }

    /// What the server wrote down since its last start.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Opens what the server left: numbers in order and what time each was given, after the chain of the journal
    /// was found to hold.
    pub fn numbers(&self) -> Vec<(i64, i64)> {
        const NUMBERS: &str = "select number, registered_at from registrations order by number";
        let store = Store::open(&self.store).unwrap();
        let read = async {
            let body = IpaCode::parse(BODY).unwrap();
            store.read(move |reader| store::journal::verify_chain(reader, &body)).await.unwrap();
            store.read(|reader| reader.rows(NUMBERS, &[])).await.unwrap()
        };
        let rows = tokio::runtime::Runtime::new().unwrap().block_on(read);
        rows.iter().map(|row| (row.int(0).unwrap(), row.int(1).unwrap())).collect()
    }

    /// Fails unless the numbers left are 1, 2, 3 … and all that were acknowledged are among them.
    pub fn must_hold(&self, acknowledged: &[i64]) {
        let numbers: Vec<i64> = self.numbers().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "skipped or repeated");
        for number in acknowledged {
            assert!(numbers.contains(number), "{number} was acknowledged and is lost");
        }
    }
}

/// The first body, its clerk and the clerk's token.
async fn people(config: &StoreConfig) -> String {
    let app = std::sync::Arc::new(App::new(Store::open(config).unwrap(), Clock::System, Settings::default()));
    let code = IpaCode::parse(BODY).unwrap();
    let account = Account {
        id: AccountId::from_u128(1),
        username: USER.into(),
        name: "Prova Uno".into(),
        body: code.clone(),
        email: None,
        password_hash: Some(password::hash_for_demo(PASSWORD).unwrap()),
        state: "active".into(),
        failures: 0,
        locked_until: 0,
        totp_secret: None,
        totp_last_step: 0,
    };
    let post = Post { body: code.clone(), unit: None, role: Role::RegistryClerk };
    let (kept, held) = (account.clone(), post.clone());
    let insert = move |tx: &mut store::Tx| {
        store::bodies::insert(tx, &body())?;
        store::accounts::insert(tx, &kept)?;
        store::accounts::add_post(tx, &kept.id, &held)
    };
    app.store.write::<_, store::StoreError, _>(insert).await.unwrap();
    let valid = "2020-01-01T00:00:00Z".parse().unwrap().."2090-01-01T00:00:00Z".parse().unwrap();
    let ca = TestCa::create("CA di prova", valid.clone()).unwrap();
    let issued = ca.issue(&Holder::seal("Comune di Prova", "VATIT-01234567890"), KeyKind::P256, valid);
    let material = seals::Material::pkcs12(&issued.unwrap().pkcs12("segreto").unwrap(), "segreto");
    seals::install(&app.system_context(&code), code.clone(), material).await.unwrap();
    let actor = identify::actor(&account, &[post], &code, None);
    tokens::make(&app.context(actor), "prova", 30).await.unwrap().1
}

fn body() -> Body {
    let aoo = AooCode::parse("A1B2C3D").unwrap();
    let office = Unit {
        id: UnitId::from_u128(1),
        code: "PROT".into(),
        name: "Protocollo".into(),
        aoo: aoo.clone(),
        parent: None,
        active: true,
    };
    let register =
        RegisterInfo { code: RegisterCode::parse("RG").unwrap(), name: "Registro generale".into() };
    Body {
        ipa_code: IpaCode::parse(BODY).unwrap(),
        name: "Comune di Prova".into(),
        tax_code: None,
        kind: BodyKind::Municipality,
        digital_domicile: None,
        aoos: vec![Aoo {
            code: aoo,
            name: "Area unica".into(),
            digital_domicile: None,
            registers: vec![register],
        }],
        offices: vec![office],
        succeeded_by: None,
        valid_from: "2020-01-01".parse().unwrap(),
        valid_to: None,
        inside: true,
    }
}

/// A server that runs; it is killed with the test.
pub struct Server {
    child: Child,
    public: u16,
    monitoring: u16,
    token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// One request without a body.
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &self.bearer(), b"")
    }

    pub fn bearer(&self) -> String {
        format!("authorization: Bearer {}\r\n", self.token)
    }

    /// One request with its body.
    pub fn call(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        self.stream(method, path, headers, body.len() as u64, |line| line.write_all(body))
    }

    /// One request whose body, `length` bytes, is written by `give`. A server may answer before the end of it.
    pub fn stream(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        length: u64,
        give: impl FnOnce(&mut TcpStream) -> std::io::Result<()>,
    ) -> Answer {
        let mut line = TcpStream::connect(("127.0.0.1", self.public)).unwrap();
        write!(
            line,
            "{method} {path} HTTP/1.0\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n"
        )
        .unwrap();
        let _ = give(&mut line);
        Answer::read(&mut line)
    }

    /// What the address for monitoring says of each part.
    pub fn readyz(&self) -> String {
        let mut line = TcpStream::connect(("127.0.0.1", self.monitoring)).unwrap();
        write!(line, "GET /readyz HTTP/1.0\r\nhost: localhost\r\n\r\n").unwrap();
        Answer::read(&mut line).text()
    }

    /// Registers an entry with one file of `size` bytes, made as it is sent.
    pub fn register(&self, direction: &str, subject: &str, size: u64) -> Answer {
        let metadata = json!({
            "body": BODY, "aoo": "A1B2C3D", "direction": direction, "subject": subject,
            "correspondents": [{"kind": "person", "name": "Prova Due"}],
        });
        let start = format!(
            "--x\r\ncontent-disposition: form-data; name=\"metadata\"\r\ncontent-type: application/json\r\n\r\n\
             {metadata}\r\n--x\r\ncontent-disposition: form-data; name=\"document\"; filename=\"prova.txt\"\r\n\
             content-type: text/plain\r\n\r\n"
        );
        let end = "\r\n--x--\r\n";
        let headers = format!("{}content-type: multipart/form-data; boundary=x\r\n", self.bearer());
        let length = start.len() as u64 + size + end.len() as u64;
        self.stream("POST", "/api/v1/registrations", &headers, length, |line| {
            line.write_all(start.as_bytes())?;
            write_words(line, subject, size)?;
            line.write_all(end.as_bytes())
        })
    }

    /// The number of an entry that must be registered.
    pub fn number(&self, subject: &str) -> i64 {
        let answer = self.register("incoming", subject, 2_000);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["number"].as_i64().unwrap()
    }

    /// Signs in on the page; the answer is that of the form.
    pub fn sign_in(&self) -> Answer {
        let fields = format!("username={USER}&password={}&next=/register", PASSWORD.replace(' ', "+"));
        let form = "content-type: application/x-www-form-urlencoded\r\naccept-language: it\r\n";
        self.call("POST", "/login", form, fields.as_bytes())
    }

    /// Ends it as an operator does.
    pub fn end(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

/// Different text for each subject, so that no two files are the same.
fn write_words(line: &mut TcpStream, subject: &str, size: u64) -> std::io::Result<()> {
    let piece: Vec<u8> = format!("{subject} · parole di prova\n").bytes().cycle().take(64 * 1024).collect();
    let mut left = size;
    while left > 0 {
        let now = left.min(piece.len() as u64);
        line.write_all(&piece[..usize::try_from(now).unwrap_or(0)])?;
        left -= now;
    }
    Ok(())
}

/// Asks again until something is so: for what the program does by itself.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The library that moves a program's clock, where it is installed; says so where it is not.
pub struct Hand {
    library: PathBuf,
    file: PathBuf,
}

impl Hand {
    /// The clock will be read through `file`, which is made here and says "as it is".
    pub fn new(folder: &Path) -> Option<Self> {
        let places = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let library = places
            .map(|place| place.path().join("faketime/libfaketimeMT.so.1"))
            .find(|library| library.is_file());
        let Some(library) = library else {
            println!("skipped: libfaketime is not on this machine");
            return None;
        };
        let hand = Self { library, file: folder.join("clock") };
        hand.set(0);
        Some(hand)
    }

    /// The program, with its clock in our hand. Only the time of day is moved, never what measures pauses.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_telaio"));
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
        command
    }

    /// Moves the clock so many seconds from the true time. Whoever reads meanwhile sees the old file or the new one.
    pub fn set(&self, seconds: i64) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n")).unwrap();
        std::fs::rename(new, &self.file).unwrap();
    }
}
