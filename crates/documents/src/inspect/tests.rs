//! Files as they arrive: honest, misnamed, locked, armed and broken.

use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;

fn look(name: &str, bytes: &[u8]) -> Facts {
    inspect(name, Cursor::new(bytes), &Limits::default()).unwrap()
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn flags(facts: &Facts) -> Vec<&'static str> {
    facts.flags.iter().map(|f| f.code()).collect()
}

/// A PDF of one page with one more object and an entry of the catalog.
fn pdf(object: &str, catalog: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let objects = [
        format!("1 0 obj\n<< /Type /Catalog /Pages 2 0 R {catalog} >>\nendobj\n"),
        "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n".to_owned(),
        "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>\nendobj\n".to_owned(),
        format!("4 0 obj\n{object}\nendobj\n"),
    ];
    let mut table = "xref\n0 5\n0000000000 65535 f \n".to_owned();
    for object in objects {
        table.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.extend(object.as_bytes());
    }
    let start = out.len();
    out.extend(format!("{table}trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").as_bytes());
    out
}

#[test]
fn an_honest_pdf_has_no_flags() {
    let facts = look("atto.pdf", &pdf("<< >>", ""));
    assert_eq!((facts.media_type, facts.pages, flags(&facts)), ("application/pdf", Some(1), vec![]));
}

#[test]
fn own_papers_claim_pdf_a_2a() {
    let paper = crate::pdf::Paper {
        title: "Prova".to_owned(),
        language: "it".to_owned(),
        author: "Prova".to_owned(),
        made_at: "2026-11-23T09:00:00+01:00[Europe/Rome]".parse().unwrap(),
        size: crate::pdf::PageSize::A4,
        header: Vec::new(),
        footer: Vec::new(),
        page_counter: String::new(),
        stamp: Vec::new(),
        blocks: Vec::new(),
    };
    let facts = look("carta.pdf", &crate::pdf::write(&paper).unwrap());
    assert_eq!((facts.pdf_a.as_deref(), flags(&facts)), (Some("2A"), vec![]));
}

#[test]
fn code_in_a_pdf_is_found() {
    let action = pdf("<< /S /JavaScript /JS (app.alert\\(1\\)) >>", "/OpenAction 4 0 R");
    assert_eq!(flags(&look("a.pdf", &action)), ["active-content"]);
    let launch = pdf("<< /A << /S /Launch /F (cmd.exe) >> >>", "");
    assert_eq!(flags(&look("a.pdf", &launch)), ["active-content"]);
    let harmless = pdf("<< /S /GoTo /D [3 0 R /Fit] >>", "/OpenAction 4 0 R");
    assert_eq!(flags(&look("a.pdf", &harmless)), Vec::<&str>::new());
}

#[test]
fn a_truncated_pdf_is_damaged() {
    let whole = pdf("<< /S /JavaScript >>", "");
    let facts = look("a.pdf", &whole[..60]);
    assert!(facts.flags.contains(&Flag::Damaged), "{facts:?}");
}

#[test]
fn the_name_does_not_decide() {
    let facts = look("fattura.docx", &pdf("<< >>", ""));
    assert_eq!((facts.media_type, flags(&facts)), ("application/pdf", vec!["name-mismatch"]));
    let facts = look("fattura.pdf", b"MZ\x90\x00 a program");
    assert_eq!(flags(&facts), ["unknown-format", "executable"]);
    let facts = look("fattura.pdf.exe", &pdf("<< >>", ""));
    assert_eq!(flags(&facts), ["name-mismatch", "executable"]);
}

#[test]
fn nothing_at_all_is_a_fact_too() {
    assert_eq!(flags(&look("vuoto.pdf", b"")), ["empty"]);
}

#[test]
fn office_documents_are_told_by_their_parts() {
    let word = zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")]);
    let facts = look("lettera.docx", &word);
    assert!(facts.media_type.ends_with("wordprocessingml.document"));
    assert_eq!(flags(&facts), Vec::<&str>::new());
    let calc =
        zip(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", b"<c/>")]);
    assert_eq!(look("conti.ods", &calc).media_type, "application/vnd.oasis.opendocument.spreadsheet");
}

#[test]
fn macros_are_found_whatever_the_name_says() {
    let word = zip(&[("[Content_Types].xml", b"<T/>"), ("word/d.xml", b""), ("word/vbaProject.bin", b"x")]);
    assert_eq!(flags(&look("lettera.docx", &word)), ["macros"]);
    let text: &[u8] = b"application/vnd.oasis.opendocument.text";
    let odt = zip(&[("mimetype", text), ("Basic/script-lc.xml", b""), ("Basic/Standard/Module1.xml", b"")]);
    assert_eq!(flags(&look("lettera.odt", &odt)), ["macros"]);
    let none =
        zip(&[("mimetype", text), ("Basic/script-lc.xml", b""), ("Basic/Standard/script-lb.xml", b"")]);
    assert_eq!(flags(&look("lettera.odt", &none)), Vec::<&str>::new());
}

#[test]
fn locked_documents_are_found() {
    let manifest: &[u8] = b"<manifest:encryption-data/>";
    let odt =
        zip(&[("mimetype", b"application/vnd.oasis.opendocument.text"), ("META-INF/manifest.xml", manifest)]);
    assert_eq!(flags(&look("a.odt", &odt)), ["encrypted"]);
    let mut locked = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    locked.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert!(flags(&look("a.docx", &locked)).contains(&"encrypted"));
    // Bit 0 of the general flags of both headers says that an entry is locked.
    let mut archive = zip(&[("a.txt", b"segreto")]);
    let directory = archive.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    archive[6] |= 1;
    archive[directory + 8] |= 1;
    assert_eq!(flags(&look("a.zip", &archive)), ["encrypted"]);
}

#[test]
fn templates_from_elsewhere_are_found() {
    let relations: &[u8] =
        br#"<Relationship Type="http://x/attachedTemplate" Target="http://y/t.dotm" TargetMode="External"/>"#;
    let word = zip(&[("[Content_Types].xml", b"<T/>"), ("word/_rels/settings.xml.rels", relations)]);
    assert_eq!(flags(&look("a.docx", &word)), ["outside-links"]);
}

#[test]
fn a_bomb_is_not_unpacked() {
    let zeros = vec![0_u8; 40 * 1024 * 1024];
    assert_eq!(flags(&look("a.zip", &zip(&[("zeri.bin", &zeros)]))), ["bomb"]);
}

#[test]
fn archives_in_archives_are_opened_to_a_depth() {
    let word = zip(&[("[Content_Types].xml", b"<T/>"), ("word/vbaProject.bin", b"x")]);
    let once = zip(&[("lettera.docm", &word)]);
    assert_eq!(flags(&look("a.zip", &once)), ["macros"]);
    let twice = zip(&[("a.zip", &zip(&[("b.zip", &once)]))]);
    assert!(flags(&look("a.zip", &twice)).contains(&"too-deep"));
}

#[test]
fn an_entry_that_wanders_is_found() {
    assert_eq!(flags(&look("a.zip", &zip(&[("../../etc/passwd", b"x")]))), ["unsafe-path"]);
}

#[test]
fn text_formats_are_told_apart() {
    let mail = b"Return-Path: <uno@prova.example>\r\nFrom: uno@prova.example\r\nSubject: prova\r\n\r\ncorpo";
    let cases: &[(&str, &[u8], &str)] = &[
        ("a.eml", mail, "message/rfc822"),
        ("a.xml", b"\xEF\xBB\xBF<?xml version='1.0'?><a/>", "application/xml"),
        ("a.html", b"<!DOCTYPE html><title>x</title>", "text/html"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        ("a.json", b"{\"a\": 1}", "application/json"),
        ("a.csv", b"a;b\n1;2\n", "text/csv"),
        ("a.txt", b"Nota: perch\xE9 no", "text/plain"),
        ("a.rtf", b"{\\rtf1 ciao}", "application/rtf"),
        ("a.dxf", b"0\nSECTION\n", "image/vnd.dxf"),
        (
            "a.p7m",
            b"\x30\x82\x01\x00\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0",
            "application/pkcs7-mime",
        ),
        ("a.p7m", b"-----BEGIN PKCS7-----\nMIIBAAYJKoZIhvcNAQcC", "application/pkcs7-mime"),
        // The PDF inside stands near the start, in clear.
        (
            "a.pdf.p7m",
            b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0\x80\x24\x80\x04\x10%PDF-1.7 and so on",
            "application/pkcs7-mime",
        ),
    ];
    for (name, bytes, kind) in cases {
        let facts = look(name, bytes);
        assert_eq!((facts.media_type, flags(&facts)), (*kind, vec![]), "{name}");
    }
}

#[test]
fn scripts_in_pages_are_found() {
    assert_eq!(flags(&look("a.html", b"<html><script>1</script></html>")), ["active-content"]);
}

proptest! {
    #[test]
    fn garbage_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..2000), mark in 0_usize..5, at in any::<usize>()) {
        let starts: [&[u8]; 5] = [b"", b"PK\x03\x04", b"%PDF-1.4\n", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", b"{\\rtf"];
        bytes.splice(0..0, starts[mark].iter().copied());
        let _ = look("x.bin", &bytes);
        let mut broken = zip(&[("[Content_Types].xml", b"<T/>"), ("word/document.xml", b"<w/>")]);
        let place = at % broken.len();
        broken[place] ^= 0x55;
        let _ = look("x.docx", &broken);
    }
}
