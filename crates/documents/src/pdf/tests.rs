//! Papers as a whole: hostile text, long tables, every block, and the outside
//! checks of `shared/tools` where they are installed.

use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;

use super::*;

fn paper(blocks: Vec<Block>) -> Paper {
    let made_at = "2026-11-23T09:10:00+01:00[Europe/Rome]".parse().unwrap();
    Paper {
        title: "Ricevuta di protocollo".to_owned(),
        language: "it".to_owned(),
        author: "Comune di Prova".to_owned(),
        made_at,
        size: PageSize::A4,
        header: vec!["Comune di Prova – Ufficio protocollo".to_owned()],
        footer: vec!["Documento informatico".to_owned()],
        page_counter: "Pagina {page} di {pages}".to_owned(),
        stamp: Vec::new(),
        blocks,
    }
}

fn every_block() -> Vec<Block> {
    let qr = Qr {
        data: "https://localhost/verify?code=ABCD-EFGH".to_owned(),
        alt: "Codice QR che apre la pagina di verifica".to_owned(),
        side: 35.0,
        caption: vec![Run::plain("Verifica: "), Run::mono("ABCD-EFGH")],
    };
    vec![
        Block::Heading { level: 3, text: "Ricevuta di protocollo".to_owned() },
        Block::Paragraph(vec![
            Run::plain("È stata registrata l’istanza di "),
            Run::bold("Prova Uno"),
            Run::plain(" con "),
            Run::italic("più allegati"),
            Run::plain(": ěščřž 🦄 ✓ → € «così» \u{E000}."),
        ]),
        Block::KeyValues(vec![
            ("Numero".to_owned(), vec![Run::plain("0184300/2026")]),
            ("Oggetto".to_owned(), vec![Run::plain("Richiesta occupazione suolo ".repeat(12))]),
            ("Vuoto".to_owned(), Vec::new()),
        ]),
        Block::Heading { level: 2, text: "File".to_owned() },
        Block::Table(Table {
            columns: vec![
                Column::left("Nome", 2.0),
                Column::left("Impronta", 4.0),
                Column::right("Byte", 1.0),
            ],
            rows: vec![vec![
                vec![Run::plain("istanza.pdf")],
                vec![Run::mono("ab".repeat(32))],
                vec![Run::plain("12.345")],
            ]],
        }),
        Block::Rule,
        Block::List { ordered: true, items: vec![vec![Run::plain("primo")], vec![Run::plain("secondo")]] },
        Block::List { ordered: false, items: vec![Vec::new(), vec![Run::plain("voce")]] },
        Block::Spacer(5.0),
        Block::Qr(qr),
    ]
}

fn long_table(rows: usize) -> Table {
    Table {
        columns: vec![Column::right("Numero", 1.0), Column::left("Oggetto", 5.0)],
        rows: (0..rows)
            .map(|n| {
                vec![
                    vec![Run::plain(format!("{n:07}"))],
                    vec![Run::plain("Oggetto di prova ".repeat(n % 9 + 1))],
                ]
            })
            .collect(),
    }
}

fn pages_of(pdf: &[u8]) -> usize {
    lopdf::Document::load_mem(pdf).unwrap().get_pages().len()
}

#[test]
fn the_same_paper_gives_the_same_bytes() {
    let paper = paper(every_block());
    assert_eq!(write(&paper).unwrap(), write(&paper).unwrap());
}

#[test]
fn a_table_of_500_rows_runs_over_pages() {
    let pdf = write(&paper(vec![Block::Table(long_table(500))])).unwrap();
    assert!(pages_of(&pdf) > 20);
}

#[test]
fn a_cell_taller_than_a_page_is_continued() {
    let row = vec![vec![Run::plain("parola ".repeat(9_000))]];
    let table = Table { columns: vec![Column::left("Testo", 1.0)], rows: vec![row] };
    let pdf = write(&paper(vec![Block::Table(table)])).unwrap();
    assert!(pages_of(&pdf) > 8);
}

#[test]
fn a_paper_without_anything_is_still_a_paper() {
    let mut empty = paper(Vec::new());
    empty.title = String::new();
    empty.header.clear();
    empty.footer.clear();
    empty.page_counter.clear();
    assert_eq!(pages_of(&write(&empty).unwrap()), 1);
}

#[test]
fn a_broken_picture_and_an_endless_code_are_refused() {
    let image = Image { kind: ImageKind::Png, bytes: vec![1, 2, 3], alt: "stemma".to_owned(), width: 20.0 };
    assert!(matches!(write(&paper(vec![Block::Image(image)])), Err(PdfError::Image(_))));
    let qr = Qr { data: "x".repeat(4_000), alt: "codice".to_owned(), side: 30.0, caption: Vec::new() };
    assert!(matches!(write(&paper(vec![Block::Qr(qr)])), Err(PdfError::Qr(4_000))));
}

#[test]
fn words_can_be_copied_from_the_page() {
    let pdf = write(&paper(every_block())).unwrap();
    let text = lopdf::Document::load_mem(&pdf).unwrap().extract_text(&[1]).unwrap();
    assert!(text.contains("Richiesta occupazione suolo"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_text_can_be_printed(a in "\\PC{0,300}", b in any::<String>(), level in 0_u8..9) {
        let mut paper = paper(vec![
            Block::Heading { level, text: a.clone() },
            Block::Paragraph(vec![Run::plain(b.clone()), Run::mono(a.clone())]),
            Block::KeyValues(vec![(b.clone(), vec![Run::bold(a.clone())])]),
        ]);
        paper.title = b;
        paper.stamp = vec![a];
        let written = write(&paper);
        prop_assert!(written.is_ok(), "{:?}", written.err());
    }
}

/// The checks nobody in the project wrote; `None` when they are not installed.
fn tool(name: &str) -> Option<PathBuf> {
    let shared = std::env::var("TELAIO_SHARED")
        .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = shared.join("tools").join(name);
    path.exists().then_some(path)
}

#[test]
fn pdf_a_and_pdf_ua_hold_for_an_independent_validator() {
    let Some(check) = tool("pdfa_check.py") else {
        println!("skipped: shared/ absent");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut stamped = paper(every_block());
    stamped.stamp = vec!["Comune di Prova – Prot. n. 0184300 del 23/11/2026".to_owned()];
    let mut label = paper(vec![Block::Paragraph(vec![Run::bold("0184300/2026")])]);
    label.size = PageSize::Label;
    label.header.clear();
    let papers = [stamped, paper(vec![Block::Table(long_table(120))]), label];
    let mut command = Command::new("python3");
    command.arg(check);
    for (at, paper) in papers.iter().enumerate() {
        let file = dir.path().join(format!("{at}.pdf"));
        std::fs::write(&file, write(paper).unwrap()).unwrap();
        command.arg(file);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    if said.is_empty() {
        println!("skipped: the checks of shared/tools are not installed");
        return;
    }
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_qr_code_can_be_read_back() {
    let Some(check) = tool("qr_check.sh") else {
        println!("skipped: shared/ absent");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("qr.pdf");
    std::fs::write(&file, write(&paper(every_block())).unwrap()).unwrap();
    let output = Command::new("bash").arg(check).arg(&file).arg("https://localhost/verify").output().unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("not found") {
        println!("skipped: pdftoppm or zbarimg not installed");
        return;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
