//! Moving a dossier through its life, changing who may see it, naming persons, putting documents into it.

use super::people::colleague;
use super::{doer, must_hold};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::dossier::{Confidentiality, DossierState};
use domain::ids::{AccountId, CaseId, DossierId, RegistrationId};
use domain::{Invalid, Refusal};
use store::counters::Scope;
use store::timeline::{self, Happening};
use store::{Tx, cases, dossiers, register};

/// Moves a dossier to another state.
///
/// # Errors
/// `Refusal` when the step is not one of its life; `NotFound` for who may not see it.
pub async fn set_state(ctx: &Context, id: DossierId, to: DossierState) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let dossier = must_hold(tx, &it, &id, "dossier.state")?;
        dossier.state.move_to(to)?;
        Ok(dossiers::set_state(tx, &id, to, doer(&it.actor, &it.actor.tag()))?)
    })
    .await
}

/// Changes who may see a dossier.
///
/// # Errors
/// `NotFound` for who may not see it; `Refusal` when it is shared and the new level would hide it from nobody told.
pub async fn set_confidentiality(ctx: &Context, id: DossierId, level: Confidentiality) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        must_hold(tx, &it, &id, "dossier.confidentiality")?;
        let shared = dossiers::shares(tx, &id)?.iter().any(|share| share.ended_at.is_none());
        // What another body reads cannot become confidential behind its back: the sharing is ended first.
        if shared && level > Confidentiality::Office {
            return Err(Refusal::of("dossier-shared").into());
        }
        Ok(dossiers::set_confidentiality(tx, &id, level, doer(&it.actor, &it.actor.tag()))?)
    })
    .await
}

/// Names a person of the body who may see what is confidential.
///
/// # Errors
/// `Invalid` for who does not work in the body; `NotFound` for who may not see the dossier.
pub async fn add_reader(ctx: &Context, id: DossierId, account: AccountId) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        must_hold(tx, &it, &id, "dossier.add-reader")?;
        let named = colleague(tx, &it.actor.body, &account, "/reader")?;
        Ok(dossiers::add_reader(tx, &id, &named.id, &named.name, doer(&it.actor, &it.actor.tag()))?)
    })
    .await
}

/// Takes a named person off the list.
///
/// # Errors
/// `NotFound` when the person is not on it, or for who may not see the dossier.
pub async fn remove_reader(ctx: &Context, id: DossierId, account: AccountId) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        must_hold(tx, &it, &id, "dossier.remove-reader")?;
        match dossiers::remove_reader(tx, &id, &account, doer(&it.actor, &it.actor.tag()))? {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    })
    .await
}

/// Puts a register entry into a dossier.
///
/// # Errors
/// `NotFound` when entry or dossier may not be seen; `Refusal` when the dossier is not open.
pub async fn file_document(ctx: &Context, id: DossierId, entry: RegistrationId) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| file_in(tx, &it, &id, &entry, None)).await
}

/// Puts an entry of the general register into a dossier by its number.
///
/// # Errors
/// `Invalid` when there is no such number; otherwise as [`file_document`].
pub async fn file_by_number(ctx: &Context, id: DossierId, year: i64, number: i64) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let body = store::bodies::find(tx, &it.actor.body)?.ok_or(Error::NotFound)?;
        for aoo in &body.aoos {
            for register in &aoo.registers {
                let scope = Scope { body: &body.ipa_code, aoo: &aoo.code, register: &register.code };
                if let Some(entry) = register::by_number(tx, scope, year, number)? {
                    return file_in(tx, &it, &id, &entry, None);
                }
            }
        }
        Err(Invalid::with("/number", "unknown-number", format!("{number}/{year}")).into())
    })
    .await
}

/// Puts a register entry into the dossier with a code, or moves it there from another; with `case`, into that case
/// of the dossier.
///
/// # Errors
/// `Invalid` when there is no such dossier for the actor, or the case is not one of it; otherwise as
/// [`file_document`].
pub async fn place_entry(
    ctx: &Context,
    entry: RegistrationId,
    code: &str,
    case: Option<CaseId>,
) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let (it, code) = (ctx.clone(), code.trim().to_owned());
    ctx.write(move |tx| {
        must_see_entry(tx, &it, &entry)?;
        let unknown =
            || Invalid::with("/dossier", "unknown-dossier", code.chars().take(80).collect::<String>());
        let id = dossiers::by_code(tx, &it.actor.body, &code)?.ok_or_else(unknown)?;
        // What may not be seen is answered as what is not there.
        must_hold(tx, &it, &id, "dossier.file").map_err(|error| match error {
            Error::NotFound => unknown().into(),
            other => other,
        })?;
        if let Some(case) = &case {
            let of = cases::whereabouts(tx, case)?.map(|(_, dossier)| dossier);
            if of.as_ref() != Some(&id) {
                return Err(Invalid::one("/case", "case-of-other-dossier").into());
            }
        }
        file_in(tx, &it, &id, &entry, case.as_ref())
    })
    .await
}

fn file_in(
    tx: &mut Tx,
    it: &Context,
    id: &DossierId,
    entry: &RegistrationId,
    case: Option<&CaseId>,
) -> Result<()> {
    must_hold(tx, it, id, "dossier.file")?.state.must_be_open()?;
    must_see_entry(tx, it, entry)?;
    let by = it.actor.account.clone().ok_or(Error::NotFound)?;
    register::place(tx, &it.actor.body, entry, Some(id), case, &by)?;
    let account = it.actor.tag();
    let (object, about) = (id.as_str(), Some(entry.as_str()));
    let what = Happening { object, verb: "dossier.file", about, ..Happening::default() };
    Ok(timeline::append(tx, doer(&it.actor, &account), what)?)
}

/// Stops who may not see an entry: for them it is not there.
fn must_see_entry(tx: &mut Tx, it: &Context, entry: &RegistrationId) -> Result<()> {
    let head = register::head(tx, entry)?.ok_or(Error::NotFound)?;
    let named = register::assignments(tx, entry)?
        .iter()
        .any(|one| one.ended_at.is_none() && one.account.as_ref() == it.actor.owner());
    let visible = !head.confidential || named || head.registered_by == it.actor.owner_tag();
    match head.body == it.actor.body && visible {
        true => Ok(()),
        false => Err(Error::NotFound),
    }
}
