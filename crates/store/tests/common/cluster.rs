//! A throw-away PostgreSQL for tests that stop and kill it: one folder, one
//! socket in it, no port. Where no PostgreSQL is installed the test says so
//! and passes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// PostgreSQL refuses to run as root: then it runs as this user (`nobody`).
const NOBODY: u32 = 65_534;

pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    root: bool,
    /// Of the encrypted line, when there is one.
    port: Option<u16>,
}

impl Cluster {
    /// `None`, after a visible line, when this machine has no PostgreSQL.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: no PostgreSQL programs on this machine");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("telaio-pg-").tempdir().unwrap();
        let root =
            fs::metadata("/proc/self").is_ok_and(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0);
        if root {
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let cluster = Self { folder, programs, root, port: None };
        let data = cluster.data();
        let init =
            ["-D", &data, "-U", "telaio", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
        assert!(cluster.run("initdb", &init), "initdb failed");
        cluster.resume();
        Some(cluster)
    }

    /// Makes a certification authority and a certificate for `localhost`, and starts again with them. Answers the
    /// file of the authority; `None`, after a visible line, without the `openssl` command.
    pub fn encrypt(&mut self) -> Option<PathBuf> {
        const SCRIPT: &str = "set -e; umask 022; \
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Autorita di prova' -keyout ca.key -out ca.pem; \
            openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout line.key -out line.csr; \
            printf 'subjectAltName=DNS:localhost' > line.ext; \
            openssl x509 -req -in line.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile line.ext \
              -out line.pem; chmod 600 line.key";
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(SCRIPT).current_dir(self.folder.path());
        let made = shell.stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: no openssl command on this machine");
            return None;
        }
        if self.root {
            let key = self.folder.path().join("line.key");
            std::os::unix::fs::chown(key, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        self.port = Some(free.port());
        self.stop_at_once();
        self.resume();
        Some(self.folder.path().join("ca.pem"))
    }

    /// The address of the encrypted line.
    pub fn encrypted_url(&self) -> String {
        let port = self.port.unwrap();
        format!("host=localhost port={port} user=telaio dbname=postgres sslmode=require")
    }

    pub fn url(&self) -> String {
        format!("host={} user=telaio dbname=postgres", self.folder.path().display())
    }

    /// The same as [`Cluster::url`], in the form that a configuration has.
    #[allow(dead_code, reason = "for the tests of the whole program, which share this file")]
    pub fn address(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://telaio@{folder}/postgres")
    }

    /// Starts it (again) and waits until it answers.
    pub fn resume(&self) {
        let folder = self.folder.path().display();
        let mut socket = format!("-c listen_addresses='' -c unix_socket_directories={folder}");
        if let Some(port) = self.port {
            socket = format!(
                "-p {port} -c listen_addresses=localhost -c unix_socket_directories={folder} -c ssl=on \
                 -c ssl_cert_file={folder}/line.pem -c ssl_key_file={folder}/line.key"
            );
        }
        let log = format!("{}/log", self.folder.path().display());
        assert!(
            self.run("pg_ctl", &["-D", &self.data(), "-w", "-l", &log, "-o", &socket, "start"]),
            "pg_ctl failed"
        );
    }

    /// Ends it as a power cut of the database would, connections and all.
    pub fn stop_at_once(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
    }

    fn data(&self) -> String {
        format!("{}/data", self.folder.path().display())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let program = self.programs.join(program);
        let mut command = if self.root {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
            command.arg("--clear-groups").arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).current_dir(self.folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop_at_once();
    }
}

fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    folders.sort();
    folders.extend(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    folders.into_iter().find(|folder| has(folder, "initdb") && has(folder, "pg_ctl"))
}

fn has(folder: &Path, program: &str) -> bool {
    folder.join(program).is_file()
}
