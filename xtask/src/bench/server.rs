//! A Telaio of our own to be measured: the release binary, in production mode, on the province of the demo, on
//! SQLite or on PostgreSQL. Limits on requests are off (whoever measures must not measure the limit), everything
//! else is as it comes: workers run, every answer waits for its flush.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::http;
use crate::services::{Folder, free_port};
use crate::{Failure, Outcome, shell};

/// A server that does not answer by then never will.
const START: Duration = Duration::from_secs(60);

/// Somebody who registers: the clerk of a body.
pub struct Clerk {
    /// IPA code of the body.
    pub body: String,
    /// Code of its area.
    pub aoo: String,
    /// Bearer token.
    pub token: String,
}

/// A running server; dropping it ends it, and removes its data unless it was started over somebody's folder.
pub struct Server {
    folder: Folder,
    data: PathBuf,
    child: Option<Child>,
    /// Port of pages and API.
    pub port: u16,
    monitoring: u16,
}

fn broken(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::Broken(format!("{what}: {error}"))
}

/// The release binary; `TELAIO_BENCH_PROGRAM` names another one, of an earlier release, to be compared.
pub fn program() -> PathBuf {
    given_program().unwrap_or_else(|| shell::target().join("release/telaio"))
}

/// The binary that was named, if any: then nothing is built.
pub fn given_program() -> Option<PathBuf> {
    std::env::var_os("TELAIO_BENCH_PROGRAM").map(PathBuf::from)
}

impl Server {
    /// On SQLite.
    pub fn sqlite() -> Outcome<Server> {
        let mut server = Server::prepare()?;
        server.configure("sqlite", "")?;
        server.start()?;
        Ok(server)
    }

    /// On SQLite with more settings than usual; not started yet.
    pub fn with_settings(more: &str) -> Outcome<Server> {
        let server = Server::prepare()?;
        server.configure("sqlite", more)?;
        Ok(server)
    }

    /// On the SQLite of a folder that stays; `name` tells it from others that run at the same time.
    pub fn over(data: PathBuf, name: &str) -> Outcome<Server> {
        let folder = Folder::make(&format!("served-{name}"))?;
        let mut server = Server { folder, data, child: None, port: free_port()?, monitoring: free_port()? };
        server.configure("sqlite", "")?;
        server.start()?;
        Ok(server)
    }

    /// On PostgreSQL, to which the province is moved first.
    pub fn postgres(url: &str) -> Outcome<Server> {
        let mut server = Server::prepare()?;
        server.configure("sqlite", "")?;
        let old = server.folder.path().join("sqlite.toml");
        std::fs::rename(server.config(), &old).map_err(|error| broken("the configuration", error))?;
        server.configure(url, "")?;
        let mut moving = Command::new(program());
        moving.arg("move-database").arg("--config").arg(&old).arg("--to").arg(server.config());
        shell::output(&mut moving)?;
        server.start()?;
        Ok(server)
    }

    fn prepare() -> Outcome<Server> {
        let seed = province()?;
        let folder = Folder::make("served")?;
        let data = folder.path().join("data");
        shell::run(Command::new("cp").arg("-a").arg(&seed).arg(&data))?;
        Ok(Server { folder, data, child: None, port: free_port()?, monitoring: free_port()? })
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("telaio.toml")
    }

    /// Where its data lie.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    fn configure(&self, database: &str, more: &str) -> Outcome {
        let Server { port, monitoring, .. } = self;
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\nmetrics_listen = \"127.0.0.1:{monitoring}\"\n\
             public_url = \"http://localhost:{port}\"\n[database]\nurl = \"{database}\"\n[storage]\n\
             folder = \"{}\"\n[limits]\nrequests_per_minute = 0\n[log]\nlevel = \"error\"\n{more}",
            self.data().display()
        );
        shell::write(&self.config(), &text)
    }

    /// Starts it and waits for its first page, the sign-in; seconds that took.
    pub fn start(&mut self) -> Outcome<f64> {
        self.start_until("/login", None)
    }

    /// Starts it and waits until a path is answered with 200; seconds that took.
    pub fn start_until(&mut self, path: &str, token: Option<&str>) -> Outcome<f64> {
        let started = Instant::now();
        let mut command = Command::new(program());
        command.arg("serve").arg("--config").arg(self.config()).stdout(Stdio::null());
        self.child = Some(command.spawn().map_err(|error| broken("cannot start telaio", error))?);
        while started.elapsed() < START {
            if http::get(self.port, path, token).is_ok_and(|answer| answer.status == 200) {
                return Ok(started.elapsed().as_secs_f64());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(Failure::Broken("telaio does not answer".to_owned()))
    }

    /// Kills it as a power cut would kill the process: no goodbye.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Flushed groups so far.
    pub fn flushes(&self) -> Outcome<f64> {
        let answer =
            http::get(self.monitoring, "/metrics", None).map_err(|error| broken("metrics", error))?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("telaio_store_groups_total "));
        line.and_then(|number| number.parse().ok())
            .ok_or_else(|| broken("metrics", "telaio_store_groups_total is not there"))
    }

    /// The accounts of the province, as `telaio accounts --json` lists them.
    pub fn accounts(&self) -> Outcome<Vec<serde_json::Value>> {
        let mut list = Command::new(program());
        let text = shell::output(list.args(["accounts", "--json", "--data"]).arg(self.data()))?;
        serde_json::from_str(&text).map_err(|error| broken("accounts", error))
    }

    /// The first account of a body that holds a role.
    pub fn account(&self, body: &str, role: &str) -> Outcome<serde_json::Value> {
        let holds = |account: &serde_json::Value| {
            let roles = account["roles"].as_array().map(Vec::as_slice).unwrap_or_default();
            account["body"] == body && roles.iter().any(|one| one == role)
        };
        let found = self.accounts()?.into_iter().find(holds);
        found.ok_or_else(|| broken("accounts", format!("{body} has no {role}")))
    }

    /// A bearer token of an account of the province.
    pub fn token(&self, user: &str) -> Outcome<String> {
        let mut command = Command::new(program());
        let token = shell::output(command.args(["token", "--user", user, "--data"]).arg(self.data()))?;
        Ok(token.trim().to_owned())
    }

    /// Clerks of the bodies of the province, each with a token.
    pub fn clerks(&self) -> Outcome<Vec<Clerk>> {
        let mut clerks = Vec::new();
        for account in self.accounts()? {
            let roles = account["roles"].as_array().cloned().unwrap_or_default();
            let (Some(user), Some(body)) = (account["username"].as_str(), account["body"].as_str()) else {
                continue;
            };
            if roles.iter().any(|role| role == "registry_clerk") {
                clerks.extend(self.clerk(user, body)?);
            }
        }
        Ok(clerks)
    }

    fn clerk(&self, user: &str, body: &str) -> Outcome<Option<Clerk>> {
        let token = self.token(user)?;
        let answer = http::get(self.port, &format!("/api/v1/bodies/{body}"), Some(&token))
            .map_err(|error| broken("bodies", error))?;
        let read = answer.json();
        let aoo = read["aoos"][0]["code"].as_str();
        Ok(aoo.map(|aoo| Clerk { body: body.to_owned(), aoo: aoo.to_owned(), token }))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A folder with the province of the demo, made once and kept under the target folder; every call starts it for a
/// moment, which renews its tokens and brings its schema up to date.
pub fn province() -> Outcome<PathBuf> {
    let folder = shell::target().join("bench/province");
    demo_until_ready(&folder)?;
    Ok(folder)
}

/// Starts the demo on a folder, waits until it listens and ends it in order; seconds until it listened.
pub fn demo_until_ready(folder: &Path) -> Outcome<f64> {
    std::fs::create_dir_all(folder).map_err(|error| broken("the province's folder", error))?;
    let started = Instant::now();
    let mut command = Command::new(program());
    command.args(["demo", "--listen", "127.0.0.1:0", "--data"]).arg(folder).env("TELAIO_LOG__LEVEL", "error");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| broken("the demo", error))?;
    let output = child.stdout.take().ok_or_else(|| broken("the demo", "no output"))?;
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let ready = lines.any(|line| line.starts_with("listening on"));
    let took = started.elapsed().as_secs_f64();
    shell::run(Command::new("kill").arg(child.id().to_string()))?;
    let _ = child.wait();
    if ready { Ok(took) } else { Err(broken("the demo", "it ended before it listened")) }
}
