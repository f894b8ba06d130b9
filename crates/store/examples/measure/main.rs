//! Measures the store against its peers for `cargo xtask bench`: one row per
//! run, both sides interleaved in the same process, samples as JSON on the
//! standard output. The contracts of the rows are in `docs/benchmarks.md`;
//! here the store is called directly, without HTTP.
//!
//! `measure ROW` where ROW is one of r1 r2 r3 r4 (the store's part alone, for profiling) r16 r17 r20; or
//! `measure bare GROUP MILLISECONDS`, which prints the rate of the bare engine alone; or `measure fill FOLDER BODY
//! COUNT`, which makes the register of a body large.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

mod fill;
mod peers;
mod reading;
mod workload;

use std::time::Duration;

use workload::Bench;

/// Rounds of each side.
pub const ROUNDS: usize = 5;
/// How long one side of one round runs.
pub const SPAN: Duration = Duration::from_millis(1_500);

/// Any failure ends the run with its text.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Samples of both sides, one per round.
pub struct Samples {
    telaio: Vec<f64>,
    peer: Vec<f64>,
    unit: &'static str,
    smaller_is_better: bool,
    notes: Vec<String>,
}

impl Samples {
    /// Of rates: more is better.
    pub fn per_second() -> Self {
        Self { telaio: Vec::new(), peer: Vec::new(), unit: "/s", smaller_is_better: false, notes: Vec::new() }
    }

    /// Of times: less is better.
    pub fn time(unit: &'static str) -> Self {
        Self { unit, smaller_is_better: true, ..Self::per_second() }
    }

    /// Adds one round.
    pub fn add(&mut self, telaio: f64, peer: f64) {
        self.telaio.push(telaio);
        self.peer.push(peer);
    }

    /// Adds what a reader must know.
    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let row = std::env::args().nth(1).unwrap_or_default();
    if row == "bare" {
        return bare();
    }
    if row == "fill" {
        let word = |place| std::env::args().nth(place).unwrap_or_default();
        return fill::run(word(2).as_ref(), &word(3), word(4).parse()?).await;
    }
    let samples = match row.as_str() {
        "r1" => one_client().await?,
        "r2" => groups(64).await?,
        "r3" => against_pgbench().await?,
        "r4" => groups(1_024).await?,
        "r16" => reading::search().await?,
        "r17" => reading::visible_at_once().await?,
        "r20" => reading::audit().await?,
        other => return Err(format!("no such row: {other:?}").into()),
    };
    let json = serde_json::json!({
        "telaio": samples.telaio, "peer": samples.peer, "unit": samples.unit,
        "smaller_is_better": samples.smaller_is_better, "notes": samples.notes,
    });
    println!("{json}");
    Ok(())
}

/// The peer of the rows that go through the API.
fn bare() -> Outcome<()> {
    let number = |place| std::env::args().nth(place).unwrap_or_default().parse::<u64>();
    let (group, span) = (usize::try_from(number(2)?)?, Duration::from_millis(number(3)?));
    let folder = tempfile::Builder::new().prefix("telaio-bench-").tempdir()?;
    println!("{}", peers::bare_sqlite(folder.path(), group, span)?);
    Ok(())
}

/// R1: a durable registration with 20 kB against the same bytes appended and flushed.
async fn one_client() -> Outcome<Samples> {
    let bench = Bench::sqlite()?;
    let mut samples = Samples::per_second();
    bench.run(1, SPAN / 2).await?;
    for _ in 0..ROUNDS {
        let ours = bench.run(1, SPAN).await?;
        samples.add(ours.per_second(), peers::append_and_flush(bench.folder(), SPAN)?);
    }
    samples.note("store level: no HTTP; SQLite".into());
    Ok(samples)
}

/// R2 and R4: many clients against the bare engine storing the same bytes in groups of the same size.
async fn groups(clients: usize) -> Outcome<Samples> {
    let bench = Bench::sqlite()?;
    let mut samples = Samples::per_second();
    bench.run(clients, SPAN / 2).await?;
    let mut sizes = Vec::new();
    for _ in 0..ROUNDS {
        let ours = bench.run(clients, SPAN).await?;
        sizes.push(ours.per_flush());
        let group = ours.per_flush().round().max(1.0) as usize;
        samples.add(ours.per_second(), peers::bare_sqlite(bench.folder(), group, SPAN)?);
    }
    samples.note(format!("store level: no HTTP; registrations per flush in each round: {sizes:.1?}"));
    Ok(samples)
}

/// R3: 64 clients on PostgreSQL against `pgbench -N` on the same server.
async fn against_pgbench() -> Outcome<Samples> {
    let url = std::env::var("TELAIO_TEST_DB").map_err(|_| "TELAIO_TEST_DB names no PostgreSQL")?;
    let bench = Bench::postgres(&url)?;
    peers::prepare_pgbench(&url)?;
    let mut samples = Samples::per_second();
    bench.run(64, SPAN / 2).await?;
    for _ in 0..ROUNDS {
        let ours = bench.run(64, SPAN).await?;
        samples.add(ours.per_second(), peers::pgbench(&url, SPAN)?);
    }
    samples.note("store level: no HTTP; both sides on the same PostgreSQL".into());
    Ok(samples)
}
