//! Helps beside the form of a new registration: the draft kept while typing, classes to choose from and proposed,
//! the text of a file before it is sent. The form works without any of them; each is asked for by a button or, where
//! there is script, in the background.

use super::new_form;
use crate::error::Fault;
use crate::forms::{self, Form};
use crate::pages::scheme::Branch;
use crate::pages::{Page, html};
use crate::view::View;
use crate::who::Who;
use app::Context;
use app::use_cases::register::drafts;
use app::use_cases::register::extract::{INPUT_MAX, extract};
use app::use_cases::register::propose::{Proposed, Why, propose};
use askama::Template;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Redirect;
use domain::scheme::Scheme;

/// Largest file whose text is shown before it is sent, bytes.
pub const FILE_MAX: usize = INPUT_MAX;

/// A class proposed, in words.
pub struct Proposal {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// The proposals alone, for the script that puts them into the form.
#[derive(Template)]
#[template(path = "register/proposals_only.html")]
pub struct ProposalsPage {
    /// Chrome.
    pub view: View,
    /// What was typed, for the choice already made.
    pub form: Form,
    /// Classes proposed.
    pub proposals: Vec<Proposal>,
}

/// The text of a file, for the script that shows it beside the form.
#[derive(Template)]
#[template(path = "register/text_only.html")]
pub struct TextPage {
    /// Chrome.
    pub view: View,
    /// The text, or the code of why there is none.
    pub text: Result<String, &'static str>,
}

/// The titles of a scheme, each with what stands under it.
pub fn branches(scheme: Scheme) -> Vec<Branch> {
    let mut branches: Vec<Branch> = Vec::new();
    for class in scheme.classes {
        match branches.last_mut() {
            Some(branch) if class.depth() > 0 => branch.classes.push(class),
            _ => branches.push(Branch { title: class, classes: Vec::new() }),
        }
    }
    branches
}

/// Classes proposed for what a form holds; none while nothing was typed.
///
/// # Errors
/// Those of the store.
pub async fn proposals(ctx: &Context, view: &View, form: &Form) -> Result<Vec<Proposal>, Fault> {
    let sender = new_form::rows(form).into_iter().next().map(|row| row.name).unwrap_or_default();
    if sender.is_empty() && form.text("subject").is_empty() {
        return Ok(Vec::new());
    }
    let found = propose(ctx, &sender, form.text("subject")).await?;
    Ok(found.into_iter().map(|one| words(view, one)).collect())
}

fn words(view: &View, one: Proposed) -> Proposal {
    let why = match one.why {
        Why::SameName(n) => view.tn("class-same-name", n),
        Why::SameWords(n) => view.tn("class-same-words", n),
        Why::InItsName(words) => view.t1("scheme-because", "words", words),
    };
    Proposal { code: one.class.code, name: one.class.name, why }
}

fn read(view: &View, body: &Bytes) -> Result<Form, Fault> {
    let form = Form::read(body)?;
    forms::check_token(&view.csrf, form.text("csrf"))?;
    Ok(form)
}

/// `POST /register/new/draft`: in the background.
pub async fn autosave(Who(ctx): Who, view: View, body: Bytes) -> Result<StatusCode, Fault> {
    let fields = new_form::draft(&read(&view, &body)?);
    match fields.is_empty() {
        true => drafts::discard(&ctx).await?,
        false => drafts::keep(&ctx, &fields).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /register/new/draft/discard`
pub async fn discard(Who(ctx): Who, view: View, body: Bytes) -> Result<Redirect, Fault> {
    read(&view, &body)?;
    drafts::discard(&ctx).await?;
    Ok(Redirect::to("/register/new?done=draft-discarded"))
}

/// `POST /register/new/classes`: proposals for what was typed so far.
pub async fn classes(Who(ctx): Who, view: View, body: Bytes) -> Page {
    let form = read(&view, &body)?;
    let proposals = proposals(&ctx, &view, &form).await?;
    html(&ProposalsPage { view, form, proposals })
}

/// `POST /register/new/text`: what a file says that is not sent yet; the token comes in a header (see
/// `form_guard`), the file is the body. Nothing of it is kept.
pub async fn text(Who(ctx): Who, view: View, body: Bytes) -> Page {
    let text = extract(&ctx, body.to_vec()).await?;
    html(&TextPage { view, text })
}
