//! A throw-away PostgreSQL cluster, started as an unprivileged user and stopped when dropped.
//!
//! For tests it never flushes: they want speed and nobody wants their data back. For benchmarks it is
//! as durable as in production. Parallel tests use a schema each, so one cluster serves them all.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use super::Folder;
use crate::{Failure, Outcome, shell};

const VOLATILE: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off";
/// The server's own defaults, and the memory that its documentation advises.
const DURABLE: &str = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on -c shared_buffers=512MB";

/// A running cluster; dropping it stops the server and removes its files.
pub struct Postgres {
    folder: Folder,
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    url: String,
    options: String,
}

impl Postgres {
    /// Makes a cluster for tests and waits until it answers.
    pub fn start() -> Outcome<Postgres> {
        Postgres::with(VOLATILE)
    }

    /// Makes a cluster that flushes every commit, for benchmarks.
    pub fn start_durable() -> Outcome<Postgres> {
        Postgres::with(DURABLE)
    }

    fn with(durability: &str) -> Outcome<Postgres> {
        let programs = programs().ok_or_else(|| {
            Failure::Unready("PostgreSQL is not installed: cargo xtask setup test".to_owned())
        })?;
        let (folder, port, password) = (Folder::make("postgres")?, super::free_port()?, super::secret()?);
        let owner = if shell::is_root() { Some(unprivileged()?) } else { None };
        let url = format!("postgres://telaio:{password}@127.0.0.1:{port}/postgres");
        let options = settings(port, folder.path(), durability);
        let cluster = Postgres { folder, programs, owner, url, options };
        cluster.initialise(&password)?;
        cluster.restart()?;
        Ok(cluster)
    }

    /// Ends the server without a checkpoint, as a kill would: the next start recovers from its log.
    pub fn crash(&self) -> Outcome {
        self.control("", "stop")
    }

    /// Starts a server that was ended; seconds until it answered.
    pub fn restart(&self) -> Outcome<f64> {
        let started = std::time::Instant::now();
        self.control(&self.options, "start")?;
        Ok(started.elapsed().as_secs_f64())
    }

    /// Process id of the server, whose children do the work.
    pub fn pid(&self) -> Outcome<u32> {
        let text = shell::read(&self.data().join("postmaster.pid"))?;
        let first = text.lines().next().and_then(|line| line.trim().parse().ok());
        first.ok_or_else(|| Failure::Broken("PostgreSQL wrote no process id".to_owned()))
    }

    /// The address to connect to, password included.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn initialise(&self, password: &str) -> Outcome {
        if let Some((user, group)) = self.owner {
            shell::run(Command::new("chown").arg(format!("{user}:{group}")).arg(self.folder.path()))?;
        }
        let words = self.folder.path().join("password");
        shell::write(&words, password)?;
        shell::run(Command::new("chmod").arg("644").arg(&words))?;
        let mut command = self.program("initdb");
        command.args(["--username=telaio", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]);
        command.arg("--no-sync").arg("--pwfile").arg(&words).arg("--pgdata").arg(self.data());
        shell::output(&mut command)?;
        let _ = std::fs::remove_file(&words);
        Ok(())
    }

    fn control(&self, options: &str, verb: &str) -> Outcome {
        let mut command = self.program("pg_ctl");
        command.arg("--pgdata").arg(self.data()).args(["--wait", "--silent", "--mode=immediate"]);
        command.arg("--log").arg(self.folder.path().join("log")).arg(verb);
        if verb == "start" {
            command.arg("--options").arg(options);
        }
        // The server outlives pg_ctl and would keep our pipes open: it must not inherit them.
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        shell::run(&mut command)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.folder.path()).env("HOME", self.folder.path());
        if let Some((user, group)) = self.owner {
            command.gid(group).uid(user);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.control("", "stop");
    }
}

fn settings(port: u16, folder: &std::path::Path, durability: &str) -> String {
    format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=200 {durability}",
        folder.display()
    )
}

/// Folder of the server's programs: the newest of Debian's versions, or wherever `initdb` is found.
pub fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok();
    let mut folders: Vec<PathBuf> =
        versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    let newest = folders.into_iter().rev().find(|folder| folder.join("initdb").exists());
    newest.or_else(|| shell::find("initdb")?.parent().map(PathBuf::from))
}

/// PostgreSQL refuses to run as root: its own account, or failing that the machine's nobody.
fn unprivileged() -> Outcome<(u32, u32)> {
    super::account("postgres")
        .or_else(|| super::account("nobody"))
        .ok_or_else(|| Failure::Unready("no account `postgres` or `nobody` to run PostgreSQL as".to_owned()))
}
