//! Opening a dossier, or a part of one: the code is given by the store inside the same transaction.

use super::{doer, must_hold};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::dossier::{DEPTH_MAX, Dossier, DossierState, NewDossier};
use domain::{Invalid, Refusal};
use store::{Tx, classes, dossiers};

/// Opens a dossier in the actor's body, with the actor as its officer.
///
/// # Errors
/// `Invalid` for subject or class; `NotFound` for the whole of which it should be a part; `Refusal` when that is
/// not open, or too deep.
pub async fn open_dossier(ctx: &Context, new: NewDossier) -> Result<Dossier> {
    ctx.may(Verb::OpenDossier)?;
    new.check()?;
    let it = ctx.clone();
    ctx.write(move |tx| open_in(tx, &it, new)).await
}

/// The same, inside an open transaction.
pub(crate) fn open_in(tx: &mut Tx, ctx: &Context, new: NewDossier) -> Result<Dossier> {
    let whole = match &new.parent {
        Some(id) => Some(must_hold(tx, ctx, id, "dossier.open-part")?),
        None => None,
    };
    let classification = match &whole {
        Some(whole) => {
            whole.state.must_be_open()?;
            if whole.code.matches('.').count() + 1 >= DEPTH_MAX + whole.classification.matches('.').count() {
                return Err(Refusal::of("dossier-too-deep").into());
            }
            whole.classification.clone()
        }
        None => known_class(tx, ctx, new.classification.trim())?,
    };
    if let Some(unit) = &new.unit
        && !store::bodies::units(tx, &ctx.actor.body)?.iter().any(|one| &one.id == unit)
    {
        return Err(Invalid::with("/unit", "unknown-unit", unit.to_string()).into());
    }
    let mut dossier = Dossier {
        id: ctx.mint(),
        body: ctx.actor.body.clone(),
        code: String::new(),
        classification,
        parent: new.parent,
        kind: new.kind,
        subject: new.subject.trim().to_owned(),
        confidentiality: new.confidentiality,
        state: DossierState::Open,
        unit: new.unit.or_else(|| ctx.actor.unit.clone()),
        officer: ctx.actor.owner().cloned(),
        officer_name: Some(ctx.actor.name.clone()),
        opened_at: ctx.moment.at,
        closed_at: None,
    };
    let account = ctx.actor.tag();
    let whole_code = whole.map(|whole| whole.code);
    dossiers::open(tx, &mut dossier, whole_code.as_deref(), doer(&ctx.actor, &account))?;
    Ok(dossier)
}

/// A class of the scheme in force that is not a bare title; any code while no scheme was imported.
fn known_class(tx: &mut Tx, ctx: &Context, code: &str) -> Result<String> {
    let scheme = classes::scheme(tx, &ctx.actor.body)?;
    match scheme.classes.is_empty() || scheme.find(code).is_some() {
        true => Ok(code.to_owned()),
        false => Err(Error::from(Invalid::with(
            "/classification",
            "unknown-class",
            code.chars().take(40).collect::<String>(),
        ))),
    }
}
