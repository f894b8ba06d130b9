//! Bringing in an old register: which column is what, a trial with the first rows as they were understood, the
//! confirmation, and the report row by row. The page works without script: while rows are written it asks the
//! browser to come back.

use crate::error::Fault;
use crate::forms::{self, Form};
use crate::pages::html;
use crate::view::{Choice, Faults, Sampled, View};
use crate::who::Who;
use crate::{guard, upload};
use app::use_cases::bodies;
use app::use_cases::register::import_job::{self, FILE_MAX, Job, Standing};
use app::use_cases::register::import_mapping::ReadRow;
use app::use_cases::register::import_old::{Import, ReportRow, Verdict};
use app::{Context, Error};
use askama::Template;
use axum::body::Bytes;
use axum::extract::Multipart;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use domain::Invalid;
use domain::body::{AooCode, RegisterCode};
use domain::register::number_label;
use jiff::Timestamp;

/// The file and the small fields beside it, bytes.
pub const BODY_MAX: usize = FILE_MAX + 64 * 1024;
/// Rows of the report shown; faulty ones go first.
const ROWS_SHOWN: usize = 100;
/// Seconds after which the browser asks again how far it is.
const AGAIN: &str = "2";

/// Columns of the old file: name of the field, whether it must be there, a common title.
const COLUMNS: [(&str, bool, &str); 10] = [
    ("number", true, "NUMERO"),
    ("date", true, "DATA"),
    ("time", false, ""),
    ("direction", true, "TIPO"),
    ("subject", true, "OGGETTO"),
    ("correspondents", true, "CORRISPONDENTE"),
    ("tax_code", false, ""),
    ("classification", false, ""),
    ("sender_number", false, ""),
    ("annulled", false, ""),
];

/// How values are written: name of the field and common value.
const FORMATS: [(&str, &str); 5] =
    [("delimiter", ";"), ("encoding", "utf-8"), ("date", "%d/%m/%Y"), ("time", "%H:%M"), ("separator", "|")];

/// Words of the direction column: direction and common word.
const DIRECTIONS: [(&str, &str); 3] = [("incoming", "E"), ("outgoing", "U"), ("internal", "I")];

/// A field of the mapping.
pub struct Field {
    /// Name sent.
    pub name: String,
    /// Key of its words.
    pub key: String,
    /// Value.
    pub value: String,
    /// Whether it must be filled.
    pub required: bool,
}

/// A row as it was understood.
pub struct FirstRow {
    /// Line of the file.
    pub line: u64,
    /// `0001234/2026`.
    pub label: String,
    /// When.
    pub at: Timestamp,
    /// Direction.
    pub direction: &'static str,
    /// Subject.
    pub subject: String,
    /// First correspondent.
    pub who: String,
}

/// A row of the report.
pub struct Told {
    /// Line of the file.
    pub line: u64,
    /// Number and year, when they could be read.
    pub label: String,
    /// Code of the verdict.
    pub verdict: &'static str,
    /// Faults in words.
    pub faults: Vec<String>,
}

/// A report, counted.
#[derive(Default)]
pub struct Report {
    /// Imported, or to be.
    pub imported: usize,
    /// There already.
    pub there: usize,
    /// Faulty.
    pub faulty: usize,
    /// The rows shown.
    pub rows: Vec<Told>,
}

/// The page.
#[derive(Template)]
#[template(path = "register/import.html")]
pub struct ImportPage {
    /// Chrome.
    pub view: View,
    /// Faults of the form.
    pub faults: Faults,
    /// Area and register, as `AREA REGISTER`.
    pub places: Vec<Choice>,
    /// Fields that name columns.
    pub columns: Vec<Field>,
    /// Fields that say how values are written, and the words of the directions.
    pub formats: Vec<Field>,
    /// `tried`, `running`, `done`, `failed`, or `none`.
    pub standing: &'static str,
    /// Rows written so far.
    pub written: usize,
    /// First rows as they were understood.
    pub first: Vec<FirstRow>,
    /// The report of trial or import.
    pub report: Report,
}

impl ImportPage {
    /// The words of a good row.
    pub fn good(&self) -> String {
        self.view.family("import-verdict-", if self.standing == "done" { "imported" } else { "new" })
    }

    /// How many rows the file has.
    pub fn total(&self) -> usize {
        self.report.imported + self.report.there + self.report.faulty
    }
}

/// The mapping of the form as the use case reads it. JSON strings are strings of TOML too.
fn mapping(form: &Form) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut toml = String::from("[columns]\n");
    for (name, ..) in COLUMNS {
        if let Some(value) = form.some(&format!("column_{name}")) {
            toml.push_str(&format!("{name} = {}\n", quoted(value)));
        }
    }
    toml.push_str("[format]\n");
    for (name, _) in FORMATS {
        if let Some(value) = form.some(&format!("format_{name}")) {
            toml.push_str(&format!("{name} = {}\n", quoted(value)));
        }
    }
    toml.push_str("[directions]\n");
    for (name, _) in DIRECTIONS {
        if let Some(word) = form.some(&format!("word_{name}")) {
            toml.push_str(&format!("{} = {}\n", quoted(word), quoted(name)));
        }
    }
    toml
}

fn fields(form: &Form) -> (Vec<Field>, Vec<Field>) {
    let given = |name: &str, usual: &str| match form.has(name) {
        true => form.text(name).to_owned(),
        false => usual.to_owned(),
    };
    let field = |start: &str, name: &str, usual: &str, required: bool| {
        let full = format!("{start}_{name}");
        let key = format!("import-{start}-{}", name.replace('_', "-"));
        Field { value: given(&full, usual), name: full, key, required }
    };
    let columns = COLUMNS.iter().map(|(name, required, usual)| field("column", name, usual, *required));
    let formats = FORMATS.iter().map(|(name, usual)| field("format", name, usual, true));
    let words = DIRECTIONS.iter().map(|(name, usual)| field("word", name, usual, false));
    (columns.collect(), formats.chain(words).collect())
}

async fn page(ctx: &Context, view: View, form: &Form, faults: Faults) -> Result<ImportPage, Fault> {
    let own = bodies::find(ctx, ctx.actor.body.as_str()).await?;
    let chosen = form.text("place");
    let place = |aoo: &domain::body::Aoo, register: &domain::body::RegisterInfo| {
        let value = format!("{} {}", aoo.code, register.code);
        Choice::new(value, format!("{} · {}", aoo.name, register.name), chosen)
    };
    let places =
        own.aoos.iter().flat_map(|aoo| aoo.registers.iter().map(move |register| place(aoo, register)));
    let (columns, formats) = fields(form);
    let page = ImportPage {
        faults,
        places: places.collect(),
        columns,
        formats,
        standing: "none",
        written: 0,
        first: Vec::new(),
        report: Report::default(),
        view,
    };
    Ok(match import_job::find(ctx)? {
        Some(job) if !page.faults.any() => with_job(page, &job),
        _ => page,
    })
}

fn with_job(mut page: ImportPage, job: &Job) -> ImportPage {
    page.first = job.first.iter().filter_map(first).collect();
    let rows = match job.standing() {
        Standing::Tried => {
            page.standing = "tried";
            &job.trial
        }
        Standing::Running(written) => {
            (page.standing, page.written) = ("running", written);
            &job.trial
        }
        Standing::Done(report) => {
            page.standing = "done";
            report
        }
        Standing::Failed => {
            page.standing = "failed";
            &job.trial[..0]
        }
    };
    page.report = report(&page.view, rows, page.standing == "done");
    page
}

fn first(row: &ReadRow) -> Option<FirstRow> {
    let entry = row.entry.as_ref().ok()?;
    Some(FirstRow {
        line: row.line,
        label: format!("{}/{}", number_label(entry.number), entry.year),
        at: entry.registered_at,
        direction: entry.direction.name(),
        subject: entry.subject.clone(),
        who: entry.correspondents.first().map(|one| one.name.clone()).unwrap_or_default(),
    })
}

/// Counts a report and puts its rows in words; `written` says whether the good ones are in the register already.
fn report(view: &View, rows: &[ReportRow], written: bool) -> Report {
    let mut all = Report::default();
    for row in rows {
        match row.verdict {
            Verdict::Imported => all.imported += 1,
            Verdict::AlreadyThere => all.there += 1,
            Verdict::Faulty(_) => all.faulty += 1,
        }
    }
    let faulty = |row: &&ReportRow| matches!(row.verdict, Verdict::Faulty(_));
    let ordered = rows.iter().filter(faulty).chain(rows.iter().filter(|row| !faulty(row)));
    all.rows = ordered.take(ROWS_SHOWN).map(|row| told(view, row, written)).collect();
    all
}

fn told(view: &View, row: &ReportRow, written: bool) -> Told {
    let label = row.number.map(|(number, year)| format!("{}/{year}", number_label(number)));
    let (verdict, faults) = match &row.verdict {
        Verdict::Imported => (if written { "imported" } else { "new" }, Vec::new()),
        Verdict::AlreadyThere => ("there", Vec::new()),
        Verdict::Faulty(invalid) => {
            let said = |fault: &domain::FieldError| {
                let column = fault.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
                let column = view.family("import-column-", column.replace('_', "-"));
                format!("{column}: {}", guard::field_words(fault, view.lang))
            };
            ("faulty", invalid.errors.iter().map(said).collect())
        }
    };
    Told { line: row.line, label: label.unwrap_or_default(), verdict, faults }
}

/// `GET /register/import`
pub async fn show(Who(ctx): Who, view: View) -> Result<Response, Fault> {
    let page = page(&ctx, view, &Form::default(), Faults::default()).await?;
    let mut answer = html(&page)?.into_response();
    if page.standing == "running" {
        answer.headers_mut().insert(HeaderName::from_static("refresh"), HeaderValue::from_static(AGAIN));
    }
    Ok(answer)
}

/// `POST /register/import`: the trial.
pub async fn try_file(Who(ctx): Who, view: View, mut parts: Multipart) -> Result<Response, Fault> {
    let (mut pairs, mut file) = (Vec::new(), Vec::new());
    while let Some(part) = upload::next_part(&mut parts).await? {
        match part.name().unwrap_or_default().to_owned().as_str() {
            "file" => {
                file = part.bytes().await.map_err(|_| Fault::TooLarge(FILE_MAX as u64))?.to_vec();
            }
            name => pairs.push((name.to_owned(), upload::utf8_part(part, "/form").await?)),
        }
    }
    let form = Form::of(pairs);
    forms::check_token(&view.csrf, form.text("csrf"))?;
    match tried(&ctx, &form, file).await {
        Ok(()) => Ok(Redirect::to("/register/import").into_response()),
        Err(Error::Invalid(invalid)) => {
            let faults = view.faults(&on_page(invalid));
            let shown = page(&ctx, view, &form, faults).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&shown)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

async fn tried(ctx: &Context, form: &Form, file: Vec<u8>) -> app::Result<()> {
    if file.is_empty() {
        return Err(Invalid::one("/file", "empty-file").into());
    }
    let (aoo, register) = form.text("place").split_once(' ').unwrap_or_default();
    let (aoo, register) = (AooCode::parse(aoo)?, RegisterCode::parse(register)?);
    let import = Import { aoo, register, mapping: mapping(form), file, dry_run: true };
    import_job::try_file(ctx, import).await
}

/// Faults of the mapping stand beside the field in which the column was named; those of the whole, at the file.
fn on_page(mut invalid: Invalid) -> Invalid {
    for fault in &mut invalid.errors {
        fault.pointer = match fault.pointer.as_str() {
            "/mapping/format/delimiter" => "/format_delimiter".into(),
            "/mapping/format/encoding" => "/format_encoding".into(),
            "/aoo" | "/register" => "/place".into(),
            _ => "/file".into(),
        };
    }
    invalid
}

/// `POST /register/import/confirm`
pub async fn confirm(Who(ctx): Who, view: View, body: Bytes) -> Result<Redirect, Fault> {
    let form = Form::read(&body)?;
    forms::check_token(&view.csrf, form.text("csrf"))?;
    import_job::confirm(&ctx)?;
    Ok(Redirect::to("/register/import"))
}

impl Sampled for ImportPage {
    fn samples(view: View) -> Vec<Self> {
        let page = |standing: &'static str| {
            let (columns, formats) = fields(&Form::default());
            let told = |verdict: &'static str| Told {
                line: 2,
                label: "0000007/2020".into(),
                verdict,
                faults: vec!["date: <b>x".into()],
            };
            Self {
                faults: Faults::default(),
                places: vec![Choice::new("A1B2C3D RG", "Area unica · Generale", "")],
                columns,
                formats,
                standing,
                written: 3,
                first: vec![FirstRow {
                    line: 2,
                    label: "0000007/2020".into(),
                    at: Timestamp::UNIX_EPOCH,
                    direction: "incoming",
                    subject: "Prova <b>".into(),
                    who: "Prova Uno".into(),
                }],
                report: Report {
                    imported: 1,
                    there: 1,
                    faulty: 1,
                    rows: vec![told("imported"), told("there"), told("faulty")],
                },
                view: view.clone(),
            }
        };
        ["none", "tried", "running", "done", "failed"].map(page).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::use_cases::register::import_mapping::read_mapping;

    #[test]
    fn the_form_makes_a_mapping_and_quotes_cannot_break_it() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut pairs: Vec<_> =
            COLUMNS.iter().map(|(name, _, usual)| pair(&format!("column_{name}"), usual)).collect();
        pairs.extend(FORMATS.iter().map(|(name, usual)| pair(&format!("format_{name}"), usual)));
        pairs.push(pair("word_incoming", "E\"\n[x]"));
        let read = read_mapping(&mapping(&Form::of(pairs))).unwrap();
        assert_eq!((read.columns.subject.as_str(), read.columns.time), ("OGGETTO", None));
        assert_eq!(read.directions["E\"\n[x]"], "incoming");
    }
}
