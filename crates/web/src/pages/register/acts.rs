//! Acts on an entry: annulment and correction with their warning, class, assignments one by one or in bulk.

use super::entry::sample_entry;
use crate::error::Fault;
use crate::forms::{self, Form};
use crate::guard;
use crate::pages::html;
use crate::view::{Choice, Faults, Sampled, View};
use crate::who::Who;
use app::use_cases::register::assign::{self as assignment, AssignTo};
use app::use_cases::register::correct::Correction;
use app::use_cases::register::read::open_whole;
use app::use_cases::register::{annul as annulment, classify as classification, correct as correction};
use app::{Context, Error};
use askama::Template;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::Invalid;
use domain::ids::RegistrationId;
use domain::register::{AssignmentKind, Registration};

/// The page that warns before an annulment, or asks for the new value of a datum.
#[derive(Template)]
#[template(path = "register/act.html")]
pub struct ActPage {
    /// Chrome.
    pub view: View,
    /// The entry.
    pub entry: Registration,
    /// Whether a single datum is corrected (else the whole entry is annulled).
    pub correcting: bool,
    /// Data that can be corrected.
    pub fields: Vec<Choice>,
    /// Values typed so far.
    pub form: Form,
    /// Faults of the last attempt.
    pub faults: Faults,
}

/// One line of the report of a bulk act.
pub struct ReportLine {
    /// Address of the entry.
    pub id: String,
    /// Whether it was done.
    pub done: bool,
    /// Why not.
    pub why: String,
}

/// The report of a bulk assignment.
#[derive(Template)]
#[template(path = "register/report.html")]
pub struct ReportPage {
    /// Chrome.
    pub view: View,
    /// One line for each entry.
    pub lines: Vec<ReportLine>,
    /// How many were done.
    pub done: usize,
}

async fn act_page(
    ctx: &Context,
    view: View,
    id: RegistrationId,
    correcting: bool,
    form: Form,
    faults: Faults,
) -> Result<ActPage, Fault> {
    let entry = open_whole(ctx, id).await?.registration;
    let fields = fields(&view, form.text("field"));
    Ok(ActPage { view, entry, correcting, fields, form, faults })
}

fn fields(view: &View, present: &str) -> Vec<Choice> {
    ["subject", "correspondents", "sender_reference"]
        .into_iter()
        .map(|field| Choice::new(field, view.family("correctable-", field.replace('_', "-")), present))
        .collect()
}

/// `GET /register/{id}/annul`
pub async fn annul_form(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    let page = act_page(&ctx, view, entry_id(&id)?, false, Form::default(), Faults::default()).await?;
    Ok(html(&page)?.into_response())
}

/// `POST /register/{id}/annul`
pub async fn annul(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Fault> {
    let (id, form) = (entry_id(&id)?, read(&view, &body)?);
    let (reason, order) = (form.text("reason").to_owned(), form.text("order_reference").to_owned());
    let done = annulment::annul(&ctx, id.clone(), reason, order).await;
    finish(&ctx, view, id, false, form, done, "annulled").await
}

/// `GET /register/{id}/correct`
pub async fn correct_form(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    let page = act_page(&ctx, view, entry_id(&id)?, true, Form::default(), Faults::default()).await?;
    Ok(html(&page)?.into_response())
}

/// `POST /register/{id}/correct`
pub async fn correct(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Fault> {
    let (id, form) = (entry_id(&id)?, read(&view, &body)?);
    let entry = open_whole(&ctx, id.clone()).await?.registration;
    let asked = Correction {
        field: form.text("field").to_owned(),
        value: new_value(&form, &entry),
        reason: form.text("reason").to_owned(),
        order_reference: form.text("order_reference").to_owned(),
    };
    let done = correction::correct(&ctx, id.clone(), asked).await;
    finish(&ctx, view, id, true, form, done, "corrected").await
}

/// The new value in the form the use case reads. A new name replaces that of the first correspondent; the others
/// stay as they are.
fn new_value(form: &Form, entry: &Registration) -> serde_json::Value {
    let text = form.text("value");
    match form.text("field") {
        "correspondents" => {
            let mut all = entry.correspondents.clone();
            if let Some(first) = all.first_mut() {
                first.name = text.to_owned();
            }
            serde_json::json!(all)
        }
        "sender_reference" if text.is_empty() => serde_json::Value::Null,
        "sender_reference" => serde_json::json!({ "number": text }),
        _ => text.into(),
    }
}

async fn finish(
    ctx: &Context,
    view: View,
    id: RegistrationId,
    correcting: bool,
    form: Form,
    done: app::Result<()>,
    code: &str,
) -> Result<Response, Fault> {
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/register/{id}?done={code}")).into_response()),
        Err(Error::Invalid(invalid)) => {
            let faults = view.faults(&invalid);
            let page = act_page(ctx, view, id, correcting, form, faults).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

/// `POST /register/{id}/classify`
pub async fn classify(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Redirect, Fault> {
    let (id, form) = (entry_id(&id)?, read(&view, &body)?);
    classification::classify(&ctx, id.clone(), form.text("classification").to_owned()).await?;
    Ok(Redirect::to(&format!("/register/{id}?done=classified")))
}

/// `POST /register/{id}/assign`
pub async fn assign(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Redirect, Fault> {
    let (id, form) = (entry_id(&id)?, read(&view, &body)?);
    assignment::assign(&ctx, id.clone(), assignee(&form)?, form.has("instead")).await?;
    Ok(Redirect::to(&format!("/register/{id}?done=assigned")))
}

/// `POST /register/assign`: the entries chosen in the list.
pub async fn assign_many(Who(ctx): Who, view: View, body: Bytes) -> Result<Response, Fault> {
    let form = read(&view, &body)?;
    let ids = form.all("id").map(entry_id).collect::<Result<Vec<_>, _>>()?;
    let outcomes = assignment::assign_many(&ctx, ids, assignee(&form)?, false).await?;
    let line = |one: assignment::RowOutcome| match one.outcome {
        Ok(()) => ReportLine { id: one.id.to_string(), done: true, why: String::new() },
        Err(error) => {
            let why = guard::detail(&Fault::from(error), view.lang);
            ReportLine { id: one.id.to_string(), done: false, why }
        }
    };
    let lines: Vec<ReportLine> = outcomes.into_iter().map(line).collect();
    let done = lines.iter().filter(|line| line.done).count();
    Ok(html(&ReportPage { view, lines, done })?.into_response())
}

fn assignee(form: &Form) -> Result<AssignTo, Fault> {
    let unit = form.text("to_unit").parse().map_err(|_| Invalid::one("/unit", "required"))?;
    let kind = AssignmentKind::parse(form.text("kind"))?;
    Ok(AssignTo { kind, unit: Some(unit), account: None, note: form.some("note").map(str::to_owned) })
}

/// `POST /register/assignments/{id}/take`
pub async fn take_charge(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Redirect, Fault> {
    let form = read(&view, &body)?;
    assignment::take_charge(&ctx, id.parse().map_err(|_| Error::NotFound)?).await?;
    Ok(Redirect::to(&format!("/register/{}?done=taken", entry_id(form.text("back"))?)))
}

/// `POST /register/assignments/{id}/send-back`
pub async fn send_back(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Redirect, Fault> {
    let form = read(&view, &body)?;
    let reason = form.text("reason").to_owned();
    assignment::send_back(&ctx, id.parse().map_err(|_| Error::NotFound)?, reason).await?;
    Ok(Redirect::to(&format!("/register/{}?done=sent-back", entry_id(form.text("back"))?)))
}

fn read(view: &View, body: &Bytes) -> Result<Form, Fault> {
    let form = Form::read(body)?;
    forms::check_token(&view.csrf, form.text("csrf"))?;
    Ok(form)
}

fn entry_id(text: &str) -> Result<RegistrationId, Fault> {
    crate::api::registrations::registration_id(text)
}

impl Sampled for ActPage {
    fn samples(view: View) -> Vec<Self> {
        let page = |correcting: bool, faults: Faults| Self {
            entry: sample_entry(false),
            correcting,
            fields: fields(&view, "subject"),
            form: Form::default(),
            faults,
            view: view.clone(),
        };
        let wrong = view.faults(&Invalid::one("/reason", "required"));
        vec![page(false, wrong), page(true, Faults::default())]
    }
}

impl Sampled for ReportPage {
    fn samples(view: View) -> Vec<Self> {
        let line = |done: bool| ReportLine { id: format!("reg_{:032x}", 1), done, why: "…".into() };
        vec![
            Self { view: view.clone(), lines: vec![line(true), line(false)], done: 1 },
            Self { view, lines: Vec::new(), done: 0 },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::register::{entry, import, list, new_entry};
    use crate::view::testing::check_pages;

    #[test]
    fn pages_of_the_register_hold_in_both_languages_and_all_looks() {
        check_pages::<list::ListPage>();
        check_pages::<new_entry::NewPage>();
        check_pages::<entry::EntryPage>();
        check_pages::<entry::NumberOnlyPage>();
        check_pages::<entry::RegisteredPage>();
        check_pages::<import::ImportPage>();
        check_pages::<ActPage>();
        check_pages::<ReportPage>();
    }
}
