//! Reading one case with everything tied to it; one look.

use super::load;
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use crate::use_cases::dossier::{look, viewer};
use domain::case::{Case, Participant};
use domain::dossier::Dossier;
use domain::ids::{CaseId, DossierId};
use domain::register::Direction;
pub use store::deliveries::StoredDelivery;
use store::dossiers::{self, Filed};
use store::timeline::{self, Event};
use store::{cases, deliveries, trace};

/// Documents and events shown with a case.
const SHOWN: i64 = 500;

/// Everything about one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The case.
    pub case: Case,
    /// Its dossier.
    pub dossier: Dossier,
    /// Who takes part.
    pub participants: Vec<Participant>,
    /// The documents of its dossier.
    pub documents: Vec<Filed>,
    /// Where what was sent from it has got to, newest first.
    pub deliveries: Vec<StoredDelivery>,
    /// What happened, newest first.
    pub timeline: Vec<Event>,
    /// Whether the actor's body holds it, and so may change it.
    pub own: bool,
}

/// Opens a case.
///
/// # Errors
/// `NotFound` for who may not see its dossier.
pub async fn open(ctx: &Context, id: CaseId) -> Result<Sheet> {
    ctx.may(Verb::ReadDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let (case, dossier) = load(tx, &it, &id, "case.read", false)?;
        let subjects = vec![id.to_string()];
        let parties = cases::participants(tx, &id)?;
        let participants =
            trace::open(tx, &look(&it, "case.participants", subjects.clone()), parties)?.into_inner();
        let found = dossiers::documents(tx, &dossier.id, &viewer(&it.actor), SHOWN)?;
        let documents = trace::open(tx, &look(&it, "case.documents", subjects), found)?.into_inner();
        let mut sent = Vec::new();
        for filed in
            documents.iter().filter(|filed| filed.direction == Direction::Outgoing && filed.subject.is_some())
        {
            let found = deliveries::of_registration(tx, &filed.registration)?;
            let look = look(&it, "case.deliveries", vec![filed.registration.to_string()]);
            sent.extend(trace::open(tx, &look, found)?.into_inner());
        }
        let timeline = timeline::of(tx, id.as_str(), SHOWN)?;
        let own = case.body == it.actor.body;
        Ok(Sheet { case, dossier, participants, documents, deliveries: sent, timeline, own })
    })
    .await
}

/// The cases of a dossier, newest first.
///
/// # Errors
/// `NotFound` for who may not see the dossier.
pub async fn of_dossier(ctx: &Context, dossier: DossierId) -> Result<Vec<Case>> {
    ctx.may(Verb::ReadDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        crate::use_cases::dossier::must_see(tx, &it, &dossier, "case.list")?;
        let found = cases::of_dossier(tx, &dossier)?;
        Ok(trace::open(tx, &look(&it, "case.list", vec![dossier.to_string()]), found)?.into_inner())
    })
    .await
}
