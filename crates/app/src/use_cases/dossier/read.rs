//! Reading dossiers: the list, and one whole with everything tied to it. Each leaves one look.

use super::people::{Colleague, colleagues};
use super::{look, viewer};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::body::{IpaCode, Unit};
use domain::case::Case;
use domain::dossier::{Dossier, Sight, sight};
use domain::ids::DossierId;
use jiff::Timestamp;
use store::dossiers::{self, Assigned, Filed, Filter, Reader, Seen, Share};
use store::timeline::Event;
use store::{Tx, bodies, cases, classes, timeline, trace};

/// Most rows of one page.
pub const PAGE_MAX: i64 = 200;
/// Documents and events shown with a dossier.
const SHOWN: i64 = 500;
/// Bodies offered for a sharing.
const BODIES_MAX: i64 = 1_000;

/// A dossier as far as the person may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Everything.
    Full(Dossier),
    /// Code and opening date only.
    CodeAndDate {
        /// Id.
        id: DossierId,
        /// Code.
        code: String,
        /// When it was opened.
        opened_at: Timestamp,
    },
}

/// One page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The dossiers, newest first.
    pub items: Vec<Shown>,
    /// Where the next page begins, if there is one: opening time and id.
    pub next: Option<(i64, String)>,
}

/// Everything about one dossier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The dossier.
    pub dossier: Dossier,
    /// Name of its class.
    pub class_name: Option<String>,
    /// Name of the body that holds it.
    pub body_name: String,
    /// Name of the office in charge.
    pub unit_name: Option<String>,
    /// Its documents.
    pub documents: Vec<Filed>,
    /// Its cases.
    pub cases: Vec<Case>,
    /// Its parts, as far as they may be seen.
    pub parts: Vec<Shown>,
    /// Assignments, newest first.
    pub assignments: Vec<Assigned>,
    /// Persons named one by one.
    pub readers: Vec<Reader>,
    /// Sharings with other bodies, with their names.
    pub shares: Vec<(Share, String)>,
    /// What happened, newest first.
    pub timeline: Vec<Event>,
    /// Whether the actor's body holds it, and so may change it.
    pub own: bool,
    /// The offices of the body that holds it.
    pub units: Vec<Unit>,
    /// The other bodies of this installation, with which it could be shared; empty for who does not hold it.
    pub neighbours: Vec<(IpaCode, String)>,
    /// Who may be named on it; empty for who does not hold it.
    pub colleagues: Vec<Colleague>,
}

/// One page of the dossiers of the actor's body. A search by words shows only what may be seen whole: a hit on the
/// words of a hidden subject would tell them.
///
/// # Errors
/// `Refusal` for who may not read dossiers.
pub async fn list(ctx: &Context, filter: Filter, limit: i64) -> Result<Page> {
    ctx.may(Verb::ReadDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let limit = limit.clamp(1, PAGE_MAX);
        let found = dossiers::list(tx, &viewer(&it.actor), &filter, limit + 1)?;
        let mut rows = trace::open(tx, &look(&it, "dossier.list", Vec::new()), found)?.into_inner();
        let more = rows.len() as i64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(rows.len()));
        let last = rows.last().filter(|_| more).map(|seen| &seen.dossier);
        let next = last.map(|dossier| (dossier.opened_at.as_microsecond(), dossier.id.to_string()));
        let words = filter.text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let items = rows.into_iter().filter_map(shown).filter(|one| !words || matches!(one, Shown::Full(_)));
        Ok(Page { items: items.collect(), next })
    })
    .await
}

/// The dossiers that other bodies share with the actor's.
///
/// # Errors
/// `Refusal` for who may not read dossiers.
pub async fn shared_with_us(ctx: &Context) -> Result<Vec<Dossier>> {
    ctx.may(Verb::ReadDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let found = dossiers::shared_with(tx, &viewer(&it.actor), PAGE_MAX)?;
        let rows = trace::open(tx, &look(&it, "dossier.list-shared", Vec::new()), found)?.into_inner();
        let full = |seen| match shown(seen) {
            Some(Shown::Full(dossier)) => Some(dossier),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(full).collect())
    })
    .await
}

/// What a person sees when opening a dossier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// Everything.
    Sheet(Box<Sheet>),
    /// Code and date only; the attempt was traced.
    CodeAndDate {
        /// Code.
        code: String,
        /// When it was opened.
        opened_at: Timestamp,
    },
}

/// Opens a dossier. The look is written also when little is shown.
///
/// # Errors
/// `NotFound` when it is another body's and not shared.
pub async fn open(ctx: &Context, id: DossierId) -> Result<Opened> {
    ctx.may(Verb::ReadDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let found = dossiers::find(tx, &id, &viewer(&it.actor))?.ok_or(Error::NotFound)?;
        let seen = trace::open(tx, &look(&it, "dossier.read", vec![id.to_string()]), found)?.into_inner();
        match shown(seen) {
            Some(Shown::Full(dossier)) => Ok(Opened::Sheet(Box::new(sheet(tx, &it, dossier)?))),
            Some(Shown::CodeAndDate { code, opened_at, .. }) => Ok(Opened::CodeAndDate { code, opened_at }),
            None => Err(Error::NotFound),
        }
    })
    .await
}

fn sheet(tx: &mut Tx, ctx: &Context, dossier: Dossier) -> Result<Sheet> {
    let (id, body) = (dossier.id.clone(), dossier.body.clone());
    let own = body == ctx.actor.body;
    let who = viewer(&ctx.actor);
    let documents = dossiers::documents(tx, &id, &who, SHOWN)?;
    let subjects = vec![id.to_string()];
    let documents =
        trace::open(tx, &look(ctx, "dossier.documents", subjects.clone()), documents)?.into_inner();
    let found = cases::of_dossier(tx, &id)?;
    let cases = trace::open(tx, &look(ctx, "dossier.cases", subjects.clone()), found)?.into_inner();
    let parts = if own {
        let filter = Filter { parent: Some(id.clone()), ..Filter::default() };
        let parts = dossiers::list(tx, &who, &filter, PAGE_MAX)?;
        trace::open(tx, &look(ctx, "dossier.parts", subjects), parts)?.into_inner()
    } else {
        Vec::new()
    };
    // What the holder keeps to itself: who works on it and with whom else it is shared.
    let (assignments, readers, shares) = match own {
        true => (dossiers::assignments(tx, &id)?, dossiers::readers(tx, &id)?, dossiers::shares(tx, &id)?),
        false => (Vec::new(), Vec::new(), Vec::new()),
    };
    let units = bodies::units(tx, &body)?;
    let unit_name = dossier.unit.as_ref().and_then(|unit| units.iter().find(|one| &one.id == unit));
    let unit_name = unit_name.map(|unit| unit.name.clone());
    Ok(Sheet {
        class_name: classes::name(tx, &body, &dossier.classification)?,
        body_name: name_of(tx, &body)?,
        unit_name,
        documents,
        cases,
        parts: parts.into_iter().filter_map(shown).collect(),
        assignments,
        readers,
        shares: shares
            .into_iter()
            .map(|share| Ok((share.clone(), name_of(tx, &share.with)?)))
            .collect::<Result<_>>()?,
        timeline: timeline::of(tx, id.as_str(), SHOWN)?,
        neighbours: if own { neighbours(tx, &body)? } else { Vec::new() },
        colleagues: if own { colleagues(tx, &body)? } else { Vec::new() },
        units,
        own,
        dossier,
    })
}

/// The other bodies that work in this installation.
fn neighbours(tx: &mut Tx, own: &IpaCode) -> Result<Vec<(IpaCode, String)>> {
    let all = bodies::page(tx, "", BODIES_MAX)?;
    let others =
        all.into_iter().filter(|body| body.inside && &body.ipa_code != own && body.valid_to.is_none());
    Ok(others.map(|body| (body.ipa_code, body.name)).collect())
}

/// Name of a body, or its code when it is unknown here.
pub(crate) fn name_of(tx: &mut Tx, body: &IpaCode) -> Result<String> {
    Ok(bodies::find(tx, body)?.map_or_else(|| body.to_string(), |body| body.name))
}

fn shown(seen: Seen) -> Option<Shown> {
    let Seen { dossier, standing } = seen;
    match sight(dossier.confidentiality, standing) {
        Sight::Full => Some(Shown::Full(dossier)),
        Sight::CodeAndDate => {
            Some(Shown::CodeAndDate { id: dossier.id, code: dossier.code, opened_at: dossier.opened_at })
        }
        Sight::Nothing => None,
    }
}
