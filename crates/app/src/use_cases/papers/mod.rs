//! Papers about entries: receipt for who presents, label, entry sheet, stamped copy, segnatura.
//!
//! A receipt is made at the first request and kept, so that two people asking
//! get the same bytes. Words come from `papers/it.txt`; how a page is laid out
//! is known by `documents::pdf`. Who may ask is decided as for the entry itself.

mod given_out;
mod label;
mod receipt;
mod segnatura;
mod sheet;
mod stamped;
mod words;

pub(crate) use given_out::{GivenOut, give_out};
pub use label::label;
pub use receipt::receipt;
pub use segnatura::segnatura;
pub use sheet::sheet;
pub use stamped::{StampedCopy, may_be_stamped, stamped};
pub(crate) use words::{word, word_with};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::register::read::Entry;
use documents::pdf::{self, Block, PageSize, Paper, Run, Text};
use domain::body::Body;
use domain::register::Registration;
use jiff::Timestamp;
use store::bodies;

/// The actor's body with its names.
pub(crate) async fn own_body(ctx: &Context) -> Result<Body> {
    let code = ctx.actor.body.clone();
    ctx.read(move |r| Ok(bodies::find(r, &code)?)).await?.ok_or(Error::NotFound)
}

/// An empty paper of a body, dated at the moment of the context.
pub(crate) fn paper_of(ctx: &Context, body: &Body, title: String, size: PageSize) -> Paper {
    let mut footer = vec![format!("{} · {}", body.name, body.ipa_code)];
    if ctx.app.settings.demo {
        footer.push(word("demo-notice").to_owned());
    }
    Paper {
        title,
        language: "it".to_owned(),
        author: body.name.clone(),
        made_at: ctx.moment.local(),
        size,
        header: vec![body.name.clone()],
        footer,
        page_counter: word("page-counter").to_owned(),
        stamp: Vec::new(),
        blocks: Vec::new(),
    }
}

/// Writes a paper on a thread that may block.
pub(crate) async fn write(paper: Paper) -> Result<Vec<u8>> {
    let written = tokio::task::spawn_blocking(move || pdf::write(&paper)).await;
    written.map_err(|e| Error::Bug(e.to_string()))?.map_err(|e| Error::Bug(e.to_string()))
}

/// `23/11/2026 10:15:00`, in Rome.
pub(crate) fn local(at: Timestamp) -> String {
    at.to_zoned(domain::moment::rome()).strftime("%d/%m/%Y %H:%M:%S").to_string()
}

/// A line of name and value.
fn pair(key: &str, value: impl Into<String>) -> (String, Text) {
    (word(key).to_owned(), vec![Run::plain(value)])
}

/// What every paper about an entry says of it.
fn facts(entry: &Registration, body: &Body) -> Vec<(String, Text)> {
    let area = body.aoos.iter().find(|a| a.code == entry.aoo);
    let area = area.map_or_else(|| entry.aoo.to_string(), |a| format!("{} ({})", a.name, a.code));
    let mut pairs = vec![
        (word("number").to_owned(), vec![Run::bold(entry.full_label())]),
        pair("registered-at", local(entry.registered_at)),
        pair("body", format!("{} ({})", body.name, body.ipa_code)),
        pair("aoo", area),
        pair("register", entry.register.to_string()),
        pair("direction", word(&format!("direction-{}", entry.direction.name()))),
    ];
    if let Some(at) = entry.received_at {
        pairs.push(pair("received-at", local(at)));
    }
    let who = match entry.direction {
        domain::register::Direction::Incoming => "sender",
        _ => "recipients",
    };
    let names: Vec<&str> = entry.correspondents.iter().map(|c| c.name.as_str()).collect();
    pairs.push(pair(who, names.join("\n")));
    if let Some(reference) = &entry.sender_reference {
        let date = reference.date.map(|d| d.strftime(" (%d/%m/%Y)").to_string()).unwrap_or_default();
        pairs.push(pair("sender-reference", format!("{}{date}", reference.number)));
    }
    pairs.push(pair("subject", entry.subject.clone()));
    if let Some(class) = &entry.classification {
        pairs.push(pair("class", class.clone()));
    }
    pairs
}

/// The files with their fingerprints.
fn files(entry: &Registration) -> Block {
    use documents::pdf::{Column, Table};
    let rows = std::iter::once(&entry.document).chain(&entry.attachments).map(|file| {
        let (name, size) = (Run::plain(file.name.clone()), Run::plain(file.size.to_string()));
        vec![vec![name], vec![Run::mono(file.sha256.clone())], vec![size]]
    });
    Block::Table(Table {
        columns: vec![
            Column::left(word("file-name"), 2.2),
            Column::left(word("file-fingerprint"), 4.0),
            Column::right(word("file-size"), 1.0),
        ],
        rows: rows.collect(),
    })
}

/// The attestations of conformity about the files of an entry, in their words.
fn attestations(entry: &Entry) -> Vec<Block> {
    if entry.attestations.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading { level: 2, text: word("attestation-title").to_owned() }];
    let it = &entry.registration;
    for one in &entry.attestations {
        let file = std::iter::once(&it.document).chain(&it.attachments).find(|file| file.id == one.document);
        let file = file.map(|file| word_with("attestation-file", &[("name", file.name.clone())]));
        let at = local(domain::Moment::from_micros(one.at).at);
        let by = word_with("attestation-by", &[("name", one.by_name.clone()), ("at", at)]);
        blocks.push(Block::Paragraph(vec![
            Run::plain(format!("{}\n", file.unwrap_or_default())),
            Run::plain(format!("{}\n", one.statement)),
            Run::bold(by),
        ]));
    }
    blocks
}

/// The mark of an annulled entry, always visible.
fn annulment(entry: &Registration) -> Vec<Block> {
    let Some(it) = &entry.annulment else { return Vec::new() };
    let values = [
        ("at", local(it.at)),
        ("by", it.by.clone()),
        ("order", it.order_reference.clone()),
        ("reason", it.reason.clone()),
    ];
    let text = word_with("annulled-by", &values);
    vec![Block::Paragraph(vec![Run::bold(word("annulled")), Run::plain(format!("\n{text}"))])]
}
