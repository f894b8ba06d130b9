//! The emergency register for people (D.P.R. 445/2000, art. 63): open a period, print blank sheets, take the page that
//! works without network, bring the entries back with a report, write down the restoration.
//!
//! Everything but the page for the stop works without script. Times are typed and shown as in Rome.

use super::html;
use super::papers::file;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::upload;
use crate::view::{Choice, Faults, Sampled, Shape, View};
use crate::who::Who;
use app::use_cases::bodies;
use app::use_cases::emergency::{self, Opening, Outcome, Period, ReportRow};
use app::{Context, Error, Verb};
use askama::Template;
use axum::Form;
use axum::extract::{Multipart, Path};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::Invalid;
use domain::body::AooCode;
use domain::ids::EmergencyId;
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let keeps = Access::May(Verb::KeepEmergency);
    let authorises = Access::May(Verb::AuthorizeEmergency);
    vec![
        Entry::page("GET", "/register/emergency", keeps, get(list)),
        Entry::page("POST", "/register/emergency", authorises, post(open)),
        Entry::page("GET", "/register/emergency/{id}", keeps, get(show)),
        Entry::page("GET", "/register/emergency/{id}/blank.pdf", keeps, get(blank)),
        Entry::page("GET", "/register/emergency/{id}/offline.html", keeps, get(offline)),
        Entry::page("POST", "/register/emergency/{id}/authorisations", authorises, post(prolong)),
        Entry::page("POST", "/register/emergency/{id}/restoration", authorises, post(restore)),
        Entry::page("POST", "/register/emergency/{id}/entries", keeps, post(import)),
    ]
}

/// A period, in the terms of the pages.
pub struct PeriodWords {
    /// Id.
    pub id: String,
    /// Code that begins its numbers.
    pub code: String,
    /// What broke.
    pub cause: String,
    /// Area.
    pub aoo: String,
    /// Since when.
    pub started: Timestamp,
    /// Until when it is authorised.
    pub until: Timestamp,
    /// When the system worked again.
    pub restored: Option<Timestamp>,
    /// Entries brought in.
    pub entries: i64,
    /// Shape of its state.
    pub shape: Shape,
    /// Its state in words.
    pub state: String,
}

impl PeriodWords {
    fn of(view: &View, it: &Period, now: Timestamp) -> Self {
        let at = |micros: i64| domain::Moment::from_micros(micros).at;
        let (until, restored) = (at(it.authorised_until), it.restored_at.map(at));
        let (shape, state) = match restored {
            Some(_) => (Shape::Done, "emergency-restored"),
            None if until < now => (Shape::Late, "emergency-not-authorised"),
            None => (Shape::Waiting, "emergency-open"),
        };
        Self {
            id: it.id.to_string(),
            code: it.code.clone(),
            cause: it.cause.clone(),
            aoo: it.aoo.to_string(),
            started: at(it.started_at),
            until,
            restored,
            entries: it.entries,
            shape,
            state: view.t(state),
        }
    }
}

/// What the form of a new period sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct OpenForm {
    /// Area.
    pub aoo: String,
    /// What broke.
    pub cause: String,
    /// Since when, `YYYY-MM-DDTHH:MM` in Rome.
    pub started_at: String,
    /// The act.
    pub reference: String,
}

/// The list of periods with the form of a new one.
#[derive(Template)]
#[template(path = "emergency/list.html")]
pub struct ListPage {
    /// Chrome.
    pub view: View,
    /// Periods, newest first.
    pub periods: Vec<PeriodWords>,
    /// Whether the person may open one.
    pub authorises: bool,
    /// Areas to choose from.
    pub areas: Vec<Choice>,
    /// What was typed.
    pub form: OpenForm,
    /// Faults.
    pub faults: Faults,
}

/// A row of the report of an import.
pub struct ReportWords {
    /// Line of the file.
    pub line: u64,
    /// Number by hand.
    pub number: String,
    /// Shape of the outcome.
    pub shape: Shape,
    /// The outcome in words.
    pub outcome: String,
    /// What is wrong, field by field.
    pub faults: Vec<String>,
}

/// An entry by hand with its ordinary number.
pub struct LinkedWords {
    /// Number by hand.
    pub number: String,
    /// When it was made by hand.
    pub at: Timestamp,
    /// Address of the entry.
    pub href: String,
    /// Its ordinary number.
    pub label: String,
}

/// One period.
#[derive(Template)]
#[template(path = "emergency/show.html")]
pub struct ShowPage {
    /// Chrome.
    pub view: View,
    /// The period.
    pub period: PeriodWords,
    /// Entries brought in.
    pub entries: Vec<LinkedWords>,
    /// Whether the person may prolong and close it.
    pub authorises: bool,
    /// Outcome of the file just sent; none before.
    pub report: Option<Vec<ReportWords>>,
    /// Whether the report is of a trial.
    pub trial: bool,
    /// Faults.
    pub faults: Faults,
}

/// The page for the stop: one file, no network, no server.
#[derive(Template)]
#[template(path = "emergency/offline.html")]
pub struct OfflinePage {
    /// Chrome: only its words.
    pub view: View,
    /// The period.
    pub period: PeriodWords,
    /// Name of the body.
    pub body: String,
    /// First number not yet brought in.
    pub next: i64,
}

async fn list_page(ctx: &Context, view: View, form: OpenForm, invalid: &Invalid) -> Result<ListPage, Fault> {
    let periods = emergency::list(ctx).await?;
    let body = bodies::find(ctx, ctx.actor.body.as_str()).await?;
    let areas = body.aoos.iter().map(|area| Choice::new(area.code.as_str(), &area.name, &form.aoo)).collect();
    Ok(ListPage {
        periods: periods.iter().map(|it| PeriodWords::of(&view, it, ctx.moment.at)).collect(),
        authorises: ctx.may(Verb::AuthorizeEmergency).is_ok(),
        areas,
        form,
        faults: view.faults(invalid),
        view,
    })
}

async fn list(Who(ctx): Who, view: View) -> Result<Response, Fault> {
    let now = ctx.moment.local().strftime("%Y-%m-%dT%H:%M").to_string();
    let form = OpenForm { started_at: now, ..OpenForm::default() };
    Ok(html(&list_page(&ctx, view, form, &Invalid::default()).await?)?.into_response())
}

/// An instant typed in Rome.
fn instant(text: &str, pointer: &str) -> Result<Timestamp, Invalid> {
    let wrong = || Invalid::with(pointer, "bad-date", text.chars().take(40).collect::<String>());
    let local: DateTime = text.trim().parse().map_err(|_| wrong())?;
    local.to_zoned(domain::moment::rome()).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}

async fn open(Who(ctx): Who, view: View, Form(form): Form<OpenForm>) -> Result<Response, Fault> {
    let done = async {
        let opening = Opening {
            aoo: AooCode::parse(&form.aoo)?,
            cause: form.cause.clone(),
            started_at: instant(&form.started_at, "/started_at")?,
            reference: form.reference.clone(),
        };
        emergency::open(&ctx, opening).await
    };
    match done.await {
        Ok(id) => {
            Ok(Redirect::to(&format!("/register/emergency/{id}?done=emergency-opened")).into_response())
        }
        Err(Error::Invalid(invalid)) => {
            let page = list_page(&ctx, view, form, &invalid).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

fn id_of(text: &str) -> Result<EmergencyId, Fault> {
    Ok(text.parse().map_err(|_| Error::NotFound)?)
}

async fn show_page(
    ctx: &Context,
    view: View,
    id: EmergencyId,
    report: Option<(Vec<ReportRow>, bool)>,
    invalid: &Invalid,
) -> Result<ShowPage, Fault> {
    let (period, linked) = emergency::linked(ctx, id).await?;
    let entries = linked.into_iter().map(|it| LinkedWords {
        number: format!("{}/{:06}", period.code, it.number),
        at: domain::Moment::from_micros(it.entered_at).at,
        href: format!("/register/{}", it.registration),
        label: format!("{}/{}", domain::register::number_label(it.ordinary_number), it.ordinary_year),
    });
    let trial = report.as_ref().is_some_and(|(_, trial)| *trial);
    Ok(ShowPage {
        entries: entries.collect(),
        period: PeriodWords::of(&view, &period, ctx.moment.at),
        authorises: ctx.may(Verb::AuthorizeEmergency).is_ok(),
        report: report.map(|(rows, _)| rows.iter().map(|row| words(&view, row)).collect()),
        trial,
        faults: view.faults(invalid),
        view,
    })
}

fn words(view: &View, row: &ReportRow) -> ReportWords {
    let label = |number: &i64, year: &i64| format!("{}/{year}", domain::register::number_label(*number));
    let quoting = |key: &str, number: &i64, year: &i64| view.t1(key, "number", label(number, year));
    let (shape, outcome) = match &row.outcome {
        Outcome::Ready => (Shape::Idle, view.t("emergency-outcome-ready")),
        Outcome::Registered(number, year) => {
            (Shape::Done, quoting("emergency-outcome-registered", number, year))
        }
        Outcome::Before(number, year) => (Shape::Done, quoting("emergency-outcome-before", number, year)),
        Outcome::Differs(number, year) => (Shape::Late, quoting("emergency-outcome-differs", number, year)),
        Outcome::Faulty(_) => (Shape::Failed, view.t("emergency-outcome-faulty")),
    };
    let faults = match &row.outcome {
        Outcome::Faulty(invalid) => view.faults(invalid).all.into_iter().map(|line| line.text).collect(),
        _ => Vec::new(),
    };
    let number = row.number.map(|number| format!("{number:06}")).unwrap_or_default();
    ReportWords { line: row.line, number, shape, outcome, faults }
}

async fn show(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    let page = show_page(&ctx, view, id_of(&id)?, None, &Invalid::default()).await?;
    Ok(html(&page)?.into_response())
}

/// Shows the period again with what was wrong, or goes on to it.
async fn after(
    ctx: &Context,
    view: View,
    id: EmergencyId,
    done: app::Result<()>,
    code: &str,
) -> Result<Response, Fault> {
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/register/emergency/{id}?done={code}")).into_response()),
        Err(Error::Invalid(invalid)) => {
            let page = show_page(ctx, view, id, None, &invalid).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

#[derive(Deserialize)]
struct ProlongForm {
    reference: String,
    valid_until: String,
}

async fn prolong(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<ProlongForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let done = match instant(&form.valid_until, "/valid_until") {
        Ok(until) => emergency::authorise(&ctx, id.clone(), form.reference, until).await,
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, done, "emergency-prolonged").await
}

#[derive(Deserialize)]
struct RestoreForm {
    restored_at: String,
}

async fn restore(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<RestoreForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let done = match instant(&form.restored_at, "/restored_at") {
        Ok(at) => emergency::restore(&ctx, id.clone(), at).await,
        Err(invalid) => Err(invalid.into()),
    };
    after(&ctx, view, id, done, "emergency-restored").await
}

/// The file of the entries by hand; the button says whether to try only.
async fn import(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    mut parts: Multipart,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let (mut table, mut trial) = (Vec::new(), true);
    while let Some(field) = upload::next_part(&mut parts).await? {
        match field.name() {
            Some("file") => table = upload::text_part(field, "/file").await?.to_vec(),
            Some("act") => trial = upload::utf8_part(field, "/act").await? != "import",
            _ => {}
        }
    }
    let report = match () {
        () if table.is_empty() => Err(Invalid::one("/file", "required").into()),
        () if trial => emergency::dry_run(&ctx, id.clone(), &table).await,
        () => emergency::import(&ctx, id.clone(), &table).await,
    };
    match report {
        Ok(rows) => {
            let page = show_page(&ctx, view, id, Some((rows, trial)), &Invalid::default()).await?;
            Ok(html(&page)?.into_response())
        }
        Err(error) => after(&ctx, view, id, Err(error), "").await,
    }
}

async fn blank(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    Ok(file("application/pdf", "registro-di-emergenza.pdf", emergency::blank(&ctx, id_of(&id)?).await?))
}

/// Always a download: it is opened from the disk when there is no server to ask.
async fn offline(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    let (period, linked) = emergency::linked(&ctx, id_of(&id)?).await?;
    let body = bodies::find(&ctx, ctx.actor.body.as_str()).await?;
    let name = format!("attachment; filename=\"registro-{}.html\"", period.code);
    let page = OfflinePage {
        period: PeriodWords::of(&view, &period, ctx.moment.at),
        body: body.name,
        next: linked.iter().map(|it| it.number).max().unwrap_or(0) + 1,
        view,
    };
    Ok(([(header::CONTENT_DISPOSITION, name)], html(&page)?).into_response())
}

fn sample(view: &View, shape: Shape, restored: Option<Timestamp>) -> PeriodWords {
    PeriodWords {
        id: <EmergencyId as domain::ids::Id>::from_u128(1).to_string(),
        code: "EM-2026-03".into(),
        cause: "Guasto alla linea".into(),
        aoo: "A1B2C3D".into(),
        started: Timestamp::UNIX_EPOCH,
        until: Timestamp::UNIX_EPOCH,
        restored,
        entries: 14,
        shape,
        state: view.t("emergency-open"),
    }
}

impl Sampled for ListPage {
    fn samples(view: View) -> Vec<Self> {
        let faults = view.faults(&Invalid::one("/cause", "required"));
        vec![
            Self {
                periods: vec![sample(&view, Shape::Waiting, None)],
                authorises: true,
                areas: vec![Choice::new("A1B2C3D", "Area unica", "A1B2C3D")],
                form: OpenForm::default(),
                faults,
                view: view.clone(),
            },
            Self {
                periods: Vec::new(),
                authorises: false,
                areas: Vec::new(),
                form: OpenForm::default(),
                faults: Faults::default(),
                view,
            },
        ]
    }
}

impl Sampled for ShowPage {
    fn samples(view: View) -> Vec<Self> {
        let row = |outcome| words(&view, &ReportRow { line: 2, number: Some(7), outcome });
        let rows = vec![
            row(Outcome::Ready),
            row(Outcome::Registered(7, 2026)),
            row(Outcome::Before(7, 2026)),
            row(Outcome::Differs(7, 2026)),
            row(Outcome::Faulty(Invalid::one("/subject", "required"))),
        ];
        let entry = LinkedWords {
            number: "EM-2026-03/000007".into(),
            at: Timestamp::UNIX_EPOCH,
            href: "/register/reg".into(),
            label: "0000007/2026".into(),
        };
        vec![
            Self {
                period: sample(&view, Shape::Done, Some(Timestamp::UNIX_EPOCH)),
                entries: vec![entry],
                authorises: true,
                report: Some(rows),
                trial: true,
                faults: Faults::default(),
                view: view.clone(),
            },
            Self {
                period: sample(&view, Shape::Waiting, None),
                entries: Vec::new(),
                authorises: true,
                report: None,
                trial: false,
                faults: view.faults(&Invalid::one("/restored_at", "bad-date")),
                view,
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prefs::Lang;
    use crate::view::testing::check_pages;

    #[test]
    fn the_emergency_pages_hold_in_both_languages_and_all_looks() {
        check_pages::<ListPage>();
        check_pages::<ShowPage>();
    }

    #[test]
    fn times_are_those_of_rome() {
        assert_eq!(instant("2026-11-23T09:10", "/x").unwrap(), "2026-11-23T08:10:00Z".parse().unwrap());
        assert!(instant("ieri", "/x").is_err());
    }

    #[test]
    fn the_page_for_the_stop_asks_nothing_of_anybody() {
        let uri = axum::http::Uri::from_static("/");
        let today = jiff::civil::Date::constant(2026, 11, 23);
        let view = View::of(&axum::http::HeaderMap::new(), &uri, today, false);
        assert_eq!(view.lang, Lang::It);
        let period = sample(&view, Shape::Waiting, None);
        let page = OfflinePage { period, body: "Comune <di> Prova".into(), next: 3, view };
        let text = page.render().unwrap();
        for outside in ["src=", "href=", "http", "fetch(", "@import", "url("] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert!(text.contains("data-next=\"3\"") && !text.contains("<di>"));
        assert!(text.contains("number;entered_at;direction;correspondent;tax_code;subject;class"));
    }
}
