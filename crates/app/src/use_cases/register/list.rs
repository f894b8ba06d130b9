//! Lists of entries: filters and words, newest first, page by page.
//!
//! A page is one look, which names the entries it showed. Words go through the search index, which walks only
//! what the searcher may find; the other filters are applied to its hits.

use super::access;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Invalid;
use domain::body::IpaCode;
use domain::register_filter::Filter;
use store::Reader;
use store::register_list::{self, Eyes, Page, Position};
use store::search::{self, Search};
use store::trace::Personal;

pub use store::register_list::Line;

/// Most lines of one page.
pub const LIMIT_MAX: usize = 200;
/// Hits of the index looked at for one page: bounds the work when other filters let few of them through.
const HITS_MAX: usize = 2_000;
/// Hits asked of the index at a time.
const HITS: i64 = 100;

/// A page of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// The lines, newest first.
    pub lines: Vec<Line>,
    /// Opaque: where the next page begins.
    pub next: Option<String>,
}

/// One page of the actor's register.
///
/// # Errors
/// `Invalid` when the cursor is not one of ours or `limit` is not 1–200.
pub async fn list(ctx: &Context, filter: Filter, cursor: Option<&str>, limit: usize) -> Result<ListPage> {
    ctx.may(Verb::ReadRegister)?;
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Invalid::with("/limit", "limit-1-200", limit.to_string()).into());
    }
    let start = cursor.map(read_cursor).transpose()?.unwrap_or(Cursor::Position(Position::start()));
    let (lines, shown, next) = page(ctx, filter, start, limit).await?;
    let look = access::look(ctx, "register.list", shown);
    let lines = ctx.app.store.open_traced::<_, Error>(look, lines).await?.into_inner();
    Ok(ListPage { lines, next: next.as_ref().map(write_cursor) })
}

/// Entries are counted up to here; beyond it the list says "more than".
pub const COUNTED: usize = 1_000;

/// How many entries the actor's list has, at most [`COUNTED`] and one; `None` for a search by words, which the index
/// answers page by page.
///
/// # Errors
/// Those of the store.
pub async fn count(ctx: &Context, filter: Filter) -> Result<Option<i64>> {
    ctx.may(Verb::ReadRegister)?;
    if words(&filter).is_some() {
        return Ok(None);
    }
    let (body, eyes) = (ctx.actor.body.clone(), access::eyes(&ctx.actor));
    ctx.read(move |r| Ok(Some(register_list::count(r, &body, &filter, &eyes, COUNTED + 1)?))).await
}

/// The lines of a page, the ids it shows, and where it ended.
pub(super) type Found = (Personal<Vec<Line>>, Vec<String>, Option<Cursor>);

pub(super) async fn page(ctx: &Context, filter: Filter, start: Cursor, limit: usize) -> Result<Found> {
    let (body, eyes, names) =
        (ctx.actor.body.clone(), access::eyes(&ctx.actor), access::reads_as(&ctx.actor));
    ctx.read(move |r| match words(&filter) {
        Some(typed) => by_words(r, &body, &filter, &eyes, names, typed, start, limit),
        None => by_filters(r, &body, &filter, &eyes, start, limit),
    })
    .await
}

/// What is looked for in the index: words of the subject or text, and of a correspondent's name.
fn words(filter: &Filter) -> Option<String> {
    match (&filter.text, &filter.correspondent) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (Some(text), Some(name)) => Some(format!("{text} {name}")),
    }
}

fn by_filters(
    reader: &mut Reader,
    body: &IpaCode,
    filter: &Filter,
    eyes: &Eyes,
    start: Cursor,
    limit: usize,
) -> Result<Found> {
    let Cursor::Position(after) = start else {
        return Err(Invalid::one("/cursor", "bad-cursor").into());
    };
    let (page, ids, next) = register_list::page(reader, body, filter, eyes, &after, limit)?.outline();
    Ok((page.map(|Page { lines, .. }| lines), ids, next.map(Cursor::Position)))
}

#[expect(clippy::too_many_arguments, reason = "one private step of `page`, which binds them all")]
fn by_words(
    reader: &mut Reader,
    body: &IpaCode,
    filter: &Filter,
    eyes: &Eyes,
    readers: Vec<String>,
    typed: String,
    start: Cursor,
    limit: usize,
) -> Result<Found> {
    let mut before = match start {
        Cursor::Place(place) => Some(place),
        Cursor::Position(position) if position == Position::start() => None,
        Cursor::Position(_) => return Err(Invalid::one("/cursor", "bad-cursor").into()),
    };
    let mut passed: Vec<(String, i64)> = Vec::new();
    let mut looked = 0;
    let more = loop {
        let question = Search {
            body: body.clone(),
            readers: readers.clone(),
            typed: typed.clone(),
            before,
            limit: HITS,
        };
        let hits = search::find(reader, &question)?;
        looked += hits.len();
        let ids: Vec<String> = hits.iter().map(|hit| hit.object.clone()).collect();
        let kept = register_list::passing(reader, body, filter, eyes, &ids)?;
        for hit in &hits {
            if kept.contains(&hit.object) {
                passed.push((hit.object.clone(), hit.place));
            }
        }
        before = hits.last().map(|hit| hit.place);
        let ended = hits.len() < HITS as usize;
        if passed.len() > limit || ended || looked >= HITS_MAX {
            break !ended || passed.len() > limit;
        }
    };
    let next = match passed.len() > limit {
        true => Some(Cursor::Place(passed[limit - 1].1)),
        false if more => before.map(Cursor::Place),
        false => None,
    };
    passed.truncate(limit);
    let ids: Vec<String> = passed.into_iter().map(|(id, _)| id).collect();
    let lines = register_list::among(reader, body, filter, eyes, &ids)?;
    Ok((lines, ids, next))
}

/// Where a page begins: after a line, or after a place in the search index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cursor {
    Position(Position),
    Place(i64),
}

fn write_cursor(cursor: &Cursor) -> String {
    URL_SAFE_NO_PAD.encode(match cursor {
        Cursor::Position(p) => format!("p.{}.{}.{}", p.at, p.number, p.id),
        Cursor::Place(place) => format!("w.{place}"),
    })
}

fn read_cursor(text: &str) -> std::result::Result<Cursor, Invalid> {
    let bad = || Invalid::one("/cursor", "bad-cursor");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
    let text = String::from_utf8(bytes).map_err(|_| bad())?;
    let parts: Vec<&str> = text.splitn(4, '.').collect();
    let number = |part: &str| part.parse::<i64>().map_err(|_| bad());
    match parts.as_slice() {
        ["p", at, n, id] => {
            Ok(Cursor::Position(Position { at: number(at)?, number: number(n)?, id: (*id).to_owned() }))
        }
        ["w", place] => Ok(Cursor::Place(number(place)?)),
        _ => Err(bad()),
    }
}

/// The only visible entry that bears a number in a year, if the text typed is a number: the search box goes
/// straight to it.
///
/// # Errors
/// Those of the store.
pub async fn straight_to(ctx: &Context, typed: &str) -> Result<Option<domain::ids::RegistrationId>> {
    ctx.may(Verb::ReadRegister)?;
    let Some((number, year)) = domain::register_filter::number_and_year(typed) else { return Ok(None) };
    let year = year.unwrap_or_else(|| ctx.moment.year());
    let body = ctx.actor.body.clone();
    ctx.read(move |r| Ok(register_list::only_one(r, &body, year, number)?)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_others_are_refused() {
        let position = Position { at: 12, number: 3, id: "reg_x.y".into() };
        for cursor in [Cursor::Position(position), Cursor::Place(-7)] {
            assert_eq!(read_cursor(&write_cursor(&cursor)), Ok(cursor));
        }
        for bad in ["", "!!", "cC4x", "eC4xLjI", "cC5hLmIuYw"] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
