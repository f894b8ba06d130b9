//! SMTP submission: TLS, authentication, then the provider takes the message.
//!
//! Only what a submission client needs (RFC 6409); nothing is ever relayed, and addresses that do not end in
//! `.test` are refused at RCPT.

use crate::provider::{Provider, is_of_trial};
use crate::script::Side;
use base64::Engine as _;
use smtp_proto::request::receiver::DataReceiver;
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, Request};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Largest message taken, in bytes.
const LARGEST: usize = 60 * 1024 * 1024;
/// Most recipients of one message.
const RECIPIENTS: usize = 100;

pub(crate) async fn serve(listener: TcpListener, tls: TlsAcceptor, implicit: bool, provider: Arc<Provider>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (tls, provider) = (tls.clone(), provider.clone());
        tokio::spawn(async move {
            // A client that hangs up is not an event.
            let _ = talk(stream, tls, implicit, provider).await;
        });
    }
}

async fn talk(
    stream: TcpStream,
    tls: TlsAcceptor,
    implicit: bool,
    provider: Arc<Provider>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if implicit {
        let mut stream = BufReader::new(tls.accept(stream).await?);
        provider.hang_ups.pass(Side::Before, "SMTP")?;
        stream.get_mut().write_all(GREETING).await?;
        return Dialogue::new(provider, true).run(&mut stream).await.map(drop);
    }
    let mut plain = BufReader::new(stream);
    plain.get_mut().write_all(GREETING).await?;
    let wants_tls = Dialogue::new(provider.clone(), false).run(&mut plain).await?;
    // Commands sent before TLS and not read yet are dropped: they were not protected (RFC 3207, 6).
    if wants_tls && plain.buffer().is_empty() {
        let mut stream = BufReader::new(tls.accept(plain.into_inner()).await?);
        Dialogue::new(provider, true).run(&mut stream).await?;
    }
    Ok(())
}

const GREETING: &[u8] = b"220 localhost ESMTP posta di prova\r\n";

struct Dialogue {
    provider: Arc<Provider>,
    is_protected: bool,
    user: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

impl Dialogue {
    fn new(provider: Arc<Provider>, is_protected: bool) -> Self {
        Self { provider, is_protected, user: None, from: None, to: Vec::new() }
    }

    /// Talks until the client leaves or asks for TLS (`true`).
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
    ) -> io::Result<bool> {
        loop {
            let Some(line) = read_line(stream).await? else { return Ok(false) };
            let step = verb(&line);
            self.provider.hang_ups.pass(Side::Before, &step)?;
            let request = Request::parse(&mut line.iter()).map(Request::into_owned);
            let reply = match request {
                Ok(Request::StartTls) if !self.is_protected => {
                    say(stream, "220 2.0.0 go on").await?;
                    return Ok(true);
                }
                Ok(Request::Quit) => {
                    say(stream, "221 2.0.0 bye").await?;
                    return Ok(false);
                }
                Ok(Request::Auth { mechanism, initial_response }) => {
                    self.authenticate(stream, mechanism, &initial_response).await?
                }
                Ok(Request::Data) => self.data(stream).await?,
                Ok(other) => self.answer(other),
                Err(_) => "500 5.5.2 not understood".to_owned(),
            };
            self.provider.hang_ups.pass(Side::After, &step)?;
            say(stream, &reply).await?;
        }
    }

    fn answer<T: AsRef<str>>(&mut self, request: Request<T>) -> String {
        match request {
            Request::Ehlo { .. } if self.is_protected => {
                format!(
                    "250-localhost\r\n250-AUTH PLAIN LOGIN\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {LARGEST}"
                )
            }
            Request::Ehlo { .. } => "250-localhost\r\n250-STARTTLS\r\n250 8BITMIME".to_owned(),
            Request::Helo { .. } | Request::Noop { .. } => "250 2.0.0 ok".to_owned(),
            Request::Rset => {
                self.reset();
                "250 2.0.0 ok".to_owned()
            }
            Request::Mail { from } => {
                let address = from.address.as_ref().to_lowercase();
                match &self.user {
                    None => "530 5.7.0 authentication required".to_owned(),
                    Some(user) if *user != address => "553 5.7.1 not your address".to_owned(),
                    Some(_) => {
                        self.reset();
                        self.from = Some(address);
                        "250 2.1.0 ok".to_owned()
                    }
                }
            }
            Request::Rcpt { to } => {
                let address = to.address.as_ref().to_lowercase();
                if self.from.is_none() {
                    "503 5.5.1 MAIL first".to_owned()
                } else if !is_of_trial(&address) {
                    "550 5.7.1 only addresses that end in .test".to_owned()
                } else if self.to.len() >= RECIPIENTS {
                    "452 4.5.3 too many recipients".to_owned()
                } else if let Some(reply) = self.provider.mood(&address).at_the_door() {
                    reply.to_owned()
                } else {
                    self.to.push(address);
                    "250 2.1.5 ok".to_owned()
                }
            }
            _ => "502 5.5.1 not offered".to_owned(),
        }
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
        mechanism: u64,
        initial: &str,
    ) -> io::Result<String> {
        if !self.is_protected {
            return Ok("538 5.7.11 TLS first".to_owned());
        }
        let (user, password) = match mechanism {
            AUTH_PLAIN => {
                let text = if initial.is_empty() { ask(stream, "334 ").await? } else { decoded(initial) };
                let mut words = text.split('\0').skip(1).map(str::to_owned);
                (words.next().unwrap_or_default(), words.next().unwrap_or_default())
            }
            AUTH_LOGIN => {
                let user = if initial.is_empty() {
                    ask(stream, "334 VXNlcm5hbWU6").await?
                } else {
                    decoded(initial)
                };
                (user, ask(stream, "334 UGFzc3dvcmQ6").await?)
            }
            _ => return Ok("504 5.5.4 mechanism not offered".to_owned()),
        };
        if !self.provider.lets_in(&user, &password) {
            return Ok("535 5.7.8 wrong user or password".to_owned());
        }
        self.user = Some(user.to_lowercase());
        Ok("235 2.7.0 welcome".to_owned())
    }

    async fn data<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
    ) -> io::Result<String> {
        let (Some(from), false) = (self.from.clone(), self.to.is_empty()) else {
            return Ok("503 5.5.1 MAIL and RCPT first".to_owned());
        };
        say(stream, "354 end with a dot").await?;
        let Some(raw) = receive(stream).await? else {
            self.reset();
            return Ok("552 5.3.4 too large".to_owned());
        };
        self.provider.hang_ups.pass(Side::Before, "TEXT")?;
        let (provider, to) = (self.provider.clone(), std::mem::take(&mut self.to));
        let taken = tokio::task::spawn_blocking(move || provider.submit(&from, &to, &raw)).await;
        self.reset();
        Ok(match taken {
            Ok(Ok(submitted)) => format!("250 2.0.0 taken as {}", submitted.identifier),
            _ => "451 4.3.0 cannot be stored now".to_owned(),
        })
    }
}

/// The message up to the final dot; none when it is too large (it is read to its end all the same).
async fn receive(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let (mut receiver, mut raw, mut is_too_large) = (DataReceiver::new(), Vec::new(), false);
    loop {
        let bytes = stream.fill_buf().await?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut rest = bytes.iter();
        let is_done = receiver.ingest(&mut rest, &mut raw);
        let used = bytes.len() - rest.len();
        stream.consume(used);
        if raw.len() > LARGEST {
            is_too_large = true;
            raw.clear();
        }
        if is_done {
            return Ok((!is_too_large).then_some(raw));
        }
    }
}

/// The first word of a command.
fn verb(line: &[u8]) -> String {
    String::from_utf8_lossy(line).split_whitespace().next().unwrap_or_default().to_owned()
}

async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let count = stream.read_until(b'\n', &mut line).await?;
    if count > 4096 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((count > 0).then_some(line))
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, line: &str) -> io::Result<()> {
    stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.get_mut().flush().await
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, line: &str) -> io::Result<String> {
    say(stream, line).await?;
    let answer = read_line(stream).await?.unwrap_or_default();
    Ok(decoded(String::from_utf8_lossy(&answer).trim()))
}

fn decoded(text: &str) -> String {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
