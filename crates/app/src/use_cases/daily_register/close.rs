//! Closing days: read the day, make its two forms, seal both with the body's seal, save them with the chain. A body
//! without a seal closes nothing: its days are made up in order once it has one.

use super::{paper, xml};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::seals;
use crate::use_cases::papers::{GivenOut, give_out, own_body};
use domain::body::{AooCode, Body, RegisterCode};
use domain::ids::LookId;
use domain::moment::rome;
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use store::counters::Scope;
use store::daily::{self, Closed, Day};
use store::trace::Look;
use store::{Store, blobs};

/// After midnight, how long entries with a time of the day before may still be on their way to the disk.
const GRACE_SECONDS: i64 = 60;

/// Closes every day of a register that has ended and is not closed; says how many.
///
/// # Errors
/// Those of the store; days closed before the fault stay closed.
pub async fn close_until_today(ctx: &Context, aoo: &AooCode, register: &RegisterCode) -> Result<u32> {
    let mut closed = 0;
    while close_next(ctx, aoo, register).await?.is_some() {
        closed += 1;
    }
    Ok(closed)
}

/// Closes the oldest day that has ended and is not closed; `None` when there is none.
///
/// # Errors
/// `Conflict` when something of the day was written meanwhile (to be tried again); refusal `no-seal`; those of the
/// store.
pub async fn close_next(ctx: &Context, aoo: &AooCode, register: &RegisterCode) -> Result<Option<Closed>> {
    let body = own_body(ctx).await?;
    let scope = Owned { body, aoo: aoo.clone(), register: register.clone() };
    let Some((date, previous)) = due(ctx, &scope).await? else { return Ok(None) };
    let (from, to) = bounds(date)?;
    if ctx.moment.micros() < to + GRACE_SECONDS * 1_000_000 {
        return Ok(None);
    }
    let day = load(ctx, &scope, date, from, to).await?;
    let previous = previous.map(|it| it.xml_sha256);
    let text = xml::write(&scope.body, &scope.aoo, &scope.register, date, &day, previous.as_deref());
    let text = seals::seal_xml(&ctx.app, &scope.body.ipa_code, text, ctx.moment.at).await?;
    let about = format!("{} {} {date}", scope.aoo, scope.register);
    let place = (&scope.aoo, &scope.register);
    let sheet = give_out(ctx, "daily-register", &about, |mark| {
        paper::compose(ctx, &scope.body, place, date, &day, previous.as_deref(), mark)
    })
    .await?;
    let closed = Closed {
        aoo: scope.aoo.clone(),
        register: scope.register.clone(),
        day: date,
        entries: day.counts().entries,
        first_number: day.entries.first().map(|e| e.number),
        last_number: day.entries.last().map(|e| e.number),
        annulled: day.counts().annulments,
        changed: day.counts().corrections,
        emergency: emergency(&day),
        previous_sha256: previous,
        xml_sha256: hex::encode(Sha256::digest(text.as_bytes())),
        pdf_sha256: sheet.sha256.clone(),
        closed_at: ctx.moment.micros(),
    };
    save(ctx, scope, closed, &day, text.into_bytes(), sheet).await.map(Some)
}

/// Entries of the day that were first made by hand.
fn emergency(day: &Day) -> i64 {
    i64::try_from(day.entries.iter().filter(|e| e.emergency.is_some()).count()).unwrap_or(i64::MAX)
}

struct Owned {
    body: Body,
    aoo: AooCode,
    register: RegisterCode,
}

impl Owned {
    fn scope(&self) -> Scope<'_> {
        Scope { body: &self.body.ipa_code, aoo: &self.aoo, register: &self.register }
    }
}

/// The next day to close and the day closed before it. A register begins with
/// the day of its first entry: before it there is nothing to prove.
async fn due(ctx: &Context, owned: &Owned) -> Result<Option<(Date, Option<Closed>)>> {
    let (body, aoo, register) = (owned.body.ipa_code.clone(), owned.aoo.clone(), owned.register.clone());
    let (last, first) = ctx
        .read(move |r| {
            let scope = Scope { body: &body, aoo: &aoo, register: &register };
            Ok((daily::last(r, scope)?, daily::first(r, scope)?))
        })
        .await?;
    let next = match &last {
        Some(closed) => Some(closed.day.tomorrow().map_err(|e| Error::Bug(e.to_string()))?),
        None => first.map(|at| domain::Moment::from_micros(at).today),
    };
    Ok(next.filter(|date| *date < ctx.moment.today).map(|date| (date, last)))
}

/// First instant of the day and of the next one in Rome, UTC microseconds. A day has 23 or 25 hours twice a year.
pub(super) fn bounds(date: Date) -> Result<(i64, i64)> {
    let start = |date: Date| {
        let zoned = date.to_zoned(rome()).map_err(|e| Error::Bug(e.to_string()))?;
        Ok::<i64, Error>(zoned.timestamp().as_microsecond())
    };
    let tomorrow = date.tomorrow().map_err(|e| Error::Bug(e.to_string()))?;
    Ok((start(date)?, start(tomorrow)?))
}

/// Reads the day and writes down that the program looked at it.
async fn load(ctx: &Context, owned: &Owned, date: Date, from: i64, to: i64) -> Result<Day> {
    let (body, aoo, register) = (owned.body.ipa_code.clone(), owned.aoo.clone(), owned.register.clone());
    let day = ctx
        .read(move |r| Ok(daily::day(r, Scope { body: &body, aoo: &aoo, register: &register }, from, to)?))
        .await?;
    let look = Look {
        id: ctx.mint::<LookId>(),
        actor: ctx.actor.tag(),
        body: ctx.actor.body.clone(),
        unit: None,
        purpose: "daily_register.close".to_owned(),
        norm: Some("AgID guidelines 2021, 3.1.6".to_owned()),
        case: None,
        subjects: vec![format!("daily {} {} {date}", owned.aoo, owned.register)],
    };
    let store: &Store = &ctx.app.store;
    Ok(store.open_traced::<_, Error>(look, day).await?.into_inner())
}

/// Saves both forms and the row of the day, unless the day changed meanwhile.
async fn save(
    ctx: &Context,
    owned: Owned,
    closed: Closed,
    day: &Day,
    text: Vec<u8>,
    sheet: GivenOut,
) -> Result<Closed> {
    let code = owned.body.ipa_code.clone();
    let text = ctx.app.store.prepare_stream(&code, text.as_slice()).await?;
    let paper = ctx.app.store.prepare_stream(&code, sheet.bytes.as_slice()).await?;
    let (seen, by) = (day.counts(), ctx.actor.tag());
    let (from, to) = bounds(closed.day)?;
    ctx.write(move |tx| {
        if daily::counts(tx, owned.scope(), from, to)? != seen {
            return Err(Error::Conflict);
        }
        if let Some(before) = daily::find(tx, owned.scope(), closed.day)? {
            return Ok(before);
        }
        blobs::put(tx, &text)?;
        blobs::put(tx, &paper)?;
        sheet.conclude(tx)?;
        daily::close(tx, &code, &closed, &by)?;
        Ok(closed)
    })
    .await
}
