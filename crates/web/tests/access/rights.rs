//! What one body may do to the account of a person whom another body looks after.

use crate::support::{A, B, House, PASSWORD, call};
use axum::http::StatusCode;
use domain::Role;

#[tokio::test]
async fn a_guest_is_not_recovered_suspended_or_restored_by_the_body_that_only_lends_a_post() {
    let house = House::new().await;
    let admin = house.person(1, "prova.admin", "Prova Admin", A, &[Role::ItAdmin]).await;
    let manager = house.person(2, "prova.resp", "Prova Responsabile", A, &[Role::RecordsManager]).await;
    let guest = house.person(3, "prova.ospite", "Prova Ospite", B, &[Role::RecordsManager]).await;
    house.post(&guest, A, Role::CaseOfficer).await;
    let (asks, decides) = (house.token(&admin).await, house.token(&manager).await);
    let path = format!("/api/v1/accounts/{}/changes", guest.id);
    for kind in ["recover", "suspend", "restore"] {
        let asked = house.send(call("POST", &path, &asks, &format!(r#"{{"kind":"{kind}"}}"#))).await;
        assert_eq!(asked.status, StatusCode::NOT_FOUND, "{kind}: {}", asked.text);
    }
    let removed = house.send(call("POST", &path, &asks, r#"{"kind":"remove"}"#)).await;
    assert_eq!(removed.status, StatusCode::CREATED, "{}", removed.text);
    let decision = format!("/api/v1/rights-changes/{}/decision", removed.json()["id"].as_str().unwrap());
    let done = house.send(call("POST", &decision, &decides, r#"{"approve":true}"#)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let entered = house.enter("prova.ospite", PASSWORD).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "the guest still enters at home");
    assert_eq!(house.context(&guest).await.actor.roles, [Role::RecordsManager]);
}
