//! The page of a fault: what happened, how to mend it, under which article.

use crate::error::Fault;
use crate::guard;
use crate::pages::words::FaultPage;
use crate::view::View;
use askama::Template;
use axum::response::Html;

/// The page; if even this cannot be drawn, the bare words.
pub fn render(fault: &Fault, view: &View) -> Html<String> {
    let page = FaultPage {
        view: view.clone(),
        title: view.t(&format!("fault-{}-title", guard::family(fault))),
        detail: guard::detail(fault, view.lang),
        lines: guard::fields(fault).iter().map(|field| guard::field_words(field, view.lang)).collect(),
        law: guard::law(fault),
    };
    Html(page.render().unwrap_or_else(|_| guard::detail(fault, view.lang)))
}
