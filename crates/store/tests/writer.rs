//! The grouped writer as its callers see it: each closure stands or falls
//! alone, an answer means a flush, numbers follow the time of the register.
//! Runs on SQLite, or on the PostgreSQL that `TELAIO_TEST_DB` names.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use domain::body::{AooCode, IpaCode, RegisterCode};
use store::counters::{self, Numbered, Scope};
use store::journal::{self, Entry};
use store::{Store, StoreError, TestClock, Tx, test_store, test_store_at};

fn prato() -> IpaCode {
    IpaCode::parse("c_g999").unwrap()
}

fn number(tx: &mut Tx) -> Result<Numbered, StoreError> {
    let (aoo, register) = (AooCode::parse("A1B2C3D").unwrap(), RegisterCode::parse("RG").unwrap());
    let body = prato();
    let numbered = counters::next(tx, Scope { body: &body, aoo: &aoo, register: &register })?;
    journal::append(
        tx,
        Entry {
            body: &body,
            actor: "acc_test",
            on_behalf_of: None,
            verb: "registration.create",
            subject: &format!("{}/{}", numbered.number, numbered.year),
            case: None,
            norm: None,
            state: b"state",
        },
    )?;
    Ok(numbered)
}

async fn journal_holds(store: &Store) -> i64 {
    store.read(|reader| journal::verify_chain(reader, &prato())).await.unwrap().entries
}

/// Scenario 1 of the register sheet: 200 at once, 20 of them fail.
#[tokio::test(flavor = "multi_thread")]
async fn register_scenario_01_gap_free() {
    let store = test_store();
    let tasks: Vec<_> = (0..200)
        .map(|index| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .write(move |tx| {
                        let numbered = number(tx)?;
                        if index % 10 == 3 {
                            return Err(StoreError::Busy("refused after the number".into()));
                        }
                        Ok(numbered.number)
                    })
                    .await
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.extend(task.await.unwrap().ok());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=180).collect::<Vec<_>>());
    let next = store.write(number).await.unwrap();
    assert_eq!(next.number, 181);
    assert_eq!(journal_holds(&store).await, 181);
    let figures = store.figures();
    assert_eq!((figures.kept, figures.undone, figures.lost), (181, 20, 0));
    assert!(figures.groups < 181, "writes share flushes: {figures:?}");
}

#[tokio::test]
async fn a_panicking_closure_is_undone_alone() {
    let store = test_store();
    let panicking = store.write(|tx| {
        number(tx)?;
        if tx.stamp() > 0 {
            panic!("on purpose");
        }
        Ok::<(), StoreError>(())
    });
    let (lost, kept) = tokio::join!(panicking, store.write(number));
    assert_eq!(lost, Err(StoreError::Panicked));
    assert_eq!(kept.unwrap().number, 1);
    assert_eq!(journal_holds(&store).await, 1);
}

/// Scenario 4 of the register sheet: the year follows from the time of the commit.
#[tokio::test]
async fn register_scenario_04_year_change() {
    let before = "2026-12-31T23:59:59.9+01:00".parse::<jiff::Timestamp>().unwrap();
    let clock = TestClock::at(before.as_microsecond());
    let store = test_store_at(&clock);
    let old = store.write(number).await.unwrap();
    clock.advance(200_000);
    let new = store.write(number).await.unwrap();
    assert_eq!((old.year, old.number), (2026, 1));
    assert_eq!((new.year, new.number), (2027, 1));
}

#[tokio::test]
async fn a_clock_that_jumps_back_never_disorders_a_register() {
    let clock = TestClock::default();
    let store = test_store_at(&clock);
    let first = store.write(number).await.unwrap();
    clock.advance(-3_600_000_000);
    let second = store.write(number).await.unwrap();
    assert_eq!((second.number, second.at), (2, first.at));
    assert_eq!(store.clock_behind(), 3_600_000_000);
    clock.advance(3_600_000_001);
    assert!(store.write(number).await.unwrap().at > first.at);
    assert_eq!(store.clock_behind(), 0);
}
