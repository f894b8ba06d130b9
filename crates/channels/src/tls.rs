//! Where a mail server is and how the connection to it is protected.
//!
//! All TLS is rustls with ring. A server is trusted through the system's roots or through a file of the
//! configuration (a body's own CA); there is no switch to trust anybody.

use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long a connection and its handshake may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte (ports 465 and 993).
    Implicit,
    /// STARTTLS, required (ports 587 and 143).
    StartTls,
    /// None; accepted for loopback addresses only.
    Plain,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// The roots of the operating system.
    #[default]
    System,
    /// Only the certificates of this PEM text.
    Pem(Vec<u8>),
}

/// A server, the credentials and the protection.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address; the certificate must bear it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection.
    pub security: Security,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// User name, when the server asks for one.
    pub user: Option<String>,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint({}:{} {:?})", self.host, self.port, self.security)
    }
}

impl Endpoint {
    /// Whether an unprotected connection stays on this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Refuses an unprotected connection to another machine.
    pub fn check(&self) -> io::Result<()> {
        if self.security == Security::Plain && !self.is_loopback() {
            return Err(io::Error::other("an unprotected connection is accepted to this machine only"));
        }
        Ok(())
    }

    /// Opens the TCP connection.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        self.check()?;
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await.map_err(timed_out)??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Puts TLS over an open connection.
    pub async fn protect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(Arc::new(client_config(&self.trust)?));
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        tokio::time::timeout(CONNECT_TIMEOUT, connector.connect(name, stream)).await.map_err(timed_out)?
    }
}

fn timed_out(_: tokio::time::error::Elapsed) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time")
}

/// The certificates of a PEM text.
///
/// # Errors
/// When the text holds no certificate or one that cannot be read.
pub fn certificates(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(io::Error::other)?;
    if all.is_empty() { Err(io::Error::other("the trust file holds no certificate")) } else { Ok(all) }
}

fn client_config(trust: &Trust) -> io::Result<rustls::ClientConfig> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        Trust::Pem(pem) => {
            for one in certificates(pem)? {
                roots.add(one).map_err(io::Error::other)?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unprotected_connections_stay_on_this_machine() {
        let mut it = Endpoint {
            host: "posta.prova.test".into(),
            port: 25,
            security: Security::Plain,
            trust: Trust::System,
            user: None,
            password: "segreta".into(),
        };
        assert!(it.check().is_err());
        assert!(!format!("{it:?}").contains("segreta"));
        it.host = "127.0.0.1".into();
        assert!(it.check().is_ok());
    }

    #[test]
    fn an_empty_trust_file_is_refused() {
        assert!(certificates(b"no certificate here").is_err());
    }
}
