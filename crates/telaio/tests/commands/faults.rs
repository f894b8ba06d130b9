//! The world failing under the whole server: a full disk, a database that goes away, a mail server that does not
//! answer, a clock that jumps back, a file that is gone. What was acknowledged is all there, no number is skipped or
//! repeated, people are told what to do, and work goes on by itself.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::Cluster;
use crate::installation::{BODY, Hand, Installation, Server, until};

/// Of the small file system: enough for database and log, little enough to be filled in no time.
const SMALL: &str = "size=48m";

/// A place for data that can be filled to the last byte and emptied again.
struct Room {
    folder: tempfile::TempDir,
    mounted: bool,
}

impl Room {
    /// A small file system of its own where mounting is allowed (root, not in every container); else a folder whose
    /// server is refused every growth of a file.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SMALL, "telaio-test"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|done| done.status.success());
        println!("the disk is {}", if mounted { "a small file system" } else { "a limit on files" });
        Self { folder, mounted }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn start(&self, installation: &Installation) -> Server {
        if self.mounted {
            return installation.start();
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_telaio")]);
        installation.start_by(shell)
    }

    fn fill(&self, server: &Server) {
        if !self.mounted {
            return limit(server, "0");
        }
        let mut ballast = File::create(self.ballast()).unwrap();
        for size in [1 << 20, 4096, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn empty(&self, server: &Server) {
        match self.mounted {
            true => std::fs::remove_file(self.ballast()).unwrap(),
            false => limit(server, "unlimited"),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        }
    }
}

/// Sets how large a file the server may write, in bytes.
fn limit(server: &Server, size: &str) {
    let mut command = Command::new("prlimit");
    command.arg(format!("--pid={}", server.id())).arg(format!("--fsize={size}:unlimited"));
    assert!(command.status().unwrap().success());
}

#[test]
fn a_full_disk_refuses_keeps_what_was_acknowledged_and_goes_on_by_itself_when_there_is_room() {
    let room = Room::new();
    let installation = Installation::new(&room.data(), None);
    let server = room.start(&installation);
    let mut acknowledged: Vec<i64> = (0..3).map(|n| server.number(&format!("Prima {n}"))).collect();
    room.fill(&server);
    let upload = server.register("incoming", "Con allegato grande", 60_000_000);
    upload.must_say_when_to_come_back(507);
    let told = upload.json();
    assert!(told["type"].as_str().unwrap().ends_with("/storage-full") && told["status"] == 507, "{told}");
    // The log of the database may still have room of its own: what it takes is acknowledged and must be there.
    let refused = (0..2_000).find_map(|n| {
        let answer = server.register("incoming", &format!("Durante {n}"), 20_000);
        if answer.status == 201 {
            acknowledged.push(answer.json()["number"].as_i64().unwrap());
        }
        (answer.status != 201).then_some(answer)
    });
    let refused = refused.expect("the disk was never full");
    // A limit on files is not told from a failing disk by the database.
    refused.must_say_when_to_come_back(if room.mounted { 507 } else { refused.status.clamp(503, 507) });
    let page = server.sign_in();
    page.must_say_when_to_come_back(refused.status);
    assert!(page.text().contains("<h1>") && page.text().contains("</html>"), "{}", page.text());
    assert!(!room.mounted || page.text().contains("Spazio esaurito"), "{}", page.text());
    // Looking at personal data writes who looked: what cannot be traced is not shown.
    server.get("/api/v1/registrations?body=c_g999").must_say_when_to_come_back(refused.status);
    assert_eq!(server.call("GET", "/healthz", "", b"").status, 200);
    assert!(server.readyz().contains("storage fails"), "{}", server.readyz());
    room.empty(&server);
    for n in 0..3 {
        acknowledged.push(server.number(&format!("Dopo {n}")));
    }
    assert_eq!(server.register("incoming", "Con allegato grande", 3_000_000).status, 201);
    assert!(!server.readyz().contains("fails"), "{}", server.readyz());
    server.end();
    let left: Vec<_> = std::fs::read_dir(room.data().join("blobs/incoming")).unwrap().collect();
    assert!(left.is_empty(), "half a file was left: {left:?}");
    acknowledged.push(acknowledged.len() as i64 + 1);
    installation.must_hold(&acknowledged);
}

#[test]
fn a_database_that_goes_away_is_told_and_the_server_goes_on_when_it_is_back() {
    let Some(cluster) = Cluster::start() else { return };
    let data = tempfile::tempdir().unwrap();
    let installation = Installation::new(data.path(), Some(&cluster.address()));
    let server = installation.start();
    let mut acknowledged = vec![server.number("Prima")];
    let cookie = server.sign_in();
    let cookie = cookie.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let signed = format!("cookie: {cookie}\r\naccept-language: it\r\n");
    assert_eq!(server.call("GET", "/register", &signed, b"").status, 200);
    cluster.stop_at_once();
    for _ in 0..2 {
        server.register("incoming", "Durante", 2_000).must_say_when_to_come_back(503);
        server.register("incoming", "Durante, grande", 1_000_000).must_say_when_to_come_back(503);
        server.get("/api/v1/registrations?body=c_g999").must_say_when_to_come_back(503);
        let page = server.call("GET", "/register", &signed, b"");
        page.must_say_when_to_come_back(503);
        assert!(page.text().contains("Servizio non disponibile"), "{}", page.text());
        server.sign_in().must_say_when_to_come_back(503);
    }
    assert_eq!(server.call("GET", "/healthz", "", b"").status, 503);
    server.get("/status").must_say_when_to_come_back(503);
    assert!(server.readyz().contains("database fails"), "{}", server.readyz());
    cluster.resume();
    for n in 0..3 {
        acknowledged.push(server.number(&format!("Dopo {n}")));
    }
    assert_eq!(acknowledged, [1, 2, 3, 4], "no number was burnt");
    assert_eq!(server.call("GET", "/register", &signed, b"").status, 200, "the session is still good");
    assert!(server.readyz().contains("writer works"), "{}", server.readyz());
    server.end();
    installation.must_hold(&acknowledged);
}

#[test]
fn a_clock_that_jumps_back_neither_stops_the_register_nor_turns_its_times() {
    let data = tempfile::tempdir().unwrap();
    let installation = Installation::new(data.path(), None);
    let Some(hand) = Hand::new(installation.folder()) else { return };
    let server = installation.start_by(hand.command());
    let mut acknowledged = vec![server.number("Prima")];
    for seconds in [-3_600, -7_200, -60, 600, -3_600, 0] {
        hand.set(seconds);
        acknowledged.push(server.number(&format!("A {seconds} secondi")));
        let behind = server.readyz().contains("clock warns");
        assert_eq!(behind, !matches!(seconds, -60 | 600), "{seconds}: {}", server.readyz());
    }
    server.end();
    installation.must_hold(&acknowledged);
    let times: Vec<i64> = installation.numbers().iter().map(|(_, at)| *at).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(times[4] - times[3] > 500_000_000, "forwards it goes with the clock: {times:?}");
}

/// The file that the store made for the only large document.
fn only_file(folder: &Path) -> PathBuf {
    let mut found = folder.to_path_buf();
    while found.is_dir() {
        found = std::fs::read_dir(&found).unwrap().next().unwrap().unwrap().path();
    }
    found
}

#[test]
fn damage_is_told_with_a_code_that_the_log_repeats_and_stays_on_the_health_page() {
    let data = tempfile::tempdir().unwrap();
    let installation = Installation::new(data.path(), None);
    let server = installation.start();
    let entry = server.register("incoming", "Con un allegato", 500_000).json();
    let document = entry["document"]["id"].as_str().unwrap();
    let path = format!("/api/v1/documents/{document}/content");
    assert_eq!(server.get(&path).body.len(), 500_000);
    assert!(server.readyz().contains("data works"), "{}", server.readyz());
    std::fs::remove_file(only_file(&data.path().join("blobs").join(BODY))).unwrap();
    let gone = server.get(&path);
    assert_eq!((gone.status, gone.header("retry-after")), (500, None), "{}", gone.text());
    let told = gone.json();
    assert!(told["type"].as_str().unwrap().ends_with("/damaged"), "{told}");
    let trace = told["trace_id"].as_str().unwrap().to_owned();
    assert!(server.readyz().contains("data fails"), "{}", server.readyz());
    server.end();
    let log = installation.log();
    let line = log.lines().find(|line| line.contains(&trace)).expect("the log repeats the code");
    assert!(line.contains("damaged data"), "{line}");
}

mod mail {
    //! The mail server gone and back.

    use super::*;
    use jiff::Timestamp;
    use sandbox::{Sandbox, Settings};
    use std::sync::Arc;

    const SENDER: &str = "protocollo@pec.ente.test";
    const RECIPIENT: &str = "protocollo@pec.altro.test";

    async fn provider(folder: &Path, listen: [std::net::SocketAddr; 3]) -> Sandbox {
        let settings = Settings {
            folder: folder.to_path_buf(),
            clock: Arc::new(|| Timestamp::from_microsecond(app::Clock::System.micros()).unwrap()),
            password: "prova".into(),
            listen,
        };
        Sandbox::start(settings).await.unwrap()
    }

    #[test]
    fn a_mail_server_gone_and_back_gets_the_message_once() {
        let data = tempfile::tempdir().unwrap();
        let installation = Installation::new(data.path(), None);
        let Some(hand) = Hand::new(installation.folder()) else { return };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = installation.folder().join("pec");
        // Begun once so that ports and certificates are known, then gone.
        let begun = runtime.block_on(provider(&folder, ["127.0.0.1:0".parse().unwrap(); 3]));
        let listen = [begun.smtp, begun.smtps, begun.imaps];
        let trust = installation.folder().join("provider.pem");
        std::fs::write(&trust, begun.provider.trust_pem().unwrap()).unwrap();
        drop(begun);
        let password = installation.folder().join("password");
        std::fs::write(&password, "prova").unwrap();
        let (trust, password) = (trust.display(), password.display());
        let installation = installation.with(&format!(
            "[trust]\nanchors = [\"{trust}\"]\n[[mail]]\nbody = \"{BODY}\"\nkind = \"pec\"\naddress = \"{SENDER}\"\n\
             smtp = \"smtps://localhost:{}\"\nimap = \"imaps://localhost:{}\"\npassword_file = \"{password}\"\n\
             trust_file = \"{trust}\"\n",
            listen[1].port(),
            listen[2].port()
        ));
        let server = installation.start_by(hand.command());
        let entry = server.register("outgoing", "Risposta", 2_000).json();
        let path = format!("/api/v1/registrations/{}/deliveries", entry["id"].as_str().unwrap());
        let body =
            serde_json::json!({"recipients": [{"name": "Altro", "channel": "pec", "address": RECIPIENT}]});
        let headers = format!("{}content-type: application/json\r\n", server.bearer());
        let sent = server.call("POST", &path, &headers, body.to_string().as_bytes());
        assert_eq!(sent.status, 201, "{}", sent.text());
        let path = format!("/api/v1/deliveries/{}", sent.json()["items"][0]["id"].as_str().unwrap());
        let known = || server.get(&path).json();
        until("the refusal is written down", || {
            known()["events"].as_array().is_some_and(|events| !events.is_empty()).then_some(())
        });
        assert_eq!(known()["state"], "queued", "it waits: {}", known());
        let back = runtime.block_on(provider(&folder, listen));
        // Past the pause before the next attempt.
        hand.set(150);
        until("the message is delivered", || (known()["state"] == "delivered").then_some(()));
        assert_eq!(back.provider.boxes().list(RECIPIENT, "INBOX").unwrap().len(), 1, "once");
        server.end();
        installation.must_hold(&[1]);
    }
}
