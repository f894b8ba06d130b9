//! Two bodies with people, the whole router on a real store, and the few gestures of a browser and of a program.

use app::accounts::{identify, password, tokens};
use app::{App, Clock, Context, Settings};
use axum::Router;
use axum::body::Body as Bytes;
use axum::http::{HeaderMap, Request, StatusCode};
use domain::body::{Aoo, AooCode, Body, BodyKind, IpaCode, RegisterCode, RegisterInfo, Unit};
use domain::ids::{AccountId, Id, UnitId};
use domain::{Moment, Role};
use std::sync::Arc;
use store::accounts::{Account, Post};
use tower::ServiceExt;

pub const A: &str = "c_g999";
pub const B: &str = "c_l775";
pub const PASSWORD: &str = "una frase lunga di prova";

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The session cookie that was set, as it is sent back.
    pub fn cookie(&self) -> String {
        let line = self.headers.get("set-cookie").expect("a cookie").to_str().unwrap();
        line.split(';').next().unwrap().to_owned()
    }
}

pub struct House {
    pub app: Arc<App>,
    router: Router,
}

impl House {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let clock = Clock::manual(Moment::new("2026-11-23T09:00:00Z".parse().unwrap()));
        let app = Arc::new(App::new(store::test_store(), clock, settings));
        let both = [body(A, "Comune di Prato", 1), body(B, "Comune di Vernio", 100)];
        let insert =
            move |tx: &mut store::Tx| both.iter().try_for_each(|body| store::bodies::insert(tx, body));
        app.store.write::<_, store::StoreError, _>(insert).await.unwrap();
        let router = web::router(web::AppState { app: app.clone() });
        Self { app, router }
    }

    /// A person with roles in a body, ready to sign in as `name`.
    pub async fn person(&self, n: u128, name: &str, shown: &str, at: &str, roles: &[Role]) -> Account {
        let account = Account {
            id: AccountId::from_u128(n),
            username: name.to_owned(),
            name: shown.to_owned(),
            body: IpaCode::parse(at).unwrap(),
            email: None,
            password_hash: Some(password::hash_for_demo(PASSWORD).unwrap()),
            state: "active".into(),
            failures: 0,
            locked_until: 0,
            totp_secret: None,
            totp_last_step: 0,
        };
        let (kept, roles) = (account.clone(), roles.to_vec());
        let insert = move |tx: &mut store::Tx| {
            store::accounts::insert(tx, &kept)?;
            roles.iter().try_for_each(|role| {
                let post = Post { body: kept.body.clone(), unit: None, role: *role };
                store::accounts::add_post(tx, &kept.id, &post)
            })
        };
        self.app.store.write::<_, store::StoreError, _>(insert).await.unwrap();
        account
    }

    /// Gives a person a role in another body too.
    pub async fn post(&self, account: &Account, at: &str, role: Role) {
        let post = Post { body: IpaCode::parse(at).unwrap(), unit: None, role };
        let id = account.id.clone();
        let insert = move |tx: &mut store::Tx| store::accounts::add_post(tx, &id, &post);
        self.app.store.write::<_, store::StoreError, _>(insert).await.unwrap();
    }

    /// The context of a person with the roles held.
    pub async fn context(&self, account: &Account) -> Context {
        let id = account.id.clone();
        let read = move |r: &mut store::Reader| store::accounts::posts(r, &id);
        let posts = self.app.store.read::<_, store::StoreError, _>(read).await.unwrap();
        self.app.context(identify::actor(account, &posts, &account.body, None))
    }

    pub async fn token(&self, account: &Account) -> String {
        tokens::make(&self.context(account).await, "prova", 1).await.unwrap().1
    }

    pub async fn send(&self, request: Request<Bytes>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 50_000_000).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Sends the form of the sign-in page.
    pub async fn enter(&self, name: &str, password: &str) -> Answer {
        let password = password.replace(' ', "+");
        self.send(form("/login", "", &format!("username={name}&password={password}&next=/account"))).await
    }

    /// Signs in and answers the cookie.
    pub async fn cookie(&self, name: &str) -> String {
        let answer = self.enter(name, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.cookie()
    }

    /// The token that the forms of a session carry, read from a page as the browser does.
    pub async fn csrf(&self, cookie: &str) -> String {
        let page = self.send(get("/account", cookie)).await;
        let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").expect("a form with a token");
        rest.split('"').next().unwrap().to_owned()
    }
}

pub fn get(path: &str, cookie: &str) -> Request<Bytes> {
    Request::builder().uri(path).header("cookie", cookie).body(Bytes::empty()).unwrap()
}

pub fn form(path: &str, cookie: &str, fields: &str) -> Request<Bytes> {
    let builder = Request::builder().method("POST").uri(path).header("cookie", cookie);
    let builder = builder.header("content-type", "application/x-www-form-urlencoded");
    builder.header("sec-fetch-site", "same-origin").body(Bytes::from(fields.to_owned())).unwrap()
}

pub fn api(method: &str, path: &str, token: &str) -> axum::http::request::Builder {
    let builder = Request::builder().method(method).uri(path);
    builder.header("authorization", format!("Bearer {token}")).header("content-type", "application/json")
}

pub fn call(method: &str, path: &str, token: &str, body: &str) -> Request<Bytes> {
    api(method, path, token).body(Bytes::from(body.to_owned())).unwrap()
}

fn body(code: &str, name: &str, first: u128) -> Body {
    let aoo = AooCode::parse("A1B2C3D").unwrap();
    let office = Unit {
        id: UnitId::from_u128(first),
        code: "PROT".into(),
        name: "Protocollo".into(),
        aoo: aoo.clone(),
        parent: None,
        active: true,
    };
    let register = RegisterInfo { code: RegisterCode::parse("RG").unwrap(), name: "Registro".into() };
    Body {
        ipa_code: IpaCode::parse(code).unwrap(),
        name: name.into(),
        tax_code: None,
        kind: BodyKind::Municipality,
        digital_domicile: None,
        aoos: vec![Aoo { code: aoo, name: "Area".into(), digital_domicile: None, registers: vec![register] }],
        offices: vec![office],
        succeeded_by: None,
        valid_from: "1860-01-01".parse().unwrap(),
        valid_to: None,
        inside: true,
    }
}
