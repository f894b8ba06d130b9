//! What arrived: the list, one message with what was found in it, and the acts on it: register with one
//! confirmation, refuse with the exception of Annex 6, discard with a reason.

use super::html;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::serve_file;
use crate::view::{Chip, Choice, Faults, Shape, View};
use crate::who::Who;
use app::use_cases::exchange::desk::{self, Inbound, Opened};
use app::use_cases::exchange::register_inbound::{self, Changes};
use app::use_cases::scheme;
use app::{Context, Error, Verb};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::ids::InboundId;
use domain::message::Anomaly;
use domain::{Invalid, Moment};
use jiff::Timestamp;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let page = |method, path, handler| Entry::page(method, path, Access::May(Verb::HandleInbox), handler);
    vec![
        page("GET", "/inbox", get(list)),
        page("GET", "/inbox/{id}", get(show)),
        page("GET", "/inbox/{id}/message.eml", get(raw)),
        page("GET", "/inbox/{id}/files/{place}", get(file)),
        page("POST", "/inbox/{id}/register", post(register)),
        page("POST", "/inbox/{id}/refuse", post(refuse)),
        page("POST", "/inbox/{id}/discard", post(discard)),
    ]
}

/// The sign of a message's state.
fn sign(state: &str) -> Shape {
    match state {
        "waiting" => Shape::Waiting,
        "quarantined" | "unreadable" => Shape::Failed,
        "discarded" => Shape::Idle,
        _ => Shape::Done,
    }
}

/// The list.
#[derive(Template)]
#[template(path = "exchange/inbox.html")]
pub struct ListPage {
    view: View,
    chips: Vec<Chip>,
    lines: Vec<Inbound>,
    annulled: Vec<InboundId>,
    next: Option<String>,
    rules: bool,
}

impl ListPage {
    fn is_annulled(&self, one: &Inbound) -> bool {
        self.annulled.contains(&one.message.id)
    }

    fn sign(&self, one: &Inbound) -> Shape {
        sign(&one.message.state)
    }

    fn at(&self, micros: &i64) -> Timestamp {
        Moment::from_micros(*micros).at
    }
}

/// One message.
#[derive(Template)]
#[template(path = "exchange/inbound.html")]
pub struct InboundPage {
    view: View,
    it: Opened,
    form: EntryForm,
    classes: Vec<scheme::Proposal>,
    anomalies: Vec<Choice>,
    faults: Faults,
}

impl InboundPage {
    fn sign(&self) -> Shape {
        sign(&self.it.inbound.message.state)
    }

    fn at(&self, micros: &i64) -> Timestamp {
        Moment::from_micros(*micros).at
    }

    fn waits(&self) -> bool {
        self.it.inbound.message.state == "waiting"
    }

    fn verdict(&self, name: &str) -> Shape {
        match name {
            "valid" => Shape::Done,
            "valid-with-warnings" | "indeterminate" => Shape::Late,
            "unsigned" => Shape::Idle,
            _ => Shape::Failed,
        }
    }

    fn digits(&self, anomaly: &Anomaly) -> &'static str {
        anomaly.digits()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    state: String,
    cursor: Option<String>,
}

async fn list(Who(ctx): Who, view: View, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let page = desk::list(&ctx, &asked.state, asked.cursor.as_deref()).await?;
    let next = page.next.map(|cursor| format!("/inbox?state={}&cursor={cursor}", page.state));
    let chips = chips(&view, page.state, &page.counts);
    let rules = ctx.may(Verb::SetExchangeRules).is_ok();
    Ok(html(&ListPage { view, chips, lines: page.lines, annulled: page.annulled, next, rules })?
        .into_response())
}

fn chips(view: &View, state: &str, counts: &[(&'static str, i64)]) -> Vec<Chip> {
    let one = |(found, count): &(&'static str, i64)| Chip {
        label: view.family("inbox-state-", found),
        href: format!("/inbox?state={found}"),
        current: *found == state,
        count: Some(*count),
        shape: Some(sign(found)),
    };
    counts.iter().map(one).collect()
}

/// What the form of the entry sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EntryForm {
    /// Subject.
    pub subject: String,
    /// Name of the sender.
    pub sender: String,
    /// Class.
    pub classification: String,
    /// `true` when only those assigned may see it.
    pub confidential: String,
    /// `true` when who registers has seen that the sender annulled it.
    pub despite: String,
    /// Anomaly, three digits, when it is refused.
    pub anomaly: String,
    /// Why it is refused or discarded.
    pub reason: String,
}

async fn show(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    page(&ctx, view, id_of(&id)?, None, &Invalid::default()).await
}

async fn page(
    ctx: &Context,
    view: View,
    id: InboundId,
    typed: Option<EntryForm>,
    invalid: &Invalid,
) -> Result<Response, Fault> {
    let it = desk::open(ctx, id).await?;
    let classes = scheme::suggest(ctx, &it.proposed.subject).await?;
    let status = if invalid.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, html(&arrange(view, it, classes, typed, invalid))?).into_response())
}

fn arrange(
    view: View,
    it: Opened,
    classes: Vec<scheme::Proposal>,
    typed: Option<EntryForm>,
    invalid: &Invalid,
) -> InboundPage {
    let form = typed.unwrap_or_else(|| EntryForm {
        subject: it.proposed.subject.clone(),
        sender: it.proposed.sender.name.clone(),
        ..EntryForm::default()
    });
    let found = it.details.segnatura.as_ref().and_then(|facts| facts.anomalies.first());
    let present = match form.anomaly.as_str() {
        "" => found.map_or("000", |(anomaly, _)| anomaly.digits()),
        typed => typed,
    };
    let one =
        |anomaly: Anomaly| Choice::new(anomaly.digits(), view.family("anomaly-", anomaly.digits()), present);
    let anomalies = Anomaly::ALL.into_iter().map(one).collect();
    InboundPage { faults: view.faults(invalid), anomalies, classes, form, it, view }
}

async fn register(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<EntryForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let mut sender = desk::open(&ctx, id.clone()).await?.proposed.sender;
    sender.name = form.sender.trim().to_owned();
    let changes = Changes {
        aoo: None,
        subject: Some(form.subject.clone()),
        classification: Some(form.classification.trim().to_owned()).filter(|class| !class.is_empty()),
        correspondents: Some(vec![sender]),
        confidential: form.confidential == "true",
        despite_annulment: form.despite == "true",
    };
    match register_inbound::register_inbound(&ctx, &id, changes).await {
        Ok(entry) => Ok(Redirect::to(&format!("/register/{entry}/registered")).into_response()),
        Err(Error::Invalid(invalid)) => page(&ctx, view, id, Some(form), &on_the_form(invalid)).await,
        Err(other) => Err(other.into()),
    }
}

/// The one sender of this page is the first correspondent of the entry.
fn on_the_form(mut invalid: Invalid) -> Invalid {
    for error in &mut invalid.errors {
        if error.pointer.starts_with("/correspondents/0") {
            error.pointer = "/sender".to_owned();
        }
    }
    invalid
}

async fn refuse(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<EntryForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = match Anomaly::read(&form.anomaly) {
        Some(anomaly) => register_inbound::refuse(&ctx, &id, anomaly, &form.reason).await,
        None => Err(Invalid::one("/anomaly", "required").into()),
    };
    after(&ctx, view, id, outcome, "inbox-refused").await
}

async fn discard(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<EntryForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = register_inbound::discard(&ctx, &id, &form.reason).await;
    after(&ctx, view, id, outcome, "inbox-discarded").await
}

async fn after(
    ctx: &Context,
    view: View,
    id: InboundId,
    outcome: Result<(), Error>,
    done: &str,
) -> Result<Response, Fault> {
    match outcome {
        Ok(()) => Ok(Redirect::to(&format!("/inbox/{id}?done={done}")).into_response()),
        Err(Error::Invalid(invalid)) => page(ctx, view, id, None, &invalid).await,
        Err(other) => Err(other.into()),
    }
}

async fn raw(Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    let bytes = desk::raw(&ctx, id_of(&id)?).await?;
    Ok(serve_file::whole(desk::File { name: format!("{id}.eml"), bytes }, "message/rfc822"))
}

async fn file(Who(ctx): Who, Path((id, place)): Path<(String, usize)>) -> Result<Response, Fault> {
    Ok(serve_file::whole(desk::file(&ctx, id_of(&id)?, place).await?, "application/octet-stream"))
}

fn id_of(text: &str) -> Result<InboundId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Sampled;
    use app::use_cases::exchange::understand::{Details, SegnaturaFacts};
    use domain::body::IpaCode;
    use domain::ids::Id;

    fn inbound(state: &str, kind: &str) -> Inbound {
        Inbound {
            message: desk::Message {
                id: Id::from_u128(1),
                body: IpaCode::parse("c_g999").unwrap(),
                channel: domain::message::Channel::Pec,
                mailbox: "ente@pec.test".into(),
                raw_sha256: "ab".repeat(32),
                size: 20_000,
                kind: kind.into(),
                state: state.into(),
                message_id: Some("<a@b>".into()),
                sender_address: "prova@pec.test".into(),
                sender_name: "Prova <Uno>".into(),
                subject: "Richiesta di prova".into(),
                legal_at: Some(1),
                verdict: Some("valid".into()),
                details: String::new(),
            },
            arrived_at: 1,
            registration: (state == "registered").then(|| Id::from_u128(2)),
            delivery: (state == "attached").then(|| Id::from_u128(3)),
            handled_by: (state != "waiting").then(|| "system".into()),
            handled_at: (state != "waiting").then_some(1),
            reason: (state == "discarded").then(|| "pubblicità".into()),
        }
    }

    fn opened(state: &str, kind: &str, signed: bool) -> Opened {
        let facts = SegnaturaFacts {
            version: "3.0".into(),
            sender: "Provincia di Prato".into(),
            administration: "p_po".into(),
            aoo: "A1B2C3D".into(),
            register: "PG".into(),
            number: "0020145".into(),
            date: "2026-11-23".into(),
            subject: "Trasmissione".into(),
            primary: "atto.pdf".into(),
            confirm: true,
            signature: "valid".into(),
            anomalies: vec![(Anomaly::Digest, "atto.pdf".into())],
        };
        let details = Details {
            text: "Si trasmette <in allegato>.".into(),
            files: vec![("atto.pdf".into(), "application/pdf".into(), 20_000)],
            automatic: true,
            segnatura: signed.then_some(facts),
            fault: (!signed).then(|| "bad header".into()),
        };
        let inbound = inbound(state, kind);
        let proposed = register_inbound::propose(&inbound, &details);
        let ground = desk::ground(&inbound, &details);
        let annulled = (kind == "envelope").then(|| "Det. 90: doppione".to_owned());
        Opened { inbound, details, proposed, number: Some("0001234/2026".into()), ground, annulled }
    }

    impl Sampled for ListPage {
        fn samples(view: View) -> Vec<Self> {
            let chips = || chips(&view, "waiting", &desk::STATES.map(|state| (state, 2)));
            let lines = desk::STATES.map(|state| inbound(state, "envelope")).to_vec();
            let next = Some("/inbox?state=waiting&cursor=x".into());
            let annulled = vec![lines[0].message.id.clone()];
            let full = Self { view: view.clone(), chips: chips(), lines, annulled, next, rules: true };
            let empty = Vec::new();
            vec![
                full,
                Self { chips: chips(), view, lines: Vec::new(), annulled: empty, next: None, rules: false },
            ]
        }
    }

    impl Sampled for InboundPage {
        fn samples(view: View) -> Vec<Self> {
            let wrong = on_the_form(Invalid::one("/correspondents/0/name", "required"));
            let page = |state: &str, kind: &str, signed, invalid: &Invalid| {
                arrange(view.clone(), opened(state, kind, signed), Vec::new(), None, invalid)
            };
            vec![
                page("waiting", "envelope", true, &wrong),
                page("registered", "hub", true, &Invalid::default()),
                page("discarded", "ordinary", false, &Invalid::default()),
                page("attached", "receipt", false, &Invalid::default()),
                page("quarantined", "anomaly", false, &Invalid::default()),
                page("unreadable", "unreadable", false, &Invalid::default()),
            ]
        }
    }

    #[test]
    fn every_sample_reads_well() {
        crate::view::testing::check_pages::<ListPage>();
        crate::view::testing::check_pages::<InboundPage>();
    }
}
