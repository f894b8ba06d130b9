//! What happened to a dossier or a case, as people read it: append-only rows, newest first.
//!
//! Each row goes with a leaf of the journal, appended here too, so that no event can be told that the journal
//! does not prove.

use crate::journal::{self, Entry};
use crate::{Query, StoreError, Tx};
use domain::body::IpaCode;

const COUNT: &str = "select count(*) from timeline where object = $1";
const INSERT: &str = "insert into timeline (object, position, at, actor, actor_name, kind, about, note) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const OF: &str = "select at, actor_name, kind, about, note from timeline where object = $1 \
    order by position desc limit $2";

/// Who does something, as journal and timeline write it.
#[derive(Debug, Clone, Copy)]
pub struct Doer<'a> {
    /// Body in whose journal it stands.
    pub body: &'a IpaCode,
    /// Account, or the program.
    pub account: &'a str,
    /// Name as people read it.
    pub name: &'a str,
    /// Account for whom it acts.
    pub on_behalf_of: Option<&'a str>,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Happening<'a> {
    /// The dossier or case.
    pub object: &'a str,
    /// Verb of the journal, e.g. `dossier.open`; people read `event-<verb with dashes>`.
    pub verb: &'a str,
    /// Id of the thing it is about, when another (a document, an office, a body).
    pub about: Option<&'a str>,
    /// Reason or note given.
    pub note: Option<&'a str>,
    /// Case it belongs to.
    pub case: Option<&'a str>,
    /// Norm it rests on.
    pub norm: Option<&'a str>,
}

/// One row of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, UTC microseconds.
    pub at: i64,
    /// Who, by name.
    pub actor: String,
    /// What, as the journal's verb.
    pub verb: String,
    /// Id of the thing it is about.
    pub about: Option<String>,
    /// Reason or note.
    pub note: Option<String>,
}

/// Writes an event and its leaf of the journal.
///
/// # Errors
/// Those of the database.
pub fn append(tx: &mut Tx, doer: Doer<'_>, what: Happening<'_>) -> Result<(), StoreError> {
    let at = tx.stamp();
    let position = tx.row(COUNT, &[what.object.into()])?.map_or(Ok(0), |row| row.int(0))?;
    tx.put(
        INSERT,
        &[
            what.object.into(),
            position.into(),
            at.into(),
            doer.account.into(),
            doer.name.into(),
            what.verb.into(),
            what.about.into(),
            what.note.into(),
        ],
    )?;
    let state = format!("{}\n{}", what.about.unwrap_or_default(), what.note.unwrap_or_default());
    let entry = Entry {
        body: doer.body,
        actor: doer.account,
        on_behalf_of: doer.on_behalf_of,
        verb: what.verb,
        subject: what.object,
        case: what.case,
        norm: what.norm,
        state: state.as_bytes(),
    };
    journal::append(tx, entry).map(|_| ())
}

/// The latest events of a thing, newest first.
///
/// # Errors
/// Those of the database.
pub fn of(query: &mut impl Query, object: &str, limit: i64) -> Result<Vec<Event>, StoreError> {
    let rows = query.rows(OF, &[object.into(), limit.into()])?;
    rows.iter()
        .map(|row| {
            Ok(Event {
                at: row.int(0)?,
                actor: row.text(1)?.to_owned(),
                verb: row.text(2)?.to_owned(),
                about: row.opt_text(3)?.map(str::to_owned),
                note: row.opt_text(4)?.map(str::to_owned),
            })
        })
        .collect()
}
