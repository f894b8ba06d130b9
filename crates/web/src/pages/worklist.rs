//! The officer's first page: what do I have to do, by when, and what am I waiting for.

use super::html;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::{Chip, Due, Sampled, Shape, View};
use crate::who::Who;
use app::use_cases::worklist::{self, Line, Source, Tab};
use app::{Error, Verb};
use askama::Template;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::ids::TaskId;
use jiff::civil::Date;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let may = Access::May(Verb::TakeCharge);
    vec![
        Entry::page("GET", "/", Access::Signed, get(show)),
        Entry::page("GET", "/worklist/unread", may, get(unread)),
        Entry::page("GET", "/worklist/open/{source}/{id}", may, get(open)),
        Entry::page("POST", "/tasks/{id}/done", may, post(done)),
    ]
}

/// One line of the page.
pub struct Row {
    /// Sign of the state.
    pub shape: Shape,
    /// State in words.
    pub state: String,
    /// Number, code or kind of task, in words.
    pub label: String,
    /// What it is about; absent for who may not see it.
    pub about: Option<String>,
    /// By when.
    pub due: Option<Due>,
    /// Since when.
    pub since: jiff::Timestamp,
    /// Proposal, in words.
    pub proposal: Option<String>,
    /// Where it opens.
    pub href: String,
    /// Where it is marked done, for tasks.
    pub done: Option<String>,
    /// Not opened yet.
    pub unread: bool,
}

/// The worklist.
#[derive(Template)]
#[template(path = "worklist/list.html")]
pub struct Worklist {
    /// Chrome.
    pub view: View,
    /// Views with their counts.
    pub chips: Vec<Chip>,
    /// Title of the view in force.
    pub title: String,
    /// Its lines.
    pub rows: Vec<Row>,
    /// Whether any line has a next step to show.
    pub proposes: bool,
    /// Whether the person may register documents.
    pub registers: bool,
}

impl Sampled for Worklist {
    fn samples(view: View) -> Vec<Self> {
        let line = |source, due_on: Option<&str>, about: Option<&str>| Line {
            source,
            id: "asg_1".into(),
            target: "reg_1".into(),
            label: if source == Source::Task { "delivery-failed".into() } else { "1234/2026".into() },
            about: about.map(str::to_owned),
            due_on: due_on.and_then(|date| date.parse().ok()),
            since: 1_795_000_000_000_000,
            mine: true,
            taken: false,
            seen: false,
            waiting: source == Source::Case,
            to_act: true,
            proposal: (source == Source::Task).then(|| "retry".to_owned()),
        };
        let lines = [
            line(Source::Entry, None, None),
            line(Source::Case, Some("2026-11-20"), Some("Ampliamento opificio")),
            line(Source::Dossier, Some("2026-12-30"), Some("Idoneità alloggiativa")),
            line(Source::Task, None, Some("PEC a un ente di prova")),
        ];
        let counts: Vec<(Tab, i64)> = Tab::ALL.into_iter().zip(0..).collect();
        let page = |tab, lines: &[Line]| Self::new(view.clone(), tab, &counts, lines, true);
        vec![page(Tab::Mine, &lines), page(Tab::Waiting, &[])]
    }
}

impl Worklist {
    fn new(view: View, tab: Tab, counts: &[(Tab, i64)], lines: &[Line], registers: bool) -> Self {
        let chip = |(one, count): &(Tab, i64)| Chip {
            label: view.family("chip-", one.code()),
            href: format!("/?view={}", one.code()),
            current: *one == tab,
            count: Some(*count),
            shape: match one {
                Tab::Overdue => Some(Shape::Late),
                Tab::Near | Tab::Waiting => Some(Shape::Waiting),
                _ => None,
            },
        };
        let chips = counts.iter().map(chip).collect();
        let rows: Vec<Row> = lines.iter().map(|line| row(&view, line)).collect();
        let proposes = rows.iter().any(|row| row.proposal.is_some() || row.done.is_some());
        Self { chips, title: view.family("chip-", tab.code()), rows, proposes, registers, view }
    }
}

fn row(view: &View, line: &Line) -> Row {
    let late = line.due_on.is_some_and(|due| due < view.today);
    let (shape, state) = match (late, line.source, line.waiting, line.taken) {
        (true, ..) => (Shape::Late, "state-late"),
        (_, Source::Task, ..) => (Shape::Failed, "state-to-decide"),
        (_, _, true, _) => (Shape::Waiting, "state-waiting-others"),
        (_, _, _, true) => (Shape::Waiting, "state-in-hand"),
        _ => (Shape::Idle, "state-new"),
    };
    let label = match line.source {
        Source::Entry => view.t1("worklist-entry", "number", padded(&line.label)),
        Source::Dossier => view.t1("worklist-dossier", "code", &line.label),
        Source::Case => view.t1("worklist-case", "code", &line.label),
        Source::Task => view.family("task-", &line.label),
    };
    let source = match line.source {
        Source::Entry => "entry",
        Source::Dossier => "dossier",
        Source::Case => "case",
        Source::Task => "task",
    };
    Row {
        shape,
        state: view.t(state),
        label,
        about: line.about.clone(),
        due: line.due_on.map(|on| due(view, on, late)),
        since: domain::Moment::from_micros(line.since).at,
        proposal: line.proposal.as_deref().map(|code| view.family("proposal-", code)),
        href: format!("/worklist/open/{source}/{}?to={}", line.id, encoded(&line.target)),
        done: (line.source == Source::Task).then(|| format!("/tasks/{}/done", line.id)),
        unread: !line.seen,
    }
}

fn due(view: &View, on: Date, overdue: bool) -> Due {
    Due { on, overdue, why: vec![view.t("why-set-in-case")], norm: None }
}

/// `1234/2026` as on pages: at least seven digits.
fn padded(label: &str) -> String {
    match label.split_once('/') {
        Some((number, year)) => format!("{number:0>7}/{year}"),
        None => label.to_owned(),
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[derive(Deserialize)]
struct Wish {
    view: Option<String>,
}

/// Who has no work of this kind (an auditor, an administrator) is led to the first page of their own.
async fn show(Who(ctx): Who, view: View, Query(wish): Query<Wish>) -> Result<Response, Fault> {
    if ctx.may(Verb::TakeCharge).is_err() {
        let first = view.nav.iter().map(|item| item.href).find(|href| *href != "/").unwrap_or("/help");
        return Ok(Redirect::to(first).into_response());
    }
    let list = worklist::worklist(&ctx, Tab::parse(wish.view.as_deref().unwrap_or_default())).await?;
    let registers = ctx.may(Verb::Register).is_ok();
    Ok(html(&Worklist::new(view, list.tab, &list.counts, &list.lines, registers))?.into_response())
}

async fn unread(Who(ctx): Who) -> Result<String, Fault> {
    Ok(worklist::unread(&ctx).await?.to_string())
}

#[derive(Deserialize)]
struct Target {
    to: String,
}

/// Remembers that the line was opened and leads to its page.
async fn open(
    Who(ctx): Who,
    Path((source, id)): Path<(String, String)>,
    Query(target): Query<Target>,
) -> Result<Redirect, Fault> {
    worklist::see(&ctx, id).await?;
    let plain = target.to.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let href = match (source.as_str(), plain) {
        ("entry", true) => format!("/register/{}", target.to),
        ("dossier", true) => format!("/dossiers/{}", target.to),
        ("case", true) => format!("/cases/{}", target.to),
        ("task", _) => crate::prefs::local(Some(&target.to)),
        _ => return Err(Error::NotFound.into()),
    };
    Ok(Redirect::to(&href))
}

async fn done(Who(ctx): Who, Path(id): Path<String>) -> Result<Redirect, Fault> {
    let id: TaskId = id.parse().map_err(|_| Error::NotFound)?;
    worklist::finish_task(&ctx, id).await?;
    Ok(Redirect::to("/?done=task"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_worklist_holds_in_both_languages_and_all_looks() {
        check_pages::<Worklist>();
    }

    #[test]
    fn numbers_are_padded() {
        assert_eq!(padded("1234/2026"), "0001234/2026");
    }
}
