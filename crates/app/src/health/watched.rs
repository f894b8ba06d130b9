//! What ends or ages by itself: certificates of seals and of TLS, and the last backup with its last restore drill.
//!
//! Certificates warn 60, 30 and 7 days before their end. Backups and drills are told by notes that the commands
//! `backup` and `restore` leave in files, since they may run on another machine. Nothing here is content.

use super::{Part, State};
use crate::{App, seals};
use documents::signature::certificates_pem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A backup older than this needs somebody: a day, and two hours for a slow night.
const BACKUP_HOURS: i64 = 26;
/// A restore should be tried once a quarter.
const DRILL_DAYS: i64 = 92;

/// Name of the note in the data folder about the last backup.
pub const BACKUP_NOTE: &str = "last-backup.json";
/// Name of the note in the folder of backups about the last restore.
pub const DRILL_NOTE: &str = "last-restore.json";

/// What `backup` and `restore` write down when they are done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Folder of the backups.
    pub folder: PathBuf,
}

impl Note {
    /// Writes the note.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        std::fs::write(file, serde_json::to_vec_pretty(self)?)
    }

    fn read(file: &Path) -> Option<Note> {
        serde_json::from_slice(&std::fs::read(file).ok()?).ok()
    }
}

/// The seals of the bodies: who has none, and which end soon.
pub async fn seals(app: &Arc<App>) -> Part {
    let now = app.clock.now().at;
    let found = async { crate::Result::Ok((seals::missing(app).await?, seals::ending(app, now).await?)) };
    match found.await {
        Err(error) => Part::bad("seals", State::Fails, error.to_string(), "remedy-database"),
        Ok((missing, ending)) if missing.is_empty() && ending.is_empty() => {
            Part::works("seals", "none ends within 60 days").told("seals", &[])
        }
        Ok((missing, ending)) => {
            let bare = missing.iter().map(|body| format!("{body}: none"));
            let told = bare.chain(ending.iter().map(|one| format!("{}: {} d", one.body, one.days)));
            let ended = ending.iter().any(|one| one.stage == 0);
            let state = if ended { State::Fails } else { State::Warns };
            Part::bad("seals", state, told.collect::<Vec<_>>().join(", "), "remedy-seals")
        }
    }
}

/// When the certificate of the reverse proxy ends, if its file is named and can be read.
pub fn tls_ends(app: &App) -> Option<Timestamp> {
    let file = &app.settings.tls_certificate;
    let pem = std::fs::read(file).ok().filter(|_| !file.as_os_str().is_empty())?;
    certificates_pem(&pem).ok()?.iter().map(|one| one.not_after()).min()
}

/// The certificate of the reverse proxy, when the configuration names its file.
pub fn tls(app: &App) -> Part {
    let file = &app.settings.tls_certificate;
    if file.as_os_str().is_empty() {
        return Part {
            name: "tls",
            state: State::Unset,
            detail: String::new(),
            told: None,
            remedy: None,
            since: 0,
        };
    }
    let Some(ends) = tls_ends(app) else {
        return Part::bad("tls", State::Fails, format!("{}: no certificate", file.display()), "remedy-tls");
    };
    let days = days(app.clock.now().at, ends);
    let detail = format!("{} ({days} d)", ends.strftime("%Y-%m-%d"));
    match seals::stage(days) {
        None => Part::works("tls", detail),
        Some(0) => Part::bad("tls", State::Fails, detail, "remedy-tls"),
        Some(_) => Part::bad("tls", State::Warns, detail, "remedy-tls"),
    }
}

/// The last backup, and whether it was ever tried.
pub fn backup(app: &App) -> Part {
    let now = app.clock.now().at;
    let Some(last) = Note::read(&app.settings.folder.join(BACKUP_NOTE)) else {
        let state = if app.settings.demo { State::Unset } else { State::Warns };
        return Part::bad("backup", state, "never", "remedy-backup").told("never", &[]);
    };
    let age = now.duration_since(last.at).as_hours();
    let drill = Note::read(&last.folder.join(DRILL_NOTE)).map(|note| -days(now, note.at));
    let tried = drill.map_or_else(|| "never restored".to_owned(), |days| format!("restored {days} d ago"));
    let detail = format!("{age} h ago, {tried}");
    let part = match (age > BACKUP_HOURS, drill) {
        (true, _) => Part::bad("backup", State::Warns, detail, "remedy-backup"),
        (false, Some(days)) if days <= DRILL_DAYS => Part::works("backup", detail),
        (false, _) => Part::bad("backup", State::Warns, detail, "remedy-drill"),
    };
    match drill {
        Some(days) => part.told("backup-tried", &[("hours", age), ("days", days)]),
        None => part.told("backup", &[("hours", age)]),
    }
}

/// Whole days from one instant to another, rounded down.
fn days(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_hours().div_euclid(24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Settings};
    use documents::signature::test_ca::TestCa;
    use domain::Moment;
    use domain::body::{Body, BodyKind, IpaCode};

    fn app(folder: &Path, tls: &Path) -> App {
        let clock = Clock::manual(Moment::new("2026-11-23T09:00:00Z".parse().unwrap()));
        let settings = Settings { folder: folder.into(), tls_certificate: tls.into(), ..Settings::default() };
        App::new(store::test_store(), clock, settings)
    }

    #[test]
    fn a_backup_is_old_after_a_day_and_wants_a_drill_each_quarter() {
        let dir = tempfile::tempdir().unwrap();
        let app = app(dir.path(), Path::new(""));
        assert_eq!(backup(&app).state, State::Warns, "never");
        let note = |at: &str, name: &str| {
            let note = Note { at: at.parse().unwrap(), folder: dir.path().into() };
            note.write(&dir.path().join(name)).unwrap();
        };
        note("2026-11-23T02:00:00Z", BACKUP_NOTE);
        assert_eq!(backup(&app).remedy, Some("remedy-drill"));
        note("2026-11-01T00:00:00Z", DRILL_NOTE);
        assert_eq!(backup(&app).state, State::Works);
        note("2026-11-21T02:00:00Z", BACKUP_NOTE);
        assert_eq!(backup(&app).remedy, Some("remedy-backup"));
    }

    #[tokio::test]
    async fn a_body_at_work_without_a_seal_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let app = Arc::new(app(dir.path(), Path::new("")));
        assert_eq!(seals(&app).await.state, State::Works, "nobody works here yet");
        for (code, inside) in [("c_g999", true), ("m_it", false)] {
            let body = Body {
                ipa_code: IpaCode::parse(code).unwrap(),
                name: "Ente di prova".into(),
                tax_code: None,
                kind: BodyKind::Municipality,
                digital_domicile: None,
                inside,
                valid_from: "2020-01-01".parse().unwrap(),
                valid_to: None,
                aoos: Vec::new(),
                offices: Vec::new(),
                succeeded_by: None,
            };
            let write = move |tx: &mut store::Tx| store::bodies::insert(tx, &body);
            app.store.write::<_, store::StoreError, _>(write).await.unwrap();
        }
        let part = seals(&app).await;
        assert_eq!((part.state, part.detail.as_str()), (State::Warns, "c_g999: none"));
    }

    #[test]
    fn the_certificate_of_the_proxy_warns_before_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tls.pem");
        assert_eq!(tls(&app(dir.path(), Path::new(""))).state, State::Unset);
        assert_eq!(tls(&app(dir.path(), &file)).state, State::Fails, "named, but not there");
        for (until, state) in [
            ("2027-11-23T00:00:00Z", State::Works),
            ("2026-12-20T00:00:00Z", State::Warns),
            ("2026-11-20T00:00:00Z", State::Fails),
        ] {
            let ca = TestCa::create(
                "CA di prova",
                "2020-01-01T00:00:00Z".parse().unwrap()..until.parse().unwrap(),
            );
            std::fs::write(&file, ca.unwrap().root_pem().unwrap()).unwrap();
            assert_eq!(tls(&app(dir.path(), &file)).state, state, "{until}");
        }
    }
}
