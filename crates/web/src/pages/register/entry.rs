//! One entry: its data, files, corrections, assignments and story; and the page with the number just given.

use super::filing::{self, Filing};
use crate::api::registration_acts;
use crate::error::Fault;
use crate::pages::deliveries::sign;
use crate::pages::html;
use crate::pages::verify::{SignatureWords, signature};
use crate::view::{Choice, Sampled, Shape, TimelineEntry, View};
use crate::who::Who;
use app::use_cases::bodies;
use app::use_cases::exchange::watch::{self, StoredDelivery};
use app::use_cases::papers::may_be_stamped;
use app::use_cases::register::history::{Leaf, open_with_history};
use app::use_cases::register::read::{Assignment, Attestation, Correction, Entry, Head, Opened, open};
use app::use_cases::verification::kept;
use app::{Context, Error, Verb};
use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use domain::Moment;
use domain::body::Unit;
use domain::register::{Direction, Registration, legal_date, number_label};
use jiff::Timestamp;
use jiff::civil::Date;

/// A file as the page shows it.
pub struct FileLine {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: String,
    /// Codes of its flags.
    pub flags: Vec<String>,
    /// Name of the state of its text.
    pub text: &'static str,
    /// Code of why its words cannot be found.
    pub reason: Option<String>,
    /// Signatures found in it when it came in.
    pub signatures: Vec<SignatureWords>,
    /// Whether a copy with the segnatura may be made of it.
    pub stampable: bool,
    /// The attestation that it conforms to the paper it was made from.
    pub attested: Option<Attestation>,
}

/// An assignment as the page shows it.
pub struct AssignmentLine {
    /// Id.
    pub id: String,
    /// `competence` or `information`.
    pub kind: &'static str,
    /// Office or person.
    pub to: String,
    /// When.
    pub at: Timestamp,
    /// Note.
    pub note: Option<String>,
    /// When it was taken in charge.
    pub taken: Option<Timestamp>,
    /// When it ended, and why.
    pub ended: Option<(Timestamp, String)>,
}

impl AssignmentLine {
    /// Whether it waits for somebody to take charge.
    pub fn open(&self) -> bool {
        self.taken.is_none() && self.ended.is_none()
    }
}

/// A correction, both values side by side.
pub struct CorrectionLine {
    /// Name of the datum.
    pub field: &'static str,
    /// Cancelled value.
    pub old: String,
    /// Value in force.
    pub new: String,
    /// Why, by which act, who.
    pub reason: String,
    /// Act.
    pub order: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// An act on the entry: allowed now, or greyed with the key of the reason.
pub struct Act {
    /// Key of its words.
    pub key: &'static str,
    /// Address.
    pub href: String,
    /// Why not now.
    pub why_not: Option<&'static str>,
}

/// The page of an entry.
#[derive(Template)]
#[template(path = "register/entry.html")]
pub struct EntryPage {
    /// Chrome.
    pub view: View,
    /// The entry in force.
    pub entry: Registration,
    /// Whether it came from an old register.
    pub imported: bool,
    /// Date that counts in law and by which rule, when it is not that of the number.
    pub legal: Option<(Date, String)>,
    /// Files, main one first.
    pub files: Vec<FileLine>,
    /// Assignments, oldest first.
    pub assignments: Vec<AssignmentLine>,
    /// Corrections, oldest first.
    pub corrections: Vec<CorrectionLine>,
    /// Story, newest first.
    pub story: Vec<TimelineEntry>,
    /// Acts.
    pub acts: Vec<Act>,
    /// Offices to assign to; empty when the person may not assign.
    pub units: Vec<Choice>,
    /// Whether the person may take charge.
    pub may_take: bool,
    /// What was sent of it; empty for who may not read that.
    pub deliveries: Vec<StoredDelivery>,
    /// Whether the person may send it now.
    pub may_send: bool,
    /// Whether the person may register another like it.
    pub may_register: bool,
    /// Where it stands among the dossiers, and where it could be put.
    pub filing: Filing,
}

impl EntryPage {
    fn sign(&self, one: &StoredDelivery) -> Shape {
        sign(one)
    }

    fn moment(&self, micros: &i64) -> Timestamp {
        instant(*micros)
    }
}

/// The page of a confidential entry of others: number and date.
#[derive(Template)]
#[template(path = "register/number_only.html")]
pub struct NumberOnlyPage {
    /// Chrome.
    pub view: View,
    /// `0001234/2026`.
    pub label: String,
    /// When.
    pub at: Timestamp,
}

/// The number just given, very big.
#[derive(Template)]
#[template(path = "register/registered.html")]
pub struct RegisteredPage {
    /// Chrome.
    pub view: View,
    /// Id.
    pub id: String,
    /// `0001234/2026`.
    pub label: String,
    /// When.
    pub at: Timestamp,
    /// Subject.
    pub subject: String,
}

/// `GET /register/{id}`
pub async fn show(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = crate::api::registrations::registration_id(&id)?;
    let (opened, leaves) = open_with_history(&ctx, id).await?;
    match opened {
        Opened::NumberOnly(head) => Ok(html(&number_only(view, &head))?.into_response()),
        Opened::Whole(entry) => {
            let units = bodies::offices(&ctx).await?;
            let deliveries = match ctx.may(Verb::ReadDeliveries) {
                Ok(()) => watch::of_registration(&ctx, entry.registration.id.clone()).await?,
                Err(_) => Vec::new(),
            };
            let signed = kept::of_entry(&ctx, entry.registration.id.clone()).await?;
            let mut page = page(&ctx, view, *entry, leaves, units);
            for one in signed {
                let id = one.document.to_string();
                let signers = one.found.signers.iter().map(|signer| signature(&page.view, signer)).collect();
                if let Some(file) = page.files.iter_mut().find(|file| file.id == id) {
                    file.signatures = signers;
                }
            }
            let filing = filing::of(&ctx, &page.entry).await?;
            Ok(html(&EntryPage { deliveries, filing, ..page })?.into_response())
        }
    }
}

fn number_only(view: View, head: &Head) -> NumberOnlyPage {
    let label = format!("{}/{}", number_label(head.number), head.year);
    NumberOnlyPage { view, label, at: instant(head.registered_at) }
}

fn page(ctx: &Context, view: View, entry: Entry, leaves: Vec<Leaf>, units: Vec<Unit>) -> EntryPage {
    let it = &entry.registration;
    let (day, law) = legal_date(it.direction, &it.correspondents, it.registered_at, it.received_at);
    let files = std::iter::once(&it.document)
        .chain(&it.attachments)
        .map(|file| {
            let facts = entry.facts.iter().find(|facts| facts.document == file.id);
            FileLine {
                id: file.id.to_string(),
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                size: file.size,
                sha256: file.sha256.clone(),
                flags: facts.map(|facts| facts.flags.clone()).unwrap_or_default(),
                text: facts.map_or("none", |facts| facts.text.name()),
                reason: facts.and_then(|facts| facts.reason.clone()),
                signatures: Vec::new(),
                stampable: may_be_stamped(&file.media_type),
                attested: entry.attestations.iter().find(|one| one.document == file.id).cloned(),
            }
        })
        .collect();
    let may_assign = ctx.may(Verb::Assign).is_ok() && it.annulment.is_none();
    EntryPage {
        legal: law.map(|law| (day, law.to_string())),
        files,
        assignments: entry.assignments.into_iter().map(|one| assignment(&view, one, &units)).collect(),
        corrections: entry.corrections.into_iter().map(correction).collect(),
        story: leaves.into_iter().map(|leaf| step(&view, leaf)).collect(),
        acts: acts(ctx, it),
        units: match may_assign {
            true => units.into_iter().map(|unit| Choice::new(unit.id.to_string(), unit.name, "")).collect(),
            false => Vec::new(),
        },
        may_take: ctx.may(Verb::TakeCharge).is_ok(),
        deliveries: Vec::new(),
        may_send: it.direction == Direction::Outgoing
            && it.annulment.is_none()
            && ctx.may(Verb::SendAct).is_ok(),
        may_register: ctx.may(Verb::Register).is_ok(),
        filing: Filing::default(),
        imported: entry.imported,
        entry: entry.registration,
        view,
    }
}

fn acts(ctx: &Context, entry: &Registration) -> Vec<Act> {
    let act = |key, path: &str, verb| Act {
        key,
        href: format!("/register/{}/{path}", entry.id),
        why_not: match (ctx.may(verb).is_ok(), entry.annulment.is_some()) {
            (true, false) => None,
            (_, true) => Some("refusal-already-annulled"),
            (false, false) => Some("refusal-not-permitted"),
        },
    };
    vec![act("act-correct", "correct", Verb::Annul), act("act-annul", "annul", Verb::Annul)]
}

fn assignment(view: &View, one: Assignment, units: &[Unit]) -> AssignmentLine {
    let office = one.unit.as_ref().map(|id| {
        let known = units.iter().find(|unit| &unit.id == id);
        known.map_or_else(|| id.to_string(), |unit| unit.name.clone())
    });
    let reason = |code: String| match code.as_str() {
        "reassigned" => view.t("assignment-reassigned"),
        _ => code,
    };
    AssignmentLine {
        id: one.id.to_string(),
        kind: one.kind.name(),
        to: office.or_else(|| one.account.map(|account| account.to_string())).unwrap_or_default(),
        at: instant(one.assigned_at),
        note: one.note,
        taken: one.taken_at.map(instant),
        ended: one.ended_at.map(|at| (instant(at), reason(one.end_reason.unwrap_or_default()))),
    }
}

fn correction(one: Correction) -> CorrectionLine {
    CorrectionLine {
        field: one.field.name(),
        old: one.old_value.unwrap_or_default(),
        new: one.new_value.unwrap_or_default(),
        reason: one.reason,
        order: one.order_reference,
        by: one.by_name,
        at: instant(one.at),
    }
}

fn step(view: &View, leaf: Leaf) -> TimelineEntry {
    TimelineEntry {
        at: instant(leaf.at),
        what: view.family("journal-", leaf.verb.replace(['.', '_'], "-")),
        actor: leaf.actor,
        proof: None,
        norm: leaf.norm,
        note: None,
        shape: Shape::Done,
    }
}

fn instant(micros: i64) -> Timestamp {
    Moment::from_micros(micros).at
}

/// `GET /register/{id}/registered`
pub async fn registered(Who(ctx): Who, view: View, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = crate::api::registrations::registration_id(&id)?;
    match open(&ctx, id).await? {
        Opened::NumberOnly(_) => Err(Error::NotFound.into()),
        Opened::Whole(entry) => {
            let it = entry.registration;
            let (id, label) = (it.id.to_string(), it.full_label());
            let page = RegisteredPage { view, id, label, at: it.registered_at, subject: it.subject };
            Ok(html(&page)?.into_response())
        }
    }
}

/// `GET /documents/{id}`: shown by the browser when harmless (`?inline`), else saved.
pub async fn document(
    Who(ctx): Who,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    registration_acts::document(&ctx, &id, query.is_some_and(|query| query.contains("inline"))).await
}

/// An entry for samples.
pub fn sample_entry(annulled: bool) -> Registration {
    let value = serde_json::json!({
        "id": format!("reg_{:032x}", 1), "body": "c_g999", "aoo": "A1B2C3D", "register": "RG", "year": 2026,
        "number": 1234, "registered_at": "2026-11-23T09:00:00Z", "direction": "incoming",
        "subject": "Richiesta <b>di prova</b>",
        "correspondents": [{"kind": "person", "name": "Prova Uno"}], "classification": "VI.3",
        "case": null, "dossier": null, "confidential": true, "received_at": "2026-11-20T09:00:00Z",
        "sender_reference": {"number": "12/A", "date": "2026-11-19"},
        "document": {"id": format!("doc_{:032x}", 1), "sha256": "ab", "media_type": "application/pdf",
            "size": 20000, "name": "domanda.pdf"},
        "attachments": [],
        "annulment": annulled.then(|| serde_json::json!({"reason": "Doppione", "order_reference": "Det. 88",
            "by": "Prova Due", "at": "2026-11-23T10:00:00Z"})),
    });
    serde_json::from_value(value).unwrap_or_else(|why| unreachable!("the sample is written above: {why}"))
}

impl Sampled for EntryPage {
    fn samples(view: View) -> Vec<Self> {
        let at = Timestamp::UNIX_EPOCH;
        let page = |annulled: bool| {
            let entry = sample_entry(annulled);
            Self {
                legal: Some((view.today, "L. 241/1990, art. 18-bis".into())),
                files: vec![FileLine {
                    id: entry.document.id.to_string(),
                    name: entry.document.name.clone(),
                    media_type: entry.document.media_type.clone(),
                    size: entry.document.size,
                    sha256: entry.document.sha256.clone(),
                    flags: vec!["macros".into()],
                    text: "failed",
                    reason: Some("locked".into()),
                    signatures: vec![SignatureWords {
                        who: "Prova <Tre>".into(),
                        issuer: "CA di prova".into(),
                        at,
                        time: view.t("verify-time-now"),
                        verdict: view.t("verify-verdict-valid"),
                        reasons: vec![view.t("verify-reason-not-qualified")],
                    }],
                    stampable: true,
                    attested: annulled.then(|| Attestation {
                        document: entry.document.id.clone(),
                        statement: "Si attesta <b>la conformità</b>.".into(),
                        norm: "D.Lgs. 82/2005, art. 22".into(),
                        by_name: "Prova Due".into(),
                        at: 0,
                    }),
                }],
                assignments: vec![AssignmentLine {
                    id: "asg_1".into(),
                    kind: "competence",
                    to: "Edilizia".into(),
                    at,
                    note: Some("Urgente".into()),
                    taken: None,
                    ended: annulled.then(|| (at, "Non è nostro".into())),
                }],
                corrections: vec![CorrectionLine {
                    field: "subject",
                    old: "Richesta".into(),
                    new: "Richiesta".into(),
                    reason: "Errore".into(),
                    order: "Det. 88".into(),
                    by: "Prova Due".into(),
                    at,
                }],
                story: vec![TimelineEntry {
                    at,
                    what: view.t("journal-registration-create"),
                    actor: "Prova Uno".into(),
                    proof: None,
                    norm: None,
                    note: None,
                    shape: Shape::Done,
                }],
                acts: vec![
                    Act { key: "act-annul", href: "/register/x/annul".into(), why_not: None },
                    Act { key: "act-correct", href: String::new(), why_not: Some("refusal-not-permitted") },
                ],
                units: vec![Choice::new("unit_1", "Protocollo", "")],
                may_take: true,
                deliveries: Vec::new(),
                may_send: !annulled,
                may_register: true,
                filing: Filing::sample(),
                imported: annulled,
                entry,
                view: view.clone(),
            }
        };
        vec![page(false), page(true)]
    }
}

impl Sampled for NumberOnlyPage {
    fn samples(view: View) -> Vec<Self> {
        vec![Self { view, label: "0001234/2026".into(), at: Timestamp::UNIX_EPOCH }]
    }
}

impl Sampled for RegisteredPage {
    fn samples(view: View) -> Vec<Self> {
        let (id, label) = (format!("reg_{:032x}", 1), "0001234/2026".to_owned());
        vec![Self { view, id, label, at: Timestamp::UNIX_EPOCH, subject: "Richiesta".into() }]
    }
}
