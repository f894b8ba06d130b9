//! The pages of what arrived and of what left, through the whole router: seeing, registering, refusing, discarding,
//! trying again, giving up; and the rule by which a body registers by itself.

use crate::planted::{Kind, Planted, plant};
use crate::support::{A, Answer, House, form, get};
use axum::http::StatusCode;
use domain::Role;
use domain::body::IpaCode;

/// A house with a clerk at work and the things on the clerk's desk.
struct Desk {
    house: House,
    of: Planted,
    cookie: String,
    csrf: String,
}

impl Desk {
    async fn new() -> Self {
        let house = House::new().await;
        let person = house.person(50, "prova.uno", "Prova Uno", A, Role::ALL).await;
        let of = plant(&house, &person, "Richiesta zqparola", false).await;
        let cookie = house.cookie("prova.uno").await;
        let csrf = house.csrf(&cookie).await;
        Self { house, of, cookie, csrf }
    }

    fn at(&self, page: &str, kind: Kind, rest: &str) -> String {
        format!("/{page}/{}{rest}", self.of.ids[&kind])
    }

    async fn see(&self, path: &str) -> Answer {
        self.house.send(get(path, &self.cookie)).await
    }

    async fn act(&self, path: &str, fields: &str) -> Answer {
        self.house.send(form(path, &self.cookie, &format!("csrf={}&{fields}", self.csrf))).await
    }
}

fn place(answer: &Answer) -> &str {
    answer.headers.get("location").map_or("", |to| to.to_str().unwrap())
}

#[tokio::test]
async fn a_message_is_seen_opened_and_registered_once() {
    let desk = Desk::new().await;
    let list = desk.see("/inbox").await;
    let page = desk.at("inbox", Kind::Inbound, "");
    assert!(list.text.contains(&page) && list.text.contains("zqparola"), "{}", list.text);
    let opened = desk.see(&page).await;
    assert!(opened.text.contains("nota.txt") && opened.text.contains("art. 65"), "{}", opened.text);
    let file = desk.see(&format!("{page}/files/0")).await;
    assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert!(desk.see(&format!("{page}/message.eml")).await.text.contains("mittente@posta.example"));
    assert_eq!(desk.see(&format!("{page}/files/7")).await.status, StatusCode::NOT_FOUND);

    let wrong = desk.act(&format!("{page}/register"), "subject=Prova&sender=Prova&classification=ZZ").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = "subject=Istanza+di+prova&sender=Prova+Mittente&classification=I";
    let done = desk.act(&format!("{page}/register"), fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert!(place(&done).starts_with("/register/reg_") && place(&done).ends_with("/registered"));
    let entry = desk.see(place(&done)).await;
    assert!(entry.text.contains("Istanza di prova"), "{}", entry.text);
    let again = desk.act(&format!("{page}/register"), fields).await;
    assert_eq!(place(&again), place(&done), "the same entry, no second number");
    assert!(!desk.see("/inbox").await.text.contains(&page), "it waits no more");
    assert!(desk.see("/inbox?state=registered").await.text.contains(&page));
}

#[tokio::test]
async fn a_message_without_segnatura_is_not_refused_but_discarded_with_a_reason() {
    let desk = Desk::new().await;
    let page = desk.at("inbox", Kind::Inbound, "");
    let refused = desk.act(&format!("{page}/refuse"), "anomaly=000&reason=prova").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "there is nobody to tell: {}", refused.text);
    let silent = desk.act(&format!("{page}/discard"), "reason=").await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = desk.act(&format!("{page}/discard"), "reason=Messaggio+pubblicitario").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert!(desk.see(&page).await.text.contains("Messaggio pubblicitario"), "the reason stays readable");
    let late = desk.act(&format!("{page}/register"), "subject=Prova&sender=Prova").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_delivery_is_seen_with_its_proof_tried_again_and_given_up_with_a_reason() {
    let desk = Desk::new().await;
    let page = desk.at("deliveries", Kind::Delivery, "");
    let list = desk.see("/deliveries").await;
    assert!(list.text.contains(&page), "{}", list.text);
    let opened = desk.see(&page).await;
    assert!(opened.text.contains("prova@posta.example"), "{}", opened.text);
    let proof = desk.see(&format!("{page}/proofs/{}", desk.of.sha256)).await;
    assert_eq!((proof.status, proof.text.contains("zqparola")), (StatusCode::OK, true));
    assert_eq!(desk.see(&format!("{page}/proofs/{}", "0".repeat(64))).await.status, StatusCode::NOT_FOUND);
    let again = desk.act(&format!("{page}/retry"), "").await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text);
    let silent = desk.act(&format!("{page}/give-up"), "reason=").await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = desk.act(&format!("{page}/give-up"), "reason=Consegnato+a+mano").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert!(desk.see(&page).await.text.contains("Consegnato a mano"));
    let late = desk.act(&format!("{page}/retry"), "").await;
    assert_eq!(late.status, StatusCode::CONFLICT, "what was given up is not tried again");
}

#[tokio::test]
async fn the_same_document_leaves_twice_for_the_same_address_only_when_wanted() {
    let desk = Desk::new().await;
    let opened = desk.see(&desk.at("deliveries", Kind::Delivery, "")).await;
    let (_, rest) = opened.text.split_once("href=\"/register/reg_").expect("the entry that left");
    let page = format!("/register/reg_{}/send", rest.split('"').next().unwrap());
    let once = "email=Prova+Nuova%3B+nuova%40posta.example&text=";
    assert_eq!(desk.act(&page, once).await.status, StatusCode::SEE_OTHER, "to another address it leaves");
    let warned = desk.act(&page, once).await;
    assert_eq!(warned.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(warned.text.contains("Prova Nuova (0000002/2026)"), "{}", warned.text);
    assert!(warned.text.contains("name=\"again\""));
    let wanted = desk.act(&page, &format!("{once}&again=true")).await;
    assert_eq!(wanted.status, StatusCode::SEE_OTHER, "{}", wanted.text);
}

#[tokio::test]
async fn the_administrator_sets_by_which_rule_messages_are_registered() {
    let house = House::new().await;
    house.person(1, "prova.admin", "Prova Admin", A, &[Role::ItAdmin]).await;
    house.person(2, "prova.clerk", "Prova Operatore", A, &[Role::RegistryClerk]).await;
    let clerk = house.cookie("prova.clerk").await;
    assert_eq!(house.send(get("/admin/exchange", &clerk)).await.status, StatusCode::FORBIDDEN);
    let cookie = house.cookie("prova.admin").await;
    let chosen = |page: &Answer| {
        let at = page.text.find(" checked").expect("a choice");
        page.text[..at].rsplit("value=\"").next().unwrap().split('"').next().unwrap().to_owned()
    };
    assert_eq!(chosen(&house.send(get("/admin/exchange", &cookie)).await), "configuration");
    let csrf = house.csrf(&cookie).await;
    let set =
        |rule: &str| house.send(form("/admin/exchange", &cookie, &format!("csrf={csrf}&automatic={rule}")));
    assert_eq!(set("automatic").await.status, StatusCode::SEE_OTHER);
    assert_eq!(chosen(&house.send(get("/admin/exchange", &cookie)).await), "automatic");
    assert_eq!(set("perhaps").await.status, StatusCode::BAD_REQUEST);
    let read = |r: &mut store::Reader| store::journal::of_subject(r, &IpaCode::parse(A).unwrap(), A);
    let leaves = house.app.store.read::<_, store::StoreError, _>(read).await.unwrap();
    assert_eq!(leaves.iter().filter(|leaf| leaf.verb == "exchange.rule.set").count(), 1);
}
