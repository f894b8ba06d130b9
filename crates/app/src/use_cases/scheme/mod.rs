//! The classification scheme of a body: import from a table, reading, and proposing a class for a subject.

mod table;

pub use table::read_table;

use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use domain::scheme::{Class, Scheme};
use store::classes;

/// The scheme of the comuni, second edition of 2005 (see the heading of the file for its source and limits).
pub const MUNICIPAL: &str = include_str!("../../../data/titolario_comuni_2005.csv");

/// A class proposed for a subject, with the words that speak for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Proposal {
    /// The class.
    pub class: Class,
    /// The words.
    pub because: Vec<String>,
}

/// Replaces the scheme of the actor's body by the one in a table (CSV, UTF-8).
///
/// # Errors
/// `Invalid`, naming row and column, when the table is not a tree of classes. Nothing is changed then.
pub async fn import(ctx: &Context, csv: &[u8]) -> Result<usize> {
    ctx.may(Verb::ManageScheme)?;
    let scheme = Scheme::checked(read_table(csv)?)?;
    let (body, by) = (ctx.actor.body.clone(), ctx.actor.tag());
    let count = scheme.classes.len();
    ctx.write(move |tx| Ok(classes::replace(tx, &body, &scheme, &by)?)).await?;
    Ok(count)
}

/// The scheme in force in the actor's body.
///
/// # Errors
/// Those of the store.
pub async fn scheme(ctx: &Context) -> Result<Scheme> {
    let body = ctx.actor.body.clone();
    ctx.read(move |reader| Ok(classes::scheme(reader, &body)?)).await
}

/// Classes proposed for a subject, best first, at most five.
///
/// # Errors
/// Those of the store.
pub async fn suggest(ctx: &Context, subject: &str) -> Result<Vec<Proposal>> {
    let scheme = scheme(ctx).await?;
    let own = |found: domain::scheme::Suggestion<'_>| Proposal {
        class: found.class.clone(),
        because: found.because,
    };
    Ok(scheme.suggest(subject, 5).into_iter().map(own).collect())
}
