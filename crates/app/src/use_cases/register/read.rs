//! Opening an entry: the whole of it with what happened to it, or number and date for who may see no more.

use super::access;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::ids::RegistrationId;
use domain::register::{Registration, check_live};
use store::attestations;
use store::document_facts;
use store::register;
use store::trace::Personal;
use store::{Query, register_list};

pub use store::attestations::Attestation;
pub use store::document_facts::{DocumentFacts, TextState};
pub use store::register::{Assignment, Correction, Head};

/// An entry and what happened to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The entry in force.
    pub registration: Registration,
    /// Whether it came from an old register.
    pub imported: bool,
    /// Data cancelled and replaced, oldest first.
    pub corrections: Vec<Correction>,
    /// Assignments, oldest first, also those that ended.
    pub assignments: Vec<Assignment>,
    /// Classes it had: code, account, time (UTC microseconds), oldest first.
    pub classes: Vec<(String, String, i64)>,
    /// What is known of its files.
    pub facts: Vec<DocumentFacts>,
    /// Which of its files an official attested to conform to the paper they were made from.
    pub attestations: Vec<Attestation>,
}

/// What an actor gets to see of an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Opened {
    /// Everything.
    Whole(Box<Entry>),
    /// Number and date (confidential entry of others).
    NumberOnly(Box<Head>),
}

/// Opens an entry of the actor's body and writes down the look, also when only the number is shown.
///
/// # Errors
/// `NotFound` when there is none in the body.
pub async fn open(ctx: &Context, id: RegistrationId) -> Result<Opened> {
    ctx.may(Verb::ReadRegister)?;
    let (body, eyes, asked) = (ctx.actor.body.clone(), access::eyes(&ctx.actor), id.clone());
    let found = ctx
        .read(move |r| {
            let head = register::head(r, &asked)?.filter(|head| head.body == body).ok_or(Error::NotFound)?;
            let whole = match register_list::may_see(r, &body, &asked, &eyes)? {
                Some(true) => Some(load(r, &asked, head.imported)?),
                _ => None,
            };
            Ok((head, whole))
        })
        .await?;
    let purpose = if found.1.is_some() { "register.read" } else { "register.read_denied" };
    let look = access::look(ctx, purpose, vec![id.to_string()]);
    match found {
        (_, Some(whole)) => {
            let entry = ctx.app.store.open_traced::<_, Error>(look, whole).await?;
            Ok(Opened::Whole(Box::new(entry.into_inner())))
        }
        (head, None) => {
            ctx.write(move |tx| Ok(store::trace::note(tx, &look)?)).await?;
            Ok(Opened::NumberOnly(Box::new(head)))
        }
    }
}

/// Opens an entry of which the actor may see everything.
///
/// # Errors
/// `NotFound` also for who may see number and date only.
pub async fn open_whole(ctx: &Context, id: RegistrationId) -> Result<Entry> {
    match open(ctx, id).await? {
        Opened::Whole(entry) => Ok(*entry),
        Opened::NumberOnly(_) => Err(Error::NotFound),
    }
}

fn load(query: &mut impl Query, id: &RegistrationId, imported: bool) -> Result<Personal<Entry>> {
    let registration = register::find(query, id)?.ok_or(Error::NotFound)?;
    let corrections = register::corrections(query, id)?;
    let assignments = register::assignments(query, id)?;
    let classes = register::classes(query, id)?;
    let facts = document_facts::of_registration(query, id)?;
    let attestations = attestations::of_registration(query, id)?;
    Ok(registration.map(|registration| Entry {
        registration,
        imported,
        corrections,
        assignments,
        classes,
        facts,
        attestations,
    }))
}

/// Refuses to change an entry that is annulled.
pub(super) fn must_be_live(query: &mut impl Query, id: &RegistrationId) -> Result<()> {
    let head = register::head(query, id)?.ok_or(Error::NotFound)?;
    Ok(check_live(head.annulled_at.is_some())?)
}
