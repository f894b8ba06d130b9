//! Full text search, newest first, over whatever registers its words here. The
//! index is written in the same commit as the thing itself, so what was
//! answered can be found. Who may find it is part of the index: every row
//! carries tokens of its readers, and a search only ever walks rows that bear
//! one of the searcher's own.
//!
//! This file does not know what readers mean: the application names them
//! (everybody of a body, an office, a person).

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use domain::body::IpaCode;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::dialect;
use crate::{Query, Row, StoreError, Tx};

/// Longest word kept; what is longer is no word that anybody types.
const WORD_MAX: usize = 64;
/// Most different words of one thing: bounds what a huge document adds to a commit.
const WORDS_MAX: usize = 50_000;
/// Shortest beginning of a word that finds the whole word: one letter would walk the whole index.
const PREFIX_MIN: usize = 3;
/// New rows that every search looks through, before the index of SQLite takes them in together.
const UNFOLDED_MAX: i64 = 64;
/// Rows of one second share their keys' neighbourhood, microseconds.
const SAME_SECOND: i64 = 1_000_000;

const FIND_ID: &str = "select id, words from search_docs where object = $1";
const LAST: &str = "select max(id) from search_docs";
const LAST_NEAR: &str = "select max(id) from search_docs where id >= $1 and id < $2";
const INSERT: &str = "insert into search_docs (id, object, body, scope, words) values ($1, $2, $3, $4, $5) \
    on conflict (object) do update set scope = excluded.scope, words = excluded.words";
const UPDATE_WORDS: &str = "update search_docs set words = $2 where object = $1";
const UPDATE_SCOPE: &str = "update search_docs set scope = $2 where object = $1";
const DELETE: &str = "delete from search_docs where object = $1";
const UNFOLDED: &str = "select d.object, d.id, d.scope, d.words from search_unfolded u \
    join search_docs d on d.id = u.id where u.id < $1 and d.body = $2 order by u.id desc";
const COUNT_UNFOLDED: &str = "select count(*) from search_unfolded";

/// A thing and the words under which it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// The body it belongs to.
    pub body: IpaCode,
    /// Its id.
    pub object: String,
    /// Its time, UTC microseconds: the order of results.
    pub at: i64,
    /// Who may find it: any of these names, within the body.
    pub readers: Vec<String>,
    /// Its number, in all the forms people type.
    pub number: String,
    /// Names, codes and addresses of persons.
    pub parties: String,
    /// Its subject.
    pub subject: String,
    /// Any other text.
    pub text: String,
}

/// A question to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Within which body.
    pub body: IpaCode,
    /// The names by which the searcher reads.
    pub readers: Vec<String>,
    /// What was typed: every word must be there, the last one may be unfinished.
    pub typed: String,
    /// Where the page before ended.
    pub before: Option<i64>,
    /// How many hits at most.
    pub limit: i64,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its id.
    pub object: String,
    /// Its place in the order: pass the last one as `before` for the next page.
    pub place: i64,
}

/// Puts a thing into the index, with the words of what was read beforehand, or replaces its words and readers.
///
/// # Errors
/// Those of the database.
pub fn put(tx: &mut Tx, thing: &Indexed, read: &[&Words]) -> Result<(), StoreError> {
    let mut words = Gathered::default();
    for text in [&thing.number, &thing.parties, &thing.subject, &thing.text] {
        words.read(text);
    }
    for more in read {
        words.add_all(&more.0);
    }
    let words = words.joined;
    let scope = scope(&thing.body, &thing.readers);
    let id = free_place(tx, thing.at)?;
    tx.put(
        INSERT,
        &[id.into(), (&thing.object).into(), thing.body.as_str().into(), scope.into(), words.into()],
    )?;
    if tx.is_postgres() {
        return Ok(());
    }
    let waiting = tx.row(COUNT_UNFOLDED, &[])?.map_or(Ok(0), |row| row.int(0))?;
    if waiting >= UNFOLDED_MAX { tx.engine.fold_search() } else { Ok(()) }
}

/// The different words of a text as the index keeps them, with a blank between them. Made outside the writer: a
/// long text takes a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(String);

impl Words {
    /// The different words of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut words = Gathered::default();
        words.read(text);
        Self(words.joined)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Adds words to a thing already in the index (the text of its documents,
/// extracted later). Answers false when it is not there.
///
/// # Errors
/// Those of the database.
pub fn add_words(tx: &mut Tx, object: &str, words: &Words) -> Result<bool, StoreError> {
    let Some(row) = tx.row(FIND_ID, &[object.into()])? else {
        return Ok(false);
    };
    let mut all = Gathered::default();
    all.add_all(row.text(1)?);
    all.add_all(&words.0);
    tx.put(UPDATE_WORDS, &[object.into(), all.joined.into()])?;
    Ok(true)
}

/// Changes who may find a thing.
///
/// # Errors
/// Those of the database.
pub fn set_readers(tx: &mut Tx, body: &IpaCode, object: &str, readers: &[String]) -> Result<(), StoreError> {
    tx.put(UPDATE_SCOPE, &[object.into(), scope(body, readers).into()])
}

/// Takes a thing out of the index.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx, object: &str) -> Result<(), StoreError> {
    tx.put(DELETE, &[object.into()])
}

/// What the searcher may find, newest first. Nothing typed, or no reader, finds nothing.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, search: &Search) -> Result<Vec<Hit>, StoreError> {
    let words = in_order(&search.typed);
    if words.is_empty() || search.readers.is_empty() {
        return Ok(Vec::new());
    }
    let tokens: Vec<String> = tokens(&search.body, &search.readers).into_iter().collect();
    let unfinished = search.typed.ends_with(char::is_alphanumeric)
        && words.last().is_some_and(|word| word.chars().count() >= PREFIX_MIN);
    let (sql, expression) = dialect::full_text(query.is_postgres(), &tokens, &words, unfinished);
    let before = search.before.unwrap_or(i64::MAX);
    let rows = query.rows(sql, &[expression.into(), before.into(), search.limit.into()])?;
    let mut hits = rows.iter().map(hit).collect::<Result<Vec<_>, _>>()?;
    if !query.is_postgres() {
        let wanted = Wanted { body: search.body.as_str(), tokens: &tokens, words: &words, unfinished };
        hits.extend(among_unfolded(query, &wanted, before)?);
        hits.sort_unstable_by_key(|hit| std::cmp::Reverse(hit.place));
        hits.truncate(usize::try_from(search.limit).unwrap_or_default());
    }
    Ok(hits)
}

fn hit(row: &Row) -> Result<Hit, StoreError> {
    Ok(Hit { object: row.text(0)?.to_owned(), place: row.int(1)? })
}

/// What the index is asked, for rows that it has not taken in yet.
struct Wanted<'a> {
    /// The readers belong to it: without it every row would be read whole, to find that its readers are others.
    body: &'a str,
    tokens: &'a [String],
    words: &'a [String],
    /// The last word may go on.
    unfinished: bool,
}

impl Wanted<'_> {
    fn is_met_by(&self, scope: &str, words: &str) -> bool {
        let has = |word: &String| words.split(' ').any(|found| found == word);
        let begins = |word: &String| words.split(' ').any(|found| found.starts_with(word.as_str()));
        let (last, whole) = match self.words.split_last() {
            Some((last, whole)) if self.unfinished => (Some(last), whole),
            _ => (None, self.words),
        };
        scope.split(' ').any(|token| self.tokens.iter().any(|own| own == token))
            && whole.iter().all(has)
            && last.is_none_or(begins)
    }
}

fn among_unfolded(query: &mut impl Query, wanted: &Wanted<'_>, before: i64) -> Result<Vec<Hit>, StoreError> {
    let mut hits = Vec::new();
    for row in query.rows(UNFOLDED, &[before.into(), wanted.body.into()])? {
        if wanted.is_met_by(row.text(2)?, row.text(3)?) {
            hits.push(hit(&row)?);
        }
    }
    Ok(hits)
}

/// The time itself, or the next place after what already stands in the same second.
fn free_place(tx: &mut Tx, at: i64) -> Result<i64, StoreError> {
    let last = match tx.memory.last_place {
        Some(last) => last,
        None => tx.row(LAST, &[])?.map_or(Ok(None), |row| row.opt_int(0))?.unwrap_or(i64::MIN),
    };
    let place = if at > last { at } else { place_among(tx, at)? };
    tx.memory.last_place = Some(place.max(last));
    Ok(place)
}

fn place_among(tx: &mut Tx, at: i64) -> Result<i64, StoreError> {
    let near = tx.row(LAST_NEAR, &[at.into(), (at + SAME_SECOND).into()])?;
    let last = near.map_or(Ok(None), |row| row.opt_int(0))?;
    Ok(last.map_or(at, |last| last + 1))
}

/// One token per reader; a digest, so that no typed word can be one by chance.
fn tokens(body: &IpaCode, readers: &[String]) -> BTreeSet<String> {
    readers
        .iter()
        .map(|reader| {
            let digest =
                Sha256::new().chain_update(body.as_str()).chain_update([0]).chain_update(reader).finalize();
            format!("x{}", hex::encode(&digest[..12]))
        })
        .collect()
}

fn scope(body: &IpaCode, readers: &[String]) -> String {
    let tokens: Vec<String> = tokens(body, readers).into_iter().collect();
    tokens.join(" ")
}

/// Different words, in the order in which they came, [`WORDS_MAX`] at most.
#[derive(Default)]
struct Gathered<'a> {
    // Thousands of short words in each document: the hash of the standard library costs more than the rest. This one,
    // too, starts from a number that no sender of documents knows.
    seen: HashSet<Cow<'a, str>, foldhash::fast::RandomState>,
    joined: String,
}

impl<'a> Gathered<'a> {
    /// Adds the words of a text.
    fn read(&mut self, text: &'a str) {
        words_of(text).for_each(|word| self.add(word));
    }

    /// Adds words gathered before.
    fn add_all(&mut self, joined: &'a str) {
        joined.split(' ').filter(|word| !word.is_empty()).for_each(|word| self.add(Cow::Borrowed(word)));
    }

    fn add(&mut self, word: Cow<'a, str>) {
        if self.seen.len() >= WORDS_MAX || self.seen.contains(&word) {
            return;
        }
        if !self.joined.is_empty() {
            self.joined.push(' ');
        }
        self.joined.push_str(&word);
        self.seen.insert(word);
    }
}

/// The words typed, in order and without repetitions.
fn in_order(typed: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in words_of(typed) {
        if !words.iter().any(|known| *known == word) {
            words.push(word.into_owned());
        }
    }
    words
}

/// Words in lower case without accents, so that both engines index the same ones.
fn words_of(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    spellings(text).filter_map(folded)
}

/// Words as they are written.
fn spellings(text: &str) -> impl Iterator<Item = &str> {
    // No mark is among the letters of ASCII: most characters are spared the look into the table.
    let ends = |c: char| !c.is_alphanumeric() && (c.is_ascii() || !is_combining_mark(c));
    text.split(ends).filter(|word| !word.is_empty())
}

/// A word as the index keeps it, if anything of it is left.
fn folded(spelling: &str) -> Option<Cow<'_, str>> {
    if spelling.is_ascii() {
        // Only letters and digits are in it, a byte each.
        let word = &spelling[..spelling.len().min(WORD_MAX)];
        let capital = word.bytes().any(|byte| byte.is_ascii_uppercase());
        return Some(if capital { word.to_ascii_lowercase().into() } else { word.into() });
    }
    let word: String =
        spelling.nfkd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(WORD_MAX).collect();
    (!word.is_empty()).then_some(word.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_the_same_on_both_engines() {
        let words: Vec<_> = words_of("Città d'Arte, n. 0000012/2026: PERCHÉ? l\u{2019}e\u{301}").collect();
        assert_eq!(words, ["citta", "d", "arte", "n", "0000012", "2026", "perche", "l", "e"]);
    }
}
