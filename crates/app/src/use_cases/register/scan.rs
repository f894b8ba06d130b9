//! Having a file looked at by the virus scanner while it streams into the store, in one passage and with
//! constant memory. The scanner's absence stops nobody: it is a fact kept with the file.

use crate::Settings;
use channels::clamav::{Address, Verdict, scan};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, duplex};

/// How long a scan may take from the first byte to the verdict.
const PATIENCE: Duration = Duration::from_secs(300);
/// Bytes on the way to store and scanner.
const PIECE: usize = 64 * 1024;

/// What the scanner said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// Nothing was found, or nobody is configured to look.
    Clean,
    /// Infected, with the name of what was found.
    Infected(String),
    /// There is a scanner, but it gave no verdict.
    Unknown,
}

/// Where the scanner of the installation listens, if it has one.
pub fn scanner(settings: &Settings) -> Option<Address> {
    (!settings.antivirus.is_empty()).then(|| Address::parse(&settings.antivirus))
}

/// Gives the same bytes to the store (`keep`) and to the scanner; answers what both said.
///
/// # Errors
/// Those of the source: then `keep` has seen only a part, and what it kept must be forgotten.
pub async fn beside<T, K, F>(
    address: &Address,
    source: &mut (impl AsyncRead + Unpin),
    keep: K,
) -> io::Result<(T, Scanned)>
where
    K: FnOnce(tokio::io::DuplexStream) -> F,
    F: Future<Output = T>,
{
    let (mut to_store, from_store) = duplex(PIECE);
    let (mut to_scanner, from_scanner) = duplex(PIECE);
    let pump = async {
        let mut piece = vec![0; PIECE];
        loop {
            let length = source.read(&mut piece).await?;
            if length == 0 {
                drop((to_store, to_scanner));
                return Ok::<(), io::Error>(());
            }
            // A store that gave up tells why itself; a scanner that had enough answers why.
            let _ = to_store.write_all(&piece[..length]).await;
            let _ = to_scanner.write_all(&piece[..length]).await;
        }
    };
    let (pumped, kept, verdict) = tokio::join!(pump, keep(from_store), scan(address, from_scanner, PATIENCE));
    pumped?;
    let scanned = match verdict {
        Ok(Verdict::Clean) => Scanned::Clean,
        Ok(Verdict::Infected(name)) => Scanned::Infected(name),
        Ok(Verdict::TooLarge) => Scanned::Unknown,
        Err(error) => {
            tracing::warn!(%error, "a file could not be scanned");
            Scanned::Unknown
        }
    };
    Ok((kept, scanned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use tokio::net::TcpListener;

    /// A daemon that reads a file to its end and answers `reply`; it gives back how much it was sent.
    async fn daemon(reply: &'static str) -> (Address, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::parse(&listener.local_addr().unwrap().to_string());
        let task = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            peer.read_exact(&mut [0; 10]).await.unwrap();
            let mut sent = 0;
            loop {
                let length = peer.read_u32().await.unwrap() as usize;
                if length == 0 {
                    break;
                }
                peer.read_exact(&mut vec![0; length]).await.unwrap();
                sent += length;
            }
            peer.write_all(reply.as_bytes()).await.unwrap();
            sent
        });
        (address, task)
    }

    async fn keep(mut stream: tokio::io::DuplexStream) -> usize {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        all.len()
    }

    #[tokio::test]
    async fn store_and_scanner_see_the_same_bytes_of_a_file_larger_than_the_pipes() {
        let (address, sent) = daemon("stream: Prova.Virus FOUND\0").await;
        let mut source = Cursor::new(vec![7; 5 * PIECE + 3]);
        let (kept, scanned) = beside(&address, &mut source, keep).await.unwrap();
        assert_eq!((kept, sent.await.unwrap()), (5 * PIECE + 3, 5 * PIECE + 3));
        assert_eq!(scanned, Scanned::Infected("Prova.Virus".to_owned()));
    }

    #[tokio::test]
    async fn a_scanner_that_is_not_there_is_told_and_the_file_is_kept_whole() {
        let nobody = Address::parse("127.0.0.1:1");
        let (kept, scanned) = beside(&nobody, &mut Cursor::new(vec![7; 3 * PIECE]), keep).await.unwrap();
        assert_eq!((kept, scanned), (3 * PIECE, Scanned::Unknown));
    }
}
