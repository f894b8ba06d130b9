//! Certified mail for `cargo xtask bench` (rows R13 and R14).
//!
//! `measure_mail open` times the opening of one transport envelope of 135 kB against the process `openssl cms
//! -verify` on the same file. `measure_mail letters FOLDER COUNT SERIAL TO` writes as many envelopes, each with a sealed
//! segnatura, as a provider would deliver them, and the anchors that vouch for them. `measure_mail submit FOLDER
//! STACK SKIP COUNT` hands them to the Postfix of the bench. The provider is the project's sandbox: real S/MIME, invented names.

mod letters;
mod submit;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use channels::pec::{Kind, parse};
use documents::signature::{TimeKind, Times, TrustStore, Verdict, smime};
use jiff::Timestamp;
use letters::Office;

/// At least five rounds of each side, interleaved.
const ROUNDS: usize = 5;
/// How long one side works in one round.
const SHARE: Duration = Duration::from_millis(2_500);
/// Bytes of the two files in the envelope, which make it 135 kB after their transfer encoding.
const FILES: [(&str, usize); 2] = [("domanda.pdf", 60_000), ("planimetria.pdf", 34_000)];

/// Something could not be prepared or a peer failed.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["open"] => {
            let folder = std::env::temp_dir().join(format!("telaio-measure-{}", std::process::id()));
            std::fs::create_dir_all(&folder)?;
            let measured = open(&folder);
            std::fs::remove_dir_all(&folder)?;
            println!("{}", measured?);
            Ok(())
        }
        ["letters", folder, count, serial, to] => {
            letters::write(folder.as_ref(), count.parse()?, serial.parse()?, to)
        }
        ["submit", folder, stack, skip, count] => {
            submit::run(folder.as_ref(), stack.as_ref(), skip.parse()?, count.parse()?).await
        }
        _ => {
            Err("usage: measure_mail open | letters FOLDER COUNT SERIAL TO | submit FOLDER STACK SKIP COUNT"
                .into())
        }
    }
}

/// The moment by the project's one clock.
pub fn now() -> Timestamp {
    Timestamp::from_microsecond(app::Clock::System.micros()).unwrap_or_default()
}

/// R13, both sides in turn.
fn open(folder: &Path) -> Result<serde_json::Value, Failed> {
    let office = Office::open(folder)?;
    let files: Vec<(String, Vec<u8>)> =
        FILES.iter().map(|(name, size)| ((*name).to_owned(), letters::bytes(7, *size))).collect();
    let raw =
        office.envelope("protocollo@pec.ente.test", "Domanda di prova", "prova.1@pec.prova.test", &files)?;
    let (message, anchors) = (folder.join("message.eml"), folder.join("anchors.pem"));
    std::fs::write(&message, &raw)?;
    std::fs::write(&anchors, office.anchors()?)?;
    let mut trust = TrustStore::empty();
    trust.add_anchors_pem(&office.anchors()?)?;
    the_same(&raw, &trust, &message, &anchors, &files)?;
    let (mut telaio, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        telaio.push(repeated(|| opened(&raw, &trust, &files))?);
        peer.push(repeated(|| openssl(&message, &anchors, Path::new("/dev/null")))?);
    }
    let notes = [
        format!("one core; an envelope of {} bytes, provider's key P-256, no revocation list", raw.len()),
        "ours in one process: parse, S/MIME with chain, daticert, the two files; the peer: signature and chain, a \
         process each time"
            .to_owned(),
    ];
    Ok(
        serde_json::json!({ "telaio": telaio, "peer": peer, "unit": "/s", "smaller_is_better": false, "notes": notes }),
    )
}

/// How often per second something can be done.
fn repeated(once: impl Fn() -> Result<(), Failed>) -> Result<f64, Failed> {
    let (mut done, start) = (0_u32, Instant::now());
    while start.elapsed() < SHARE {
        once()?;
        done += 1;
    }
    Ok(f64::from(done) / start.elapsed().as_secs_f64())
}

/// Ours: everything that is known of an envelope when it has come in.
fn opened(raw: &[u8], trust: &TrustStore, files: &[(String, Vec<u8>)]) -> Result<(), Failed> {
    let mail = parse(raw)?;
    let data = mail.certified().ok_or("no certification data")?;
    let times = Times::now(now()).proven(data.at, TimeKind::PecDelivery);
    let found = smime::verify(raw, trust, &times).ok_or("no signature")?;
    let sizes = mail.content.attachments.iter().map(|file| file.bytes.len());
    if mail.kind != Kind::Envelope || found.verdict != Verdict::Valid {
        return Err(format!("not a valid envelope: {found:?}").into());
    }
    if !sizes.eq(files.iter().map(|(_, bytes)| bytes.len())) {
        return Err("the files of the envelope are not those put in".into());
    }
    Ok(())
}

/// The peer: one process that checks signature and chain and writes out the content.
fn openssl(message: &Path, anchors: &Path, content: &Path) -> Result<(), Failed> {
    let mut command = Command::new("openssl");
    command.args(["cms", "-verify", "-in"]).arg(message).arg("-CAfile").arg(anchors).arg("-out").arg(content);
    let out = command.output()?;
    if out.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned().into()) }
}

/// Both find the same bytes signed, both refuse them with one byte changed, and the files are those put in.
fn the_same(
    raw: &[u8],
    trust: &TrustStore,
    message: &Path,
    anchors: &Path,
    files: &[(String, Vec<u8>)],
) -> Result<(), Failed> {
    opened(raw, trust, files)?;
    let content = message.with_extension("content");
    openssl(message, anchors, &content)?;
    let mail = parse(raw)?;
    let signed = mail.signed.as_ref().ok_or("no signature")?;
    let plain = |bytes: &[u8]| bytes.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<u8>>();
    if plain(&std::fs::read(&content)?) != plain(signed.content) {
        return Err("openssl reads other signed bytes".into());
    }
    let given = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    if !mail.content.attachments.iter().map(|file| (file.name.as_str(), &*file.bytes)).eq(given) {
        return Err("the files of the envelope are not those put in".into());
    }
    let mut altered = raw.to_vec();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    let file = message.with_extension("altered");
    std::fs::write(&file, &altered)?;
    if opened(&altered, trust, files).is_ok() || openssl(&file, anchors, Path::new("/dev/null")).is_ok() {
        return Err("an altered envelope passes for a good one".into());
    }
    Ok(())
}
