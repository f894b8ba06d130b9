//! The upgrade of data written by an earlier program: the schema of then (its
//! steps pinned here by checksum, so that nobody changes them), rows of then,
//! and today's program on top.

use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::ids::{Id, RegistrationId};

use crate::config::{Database, StoreConfig};
use crate::counters::{self, Scope};
use crate::{Query, Store, StoreError, TestClock, dialect, migrate, register};

/// Steps of the schema of November 2026, as they were run.
const STEPS: [(i64, &str); 6] = [
    (1, "ef2364302143eaed480cf56100d9feb348c388673fdbe17104cc33bd19c65b33"),
    (2, "37a4d0e461bca780f11d7aed24d4a830491de21560536dcd9633d7d0e45fefdb"),
    (3, "50b1a9b0b85ebbf62ede6228d3500c313e391d17e7dd5076e1b9e66962eabfad"),
    (4, "ed2fcca4002ed215a53799548cf2a2018b8f869c15a4c33167d74fafd8db3ad6"),
    (5, "75eb86c774943882c248351b68afc9b65087b6d5b48669a35b6c7ffeacdee10f"),
    (6, "d79511cc461fa26aec7230f0ef4bc1ab63f23be6d724d64dca580ab9bd66d1f0"),
];
const ROWS: &str = include_str!("../tests/fixtures/rows_0006.sql");
/// The rows use a function of SQLite.
const UNHEX: &str = "create function unhex(text) returns bytea language sql immutable as \
    $$ select decode($1, 'hex') $$";
/// 32 zero bytes: the rows are invented.
const KEY: &str = "fixture AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

fn data_of_then(folder: &std::path::Path) -> StoreConfig {
    let mut config = StoreConfig::sqlite(folder, TestClock::default().clock());
    if let Ok(url) = std::env::var("TELAIO_TEST_DB") {
        let schema = format!("upgrade_{}", std::process::id());
        config.database = Database::Postgres { url, schema };
    }
    std::fs::write(&config.key_file, KEY).unwrap();
    let steps: Vec<_> = STEPS.iter().map(|(number, sum)| (*number, (*sum).to_owned())).collect();
    let mut engine = dialect::writer(&config.database).unwrap();
    migrate::run_recorded(engine.as_mut(), &steps, 0).unwrap();
    if engine.is_postgres() {
        engine.script(UNHEX).unwrap();
    }
    engine.script(ROWS).unwrap();
    config
}

#[tokio::test]
async fn data_of_schema_0006_are_upgraded_and_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let config = tokio::task::spawn_blocking(move || data_of_then(&path)).await.unwrap();
    let store = Store::open(&config).unwrap();
    let checked = store.check_everything().await.unwrap();
    assert!(checked.faults.is_empty(), "{checked:?}");
    assert_eq!((checked.chains, checked.blobs), (1, 3));
    let next = store
        .write(|tx| {
            let corrected = register::corrections(tx, &RegistrationId::from_u128(2))?;
            assert_eq!(corrected[0].new_value.as_deref(), Some("Lettera corretta"));
            let annulled = register::head(tx, &RegistrationId::from_u128(3))?;
            assert!(annulled.is_some_and(|head| head.annulled_at.is_some()));
            let parse = |_| StoreError::Closed;
            let (body, aoo) =
                (IpaCode::parse("c_g999").map_err(parse)?, AooCode::parse("A1B2C3D").map_err(parse)?);
            let register = RegisterCode::parse("RG").map_err(parse)?;
            counters::next(tx, Scope { body: &body, aoo: &aoo, register: &register })
        })
        .await
        .unwrap();
    assert_eq!((next.year, next.number), (2026, 4));
    let steps = store.read(|reader| reader.rows("select number from schema_migrations", &[])).await.unwrap();
    assert!(steps.len() > STEPS.len(), "today's steps were run on top");
}
