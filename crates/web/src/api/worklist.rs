//! What the caller has to do, for programs: the views of the worklist with their counts, tasks done, the scheme.

use app::use_cases::scheme;
use app::use_cases::worklist::{self, Line, Source, Tab};
use app::{Error, Verb};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::{get, post};
use domain::Invalid;
use domain::ids::TaskId;
use domain::scheme::Class;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::dossiers::instant;
use crate::error::{Fault, Problem};
use crate::routes::{Access, Entry};
use crate::who::Who;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let takes = Access::May(Verb::TakeCharge);
    vec![
        Entry::api("GET", "/api/v1/worklist", takes, get(show)),
        Entry::api("POST", "/api/v1/tasks/{id}/completion", takes, post(done)),
        Entry::api("GET", "/api/v1/classes", Access::May(Verb::ReadDossier), get(classes)),
        Entry::api("POST", "/api/v1/classes", Access::May(Verb::ManageScheme), post(import)),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(show, done, classes, import))]
    struct Slice;
    Slice::openapi()
}

/// One thing to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkAnswer {
    /// `registration`, `dossier`, `case` or `task`.
    #[schema(max_length = 16)]
    source: &'static str,
    /// Id of the assignment, case or task.
    #[schema(max_length = 40)]
    id: String,
    /// Id of the thing to open; for a task the address of its page.
    #[schema(max_length = 400)]
    target: String,
    /// Number, code or kind of task.
    #[schema(max_length = 400)]
    label: String,
    /// What it is about; null for who may not see it.
    #[schema(max_length = 4000)]
    about: Option<String>,
    /// By when.
    #[schema(format = "date", max_length = 10)]
    due_on: Option<String>,
    /// Since when.
    #[schema(format = "date-time", max_length = 40)]
    since: String,
    /// Whether it is the caller's by name, and not only the office's.
    mine: bool,
    /// Whether it was taken charge of.
    taken: bool,
    /// Whether the caller has opened it.
    seen: bool,
    /// Whether it waits for somebody outside.
    waiting: bool,
    /// To act, or only to know.
    to_act: bool,
    /// Code of a proposal, for tasks.
    #[schema(max_length = 80)]
    proposal: Option<String>,
}

impl From<Line> for WorkAnswer {
    fn from(it: Line) -> Self {
        let source = match it.source {
            Source::Entry => "registration",
            Source::Dossier => "dossier",
            Source::Case => "case",
            Source::Task => "task",
        };
        Self {
            source,
            id: it.id,
            target: it.target,
            label: it.label,
            about: it.about,
            due_on: it.due_on.map(|date| date.to_string()),
            since: instant(it.since),
            mine: it.mine,
            taken: it.taken,
            seen: it.seen,
            waiting: it.waiting,
            to_act: it.to_act,
            proposal: it.proposal,
        }
    }
}

/// How many things a view holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct CountAnswer {
    /// The view.
    #[schema(max_length = 16)]
    view: &'static str,
    /// Things in it.
    #[schema(minimum = 0, maximum = 1000)]
    count: i64,
}

/// The worklist in one view.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorklistAnswer {
    /// The things of the view, soonest date first.
    #[schema(max_items = 1000)]
    items: Vec<WorkAnswer>,
    /// Counts of every view.
    #[schema(max_items = 10)]
    counts: Vec<CountAnswer>,
}

#[derive(Debug, Deserialize)]
struct Wish {
    view: Option<String>,
}

/// What the caller has to do, in one view, with the counts of all.
#[utoipa::path(get, path = "/api/v1/worklist", operation_id = "read_worklist", tag = "worklist",
    params(("view" = Option<String>, Query, max_length = 16,
        description = "`mine` (when absent), `overdue`, `near`, `unread`, `waiting` or `office`.")),
    responses((status = 200, body = WorklistAnswer)))]
async fn show(Who(ctx): Who, Query(wish): Query<Wish>) -> Result<Json<WorklistAnswer>, Fault> {
    let name = wish.view.unwrap_or_else(|| Tab::Mine.code().to_owned());
    let tab = Tab::ALL.into_iter().find(|tab| tab.code() == name);
    let unknown = || Invalid::with("/view", "bad-code", name.chars().take(40).collect::<String>());
    let found = worklist::worklist(&ctx, tab.ok_or_else(unknown)?).await?;
    let count = |(tab, count): (Tab, i64)| CountAnswer { view: tab.code(), count };
    Ok(Json(WorklistAnswer {
        items: found.lines.into_iter().map(WorkAnswer::from).collect(),
        counts: found.counts.into_iter().map(count).collect(),
    }))
}

/// Marks a task done.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/completion", operation_id = "finish_task", tag = "worklist",
    params(("id" = String, Path, max_length = 40)),
    responses((status = 204, description = "Done"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn done(Who(ctx): Who, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    let id: TaskId = id.parse().map_err(|_| Error::NotFound)?;
    worklist::finish_task(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A title or class of the classification scheme.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClassAnswer {
    /// Code.
    #[schema(example = "VI.3", max_length = 32)]
    code: String,
    /// Name.
    #[schema(max_length = 400)]
    name: String,
}

impl From<Class> for ClassAnswer {
    fn from(it: Class) -> Self {
        Self { code: it.code, name: it.name }
    }
}

/// The scheme in force, a title before its classes.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchemeAnswer {
    /// Titles and classes.
    #[schema(max_items = 100000)]
    items: Vec<ClassAnswer>,
}

/// Reads the classification scheme of the body.
#[utoipa::path(get, path = "/api/v1/classes", operation_id = "list_classes", tag = "classes",
    responses((status = 200, body = SchemeAnswer)))]
async fn classes(Who(ctx): Who) -> Result<Json<SchemeAnswer>, Fault> {
    let found = scheme::scheme(&ctx).await?;
    Ok(Json(SchemeAnswer { items: found.classes.into_iter().map(ClassAnswer::from).collect() }))
}

/// How much was imported.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedScheme {
    /// Titles and classes of the table.
    #[schema(value_type = i32, minimum = 0, maximum = 100000)]
    classes: usize,
}

/// Imports a classification scheme: a table with the headings of the page.
#[utoipa::path(post, path = "/api/v1/classes", operation_id = "import_classes", tag = "classes",
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportedScheme),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn import(Who(ctx): Who, table: Bytes) -> Result<Json<ImportedScheme>, Fault> {
    Ok(Json(ImportedScheme { classes: scheme::import(&ctx, &table).await? }))
}
