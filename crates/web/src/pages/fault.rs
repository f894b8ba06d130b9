//! The page of a fault: what happened, how to mend it, under which article.

use crate::error::Fault;
use crate::guard;
use crate::pages::words::FaultPage;
use crate::view::View;
use askama::Template;
use axum::response::Html;
use domain::ids::TraceId;

/// The page; if even this cannot be drawn, the bare words.
pub fn render(fault: &Fault, view: &View, trace: Option<&TraceId>) -> Html<String> {
    let page = FaultPage {
        view: view.clone(),
        title: view.t(&format!("fault-{}-title", guard::family(fault))),
        detail: guard::detail(fault, view.lang),
        lines: guard::fields(fault).iter().map(|field| guard::field_words(field, view.lang)).collect(),
        law: guard::law(fault),
        trace: trace.map(ToString::to_string),
    };
    Html(page.render().unwrap_or_else(|_| guard::detail(fault, view.lang)))
}
