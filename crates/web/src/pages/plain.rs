//! Pages and files that need nobody signed in: words, preferences, the files built in.

use super::{Page, html};
use crate::pages::words::{Prose, Shortcuts, Subject};
use crate::routes::{Access, Entry};
use crate::view::View;
use crate::{assets, prefs};
use axum::routing::get;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let public = |path, handler| Entry::page("GET", path, Access::Public, handler);
    vec![
        public("/accessibility", get(|view: View| async { prose(view, Subject::Accessibility) })),
        public("/privacy", get(|view: View| async { prose(view, Subject::Privacy) })),
        public("/help", get(|view: View| async { prose(view, Subject::Help) })),
        public("/shortcuts", get(shortcuts)),
        public("/preferences", get(prefs::change)),
        public("/assets/{hash}/{name}", get(assets::serve)),
    ]
}

fn prose(view: View, subject: Subject) -> Page {
    html(&Prose::about(view, subject))
}

async fn shortcuts(view: View) -> Page {
    html(&Shortcuts::new(view))
}
