//! `telaio demo`: the province of Prato on an embedded database, for whoever wants to see it work.
//!
//! The first start makes the province's history through the real use cases, with the clock moved by hand;
//! a second start continues. No address of the demo leads out of the machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::{App, Clock};
use domain::Moment;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::serve::runtime;
use super::{Done, Stop};
use crate::cli::DemoOptions;
use crate::config::Config;
use crate::server::{self, Listeners};
use crate::{assembly, exchange, telemetry};

/// What this data folder was made from; beside the database, written last.
const RECORD: &str = "demo.json";

/// The facts a second start needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Same seed, same people.
    pub seed: u64,
    /// Synthetic residents asked for.
    pub residents: u32,
}

impl Record {
    /// Reads the record of a demo's folder.
    pub fn read(folder: &Path) -> Result<Record, Stop> {
        let file = folder.join(RECORD);
        let text = std::fs::read_to_string(&file).map_err(|_| {
            Stop::Failed(format!("no demonstration in {}: start `telaio demo` first", folder.display()))
        })?;
        serde_json::from_str(&text).map_err(|error| Stop::Failed(format!("{}: {error}", file.display())))
    }
}

/// Makes the province if it is not there, then serves it.
pub fn run(options: &DemoOptions) -> Done {
    telemetry::start(&Config::log_of_demo(&std::env::vars().collect())?)?;
    let folder = assembly::demo_folder(options.data.as_deref())?;
    if options.fresh {
        empty(&folder)?;
    }
    let mut config = Config::default();
    config.storage.folder = folder.clone();
    config.server.listen = options.listen;
    runtime()?.block_on(async {
        let listener = server::bind(options.listen).await?;
        let port = listener.local_addr().map_err(|error| Stop::Failed(error.to_string()))?.port();
        config.server.public_url = format!("http://localhost:{port}");
        if !folder.join(RECORD).exists() {
            let record = Record { seed: options.seed, residents: options.residents };
            seed(&config, &record, Clock::System.now()).await?;
        }
        let app = assembly::program(&config, true)?;
        let root = serve_authority(&folder, &app)?;
        let (_sandbox, roads) = exchange::demo(app.clone(), &folder, &root).await?;
        let working = server::work(roads);
        let seed = Record::read(&folder)?.seed;
        app::demo::accounts::renew_tokens(&app, seed)
            .await
            .map_err(|error| Stop::Failed(format!("the demo's tokens cannot be renewed: {error}")))?;
        let (ended, _) = watch::channel(false);
        print!("{}", super::accounts::table(&super::accounts::list(seed)?));
        println!("listening on {}", config.server.public_url);
        let served = server::serve(app, Listeners { public: listener, monitoring: None }, ended).await;
        working.abort();
        served
    })
}

/// Makes the province's history up to `until`; the record is written when everything is there, so that an
/// interrupted start is begun again instead of continued by halves.
async fn seed(config: &Config, record: &Record, until: Moment) -> Done {
    let folder = &config.storage.folder;
    empty(folder)?;
    let clock = Clock::manual(until);
    let store = assembly::open_store(config, &clock)?;
    let mut app = App::new(store, clock, assembly::settings(config, true));
    app.ids = app::context::Ids::Counted(std::sync::Mutex::new(record.seed << 32));
    let app = Arc::new(app);
    let root = serve_authority(folder, &app)?;
    let outside = async || exchange::Played::begin(app.clone(), folder, &root).await;
    app::demo::make(&app, record.seed, until, outside)
        .await
        .map_err(|error| Stop::Failed(format!("the demonstration cannot be made: {error}")))?;
    let text = serde_json::to_string_pretty(record).map_err(|error| Stop::Failed(error.to_string()))?;
    std::fs::write(folder.join(RECORD), text)
        .map_err(|error| Stop::Failed(format!("{}: {error}", folder.display())))
}

/// Lets the program use the demo's own authority (seals, time stamps); gives its root, PEM.
fn serve_authority(folder: &Path, app: &Arc<App>) -> Result<Vec<u8>, Stop> {
    let now = Clock::System.now().at;
    app::demo::authority::DemoAuthority::open(folder, now)
        .and_then(|authority| {
            let root = authority.root_pem()?;
            authority.serve(app)?;
            Ok(root)
        })
        .map_err(|error| Stop::Failed(format!("the demonstration's seals cannot be made: {error}")))
}

/// Removes a demo's data. A folder that holds something else is refused: it was named by mistake.
fn empty(folder: &Path) -> Done {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let ours = entries.is_empty() || folder.join(RECORD).exists() || folder.join("master.key").exists();
    if !ours {
        return Err(Stop::Usage(format!("{} is not a folder of the demo: not emptied", folder.display())));
    }
    for path in entries {
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(|error| Stop::Failed(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::Actor;
    use app::use_cases::exchange::watch;
    use domain::body::IpaCode;
    use domain::message::DeliveryState;
    use std::collections::BTreeSet;

    /// Whoever tries the program sees each way a delivery can end, and something on the page of what does not leave.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_demo_shows_every_state_of_a_delivery() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.storage.folder = folder.path().to_owned();
        let until = Moment::new("2026-11-23T10:00:00Z".parse().unwrap());
        let made = seed(&config, &Record { seed: 1, residents: 1 }, until).await;
        made.map_err(|stop| stop.text().to_owned()).unwrap();
        let app = assembly::program(&config, true).map_err(|stop| stop.text().to_owned()).unwrap();
        let ctx = app.context(Actor::system(IpaCode::parse("c_g999").unwrap()));
        let page = watch::list(&ctx, None, None).await.unwrap();
        let shown: BTreeSet<DeliveryState> = page.counts.iter().map(|(state, _)| *state).collect();
        assert_eq!(shown, DeliveryState::ALL.into_iter().collect());
        let answers: BTreeSet<&str> =
            page.lines.iter().map(|line| line.delivery.exchange_state.as_str()).collect();
        for wanted in ["anomaly", "cancelled_by_sender", "cancelled_by_recipient"] {
            assert!(answers.contains(wanted), "{wanted} is not among {answers:?}");
        }
        let stuck = watch::stuck(&ctx).await.unwrap();
        let states: BTreeSet<&str> = stuck.iter().map(|(row, _)| row.state.as_str()).collect();
        assert_eq!(states, BTreeSet::from(["stuck", "waiting"]));
    }
}
