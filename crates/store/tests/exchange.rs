//! Outbox, deliveries and inbox on the real store: claimed once, kept once, learned once.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::prato;
use domain::ids::{DeliveryId, Id, InboundId, OutboxId, SendingId};
use domain::message::{Channel, DeliveryState, Event, Fact};
use jiff::Timestamp;
use store::deliveries::{self, KnownFact, NewDelivery, NewSending};
use store::inbox::{self, NewInbound, PeerKey};
use store::outbox::{self, NewOutgoing};
use store::{Store, StoreError, blobs, test_store};

const NOW: i64 = 1_795_424_400_000_000;
const MINUTE: i64 = 60_000_000;

async fn one_delivery(store: &Store) -> (DeliveryId, OutboxId) {
    let (delivery, row) = (DeliveryId::from_u128(2), OutboxId::from_u128(3));
    let ids = (delivery.clone(), row.clone());
    store
        .write::<_, StoreError, _>(move |tx| {
            let sending = SendingId::from_u128(1);
            let new = NewSending {
                id: &sending,
                body: &prato(),
                registration: None,
                text: "",
                notice: Some(("Conferma.xml", "<x/>")),
                by: "system",
            };
            let to = NewDelivery {
                id: delivery.clone(),
                channel: Channel::Pec,
                recipient_name: "Ditta di prova".into(),
                address: "ditta@pec.prova.test".into(),
                recipient_body: None,
                confirmation_asked: false,
            };
            deliveries::insert(tx, new, &[to])?;
            let row = NewOutgoing {
                id: &row,
                body: &prato(),
                delivery: &delivery,
                attempt: 1,
                channel: Channel::Pec,
                message_id: "m1@prova.test",
                due_at: NOW,
            };
            assert!(outbox::insert(tx, row)?);
            assert!(!outbox::insert(tx, row)?, "one row per attempt");
            Ok(())
        })
        .await
        .unwrap();
    ids
}

#[tokio::test]
async fn communications_scenario_11_a_row_whose_worker_died_says_that_it_may_have_left() {
    let store = test_store();
    one_delivery(&store).await;
    let claim = |now| {
        let store = store.clone();
        async move { store.write::<_, StoreError, _>(move |tx| outbox::claim(tx, now, MINUTE, 10)).await.unwrap() }
    };
    assert!(claim(NOW - 1).await.is_empty(), "not due yet");
    let first = claim(NOW).await;
    assert!(first.len() == 1 && !first[0].may_have_left);
    assert!(claim(NOW + MINUTE - 1).await.is_empty(), "leased");
    let second = claim(NOW + MINUTE).await;
    assert!(second[0].may_have_left);
    assert_eq!(second[0].row.message_id, first[0].row.message_id);
    let (id, until) = (second[0].row.id.clone(), NOW + 3 * MINUTE);
    let doubted = store.write(move |tx| outbox::doubt(tx, &id, until, "no answer")).await;
    assert_eq!(doubted, Ok(()));
    assert!(claim(until - 1).await.is_empty(), "whoever doubts waits");
    let third = claim(until).await;
    assert!(third[0].may_have_left, "a doubt is not forgotten");
    assert_eq!(third[0].row.last_error.as_deref(), Some("no answer"));
}

#[tokio::test]
async fn a_fact_is_learned_once_and_reads_back() {
    let store = test_store();
    let (id, _) = one_delivery(&store).await;
    let known = KnownFact {
        fact: Fact {
            attempt: 1,
            event: Event::Accepted { external: false },
            at: Timestamp::from_microsecond(NOW).unwrap(),
        },
        evidence: Some("00".into()),
        verdict: Some("valid".into()),
        note: None,
        learned_at: 0,
    };
    let (again, asked) = (known.clone(), id.clone());
    let learned = store
        .write::<_, StoreError, _>(move |tx| {
            let learned =
                [deliveries::add_fact(tx, &asked, &known)?, deliveries::add_fact(tx, &asked, &known)?];
            deliveries::summarise(tx, &asked, DeliveryState::Accepted, "pending", None)?;
            Ok(learned)
        })
        .await
        .unwrap();
    assert_eq!(learned, [true, false]);
    let (facts, row) = store
        .read::<_, StoreError, _>(move |r| Ok((deliveries::facts(r, &id)?, deliveries::find(r, &id)?)))
        .await
        .unwrap();
    assert_eq!(facts[0].fact, again.fact);
    let row = row.unwrap();
    assert_eq!((row.state, row.notice.unwrap().0.as_str()), (DeliveryState::Accepted, "Conferma.xml"));
}

#[tokio::test]
async fn the_same_bytes_are_one_message_and_the_same_registration_is_remembered() {
    let store = test_store();
    let kept = store
        .write::<_, StoreError, _>(|tx| {
            let sha256 = blobs::put_small(tx, &prato(), b"Subject: prova")?;
            let new = |n| NewInbound {
                id: InboundId::from_u128(n),
                body: prato(),
                channel: Channel::Pec,
                mailbox: "protocollo@pec.prova.test".into(),
                raw_sha256: sha256.clone(),
                size: 14,
                kind: "envelope".into(),
                state: "waiting".into(),
                message_id: None,
                sender_address: "ente@pec.prova.test".into(),
                sender_name: String::new(),
                subject: "prova".into(),
                legal_at: None,
                verdict: None,
                details: "{}".into(),
            };
            let first = inbox::insert(tx, &new(1))?;
            let second = inbox::insert(tx, &new(2))?;
            let key = PeerKey {
                administration: "p_po".into(),
                aoo: "A000001".into(),
                register: "PG".into(),
                number: "0000001".into(),
                date: "2026-11-23".into(),
            };
            let id = InboundId::from_u128(1);
            let known = [
                inbox::remember_peer(tx, &prato(), &key, "aa", &id)?,
                inbox::remember_peer(tx, &prato(), &key, "bb", &id)?,
            ];
            Ok((first, second, known, inbox::count(tx, &prato(), "waiting")?))
        })
        .await
        .unwrap();
    assert!(kept.0.is_some() && kept.1.is_none());
    assert_eq!(kept.2, [None, Some((InboundId::from_u128(1), "aa".to_owned()))]);
    assert_eq!(kept.3, 1);
}
