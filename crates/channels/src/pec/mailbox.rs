//! Fetches what arrived in a mailbox (IMAP) without changing any flag, and moves it away once it is kept.
//!
//! The order is the point: the bytes are given to the keeper, which stores them durably, and only then the
//! mailbox is told. A crash in between means that the message is seen again, and the keeper knows it by its
//! digest. Messages over a size go to a file piece by piece; of messages over the limit only the header is
//! fetched, so that somebody can be told.

use crate::tls::{Endpoint, Security};
use async_imap::imap_proto::{MailboxDatum, Response, Status};
use async_imap::types::{Capability, Fetch, QuotaResourceName};
use async_imap::{Client, Session};
use futures_util::TryStreamExt;
use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// Pieces in which large messages are fetched.
const PIECE: u32 = 1024 * 1024;
/// Messages up to this size are fetched several at a time, in memory.
const SMALL: u32 = 4 * 1024 * 1024;
/// Bytes of small messages fetched and kept together: what one commit of the keeper shares.
const TOGETHER: u32 = 16 * 1024 * 1024;
/// Small messages fetched and kept together.
const TOGETHER_COUNT: usize = 64;
/// How long any single answer of the server may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);

/// What to read and where to put what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxSettings {
    /// The server.
    pub endpoint: Endpoint,
    /// Folder where mail arrives.
    pub inbox: String,
    /// Folder for mail that is kept; made when absent.
    pub registered: String,
    /// Largest message that is fetched, in bytes.
    pub limit: u64,
    /// Folder for the pieces of large messages.
    pub spool: PathBuf,
}

/// The bytes of an arrived message.
#[derive(Debug)]
pub enum Raw {
    /// In memory.
    Memory(Vec<u8>),
    /// In a file the keeper takes over or deletes.
    File(PathBuf),
    /// Over the limit: only its header was fetched, the message is left in the mailbox.
    TooLarge(Vec<u8>),
}

/// A message that arrived.
#[derive(Debug)]
pub struct Arrived {
    /// Validity of the UIDs of the folder.
    pub uid_validity: u32,
    /// UID.
    pub uid: u32,
    /// Size by the server, in bytes.
    pub size: u64,
    /// Bytes as received.
    pub raw: Raw,
}

/// Whoever stores what arrives.
pub trait Keep: Send {
    /// Stores the messages durably and answers with the UIDs that are safe to move away.
    ///
    /// # Errors
    /// Any text: the mailbox is left as it is and asked again later.
    fn keep(&mut self, arrived: Vec<Arrived>) -> impl Future<Output = Result<Vec<u32>, String>> + Send;
}

/// Fill of the mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Kilobytes used.
    pub used: u64,
    /// Kilobytes allowed.
    pub limit: u64,
}

/// Why the mailbox could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The server cannot be reached or broke the connection.
    #[error("the mailbox cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    /// The server does not let us in.
    #[error("the mailbox refuses the credentials: {0}")]
    Refused(String),
    /// The server answered something unexpected.
    #[error("the mailbox answered badly: {0}")]
    Protocol(String),
    /// The keeper could not store.
    #[error("what arrived could not be kept: {0}")]
    NotKept(String),
}

impl From<async_imap::error::Error> for MailboxError {
    fn from(error: async_imap::error::Error) -> Self {
        match error {
            async_imap::error::Error::Io(e) => Self::Unreachable(e),
            async_imap::error::Error::ConnectionLost => {
                Self::Unreachable(io::ErrorKind::ConnectionReset.into())
            }
            other => Self::Protocol(other.to_string()),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Stream for T {}

/// An open mailbox.
#[derive(Debug)]
pub struct Mailbox {
    session: Session<Box<dyn Stream>>,
    settings: MailboxSettings,
    /// Messages that stayed in the inbox after the last collection (over the limit, or not kept).
    left: u32,
    can_move: bool,
    can_idle: bool,
    can_quota: bool,
    can_expunge_uid: bool,
}

impl Mailbox {
    /// Connects, signs in and makes the folder for kept mail.
    ///
    /// # Errors
    /// See [`MailboxError`].
    pub async fn open(settings: MailboxSettings) -> Result<Self, MailboxError> {
        let opening = connect(&settings.endpoint);
        let mut session = tokio::time::timeout(ANSWER_TIMEOUT, opening).await.map_err(|_| silent())??;
        let capabilities = session.capabilities().await?;
        let can = |name: &str| capabilities.has(&Capability::Atom(name.to_owned()));
        let (can_move, can_idle, can_quota) = (can("MOVE"), can("IDLE"), can("QUOTA"));
        let can_expunge_uid = can("UIDPLUS");
        // Refused when it is there already: the next move tells.
        let _ = session.create(&settings.registered).await;
        Ok(Self { session, settings, left: 0, can_move, can_idle, can_quota, can_expunge_uid })
    }

    /// Gives everything in the inbox to the keeper, small messages together, and moves away what is kept.
    /// Answers how many were kept.
    ///
    /// # Errors
    /// See [`MailboxError`]; what was kept before the error stays kept.
    pub async fn collect(&mut self, keeper: &mut impl Keep) -> Result<usize, MailboxError> {
        let folder = in_time(self.session.select(&self.settings.inbox)).await?;
        self.left = folder.exists;
        if folder.exists == 0 {
            return Ok(0);
        }
        let uid_validity = folder.uid_validity.unwrap_or(0);
        let asking = async {
            let stream = self.session.uid_fetch("1:*", "(UID RFC822.SIZE)").await?;
            stream.try_collect::<Vec<Fetch>>().await
        };
        let sizes = in_time(asking).await?;
        let mut waiting: Vec<(u32, u32)> =
            sizes.iter().filter_map(|f| Some((f.uid?, f.size.unwrap_or(0)))).collect();
        waiting.sort_unstable();
        let mut kept = 0;
        for group in groups(&waiting) {
            let arrived = match group.as_slice() {
                [(uid, size)] if *size > SMALL => vec![self.fetch_large(uid_validity, *uid, *size).await?],
                small => self.fetch_small(uid_validity, small).await?,
            };
            let safe = keeper.keep(arrived).await.map_err(MailboxError::NotKept)?;
            kept += safe.len();
            tokio::time::timeout(ANSWER_TIMEOUT, self.move_away(&safe)).await.map_err(|_| silent())??;
            self.left = self.left.saturating_sub(u32::try_from(safe.len()).unwrap_or(u32::MAX));
        }
        Ok(kept)
    }

    async fn fetch_small(
        &mut self,
        uid_validity: u32,
        group: &[(u32, u32)],
    ) -> Result<Vec<Arrived>, MailboxError> {
        let set = uid_set(group.iter().map(|(uid, _)| *uid));
        let fetching = async {
            let stream = self.session.uid_fetch(set, "(UID BODY.PEEK[])").await?;
            stream.try_collect::<Vec<Fetch>>().await
        };
        let found = in_time(fetching).await?;
        let whole = found.iter().filter_map(|f| Some((f.uid?, f.body()?)));
        Ok(whole
            .map(|(uid, body)| Arrived {
                uid_validity,
                uid,
                size: body.len() as u64,
                raw: Raw::Memory(body.to_vec()),
            })
            .collect())
    }

    async fn fetch_large(&mut self, uid_validity: u32, uid: u32, size: u32) -> Result<Arrived, MailboxError> {
        let arrived = |raw| Arrived { uid_validity, uid, size: u64::from(size), raw };
        if u64::from(size) > self.settings.limit {
            return Ok(arrived(Raw::TooLarge(self.fetch_header(uid).await?)));
        }
        tokio::fs::create_dir_all(&self.settings.spool).await?;
        let path = self.settings.spool.join(format!("{uid_validity}-{uid}.eml"));
        let mut file = tokio::fs::File::create(&path).await?;
        let mut done = 0u32;
        loop {
            let query = format!("(UID BODY.PEEK[]<{done}.{PIECE}>)");
            let fetching = async {
                let stream = self.session.uid_fetch(uid.to_string(), query).await?;
                stream.try_collect::<Vec<Fetch>>().await
            };
            let found = in_time(fetching).await?;
            let piece = match found.iter().find_map(Fetch::body) {
                Some(piece) => piece,
                // Past the end some servers answer nothing.
                None if done >= size => break,
                // A connection that ends looks like an answer without pieces: half a message is none.
                None => return Err(lost().into()),
            };
            file.write_all(piece).await?;
            done = done.saturating_add(u32::try_from(piece.len()).unwrap_or(PIECE));
            if piece.len() < PIECE as usize {
                break;
            }
        }
        file.sync_all().await?;
        Ok(arrived(Raw::File(path)))
    }

    async fn fetch_header(&mut self, uid: u32) -> Result<Vec<u8>, MailboxError> {
        let fetching = async {
            let stream = self.session.uid_fetch(uid.to_string(), "(UID BODY.PEEK[HEADER])").await?;
            stream.try_collect::<Vec<Fetch>>().await
        };
        let found = in_time(fetching).await?;
        Ok(found.iter().find_map(Fetch::header).ok_or_else(lost)?.to_vec())
    }

    async fn move_away(&mut self, uids: &[u32]) -> Result<(), MailboxError> {
        if uids.is_empty() {
            return Ok(());
        }
        let set = uid_set(uids.iter().copied());
        if self.can_move {
            return Ok(self.session.uid_mv(&set, &self.settings.registered).await?);
        }
        self.session.uid_copy(&set, &self.settings.registered).await?;
        let marked = self.session.uid_store(&set, "+FLAGS.SILENT (\\Deleted)").await?;
        marked.try_collect::<Vec<_>>().await?;
        if self.can_expunge_uid {
            self.session.uid_expunge(&set).await?.try_collect::<Vec<_>>().await?;
        } else {
            self.session.expunge().await?.try_collect::<Vec<_>>().await?;
        }
        Ok(())
    }

    /// Whether a receipt about the given Message-ID stands in the inbox or among the kept mail: asked before
    /// sending again something that may have left.
    ///
    /// # Errors
    /// See [`MailboxError`].
    pub async fn knows_of(&mut self, message_id: &str) -> Result<bool, MailboxError> {
        let id: String = message_id.chars().filter(|c| !matches!(c, '"' | '\\') && !c.is_control()).collect();
        for folder in [self.settings.registered.clone(), self.settings.inbox.clone()] {
            in_time(self.session.examine(&folder)).await?;
            let search = format!("UID SEARCH HEADER X-Riferimento-Message-ID \"<{id}>\"");
            if self.finds(&search).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a search finds anything. The library's own search takes a refusal and the end of the line for an
    /// answer that found nothing, and then a message would leave twice.
    async fn finds(&mut self, search: &str) -> Result<bool, MailboxError> {
        let asked = in_time(self.session.run_command(search)).await?;
        let mut found = false;
        while let Some(answer) = in_time(self.session.read_response()).await? {
            match answer.parsed() {
                Response::MailboxData(MailboxDatum::Search(ids)) => found |= !ids.is_empty(),
                Response::Done { tag, status: Status::Ok, .. } if *tag == asked => return Ok(found),
                Response::Done { tag, status, outcome } if *tag == asked => {
                    let words = outcome.information.as_deref().unwrap_or_default();
                    return Err(io::Error::other(format!("search: {status:?} {words}")).into());
                }
                _ => {}
            }
        }
        Err(lost().into())
    }

    /// Fill of the mailbox, when the server offers it.
    ///
    /// # Errors
    /// See [`MailboxError`].
    pub async fn quota(&mut self) -> Result<Option<Quota>, MailboxError> {
        if !self.can_quota {
            return Ok(None);
        }
        let (_, quotas) = self.session.get_quota_root(&self.settings.inbox).await?;
        let storage =
            quotas.into_iter().flat_map(|q| q.resources).find(|r| r.name == QuotaResourceName::Storage);
        Ok(storage.map(|r| Quota { used: r.usage, limit: r.limit }))
    }

    /// Waits until something arrives, `at_most` long; servers without IDLE are simply asked again after `poll`.
    ///
    /// # Errors
    /// See [`MailboxError`]: open the mailbox again.
    pub async fn wait(mut self, at_most: Duration, poll: Duration) -> Result<Self, MailboxError> {
        if !self.can_idle {
            tokio::time::sleep(poll.min(at_most)).await;
            // Not the library's own question, which takes the end of the line for an answer.
            in_time(self.session.run_command_and_check_ok("NOOP")).await?;
            return Ok(self);
        }
        let folder = in_time(self.session.select(&self.settings.inbox)).await?;
        if folder.exists > self.left {
            return Ok(self);
        }
        let mut idle = self.session.idle();
        in_time(idle.init()).await?;
        let (waiting, _stop) = idle.wait_with_timeout(at_most);
        waiting.await?;
        // The line may have died without a word while nothing was to be said on it.
        self.session = in_time(idle.done()).await?;
        Ok(self)
    }

    /// Says goodbye; errors do not matter any more.
    pub async fn close(mut self) {
        let _ = self.session.logout().await;
    }
}

async fn connect(endpoint: &Endpoint) -> Result<Session<Box<dyn Stream>>, MailboxError> {
    let tcp = endpoint.connect().await?;
    let client = match endpoint.security {
        Security::Implicit => greeted(Box::new(endpoint.protect(tcp).await?)).await?,
        Security::Plain => greeted(Box::new(tcp)).await?,
        Security::StartTls => {
            let mut plain = Client::new(tcp);
            plain.read_response().await?.ok_or_else(silent)?;
            plain.run_command_and_check_ok("STARTTLS", None).await?;
            let protected: Box<dyn Stream> = Box::new(endpoint.protect(plain.into_inner()).await?);
            Client::new(protected)
        }
    };
    let user = endpoint.user.clone().unwrap_or_default();
    match client.login(user, &endpoint.password).await {
        Ok(session) => Ok(session),
        Err((async_imap::error::Error::No(text) | async_imap::error::Error::Bad(text), _)) => {
            Err(MailboxError::Refused(text))
        }
        Err((other, _)) => Err(other.into()),
    }
}

async fn greeted(stream: Box<dyn Stream>) -> Result<Client<Box<dyn Stream>>, MailboxError> {
    let mut client = Client::new(stream);
    client.read_response().await?.ok_or_else(silent)?;
    Ok(client)
}

/// One answer of the server, or `Unreachable` when it takes too long.
async fn in_time<T, E>(answer: impl Future<Output = Result<T, E>>) -> Result<T, MailboxError>
where
    MailboxError: From<E>,
{
    Ok(tokio::time::timeout(ANSWER_TIMEOUT, answer).await.map_err(|_| silent())??)
}

fn lost() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

fn silent() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the server is silent")
}

/// Messages in the order of arrival, small ones in groups.
fn groups(waiting: &[(u32, u32)]) -> Vec<Vec<(u32, u32)>> {
    let mut groups: Vec<Vec<(u32, u32)>> = Vec::new();
    let mut room = 0u32;
    for (uid, size) in waiting.iter().copied() {
        match groups.last_mut() {
            Some(group) if size <= room && size <= SMALL && group.len() < TOGETHER_COUNT => {
                group.push((uid, size))
            }
            _ => {
                groups.push(vec![(uid, size)]);
                room = if size > SMALL { 0 } else { TOGETHER };
            }
        }
        room = room.saturating_sub(size.max(1));
    }
    groups
}

/// UIDs as an IMAP set, consecutive ones as ranges.
fn uid_set(uids: impl Iterator<Item = u32>) -> String {
    let sorted: BTreeSet<u32> = uids.collect();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in sorted {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == uid => *end = uid,
            _ => ranges.push((uid, uid)),
        }
    }
    let words = ranges.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}:{b}") });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_written_as_ranges() {
        assert_eq!(uid_set([7, 3, 4, 5, 9].into_iter()), "3:5,7,9");
        assert_eq!(uid_set(std::iter::empty()), "");
    }

    #[test]
    fn large_messages_travel_alone_and_small_ones_together() {
        let big = SMALL + 1;
        let got = groups(&[(1, 10), (2, 10), (3, big), (4, 10), (5, 10)]);
        assert_eq!(got, [vec![(1, 10), (2, 10)], vec![(3, big)], vec![(4, 10), (5, 10)]]);
        let many: Vec<(u32, u32)> = (0..200).map(|u| (u, 1)).collect();
        assert!(groups(&many).iter().all(|g| g.len() <= TOGETHER_COUNT));
        let heavy: Vec<(u32, u32)> = (0..20).map(|u| (u, SMALL)).collect();
        assert!(groups(&heavy).iter().all(|g| g.iter().map(|(_, s)| s).sum::<u32>() <= TOGETHER));
    }
}
