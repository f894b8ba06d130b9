//! What was sent: the list, one delivery with its road and proofs, what does not leave, and the officer's decisions.

use super::html;
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::serve_file;
use crate::view::{Chip, Choice, Faults, Shape, TimelineEntry, View};
use crate::who::Who;
use app::use_cases::exchange::admit::{FILES_DIFFER, FILES_MATCH};
use app::use_cases::exchange::decide;
use app::use_cases::exchange::watch::{
    self, KnownAnswer, KnownFact, Opened, Outgoing, StoredDelivery, Watched,
};
use app::use_cases::exchange::{Recipient, desk};
use app::{Context, Error, Verb};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::body::IpaCode;
use domain::ids::DeliveryId;
use domain::message::{Answer, Channel, DeliveryState, Event, Step};
use domain::{Invalid, Moment};
use jiff::Timestamp;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let read = Access::May(Verb::ReadDeliveries);
    let decide = Access::May(Verb::DecideDelivery);
    vec![
        Entry::page("GET", "/deliveries", read, get(list)),
        Entry::page("GET", "/deliveries/{id}", read, get(show)),
        Entry::page("GET", "/deliveries/{id}/proofs/{sha256}", read, get(proof)),
        Entry::page("POST", "/deliveries/{id}/retry", decide, post(retry)),
        Entry::page("POST", "/deliveries/{id}/give-up", decide, post(give_up)),
        Entry::page("POST", "/deliveries/{id}/road", decide, post(change_road)),
        Entry::page("GET", "/outbox/stuck", read, get(stuck)),
    ]
}

/// The sign of a delivery's state.
pub fn sign(one: &StoredDelivery) -> Shape {
    shape(one.state, one.channel)
}

fn shape(state: DeliveryState, channel: Channel) -> Shape {
    match state.shape(channel) {
        domain::message::Shape::Done => Shape::Done,
        domain::message::Shape::Waiting => Shape::Waiting,
        domain::message::Shape::Late => Shape::Late,
        domain::message::Shape::Failed => Shape::Failed,
        domain::message::Shape::NotBegun => Shape::Idle,
    }
}

/// The list.
#[derive(Template)]
#[template(path = "exchange/deliveries.html")]
pub struct ListPage {
    view: View,
    chips: Vec<Chip>,
    lines: Vec<Watched>,
    next: Option<String>,
    stuck: usize,
}

impl ListPage {
    fn sign(&self, one: &Watched) -> Shape {
        sign(&one.delivery)
    }

    fn at(&self, micros: &i64) -> Timestamp {
        Moment::from_micros(*micros).at
    }
}

/// One delivery.
#[derive(Template)]
#[template(path = "exchange/delivery.html")]
pub struct DeliveryPage {
    view: View,
    it: Opened,
    road: Vec<TimelineEntry>,
    next: Option<String>,
    channels: Vec<Choice>,
    form: RoadForm,
    faults: Faults,
    decides: bool,
}

impl DeliveryPage {
    fn sign(&self) -> Shape {
        sign(&self.it.watched.delivery)
    }

    fn may_retry(&self) -> bool {
        decide::may_retry(self.it.watched.delivery.state)
    }
}

/// What does not leave.
#[derive(Template)]
#[template(path = "exchange/stuck.html")]
pub struct StuckPage {
    view: View,
    lines: Vec<(Outgoing, Watched)>,
}

impl StuckPage {
    fn at(&self, micros: &i64) -> Timestamp {
        Moment::from_micros(*micros).at
    }

    fn sign(&self, row: &Outgoing) -> Shape {
        if row.state == "stuck" { Shape::Failed } else { Shape::Late }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    state: String,
    cursor: Option<String>,
}

async fn list(Who(ctx): Who, view: View, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let state = DeliveryState::parse(&asked.state);
    let page = watch::list(&ctx, state, asked.cursor.as_deref()).await?;
    let stuck = watch::stuck(&ctx).await?.len();
    let name = state.map_or("", DeliveryState::name);
    let next = page.next.map(|cursor| format!("/deliveries?state={name}&cursor={cursor}"));
    let chips = chips(&view, state, &page.counts);
    Ok(html(&ListPage { view, chips, lines: page.lines, next, stuck })?.into_response())
}

fn chips(view: &View, state: Option<DeliveryState>, counts: &[(DeliveryState, i64)]) -> Vec<Chip> {
    let all = Chip {
        label: view.t("chip-all"),
        href: "/deliveries".to_owned(),
        current: state.is_none(),
        count: Some(counts.iter().map(|(_, count)| count).sum()),
        shape: None,
    };
    let one = |(found, count): &(DeliveryState, i64)| Chip {
        label: view.family("watch-", found.name()),
        href: format!("/deliveries?state={}", found.name()),
        current: state == Some(*found),
        count: Some(*count),
        // What was only submitted is done for e-mail and under way for PEC: the row says which, the chip cannot.
        shape: (!matches!(found, DeliveryState::Queued | DeliveryState::Submitted))
            .then(|| shape(*found, Channel::Pec)),
    };
    std::iter::once(all).chain(counts.iter().map(one)).collect()
}

async fn show(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    page(&ctx, view, id_of(&id)?, RoadForm::default(), &Invalid::default()).await
}

async fn page(
    ctx: &Context,
    view: View,
    id: DeliveryId,
    form: RoadForm,
    invalid: &Invalid,
) -> Result<Response, Fault> {
    let it = watch::open(ctx, id).await?;
    let status = if invalid.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let decides = ctx.may(Verb::DecideDelivery).is_ok();
    Ok((status, html(&arrange(view, it, form, invalid, decides))?).into_response())
}

fn arrange(view: View, it: Opened, form: RoadForm, invalid: &Invalid, decides: bool) -> DeliveryPage {
    let id = it.watched.delivery.id.to_string();
    let facts = it.facts.iter().map(|one| of_fact(&view, &id, one));
    let mut road: Vec<TimelineEntry> =
        facts.chain(it.answers.iter().map(|one| of_answer(&view, &id, one))).collect();
    road.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    let channels = [Channel::Pec, Channel::Email, Channel::Hub]
        .into_iter()
        .map(|one| Choice::new(one.name(), view.family("road-", one.name()), &form.channel))
        .collect();
    DeliveryPage {
        next: next(&view, &it.step),
        road,
        channels,
        faults: view.faults(invalid),
        form,
        decides,
        it,
        view,
    }
}

/// What happens if nobody does anything.
fn next(view: &View, step: &Step) -> Option<String> {
    match step {
        Step::HandOver { at, .. } => Some(view.t1("delivery-next-hand-over", "when", view.instant(at))),
        Step::TryAgain { at, .. } => Some(view.t1("delivery-next-try-again", "when", view.instant(at))),
        Step::Wait { until } => Some(view.t1("delivery-next-wait", "when", view.instant(until))),
        Step::Officer(_) => Some(view.t("delivery-next-officer")),
        Step::Done => None,
    }
}

fn of_fact(view: &View, id: &str, known: &KnownFact) -> TimelineEntry {
    let event = &known.fact.event;
    let shape = match event {
        Event::Submitted | Event::Accepted { .. } | Event::Delivered { .. } => Shape::Done,
        Event::LateNotice | Event::NotSubmitted { transient: true } => Shape::Late,
        Event::ClosedByOfficer => Shape::Idle,
        _ => Shape::Failed,
    };
    let norm = match event {
        Event::Accepted { .. } => Some("D.P.R. 68/2005, art. 6"),
        Event::Delivered { form: Some(_) } => Some("D.Lgs. 82/2005, art. 6"),
        Event::LateNotice | Event::Expired => Some("D.M. 2/11/2005, art. 13"),
        _ => None,
    };
    TimelineEntry {
        at: known.fact.at,
        what: view.family("delivery-event-", event.name()),
        actor: view.t1("delivery-attempt", "n", known.fact.attempt),
        proof: known.evidence.as_ref().map(|sha256| format!("/deliveries/{id}/proofs/{sha256}")),
        norm: norm.map(str::to_owned),
        note: note(view, known),
        shape,
    }
}

/// What the provider's signature is worth, and what was found in the receipt or said by the server.
fn note(view: &View, known: &KnownFact) -> Option<String> {
    let verdict = known.verdict.as_ref().map(|verdict| view.family("signature-", verdict));
    let words = known.note.as_deref().map(|note| match note {
        FILES_MATCH | FILES_DIFFER => view.family("delivery-", note),
        said => said.to_owned(),
    });
    let both: Vec<String> = verdict.into_iter().chain(words).collect();
    (!both.is_empty()).then(|| both.join(" · "))
}

fn of_answer(view: &View, id: &str, known: &KnownAnswer) -> TimelineEntry {
    let shape = match known.answer {
        Answer::Confirmed | Answer::Updated => Shape::Done,
        Answer::Exception { .. } => Shape::Failed,
        Answer::CancelledBySender | Answer::CancelledByRecipient => Shape::Idle,
    };
    TimelineEntry {
        at: Moment::from_micros(known.at).at,
        what: view.family("delivery-answer-", known.answer.name()),
        actor: known.own_identifier.clone().unwrap_or_default(),
        proof: known.evidence.as_ref().map(|sha256| format!("/deliveries/{id}/proofs/{sha256}")),
        norm: Some("Linee guida AgID, allegato 6".to_owned()),
        note: known.reason.clone(),
        shape,
    }
}

async fn proof(Who(ctx): Who, Path((id, sha256)): Path<(String, String)>) -> Result<Response, Fault> {
    let bytes = watch::proof(&ctx, id_of(&id)?, &sha256).await?;
    Ok(serve_file::whole(desk::File { name: format!("{id}.eml"), bytes }, "message/rfc822"))
}

async fn retry(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = decide::retry(&ctx, id.clone()).await;
    after(&ctx, view, id, RoadForm::default(), outcome, "delivery-retry").await
}

#[derive(Deserialize)]
struct ReasonForm {
    #[serde(default)]
    reason: String,
}

async fn give_up(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let outcome = decide::give_up(&ctx, id.clone(), &form.reason).await;
    after(&ctx, view, id, RoadForm::default(), outcome, "delivery-closed").await
}

/// What the form of another road sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RoadForm {
    /// Road.
    pub channel: String,
    /// Mail address, or the code of a body.
    pub address: String,
}

async fn change_road(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(form): Form<RoadForm>,
) -> Result<Response, Fault> {
    let id = id_of(&id)?;
    let before = watch::open(&ctx, id.clone()).await?.watched.delivery;
    let outcome = match recipient(&form, &before) {
        Ok(to) => decide::change_road(&ctx, id.clone(), to).await,
        Err(invalid) => Err(invalid.into()),
    };
    match outcome {
        Ok(new) => Ok(Redirect::to(&format!("/deliveries/{new}?done=delivery-road")).into_response()),
        Err(error) => after(&ctx, view, id, form, Err(error), "").await,
    }
}

fn recipient(form: &RoadForm, before: &StoredDelivery) -> Result<Recipient, Invalid> {
    let channel = Channel::parse(&form.channel).ok_or_else(|| Invalid::one("/channel", "required"))?;
    let address = form.address.trim().to_owned();
    let body = match channel {
        Channel::Hub => Some(IpaCode::parse(&address).map_err(|_| Invalid::one("/address", "bad-address"))?),
        _ => before.recipient_body.clone(),
    };
    Ok(Recipient {
        name: before.recipient_name.clone(),
        channel,
        address,
        body,
        confirm: before.confirmation_asked,
    })
}

async fn after(
    ctx: &Context,
    view: View,
    id: DeliveryId,
    form: RoadForm,
    outcome: Result<(), Error>,
    done: &str,
) -> Result<Response, Fault> {
    match outcome {
        Ok(()) => Ok(Redirect::to(&format!("/deliveries/{id}?done={done}")).into_response()),
        Err(Error::Invalid(invalid)) => page(ctx, view, id, form, &on_the_form(invalid)).await,
        Err(other) => Err(other.into()),
    }
}

/// Faults of the one recipient, as faults of the fields of this page.
fn on_the_form(mut invalid: Invalid) -> Invalid {
    for error in &mut invalid.errors {
        if let Some(field) = error.pointer.strip_prefix("/recipients/0") {
            error.pointer = if field == "/body" { "/address".to_owned() } else { field.to_owned() };
        }
    }
    invalid
}

async fn stuck(Who(ctx): Who, view: View) -> Result<Response, Fault> {
    Ok(html(&StuckPage { view, lines: watch::stuck(&ctx).await? })?.into_response())
}

fn id_of(text: &str) -> Result<DeliveryId, Fault> {
    text.parse().map_err(|_| Error::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Sampled;
    use domain::ids::Id;

    fn delivery(state: DeliveryState, proposal: Option<&str>) -> Watched {
        let delivery = StoredDelivery {
            id: Id::from_u128(1),
            sending: Id::from_u128(2),
            body: IpaCode::parse("c_g999").unwrap(),
            registration: Some(Id::from_u128(3)),
            channel: Channel::Pec,
            recipient_name: "Prova <Due>".into(),
            address: "ente@pec.test".into(),
            recipient_body: None,
            confirmation_asked: true,
            created_at: 1,
            state,
            exchange_state: "pending".into(),
            proposal: proposal.map(str::to_owned),
            reminders: 0,
            changed_at: 1,
            text: "Si trasmette.".into(),
            notice: None,
            created_by: "system".into(),
        };
        Watched { delivery, number: Some("0001234/2026".into()) }
    }

    impl Sampled for ListPage {
        fn samples(view: View) -> Vec<Self> {
            let counts = [(DeliveryState::Delivered, 2), (DeliveryState::DeliveryError, 1)];
            let lines = DeliveryState::ALL.map(|state| delivery(state, Some("other-channel"))).to_vec();
            let chips = || chips(&view, None, &counts);
            let next = Some("/deliveries?state=&cursor=x".into());
            let full = Self { view: view.clone(), chips: chips(), lines, next, stuck: 2 };
            vec![full, Self { chips: chips(), view, lines: Vec::new(), next: None, stuck: 0 }]
        }
    }

    fn opened(state: DeliveryState, step: Step) -> Opened {
        let fact = |event, attempt| KnownFact {
            fact: domain::message::Fact { attempt, event, at: Timestamp::UNIX_EPOCH },
            evidence: Some("ab".repeat(32)),
            verdict: Some("valid".into()),
            note: Some("552 <pieno>".into()),
            learned_at: 1,
        };
        let answer = |answer| KnownAnswer {
            answer,
            at: 1,
            own_identifier: Some("p_po A PG 0020145 2026-11-23".into()),
            reason: Some("000_Irricevibile".into()),
            evidence: None,
            learned_at: 1,
        };
        Opened {
            watched: delivery(state, Some("check-server")),
            facts: vec![
                fact(Event::Submitted, 1),
                fact(Event::NotSubmitted { transient: true }, 1),
                fact(Event::Accepted { external: false }, 1),
                fact(Event::Rejected { cause: domain::message::Cause::Other }, 1),
                fact(Event::LateNotice, 1),
                fact(Event::Expired, 1),
                fact(Event::DeliveryError { cause: domain::message::Cause::FullBox }, 1),
                fact(Event::Delivered { form: Some(domain::message::ReceiptForm::Complete) }, 2),
                fact(Event::ClosedByOfficer, 2),
            ],
            answers: vec![
                answer(Answer::Confirmed),
                answer(Answer::Updated),
                answer(Answer::Exception { anomaly: None }),
                answer(Answer::CancelledBySender),
                answer(Answer::CancelledByRecipient),
            ],
            attempts: Vec::new(),
            sent_at: Some(Timestamp::UNIX_EPOCH),
            received_at: Some(Timestamp::UNIX_EPOCH),
            exchange: domain::message::ExchangeState::Confirmed,
            step,
        }
    }

    impl Sampled for DeliveryPage {
        fn samples(view: View) -> Vec<Self> {
            let at = Timestamp::UNIX_EPOCH;
            let page = |state, step, invalid: &Invalid| {
                arrange(view.clone(), opened(state, step), RoadForm::default(), invalid, true)
            };
            let wrong = on_the_form(Invalid::one("/recipients/0/address", "bad-address"));
            vec![
                page(
                    DeliveryState::DeliveryError,
                    Step::Officer(domain::message::Proposal::CheckServer),
                    &wrong,
                ),
                page(DeliveryState::Delivered, Step::Done, &Invalid::default()),
                page(DeliveryState::Queued, Step::HandOver { attempt: 1, at }, &Invalid::default()),
                page(DeliveryState::Accepted, Step::Wait { until: at }, &Invalid::default()),
                page(
                    DeliveryState::Expired,
                    Step::TryAgain { attempt: 2, at, tell: None },
                    &Invalid::default(),
                ),
            ]
        }
    }

    impl Sampled for StuckPage {
        fn samples(view: View) -> Vec<Self> {
            let row = |state: &str| Outgoing {
                id: Id::from_u128(4),
                body: IpaCode::parse("c_g999").unwrap(),
                delivery: Id::from_u128(1),
                attempt: 1,
                channel: Channel::Pec,
                message_id: "<a@b>".into(),
                state: state.into(),
                due_at: 1,
                tries: 3,
                last_error: Some("connection refused".into()),
                raw_sha256: None,
            };
            let one = |state: &str| (row(state), delivery(DeliveryState::Queued, None));
            let lines = vec![one("stuck"), one("waiting")];
            vec![Self { view: view.clone(), lines }, Self { view, lines: Vec::new() }]
        }
    }

    #[test]
    fn every_sample_reads_well() {
        crate::view::testing::check_pages::<ListPage>();
        crate::view::testing::check_pages::<DeliveryPage>();
        crate::view::testing::check_pages::<StuckPage>();
    }
}
