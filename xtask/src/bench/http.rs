//! The little of HTTP/1.1 that a load generator needs: one connection kept open, one request at a time, the whole
//! answer read and given back so that it can be checked. Blocking, over the standard library alone.

use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Nothing measured here may take longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to the server on a port of this machine.
pub struct Connection(BufReader<TcpStream>);

/// What came back.
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(port: u16) -> Result<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection(BufReader::with_capacity(16 * 1024, stream)))
    }

    /// Sends a request, head and body in one piece, and reads the answer.
    pub fn send(&mut self, request: &[u8]) -> Result<Answer> {
        self.0.get_mut().write_all(request)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let broken = || Error::other("not an HTTP answer");
        let status = self.line()?.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(broken)?;
        let (mut length, mut chunked) = (None, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                None => break,
                Some(("content-length", value)) => length = value.parse::<usize>().ok(),
                Some(("transfer-encoding", "chunked")) => chunked = true,
                Some(_) => {}
            }
        }
        let body = if chunked { self.chunks()? } else { self.exactly(length.unwrap_or(0))? };
        Ok(Answer { status, body })
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = usize::from_str_radix(&line, 16).map_err(Error::other)?;
            body.append(&mut self.exactly(size)?);
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn exactly(&mut self, size: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; size];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(Error::other("the server closed the connection"));
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

/// A GET, with a bearer token or without.
pub fn get(port: u16, path: &str, token: Option<&str>) -> Result<Answer> {
    let bearer = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n");
    Connection::open(port)?.send(request.as_bytes())
}
