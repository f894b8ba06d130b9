//! `telaio serve --config FILE`: production.

use std::sync::Arc;

use app::App;
use tokio::sync::watch;

use super::{Done, Stop};
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::server::{self, Listeners};
use crate::{assembly, telemetry};

/// Opens the store and serves until a signal comes.
pub fn run(options: &ConfigFile) -> Done {
    let config = Config::read(&options.config, &std::env::vars().collect())?;
    telemetry::start(&config.log)?;
    let app = assembly::program(&config, false)?;
    runtime()?.block_on(listen(&config, app))
}

async fn listen(config: &Config, app: Arc<App>) -> Done {
    let listeners = Listeners {
        public: server::bind(config.server.listen).await?,
        monitoring: Some(server::bind(config.server.metrics_listen).await?),
    };
    tracing::info!(listen = %config.server.listen, engine = app.store.engine(), "serving");
    println!("listening on {}", config.server.public_url);
    let (ended, _) = watch::channel(false);
    server::serve(app, listeners, ended).await
}

/// The runtime of every command that waits for something.
pub fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Stop::Failed(format!("the runtime cannot begin: {error}")))
}
