//! A new registration: the form, and what comes of sending it.

use super::list::{Row, directions};
use super::new_form::{self, CorrespondentRow};
use crate::error::Fault;
use crate::forms::{self, Form};
use crate::pages::html;
use crate::upload;
use crate::view::{Choice, Faults, Sampled, View};
use crate::who::Who;
use app::use_cases::bodies;
use app::use_cases::register::duplicates::with_same_file;
use app::use_cases::register::files::ReceivedFile;
use app::use_cases::register::register_document::{NewDocument, Registered, register_document};
use app::{Context, Error};
use askama::Template;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, RawQuery};
use axum::response::{IntoResponse, Redirect, Response};
use domain::Invalid;
use domain::body::Body;
use domain::register::{CorrespondentKind, Direction, NewRegistration};

/// Bodies offered while a name is typed.
const SUGGESTED: usize = 200;

/// The page.
#[derive(Template)]
#[template(path = "register/new.html")]
pub struct NewPage {
    /// Chrome.
    pub view: View,
    /// Values typed so far.
    pub form: Form,
    /// Faults of the last attempt.
    pub faults: Faults,
    /// Areas of the body.
    pub aoos: Vec<Choice>,
    /// Directions.
    pub directions: Vec<Choice>,
    /// Rows of correspondents.
    pub rows: Vec<CorrespondentRow>,
    /// Names of bodies to choose from.
    pub bodies: Vec<String>,
    /// Offices to assign to.
    pub units: Vec<Choice>,
    /// Entries that hold the same file already.
    pub same: Vec<Row>,
}

impl NewPage {
    /// Kinds of correspondent, the present one chosen.
    pub fn kinds(&self, present: &str) -> Vec<Choice> {
        ["person", "firm", "body", "foreign_body", "office"]
            .into_iter()
            .map(|kind| {
                Choice::new(kind, self.view.family("correspondent-", kind.replace('_', "-")), present)
            })
            .collect()
    }
}

/// `GET /register/new`
pub async fn show(Who(ctx): Who, view: View, RawQuery(query): RawQuery) -> Result<Response, Fault> {
    let form = Form::read(query.unwrap_or_default().as_bytes())?;
    Ok(html(&page(&ctx, view, form, Faults::default()).await?)?.into_response())
}

async fn page(ctx: &Context, view: View, form: Form, faults: Faults) -> Result<NewPage, Fault> {
    let own = bodies::find(ctx, ctx.actor.body.as_str()).await?;
    let (all, _) = bodies::list(ctx, None, SUGGESTED).await?;
    let (area, unit) = (form.text("aoo").to_owned(), form.text("unit").to_owned());
    let direction = form.some("direction").unwrap_or("incoming").to_owned();
    Ok(NewPage {
        aoos: own.aoos.into_iter().map(|a| Choice::new(a.code.to_string(), a.name, &area)).collect(),
        directions: directions(&view, &direction),
        rows: new_form::rows(&form),
        bodies: all.into_iter().map(|body| body.name).collect(),
        units: own
            .offices
            .into_iter()
            .filter(|office| office.active)
            .map(|office| Choice::new(office.id.to_string(), office.name, &unit))
            .collect(),
        same: Vec::new(),
        form,
        faults,
        view,
    })
}

/// What the parts of the form brought.
struct Sent {
    form: Form,
    document: Option<ReceivedFile>,
    attachments: Vec<ReceivedFile>,
    faults: Invalid,
}

/// `POST /register/new`
pub async fn send(
    Who(ctx): Who,
    view: View,
    parts: Result<Multipart, MultipartRejection>,
) -> Result<Response, Fault> {
    let parts = parts.map_err(|_| Fault::UnsupportedMedia)?;
    let sent = read_parts(&ctx, &view, parts).await?;
    if new_form::only_rows(&sent.form) {
        return Ok(html(&page(&ctx, view, sent.form, Faults::default()).await?)?.into_response());
    }
    let reply = sent.form.has("reply");
    match register(&ctx, &sent).await {
        Ok(Outcome::Done(id)) if reply => {
            Ok(Redirect::to(&format!("/register/{id}?done=registered")).into_response())
        }
        Ok(Outcome::Done(id)) => Ok(Redirect::to(&format!("/register/{id}/registered")).into_response()),
        Ok(Outcome::Same(same)) => {
            let faults = view.faults(&Invalid::one("/document", "same-file"));
            let mut page = page(&ctx, view, sent.form, faults).await?;
            page.same = same;
            Ok(html(&page)?.into_response())
        }
        Err(Error::Invalid(invalid)) => {
            let faults = view.faults(&invalid);
            let mut answer = html(&page(&ctx, view, sent.form, faults).await?)?.into_response();
            *answer.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(other) => Err(other.into()),
    }
}

async fn read_parts(ctx: &Context, view: &View, mut parts: Multipart) -> Result<Sent, Fault> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut sent =
        Sent { form: Form::default(), document: None, attachments: Vec::new(), faults: Invalid::default() };
    let mut trusted = false;
    while let Some(part) = upload::next_part(&mut parts).await? {
        let name = part.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "csrf" => {
                forms::check_token(&view.csrf, upload::utf8_part(part, "/csrf").await?.trim())?;
                trusted = true;
            }
            // The token stands first in the form: nothing is stored for who does not bring it.
            _ if !trusted => return Err(Fault::Status(axum::http::StatusCode::FORBIDDEN, "bad-csrf")),
            "document" | "attachment" if upload::is_blank(&part) => {}
            "document" => keep(&mut sent.faults, upload::file_part(ctx, part, "/document").await, |file| {
                sent.document = Some(file);
            })?,
            "attachment" if sent.attachments.len() + 1 < ctx.app.settings.max_files => {
                keep(&mut sent.faults, upload::file_part(ctx, part, "/attachment").await, |file| {
                    sent.attachments.push(file);
                })?;
            }
            "attachment" => {
                return Err(
                    Invalid::with("/attachment", "too-many", ctx.app.settings.max_files.to_string()).into()
                );
            }
            _ => pairs.push((name, upload::utf8_part(part, "/form").await?)),
        }
    }
    if !trusted {
        return Err(Fault::Status(axum::http::StatusCode::FORBIDDEN, "bad-csrf"));
    }
    sent.form = Form::of(pairs);
    Ok(sent)
}

/// A faulty file is told beside its field with the other faults; anything worse ends the request.
fn keep(
    faults: &mut Invalid,
    file: Result<ReceivedFile, Fault>,
    put: impl FnOnce(ReceivedFile),
) -> Result<(), Fault> {
    match file {
        Ok(file) => put(file),
        Err(Fault::App(error)) => match error.as_ref() {
            Error::Invalid(found) => faults.errors.extend(found.errors.iter().cloned()),
            _ => return Err(Fault::App(error)),
        },
        Err(other) => return Err(other),
    }
    Ok(())
}

/// What came of sending the form.
enum Outcome {
    Done(domain::ids::RegistrationId),
    Same(Vec<Row>),
}

async fn register(ctx: &Context, sent: &Sent) -> app::Result<Outcome> {
    let mut faults = sent.faults.clone();
    if sent.document.is_none() && faults.errors.is_empty() {
        faults.add("/document", "required");
    }
    let read =
        new_form::read(&sent.form, &ctx.actor.body).map_err(|found| faults.errors.extend(found.errors));
    let (Ok((mut new, assignments)), Some(document)) = (read, sent.document.clone()) else {
        return Err(faults.into());
    };
    fill_bodies(ctx, &mut new, &mut faults).await?;
    if let Err(found) = new.check(ctx.moment.at) {
        faults.errors.extend(found.errors);
    }
    faults.or(())?;
    if !sent.form.has("again") {
        let same = with_same_file(ctx, &document.bytes.sha256).await?;
        if !same.is_empty() {
            return Ok(Outcome::Same(same.into_iter().map(Row::from).collect()));
        }
    }
    let what = NewDocument {
        new,
        document,
        attachments: sent.attachments.clone(),
        assignments,
        idempotency_key: None,
    };
    Ok(match register_document(ctx, what).await? {
        Registered::New(entry) => Outcome::Done(entry.id),
        Registered::Before(id) => Outcome::Done(id),
    })
}

/// A body named as in the index gets its code and address; one that ceased is not written to: the fault names
/// the heirs with the act that made them.
async fn fill_bodies(ctx: &Context, new: &mut NewRegistration, faults: &mut Invalid) -> app::Result<()> {
    for (i, one) in new.correspondents.iter_mut().enumerate() {
        if one.kind != CorrespondentKind::Body {
            continue;
        }
        let known = match &one.body {
            Some(code) => bodies::find(ctx, code.as_str()).await.ok(),
            None => by_name(ctx, &one.name).await?,
        };
        let Some(body) = known else { continue };
        if new.direction == Direction::Outgoing && body.valid_to.is_some_and(|last| last < ctx.moment.today) {
            let heirs = bodies::heirs(ctx, body.ipa_code.as_str(), None).await?;
            let names: Vec<String> =
                heirs.into_iter().map(|(row, heir)| format!("{} ({})", heir.name, row.law)).collect();
            faults.add_with(format!("/correspondents/{i}/name"), "body-ceased", names.join("; "));
        }
        one.digital_domicile = one.digital_domicile.take().or(body.digital_domicile);
        one.body = Some(body.ipa_code);
    }
    Ok(())
}

async fn by_name(ctx: &Context, name: &str) -> app::Result<Option<Body>> {
    if name.chars().count() > 200 {
        return Ok(None);
    }
    let mut found = bodies::search(ctx, name, 2).await?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

impl Sampled for NewPage {
    fn samples(view: View) -> Vec<Self> {
        let page = |form: Form, faults: Faults| Self {
            aoos: vec![Choice::new("A1B2C3D", "Area unica", "A1B2C3D")],
            directions: directions(&view, "incoming"),
            rows: new_form::rows(&form),
            bodies: vec!["Comune di Prova".into()],
            units: vec![Choice::new("unit_1", "Protocollo", "")],
            same: Vec::new(),
            form,
            faults,
            view: view.clone(),
        };
        let mut wrong = Invalid::one("/subject", "required");
        wrong.add("/correspondents/0/name", "required");
        vec![page(Form::default(), Faults::default()), page(Form::default(), view.faults(&wrong))]
    }
}
