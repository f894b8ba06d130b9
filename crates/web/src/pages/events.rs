//! Puts the timeline of a dossier or case into words.
//!
//! An event is a verb with, sometimes, the thing it is about: a state, a level, an office, an entry. States and
//! levels are translated, ids are replaced by the names at hand, anything else is shown as it is.

use crate::i18n;
use crate::view::{Shape, TimelineEntry, View};
use app::use_cases::dossier::Event;
use domain::dossier::DOSSIER_LAW;
use std::collections::BTreeMap;

/// Names by id, for what events are about.
pub type Names = BTreeMap<String, String>;

/// The events of a thing in words, newest first.
pub fn entries(view: &View, events: &[Event], names: &Names) -> Vec<TimelineEntry> {
    events.iter().map(|event| entry(view, event, names)).collect()
}

fn entry(view: &View, event: &Event, names: &Names) -> TimelineEntry {
    let verb = event.verb.replace('.', "-");
    let about = event.about.as_deref().map(|about| word(view, &event.verb, about, names)).unwrap_or_default();
    let proof =
        event.about.as_deref().filter(|about| about.starts_with("reg_")).map(|id| format!("/register/{id}"));
    TimelineEntry {
        at: domain::Moment::from_micros(event.at).at,
        what: view.t1(&format!("event-{verb}"), "about", about),
        actor: event.actor.clone(),
        proof,
        norm: norm(&event.verb),
        note: event.note.clone(),
        shape: Shape::Done,
    }
}

/// The norm an event rests on, where one asks for it.
fn norm(verb: &str) -> Option<String> {
    let archival = ["dossier.open", "dossier.file", "dossier.share", "dossier.officer"];
    archival.contains(&verb).then(|| DOSSIER_LAW.to_string())
}

fn word(view: &View, verb: &str, about: &str, names: &Names) -> String {
    let family = match verb {
        "dossier.state" => "dossier-state-",
        "dossier.confidentiality" => "confidentiality-",
        "case.state" => "case-state-",
        _ => return names.get(about).cloned().unwrap_or_else(|| about.to_owned()),
    };
    let key = format!("{family}{about}");
    if i18n::has(view.lang, &key) { view.t(&key) } else { about.to_owned() }
}
