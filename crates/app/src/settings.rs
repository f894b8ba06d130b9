//! What the configuration says, in the form the use cases need. Reading files and environment is `telaio`'s work.

use crate::accounts::password::Cost;
use domain::Role;
use domain::body::IpaCode;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A folder into which the scanners of a body write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanFolder {
    /// The body.
    pub body: IpaCode,
    /// The folder; files in it are taken in and leave it.
    pub folder: PathBuf,
}

/// Settings of the use cases.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address under which people reach the program, without a final slash; goes into QR codes and mails.
    pub public_url: String,
    /// Whether this is the demonstration: every page and paper says that persons and acts are invented.
    pub demo: bool,
    /// Largest file accepted, bytes.
    pub max_file_bytes: u64,
    /// Most files of one registration.
    pub max_files: usize,
    /// Requests a minute from one account, or from one address when nobody is signed in; 0: no limit.
    pub requests_per_minute: u32,
    /// Reverse proxies of ours: only they are believed about the address a request comes from.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Data folder, where the operator's commands leave notes.
    pub folder: PathBuf,
    /// Certificate of the reverse proxy, PEM, watched only; empty: none.
    pub tls_certificate: PathBuf,
    /// Roles whose holders must give a second factor; who has none is led to set one up before anything else.
    pub second_factor_for: Vec<Role>,
    /// What hashing a password costs; hashes made at another cost are made anew at the next sign-in.
    pub password_cost: Cost,
    /// Socket of ClamAV, a path or `host:port`; empty: files are not scanned.
    pub antivirus: String,
    /// Folders of scanners, one for each body at most.
    pub scan_folders: Vec<ScanFolder>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://localhost:8080".into(),
            demo: false,
            max_file_bytes: 1_073_741_824,
            max_files: 100,
            requests_per_minute: 0,
            trusted_proxies: Vec::new(),
            folder: PathBuf::new(),
            tls_certificate: PathBuf::new(),
            second_factor_for: Vec::new(),
            password_cost: Cost::default(),
            antivirus: String::new(),
            scan_folders: Vec::new(),
        }
    }
}
