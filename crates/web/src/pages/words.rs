//! Pages made of words only: accessibility statement, privacy notice, help, shortcuts; and the page of a fault.
//!
//! They need no account and no store. The prose is in the templates, one per language.

use crate::prefs::Lang;
use crate::view::{Sampled, View};
use askama::Template;

/// Which page of prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Accessibility statement.
    Accessibility,
    /// Privacy notice.
    Privacy,
    /// Help.
    Help,
}

/// A page of prose.
#[derive(Template)]
#[template(path = "pages/prose.html")]
pub struct Prose {
    /// Chrome.
    pub view: View,
    /// Key of the title.
    pub title: &'static str,
    /// Which prose.
    pub subject: Subject,
}

impl Prose {
    /// The page about a subject.
    pub fn about(view: View, subject: Subject) -> Self {
        let title = match subject {
            Subject::Accessibility => "accessibility-title",
            Subject::Privacy => "privacy-title",
            Subject::Help => "help-title",
        };
        Self { view, title, subject }
    }
}

impl Sampled for Prose {
    fn samples(view: View) -> Vec<Self> {
        let subjects = [Subject::Accessibility, Subject::Privacy, Subject::Help];
        subjects.into_iter().map(|subject| Self::about(view.clone(), subject)).collect()
    }
}

/// One line of the list of shortcuts.
pub struct ShortcutLine {
    /// Keys, pressed one after the other.
    pub keys: &'static [&'static str],
    /// Key of what it does.
    pub words: &'static str,
}

/// What `telaio.js` listens to, in the order of use.
const SHORTCUTS: &[ShortcutLine] = &[
    ShortcutLine { keys: &["/"], words: "shortcut-search" },
    ShortcutLine { keys: &["n"], words: "shortcut-new" },
    ShortcutLine { keys: &["g", "r"], words: "shortcut-register" },
    ShortcutLine { keys: &["g", "w"], words: "shortcut-worklist" },
    ShortcutLine { keys: &["g", "d"], words: "shortcut-dossiers" },
    ShortcutLine { keys: &["g", "i"], words: "shortcut-inbox" },
    ShortcutLine { keys: &["g", "s"], words: "shortcut-deliveries" },
    ShortcutLine { keys: &["↑", "↓"], words: "shortcut-arrows" },
    ShortcutLine { keys: &["Esc"], words: "shortcut-escape" },
    ShortcutLine { keys: &["?"], words: "shortcut-list" },
];

/// The list of shortcuts.
#[derive(Template)]
#[template(path = "pages/shortcuts.html")]
pub struct Shortcuts {
    /// Chrome.
    pub view: View,
    /// Every shortcut.
    pub lines: &'static [ShortcutLine],
}

impl Shortcuts {
    /// The page.
    pub fn new(view: View) -> Self {
        Self { view, lines: SHORTCUTS }
    }
}

impl Sampled for Shortcuts {
    fn samples(view: View) -> Vec<Self> {
        vec![Self::new(view)]
    }
}

/// The page of a fault: what happened, how to mend it, under which article.
#[derive(Template)]
#[template(path = "pages/fault.html")]
pub struct FaultPage {
    /// Chrome.
    pub view: View,
    /// The kind of fault, in words.
    pub title: String,
    /// What happened and how to mend it.
    pub detail: String,
    /// One line for each faulty field.
    pub lines: Vec<String>,
    /// The article, for a refusal by law.
    pub law: Option<String>,
    /// What to tell whoever runs the system, for an error of the program.
    pub trace: Option<String>,
}

impl Sampled for FaultPage {
    fn samples(view: View) -> Vec<Self> {
        let bare = |key: &str| Self {
            title: view.t(&format!("fault-{key}-title")),
            detail: view.t(&format!("fault-{key}")),
            view: view.clone(),
            lines: Vec::new(),
            law: None,
            trace: None,
        };
        let mut refusal = bare("invalid");
        refusal.lines = vec![view.t("err-required")];
        refusal.law = Some("D.P.R. 445/2000, art. 54".into());
        let mut bug = bare("bug");
        bug.trace = Some("trc_00000000000000000000000000000001".into());
        vec![bare("not-found"), bug, bare("problem"), bare("storage-full"), bare("damaged"), refusal]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn pages_of_words_hold_in_both_languages_and_all_looks() {
        check_pages::<Prose>();
        check_pages::<Shortcuts>();
        check_pages::<FaultPage>();
    }
}
