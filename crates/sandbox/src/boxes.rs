//! The mailboxes: one folder per address, one file per message, and a queue of messages that fall due later.
//!
//! Files are written aside and renamed, so a stop at any moment leaves whole messages. Names carry all that is
//! needed (UID; due time and address), there is no index to lose. Flags are not kept: they mean nothing here.

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// One message of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// UID within the folder.
    pub uid: u32,
    /// Size in bytes.
    pub size: u64,
    /// When it was put here, by the clock of the disk.
    pub arrived: Timestamp,
    path: PathBuf,
}

impl Item {
    /// The bytes.
    ///
    /// # Errors
    /// When the file was moved away meanwhile.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        fs::read(&self.path)
    }
}

/// All mailboxes.
#[derive(Debug)]
pub struct Boxes {
    root: PathBuf,
    /// One writer at a time; also the last UID given per folder.
    last: Mutex<BTreeMap<PathBuf, u32>>,
    /// One at a time hands out what fell due, or two would take the same file.
    releasing: Mutex<()>,
    changed: watch::Sender<u64>,
}

impl Boxes {
    /// Opens the mailboxes of a folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root.join("due"))?;
        fs::create_dir_all(root.join("boxes"))?;
        Ok(Self {
            root: root.to_owned(),
            last: Mutex::default(),
            releasing: Mutex::default(),
            changed: watch::Sender::new(0),
        })
    }

    /// Told whenever any mailbox changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Puts a message into a folder; answers its UID.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, address: &str, folder: &str, raw: &[u8]) -> io::Result<u32> {
        let at = self.folder(address, folder)?;
        let mut last = self.lock();
        let uid = next_uid(&mut last, &at)?;
        write_whole(&at.join(format!("{uid:010}.eml")), raw)?;
        drop(last);
        self.changed.send_modify(|n| *n += 1);
        Ok(uid)
    }

    /// Puts a message into the inbox of an address when `due`; `order` settles ties.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put_later(&self, address: &str, due: Timestamp, order: u64, raw: &[u8]) -> io::Result<()> {
        let name = format!("{:020} {order:020} {}.eml", due.as_microsecond(), safe(address));
        write_whole(&self.root.join("due").join(name), raw)
    }

    /// Puts what fell due into the inboxes, in order; answers how many.
    ///
    /// # Errors
    /// When a file cannot be moved; the rest stays due.
    pub fn release(&self, now: Timestamp) -> io::Result<usize> {
        let _alone = self.releasing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(self.root.join("due"))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        let mut released = 0;
        for name in names {
            let mut words = name.trim_end_matches(".eml").splitn(3, ' ');
            let due = words.next().and_then(|w| w.parse::<i64>().ok());
            let (Some(due), Some(_), Some(address)) = (due, words.next(), words.next()) else { continue };
            if due > now.as_microsecond() {
                break;
            }
            let path = self.root.join("due").join(&name);
            self.put(address, "INBOX", &fs::read(&path)?)?;
            fs::remove_file(path)?;
            released += 1;
        }
        Ok(released)
    }

    /// The messages of a folder by UID; empty when there is none.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self, address: &str, folder: &str) -> io::Result<Vec<Item>> {
        let at = self.path(address, folder);
        if !at.is_dir() {
            return Ok(Vec::new());
        }
        let mut items = Vec::new();
        for entry in fs::read_dir(at)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(uid) = name.strip_suffix(".eml").and_then(|n| n.parse().ok()) {
                let data = entry.metadata()?;
                let arrived = Timestamp::try_from(data.modified()?).map_err(io::Error::other)?;
                items.push(Item { uid, size: data.len(), arrived, path: entry.path() });
            }
        }
        items.sort_unstable_by_key(|i| i.uid);
        Ok(items)
    }

    /// The folders of an address, the inbox always among them.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn folders(&self, address: &str) -> io::Result<Vec<String>> {
        let mut names = vec!["INBOX".to_owned()];
        let at = self.root.join("boxes").join(safe(address));
        if at.is_dir() {
            for entry in fs::read_dir(at)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if name != "INBOX" {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_folder(&self, address: &str, folder: &str) -> io::Result<()> {
        self.folder(address, folder).map(drop)
    }

    /// Moves messages to another folder; answers old and new UIDs.
    ///
    /// # Errors
    /// When one cannot be moved; those before it are.
    pub fn move_to(&self, address: &str, items: &[Item], folder: &str) -> io::Result<Vec<(u32, u32)>> {
        let at = self.folder(address, folder)?;
        let mut last = self.lock();
        let mut moved = Vec::new();
        for item in items {
            let uid = next_uid(&mut last, &at)?;
            fs::rename(&item.path, at.join(format!("{uid:010}.eml")))?;
            moved.push((item.uid, uid));
        }
        drop(last);
        self.changed.send_modify(|n| *n += 1);
        Ok(moved)
    }

    /// Deletes messages.
    ///
    /// # Errors
    /// When one cannot be deleted.
    pub fn delete(&self, items: &[Item]) -> io::Result<()> {
        items.iter().try_for_each(|item| fs::remove_file(&item.path))?;
        self.changed.send_modify(|n| *n += 1);
        Ok(())
    }

    fn path(&self, address: &str, folder: &str) -> PathBuf {
        let folder = if folder.eq_ignore_ascii_case("inbox") { "INBOX".to_owned() } else { safe(folder) };
        self.root.join("boxes").join(safe(address)).join(folder)
    }

    fn folder(&self, address: &str, folder: &str) -> io::Result<PathBuf> {
        let at = self.path(address, folder);
        fs::create_dir_all(&at)?;
        Ok(at)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, u32>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// UIDs only grow, also over restarts: the last one is kept in a file beside the messages.
fn next_uid(last: &mut BTreeMap<PathBuf, u32>, folder: &Path) -> io::Result<u32> {
    let file = folder.join("last-uid");
    let known = match last.get(folder) {
        Some(uid) => *uid,
        None => fs::read_to_string(&file).ok().and_then(|t| t.trim().parse().ok()).unwrap_or(0),
    };
    let uid = known + 1;
    fs::write(file, uid.to_string())?;
    last.insert(folder.to_owned(), uid);
    Ok(uid)
}

fn write_whole(path: &Path, raw: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("tmp");
    fs::File::create(&aside)?.write_all(raw)?;
    fs::rename(aside, path)
}

/// A name that stays within its folder.
fn safe(name: &str) -> String {
    let clean =
        |c: char| if c.is_alphanumeric() || matches!(c, '@' | '.' | '-' | '_' | '+') { c } else { '_' };
    let name: String = name.to_lowercase().chars().map(clean).take(120).collect();
    name.trim_start_matches('.').to_owned()
}
