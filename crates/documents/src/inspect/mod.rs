//! Looking into a file that someone handed in: what it is, and what is wrong
//! with it, by its content and never by its name.
//!
//! Nothing is refused here and nothing is repaired: the flags are facts kept
//! with the document, and the register decides (an unknown or locked file is
//! still registered, LG 3.6). Hostile input is expected: archives are opened
//! within limits, parsers of strangers' formats are fenced against panics.

mod archive;
mod compound;
mod formats;
mod pdf;
mod sniff;

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};

pub use formats::{Format, format_of, formats, media_type_of_name};
pub(crate) use pdf::load as load_pdf;
pub use sniff::media_type;

/// Something an officer should know about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// No bytes at all.
    Empty,
    /// Ends too early or cannot be parsed.
    Damaged,
    /// The name promises another kind of file.
    NameMismatch,
    /// Not among the formats of Annex 2 that the product knows.
    UnknownFormat,
    /// Locked by a password, or some part of it is.
    Encrypted,
    /// Holds macros.
    Macros,
    /// Holds code or actions that run when opened.
    ActiveContent,
    /// Is a program or a script.
    Executable,
    /// Takes parts of itself from elsewhere when opened.
    OutsideLinks,
    /// Carries other files inside.
    EmbeddedFiles,
    /// Unpacks to far more than its size; not looked into.
    Bomb,
    /// Archives within archives beyond the depth looked into.
    TooDeep,
    /// An entry would be written outside the folder of the archive.
    UnsafePath,
    /// Too large to be looked into completely.
    NotFullyInspected,
}

impl Flag {
    /// The stable name used in the API and as the key of texts (`flag-<code>`).
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Flag::Empty => "empty",
            Flag::Damaged => "damaged",
            Flag::NameMismatch => "name-mismatch",
            Flag::UnknownFormat => "unknown-format",
            Flag::Encrypted => "encrypted",
            Flag::Macros => "macros",
            Flag::ActiveContent => "active-content",
            Flag::Executable => "executable",
            Flag::OutsideLinks => "outside-links",
            Flag::EmbeddedFiles => "embedded-files",
            Flag::Bomb => "bomb",
            Flag::TooDeep => "too-deep",
            Flag::UnsafePath => "unsafe-path",
            Flag::NotFullyInspected => "not-fully-inspected",
        }
    }
}

/// How far an inspection goes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most entries of an archive that are looked at.
    pub entries: usize,
    /// Most bytes an archive may unpack to.
    pub unpacked: u64,
    /// Most times an archive may grow when unpacked.
    pub growth: u64,
    /// Deepest nesting of archives.
    pub depth: u8,
    /// Largest file read into memory as a whole, in bytes.
    pub in_memory: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            entries: 10_000,
            unpacked: 2 * 1024 * 1024 * 1024,
            growth: 200,
            depth: 3,
            in_memory: 64 * 1024 * 1024,
        }
    }
}

/// What was found out about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its media type by content.
    pub media_type: &'static str,
    /// What to know about it.
    pub flags: BTreeSet<Flag>,
    /// Pages, where the format has them and they could be counted.
    pub pages: Option<u32>,
    /// The PDF/A level it claims, e.g. `2A`; the claim is not verified.
    pub pdf_a: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

impl Facts {
    fn of(media_type: &'static str, size: u64) -> Facts {
        Facts { media_type, flags: BTreeSet::new(), pages: None, pdf_a: None, size }
    }

    fn flag(&mut self, flag: Flag) {
        self.flags.insert(flag);
    }
}

/// Bytes from the start that suffice to recognise a format.
const HEAD: u64 = 64 * 1024;

/// Looks into a file.
///
/// # Errors
/// Only those of reading `source`; a file that cannot be understood is a fact.
pub fn inspect<R: Read + Seek>(name: &str, mut source: R, limits: &Limits) -> io::Result<Facts> {
    let size = source.seek(SeekFrom::End(0))?;
    let mut head = Vec::new();
    source.seek(SeekFrom::Start(0))?;
    source.by_ref().take(HEAD).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;
    if size == 0 {
        let mut facts = Facts::of("application/octet-stream", 0);
        facts.flag(Flag::Empty);
        return Ok(facts);
    }
    let kind = sniff::media_type(&head);
    let mut facts = match kind {
        "application/zip" => archive::inspect(source, size, limits, 0),
        "application/pdf" => pdf::inspect(source, size, limits)?,
        sniff::COMPOUND => compound::inspect(source, size, limits)?,
        other => Facts::of(refine(other, name), size),
    };
    if facts.media_type == "image/svg+xml" || facts.media_type == "text/html" {
        active_markup(&mut facts, &head);
    }
    judge_name(&mut facts, name);
    Ok(facts)
}

/// Text has no mark of its own: the name may say which of the plain ones it is.
fn refine(kind: &'static str, name: &str) -> &'static str {
    let by_name = media_type_of_name(name);
    match (kind, by_name) {
        ("text/plain", Some(named)) if formats::is_text(named) => named,
        (kind, _) => kind,
    }
}

fn active_markup(facts: &mut Facts, head: &[u8]) {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    if text.contains("<script") || text.contains("javascript:") || text.contains("<iframe") {
        facts.flag(Flag::ActiveContent);
    }
    if facts.size > HEAD {
        facts.flag(Flag::NotFullyInspected);
    }
}

fn judge_name(facts: &mut Facts, name: &str) {
    if formats::is_executable(facts.media_type) || formats::names_a_program(name) {
        facts.flag(Flag::Executable);
    }
    match format_of(facts.media_type) {
        None => facts.flag(Flag::UnknownFormat),
        Some(format) if !format.fits(name) => facts.flag(Flag::NameMismatch),
        Some(_) => {}
    }
}

/// Runs a parser of a stranger's format; a panic inside means damaged input.
pub(crate) fn fenced<T>(work: impl FnOnce() -> Option<T> + std::panic::UnwindSafe) -> Option<T> {
    std::panic::catch_unwind(work).ok().flatten()
}

#[cfg(test)]
mod tests;
