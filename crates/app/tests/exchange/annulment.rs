//! What an annulment does to the entries of other registers.

use super::{PRATO_PEC, Pact, VERNIO_PEC, endpoint, hub, pec};
use app::Error;
use app::use_cases::exchange::register_inbound::{Changes, register_inbound};
use app::use_cases::exchange::{Recipient, Sending, desk, rules, send};
use app::use_cases::register::annul::annul;
use app::use_cases::register::history::history;
use app::use_cases::register::read::open_whole;
use app::workers::receive;
use channels::pec::Submission;
use channels::{Attachment, Channel as _, Letter, Outgoing, compose};
use documents::segnatura::{Coded, ExchangeMessage, Identifier, Received};
use domain::Role;
use domain::body::IpaCode;
use domain::message::DeliveryState;

use super::support::{BODY, OTHER};

const ORDER: &str = "Det. 90 del 23/11/2026";

#[tokio::test(flavor = "multi_thread")]
async fn register_scenario_03_cancelled_entry_is_told_once_the_send_is_complete() {
    let pact = Pact::new().await;
    let (entry, sent) = pact.send(&[hub(OTHER), pec("inesistente@pec.altri.test", None)]).await;
    pact.settle().await;
    annul(&pact.house.manager(), entry.clone(), "Doppione".into(), ORDER.into()).await.unwrap();
    pact.settle().await;
    let waiting = pact.inbox(OTHER).await;
    assert_eq!(waiting.len(), 1, "the flow is not complete: no notice yet");
    assert_eq!(pact.state(&sent[1]).await, DeliveryState::ClosedByOfficer, "what failed is not tried again");
    assert_eq!(pact.delivery(&sent[0]).await.0.exchange_state, "awaiting_confirmation");

    let clerk = pact.clerk(OTHER);
    let theirs = register_inbound(&clerk, &waiting[0].message.id, Changes::default()).await.unwrap();
    pact.settle().await;
    let (delivery, answers) = pact.delivery(&sent[0]).await;
    assert_eq!(delivery.exchange_state, "cancelled_by_sender");
    assert!(answers.iter().any(|one| one.reason.as_deref() == Some("Det. 90 del 23/11/2026: Doppione")));
    assert!(pact.inbox(OTHER).await.is_empty(), "the notice is attached, not left to a person");
    let page = desk::list(&clerk, "attached", None).await.unwrap();
    assert_eq!(page.lines[0].registration.as_ref(), Some(&theirs), "it is linked to what it is about");
    let story = history(&clerk, theirs.clone()).await.unwrap();
    assert_eq!(story[0].verb, "registration.sender-annul");
    assert_eq!(tasks(&pact, OTHER, "sender-annulled").await, 1);
    let shown = open_whole(&clerk, theirs).await.unwrap();
    assert!(shown.registration.annulment.is_none(), "its own records manager decides whether to annul it");

    let recipients = vec![pec("ditta@pec.altri.test", None)];
    let again =
        send(&pact.clerk(BODY), Sending { registration: entry, text: String::new(), recipients }).await;
    assert!(matches!(again, Err(Error::Refusal(_))), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_leave_does_not_leave_once_its_entry_is_annulled() {
    let pact = Pact::new().await;
    let (entry, sent) = pact.send(&[hub(OTHER), pec("ditta@pec.altri.test", None)]).await;
    annul(&pact.house.manager(), entry, "Doppione".into(), ORDER.into()).await.unwrap();
    pact.settle().await;
    for id in &sent {
        assert_eq!(pact.state(id).await, DeliveryState::ClosedByOfficer);
    }
    assert!(pact.inbox(OTHER).await.is_empty());
    assert!(pact.sandbox.provider.boxes().list("ditta@pec.altri.test", "INBOX").unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_learns_that_the_recipient_annulled_its_entry() {
    let pact = Pact::new().await;
    let (_, sent) = pact.send(&[hub(OTHER)]).await;
    pact.settle().await;
    let message = pact.inbox(OTHER).await[0].message.id.clone();
    let theirs = register_inbound(&pact.clerk(OTHER), &message, Changes::default()).await.unwrap();
    pact.settle().await;
    let manager = pact.house.person(2, OTHER, &[Role::RecordsManager]);
    annul(&manager, theirs, "Registrato due volte".into(), ORDER.into()).await.unwrap();
    pact.settle().await;
    let (delivery, answers) = pact.delivery(&sent[0]).await;
    assert_eq!(delivery.exchange_state, "cancelled_by_recipient");
    assert!(answers.iter().any(|one| one.reason.as_deref() == Some("Registrato due volte")), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_message_that_its_sender_annulled_is_marked_and_not_registered_unseen() {
    let mut pact = Pact::new().await;
    let unconfirmed = Recipient { confirm: false, ..hub(OTHER) };
    let (entry, _) = pact.send(&[unconfirmed]).await;
    pact.settle().await;
    let waiting = pact.inbox(OTHER).await[0].message.id.clone();
    let clerk = pact.clerk(OTHER);
    assert_eq!(desk::open(&clerk, waiting.clone()).await.unwrap().annulled, None);
    annul(&pact.house.manager(), entry, "Doppione".into(), ORDER.into()).await.unwrap();
    pact.settle().await;
    let page = desk::list(&clerk, "waiting", None).await.unwrap();
    assert_eq!(page.annulled, std::slice::from_ref(&waiting), "the list marks it");
    let said = desk::open(&clerk, waiting.clone()).await.unwrap().annulled.unwrap();
    assert!(said.contains("Doppione") && said.contains(ORDER), "{said}");
    pact.exchange.automatic.insert(IpaCode::parse(OTHER).unwrap());
    assert_eq!(receive::register_by_rule(&pact.exchange).await.unwrap(), 0, "no rule registers it");
    let unseen = register_inbound(&clerk, &waiting, Changes::default()).await;
    assert!(matches!(unseen, Err(Error::Refusal(why)) if why.code == "sender-annulled"));
    let seen = Changes { despite_annulment: true, ..Changes::default() };
    register_inbound(&clerk, &waiting, seen).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_chooses_to_register_by_itself_and_to_stop_whatever_the_configuration_says() {
    let mut pact = Pact::new().await;
    let manager = pact.house.person(2, OTHER, &[Role::RecordsManager]);
    rules::choose(&manager, Some(true)).await.unwrap();
    pact.send(&[hub(OTHER)]).await;
    pact.settle().await;
    assert_eq!(receive::register_by_rule(&pact.exchange).await.unwrap(), 1);
    pact.exchange.automatic.insert(IpaCode::parse(OTHER).unwrap());
    rules::choose(&manager, Some(false)).await.unwrap();
    pact.send(&[hub(OTHER)]).await;
    pact.settle().await;
    assert_eq!(receive::register_by_rule(&pact.exchange).await.unwrap(), 0);
    rules::choose(&manager, None).await.unwrap();
    assert_eq!(receive::register_by_rule(&pact.exchange).await.unwrap(), 1, "the file decides again");
    let body = IpaCode::parse(OTHER).unwrap();
    let leaves = manager.read(move |r| Ok(store::journal::of_subject(r, &body, OTHER)?)).await.unwrap();
    assert_eq!(leaves.iter().filter(|leaf| leaf.verb == "exchange.rule.set").count(), 3);
    assert!(rules::choose(&pact.clerk(OTHER), Some(true)).await.is_err(), "not for a clerk");
}

/// A registration as other registers cite it.
fn cited(body: &str, aoo: &str, number: &str) -> Identifier {
    Identifier {
        administration: Coded::new(body),
        aoo: Coded::new(aoo),
        register: Some("RG".into()),
        number: number.into(),
        date: "2026-11-23".parse().unwrap(),
        time: None,
    }
}

fn cancellation(own: Identifier) -> ExchangeMessage {
    ExchangeMessage::Cancellation { own, reason: "Doppione".into(), act: ORDER.into() }
}

/// Sends a notice of Annex 6 from one box to another, as the product of another house would.
async fn notice(pact: &Pact, message: &ExchangeMessage, from: &str, to: &str) {
    let letter = Letter {
        message_id: format!("{}@{from}", message.file_name()),
        from_name: "Ente di prova".into(),
        from: from.into(),
        to: vec![to.into()],
        cc: vec![],
        subject: message.file_name().into(),
        written_at: 1_795_424_400,
        answers: None,
        receipt: None,
        text: String::new(),
        attachments: vec![Attachment {
            name: message.file_name().into(),
            media_type: "application/xml".into(),
            bytes: message.write().unwrap().into_bytes(),
        }],
    };
    let road = Submission::new(&endpoint(&pact.sandbox, pact.sandbox.smtps.port(), from)).unwrap();
    let raw = compose(&letter);
    road.hand_over(&Outgoing { from: from.into(), to: letter.to.clone(), raw }).await.unwrap();
    receive::run_once(&pact.exchange).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_annulment_that_comes_before_its_message_is_kept_and_applied() {
    let pact = Pact::new().await;
    let (entry, _) = pact.send(&[pec(VERNIO_PEC, Some(OTHER))]).await;
    let entry = open_whole(&pact.clerk(BODY), entry).await.unwrap().registration;
    let own = || cited(BODY, entry.aoo.as_str(), &entry.number_label());
    // Somebody else cannot annul it, whatever the order.
    notice(&pact, &cancellation(own()), "altri@pec.altri.test", VERNIO_PEC).await;
    notice(&pact, &cancellation(own()), PRATO_PEC, VERNIO_PEC).await;
    assert_eq!(pact.inbox(OTHER).await.len(), 2, "both wait: nothing is known of the entry yet");
    assert_eq!(tasks(&pact, OTHER, "sender-annulled").await, 0);
    pact.settle().await;
    let clerk = pact.clerk(OTHER);
    let page = desk::list(&clerk, "waiting", None).await.unwrap();
    let message = page.annulled.first().expect("the message is marked").clone();
    assert_eq!((page.lines.len(), page.annulled.len()), (2, 1), "the notice of somebody else still waits");
    let said = desk::open(&clerk, message.clone()).await.unwrap().annulled.unwrap();
    assert!(said.contains("Doppione") && said.contains(ORDER), "{said}");
    assert_eq!(tasks(&pact, OTHER, "sender-annulled").await, 1);
    let unseen = register_inbound(&clerk, &message, Changes::default()).await;
    assert!(matches!(unseen, Err(Error::Refusal(why)) if why.code == "sender-annulled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_annulment_that_comes_before_the_confirmation_is_kept_and_applied() {
    let pact = Pact::new().await;
    let (entry, sent) = pact.send(&[pec(VERNIO_PEC, Some(OTHER))]).await;
    pact.settle().await;
    let entry = open_whole(&pact.clerk(BODY), entry).await.unwrap().registration;
    let theirs = || cited(OTHER, "AOOVERNIO", "0000123");
    notice(&pact, &cancellation(theirs()), VERNIO_PEC, PRATO_PEC).await;
    assert_eq!(pact.delivery(&sent[0]).await.0.exchange_state, "awaiting_confirmation");
    let ours = cited(BODY, entry.aoo.as_str(), &entry.number_label());
    let received = Received::Identified { id: Box::new(ours), first: None };
    let confirmation = ExchangeMessage::Confirmation { own: theirs(), received };
    notice(&pact, &confirmation, VERNIO_PEC, PRATO_PEC).await;
    let (delivery, answers) = pact.delivery(&sent[0]).await;
    assert_eq!(delivery.exchange_state, "cancelled_by_recipient");
    assert!(answers.iter().any(|one| one.reason.as_deref() == Some("Doppione")), "{answers:?}");
    assert!(pact.inbox(BODY).await.is_empty(), "neither is left to a person");
}

async fn tasks(pact: &Pact, body: &str, kind: &'static str) -> usize {
    let code = IpaCode::parse(body).unwrap();
    let ctx = pact.clerk(body);
    ctx.read(move |r| Ok(store::tasks::open_causes(r, &code, kind, kind)?)).await.unwrap().len()
}
