//! IMAP over TLS, as much as a mail client needs: select, fetch, search, move, copy, delete, idle, quota.
//!
//! Commands are parsed by `imap-codec`; answers are written by hand, because they are few and their bytes matter.
//! Messages never change, flags last as long as the connection.

use crate::boxes::Item;
use crate::provider::Provider;
use crate::script::Side;
use imap_codec::CommandCodec;
use imap_codec::decode::{CommandDecodeError, Decoder};
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName, Section};
use imap_codec::imap_types::flag::{Flag, StoreType};
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::search::SearchKey;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};
use mail_parser::MessageParser;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Longest command taken, in bytes (APPEND is not offered).
const LONGEST: usize = 64 * 1024;
/// Kilobytes each mailbox may hold.
const QUOTA: u64 = 1024 * 1024;
/// UIDs are kept for ever, so they are always valid.
const UID_VALIDITY: u32 = 1;

const CAPABILITIES: &str = "IMAP4rev1 LITERAL+ IDLE MOVE QUOTA UNSELECT";

pub(crate) async fn serve(listener: TcpListener, tls: TlsAcceptor, provider: Arc<Provider>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (tls, provider) = (tls.clone(), provider.clone());
        tokio::spawn(async move {
            let Ok(stream) = accept(stream, &tls, &provider).await else { return };
            let session =
                Session { provider, user: None, folder: None, items: Vec::new(), deleted: BTreeSet::new() };
            // A client that hangs up is not an event.
            let _ = run(session, stream).await;
        });
    }
}

async fn accept(
    stream: TcpStream,
    tls: &TlsAcceptor,
    provider: &Provider,
) -> io::Result<TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    let mut stream = tls.accept(stream).await?;
    provider.hang_ups.pass(Side::Before, "IMAP")?;
    stream.write_all(format!("* OK [CAPABILITY {CAPABILITIES}] posta di prova\r\n").as_bytes()).await?;
    Ok(stream)
}

struct Session {
    provider: Arc<Provider>,
    user: Option<String>,
    folder: Option<String>,
    /// The selected folder as the client knows it; the place in the list is the sequence number.
    items: Vec<Item>,
    deleted: BTreeSet<u32>,
}

/// What is said after a command: untagged bytes, then the tagged line.
struct Answer {
    data: Vec<u8>,
    status: String,
}

impl Answer {
    fn ok(data: impl Into<Vec<u8>>) -> Self {
        Self { data: data.into(), status: "OK done".into() }
    }

    fn no(why: &str) -> Self {
        Self { data: Vec::new(), status: format!("NO {why}") }
    }
}

async fn run(mut session: Session, mut stream: TlsStream<TcpStream>) -> io::Result<()> {
    let mut buffer: Vec<u8> = Vec::new();
    let mut asked_for_literal = 0;
    loop {
        let decoded = CommandCodec::default().decode(&buffer);
        let command = match decoded {
            Ok((rest, command)) => {
                let (rest, command) = (rest.to_vec(), own(command));
                buffer = rest;
                asked_for_literal = 0;
                command
            }
            Err(CommandDecodeError::Incomplete) => {
                more(&mut stream, &mut buffer).await?;
                continue;
            }
            Err(CommandDecodeError::LiteralFound { .. }) => {
                if asked_for_literal != buffer.len() {
                    asked_for_literal = buffer.len();
                    stream.write_all(b"+ go on\r\n").await?;
                }
                more(&mut stream, &mut buffer).await?;
                continue;
            }
            Err(CommandDecodeError::Failed) => {
                stream.write_all(b"* BAD not understood\r\n").await?;
                buffer.clear();
                continue;
            }
        };
        let tag = command.tag.as_ref().to_owned();
        if matches!(command.body, CommandBody::Idle) {
            idle(&mut session, &mut stream, &mut buffer).await?;
            stream.write_all(format!("{tag} OK done\r\n").as_bytes()).await?;
            continue;
        }
        let is_last = matches!(command.body, CommandBody::Logout);
        let step = command.body.name();
        let provider = session.provider.clone();
        if provider.hang_ups.pass(Side::Before, step).is_err() {
            // Politely, with the end of TLS: the client sees no error, only that nothing more comes.
            return stream.shutdown().await;
        }
        let answer = tokio::task::block_in_place(|| session.answer(command.body));
        let answer = answer.unwrap_or_else(|e| Answer::no(&format!("[SERVERBUG] {e}")));
        if provider.hang_ups.pass(Side::After, step).is_err() {
            stream.write_all(&answer.data[..answer.data.len() / 2]).await?;
            return stream.shutdown().await;
        }
        stream.write_all(&answer.data).await?;
        stream.write_all(format!("{tag} {}\r\n", answer.status).as_bytes()).await?;
        if is_last {
            return stream.shutdown().await;
        }
    }
}

fn own(command: Command<'_>) -> Command<'static> {
    use imap_codec::imap_types::bounded_static::IntoBoundedStatic as _;
    command.into_static()
}

async fn more(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) -> io::Result<()> {
    if buffer.len() > LONGEST || stream.read_buf(buffer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Tells the client of new mail until it says DONE.
async fn idle(
    session: &mut Session,
    stream: &mut TlsStream<TcpStream>,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    let mut changes = session.provider.boxes().changes();
    stream.write_all(b"+ idling\r\n").await?;
    loop {
        if let Some(end) = buffer.windows(6).position(|w| w.eq_ignore_ascii_case(b"DONE\r\n")) {
            buffer.drain(..end + 6);
            return Ok(());
        }
        let news = session.news()?;
        if !news.is_empty() {
            stream.write_all(news.as_bytes()).await?;
        }
        tokio::select! {
            got = stream.read_buf(buffer) => if got? == 0 { return Err(io::ErrorKind::UnexpectedEof.into()) },
            changed = changes.changed() => changed.map_err(io::Error::other)?,
            () = tokio::time::sleep(Duration::from_secs(120)) => stream.write_all(b"* OK still here\r\n").await?,
        }
    }
}

impl Session {
    fn answer(&mut self, body: CommandBody<'_>) -> io::Result<Answer> {
        match body {
            CommandBody::Capability => Ok(Answer::ok(format!("* CAPABILITY {CAPABILITIES}\r\n"))),
            CommandBody::Noop | CommandBody::Check => Ok(Answer::ok(self.news()?)),
            CommandBody::Logout => Ok(Answer::ok("* BYE\r\n")),
            CommandBody::Login { username, password } => {
                let user = text(&username).to_lowercase();
                if !self.provider.lets_in(&user, &text(password.declassify())) {
                    return Ok(Answer::no("[AUTHENTICATIONFAILED] wrong user or password"));
                }
                self.user = Some(user);
                Ok(Answer::ok(""))
            }
            other => match self.user.clone() {
                Some(user) => self.answer_known(&user, other),
                None => Ok(Answer::no("sign in first")),
            },
        }
    }

    fn answer_known(&mut self, user: &str, body: CommandBody<'_>) -> io::Result<Answer> {
        match body {
            CommandBody::Select { mailbox } => self.select(user, &mailbox, "READ-WRITE"),
            CommandBody::Examine { mailbox } => self.select(user, &mailbox, "READ-ONLY"),
            CommandBody::Create { mailbox } => {
                self.provider.boxes().make_folder(user, &name(&mailbox))?;
                Ok(Answer::ok(""))
            }
            CommandBody::List { .. } | CommandBody::Lsub { .. } => {
                let all = self.provider.boxes().folders(user)?;
                let lines: String = all.iter().map(|f| format!("* LIST () \"/\" \"{f}\"\r\n")).collect();
                Ok(Answer::ok(lines))
            }
            CommandBody::Subscribe { .. } => Ok(Answer::ok("")),
            CommandBody::Status { mailbox, .. } => {
                let count = self.provider.boxes().list(user, &name(&mailbox))?.len();
                let name = name(&mailbox);
                Ok(Answer::ok(format!(
                    "* STATUS \"{name}\" (MESSAGES {count} UIDVALIDITY {UID_VALIDITY})\r\n"
                )))
            }
            CommandBody::GetQuotaRoot { .. } | CommandBody::GetQuota { .. } => {
                let used: u64 = self.provider.boxes().list(user, "INBOX")?.iter().map(|i| i.size).sum();
                let lines = format!(
                    "* QUOTAROOT INBOX \"\"\r\n* QUOTA \"\" (STORAGE {} {QUOTA})\r\n",
                    used.div_ceil(1024)
                );
                Ok(Answer::ok(lines))
            }
            other if self.folder.is_none() => {
                Ok(Answer::no(&format!("no folder is selected ({})", other.name())))
            }
            other => self.answer_selected(user, other),
        }
    }

    fn answer_selected(&mut self, user: &str, body: CommandBody<'_>) -> io::Result<Answer> {
        match body {
            CommandBody::Fetch { sequence_set, macro_or_item_names, uid } => {
                let names = match macro_or_item_names {
                    // The macros ask for summaries too, which no client of ours needs: size and flags.
                    MacroOrMessageDataItemNames::Macro(_) => {
                        vec![MessageDataItemName::Flags, MessageDataItemName::Rfc822Size]
                    }
                    MacroOrMessageDataItemNames::MessageDataItemNames(names) => names,
                };
                self.fetch(&sequence_set, &names, uid)
            }
            CommandBody::Search { criteria, uid, .. } => self.search(&criteria, uid),
            CommandBody::Move { sequence_set, mailbox, uid } => {
                let chosen = self.chosen(&sequence_set, uid);
                let items: Vec<Item> = chosen.iter().map(|i| self.items[*i].clone()).collect();
                self.provider.boxes().move_to(user, &items, &name(&mailbox))?;
                Ok(Answer::ok(self.forget(&chosen)))
            }
            CommandBody::Copy { sequence_set, mailbox, uid } => {
                for i in self.chosen(&sequence_set, uid) {
                    self.provider.boxes().put(user, &name(&mailbox), &self.items[i].read()?)?;
                }
                Ok(Answer::ok(""))
            }
            CommandBody::Store { sequence_set, kind, flags, uid, .. } => {
                if flags.contains(&Flag::Deleted) {
                    for i in self.chosen(&sequence_set, uid) {
                        let uid = self.items[i].uid;
                        if kind == StoreType::Remove {
                            self.deleted.remove(&uid)
                        } else {
                            self.deleted.insert(uid)
                        };
                    }
                }
                Ok(Answer::ok(""))
            }
            CommandBody::Expunge => self.expunge(),
            CommandBody::Close => {
                self.expunge()?;
                self.folder = None;
                Ok(Answer::ok(""))
            }
            CommandBody::Unselect => {
                self.folder = None;
                Ok(Answer::ok(""))
            }
            other => Ok(Answer { data: Vec::new(), status: format!("BAD {} is not offered", other.name()) }),
        }
    }

    fn select(&mut self, user: &str, mailbox: &Mailbox<'_>, mode: &str) -> io::Result<Answer> {
        let folder = name(mailbox);
        if !self.provider.boxes().folders(user)?.contains(&folder) {
            self.folder = None;
            return Ok(Answer::no("[NONEXISTENT] no such folder"));
        }
        self.items = self.provider.boxes().list(user, &folder)?;
        self.folder = Some(folder);
        self.deleted.clear();
        let next = self.items.last().map_or(1, |i| i.uid + 1);
        let data = format!(
            "* FLAGS (\\Seen \\Deleted)\r\n* {} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY {UID_VALIDITY}] valid\r\n\
             * OK [UIDNEXT {next}] next\r\n",
            self.items.len()
        );
        Ok(Answer { data: data.into(), status: format!("OK [{mode}] selected") })
    }

    /// What the client must hear before its next command: messages gone, messages come.
    fn news(&mut self) -> io::Result<String> {
        let (Some(user), Some(folder)) = (&self.user, &self.folder) else { return Ok(String::new()) };
        let now = self.provider.boxes().list(user, folder)?;
        let there: BTreeSet<u32> = now.iter().map(|i| i.uid).collect();
        let gone: Vec<usize> =
            (0..self.items.len()).filter(|i| !there.contains(&self.items[*i].uid)).collect();
        let mut news = self.forget(&gone);
        if now.len() != self.items.len() {
            let _ = write!(news, "* {} EXISTS\r\n", now.len());
        }
        self.items = now;
        Ok(news)
    }

    /// Drops messages from the list, last first, so that the numbers said are right at each line.
    fn forget(&mut self, places: &[usize]) -> String {
        let mut lines = String::new();
        for place in places.iter().rev() {
            self.items.remove(*place);
            let _ = write!(lines, "* {} EXPUNGE\r\n", place + 1);
        }
        lines
    }

    fn expunge(&mut self) -> io::Result<Answer> {
        let places: Vec<usize> =
            (0..self.items.len()).filter(|i| self.deleted.contains(&self.items[*i].uid)).collect();
        let items: Vec<Item> = places.iter().map(|i| self.items[*i].clone()).collect();
        self.provider.boxes().delete(&items)?;
        Ok(Answer::ok(self.forget(&places)))
    }

    /// The places in the list a set names, in order.
    fn chosen(&self, set: &SequenceSet, by_uid: bool) -> Vec<usize> {
        let last = if by_uid { self.items.last().map_or(0, |i| i.uid) } else { number(self.items.len()) };
        let value = |s: &SeqOrUid| match s {
            SeqOrUid::Value(v) => v.get(),
            SeqOrUid::Asterisk => last,
        };
        let holds = |wanted: u32| {
            set.0.as_ref().iter().any(|part| match part {
                Sequence::Single(one) => value(one) == wanted,
                Sequence::Range(a, b) => {
                    let (a, b) = (value(a), value(b));
                    (a.min(b)..=a.max(b)).contains(&wanted)
                }
            })
        };
        let key = |i: &usize| if by_uid { self.items[*i].uid } else { number(i + 1) };
        (0..self.items.len()).filter(|i| holds(key(i))).collect()
    }

    fn fetch(
        &self,
        set: &SequenceSet,
        names: &[MessageDataItemName<'_>],
        by_uid: bool,
    ) -> io::Result<Answer> {
        let mut out = Vec::new();
        let needs_bytes = names.iter().any(|n| {
            !matches!(
                n,
                MessageDataItemName::Uid | MessageDataItemName::Flags | MessageDataItemName::Rfc822Size
            )
        });
        for place in self.chosen(set, by_uid) {
            let item = &self.items[place];
            let raw = if needs_bytes { item.read()? } else { Vec::new() };
            out.extend_from_slice(format!("* {} FETCH (UID {}", place + 1, item.uid).as_bytes());
            for one in names {
                write_item(&mut out, one, item, &raw);
            }
            out.extend_from_slice(b")\r\n");
        }
        Ok(Answer::ok(out))
    }

    fn search(&self, key: &SearchKey<'_>, by_uid: bool) -> io::Result<Answer> {
        let mut line = String::from("* SEARCH");
        for (i, item) in self.items.iter().enumerate() {
            if self.matches(key, i, item)? {
                let _ = write!(line, " {}", if by_uid { item.uid } else { number(i + 1) });
            }
        }
        line.push_str("\r\n");
        Ok(Answer::ok(line))
    }

    fn matches(&self, key: &SearchKey<'_>, place: usize, item: &Item) -> io::Result<bool> {
        Ok(match key {
            SearchKey::And(all) => {
                for one in all.as_ref() {
                    if !self.matches(one, place, item)? {
                        return Ok(false);
                    }
                }
                true
            }
            SearchKey::Not(one) => !self.matches(one, place, item)?,
            SearchKey::Or(a, b) => self.matches(a, place, item)? || self.matches(b, place, item)?,
            SearchKey::Uid(set) => self.chosen(set, true).contains(&place),
            SearchKey::SequenceSet(set) => self.chosen(set, false).contains(&place),
            SearchKey::Header(name, value) => has_header(item, &text(name), &text(value))?,
            SearchKey::Subject(value) => has_header(item, "Subject", &text(value))?,
            SearchKey::From(value) => has_header(item, "From", &text(value))?,
            SearchKey::To(value) => has_header(item, "To", &text(value))?,
            SearchKey::Deleted => self.deleted.contains(&item.uid),
            SearchKey::Seen | SearchKey::Flagged | SearchKey::Answered | SearchKey::Draft => false,
            _ => true,
        })
    }
}

fn has_header(item: &Item, name: &str, value: &str) -> io::Result<bool> {
    let raw = item.read()?;
    let Some(message) = MessageParser::default().parse_headers(&raw) else { return Ok(false) };
    let wanted = value.to_lowercase();
    let found = message
        .headers_raw()
        .any(|(n, v)| n.eq_ignore_ascii_case(name) && v.to_lowercase().contains(&wanted));
    Ok(found)
}

fn write_item(out: &mut Vec<u8>, name: &MessageDataItemName<'_>, item: &Item, raw: &[u8]) {
    let (header, body) = raw.split_at(header_end(raw));
    let mut literal = |label: &str, bytes: &[u8]| {
        out.extend_from_slice(format!(" {label} {{{}}}\r\n", bytes.len()).as_bytes());
        out.extend_from_slice(bytes);
    };
    match name {
        MessageDataItemName::Flags => out.extend_from_slice(b" FLAGS ()"),
        MessageDataItemName::Rfc822Size => {
            out.extend_from_slice(format!(" RFC822.SIZE {}", item.size).as_bytes())
        }
        MessageDataItemName::InternalDate => {
            let arrived = item.arrived.strftime("%d-%b-%Y %H:%M:%S +0000");
            out.extend_from_slice(format!(" INTERNALDATE \"{arrived}\"").as_bytes());
        }
        MessageDataItemName::Rfc822 => literal("RFC822", raw),
        MessageDataItemName::Rfc822Header => literal("RFC822.HEADER", header),
        MessageDataItemName::Rfc822Text => literal("RFC822.TEXT", body),
        MessageDataItemName::BodyExt { section, partial, .. } => {
            let (label, bytes) = match section {
                None => ("".to_owned(), raw.to_vec()),
                Some(Section::Header(None)) => ("HEADER".to_owned(), header.to_vec()),
                Some(Section::Text(None)) => ("TEXT".to_owned(), body.to_vec()),
                Some(Section::HeaderFields(None, names)) => {
                    let names: Vec<String> = names.as_ref().iter().map(text).collect();
                    (format!("HEADER.FIELDS ({})", names.join(" ")), only_fields(header, &names))
                }
                // Parts of a message are not taken apart here: the client gets nothing and asks for the whole.
                Some(_) => ("1".to_owned(), Vec::new()),
            };
            match partial {
                None => literal(&format!("BODY[{label}]"), &bytes),
                Some((from, count)) => {
                    let start = (*from as usize).min(bytes.len());
                    let end = (start + count.get() as usize).min(bytes.len());
                    literal(&format!("BODY[{label}]<{from}>"), &bytes[start..end]);
                }
            }
        }
        _ => {}
    }
}

fn header_end(raw: &[u8]) -> usize {
    raw.windows(4).position(|w| w == b"\r\n\r\n").map_or(raw.len(), |p| p + 4)
}

fn only_fields(header: &[u8], names: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut keep = false;
    for line in header.split_inclusive(|b| *b == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let field = line.split(|b| *b == b':').next().unwrap_or_default();
            keep = names.iter().any(|n| n.as_bytes().eq_ignore_ascii_case(field));
        }
        if keep {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn text(word: &AString<'_>) -> String {
    String::from_utf8_lossy(word.as_ref()).into_owned()
}

fn name(mailbox: &Mailbox<'_>) -> String {
    match mailbox {
        Mailbox::Inbox => "INBOX".to_owned(),
        Mailbox::Other(other) => String::from_utf8_lossy(other.inner().as_ref()).to_lowercase(),
    }
}
