//! Sending and collecting against real Postfix and Dovecot, started by `cargo xtask test`.
//!
//! `TELAIO_TEST_MAIL` names a folder whose `stack.json` says ports, accounts and certificate.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use channels::pec::{Arrived, Keep, Kind, Mailbox, MailboxSettings, Raw, Submission, parse};
use channels::{Attachment, Channel, Endpoint, HandOverError, Letter, Outgoing, Security, Trust, compose};
use std::time::Duration;

struct Servers {
    smtp: Endpoint,
    mailbox: MailboxSettings,
    _spool: tempfile::TempDir,
}

fn servers() -> Option<Servers> {
    let Some(folder) = std::env::var_os("TELAIO_TEST_MAIL") else {
        eprintln!("skipped: TELAIO_TEST_MAIL is not set; cargo xtask test starts the servers");
        return None;
    };
    let text = std::fs::read(std::path::Path::new(&folder).join("stack.json")).unwrap();
    let stack: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let endpoint = |name: &str, security| Endpoint {
        host: "localhost".into(),
        port: u16::try_from(stack[name].as_u64().unwrap()).unwrap(),
        security,
        trust: Trust::Pem(std::fs::read(word(&stack["ca"])).unwrap()),
        user: Some(word(&stack["accounts"][0]["address"])),
        password: word(&stack["accounts"][0]["password"]),
    };
    let spool = tempfile::tempdir().unwrap();
    let mailbox = MailboxSettings {
        endpoint: endpoint("imaps", Security::Implicit),
        inbox: "INBOX".into(),
        registered: "Registrati".into(),
        limit: 30 * 1024 * 1024,
        spool: spool.path().into(),
    };
    Some(Servers { smtp: endpoint("submission", Security::StartTls), mailbox, _spool: spool })
}

struct Shelf(Vec<Vec<u8>>);

impl Keep for Shelf {
    async fn keep(&mut self, arrived: Vec<Arrived>) -> Result<Vec<u32>, String> {
        let uids = arrived.iter().map(|a| a.uid).collect();
        for one in arrived {
            match one.raw {
                Raw::Memory(bytes) => self.0.push(bytes),
                Raw::File(path) => self.0.push(std::fs::read(path).map_err(|e| e.to_string())?),
                Raw::TooLarge(_) => return Ok(Vec::new()),
            }
        }
        Ok(uids)
    }
}

fn message(id: &str, user: &str, size: usize) -> Outgoing {
    let letter = Letter {
        message_id: id.into(),
        from_name: "Ente di prova".into(),
        from: user.into(),
        to: vec![user.into()],
        cc: vec![],
        subject: format!("Prova {id} è"),
        written_at: 1_795_424_400,
        answers: None,
        receipt: None,
        text: ".\nUna riga di un punto solo.\n".into(),
        attachments: vec![Attachment {
            name: "atto.pdf".into(),
            media_type: "application/pdf".into(),
            bytes: (0..=255).cycle().take(size).collect(),
        }],
    };
    Outgoing { from: user.into(), to: vec![user.into()], raw: compose(&letter) }
}

#[tokio::test]
async fn small_and_large_messages_travel_unchanged_and_are_collected_once() {
    let Some(servers) = servers() else { return };
    let user = servers.smtp.user.clone().unwrap();
    let road = Submission::new(&servers.smtp).unwrap();
    let sizes = [("piccolo@prova.test", 10_000), ("grande@prova.test", 6_000_000)];
    for (id, size) in sizes {
        road.hand_over(&message(id, &user, size)).await.unwrap();
    }
    let mut shelf = Shelf(Vec::new());
    let mut mailbox = Mailbox::open(servers.mailbox.clone()).await.unwrap();
    while shelf.0.len() < sizes.len() {
        mailbox.collect(&mut shelf).await.unwrap();
        if shelf.0.len() < sizes.len() {
            mailbox = mailbox.wait(Duration::from_secs(30), Duration::from_secs(1)).await.unwrap();
        }
    }
    assert_eq!(mailbox.collect(&mut shelf).await.unwrap(), 0);
    mailbox.close().await;
    for (id, size) in sizes {
        let found = shelf.0.iter().map(|raw| parse(raw).unwrap());
        let found = found.into_iter().find(|m| m.message_id.as_deref() == Some(id)).expect(id);
        assert_eq!(found.kind, Kind::Ordinary);
        let wanted: Vec<u8> = (0..=255).cycle().take(size).collect();
        assert!(found.content.file("atto.pdf").unwrap().bytes == wanted, "{id}");
        assert!(found.content.text.starts_with(".\r\nUna riga"), "{:?}", found.content.text);
    }
}

#[tokio::test]
async fn strangers_are_not_let_in_and_an_unknown_authority_is_not_believed() {
    let Some(servers) = servers() else { return };
    let user = servers.smtp.user.clone().unwrap();
    let mut wrong = servers.smtp.clone();
    wrong.password = "sbagliata".into();
    let got = Submission::new(&wrong).unwrap().hand_over(&message("m@prova.test", &user, 10)).await;
    assert!(matches!(got, Err(HandOverError::Later(_))), "{got:?}");
    let mut foreign = servers.smtp.clone();
    foreign.trust = Trust::System;
    assert!(Submission::new(&foreign).unwrap().reach().await.is_err());
    let mut settings = servers.mailbox.clone();
    settings.endpoint.password = "sbagliata".into();
    assert!(matches!(Mailbox::open(settings).await, Err(channels::pec::MailboxError::Refused(_))));
}
