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
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Bytes that crossed the wire, head and body.
    pub wire: usize,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of a name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
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
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(broken)?;
        let (mut headers, mut wire) = (Vec::new(), first.len() + 4);
        loop {
            let line = self.line()?;
            wire += line.len() + 2;
            match line.split_once(':') {
                None => break,
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            }
        }
        let mut answer = Answer { status, headers, wire, body: Vec::new() };
        let length = answer.header("content-length").and_then(|value| value.parse::<usize>().ok());
        answer.body = match answer.header("transfer-encoding") {
            Some("chunked") => self.chunks()?,
            _ => self.exactly(length.filter(|_| status != 304).unwrap_or(0))?,
        };
        answer.wire += answer.body.len();
        Ok(answer)
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
    Connection::open(port)?.send(&request(path, token))
}

/// The bytes of a GET.
pub fn request(path: &str, token: Option<&str>) -> Vec<u8> {
    let bearer = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n").into_bytes()
}
