//! Templates of letters of the body: list, edit with preview, keep as a new version, retire, look at old versions.
//!
//! Works without script: the preview has its button; with script it follows the typing.

use super::html;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::{Faults, Sampled, View};
use crate::who::Who;
use app::use_cases::answer::LETTERS;
use app::use_cases::templates;
use app::{Error, Verb};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::Invalid;
use domain::ids::TemplateId;
use jiff::Timestamp;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let manages = Access::May(Verb::ManageTemplates);
    vec![
        Entry::page("GET", "/templates", manages, get(list)),
        Entry::page("GET", "/templates/new", manages, get(blank)),
        Entry::page("POST", "/templates/new", manages, post(create)),
        Entry::page("POST", "/templates/preview", manages, post(preview)),
        Entry::page("GET", "/templates/{id}", manages, get(show)),
        Entry::page("POST", "/templates/{id}", manages, post(change)),
    ]
}

/// A template in the list, or a version of one.
pub struct Row {
    /// Where it is opened.
    pub href: String,
    /// Title.
    pub title: String,
    /// Version.
    pub version: i64,
    /// Offered no more.
    pub retired: bool,
    /// Who saved it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Row {
    fn of(it: &templates::Template, href: String) -> Self {
        Self {
            href,
            title: it.title.clone(),
            version: it.version,
            retired: it.retired,
            by: it.saved_by_name.clone(),
            at: domain::Moment::from_micros(it.saved_at).at,
        }
    }
}

/// The list.
#[derive(Template)]
#[template(path = "letters/list.html")]
pub struct ListPage {
    /// Chrome.
    pub view: View,
    /// The body's own.
    pub own: Vec<Row>,
    /// Those of the house: key and title.
    pub house: Vec<(String, String)>,
}

/// A template being written.
#[derive(Template)]
#[template(path = "letters/edit.html")]
pub struct EditPage {
    /// Chrome.
    pub view: View,
    /// Address the form is sent to.
    pub action: String,
    /// The text with its declarations.
    pub text: String,
    /// Version it is written from; 0: a new one.
    pub version: i64,
    /// The letter as it would be, paragraph by paragraph.
    pub preview: Vec<String>,
    /// Versions before, newest first.
    pub versions: Vec<Row>,
    /// Names a template may use.
    pub names: String,
    /// Faults.
    pub faults: Faults,
}

#[derive(Deserialize)]
struct TextForm {
    #[serde(default)]
    text: String,
    #[serde(default)]
    version: i64,
    #[serde(default)]
    act: String,
}

#[derive(Deserialize)]
struct Wish {
    from: Option<String>,
    version: Option<i64>,
}

async fn list(Who(ctx): Who, view: View) -> Result<Response, Fault> {
    let own = templates::list(&ctx).await?;
    let own = own.iter().map(|it| Row::of(it, format!("/templates/{}", it.id))).collect();
    let house = LETTERS.iter().map(|letter| (letter.key.to_owned(), letter.title())).collect();
    Ok(html(&ListPage { view, own, house })?.into_response())
}

fn edit(view: View, action: String, text: String, version: i64, versions: Vec<Row>) -> EditPage {
    let (shown, invalid) = match templates::preview(&text) {
        Ok(shown) => (shown.replace("**", ""), Invalid::default()),
        Err(invalid) => (String::new(), invalid),
    };
    let parts = shown.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    EditPage {
        preview: parts.map(str::to_owned).collect(),
        names: templates::KNOWN.join(", "),
        faults: view.faults(&invalid),
        view,
        action,
        text,
        version,
        versions,
    }
}

/// A new template, from one of the house where it is named.
async fn blank(Who(ctx): Who, view: View, Query(wish): Query<Wish>) -> Result<Response, Fault> {
    ctx.may(Verb::ManageTemplates).map_err(Error::from)?;
    let key = wish.from.unwrap_or_default();
    let letter = LETTERS.iter().find(|letter| letter.key == key).or(LETTERS.first());
    let text = letter.map(|letter| letter.text().to_owned()).unwrap_or_default();
    Ok(html(&edit(view, "/templates/new".into(), text, 0, Vec::new()))?.into_response())
}

async fn create(Who(ctx): Who, view: View, Form(form): Form<TextForm>) -> Result<Response, Fault> {
    let action = "/templates/new".to_owned();
    if form.act == "preview" {
        return Ok(html(&edit(view, action, form.text, 0, Vec::new()))?.into_response());
    }
    match templates::save(&ctx, None, 0, &form.text).await {
        Ok(id) => Ok(Redirect::to(&format!("/templates/{id}?done=template-saved")).into_response()),
        Err(Error::Invalid(_)) => refused(edit(view, action, form.text, 0, Vec::new())),
        Err(other) => Err(other.into()),
    }
}

/// The page says again what is wrong with the text.
fn refused(page: EditPage) -> Result<Response, Fault> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response())
}

fn id_of(text: &str) -> Result<TemplateId, Fault> {
    Ok(text.parse().map_err(|_| Error::NotFound)?)
}

async fn show(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Response, Fault> {
    let versions = templates::open(&ctx, id_of(&id)?).await?;
    let newest = versions.first().map_or(0, |it| it.version);
    let wanted = wish.version.unwrap_or(newest);
    let shown = versions.iter().find(|it| it.version == wanted).ok_or(Error::NotFound)?;
    let text = shown.content.clone();
    let page = edit(view, format!("/templates/{id}"), text, newest, rows(&versions));
    Ok(html(&page)?.into_response())
}

fn rows(versions: &[templates::Template]) -> Vec<Row> {
    versions.iter().map(|it| Row::of(it, format!("/templates/{}?version={}", it.id, it.version))).collect()
}

async fn change(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<TextForm>,
) -> Result<Response, Fault> {
    let wanted = id_of(&id)?;
    let versions = templates::open(&ctx, wanted.clone()).await?;
    let action = format!("/templates/{id}");
    let (saved, done) = match form.act.as_str() {
        "preview" => {
            let page = edit(view, action, form.text, form.version, rows(&versions));
            return Ok(html(&page)?.into_response());
        }
        "retire" => (templates::retire(&ctx, wanted, form.version).await, "template-retired"),
        _ => (templates::save(&ctx, Some(wanted), form.version, &form.text).await, "template-saved"),
    };
    match saved {
        Ok(_) => Ok(Redirect::to(&format!("{action}?done={done}")).into_response()),
        Err(Error::Invalid(_)) => refused(edit(view, action, form.text, form.version, rows(&versions))),
        Err(other) => Err(other.into()),
    }
}

/// The page with the preview of what is typed; the script takes the preview out of it.
async fn preview(Who(ctx): Who, view: View, Form(form): Form<TextForm>) -> Result<Response, Fault> {
    ctx.may(Verb::ManageTemplates).map_err(Error::from)?;
    Ok(html(&edit(view, "/templates/new".into(), form.text, form.version, Vec::new()))?.into_response())
}

impl Sampled for ListPage {
    fn samples(view: View) -> Vec<Self> {
        let row = |retired| Row {
            href: "/templates/tpl".into(),
            title: "Nulla <osta>".into(),
            version: 2,
            retired,
            by: "Prova Uno".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        let house = vec![("answer".to_owned(), "Risposta".to_owned())];
        vec![
            Self { view: view.clone(), own: vec![row(false), row(true)], house: house.clone() },
            Self { view, own: Vec::new(), house },
        ]
    }
}

impl Sampled for EditPage {
    fn samples(view: View) -> Vec<Self> {
        let good = "---\ntitle: Prova\nvariable text: Testo\n---\n{{ text }}".to_owned();
        let row = Row {
            href: "/templates/tpl?version=1".into(),
            title: "Prova".into(),
            version: 1,
            retired: false,
            by: "Prova Uno".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        vec![
            edit(view.clone(), "/templates/tpl".into(), good.clone(), 1, vec![row]),
            edit(view, "/templates/new".into(), good.replace("{{ text }}", "{{ <b>"), 0, Vec::new()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_pages_of_templates_hold_in_both_languages_and_all_looks() {
        check_pages::<ListPage>();
        check_pages::<EditPage>();
    }
}
