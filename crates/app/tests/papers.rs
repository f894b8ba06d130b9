//! Papers of the register told through the use cases: the daily register with its chain, the receipt, the label.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

mod support;

use app::Error;
use app::use_cases::daily_register::{Form, list, open};
use app::use_cases::papers::{label, receipt, sheet};
use app::use_cases::register::annul::annul;
use app::use_cases::register::correct::{Correction, correct};
use app::workers::daily_register::run_once;
use documents::inspect::{Limits, inspect};
use documents::xml;
use domain::body::{AooCode, RegisterCode};
use domain::ids::{Id, RegistrationId};
use sha2::{Digest, Sha256};
use support::{House, incoming, register};

fn place() -> (AooCode, RegisterCode) {
    (AooCode::parse("A1B2C3D").unwrap(), RegisterCode::parse("RG").unwrap())
}

async fn day_xml(house: &House, day: &str) -> xml::Element {
    let (aoo, code) = place();
    let bytes = open(&house.manager(), aoo, code, day.parse().unwrap(), Form::Xml).await.unwrap();
    xml::parse(&bytes).unwrap()
}

fn total(day: &xml::Element, name: &str) -> String {
    day.at(&["Totali", name]).unwrap().text.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn register_scenario_06_daily_register_is_closed_chained_and_without_gaps() {
    let house = House::at("2026-11-20T09:00:00Z").await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(register(&house.clerk(), incoming(&format!("Domanda {n}")), Vec::new()).await.unwrap().id);
    }
    let order = || "Det. 88 del 20/11/2026".to_owned();
    annul(&house.manager(), ids[1].clone(), "doppia".into(), order()).await.unwrap();
    assert_eq!(run_once(&house.app).await.unwrap(), 0, "a day that has not ended is not closed");

    // The program stands still over the week-end and is started on Monday.
    house.move_to("2026-11-23T06:00:00Z");
    assert_eq!(run_once(&house.app).await.unwrap(), 3);
    assert_eq!(run_once(&house.app).await.unwrap(), 0, "a closed day is never closed again");

    let friday = day_xml(&house, "2026-11-20").await;
    assert_eq!((total(&friday, "Registrazioni"), total(&friday, "Annullamenti")), ("4".into(), "1".into()));
    let entries = friday.child("Registrazioni").unwrap();
    assert_eq!(entries.children.len(), 4, "the annulled entry is there too");
    assert!(entries.children[1].child("AnnullatoIl").is_some());
    let saturday = day_xml(&house, "2026-11-21").await;
    assert_eq!(total(&saturday, "Registrazioni"), "0", "a day without entries is proved too");

    let days = list(&house.clerk(), None).await.unwrap();
    assert_eq!(days.len(), 3);
    assert_eq!(days[0].previous_sha256.as_ref(), Some(&days[1].xml_sha256));
    assert_eq!(days[1].previous_sha256.as_ref(), Some(&days[2].xml_sha256));
    assert_eq!(days[2].previous_sha256, None);
    let (aoo, code) = place();
    let bytes = open(&house.manager(), aoo, code, days[2].day, Form::Xml).await.unwrap();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), days[2].xml_sha256);
}

#[tokio::test(flavor = "multi_thread")]
async fn register_scenario_02_both_texts_show_in_that_days_register() {
    let house = House::at("2026-11-20T09:00:00Z").await;
    let id = register(&house.clerk(), incoming("Richesta occupazione suolo"), Vec::new()).await.unwrap().id;
    house.move_to("2026-11-23T09:00:00Z");
    let asked = Correction {
        field: "subject".into(),
        value: serde_json::json!("Richiesta occupazione suolo"),
        reason: "errore di battitura".into(),
        order_reference: "Det. 88 of 23/11/2026".into(),
    };
    correct(&house.manager(), id, asked).await.unwrap();
    house.move_to("2026-11-24T06:00:00Z");
    run_once(&house.app).await.unwrap();
    let day = day_xml(&house, "2026-11-23").await;
    let change = day.at(&["Modifiche", "Modifica"]).unwrap();
    assert_eq!(change.text_of("Prima").as_deref(), Some("Richesta occupazione suolo"));
    assert_eq!(change.text_of("Dopo").as_deref(), Some("Richiesta occupazione suolo"));
    assert_eq!(change.text_of("Provvedimento").as_deref(), Some("Det. 88 of 23/11/2026"));
    assert!(change.text_of("Operatore").is_some() && change.text_of("DataOra").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_see_every_entry_opens_a_daily_register() {
    let house = House::at("2026-11-20T09:00:00Z").await;
    register(&house.clerk(), incoming("Domanda"), Vec::new()).await.unwrap();
    house.move_to("2026-11-21T06:00:00Z");
    run_once(&house.app).await.unwrap();
    let (aoo, code) = place();
    let day = "2026-11-20".parse().unwrap();
    let refused = open(&house.clerk(), aoo.clone(), code.clone(), day, Form::Pdf).await;
    assert!(matches!(refused, Err(Error::NotFound)));
    let pdf = open(&house.manager(), aoo, code, day, Form::Pdf).await.unwrap();
    let facts = inspect("registro.pdf", std::io::Cursor::new(&pdf), &Limits::default()).unwrap();
    assert_eq!((facts.pdf_a.as_deref(), facts.flags.len()), (Some("2A"), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_made_once_and_kept() {
    let house = House::new().await;
    let id = register(&house.clerk(), incoming("Domanda di prova"), Vec::new()).await.unwrap().id;
    let first = receipt(&house.clerk(), id.clone()).await.unwrap();
    house.move_to("2026-11-24T09:00:00Z");
    assert_eq!(receipt(&house.manager(), id.clone()).await.unwrap(), first);
    let text =
        documents::text::words("application/pdf", &first, &documents::text::Limits::default()).unwrap().text;
    assert!(text.contains("Domanda di prova") && text.contains("0000001/2026"), "{text}");
    for pdf in [label(&house.clerk(), id.clone()).await.unwrap(), sheet(&house.clerk(), id).await.unwrap()] {
        let facts = inspect("carta.pdf", std::io::Cursor::new(&pdf), &Limits::default()).unwrap();
        assert_eq!((facts.pages, facts.pdf_a.as_deref()), (Some(1), Some("2A")));
    }
    let nobody = receipt(&house.clerk(), RegistrationId::from_u128(99)).await;
    assert!(matches!(nobody, Err(Error::NotFound)));
}
