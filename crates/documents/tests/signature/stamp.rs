//! The strip above a copy: nothing of the page covered, the original the beginning of the copy, its signature still
//! there, archival and accessible if it was, readable whichever way the page is turned.

use super::common::*;
use documents::pdf::{self, Block, PageSize, Paper, Qr, Run};
use documents::signature::pades::{self, Sealing};
use documents::signature::{KeyKind, stamp};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;

const ADDRESS: &str = "https://localhost/register/reg_00000000000000000000000000000001";

fn paper(size: PageSize, blocks: Vec<Block>) -> Vec<u8> {
    let made_at = at("2026-11-23T09:00:00Z").to_zoned(jiff::tz::TimeZone::UTC);
    let paper = Paper {
        title: "Domanda di prova".into(),
        language: "it".into(),
        author: "Comune di Prova".into(),
        made_at,
        size,
        header: Vec::new(),
        footer: Vec::new(),
        page_counter: String::new(),
        stamp: Vec::new(),
        blocks,
    };
    pdf::write(&paper).unwrap()
}

fn original() -> Vec<u8> {
    let words = Block::Paragraph(vec![Run::plain("Si chiede una prova.")]);
    paper(PageSize::A4, vec![Block::Heading { level: 1, text: "Domanda".into() }, words])
}

fn strip() -> Vec<u8> {
    let caption = vec![Run::bold("Comune di Prova\nProt. n. 0000001/2026 del 23/11/2026")];
    let qr = Qr { data: ADDRESS.into(), alt: "Registrazione".into(), side: 17.0, caption };
    paper(PageSize::Strip, vec![Block::Qr(qr)])
}

/// A PDF of one page with these words in its page, as an old scanner writes it.
fn plain(page: &str) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 420 595]>>".to_owned(),
        format!("<</Type/Page/Parent 2 0 R/Resources<<>>{page}>>"),
    ];
    let (mut out, mut places) = (b"%PDF-1.4\n".to_vec(), Vec::new());
    for (i, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
    }
    let start = out.len();
    out.extend(b"xref\n0 4\n0000000000 65535 f \n");
    places.iter().for_each(|place| out.extend(format!("{place:010} 00000 n \n").bytes()));
    out.extend(format!("trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").bytes());
    out
}

/// What the independent reader of codes says of a file; nothing where it is not installed.
fn qr_is_read(dir: &Path, name: &str) {
    let Some(check) = shared("tools/qr_check.sh") else { return println!("skipped: shared/ absent") };
    let output = Command::new("bash").arg(check).arg(dir.join(name)).arg(ADDRESS).output().unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("not found") {
        return println!("skipped: pdftoppm or zbarimg not installed");
    }
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_stamped_copy_begins_with_the_original_and_stays_archival_and_accessible() {
    let dir = folder("stamp");
    let original = original();
    let copy = stamp(&original, &strip(), "Prot. n. 0000001/2026 del 23/11/2026").unwrap();
    assert_eq!(copy[..original.len()], original[..], "the original is the beginning of the copy");
    std::fs::write(dir.join("copy.pdf"), &copy).unwrap();
    qr_is_read(&dir, "copy.pdf");
    if let Some((ok, text)) = foreign("qpdf", &["--check", "copy.pdf"], &dir) {
        assert!(ok, "{text}");
    }
    if let Some((ok, text)) = foreign("pdfinfo", &["copy.pdf"], &dir) {
        // A4 is 841.89 points high, the strip 20 mm.
        assert!(ok && text.contains("595.276 x 898.583"), "{text}");
    }
    let args = ["--profile", "2a", "--also", "ua1", "copy.pdf"];
    if let Some((ok, text)) = shared_python("pdfa_check.py", &args, &dir) {
        assert!(ok, "{text}");
    }
}

#[test]
fn the_strip_is_read_whichever_way_the_page_is_turned() {
    let dir = folder("stamp-turned");
    for (name, page) in [
        ("0.pdf", ""),
        ("90.pdf", "/Rotate 90"),
        ("180.pdf", "/Rotate 180/CropBox[10 10 400 500]"),
        ("270.pdf", "/Rotate -90/MediaBox[-100 -50 320 545]"),
        ("narrow.pdf", "/MediaBox[0 0 200 300]"),
    ] {
        let copy = stamp(&plain(page), &strip(), "Prot.").unwrap();
        std::fs::write(dir.join(name), copy).unwrap();
        qr_is_read(&dir, name);
        if let Some((ok, text)) = foreign("qpdf", &["--check", name], &dir) {
            assert!(ok, "{name}: {text}");
        }
    }
}

#[test]
fn the_signature_of_the_original_is_still_in_the_copy() {
    let how = Sealing { at: at("2026-11-23T09:00:00Z"), label: "Firma di prova", reason: None };
    let signed = pades::sign(&original(), &seal(KeyKind::P256), &how, None).unwrap();
    let copy = stamp(&signed, &strip(), "Prot.").unwrap();
    assert_eq!(copy[..signed.len()], signed[..]);
    let found = pades::verify(&copy, &trust(), &now()).unwrap();
    assert_eq!(found.signers.len(), 1);
    assert!(!found.covers_whole, "the strip came after the signature, and it is said");
}

#[test]
fn what_cannot_carry_a_strip_is_refused() {
    for bad in [&b""[..], b"%PDF-1.4\n", &plain("/MediaBox[0 0 0 0]"), &plain("/Rotate 45")] {
        assert!(stamp(bad, &strip(), "Prot.").is_err());
    }
    let mut locked = plain("");
    let at = locked.windows(7).position(|w| w == b"/Size 4").unwrap();
    locked.splice(at..at, *b"/Encrypt<<>>");
    assert!(stamp(&locked, &strip(), "Prot.").is_err());
    assert!(stamp(&original(), b"no strip", "Prot.").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_never_stop_the_program(cut in 0..3_000usize, at in 0..3_000usize, byte: u8) {
        let mut bytes = original();
        let place = at % bytes.len();
        bytes[place] = byte;
        bytes.truncate(bytes.len() - cut % 200);
        let _ = stamp(&bytes, &strip(), "Prot.");
    }
}
