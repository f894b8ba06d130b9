//! The classification scheme (*titolario*): a tree of titles and classes by which every document is filed.
//!
//! A scheme is the body's own act: it is imported whole, checked as a tree, and replaced by another from a date.
//! This file also proposes a class for a subject by the words they share, and says which words, so that the
//! person decides. It must not know how schemes are stored or read from files.

use crate::fault::Invalid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most classes of one scheme.
pub const CLASSES_MAX: usize = 5_000;
/// Longest name of a class, in characters.
pub const NAME_MAX: usize = 300;

/// One node of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Code, e.g. `VI.3`; that of a title has no dot.
    pub code: String,
    /// Name.
    pub name: String,
}

impl Class {
    /// Code of the node above, if any.
    pub fn parent(&self) -> Option<&str> {
        self.code.rsplit_once('.').map(|(above, _)| above)
    }

    /// How deep it stands: 0 for a title.
    pub fn depth(&self) -> usize {
        self.code.matches('.').count()
    }
}

/// A whole scheme, in the order of its act.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scheme {
    /// Every class, a title before its classes.
    pub classes: Vec<Class>,
}

/// A proposed class and the words that speak for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion<'a> {
    /// The class.
    pub class: &'a Class,
    /// Words of the subject that its name, or its title's, shares.
    pub because: Vec<String>,
}

impl Scheme {
    /// Checks rows as a tree: codes well formed and once each, every class under a known one.
    ///
    /// # Errors
    /// `Invalid`, with the row (counted from 0) in the pointer.
    pub fn checked(classes: Vec<Class>) -> Result<Self, Invalid> {
        let mut faults = Invalid::default();
        if classes.is_empty() {
            faults.add("/classes", "required");
        }
        if classes.len() > CLASSES_MAX {
            faults.add_with("/classes", "too-many", CLASSES_MAX.to_string());
        }
        let mut seen = std::collections::BTreeSet::new();
        for (row, class) in classes.iter().enumerate() {
            let at = |field: &str| format!("/classes/{row}/{field}");
            if !is_code(&class.code) {
                faults.add_with(at("code"), "bad-code", class.code.chars().take(40).collect::<String>());
            } else if !seen.insert(class.code.as_str()) {
                faults.add_with(at("code"), "class-twice", class.code.clone());
            } else if class.parent().is_some_and(|above| !seen.contains(above)) {
                faults.add_with(at("code"), "class-without-parent", class.code.clone());
            }
            if class.name.trim().is_empty() {
                faults.add(at("name"), "required");
            } else if class.name.chars().count() > NAME_MAX {
                faults.add_with(at("name"), "too-long", NAME_MAX.to_string());
            }
        }
        faults.or(Self { classes })
    }

    /// A class by its code.
    pub fn find(&self, code: &str) -> Option<&Class> {
        self.classes.iter().find(|class| class.code == code)
    }

    /// The classes whose code begins so, or whose name has all the words typed.
    pub fn search(&self, typed: &str) -> Vec<&Class> {
        let wanted: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
        let code = typed.trim().to_uppercase();
        let fits = |class: &&Class| {
            let name = class.name.to_lowercase();
            (!code.is_empty() && class.code.starts_with(&code))
                || wanted.iter().all(|word| name.contains(word))
        };
        self.classes.iter().filter(fits).collect()
    }

    /// The classes that share most with a subject, best first. A word counts more the fewer classes have it, and
    /// the name of the title counts half; titles alone are never proposed, because documents go into classes.
    pub fn suggest(&self, subject: &str, limit: usize) -> Vec<Suggestion<'_>> {
        let wanted = stems(subject);
        let mut frequency: BTreeMap<String, u32> = BTreeMap::new();
        for class in &self.classes {
            for (stem, _) in stems(&class.name) {
                *frequency.entry(stem).or_default() += 1;
            }
        }
        let weight = |stem: &str| 1.0 / f64::from(*frequency.get(stem).unwrap_or(&1));
        let mut found: Vec<(f64, Suggestion<'_>)> = Vec::new();
        for class in self.classes.iter().filter(|class| class.depth() > 0) {
            let own = stems(&class.name);
            let above = class.parent().and_then(|code| self.find(code)).map(|title| stems(&title.name));
            let (mut score, mut because) = (0.0, Vec::new());
            for (stem, word) in &wanted {
                if own.contains_key(stem) {
                    score += weight(stem);
                } else if above.as_ref().is_some_and(|title| title.contains_key(stem)) {
                    score += weight(stem) / 2.0;
                } else {
                    continue;
                }
                because.push(word.clone());
            }
            if score > 0.0 {
                found.push((score, Suggestion { class, because }));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.into_iter().take(limit).map(|(_, suggestion)| suggestion).collect()
    }
}

/// Codes are upper-case letters and digits in groups joined by dots, at most 32 characters.
fn is_code(code: &str) -> bool {
    code.len() <= 32
        && code.split('.').all(|group| {
            !group.is_empty() && group.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
}

/// Words that say nothing about a matter.
const EMPTY: &[&str] = &[
    "alla",
    "alle",
    "allo",
    "agli",
    "anche",
    "come",
    "dalla",
    "dalle",
    "degli",
    "della",
    "delle",
    "dello",
    "nella",
    "nelle",
    "negli",
    "oggetto",
    "per",
    "con",
    "sulla",
    "sulle",
    "richiesta",
    "domanda",
    "invio",
    "documenti",
    "trasmissione",
    "comunicazione",
];

/// The telling words of a text, each under a stem that joins singular and plural: the word without its last
/// vowels, at least four letters.
fn stems(text: &str) -> BTreeMap<String, String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 3);
    words
        .filter(|word| !EMPTY.contains(word))
        .map(|word| {
            let bare = word.trim_end_matches(['a', 'e', 'i', 'o', 'à', 'è', 'ì', 'ò', 'ù']);
            let stem = if bare.chars().count() >= 4 { bare } else { word };
            (stem.to_owned(), word.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme() -> Scheme {
        let rows = [
            ("VI", "Pianificazione e gestione del territorio"),
            ("VI.3", "Edilizia privata"),
            ("VI.4", "Edilizia pubblica"),
            ("X", "Tutela della salute"),
            ("X.1", "Salute e igiene pubblica"),
        ];
        let class = |(code, name): (&str, &str)| Class { code: code.into(), name: name.into() };
        Scheme::checked(rows.into_iter().map(class).collect()).unwrap()
    }

    #[test]
    fn a_scheme_is_a_tree() {
        let rows = vec![
            Class { code: "I".into(), name: "Uno".into() },
            Class { code: "II.1".into(), name: "Orfana".into() },
            Class { code: "I".into(), name: "Doppia".into() },
            Class { code: "i.2".into(), name: String::new() },
        ];
        let faults = Scheme::checked(rows).unwrap_err();
        let codes: Vec<_> = faults.errors.iter().map(|e| (e.pointer.as_str(), e.code)).collect();
        assert_eq!(
            codes,
            [
                ("/classes/1/code", "class-without-parent"),
                ("/classes/2/code", "class-twice"),
                ("/classes/3/code", "bad-code"),
                ("/classes/3/name", "required"),
            ]
        );
        assert!(Scheme::checked(Vec::new()).is_err());
    }

    #[test]
    fn suggestions_say_which_words_speak_for_them() {
        let scheme = scheme();
        let best = &scheme.suggest("Richiesta di permesso, edilizia privata in via Prova", 3)[0];
        assert_eq!((best.class.code.as_str(), best.because.join(" ").as_str()), ("VI.3", "edilizia privata"));
        assert!(scheme.suggest("Invio documenti", 3).is_empty());
    }

    #[test]
    fn classes_are_found_by_code_or_words() {
        let scheme = scheme();
        let codes = |typed: &str| scheme.search(typed).iter().map(|c| c.code.clone()).collect::<Vec<_>>();
        assert_eq!(codes("vi"), ["VI", "VI.3", "VI.4"]);
        assert_eq!(codes("edilizia priv"), ["VI.3"]);
    }
}
