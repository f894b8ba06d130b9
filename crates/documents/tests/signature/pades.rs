//! PAdES: our papers sealed and read by pyHanko, poppler and a PDF/A validator; attacks on signed files refused.

use super::common::*;
use documents::pdf::{Block, PageSize, Paper, Run};
use documents::signature::pades::{self, Sealing};
use documents::signature::report::TimeKind;
use documents::signature::test_ca::Holder;
use documents::signature::timestamp::{self, Tsa};
use documents::signature::{KeyKind, Reason, TrustStore, Verdict};
use proptest::prelude::*;
use std::path::Path;

fn paper() -> Vec<u8> {
    let paper = Paper {
        title: "Ricevuta di prova".into(),
        language: "it".into(),
        author: "Comune di Prova".into(),
        made_at: at("2026-11-23T09:00:00Z").to_zoned(jiff::tz::TimeZone::UTC),
        size: PageSize::A4,
        header: vec!["Comune di Prova".into()],
        footer: Vec::new(),
        page_counter: String::new(),
        stamp: Vec::new(),
        blocks: vec![
            Block::Heading { level: 1, text: "Ricevuta".into() },
            Block::Paragraph(vec![Run::plain("Si riceve una prova.")]),
        ],
    };
    documents::pdf::write(&paper).unwrap()
}

fn sealing() -> Sealing<'static> {
    Sealing { at: at("2026-11-23T09:00:00Z"), label: "Sigillo del Comune di Prova", reason: None }
}

/// What other tools say of a sealed paper.
fn ask_others(dir: &Path, name: &str, profile: &str) {
    let args = ["--trust", "ca.pem", "--profile", profile, "--covers-all", "--tamper", name];
    if let Some((ok, text)) = shared_python("pades_check.py", &args, dir) {
        assert!(ok, "{text}");
    }
    if let Some((ok, text)) = foreign("qpdf", &["--check", name], dir) {
        assert!(ok, "{text}");
    }
}

#[test]
fn a_sealed_paper_is_valid_here_and_elsewhere_and_stays_archival() {
    let dir = folder("pades");
    for kind in [KeyKind::Rsa, KeyKind::P256] {
        let sealed = pades::sign(&paper(), &seal(kind), &sealing(), None).unwrap();
        let found = pades::verify(&sealed, &trust(), &now()).unwrap();
        assert_eq!(found.verdict, Verdict::Valid, "{found:?}");
        assert!(found.covers_whole);
        assert_eq!(found.signers[0].claimed_at, Some(at("2026-11-23T09:00:00Z")));
        let name = format!("{kind:?}.pdf");
        std::fs::write(dir.join(&name), &sealed).unwrap();
        ask_others(&dir, &name, "pades-b");
        if let Some((ok, text)) =
            shared_python("pdfa_check.py", &["--profile", "2a", "--also", "ua1", &name], &dir)
        {
            assert!(ok, "{text}");
        }
    }
    assert!(pades::verify(&paper(), &trust(), &now()).is_none(), "an unsigned paper has nothing to check");
}

#[test]
fn a_stamped_seal_has_a_proven_time() {
    let dir = folder("pades-t");
    let tsa = Tsa::new(
        issue(Holder::TimestampUnit { name: "TSU di prova".into() }, KeyKind::P256).seal_key().unwrap(),
    );
    let mut stamper = timestamp::stamper(|question| tsa.respond(question, at("2026-11-23T09:00:05Z")));
    let sealed = pades::sign(&paper(), &seal(KeyKind::P256), &sealing(), Some(&mut stamper)).unwrap();
    let found = pades::verify(&sealed, &trust(), &now()).unwrap();
    assert_eq!(found.verdict, Verdict::Valid, "{found:?}");
    assert_eq!(found.signers[0].time_reference, TimeKind::Timestamp);
    std::fs::write(dir.join("t.pdf"), &sealed).unwrap();
    ask_others(&dir, "t.pdf", "pades-t");
}

#[test]
fn a_second_signature_leaves_the_first_valid() {
    let dir = folder("pades-two");
    let one = pades::sign(&paper(), &person(), &sealing(), None).unwrap();
    let two = pades::sign(&one, &seal(KeyKind::P256), &sealing(), None).unwrap();
    let found = pades::verify(&two, &trust(), &now()).unwrap();
    assert_eq!(found.signers.len(), 2);
    assert_eq!(found.verdict, Verdict::Valid, "{found:?}");
    assert!(found.covers_whole && found.signers[0].reasons.contains(&Reason::ExtendedAfterSigning));
    std::fs::write(dir.join("two.pdf"), &two).unwrap();
    ask_others(&dir, "two.pdf", "pades-b");
    if let Some((ok, text)) = shared_python("pdfa_check.py", &["--profile", "ua1", "two.pdf"], &dir) {
        assert!(ok, "{text}");
    }
}

#[test]
fn a_pdf_with_compressed_tables_can_be_sealed_too() {
    let dir = folder("pades-compressed");
    std::fs::write(dir.join("in.pdf"), paper()).unwrap();
    let args = ["--object-streams=generate", "in.pdf", "packed.pdf"];
    let Some((ok, text)) = foreign("qpdf", &args, &dir) else { return };
    assert!(ok, "{text}");
    let sealed =
        pades::sign(&std::fs::read(dir.join("packed.pdf")).unwrap(), &seal(KeyKind::Rsa), &sealing(), None)
            .unwrap();
    assert_eq!(pades::verify(&sealed, &trust(), &now()).unwrap().verdict, Verdict::Valid);
    std::fs::write(dir.join("sealed.pdf"), &sealed).unwrap();
    ask_others(&dir, "sealed.pdf", "pades-b");
}

#[test]
fn what_cannot_carry_a_seal_is_refused() {
    for bytes in [&b""[..], b"%PDF-1.7\n", b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n%%EOF"] {
        assert!(pades::sign(bytes, &seal(KeyKind::P256), &sealing(), None).is_err());
    }
}

/// Where `word` first stands.
fn find(bytes: &[u8], word: &str) -> usize {
    bytes.windows(word.len()).position(|w| w == word.as_bytes()).unwrap()
}

/// Appends a revision that replaces one object.
fn with_revision(pdf: &[u8], number: u32, object: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(pdf);
    let prev: usize =
        text.rsplit("startxref").next().unwrap().split_whitespace().next().unwrap().parse().unwrap();
    let root = text.rsplit("/Root ").next().unwrap().split(" R").next().unwrap().to_owned();
    let mut out = pdf.to_vec();
    let place = out.len();
    out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    let section = out.len();
    out.extend(format!("xref\n{number} 1\n{place:010} 00000 n \ntrailer\n<</Size 9999/Root {root} R/Prev {prev}>>\nstartxref\n{section}\n%%EOF\n").bytes());
    out
}

/// Number of the first object whose text holds `word`, in the original file.
fn object_with(pdf: &[u8], word: &str) -> (u32, String) {
    let text = String::from_utf8_lossy(pdf);
    let object = text.split("endobj").find(|o| o.contains(word)).unwrap();
    let (head, body) = object.rsplit_once(" 0 obj").unwrap();
    (head.split_whitespace().last().unwrap().parse().unwrap(), body.trim().to_owned())
}

#[test]
fn changes_after_the_seal_are_noticed() {
    let sealed = pades::sign(&paper(), &seal(KeyKind::P256), &sealing(), None).unwrap();
    // the page given other content
    let (page, body) = object_with(&sealed, "/Type /Page/");
    let swapped = with_revision(&sealed, page, &body.replace("/Contents", "/Was"));
    let found = pades::verify(&swapped, &trust(), &now()).unwrap();
    assert!(found.signers[0].reasons.contains(&Reason::ChangedAfterSigning), "{found:?}");
    assert_eq!((found.verdict, found.covers_whole), (Verdict::Invalid, false));
    // a note laid over the page
    let note = with_revision(
        &sealed,
        page,
        &body.replace("/Annots [", "/Annots [<</Type /Annot/Subtype /FreeText/Rect [0 0 500 500]>> "),
    );
    assert_eq!(pades::verify(&note, &trust(), &now()).unwrap().verdict, Verdict::Invalid);
    // a revision that changes nothing is told, not punished
    let idle = with_revision(&sealed, page, &body);
    let found = pades::verify(&idle, &trust(), &now()).unwrap();
    assert_eq!((found.verdict, found.covers_whole), (Verdict::Valid, false), "{found:?}");
}

#[test]
fn a_dishonest_byte_range_is_refused() {
    let sealed = pades::sign(&paper(), &seal(KeyKind::P256), &sealing(), None).unwrap();
    let trust = trust();
    let start = find(&sealed, "/ByteRange[") + 11;
    let end = start + find(&sealed[start..], "]");
    let numbers = std::str::from_utf8(&sealed[start..end]).unwrap().split_whitespace();
    let numbers: Vec<usize> = numbers.map(|n| n.parse().unwrap()).collect();
    for (i, shift) in [(1, -1i64), (1, 1), (2, 1), (2, -1), (3, -5)] {
        let mut changed = numbers.clone();
        changed[i] = (changed[i] as i64 + shift) as usize;
        let list = changed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let mut bad = sealed.clone();
        bad[start..end].fill(b' ');
        bad[start..start + list.len()].copy_from_slice(list.as_bytes());
        let found = pades::verify(&bad, &trust, &now()).unwrap();
        assert_eq!(found.verdict, Verdict::Invalid, "{i} {shift}: {found:?}");
    }
}

#[test]
fn every_altered_byte_is_noticed() {
    let sealed = pades::sign(&paper(), &seal(KeyKind::P256), &sealing(), None).unwrap();
    let trust = trust();
    let hole = find(&sealed, "/Contents<") + 9;
    for i in (0..sealed.len()).step_by(37).filter(|i| *i < hole || *i > hole + 17_000) {
        let mut bad = sealed.clone();
        bad[i] ^= 1;
        let found = pades::verify(&bad, &trust, &now());
        assert!(found.as_ref().is_none_or(|v| v.verdict >= Verdict::Indeterminate), "byte {i}: {found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn mutations_never_panic(edits in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..40), cut in any::<u32>()) {
        thread_local!(static SEALED: Vec<u8> = pades::sign(&paper(), &seal(KeyKind::P256), &sealing(), None).unwrap());
        let mut bad = SEALED.with(Clone::clone);
        let len = bad.len();
        for (place, value) in edits {
            bad[place as usize % len] = value;
        }
        let _ = pades::verify(&bad, &TrustStore::empty(), &now());
        let _ = pades::sign(&bad, &seal(KeyKind::P256), &sealing(), None);
        bad.truncate(cut as usize % len);
        let _ = pades::verify(&bad, &TrustStore::empty(), &now());
    }
}
