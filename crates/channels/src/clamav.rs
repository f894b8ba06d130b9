//! Asking ClamAV whether a file is infected, over its own socket protocol.
//!
//! `INSTREAM`: the file goes in lengths and pieces, a zero length ends it, one
//! line comes back. The daemon may be on a Unix socket or on TCP inside the same
//! network; this room does not know what is done with a verdict.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// Where the daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket, usually `/run/clamav/clamd.ctl`.
    Socket(PathBuf),
    /// Host and port.
    Tcp(String),
}

impl Address {
    /// As the configuration writes it: a path, or `host:port`.
    pub fn parse(text: &str) -> Self {
        match text.starts_with('/') {
            true => Self::Socket(PathBuf::from(text)),
            false => Self::Tcp(text.to_owned()),
        }
    }
}

/// What the daemon says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing known was found.
    Clean,
    /// Infected, with the name of what was found.
    Infected(String),
    /// Larger than the daemon accepts (`StreamMaxLength`): not examined.
    TooLarge,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The daemon cannot be reached, or went away.
    #[error("ClamAV cannot be reached: {0}")]
    Io(#[from] io::Error),
    /// No answer in time.
    #[error("ClamAV did not answer in time")]
    Timeout,
    /// An answer that is not of the protocol.
    #[error("ClamAV answered: {0}")]
    Answer(String),
}

/// Bytes sent at once.
const PIECE: usize = 64 * 1024;

/// Longest answer read, in bytes.
const ANSWER: u64 = 4096;

/// Has a file examined; the whole conversation must end within `limit`.
///
/// # Errors
/// [`ScanError`]; a verdict is never guessed.
pub async fn scan(
    address: &Address,
    file: impl AsyncRead + Unpin,
    limit: Duration,
) -> Result<Verdict, ScanError> {
    let work = async {
        match address {
            Address::Socket(path) => converse(UnixStream::connect(path).await?, file).await,
            Address::Tcp(host) => converse(TcpStream::connect(host).await?, file).await,
        }
    };
    timeout(limit, work).await.map_err(|_| ScanError::Timeout)?
}

async fn converse(
    mut daemon: impl AsyncRead + AsyncWrite + Unpin,
    mut file: impl AsyncRead + Unpin,
) -> Result<Verdict, ScanError> {
    daemon.write_all(b"zINSTREAM\0").await?;
    let mut piece = vec![0; PIECE];
    loop {
        let length = file.read(&mut piece).await?;
        let announced = u32::try_from(length).unwrap_or(0).to_be_bytes();
        // A daemon that has had enough closes its end: its answer says why.
        let sent = async {
            daemon.write_all(&announced).await?;
            daemon.write_all(&piece[..length]).await
        };
        if sent.await.is_err() || length == 0 {
            break;
        }
    }
    let _ = daemon.flush().await;
    let mut answer = Vec::new();
    (&mut daemon).take(ANSWER).read_to_end(&mut answer).await?;
    verdict(&String::from_utf8_lossy(&answer))
}

/// `stream: OK`, `stream: NAME FOUND` or an error in words.
fn verdict(answer: &str) -> Result<Verdict, ScanError> {
    let line = answer.trim_end_matches(['\0', '\n', '\r', ' ']);
    let words = line.strip_prefix("stream: ").unwrap_or(line);
    if words == "OK" {
        return Ok(Verdict::Clean);
    }
    if let Some(name) = words.strip_suffix(" FOUND") {
        return Ok(Verdict::Infected(name.to_owned()));
    }
    if words.contains("size limit exceeded") {
        return Ok(Verdict::TooLarge);
    }
    Err(ScanError::Answer(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A daemon that answers `reply` and gives back what it was sent.
    async fn daemon(reply: &'static str) -> (Address, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap().to_string());
        let task = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut command = [0; 10];
            peer.read_exact(&mut command).await.unwrap();
            assert_eq!(&command, b"zINSTREAM\0");
            let mut file = Vec::new();
            loop {
                let length = peer.read_u32().await.unwrap() as usize;
                if length == 0 {
                    break;
                }
                let start = file.len();
                file.resize(start + length, 0);
                peer.read_exact(&mut file[start..]).await.unwrap();
            }
            peer.write_all(reply.as_bytes()).await.unwrap();
            file
        });
        (address, task)
    }

    async fn ask(reply: &'static str, file: &[u8]) -> (Result<Verdict, ScanError>, Vec<u8>) {
        let (address, task) = daemon(reply).await;
        let verdict = scan(&address, file, Duration::from_secs(5)).await;
        (verdict, task.await.unwrap())
    }

    #[tokio::test]
    async fn a_clean_file_goes_over_whole() {
        let file: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        let (verdict, received) = ask("stream: OK\0", &file).await;
        assert_eq!((verdict.unwrap(), received), (Verdict::Clean, file));
    }

    #[tokio::test]
    async fn what_is_found_has_a_name() {
        let (verdict, _) = ask("stream: Eicar-Test-Signature FOUND\0", b"x").await;
        assert_eq!(verdict.unwrap(), Verdict::Infected("Eicar-Test-Signature".to_owned()));
    }

    #[tokio::test]
    async fn other_answers_are_no_verdict() {
        let (verdict, _) = ask("INSTREAM size limit exceeded. ERROR\0", b"x").await;
        assert_eq!(verdict.unwrap(), Verdict::TooLarge);
        let (verdict, _) = ask("UNKNOWN COMMAND\0", b"x").await;
        assert!(matches!(verdict, Err(ScanError::Answer(_))));
        let (verdict, _) = ask("", b"x").await;
        assert!(verdict.is_err());
    }

    #[tokio::test]
    async fn a_daemon_that_is_not_there_is_an_error() {
        let address = Address::Socket(PathBuf::from("/nonexistent/clamd.ctl"));
        assert!(matches!(scan(&address, &b"x"[..], Duration::from_secs(1)).await, Err(ScanError::Io(_))));
    }
}
