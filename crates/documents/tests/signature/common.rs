//! What the signature tests share: an authority, times, and the running of foreign tools.

use documents::signature::test_ca::{Holder, Issued, TestCa};
use documents::signature::{KeyKind, SealKey, Times, TrustStore};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The moment of the checks in these tests.
pub fn now() -> Times {
    Times::now(at("2026-11-24T00:00:00Z"))
}

pub fn period() -> std::ops::Range<Timestamp> {
    at("2026-01-01T00:00:00Z")..at("2028-01-01T00:00:00Z")
}

/// One authority for the whole run.
pub fn ca() -> &'static TestCa {
    static CA: OnceLock<TestCa> = OnceLock::new();
    CA.get_or_init(|| {
        TestCa::create("CA di prova", at("2020-01-01T00:00:00Z")..at("2040-01-01T00:00:00Z")).unwrap()
    })
}

pub fn trust() -> TrustStore {
    let mut trust = TrustStore::empty();
    trust.add_anchors_pem(&ca().root_pem().unwrap()).unwrap();
    trust
}

pub fn issue(holder: Holder, kind: KeyKind) -> Issued {
    ca().issue(&holder, kind, period()).unwrap()
}

/// The seal of a body that does not exist.
pub fn seal(kind: KeyKind) -> SealKey {
    issue(Holder::seal("Comune di Prova", "VATIT-01234567890"), kind).seal_key().unwrap()
}

/// The signature of a person who does not exist.
pub fn person() -> SealKey {
    issue(Holder::person("Prova", "Uno", "PRVNUO80A01G999X"), KeyKind::Rsa).seal_key().unwrap()
}

/// A folder of the test's own, with the root in `ca.pem`.
pub fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("telaio-signature-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("ca.pem"), ca().root_pem().unwrap()).unwrap();
    dir
}

/// Runs a foreign tool; `None`, with a line on the output, where it is not installed.
pub fn foreign(program: &str, args: &[&str], dir: &Path) -> Option<(bool, String)> {
    match Command::new(program).args(args).current_dir(dir).output() {
        Ok(out) => {
            let text =
                format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
            Some((out.status.success(), text))
        }
        Err(_) => {
            println!("skipped: {program} is not installed");
            None
        }
    }
}

/// A file under `shared/`, or `None` with a line on the output.
pub fn shared(path: &str) -> Option<PathBuf> {
    let base = std::env::var("TELAIO_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let file = Path::new(&base).join(path);
    if file.exists() {
        return Some(file);
    }
    println!("skipped: shared/ absent ({path})");
    None
}

/// A check of `shared/tools` that needs the Python tools; `None` where either is missing.
pub fn shared_python(script: &str, args: &[&str], dir: &Path) -> Option<(bool, String)> {
    let script = shared(&format!("tools/{script}"))?;
    let home = std::env::var("HOME").unwrap_or_default();
    let base = std::env::var("TELAIO_CHECKS").unwrap_or_else(|_| format!("{home}/.cache/telaio-checks"));
    let python = format!("{base}/py/bin/python");
    if !Path::new(&python).exists() {
        println!("skipped: the Python checks are not installed");
        return None;
    }
    let mut all = vec![script.to_str()?];
    all.extend(args);
    // the script picks the right environment by itself
    foreign("python3", &all, dir)
}
