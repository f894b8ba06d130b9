//! What was done and who looked: the journal and the looks of a body, for auditors and the data-protection
//! officer, and the proof that the journal holds.
//!
//! Reading the audit shows no content: the journal holds ids and digests, the looks hold purposes and ids.

use crate::authority::Verb;
use crate::{Context, Error, Result};
use domain::Moment;
use domain::ids::AccountId;
use store::accounts;
use store::journal::{self, Leaf};
use store::trace::{self, PastLook};

/// Most rows of one page.
pub const PAGE: i64 = 100;

/// What to show of the journal.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Entries about one object only, e.g. an id of a registration.
    pub subject: Option<String>,
    /// From this index on; with no subject, the last page when absent.
    pub from: Option<i64>,
}

/// An entry with the actor's name.
#[derive(Debug, Clone)]
pub struct Line {
    /// The entry.
    pub leaf: Leaf,
    /// Name of the account, or what the journal says.
    pub actor: String,
    /// When.
    pub at: Moment,
}

/// A look with the actor's name.
#[derive(Debug, Clone)]
pub struct LookLine {
    /// The look.
    pub look: PastLook,
    /// Name of the account, or what the trace says.
    pub actor: String,
    /// When.
    pub at: Moment,
}

/// Whether the chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// It does: how many entries, and the hash of the last in hexadecimal.
    Holds(i64, String),
    /// It does not; the text says where.
    Broken(String),
}

/// Entries of the journal of the actor's body, oldest first.
///
/// # Errors
/// `Refusal` when the actor may not read the audit.
pub async fn entries(ctx: &Context, filter: Filter) -> Result<Vec<Line>> {
    ctx.may(Verb::ReadAudit)?;
    let body = ctx.actor.body.clone();
    ctx.read(move |r| {
        let leaves = match (filter.subject, filter.from) {
            (Some(subject), _) => journal::of_subject(r, &body, subject.trim())?,
            (None, Some(from)) => journal::page(r, &body, from.max(0), PAGE)?,
            (None, None) => {
                let last = journal::length(r, &body)?;
                journal::page(r, &body, (last - PAGE).max(0), PAGE)?
            }
        };
        let mut lines = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let actor = named(r, &leaf.actor)?;
            lines.push(Line { at: Moment::from_micros(leaf.at), actor, leaf });
        }
        Ok(lines)
    })
    .await
}

/// Looks at one object (id or tax code) of the actor's body, or by one account; newest first.
///
/// # Errors
/// `Refusal` when the actor may not read the audit.
pub async fn looks(ctx: &Context, about: Option<String>, by: Option<String>) -> Result<Vec<LookLine>> {
    ctx.may(Verb::ReadAudit)?;
    let body = ctx.actor.body.clone();
    ctx.read(move |r| {
        let account = match &by {
            Some(username) => accounts::by_name(r, username.trim())?.map(|account| account.id),
            None => None,
        };
        let found = match (about, by, account) {
            (Some(subject), _, _) => trace::looks_at(r, &body, subject.trim(), PAGE)?,
            (None, Some(_), Some(account)) => trace::looks_by(r, &body, &account, PAGE)?,
            (None, Some(_), None) => Vec::new(),
            (None, None, _) => trace::latest(r, &body, PAGE)?,
        };
        let mut lines = Vec::with_capacity(found.len());
        for look in found {
            let actor = named(r, &look.actor)?;
            lines.push(LookLine { at: Moment::from_micros(look.at), actor, look });
        }
        Ok(lines)
    })
    .await
}

/// Recomputes every hash of the journal of the actor's body.
///
/// # Errors
/// `Refusal` when the actor may not read the audit; `Problem` when the store is away.
pub async fn verify(ctx: &Context) -> Result<Chain> {
    ctx.may(Verb::ReadAudit)?;
    let body = ctx.actor.body.clone();
    let held = ctx.read(move |r| Ok(journal::verify_chain(r, &body)?)).await;
    match held {
        Ok(held) => Ok(Chain::Holds(held.entries, hex::encode(held.head))),
        Err(error) => {
            ctx.app.health.note(&error);
            match error {
                Error::Damaged(place) => Ok(Chain::Broken(place)),
                other => Err(other),
            }
        }
    }
}

fn named(r: &mut store::Reader, actor: &str) -> Result<String> {
    let Ok(id) = actor.parse::<AccountId>() else { return Ok(actor.to_owned()) };
    Ok(accounts::find(r, &id)?.map_or_else(|| actor.to_owned(), |account| account.name))
}
