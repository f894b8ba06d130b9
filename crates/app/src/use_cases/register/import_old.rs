//! Bringing in an old register: numbers are kept, entries are marked as imported, each row gets its verdict.
//!
//! A dry run says what would happen and writes nothing. A second run adds nothing: a number that stands already
//! is left as it is. Since entries need a file, each gets a sheet of text with the data of its row.

use super::access::{readers, signer};
use super::import_mapping::{OldEntry, ReadRow, read_mapping, read_rows};
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use domain::Invalid;
use domain::body::{AooCode, RegisterCode};
use domain::ids::{DocumentId, RegistrationId};
use domain::register::{NewRegistration, RegisteredFile, SenderReference, number_label};
use store::counters::{Numbered, Scope};
use store::register::{self, NewAnnulment, NewEntry};
use store::{Tx, blobs, documents as stored_documents};

/// Rows written in one closure.
const CHUNK: usize = 200;

/// What is to be imported, and where.
#[derive(Debug, Clone)]
pub struct Import {
    /// Area.
    pub aoo: AooCode,
    /// Register.
    pub register: RegisterCode,
    /// The mapping, TOML.
    pub mapping: String,
    /// The file, CSV.
    pub file: Vec<u8>,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Imported (or would be).
    Imported,
    /// The number stands already.
    AlreadyThere,
    /// Not imported, and why.
    Faulty(Invalid),
}

/// One row of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Line of the file.
    pub line: u64,
    /// Number and year, when they could be read.
    pub number: Option<(i64, i64)>,
    /// What became of it.
    pub verdict: Verdict,
}

/// Imports an old register of the actor's body.
///
/// # Errors
/// `Invalid` for mapping or file as a whole; faults of rows are in the report.
pub async fn import_old(ctx: &Context, what: Import) -> Result<Vec<ReportRow>> {
    import_watched(ctx, what, &|_| ()).await
}

/// The same, telling after each step how many rows were judged so far.
///
/// # Errors
/// As [`import_old`]; what was written before a failure stays.
pub async fn import_watched(
    ctx: &Context,
    what: Import,
    tell: &(dyn Fn(usize) + Send + Sync),
) -> Result<Vec<ReportRow>> {
    ctx.may(Verb::ImportRegister)?;
    let mapping = read_mapping(&what.mapping)?;
    let rows = read_rows(&what.file, &mapping)?;
    let mut report = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(CHUNK) {
        let (work, chunk) = (Work { ctx: ctx.clone(), what: what.clone_place() }, chunk.to_vec());
        let part = match what.dry_run {
            true => ctx.read(move |r| chunk.iter().map(|row| work.judge(r, row)).collect()).await?,
            false => {
                ctx.write(move |tx| chunk.iter().map(|row| work.import(tx, row)).collect::<Result<Vec<_>>>())
                    .await?
            }
        };
        report.extend(part);
        tell(report.len());
    }
    Ok(report)
}

impl Import {
    fn clone_place(&self) -> (AooCode, RegisterCode) {
        (self.aoo.clone(), self.register.clone())
    }
}

/// One chunk of the import.
struct Work {
    ctx: Context,
    what: (AooCode, RegisterCode),
}

impl Work {
    fn scope(&self) -> Scope<'_> {
        Scope { body: &self.ctx.actor.body, aoo: &self.what.0, register: &self.what.1 }
    }

    fn judge(&self, query: &mut impl store::Query, row: &ReadRow) -> Result<ReportRow> {
        let verdict = match &row.entry {
            Err(faults) => Verdict::Faulty(faults.clone()),
            Ok(entry) => match register::by_number(query, self.scope(), entry.year, entry.number)? {
                Some(_) => Verdict::AlreadyThere,
                None => Verdict::Imported,
            },
        };
        let number = row.entry.as_ref().ok().map(|entry| (entry.number, entry.year));
        Ok(ReportRow { line: row.line, number, verdict })
    }

    fn import(&self, tx: &mut Tx, row: &ReadRow) -> Result<ReportRow> {
        let judged = self.judge(tx, row)?;
        if let (Verdict::Imported, Ok(entry)) = (&judged.verdict, &row.entry) {
            self.write(tx, entry)?;
        }
        Ok(judged)
    }

    fn write(&self, tx: &mut Tx, old: &OldEntry) -> Result<()> {
        let (body, by) = (&self.ctx.actor.body, signer(&self.ctx.actor));
        let sheet = sheet(old);
        let file = RegisteredFile {
            id: self.ctx.mint::<DocumentId>(),
            sha256: blobs::put_small(tx, body, sheet.as_bytes())?,
            media_type: "text/plain".into(),
            size: sheet.len() as u64,
            name: format!("{}-{}.txt", number_label(old.number), old.year),
        };
        stored_documents::insert(tx, body, &file, by.as_str())?;
        let id = self.ctx.mint::<RegistrationId>();
        let new = self.entry(old);
        let entry = NewEntry {
            id: &id,
            new: &new,
            register: &self.what.1,
            files: std::slice::from_ref(&file),
            by: &by,
            on_behalf_of: None,
            readers: &readers(false, by.as_str(), &[]),
            words: &[],
        };
        let given = Numbered { year: old.year, number: old.number, at: old.registered_at.as_microsecond() };
        register::import(tx, entry, given)?;
        if let Some(act) = &old.annulled {
            let annulment =
                NewAnnulment { reason: act, order_reference: act, by: &by, by_name: &self.ctx.actor.name };
            register::annul(tx, body, &id, annulment)?;
        }
        Ok(())
    }

    fn entry(&self, old: &OldEntry) -> NewRegistration {
        NewRegistration {
            body: self.ctx.actor.body.clone(),
            aoo: self.what.0.clone(),
            register: Some(self.what.1.clone()),
            direction: old.direction,
            subject: old.subject.clone(),
            correspondents: old.correspondents.clone(),
            classification: old.classification.clone(),
            case: None,
            dossier: None,
            confidential: false,
            received_at: None,
            sender_reference: old.sender_number.clone().map(|number| SenderReference { number, date: None }),
        }
    }
}

/// The data of the row, as the file of the entry: the old papers stay where they are.
fn sheet(old: &OldEntry) -> String {
    let who: Vec<&str> = old.correspondents.iter().map(|one| one.name.as_str()).collect();
    format!(
        "{}/{}\n{}\n{}\n{}\n{}\n",
        number_label(old.number),
        old.year,
        domain::Moment::new(old.registered_at).rfc3339(),
        old.direction.name(),
        who.join("; "),
        old.subject,
    )
}
