//! Several entries assigned by one act, on the page and by the API; and a paper looked up by its code, as anybody
//! who holds it may.

use super::{BODY, Door, good};
use app::use_cases::register::read::open_whole;
use app::use_cases::verification::issue;
use axum::http::StatusCode;
use domain::body::{AooCode, IpaCode, Unit};
use domain::ids::{Id, UnitId};
use serde_json::{Value, json};
use store::{StoreError, bodies};

impl Door {
    /// An office of the body.
    async fn office(&self, n: u128) -> UnitId {
        let unit = Unit {
            id: UnitId::from_u128(n),
            code: format!("U{n}"),
            name: format!("Ufficio {n}"),
            aoo: AooCode::parse("A1B2C3D").unwrap(),
            parent: None,
            active: true,
        };
        let id = unit.id.clone();
        let add = move |tx: &mut store::Tx| bodies::insert_unit(tx, &IpaCode::parse(BODY).unwrap(), &unit);
        let done: Result<(), StoreError> = self.app.store.write(add).await;
        done.unwrap();
        id
    }

    async fn entry(&self) -> String {
        let (_, made) = self.register(good()).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// The offices to which an entry is assigned.
    async fn offices_of(&self, id: &str) -> Vec<Option<UnitId>> {
        let ctx = self.app.context(self.actor.clone());
        let entry = open_whole(&ctx, id.parse().unwrap()).await.unwrap();
        entry.assignments.into_iter().map(|one| one.unit).collect()
    }
}

const NOBODY: &str = "reg_00000000000000000000000000000009";

#[tokio::test]
async fn several_entries_are_assigned_by_one_act_and_each_answers_for_itself() {
    let door = Door::new().await;
    let office = door.office(5).await;
    let (first, second, annulled) = (door.entry().await, door.entry().await, door.entry().await);
    let reasons = json!({"reason": "Doppia", "order_reference": "Det. 90 del 23/11/2026"});
    let path = format!("/api/v1/registrations/{annulled}/annulment");
    let (status, problem) = door.post(&path, "application/json", reasons.to_string()).await;
    assert!(status.is_success(), "{status} {problem}");

    let body = format!("id={first}&id={annulled}&to_unit={office}&kind=competence");
    let (status, page) = door.send_form("/register/assign", &body).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(
        page.contains(&first) && page.contains("annullata"),
        "each entry has its line, with the reason: {page}"
    );
    assert_eq!(door.offices_of(&first).await, [Some(office.clone())]);
    assert_eq!(door.offices_of(&annulled).await, []);

    let asked = |ids: &[&str], unit: &UnitId| {
        json!({"registrations": ids, "to": {"kind": "competence", "unit": unit}}).to_string()
    };
    let path = "/api/v1/registrations/assignments";
    let (status, report) =
        door.post(path, "application/json", asked(&[&second, &annulled, NOBODY], &office)).await;
    let outcomes: Vec<&Value> = report.as_array().unwrap().iter().map(|row| &row["outcome"]).collect();
    assert_eq!((status, outcomes[0]), (StatusCode::OK, &json!("done")), "{report}");
    assert!(outcomes[1] != "done" && outcomes[2] == "not-found", "{report}");
    assert!(report[1]["detail"].as_str().unwrap().len() > 15, "with the reason in words: {report}");
    assert_eq!(door.offices_of(&second).await, [Some(office)]);
}

#[tokio::test]
async fn a_bulk_act_to_nobody_or_of_nothing_is_refused_whole() {
    let door = Door::new().await;
    let office = door.office(5).await;
    let entry = door.entry().await;
    let path = "/api/v1/registrations/assignments";
    let many = vec![entry.as_str(); 501];
    for (body, pointer) in [
        (json!({"registrations": [], "to": {"kind": "competence", "unit": office}}), "/registrations"),
        (json!({"registrations": many, "to": {"kind": "competence", "unit": office}}), "/registrations"),
        (json!({"registrations": [entry], "to": {"kind": "competence"}}), "/unit"),
    ] {
        let (status, problem) = door.post(path, "application/json", body.to_string()).await;
        let told = super::pointers(&problem);
        assert_eq!((status, told), (StatusCode::UNPROCESSABLE_ENTITY, vec![pointer]), "{problem}");
    }
    let (status, _) = door.send_form("/register/assign", &format!("id={entry}&kind=competence")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(door.offices_of(&entry).await, []);
}

#[tokio::test]
async fn the_code_of_a_paper_tells_whether_it_stands() {
    let door = Door::new().await;
    let ctx = door.app.context(door.actor.clone());
    let code = issue::reserve(&ctx, "receipt", &door.entry().await).await.unwrap();
    let spaced = code.spaced().replace(' ', "%20");
    issue::conclude(&ctx, &code, b"ricevuta").await.unwrap();
    for typed in [spaced.as_str(), code.as_str()] {
        let page = door.page(&format!("/verify?c={typed}")).await;
        assert!(page.contains("Valido") && page.contains(BODY), "{page}");
        assert!(!page.contains("Richiesta di occupazione suolo"), "no more than the holder holds");
    }
    issue::withdraw(&ctx, &code, "annulled").await.unwrap();
    assert!(!door.page(&format!("/verify?c={}", code.as_str())).await.contains("Valido"));
    let (_, page) = door.get("/verify?c=%3Cscript%3Ealert(1)%3C/script%3E").await;
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("Il codice ha 31 segni") && !page.contains("<script>alert"), "{page}");
}
