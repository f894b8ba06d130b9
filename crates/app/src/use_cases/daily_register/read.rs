//! Reading closed days. The list says counts and fingerprints to whoever reads
//! the register; the register itself holds confidential entries in full, so
//! only who may see them all opens it.

use super::csv;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::seals;
use crate::use_cases::register::look;
use domain::Role;
use domain::body::{AooCode, RegisterCode};
use jiff::civil::Date;
use store::counters::Scope;
use store::daily::{self, Closed};
use store::trace;

/// Days shown on one page.
pub const PAGE: usize = 60;

/// Largest form read back, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Which of the forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For programs.
    Xml,
    /// For people.
    Pdf,
    /// For spreadsheets, in a CAdES envelope made when it is asked for.
    Csv,
}

/// Closed days of the actor's body before a day, newest first.
///
/// # Errors
/// `Refusal` without the right to read the register.
pub async fn list(ctx: &Context, before: Option<Date>) -> Result<Vec<Closed>> {
    ctx.may(Verb::ReadRegister)?;
    let (body, before) = (ctx.actor.body.clone(), before.unwrap_or(Date::MAX));
    ctx.read(move |r| Ok(daily::page(r, &body, before, PAGE as i64)?)).await
}

/// One form of a closed day; the look is written down.
///
/// # Errors
/// `NotFound` when the day is not closed, or for who may not see every entry of the body.
pub async fn open(
    ctx: &Context,
    aoo: AooCode,
    register: RegisterCode,
    day: Date,
    form: Form,
) -> Result<Vec<u8>> {
    ctx.may(Verb::ReadRegister)?;
    if !ctx.actor.has(Role::RecordsManager) {
        return Err(Error::NotFound);
    }
    let (body, area, code) = (ctx.actor.body.clone(), aoo.clone(), register.clone());
    let closed = ctx
        .read(move |r| Ok(daily::find(r, Scope { body: &body, aoo: &area, register: &code }, day)?))
        .await?
        .ok_or(Error::NotFound)?;
    let look = look(ctx, "daily_register.read", vec![format!("daily {aoo} {register} {day}")]);
    ctx.write(move |tx| Ok(trace::note(tx, &look)?)).await?;
    let sha256 = match form {
        Form::Xml | Form::Csv => closed.xml_sha256,
        Form::Pdf => closed.pdf_sha256,
    };
    let bytes = ctx.app.store.blob_bytes(&ctx.actor.body, &sha256, LARGEST).await?;
    let gone = || Error::Bug(format!("the daily register {sha256} has no bytes"));
    let bytes = bytes.map(|b| b.to_vec()).ok_or_else(gone)?;
    match form {
        Form::Xml | Form::Pdf => Ok(bytes),
        Form::Csv => seals::enclose(&ctx.app, &ctx.actor.body, csv::write(&bytes)?, ctx.moment.at).await,
    }
}
