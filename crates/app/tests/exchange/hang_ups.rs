//! Servers that hang up at each step of a conversation: nothing is lost, nothing is sent or kept twice, and it
//! resumes by itself.

use super::support::{BODY, OTHER};
use super::{PRATO_PEC, Pact, account, endpoint, open_tasks, pec};
use app::workers::{deliver, receive};
use channels::pec::Submission;
use channels::{Attachment, Channel as _, Letter, Outgoing, compose};
use domain::body::IpaCode;
use domain::ids::DeliveryId;
use domain::message::DeliveryState;
use sandbox::Side::{self, After, Before};
use store::outbox;

/// A letter to each box in turn; the road is new each time, so that the steps of signing in happen too.
async fn sent_over_a_new_road(pact: &mut Pact, to: &str) -> DeliveryId {
    let body = IpaCode::parse(BODY).unwrap();
    let fresh = account(&pact.sandbox, PRATO_PEC, pact._folder.path());
    pact.exchange.pec.insert(body, fresh);
    pact.send(&[pec(to, None)]).await.1.remove(0)
}

/// Twenty minutes after the last step: longer than any pause and any lease.
fn later(pact: &Pact, step: usize) {
    pact.move_to(&format!("2026-11-23T{:02}:{:02}:00Z", 10 + step / 3, (step % 3) * 20));
}

/// The letter arrived, once, from one attempt.
async fn arrived_once(pact: &Pact, id: &DeliveryId, to: &str, when: &str) {
    assert_eq!(pact.state(id).await, DeliveryState::Delivered, "{when}");
    assert_eq!(
        pact.sandbox.provider.boxes().list(to, "INBOX").unwrap().len(),
        1,
        "{when}: the recipient has it once"
    );
    let id = id.clone();
    let rows = pact.clerk(BODY).read(move |r| Ok(outbox::of_delivery(r, &id)?)).await.unwrap();
    assert_eq!(rows.len(), 1, "{when}: one attempt, one Message-ID");
    assert_eq!(pact.sandbox.provider.hang_ups_left(), 0, "{when}: the server did hang up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_cut_at_any_step_arrives_once() {
    let mut pact = Pact::new().await;
    let steps: [(Side, &str); 10] = [
        (Before, "SMTP"),
        (Before, "EHLO"),
        (Before, "AUTH"),
        (After, "AUTH"),
        (Before, "MAIL"),
        (After, "MAIL"),
        (After, "RCPT"),
        (Before, "DATA"),
        (Before, "TEXT"),
        (After, "DATA"),
    ];
    for (place, (side, step)) in steps.into_iter().enumerate() {
        let to = format!("ditta{place}@pec.altri.test");
        pact.sandbox.provider.hang_up(side, step, 0);
        let id = sent_over_a_new_road(&mut pact, &to).await;
        deliver::run_once(&pact.exchange).await.unwrap();
        later(&pact, place);
        pact.settle().await;
        arrived_once(&pact, &id, &to, &format!("{side:?} {step}")).await;
    }
}

/// What may have left stays in doubt until somebody could be asked: a look for receipts that is cut, too, is no
/// answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_outlives_a_look_for_receipts_that_is_cut() {
    let mut pact = Pact::new().await;
    let steps = [
        (Before, "IMAP", 0),
        (After, "LOGIN", 0),
        (Before, "EXAMINE", 1),
        (Before, "SEARCH", 0),
        (Before, "SEARCH", 1),
        (After, "SEARCH", 1),
    ];
    for (place, (side, step, passes)) in steps.into_iter().enumerate() {
        let to = format!("dubbio{place}@pec.altri.test");
        let when = format!("{side:?} {step} {passes}");
        pact.sandbox.provider.hang_up(After, "DATA", 0);
        let id = sent_over_a_new_road(&mut pact, &to).await;
        deliver::run_once(&pact.exchange).await.unwrap();
        later(&pact, 2 * place);
        pact.sandbox.provider.hang_up(side, step, passes);
        deliver::run_once(&pact.exchange).await.unwrap();
        assert_eq!(pact.sandbox.provider.hang_ups_left(), 0, "{when}: the look was cut");
        assert_ne!(pact.state(&id).await, DeliveryState::Delivered, "{when}: nothing is known yet");
        later(&pact, 2 * place + 1);
        deliver::run_once(&pact.exchange).await.unwrap();
        pact.settle().await;
        arrived_once(&pact, &id, &to, &when).await;
    }
}

/// Who sent is told once that nobody knows whether it left; the receipts, found at last, settle it.
#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_that_lasts_becomes_a_task() {
    let mut pact = Pact::new().await;
    let to = "ditta@pec.altri.test";
    pact.sandbox.provider.hang_up(After, "DATA", 0);
    let id = sent_over_a_new_road(&mut pact, to).await;
    deliver::run_once(&pact.exchange).await.unwrap();
    for (place, expected) in [(1, 0), (13, 1), (14, 1)] {
        later(&pact, place);
        pact.sandbox.provider.hang_up(Before, "SEARCH", 0);
        deliver::run_once(&pact.exchange).await.unwrap();
        assert_eq!(open_tasks(&pact, &id).await, expected, "step {place}");
    }
    later(&pact, 15);
    pact.settle().await;
    arrived_once(&pact, &id, to, "after the doubt").await;
    assert_eq!(open_tasks(&pact, &id).await, 0, "the receipts settle the task");
}

async fn letter(pact: &Pact, subject: &str, size: usize) {
    let sender = "ditta@pec.altri.test";
    let letter = Letter {
        message_id: format!("{}@altri.test", subject.replace(' ', ".")),
        from_name: "Prova Uno".into(),
        from: sender.into(),
        to: vec![PRATO_PEC.into()],
        cc: vec![],
        subject: subject.into(),
        written_at: 1_795_424_400,
        answers: None,
        receipt: None,
        text: "prova".into(),
        attachments: vec![Attachment {
            name: "tavole.bin".into(),
            media_type: "application/octet-stream".into(),
            bytes: vec![7; size],
        }],
    };
    let road = Submission::new(&endpoint(&pact.sandbox, pact.sandbox.smtps.port(), sender)).unwrap();
    let message = Outgoing { from: sender.into(), to: letter.to.clone(), raw: compose(&letter) };
    road.hand_over(&message).await.unwrap();
}

/// Collects twice, the first time over a line that is cut; the letter is kept once and whole.
async fn kept_once(pact: &Pact, (side, step, passes): (Side, &str, u32), size: usize) {
    let subject = format!("Lettera {side:?} {step} {passes}");
    letter(pact, &subject, size).await;
    pact.sandbox.provider.hang_up(side, step, passes);
    // Whether the cut shows as an error depends on the step; that nothing is lost does not.
    let _ = receive::run_once(&pact.exchange).await;
    receive::run_once(&pact.exchange).await.unwrap();
    assert_eq!(pact.sandbox.provider.hang_ups_left(), 0, "{subject}: the server did hang up");
    let waiting = pact.inbox(BODY).await;
    let of_letter: Vec<_> = waiting.iter().filter(|one| one.message.subject == subject).collect();
    assert_eq!(of_letter.len(), 1, "{subject}: kept once");
    assert!(of_letter[0].message.size > size as u64, "{subject}: kept whole");
    assert!(
        pact.sandbox.provider.boxes().list(PRATO_PEC, "INBOX").unwrap().is_empty(),
        "{subject}: moved away"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_cut_at_any_step_keeps_each_message_once() {
    let mut pact = Pact::new().await;
    pact.exchange.pec.remove(&IpaCode::parse(OTHER).unwrap());
    let steps = [
        (Before, "IMAP", 0),
        (Before, "LOGIN", 0),
        (After, "LOGIN", 0),
        (Before, "CAPABILITY", 0),
        (Before, "SELECT", 0),
        (Before, "FETCH", 0),
        (After, "FETCH", 0),
        (Before, "FETCH", 1),
        (After, "FETCH", 1),
        (Before, "MOVE", 0),
        (After, "MOVE", 0),
    ];
    for step in steps {
        kept_once(&pact, step, 1_000).await;
    }
    // A large message comes in pieces: a line that ends between two of them must not pass for the end of the message.
    kept_once(&pact, (Before, "FETCH", 3), 5 * 1024 * 1024).await;
}
