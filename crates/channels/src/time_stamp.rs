//! Asking a time-stamp authority over HTTP (RFC 3161, section 3.4): the question in a POST, the answer back.
//!
//! HTTP/1.0 is enough for one short exchange and keeps answers from coming in pieces. Plain HTTP is accepted, since
//! the answer is signed; TLS where the address says so. What is stamped and whether the answer holds is not known
//! here.

use crate::tls::{Endpoint, Security, Trust};
use base64::Engine;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the whole exchange may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest answer read, bytes: a token with its certificates has some ten thousand.
const ANSWER_MAX: u64 = 1 << 20;

/// A time-stamp authority.
#[derive(Clone, PartialEq, Eq)]
pub struct TimeStampAuthority {
    host: String,
    port: u16,
    path: String,
    tls: bool,
    trust: Trust,
    login: Option<(String, String)>,
}

impl std::fmt::Debug for TimeStampAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TimeStampAuthority({}:{})", self.host, self.port)
    }
}

impl TimeStampAuthority {
    /// The authority at an `http` or `https` address, with user and password where it asks for them.
    ///
    /// # Errors
    /// When the address is none, or a password would leave unprotected.
    pub fn new(url: &str, login: Option<(String, String)>, trust: Trust) -> io::Result<Self> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("not an address"))?;
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong("neither http nor https")),
        };
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong("not a port"))?),
            None => (place, if tls { 443 } else { 80 }),
        };
        if host.is_empty() || url.contains(char::is_whitespace) {
            return Err(wrong("not an address"));
        }
        if login.is_some() && !tls {
            return Err(wrong("a password is sent over https only"));
        }
        Ok(Self { host: host.to_owned(), port, path: format!("/{path}"), tls, trust, login })
    }

    /// Sends the question (DER) and gives the answer (DER), unread.
    ///
    /// # Errors
    /// When the authority cannot be reached, says no, or does not answer in time.
    pub async fn ask(&self, question: &[u8]) -> io::Result<Vec<u8>> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the authority did not answer in time");
        timeout(PATIENCE, self.exchange(question)).await.map_err(late)?
    }

    async fn exchange(&self, question: &[u8]) -> io::Result<Vec<u8>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        if !self.tls {
            return self.converse(stream, question).await;
        }
        let endpoint = Endpoint {
            host: self.host.clone(),
            port: self.port,
            security: Security::Implicit,
            trust: self.trust.clone(),
            user: None,
            password: String::new(),
        };
        self.converse(endpoint.protect(stream).await?, question).await
    }

    async fn converse(
        &self,
        mut line: impl AsyncRead + AsyncWrite + Unpin,
        question: &[u8],
    ) -> io::Result<Vec<u8>> {
        let mut head = format!(
            "POST {} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/timestamp-query\r\nContent-Length: {}\r\n",
            self.path,
            self.host,
            question.len()
        );
        if let Some((user, password)) = &self.login {
            let both = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            head.push_str(&format!("Authorization: Basic {both}\r\n"));
        }
        head.push_str("\r\n");
        line.write_all(&[head.as_bytes(), question].concat()).await?;
        line.flush().await?;
        let mut answer = Vec::new();
        match line.take(ANSWER_MAX).read_to_end(&mut answer).await {
            // Servers that close without TLS's own farewell: the length below tells whether all came.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            other => drop(other?),
        }
        body(&answer)
    }
}

/// The body of an answer with status 200, complete.
fn body(answer: &[u8]) -> io::Result<Vec<u8>> {
    let refused = |what: String| io::Error::other(format!("the authority answered: {what}"));
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or_else(|| refused("not HTTP".to_owned()))?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(refused(status.chars().take(100).collect()));
    }
    let mut told = lines.filter_map(|line| line.split_once(':'));
    let length = told.rfind(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: Option<usize> = length.and_then(|(_, value)| value.trim().parse().ok());
    let body = &answer[end + 4..];
    match length {
        Some(length) if length > body.len() => Err(refused("less than announced".to_owned())),
        Some(length) => Ok(body[..length].to_vec()),
        None => Ok(body.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// An authority that answers once and gives back what it was asked.
    async fn authority(reply: &'static [u8]) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tsa?x=1", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = peer.read(&mut asked).await.unwrap();
            peer.write_all(reply).await.unwrap();
            asked.truncate(length);
            asked
        });
        (url, task)
    }

    #[tokio::test]
    async fn the_question_goes_as_rfc_3161_says_and_the_answer_comes_back_whole() {
        let (url, asked) = authority(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nDERtoo much").await;
        let tsa = TimeStampAuthority::new(&url, None, Trust::System).unwrap();
        assert_eq!(tsa.ask(b"question").await.unwrap(), b"DER");
        let asked = String::from_utf8(asked.await.unwrap()).unwrap();
        assert!(asked.starts_with("POST /tsa?x=1 HTTP/1.0\r\n"), "{asked}");
        assert!(asked.contains("application/timestamp-query") && asked.ends_with("\r\n\r\nquestion"));
    }

    #[tokio::test]
    async fn a_refusal_or_half_an_answer_is_an_error() {
        for reply in
            [&b"HTTP/1.1 401 No\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"x"]
        {
            let (url, _) = authority(reply).await;
            let tsa = TimeStampAuthority::new(&url, None, Trust::System).unwrap();
            assert!(tsa.ask(b"question").await.is_err());
        }
    }

    #[test]
    fn no_password_leaves_unprotected() {
        let login = Some(("u".to_owned(), "p".to_owned()));
        assert!(TimeStampAuthority::new("http://tsa.test/", login.clone(), Trust::System).is_err());
        assert!(TimeStampAuthority::new("https://tsa.test/", login, Trust::System).is_ok());
        assert!(TimeStampAuthority::new("ftp://tsa.test/", None, Trust::System).is_err());
    }
}
