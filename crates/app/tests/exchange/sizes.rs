//! Messages too large for their road, and silence longer than any notice.

use super::support::{BODY, OTHER};
use super::{PRATO_PEC, Pact, endpoint, hub, open_tasks, pec};
use app::use_cases::exchange::{desk, watch};
use app::workers::deliver;
use channels::pec::Submission;
use channels::{Attachment, Channel as _, Letter, Outgoing, compose};
use domain::body::IpaCode;
use domain::message::DeliveryState;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_for_mail_is_a_task_and_the_hub_still_takes_it() {
    let mut pact = Pact::new().await;
    pact.exchange.message_limit = 300;
    let (_, sent) = pact.send(&[pec("ditta@pec.altri.test", None), hub(OTHER)]).await;
    pact.settle().await;
    let (delivery, _) = pact.delivery(&sent[0]).await;
    assert_eq!(
        (delivery.state, delivery.proposal.as_deref()),
        (DeliveryState::Rejected, Some("split-message"))
    );
    let opened = watch::open(&pact.clerk(BODY), sent[0].clone()).await.unwrap();
    assert!(opened.attempts[0].raw_sha256.is_none(), "nothing was composed, nothing left");
    assert_eq!(open_tasks(&pact, &sent[0]).await, 1);
    assert_eq!(pact.state(&sent[1]).await, DeliveryState::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_large_to_fetch_is_a_row_and_a_task_and_stays_in_its_mailbox() {
    let mut pact = Pact::new().await;
    let body = IpaCode::parse(BODY).unwrap();
    pact.exchange.pec.get_mut(&body).unwrap().mailbox.as_mut().unwrap().limit = 1024 * 1024;
    let sender = "ditta@pec.altri.test";
    let letter = Letter {
        message_id: "grande@altri.test".into(),
        from_name: "Prova Uno".into(),
        from: sender.into(),
        to: vec![PRATO_PEC.into()],
        cc: vec![],
        subject: "Progetto".into(),
        written_at: 1_795_424_400,
        answers: None,
        receipt: None,
        text: String::new(),
        attachments: vec![Attachment {
            name: "tavole.pdf".into(),
            media_type: "application/pdf".into(),
            bytes: vec![7; 5 * 1024 * 1024],
        }],
    };
    let road = Submission::new(&endpoint(&pact.sandbox, pact.sandbox.smtps.port(), sender)).unwrap();
    let message = Outgoing { from: sender.into(), to: letter.to.clone(), raw: compose(&letter) };
    road.hand_over(&message).await.unwrap();
    pact.settle().await;
    let page = desk::list(&pact.clerk(BODY), "unreadable", None).await.unwrap();
    assert_eq!(page.lines.len(), 1, "however often the mailbox is read");
    let row = &page.lines[0].message;
    assert_eq!(row.kind, "too_large");
    assert!(row.size > 5 * 1024 * 1024 && row.subject.contains("Progetto"), "{row:?}");
    assert_eq!(pact.sandbox.provider.boxes().list(PRATO_PEC, "INBOX").unwrap().len(), 1, "it is still there");
    let ctx = pact.clerk(BODY);
    let kind = "message-too-large";
    let told = ctx.read(move |r| Ok(store::tasks::open_causes(r, &body, kind, kind)?)).await.unwrap();
    assert_eq!(told.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_days_without_any_notice_are_a_question_to_the_provider() {
    let pact = Pact::new().await;
    let (_, sent) = pact.send(&[pec("persa@pec.altri.test", None)]).await;
    pact.settle().await;
    let body = IpaCode::parse(BODY).unwrap();
    assert_eq!(deliver::watch_silence(&pact.exchange, &body).await.unwrap(), 0, "still in time");
    pact.move_to("2026-11-25T10:00:00Z");
    assert_eq!(deliver::watch_silence(&pact.exchange, &body).await.unwrap(), 1);
    assert_eq!(pact.delivery(&sent[0]).await.0.proposal.as_deref(), Some("ask-provider"));
    assert_eq!(open_tasks(&pact, &sent[0]).await, 1);
    assert_eq!(deliver::watch_silence(&pact.exchange, &body).await.unwrap(), 0, "told once");
}
