//! The sandbox seen through the program's own channels: SMTP and IMAP over TLS, then the parser.
//!
//! The clock stands still until a test moves it, so notices of the twelfth and twenty-fourth hour need no waiting.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use channels::pec::{Arrived, Keep, Kind, Mailbox, MailboxSettings, Raw, Submission, parse};
use channels::{Channel, Endpoint, HandOverError, Letter, Outgoing, Security, Trust, compose};
use domain::message::{Cause, Channel as Road, Delivery, DeliveryState, Event, Fact, ReceiptForm};
use jiff::{SignedDuration, Timestamp};
use sandbox::{Sandbox, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

const SENDER: &str = "protocollo@pec.ente.test";

struct Trial {
    sandbox: Sandbox,
    clock: Arc<AtomicI64>,
    folder: TempDir,
}

impl Trial {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-11-23T10:00:00+01:00".parse().unwrap();
        let clock = Arc::new(AtomicI64::new(start.as_second()));
        let hands = clock.clone();
        let local = "127.0.0.1:0".parse().unwrap();
        let settings = Settings {
            folder: folder.path().join("pec"),
            clock: Arc::new(move || Timestamp::from_second(hands.load(Ordering::Relaxed)).unwrap()),
            password: "prova".into(),
            listen: [local; 3],
        };
        Self { sandbox: Sandbox::start(settings).await.unwrap(), clock, folder }
    }

    fn pass(&self, time: SignedDuration) {
        self.clock.fetch_add(time.as_secs(), Ordering::Relaxed);
        self.sandbox.provider.release().unwrap();
    }

    fn endpoint(&self, port: u16, security: Security, user: &str) -> Endpoint {
        Endpoint {
            host: "localhost".into(),
            port,
            security,
            trust: Trust::Pem(self.sandbox.provider.trust_pem().unwrap()),
            user: Some(user.into()),
            password: "prova".into(),
        }
    }

    async fn send(&self, id: &str, from: &str, to: &[&str]) -> Result<(), HandOverError> {
        let road = Submission::new(&self.endpoint(self.sandbox.smtp.port(), Security::StartTls, from))?;
        road.hand_over(&message(id, from, to)).await.map(drop)
    }

    async fn mailbox(&self, user: &str) -> Mailbox {
        let settings = MailboxSettings {
            endpoint: self.endpoint(self.sandbox.imaps.port(), Security::Implicit, user),
            inbox: "INBOX".into(),
            registered: "Registrati".into(),
            limit: 40 * 1024 * 1024,
            spool: self.folder.path().join("spool"),
        };
        Mailbox::open(settings).await.unwrap()
    }

    async fn collect(&self, user: &str) -> Vec<Vec<u8>> {
        let mut keeper = Shelf(Vec::new());
        let mut mailbox = self.mailbox(user).await;
        mailbox.collect(&mut keeper).await.unwrap();
        mailbox.close().await;
        keeper.0
    }

    /// What the sender's box says about the message, as a delivery to one recipient.
    async fn learn(&self, delivery: &mut Delivery, id: &str, to: &str) {
        for raw in self.collect(SENDER).await {
            let mail = parse(&raw).unwrap();
            let data = mail.certified().expect("certified").clone();
            assert_eq!(data.message_id.as_deref(), Some(id));
            for (recipient, event) in mail.events() {
                if recipient == to {
                    delivery.learn(Fact { attempt: 1, event, at: data.at });
                }
            }
        }
    }
}

struct Shelf(Vec<Vec<u8>>);

impl Keep for Shelf {
    async fn keep(&mut self, arrived: Vec<Arrived>) -> Result<Vec<u32>, String> {
        let uids = arrived.iter().map(|a| a.uid).collect();
        for one in arrived {
            self.0.push(match one.raw {
                Raw::Memory(bytes) => bytes,
                Raw::File(path) => std::fs::read(path).map_err(|e| e.to_string())?,
                Raw::TooLarge(_) => return Ok(Vec::new()),
            });
        }
        Ok(uids)
    }
}

fn message(id: &str, from: &str, to: &[&str]) -> Outgoing {
    let letter = Letter {
        message_id: id.into(),
        from_name: "Ente di prova".into(),
        from: from.into(),
        to: to.iter().map(|t| (*t).to_owned()).collect(),
        cc: vec![],
        subject: "[c_g999 0000001/2026] Prova è".into(),
        written_at: 1_795_424_400,
        answers: None,
        receipt: Some(ReceiptForm::Complete),
        text: "Testo di prova.\n".into(),
        attachments: vec![channels::Attachment {
            name: "atto.pdf".into(),
            media_type: "application/pdf".into(),
            bytes: b"%PDF-1.7 prova".to_vec(),
        }],
    };
    Outgoing { from: from.into(), to: letter.to.clone(), raw: compose(&letter) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_travels_and_comes_back_with_its_receipts() {
    let trial = Trial::new().await;
    let to = "ditta@pec.altro.test";
    trial.send("m1@ente.test", SENDER, &[to]).await.unwrap();
    let mut delivery = Delivery::new(Road::Pec);
    trial.learn(&mut delivery, "m1@ente.test", to).await;
    assert_eq!(delivery.state(), DeliveryState::Delivered);
    assert!(delivery.sent_at().is_some());
    // The recipient finds the envelope with the original inside.
    let found = trial.collect(to).await;
    let mail = parse(&found[0]).unwrap();
    assert_eq!((found.len(), mail.kind), (1, Kind::Envelope));
    assert_eq!(mail.content.file("atto.pdf").unwrap().bytes, b"%PDF-1.7 prova".as_slice());
    assert_eq!(mail.content.reference.as_deref(), Some("m1@ente.test"));
    assert!(mail.signed.is_some() && mail.certified().is_some());
    // What was collected was moved away: nothing is collected twice, and the receipts can still be found.
    assert!(trial.collect(to).await.is_empty());
    let mut mailbox = trial.mailbox(SENDER).await;
    assert!(mailbox.knows_of("m1@ente.test").await.unwrap());
    assert!(!mailbox.knows_of("m2@ente.test").await.unwrap());
    assert!(mailbox.quota().await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn communications_scenario_02_notices_of_the_twelfth_and_twenty_fourth_hour() {
    let trial = Trial::new().await;
    let to = "tardi@pec.altro.test";
    trial.send("m1@ente.test", SENDER, &[to]).await.unwrap();
    let mut delivery = Delivery::new(Road::Pec);
    let steps = [
        (0, DeliveryState::Accepted),
        (12 * 60 + 3, DeliveryState::LateNotice),
        (12 * 60, DeliveryState::Expired),
        (30, DeliveryState::Delivered),
    ];
    for (minutes, wanted) in steps {
        trial.pass(SignedDuration::from_mins(minutes));
        trial.learn(&mut delivery, "m1@ente.test", to).await;
        assert_eq!(delivery.state(), wanted, "after {minutes} more minutes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mood_ends_as_it_says() {
    let trial = Trial::new().await;
    let error = |cause| Event::DeliveryError { cause };
    let delivered = |form| Event::Delivered { form: Some(form) };
    let moods = [
        ("inesistente", error(Cause::NoSuchBox)),
        ("piena", error(Cause::FullBox)),
        ("disabilitata", error(Cause::BoxDisabled)),
        ("virus", error(Cause::Virus)),
        ("rifiuta", Event::Rejected { cause: Cause::Formal }),
        ("infetta", Event::Rejected { cause: Cause::Virus }),
        ("persa", Event::Accepted { external: false }),
        ("doppia", delivered(ReceiptForm::Complete)),
        ("rovescia", delivered(ReceiptForm::Complete)),
        ("breve", delivered(ReceiptForm::Brief)),
        ("sintetica", delivered(ReceiptForm::Synthetic)),
    ];
    for (name, wanted) in moods {
        let (id, to) = (format!("{name}@ente.test"), format!("{name}@pec.altro.test"));
        trial.send(&id, SENDER, &[&to]).await.unwrap();
        let mut delivery = Delivery::new(Road::Pec);
        trial.learn(&mut delivery, &id, &to).await;
        assert!(delivery.facts().any(|f| f.event == wanted), "{name}: {delivery:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_server_that_says_no_takes_nothing() {
    let trial = Trial::new().await;
    let busy = trial.send("m1@ente.test", SENDER, &["occupata@pec.altro.test"]).await;
    assert!(matches!(busy, Err(HandOverError::Later(_))), "{busy:?}");
    let barred = trial.send("m2@ente.test", SENDER, &["respinta@pec.altro.test"]).await;
    assert!(matches!(barred, Err(HandOverError::Refused(_))), "{barred:?}");
    assert!(trial.collect(SENDER).await.is_empty(), "no receipt of what was not taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_mail_gets_an_anomaly_envelope_and_others_no_proof() {
    let trial = Trial::new().await;
    trial.send("m1@posta.test", "mario@posta.test", &[SENDER]).await.unwrap();
    let found = trial.collect(SENDER).await;
    let mail = parse(&found[0]).unwrap();
    assert_eq!((mail.kind, mail.content.from.as_str()), (Kind::Anomaly, "mario@posta.test"));
    trial.send("m2@ente.test", SENDER, &["mario@posta.test"]).await.unwrap();
    let mut delivery = Delivery::new(Road::Pec);
    trial.learn(&mut delivery, "m2@ente.test", "mario@posta.test").await;
    assert_eq!(delivery.state(), DeliveryState::AcceptedExternal);
    assert_eq!(trial.collect("mario@posta.test").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_outside_the_trial_is_ever_written_to() {
    let trial = Trial::new().await;
    let refused = trial.send("m1@ente.test", SENDER, &["ufficio@prova.example"]).await;
    assert!(matches!(refused, Err(HandOverError::Refused(_))), "{refused:?}");
    // Wrong password, and the address of somebody else.
    let mut endpoint = trial.endpoint(trial.sandbox.smtps.port(), Security::Implicit, SENDER);
    endpoint.password = "altra".into();
    assert!(Submission::new(&endpoint).unwrap().reach().await.is_err());
    let endpoint = trial.endpoint(trial.sandbox.smtps.port(), Security::Implicit, "altri@pec.ente.test");
    let road = Submission::new(&endpoint).unwrap();
    let got = road.hand_over(&message("m1@ente.test", SENDER, &["ditta@pec.altro.test"])).await;
    assert!(matches!(got, Err(HandOverError::Refused(_))), "{got:?}");
}
