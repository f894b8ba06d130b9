//! Working on a case: its state, its date, notes of the office, participants.

use super::load;
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use crate::use_cases::dossier::doer;
use domain::Invalid;
use domain::case::{CaseState, Participant};
use domain::ids::CaseId;
use jiff::civil::Date;
use store::cases;

/// Moves a case to another state; closing needs a word on how it ended.
///
/// # Errors
/// `Invalid` without that word; `Refusal` when the step is not allowed; `NotFound` for who may not see it.
pub async fn set_state(ctx: &Context, id: CaseId, to: CaseState, note: Option<String>) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let note = note.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if to == CaseState::Closed && note.is_none() {
        return Err(Invalid::one("/note", "required").into());
    }
    check_length("/note", note.as_deref().unwrap_or_default())?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let (case, _) = load(tx, &it, &id, "case.state", true)?;
        case.state.move_to(to)?;
        Ok(cases::set_state(tx, &id, to, note.as_deref(), doer(&it.actor, &it.actor.tag()))?)
    })
    .await
}

/// Sets by when a case must end, and says why that date.
///
/// # Errors
/// `Invalid` without the reason; `NotFound` for who may not see it.
pub async fn set_due(ctx: &Context, id: CaseId, due: Option<Date>, reason: String) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let reason = required("/reason", reason)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        load(tx, &it, &id, "case.due", true)?;
        Ok(cases::set_due(tx, &id, due, &reason, doer(&it.actor, &it.actor.tag()))?)
    })
    .await
}

/// Writes a note of the office.
///
/// # Errors
/// `Invalid` when it is empty or too long; `NotFound` for who may not see the case.
pub async fn add_note(ctx: &Context, id: CaseId, text: String) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let text = required("/text", text)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        load(tx, &it, &id, "case.note", true)?;
        Ok(cases::note(tx, &id, &text, doer(&it.actor, &it.actor.tag()))?)
    })
    .await
}

/// Adds a participant.
///
/// # Errors
/// `Invalid` for its data; `NotFound` for who may not see the case.
pub async fn add_participant(ctx: &Context, id: CaseId, party: Participant) -> Result<()> {
    ctx.may(Verb::OpenDossier)?;
    let mut faults = Invalid::default();
    party.check("", &mut faults);
    faults.or(())?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        load(tx, &it, &id, "case.participant", true)?;
        Ok(cases::add_participant(tx, &id, &party, doer(&it.actor, &it.actor.tag()))?)
    })
    .await
}

fn required(pointer: &str, text: String) -> std::result::Result<String, Invalid> {
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(Invalid::one(pointer, "required"));
    }
    check_length(pointer, &text)?;
    Ok(text)
}

fn check_length(pointer: &str, text: &str) -> std::result::Result<(), Invalid> {
    match text.chars().count() > 4_000 {
        true => Err(Invalid::with(pointer, "too-long", "4000")),
        false => Ok(()),
    }
}
