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
        let cluster = Self { folder, programs, root };
        let data = cluster.data();
        let init =
            ["-D", &data, "-U", "telaio", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
        assert!(cluster.run("initdb", &init), "initdb failed");
        cluster.resume();
        Some(cluster)
    }

    pub fn url(&self) -> String {
        format!("host={} user=telaio dbname=postgres", self.folder.path().display())
    }

    /// Starts it (again) and waits until it answers.
    pub fn resume(&self) {
        let socket =
            format!("-c listen_addresses='' -c unix_socket_directories={}", self.folder.path().display());
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
