//! Templates of letters of each body, version by version. Whether a text is a good template is judged before.

use domain::body::IpaCode;
use domain::ids::TemplateId;

use crate::journal::{self, Entry};
use crate::{Query, Row, StoreError, Tx};

const INSERT: &str = "insert into letter_templates (id, version, body, title, content, retired, saved_by, \
    saved_by_name, saved_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const OF_BODY: &str = "select t.id, t.version, t.body, t.title, t.content, t.retired, t.saved_by, t.saved_by_name, \
    t.saved_at from letter_templates t where t.body = $1 and t.version = \
    (select max(v.version) from letter_templates v where v.id = t.id) order by t.title, t.id limit 500";
const VERSIONS: &str = "select id, version, body, title, content, retired, saved_by, saved_by_name, saved_at \
    from letter_templates where body = $1 and id = $2 order by version desc";

/// One version of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Which.
    pub id: TemplateId,
    /// Version, from 1.
    pub version: i64,
    /// Body.
    pub body: IpaCode,
    /// Title.
    pub title: String,
    /// The whole text with its declarations.
    pub content: String,
    /// Offered no more.
    pub retired: bool,
    /// Who saved it, as in the journal.
    pub saved_by: String,
    /// Who saved it, by name.
    pub saved_by_name: String,
    /// When, UTC microseconds.
    pub saved_at: i64,
}

/// Adds a version.
///
/// # Errors
/// `Constraint` (`is_duplicate`) when somebody saved the same version before; those of the database.
pub fn insert(tx: &mut Tx, it: &Template) -> Result<(), StoreError> {
    tx.execute(
        INSERT,
        &[
            it.id.as_str().into(),
            it.version.into(),
            it.body.as_str().into(),
            it.title.as_str().into(),
            it.content.as_str().into(),
            i64::from(it.retired).into(),
            it.saved_by.as_str().into(),
            it.saved_by_name.as_str().into(),
            it.saved_at.into(),
        ],
    )?;
    journal::append(
        tx,
        Entry {
            body: &it.body,
            actor: &it.saved_by,
            on_behalf_of: None,
            verb: if it.retired { "template.retire" } else { "template.save" },
            subject: it.id.as_str(),
            case: None,
            norm: None,
            state: it.content.as_bytes(),
        },
    )?;
    Ok(())
}

/// The newest version of every template of a body, by title, also retired ones.
///
/// # Errors
/// Those of the database.
pub fn of_body(query: &mut impl Query, body: &IpaCode) -> Result<Vec<Template>, StoreError> {
    query.rows(OF_BODY, &[body.as_str().into()])?.iter().map(read).collect()
}

/// Every version of a template of a body, newest first; none for another body's.
///
/// # Errors
/// Those of the database.
pub fn versions(
    query: &mut impl Query,
    body: &IpaCode,
    id: &TemplateId,
) -> Result<Vec<Template>, StoreError> {
    query.rows(VERSIONS, &[body.as_str().into(), id.as_str().into()])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Template, StoreError> {
    Ok(Template {
        id: row.parse(0)?,
        version: row.int(1)?,
        body: row.parse(2)?,
        title: row.text(3)?.to_owned(),
        content: row.text(4)?.to_owned(),
        retired: row.int(5)? == 1,
        saved_by: row.text(6)?.to_owned(),
        saved_by_name: row.text(7)?.to_owned(),
        saved_at: row.int(8)?,
    })
}
