//! Whether each thing the installation leans on works, and how to mend what does not.
//!
//! One list for the page of the IT manager, for `/readyz` and for `telaio doctor`. Each part is tried, not
//! believed: the database is read and written, the folder of documents is written. Nothing here holds sentences;
//! remedies are keys of the message files.

pub mod watched;

use crate::{App, Error};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Free space under which documents are in danger: 1 GiB.
const LEAST_FREE_BYTES: u64 = 1 << 30;
/// A clock that stands back more than this raises an alarm (the register stamps the later time anyway).
const CLOCK_TOLERANCE_MICROS: i64 = 60_000_000;

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was tried and it works.
    Works,
    /// It works, but needs somebody soon.
    Warns,
    /// It was tried and it does not work.
    Fails,
    /// It is not configured, and need not be.
    Unset,
}

impl State {
    /// The name in `/readyz` and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Warns => "warns",
            Self::Fails => "fails",
            Self::Unset => "unset",
        }
    }
}

/// One thing the installation leans on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Name, also the key of its words: `health-<name>`.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// What was seen: a version, a size, an error. For the IT manager only.
    pub detail: String,
    /// The same as a key of the message files (`seen-<key>`) with its figures, where it is a sentence.
    pub told: Option<Told>,
    /// Key of the remedy in the message files, when there is something to do.
    pub remedy: Option<&'static str>,
    /// Since when it is so, as far as this process saw; UTC microseconds.
    pub since: i64,
}

/// A sentence about what was seen: the end of its key, and the figures it quotes.
pub type Told = (&'static str, Vec<(&'static str, i64)>);

/// What this process has seen: the last state of each part, so that a change knows its moment, and damage that
/// somebody met.
#[derive(Debug, Default)]
pub struct Seen {
    states: Mutex<HashMap<&'static str, (State, i64)>>,
    damage: Mutex<Option<Damage>>,
}

/// Data that were met damaged since the program began.
#[derive(Debug)]
struct Damage {
    times: u64,
    /// Where it was met the last time.
    last: String,
}

impl Seen {
    /// Remembers an error that says that what is kept is damaged; anything else is not its business.
    pub fn note(&self, error: &Error) {
        let Error::Damaged(place) = error else { return };
        let mut damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        let times = damage.as_ref().map_or(0, |known| known.times) + 1;
        *damage = Some(Damage { times, last: place.clone() });
    }

    /// What is kept, as far as anybody looked at it: damage does not go away by waiting, so the alarm stays until
    /// somebody has looked and the program is started again.
    fn data(&self) -> Part {
        match self.damage.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            None => Part::works("data", "no damage met").told("whole", &[]),
            Some(Damage { times, last }) => {
                Part::bad("data", State::Fails, format!("{times} times, last: {last}"), "remedy-data")
            }
        }
    }

    fn date(&self, parts: &mut [Part], now: i64) {
        let mut seen = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        for part in parts {
            let known = seen.entry(part.name).or_insert((part.state, now));
            if known.0 != part.state {
                *known = (part.state, now);
            }
            part.since = known.1;
        }
    }
}

impl Part {
    /// Whether requests cannot be answered while this fails: what a load balancer may act on.
    pub fn stops_work(&self) -> bool {
        self.state == State::Fails && matches!(self.name, "database" | "writer" | "storage")
    }

    fn works(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Works, detail: detail.into(), told: None, remedy: None, since: 0 }
    }

    fn bad(name: &'static str, state: State, detail: impl Into<String>, remedy: &'static str) -> Self {
        Self { name, state, detail: detail.into(), told: None, remedy: Some(remedy), since: 0 }
    }

    fn told(mut self, key: &'static str, figures: &[(&'static str, i64)]) -> Self {
        self.told = Some((key, figures.to_vec()));
        self
    }
}

/// Tries every part that lives in this process.
pub async fn look(app: &Arc<App>) -> Vec<Part> {
    let mut parts = vec![
        database(app).await,
        writer(app).await,
        clock(app),
        storage(app),
        app.health.data(),
        watched::seals(app).await,
        watched::tls(app),
        watched::backup(app),
    ];
    app.health.date(&mut parts, app.clock.micros());
    parts
}

async fn database(app: &App) -> Part {
    match app.store.read::<_, Error, _>(|_| Ok(())).await {
        Ok(()) => Part::works("database", app.store.engine()),
        Err(error) => Part::bad("database", State::Fails, error.to_string(), "remedy-database"),
    }
}

/// The writer answers only after its commit, so an empty closure proves that it lives and reaches the database;
/// whether there is room to write is tried with the storage.
async fn writer(app: &App) -> Part {
    let done = app.store.write::<_, Error, _>(|_| Ok(())).await;
    let figures = app.store.figures();
    let detail = format!("{} kept, {} waiting, {} lost", figures.kept, figures.waiting, figures.lost);
    let figure = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let told = [
        ("kept", figure(figures.kept)),
        ("waiting", figure(figures.waiting)),
        ("lost", figure(figures.lost)),
    ];
    match done {
        Ok(()) => Part::works("writer", detail).told("writer", &told),
        Err(error) => Part::bad("writer", State::Fails, error.to_string(), "remedy-writer"),
    }
}

fn clock(app: &App) -> Part {
    let behind = app.store.clock_behind();
    let seconds = behind / 1_000_000;
    let detail = format!("{seconds} s behind the register");
    let part = match behind > CLOCK_TOLERANCE_MICROS {
        true => Part::bad("clock", State::Warns, detail, "remedy-clock"),
        false => Part::works("clock", detail),
    };
    part.told("clock", &[("n", seconds)])
}

fn storage(app: &App) -> Part {
    let space = match app.store.space() {
        Ok(space) => space,
        Err(error) => {
            let full = matches!(error, store::StoreError::DiskFull(_));
            let remedy = if full { "remedy-space" } else { "remedy-storage" };
            return Part::bad("storage", State::Fails, error.to_string(), remedy);
        }
    };
    let free = space >> 20;
    let detail = format!("{free} MiB free");
    let part = match space < LEAST_FREE_BYTES {
        true => Part::bad("storage", State::Warns, detail, "remedy-space"),
        false => Part::works("storage", detail),
    };
    part.told("storage", &[("n", i64::try_from(free).unwrap_or(i64::MAX))])
}
