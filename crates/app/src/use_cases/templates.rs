//! Templates of letters that a body writes for itself, beside those of the house.
//!
//! A template is checked before it is kept: it must be readable, have a title, and ask only for what an answer knows or
//! has a default for. Every saving is a new version; who saves from an old one is told.

use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use documents::letters::{LetterError, Template as Text};
use domain::Invalid;
use domain::ids::TemplateId;
use minijinja::Value;
use store::templates;

pub use store::templates::Template;

/// What an answer gives to its template.
pub const KNOWN: [&str; 6] = ["recipient", "reference", "text", "subject", "officer", "office"];

/// The newest version of every template of the actor's body, also retired ones.
///
/// # Errors
/// `Refusal` for who may not manage templates.
pub async fn list(ctx: &Context) -> Result<Vec<Template>> {
    ctx.may(Verb::ManageTemplates)?;
    let body = ctx.actor.body.clone();
    ctx.read(move |r| Ok(templates::of_body(r, &body)?)).await
}

/// Every version of a template, newest first.
///
/// # Errors
/// `NotFound` for another body's.
pub async fn open(ctx: &Context, id: TemplateId) -> Result<Vec<Template>> {
    ctx.may(Verb::ManageTemplates)?;
    let body = ctx.actor.body.clone();
    let versions = ctx.read(move |r| Ok(templates::versions(r, &body, &id)?)).await?;
    if versions.is_empty() { Err(Error::NotFound) } else { Ok(versions) }
}

/// Keeps a new template, or the next version of one; `from` is the version it was written from (0: new).
///
/// # Errors
/// `Invalid` with every fault of the text; `NotFound` for another body's; `Conflict` when somebody saved meanwhile.
pub async fn save(ctx: &Context, id: Option<TemplateId>, from: i64, content: &str) -> Result<TemplateId> {
    let text = check(content)?;
    let content = content.replace("\r\n", "\n");
    keep(ctx, id, from, |version| Template { title: text.title, content, retired: false, ..version }).await
}

/// Takes a template off the list of those offered; a later saving brings it back.
///
/// # Errors
/// As [`save`].
pub async fn retire(ctx: &Context, id: TemplateId, from: i64) -> Result<TemplateId> {
    keep(ctx, Some(id), from, |version| Template { retired: true, ..version }).await
}

async fn keep(
    ctx: &Context,
    id: Option<TemplateId>,
    from: i64,
    change: impl FnOnce(Template) -> Template + Send + 'static,
) -> Result<TemplateId> {
    ctx.may(Verb::ManageTemplates)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let last = match &id {
            Some(id) => {
                let versions = templates::versions(tx, &it.actor.body, id)?;
                Some(versions.into_iter().next().ok_or(Error::NotFound)?)
            }
            None => None,
        };
        if last.as_ref().map_or(0, |last| last.version) != from {
            return Err(Error::Conflict);
        }
        let next = Template {
            id: id.unwrap_or_else(|| it.mint()),
            version: from + 1,
            body: it.actor.body.clone(),
            title: last.as_ref().map(|last| last.title.clone()).unwrap_or_default(),
            content: last.map(|last| last.content).unwrap_or_default(),
            retired: false,
            saved_by: it.actor.tag(),
            saved_by_name: it.actor.name.clone(),
            saved_at: it.moment.micros(),
        };
        let next = change(next);
        templates::insert(tx, &next)?;
        Ok(next.id)
    })
    .await
}

/// Reads a text as a template, with every fault told where it stands.
///
/// # Errors
/// `Invalid` at `/text`.
pub fn check(content: &str) -> std::result::Result<Text, Invalid> {
    let text = Text::parse(content).map_err(|faults| told(&faults))?;
    let mut faults = Invalid::default();
    if text.title.is_empty() {
        faults.add("/text", "template-title");
    }
    for variable in &text.variables {
        if variable.default.is_none() && !KNOWN.contains(&variable.name.as_str()) {
            faults.add_with("/text", "template-unknown", variable.name.clone());
        }
    }
    faults.or(text)
}

/// The letter as it would be, every value shown by its name; what cannot be read gives its faults.
///
/// # Errors
/// As [`check`].
pub fn preview(content: &str) -> std::result::Result<String, Invalid> {
    let text = check(content)?;
    let shown = |variable: &documents::letters::Variable| {
        let value = variable.default.clone().filter(|value| !value.is_empty());
        (variable.name.clone(), Value::from(value.unwrap_or_else(|| format!("[{}]", variable.label))))
    };
    text.fill(&text.variables.iter().map(shown).collect()).map_err(|faults| told(&faults))
}

fn told(faults: &[LetterError]) -> Invalid {
    let mut invalid = Invalid::default();
    for fault in faults {
        let place = fault.line.map(|line| format!("{line}: ")).unwrap_or_default();
        let detail = fault.field.as_deref().unwrap_or(&fault.detail);
        let detail: String = format!("{place}{detail}").chars().take(200).collect();
        invalid.add_with("/text", fault.code, detail);
    }
    invalid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_asks_only_for_what_an_answer_knows() {
        let good = "---\ntitle: Nulla osta\nvariable recipient: A chi\nvariable days: Giorni = 30\n---\n{{ recipient }} {{ days }}";
        assert_eq!(preview(good).unwrap(), "[A chi] 30");
        let code = |text: &str| check(text).unwrap_err().errors[0].code;
        assert_eq!(code(&good.replace(" = 30", "")), "template-unknown");
        assert_eq!(code(&good.replace("title: Nulla osta\n", "")), "template-title");
        assert_eq!(code(&good.replace("{{ days }}", "{{ day }}")), "template-undeclared");
        assert_eq!(code(&good.replace("{{ days }}", "{% if %}")), "template-syntax");
    }
}
