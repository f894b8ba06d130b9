//! Settings of what the installation leans on outside itself: whom it trusts, time stamps, virus scanner, mail.
//!
//! Secrets are files named here, never values. What is done with a setting is decided elsewhere; here stands
//! what it is called, what it means and what cannot be right about it.

use std::path::{Path, PathBuf};

use domain::body::IpaCode;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Whose certificates are believed when signatures are checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trust {
    /// Certificates of authorities, PEM: those of PEC providers, and any of your own choice.
    pub anchors: Vec<PathBuf>,
    /// European trusted lists (ETSI TS 119 612), XML, as the Member States publish them.
    pub trusted_lists: Vec<PathBuf>,
    /// The European list of lists, XML: then each trusted list must be signed by whom it names. Empty: the operator
    /// vouches for the origin of the lists.
    pub list_of_lists: PathBuf,
    /// Revocation lists, DER or PEM.
    pub revocation_lists: Vec<PathBuf>,
}

/// The authority that stamps times on what is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeStamp {
    /// Address of the authority (RFC 3161 over HTTP). Empty: seals carry no time stamp.
    pub url: String,
    /// User name, where the authority asks for one.
    pub user: String,
    /// File with the password.
    pub password_file: PathBuf,
    /// Certificates of the authority's server, PEM; empty: those of the system.
    pub trust_file: PathBuf,
}

/// The virus scanner.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Antivirus {
    /// Socket of ClamAV, a path or `host:port`. Empty: files are not scanned.
    pub clamav: String,
}

/// A master key that stays in a PKCS#11 token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyToken {
    /// Driver of the token, a shared library. Empty: the master key is in the key file.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
    /// Label of an AES-256 key in it.
    pub key: String,
    /// File with the PIN.
    pub pin_file: PathBuf,
}

/// How messages between bodies are treated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exchange {
    /// IPA codes of bodies that register by themselves what arrives with a segnatura that holds in every part.
    pub automatic: Vec<String>,
    /// Largest message sent by mail, bytes on the wire; what is larger does not leave, and is a task.
    pub message_bytes: u64,
}

impl Default for Exchange {
    fn default() -> Self {
        Self { automatic: Vec::new(), message_bytes: 25 * 1024 * 1024 }
    }
}

/// Which road a mail account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// Certified mail.
    #[default]
    Pec,
    /// Ordinary mail.
    Email,
}

/// A mail account of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// IPA code of the body.
    pub body: String,
    /// Certified or ordinary.
    pub kind: MailKind,
    /// Address mail leaves from and arrives at.
    pub address: String,
    /// Server mail is handed to: `smtps://host:port`, or `smtp://host:port` for STARTTLS.
    pub smtp: String,
    /// Server mail is read from: `imaps://host:port`, or `imap://host:port` for STARTTLS. Empty: not read here.
    #[serde(default)]
    pub imap: String,
    /// User name; empty: the address.
    #[serde(default)]
    pub user: String,
    /// File with the password.
    pub password_file: PathBuf,
    /// Certificates of the servers, PEM; empty: those of the system.
    #[serde(default)]
    pub trust_file: PathBuf,
    /// Folder on the server to which read mail is moved.
    #[serde(default = "registered")]
    pub folder: String,
}

fn registered() -> String {
    "Registrati".to_owned()
}

impl Mail {
    /// What cannot be right about the account.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str| Err(ConfigError::Impossible(format!("mail of {}: {what}", self.address)));
        if IpaCode::parse(&self.body).is_err() {
            return wrong("body is no IPA code");
        }
        if !self.address.contains('@') {
            return wrong("address without @");
        }
        if server(&self.smtp, "smtps", "smtp").is_none() {
            return wrong("smtp is neither smtps://host:port nor smtp://host:port");
        }
        if !self.imap.is_empty() && server(&self.imap, "imaps", "imap").is_none() {
            return wrong("imap is neither imaps://host:port nor imap://host:port");
        }
        Ok(())
    }
}

/// Host, port and whether TLS begins with the first byte, of an address with one of two schemes.
pub fn server(url: &str, implicit: &str, starttls: &str) -> Option<(String, u16, bool)> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
    let port = port.parse().ok()?;
    let known = scheme == implicit || scheme == starttls;
    (known && !host.is_empty()).then(|| (host.to_owned(), port, scheme == implicit))
}

/// The content of a file with a secret, without the end of its line.
///
/// # Errors
/// When a file is named that cannot be read. No file is an empty secret.
pub fn secret(file: &Path) -> Result<String, ConfigError> {
    if file.as_os_str().is_empty() {
        return Ok(String::new());
    }
    let text = std::fs::read_to_string(file).map_err(|e| ConfigError::Unreadable(file.to_path_buf(), e))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_by_its_scheme() {
        assert_eq!(server("smtps://h.test:465", "smtps", "smtp"), Some(("h.test".into(), 465, true)));
        assert_eq!(server("smtp://h.test:587/", "smtps", "smtp"), Some(("h.test".into(), 587, false)));
        for wrong in ["h.test:465", "http://h.test:80", "smtps://h.test", "smtps://:465"] {
            assert_eq!(server(wrong, "smtps", "smtp"), None, "{wrong}");
        }
    }
}
