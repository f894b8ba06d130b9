//! Zip files and what is built on them: OOXML, ODF, ASiC, EPUB, plain archives.
//!
//! Sizes are first taken from the directory of the archive, which lies in a
//! bomb; so entries are read through limits too. Nothing is written anywhere.

use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;

use super::{Facts, Flag, Limits, sniff};

/// Largest part (directory, content types, manifest) read of a document.
const PART: u64 = 4 * 1024 * 1024;

/// Looks into an archive that is nested `depth` times.
pub(super) fn inspect<R: Read + Seek>(source: R, size: u64, limits: &Limits, depth: u8) -> Facts {
    let mut facts = Facts::of("application/zip", size);
    let Ok(mut zip) = ZipArchive::new(source) else {
        facts.flag(Flag::Damaged);
        return facts;
    };
    if is_bomb(&mut zip, size, limits) {
        facts.flag(Flag::Bomb);
        return facts;
    }
    let names = entries(&mut zip, &mut facts);
    facts.media_type = kind(&mut zip, &names);
    match facts.media_type {
        kind if kind.contains("openxmlformats") => office(&mut zip, &names, &mut facts),
        kind if kind.contains("opendocument") => open_document(&mut zip, &names, &mut facts),
        "application/zip" => nested(&mut zip, &names, &mut facts, limits, depth),
        _ => {}
    }
    facts
}

fn is_bomb<R: Read + Seek>(zip: &mut ZipArchive<R>, size: u64, limits: &Limits) -> bool {
    const SMALL: u128 = 16 * 1024 * 1024;
    if zip.len() > limits.entries || zip.has_overlapping_entries().unwrap_or(true) {
        return true;
    }
    let unpacked: u128 =
        (0..zip.len()).map(|at| zip.by_index_raw(at).map_or(0, |entry| u128::from(entry.size()))).sum();
    let grown = unpacked > u128::from(size.max(1)) * u128::from(limits.growth);
    unpacked > u128::from(limits.unpacked) || (grown && unpacked > SMALL)
}

/// Names of the entries; notes locked and wandering ones.
fn entries<R: Read + Seek>(zip: &mut ZipArchive<R>, facts: &mut Facts) -> Vec<String> {
    let mut names = Vec::with_capacity(zip.len());
    for at in 0..zip.len() {
        let Ok(entry) = zip.by_index_raw(at) else {
            facts.flag(Flag::Damaged);
            names.push(String::new());
            continue;
        };
        if entry.encrypted() {
            facts.flag(Flag::Encrypted);
        }
        if entry.enclosed_name().is_none() {
            facts.flag(Flag::UnsafePath);
        }
        names.push(entry.name().map(|name| name.into_owned()).unwrap_or_default());
    }
    names
}

/// Reads an entry up to a limit; `None` when locked, damaged or longer.
pub(crate) fn part<R: Read + Seek>(zip: &mut ZipArchive<R>, name: &str, limit: u64) -> Option<Vec<u8>> {
    let entry = zip.by_name(name).ok()?;
    let mut out = Vec::new();
    entry.take(limit + 1).read_to_end(&mut out).ok()?;
    (out.len() as u64 <= limit).then_some(out)
}

fn kind<R: Read + Seek>(zip: &mut ZipArchive<R>, names: &[String]) -> &'static str {
    let has = |name: &str| names.iter().any(|n| n == name);
    if has("mimetype") {
        let declared = part(zip, "mimetype", 256).unwrap_or_default();
        let declared = String::from_utf8_lossy(&declared);
        // Templates are documents too.
        let declared = declared.trim().trim_end_matches("-template");
        if let Some(format) = super::format_of(declared) {
            return format.media_type;
        }
    }
    if has("[Content_Types].xml") {
        let office = [
            ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ];
        for (folder, kind) in office {
            if names.iter().any(|n| n.starts_with(folder)) {
                return kind;
            }
        }
    }
    "application/zip"
}

fn office<R: Read + Seek>(zip: &mut ZipArchive<R>, names: &[String], facts: &mut Facts) {
    let lower: Vec<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
    let types = part(zip, "[Content_Types].xml", PART).unwrap_or_default();
    let declared = String::from_utf8_lossy(&types).to_ascii_lowercase();
    if lower.iter().any(|n| n.ends_with("vbaproject.bin")) || declared.contains("macroenabled") {
        facts.flag(Flag::Macros);
    }
    if lower.iter().any(|n| n.contains("/activex/")) {
        facts.flag(Flag::ActiveContent);
    }
    if lower.iter().any(|n| n.contains("/embeddings/")) {
        facts.flag(Flag::EmbeddedFiles);
    }
    for name in names.iter().filter(|n| n.ends_with(".rels")) {
        let Some(bytes) = part(zip, name, PART) else { continue };
        if fetches_from_outside(&String::from_utf8_lossy(&bytes)) {
            facts.flag(Flag::OutsideLinks);
        }
    }
}

/// Links that people click are harmless; templates, objects and pictures taken
/// from elsewhere are loaded without asking.
fn fetches_from_outside(relations: &str) -> bool {
    relations.split('<').filter(|r| r.contains("TargetMode=\"External\"")).any(|relation| {
        ["/attachedTemplate\"", "/oleObject\"", "/frame\"", "/image\"", "/subDocument\"", "/externalLink\""]
            .iter()
            .any(|kind| relation.contains(kind))
    })
}

fn open_document<R: Read + Seek>(zip: &mut ZipArchive<R>, names: &[String], facts: &mut Facts) {
    // A document keeps an (empty) library index even without macros.
    let module = |n: &String| {
        n.starts_with("Scripts/")
            || (n.starts_with("Basic/")
                && n.ends_with(".xml")
                && !n.ends_with("-lc.xml")
                && !n.ends_with("-lb.xml"))
    };
    if names.iter().any(module) {
        facts.flag(Flag::Macros);
    }
    let manifest = part(zip, "META-INF/manifest.xml", PART).unwrap_or_default();
    if String::from_utf8_lossy(&manifest).contains("encryption-data") {
        facts.flag(Flag::Encrypted);
    }
    if names.iter().any(|n| n.starts_with("Object ") || n.starts_with("ObjectReplacements/")) {
        facts.flag(Flag::EmbeddedFiles);
    }
}

/// Archives inside an archive: their faults are faults of the whole.
fn nested<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    names: &[String],
    facts: &mut Facts,
    limits: &Limits,
    depth: u8,
) {
    let inner = |n: &&String| {
        let n = n.to_ascii_lowercase();
        [".zip", ".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".odt", ".ods", ".odp"]
            .iter()
            .any(|e| n.ends_with(e))
    };
    if names.iter().any(|n| super::formats::names_a_program(n)) {
        facts.flag(Flag::Executable);
    }
    let mut budget = limits.in_memory;
    for name in names.iter().filter(inner) {
        if depth + 1 >= limits.depth {
            facts.flag(Flag::TooDeep);
            return;
        }
        let Some(bytes) = part(zip, name, budget) else {
            facts.flag(Flag::NotFullyInspected);
            continue;
        };
        budget -= bytes.len() as u64;
        if sniff::media_type(&bytes) != "application/zip" {
            continue;
        }
        let size = bytes.len() as u64;
        facts.flags.extend(inspect(Cursor::new(bytes), size, limits, depth + 1).flags);
    }
}
