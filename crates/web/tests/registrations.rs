//! The register through its doors: the API as the contract fixes it, hostile uploads, and the pages.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

use app::{Actor, App, Clock, Settings};
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use domain::body::{Aoo, AooCode, Body as PublicBody, BodyKind, IpaCode, RegisterCode, RegisterInfo};
use domain::ids::{AccountId, Id};
use domain::{Moment, Role};
use serde_json::{Value, json};
use std::sync::Arc;
use store::{StoreError, TestClock, bodies, test_store_at};
use tower::ServiceExt;
use web::chrome::Csrf;
use web::{AppState, router};

#[path = "registrations/desk.rs"]
mod desk;
#[path = "registrations/hostile.rs"]
mod hostile;
#[path = "registrations/scans.rs"]
mod scans;
#[path = "registrations/together.rs"]
mod together;

const BODY: &str = "c_g999";
const BOUNDARY: &str = "-----telaio-test";

/// A house with one body, and a door through which one person comes in.
struct Door {
    app: Arc<App>,
    actor: Actor,
}

impl Door {
    async fn new() -> Self {
        let moment = Moment::new("2026-11-23T09:00:00Z".parse().unwrap());
        let store = test_store_at(&TestClock::at(moment.micros()));
        let done: Result<(), StoreError> = store.write(|tx| bodies::insert(tx, &body())).await;
        done.unwrap();
        let settings = Settings { max_file_bytes: 600_000_000, max_files: 4, ..Settings::default() };
        let app = Arc::new(App::new(store, Clock::manual(moment), settings));
        Self { app, actor: person(1, BODY, &[Role::RegistryClerk, Role::RecordsManager]) }
    }

    async fn ask(&self, request: Request<Body>) -> Response<Body> {
        let door = router(AppState { app: self.app.clone() })
            .layer(Extension(self.actor.clone()))
            .layer(Extension(Csrf("token".into())));
        door.oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let answer = self.ask(Request::get(path).body(Body::empty()).unwrap()).await;
        let status = answer.status();
        (status, to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    async fn get_json(&self, path: &str) -> (StatusCode, Value) {
        let (status, bytes) = self.get(path).await;
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::post(path).header("content-type", kind).body(body.into()).unwrap();
        let answer = self.ask(request).await;
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn register(&self, parts: Vec<Part<'_>>) -> (StatusCode, Value) {
        self.post("/api/v1/registrations", &multipart_type(), form(&parts)).await
    }
}

/// Name, file name and bytes of a part.
type Part<'a> = (&'a str, Option<&'a str>, Vec<u8>);

fn multipart_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|f| format!("; filename=\"{f}\"")).unwrap_or_default();
        let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        bytes.extend(head.into_bytes());
        bytes.extend_from_slice(content);
        bytes.extend(b"\r\n");
    }
    bytes.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    bytes
}

fn metadata(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = json!({
        "body": BODY, "aoo": "A1B2C3D", "direction": "incoming", "subject": "Richiesta di occupazione suolo",
        "correspondents": [{"kind": "person", "name": "Prova Uno"}], "classification": "VI.3",
    });
    change(&mut value);
    value.to_string().into_bytes()
}

fn good() -> Vec<Part<'static>> {
    vec![("metadata", None, metadata(|_| ())), ("document", Some("domanda.txt"), b"Si chiede.".to_vec())]
}

fn person(n: u128, body: &str, roles: &[Role]) -> Actor {
    Actor {
        account: Some(AccountId::from_u128(n)),
        name: format!("Prova {n}"),
        body: IpaCode::parse(body).unwrap(),
        unit: None,
        roles: roles.to_vec(),
        on_behalf_of: None,
    }
}

fn body() -> PublicBody {
    PublicBody {
        ipa_code: IpaCode::parse(BODY).unwrap(),
        name: "Comune di Prato".into(),
        tax_code: None,
        kind: BodyKind::Municipality,
        digital_domicile: None,
        aoos: vec![Aoo {
            code: AooCode::parse("A1B2C3D").unwrap(),
            name: "Area unica".into(),
            digital_domicile: None,
            registers: vec![RegisterInfo {
                code: RegisterCode::parse("RG").unwrap(),
                name: "Generale".into(),
            }],
        }],
        offices: Vec::new(),
        succeeded_by: None,
        valid_from: "1860-01-01".parse().unwrap(),
        valid_to: None,
        inside: true,
    }
}

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"]
        .as_array()
        .map(|all| all.iter().filter_map(|e| e["pointer"].as_str()).collect())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_registration_answers_as_the_contract_says() {
    let door = Door::new().await;
    let mut parts = good();
    parts.push(("attachment", Some("pianta.txt"), b"Allegato".to_vec()));
    let request = Request::post("/api/v1/registrations")
        .header("content-type", multipart_type())
        .body(form(&parts).into())
        .unwrap();
    let answer = door.ask(request).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let made: Value =
        serde_json::from_slice(&to_bytes(answer.into_body(), usize::MAX).await.unwrap()).unwrap();
    assert_eq!((&made["number"], &made["year"], &made["register"]), (&json!(1), &json!(2026), &json!("RG")));
    assert_eq!(made["registered_at"], "2026-11-23T10:00:00+01:00");
    assert_eq!(made["document"]["size"], 10);
    assert_eq!(made["document"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(made["attachments"][0]["name"], "pianta.txt");
    for url in ["segnatura_url", "receipt_url"] {
        assert!(made[url].as_str().unwrap().starts_with(&location), "{url}");
    }
    let (status, read) = door.get_json(&location).await;
    assert_eq!((status, &read), (StatusCode::OK, &made));
    let (_, page) = door.get_json("/api/v1/registrations?body=c_g999&year=2026&q=occupazione").await;
    assert_eq!(page["items"][0]["id"], made["id"]);
    let (status, _) =
        door.get(&format!("/api/v1/documents/{}/content", made["document"]["id"].as_str().unwrap())).await;
    assert_eq!(status, StatusCode::OK);

    let order = json!({"reason": "Doppione", "order_reference": "Det. 88"}).to_string();
    let path = format!("{location}/annulment");
    let (status, annulled) = door.post(&path, "application/json", order.clone()).await;
    assert_eq!((status, &annulled["annulment"]["order_reference"]), (StatusCode::OK, &json!("Det. 88")));
    let (status, problem) = door.post(&path, "application/json", order).await;
    assert_eq!((status, &problem["law"]), (StatusCode::CONFLICT, &json!("D.P.R. 445/2000, art. 54")));
}

#[tokio::test]
async fn bad_input_is_named_and_nothing_is_kept() {
    let door = Door::new().await;
    let with = |change: fn(&mut Value)| {
        let mut parts = good();
        parts[0].2 = metadata(change);
        parts
    };
    let file = |name: &'static str, bytes: &[u8]| {
        let mut parts = good();
        parts[1] = ("document", Some(name), bytes.to_vec());
        parts
    };
    let twice = [good(), good()].concat();
    let many = [good(), vec![("attachment", Some("a"), b"x".to_vec()); 5]].concat();
    let cases: Vec<(Vec<Part<'static>>, &str)> = vec![
        (with(|m| m["subject"] = json!(" ")), "/subject"),
        (with(|m| m["subject"] = json!("x".repeat(4_001))), "/subject"),
        (with(|m| m["oggetto"] = json!("x")), "/oggetto"),
        (with(|m| m["correspondents"] = json!([])), "/correspondents"),
        (with(|m| m["correspondents"][0]["tax_code"] = json!("X")), "/correspondents/0/tax_code"),
        (with(|m| m["aoo"] = json!("A9Z9Z9Z")), "/aoo"),
        (with(|m| m["register"] = json!("ALTRO")), "/register"),
        (with(|m| m["direction"] = json!("sideways")), "/direction"),
        (with(|m| m["received_at"] = json!("2027-01-01T00:00:00Z")), "/received_at"),
        (with(|m| m["assignments"] = json!([{"kind": "competence"}])), "/assignments/0/unit"),
        (file("vuoto.pdf", b""), "/document"),
        (good()[..1].to_vec(), "/document"),
        (good()[1..].to_vec(), "/metadata"),
        (vec![("metadata", None, metadata(|_| ())), ("documento", Some("x"), b"x".to_vec())], "/documento"),
        (twice, "/metadata"),
        (many, "/attachments"),
    ];
    for (parts, pointer) in cases {
        let (status, problem) = door.register(parts).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{pointer}: {problem}");
        assert_eq!(pointers(&problem), [pointer], "{problem}");
    }
    let (_, list) = door.get_json("/api/v1/registrations").await;
    assert_eq!(list["items"], json!([]));
    let (status, made) = door.register(good()).await;
    assert_eq!((status, &made["number"]), (StatusCode::CREATED, &json!(1)), "no number was burnt");
}

#[tokio::test]
async fn broken_multipart_is_refused_without_a_trace() {
    let door = Door::new().await;
    let whole = form(&good());
    let cut = |at: usize| whole[..at].to_vec();
    let kind = multipart_type();
    let not_utf8 = form(&[("metadata", None, vec![b'"', 0xff, 0xfe, b'"']), good()[1].clone()]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (&kind, cut(whole.len() - 40)),
        (&kind, cut(60)),
        (&kind, b"no boundary at all".to_vec()),
        (&kind, not_utf8),
        ("multipart/form-data; boundary=other", whole.clone()),
        ("multipart/form-data", whole.clone()),
        ("application/json", metadata(|_| ())),
    ];
    for (kind, bytes) in cases {
        let (status, problem) = door.post("/api/v1/registrations", kind, bytes).await;
        assert!(status.is_client_error(), "{kind}: {status} {problem}");
        assert_eq!(problem["status"], status.as_u16(), "an answer in the form of RFC 9457");
    }
    let (_, list) = door.get_json("/api/v1/registrations").await;
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn hostile_names_and_texts_stay_texts() {
    let door = Door::new().await;
    let mut parts = good();
    parts[0].2 = metadata(|m| {
        m["subject"] = json!("=HYPERLINK(\"http://x.test\") <script>alert(1)</script>");
        m["correspondents"][0]["name"] = json!("@SUM(1+1)");
    });
    parts[1].1 = Some("../../etc/<b>passwd.html");
    parts[1].2 = b"<html><script>alert(1)</script></html>".to_vec();
    let (status, made) = door.register(parts).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["document"]["name"], "_b_passwd.html");
    let id = made["id"].as_str().unwrap();
    for path in [format!("/register/{id}"), "/register".into(), format!("/register/{id}/registered")] {
        let (status, bytes) = door.get(&path).await;
        let page = String::from_utf8(bytes).unwrap();
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(
            !page.contains("<script>alert") && page.contains("alert(1)"),
            "{path} shows the text as text"
        );
    }
    let (_, csv) = door.get("/api/v1/registrations/export?format=csv").await;
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.contains("\"'=HYPERLINK") && csv.contains("\"'@SUM"), "{csv}");
    let (_, xlsx) = door.get("/register/export?format=xlsx").await;
    assert_eq!(&xlsx[..2], b"PK");
    let document = format!("/documents/{}?inline", made["document"]["id"].as_str().unwrap());
    let answer = door.ask(Request::get(document).body(Body::empty()).unwrap()).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-disposition").starts_with("attachment;"), "HTML is never shown");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").contains("sandbox"));
}

#[tokio::test]
async fn a_number_typed_in_the_search_box_goes_straight_there() {
    let door = Door::new().await;
    let (_, made) = door.register(good()).await;
    let answer = door.ask(Request::get("/register?q=1/2026").body(Body::empty()).unwrap()).await;
    assert_eq!(
        answer.headers()["location"].to_str().unwrap(),
        format!("/register/{}", made["id"].as_str().unwrap())
    );
}

#[tokio::test]
async fn the_form_registers_without_script_and_proposes_what_is_there_already() {
    let door = Door::new().await;
    let fields = |extra: Vec<Part<'static>>| {
        let text = |name: &'static str, value: &str| (name, None, value.as_bytes().to_vec());
        let mut parts: Vec<Part<'static>> = vec![
            text("csrf", "token"),
            text("aoo", "A1B2C3D"),
            text("direction", "incoming"),
            text("subject", "Dal modulo"),
            text("correspondents/0/kind", "person"),
            text("correspondents/0/name", "Prova Uno"),
            ("document", Some("domanda.txt"), b"Si chiede.".to_vec()),
            ("attachment", Some(""), Vec::new()),
        ];
        parts.extend(extra);
        form(&parts)
    };
    let send = async |bytes: Vec<u8>| {
        let request = Request::post("/register/new").header("content-type", multipart_type());
        let answer = door.ask(request.body(bytes.into()).unwrap()).await;
        let place = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        let status = answer.status();
        let page =
            String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap();
        (status, place, page)
    };
    let (status, place, _) = send(fields(Vec::new())).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (_, done) = door.get(&place.unwrap()).await;
    assert!(String::from_utf8(done).unwrap().contains("0000001/2026"), "the number, very big");
    let (status, place, page) = send(fields(Vec::new())).await;
    assert_eq!((status, place), (StatusCode::OK, None));
    assert!(page.contains("0000001/2026"), "the entry that holds the file is proposed");
    let (status, ..) = send(fields(vec![("again", None, b"true".to_vec())])).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "another sending of the same file is registered");
    let (status, _, page) = send(fields(vec![("add", None, b"1".to_vec())])).await;
    assert!(status == StatusCode::OK && page.contains("correspondents/1/name"), "a row is added");
    let stranger = form(&[("subject", None, b"x".to_vec())]);
    assert_eq!(send(stranger).await.0, StatusCode::FORBIDDEN, "no token, nothing done");
}
