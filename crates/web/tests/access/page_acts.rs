//! Whatever people do on the pages, programs can do too: every form of the pages names its operation, or says why it has
//! none.
//!
//! The forms come from the program's own list of routes and the operations from its own description, so a new form is
//! in this test from the day it is written.

use crate::planted::{Kind, plant};
use crate::support::{A, Answer, House, api, call, get};
use axum::body::Body as Bytes;
use axum::http::StatusCode;
use domain::Role;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use store::accounts::Account;
use web::routes::{Kind as Side, table};

/// How programs do what a form does.
#[derive(Debug, Clone, Copy)]
enum Road {
    /// By these operations.
    By(&'static [&'static str]),
    /// Not at all, for this reason.
    Not(&'static str),
}

use Road::{By, Not};

const BROWSER: Road = Not("belongs to entering and staying in with a browser; programs bear a token");
const PERSON: Road = Not("needs the person: who stole a token must not be able to stay");
const TYPING: Road = Not("helps who types into the page; a program sends the whole at once");

/// Every form of the pages.
const ACTS: &[(&str, Road)] = &[
    ("/account/absence", By(&["hand_over"])),
    ("/account/absence/end", By(&["end_own_absences"])),
    ("/account/passkeys/begin", PERSON),
    ("/account/passkeys/finish", PERSON),
    ("/account/passkeys/{id}/remove", PERSON),
    ("/account/password", PERSON),
    ("/account/recovery-codes", PERSON),
    ("/account/second-factor", PERSON),
    ("/account/second-factor/remove", PERSON),
    ("/account/sessions/{id}/end", By(&["read_own_access", "end_own_session"])),
    ("/account/tokens", PERSON),
    ("/account/tokens/{id}/end", By(&["read_own_access", "end_own_token"])),
    ("/admin/exchange", By(&["read_exchange_rule", "set_exchange_rule"])),
    ("/admin/rights/{id}/{answer}", By(&["decideRightsChange"])),
    ("/admin/users", By(&["inviteAccount"])),
    ("/admin/users/{id}/absence", By(&["hand_over_for"])),
    ("/admin/users/{id}/absence/end", By(&["end_absences_of"])),
    ("/admin/users/{id}/{change}", By(&["askRightsChange"])),
    ("/cases", By(&["open_case"])),
    ("/cases/{id}/answer", By(&["list_letters", "send_answer"])),
    ("/cases/{id}/answer/draft", By(&["read_answer_draft", "keep_answer_draft"])),
    ("/cases/{id}/answer/preview", By(&["preview_letter"])),
    ("/cases/{id}/due", By(&["set_case_due_date"])),
    ("/cases/{id}/notes", By(&["add_case_note"])),
    ("/cases/{id}/participants", By(&["add_case_participant"])),
    ("/cases/{id}/state", By(&["set_case_state"])),
    ("/classes", By(&["import_classes"])),
    ("/deliveries/{id}/give-up", By(&["close_delivery"])),
    ("/deliveries/{id}/retry", By(&["retry_delivery"])),
    ("/deliveries/{id}/road", By(&["replace_delivery"])),
    ("/dossiers", By(&["open_dossier"])),
    ("/dossiers/{id}/assignments", By(&["assign_dossier"])),
    ("/dossiers/{id}/assignments/{assignment}/back", By(&["send_dossier_back"])),
    ("/dossiers/{id}/assignments/{assignment}/take", By(&["take_charge_of_dossier"])),
    ("/dossiers/{id}/confidentiality", By(&["set_dossier_confidentiality"])),
    ("/dossiers/{id}/documents", By(&["file_in_dossier"])),
    ("/dossiers/{id}/officer", By(&["set_dossier_officer"])),
    ("/dossiers/{id}/readers", By(&["add_dossier_reader"])),
    ("/dossiers/{id}/readers/{account}/remove", By(&["remove_dossier_reader"])),
    ("/dossiers/{id}/shares", By(&["share_dossier"])),
    ("/dossiers/{id}/shares/{body}/end", By(&["end_dossier_share"])),
    ("/dossiers/{id}/state", By(&["set_dossier_state"])),
    ("/enter/{link}", BROWSER),
    ("/inbox/{id}/discard", By(&["discard_inbound_message"])),
    ("/inbox/{id}/refuse", By(&["refuse_inbound_message"])),
    ("/inbox/{id}/register", By(&["register_inbound_message"])),
    ("/login", BROWSER),
    ("/login/passkey/begin", BROWSER),
    ("/login/passkey/finish", BROWSER),
    ("/logout", BROWSER),
    ("/register/assign", By(&["assign_registrations"])),
    ("/register/assignments/{id}/send-back", By(&["send_back_assignment"])),
    ("/register/assignments/{id}/take", By(&["take_charge_of_assignment"])),
    ("/register/emergency", By(&["open_emergency_period"])),
    ("/register/emergency/{id}/authorisations", By(&["prolong_emergency_period"])),
    ("/register/emergency/{id}/entries", By(&["import_emergency_entries"])),
    ("/register/emergency/{id}/restoration", By(&["restore_emergency_period"])),
    ("/register/import", By(&["import_register"])),
    ("/register/import/confirm", By(&["import_register"])),
    ("/register/new", By(&["create_registration"])),
    ("/register/new/classes", TYPING),
    ("/register/new/draft", TYPING),
    ("/register/new/draft/discard", TYPING),
    ("/register/new/text", TYPING),
    ("/register/views", By(&["save_register_view"])),
    ("/register/views/{id}/remove", By(&["remove_register_view"])),
    ("/register/{id}/annul", By(&["annul_registration"])),
    ("/register/{id}/assign", By(&["assign_registration"])),
    ("/register/{id}/classify", By(&["classify_registration"])),
    ("/register/{id}/correct", By(&["correct_registration"])),
    ("/register/{id}/dossier", By(&["file_in_dossier"])),
    ("/register/{id}/send", By(&["send_registration"])),
    ("/scans", By(&["create_scan"])),
    ("/scans/{id}/discard", By(&["discard_scan"])),
    ("/tasks/{id}/done", By(&["finish_task"])),
    ("/templates/new", By(&["list_templates", "create_template"])),
    ("/templates/preview", By(&["preview_template"])),
    ("/templates/{id}", By(&["read_template", "change_template", "retire_template"])),
    ("/verify", By(&["verify_file"])),
    ("/workplace", BROWSER),
];

#[tokio::test]
async fn every_page_act_has_its_api_operation() {
    let house = House::new().await;
    let described = house.send(get("/openapi.json", "")).await.json();
    let items = described["paths"].as_object().unwrap().values();
    let operations: BTreeSet<&str> = items
        .flat_map(|item| item.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    let acts: BTreeMap<&str, Road> = ACTS.iter().copied().collect();
    assert_eq!(acts.len(), ACTS.len(), "a form stands twice in the table");
    let all = table();
    let forms: BTreeSet<&str> = all
        .iter()
        .filter(|entry| entry.kind == Side::Page && entry.method != "GET")
        .map(|entry| entry.path)
        .collect();
    let named: BTreeSet<&str> = acts.keys().copied().collect();
    let unsaid: Vec<_> = forms.difference(&named).collect();
    assert!(unsaid.is_empty(), "say in page_acts.rs by which operation programs do this: {unsaid:?}");
    let gone: Vec<_> = named.difference(&forms).collect();
    assert!(gone.is_empty(), "no page has these forms any more: {gone:?}");
    for (form, road) in acts {
        match road {
            By(names) => {
                assert!(!names.is_empty(), "{form}: no operation");
                for name in names {
                    assert!(operations.contains(name), "{form}: there is no operation {name}");
                }
            }
            Not(why) => assert!(why.len() > 20, "{form}: say why not"),
        }
    }
}

const WORDS: &str = r#"{"letter":"answer","subject":"Prova di risposta","recipient":"Prova Uno","reference":"prova",
    "text":"Testo di prova","classification":"I",
    "to":[{"channel":"email","name":"Prova Uno","address":"uno@posta.example"}]}"#;

/// An officer with a case of the own.
async fn officer(house: &House) -> (Account, String, String) {
    let account = house.person(1, "prova.uno", "Prova Uno", A, Role::ALL).await;
    let of = plant(house, &account, "pratica di prova", false).await;
    let token = house.token(&account).await;
    (account, token, of.ids[&Kind::Case].clone())
}

#[tokio::test]
async fn a_program_writes_an_answer_as_the_page_does() {
    let house = House::new().await;
    let (_, token, case) = officer(&house).await;
    let letters = house.send(call("GET", "/api/v1/letters", &token, "")).await.json();
    assert!(letters["items"].as_array().unwrap().iter().any(|letter| letter["key"] == "answer"));
    let shown = house.send(call("POST", "/api/v1/letters/preview", &token, WORDS)).await;
    assert!(shown.json()["text"].as_str().unwrap().contains("Testo di prova"), "{}", shown.text);
    let path = format!("/api/v1/cases/{case}/answer");
    let kept = house.send(call("PUT", &path, &token, WORDS)).await;
    assert_eq!(kept.status, StatusCode::NO_CONTENT, "{}", kept.text);
    let draft = house.send(call("GET", &path, &token, "")).await.json();
    assert_eq!(draft, serde_json::from_str::<serde_json::Value>(WORDS).unwrap());
    let cookie = house.cookie("prova.uno").await;
    let page = house.send(get(&format!("/cases/{case}/answer"), &cookie)).await;
    assert!(page.text.contains("Testo di prova"), "the page goes on with the same draft");
}

/// A text that is kept is offered to answers, a version written from an old one is refused, a retired one offered no more.
#[tokio::test]
async fn a_program_writes_templates_as_the_page_does() {
    let house = House::new().await;
    let (_, token, _) = officer(&house).await;
    let ask = |method, path: String, body: serde_json::Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (house, token) = (&house, &token);
        async move { house.send(call(method, &path, token, &body)).await }
    };
    let root = "/api/v1/templates";
    let text =
        |word: &str| format!("---\ntitle: Modello {word}\nvariable text: Testo\n---\n{word}: {{{{ text }}}}");
    let refused = ask("POST", root.into(), json!({ "text": "---\ntitle: x\n---\n{{ nothing }}" })).await;
    assert_eq!((refused.status, pointer(&refused)), (StatusCode::UNPROCESSABLE_ENTITY, "/text".to_owned()));
    let shown = ask("POST", format!("{root}/preview"), json!({ "text": text("primo") })).await.json();
    assert_eq!(shown["text"].as_str().map(str::trim), Some("primo: [Testo]"));
    let made = ask("POST", root.into(), json!({ "text": text("primo") })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let own = format!("{root}/{}", made.json()["id"].as_str().unwrap());
    let next = |from: i64, word: &str| {
        ask("POST", format!("{own}/versions"), json!({ "text": text(word), "from": from }))
    };
    assert_eq!(next(1, "secondo").await.json()["version"], 2);
    assert_eq!(next(1, "terzo").await.status, StatusCode::CONFLICT, "somebody saved meanwhile");
    let versions = ask("GET", own.clone(), json!(null)).await.json();
    let titles: Vec<_> = versions["items"].as_array().unwrap().iter().map(|it| it["title"].clone()).collect();
    assert_eq!(titles, ["Modello secondo", "Modello primo"]);
    let offered = || async {
        let letters = ask("GET", "/api/v1/letters".into(), json!(null)).await.json();
        letters["items"].as_array().unwrap().iter().any(|it| it["title"] == "Modello secondo")
    };
    assert!(offered().await);
    let retired = ask("POST", format!("{own}/retirement"), json!({ "from": 2 })).await;
    assert_eq!(retired.status, StatusCode::NO_CONTENT, "{}", retired.text);
    assert!(!offered().await);
    let listed = ask("GET", root.into(), json!(null)).await.json();
    let mine =
        listed["items"].as_array().unwrap().iter().find(|it| it["title"] == "Modello secondo").unwrap();
    assert_eq!((mine["version"].as_i64(), mine["retired"].as_bool()), (Some(3), Some(true)));
}

/// What is refused leaves the key free, so that the program may mend its request and send it again.
#[tokio::test]
async fn a_refused_answer_names_its_field_and_may_be_sent_again_under_its_key() {
    let house = House::new().await;
    let (_, token, case) = officer(&house).await;
    let path = format!("/api/v1/cases/{case}/answers");
    let ask = |body: String| {
        let request = api("POST", &path, &token).header("idempotency-key", "chiave-1");
        house.send(request.body(Bytes::from(body)).unwrap())
    };
    let nowhere = r#"{"letter":"answer","subject":"x","recipient":"x","text":"x","to":[]}"#;
    let empty = ask(nowhere.to_owned()).await;
    assert_eq!((empty.status, pointer(&empty)), (StatusCode::UNPROCESSABLE_ENTITY, "/to".to_owned()));
    let unknown = || ask(WORDS.replace(r#""letter":"answer""#, r#""letter":"mancante""#));
    for _ in 0..2 {
        let refused = unknown().await;
        assert_eq!(
            (refused.status, pointer(&refused)),
            (StatusCode::UNPROCESSABLE_ENTITY, "/letter".to_owned()),
            "{}",
            refused.text
        );
    }
}

fn pointer(answer: &Answer) -> String {
    answer.json()["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_program_sees_and_ends_the_ways_into_its_account() {
    let house = House::new().await;
    let account = house.person(1, "prova.uno", "Prova Uno", A, &[Role::RegistryClerk]).await;
    let deputy = house.person(2, "prova.due", "Prova Due", A, &[Role::RegistryClerk]).await;
    let (cookie, token) = (house.cookie("prova.uno").await, house.token(&account).await);
    let seen = house.send(call("GET", "/api/v1/me/access", &token, "")).await.json();
    let session = seen["sessions"][0]["id"].as_str().unwrap();
    let ended = house.send(call("DELETE", &format!("/api/v1/me/sessions/{session}"), &token, "")).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.text);
    assert!(house.send(get("/account", &cookie)).await.status.is_redirection(), "signed out");
    let away = format!(r#"{{"deputy":"{}","from":"2999-01-01","to":"2999-01-02"}}"#, deputy.id);
    let named = house.send(call("POST", "/api/v1/me/absences", &token, &away)).await;
    assert_eq!(named.status, StatusCode::NO_CONTENT, "{}", named.text);
    let seen = house.send(call("GET", "/api/v1/me/access", &token, "")).await.json();
    assert_eq!(seen["absences"][0]["deputy"], deputy.id.as_str());
    let own = seen["tokens"][0]["id"].as_str().unwrap();
    let ended = house.send(call("DELETE", &format!("/api/v1/me/tokens/{own}"), &token, "")).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.text);
    let after = house.send(call("GET", "/api/v1/me", &token, "")).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}
