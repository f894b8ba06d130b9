//! The exchange from end to end: hub, certified mail over the sandbox's true protocols, receipts, answers.
//!
//! The clocks of program, store and provider are one and are moved by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod annulment;
mod hang_ups;
mod main_job;
mod scenarios;
mod sizes;
#[path = "../support/mod.rs"]
mod support;

use app::seals::{Material, install};
use app::use_cases::exchange::register_inbound::{Changes, refuse, register_inbound};
use app::use_cases::exchange::understand::Details;
use app::use_cases::exchange::{Account, Exchange, Recipient, Sending, decide, desk, send, watch};
use app::workers::{deliver, receive};
use app::{Context, Error};
use channels::pec::{MailboxSettings, Submission};
use channels::{Channel as _, Endpoint, Letter, Outgoing, Security, Trust, compose};
use documents::signature::test_ca::{Holder, TestCa};
use documents::signature::{KeyKind, TrustStore};
use domain::body::IpaCode;
use domain::ids::{DeliveryId, RegistrationId};
use domain::message::{Anomaly, Answer, Channel, DeliveryState};
use domain::{Moment, Role};
use jiff::Timestamp;
use sandbox::{Sandbox, Settings};
use std::sync::Arc;
use store::deliveries::{self, KnownAnswer, StoredDelivery};
use store::inbox::{self, Inbound};
use store::outbox;
use support::{BODY, House, OTHER};

const PRATO_PEC: &str = "protocollo@pec.prato.test";
const VERNIO_PEC: &str = "protocollo@pec.vernio.test";

/// Two bodies that work here, each with a seal and a certified mailbox at the sandbox.
struct Pact {
    house: House,
    sandbox: Sandbox,
    exchange: Exchange,
    authority: TestCa,
    /// Roots of the bodies' seals and of the provider, PEM.
    anchors: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Pact {
    async fn new() -> Self {
        let house = House::new().await;
        let folder = tempfile::tempdir().unwrap();
        let clock = house.app.clock.clone();
        let settings = Settings {
            folder: folder.path().join("pec"),
            clock: Arc::new(move || clock.now().at),
            password: "prova".into(),
            listen: ["127.0.0.1:0".parse().unwrap(); 3],
        };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let mut exchange = Exchange::new(house.app.clone());
        let valid: std::ops::Range<Timestamp> =
            "2026-01-01T00:00:00Z".parse().unwrap().."2030-01-01T00:00:00Z".parse().unwrap();
        let authority = TestCa::create("CA di prova", valid.clone()).unwrap();
        let mut trust = TrustStore::empty();
        trust.add_anchors_pem(&authority.root_pem().unwrap()).unwrap();
        trust.add_anchors_pem(&sandbox.provider.trust_pem().unwrap()).unwrap();
        house.app.seals.set_trust(trust);
        let anchors = [authority.root_pem().unwrap(), sandbox.provider.trust_pem().unwrap()].concat();
        for (code, address) in [(BODY, PRATO_PEC), (OTHER, VERNIO_PEC)] {
            let body = IpaCode::parse(code).unwrap();
            let holder = Holder::seal(code, "VATIT-00000000000");
            let issued = authority.issue(&holder, KeyKind::P256, valid.clone()).unwrap();
            let material = Material::pkcs12(&issued.pkcs12("prova").unwrap(), "prova");
            install(&house.app.system_context(&body), body.clone(), material).await.unwrap();
            let account = account(&sandbox, address, folder.path());
            exchange.pec.insert(body, account);
        }
        Self { house, sandbox, exchange, authority, anchors, _folder: folder }
    }

    /// A body with a product of its own: known here, not at work here.
    async fn outside(&self, code: &str, name: &str) {
        let code = IpaCode::parse(code).unwrap();
        let mut body = support::body(code.as_str(), name, 900);
        body.inside = false;
        let write = move |tx: &mut store::Tx| store::bodies::insert(tx, &body);
        self.house.app.store.write::<_, store::StoreError, _>(write).await.unwrap();
    }

    fn clerk(&self, body: &str) -> Context {
        self.house.person(1, body, &[Role::RegistryClerk])
    }

    /// Registers an outgoing entry of Prato and sends it.
    async fn send(&self, to: &[Recipient]) -> (RegistrationId, Vec<DeliveryId>) {
        let ctx = self.clerk(BODY);
        let mut new = support::incoming("Richiesta di parere");
        new.direction = domain::register::Direction::Outgoing;
        let entry = support::register(&ctx, new, vec![]).await.unwrap();
        let what =
            Sending { registration: entry.id.clone(), text: "Si trasmette.".into(), recipients: to.to_vec() };
        (entry.id, send(&ctx, what).await.unwrap())
    }

    /// Lets everything happen that can happen now.
    async fn settle(&self) {
        for _ in 0..4 {
            deliver::run_once(&self.exchange).await.unwrap();
            receive::run_once(&self.exchange).await.unwrap();
        }
    }

    fn move_to(&self, when: &str) {
        self.house.move_to(when);
        self.sandbox.provider.release().unwrap();
    }

    async fn delivery(&self, id: &DeliveryId) -> (StoredDelivery, Vec<KnownAnswer>) {
        let id = id.clone();
        let ctx = self.clerk(BODY);
        ctx.read(move |r| Ok((deliveries::find(r, &id)?.unwrap(), deliveries::answers(r, &id)?)))
            .await
            .unwrap()
    }

    async fn state(&self, id: &DeliveryId) -> DeliveryState {
        self.delivery(id).await.0.state
    }

    async fn inbox(&self, body: &str) -> Vec<Inbound> {
        let code = IpaCode::parse(body).unwrap();
        let ctx = self.clerk(body);
        let look = store::trace::Look {
            id: ctx.mint(),
            actor: "test".into(),
            body: code.clone(),
            unit: None,
            purpose: "test".into(),
            norm: None,
            case: None,
            subjects: vec![],
        };
        let page =
            ctx.read(move |r| Ok(inbox::page(r, &code, "waiting", (i64::MAX, ""), 100)?)).await.unwrap();
        ctx.app.store.open_traced::<_, Error>(look, page).await.unwrap().into_inner()
    }
}

fn endpoint(sandbox: &Sandbox, port: u16, user: &str) -> Endpoint {
    Endpoint {
        host: "localhost".into(),
        port,
        security: Security::Implicit,
        trust: Trust::Pem(sandbox.provider.trust_pem().unwrap()),
        user: Some(user.into()),
        password: "prova".into(),
    }
}

fn account(sandbox: &Sandbox, address: &str, folder: &std::path::Path) -> Account {
    Account {
        address: address.into(),
        road: Arc::new(Submission::new(&endpoint(sandbox, sandbox.smtps.port(), address)).unwrap()),
        mailbox: Some(MailboxSettings {
            endpoint: endpoint(sandbox, sandbox.imaps.port(), address),
            inbox: "INBOX".into(),
            registered: "Registrati".into(),
            limit: 50 * 1024 * 1024,
            spool: folder.join("spool"),
        }),
    }
}

fn hub(body: &str) -> Recipient {
    Recipient {
        name: "Comune di Vernio".into(),
        channel: Channel::Hub,
        address: String::new(),
        body: Some(IpaCode::parse(body).unwrap()),
        confirm: true,
    }
}

fn pec(address: &str, body: Option<&str>) -> Recipient {
    Recipient {
        name: "Destinatario di prova".into(),
        channel: Channel::Pec,
        address: address.into(),
        body: body.map(|b| IpaCode::parse(b).unwrap()),
        confirm: body.is_some(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn register_scenario_08_confirmation_comes_back_through_the_hub() {
    let pact = Pact::new().await;
    let (_, sent) = pact.send(&[hub(OTHER)]).await;
    pact.settle().await;
    assert_eq!(pact.state(&sent[0]).await, DeliveryState::Delivered);
    let waiting = pact.inbox(OTHER).await;
    let details: Details = serde_json::from_str(&waiting[0].message.details).unwrap();
    let segnatura = details.segnatura.unwrap();
    assert_eq!((waiting.len(), segnatura.administration.as_str()), (1, BODY));
    assert!(segnatura.anomalies.is_empty() && segnatura.signature.starts_with("valid"), "{segnatura:?}");

    let clerk = pact.clerk(OTHER);
    let entry = register_inbound(&clerk, &waiting[0].message.id, Changes::default()).await.unwrap();
    let again = register_inbound(&clerk, &waiting[0].message.id, Changes::default()).await.unwrap();
    assert_eq!(entry, again, "the same message has one number");
    pact.settle().await;
    let (delivery, answers) = pact.delivery(&sent[0]).await;
    assert_eq!(delivery.exchange_state, "confirmed");
    assert!(
        answers[0].own_identifier.as_deref().unwrap().starts_with("c_l775 A1B2C3D RG 0000001 2026-11-23")
    );
    assert!(pact.inbox(BODY).await.is_empty(), "the confirmation is attached, not left to a person");
}

#[tokio::test(flavor = "multi_thread")]
async fn register_scenario_08_confirmation_over_certified_mail_and_by_rule() {
    let mut pact = Pact::new().await;
    pact.exchange.automatic.insert(IpaCode::parse(OTHER).unwrap());
    let (_, sent) = pact.send(&[pec(VERNIO_PEC, Some(OTHER))]).await;
    pact.settle().await;
    assert_eq!(receive::register_by_rule(&pact.exchange).await.unwrap(), 1);
    pact.settle().await;
    let (delivery, _) = pact.delivery(&sent[0]).await;
    assert_eq!((delivery.state, delivery.exchange_state.as_str()), (DeliveryState::Delivered, "confirmed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn communications_scenario_03_many_recipients_one_of_them_missing() {
    let pact = Pact::new().await;
    let mut to: Vec<Recipient> = (1..9).map(|n| pec(&format!("ente{n}@pec.altri.test"), None)).collect();
    to.push(pec("inesistente@pec.altri.test", None));
    let (_, sent) = pact.send(&to).await;
    pact.settle().await;
    let mut states = Vec::new();
    for id in &sent {
        states.push(pact.state(id).await);
    }
    assert_eq!(states.iter().filter(|s| **s == DeliveryState::Delivered).count(), 8);
    let (failed, _) = pact.delivery(&sent[8]).await;
    assert_eq!(
        (failed.state, failed.proposal.as_deref()),
        (DeliveryState::DeliveryError, Some("check-index"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn communications_scenario_02_twelve_and_twenty_four_hours_expired_then_delivered_withdraws_the_retry()
{
    let pact = Pact::new().await;
    let (_, sent) = pact.send(&[pec("tardi@pec.altri.test", None)]).await;
    for (when, state, attempts) in [
        ("2026-11-23T09:01:00Z", DeliveryState::Accepted, 1),
        ("2026-11-23T21:03:00Z", DeliveryState::LateNotice, 1),
        ("2026-11-24T09:01:00Z", DeliveryState::Expired, 2),
        ("2026-11-24T09:11:00Z", DeliveryState::Delivered, 2),
    ] {
        pact.settle().await;
        pact.move_to(when);
        pact.settle().await;
        assert_eq!(pact.state(&sent[0]).await, state, "{when}");
        let id = sent[0].clone();
        let rows = pact.clerk(BODY).read(move |r| Ok(outbox::of_delivery(r, &id)?)).await.unwrap();
        assert_eq!(rows.len(), attempts, "{when}");
        let withdrawn = rows.iter().any(|row| row.state == "withdrawn");
        assert_eq!(withdrawn, state == DeliveryState::Delivered, "{when}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn communications_scenario_06_full_box_is_tried_again_after_seven_days() {
    let pact = Pact::new().await;
    let (_, sent) = pact.send(&[pec("piena@pec.altri.test", None)]).await;
    pact.settle().await;
    let (delivery, _) = pact.delivery(&sent[0]).await;
    assert_eq!(
        (delivery.state, delivery.proposal.as_deref()),
        (DeliveryState::DeliveryError, Some("second-try-later"))
    );
    let id = sent[0].clone();
    let rows = pact.clerk(BODY).read(move |r| Ok(outbox::of_delivery(r, &id)?)).await.unwrap();
    assert_eq!(Moment::from_micros(rows[1].due_at).today.to_string(), "2026-11-30");
    assert_ne!(rows[0].message_id, rows[1].message_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn communications_scenario_11_crash_what_left_before_it_is_not_sent_again() {
    let pact = Pact::new().await;
    let to = "ditta@pec.altri.test";
    let (_, sent) = pact.send(&[pec(to, None)]).await;
    // The worker claims the row, the server takes the message, then the process dies before writing it down.
    let now = pact.house.app.clock.micros();
    let claimed = pact
        .house
        .app
        .store
        .write::<_, Error, _>(move |tx| Ok(outbox::claim(tx, now, 60_000_000, 10)?))
        .await
        .unwrap();
    let letter = Letter {
        message_id: claimed[0].row.message_id.clone(),
        from_name: "Comune di Prato".into(),
        from: PRATO_PEC.into(),
        to: vec![to.into()],
        cc: vec![],
        subject: "prova".into(),
        written_at: 1_795_424_400,
        answers: None,
        receipt: None,
        text: "prova".into(),
        attachments: vec![],
    };
    let road = Submission::new(&endpoint(&pact.sandbox, pact.sandbox.smtps.port(), PRATO_PEC)).unwrap();
    let message = Outgoing { from: PRATO_PEC.into(), to: vec![to.into()], raw: compose(&letter) };
    road.hand_over(&message).await.unwrap();
    // Restarted after the lease ran out.
    pact.move_to("2026-11-23T09:05:00Z");
    pact.settle().await;
    assert_eq!(pact.state(&sent[0]).await, DeliveryState::Delivered);
    let arrived = pact.sandbox.provider.boxes().list(to, "INBOX").unwrap();
    assert_eq!(arrived.len(), 1, "the recipient has it once");
}

#[tokio::test(flavor = "multi_thread")]
async fn register_scenario_07_exchange_altered_bytes_get_an_exception_and_are_not_registered() {
    let mut pact = Pact::new().await;
    pact.exchange.automatic.insert(IpaCode::parse(OTHER).unwrap());
    let ours = IpaCode::parse(BODY).unwrap();
    let address = "vernio@pec.inesistente.test";
    let (_, sent) = pact.send(&[pec(address, Some(OTHER))]).await;
    pact.settle().await;
    // What left for one box is altered on the way to another.
    let id = sent[0].clone();
    let rows = pact.clerk(BODY).read(move |r| Ok(outbox::of_delivery(r, &id)?)).await.unwrap();
    let raw = pact.house.app.store.blob_bytes(&ours, rows[0].raw_sha256.as_ref().unwrap(), 1 << 20).await;
    let raw = raw.unwrap().unwrap();
    let mail = channels::pec::parse(&raw).unwrap();
    let file = |name: &str| mail.content.file(name).unwrap().bytes.to_vec();
    let attachment = |name: &str, bytes: Vec<u8>| channels::Attachment {
        name: name.into(),
        media_type: "application/octet-stream".into(),
        bytes,
    };
    let letter = Letter {
        message_id: "alterato@prato.test".into(),
        from_name: String::new(),
        from: PRATO_PEC.into(),
        to: vec![VERNIO_PEC.into()],
        cc: vec![],
        subject: mail.content.subject.clone(),
        written_at: 1_795_424_400,
        answers: None,
        receipt: None,
        text: String::new(),
        attachments: vec![
            attachment("domanda.txt", b"Si chiede altro.".to_vec()),
            attachment("Segnatura.xml", file("Segnatura.xml")),
        ],
    };
    let road = Submission::new(&endpoint(&pact.sandbox, pact.sandbox.smtps.port(), PRATO_PEC)).unwrap();
    let message = Outgoing { from: PRATO_PEC.into(), to: vec![VERNIO_PEC.into()], raw: compose(&letter) };
    road.hand_over(&message).await.unwrap();
    pact.settle().await;
    assert_eq!(receive::register_by_rule(&pact.exchange).await.unwrap(), 0, "nothing registers it by itself");
    let waiting = pact.inbox(OTHER).await;
    assert_eq!(waiting.len(), 1, "it waits for an operator");
    pact.settle().await;
    let (delivery, answers) = pact.delivery(&sent[0]).await;
    assert_eq!(delivery.exchange_state, "anomaly");
    let reason = answers[0].reason.as_deref().unwrap();
    assert!(reason.starts_with("002_") && reason.ends_with("domanda.txt"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_told_after_three_working_days_and_again_after_six() {
    let pact = Pact::new().await;
    let (_, sent) = pact.send(&[hub(OTHER)]).await;
    pact.settle().await;
    let ours = IpaCode::parse(BODY).unwrap();
    for (when, reminded, total) in [
        ("2026-11-26T09:00:00Z", 0, 0),
        ("2026-11-27T09:00:00Z", 1, 1),
        ("2026-11-27T15:00:00Z", 0, 1),
        ("2026-12-02T09:00:00Z", 1, 2),
    ] {
        pact.move_to(when);
        assert_eq!(deliver::remind(&pact.exchange, &ours).await.unwrap(), reminded, "{when}");
        assert_eq!(pact.delivery(&sent[0]).await.0.reminders, total, "{when}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_tries_again_then_takes_another_road_and_never_sends_twice() {
    let pact = Pact::new().await;
    let (_, sent) = pact.send(&[pec("inesistente@pec.altri.test", None)]).await;
    pact.settle().await;
    let (ctx, id) = (pact.clerk(BODY), sent[0].clone());
    let opened = watch::open(&ctx, id.clone()).await.unwrap();
    let receipt = opened.facts.iter().rev().find_map(|one| one.evidence.clone()).unwrap();
    let proof = watch::proof(&ctx, id.clone(), &receipt).await.unwrap();
    assert!(String::from_utf8_lossy(&proof).contains("daticert.xml"), "the receipt itself is the proof");
    assert!(matches!(watch::proof(&ctx, id.clone(), &"0".repeat(64)).await, Err(Error::NotFound)));
    assert_eq!(open_tasks(&pact, &id).await, 1);

    decide::retry(&ctx, id.clone()).await.unwrap();
    assert_eq!(open_tasks(&pact, &id).await, 0, "who decides has done the task");
    pact.settle().await;
    let again = watch::open(&ctx, id.clone()).await.unwrap();
    assert_eq!((again.attempts.len(), open_tasks(&pact, &id).await), (2, 1), "a new failure, a new task");
    assert_ne!(again.attempts[0].message_id, again.attempts[1].message_id);

    let new = decide::change_road(&ctx, id.clone(), hub(OTHER)).await.unwrap();
    pact.settle().await;
    assert_eq!(pact.state(&id).await, DeliveryState::ClosedByOfficer);
    assert_eq!(pact.state(&new).await, DeliveryState::Delivered);
    assert_eq!(open_tasks(&pact, &id).await, 0);
    for ended in [decide::give_up(&ctx, new.clone(), "prova").await, decide::retry(&ctx, id.clone()).await] {
        assert!(matches!(ended, Err(Error::Refusal(_))), "{ended:?}");
    }
    let stranger = pact.clerk(OTHER);
    assert!(matches!(watch::open(&stranger, id.clone()).await, Err(Error::NotFound)));
    assert!(matches!(decide::retry(&stranger, id).await, Err(Error::NotFound)));
}

async fn open_tasks(pact: &Pact, id: &DeliveryId) -> usize {
    let (href, ctx) = (format!("/deliveries/{id}"), pact.clerk(BODY));
    let all = app::use_cases::worklist::worklist(&ctx, app::use_cases::worklist::Tab::Mine).await.unwrap();
    all.lines.iter().filter(|line| line.target == href).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_up_wants_a_reason_and_a_late_receipt_still_counts() {
    let pact = Pact::new().await;
    let (_, sent) = pact.send(&[pec("tardi@pec.altri.test", None)]).await;
    pact.settle().await;
    let (ctx, id) = (pact.clerk(BODY), sent[0].clone());
    let silent = decide::give_up(&ctx, id.clone(), "  ").await;
    assert!(matches!(silent, Err(Error::Invalid(_))), "{silent:?}");
    decide::give_up(&ctx, id.clone(), "Consegnato a mano").await.unwrap();
    assert_eq!(pact.state(&id).await, DeliveryState::ClosedByOfficer);
    pact.move_to("2026-11-24T09:11:00Z");
    pact.settle().await;
    assert_eq!(pact.state(&id).await, DeliveryState::Delivered, "what is proved is proved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_refuses_and_the_sender_is_told_why() {
    let pact = Pact::new().await;
    let (_, sent) = pact.send(&[hub(OTHER)]).await;
    pact.settle().await;
    let clerk = pact.clerk(OTHER);
    let page = desk::list(&clerk, "waiting", None).await.unwrap();
    let id = page.lines[0].message.id.clone();
    let opened = desk::open(&clerk, id.clone()).await.unwrap();
    assert_eq!(opened.proposed.origin, "segnatura");
    let file = desk::file(&clerk, id.clone(), 0).await.unwrap();
    assert!(!file.bytes.is_empty() && !file.name.is_empty());
    assert!(matches!(desk::open(&pact.clerk(BODY), id.clone()).await, Err(Error::NotFound)));

    refuse(&clerk, &id, Anomaly::Unreadable, "la pianta non si apre").await.unwrap();
    let twice = refuse(&clerk, &id, Anomaly::Unreadable, "di nuovo").await;
    assert!(matches!(twice, Err(Error::Conflict)), "{twice:?}");
    pact.settle().await;
    let (delivery, answers) = pact.delivery(&sent[0]).await;
    assert_eq!(delivery.exchange_state, "anomaly");
    assert_eq!(answers[0].answer, Answer::Exception { anomaly: Some(Anomaly::Unreadable) });
    assert!(answers[0].reason.as_deref().unwrap().ends_with("la pianta non si apre"));
}
