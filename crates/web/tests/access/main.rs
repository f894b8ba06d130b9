//! Who may what, told over HTTP on a real store: entering, staying in, leaving, rights that need two people,
//! requests that may be repeated, and that nothing of one body is seen from another.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

mod absence;
mod desk;
mod edge;
mod factors;
mod isolation;
mod page_acts;
mod planted;
mod rights;
mod support;

use app::Settings;
use axum::body::Body as Bytes;
use axum::http::StatusCode;
use domain::Role;
use support::{A, House, PASSWORD, api, call, form, get};

#[tokio::test]
async fn entering_gives_a_new_secret_and_a_planted_one_is_worth_nothing() {
    let house = House::new().await;
    house.person(1, "prova.uno", "Prova Uno", A, &[Role::RegistryClerk]).await;
    let planted = "telaio_session=planted-by-somebody";
    let fields = format!("username=prova.uno&password={}&next=/account", PASSWORD.replace(' ', "+"));
    let answer = house.send(form("/login", planted, &fields)).await;
    let cookie = answer.cookie();
    assert_ne!(cookie, planted);
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("HttpOnly; SameSite=Lax"));
    assert_eq!(house.send(get("/account", &cookie)).await.status, StatusCode::OK);
    let thief = house.send(get("/account", planted)).await;
    assert!(thief.status.is_redirection(), "the planted secret leads to the sign-in page");
}

#[tokio::test]
async fn a_form_without_the_token_or_from_another_site_changes_nothing() {
    let house = House::new().await;
    house.person(1, "prova.uno", "Prova Uno", A, &[Role::RegistryClerk]).await;
    let cookie = house.cookie("prova.uno").await;
    let csrf = house.csrf(&cookie).await;
    let without = house.send(form("/account/recovery-codes", &cookie, "")).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    let mut foreign = form("/account/recovery-codes", &cookie, &format!("csrf={csrf}"));
    foreign.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(house.send(foreign).await.status, StatusCode::FORBIDDEN);
    let right = house.send(form("/account/recovery-codes", &cookie, &format!("csrf={csrf}"))).await;
    assert_eq!(right.status, StatusCode::OK);
    assert_eq!(right.text.matches("data-once").count(), 10);
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_look_alike_and_close_the_address() {
    let house = House::new().await;
    house.person(1, "prova.uno", "Prova Uno", A, &[Role::RegistryClerk]).await;
    let wrong = house.enter("prova.uno", "un'altra frase").await;
    let unknown = house.enter("prova.due", "un'altra frase").await;
    assert_eq!(wrong.status, unknown.status);
    assert_eq!(wrong.text.replace("prova.uno", "x"), unknown.text.replace("prova.due", "x"));
    for n in 0..40 {
        house.enter(&format!("prova.{n}"), "un'altra frase").await;
    }
    let closed = house.enter("prova.uno", PASSWORD).await;
    assert_eq!(closed.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(closed.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    house.app.clock.advance_seconds(3_600);
    house.cookie("prova.uno").await;
}

#[tokio::test]
async fn behind_a_proxy_wrong_passwords_close_one_address_and_not_the_office() {
    let trusted = vec!["127.0.0.1".parse().unwrap()];
    let house = House::with(Settings { trusted_proxies: trusted, ..Settings::default() }).await;
    house.person(1, "prova.uno", "Prova Uno", A, &[Role::RegistryClerk]).await;
    let knock = |name: String, address: &str, password: &str| {
        let fields = format!("username={name}&password={}&next=/account", password.replace(' ', "+"));
        let mut request = form("/login", "", &fields);
        request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        let peer: std::net::SocketAddr = "127.0.0.1:4000".parse().unwrap();
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        house.send(request)
    };
    let mut last = StatusCode::OK;
    for n in 0..40 {
        last = knock(format!("prova.{n}"), "198.51.100.1", "un'altra frase").await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(knock("prova.uno".into(), "198.51.100.2", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_stolen_session_and_token_end_when_the_password_changes() {
    let house = House::new().await;
    let account = house.person(1, "prova.uno", "Prova Uno", A, &[Role::RegistryClerk]).await;
    let (stolen, token) = (house.cookie("prova.uno").await, house.token(&account).await);
    let own = house.cookie("prova.uno").await;
    let csrf = house.csrf(&own).await;
    let fields = format!("csrf={csrf}&present={}&new=un+altra+frase+molto+lunga", PASSWORD.replace(' ', "+"));
    let changed = house.send(form("/account/password", &own, &fields)).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text);
    assert_eq!(house.send(get("/account", &own)).await.status, StatusCode::OK);
    assert!(house.send(get("/account", &stolen)).await.status.is_redirection());
    let program = house.send(call("GET", "/api/v1/me", &token, "")).await;
    assert_eq!(program.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.enter("prova.uno", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_change_of_rights_needs_a_second_person_and_signs_its_object_out() {
    let house = House::new().await;
    let both = [Role::ItAdmin, Role::RecordsManager];
    let admin = house.person(1, "prova.admin", "Prova Admin", A, &both).await;
    let manager = house.person(2, "prova.resp", "Prova Responsabile", A, &[Role::RecordsManager]).await;
    let clerk = house.person(3, "prova.clerk", "Prova Operatore", A, &[Role::RegistryClerk]).await;
    let (asks, decides) = (house.token(&admin).await, house.token(&manager).await);
    let cookie = house.cookie("prova.clerk").await;
    let change = r#"{"kind":"move","held":[{"role":"case_officer"}]}"#;
    let path = format!("/api/v1/accounts/{}/changes", clerk.id);
    let asked = house.send(call("POST", &path, &asks, change)).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{}", asked.text);
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    let decision = format!("/api/v1/rights-changes/{id}/decision");
    let alone = house.send(call("POST", &decision, &asks, r#"{"approve":true}"#)).await;
    assert_eq!(alone.status, StatusCode::CONFLICT, "who asked cannot decide: {}", alone.text);
    let done = house.send(call("POST", &decision, &decides, r#"{"approve":true}"#)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(house.send(get("/account", &cookie)).await.status.is_redirection(), "signed out");
    assert_eq!(house.context(&clerk).await.actor.roles, [Role::CaseOfficer]);
    let again = house.send(call("POST", &decision, &decides, r#"{"approve":true}"#)).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn lost_access_is_given_back_by_two_people_and_one_link() {
    let house = House::new().await;
    let admin = house.person(1, "prova.admin", "Prova Admin", A, &[Role::ItAdmin]).await;
    let manager = house.person(2, "prova.resp", "Prova Responsabile", A, &[Role::RecordsManager]).await;
    let clerk = house.person(3, "prova.clerk", "Prova Operatore", A, &[Role::RegistryClerk]).await;
    let path = format!("/api/v1/accounts/{}/changes", clerk.id);
    let asked = house.send(call("POST", &path, &house.token(&admin).await, r#"{"kind":"recover"}"#)).await;
    let decision = format!("/api/v1/rights-changes/{}/decision", asked.json()["id"].as_str().unwrap());
    let done = house.send(call("POST", &decision, &house.token(&manager).await, r#"{"approve":true}"#)).await;
    let link = done.json()["link"].as_str().unwrap().to_owned();
    let path = link.split("8080").nth(1).unwrap().to_owned();
    let short = house.send(form(&path, "", "password=corta")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let set = house.send(form(&path, "", "password=una+frase+del+tutto+nuova")).await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text);
    assert_eq!(
        house.send(form(&path, "", "password=una+frase+ancora+nuova")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(house.enter("prova.clerk", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.enter("prova.clerk", "una frase del tutto nuova").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_repeated_request_is_done_once_and_another_under_the_same_key_is_refused() {
    let house = House::new().await;
    let admin = house.person(1, "prova.admin", "Prova Admin", A, &[Role::ItAdmin]).await;
    let token = house.token(&admin).await;
    let ask = |body: &'static str| {
        let request = api("POST", "/api/v1/accounts", &token).header("idempotency-key", "chiave-1");
        house.send(request.body(Bytes::from(body)).unwrap())
    };
    let one = r#"{"username":"prova.nuova","name":"Prova Nuova","held":[]}"#;
    let first = ask(one).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let second = ask(one).await;
    assert_eq!((second.status, second.text), (StatusCode::CREATED, first.text));
    let other = ask(r#"{"username":"prova.altra","name":"Prova Altra","held":[]}"#).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    let users = house.send(call("GET", "/api/v1/accounts", &token, "")).await;
    assert_eq!(users.json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_program_trades_its_secret_for_a_token() {
    let house = House::new().await;
    let admin = house.person(1, "prova.admin", "Prova Admin", A, &[Role::ItAdmin]).await;
    let ctx = house.context(&admin).await;
    let (id, secret) =
        app::accounts::programs::make(&ctx, admin.id.clone(), "Prova programma").await.unwrap();
    let fields = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let answer = house.send(form("/oauth/token", "", &fields)).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let me = house.send(call("GET", "/api/v1/me", &token, "")).await;
    assert_eq!(me.json()["name"], "Prova Admin");
    let wrong = house.send(form("/oauth/token", "", &fields.replace(&secret, "x"))).await;
    assert_eq!(
        (wrong.status, wrong.json()["error"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("invalid_client"))
    );
    app::accounts::programs::revoke(&ctx, id).await.unwrap();
    assert_eq!(house.send(form("/oauth/token", "", &fields)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_stay_with_us() {
    let house = House::new().await;
    for path in ["/login", "/healthz", "/nowhere", "/api/v1/me"] {
        let answer = house.send(get(path, "")).await;
        let csp = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(csp.contains("script-src 'self'") && !csp.contains("unsafe"), "{path}: {csp}");
        for name in ["x-content-type-options", "x-frame-options", "referrer-policy", "permissions-policy"] {
            assert!(answer.headers.contains_key(name), "{path}: no {name}");
        }
    }
}

#[tokio::test]
async fn the_journal_of_the_body_is_shown_to_its_auditor_and_holds() {
    let house = House::new().await;
    let auditor = house.person(1, "prova.revisore", "Prova Revisore", A, &[Role::Auditor]).await;
    let clerk = house.person(2, "prova.clerk", "Prova Operatore", A, &[Role::RegistryClerk]).await;
    let token = house.token(&auditor).await;
    let chain = house.send(call("GET", "/api/v1/audit/chain", &token, "")).await;
    assert_eq!(chain.json()["holds"], true, "{}", chain.text);
    assert!(chain.json()["entries"].as_i64().unwrap() > 0);
    let entries = house.send(call("GET", "/api/v1/audit/entries", &token, "")).await;
    assert!(entries.text.contains("token.make"));
    let refused = house.send(call("GET", "/api/v1/audit/entries", &house.token(&clerk).await, "")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
