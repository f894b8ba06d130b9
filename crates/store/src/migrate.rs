//! Brings the schema of a database up to this program's: numbered scripts,
//! embedded at build time, each run once inside one transaction and recorded
//! with its checksum. A script that was run never changes: a differing
//! checksum, or a number this program does not know, stops the start.

use sha2::{Digest, Sha256};

use crate::dialect::{self, Engine};
use crate::{StoreError, Value};

/// One step of the schema: common text, then the twin of the engine.
#[derive(Clone, Copy)]
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

/// Runs the steps up to those that `recorded` names and no others: for data of
/// an older program, which are loaded first and upgraded afterwards.
pub(crate) fn run_recorded(
    engine: &mut dyn Engine,
    recorded: &[(i64, String)],
    now: i64,
) -> Result<(), StoreError> {
    check(ALL, recorded)?;
    let named = |step: &&Migration| recorded.iter().any(|(number, _)| *number == i64::from(step.number));
    run_list(engine, &ALL.iter().filter(named).copied().collect::<Vec<_>>(), now)
}

/// The steps that were run on these data: number and checksum.
pub(crate) fn recorded(engine: &mut dyn Engine) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = engine.rows("select number, checksum from schema_migrations order by number", &[])?;
    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_owned()))).collect()
}

/// Follows from other tables and is carried nowhere: it fills by itself where those arrive.
const DERIVED: &str = "search_unfolded";

/// Every table that the steps create, in their order: a table comes after those it points to.
pub(crate) fn tables() -> Vec<&'static str> {
    let mut tables = Vec::new();
    for text in ALL.iter().flat_map(|step| [step.common, step.sqlite, step.postgres]) {
        for line in text.lines() {
            let name = line.trim().strip_prefix("create table ").and_then(|rest| {
                let rest = rest.strip_prefix("if not exists ").unwrap_or(rest);
                rest.split([' ', '(']).next()
            });
            if let Some(name) = name.filter(|name| !tables.contains(name) && *name != DERIVED) {
                tables.push(name);
            }
        }
    }
    tables
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
    let recorded = recorded(engine)?;
    check(list, &recorded)?;
    for step in list {
        let number = i64::from(step.number);
        if recorded.iter().any(|(done, _)| *done == number) {
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

/// Every recorded step must be known and unchanged.
fn check(list: &[Migration], recorded: &[(i64, String)]) -> Result<(), StoreError> {
    for (number, checksum) in recorded {
        let known = list.iter().find(|step| i64::from(step.number) == *number);
        let known = known.ok_or_else(|| newer(*number))?;
        if known.checksum() != *checksum {
            return Err(changed(known));
        }
    }
    Ok(())
}

fn changed(step: &Migration) -> StoreError {
    StoreError::Migration(format!(
        "step {:04}_{} was changed after it had been run on these data",
        step.number, step.name
    ))
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
