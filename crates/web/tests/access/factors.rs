//! A second factor for the roles that need one, and what a sign-in leaves behind.

use crate::support::{A, Answer, House, PASSWORD, form, get};
use app::Settings;
use app::accounts::password::{self, Cost};
use axum::http::StatusCode;
use domain::Role;
use store::accounts::Account;

async fn strict() -> House {
    House::with(Settings { second_factor_for: vec![Role::ItAdmin], ..Settings::default() }).await
}

fn led_to_set_up(answer: &Answer) -> bool {
    answer.headers.get("location").is_some_and(|to| to == "/account/second-factor")
}

/// The code of the page's secret at a moment of the house's clock.
fn code(house: &House, page: &str) -> (String, String) {
    let (_, rest) = page.split_once("data-secret>").unwrap();
    let secret = rest.split('<').next().unwrap().to_owned();
    (code_of(house, &secret), secret)
}

fn code_of(house: &House, secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build_noncompliant();
    totp.generate(u64::try_from(house.app.clock.now().at.as_second()).unwrap()).to_string()
}

#[tokio::test]
async fn an_administrator_without_second_factor_sets_one_up_before_anything_else() {
    let house = strict().await;
    house.person(1, "prova.admin", "Prova Admin", A, &[Role::ItAdmin]).await;
    house.person(2, "prova.clerk", "Prova Operatore", A, &[Role::RegistryClerk]).await;
    let clerk = house.cookie("prova.clerk").await;
    assert_eq!(house.send(get("/account", &clerk)).await.status, StatusCode::OK, "not asked of this role");
    let cookie = house.cookie("prova.admin").await;
    for path in ["/", "/admin", "/admin/users", "/account", "/account/recovery-codes", "/register"] {
        let answer = house.send(get(path, &cookie)).await;
        assert!(
            led_to_set_up(&answer) || answer.status == StatusCode::METHOD_NOT_ALLOWED,
            "{path}: {answer:?}"
        );
    }
    let page = house.send(get("/account/second-factor", &cookie)).await;
    assert_eq!(page.status, StatusCode::OK);
    let csrf =
        page.text.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let invite = format!("csrf={csrf}&username=prova.tre&name=Prova+Tre&email=");
    assert_eq!(house.send(form("/admin/users", &cookie, &invite)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.send(form("/account/tokens", &cookie, &invite)).await.status, StatusCode::FORBIDDEN);

    let (digits, secret) = code(&house, &page.text);
    let fields = format!("csrf={csrf}&secret={secret}&url=otpauth&code={digits}");
    let set = house.send(form("/account/second-factor", &cookie, &fields)).await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text);
    assert_eq!(house.send(get("/admin/users", &cookie)).await.status, StatusCode::OK);
    // A second seed over the first would let whoever finds the desk unattended in for good.
    let again = house.send(get("/account/second-factor", &cookie)).await;
    house.app.clock.advance_seconds(60);
    let (digits, secret) = code(&house, &again.text);
    let fields = format!("csrf={csrf}&secret={secret}&url=otpauth&code={digits}");
    let refused = house.send(form("/account/second-factor", &cookie, &fields)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
}

#[tokio::test]
async fn a_session_opened_with_the_password_alone_is_worth_nothing_once_there_is_a_factor() {
    let house = strict().await;
    let admin = house.person(1, "prova.admin", "Prova Admin", A, &[Role::ItAdmin]).await;
    let stolen = house.cookie("prova.admin").await;
    let own = house.cookie("prova.admin").await;
    let page = house.send(get("/account/second-factor", &own)).await;
    let csrf =
        page.text.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let (digits, secret) = code(&house, &page.text);
    let fields = format!("csrf={csrf}&secret={secret}&url=otpauth&code={digits}");
    house.send(form("/account/second-factor", &own, &fields)).await;
    let thief = house.send(get("/account/second-factor", &stolen)).await;
    assert!(thief.headers["location"].to_str().unwrap().starts_with("/login"), "{thief:?}");
    // With a passkey and no code, the password alone does not enter; a recovery code does.
    let id = admin.id.clone();
    let swap = move |tx: &mut store::Tx| {
        store::accounts::set_totp(tx, &id, None)?;
        let key = store::factors::Passkey {
            id: "aa".into(),
            account: id.clone(),
            label: "Chiave di prova".into(),
            credential: "{}".into(),
            created_at: 0,
            used_at: None,
        };
        store::factors::add_passkey(tx, &key)
    };
    house.app.store.write::<_, store::StoreError, _>(swap).await.unwrap();
    let codes = app::accounts::own::new_codes(&house.context(&admin).await).await.unwrap();
    let asked = house.enter("prova.admin", PASSWORD).await;
    assert_eq!((asked.status, asked.headers.contains_key("set-cookie")), (StatusCode::OK, false));
    let typed = |code: &str| {
        let password = PASSWORD.replace(' ', "+");
        house.send(form(
            "/login",
            "",
            &format!("username=prova.admin&password={password}&code={code}&next=/"),
        ))
    };
    assert_eq!(typed("abcde-abcde").await.status, StatusCode::UNAUTHORIZED);
    let entered = typed(&codes[0]).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text);
    assert_eq!(house.send(get("/admin/users", &entered.cookie())).await.status, StatusCode::OK);
    assert_eq!(typed(&codes[0]).await.status, StatusCode::UNAUTHORIZED, "a recovery code works once");
}

async fn hash_of(house: &House, account: &Account) -> String {
    let id = account.id.clone();
    let read = move |r: &mut store::Reader| store::accounts::find(r, &id);
    house.app.store.read::<_, store::StoreError, _>(read).await.unwrap().unwrap().password_hash.unwrap()
}

#[tokio::test]
async fn a_password_hashed_at_another_cost_is_hashed_anew_at_the_next_entry_only() {
    let cost = Cost { memory_kib: 8_192, passes: 1, lanes: 1 };
    let house = House::with(Settings { password_cost: cost, ..Settings::default() }).await;
    let account = house.person(1, "prova.uno", "Prova Uno", A, &[Role::RegistryClerk]).await;
    let before = hash_of(&house, &account).await;
    house.enter("prova.uno", "un'altra frase").await;
    assert_eq!(hash_of(&house, &account).await, before, "a wrong password changes nothing");
    house.cookie("prova.uno").await;
    let after = hash_of(&house, &account).await;
    assert!(password::is_outdated(&before, cost) && !password::is_outdated(&after, cost));
    house.cookie("prova.uno").await;
    assert_eq!(hash_of(&house, &account).await, after, "and then it stays");
}
