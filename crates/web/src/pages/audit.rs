//! The audit: entries of the journal, looks at personal data, and whether the chain holds.

use super::{Page, html};
use crate::i18n;
use crate::routes::{Access, Entry};
use crate::view::{Sampled, View};
use crate::who::Who;
use app::Verb;
use app::use_cases::read_audit::{self, Chain, Filter};
use askama::Template;
use axum::extract::Query;
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![Entry::page("GET", "/audit", Access::May(Verb::ReadAudit), get(show))]
}

/// One line of a list: when, who, what, to what.
pub struct Line {
    at: Timestamp,
    actor: String,
    what: String,
    /// The name the journal uses, where it has words too.
    code: Option<String>,
    subject: String,
    index: Option<i64>,
}

/// The page.
#[derive(Template)]
#[template(path = "account/audit.html")]
pub struct AuditPage {
    view: View,
    entries: Vec<Line>,
    looks: Vec<Line>,
    chain: Option<Chain>,
    about: String,
    by: String,
    next: Option<String>,
}

impl Sampled for AuditPage {
    fn samples(view: View) -> Vec<Self> {
        let line = |index| Line {
            at: Timestamp::UNIX_EPOCH,
            actor: "Prova Uno".into(),
            what: view.t("journal-registration-create"),
            code: Some("registration.create".into()),
            subject: "reg_1".into(),
            index,
        };
        let page = |full: bool, chain| Self {
            view: view.clone(),
            entries: if full { vec![line(Some(7))] } else { Vec::new() },
            looks: if full { vec![line(None)] } else { Vec::new() },
            chain,
            about: String::new(),
            by: String::new(),
            next: full.then(|| "/audit?from=8".to_owned()),
        };
        vec![
            page(false, None),
            page(true, Some(Chain::Holds(8, "ab12".into()))),
            page(true, Some(Chain::Broken("leaf 3".into()))),
        ]
    }
}

/// End of the key of a verb of the journal.
fn key(verb: &str) -> String {
    verb.replace(['.', '_'], "-")
}

/// Whether a verb of the journal has words of its own; what has none is told by its name.
fn worded(view: &View, verb: &str) -> bool {
    i18n::has(view.lang, &format!("journal-{}", key(verb)))
}

#[derive(Deserialize)]
struct Asked {
    about: Option<String>,
    by: Option<String>,
    from: Option<i64>,
    verify: Option<String>,
}

async fn show(view: View, Who(ctx): Who, Query(asked): Query<Asked>) -> Page {
    let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (about, by) = (said(asked.about), said(asked.by));
    let filter = Filter { subject: about.clone(), from: asked.from };
    let found = read_audit::entries(&ctx, filter).await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == read_audit::PAGE);
    let next = found.last().filter(|_| full && about.is_none());
    let next = next.map(|line| format!("/audit?from={}", line.leaf.index + 1));
    let looks = read_audit::looks(&ctx, about.clone(), by.clone()).await?;
    let chain = match asked.verify {
        Some(_) => Some(read_audit::verify(&ctx).await?),
        None => None,
    };
    let entry = |line: read_audit::Line| Line {
        at: line.at.at,
        actor: line.actor,
        code: Some(line.leaf.verb.clone()).filter(|verb| worded(&view, verb)),
        what: match worded(&view, &line.leaf.verb) {
            true => view.family("journal-", key(&line.leaf.verb)),
            false => line.leaf.verb,
        },
        subject: line.leaf.subject,
        index: Some(line.leaf.index),
    };
    let look = |line: read_audit::LookLine| Line {
        at: line.at.at,
        actor: line.actor,
        what: line.look.purpose,
        code: None,
        subject: line.look.case.or(line.look.norm).unwrap_or_default(),
        index: None,
    };
    let entries = found.into_iter().map(entry).collect();
    let looks = looks.into_iter().map(look).collect();
    html(&AuditPage {
        view,
        entries,
        looks,
        chain,
        about: about.unwrap_or_default(),
        by: by.unwrap_or_default(),
        next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_page_holds_in_both_languages_and_all_looks() {
        check_pages::<AuditPage>();
    }
}
