//! Times the checking of PDF signatures for `cargo xtask bench` (rows R10, R11, R12).
//!
//! Usage: `measure_signatures ROW`. Both sides look at the same file, made by this program itself (a sealed paper of about 16 KB, RSA-2048; a paper of 100 pages with ten signatures). It prints one
//! JSON object with the samples of both sides. The peer pyHanko runs in its own process for its share of the time
//! and says its own rate, so that the start of Python does not count.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use documents::pdf::{Block, PageSize, Paper, Run};
use documents::signature::pades::{self, Sealing};
use documents::signature::test_ca::{Holder, TestCa};
use documents::signature::{KeyKind, SealKey, Times, TrustStore, Verdict};
use jiff::Timestamp;

/// At least five rounds of each side, interleaved.
const ROUNDS: usize = 5;
/// How long one side works in one round.
const SHARE: Duration = Duration::from_millis(2500);

/// pyHanko's share: validates FILE for SECONDS and prints the number of documents per second.
const PYHANKO: &str = "
import io, sys, time, logging
logging.disable(logging.CRITICAL)
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko.keys import load_certs_from_pemder
roots = list(load_certs_from_pemder([sys.argv[2]]))
data = open(sys.argv[1], 'rb').read()
def once():
    reader = PdfFileReader(io.BytesIO(data))
    for signature in reader.embedded_regular_signatures:
        vc = ValidationContext(trust_roots=roots, allow_fetching=False, revocation_mode='soft-fail')
        status = validate_pdf_signature(signature, vc)
        assert status.intact and status.valid and status.trusted, status.summary()
once()
n, start = 0, time.perf_counter()
while time.perf_counter() - start < float(sys.argv[3]) or n == 0:
    once(); n += 1
print(n / (time.perf_counter() - start))
";

/// Something could not be prepared or a peer failed.
type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let row = std::env::args().nth(1).ok_or("usage: measure_signatures ROW")?;
    let folder = std::env::temp_dir().join(format!("telaio-measure-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&row, &folder);
    std::fs::remove_dir_all(&folder)?;
    println!("{}", measured?);
    Ok(())
}

/// Both sides in turn, as the bench reads them.
fn measure(row: &str, folder: &Path) -> Result<serde_json::Value, Failed> {
    let bench = Bench::prepare(folder, row == "r12")?;
    let (mut telaio, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        telaio.push(bench.ours()?);
        peer.push(match row {
            "r10" | "r12" => bench.pyhanko()?,
            "r11" => openssl_speed()?,
            _ => return Err(format!("no row {row}").into()),
        });
    }
    let notes = [
        format!(
            "one core; a file of {} bytes in memory, RSA-2048, no revocation list, chain remembered after the first",
            bench.pdf.len()
        ),
        "pyHanko and ours: signature, digest, chain, later revisions; both must find it valid".to_owned(),
    ];
    Ok(
        serde_json::json!({ "telaio": telaio, "peer": peer, "unit": "/s", "smaller_is_better": false, "notes": notes }),
    )
}

struct Bench {
    pdf: Vec<u8>,
    file: PathBuf,
    anchors: PathBuf,
    trust: TrustStore,
    times: Times,
}

impl Bench {
    fn prepare(folder: &Path, many: bool) -> Result<Self, Failed> {
        let now: Timestamp = "2026-11-23T09:00:00Z".parse()?;
        let valid = "2020-01-01T00:00:00Z".parse()?.."2040-01-01T00:00:00Z".parse()?;
        let ca = TestCa::create("CA of the benchmark", valid.clone())?;
        let key = |n: usize| -> Result<SealKey, Failed> {
            let holder = Holder::seal(&format!("Comune di Prova {n}"), "VATIT-01234567890");
            Ok(ca.issue(&holder, KeyKind::Rsa, valid.clone())?.seal_key()?)
        };
        let mut pdf = documents::pdf::write(&paper(now, if many { 100 } else { 1 }))?;
        for n in 0..if many { 10 } else { 1 } {
            let how = Sealing { at: now, label: "Comune di Prova", reason: None };
            pdf = pades::sign(&pdf, &key(n)?, &how, None)?;
        }
        let (file, anchors) = (folder.join("signed.pdf"), folder.join("ca.pem"));
        std::fs::write(&file, &pdf)?;
        std::fs::write(&anchors, ca.root_pem()?)?;
        let mut trust = TrustStore::empty();
        trust.add_anchors_pem(&ca.root_pem()?)?;
        Ok(Self { pdf, file, anchors, trust, times: Times::now(now) })
    }

    /// Documents per second on one core, everything but reading the file: the store hands out bytes.
    fn ours(&self) -> Result<f64, Failed> {
        let (mut done, start) = (0u32, Instant::now());
        while start.elapsed() < SHARE {
            let found = pades::verify(&self.pdf, &self.trust, &self.times).ok_or("not recognised")?;
            if found.verdict != Verdict::Valid {
                return Err(format!("unexpected verdict: {found:?}").into());
            }
            done += 1;
        }
        Ok(f64::from(done) / start.elapsed().as_secs_f64())
    }

    fn pyhanko(&self) -> Result<f64, Failed> {
        let checks = std::env::var("TELAIO_CHECKS")
            .or_else(|_| std::env::var("HOME").map(|h| format!("{h}/.cache/telaio-checks")))?;
        let python = Path::new(&checks).join("py/bin/python");
        let share = SHARE.as_secs_f64().to_string();
        let out = Command::new(&python)
            .arg("-c")
            .arg(PYHANKO)
            .arg(&self.file)
            .arg(&self.anchors)
            .arg(share)
            .output();
        let out = out.map_err(|_| "pyHanko is not installed (shared/tools/install.sh)")?;
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned().into());
        }
        Ok(String::from_utf8(out.stdout)?.trim().parse()?)
    }
}

/// RSA-2048 verifications per second by `openssl speed`: the limit of physics.
fn openssl_speed() -> Result<f64, Failed> {
    let out = Command::new("openssl").args(["speed", "-mr", "-seconds", "2", "rsa2048"]).output()?;
    let text = String::from_utf8(out.stdout)?;
    // a machine-readable line: +F2:index:bits:signatures per second:verifications per second
    let line = text.lines().find(|l| l.starts_with("+F2:")).ok_or("openssl speed gave no figure")?;
    Ok(line.rsplit(':').next().ok_or("openssl speed gave no figure")?.trim().parse()?)
}

/// A paper of so many pages.
fn paper(now: Timestamp, pages: usize) -> Paper {
    let mut blocks = vec![Block::Heading { level: 1, text: "Ricevuta di prova".into() }];
    for page in 0..pages {
        blocks.push(Block::Paragraph(vec![Run::plain(
            "Si riceve una prova, e se ne rilascia ricevuta. ".repeat(12),
        )]));
        if page + 1 < pages {
            blocks.push(Block::PageBreak);
        }
    }
    Paper {
        title: "Ricevuta di prova".into(),
        language: "it".into(),
        author: "Comune di Prova".into(),
        made_at: now.to_zoned(jiff::tz::TimeZone::UTC),
        size: PageSize::A4,
        header: Vec::new(),
        footer: Vec::new(),
        page_counter: String::new(),
        stamp: Vec::new(),
        blocks,
    }
}
