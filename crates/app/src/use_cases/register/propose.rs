//! Classes proposed for a new entry, each with its reason: those given before where the same name or the same
//! words stand, then those whose name in the scheme has words of the subject. A proposal only; the clerk decides.
//!
//! Earlier entries are found through the search index with the eyes of everybody, so that a confidential entry is
//! never behind a proposal; only classes and their counts leave the store.

use super::access;
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use crate::use_cases::scheme;
use domain::body::IpaCode;
use domain::scheme::Class;
use store::Reader;
use store::classes;
use store::search::{self, Search};

/// Most classes proposed.
const PROPOSED: usize = 4;
/// Earlier entries looked at for each reason.
const LOOKED_AT: i64 = 25;
/// Words of the subject that must all stand in an earlier entry: the longest ones, which say most.
const WORDS: usize = 3;
/// Shorter words say nothing about a class.
const WORD_MIN: usize = 5;

/// Why a class is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// So many of the latest entries in which this name stands bear it.
    SameName(i64),
    /// So many of the latest entries with these words bear it.
    SameWords(i64),
    /// These words of the subject stand in its name.
    InItsName(String),
}

/// A class proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The class.
    pub class: Class,
    /// Why.
    pub why: Why,
}

/// Proposes classes for a correspondent and a subject as typed so far; either may be empty.
///
/// # Errors
/// Those of the store.
pub async fn propose(ctx: &Context, sender: &str, subject: &str) -> Result<Vec<Proposed>> {
    ctx.may(Verb::Register)?;
    let known = scheme::scheme(ctx).await?;
    let (body, sender, words) = (ctx.actor.body.clone(), whole_words(sender), telling_words(subject));
    let (by_sender, by_words) =
        ctx.read(move |r| Ok((used(r, &body, sender)?, used(r, &body, words)?))).await?;
    let mut found: Vec<Proposed> = Vec::new();
    let mut add = |code: &str, why: Why| {
        // A class that left the scheme is not proposed again.
        if let Some(class) = known.find(code)
            && found.len() < PROPOSED
            && found.iter().all(|one| one.class.code != code)
        {
            found.push(Proposed { class: class.clone(), why });
        }
    };
    by_sender.iter().for_each(|(code, count)| add(code, Why::SameName(*count)));
    by_words.iter().for_each(|(code, count)| add(code, Why::SameWords(*count)));
    for one in known.suggest(subject, PROPOSED) {
        add(&one.class.code, Why::InItsName(one.because.join(", ")));
    }
    Ok(found)
}

/// A name to be looked for whole: the space says that its last word is finished.
fn whole_words(name: &str) -> Option<String> {
    let name = name.trim();
    (name.chars().count() >= 3).then(|| format!("{name} "))
}

/// The longest words of a subject; a single one is too little to speak for a class.
fn telling_words(subject: &str) -> Option<String> {
    let mut words: Vec<&str> = subject
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= WORD_MIN)
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    words.truncate(WORDS);
    (words.len() > 1).then(|| format!("{} ", words.join(" ")))
}

fn used(reader: &mut Reader, body: &IpaCode, typed: Option<String>) -> Result<Vec<(String, i64)>> {
    let Some(typed) = typed else { return Ok(Vec::new()) };
    let readers = access::readers(false, "", &[]);
    let question = Search { body: body.clone(), readers, typed, before: None, limit: LOOKED_AT };
    let ids: Vec<String> = search::find(reader, &question)?.into_iter().map(|hit| hit.object).collect();
    Ok(classes::used_by(reader, body, &ids)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_words_speak_and_one_is_not_enough() {
        assert_eq!(
            telling_words("Richiesta di occupazione del suolo pubblico").as_deref(),
            Some("occupazione Richiesta pubblico ")
        );
        assert_eq!(telling_words("Richiesta di via"), None);
        assert_eq!(whole_words(" X "), None);
        assert_eq!(whole_words(" Prova Uno").as_deref(), Some("Prova Uno "));
    }
}
