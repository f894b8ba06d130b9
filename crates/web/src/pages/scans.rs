//! Scans of papers that wait for their clerk: bringing some in, looking at each, setting one aside. Attesting and
//! registering is the form of a new registration, which takes the scan in the place of a file.

use super::html;
use crate::error::Fault;
use crate::forms::{self, Form};
use crate::routes::{Access, Entry};
use crate::view::{Chip, Faults, Sampled, Shape, View};
use crate::who::Who;
use crate::{serve_file, upload};
use app::use_cases::scans::{self, Scan};
use app::{Context, Error, Verb};
use askama::Template;
use axum::body::Bytes;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::ids::ScanId;
use domain::scan::ScanState;
use domain::{Invalid, Moment};
use jiff::Timestamp;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let page = |method, path, handler| Entry::page(method, path, Access::May(Verb::ScanIntake), handler);
    vec![
        page("GET", "/scans", get(list)),
        // The limit is per file and in the settings; the body is streamed.
        page("POST", "/scans", post(send).layer(DefaultBodyLimit::disable())),
        page("GET", "/scans/{id}/content", get(content)),
        page("POST", "/scans/{id}/discard", post(discard)),
    ]
}

/// The sign of a scan's state.
fn sign(state: ScanState) -> Shape {
    match state {
        ScanState::Waiting => Shape::Waiting,
        ScanState::Refused => Shape::Failed,
        ScanState::Registered => Shape::Done,
        ScanState::Discarded => Shape::Idle,
    }
}

/// The list, with the form that brings scans in.
#[derive(Template)]
#[template(path = "scans/list.html")]
pub struct ScansPage {
    /// Chrome.
    pub view: View,
    /// Faults of what was sent.
    pub faults: Faults,
    /// States with how many are in each.
    pub chips: Vec<Chip>,
    /// Scans, newest first.
    pub lines: Vec<Scan>,
    /// Address of the next page.
    pub next: Option<String>,
    /// Whether a folder is watched for the body.
    pub watched: bool,
}

impl ScansPage {
    fn sign(&self, scan: &Scan) -> Shape {
        sign(scan.state)
    }

    fn at(&self, micros: &i64) -> Timestamp {
        Moment::from_micros(*micros).at
    }

    fn waits(&self, scan: &Scan) -> bool {
        scan.state == ScanState::Waiting
    }

    fn is_refused(&self, scan: &Scan) -> bool {
        scan.state == ScanState::Refused
    }
}

/// `GET /scans`
async fn list(Who(ctx): Who, view: View, RawQuery(query): RawQuery) -> Result<Response, Fault> {
    let asked = Form::read(query.unwrap_or_default().as_bytes())?;
    shown(&ctx, view, &asked, &Invalid::default()).await
}

async fn shown(ctx: &Context, view: View, asked: &Form, invalid: &Invalid) -> Result<Response, Fault> {
    let state = ScanState::parse(asked.text("state")).unwrap_or(ScanState::Waiting);
    let page = scans::list(ctx, state, asked.some("cursor")).await?;
    let next = page.next.map(|cursor| format!("/scans?state={}&cursor={cursor}", state.name()));
    let watched = ctx.app.settings.scan_folders.iter().any(|one| one.body == ctx.actor.body);
    let (chips, faults) = (chips(&view, state, &page.counts), view.faults(invalid));
    let status = if faults.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = ScansPage { faults, chips, lines: page.lines, next, watched, view };
    Ok((status, html(&page)?).into_response())
}

fn chips(view: &View, present: ScanState, counts: &[(ScanState, i64)]) -> Vec<Chip> {
    let one = |(state, count): &(ScanState, i64)| Chip {
        label: view.family("scan-state-", state.name()),
        href: format!("/scans?state={}", state.name()),
        current: *state == present,
        count: Some(*count),
        shape: Some(sign(*state)),
    };
    counts.iter().map(one).collect()
}

/// `POST /scans`: every good file is taken, whatever the others are; the faults are told by name.
async fn send(
    Who(ctx): Who,
    view: View,
    parts: Result<Multipart, MultipartRejection>,
) -> Result<Response, Fault> {
    let mut parts = parts.map_err(|_| Fault::UnsupportedMedia)?;
    let (mut trusted, mut taken, mut faults) = (false, 0, Invalid::default());
    while let Some(part) = upload::next_part(&mut parts).await? {
        match part.name().unwrap_or_default() {
            "csrf" => {
                forms::check_token(&view.csrf, upload::utf8_part(part, "/csrf").await?.trim())?;
                trusted = true;
            }
            // The token stands first in the form: nothing is stored for who does not bring it.
            _ if !trusted => return Err(Fault::Status(StatusCode::FORBIDDEN, "bad-csrf")),
            "document" if !upload::is_blank(&part) && taken < ctx.app.settings.max_files => {
                match upload::scan_part(&ctx, part, "/document").await {
                    Ok(_) => taken += 1,
                    Err(Fault::App(error)) => match error.as_ref() {
                        Error::Invalid(found) => faults.errors.extend(found.errors.iter().cloned()),
                        _ => return Err(Fault::App(error)),
                    },
                    Err(other) => return Err(other),
                }
            }
            _ => {}
        }
    }
    if !trusted {
        return Err(Fault::Status(StatusCode::FORBIDDEN, "bad-csrf"));
    }
    if taken == 0 && faults.errors.is_empty() {
        faults.add("/document", "required");
    }
    match faults.errors.is_empty() {
        true => Ok(Redirect::to("/scans?done=scans-taken").into_response()),
        false => shown(&ctx, view, &Form::default(), &faults).await,
    }
}

/// `GET /scans/{id}/content`: shown by the browser when harmless (`?inline`), else saved.
async fn content(
    Who(ctx): Who,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let inline = query.is_some_and(|query| query.contains("inline"));
    stream(&ctx, &id, inline).await
}

/// The bytes of a scan as an answer; the interface gives the same.
///
/// # Errors
/// `NotFound` when it is not the body's.
pub async fn stream(ctx: &Context, id: &str, inline: bool) -> Result<Response, Fault> {
    let (scan, opened) = scans::content(ctx, scan_id(id)?).await?;
    Ok(serve_file::stream(&scan.name, &scan.media_type, opened.size, inline, opened.bytes))
}

/// `POST /scans/{id}/discard`
async fn discard(Who(ctx): Who, view: View, Path(id): Path<String>, body: Bytes) -> Result<Response, Fault> {
    let form = Form::read(&body)?;
    match scans::discard(&ctx, scan_id(&id)?, form.text("reason")).await {
        Ok(()) => Ok(Redirect::to("/scans?done=scan-discarded").into_response()),
        Err(Error::Invalid(invalid)) => shown(&ctx, view, &Form::default(), &invalid).await,
        Err(other) => Err(other.into()),
    }
}

/// Reads an id of the path; what is not one names nothing.
///
/// # Errors
/// `NotFound`.
pub fn scan_id(text: &str) -> Result<ScanId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

impl Sampled for ScansPage {
    fn samples(view: View) -> Vec<Self> {
        let scan = |n: u8, state: ScanState, reason: Option<&str>| {
            let found = serde_json::from_value::<ScanId>(format!("scn_{n:032x}").into());
            Scan {
                id: found.unwrap_or_else(|why| unreachable!("the id is written above: {why}")),
                body: domain::body::IpaCode::parse("c_g999").unwrap_or_else(|_| unreachable!("a code")),
                source: if n.is_multiple_of(2) { "folder" } else { "upload" }.into(),
                name: "scansione <1>.pdf".into(),
                sha256: reason.is_none().then(|| "ab".repeat(32)),
                media_type: "application/pdf".into(),
                size: 90_000,
                pages: Some(2),
                flags: vec!["active-content".into()],
                arrived_at: 0,
                state,
                registration: None,
                reason: reason.map(str::to_owned),
            }
        };
        let page = |view: View, lines: Vec<Scan>, invalid: &Invalid| Self {
            faults: view.faults(invalid),
            chips: chips(&view, ScanState::Waiting, &[(ScanState::Waiting, 3), (ScanState::Refused, 1)]),
            next: lines.first().map(|_| "/scans?state=waiting&cursor=x".into()),
            watched: lines.is_empty(),
            lines,
            view,
        };
        let all = vec![
            scan(1, ScanState::Waiting, None),
            scan(2, ScanState::Refused, Some("empty-file")),
            scan(3, ScanState::Registered, None),
            scan(4, ScanState::Discarded, Some("Pagina <bianca>")),
        ];
        let wrong = Invalid::one("/document", "not-a-scan");
        vec![page(view.clone(), all, &Invalid::default()), page(view, Vec::new(), &wrong)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_list_of_scans_holds_in_both_languages_and_all_looks() {
        check_pages::<ScansPage>();
    }
}
