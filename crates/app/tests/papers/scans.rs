//! From the scanner to the register: the watched folder with everything that may lie in it, the attestation, and what
//! the receipt says of it.

use super::support::{BODY, House, OTHER, incoming};
use app::settings::ScanFolder;
use app::use_cases::papers::receipt;
use app::use_cases::register::read::open_whole;
use app::use_cases::scans::{self, NewEntry, Scan};
use app::workers::scans::{Seen, run_once};
use app::{Context, Error};
use domain::body::IpaCode;
use domain::ids::ScanId;
use domain::register::{Direction, NewRegistration};
use domain::scan::ScanState;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The smallest picture: one black dot.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDAT\x78\x9c\x63\
    \x60\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";

/// A house with a folder of scans for its body.
struct Desk {
    house: House,
    folder: tempfile::TempDir,
    seen: Seen,
}

impl Desk {
    async fn new() -> Self {
        let mut house = House::new().await;
        let folder = tempfile::tempdir().unwrap();
        let body = IpaCode::parse(BODY).unwrap();
        let one = ScanFolder { body, folder: folder.path().to_owned() };
        Arc::get_mut(&mut house.app).unwrap().settings.scan_folders = vec![one];
        Self { house, folder, seen: Seen::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    async fn look(&mut self) -> usize {
        run_once(&self.house.app, &mut self.seen).await.unwrap()
    }

    async fn of(&self, state: ScanState) -> Vec<Scan> {
        scans::list(&self.house.clerk(), state, None).await.unwrap().lines
    }
}

fn named(scans: &[Scan]) -> Vec<(&str, Option<&str>)> {
    let mut names: Vec<_> = scans.iter().map(|one| (one.name.as_str(), one.reason.as_deref())).collect();
    names.sort_unstable();
    names
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn entry(new: NewRegistration, attested: bool) -> NewEntry {
    NewEntry { new, attachments: Vec::new(), assignments: Vec::new(), attested }
}

async fn uploaded(ctx: &Context) -> ScanId {
    scans::upload(ctx, "/document", "carta.png", PNG).await.unwrap()
}

fn codes(error: Error) -> Vec<(String, &'static str)> {
    let Error::Invalid(found) = error else { panic!("{error}") };
    found.errors.into_iter().map(|one| (one.pointer, one.code)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_when_it_stopped_growing_and_leaves_the_folder() {
    let mut desk = Desk::new().await;
    desk.put("carta.png", &PNG[..20]);
    assert_eq!(desk.look().await, 0, "it came just now");
    desk.put("carta.png", PNG);
    assert_eq!(desk.look().await, 0, "it grew since");
    assert_eq!(desk.look().await, 1);
    let waiting = desk.of(ScanState::Waiting).await;
    assert_eq!(named(&waiting), [("carta.png", None)]);
    assert_eq!((waiting[0].media_type.as_str(), waiting[0].source.as_str()), ("image/png", "folder"));
    assert_eq!(names_in(desk.folder.path()), [".taken"], "it left the folder");
    assert!(names_in(&desk.path(".taken")).is_empty());
    // A crash after the bytes were kept leaves the file held: the same bytes wait once.
    fs::write(desk.path(".taken/carta.png"), PNG).unwrap();
    assert_eq!(desk.look().await, 1);
    assert_eq!(desk.of(ScanState::Waiting).await.len(), 1);
    assert!(names_in(&desk.path(".taken")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_scan_is_put_apart_with_its_reason_and_links_are_never_followed() {
    let mut desk = Desk::new().await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), PNG).unwrap();
    desk.put("vuoto.pdf", b"");
    desk.put("lettera.pdf", b"Non sono un PDF.");
    desk.put("..\u{202e}strano\n<b>.png", PNG);
    desk.put("ancora.png.part", PNG);
    desk.put("rotto.pdf", b"%PDF-1.7\n1 0 obj\n<<");
    std::os::unix::fs::symlink(secret.path(), desk.path("legame.png")).unwrap();
    fs::hard_link(secret.path(), desk.path("doppio.png")).unwrap();
    fs::create_dir(desk.path("cartella.png")).unwrap();
    for _ in 0..8 {
        desk.look().await;
    }
    let refused = desk.of(ScanState::Refused).await;
    let expected = [
        ("doppio.png", Some("not-plain-file")),
        ("legame.png", Some("not-plain-file")),
        ("lettera.pdf", Some("not-a-scan")),
        ("rotto.pdf", Some("scan-damaged")),
        ("vuoto.pdf", Some("empty-file")),
    ];
    assert_eq!(named(&refused), expected);
    assert!(refused.iter().all(|one| one.sha256.is_none()), "nothing of them is kept");
    let left = ["doppio.png", "legame.png", "lettera.pdf", "rotto.pdf", "vuoto.pdf"];
    assert_eq!(names_in(&desk.path("refused")), left);
    assert_eq!(fs::read(secret.path()).unwrap(), PNG, "the file behind the link is where it was");
    // A name that begins with a point is one being written, whatever follows it.
    assert!(desk.of(ScanState::Waiting).await.is_empty());
    desk.put("strano\u{202e}gnp\n<b>.png", PNG);
    desk.look().await;
    desk.look().await;
    assert_eq!(named(&desk.of(ScanState::Waiting).await), [("stranognp_b_.png", None)]);
    // The same name again does not write over what was put apart before.
    desk.put("lettera.pdf", b"Altro testo.");
    desk.look().await;
    desk.look().await;
    assert!(names_in(&desk.path("refused")).contains(&"2-lettera.pdf".to_owned()));
    // The clerk has seen it.
    scans::discard(&desk.house.clerk(), refused[0].id.clone(), "Visto").await.unwrap();
    assert_eq!(desk.of(ScanState::Discarded).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_registered_with_its_attestation_and_never_without() {
    let house = House::new().await;
    let clerk = house.clerk();
    let id = uploaded(&clerk).await;
    assert_eq!(uploaded(&clerk).await, id, "the same bytes wait once");
    let mut outgoing = incoming("Carta");
    outgoing.direction = Direction::Outgoing;
    let refused = scans::register(&clerk, &id, entry(outgoing, false)).await.unwrap_err();
    let expected = [("/attested".to_owned(), "not-attested"), ("/direction".to_owned(), "scan-comes-in")];
    assert_eq!(codes(refused), expected);
    let reg = scans::register(&clerk, &id, entry(incoming("Carta"), true)).await.unwrap();
    let again = scans::register(&clerk, &id, entry(incoming("Carta"), true)).await.unwrap();
    assert_eq!(again, reg, "a repetition answers the same entry");

    let whole = open_whole(&clerk, reg.clone()).await.unwrap();
    let kept = &whole.attestations[0];
    assert_eq!(kept.document, whole.registration.document.id);
    assert_eq!(
        (kept.statement.as_str(), kept.norm.as_str()),
        (scans::statement().as_str(), "D.Lgs. 82/2005, art. 22")
    );
    assert_eq!(kept.by_name, "Prova 1");
    assert!(kept.statement.contains("D.Lgs. 82/2005, art. 22") && !kept.statement.contains('{'));
    let pdf = receipt(&clerk, reg).await.unwrap();
    let words = documents::text::words("application/pdf", &pdf, &documents::text::Limits::default());
    let text = words.unwrap().text.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in ["Attestazione di conformità", "previo raffronto", "Prova 1, 23/11/2026 10:00:00"] {
        assert!(text.contains(expected), "the receipt does not say {expected}: {text}");
    }
    let late = scans::discard(&clerk, id.clone(), "Doppia").await.unwrap_err();
    assert!(matches!(late, Error::Refusal(refusal) if refusal.code == "scan-not-waiting"));
    // Bytes that are a document stay after the waiting is over; those of another body never were there.
    assert!(scans::content(&clerk, id.clone()).await.is_ok());
    let stranger = house.person(9, OTHER, &[domain::Role::RegistryClerk]);
    assert!(matches!(scans::open(&stranger, id).await, Err(Error::NotFound)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_refused_to_the_face_and_a_case_officer_does_not_attest() {
    let house = House::new().await;
    let clerk = house.clerk();
    for (bytes, code) in
        [(&b""[..], "empty-file"), (b"<html>", "not-a-scan"), (b"%PDF-1.4\n", "scan-damaged")]
    {
        let refused = scans::upload(&clerk, "/document", "carta.pdf", bytes).await.unwrap_err();
        assert_eq!(codes(refused), [("/document".to_owned(), code)]);
    }
    assert!(scans::list(&clerk, ScanState::Refused, None).await.unwrap().lines.is_empty());
    let officer = house.person(5, BODY, &[domain::Role::CaseOfficer]);
    let refused = scans::upload(&officer, "/document", "carta.png", PNG).await;
    assert!(matches!(refused, Err(Error::Refusal(_))));
    let reason = scans::discard(&clerk, uploaded(&clerk).await, "  ").await.unwrap_err();
    assert_eq!(codes(reason), [("/reason".to_owned(), "required")]);
}
