//! Brings the schema of a database up to this program's: numbered scripts,
//! embedded at build time, each run once inside one transaction and recorded
//! with its checksum. A script that was run never changes: a differing
//! checksum, or a number this program does not know, stops the start.

use sha2::{Digest, Sha256};

use crate::dialect::{self, Engine};
use crate::{StoreError, Value};

/// One step of the schema: common text, then the twin of the engine.
pub(crate) struct Migration {
    number: u32,
    name: &'static str,
    common: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Every step, in order of number; written by `build.rs` from `src/migrations`.
static ALL: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

const RECORDS: &str = "\
create table if not exists schema_migrations (
  number bigint primary key,
  name text not null,
  checksum text not null,
  applied_at bigint not null
);";

impl Migration {
    /// The same on both engines, so that data moved from one to the other carry it along.
    fn checksum(&self) -> String {
        let mut digest = Sha256::new();
        for text in [self.common, self.sqlite, self.postgres] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        hex::encode(digest.finalize())
    }

    fn script(&self, postgres: bool) -> Result<String, StoreError> {
        let twin = if postgres { self.postgres } else { self.sqlite };
        dialect::render(&format!("{}\n{twin}", self.common), postgres)
    }
}

/// Runs what is missing. `now` is written beside each step, UTC microseconds.
pub(crate) fn run(engine: &mut dyn Engine, now: i64) -> Result<(), StoreError> {
    run_list(engine, ALL, now)
}

fn run_list(engine: &mut dyn Engine, list: &[Migration], now: i64) -> Result<(), StoreError> {
    engine.begin_write()?;
    let done = engine
        .script(&dialect::render(RECORDS, engine.is_postgres())?)
        .and_then(|()| apply(engine, list, now));
    match done {
        Ok(()) => engine.commit(),
        Err(error) => {
            engine.rollback()?;
            Err(error)
        }
    }
}

/// All missing steps in one transaction: an upgrade is done or it is not.
fn apply(engine: &mut dyn Engine, list: &[Migration], now: i64) -> Result<(), StoreError> {
    let recorded = engine.rows("select number, checksum from schema_migrations order by number", &[])?;
    for row in &recorded {
        let number = row.int(0)?;
        let known = list.iter().find(|step| i64::from(step.number) == number).ok_or_else(|| newer(number))?;
        if known.checksum() != row.text(1)? {
            return Err(StoreError::Migration(format!(
                "step {number:04}_{} was changed after it had been run on these data",
                known.name
            )));
        }
    }
    for step in list {
        let number = i64::from(step.number);
        if recorded.iter().any(|row| row.int(0) == Ok(number)) {
            continue;
        }
        engine
            .script(&step.script(engine.is_postgres())?)
            .map_err(|error| StoreError::Migration(format!("step {number:04}_{}: {error}", step.name)))?;
        engine.execute(
            "insert into schema_migrations (number, name, checksum, applied_at) values ($1, $2, $3, $4)",
            &[number.into(), step.name.into(), step.checksum().into(), Value::Int(now)],
        )?;
    }
    Ok(())
}

fn newer(number: i64) -> StoreError {
    StoreError::Migration(format!(
        "the data were written by a newer Telaio (step {number:04} is not known here)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Database;

    const FIRST: Migration = Migration {
        number: 1,
        name: "one",
        common: "create table one (\n  n bigint primary key,\n  b bytea\n);",
        sqlite: "",
        postgres: "",
    };
    const BROKEN: Migration = Migration {
        number: 2,
        name: "two",
        common: "create table two (\n  n bigint\n);\ncreate table one (\n  n bigint\n);",
        sqlite: "",
        postgres: "",
    };

    fn engine(folder: &tempfile::TempDir) -> Box<dyn Engine> {
        let folder = folder.path().to_owned();
        dialect::writer(&Database::Sqlite { folder }).unwrap()
    }

    #[test]
    fn a_step_runs_once_and_may_not_change_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = engine(&folder);
        run_list(engine.as_mut(), &[FIRST], 1).unwrap();
        run_list(engine.as_mut(), &[FIRST], 2).unwrap();
        let changed = Migration { common: "select 1", ..FIRST };
        let error = run_list(engine.as_mut(), &[changed], 3).unwrap_err();
        assert!(error.to_string().contains("was changed"), "{error}");
    }

    #[test]
    fn data_of_a_newer_program_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = engine(&folder);
        run_list(engine.as_mut(), &[FIRST], 1).unwrap();
        let error = run_list(engine.as_mut(), &[], 2).unwrap_err();
        assert!(error.to_string().contains("newer"), "{error}");
    }

    #[test]
    fn a_failing_step_leaves_the_schema_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = engine(&folder);
        run_list(engine.as_mut(), &[FIRST], 1).unwrap();
        assert!(run_list(engine.as_mut(), &[FIRST, BROKEN], 2).is_err());
        assert!(engine.rows("select n from two", &[]).is_err());
        assert!(engine.rows("select n from one", &[]).is_ok());
    }
}
