//! A provider of certified mail that runs beside the program: for the demonstration and for the tests.
//!
//! It speaks the true protocols (SMTP submission and IMAP over TLS), keeps its mailboxes in a folder, signs what
//! it certifies with a certificate of its own, and misbehaves on purpose: by the recipient's name (see
//! [`script`]) or by a switch. It speaks to nobody: every address must end in `.test`.

pub mod authority;
pub mod boxes;
mod imap;
mod mime;
pub mod provider;
pub mod script;
mod smtp;

pub use authority::Authority;
pub use boxes::Boxes;
pub use provider::{Provider, Submitted};
pub use script::{Mood, Side};

use jiff::Timestamp;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What the sandbox takes for the time: tests and the seeding of the demonstration move it by hand.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the sandbox is set up.
#[derive(Clone)]
pub struct Settings {
    /// Folder of mailboxes, queue and certificates; made when absent.
    pub folder: PathBuf,
    /// The clock.
    pub clock: Clock,
    /// Password of every mailbox.
    pub password: String,
    /// Where to listen: SMTP with STARTTLS, SMTP with TLS, IMAP with TLS. Port 0 takes any free one.
    pub listen: [SocketAddr; 3],
}

/// A running sandbox; dropping it stops the servers, the folder stays.
pub struct Sandbox {
    /// The provider behind the servers.
    pub provider: Arc<Provider>,
    /// Address of SMTP submission with STARTTLS.
    pub smtp: SocketAddr,
    /// Address of SMTP submission with TLS from the first byte.
    pub smtps: SocketAddr,
    /// Address of IMAP with TLS from the first byte.
    pub imaps: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Sandbox {
    /// Starts the servers; needs a tokio runtime.
    ///
    /// # Errors
    /// When the folder cannot be written or an address is taken.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let authority = Authority::open(&settings.folder.join("authority"), (settings.clock)())?;
        let acceptor = TlsAcceptor::from(Arc::new(authority.tls_config()?));
        let provider = Arc::new(Provider::open(&settings, authority)?);
        let [smtp, smtps, imaps] = settings.listen;
        let (smtp, smtps, imaps) = (
            TcpListener::bind(smtp).await?,
            TcpListener::bind(smtps).await?,
            TcpListener::bind(imaps).await?,
        );
        let addresses = (smtp.local_addr()?, smtps.local_addr()?, imaps.local_addr()?);
        let tasks = vec![
            tokio::spawn(smtp::serve(smtp, acceptor.clone(), false, provider.clone())),
            tokio::spawn(smtp::serve(smtps, acceptor.clone(), true, provider.clone())),
            tokio::spawn(imap::serve(imaps, acceptor, provider.clone())),
            tokio::spawn(keep_time(provider.clone())),
        ];
        Ok(Self { provider, smtp: addresses.0, smtps: addresses.1, imaps: addresses.2, tasks })
    }
}

/// Releases what falls due as time goes by.
async fn keep_time(provider: Arc<Provider>) {
    let mut each = tokio::time::interval(Duration::from_millis(500));
    loop {
        each.tick().await;
        if let Err(error) = provider.release() {
            tracing::warn!(%error, "the sandbox could not release what fell due");
        }
    }
}
