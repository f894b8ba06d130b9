//! Renders the samples of every page and looks at them as a reader's software would.
//!
//! `check_pages::<Page>()` renders each sample in both languages and in all looks, and checks what must hold for
//! every page: language, title, one first heading, no jump in headings, a label for each field, ids that stand
//! once, no inline script or style. It is a cheap first net; the browser checks are the second.

use super::*;
use askama::Template;

/// A view for tests: signed in, in the demonstration.
pub fn view(lang: Lang) -> View {
    let mut headers = HeaderMap::new();
    let cookie = format!("telaio_lang={}", lang.code());
    headers.insert("cookie", cookie.parse().unwrap());
    let mut view =
        View::of(&headers, &Uri::from_static("/register?q=prova"), "2026-11-23".parse().unwrap(), true);
    view.csrf = "token".into();
    view.nav = SECTIONS.to_vec();
    view.registers = true;
    view.person = Some(Person {
        name: "Prova Uno".into(),
        body: "Comune di Prova".into(),
        unit: Some("Attività produttive".into()),
        workplaces: vec![
            Workplace {
                value: "a".into(),
                label: "Comune di Prova, Attività produttive".into(),
                current: true,
                for_whom: None,
            },
            Workplace {
                value: "b".into(),
                label: "Comune di Prova, Protocollo".into(),
                current: false,
                for_whom: Some("Prova Due".into()),
            },
        ],
        stands_in_for: None,
        unread: Some(3),
    });
    view
}

/// Renders every sample of a page and checks each.
pub fn check_pages<P: Sampled + Template>() {
    for lang in [Lang::It, Lang::En] {
        for look in Look::ALL {
            let mut view = view(lang);
            view.look = look;
            let samples = P::samples(view);
            assert!(!samples.is_empty(), "a page without samples is not tested");
            for sample in samples {
                check_html(&sample.render().unwrap(), lang);
            }
        }
    }
}

/// Checks one page.
pub fn check_html(html: &str, lang: Lang) {
    assert!(html.starts_with("<!DOCTYPE html>"), "no doctype: {}", &html[..html.len().min(60)]);
    assert!(html.contains(&format!("<html lang=\"{}\"", lang.code())), "language missing");
    let title = between(html, "<title>", "</title>").unwrap_or_default();
    assert!(title.trim().len() > 10 && !title.trim().starts_with('·'), "title missing: {title:?}");
    assert!(!html.contains(" style=\""), "inline style");
    assert!(!html.contains("<script>") && !html.contains(" onclick="), "inline script");
    assert_eq!(html.matches("<h1").count(), 1, "exactly one first heading");
    check_headings(html);
    check_ids_and_labels(html);
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(inside, _)| inside)
}

fn check_headings(html: &str) {
    let mut last = 0;
    for (at, _) in html.match_indices("<h") {
        let Some(level) = html[at + 2..].chars().next().and_then(|c| c.to_digit(10)) else { continue };
        assert!(
            level <= last + 1,
            "heading level {level} after {last}: {}",
            &html[at..html.len().min(at + 80)]
        );
        last = level;
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    between(tag, &format!(" {name}=\""), "\"")
}

fn check_ids_and_labels(html: &str) {
    let tags: Vec<&str> =
        html.split('<').filter_map(|piece| piece.split_once('>').map(|(tag, _)| tag)).collect();
    let mut ids = std::collections::BTreeSet::new();
    for tag in &tags {
        if let Some(id) = attribute(tag, "id") {
            assert!(ids.insert(id), "id {id} stands twice");
        }
    }
    let labelled: std::collections::BTreeSet<_> =
        tags.iter().filter(|tag| tag.starts_with("label")).filter_map(|tag| attribute(tag, "for")).collect();
    for tag in &tags {
        let field =
            ["input", "select", "textarea"].iter().any(|name| tag.split([' ', '\n']).next() == Some(name));
        let silent = ["hidden", "submit"].iter().any(|kind| attribute(tag, "type") == Some(kind));
        if field && !silent {
            let named = attribute(tag, "id").is_some_and(|id| labelled.contains(id));
            assert!(named || tag.contains("aria-label="), "field without a label: {tag}");
        }
        for name in ["aria-describedby", "aria-labelledby"] {
            for id in attribute(tag, name).unwrap_or_default().split_whitespace() {
                assert!(ids.contains(id), "{name} names {id}, which is not on the page");
            }
        }
    }
}
