//! Times the writing of certificates for `cargo xtask bench` (row R15).
//!
//! Usage: `measure_papers PYTHON`, an interpreter with WeasyPrint and segno. Both sides write the same certificate –
//! heading, two paragraphs, a table of five rows, a QR code, a footer, names that change with every page – as tagged
//! PDF/A-2a. Before anything is timed both files are read by poppler: same words, one page, tagged, PDF/A-2a. Python
//! runs in its own process for its share of the time and says its own rate, so that its start does not count.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use documents::pdf::{self, Block, Column, PageSize, Paper, Qr, Run, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// At least five rounds of each side, interleaved.
const ROUNDS: usize = 5;
/// How long one side works in one round.
const SHARE: Duration = Duration::from_millis(3_000);
/// WeasyPrint's share: writes certificates for SECONDS, the first one to FILE, and prints how many per second.
const WEASYPRINT: &str = "
import io, sys, time, logging
logging.disable(logging.CRITICAL)
import segno
from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration
fonts = FontConfiguration()
style = '@page{size:A4;margin:20mm;@bottom-center{content:\"Comune di Prova – certificato di prova\";font-size:8pt}}' \
    'body{font-family:\"DejaVu Sans\",sans-serif;font-size:10pt}table{width:100%;border-collapse:collapse}' \
    'td,th{border:0.5pt solid #333;padding:1mm;text-align:left}svg{width:30mm;height:30mm}'
def page(n):
    rows = ''.join(f'<tr><td>Voce {r}</td><td>Valore {n + r}</td></tr>' for r in range(1, 6))
    qr = io.BytesIO(); segno.make(f'https://verifica.prova.test/c/{n}', error='m').save(qr, kind='svg', xmldecl=False)
    return f'''<html lang=\"it\"><head><title>Certificato di residenza {n}</title><style>{style}</style></head><body>
<h1>Certificato di residenza</h1><p>Si certifica che Prova Numero {n} risiede in questo comune.</p>
<table><thead><tr><th scope=\"col\">Dato</th><th scope=\"col\">Contenuto</th></tr></thead><tbody>{rows}</tbody></table>
<p>Rilasciato per gli usi consentiti dalla legge.</p><div role=\"img\" aria-label=\"Codice per la verifica\">{qr.getvalue().decode()}</div>
<p>Verifica del certificato {n}</p></body></html>'''
def write(n):
    return HTML(string=page(n)).write_pdf(pdf_variant='pdf/a-2a', font_config=fonts)
open(sys.argv[1], 'wb').write(write(0))
n, start = 0, time.perf_counter()
while time.perf_counter() - start < float(sys.argv[2]):
    n += 1; write(n)
print(n / (time.perf_counter() - start))
";

/// Something could not be prepared or a peer failed.
type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let python = PathBuf::from(std::env::args().nth(1).ok_or("usage: measure_papers PYTHON")?);
    let folder = std::env::temp_dir().join(format!("telaio-measure-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&python, &folder);
    std::fs::remove_dir_all(&folder)?;
    println!("{}", measured?);
    Ok(())
}

fn measure(python: &Path, folder: &Path) -> Result<serde_json::Value, Failed> {
    let (ours, theirs) = (folder.join("ours.pdf"), folder.join("theirs.pdf"));
    std::fs::write(&ours, pdf::write(&certificate(0)?)?)?;
    weasyprint(python, &theirs, Duration::from_millis(100))?;
    the_same(&ours, &theirs)?;
    let (mut telaio, mut peer) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        telaio.push(rate(round * 1_000_000)?);
        peer.push(weasyprint(python, &theirs, SHARE)?);
    }
    let size = |file: &Path| std::fs::metadata(file).map(|about| about.len());
    let notes = [
        format!("one core; {} bytes each, WeasyPrint {} bytes", size(&ours)?, size(&theirs)?),
        "ours is PDF/A-2a and PDF/UA-1 in one and validated by its writer; WeasyPrint writes PDF/A-2a alone"
            .into(),
        format!(
            "{} letters and digits in a page",
            words(&ours)?.iter().map(|word| word.chars().count()).sum::<usize>()
        ),
    ];
    Ok(
        serde_json::json!({ "telaio": telaio, "peer": peer, "unit": "/s", "smaller_is_better": false, "notes": notes }),
    )
}

/// Certificates per second on one core, each with other names.
fn rate(first: usize) -> Result<f64, Failed> {
    let (mut done, start) = (0, Instant::now());
    while start.elapsed() < SHARE {
        done += 1;
        if pdf::write(&certificate(first + done)?)?.is_empty() {
            return Err("an empty file".into());
        }
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

fn weasyprint(python: &Path, file: &Path, share: Duration) -> Result<f64, Failed> {
    let mut command = Command::new(python);
    let out = command.arg("-c").arg(WEASYPRINT).arg(file).arg(share.as_secs_f64().to_string()).output()?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned().into());
    }
    Ok(String::from_utf8(out.stdout)?.trim().parse()?)
}

/// Same words, one page each, both tagged and both calling themselves PDF/A-2a.
fn the_same(ours: &Path, theirs: &Path) -> Result<(), Failed> {
    let (mut left, mut right) = (words(ours)?, words(theirs)?);
    left.sort();
    right.sort();
    if left != right {
        return Err(format!("the papers say different things: {left:?} and {right:?}").into());
    }
    for file in [ours, theirs] {
        let about = poppler("pdfinfo", &[], file)?;
        let holds = |name: &str, value: &str| {
            about.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.trim() == value))
        };
        if !holds("Pages:", "1") || !holds("Tagged:", "yes") {
            return Err(format!("{}: not one tagged page: {about}", file.display()).into());
        }
        let facts: String = poppler("pdfinfo", &["-meta"], file)?.split_whitespace().collect();
        let says = |name: &str, value: &str| {
            facts.contains(&format!("pdfaid:{name}>{value}<"))
                || facts.contains(&format!("pdfaid:{name}=\"{value}\""))
        };
        if !says("part", "2") || !says("conformance", "A") {
            return Err(format!("{}: not PDF/A-2a: {facts}", file.display()).into());
        }
    }
    Ok(())
}

fn words(file: &Path) -> Result<Vec<String>, Failed> {
    let text = poppler("pdftotext", &["-enc", "UTF-8"], file)?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

/// What a program of poppler says about a file.
fn poppler(program: &str, options: &[&str], file: &Path) -> Result<String, Failed> {
    let mut command = Command::new(program);
    command.args(options).arg(file);
    if program == "pdftotext" {
        command.arg("-");
    }
    let out = command.output()?;
    if !out.status.success() {
        return Err(format!("{program}: {}", String::from_utf8_lossy(&out.stderr)).into());
    }
    Ok(String::from_utf8(out.stdout)?)
}

/// The certificate of resident number `n`.
fn certificate(n: usize) -> Result<Paper, Failed> {
    let at: Timestamp = "2026-11-23T09:00:00Z".parse()?;
    let row =
        |r: usize| vec![vec![Run::plain(format!("Voce {r}"))], vec![Run::plain(format!("Valore {}", n + r))]];
    let says = |text: String| Block::Paragraph(vec![Run::plain(text)]);
    Ok(Paper {
        title: format!("Certificato di residenza {n}"),
        language: "it".into(),
        author: "Comune di Prova".into(),
        made_at: at.to_zoned(TimeZone::UTC),
        size: PageSize::A4,
        header: Vec::new(),
        footer: vec!["Comune di Prova – certificato di prova".into()],
        page_counter: String::new(),
        stamp: Vec::new(),
        blocks: vec![
            Block::Heading { level: 1, text: "Certificato di residenza".into() },
            says(format!("Si certifica che Prova Numero {n} risiede in questo comune.")),
            Block::Table(Table {
                columns: vec![Column::left("Dato", 1.0), Column::left("Contenuto", 1.0)],
                rows: (1..6).map(row).collect(),
            }),
            says("Rilasciato per gli usi consentiti dalla legge.".into()),
            Block::Qr(Qr {
                data: format!("https://verifica.prova.test/c/{n}"),
                alt: "Codice per la verifica".into(),
                side: 30.0,
                caption: vec![Run::plain(format!("Verifica del certificato {n}"))],
            }),
        ],
    })
}
