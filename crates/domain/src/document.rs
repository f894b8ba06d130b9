//! Documents: the bytes by their fingerprint, and the levels at which they may be seen.

use crate::fault::Invalid;
use serde::{Deserialize, Serialize};

/// How far an entry, dossier or document may be seen (register sheet, §16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidentiality {
    /// Anyone in the body.
    Public,
    /// The office in charge and the offices above it.
    Office,
    /// The persons it is assigned to.
    Assignee,
    /// Named persons only; others see number and date (*riservato*).
    Confidential,
    /// Special categories of data (Reg. (EU) 2016/679, arts. 9 and 10).
    Special,
}

impl Confidentiality {
    /// Every level, least protected first.
    pub const ALL: [Self; 5] =
        [Self::Public, Self::Office, Self::Assignee, Self::Confidential, Self::Special];

    /// The name used by the API and stored in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Office => "office",
            Self::Assignee => "assignee",
            Self::Confidential => "confidential",
            Self::Special => "special",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == text)
            .ok_or_else(|| Invalid::with("/confidentiality", "bad-code", text))
    }
}

/// Longest file name kept, in characters.
pub const NAME_MAX: usize = 200;

/// A file name fit to be stored and offered for download: no path, no control or bidirectional-override
/// characters, no leading dots, not empty, at most [`NAME_MAX`] characters with the extension kept.
pub fn clean_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && !is_direction_mark(*c)).collect();
    let kept = kept.trim().trim_start_matches('.').replace(['"', '<', '>', '|', ':', '*', '?'], "_");
    if kept.is_empty() {
        return "document".to_owned();
    }
    if kept.chars().count() <= NAME_MAX {
        return kept;
    }
    let extension: String = match kept.rsplit_once('.') {
        Some((_, e)) if e.chars().count() <= 12 => format!(".{e}"),
        _ => String::new(),
    };
    let stem: String = kept.chars().take(NAME_MAX - extension.chars().count()).collect();
    stem + &extension
}

fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_and_tricks_are_cut_away() {
        assert_eq!(clean_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_name("C:\\temp\\domanda.pdf"), "domanda.pdf");
        assert_eq!(clean_name("fattura\u{202e}fdp.exe"), "fatturafdp.exe");
        assert_eq!(clean_name("..."), "document");
        assert!(clean_name(&format!("{}.pdf.p7m", "x".repeat(500))).ends_with(".p7m"));
    }

    proptest! {
        #[test]
        fn a_clean_name_is_short_flat_and_stable(given in ".{0,400}") {
            let name = clean_name(&given);
            prop_assert!(!name.is_empty() && name.chars().count() <= NAME_MAX);
            prop_assert!(!name.contains(['/', '\\', '\0']));
            prop_assert_eq!(clean_name(&name), name);
        }
    }
}
