//! Nothing of one body is seen or guessed from another (bodies sheet, scenario 6), over every route there is.
//!
//! Every text of body B holds a word that nobody else uses. A person of body A with every role asks every route
//! of the list, with the ids of B and with ids that nobody has: the word never comes back, and the two answers
//! are the same. The list is the program's own, so a new route is in this test from the day it is written.

use crate::support::{A, Answer, B, House, call, form, get};
use axum::http::StatusCode;
use domain::Role;
use domain::ids::{AccountId, DocumentId, DossierId, Id, RegistrationId, RightsChangeId, SessionId, TokenId};
use web::routes::{Access, Entry, Kind, table};

/// The words of B: people of A may type the first, and must never read the second.
const TYPED: &str = "zqparola";
const SECRET: &str = "xqsegreto";

/// Ids of B, each beside one of the same kind that nobody has.
async fn planted(house: &House) -> Vec<(String, String)> {
    let words = format!("{TYPED} {SECRET}");
    let person = house.person(50, &format!("{TYPED}.uno"), &words, B, Role::ALL).await;
    let ctx = house.context(&person).await;
    let mut ids: Vec<(String, String)> = Vec::new();
    for id in house.plant(&ctx, &words).await {
        let nobody = match id.split('_').next() {
            Some("reg") => RegistrationId::from_u128(7).to_string(),
            Some("doc") => DocumentId::from_u128(7).to_string(),
            _ => DossierId::from_u128(7).to_string(),
        };
        ids.push((id, nobody));
    }
    let (client, _) = app::accounts::programs::make(&ctx, person.id.clone(), &words).await.unwrap();
    let change = app::accounts::rights::ask(&ctx, person.id.clone(), app::accounts::rights::Change::Restore);
    ids.push((change.await.unwrap().to_string(), RightsChangeId::from_u128(7).to_string()));
    ids.push((client.to_string(), TokenId::from_u128(7).to_string()));
    let (token, _) = app::accounts::tokens::make(&ctx, &words, 1).await.unwrap();
    ids.push((token.id.to_string(), TokenId::from_u128(8).to_string()));
    house.cookie(&format!("{TYPED}.uno")).await;
    let own = app::accounts::own::read(&ctx).await.unwrap();
    ids.push((own.sessions[0].id.to_string(), SessionId::from_u128(7).to_string()));
    ids.push((person.id.to_string(), AccountId::from_u128(7).to_string()));
    ids
}

/// Puts an id in every place of a path; other places get a word.
fn filled(path: &str, id: &str) -> String {
    let mut out = String::new();
    for (n, part) in path.split('/').enumerate() {
        if n > 0 {
            out.push('/');
        }
        out.push_str(if part.starts_with('{') { id } else { part });
    }
    out
}

/// An answer without the id that was asked for, as written and as it stands in links.
fn without(text: &str, id: &str) -> String {
    text.replace(id, "ID").replace(&id.replace('_', "%5F"), "ID")
}

struct Asker<'a> {
    house: &'a House,
    cookie: String,
    csrf: String,
    token: String,
}

impl Asker<'_> {
    async fn ask(&self, entry: &Entry, id: &str) -> Answer {
        let path = filled(entry.path, id);
        let query =
            format!("?q={TYPED}&about={id}&subject={id}&by={TYPED}.uno&body={B}&dossier={id}&id={id}");
        let request = match (entry.kind, entry.method) {
            (Kind::Page, "GET") => get(&format!("{path}{query}"), &self.cookie),
            (Kind::Page, _) => {
                let fields =
                    format!("csrf={}&q={TYPED}&id={id}&dossier={id}&deputy={id}&body={B}", self.csrf);
                form(&path, &self.cookie, &fields)
            }
            (Kind::Api, "GET") => call("GET", &format!("{path}{query}"), &self.token, ""),
            (Kind::Api, method) => call(method, &path, &self.token, r#"{"approve":true,"kind":"suspend"}"#),
        };
        self.house.send(request).await
    }
}

/// Routes that end the asking session, or make something new and secret at each call.
fn left_out(entry: &Entry) -> bool {
    matches!(entry.path, "/logout" | "/account/recovery-codes" | "/account/second-factor" | "/oauth/token")
        || entry.path.ends_with("/begin")
}

#[tokio::test]
async fn bodies_scenario_06_isolation_over_every_route() {
    let house = House::new().await;
    let ids = planted(&house).await;
    let asker = house.person(1, "prova.uno", "Prova Uno", A, Role::ALL).await;
    let cookie = house.cookie("prova.uno").await;
    let csrf = house.csrf(&cookie).await;
    let token = house.token(&asker).await;
    let asker = Asker { house: &house, cookie, csrf, token };
    let mut asked = 0;
    for entry in table().iter().filter(|entry| !left_out(entry)) {
        for (theirs, nobodys) in &ids {
            let (one, other) = (asker.ask(entry, theirs).await, asker.ask(entry, nobodys).await);
            let place = format!("{} {} with {theirs}", entry.method, entry.path);
            assert!(!one.text.contains(SECRET), "{place} shows a word of the other body");
            assert_eq!(one.status, other.status, "{place}: existing and missing are told apart");
            assert!(!one.status.is_server_error(), "{place}: {}", one.text);
            if entry.path.contains('{') {
                let same = without(&one.text, theirs) == without(&other.text, nobodys);
                assert!(same, "{place}: existing and missing read differently");
            }
            asked += 1;
            if !entry.path.contains('{') && entry.method != "GET" {
                break;
            }
        }
    }
    assert!(asked > 100, "only {asked} questions were asked");
}

#[tokio::test]
async fn nobody_signed_in_reaches_only_what_is_public() {
    let house = House::new().await;
    for entry in table().iter().filter(|entry| entry.access != Access::Public) {
        let path = filled(entry.path, "x");
        let answer = match entry.method {
            "GET" => house.send(get(&path, "")).await,
            _ => house.send(form(&path, "", "")).await,
        };
        let turned_away = answer.status == StatusCode::UNAUTHORIZED
            || answer.headers.get("location").is_some_and(|to| to.as_bytes().starts_with(b"/login"));
        assert!(turned_away, "{} {}: {}", entry.method, entry.path, answer.status);
    }
}

/// What anyone may ask without an account. A route comes here only on purpose.
const PUBLIC: &[&str] = &[
    "/accessibility",
    "/privacy",
    "/help",
    "/shortcuts",
    "/preferences",
    "/assets/{hash}/{name}",
    "/healthz",
    "/status",
    "/openapi.json",
    "/api/docs",
    "/login",
    "/login/passkey/begin",
    "/login/passkey/finish",
    "/enter/{link}",
    "/oauth/token",
];

#[test]
fn every_route_has_its_entry_in_the_table_of_permissions() {
    for entry in table() {
        match entry.access {
            Access::Public => {
                let checks = ["/verify", "/api/v1/verifications"];
                let on_purpose =
                    PUBLIC.contains(&entry.path) || checks.iter().any(|start| entry.path.starts_with(start));
                assert!(on_purpose || entry.path.starts_with("/api/v1/bodies"), "{} is public", entry.path);
            }
            Access::May(verb) => assert!(app::Verb::ALL.contains(&verb) && !verb.roles().is_empty()),
            Access::Signed => {}
        }
    }
}
