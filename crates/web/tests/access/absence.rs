//! Standing in during an absence: what it opens, what it does not, that every act says so, that it ends by itself.

use crate::support::{A, B, House, form, get};
use axum::http::StatusCode;
use domain::Role;
use domain::body::IpaCode;
use domain::ids::{AccountId, Id, TaskId};
use store::accounts::Account;

/// A task of a person, whose words nobody else's list holds.
async fn task_of(house: &House, n: u128, whose: &Account, about: &str) -> TaskId {
    let id = TaskId::from_u128(n);
    let (made, whose, about) = (id.clone(), whose.clone(), about.to_owned());
    let add = move |tx: &mut store::Tx| {
        let new = store::tasks::NewTask {
            id: made,
            body: &whose.body,
            once: about.clone(),
            unit: None,
            account: Some(&whose.id),
            kind: "delivery-failed",
            about,
            href: "/deliveries".into(),
            proposal: None,
            case: None,
            due_on: None,
        };
        store::tasks::add(tx, &new, "system").map(drop)
    };
    house.app.store.write::<_, store::StoreError, _>(add).await.unwrap();
    id
}

/// The place of the form of workplaces that belongs to an absent person.
fn place(absent: &Account) -> String {
    format!("workplace={A}%2F%2F{}", absent.id)
}

#[tokio::test]
async fn who_stands_in_works_on_the_list_of_the_absent_and_the_journal_says_for_whom() {
    let house = House::new().await;
    let away = house.person(1, "prova.uno", "Prova Uno", A, &[Role::CaseOfficer, Role::RecordsManager]).await;
    let deputy = house.person(2, "prova.due", "Prova Due", A, &[Role::CaseOfficer]).await;
    let task = task_of(&house, 9, &away, "Consegna zqassente").await;
    let absent = house.cookie("prova.uno").await;
    let csrf = house.csrf(&absent).await;
    let fields = format!("csrf={csrf}&deputy={}&from=2026-11-23&to=2026-11-23", deputy.id);
    let set = house.send(form("/account/absence", &absent, &fields)).await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text);

    let own = house.cookie("prova.due").await;
    let list = house.send(get("/", &own)).await;
    assert!(!list.text.contains("zqassente"), "the own list stays the own");
    assert!(list.text.contains("Prova Uno"), "and says for whom one stands in");
    assert!(house.send(get("/account", &own)).await.text.contains("Prova Uno"));
    let fields = format!("csrf={}&{}", house.csrf(&own).await, place(&away));
    let moved = house.send(form("/workplace", &own, &fields)).await;
    assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.text);
    let there = moved.cookie();
    assert_ne!(there, own);
    assert!(
        house.send(get("/account", &own)).await.status.is_redirection(),
        "the old secret is worth nothing"
    );
    assert!(house.send(get("/", &there)).await.text.contains("Consegna zqassente"));
    let manager = house.send(get("/admin/users", &there)).await;
    assert_eq!(manager.status, StatusCode::FORBIDDEN, "a role of the absent alone is not lent");

    let fields = format!("csrf={}", house.csrf(&there).await);
    let done = house.send(form(&format!("/tasks/{task}/done"), &there, &fields)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let subject = task.to_string();
    let read =
        move |r: &mut store::Reader| store::journal::of_subject(r, &IpaCode::parse(A).unwrap(), &subject);
    let leaves = house.app.store.read::<_, store::StoreError, _>(read).await.unwrap();
    let last = leaves.last().unwrap();
    assert_eq!((last.verb.as_str(), last.actor.as_str()), ("task.done", deputy.id.as_str()));
    assert_eq!(last.on_behalf_of.as_deref(), Some(away.id.as_str()));
}

#[tokio::test]
async fn standing_in_ends_by_itself_at_midnight_in_rome_within_the_same_session() {
    let house = House::new().await;
    let away = house.person(1, "prova.uno", "Prova Uno", A, &[Role::CaseOfficer]).await;
    let deputy = house.person(2, "prova.due", "Prova Due", A, &[Role::CaseOfficer]).await;
    task_of(&house, 9, &away, "Consegna zqassente").await;
    let ctx = house.context(&away).await;
    let day = ctx.moment.today;
    let what = app::accounts::absence::HandOver { deputy: deputy.id.clone(), from: day, to: day };
    app::accounts::absence::hand_over(&ctx, what).await.unwrap();
    // 23:50 in Rome.
    house.app.clock.advance_seconds(13 * 3_600 + 50 * 60);
    let own = house.cookie("prova.due").await;
    let fields = format!("csrf={}&{}", house.csrf(&own).await, place(&away));
    let there = house.send(form("/workplace", &own, &fields)).await.cookie();
    assert!(house.send(get("/", &there)).await.text.contains("zqassente"));
    house.app.clock.advance_seconds(20 * 60);
    let after = house.send(get("/", &there)).await;
    assert_eq!(after.status, StatusCode::OK);
    assert!(!after.text.contains("zqassente") && !after.text.contains("Prova Uno"));
    let fields = format!("csrf={}&{}", house.csrf(&there).await, place(&away));
    assert_eq!(house.send(form("/workplace", &there, &fields)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_administrator_hands_over_for_an_officer_within_the_body_only() {
    let house = House::new().await;
    let away = house.person(1, "prova.uno", "Prova Uno", A, &[Role::CaseOfficer]).await;
    let deputy = house.person(2, "prova.due", "Prova Due", A, &[Role::CaseOfficer]).await;
    let clerk = house.person(3, "prova.tre", "Prova Tre", A, &[Role::RegistryClerk]).await;
    let stranger = house.person(4, "prova.quattro", "Prova Quattro", B, &[Role::CaseOfficer]).await;
    house.person(5, "prova.admin", "Prova Admin", A, &[Role::ItAdmin]).await;
    let admin = house.cookie("prova.admin").await;
    let csrf = house.csrf(&admin).await;
    let ask = |absent: &AccountId, deputy: &AccountId, to: &str| {
        let fields = format!("csrf={csrf}&deputy={deputy}&from=2026-11-23&to={to}");
        house.send(form(&format!("/admin/users/{absent}/absence"), &admin, &fields))
    };
    assert_eq!(ask(&away.id, &clerk.id, "2026-11-30").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ask(&away.id, &stranger.id, "2026-11-30").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ask(&away.id, &deputy.id, "2026-11-22").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ask(&stranger.id, &deputy.id, "2026-11-30").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&away.id, &deputy.id, "2026-11-30").await.status, StatusCode::SEE_OTHER);
    let own = house.cookie("prova.due").await;
    assert!(house.send(get("/", &own)).await.text.contains("Prova Uno"));
    let end = format!("/admin/users/{}/absence/end", away.id);
    assert_eq!(house.send(form(&end, &admin, &format!("csrf={csrf}"))).await.status, StatusCode::SEE_OTHER);
    assert!(!house.send(get("/", &own)).await.text.contains("Prova Uno"));
}
