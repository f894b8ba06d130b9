//! `telaio doctor`: everything the installation leans on, tried, in one table.

mod probes;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use app::health::{self, Part};
use serde::Serialize;

use super::serve::runtime;
use super::{Done, Stop};
use crate::assembly;
use crate::cli::DoctorOptions;
use crate::config::Config;

/// How long the running server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    state: String,
    detail: String,
    remedy: Option<String>,
}

impl Line {
    fn works(name: &str, detail: &str) -> Self {
        Self { name: name.to_owned(), state: "works".into(), detail: detail.to_owned(), remedy: None }
    }

    fn warns(name: &str, detail: &str, remedy: &str) -> Self {
        Self { state: "warns".into(), remedy: Some(words(remedy)), ..Self::works(name, detail) }
    }

    fn fails(name: &str, detail: &str, remedy: &str) -> Self {
        Self { state: "fails".into(), ..Self::warns(name, detail, remedy) }
    }

    fn unset(name: &str) -> Self {
        Self { state: "unset".into(), ..Self::works(name, "") }
    }
}

/// Tries every part; fails when one of them does.
pub fn run(options: &DoctorOptions) -> Done {
    let config = assembly::installation(&options.place)?;
    let demo = options.place.config.is_none();
    let mut lines = look(&config, demo)?;
    // The demo's provider lives inside its server: there is nothing outside to try.
    if !demo {
        lines.extend(runtime()?.block_on(probes::look(&config)));
    }
    match options.json {
        true => {
            println!("{}", serde_json::to_string_pretty(&lines).map_err(|e| Stop::Failed(e.to_string()))?)
        }
        false => print!("{}", table(&lines)),
    }
    match lines.iter().filter(|line| line.state == "fails").count() {
        0 => Ok(()),
        failing => Err(Stop::Failed(format!("{failing} of {} parts do not work", lines.len()))),
    }
}

/// Tries the parts in this process, or asks the server that is already at work on the same data.
fn look(config: &Config, demo: bool) -> Result<Vec<Line>, Stop> {
    match assembly::try_open(config, &app::Clock::System)? {
        Ok(store) => {
            let app = app::App::new(store, app::Clock::System, assembly::settings(config, demo));
            let app = std::sync::Arc::new(app);
            Ok(runtime()?.block_on(health::look(&app)).into_iter().map(line).collect())
        }
        Err(store::StoreError::Busy(_)) => Ok(running(config.server.metrics_listen)),
        Err(store::StoreError::Key(why)) => Ok(vec![Line::fails("keys", &why, "remedy-keys")]),
        Err(error) => Ok(vec![Line::fails("database", &error.to_string(), "remedy-database")]),
    }
}

/// What the running server says of itself at `/readyz`.
fn running(address: SocketAddr) -> Vec<Line> {
    let server = |state: &str, detail: String| Line {
        name: "server".into(),
        state: state.into(),
        detail,
        remedy: None,
    };
    match readyz(address) {
        Ok(text) => {
            let mut lines = vec![server("works", format!("running, asked at {address}"))];
            lines.extend(text.lines().filter_map(|line| line.split_once(' ')).map(|(name, state)| Line {
                name: name.to_owned(),
                state: state.to_owned(),
                detail: "as the running server says".to_owned(),
                remedy: None,
            }));
            lines
        }
        Err(error) => {
            vec![server("warns", format!("the data is in use, and {address} does not answer: {error}"))]
        }
    }
}

fn readyz(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn line(part: Part) -> Line {
    Line {
        name: part.name.to_owned(),
        state: part.state.name().to_owned(),
        detail: part.detail,
        remedy: part.remedy.map(words),
    }
}

fn table(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&format!("{:12} {:6} {}\n", line.name, line.state, line.detail));
        if let Some(remedy) = &line.remedy {
            text.push_str(&format!("{:20}→ {remedy}\n", ""));
        }
    }
    text
}

/// The remedy in the words of the interface, in English: this is a terminal of whoever runs the machine.
fn words(key: &str) -> String {
    web::i18n::text(web::prefs::Lang::En, key)
}
