//! Sending an entry that is already registered: to bodies of the hub, certified mail and e-mail in one act.

use crate::error::Fault;
use crate::pages::answer::{BODIES, recipients};
use crate::pages::html;
use crate::view::{Choice, Faults, Sampled, View};
use crate::who::Who;
use app::use_cases::bodies;
use app::use_cases::exchange::{self, Recipient, Sending};
use app::use_cases::register::read::open_whole;
use app::{Context, Error};
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::Invalid;
use domain::body::{Body, IpaCode};
use domain::ids::RegistrationId;
use domain::message::Channel;
use domain::register::Registration;

/// The page.
#[derive(Template)]
#[template(path = "register/send.html")]
pub struct SendPage {
    view: View,
    entry: Registration,
    typed: Typed,
    hub: Vec<Choice>,
    warned: bool,
    faults: Faults,
}

/// What was typed.
#[derive(Debug, Clone, Default)]
struct Typed {
    hub: Vec<String>,
    pec: String,
    email: String,
    text: String,
    confirm: bool,
    again: bool,
}

type Pairs = Vec<(String, String)>;

impl Typed {
    fn read(pairs: &Pairs) -> Self {
        let value = |name: &str| {
            pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        Self {
            hub: pairs.iter().filter(|(key, _)| key == "hub").map(|(_, code)| code.clone()).collect(),
            pec: value("pec"),
            email: value("email"),
            text: value("text"),
            confirm: value("confirm") == "true",
            again: value("again") == "true",
        }
    }

    /// The correspondents of the entry, each by the road that is due: within the hub, else certified mail.
    fn of(entry: &Registration, inside: &[Body]) -> Self {
        let known = |code: &IpaCode| inside.iter().any(|body| &body.ipa_code == code);
        let (mut hub, mut pec) = (Vec::new(), Vec::new());
        for one in &entry.correspondents {
            match (&one.body, &one.digital_domicile) {
                (Some(code), _) if known(code) => hub.push(code.to_string()),
                (_, Some(address)) => pec.push(format!("{}; {address}", one.name)),
                _ => {}
            }
        }
        Self { hub, pec: pec.join("\n"), confirm: true, ..Self::default() }
    }
}

/// `GET /register/{id}/send`
pub async fn form(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    page(&ctx, view, &entry_id(&id)?, None, &Invalid::default()).await
}

/// `POST /register/{id}/send`
pub async fn send(
    Who(ctx): Who,
    view: View,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Fault> {
    let id = entry_id(&id)?;
    let typed = Typed::read(&pairs);
    let inside = inside(&ctx).await?;
    let outcome = match addressed(&pairs, &typed, &inside) {
        Ok(recipients) => {
            let what = Sending { registration: id.clone(), text: typed.text.clone(), recipients };
            send_once(&ctx, what, typed.again).await
        }
        Err(invalid) => Err(invalid.into()),
    };
    match outcome {
        Ok(_) => Ok(Redirect::to(&format!("/register/{id}?done=entry-sent")).into_response()),
        Err(Error::Invalid(invalid)) => page(&ctx, view, &id, Some(typed), &on_page(invalid)).await,
        Err(other) => Err(other.into()),
    }
}

/// Sends, unless somebody got the same document before and it was not said to be wanted.
async fn send_once(ctx: &Context, what: Sending, again: bool) -> Result<(), Error> {
    if !again {
        exchange::warned(&exchange::sent_before(ctx, &what).await?).or(())?;
    }
    exchange::send(ctx, what).await.map(drop)
}

fn addressed(pairs: &Pairs, typed: &Typed, inside: &[Body]) -> Result<Vec<Recipient>, Invalid> {
    recipients(pairs)
        .into_iter()
        .map(|to| {
            let channel = Channel::parse(&to.channel).unwrap_or(Channel::Pec);
            let is_hub = channel == Channel::Hub;
            let body = is_hub.then(|| IpaCode::parse(&to.address)).transpose();
            let body = body.map_err(|_| Invalid::with("/hub", "unknown-body", to.address.clone()))?;
            let known = inside.iter().find(|one| Some(&one.ipa_code) == body.as_ref());
            let name = known.map_or(to.name, |one| one.name.clone());
            Ok(Recipient { name, channel, address: to.address, body, confirm: is_hub && typed.confirm })
        })
        .collect()
}

/// Faults of recipients belong to the field in which they were typed; the page has one field for all of a road.
fn on_page(mut invalid: Invalid) -> Invalid {
    for fault in &mut invalid.errors {
        if fault.pointer.starts_with("/recipients") {
            fault.pointer = "/pec".into();
        }
    }
    invalid
}

/// Bodies that work in this installation, the actor's own left out.
async fn inside(ctx: &Context) -> Result<Vec<Body>, Fault> {
    let (mut all, _) = bodies::list(ctx, None, BODIES).await?;
    all.retain(|body| body.inside && body.valid_to.is_none() && body.ipa_code != ctx.actor.body);
    Ok(all)
}

async fn page(
    ctx: &Context,
    view: View,
    id: &RegistrationId,
    typed: Option<Typed>,
    invalid: &Invalid,
) -> Result<Response, Fault> {
    let entry = open_whole(ctx, id.clone()).await?.registration;
    let inside = inside(ctx).await?;
    let typed = typed.unwrap_or_else(|| Typed::of(&entry, &inside));
    let status = if invalid.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, html(&arrange(view, entry, typed, &inside, invalid))?).into_response())
}

fn arrange(view: View, entry: Registration, typed: Typed, inside: &[Body], invalid: &Invalid) -> SendPage {
    let choice = |body: &Body| Choice {
        value: body.ipa_code.to_string(),
        label: body.name.clone(),
        selected: typed.hub.iter().any(|code| *code == body.ipa_code.as_str()),
    };
    let hub = inside.iter().map(choice).collect();
    let warned = typed.again || invalid.errors.iter().any(|fault| fault.code == "sent-before");
    SendPage { hub, warned, faults: view.faults(invalid), entry, typed, view }
}

fn entry_id(text: &str) -> Result<RegistrationId, Fault> {
    crate::api::registrations::registration_id(text)
}

impl Sampled for SendPage {
    fn samples(view: View) -> Vec<Self> {
        let entry = super::entry::sample_entry(false);
        let wrong = on_page(Invalid::one("/recipients", "at-least-one"));
        let typed = Typed { pec: "Prova Uno; uno@pec.prova.test".into(), ..Typed::of(&entry, &[]) };
        vec![arrange(view, entry, typed, &[], &wrong)]
    }
}

#[cfg(test)]
mod tests {
    use super::SendPage;

    #[test]
    fn every_sample_reads_well() {
        crate::view::testing::check_pages::<SendPage>();
    }
}
