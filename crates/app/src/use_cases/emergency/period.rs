//! Opening, prolonging and ending a period.

use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::body::AooCode;
use domain::ids::EmergencyId;
use domain::law::Law;
use domain::{Invalid, Refusal};
use jiff::{Timestamp, ToSpan};
use store::emergency::{self, Authorisation, Linked, Period};

/// Article on the emergency register.
const LAW: Law = Law("D.P.R. 445/2000, art. 63");

/// Hours that the first authorisation covers.
const FIRST_HOURS: i64 = 24;

/// Days that each further authorisation covers at most.
const WEEK_DAYS: i64 = 7;

/// Periods shown in a list.
const PAGE: i64 = 200;

/// What is written when a period is opened, during the stop or after it.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Area.
    pub aoo: AooCode,
    /// What broke.
    pub cause: String,
    /// Since when.
    pub started_at: Timestamp,
    /// The act of the records manager.
    pub reference: String,
}

impl Opening {
    fn check(&self, now: Timestamp) -> std::result::Result<(), Invalid> {
        let mut faults = Invalid::default();
        required(&mut faults, "/cause", &self.cause);
        required(&mut faults, "/reference", &self.reference);
        if self.started_at > now {
            faults.add("/started_at", "in-the-future");
        }
        faults.or(())
    }
}

fn required(faults: &mut Invalid, pointer: &str, text: &str) {
    if text.trim().is_empty() {
        faults.add(pointer, "required");
    } else if text.chars().count() > 1_000 {
        faults.add_with(pointer, "too-long", "1000");
    }
}

/// Opens a period; its code is `EM-<year>-<progressive>`.
///
/// # Errors
/// `Refusal` for who is not the records manager; `Invalid` for each bad datum.
pub async fn open(ctx: &Context, what: Opening) -> Result<EmergencyId> {
    ctx.may(Verb::AuthorizeEmergency)?;
    what.check(ctx.moment.at)?;
    let until = after(what.started_at, FIRST_HOURS)?;
    let id = ctx.mint::<EmergencyId>();
    let (body, by, now, minted) = (ctx.actor.body.clone(), ctx.actor.tag(), ctx.moment.micros(), id.clone());
    let year = domain::Moment::new(what.started_at).year();
    ctx.write(move |tx| {
        let start = format!("EM-{year}-");
        let progressive = emergency::count_like(tx, &body, &what.aoo, &start)? + 1;
        let period = Period {
            id: minted,
            body,
            aoo: what.aoo,
            code: format!("{start}{progressive:02}"),
            cause: what.cause,
            started_at: what.started_at.as_microsecond(),
            restored_at: None,
            opened_at: now,
            authorised_until: until,
            entries: 0,
        };
        let first = Authorisation { reference: &what.reference, valid_until: until, by: &by };
        Ok(emergency::open(tx, &period, &first)?)
    })
    .await?;
    Ok(id)
}

fn after(start: Timestamp, hours: i64) -> Result<i64> {
    let end = start.checked_add(hours.hours()).map_err(|e| Error::Bug(e.to_string()))?;
    Ok(end.as_microsecond())
}

/// Prolongs a period by at most a week from the end of the last authorisation.
///
/// # Errors
/// `Refusal` (art. 63) beyond a week or after the restoration; `NotFound` for another body's period.
pub async fn authorise(ctx: &Context, id: EmergencyId, reference: String, until: Timestamp) -> Result<()> {
    ctx.may(Verb::AuthorizeEmergency)?;
    let mut faults = Invalid::default();
    required(&mut faults, "/reference", &reference);
    faults.or(())?;
    let (body, by) = (ctx.actor.body.clone(), ctx.actor.tag());
    ctx.write(move |tx| {
        let period = emergency::find(tx, &id)?.filter(|p| p.body == body).ok_or(Error::NotFound)?;
        if period.restored_at.is_some() {
            return Err(Refusal::by("emergency-restored", LAW).into());
        }
        let last = domain::Moment::from_micros(period.authorised_until).at;
        if until.as_microsecond() <= period.authorised_until
            || until.as_microsecond() > after(last, WEEK_DAYS * 24)?
        {
            return Err(Refusal::by("emergency-more-than-a-week", LAW).into());
        }
        let next = Authorisation { reference: &reference, valid_until: until.as_microsecond(), by: &by };
        Ok(emergency::authorise(tx, &body, &id, &next)?)
    })
    .await
}

/// Writes when the system worked again; from then on entries can be brought in.
///
/// # Errors
/// `Invalid` for a time before the start or to come; `Refusal` when it was written before.
pub async fn restore(ctx: &Context, id: EmergencyId, at: Timestamp) -> Result<()> {
    ctx.may(Verb::AuthorizeEmergency)?;
    let (body, by, now) = (ctx.actor.body.clone(), ctx.actor.tag(), ctx.moment.at);
    ctx.write(move |tx| {
        let period = emergency::find(tx, &id)?.filter(|p| p.body == body).ok_or(Error::NotFound)?;
        if at > now {
            return Err(Invalid::one("/restored_at", "in-the-future").into());
        }
        if at.as_microsecond() <= period.started_at {
            return Err(Invalid::one("/restored_at", "before-the-start").into());
        }
        match emergency::restore(tx, &body, &id, at.as_microsecond(), &by)? {
            true => Ok(()),
            false => Err(Refusal::by("emergency-restored", LAW).into()),
        }
    })
    .await
}

/// Periods of the actor's body, newest first.
///
/// # Errors
/// `Refusal` without the right to keep the emergency register.
pub async fn list(ctx: &Context) -> Result<Vec<Period>> {
    ctx.may(Verb::KeepEmergency)?;
    let body = ctx.actor.body.clone();
    ctx.read(move |r| Ok(emergency::page(r, &body, PAGE)?)).await
}

/// A period with its entries: number by hand, ordinary number.
///
/// # Errors
/// `NotFound` for another body's period.
pub async fn linked(ctx: &Context, id: EmergencyId) -> Result<(Period, Vec<Linked>)> {
    ctx.may(Verb::KeepEmergency)?;
    let body = ctx.actor.body.clone();
    ctx.read(move |r| {
        let period = emergency::find(r, &id)?.filter(|p| p.body == body).ok_or(Error::NotFound)?;
        let entries = emergency::linked(r, &id)?;
        Ok((period, entries))
    })
    .await
}
