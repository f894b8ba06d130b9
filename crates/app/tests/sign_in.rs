//! Signing in over a real store: right, wrong, locked, with a second factor, and the end of a session.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

use app::accounts::{self, SignIn, SignedIn, password, second_factor};
use app::{App, Clock, Settings};
use domain::body::{Body, IpaCode};
use domain::ids::{AccountId, Id};
use domain::{Moment, Role};
use std::sync::Arc;
use store::accounts::{Account, Post};

const PASSWORD: &str = "una frase lunga di prova";

async fn office() -> (Arc<App>, Account) {
    let clock = Clock::manual(Moment::new("2026-11-23T09:00:00Z".parse().unwrap()));
    let app = Arc::new(App::new(store::test_store(), clock, Settings::default()));
    let body: Body = serde_json::from_value(serde_json::json!({
        "ipa_code": "c_g999", "name": "Comune di Prato", "tax_code": null, "kind": "municipality",
        "digital_domicile": null, "aoos": [], "offices": [], "succeeded_by": null,
        "valid_from": "1900-01-01", "valid_to": null, "inside": true
    }))
    .unwrap();
    let account = Account {
        id: AccountId::from_u128(1),
        username: "prova.uno".into(),
        name: "Prova Uno".into(),
        body: body.ipa_code.clone(),
        email: None,
        password_hash: Some(password::hash(PASSWORD, password::Cost::default()).unwrap()),
        state: "active".into(),
        failures: 0,
        locked_until: 0,
        totp_secret: None,
        totp_last_step: 0,
    };
    let kept = account.clone();
    app.store
        .write(move |tx| {
            store::bodies::insert(tx, &body)?;
            store::accounts::insert(tx, &kept)?;
            let post = Post { body: kept.body.clone(), unit: None, role: Role::RegistryClerk };
            store::accounts::add_post(tx, &kept.id, &post)
        })
        .await
        .unwrap();
    (app, account)
}

async fn attempt(app: &Arc<App>, password: &str, code: Option<&str>) -> app::Result<SignedIn> {
    let asked = SignIn {
        username: " Prova.Uno ".into(),
        password: password.into(),
        code: code.map(str::to_owned),
        agent: "test".into(),
    };
    accounts::sign_in(app, asked).await
}

async fn enter(app: &Arc<App>) -> String {
    match attempt(app, PASSWORD, None).await.unwrap() {
        SignedIn::Session { token } => token,
        SignedIn::CodeWanted => panic!("no second factor was enrolled"),
    }
}

#[tokio::test]
async fn a_session_names_its_person_and_ends_when_idle_or_signed_out() {
    let (app, account) = office().await;
    let token = enter(&app).await;
    let who = accounts::by_session(&app, &token).await.unwrap().unwrap();
    assert_eq!(who.actor.account, Some(account.id));
    assert_eq!(who.actor.roles, [Role::RegistryClerk]);
    assert_eq!(who.actor.body, IpaCode::parse("c_g999").unwrap());
    assert!(accounts::by_session(&app, "another").await.unwrap().is_none());
    app.clock.advance_seconds(2 * 3600 + 1);
    assert!(accounts::by_session(&app, &token).await.unwrap().is_none(), "idle sessions end");

    let token = enter(&app).await;
    accounts::session::sign_out(&app, &token).await.unwrap();
    assert!(accounts::by_session(&app, &token).await.unwrap().is_none());
}

#[tokio::test]
async fn wrong_attempts_lock_the_account_and_the_lock_ends_by_itself() {
    let (app, _) = office().await;
    for _ in 0..5 {
        assert!(attempt(&app, "un'altra frase lunga", None).await.is_err());
    }
    assert!(attempt(&app, PASSWORD, None).await.is_err(), "locked: even the right password is refused");
    app.clock.advance_seconds(61);
    enter(&app).await;
}

#[tokio::test]
async fn a_suspended_account_loses_its_open_session() {
    let (app, account) = office().await;
    let token = enter(&app).await;
    app.store.write(move |tx| store::accounts::set_state(tx, &account.id, "suspended")).await.unwrap();
    assert!(accounts::by_session(&app, &token).await.unwrap().is_none());
    assert!(attempt(&app, PASSWORD, None).await.is_err());
}

#[tokio::test]
async fn a_second_factor_is_asked_and_no_code_works_twice() {
    let (app, account) = office().await;
    let token = enter(&app).await;
    let who = accounts::by_session(&app, &token).await.unwrap().unwrap();
    let ctx = app.context(who.actor);
    let enrolment = second_factor::enrol(&ctx, &account.username).unwrap();
    assert!(second_factor::confirm(&ctx, None, &enrolment.secret, "000000x").await.is_err());
    let code = code_now(&app, &enrolment.secret);
    second_factor::confirm(&ctx, None, &enrolment.secret, &code).await.unwrap();

    assert!(matches!(attempt(&app, PASSWORD, None).await.unwrap(), SignedIn::CodeWanted));
    assert!(attempt(&app, PASSWORD, Some(&code)).await.is_err(), "the code that confirmed it is spent");
    app.clock.advance_seconds(60);
    let next = code_now(&app, &enrolment.secret);
    assert!(matches!(attempt(&app, PASSWORD, Some(&next)).await.unwrap(), SignedIn::Session { .. }));
    assert!(attempt(&app, PASSWORD, Some(&next)).await.is_err(), "the same code again");
}

fn code_now(app: &App, secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build_noncompliant();
    totp.generate(u64::try_from(app.clock.now().at.as_second()).unwrap()).to_string()
}
