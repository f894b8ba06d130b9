//! Hands messages to a submission server (SMTP with authentication over TLS).
//!
//! The one question that matters afterwards is whether the message may have left. Until a server was reached
//! nothing left; a reply says yes or no; a connection lost in between says neither, and is reported so.

use crate::tls::{Security, Trust, certificates};
use crate::{Channel, Endpoint, HandOverError, HandedOver, Outgoing, Promise};
use lettre::address::{Address, Envelope};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::time::Duration;

/// How long one command may take; taking in a large message counts as one.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);
/// Connections kept open between messages.
const CONNECTIONS: u32 = 4;

/// A submission server.
pub struct Submission {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Submission")
    }
}

impl Submission {
    /// A road through the given server; connections are opened when needed and kept for reuse.
    ///
    /// # Errors
    /// `Refused` when the trust file cannot be read or an unprotected connection would leave this machine.
    pub fn new(endpoint: &Endpoint) -> Result<Self, HandOverError> {
        let wrong = |e: &dyn std::fmt::Display| HandOverError::Refused(e.to_string());
        endpoint.check().map_err(|e| wrong(&e))?;
        let tls = match endpoint.security {
            Security::Plain => Tls::None,
            Security::StartTls => Tls::Required(parameters(endpoint).map_err(|e| wrong(&e))?),
            Security::Implicit => Tls::Wrapper(parameters(endpoint).map_err(|e| wrong(&e))?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(endpoint.host.as_str())
            .port(endpoint.port)
            .tls(tls)
            .timeout(Some(COMMAND_TIMEOUT))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS).idle_timeout(Duration::from_secs(30)));
        if let Some(user) = &endpoint.user {
            builder = builder.credentials(Credentials::new(user.clone(), endpoint.password.clone()));
        }
        Ok(Self { transport: builder.build() })
    }

    async fn check(&self) -> Result<(), HandOverError> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(HandOverError::Later("the server did not answer".into())),
            Err(e) if e.is_permanent() => {
                Err(HandOverError::Later(format!("the server lets nobody in: {e}")))
            }
            Err(e) => Err(HandOverError::Later(e.to_string())),
        }
    }

    async fn send(&self, message: &Outgoing) -> Result<HandedOver, HandOverError> {
        let envelope = envelope(message)?;
        // Reached first, so that a server that is down cannot be mistaken for a message of unknown fate.
        self.check().await?;
        let response = self.transport.send_raw(&envelope, &message.raw).await.map_err(read_error)?;
        let words: Vec<&str> = response.message().collect();
        Ok(HandedOver { reply: format!("{} {}", response.code(), words.join(" ")) })
    }
}

impl Channel for Submission {
    fn hand_over<'a>(&'a self, message: &'a Outgoing) -> Promise<'a, Result<HandedOver, HandOverError>> {
        Box::pin(self.send(message))
    }

    fn reach<'a>(&'a self) -> Promise<'a, Result<(), HandOverError>> {
        Box::pin(self.check())
    }
}

fn parameters(endpoint: &Endpoint) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(endpoint.host.clone());
    if let Trust::Pem(pem) = &endpoint.trust {
        builder = builder.certificate_store(CertificateStore::None);
        for one in certificates(pem).unwrap_or_default() {
            builder = builder.add_root_certificate(Certificate::from_der(one.to_vec())?);
        }
    }
    builder.build_rustls()
}

fn envelope(message: &Outgoing) -> Result<Envelope, HandOverError> {
    let address = |text: &String| {
        text.parse::<Address>().map_err(|_| HandOverError::Refused("an address cannot be used".to_owned()))
    };
    let to: Result<Vec<Address>, _> = message.to.iter().map(address).collect();
    Envelope::new(Some(address(&message.from)?), to?).map_err(|e| HandOverError::Refused(e.to_string()))
}

fn read_error(error: Error) -> HandOverError {
    if error.is_transient() {
        HandOverError::Later(error.to_string())
    } else if error.is_permanent() || error.is_client() {
        HandOverError::Refused(error.to_string())
    } else {
        HandOverError::Uncertain(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    async fn talk(stream: tokio::net::TcpStream, answers: &[(&str, &str)]) {
        let mut stream = BufReader::new(stream);
        stream.get_mut().write_all(b"220 posta\r\n").await.unwrap();
        let mut line = String::new();
        while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
            let answer = answers.iter().find(|(verb, _)| line.starts_with(verb)).map_or("250 ok", |a| a.1);
            if answer.is_empty() {
                return;
            }
            if stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
            line.clear();
        }
    }

    /// A server that answers `250` to everything but the given verbs; an empty answer hangs up.
    async fn server(answers: &'static [(&'static str, &'static str)]) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, answers));
            }
        });
        Endpoint {
            host: "127.0.0.1".into(),
            port,
            security: Security::Plain,
            trust: Trust::System,
            user: None,
            password: String::new(),
        }
    }

    fn message() -> Outgoing {
        Outgoing {
            from: "mittente@prova.test".into(),
            to: vec!["destinatario@prova.test".into()],
            raw: b"Subject: prova\r\n\r\nTesto\r\n".to_vec(),
        }
    }

    #[tokio::test]
    async fn a_server_that_is_down_leaves_no_doubt() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut endpoint = server(&[]).await;
        endpoint.port = port;
        let road = Submission::new(&endpoint).unwrap();
        assert!(matches!(road.hand_over(&message()).await, Err(HandOverError::Later(_))));
    }

    #[tokio::test]
    async fn a_refused_recipient_is_a_refusal_and_a_busy_server_is_not() {
        let refused = server(&[("RCPT", "550 5.1.1 no such box")]).await;
        let got = Submission::new(&refused).unwrap().hand_over(&message()).await;
        assert!(matches!(got, Err(HandOverError::Refused(_))), "{got:?}");
        let busy = server(&[("MAIL", "451 4.3.0 later")]).await;
        let got = Submission::new(&busy).unwrap().hand_over(&message()).await;
        assert!(matches!(got, Err(HandOverError::Later(_))), "{got:?}");
    }

    #[tokio::test]
    async fn a_connection_lost_after_the_text_is_of_unknown_fate() {
        let lost = server(&[("DATA", "354 go on"), ("Subject", "")]).await;
        let got = Submission::new(&lost).unwrap().hand_over(&message()).await;
        assert!(matches!(got, Err(HandOverError::Uncertain(_))), "{got:?}");
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_used_is_refused_before_any_connection() {
        let endpoint = server(&[]).await;
        let mut bad = message();
        bad.to = vec!["nessuna chiocciola".into()];
        let got = Submission::new(&endpoint).unwrap().hand_over(&bad).await;
        assert!(matches!(got, Err(HandOverError::Refused(_))));
    }
}
