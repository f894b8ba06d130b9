//! Rows about reading: search among many with permission, visibility of what
//! was just written, and the audit of a long journal.

use std::time::Instant;

use domain::body::IpaCode;
use sha2::{Digest, Sha256};
use store::journal::{self, Entry};
use store::search::{self, Indexed, Search};
use store::{Store, StoreError};

use crate::workload::{Bench, body, one, subject};
use crate::{Outcome, ROUNDS, Samples, peers};

/// Things written per transaction while the data are made.
const LOAD: u64 = 5_000;
/// Queries of one round.
const QUERIES: usize = 200;

/// How many rows the long rows work on; `TELAIO_BENCH_ROWS` makes it shorter, and a note says so.
fn rows(full: u64) -> u64 {
    std::env::var("TELAIO_BENCH_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(full)
}

/// R16: the first 20 hits among two million with the permission filter, against the bare engine. What ours finds
/// must be exactly the newest 20 that the body may see, worked out from the seeds.
pub async fn search() -> Outcome<Samples> {
    let (bench, total) = (Bench::sqlite()?, rows(2_000_000));
    for start in (0..total).step_by(LOAD as usize) {
        bench.store().write(move |tx| index(tx, start, total)).await?;
    }
    let mut samples = Samples::time(" ms");
    for round in 0..ROUNDS {
        let words: Vec<String> = (0..QUERIES)
            .map(|turn| match turn % 3 {
                0 => "richiesta".to_owned(),
                1 => "ordinanza".to_owned(),
                _ => format!("pratica{}", (round * 7_919 + turn * 31) as u64 % total.min(50_000)),
            })
            .collect();
        the_same(bench.store(), &words[..9], total).await?;
        let ours = ours(bench.store(), words.clone()).await?;
        samples.add(ours, peers::bare_search(&bench.database(), &words)?);
    }
    samples.note(format!("{total} things of 18 bodies; one body, two kinds of readers; SQLite"));
    Ok(samples)
}

fn index(tx: &mut store::Tx, start: u64, total: u64) -> Result<(), StoreError> {
    for seed in start..(start + LOAD).min(total) {
        // One in ten is for an office only: the filter has something to leave out.
        let reader = if seed.is_multiple_of(10) { "unit_x" } else { "all" };
        let at = tx.stamp();
        search::put(
            tx,
            &Indexed {
                body: body(seed),
                object: format!("reg_{seed:032x}"),
                at,
                readers: vec![reader.to_owned()],
                number: seed.to_string(),
                parties: format!("Prova Numero {}", seed % 9_973),
                subject: subject(seed),
                text: String::new(),
            },
            &[],
        )?;
    }
    Ok(())
}

/// The question of body 1 for one whole word.
fn question(word: &str) -> Search {
    Search {
        body: body(1),
        readers: vec!["all".into(), "unit_y".into()],
        // A closing space: the whole word, as the peer asks.
        typed: format!("{word} "),
        before: None,
        limit: 20,
    }
}

/// Whether the hits are those that a walk over all seeds gives.
async fn the_same(store: &Store, words: &[String], total: u64) -> Outcome<()> {
    for word in words {
        let search = question(word);
        let hits = store.read(move |reader| search::find(reader, &search)).await?;
        let found: Vec<String> = hits.into_iter().map(|hit| hit.object).collect();
        let is_ours = |seed: &u64| body(*seed) == body(1) && !seed.is_multiple_of(10);
        let has_word = |seed: &u64| subject(*seed).split(' ').any(|one| one == word);
        let right = (0..total).rev().filter(is_ours).filter(has_word).take(20);
        let right: Vec<String> = right.map(|seed| format!("reg_{seed:032x}")).collect();
        if found != right {
            return Err(format!("{word}: found {found:?} instead of {right:?}").into());
        }
    }
    Ok(())
}

async fn ours(store: &Store, words: Vec<String>) -> Outcome<f64> {
    let (started, count) = (Instant::now(), words.len());
    for typed in words {
        let search = question(&typed);
        store.read(move |reader| search::find(reader, &search)).await?;
    }
    Ok(started.elapsed().as_secs_f64() * 1_000.0 / count as f64)
}

/// R17: what was answered is found by the next search; the share that is, against all of it.
pub async fn visible_at_once() -> Outcome<Samples> {
    let bench = Bench::sqlite()?;
    let mut samples = Samples { unit: " of 1", ..Samples::per_second() };
    for round in 0..ROUNDS as u64 {
        let mut found = 0.0;
        for turn in 0..50 {
            let seed = round * 50 + turn;
            one(bench.store(), seed).await?;
            let search = Search {
                body: body(seed),
                readers: vec!["all".into()],
                typed: format!("pratica{seed} "),
                before: None,
                limit: 20,
            };
            let hits = bench.store().read(move |reader| search::find(reader, &search)).await?;
            found += f64::from(u8::from(!hits.is_empty()));
        }
        samples.add(found / 50.0, 1.0);
    }
    samples
        .note("number, parties and subject are indexed in the same commit: 0 ms when the share is 1".into());
    Ok(samples)
}

/// R20: a journal read and recomputed end to end, against SHA-256 of the same bytes on one thread.
pub async fn audit() -> Outcome<Samples> {
    let (bench, total) = (Bench::sqlite()?, rows(1_000_000));
    for start in (0..total).step_by(LOAD as usize) {
        let group = start..(start + LOAD).min(total);
        bench.store().write(move |tx| group.into_iter().try_for_each(|turn| entry(tx, turn))).await?;
    }
    let mut samples = Samples::time(" s");
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let verified = bench.store().read(|reader| journal::verify_chain(reader, &body(0))).await?;
        let ours = started.elapsed().as_secs_f64();
        if u64::try_from(verified.entries)? != total {
            return Err(format!("{} entries were checked instead of {total}", verified.entries).into());
        }
        samples.add(ours, hash_alone(total));
    }
    samples.note(format!("{total} entries of one body, 215 bytes each in canonical form; SQLite"));
    Ok(samples)
}

fn entry(tx: &mut store::Tx, turn: u64) -> Result<(), StoreError> {
    let body: IpaCode = body(0);
    let subject = format!("reg_{turn:032x}");
    journal::append(
        tx,
        Entry {
            body: &body,
            actor: "acc_00000000000000000000000000000001",
            on_behalf_of: None,
            verb: "registration.create",
            subject: &subject,
            case: None,
            norm: None,
            state: b"state",
        },
    )?;
    Ok(())
}

/// Seconds to hash as many pieces of the same length.
fn hash_alone(count: u64) -> f64 {
    let (piece, started, mut sum) = ([7_u8; 215], Instant::now(), 0_u8);
    for turn in 0..count {
        let mut piece = piece;
        piece[..8].copy_from_slice(&turn.to_be_bytes());
        sum ^= Sha256::digest(piece)[0];
    }
    let took = started.elapsed().as_secs_f64();
    // Used, so that the loop is not optimised away.
    if sum == 0 && count == u64::MAX { 0.0 } else { took }
}
