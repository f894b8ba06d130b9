//! The letters an answer can be written from - those of the house and the body's own templates - and their preview.

use super::Answer;
use crate::context::Context;
use crate::error::{Error, Result};
use documents::letters::{LetterError, Template};
use domain::Invalid;
use domain::ids::TemplateId;
use minijinja::Value;
use std::collections::BTreeMap;
use store::templates;

/// A letter of the house.
#[derive(Debug, Clone, Copy)]
pub struct Letter {
    /// Key in forms and drafts.
    pub key: &'static str,
    /// The template.
    text: &'static str,
}

/// Every letter, in the order of the form.
pub const LETTERS: &[Letter] = &[
    Letter { key: "answer", text: include_str!("../../../letters/answer.md") },
    Letter { key: "integration", text: include_str!("../../../letters/integration.md") },
    Letter { key: "transmission", text: include_str!("../../../letters/transmission.md") },
];

impl Letter {
    /// The letter of a key.
    ///
    /// # Errors
    /// `Invalid` when there is none.
    pub fn of(key: &str) -> std::result::Result<&'static Letter, Invalid> {
        let found = LETTERS.iter().find(|letter| letter.key == key);
        found.ok_or_else(|| Invalid::with("/letter", "bad-code", key.chars().take(40).collect::<String>()))
    }

    /// The template with its declarations, as a body may take it up and change it.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Its title, as people read it.
    pub fn title(&self) -> String {
        self.template().map(|template| template.title).unwrap_or_default()
    }

    fn template(&self) -> Result<Template> {
        Template::parse(self.text)
            .map_err(|faults| Error::Bug(format!("letter {}: {}", self.key, words(&faults))))
    }
}

/// Key and title of every letter offered to the actor's body: those of the house, then its own in force.
///
/// # Errors
/// Those of the store.
pub async fn offered(ctx: &Context) -> Result<Vec<(String, String)>> {
    let body = ctx.actor.body.clone();
    let own = ctx.read(move |r| Ok(templates::of_body(r, &body)?)).await?;
    let house = LETTERS.iter().map(|letter| (letter.key.to_owned(), letter.title()));
    let own = own.into_iter().filter(|it| !it.retired).map(|it| (it.id.to_string(), it.title));
    Ok(house.chain(own).collect())
}

/// The template of a key: a letter of the house, or the newest version of one of the body's own.
///
/// # Errors
/// `Invalid` at `/letter` when there is none, or it was retired.
pub(super) async fn template(ctx: &Context, key: &str) -> Result<Template> {
    let Ok(id) = key.parse::<TemplateId>() else { return Letter::of(key)?.template() };
    let body = ctx.actor.body.clone();
    let versions = ctx.read(move |r| Ok(templates::versions(r, &body, &id)?)).await?;
    let newest = versions.into_iter().next().filter(|it| !it.retired);
    let newest = newest
        .ok_or_else(|| Invalid::with("/letter", "bad-code", key.chars().take(40).collect::<String>()))?;
    Template::parse(&newest.content).map_err(|faults| {
        Error::Bug(format!("template {} {}: {}", newest.id, newest.version, words(&faults)))
    })
}

fn words(faults: &[LetterError]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The letter filled with what was written so far, as text with light marks; what is empty shows as an ellipsis.
///
/// # Errors
/// `Invalid` when there is no such letter.
pub async fn preview(ctx: &Context, answer: &Answer, office: &str) -> Result<String> {
    let filled = |text: &str| if text.trim().is_empty() { "…".to_owned() } else { text.to_owned() };
    let shown = Answer {
        subject: filled(&answer.subject),
        recipient: filled(&answer.recipient),
        text: filled(&answer.text),
        ..answer.clone()
    };
    let template = template(ctx, &answer.letter).await?;
    template.fill(&data(ctx, &shown, office)).map_err(|faults| Error::Bug(words(&faults)))
}

/// What the templates may use.
pub(super) fn data(ctx: &Context, answer: &Answer, office: &str) -> BTreeMap<String, Value> {
    let pairs = [
        ("recipient", answer.recipient.as_str()),
        ("reference", &answer.reference),
        ("text", &answer.text),
        ("subject", &answer.subject),
        ("officer", &ctx.actor.name),
        ("office", office),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value.trim()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_is_a_good_template() {
        for letter in LETTERS {
            let template = letter.template().unwrap();
            assert!(!template.title.is_empty());
            let data = ["recipient", "text", "subject", "officer", "office"];
            let data =
                data.into_iter().map(|name| (name.to_owned(), Value::from(format!("[{name}]")))).collect();
            let text = template.fill(&data).unwrap();
            assert!(text.contains("[recipient]") && text.contains("[text]"), "{}", letter.key);
        }
        assert!(Letter::of("nothing").is_err());
    }
}
