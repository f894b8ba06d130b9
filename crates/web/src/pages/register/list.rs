//! The list of the register: chips, filters, saved views, export, bulk assignment after selection.

use crate::api::registration_acts::export_answer;
use crate::api::registrations::ListQuery;
use crate::error::Fault;
use crate::forms::{self, Form};
use crate::pages::html;
use crate::view::{Chip, Choice, Faults, Sampled, View};
use crate::who::Who;
use app::Verb;
use app::use_cases::bodies;
use app::use_cases::register::list::{self, Line};
use app::use_cases::register::views;
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Redirect, Response};
use domain::Invalid;
use domain::register::{Direction, number_label};
use domain::register_filter::Filter;
use jiff::Timestamp;

/// A row of the list.
pub struct Row {
    /// Id of the entry.
    pub id: String,
    /// `0001234/2026`.
    pub label: String,
    /// When.
    pub at: Timestamp,
    /// Number and date only.
    pub hidden: bool,
    /// Name of the direction.
    pub direction: &'static str,
    /// Subject.
    pub subject: String,
    /// First correspondent.
    pub who: String,
    /// How many others.
    pub others: i64,
    /// Class.
    pub class: String,
    /// Cancelled.
    pub annulled: bool,
    /// Visible to named persons only.
    pub confidential: bool,
    /// How many attachments.
    pub attachments: i64,
}

impl From<Line> for Row {
    fn from(line: Line) -> Self {
        Self {
            id: line.id.to_string(),
            label: format!("{}/{}", number_label(line.number), line.year),
            at: Timestamp::from_microsecond(line.registered_at).unwrap_or(Timestamp::UNIX_EPOCH),
            hidden: line.hidden,
            direction: line.direction.name(),
            subject: line.subject,
            who: line.correspondent,
            others: (line.correspondents - 1).max(0),
            class: line.class.unwrap_or_default(),
            annulled: line.annulled,
            confidential: line.confidential,
            attachments: (line.files - 1).max(0),
        }
    }
}

/// A saved view as a link.
pub struct ViewLink {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Query string.
    pub query: String,
    /// Shared with the office.
    pub shared: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "register/list.html")]
pub struct ListPage {
    /// Chrome.
    pub view: View,
    /// Rows, newest first.
    pub rows: Vec<Row>,
    /// How many entries pass the filters, when counted; one more than the most that is counted means "more".
    pub count: Option<i64>,
    /// Address of the next page.
    pub next: Option<String>,
    /// Quick filters.
    pub chips: Vec<Chip>,
    /// Saved views.
    pub views: Vec<ViewLink>,
    /// Values of the filter form.
    pub form: Form,
    /// Directions to choose from.
    pub directions: Vec<Choice>,
    /// Offices to choose from, for the filter.
    pub units: Vec<Choice>,
    /// Filters in force as a query string.
    pub query: String,
    /// Faults of the filters.
    pub faults: Faults,
    /// Whether the person may register.
    pub may_register: bool,
    /// Whether the person keeps the emergency register.
    pub may_keep: bool,
    /// Whether the person may assign.
    pub may_assign: bool,
    /// Whether the person may export.
    pub may_export: bool,
    /// Whether the person may bring in an old register.
    pub may_import: bool,
    /// Whether the person attests scans.
    pub may_scan: bool,
}

impl ListPage {
    /// The count in words.
    pub fn results(&self, count: &i64) -> String {
        let most = list::COUNTED as i64;
        match *count > most {
            true => self.view.tn("results-more", most),
            false => self.view.tn("results-count", *count),
        }
    }
}

/// `GET /register`
pub async fn show(Who(ctx): Who, view: View, RawQuery(query): RawQuery) -> Result<Response, Fault> {
    let query = query.unwrap_or_default();
    let pairs = forms::pairs(query.as_bytes()).ok_or(Fault::BadRequest("bad-query"))?;
    let kept: Vec<(String, String)> = pairs.into_iter().filter(|(name, _)| name != "done").collect();
    let form = Form::of(kept);
    if let Some(typed) = form.some("q")
        && let Some(id) = list::straight_to(&ctx, typed).await?
    {
        return Ok(Redirect::to(&format!("/register/{id}")).into_response());
    }
    let (asked, faults) = match read(&form) {
        Ok(asked) => (asked, Faults::default()),
        Err(invalid) => (Filter::default(), view.faults(&invalid)),
    };
    let page = match faults.any() {
        true => list::ListPage { lines: Vec::new(), next: None },
        false => list::list(&ctx, asked.clone(), form.some("cursor"), 50).await?,
    };
    let count = if faults.any() { None } else { list::count(&ctx, asked.clone()).await? };
    let filters = views::query_string(&asked);
    let unit = form.text("unit").to_owned();
    let units = bodies::offices(&ctx).await?;
    let saved = views::all(&ctx).await?;
    Ok(html(&ListPage {
        count,
        rows: page.lines.into_iter().map(Row::from).collect(),
        next: page.next.map(|cursor| format!("/register?{filters}&cursor={cursor}")),
        chips: chips(&view, &asked, ctx.moment.today),
        views: saved
            .into_iter()
            .map(|v| ViewLink {
                id: v.id.to_string(),
                name: v.name,
                query: v.query,
                shared: v.unit.is_some(),
            })
            .collect(),
        directions: directions(&view, form.text("direction")),
        units: units.into_iter().map(|u| Choice::new(u.id.to_string(), u.name, &unit)).collect(),
        query: filters,
        faults,
        may_register: ctx.may(Verb::Register).is_ok(),
        may_keep: ctx.may(Verb::KeepEmergency).is_ok(),
        may_assign: ctx.may(Verb::Assign).is_ok(),
        may_export: ctx.may(Verb::ExportRegister).is_ok(),
        may_import: ctx.may(Verb::ImportRegister).is_ok(),
        may_scan: ctx.may(Verb::ScanIntake).is_ok(),
        form,
        view,
    })?
    .into_response())
}

fn read(form: &Form) -> Result<Filter, Invalid> {
    Filter::parse(form.pairs())
}

/// The directions as choices.
pub fn directions(view: &View, present: &str) -> Vec<Choice> {
    [Direction::Incoming, Direction::Outgoing, Direction::Internal]
        .into_iter()
        .map(|direction| Choice::new(direction.name(), view.family("direction-", direction.name()), present))
        .collect()
}

fn chips(view: &View, filter: &Filter, today: jiff::civil::Date) -> Vec<Chip> {
    let month = Filter { from: Some(today.first_of_month()), ..Filter::default() };
    let today = Filter { from: Some(today), ..Filter::default() };
    let direction = |direction| Filter { direction: Some(direction), ..Filter::default() };
    [
        ("chip-all", Filter::default()),
        ("chip-today", today),
        ("chip-month", month),
        ("direction-incoming", direction(Direction::Incoming)),
        ("direction-outgoing", direction(Direction::Outgoing)),
        ("direction-internal", direction(Direction::Internal)),
        ("chip-annulled", Filter { annulled: Some(true), ..Filter::default() }),
        ("chip-attachments", Filter { attachments: Some(true), ..Filter::default() }),
    ]
    .into_iter()
    .map(|(key, one)| Chip {
        label: view.t(key),
        href: format!("/register?{}", views::query_string(&one)),
        current: &one == filter,
        count: None,
        shape: None,
    })
    .collect()
}

/// `GET /search`: the list, or straight to the entry when a number was typed.
pub async fn search(RawQuery(query): RawQuery) -> Redirect {
    Redirect::to(&format!("/register?{}", query.unwrap_or_default()))
}

/// `GET /register/export`
pub async fn export(Who(ctx): Who, view: View, RawQuery(query): RawQuery) -> Result<Response, Fault> {
    export_answer(&ctx, query.as_deref().unwrap_or_default(), view.lang).await
}

/// `POST /register/views`
pub async fn save_view(Who(ctx): Who, view: View, body: Bytes) -> Result<Redirect, Fault> {
    let form = Form::read(&body)?;
    forms::check_token(&view.csrf, form.text("csrf"))?;
    let filter = ListQuery::read(form.text("query"))?.filter;
    views::save(&ctx, form.text("name"), &filter, form.has("shared")).await?;
    Ok(Redirect::to(&format!("/register?{}&done=view-saved", views::query_string(&filter))))
}

/// `POST /register/views/{id}/remove`
pub async fn remove_view(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Redirect, Fault> {
    let form = Form::read(&body)?;
    forms::check_token(&view.csrf, form.text("csrf"))?;
    views::remove(&ctx, id.parse().map_err(|_| app::Error::NotFound)?).await?;
    Ok(Redirect::to("/register?done=view-removed"))
}

impl Sampled for ListPage {
    fn samples(view: View) -> Vec<Self> {
        let row = |n: i64, hidden: bool, annulled: bool| Row {
            id: format!("reg_{n:032x}"),
            label: format!("{}/2026", number_label(n)),
            at: Timestamp::UNIX_EPOCH,
            hidden,
            direction: "incoming",
            subject: "Richiesta <b>di prova</b>".into(),
            who: "Prova Uno".into(),
            others: 2,
            class: "VI.3".into(),
            annulled,
            confidential: hidden,
            attachments: 1,
        };
        let page = |rows: Vec<Row>, faults: Faults| Self {
            chips: chips(&view, &Filter::default(), view.today),
            views: vec![ViewLink {
                id: "view_1".into(),
                name: "Le mie".into(),
                query: String::new(),
                shared: true,
            }],
            count: Some(if rows.is_empty() { 0 } else { 1_001 }),
            form: Form::default(),
            directions: directions(&view, ""),
            units: vec![Choice::new("unit_1", "Protocollo", "")],
            query: "year=2026".into(),
            next: (!rows.is_empty()).then(|| "/register?cursor=x".into()),
            faults,
            may_register: true,
            may_keep: true,
            may_assign: !rows.is_empty(),
            may_export: true,
            may_import: true,
            may_scan: true,
            rows,
            view: view.clone(),
        };
        let wrong = view.faults(&Invalid::with("/year", "bad-number", "x"));
        vec![
            page(vec![row(3, false, false), row(2, true, false), row(1, false, true)], Faults::default()),
            page(Vec::new(), wrong),
        ]
    }
}
