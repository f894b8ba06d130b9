//! Scans of papers: what may be one, where it stands, and the article under which an official attests that it
//! conforms to the paper it was made from.
//!
//! The attestation is made for each document, after comparing it with the paper (the certification of a whole
//! process, annex 3 of the AgID guidelines, is another way and not this one). Pure: no file is opened here.

use crate::law::Law;

/// A copy for image of a paper has the force of the original when an authorised official attests its conformity.
pub const ATTESTATION_LAW: Law = Law("D.Lgs. 82/2005, art. 22");

/// Media types, by content, that a scanner makes.
pub const MEDIA_TYPES: [&str; 4] = ["application/pdf", "image/jpeg", "image/png", "image/tiff"];

/// Where a scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanState {
    /// A clerk is to look at it.
    Waiting,
    /// It could not be taken; it is there to be told.
    Refused,
    /// Attested and registered.
    Registered,
    /// Set aside by a person.
    Discarded,
}

impl ScanState {
    /// Every state, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Refused, Self::Registered, Self::Discarded];

    /// The stored name, also that of the interface.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Registered => "registered",
            Self::Discarded => "discarded",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == text)
    }
}

/// Why a file cannot be attested, as a stable code: it is no scan, it is locked, or it cannot be read. `flags` are
/// the codes of what was found in it.
#[must_use]
pub fn unfit(media_type: &str, flags: &[&str]) -> Option<&'static str> {
    if !MEDIA_TYPES.contains(&media_type) {
        return Some("not-a-scan");
    }
    // Nobody can attest what nobody can see.
    let [locked, damaged] = ["encrypted", "damaged"].map(|flag| flags.contains(&flag));
    match (locked, damaged) {
        (true, _) => Some("scan-locked"),
        (_, true) => Some("scan-damaged"),
        _ => None,
    }
}

/// Whether a name in a watched folder is one that scanners and copying programs use while they still write.
#[must_use]
pub fn is_unfinished(name: &str) -> bool {
    const WRITING: [&str; 5] = [".part", ".tmp", ".temp", ".filepart", ".crdownload"];
    let lower = name.to_lowercase();
    lower.starts_with(['.', '~']) || WRITING.iter().any(|end| lower.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_readable_pictures_of_papers_are_scans() {
        assert_eq!(unfit("application/pdf", &[]), None);
        assert_eq!(unfit("image/tiff", &["embedded-files"]), None);
        assert_eq!(unfit("text/html", &[]), Some("not-a-scan"));
        assert_eq!(unfit("application/pdf", &["encrypted", "damaged"]), Some("scan-locked"));
        assert_eq!(unfit("application/pdf", &["damaged"]), Some("scan-damaged"));
    }

    #[test]
    fn names_of_files_being_written_are_known() {
        for name in [".scan.pdf", "~lock.pdf", "scan.pdf.PART", "a.tmp"] {
            assert!(is_unfinished(name), "{name}");
        }
        assert!(!is_unfinished("scan 01.pdf"));
        assert!(ScanState::ALL.into_iter().all(|state| ScanState::parse(state.name()) == Some(state)));
    }
}
