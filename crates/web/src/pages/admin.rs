//! The state of the installation for its administrator: what works, since when, how to mend the rest, what waits.
//!
//! No content of any body stands here: counts, versions and dates only.

use super::{Page, html};
use crate::routes::{Access, Entry};
use crate::view::{Sampled, Shape, View};
use crate::who::Who;
use app::Verb;
use app::health::{Part, State};
use app::use_cases::system::{self, Overview, Queue, Task};
use askama::Template;
use axum::routing::get;
use domain::Moment;
use domain::body::IpaCode;
use domain::ids::{Id, TaskId};
use jiff::Timestamp;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    vec![Entry::page("GET", "/admin", Access::May(Verb::ManageSystem), get(show))]
}

/// The page.
#[derive(Template)]
#[template(path = "admin/system.html")]
pub struct AdminPage {
    view: View,
    overview: Overview,
}

impl AdminPage {
    fn shape(&self, part: &Part) -> Shape {
        match part.state {
            State::Works => Shape::Done,
            State::Warns => Shape::Late,
            State::Fails => Shape::Failed,
            State::Unset => Shape::Idle,
        }
    }

    /// What was seen of a part, in the language of the page where it is a sentence.
    fn seen(&self, part: &Part) -> String {
        match &part.told {
            Some((key, figures)) => self.view.figures(&format!("seen-{key}"), figures),
            None => part.detail.clone(),
        }
    }

    fn at(&self, micros: &i64) -> Timestamp {
        Moment::from_micros(*micros).at
    }
}

impl Sampled for AdminPage {
    fn samples(view: View) -> Vec<Self> {
        let part =
            |name, state, remedy| Part { name, state, detail: "prova".into(), told: None, remedy, since: 1 };
        let queue =
            |name: &str, state: &str| Queue { name: name.into(), state: state.into(), count: 2, oldest: 1 };
        let full = Overview {
            parts: vec![
                part("database", State::Works, None),
                part("seals", State::Warns, Some("remedy-seals")),
                part("storage", State::Fails, Some("remedy-storage")),
                part("tls", State::Unset, None),
            ],
            tasks: vec![Task {
                id: TaskId::from_u128(1),
                body: IpaCode::parse("c_g999").unwrap_or_else(|_| unreachable!("a good code")),
                unit: None,
                account: None,
                kind: "certificate-expiring".into(),
                about: "Comune di Prova".into(),
                href: "/admin".into(),
                proposal: Some("renew".into()),
                case: None,
                due_on: "2026-12-20".parse().ok(),
                created_at: 1,
                done_at: None,
            }],
            queues: vec![queue("outbox", "stuck"), queue("inbox", "waiting")],
            version: "0.1.0",
            engine: "SQLite",
            schema: 60,
        };
        let empty = Overview { parts: Vec::new(), tasks: Vec::new(), queues: Vec::new(), ..full.clone() };
        vec![Self { view: view.clone(), overview: full }, Self { view, overview: empty }]
    }
}

async fn show(view: View, Who(ctx): Who) -> Page {
    let overview = system::overview(&ctx).await?;
    html(&AdminPage { view, overview })
}

#[cfg(test)]
mod tests {
    use super::AdminPage;

    #[test]
    fn every_sample_reads_well() {
        crate::view::testing::check_pages::<AdminPage>();
    }
}
