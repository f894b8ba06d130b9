//! The one configuration file, typed.
//!
//! Read from TOML; every key can be overridden by the environment (`TELAIO_DATABASE__URL`); an unknown key is
//! refused with its line. Secrets are files named here, never values. This file knows what settings exist, not
//! what is done with them. `telaio.example.toml` shows each with its comment; a test keeps the two together.

mod outside;

pub use outside::{Antivirus, Exchange, KeyToken, Mail, MailKind, TimeStamp, Trust, secret, server};

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use app::accounts::password::Cost;
use app::settings::ScanFolder;
use domain::Role;
use domain::body::IpaCode;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// Every setting, commented; what `telaio config example` prints.
pub const EXAMPLE: &str = include_str!("../../../telaio.example.toml");

/// Variables of the environment with this beginning and a `__` in them are settings.
const PREFIX: &str = "TELAIO_";

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where people and machines reach the server.
    pub server: Server,
    /// Where rows live.
    pub database: Database,
    /// Where bytes live.
    pub storage: Storage,
    /// What is accepted.
    pub limits: Limits,
    /// How people prove who they are.
    pub accounts: Accounts,
    /// What is written down about the server's own work.
    pub log: Log,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Who stamps times on seals.
    pub timestamp: TimeStamp,
    /// The virus scanner.
    pub antivirus: Antivirus,
    /// A token that holds the master key.
    pub key_token: KeyToken,
    /// How messages between bodies are treated.
    pub exchange: Exchange,
    /// Mail accounts of the bodies.
    pub mail: Vec<Mail>,
    /// Folders of the scanners of the bodies.
    pub scans: Vec<ScanFolder>,
}

/// Listeners and the public address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address of pages and API; TLS is the reverse proxy's work.
    pub listen: SocketAddr,
    /// Address of `/metrics` and `/readyz`, apart from the public one.
    pub metrics_listen: SocketAddr,
    /// Address people type, without a final slash: goes into QR codes and mails.
    pub public_url: String,
    /// Certificate of the reverse proxy, PEM, watched for its end; empty: nobody watches.
    pub tls_certificate: PathBuf,
    /// Whether the server also works its outbox, inbox and nightly jobs; one process of an installation does.
    pub workers: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics_listen: SocketAddr::from(([127, 0, 0, 1], 9090)),
            public_url: "http://localhost:8080".to_owned(),
            tls_certificate: PathBuf::new(),
            workers: true,
        }
    }
}

/// The database: a file of its own, or a PostgreSQL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite` for a file in the storage folder, or `postgres://user@host/name`.
    pub url: String,
    /// File with the whole address, for one that carries a password; wins over `url`. Empty: none.
    pub url_file: PathBuf,
    /// Schema of the PostgreSQL.
    pub schema: String,
    /// Reading connections.
    pub readers: usize,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite".to_owned(), url_file: PathBuf::new(), schema: "public".to_owned(), readers: 4 }
    }
}

/// Folders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// Data folder: documents, and the embedded database if that is used.
    pub folder: PathBuf,
    /// Master keys under which documents and secrets rest. Empty: `master.key` in the folder.
    pub key_file: PathBuf,
}

impl Default for Storage {
    fn default() -> Self {
        Self { folder: PathBuf::from("/var/lib/telaio"), key_file: PathBuf::new() }
    }
}

/// What is accepted from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest file, bytes.
    pub max_file_bytes: u64,
    /// Most files of one registration.
    pub max_files: usize,
    /// Requests a minute from one account, or one address when nobody is signed in; 0: no limit.
    pub requests_per_minute: u32,
    /// Addresses of our reverse proxies, whose `X-Forwarded-For` is believed; nobody else's is read.
    pub trusted_proxies: Vec<std::net::IpAddr>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 1 << 30,
            max_files: 100,
            requests_per_minute: 6_000,
            trusted_proxies: Vec::new(),
        }
    }
}

/// How people prove who they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accounts {
    /// Roles whose holders must have a second factor: a code of an application, or a passkey.
    pub second_factor_for: Vec<Role>,
    /// Argon2id: memory of one password's hash, KiB.
    pub password_memory_kib: u32,
    /// Argon2id: passes over that memory.
    pub password_passes: u32,
    /// Argon2id: lanes.
    pub password_lanes: u32,
}

impl Default for Accounts {
    /// A second factor for who administers, answers for the register and its emergency, approves rights or signs.
    fn default() -> Self {
        let Cost { memory_kib, passes, lanes } = Cost::default();
        Self {
            second_factor_for: vec![
                Role::ItAdmin,
                Role::RecordsManager,
                Role::UnitHead,
                Role::DecidingOfficer,
            ],
            password_memory_kib: memory_kib,
            password_passes: passes,
            password_lanes: lanes,
        }
    }
}

impl Accounts {
    /// What hashing a password costs.
    pub fn password_cost(&self) -> Cost {
        Cost {
            memory_kib: self.password_memory_kib,
            passes: self.password_passes,
            lanes: self.password_lanes,
        }
    }
}

/// The server's own log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, or a filter as `info,channels=debug`.
    pub level: String,
    /// `json` for machines, `text` for a terminal.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Json }
    }
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a terminal.
    Text,
}

/// Why a configuration cannot be used; every text names the place and what is wrong there.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// The text is not TOML, a key is unknown, or a value has the wrong type; with line and column.
    #[error("{0}: {1}")]
    Refused(PathBuf, toml::de::Error),
    /// A variable of the environment names no setting, or has a value of the wrong type.
    #[error("{0}: {1}")]
    Variable(String, String),
    /// Values that are well formed but cannot work.
    #[error("{0}")]
    Impossible(String),
}

impl Config {
    /// Reads the file and lays the environment over it.
    ///
    /// # Errors
    /// When file or environment hold something that is not a setting, or values that cannot work.
    pub fn read(path: &Path, environment: &BTreeMap<String, String>) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable(path.to_path_buf(), error))?;
        Self::parse(path, &text, environment)
    }

    /// The log of the demonstration: warnings for a terminal, unless the environment wants another.
    ///
    /// # Errors
    /// When a variable of the environment names no setting.
    pub fn log_of_demo(environment: &BTreeMap<String, String>) -> Result<Log, ConfigError> {
        let calm = "[log]\nlevel = \"warn\"\nformat = \"text\"\n";
        Ok(Self::parse(Path::new("demo"), calm, environment)?.log)
    }

    fn parse(path: &Path, text: &str, environment: &BTreeMap<String, String>) -> Result<Config, ConfigError> {
        let refused = |error| ConfigError::Refused(path.to_path_buf(), error);
        // Read strictly first: only here does an error still know its line.
        let mut config: Config = toml::from_str(text).map_err(refused)?;
        let mut table: Table = text.parse().map_err(refused)?;
        for (name, value) in environment {
            let Some(keys) = keys(name) else { continue };
            config = override_one(&mut table, name, &keys, value)?;
        }
        config.checked()
    }

    fn checked(self) -> Result<Config, ConfigError> {
        let url = &self.database.url;
        if url != "sqlite" && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(ConfigError::Impossible(
                "database.url: neither `sqlite` nor an address beginning with postgres://".to_owned(),
            ));
        }
        let public = &self.server.public_url;
        if !(public.starts_with("https://") || public.starts_with("http://")) || public.ends_with('/') {
            return Err(ConfigError::Impossible(
                "server.public_url: an http(s) address without a final slash".to_owned(),
            ));
        }
        if self.limits.max_files == 0 || self.limits.max_file_bytes == 0 || self.database.readers == 0 {
            return Err(ConfigError::Impossible(
                "limits.max_files, limits.max_file_bytes and database.readers must be greater than zero"
                    .to_owned(),
            ));
        }
        if !self.accounts.password_cost().is_sane() {
            return Err(ConfigError::Impossible(
                "accounts.password_memory_kib: 8192 to 1048576; password_passes: 1 to 16; password_lanes: 1 to 8"
                    .to_owned(),
            ));
        }
        self.check_outside()?;
        Ok(self)
    }

    fn check_outside(&self) -> Result<(), ConfigError> {
        let impossible = |text: &str| Err(ConfigError::Impossible(text.to_owned()));
        let stamp = &self.timestamp.url;
        if !stamp.is_empty() && !stamp.starts_with("https://") && !stamp.starts_with("http://") {
            return impossible("timestamp.url: an http(s) address");
        }
        if self.exchange.automatic.iter().any(|code| IpaCode::parse(code).is_err()) {
            return impossible("exchange.automatic: IPA codes of bodies");
        }
        let token = &self.key_token;
        let parts = [token.module.as_os_str().len(), token.token.len(), token.key.len()];
        if parts.iter().any(|length| *length > 0) && parts.contains(&0) {
            return impossible("key_token: module, token and key belong together");
        }
        self.mail.iter().try_for_each(Mail::check)?;
        self.check_scans()
    }

    fn check_scans(&self) -> Result<(), ConfigError> {
        for (i, one) in self.scans.iter().enumerate() {
            let others = || self.scans.iter().take(i);
            let wrong = if one.folder.is_relative() {
                "an absolute path"
            } else if others().any(|other| other.body == one.body) {
                "one for each body"
            } else if others()
                .any(|other| other.folder.starts_with(&one.folder) || one.folder.starts_with(&other.folder))
            {
                // One office must not be able to put papers into the register of another.
                "each body has one of its own, not inside that of another"
            } else {
                continue;
            };
            return Err(ConfigError::Impossible(format!("scans.folder of {}: {wrong}", one.body)));
        }
        Ok(())
    }

    /// The address of the PostgreSQL, from its file if one is named; none for the embedded database.
    ///
    /// # Errors
    /// When the named file cannot be read.
    pub fn postgres(&self) -> Result<Option<String>, ConfigError> {
        if self.database.url_file.as_os_str().is_empty() {
            return Ok((self.database.url != "sqlite").then(|| self.database.url.clone()));
        }
        let file = &self.database.url_file;
        let text =
            std::fs::read_to_string(file).map_err(|error| ConfigError::Unreadable(file.clone(), error))?;
        Ok(Some(text.trim().to_owned()))
    }
}

/// `TELAIO_DATABASE__URL` → `["database", "url"]`; other variables are none of our settings.
fn keys(name: &str) -> Option<Vec<String>> {
    let rest = name.strip_prefix(PREFIX)?;
    rest.contains("__").then(|| rest.split("__").map(str::to_lowercase).collect())
}

/// Lays one variable over the table: as text, or, where text does not fit, as the TOML value it spells.
fn override_one(table: &mut Table, name: &str, keys: &[String], value: &str) -> Result<Config, ConfigError> {
    let spelled = format!("v = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
    let mut complaint = String::new();
    for candidate in [Some(Value::String(value.to_owned())), spelled].into_iter().flatten() {
        place(table, keys, candidate);
        match table.clone().try_into::<Config>() {
            Ok(config) => return Ok(config),
            Err(error) => complaint = error.message().to_owned(),
        }
    }
    Err(ConfigError::Variable(name.to_owned(), complaint))
}

fn place(table: &mut Table, keys: &[String], value: Value) {
    match keys {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                place(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::parse(Path::new("telaio.toml"), text, &environment)
    }

    #[test]
    fn the_example_is_the_default_and_shows_every_setting() {
        let example: Config = toml::from_str(EXAMPLE).unwrap();
        assert_eq!(example, Config::default());
        let all = Table::try_from(Config::default()).unwrap();
        assert!(EXAMPLE.contains("# [[mail]]"), "no account in telaio.example.toml");
        assert!(EXAMPLE.contains("# [[scans]]"), "no folder of scans in telaio.example.toml");
        for (section, values) in all.iter().filter(|(name, _)| !["mail", "scans"].contains(&name.as_str())) {
            assert!(EXAMPLE.contains(&format!("[{section}]")), "no [{section}] in telaio.example.toml");
            for key in values.as_table().unwrap().keys() {
                assert!(
                    EXAMPLE.contains(&format!("\n{key} = ")),
                    "no {section}.{key} in telaio.example.toml"
                );
            }
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = parse("[server]\nlisten = \"127.0.0.1:1\"\nlissten = 1\n", &[]).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("lissten"), "{error}");
    }

    #[test]
    fn the_environment_wins_over_the_file_with_any_type() {
        let environment = [
            ("TELAIO_DATABASE__URL", "postgres://a@b/c"),
            ("TELAIO_LIMITS__MAX_FILES", "7"),
            ("TELAIO_SERVER__WORKERS", "false"),
            ("TELAIO_SHARED", "not a setting"),
        ];
        let config = parse("[database]\nurl = \"sqlite\"\n", &environment).unwrap();
        assert_eq!(config.database.url, "postgres://a@b/c");
        assert_eq!(config.limits.max_files, 7);
        assert!(!config.server.workers);
    }

    #[test]
    fn a_variable_that_names_no_setting_is_refused_by_name() {
        let error = parse("", &[("TELAIO_DATABASE__ULR", "x")]).unwrap_err().to_string();
        assert!(error.contains("TELAIO_DATABASE__ULR") && error.contains("ulr"), "{error}");
    }

    #[test]
    fn values_that_cannot_work_are_refused_in_words() {
        assert!(parse("[database]\nurl = \"mysql://x\"\n", &[]).is_err());
        assert!(parse("[server]\npublic_url = \"https://x.test/\"\n", &[]).is_err());
        assert!(parse("[limits]\nmax_files = 0\n", &[]).is_err());
    }

    /// The commented account of the example is one, so that whoever takes the marks away has a working file.
    #[test]
    fn the_account_of_the_example_is_well_formed() {
        let (_, block) = EXAMPLE.split_once("# [[mail]]").unwrap();
        let (block, _) = block.split_once("\n\n").unwrap();
        let lines: Vec<&str> = block.lines().map(|line| line.trim_start_matches("# ")).collect();
        let text = format!("[[mail]]{}", lines.join("\n"));
        let config = parse(&text, &[]).unwrap();
        assert_eq!(config.mail.len(), 1);
        assert!(parse(&text.replace("smtps://", "ftp://"), &[]).is_err());
        assert!(parse(&text.replace("imaps://", "ftp://"), &[]).is_err());
    }

    #[test]
    fn each_body_scans_into_a_folder_of_its_own() {
        let (_, block) = EXAMPLE.split_once("# [[scans]]").unwrap();
        let lines: Vec<&str> = block.lines().map(|line| line.trim_start_matches("# ")).collect();
        let text = format!("[[scans]]{}", lines.join("\n"));
        assert_eq!(parse(&text, &[]).unwrap().scans.len(), 1);
        let other = |body: &str, folder: &str| {
            parse(&format!("{text}\n[[scans]]\nbody = \"{body}\"\nfolder = \"{folder}\"\n"), &[])
        };
        assert!(other("c_x002", "/srv/scans/c_x002").is_ok());
        assert!(other("c_x001", "/srv/scans/c_x002").is_err(), "two folders for one body");
        assert!(other("c_x002", "/srv/scans/c_x001/in").is_err(), "one inside another");
        assert!(other("c_x002", "scans").is_err(), "a relative path");
    }

    #[test]
    fn half_a_token_is_refused() {
        assert!(parse("[key_token]\nmodule = \"/usr/lib/x.so\"\n", &[]).is_err());
        assert!(parse("[timestamp]\nurl = \"tsa.test\"\n", &[]).is_err());
        assert!(parse("[exchange]\nautomatic = [\"no code!\"]\n", &[]).is_err());
    }

    #[test]
    fn an_address_with_a_password_can_be_a_file() {
        let file = std::env::temp_dir().join(format!("telaio-config-{}", std::process::id()));
        std::fs::write(&file, "postgres://u:p@h/d\n").unwrap();
        let text = format!("[database]\nurl_file = \"{}\"\n", file.display());
        assert_eq!(parse(&text, &[]).unwrap().postgres().unwrap().as_deref(), Some("postgres://u:p@h/d"));
        std::fs::remove_file(&file).unwrap();
        assert!(parse(&text, &[]).unwrap().postgres().is_err());
        assert_eq!(parse("", &[]).unwrap().postgres().unwrap(), None);
    }
}
