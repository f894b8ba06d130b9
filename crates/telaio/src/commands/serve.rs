//! `telaio serve --config FILE`: production.

use std::sync::Arc;

use app::App;
use tokio::sync::watch;

use super::{Done, Stop};
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::server::{self, Listeners};
use crate::{assembly, outside, telemetry};

/// Opens the store and serves until a signal comes.
pub fn run(options: &ConfigFile) -> Done {
    let config = Config::read(&options.config, &std::env::vars().collect())?;
    telemetry::start(&config.log)?;
    let app = assembly::program(&config, false)?;
    runtime()?.block_on(listen(&config, app))
}

async fn listen(config: &Config, app: Arc<App>) -> Done {
    if let Some(place) = outside::key_token(config) {
        let moved = app.store.keep_master_in(place).await;
        let moved = moved.map_err(|error| Stop::Failed(format!("key_token: {error}")))?;
        tracing::info!(data_keys = moved, "the master key is in its token");
    }
    let exchange = outside::exchange(config, app.clone())?;
    let listeners = Listeners {
        public: server::bind(config.server.listen).await?,
        monitoring: Some(server::bind(config.server.metrics_listen).await?),
    };
    tracing::info!(listen = %config.server.listen, engine = app.store.engine(), "serving");
    println!("listening on {}", config.server.public_url);
    let (ended, _) = watch::channel(false);
    let working = config.server.workers.then(|| server::work(exchange));
    let watching = tokio::spawn(outside::watch_trust(config.clone(), app.clone()));
    let served = server::serve(app, listeners, ended).await;
    watching.abort();
    if let Some(working) = working {
        working.abort();
    }
    served
}

/// The runtime of every command that waits for something.
pub fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Stop::Failed(format!("the runtime cannot begin: {error}")))
}
