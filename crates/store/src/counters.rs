//! Register numbers: 1, 2, 3 … per body, AOO, register and calendar year of
//! Rome, without gaps, in order of time (TUDA arts. 53 and 57).
//!
//! The number is taken from a counter row inside the transaction of the entry
//! that bears it, so a write that is undone gives its number back. The time is
//! the writer's, never earlier than the last one in the same register; the
//! year follows from the time.

use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::moment::Moment;

use crate::{Query, StoreError, Tx};

/// A clock this far behind the last number is worth an alarm, microseconds.
const ALARM: i64 = 60_000_000;

const LAST: &str = "select year, last, last_at from counters \
    where body = $1 and aoo = $2 and register = $3 order by year desc limit 1";
const STEP: &str = "insert into counters (body, aoo, register, year, last, last_at) \
    values ($1, $2, $3, $4, $5, $6) on conflict (body, aoo, register, year) \
    do update set last = excluded.last, last_at = excluded.last_at";

/// Which register: the scope inside which numbers are unique in a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The body.
    pub body: &'a IpaCode,
    /// Its organisational area.
    pub aoo: &'a AooCode,
    /// The register of that area.
    pub register: &'a RegisterCode,
}

/// A number and the time that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// Calendar year in Rome.
    pub year: i64,
    /// From 1.
    pub number: i64,
    /// Time of registration, UTC microseconds.
    pub at: i64,
}

/// Takes the next number of a register.
///
/// # Errors
/// Those of the database.
pub fn next(tx: &mut Tx, scope: Scope<'_>) -> Result<Numbered, StoreError> {
    let now = tx.stamp();
    let key = format!("{}/{}/{}", scope.body, scope.aoo, scope.register);
    let last = match tx.memory.numbers.get(&key) {
        Some(known) => Some(*known),
        None => last(tx, scope)?,
    };
    let at = last.map_or(now, |last| now.max(last.at));
    tx.note_clock_behind(at - now);
    if at - now > ALARM {
        tracing::error!(
            behind_seconds = (at - now) / 1_000_000,
            "the clock stands behind the last number given: numbers keep the later time"
        );
    }
    let year = Moment::from_micros(at).year();
    let number = match last {
        Some(last) if last.year == year => last.number + 1,
        _ => 1,
    };
    let numbered = Numbered { year, number, at };
    tx.put(STEP, &params(scope, numbered))?;
    tx.memory.numbers.insert(key, numbered);
    Ok(numbered)
}

/// Puts a counter at a number that was given elsewhere (an imported register):
/// the next one follows it. Never moves a counter backwards.
///
/// # Errors
/// Those of the database.
pub fn advance_to(tx: &mut Tx, scope: Scope<'_>, given: Numbered) -> Result<(), StoreError> {
    const KEEP_LATER: &str = "insert into counters (body, aoo, register, year, last, last_at) \
        values ($1, $2, $3, $4, $5, $6) on conflict (body, aoo, register, year) do update set \
        last = case when excluded.last > counters.last then excluded.last else counters.last end, \
        last_at = case when excluded.last_at > counters.last_at then excluded.last_at else counters.last_at end";
    tx.memory.numbers.clear();
    tx.put(KEEP_LATER, &params(scope, given))
}

/// The last number given in a register, of whatever year.
///
/// # Errors
/// Those of the database.
pub fn last(query: &mut impl Query, scope: Scope<'_>) -> Result<Option<Numbered>, StoreError> {
    let params = [scope.body.as_str().into(), scope.aoo.as_str().into(), scope.register.as_str().into()];
    let Some(row) = query.row(LAST, &params)? else {
        return Ok(None);
    };
    Ok(Some(Numbered { year: row.int(0)?, number: row.int(1)?, at: row.int(2)? }))
}

fn params(scope: Scope<'_>, numbered: Numbered) -> [crate::Value; 6] {
    [
        scope.body.as_str().into(),
        scope.aoo.as_str().into(),
        scope.register.as_str().into(),
        numbered.year.into(),
        numbered.number.into(),
        numbered.at.into(),
    ]
}
