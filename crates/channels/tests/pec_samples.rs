//! The parser against every message of the shared collection (synthetic and real) and against damaged ones.
//!
//! The samples live outside the repository; where they are absent the tests say so and pass.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use channels::pec::{Kind, Mail, ReceiptKind, parse};
use domain::message::{Cause, Event, ReceiptForm};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyParam;
use proptest::prelude::*;
use std::path::PathBuf;

fn shared() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let at = std::env::var_os("TELAIO_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let samples = at.join("specs/pec");
    if !samples.is_dir() {
        eprintln!("skipped: shared/ absent");
        return None;
    }
    Some(samples)
}

fn sample(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(shared()?.join(name)).expect("the sample is there"))
}

const MESSAGE_ID: &str = "20261102.101600.1234@comune-uno.example";
const RECIPIENT: &str = "protocollo@pec-beta.example";

#[test]
fn every_receipt_becomes_the_right_event() {
    let cases = [
        ("01-accettazione", ReceiptKind::Acceptance, Some(Event::Accepted { external: false })),
        ("03-presa-in-carico", ReceiptKind::TakenInCharge, None),
        (
            "04-consegna-completa",
            ReceiptKind::Delivery,
            Some(Event::Delivered { form: Some(ReceiptForm::Complete) }),
        ),
        (
            "05-consegna-breve",
            ReceiptKind::Delivery,
            Some(Event::Delivered { form: Some(ReceiptForm::Brief) }),
        ),
        (
            "06-consegna-sintetica",
            ReceiptKind::Delivery,
            Some(Event::Delivered { form: Some(ReceiptForm::Synthetic) }),
        ),
        ("07-non-accettazione", ReceiptKind::NonAcceptance, Some(Event::Rejected { cause: Cause::Formal })),
        (
            "08-non-accettazione-virus",
            ReceiptKind::NonAcceptance,
            Some(Event::Rejected { cause: Cause::Virus }),
        ),
        ("09-preavviso-mancata-consegna-12h", ReceiptKind::LateNotice, Some(Event::LateNotice)),
        ("10-mancata-consegna-24h", ReceiptKind::DeliveryError, Some(Event::Expired)),
        (
            "11-mancata-consegna-casella-inesistente",
            ReceiptKind::DeliveryError,
            Some(Event::DeliveryError { cause: Cause::NoSuchBox }),
        ),
        ("12-rilevazione-virus", ReceiptKind::VirusFound, None),
        (
            "13-mancata-consegna-virus",
            ReceiptKind::DeliveryError,
            Some(Event::DeliveryError { cause: Cause::Virus }),
        ),
    ];
    for (name, kind, event) in cases {
        let Some(raw) = sample(&format!("samples-synthetic/{name}.eml")) else { return };
        let mail = parse(&raw).expect(name);
        assert_eq!(mail.kind, Kind::Receipt(kind), "{name}");
        assert_eq!(mail.reference.as_deref(), Some(MESSAGE_ID), "{name}");
        let data = mail.certified().expect(name);
        assert_eq!(data.message_id.as_deref(), Some(MESSAGE_ID), "{name}");
        let wanted: Vec<_> = event.into_iter().map(|e| (RECIPIENT.to_owned(), e)).collect();
        assert_eq!(mail.events(), wanted, "{name}");
        assert!(mail.signed.is_some(), "{name}");
    }
}

#[test]
fn the_envelope_gives_the_original_and_its_files() {
    let Some(raw) = sample("samples-synthetic/02-busta-trasporto.eml") else { return };
    let mail = parse(&raw).unwrap();
    assert_eq!(mail.kind, Kind::Envelope);
    assert_eq!(mail.from, "posta-certificata@pec-alfa.example");
    assert_eq!(mail.certified().unwrap().sender, "protocollo@pec-alfa.example");
    assert_eq!(mail.events(), vec![]);
    assert_eq!(mail.content.from, "protocollo@pec-alfa.example");
    assert_eq!(mail.content.to, [RECIPIENT]);
    assert_eq!(mail.content.reference.as_deref(), Some(MESSAGE_ID));
    let names: Vec<_> = mail.content.attachments.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["documento.pdf", "Segnatura.xml"]);
    assert!(mail.content.file("segnatura.XML").unwrap().bytes.starts_with(b"<?xml"));
    assert!(mail.content.attachments[0].bytes.starts_with(b"%PDF"));
    let original = mail.original.unwrap();
    assert!(original.starts_with(b"Message-ID: <alfa2026"));
    let position = raw.windows(original.len()).position(|w| w == &*original).unwrap();
    assert!(raw[position + original.len()..].starts_with(b"\r\n--mix-002--"));
}

#[test]
fn an_anomaly_envelope_is_ordinary_mail_and_proves_nothing() {
    let Some(raw) = sample("samples-synthetic/14-busta-anomalia.eml") else { return };
    let mail = parse(&raw).unwrap();
    assert_eq!(mail.kind, Kind::Anomaly);
    assert_eq!(mail.certified(), None);
    assert_eq!(mail.content.from, "mario.rossi@posta-ordinaria.example");
    assert_eq!(mail.content.text.trim(), "Buongiorno, chiedo informazioni.");
}

#[test]
fn messages_of_a_real_provider_are_read() {
    let Some(raw) = sample("samples-real/aruba-2018-busta-trasporto-redatta.eml") else { return };
    let mail = parse(&raw).unwrap();
    assert_eq!(mail.kind, Kind::Envelope);
    assert!(mail.certified().is_some(), "{:?}", mail.daticert);
    assert!(mail.content.file("Segnatura.xml").is_some());
    let raw = sample("samples-real/aruba-2024-accettazione-anon.eml").unwrap();
    let mail = parse(&raw).unwrap();
    assert_eq!(mail.kind, Kind::Receipt(ReceiptKind::Acceptance));
    let raw = sample("samples-real/aruba-2024-mancata-consegna-anon.eml").unwrap();
    let mail = parse(&raw).unwrap();
    assert_eq!(mail.kind, Kind::Receipt(ReceiptKind::DeliveryError));
    if let Some(Ok(data)) = &mail.daticert {
        assert!(data.extended_error.as_deref().unwrap().starts_with("5.1.1"));
        assert!(matches!(mail.events()[0].1, Event::DeliveryError { cause: Cause::NoSuchBox }));
    }
}

/// Verifies with OpenSSL over exactly the bytes the parser points at, at a time within the test certificates.
fn holds(mail: &Mail<'_>, authority: &[u8]) -> bool {
    let signed = mail.signed.as_ref().expect("signed");
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(X509::from_pem(authority).unwrap()).unwrap();
    let mut param = X509VerifyParam::new().unwrap();
    param.set_time(1_795_500_000);
    param.set_purpose(openssl::x509::X509PurposeId::ANY).unwrap();
    store.set_param(&param).unwrap();
    let mut cms = CmsContentInfo::from_der(&signed.signature).unwrap();
    cms.verify(None, Some(&store.build()), Some(signed.content), None, CMSOptions::BINARY).is_ok()
}

#[test]
fn the_signed_bytes_are_exactly_those_that_were_signed() {
    let Some(authority) = sample("samples-synthetic/ca-di-prova.pem") else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(shared().unwrap().join("samples-synthetic")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".eml") || name.starts_with("00") {
            continue;
        }
        let raw = std::fs::read(&path).unwrap();
        let mail = parse(&raw).expect(&name);
        assert_eq!(holds(&mail, &authority), !name.contains("MANOMESSA"), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 15);
}

#[test]
fn a_forged_receipt_is_what_its_top_level_says() {
    let Some(receipt) = sample("samples-synthetic/01-accettazione.eml") else { return };
    let receipt = String::from_utf8(receipt).unwrap();
    // Sent by a person: the provider's envelope headers stand at top level, the forged ones inside.
    let enveloped =
        receipt.replacen("X-Ricevuta: accettazione", "X-Trasporto: errore\r\nX-Ricevuta: accettazione", 1);
    let mail = parse(enveloped.as_bytes()).unwrap();
    assert_eq!((mail.kind, mail.events()), (Kind::Anomaly, vec![]));
    // The header says delivery, the signed data say acceptance: no event.
    let lying = receipt.replacen("X-Ricevuta: accettazione", "X-Ricevuta: avvenuta-consegna", 1);
    assert_eq!(parse(lying.as_bytes()).unwrap().events(), vec![]);
    // Two different values: nobody may choose.
    let double = receipt.replacen("X-Ricevuta:", "X-Ricevuta: errore-consegna\r\nX-Ricevuta:", 1);
    assert!(parse(double.as_bytes()).is_err());
    // Only a subject: ordinary mail.
    let subject = "Subject: ACCETTAZIONE: prova\r\nFrom: a@prova.test\r\n\r\nTesto\r\n";
    assert_eq!(parse(subject.as_bytes()).unwrap().kind, Kind::Ordinary);
}

fn all_samples() -> Vec<Vec<u8>> {
    let Some(root) = shared() else { return vec![b"Subject: prova\r\n\r\nTesto\r\n".to_vec()] };
    ["samples-synthetic", "samples-real"]
        .iter()
        .flat_map(|d| std::fs::read_dir(root.join(d)).unwrap())
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "eml"))
        .map(|p| std::fs::read(p).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_messages_never_panic_and_never_prove_more(
        which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let samples = all_samples();
        let good = which.get(&samples);
        let mut bad = good.clone();
        let at = at.index(bad.len());
        bad[at] = byte;
        if let Ok(mail) = parse(&bad) {
            let _ = mail.events();
        }
        let end = cut.index(good.len());
        if let Ok(mail) = parse(&good[..end]) {
            let before = parse(good).map(|m| m.events().len()).unwrap_or(0);
            prop_assert!(mail.events().len() <= before);
        }
    }
}
