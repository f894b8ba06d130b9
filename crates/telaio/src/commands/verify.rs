//! `telaio verify FILE…`: checks papers offline, without the server's database, and says what was checked and what not.
//!
//! Exit 0 only when every file holds and its signer was checked.

use std::path::{Path, PathBuf};

use documents::signature::{IssuedCheck, Point, Times, TrustStore, verify_issued};
use serde::Serialize;

use super::{Done, Stop};
use crate::cli::VerifyOptions;

/// One file with its answer.
#[derive(Serialize)]
struct Line {
    file: PathBuf,
    #[serde(flatten)]
    check: IssuedCheck,
}

/// Checks every file.
pub fn run(options: &VerifyOptions) -> Done {
    let trust = trust(options)?;
    let times = Times::now(app::Clock::System.now().at);
    let mut files = Vec::new();
    for path in &options.files {
        files.push((path.clone(), name_of(path), read(path)?));
    }
    let mut lines = Vec::new();
    for (path, name, bytes) in &files {
        let others = files.iter().filter(|(other, ..)| other != path);
        let beside: Vec<(&str, &[u8])> = others.map(|(_, n, b)| (n.as_str(), b.as_slice())).collect();
        lines.push(Line { file: path.clone(), check: verify_issued(bytes, name, &beside, &trust, &times) });
    }
    if options.json {
        let text = serde_json::to_string_pretty(&lines).map_err(|e| Stop::Failed(e.to_string()))?;
        println!("{text}");
    } else {
        lines.iter().for_each(|line| print!("{}", words(line)));
    }
    match lines.iter().filter(|line| !line.check.holds).count() {
        0 => Ok(()),
        n => Err(Stop::Failed(format!("{n} of {} do not hold, or were not fully checked", lines.len()))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(path).map_err(|error| Stop::Usage(format!("{}: {error}", path.display())))
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn trust(options: &VerifyOptions) -> Result<TrustStore, Stop> {
    let mut trust = TrustStore::empty();
    let refused = |path: &Path, error| Stop::Usage(format!("{}: {error}", path.display()));
    if let Some(path) = &options.trust {
        trust.add_anchors_pem(&read(path)?).map_err(|e| refused(path, e))?;
    }
    for path in &options.revoked {
        trust.add_crl(&read(path)?).map_err(|e| refused(path, e))?;
    }
    Ok(trust)
}

fn point(point: Point) -> &'static str {
    match point {
        Point::Holds => "holds",
        Point::Fails => "DOES NOT HOLD",
        Point::NotChecked => "not checked",
    }
}

/// The answer for a terminal.
fn words(line: &Line) -> String {
    let check = &line.check;
    let mut out = format!(
        "{}: {}\n",
        line.file.display(),
        if check.holds { "holds" } else { "DOES NOT HOLD or was not fully checked" }
    );
    let points = [
        ("seal or signature", check.sealed),
        ("integrity", check.integrity),
        ("signer", check.signer),
        ("revocation", check.revocation),
    ];
    for (what, found) in points {
        out.push_str(&format!("  {what}: {}\n", point(found)));
    }
    let mut report = check.report.as_ref();
    while let Some(found) = report {
        for signer in &found.signers {
            let who = signer.organisation.as_deref().or(signer.name.as_deref()).unwrap_or("unknown");
            let issuer = signer.certificate.as_ref().map_or("", |c| c.issuer.as_str());
            out.push_str(&format!("  signed by {who} (issuer {issuer}), judged at {} ", signer.at));
            out.push_str(&format!(
                "({:?}): {:?} {:?}\n",
                signer.time_reference, signer.verdict, signer.reasons
            ));
        }
        for stamp in &found.timestamps {
            let who = stamp.authority.as_deref().unwrap_or("unknown");
            out.push_str(&format!(
                "  stamped at {} by {who}: {:?} {:?}\n",
                stamp.at, stamp.verdict, stamp.reasons
            ));
        }
        report = found.nested.as_deref();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use documents::signature::test_ca::{Holder, TestCa};
    use documents::signature::{KeyKind, xades};

    /// A sealed paper, the right anchors and those of somebody else, in a folder.
    fn papers() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let valid = "2020-01-01T00:00:00Z".parse().unwrap().."2040-01-01T00:00:00Z".parse().unwrap();
        let ca = TestCa::create("CA di prova", valid.clone()).unwrap();
        let other = TestCa::create("Altra CA", valid.clone()).unwrap();
        let key = ca
            .issue(&Holder::seal("Comune di Prova", "VATIT-01234567890"), KeyKind::P256, valid.clone())
            .unwrap();
        let xml = xades::sign_enveloped("<a>prova</a>", &key.seal_key().unwrap(), valid.start).unwrap();
        std::fs::write(dir.path().join("good.xml"), &xml).unwrap();
        std::fs::write(dir.path().join("bad.xml"), xml.replace("prova", "truffa")).unwrap();
        std::fs::write(dir.path().join("plain.txt"), "prova").unwrap();
        std::fs::write(dir.path().join("trust.pem"), ca.root_pem().unwrap()).unwrap();
        std::fs::write(dir.path().join("other.pem"), other.root_pem().unwrap()).unwrap();
        let path = dir.path().to_owned();
        (dir, path)
    }

    fn code(folder: &Path, file: &str, trust: Option<&str>) -> u8 {
        let options = VerifyOptions {
            files: vec![folder.join(file)],
            trust: trust.map(|t| folder.join(t)),
            revoked: Vec::new(),
            json: false,
        };
        run(&options).err().map_or(0, |stop| stop.code())
    }

    #[test]
    fn only_an_unaltered_paper_of_a_trusted_signer_ends_with_0() {
        let (_keep, folder) = papers();
        assert_eq!(code(&folder, "good.xml", Some("trust.pem")), 0);
        assert_eq!(code(&folder, "good.xml", None), 1, "the signer was not checked");
        assert_eq!(code(&folder, "good.xml", Some("other.pem")), 1, "somebody else's anchors");
        assert_eq!(code(&folder, "bad.xml", Some("trust.pem")), 1, "altered");
        assert_eq!(code(&folder, "plain.txt", Some("trust.pem")), 1, "not sealed");
        assert_eq!(code(&folder, "missing.pdf", Some("trust.pem")), 2);
        assert_eq!(code(&folder, "good.xml", Some("plain.txt")), 2);
    }
}
