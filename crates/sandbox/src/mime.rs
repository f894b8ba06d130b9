//! Writes what a provider of certified mail writes: envelopes, receipts, notices, certification data.
//!
//! The shapes follow RFC 6109 and the samples of the shared collection; texts say that they are for trials.

use crate::authority::Authority;
use base64::Engine as _;
use jiff::Timestamp;
use std::fmt::Write as _;
use std::io;

/// What is certified.
#[derive(Debug, Clone)]
pub(crate) struct Facts<'a> {
    pub kind: &'a str,
    pub error: &'a str,
    pub sender: &'a str,
    /// Address and whether it is certified.
    pub recipients: &'a [(String, bool)],
    pub subject: &'a str,
    pub at: Timestamp,
    pub identifier: &'a str,
    pub message_id: &'a str,
    pub receipt: Option<&'a str>,
    pub mailbox: Option<&'a str>,
    pub extended: Option<&'a str>,
}

/// A message of the provider, before it is signed.
pub(crate) struct Sheet<'a> {
    /// When it is signed.
    pub at: Timestamp,
    /// Headers in order, name and value.
    pub headers: Vec<(&'a str, String)>,
    /// Text people read.
    pub text: String,
    /// Certification data; none for anomaly envelopes.
    pub facts: Option<&'a Facts<'a>>,
    /// `postacert.eml`.
    pub original: Option<Vec<u8>>,
}

/// The certification data as XML.
pub(crate) fn daticert(facts: &Facts<'_>) -> String {
    let local = facts.at.to_zoned(domain::moment::rome());
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut put = |text: String| xml.push_str(&text);
    put(format!("<postacert tipo=\"{}\" errore=\"{}\">\n  <intestazione>\n", facts.kind, facts.error));
    put(format!("    <mittente>{}</mittente>\n", escape(facts.sender)));
    for (address, certified) in facts.recipients {
        let kind = if *certified { "certificato" } else { "esterno" };
        put(format!("    <destinatari tipo=\"{kind}\">{}</destinatari>\n", escape(address)));
    }
    put(format!("    <risposte>{}</risposte>\n", escape(facts.sender)));
    put(format!("    <oggetto>{}</oggetto>\n  </intestazione>\n  <dati>\n", escape(facts.subject)));
    put("    <gestore-emittente>Gestore PEC di prova (Telaio)</gestore-emittente>\n".to_owned());
    put(format!(
        "    <data zona=\"{}\"><giorno>{}</giorno><ora>{}</ora></data>\n",
        local.strftime("%z"),
        local.strftime("%d/%m/%Y"),
        local.strftime("%H:%M:%S")
    ));
    put(format!("    <identificativo>{}</identificativo>\n", escape(facts.identifier)));
    put(format!("    <msgid>{}</msgid>\n", escape(&format!("<{}>", facts.message_id))));
    if let Some(form) = facts.receipt {
        put(format!("    <ricevuta tipo=\"{form}\"/>\n"));
    }
    if let Some(mailbox) = facts.mailbox {
        put(format!("    <consegna>{}</consegna>\n", escape(mailbox)));
    }
    if let Some(extended) = facts.extended {
        put(format!("    <errore-esteso>{}</errore-esteso>\n", escape(extended)));
    }
    put("  </dati>\n</postacert>\n".to_owned());
    xml
}

/// Text of XML; characters XML cannot hold become a blank.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The signed bytes of a sheet. `unique` makes the boundaries; it must not occur in the original.
pub(crate) fn seal(
    sheet: &Sheet<'_>,
    authority: &Authority,
    domain: &str,
    unique: &str,
) -> io::Result<Vec<u8>> {
    let content = content(sheet, unique);
    let signature = authority.sign(domain, &content, sheet.at)?;
    let mut head = String::new();
    for (name, value) in &sheet.headers {
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = write!(head, "{name}: {}\r\n", encoded(&value));
    }
    let _ = write!(
        head,
        "MIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; \
         micalg=sha-256; boundary=\"sig-{unique}\"\r\n\r\nThis is an S/MIME signed message\r\n\r\n--sig-{unique}\r\n"
    );
    let tail = format!(
        "\r\n--sig-{unique}\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n\
         {}\r\n--sig-{unique}--\r\n",
        lines(&signature)
    );
    Ok([head.as_bytes(), &content, tail.as_bytes()].concat())
}

fn content(sheet: &Sheet<'_>, unique: &str) -> Vec<u8> {
    let mut out = format!(
        "Content-Type: multipart/mixed; boundary=\"mix-{unique}\"\r\n\r\n--mix-{unique}\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: inline\r\n\r\n{}\r\n",
        lines(sheet.text.as_bytes())
    )
    .into_bytes();
    if let Some(facts) = sheet.facts {
        let part = format!(
            "--mix-{unique}\r\nContent-Type: application/xml; name=\"daticert.xml\"\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Disposition: inline; filename=\"daticert.xml\"\r\n\r\n{}\r\n",
            lines(daticert(facts).as_bytes())
        );
        out.extend_from_slice(part.as_bytes());
    }
    if let Some(original) = &sheet.original {
        let part = format!(
            "--mix-{unique}\r\nContent-Type: message/rfc822; name=\"postacert.eml\"\r\n\
             Content-Transfer-Encoding: 8bit\r\nContent-Disposition: inline; filename=\"postacert.eml\"\r\n\r\n"
        );
        out.extend_from_slice(part.as_bytes());
        out.extend_from_slice(original);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--mix-{unique}--\r\n").as_bytes());
    out
}

fn lines(bytes: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut out = String::with_capacity(text.len() + text.len() / 38);
    for (i, c) in text.chars().enumerate() {
        if i > 0 && i % 76 == 0 {
            out.push_str("\r\n");
        }
        out.push(c);
    }
    out
}

/// Header values in ASCII, longer or other ones as encoded words (RFC 2047).
fn encoded(value: &str) -> String {
    if value.is_ascii() && value.len() < 900 {
        return value.to_owned();
    }
    let mut words = Vec::new();
    let mut chunk = String::new();
    for c in value.chars() {
        if chunk.len() + c.len_utf8() > 42 {
            words.push(std::mem::take(&mut chunk));
        }
        chunk.push(c);
    }
    words.push(chunk);
    let word = |w: &String| format!("=?utf-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(w));
    words.iter().map(word).collect::<Vec<_>>().join("\r\n ")
}

/// The original as it travels: the provider's identifier as Message-ID, the sender's one beside it.
pub(crate) fn transported(raw: &[u8], identifier: &str, message_id: &str) -> Vec<u8> {
    let mut out =
        format!("Message-ID: <{identifier}>\r\nX-Riferimento-Message-ID: <{message_id}>\r\n").into_bytes();
    let mut skipping = false;
    let mut rest = raw;
    while let Some(end) = rest.iter().position(|b| *b == b'\n') {
        let (line, after) = rest.split_at(end + 1);
        if line.trim_ascii().is_empty() {
            break;
        }
        let continues = line.starts_with(b" ") || line.starts_with(b"\t");
        if !continues {
            skipping = line.len() > 11 && line[..11].eq_ignore_ascii_case(b"message-id:");
        }
        if !skipping {
            out.extend_from_slice(line);
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}
