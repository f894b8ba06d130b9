//! Nothing of one body is seen or guessed from another (bodies sheet, scenario 6), over every route there is; and
//! nothing confidential from the next desk.
//!
//! The list of routes is the program's own, so a new route is in this test from the day it is written. Each is asked
//! about a thing that exists and about one that does not: status, headers and text must be the same, and a word that
//! stands in every text of the things must never come back. A person whose things they are asks the same questions and
//! must get another answer: otherwise the questions would prove nothing.

use crate::planted::{Kind, Planted, kind_of, nobodys, plant};
use crate::support::{A, Answer, B, House, api, call, form, get};
use app::Settings;
use axum::body::Body as Bytes;
use axum::http::{Request, StatusCode};
use domain::Role;
use domain::ids::{Id, UnitId};
use store::accounts::Account;
use web::routes::{Access, Entry, Kind as Side, table};

/// Words of the things: strangers may type the first, and must never read the second.
const TYPED: &str = "zqparola";
const SECRET: &str = "xqsegreto";
/// Start of the random questions; printed with a failure, so that it can be asked again.
const SEED: u64 = 20_261_123;
/// How many of them.
const RANDOM: usize = 1_500;

/// Somebody who asks: a person with a session and a token, or nobody at all.
struct Asker {
    name: String,
    cookie: String,
    csrf: String,
    token: String,
}

impl Asker {
    async fn of(house: &House, account: &Account) -> Self {
        let cookie = house.cookie(&account.username).await;
        let (csrf, token) = (house.csrf(&cookie).await, house.token(account).await);
        Self { name: account.name.clone(), cookie, csrf, token }
    }

    fn nobody() -> Self {
        Self { name: "nobody".into(), cookie: String::new(), csrf: String::new(), token: String::new() }
    }

    /// One route about one thing; the other places of the path are filled with things of the same owner.
    async fn ask(&self, house: &House, entry: &Entry, id: &str, of: &Planted) -> Answer {
        house.send(self.question(entry, id, of)).await
    }

    fn question(&self, entry: &Entry, id: &str, of: &Planted) -> Request<Bytes> {
        let path = filled(entry.path, id, of);
        let query = format!(
            "?q={TYPED}&about={id}&subject={id}&by={TYPED}.uno&body={B}&dossier={id}&id={id}&to={id}&class=I"
        );
        match (entry.kind, entry.method) {
            (Side::Page, "GET") => get(&format!("{path}{query}"), &self.cookie),
            (Side::Page, _) if entry.path.ends_with("/entries") => self.upload(&path),
            (Side::Page, _) => form(&path, &self.cookie, &self.fields(entry, id, of)),
            (Side::Api, "GET") => call("GET", &format!("{path}{query}"), &self.token, ""),
            (Side::Api, _) if entry.path.ends_with("/entries") => {
                let request = api("POST", &path, &self.token);
                let mut request = request
                    .body(Bytes::from(format!("{}\n", app::use_cases::emergency::HEADER.join(","))))
                    .unwrap();
                request.headers_mut().insert("content-type", "text/csv".parse().unwrap());
                request
            }
            (Side::Api, method) => call(method, &path, &self.token, &content(entry.path, of)),
        }
    }

    /// The fields of every form of the program at once; each reads its own.
    fn fields(&self, entry: &Entry, id: &str, of: &Planted) -> String {
        let (csrf, account) = (&self.csrf, &of.account);
        let (state, kind) = match entry.path {
            "/cases/{id}/state" => ("waiting", "person"),
            "/cases/{id}/participants" => ("", "person"),
            _ => ("closed", "information"),
        };
        // The office that each body of the tests has.
        let unit = UnitId::from_u128(if of.elsewhere == A { 100 } else { 1 });
        // An entry is put into a dossier of the asker's own, by its code: [`neighbour`] opened one in each body.
        let dossier = if entry.path == "/register/{id}/dossier" { "2026-I%2F1" } else { id };
        let entry_id = of.ids.get(&Kind::Entry).map_or("", String::as_str);
        format!(
            "csrf={csrf}&q={TYPED}&id={id}&dossier={dossier}&deputy={account}&officer={account}&reader={account}\
             &person={account}&unit=&to_unit={unit}&to_account={account}&body={}&state={state}&kind={kind}&note=prova\
             &confidentiality=office&reason=prova&back_reason=prova&back={entry_id}&number=1&year=2026\
             &order_reference=prova&field=subject&value=prova&classification=I&subject=prova&sender=prova\
             &confidential=&anomaly=000&text=prova&version=1&act=save&due_on=2026-12-01&role=other\
             &name=prova&digital_domicile=&reference=prova&valid_until=2026-11-24T10:00\
             &restored_at=2026-11-23T09:30&from=2026-11-23&to=2026-11-24&road=email&channel=email\
             &address=prova%40posta.example&email=prova%40posta.example&letter=answer&recipient=prova\
             &roles=registry_clerk&entries={entry_id}&ids={entry_id}",
            of.elsewhere
        )
    }

    fn upload(&self, path: &str) -> Request<Bytes> {
        let part = |name: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let file =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nx\r\n--b--\r\n";
        let body = [part("csrf", &self.csrf), part("act", "try"), file.to_owned()].concat();
        let mut request = form(path, &self.cookie, &body);
        let kind = "multipart/form-data; boundary=b".parse().unwrap();
        request.headers_mut().insert("content-type", kind);
        request
    }
}

/// A path with the id in its first place.
fn filled(path: &str, id: &str, of: &Planted) -> String {
    let part = |part: &str| match part {
        "{id}" | "{link}" => id.to_owned(),
        "{assignment}" => of.ids.get(&Kind::DossierAssignment).cloned().unwrap_or_default(),
        "{account}" => of.account.to_string(),
        "{document}" => of.ids.get(&Kind::Document).cloned().unwrap_or_default(),
        "{sha256}" => of.sha256.clone(),
        "{body}" => of.elsewhere.to_owned(),
        "{place}" => "0".to_owned(),
        "{change}" => "suspend".to_owned(),
        "{answer}" => "refuse".to_owned(),
        other if other.starts_with('{') => "x".to_owned(),
        other => other.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// What a program sends to a route.
fn content(path: &str, of: &Planted) -> String {
    let account = &of.account;
    let reason = r#"{"reason":"prova"}"#.to_owned();
    match path.rsplit('/').next().unwrap_or_default() {
        "annulment" => r#"{"reason":"prova","order_reference":"prova"}"#.to_owned(),
        "corrections" => {
            r#"{"field":"subject","value":"prova","reason":"prova","order_reference":"prova"}"#.to_owned()
        }
        "classification" => r#"{"classification":"I"}"#.to_owned(),
        "assignments" if path.starts_with("/api/v1/dossiers/") => {
            format!(r#"{{"kind":"information","account":"{account}"}}"#)
        }
        "state" if path.starts_with("/api/v1/cases/") => r#"{"state":"waiting","note":"prova"}"#.to_owned(),
        "state" => r#"{"state":"closed"}"#.to_owned(),
        "confidentiality" => r#"{"confidentiality":"office"}"#.to_owned(),
        "versions" => r#"{"text":"---\ntitle: Prova\n---\nprova","from":1}"#.to_owned(),
        "retirement" => r#"{"from":1}"#.to_owned(),
        "officer" | "readers" => format!(r#"{{"account":"{account}"}}"#),
        "documents" => format!(r#"{{"registration":"{}"}}"#, of.ids[&Kind::Entry]),
        "shares" => format!(r#"{{"body":"{}","reason":"prova"}}"#, of.elsewhere),
        "due-date" => r#"{"due_on":"2026-12-01","reason":"prova"}"#.to_owned(),
        "notes" => r#"{"text":"prova"}"#.to_owned(),
        "participants" => r#"{"role":"body","kind":"person","name":"prova"}"#.to_owned(),
        "assignments" => format!(r#"{{"to":{{"kind":"information","account":"{account}"}}}}"#),
        "deliveries" => {
            r#"{"recipients":[{"name":"prova","channel":"email","address":"prova@posta.example"}]}"#
                .to_owned()
        }
        "replacement" => r#"{"name":"prova","channel":"email","address":"prova@posta.example"}"#.to_owned(),
        "closure" | "discard" | "send-back" => reason,
        "registration" if path.starts_with("/api/v1/scans/") => {
            r#"{"attested":true,"metadata":{"body":"c_g999",
            "aoo":"A1B2C3D","direction":"incoming","subject":"prova","classification":null,
            "correspondents":[{"kind":"person","name":"prova"}]}}"#
                .to_owned()
        }
        "registration" => "{}".to_owned(),
        "refusal" => r#"{"anomaly":"000","reason":"prova"}"#.to_owned(),
        "changes" => r#"{"kind":"suspend"}"#.to_owned(),
        "decision" => r#"{"approve":false}"#.to_owned(),
        "answer" | "answers" => r#"{"letter":"answer","subject":"prova","recipient":"prova","text":"prova",
            "to":[{"channel":"email","name":"prova","address":"prova@posta.example"}]}"#
            .to_owned(),
        "absences" => format!(r#"{{"deputy":"{account}","from":"2026-11-23","to":"2026-11-24"}}"#),
        "authorisations" => {
            r#"{"order_reference":"prova","valid_until":"2026-11-24T10:00:00+01:00"}"#.to_owned()
        }
        "restoration" => r#"{"restored_at":"2026-11-23T09:30:00+01:00"}"#.to_owned(),
        _ => String::new(),
    }
}

/// An answer without the ids that were asked for, as written and as they stand in links.
fn without(text: &str, id: &str, of: &Planted) -> String {
    let mut text = text.to_owned();
    let named = [Kind::DossierAssignment, Kind::Document].map(|kind| of.ids[&kind].as_str());
    for known in [id, of.account.as_str()].into_iter().chain(named) {
        text = text.replace(known, "ID").replace(&known.replace('_', "%5F"), "ID");
    }
    text
}

/// The first line that differs.
fn differing(one: &str, other: &str) -> Option<(String, String)> {
    let ends = std::iter::repeat("(nothing)");
    let pairs = one.lines().chain(ends.clone()).zip(other.lines().chain(ends));
    let most = one.lines().count().max(other.lines().count());
    let found = pairs.take(most).find(|(one, other)| one != other);
    found.map(|(one, other)| (one.to_owned(), other.to_owned()))
}

/// Both answers are the same, and the secret word is in neither.
fn same(place: &str, one: &Answer, other: &Answer, plain: impl Fn(&str, bool) -> String) {
    assert!(!one.text.contains(SECRET), "{place} shows a word that is not theirs: {}", one.text);
    assert_eq!(one.status, other.status, "{place}: existing and missing are told apart");
    assert!(!one.status.is_server_error(), "{place}: {}", one.text);
    let headers = |answer: &Answer| {
        let line = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
        };
        answer.headers.iter().map(line).collect::<String>()
    };
    let told = differing(&plain(&headers(one), true), &plain(&headers(other), false));
    assert_eq!(told, None, "{place}: the headers tell");
    let told = differing(&plain(&one.text, true), &plain(&other.text, false));
    assert_eq!(told, None, "{place}: the texts tell");
}

/// Routes that end the asking session, or make something new and secret at each call.
fn left_out(entry: &Entry) -> bool {
    let always = ["/logout", "/account/recovery-codes", "/account/second-factor", "/oauth/token"];
    always.contains(&entry.path) || entry.path.ends_with("/begin")
}

/// The routes that take an id, with its kind.
fn about_things() -> Vec<(Entry, Kind)> {
    let all = table().into_iter().filter(|entry| !left_out(entry));
    all.filter_map(|entry| kind_of(entry.path).map(|kind| (entry, kind))).collect()
}

async fn house() -> House {
    // Passwords cost little here: it is not they that are tested.
    let cost = app::accounts::password::Cost { memory_kib: 256, passes: 1, lanes: 1 };
    House::with(Settings { password_cost: cost, ..Settings::default() }).await
}

/// Somebody in a body whose things are open to the whole of it, the first of their kinds.
async fn neighbour(house: &House, n: u128, body: &str) {
    let name = format!("prova.vicino{n}");
    let person = house.person(n, &name, "Prova Vicino", body, Role::ALL).await;
    plant(house, &person, "cosa di tutti", false).await;
}

/// Asks one route about a thing and about nothing.
async fn pair(house: &House, asker: &Asker, entry: &Entry, kind: Kind, id: &str, of: &Planted) {
    let missing = nobodys(kind);
    let one = asker.ask(house, entry, id, of).await;
    let other = asker.ask(house, entry, &missing, of).await;
    let place = format!("{} {} with {id}, asked by {}", entry.method, entry.path, asker.name);
    same(&place, &one, &other, |text, theirs| without(text, if theirs { id } else { &missing }, of));
}

/// Routes that answer alike whatever they find: ending what has ended already is no fault, and the preview shows what
/// was typed and nothing of the case.
const ALIKE: &[&str] = &[
    "/account/sessions/{id}/end",
    "/account/tokens/{id}/end",
    "/api/v1/me/sessions/{id}",
    "/api/v1/me/tokens/{id}",
    "/cases/{id}/answer/preview",
];

/// What must be done before there is something to undo.
fn before(path: &str) -> Option<&'static str> {
    match path {
        "/dossiers/{id}/readers/{account}/remove" => Some("/dossiers/{id}/readers"),
        "/dossiers/{id}/shares/{body}/end" => Some("/dossiers/{id}/shares"),
        "/api/v1/dossiers/{id}/readers/{account}" => Some("/api/v1/dossiers/{id}/readers"),
        "/api/v1/dossiers/{id}/shares/{body}" => Some("/api/v1/dossiers/{id}/shares"),
        _ => None,
    }
}

/// The owner of fresh things gets another answer than who asks for nothing: what was asked of strangers was a real
/// question.
#[tokio::test]
async fn what_is_asked_of_strangers_is_answered_to_the_owner_on_every_route() {
    let house = house().await;
    let mut blind = Vec::new();
    let all = about_things();
    neighbour(&house, 60, B).await;
    for (n, (entry, kind)) in all.iter().enumerate().filter(|(_, (entry, _))| !ALIKE.contains(&entry.path)) {
        let name = format!("{TYPED}.{n}");
        let account = house.person(1_000 + n as u128, &name, &format!("Prova {n}"), B, Role::ALL).await;
        let of = plant(&house, &account, &format!("{TYPED} {n}"), false).await;
        let owner = Asker::of(&house, &account).await;
        let (id, missing) = (&of.ids[kind], nobodys(*kind));
        if let Some(first) = before(entry.path) {
            let (first, _) = all.iter().find(|(entry, _)| entry.path == first).unwrap();
            owner.ask(&house, first, id, &of).await;
        }
        let other = owner.ask(&house, entry, &missing, &of).await;
        let one = owner.ask(&house, entry, id, &of).await;
        let alike =
            one.status == other.status && without(&one.text, id, &of) == without(&other.text, &missing, &of);
        if alike {
            blind.push(format!("{} {}: {} {:.300}", entry.method, entry.path, one.status, one.text));
        }
    }
    assert!(
        blind.is_empty(),
        "the owner learns nothing either, so these prove nothing:\n{}",
        blind.join("\n")
    );
}

#[tokio::test]
async fn bodies_scenario_06_isolation_over_every_route() {
    let house = house().await;
    let words = format!("{TYPED} {SECRET}");
    neighbour(&house, 60, A).await;
    let owner = house.person(50, &format!("{TYPED}.uno"), &words, B, Role::ALL).await;
    let of = plant(&house, &owner, &words, false).await;
    let stranger = house.person(1, "prova.uno", "Prova Uno", A, Role::ALL).await;
    let askers = [Asker::of(&house, &stranger).await, Asker::nobody()];
    for (entry, kind) in &about_things() {
        for asker in &askers {
            pair(&house, asker, entry, *kind, &of.ids[kind], &of).await;
            // An id of another kind in the same place tells as little.
            for (other, id) in of.ids.iter().filter(|(other, _)| *other != kind) {
                pair(&house, asker, entry, *other, id, &of).await;
            }
        }
    }
    for (n, role) in Role::ALL.iter().enumerate() {
        let name = format!("prova.r{n}");
        let person = house.person(100 + n as u128, &name, role.name(), A, &[*role]).await;
        let asker = Asker::of(&house, &person).await;
        for (entry, kind) in &about_things() {
            pair(&house, &asker, entry, *kind, &of.ids[kind], &of).await;
        }
    }
}

/// A small repeatable source of numbers (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

#[tokio::test]
async fn random_people_with_random_roles_learn_nothing_about_random_things_of_another_body() {
    let house = house().await;
    let words = format!("{TYPED} {SECRET}");
    let mut dice = Dice(SEED);
    neighbour(&house, 60, A).await;
    let mut owned = Vec::new();
    for n in 0..3 {
        let name = format!("{TYPED}.{}", ["uno", "secondo", "terzapersona"][n]);
        let owner = house.person(50 + n as u128, &name, &words, B, Role::ALL).await;
        owned.push(plant(&house, &owner, &format!("{words} {n}"), n == 1).await);
    }
    let mut askers = Vec::new();
    for n in 0..8 {
        let roles: Vec<Role> = Role::ALL.iter().copied().filter(|_| dice.below(3) == 0).collect();
        let person = house.person(200 + n, &format!("prova.n{n}"), &format!("{roles:?}"), A, &roles).await;
        askers.push(Asker::of(&house, &person).await);
    }
    let routes = about_things();
    for _ in 0..RANDOM {
        let (entry, kind) = &routes[dice.below(routes.len())];
        let (asker, of) = (&askers[dice.below(askers.len())], &owned[dice.below(owned.len())]);
        let kind =
            if dice.below(4) == 0 { *of.ids.keys().nth(dice.below(of.ids.len())).unwrap() } else { *kind };
        pair(&house, asker, entry, kind, &of.ids[&kind], of).await;
    }
}

/// Lists, search, export and proposals, with and without words typed.
async fn lists(house: &House, asker: &Asker) -> Vec<(String, Answer)> {
    let mut all = Vec::new();
    // The page of the installation counts what waits in all of it, for who looks after the machine.
    let whole = ["/admin", "/status"];
    for entry in table().iter().filter(|entry| entry.method == "GET" && !entry.path.contains('{')) {
        if left_out(entry) || whole.contains(&entry.path) {
            continue;
        }
        for query in
            ["", &format!("?q={TYPED}"), &format!("?format=csv&q={TYPED}&by={TYPED}.uno&view=office")]
        {
            let address = format!("{}{query}", entry.path);
            let request = match entry.kind {
                Side::Page => get(&address, &asker.cookie),
                Side::Api => call("GET", &address, &asker.token, ""),
            };
            all.push((address, house.send(request).await));
        }
    }
    all
}

#[tokio::test]
async fn no_list_search_or_export_changes_by_what_another_body_does() {
    let house = house().await;
    let words = format!("{TYPED} {SECRET}");
    let stranger = house.person(1, "prova.uno", "Prova Uno", A, Role::ALL).await;
    let asker = Asker::of(&house, &stranger).await;
    let before = without_traces(lists(&house, &asker).await);
    let owner = house.person(50, &format!("{TYPED}.uno"), &words, B, Role::ALL).await;
    plant(&house, &owner, &words, false).await;
    let after = without_traces(lists(&house, &asker).await);
    for ((address, one), (_, other)) in before.iter().zip(&after) {
        same(address, other, one, |text, _| text.to_owned());
    }
}

/// The audit shows looks, also those of this test: it is compared by the secret word alone.
fn without_traces(all: Vec<(String, Answer)>) -> Vec<(String, Answer)> {
    let audit = |address: &str| address.starts_with("/audit") || address.starts_with("/api/v1/audit");
    for (address, answer) in all.iter().filter(|(address, _)| audit(address)) {
        assert!(!answer.text.contains(SECRET), "{address}");
    }
    all.into_iter().filter(|(address, _)| !audit(address)).collect()
}

/// Where the own body's confidential things are shown by number or code and date, to who may know that they exist.
const CODE_AND_DATE: &[&str] =
    &["/register/{id}", "/api/v1/registrations/{id}", "/dossiers/{id}", "/api/v1/dossiers/{id}"];

#[tokio::test]
async fn a_colleague_without_the_right_learns_nothing_about_what_is_confidential() {
    let house = house().await;
    let words = format!("{TYPED} {SECRET}");
    neighbour(&house, 60, A).await;
    let owner = house.person(50, &format!("{TYPED}.uno"), "Prova Titolare", A, Role::ALL).await;
    let of = plant(&house, &owner, &words, true).await;
    let hidden = [
        Kind::Entry,
        Kind::Document,
        Kind::Dossier,
        Kind::Case,
        Kind::Delivery,
        Kind::Task,
        Kind::View,
        Kind::Token,
        Kind::Session,
        Kind::Passkey,
    ];
    // Who answers for the register sees its confidential entries; everybody else does not.
    let roles: Vec<Role> = Role::ALL.iter().copied().filter(|role| *role != Role::RecordsManager).collect();
    let colleague = house.person(1, "prova.uno", "Prova Uno", A, &roles).await;
    let mut people = vec![(colleague, roles)];
    for (n, role) in Role::ALL.iter().enumerate().filter(|(_, role)| **role != Role::RecordsManager) {
        let name = format!("prova.r{n}");
        people.push((house.person(100 + n as u128, &name, role.name(), A, &[*role]).await, vec![*role]));
    }
    for (person, _) in &people {
        let asker = Asker::of(&house, person).await;
        for (entry, kind) in about_things().iter().filter(|(_, kind)| hidden.contains(kind)) {
            if !CODE_AND_DATE.contains(&entry.path) {
                pair(&house, &asker, entry, *kind, &of.ids[kind], &of).await;
                continue;
            }
            let answer = asker.ask(&house, entry, &of.ids[kind], &of).await;
            assert!(!answer.text.contains(SECRET), "{} {}: {}", entry.path, asker.name, answer.text);
        }
        for (address, answer) in lists(&house, &asker).await {
            assert!(!answer.text.contains(SECRET), "{address} for {}: {}", asker.name, answer.text);
        }
    }
}

#[tokio::test]
async fn nobody_signed_in_reaches_only_what_is_public() {
    let house = House::new().await;
    for entry in table().iter().filter(|entry| entry.access != Access::Public) {
        let path: Vec<&str> =
            entry.path.split('/').map(|p| if p.starts_with('{') { "x" } else { p }).collect();
        let path = path.join("/");
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
