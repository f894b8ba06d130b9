//! The last hour of the demo: what goes wrong on the roads outward, and what registers answer to each other.
//!
//! The circulars of the history bring what needs time (the notices of twelve and twenty-four hours). Here are the
//! rest of the states of a delivery: a virus on either side, a first server that puts off or refuses, a recipient
//! outside certified mail, one that an officer gave up; then an exception, and annulments in both directions. All
//! are sent, refused and annulled by the same use cases as anybody's; the provider is told by the addresses how to
//! misbehave.

use super::cast::Cast;
use super::outside::Outside;
use crate::use_cases::exchange::register_inbound::{Changes, refuse, register_inbound};
use crate::use_cases::exchange::{Recipient, Sending, decide, desk, send};
use crate::use_cases::register::annul::annul;
use crate::use_cases::register::files::receive_bytes;
use crate::use_cases::register::register_document::{NewDocument, Registered, register_document};
use crate::{App, Context, Error, Result};
use domain::body::{Body, IpaCode};
use domain::ids::{DeliveryId, InboundId, RegistrationId};
use domain::message::{Anomaly, Channel};
use domain::register::{Correspondent, CorrespondentKind, Direction, NewRegistration};
use domain::{Moment, Role};
use jiff::ToSpan;
use std::sync::Arc;

/// Minutes before the end at which letters leave, are answered, and are annulled: after the last circular.
const STAGES: [i64; 3] = [45, 30, 15];

/// Boxes by the word that says how the provider misbehaves; the last is outside certified mail.
const BOXES: &[&str] = &[
    "virus.prova@pec.impresa.test",
    "infetta.prova@pec.impresa.test",
    "occupata.prova@pec.impresa.test",
    "respinta.prova@pec.impresa.test",
    "prova.due@posta.test",
];
/// The box that does not exist, of which the officer hears by telephone.
const CEASED: &str = "inesistente.cessata@pec.impresa.test";

/// What is written about; each subject is of one letter, and finds it again in the inbox of whoever received it.
const INVITATION: &str = "Convocazione del tavolo tecnico sulla viabilità";
const UNREADABLE: &str = "Trasmissione di elaborati per il parere di competenza";
const DOUBLE: &str = "Richiesta di contributo per la manutenzione della strada provinciale";
const MISDIRECTED: &str = "Segnalazione su un impianto fuori dal territorio";
const WITHDRAWN: &str = "Comunicazione di avvio di lavori sulla rete idrica";
/// The act by which the entries of the demo are annulled.
const ORDER: &str = "Provvedimento di prova n. 2";

/// Plays the last hour; the clock stands some minutes before `until` afterwards. A world without a provider carries
/// nothing, so nobody answers in it.
///
/// # Errors
/// Those of the use cases and of the world outside.
pub async fn play(
    app: &Arc<App>,
    cast: &Cast,
    bodies: &[&Body],
    until: Moment,
    outside: &impl Outside,
) -> Result<()> {
    let [capital, near, far, other, ..] = bodies else {
        return Err(Error::Bug("the demo has four bodies at work".to_owned()));
    };
    let at = |minutes: i64| Moment::new(until.at.checked_sub(minutes.minutes()).unwrap_or(until.at));
    app.clock.set(at(STAGES[0]));
    let given_up = to_boxes(cast, capital).await?;
    letter(cast, capital, UNREADABLE, vec![by_mail(near)]).await?;
    let double = letter(cast, capital, DOUBLE, vec![in_hub(far, true)]).await?;
    letter(cast, capital, MISDIRECTED, vec![in_hub(other, true)]).await?;
    let withdrawn = letter(cast, near, WITHDRAWN, vec![in_hub(capital, false)]).await?;
    outside.leave().await?;
    app.clock.set(at(STAGES[1]));
    outside.arrive().await?;
    decide::give_up(
        &clerk(cast, &capital.ipa_code)?,
        given_up,
        "Impresa cessata: lo conferma il registro imprese",
    )
    .await?;
    exception(cast, near).await?;
    registered(cast, far, DOUBLE).await?;
    let misdirected = registered(cast, other, MISDIRECTED).await?;
    outside.leave().await?;
    app.clock.set(at(STAGES[2]));
    annulled(cast, capital, double, "Registrata due volte: vale la prima").await?;
    annulled(cast, near, withdrawn, "Inviata all’ente sbagliato").await?;
    if let Some(entry) = misdirected {
        annulled(cast, other, entry, "Non di competenza: registrata per errore").await?;
    }
    outside.leave().await
}

/// One invitation to every box that misbehaves; answers the delivery that will be given up.
async fn to_boxes(cast: &Cast, capital: &Body) -> Result<DeliveryId> {
    let to = |address: &&str| Recipient {
        name: format!("Impresa {} Prova S.r.l.", address.split('.').next().unwrap_or_default()),
        channel: Channel::Pec,
        address: (*address).to_owned(),
        body: None,
        confirm: false,
    };
    let recipients: Vec<Recipient> = BOXES.iter().chain([&CEASED]).map(to).collect();
    let (_, sent) = write(cast, capital, INVITATION, recipients).await?;
    sent.into_iter().last().ok_or_else(|| Error::Bug("an invitation without recipients".to_owned()))
}

async fn letter(cast: &Cast, from: &Body, subject: &str, to: Vec<Recipient>) -> Result<RegistrationId> {
    write(cast, from, subject, to).await.map(|(entry, _)| entry)
}

/// Registers a letter of a body and sends it.
async fn write(
    cast: &Cast,
    from: &Body,
    subject: &str,
    recipients: Vec<Recipient>,
) -> Result<(RegistrationId, Vec<DeliveryId>)> {
    let ctx = clerk(cast, &from.ipa_code)?;
    let text = format!("{subject}.\n{}\nAtto di dimostrazione: persone e fatti sono inventati.\n", from.name);
    let document = receive_bytes(&ctx, &from.ipa_code, "/document", "lettera.txt", text.as_bytes()).await?;
    let new = entry(from, subject, &recipients)?;
    let what = NewDocument { new, document, attachments: vec![], assignments: vec![], idempotency_key: None };
    let entry = match register_document(&ctx, what).await? {
        Registered::New(entry) => entry.id,
        Registered::Before(entry) => entry,
    };
    let text = "Si trasmette l’atto in oggetto.".to_owned();
    let sent = send(&ctx, Sending { registration: entry.clone(), text, recipients }).await?;
    Ok((entry, sent))
}

fn entry(from: &Body, subject: &str, to: &[Recipient]) -> Result<NewRegistration> {
    let area = from.aoos.first().ok_or_else(|| Error::Bug("a living body has an area".to_owned()))?;
    let correspondent = |to: &Recipient| Correspondent {
        kind: if to.body.is_some() { CorrespondentKind::Body } else { CorrespondentKind::Firm },
        name: to.name.clone(),
        tax_code: None,
        digital_domicile: Some(to.address.clone()).filter(|address| !address.is_empty()),
        body: to.body.clone(),
    };
    Ok(NewRegistration {
        body: from.ipa_code.clone(),
        aoo: area.code.clone(),
        register: None,
        direction: Direction::Outgoing,
        subject: subject.to_owned(),
        correspondents: to.iter().map(correspondent).collect(),
        classification: None,
        case: None,
        dossier: None,
        confidential: false,
        received_at: None,
        sender_reference: None,
    })
}

/// The receiving body cannot open what came: its exception goes back (Annex 6).
async fn exception(cast: &Cast, body: &Body) -> Result<()> {
    let clerk = clerk(cast, &body.ipa_code)?;
    let Some(message) = waiting(&clerk, UNREADABLE).await? else { return Ok(()) };
    refuse(&clerk, &message, Anomaly::Unreadable, "il documento non si apre: rimandarlo in PDF/A").await
}

/// The receiving body registers what came; its confirmation goes back.
async fn registered(cast: &Cast, body: &Body, subject: &str) -> Result<Option<RegistrationId>> {
    let clerk = clerk(cast, &body.ipa_code)?;
    let Some(message) = waiting(&clerk, subject).await? else { return Ok(None) };
    register_inbound(&clerk, &message, Changes::default()).await.map(Some)
}

/// The message of the inbox that carries a letter.
async fn waiting(clerk: &Context, subject: &str) -> Result<Option<InboundId>> {
    let page = desk::list(clerk, "waiting", None).await?;
    let found = page.lines.into_iter().find(|line| line.message.subject.ends_with(subject));
    Ok(found.map(|line| line.message.id))
}

async fn annulled(cast: &Cast, body: &Body, entry: RegistrationId, reason: &str) -> Result<()> {
    let manager = cast.context(&body.ipa_code, Role::RecordsManager)?;
    annul(&manager, entry, reason.to_owned(), ORDER.to_owned()).await
}

fn clerk(cast: &Cast, body: &IpaCode) -> Result<Context> {
    cast.context(body, Role::RegistryClerk)
}

fn in_hub(to: &Body, confirm: bool) -> Recipient {
    Recipient {
        name: to.name.clone(),
        channel: Channel::Hub,
        address: String::new(),
        body: Some(to.ipa_code.clone()),
        confirm,
    }
}

fn by_mail(to: &Body) -> Recipient {
    Recipient {
        channel: Channel::Pec,
        address: to.digital_domicile.clone().unwrap_or_default(),
        ..in_hub(to, true)
    }
}
