//! Joins the rooms: from settings to an open store, and from there to the running program.
//!
//! The only file that knows which piece is made of which setting. It decides nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::{App, Clock, Settings};
use store::{Database, Store, StoreConfig};

use crate::cli::Place;
use crate::commands::Stop;
use crate::config::Config;

/// The configuration of the installation that a command speaks of.
pub fn installation(place: &Place) -> Result<Config, Stop> {
    if let Some(file) = &place.config {
        return Ok(Config::read(file, &std::env::vars().collect())?);
    }
    let mut config = Config::default();
    config.storage.folder = demo_folder(place.data.as_deref())?;
    Ok(config)
}

/// The store's settings for this configuration, on a clock.
pub fn store_config(config: &Config, clock: &Clock) -> Result<StoreConfig, Stop> {
    let folder = &config.storage.folder;
    let database = match config.postgres()? {
        Some(url) => Database::Postgres { url, schema: config.database.schema.clone() },
        None => Database::Sqlite { folder: folder.clone() },
    };
    Ok(StoreConfig {
        database,
        blobs: folder.join("blobs"),
        key_file: key_file(config),
        clock: clock.as_fn(),
        readers: config.database.readers,
    })
}

/// Where the master keys are.
pub fn key_file(config: &Config) -> PathBuf {
    match config.storage.key_file.as_os_str().is_empty() {
        true => config.storage.folder.join("master.key"),
        false => config.storage.key_file.clone(),
    }
}

/// Opens the store for a command that has an answer of its own to what goes wrong there.
pub fn try_open(config: &Config, clock: &Clock) -> Result<Result<Store, store::StoreError>, Stop> {
    Ok(Store::open(&store_config(config, clock)?))
}

/// Opens the store; the text of a failure names the database and what to do.
pub fn open_store(config: &Config, clock: &Clock) -> Result<Store, Stop> {
    let wanted = store_config(config, clock)?;
    Store::open(&wanted).map_err(|error| {
        let place = match &wanted.database {
            Database::Sqlite { folder } => folder.display().to_string(),
            // The address may hold a password: only the schema is named.
            Database::Postgres { schema, .. } => format!("PostgreSQL, schema {schema}"),
        };
        Stop::Failed(format!("the database cannot be opened ({place}): {error}"))
    })
}

/// The program of production: system clock, settings of the file.
pub fn program(config: &Config, demo: bool) -> Result<Arc<App>, Stop> {
    let clock = Clock::System;
    let store = open_store(config, &clock)?;
    Ok(Arc::new(App::new(store, clock, settings(config, demo))))
}

/// The use cases' settings.
pub fn settings(config: &Config, demo: bool) -> Settings {
    Settings {
        public_url: config.server.public_url.clone(),
        demo,
        max_file_bytes: config.limits.max_file_bytes,
        max_files: config.limits.max_files,
        // Whoever measures the demonstration must not measure the limit.
        requests_per_minute: if demo { 0 } else { config.limits.requests_per_minute },
        trusted_proxies: config.limits.trusted_proxies.clone(),
        folder: config.storage.folder.clone(),
        tls_certificate: config.server.tls_certificate.clone(),
        // The accounts of the demonstration are printed: a second factor would only stand in the newcomer's way.
        second_factor_for: if demo { Vec::new() } else { config.accounts.second_factor_for.clone() },
        password_cost: config.accounts.password_cost(),
        antivirus: config.antivirus.clamav.clone(),
        scan_folders: config.scans.clone(),
    }
}

/// The folder of a demonstration: the one named, or a place in the user's own data.
pub fn demo_folder(named: Option<&Path>) -> Result<PathBuf, Stop> {
    if let Some(folder) = named {
        return Ok(folder.to_path_buf());
    }
    let data = std::env::var_os("XDG_DATA_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share"));
    let data = data.or_else(home).ok_or_else(|| {
        Stop::Usage("no HOME to keep the demo's data in: name a folder with --data DIR".to_owned())
    })?;
    Ok(data.join("telaio-demo"))
}
