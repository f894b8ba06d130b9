//! Papers of the register told through the use cases: the daily register with its chain, the receipt, the label.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

#[path = "papers/scans.rs"]
mod scans;
mod support;

use app::Error;
use app::use_cases::answer::{self, Answer as Letter};
use app::use_cases::daily_register::{Form, list, open};
use app::use_cases::papers::{label, receipt, segnatura, sheet, stamped};
use app::use_cases::register::annul::annul;
use app::use_cases::register::correct::{Correction, correct};
use app::use_cases::register::export::{COLUMNS, SheetKind, Words, export_sealed};
use app::use_cases::register::files::receive_bytes;
use app::use_cases::register::register_document::{Registered, register_document};
use app::use_cases::templates;
use app::use_cases::verification::show::{self, Answer};
use app::workers::daily_register::run_once;
use app::workers::sweep;
use documents::inspect::{Limits, inspect};
use documents::signature::test_ca::{Holder, TestCa};
use documents::signature::{KeyKind, Times, TrustStore, cades, verify_issued};
use documents::xml;
use domain::Role;
use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::ids::{Id, RegistrationId};
use domain::paper_code::PaperCode;
use domain::register_filter::Filter;
use sha2::{Digest, Sha256};
use support::{House, incoming, register, with_file};

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

/// What `telaio verify --trust` says of a paper.
fn verified(house: &House, name: &str, bytes: &[u8]) -> bool {
    let mut trust = TrustStore::empty();
    trust.add_anchors_pem(&house.root).unwrap();
    verify_issued(bytes, name, &[], &trust, &Times::now(house.app.clock.now().at)).holds
}

fn words(pdf: &[u8]) -> String {
    documents::text::words("application/pdf", pdf, &documents::text::Limits::default()).unwrap().text
}

/// The same bytes with one of them turned in the middle.
fn altered(bytes: &[u8]) -> Vec<u8> {
    let mut other = bytes.to_vec();
    other[bytes.len() / 3] ^= 1;
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_sealed_and_its_code_answers_until_the_entry_is_annulled() {
    let house = House::new().await;
    let id = register(&house.clerk(), incoming("Domanda di prova"), Vec::new()).await.unwrap().id;
    let first = receipt(&house.clerk(), id.clone()).await.unwrap();
    assert!(verified(&house, "ricevuta.pdf", &first));
    assert!(!verified(&house, "ricevuta.pdf", &altered(&first)));
    let about = id.clone();
    let issued = house
        .app
        .store
        .read(move |r| {
            Ok::<_, Error>(store::issued::about(r, &IpaCode::parse(support::BODY)?, about.as_str())?)
        })
        .await
        .unwrap();
    assert_eq!(issued.len(), 1, "asked twice, given out once");
    let code = PaperCode::parse(&issued[0].code).unwrap();
    assert!(words(&first).contains(&code.spaced()), "{}", words(&first));
    let shown = show::by_code(&house.app, &code.spaced()).await.unwrap();
    assert_eq!((shown.answer, shown.sha256), (Answer::Valid, Some(hex::encode(Sha256::digest(&first)))));

    let order = "Det. 90 del 23/11/2026".to_owned();
    annul(&house.manager(), id.clone(), "doppia".into(), order).await.unwrap();
    assert_eq!(show::by_code(&house.app, code.as_str()).await.unwrap().answer, Answer::Revoked);
    let file = show::by_file(&house.app, "ricevuta.pdf".into(), first.clone()).await.unwrap();
    assert_eq!(file.answer, Answer::Revoked);
    let second = receipt(&house.clerk(), id).await.unwrap();
    assert!(second != first && words(&second).contains("ANNULLATO"));
    let file = show::by_file(&house.app, "ricevuta.pdf".into(), second).await.unwrap();
    assert_eq!(file.answer, Answer::Valid);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_daily_register_and_the_segnatura_are_sealed() {
    let house = House::at("2026-11-20T09:00:00Z").await;
    let id = register(&house.clerk(), incoming("=CMD()|domanda"), Vec::new()).await.unwrap().id;
    house.move_to("2026-11-21T06:00:00Z");
    run_once(&house.app).await.unwrap();
    let day = "2026-11-20".parse().unwrap();
    for (form, name) in [(Form::Pdf, "r.pdf"), (Form::Xml, "r.xml"), (Form::Csv, "r.csv.p7m")] {
        let (aoo, code) = place();
        let bytes = open(&house.manager(), aoo, code, day, form).await.unwrap();
        assert!(verified(&house, name, &bytes), "{name}");
        assert!(!verified(&house, name, &altered(&bytes)), "{name}");
        if form == Form::Csv {
            let table = String::from_utf8(documents::signature::cades::content(&bytes).unwrap()).unwrap();
            assert!(table.contains("0000001/2026") && table.contains("'=CMD()"), "{table}");
        }
    }
    let xml = segnatura(&house.clerk(), id).await.unwrap();
    assert!(verified(&house, "segnatura.xml", &xml));
    let read = documents::segnatura::read(&xml).unwrap();
    assert_eq!(read.segnatura.header.id.number, "0000001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_list_can_be_verified_and_an_altered_one_is_told() {
    let house = House::at("2026-11-20T09:00:00Z").await;
    register(&house.clerk(), incoming("=CMD()"), Vec::new()).await.unwrap();
    let words = || Words {
        titles: COLUMNS.iter().map(ToString::to_string).collect(),
        directions: ["in", "out", "internal"].map(str::to_owned),
        yes: "yes".into(),
        others: "and others".into(),
    };
    for (kind, name) in [(SheetKind::Csv, "elenco.csv.p7m"), (SheetKind::Xlsx, "elenco.xlsx.p7m")] {
        let bytes = export_sealed(&house.clerk(), Filter::default(), kind, words()).await.unwrap();
        assert!(verified(&house, name, &bytes), "{name}: by `telaio verify`");
        assert!(!verified(&house, name, &altered(&bytes)), "{name}");
        let shown = show::by_file(&house.app, name.into(), bytes.clone()).await.unwrap();
        assert_eq!(shown.answer, Answer::Valid, "{name}: by /verify");
        let shown = show::by_file(&house.app, name.into(), altered(&bytes)).await.unwrap();
        assert_ne!(shown.answer, Answer::Valid, "{name}");
        if kind == SheetKind::Csv {
            let table = String::from_utf8(documents::signature::cades::content(&bytes).unwrap()).unwrap();
            assert!(table.contains("0000001") && table.contains("'=CMD()"), "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_takes_what_nobody_holds_after_a_day_and_nothing_else() {
    let house = House::new().await;
    let id = register(&house.clerk(), incoming("Domanda"), Vec::new()).await.unwrap().id;
    let kept = receipt(&house.clerk(), id.clone()).await.unwrap();
    let lost = house.app.store.prepare(&house.clerk().actor.body, &[7u8; 300_000]).await.unwrap();
    house.app.store.write(move |tx| Ok::<_, Error>(store::blobs::put(tx, &lost)?)).await.unwrap();
    assert_eq!(sweep::run_once(&house.app).await.unwrap().blobs, 0, "it may still be on its way");
    house.move_to("2026-11-25T09:00:00Z");
    assert_eq!(sweep::run_once(&house.app).await.unwrap().blobs, 1);
    assert_eq!(receipt(&house.clerk(), id).await.unwrap(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_kept_version_by_version_and_offered_to_its_body_only() {
    let house = House::new().await;
    let officer = house.person(5, support::BODY, &[Role::CaseOfficer]);
    let elsewhere = house.person(6, support::OTHER, &[Role::CaseOfficer]);
    let text = "---\ntitle: Nulla osta\nvariable text: Testo\n---\n{{ text }}";
    let id = templates::save(&officer, None, 0, text).await.unwrap();
    let second = text.replace("Nulla osta", "Diniego");
    templates::save(&officer, Some(id.clone()), 1, &second).await.unwrap();
    let late = templates::save(&officer, Some(id.clone()), 1, text).await;
    assert!(matches!(late, Err(Error::Conflict)), "somebody saved meanwhile");
    let versions = templates::open(&officer, id.clone()).await.unwrap();
    assert_eq!(
        (versions.len(), versions[0].title.as_str(), versions[1].content.as_str()),
        (2, "Diniego", text)
    );

    let of = |ctx| async move {
        let offered = answer::offered(ctx).await.unwrap();
        offered.into_iter().any(|(_, title)| title == "Diniego")
    };
    assert!(of(&officer).await && !of(&elsewhere).await);
    let written = Letter { letter: id.to_string(), text: "Si nega.".into(), ..Letter::default() };
    assert_eq!(answer::preview(&officer, &written, "").await.unwrap(), "Si nega.");
    assert!(matches!(answer::preview(&elsewhere, &written, "").await, Err(Error::Invalid(_))));
    assert!(matches!(templates::open(&elsewhere, id.clone()).await, Err(Error::NotFound)));
    templates::retire(&officer, id.clone(), 2).await.unwrap();
    assert!(!of(&officer).await);
    assert!(matches!(answer::preview(&officer, &written, "").await, Err(Error::Invalid(_))));
    let wrong = templates::save(&officer, Some(id), 3, "---\ntitle: X\n---\n{{ nome }}").await;
    assert!(matches!(wrong, Err(Error::Invalid(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamped_copy_is_made_of_a_pdf_and_of_one_in_an_envelope_and_the_original_stays() {
    let house = House::new().await;
    let clerk = house.clerk();
    let original =
        sheet(&clerk, register(&clerk, incoming("Prima"), Vec::new()).await.unwrap().id).await.unwrap();
    let envelope = {
        let ca = TestCa::create(
            "CA di prova",
            clerk.moment.at..clerk.moment.at + jiff::SignedDuration::from_hours(9),
        );
        let who = Holder::person("Prova", "Uno", "PRVNUO80A01G999X");
        let valid = clerk.moment.at..clerk.moment.at + jiff::SignedDuration::from_hours(8);
        let key = ca.unwrap().issue(&who, KeyKind::P256, valid).unwrap().seal_key().unwrap();
        cades::sign_attached(&key, &original, clerk.moment.at, None).unwrap()
    };
    assert_eq!(cades::content(&envelope).unwrap(), original);
    let mut what = with_file(&clerk, incoming("Con allegati"), "Testo.").await;
    for (name, bytes) in [("domanda.pdf", &original), ("domanda.pdf.p7m", &envelope)] {
        what.attachments
            .push(receive_bytes(&clerk, &what.new.body, "/attachments", name, bytes).await.unwrap());
    }
    let Registered::New(entry) = register_document(&clerk, what).await.unwrap() else {
        panic!("a new entry")
    };
    for file in &entry.attachments {
        let copy = stamped(&clerk, entry.id.clone(), file.id.clone()).await.unwrap();
        assert_eq!(copy.name, "domanda-copia.pdf");
        assert_eq!(copy.bytes[..original.len()], original[..], "{}", file.name);
        assert!(copy.bytes.len() > original.len());
    }
    let text = stamped(&clerk, entry.id.clone(), entry.document.id.clone()).await;
    assert!(matches!(text, Err(Error::Refusal(refusal)) if refusal.code == "not-stampable"));
    let other = register(&clerk, incoming("Altra"), Vec::new()).await.unwrap();
    let foreign = stamped(&clerk, other.id, entry.attachments[0].id.clone()).await;
    assert!(matches!(foreign, Err(Error::NotFound)), "a file of another entry is not of this one");
}
