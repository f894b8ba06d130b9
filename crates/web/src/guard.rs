//! Stands in front of every route: lets in who may, and dresses what goes out.
//!
//! It knows the rule of the route (who may, page or API) and nothing of what the handler does. Errors travel as
//! a `Fault` in the response's extensions and become words here, once.

use crate::error::{Fault, Problem, ProblemField};
use crate::prefs::Lang;
use crate::routes::{Access, Kind};
use crate::shared::Shared;
use crate::state::AppState;
use crate::view::View;
use crate::{form_guard, i18n, pages, repeatable};
use app::accounts::Identity;
use app::{Actor, App, Error, authority};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use domain::ids::TraceId;
use domain::{FieldError, Refusal};
use std::sync::Arc;

/// The rule of one route.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Who may knock.
    pub access: Access,
    /// Page or API.
    pub kind: Kind,
}

/// What was asked for, as far as faults are told.
struct Asked {
    /// The program: it mints the ids of failures and remembers damage.
    app: Arc<App>,
    /// Page or API.
    kind: Kind,
    /// The address, for whoever asked.
    path: String,
    /// Method and pattern of the route, for the log: addresses hold what people typed, and links that open accounts.
    route: String,
}

impl Asked {
    fn of(request: &Request, kind: Option<Kind>, state: &AppState) -> Self {
        let path = request.uri().path().to_owned();
        let programs = ["/api/", "/oauth/", "/status"];
        let is_api = programs.iter().any(|start| path.starts_with(start));
        let guessed = if is_api { Kind::Api } else { Kind::Page };
        let pattern = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
        let route = format!("{} {pattern}", request.method());
        Self { app: state.app.clone(), kind: kind.unwrap_or(guessed), route, path }
    }
}

/// The guard of one route.
pub async fn guard(State((state, rule)): State<(AppState, Rule)>, request: Request, next: Next) -> Response {
    let view = View::of_request(&request, &state);
    let asked = Asked::of(&request, Some(rule.kind), &state);
    let back = request.uri().path_and_query().map_or_else(|| asked.path.clone(), ToString::to_string);
    let is_get = request.method() == axum::http::Method::GET;
    let waits = rule.access != Access::Public && factor_missing(&request) && !sets_up_factor(&request);
    if waits && rule.kind == Kind::Page && is_get {
        return Redirect::to(SET_UP).into_response();
    }
    let permitted = match waits {
        true => Err(Fault::from(Error::from(Refusal::of("second-factor-missing")))),
        false => permitted(rule.access, request.extensions().get::<Actor>()),
    };
    let response = match permitted {
        Ok(()) => match pass(&state, rule, request, next).await {
            Ok(response) => response,
            Err(fault) => fault.into_response(),
        },
        Err(Fault::SignIn) if rule.kind == Kind::Page && is_get => return to_login(&back),
        Err(fault) => fault.into_response(),
    };
    dress(response, &asked, &view)
}

/// Lets a permitted request pass: forms of signed-in people must carry the token of the session, programs must
/// not change anything by a cookie, and what may be repeated is done once.
async fn pass(state: &AppState, rule: Rule, request: Request, next: Next) -> Result<Response, Fault> {
    if request.method() == axum::http::Method::GET || request.method() == axum::http::Method::HEAD {
        return Ok(next.run(request).await);
    }
    let session = request.extensions().get::<Identity>().filter(|who| who.session.is_some());
    let csrf = session.map(|who| who.csrf.clone());
    match (rule.kind, csrf, request.extensions().get::<Arc<Shared>>().cloned()) {
        (Kind::Page, Some(csrf), _) if rule.access != Access::Public => {
            Ok(next.run(form_guard::check(request, &csrf).await?).await)
        }
        (Kind::Api, Some(_), _) if rule.access != Access::Public => Err(Fault::SignIn),
        (Kind::Api, _, Some(shared)) => repeatable::run(state, &shared.under_way, request, next).await,
        _ => Ok(next.run(request).await),
    }
}

/// Where a second factor is set up.
const SET_UP: &str = "/account/second-factor";
/// What stays open to who must set one up first.
const WHILE_SETTING_UP: &[&str] = &[SET_UP, "/account/passkeys/begin", "/account/passkeys/finish", "/logout"];

fn factor_missing(request: &Request) -> bool {
    request.extensions().get::<Identity>().is_some_and(|who| who.factor_missing)
}

fn sets_up_factor(request: &Request) -> bool {
    let pattern = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    WHILE_SETTING_UP.contains(&pattern)
}

fn permitted(access: Access, actor: Option<&Actor>) -> Result<(), Fault> {
    match (access, actor) {
        (Access::Public, _) | (Access::Signed, Some(_)) => Ok(()),
        (Access::May(verb), Some(actor)) => Ok(authority::may(actor, verb).map_err(Error::from)?),
        (_, None) => Err(Fault::SignIn),
    }
}

fn to_login(back: &str) -> Response {
    let next = percent_encoding::utf8_percent_encode(back, percent_encoding::NON_ALPHANUMERIC);
    Redirect::to(&format!("/login?next={next}")).into_response()
}

/// What no route answers: the same words as something that is not there.
pub async fn not_found(State(state): State<AppState>, request: Request) -> Response {
    let view = View::of_request(&request, &state);
    dress(Fault::from(Error::NotFound).into_response(), &Asked::of(&request, None, &state), &view)
}

/// Dresses faults that arise before a route is found: a token that is not valid, a form from another site.
pub async fn last_dress(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let view = View::of_request(&request, &state);
    let asked = Asked::of(&request, None, &state);
    let response = next.run(request).await;
    match response.extensions().get::<Fault>() {
        Some(_) => dress(response, &asked, &view),
        None => response,
    }
}

fn dress(mut response: Response, asked: &Asked, view: &View) -> Response {
    let Some(fault) = response.extensions_mut().remove::<Fault>() else {
        return plain_faults(response, asked, view);
    };
    let trace = fault.unexplained().map(|error| {
        asked.app.health.note(error);
        asked.app.ids.mint::<TraceId>(asked.app.clock.now())
    });
    log(&fault, &asked.route, trace.as_ref());
    let retry = response.headers().get(header::RETRY_AFTER).cloned();
    let mut dressed = match asked.kind {
        Kind::Api => as_problem(&fault, view.lang, &asked.path, trace.as_ref()),
        Kind::Page => pages::fault::render(&fault, view, trace.as_ref()).into_response(),
    };
    *dressed.status_mut() = fault.status();
    if let Some(retry) = retry {
        dressed.headers_mut().insert(header::RETRY_AFTER, retry);
    }
    dressed
}

/// Rejections made by the framework itself (a bad path parameter, a wrong method) get the same dress.
fn plain_faults(response: Response, asked: &Asked, view: &View) -> Response {
    let status = response.status();
    let is_plain =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|t| t.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !is_plain {
        return response;
    }
    let fault = match status {
        StatusCode::NOT_FOUND => Fault::from(Error::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Fault::Status(status, "method-not-allowed"),
        StatusCode::PAYLOAD_TOO_LARGE => Fault::Status(status, "too-large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Fault::UnsupportedMedia,
        _ => Fault::Status(status, "bad-request"),
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut dressed = dress(fault.into_response(), asked, view);
    if let Some(allow) = allow {
        dressed.headers_mut().insert(header::ALLOW, allow);
    }
    dressed
}

fn log(fault: &Fault, route: &str, trace: Option<&TraceId>) {
    let trace = trace.map(tracing::field::display);
    if let Fault::App(error) = fault {
        match error.as_ref() {
            Error::Problem(why) => tracing::warn!(route, why, "the world failed"),
            Error::Full(why) => tracing::error!(route, why, "no space left"),
            Error::Damaged(why) => tracing::error!(trace, route, why, "damaged data"),
            Error::Bug(why) => tracing::error!(trace, route, why, "bug"),
            _ => tracing::debug!(route, code = fault.code(), "refused"),
        }
    }
}

fn as_problem(fault: &Fault, lang: Lang, path: &str, trace: Option<&TraceId>) -> Response {
    let problem = Problem {
        r#type: format!("https://telaio.example/problems/{}", fault.code()),
        title: i18n::text(lang, &format!("fault-{}-title", family(fault))),
        status: fault.status().as_u16(),
        detail: detail(fault, lang),
        instance: path.to_owned(),
        errors: fields(fault)
            .iter()
            .map(|f| ProblemField { pointer: f.pointer.clone(), detail: field_words(f, lang) })
            .collect(),
        law: law(fault),
        trace_id: trace.map(ToString::to_string),
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// The family of a fault: its words in title and heading.
pub fn family(fault: &Fault) -> &'static str {
    match fault {
        Fault::App(error) => match error.as_ref() {
            Error::Invalid(_) => "invalid",
            Error::Refusal(_) => "refusal",
            Error::NotFound => "not-found",
            Error::Conflict => "conflict",
            Error::Problem(_) => "problem",
            Error::Full(_) => "storage-full",
            Error::Damaged(_) => "damaged",
            Error::Bug(_) => "bug",
        },
        Fault::SignIn => "sign-in",
        Fault::TooMany(_) => "too-many-requests",
        _ => "bad-request",
    }
}

/// What happened and how to mend it, in words.
pub fn detail(fault: &Fault, lang: Lang) -> String {
    match fault {
        Fault::App(error) => match error.as_ref() {
            Error::Refusal(refusal) => i18n::text(lang, &format!("refusal-{}", refusal.code)),
            _ => i18n::text(lang, &format!("fault-{}", fault.code())),
        },
        Fault::TooLarge(limit) => i18n::text1(lang, "fault-too-large", "limit", limit),
        _ => i18n::text(lang, &format!("fault-{}", fault.code())),
    }
}

/// The faulty fields of bad input.
pub fn fields(fault: &Fault) -> &[FieldError] {
    match fault {
        Fault::App(error) => match error.as_ref() {
            Error::Invalid(invalid) => &invalid.errors,
            _ => &[],
        },
        _ => &[],
    }
}

/// The words of one faulty field.
pub fn field_words(field: &FieldError, lang: Lang) -> String {
    i18n::text1(lang, &format!("err-{}", field.code), "value", field.value.as_deref().unwrap_or_default())
}

/// The article behind a refusal.
pub fn law(fault: &Fault) -> Option<String> {
    match fault {
        Fault::App(error) => match error.as_ref() {
            Error::Refusal(refusal) => refusal.law.map(|law| law.to_string()),
            _ => None,
        },
        _ => None,
    }
}
