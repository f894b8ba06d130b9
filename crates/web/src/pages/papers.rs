//! Papers of the register for people: receipt, label and sheet of an entry, and the closed daily registers.

use super::html;
use crate::api::papers::daily_file;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::serve_file;
use crate::view::{Sampled, View};
use crate::who::Who;
use app::use_cases::daily_register::{self, Form};
use app::use_cases::papers;
use app::{Error, Verb};
use askama::Template;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use domain::Role;
use domain::ids::RegistrationId;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let page = |path, handler| Entry::page("GET", path, Access::May(Verb::ReadRegister), handler);
    vec![
        page("/register/daily", get(daily)),
        page("/register/daily/{aoo}/{register}/{day}/register.pdf", get(daily_pdf)),
        page("/register/daily/{aoo}/{register}/{day}/register.xml", get(daily_xml)),
        page("/register/daily/{aoo}/{register}/{day}/register.csv.p7m", get(daily_csv)),
        page("/register/{id}/receipt.pdf", get(receipt)),
        page("/register/{id}/label.pdf", get(label)),
        page("/register/{id}/sheet.pdf", get(sheet)),
        page("/register/{id}/segnatura.xml", get(segnatura)),
        page("/register/{id}/files/{document}/copy.pdf", get(copy)),
    ]
}

/// A closed day, as a row of the list.
pub struct DayRow {
    /// Day.
    pub day: Date,
    /// Area and register.
    pub place: String,
    /// Address of its forms, without the file name.
    pub base: String,
    /// Entries.
    pub entries: i64,
    /// First and last number, when there are entries.
    pub range: Option<String>,
    /// Annulments.
    pub annulled: i64,
    /// Corrected data.
    pub changed: i64,
    /// Entries that came from the emergency register.
    pub emergency: i64,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// Fingerprint of the XML.
    pub sha256: String,
}

/// The list of closed daily registers.
#[derive(Template)]
#[template(path = "papers/daily.html")]
pub struct DailyPage {
    /// Chrome.
    pub view: View,
    /// Closed days, newest first.
    pub days: Vec<DayRow>,
    /// Whether the person may open them.
    pub opens: bool,
    /// Address of the next page.
    pub next: Option<String>,
}

impl Sampled for DailyPage {
    fn samples(view: View) -> Vec<Self> {
        let day = |entries| DayRow {
            day: Date::constant(2026, 11, 20),
            place: "A1B2C3D · RG".into(),
            base: "/register/daily/A1B2C3D/RG/2026-11-20".into(),
            entries,
            range: (entries > 0).then(|| "0000001 – 0000612".into()),
            annulled: 3,
            changed: 1,
            emergency: 0,
            closed_at: Timestamp::UNIX_EPOCH,
            sha256: "ab".repeat(32),
        };
        vec![
            Self {
                view: view.clone(),
                days: vec![day(612), day(0)],
                opens: true,
                next: Some("?before=2026-11-20".into()),
            },
            Self { view: view.clone(), days: vec![day(1)], opens: false, next: None },
            Self { view, days: Vec::new(), opens: true, next: None },
        ]
    }
}

#[derive(Deserialize)]
struct Older {
    before: Option<Date>,
}

async fn daily(Who(ctx): Who, view: View, Query(older): Query<Older>) -> Result<Html<String>, Fault> {
    let closed = daily_register::list(&ctx, older.before).await?;
    // A page is full when there may be more; the list says the oldest day it reached.
    let next = closed
        .last()
        .filter(|_| closed.len() >= daily_register::PAGE)
        .map(|last| format!("/register/daily?before={}", last.day));
    let label = domain::register::number_label;
    let days = closed.into_iter().map(|it| DayRow {
        base: format!("/register/daily/{}/{}/{}", it.aoo, it.register, it.day),
        place: format!("{} · {}", it.aoo, it.register),
        range: it.first_number.zip(it.last_number).map(|(a, b)| match a == b {
            true => label(a),
            false => format!("{} – {}", label(a), label(b)),
        }),
        day: it.day,
        entries: it.entries,
        annulled: it.annulled,
        changed: it.changed,
        emergency: it.emergency,
        closed_at: domain::Moment::from_micros(it.closed_at).at,
        sha256: it.xml_sha256,
    });
    let days = days.collect();
    html(&DailyPage { opens: ctx.actor.has(Role::RecordsManager), view, days, next })
}

type Day = Path<(String, String, Date)>;

async fn daily_pdf(Who(ctx): Who, Path((aoo, register, day)): Day) -> Result<Response, Fault> {
    daily_file(&ctx, &aoo, &register, day, Form::Pdf).await
}

async fn daily_xml(Who(ctx): Who, Path((aoo, register, day)): Day) -> Result<Response, Fault> {
    daily_file(&ctx, &aoo, &register, day, Form::Xml).await
}

async fn daily_csv(Who(ctx): Who, Path((aoo, register, day)): Day) -> Result<Response, Fault> {
    daily_file(&ctx, &aoo, &register, day, Form::Csv).await
}

async fn segnatura(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    Ok(file("application/xml", "segnatura.xml", papers::segnatura(&ctx, entry_id(&id)?).await?))
}

fn entry_id(text: &str) -> Result<RegistrationId, Fault> {
    Ok(text.parse().map_err(|_| Error::NotFound)?)
}

async fn receipt(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    Ok(file("application/pdf", "ricevuta.pdf", papers::receipt(&ctx, entry_id(&id)?).await?))
}

async fn label(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    Ok(file("application/pdf", "etichetta.pdf", papers::label(&ctx, entry_id(&id)?).await?))
}

async fn sheet(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    Ok(file("application/pdf", "scheda.pdf", papers::sheet(&ctx, entry_id(&id)?).await?))
}

async fn copy(Who(ctx): Who, Path((id, document)): Path<(String, String)>) -> Result<Response, Fault> {
    stamped(&ctx, &id, &document).await
}

/// The stamped copy of a file of an entry as an answer; the interface gives the same.
///
/// # Errors
/// `NotFound` for who may not see the entry; refusal `not-stampable`.
pub(crate) async fn stamped(ctx: &app::Context, id: &str, document: &str) -> Result<Response, Fault> {
    let document = document.parse().map_err(|_| Error::NotFound)?;
    let copy = papers::stamped(ctx, entry_id(id)?, document).await?;
    let headers = serve_file::headers(&copy.name, "application/pdf", true);
    Ok((headers, copy.bytes).into_response())
}

/// A file to be shown by the browser and not kept by anybody on the way.
pub(crate) fn file(kind: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (headers, bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_list_of_daily_registers_holds_in_both_languages_and_all_looks() {
        check_pages::<DailyPage>();
    }
}
