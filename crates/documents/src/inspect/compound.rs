//! Old Office files (a small file system in a file) and locked new ones, which
//! are wrapped in the same container.
//!
//! Only names of streams are looked for; they stand in the directory as UTF-16.

use std::io::{self, Read};

use super::{Facts, Flag, Limits};

/// Looks for the streams that tell what the file is.
pub(super) fn inspect(source: impl Read, size: u64, limits: &Limits) -> io::Result<Facts> {
    let mut bytes = Vec::new();
    source.take(limits.in_memory).read_to_end(&mut bytes)?;
    let has = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.windows(wide.len()).any(|w| w == wide)
    };
    let kinds = [
        ("WordDocument", "application/msword"),
        ("Workbook", "application/vnd.ms-excel"),
        ("PowerPoint Document", "application/vnd.ms-powerpoint"),
        ("__substg1.0", "application/vnd.ms-outlook"),
    ];
    let locked = has("EncryptedPackage");
    let named = kinds.iter().find(|(stream, _)| has(stream)).map(|(_, kind)| *kind);
    // A locked package does not say which of the new formats it holds.
    let kind = if locked { super::sniff::COMPOUND } else { named.unwrap_or(super::sniff::COMPOUND) };
    let mut facts = Facts::of(kind, size);
    if locked {
        facts.flag(Flag::Encrypted);
    }
    if has("_VBA_PROJECT") || has("Macros") {
        facts.flag(Flag::Macros);
    }
    if size > limits.in_memory {
        facts.flag(Flag::NotFullyInspected);
    }
    Ok(facts)
}
