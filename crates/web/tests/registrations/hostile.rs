//! Bad and hostile inputs through the router: each is refused with the field and a remedy, or kept with a flag that
//! the entry's page says in words; and of what is refused nothing stays, counted in the whole store.

use super::{BODY, Door, Part, form, good, metadata, multipart_type, pointers};
use app::{App, Settings};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use domain::body::IpaCode;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::sync::Arc;
use zip::write::SimpleFileOptions;

impl Door {
    /// What stands in the store: bytes of documents, and the steps of the journal, of which every change is one.
    async fn stock(&self) -> (String, i64) {
        let checked = self.app.store.check_everything().await.unwrap();
        let body = IpaCode::parse(BODY).unwrap();
        let steps = self.app.store.read(move |r| store::journal::length(r, &body)).await.unwrap();
        (format!("{checked:?}"), steps)
    }

    /// Registers a file and gives the page of its entry.
    async fn page_of(&self, name: &str, bytes: Vec<u8>) -> (Value, String) {
        let (status, made) = self.register(with_file(name, bytes)).await;
        assert_eq!(status, StatusCode::CREATED, "{name}: {made}");
        let (_, page) = self.get(&format!("/register/{}", made["id"].as_str().unwrap())).await;
        (made, String::from_utf8(page).unwrap())
    }
}

fn with_file(name: &str, bytes: Vec<u8>) -> Vec<Part<'_>> {
    vec![good().remove(0), ("document", Some(name), bytes)]
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Bit 0 of the general flags of both headers says that an entry is locked.
fn locked() -> Vec<u8> {
    let mut bytes = archive(&[("a.txt", b"segreto")]);
    let directory = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[directory + 8] |= 1;
    bytes
}

#[tokio::test]
async fn what_is_refused_names_field_and_remedy_and_leaves_nothing() {
    let door = Door::new().await;
    let ctx = door.app.context(door.actor.clone());
    app::use_cases::scheme::import(&ctx, app::use_cases::scheme::MUNICIPAL.as_bytes()).await.unwrap();
    door.register(good()).await;
    let before = door.stock().await;
    let changed = |change: fn(&mut Value)| vec![("metadata", None, metadata(change)), good().remove(1)];
    let not_utf8 = vec![("metadata", None, b"{\"subject\": \"\xff\xfe\"}".to_vec()), good().remove(1)];
    let long_name = "n".repeat(5_000);
    let cases: Vec<(Vec<Part<'_>>, &str)> = vec![
        (with_file("vuoto.pdf", Vec::new()), "/document"),
        (with_file(&long_name, b"x".to_vec()), "/document/name"),
        (changed(|m| m["subject"] = json!("x".repeat(4_001))), "/subject"),
        (changed(|m| m["correspondents"][0]["name"] = json!("x".repeat(5_000))), "/correspondents/0/name"),
        (
            changed(|m| m["correspondents"][0]["digital_domicile"] = json!("niente")),
            "/correspondents/0/digital_domicile",
        ),
        (changed(|m| m["classification"] = json!("../../etc/passwd")), "/classification"),
    ];
    for (parts, pointer) in cases {
        let (status, problem) = door.register(parts).await;
        assert!(status.is_client_error(), "{pointer}: {status} {problem}");
        assert_eq!(pointers(&problem), [pointer], "{problem}");
        let detail = problem["errors"][0]["detail"].as_str().unwrap_or_default();
        assert!(detail.len() > 15, "a remedy in words: {problem}");
    }
    let (status, problem) = door.register(not_utf8).await;
    assert!(status.is_client_error(), "{status} {problem}");
    // The form of the page says the same, beside the field.
    let mut page = vec![("csrf", None, b"token".to_vec()), ("subject", None, b"\xff\xfe".to_vec())];
    page.push(("document", Some("a.txt"), b"x".to_vec()));
    let request = Request::post("/register/new").header("content-type", multipart_type());
    let answer = door.ask(request.body(Body::from(form(&page))).unwrap()).await;
    assert!(answer.status().is_client_error());
    assert_eq!(door.stock().await, before, "nothing is stored half");
    let (_, made) = door.register(good()).await;
    assert_eq!(made["number"], 2, "and no number was burnt");
}

/// A PDF whose trailer says that it is locked, with handler and key as a password program writes them.
fn locked_pdf() -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
        2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n\
        3 0 obj\n<< /Filter /Standard /V 1 /R 2 /Length 40 /P -44 /O <"
        .to_vec();
    bytes.extend([b'a'; 64]);
    bytes.extend(b"> /U <");
    bytes.extend([b'b'; 64]);
    bytes.extend(b"> >>\nendobj\ntrailer\n<< /Root 1 0 R /Encrypt 3 0 R /Size 4 >>\n%%EOF\n");
    bytes
}

/// The form of a new registration, with a file.
fn page_form(name: &str, bytes: Vec<u8>) -> Vec<u8> {
    let text = |name: &'static str, value: &str| (name, None, value.as_bytes().to_vec());
    form(&[
        text("csrf", "token"),
        text("aoo", "A1B2C3D"),
        text("direction", "incoming"),
        text("subject", "Dal modulo"),
        text("correspondents/0/kind", "person"),
        text("correspondents/0/name", "Prova Uno"),
        ("document", Some(name), bytes),
    ])
}

#[tokio::test]
async fn the_form_says_beside_the_file_what_the_program_says_at_its_pointer() {
    let mut door = Door::new().await;
    let settings = Settings { max_file_bytes: 1_000, max_files: 4, ..Settings::default() };
    door.app = Arc::new(App::new(door.app.store.clone(), door.app.clock.clone(), settings));
    let before = door.stock().await;
    let send = async |name: &str, bytes: Vec<u8>| {
        let request = Request::post("/register/new").header("content-type", multipart_type());
        let answer = door.ask(request.body(Body::from(page_form(name, bytes))).unwrap()).await;
        let (status, place) = (answer.status(), answer.headers().get("location").cloned());
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, place, String::from_utf8(bytes.to_vec()).unwrap())
    };
    for (name, bytes, words) in [
        ("vuoto.pdf", Vec::new(), "Il file è vuoto"),
        ("grande.bin", vec![7; 1_001], "Il file supera 1000 byte. Dividilo in parti più piccole."),
    ] {
        let (status, _, page) = send(name, bytes.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(
            page.contains(words) && page.contains("Dal modulo"),
            "{name}: what was typed is kept: {page}"
        );
        let (status, problem) = door.register(with_file(name, bytes)).await;
        assert_eq!((status, pointers(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/document"]));
    }
    assert_eq!(door.stock().await, before, "nothing is stored half");
    for (name, bytes, words) in [
        ("troncato.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog".to_vec(), "Danneggiato o troncato"),
        ("bloccato.pdf", locked_pdf(), "Protetto da password"),
        ("bloccato.zip", locked(), "Protetto da password"),
        ("foto.jpg", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(), "Il nome promette un altro"),
    ] {
        let (status, place, page) = send(name, bytes).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{name} is registered: {page}");
        let place = place.unwrap().to_str().unwrap().replace("/registered", "");
        let (_, entry) = door.get(&place).await;
        assert!(String::from_utf8(entry).unwrap().contains(words), "{name}: {words}");
    }
}

#[tokio::test]
async fn what_is_kept_says_what_is_wrong_with_it() {
    let door = Door::new().await;
    let zeros = vec![0_u8; 40 * 1024 * 1024];
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("troncato.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog".to_vec(), "Danneggiato o troncato"),
        ("bloccato.zip", locked(), "Protetto da password"),
        (
            "fattura.docx",
            b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog".to_vec(),
            "Il nome promette un altro tipo di file",
        ),
        ("zeri.zip", archive(&[("zeri.bin", &zeros)]), "non è stato aperto"),
        ("fuori.zip", archive(&[("../../etc/passwd", b"x")]), "fuori dalla sua cartella"),
    ];
    for (name, bytes, words) in cases {
        let (_, page) = door.page_of(name, bytes).await;
        assert!(page.contains(words), "{name}: {words}");
    }
}

#[tokio::test]
async fn entities_paths_and_markup_stay_harmless_bytes() {
    let door = Door::new().await;
    let xxe = br#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>"#;
    let (made, _) = door.page_of("../../../var/lib/segnatura.xml", xxe.to_vec()).await;
    assert_eq!(made["document"]["name"], "segnatura.xml", "a path in a name is cut off");
    app::workers::texts::run_once(&door.app).await.unwrap();
    let secret = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    if let Some(word) = secret.split_whitespace().next().filter(|word| word.len() > 3) {
        let (_, found) = door.get_json(&format!("/api/v1/registrations?q={word}")).await;
        assert_eq!(found["items"], json!([]), "an entity was followed");
    }
    let shown = format!("/documents/{}?inline", made["document"]["id"].as_str().unwrap());
    let answer = door.ask(Request::get(shown).body(Body::empty()).unwrap()).await;
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment;"));
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert_eq!(bytes.as_ref(), xxe, "bytes are given back as they came");
}

#[tokio::test]
async fn the_page_says_why_the_words_of_a_file_cannot_be_found() {
    let door = Door::new().await;
    let cases = [
        (
            "rotto.pdf",
            b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog".to_vec(),
            "chiedi al mittente di mandarlo di nuovo",
        ),
        ("foto.png", b"\x89PNG\r\n\x1a\n0000".to_vec(), "non contiene parole da cercare"),
    ];
    for (name, bytes, words) in cases {
        let (made, before) = door.page_of(name, bytes).await;
        assert!(!before.contains(words), "not read yet");
        app::workers::texts::run_once(&door.app).await.unwrap();
        let (_, after) = door.get(&format!("/register/{}", made["id"].as_str().unwrap())).await;
        assert!(String::from_utf8(after).unwrap().contains(words), "{name}");
    }
}
