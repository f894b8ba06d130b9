//! A new registration: the form, and what comes of sending it.

use super::list::{Row, directions};
use super::new_aids::{self, Proposal};
use super::new_form::{self, CorrespondentRow};
use crate::error::Fault;
use crate::forms::{self, Form};
use crate::pages::html;
use crate::pages::scheme::Branch;
use crate::view::{Choice, Faults, Sampled, View};
use crate::who::Who;
use crate::{security, upload};
use app::use_cases::bodies;
use app::use_cases::register::drafts;
use app::use_cases::register::duplicates::with_same_file;
use app::use_cases::register::files::ReceivedFile;
use app::use_cases::register::read::open_whole;
use app::use_cases::register::register_document::{NewDocument, Registered, register_document};
use app::use_cases::{scans, scheme};
use app::{Context, Error};
use askama::Template;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, RawQuery};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::body::Body;
use domain::ids::ScanId;
use domain::register::{CorrespondentKind, Direction, NewRegistration};
use domain::scan::ScanState;
use domain::scheme::Class;
use domain::{Invalid, Moment};
use jiff::Timestamp;

/// Bodies offered while a name is typed.
const SUGGESTED: usize = 200;
/// Longest subject, characters (register sheet, §5).
const SUBJECT_MAX: usize = 4_000;

/// The page.
#[derive(Template)]
#[template(path = "register/new.html")]
pub struct NewPage {
    /// Chrome.
    pub view: View,
    /// Values typed so far.
    pub form: Form,
    /// Faults of the last attempt.
    pub faults: Faults,
    /// Areas of the body.
    pub aoos: Vec<Choice>,
    /// Directions.
    pub directions: Vec<Choice>,
    /// Rows of correspondents.
    pub rows: Vec<CorrespondentRow>,
    /// Names of bodies to choose from.
    pub bodies: Vec<String>,
    /// Offices to assign to.
    pub units: Vec<Choice>,
    /// Entries that hold the same file already.
    pub same: Vec<Row>,
    /// The scheme, to choose a class from.
    pub branches: Vec<Branch>,
    /// Classes proposed for what was typed.
    pub proposals: Vec<Proposal>,
    /// The draft kept, if any.
    pub draft: Option<DraftNote>,
    /// Id and number of the entry from which the form was filled.
    pub source: Option<(String, String)>,
    /// The scan that is being registered, in place of a file chosen here.
    pub scan: Option<Scanned>,
}

/// A scan that waits, as the form shows it.
pub struct Scanned {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// Pages, when known.
    pub pages: Option<i64>,
    /// Codes of its flags.
    pub flags: Vec<String>,
    /// The words to be attested.
    pub statement: String,
}

/// The draft kept on the server.
#[derive(Debug, Clone, Copy)]
pub struct DraftNote {
    /// When it was saved last.
    pub at: Timestamp,
    /// Whether it is what the form shows; else the form must not write over it by itself.
    pub shown: bool,
}

impl NewPage {
    /// Whether the form may write over the kept draft by itself.
    pub fn autosaves(&self) -> bool {
        self.draft.is_none_or(|note| note.shown)
    }

    /// Kinds of correspondent, the present one chosen.
    pub fn kinds(&self, present: &str) -> Vec<Choice> {
        ["person", "firm", "body", "foreign_body", "office"]
            .into_iter()
            .map(|kind| {
                Choice::new(kind, self.view.family("correspondent-", kind.replace('_', "-")), present)
            })
            .collect()
    }
}

/// `GET /register/new`: empty, from the draft, or from an entry (`?from=reg_…&as=answer|same`).
pub async fn show(Who(ctx): Who, view: View, RawQuery(query): RawQuery) -> Result<Response, Fault> {
    let asked = Form::read(query.unwrap_or_default().as_bytes())?;
    let kept = drafts::find(&ctx).await?;
    let note =
        |shown| kept.as_ref().map(|kept| DraftNote { at: Moment::from_micros(kept.saved_at).at, shown });
    if let Some(id) = asked.some("from") {
        let id = crate::api::registrations::registration_id(id)?;
        let entry = open_whole(&ctx, id).await?.registration;
        let subject = view.t1("source-subject", "subject", entry.subject.as_str());
        let subject: String = subject.chars().take(SUBJECT_MAX).collect();
        let form = new_form::from_entry(&entry, asked.text("as") == "answer", subject);
        let source = Some((entry.id.to_string(), entry.full_label()));
        let page = page(&ctx, view, form, Faults::default()).await?;
        return shown(&NewPage { draft: note(false), source, ..page });
    }
    let empty = asked.pairs().all(|(name, _)| name == "done");
    let form = match (empty, &kept) {
        (true, Some(kept)) => Form::of(kept.fields.clone()),
        _ => asked,
    };
    let page = page(&ctx, view, form, Faults::default()).await?;
    shown(&NewPage { draft: note(empty), ..page })
}

/// The page with the rules that let it show a file that is still in the browser.
fn shown(page: &NewPage) -> Result<Response, Fault> {
    let mut answer = html(page)?.into_response();
    answer
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(security::CSP_VIEWER));
    Ok(answer)
}

async fn page(ctx: &Context, view: View, form: Form, faults: Faults) -> Result<NewPage, Fault> {
    let own = bodies::find(ctx, ctx.actor.body.as_str()).await?;
    let (all, _) = bodies::list(ctx, None, SUGGESTED).await?;
    let (area, unit) = (form.text("aoo").to_owned(), form.text("unit").to_owned());
    let direction = form.some("direction").unwrap_or("incoming").to_owned();
    let proposals = new_aids::proposals(ctx, &view, &form).await?;
    let scan = scanned(ctx, &form).await?;
    // Where a draft of something else is kept, this form must not write over it by itself.
    let other = form.has("other_draft").then_some(DraftNote { at: ctx.moment.at, shown: false });
    Ok(NewPage {
        aoos: own.aoos.into_iter().map(|a| Choice::new(a.code.to_string(), a.name, &area)).collect(),
        directions: directions(&view, &direction),
        rows: new_form::rows(&form),
        bodies: all.into_iter().map(|body| body.name).collect(),
        units: own
            .offices
            .into_iter()
            .filter(|office| office.active)
            .map(|office| Choice::new(office.id.to_string(), office.name, &unit))
            .collect(),
        same: Vec::new(),
        branches: new_aids::branches(scheme::scheme(ctx).await?),
        proposals,
        draft: other,
        source: None,
        scan,
        form,
        faults,
        view,
    })
}

/// The scan that the form names, while it waits; a draft may name one that does not any more.
async fn scanned(ctx: &Context, form: &Form) -> Result<Option<Scanned>, Fault> {
    let Some(id) = form.some("scan").and_then(|id| id.parse().ok()) else { return Ok(None) };
    let scan = match scans::open(ctx, id).await {
        Ok(scan) if scan.state == ScanState::Waiting => scan,
        Ok(_) | Err(Error::NotFound) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    Ok(Some(Scanned {
        id: scan.id.to_string(),
        name: scan.name,
        media_type: scan.media_type,
        size: scan.size,
        pages: scan.pages,
        flags: scan.flags,
        statement: scans::statement(),
    }))
}

/// What the parts of the form brought.
struct Sent {
    form: Form,
    document: Option<ReceivedFile>,
    attachments: Vec<ReceivedFile>,
    faults: Invalid,
}

/// `POST /register/new`
pub async fn send(
    Who(ctx): Who,
    view: View,
    parts: Result<Multipart, MultipartRejection>,
) -> Result<Response, Fault> {
    let parts = parts.map_err(|_| Fault::UnsupportedMedia)?;
    let sent = read_parts(&ctx, &view, parts).await?;
    if sent.form.has("save") {
        drafts::keep(&ctx, &new_form::draft(&sent.form)).await?;
        return Ok(Redirect::to("/register/new?done=draft-saved").into_response());
    }
    if new_form::only_rows(&sent.form) {
        return shown(&page(&ctx, view, sent.form, Faults::default()).await?);
    }
    let reply = sent.form.has("reply");
    let outcome = register(&ctx, &sent).await;
    if matches!(outcome, Ok(Outcome::Done(_))) && !sent.form.has("other_draft") {
        // The number is given: a draft that cannot be thrown away now must not look like a failure.
        if let Err(error) = drafts::discard(&ctx).await {
            tracing::warn!(%error, "the draft of a registered document could not be thrown away");
        }
    }
    match outcome {
        Ok(Outcome::Done(id)) if reply => {
            Ok(Redirect::to(&format!("/register/{id}?done=registered")).into_response())
        }
        Ok(Outcome::Done(id)) => Ok(Redirect::to(&format!("/register/{id}/registered")).into_response()),
        Ok(Outcome::Same(same)) => {
            let faults = view.faults(&Invalid::one("/document", "same-file"));
            let mut page = page(&ctx, view, sent.form, faults).await?;
            page.same = same;
            shown(&page)
        }
        Err(Error::Invalid(invalid)) => {
            let faults = view.faults(&invalid);
            let mut answer = shown(&page(&ctx, view, sent.form, faults).await?)?;
            *answer.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(other) => Err(other.into()),
    }
}

async fn read_parts(ctx: &Context, view: &View, mut parts: Multipart) -> Result<Sent, Fault> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut sent =
        Sent { form: Form::default(), document: None, attachments: Vec::new(), faults: Invalid::default() };
    let mut trusted = false;
    while let Some(part) = upload::next_part(&mut parts).await? {
        let name = part.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "csrf" => {
                forms::check_token(&view.csrf, upload::utf8_part(part, "/csrf").await?.trim())?;
                trusted = true;
            }
            // The token stands first in the form: nothing is stored for who does not bring it.
            _ if !trusted => return Err(Fault::Status(axum::http::StatusCode::FORBIDDEN, "bad-csrf")),
            "document" | "attachment" if upload::is_blank(&part) => {}
            "document" => keep(&mut sent.faults, upload::file_part(ctx, part, "/document").await, |file| {
                sent.document = Some(file);
            })?,
            "attachment" if sent.attachments.len() + 1 < ctx.app.settings.max_files => {
                keep(&mut sent.faults, upload::file_part(ctx, part, "/attachment").await, |file| {
                    sent.attachments.push(file);
                })?;
            }
            "attachment" => {
                return Err(
                    Invalid::with("/attachment", "too-many", ctx.app.settings.max_files.to_string()).into()
                );
            }
            _ => pairs.push((name, upload::utf8_part(part, "/form").await?)),
        }
    }
    if !trusted {
        return Err(Fault::Status(axum::http::StatusCode::FORBIDDEN, "bad-csrf"));
    }
    sent.form = Form::of(pairs);
    Ok(sent)
}

/// A faulty file is told beside its field with the other faults; anything worse ends the request.
fn keep(
    faults: &mut Invalid,
    file: Result<ReceivedFile, Fault>,
    put: impl FnOnce(ReceivedFile),
) -> Result<(), Fault> {
    match file {
        Ok(file) => put(file),
        Err(Fault::App(error)) => match error.as_ref() {
            Error::Invalid(found) => faults.errors.extend(found.errors.iter().cloned()),
            _ => return Err(Fault::App(error)),
        },
        Err(other) => return Err(other),
    }
    Ok(())
}

/// What came of sending the form.
enum Outcome {
    Done(domain::ids::RegistrationId),
    Same(Vec<Row>),
}

async fn register(ctx: &Context, sent: &Sent) -> app::Result<Outcome> {
    let mut faults = sent.faults.clone();
    let scan = match sent.form.some("scan") {
        Some(id) => Some(id.parse::<ScanId>().map_err(|_| Error::NotFound)?),
        None => None,
    };
    if scan.is_some() && !sent.form.has("attested") {
        faults.add("/attested", "not-attested");
    }
    if scan.is_none() && sent.document.is_none() && faults.errors.is_empty() {
        faults.add("/document", "required");
    }
    let read =
        new_form::read(&sent.form, &ctx.actor.body).map_err(|found| faults.errors.extend(found.errors));
    let document = match &scan {
        Some(id) => Some(scans::document(ctx, id).await?),
        None => sent.document.clone(),
    };
    let (Ok((mut new, assignments)), Some(document)) = (read, document) else {
        return Err(faults.into());
    };
    fill_bodies(ctx, &mut new, &mut faults).await?;
    if let Err(found) = new.check(ctx.moment.at) {
        faults.errors.extend(found.errors);
    }
    faults.or(())?;
    if !sent.form.has("again") {
        let same = with_same_file(ctx, &document.bytes.sha256).await?;
        if !same.is_empty() {
            return Ok(Outcome::Same(same.into_iter().map(Row::from).collect()));
        }
    }
    let attachments = sent.attachments.clone();
    if let Some(id) = scan {
        let entry = scans::NewEntry { new, attachments, assignments, attested: true };
        return Ok(Outcome::Done(scans::register(ctx, &id, entry).await?));
    }
    let what = NewDocument { new, document, attachments, assignments, idempotency_key: None };
    Ok(match register_document(ctx, what).await? {
        Registered::New(entry) => Outcome::Done(entry.id),
        Registered::Before(id) => Outcome::Done(id),
    })
}

/// A body named as in the index gets its code and address; one that ceased is not written to: the fault names
/// the heirs with the act that made them.
async fn fill_bodies(ctx: &Context, new: &mut NewRegistration, faults: &mut Invalid) -> app::Result<()> {
    for (i, one) in new.correspondents.iter_mut().enumerate() {
        if one.kind != CorrespondentKind::Body {
            continue;
        }
        let known = match &one.body {
            Some(code) => bodies::find(ctx, code.as_str()).await.ok(),
            None => by_name(ctx, &one.name).await?,
        };
        let Some(body) = known else { continue };
        if new.direction == Direction::Outgoing && body.valid_to.is_some_and(|last| last < ctx.moment.today) {
            let heirs = bodies::heirs(ctx, body.ipa_code.as_str(), None).await?;
            let names: Vec<String> =
                heirs.into_iter().map(|(row, heir)| format!("{} ({})", heir.name, row.law)).collect();
            faults.add_with(format!("/correspondents/{i}/name"), "body-ceased", names.join("; "));
        }
        one.digital_domicile = one.digital_domicile.take().or(body.digital_domicile);
        one.body = Some(body.ipa_code);
    }
    Ok(())
}

async fn by_name(ctx: &Context, name: &str) -> app::Result<Option<Body>> {
    if name.chars().count() > 200 {
        return Ok(None);
    }
    let mut found = bodies::search(ctx, name, 2).await?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

impl Sampled for NewPage {
    fn samples(view: View) -> Vec<Self> {
        let page = |form: Form, faults: Faults| Self {
            aoos: vec![Choice::new("A1B2C3D", "Area unica", "A1B2C3D")],
            directions: directions(&view, "incoming"),
            rows: new_form::rows(&form),
            bodies: vec!["Comune di Prova".into()],
            units: vec![Choice::new("unit_1", "Protocollo", "")],
            same: Vec::new(),
            branches: vec![Branch {
                title: Class { code: "VI".into(), name: "Territorio".into() },
                classes: vec![Class { code: "VI.3".into(), name: "Edilizia <b>privata".into() }],
            }],
            proposals: vec![Proposal {
                code: "VI.3".into(),
                name: "Edilizia".into(),
                why: "stesso mittente".into(),
            }],
            draft: Some(DraftNote { at: Timestamp::UNIX_EPOCH, shown: !faults.any() }),
            scan: faults.any().then(|| Scanned {
                id: "scn_1".into(),
                name: "scansione <1>.pdf".into(),
                media_type: "application/pdf".into(),
                size: 90_000,
                pages: Some(3),
                flags: vec!["active-content".into()],
                statement: "Si attesta <b>la conformità</b>.".into(),
            }),
            source: faults.any().then(|| ("reg_1".into(), "0000001/2026".into())),
            form,
            faults,
            view: view.clone(),
        };
        let mut wrong = Invalid::one("/subject", "required");
        wrong.add("/correspondents/0/name", "required");
        vec![page(Form::default(), Faults::default()), page(Form::default(), view.faults(&wrong))]
    }
}
