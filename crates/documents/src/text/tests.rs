//! Words out of every format, and out of hostile ones.

use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;

fn text(kind: &str, bytes: &[u8]) -> String {
    words(kind, bytes, &Limits::default()).unwrap().text
}

fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const ODT: &str = "application/vnd.oasis.opendocument.text";

fn docx() -> Vec<u8> {
    let body = "<w:document xmlns:w='x'><w:p><w:r><w:t>Determina </w:t></w:r><w:r><w:t>n. 88 &amp; altro</w:t></w:r></w:p>\
                <w:p><w:r><w:instrText>PAGE</w:instrText><w:t>secondo</w:t><w:tab/><w:t>rigo</w:t></w:r></w:p></w:document>";
    zip(&[
        ("[Content_Types].xml", "<T/>"),
        ("word/document.xml", body),
        ("word/footer1.xml", "<f><w:t>piede</w:t></f>"),
    ])
}

#[test]
fn word_documents() {
    assert_eq!(text(DOCX, &docx()), "Determina n. 88 & altro\nsecondo rigo\npiede\n");
}

#[test]
fn spreadsheets_give_strings_and_numbers() {
    let sheet =
        "<s><row><c t='s'><v>0</v></c><c><v>1234</v></c><c t='inlineStr'><is><t>qui</t></is></c></row></s>";
    let xlsx = zip(&[
        ("xl/sharedStrings.xml", "<sst><si><t>Spesa</t></si></sst>"),
        ("xl/worksheets/sheet1.xml", sheet),
    ]);
    assert_eq!(text(XLSX, &xlsx), "Spesa\n1234\nqui\n");
}

#[test]
fn open_documents() {
    let content =
        "<o xmlns:text='x'><text:h>Titolo</text:h><text:p>Uno <text:span>due</text:span> tre</text:p></o>";
    let odt = zip(&[("mimetype", ODT), ("content.xml", content)]);
    assert_eq!(text(ODT, &odt), "Titolo\nUno due tre\n");
}

#[test]
fn entities_of_an_office_document_are_not_expanded() {
    let body = "<!DOCTYPE w [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><w><t>prima &x; dopo</t></w>";
    assert_eq!(text(DOCX, &zip(&[("word/document.xml", body)])), "prima dopo\n");
}

#[test]
fn plain_text_in_three_encodings() {
    assert_eq!(text("text/plain", "perché\r\nno".as_bytes()), "perché\nno\n");
    assert_eq!(text("text/plain", b"perch\xE9 \x80"), "perché €\n");
    let wide: Vec<u8> = "\u{FEFF}perché".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(text("text/plain", &wide), "perché\n");
}

#[test]
fn pages_lose_their_scripts() {
    let page = "<html><style>p{}</style><p>Avviso <b>pubblico</b></p><SCRIPT>alert('segreto')</SCRIPT><p>fine</p></html>";
    let found = text("text/html", page.as_bytes());
    assert!(
        found.contains("Avviso pubblico") && found.contains("fine") && !found.contains("segreto"),
        "{found}"
    );
}

#[test]
fn rich_text() {
    let rtf =
        br"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\generator x;}\f0 Citt\'e0 di {\b Prova}\par \u8364? 10\par}";
    assert_eq!(text("application/rtf", rtf), "Città di Prova\n€ 10\n");
}

#[test]
fn xml_gives_its_text_and_refuses_entities() {
    assert_eq!(text("application/xml", b"<a><b>uno</b><c d='no'>due</c></a>"), "uno\ndue\n");
    let bomb = b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
    assert_eq!(words("application/xml", bomb, &Limits::default()), Err(TextError::Damaged));
}

fn message() -> Vec<u8> {
    use base64::Engine as _;
    let attached = base64::engine::general_purpose::STANDARD.encode(docx());
    format!(
        "From: \"Prova Uno\" <uno@prova.example>\r\nTo: due@prova.example\r\nSubject: =?utf-8?Q?Perch=C3=A9?=\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n\
         Testo della nota\r\n--x\r\nContent-Type: application/octet-stream; name=\"atto.docx\"\r\n\
         Content-Disposition: attachment; filename=\"atto.docx\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{attached}\r\n--x--\r\n"
    )
    .into_bytes()
}

#[test]
fn mail_gives_subject_people_body_and_attachments() {
    let found = text("message/rfc822", &message());
    for part in ["Perché", "Prova Uno uno@prova.example", "Testo della nota", "atto.docx", "Determina n. 88"]
    {
        assert!(found.contains(part), "{part} not in {found}");
    }
}

/// Signs `content` into an envelope with a key made for the occasion.
fn envelope(content: &[u8]) -> Vec<u8> {
    use openssl::{asn1::Asn1Time, cms::*, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::*};
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "Prova").unwrap();
    let name = name.build();
    let mut certificate = X509Builder::new().unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = certificate.build();
    let cms = CmsContentInfo::sign(Some(&certificate), Some(&key), None, Some(content), CMSOptions::BINARY);
    cms.unwrap().to_der().unwrap()
}

#[test]
fn envelopes_are_opened_also_when_nested_or_armoured() {
    use base64::Engine as _;
    let twice = envelope(&envelope(&docx()));
    assert!(text("application/pkcs7-mime", &twice).contains("Determina n. 88"));
    let armoured = base64::engine::general_purpose::STANDARD.encode(envelope(b"solo testo firmato"));
    assert_eq!(text("application/pkcs7-mime", armoured.as_bytes()), "solo testo firmato\n");
}

#[test]
fn envelopes_within_envelopes_end_somewhere() {
    let mut bytes = b"fondo".to_vec();
    for _ in 0..6 {
        bytes = envelope(&bytes);
    }
    assert_eq!(words("application/pkcs7-mime", &bytes, &Limits::default()), Err(TextError::NotText));
}

#[test]
fn limits_cut_and_refuse() {
    let small = Limits { output: 10, ..Limits::default() };
    let cut = words("text/plain", "parola ".repeat(10).as_bytes(), &small).unwrap();
    assert!(cut.cut && cut.text.len() <= 11, "{cut:?}");
    let tiny = Limits { input: 3, ..Limits::default() };
    assert_eq!(words("text/plain", b"quattro", &tiny), Err(TextError::TooLarge));
    let late = Limits { time: Duration::ZERO, ..Limits::default() };
    assert!(words(DOCX, &docx(), &late).is_err() || words(DOCX, &docx(), &late).unwrap().cut);
    assert_eq!(words("image/png", b"x", &Limits::default()), Err(TextError::NotText));
    assert_eq!(words("application/pdf", b"%PDF-1.7 rotto", &Limits::default()), Err(TextError::Damaged));
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600), kind in 0_usize..9) {
        let kinds = [
            "application/pdf", DOCX, XLSX, ODT, "message/rfc822", "application/rtf", "text/html",
            "application/pkcs7-mime", "text/plain",
        ];
        let _ = words(kinds[kind], &bytes, &Limits::default());
    }

    #[test]
    fn any_html_and_rtf_is_read(text in "[<>/a-z{}\\\\'*é ]{0,120}") {
        let _ = words("text/html", text.as_bytes(), &Limits::default());
        let _ = words("application/rtf", text.as_bytes(), &Limits::default());
    }
}
