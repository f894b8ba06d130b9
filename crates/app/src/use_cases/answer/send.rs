//! Sending an answer: compose and seal, then register and queue in one transaction.

use super::letters::{Letter, data, template};
use super::{Answer, draft};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::dossier::doer;
use crate::use_cases::exchange::send::{self as sending, Recipient, Sending};
use crate::use_cases::papers::{GivenOut, give_out};
use crate::use_cases::register::files::{ReceivedFile, receive_bytes};
use crate::use_cases::register::register_document::{NewDocument, Registered, prepare};
use crate::use_cases::{bodies, case};
use documents::pdf::{PageSize, Paper};
use domain::Invalid;
use domain::body::{Body, IpaCode};
use domain::case::Case;
use domain::dossier::{Confidentiality, Dossier};
use domain::ids::{CaseId, DeliveryId, RegistrationId};
use domain::message::Channel;
use domain::register::{Correspondent, CorrespondentKind, Direction, NewRegistration};
use store::{cases, drafts, register};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The outgoing entry.
    pub registration: RegistrationId,
    /// Number and year, as on pages.
    pub label: String,
    /// The deliveries, in the order of the recipients.
    pub deliveries: Vec<DeliveryId>,
}

/// Composes and seals the act, registers it as outgoing in the case's dossier and queues it for every recipient; then the
/// draft is thrown away. Nothing is kept when any of it is refused.
///
/// # Errors
/// `Invalid` with a pointer for each field; `NotFound` for who may not see the case; `Refusal` when it is closed.
pub async fn send(ctx: &Context, id: CaseId, answer: Answer) -> Result<Sent> {
    ctx.may(Verb::WriteAnswer)?;
    ctx.may(Verb::SendAct)?;
    check(&answer)?;
    // Only the last write claims the key of a repeatable request: what is refused before it may be sent again.
    let before = Context { claim: None, ..ctx.clone() };
    let (it, wanted) = (ctx.clone(), id.clone());
    let (found, dossier) = before.write(move |tx| case::load(tx, &it, &wanted, "case.answer", true)).await?;
    dossier.state.must_be_open()?;
    let body = bodies::find(ctx, ctx.actor.body.as_str()).await?;
    let mut recipients = recipients(&answer)?;
    for to in &mut recipients {
        // The register holds the name a body bears today; an unknown code is refused further on, with its field.
        if let Some(code) = &to.body
            && let Ok(known) = bodies::find(ctx, code.as_str()).await
        {
            to.name = known.name;
        }
    }
    let (file, act) = compose(&before, &answer, &body, &found).await?;
    let document = NewDocument {
        new: entry(ctx, &answer, &body, &dossier, &found, &recipients)?,
        document: file,
        attachments: Vec::new(),
        assignments: Vec::new(),
        idempotency_key: None,
    };
    let prepared = prepare(&before, document).await?;
    let what = Sending { registration: prepared.id().clone(), text: answer.text.clone(), recipients };
    sending::check(ctx, &what)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let Registered::New(registration) = prepared.record(tx)? else { return Err(Error::Conflict) };
        act.conclude(tx)?;
        let account = it.actor.account.clone().ok_or(Error::NotFound)?;
        register::place(tx, &it.actor.body, &registration.id, Some(&dossier.id), Some(&found.id), &account)?;
        let deliveries = sending::record(tx, &it, &what)?;
        let (tag, about) = (it.actor.tag(), Some(registration.id.as_str()));
        cases::happened(tx, &found.id, doer(&it.actor, &tag), "case.answer", about, None)?;
        drafts::discard(tx, it.actor.owner().unwrap_or(&account), draft::KIND, found.id.as_str())?;
        Ok(Sent { label: registration.full_label(), registration: registration.id, deliveries })
    })
    .await
}

fn check(answer: &Answer) -> std::result::Result<(), Invalid> {
    let mut faults = Invalid::default();
    for (pointer, text) in
        [("/subject", &answer.subject), ("/recipient", &answer.recipient), ("/text", &answer.text)]
    {
        if text.trim().is_empty() {
            faults.add(pointer, "required");
        }
    }
    if answer.to.is_empty() {
        faults.add("/to", "at-least-one");
    }
    faults.or(())
}

fn recipients(answer: &Answer) -> std::result::Result<Vec<Recipient>, Invalid> {
    let one = |(i, to): (usize, &super::To)| {
        let wrong = |field: &str| Invalid::with(format!("/to/{i}/{field}"), "bad-code", to.channel.clone());
        let (channel, body) = match to.channel.as_str() {
            "hub" => (Channel::Hub, Some(IpaCode::parse(&to.address)?)),
            "pec" => (Channel::Pec, None),
            "email" => (Channel::Email, None),
            _ => return Err(wrong("channel")),
        };
        let (name, address) = (to.name.trim().to_owned(), to.address.trim().to_owned());
        Ok(Recipient { name, channel, address, body, confirm: channel != Channel::Email })
    };
    answer.to.iter().enumerate().map(one).collect()
}

/// The act as a PDF/A, tagged, with its code and the body's seal. The number is not printed on it: it is given after, and stands in the segnatura.
async fn compose(
    ctx: &Context,
    answer: &Answer,
    body: &Body,
    case: &Case,
) -> Result<(ReceivedFile, GivenOut)> {
    let office = office(body, case);
    let template = template(ctx, &answer.letter).await?;
    let mut blocks = template.render(&data(ctx, answer, &office)).map_err(|faults| {
        let mut invalid = Invalid::default();
        for fault in faults {
            invalid.add(format!("/{}", fault.field.unwrap_or_default()), fault.code);
        }
        invalid
    })?;
    let paper = |mark| {
        blocks.push(mark);
        Paper {
            title: answer.subject.trim().to_owned(),
            language: "it".into(),
            author: body.name.clone(),
            made_at: ctx.moment.local(),
            size: PageSize::A4,
            header: vec![body.name.clone(), office],
            footer: Vec::new(),
            page_counter: "{page} / {pages}".into(),
            stamp: Vec::new(),
            blocks,
        }
    };
    let sealed = give_out(ctx, "act", case.id.as_str(), paper).await?;
    // A letter of the house gives its name to the file; the id of a template would tell nobody anything.
    let name = Letter::of(&answer.letter).map_or("lettera", |letter| letter.key);
    let name = format!("{name}.pdf");
    let file = receive_bytes(ctx, &ctx.actor.body, "/document", &name, &sealed.bytes).await?;
    Ok((file, sealed))
}

/// Name of the office of a case, or of the body when it has none.
fn office(body: &Body, case: &Case) -> String {
    let unit = body.offices.iter().find(|unit| Some(&unit.id) == case.unit.as_ref());
    unit.map_or_else(|| body.name.clone(), |unit| unit.name.clone())
}

fn entry(
    ctx: &Context,
    answer: &Answer,
    body: &Body,
    dossier: &Dossier,
    case: &Case,
    recipients: &[Recipient],
) -> Result<NewRegistration> {
    let unit = body.offices.iter().find(|unit| Some(&unit.id) == ctx.actor.unit.as_ref());
    let aoo = unit.map(|unit| unit.aoo.clone()).or_else(|| body.aoos.first().map(|aoo| aoo.code.clone()));
    let correspondent = |to: &Recipient| Correspondent {
        kind: if to.body.is_some() { CorrespondentKind::Body } else { CorrespondentKind::Person },
        name: to.name.clone(),
        tax_code: None,
        digital_domicile: to.body.is_none().then(|| to.address.clone()),
        body: to.body.clone(),
    };
    let class = Some(answer.classification.trim().to_owned()).filter(|class| !class.is_empty());
    Ok(NewRegistration {
        body: body.ipa_code.clone(),
        aoo: aoo.ok_or_else(|| Invalid::one("/aoo", "unknown-aoo"))?,
        register: None,
        direction: Direction::Outgoing,
        subject: answer.subject.trim().to_owned(),
        correspondents: recipients.iter().map(correspondent).collect(),
        classification: class.or_else(|| Some(dossier.classification.clone())),
        case: Some(case.id.clone()),
        dossier: Some(dossier.id.clone()),
        confidential: dossier.confidentiality > Confidentiality::Office,
        received_at: None,
        sender_reference: None,
    })
}
