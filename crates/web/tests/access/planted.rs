//! One object of every kind, all in the hands of one person, and how to ask each route for one of them.
//!
//! Every text of the objects holds words that nobody else uses. A route with an id in its path must say here whose id
//! it takes: a new route that does not fails the tests until it does.

use crate::support::{A, B, House};
use app::Context;
use app::use_cases::dossier::assign::{AssignDossier, assign as assign_dossier};
use app::use_cases::dossier::open::open_dossier;
use app::use_cases::exchange::{Recipient, Sending, send};
use app::use_cases::register::assign::{AssignTo, assign};
use app::use_cases::register::files::receive_bytes;
use app::use_cases::register::register_document::{NewDocument, Registered, register_document};
use app::use_cases::{case, emergency, templates};
use domain::ids::{
    AccountId, AssignmentId, CaseId, DeliveryId, DocumentId, DossierId, EmergencyId, Id, InboundId,
    RegistrationId, RightsChangeId, ScanId, SessionId, TaskId, TemplateId, TokenId, ViewId,
};
use domain::message::Channel;
use domain::register::AssignmentKind;
use serde_json::json;
use std::collections::BTreeMap;
use store::accounts::Account;

/// Kinds of objects that stand in addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Entry,
    Document,
    Assignment,
    View,
    Period,
    Dossier,
    DossierAssignment,
    Case,
    Delivery,
    Inbound,
    Task,
    Template,
    Account,
    Change,
    Token,
    Session,
    Passkey,
    Scan,
}

/// The objects of one person.
pub struct Planted {
    pub ids: BTreeMap<Kind, String>,
    pub account: AccountId,
    /// Digest of the document.
    pub sha256: String,
    /// A body whose they are not.
    pub elsewhere: &'static str,
}

/// The kind of the first id in a path; `None` for a path without ids, or whose ids are public or secret by themselves.
pub fn kind_of(path: &str) -> Option<Kind> {
    const PUBLIC: &[&str] = &["/assets/", "/verify", "/api/v1/verifications", "/api/v1/bodies/", "/enter/"];
    // Days of the own daily register, and lines of the own list: their parameters are no ids of things of a body.
    const OWN: &[&str] = &["/register/daily/", "/api/v1/daily-registers/", "/worklist/open/"];
    const KINDS: &[(&str, Kind)] = &[
        ("/register/assignments/", Kind::Assignment),
        ("/api/v1/assignments/", Kind::Assignment),
        ("/register/views/", Kind::View),
        ("/api/v1/register-views/", Kind::View),
        ("/register/emergency/", Kind::Period),
        ("/api/v1/emergency-periods/", Kind::Period),
        ("/register/", Kind::Entry),
        ("/api/v1/registrations/", Kind::Entry),
        ("/documents/", Kind::Document),
        ("/api/v1/documents/", Kind::Document),
        ("/dossiers/", Kind::Dossier),
        ("/api/v1/dossiers/", Kind::Dossier),
        ("/api/v1/dossier-assignments/", Kind::DossierAssignment),
        ("/cases/", Kind::Case),
        ("/api/v1/cases/", Kind::Case),
        ("/deliveries/", Kind::Delivery),
        ("/api/v1/deliveries/", Kind::Delivery),
        ("/inbox/", Kind::Inbound),
        ("/api/v1/inbound-messages/", Kind::Inbound),
        ("/scans/", Kind::Scan),
        ("/api/v1/scans/", Kind::Scan),
        ("/tasks/", Kind::Task),
        ("/api/v1/tasks/", Kind::Task),
        ("/templates/", Kind::Template),
        ("/api/v1/templates/", Kind::Template),
        ("/admin/users/", Kind::Account),
        ("/api/v1/accounts/", Kind::Account),
        ("/admin/rights/", Kind::Change),
        ("/api/v1/rights-changes/", Kind::Change),
        ("/account/tokens/", Kind::Token),
        ("/api/v1/me/tokens/", Kind::Token),
        ("/account/sessions/", Kind::Session),
        ("/api/v1/me/sessions/", Kind::Session),
        ("/account/passkeys/", Kind::Passkey),
    ];
    let begins = |start: &&str| path.starts_with(*start);
    if !path.contains('{') || PUBLIC.iter().any(begins) || OWN.iter().any(begins) {
        return None;
    }
    let found = KINDS.iter().find(|(start, _)| path.starts_with(start)).map(|(_, kind)| *kind);
    Some(found.unwrap_or_else(|| panic!("{path}: say in planted.rs whose id it takes")))
}

/// An id of a kind that nobody has.
pub fn nobodys(kind: Kind) -> String {
    match kind {
        Kind::Entry => RegistrationId::from_u128(7).to_string(),
        Kind::Document => DocumentId::from_u128(7).to_string(),
        Kind::Assignment | Kind::DossierAssignment => AssignmentId::from_u128(7).to_string(),
        Kind::View => ViewId::from_u128(7).to_string(),
        Kind::Period => EmergencyId::from_u128(7).to_string(),
        Kind::Dossier => DossierId::from_u128(7).to_string(),
        Kind::Case => CaseId::from_u128(7).to_string(),
        Kind::Delivery => DeliveryId::from_u128(7).to_string(),
        Kind::Inbound => InboundId::from_u128(7).to_string(),
        Kind::Task => TaskId::from_u128(7).to_string(),
        Kind::Template => TemplateId::from_u128(7).to_string(),
        Kind::Account => AccountId::from_u128(7).to_string(),
        Kind::Change => RightsChangeId::from_u128(7).to_string(),
        Kind::Token => TokenId::from_u128(7).to_string(),
        Kind::Session => SessionId::from_u128(7).to_string(),
        Kind::Passkey => "bb0000".to_owned(),
        Kind::Scan => ScanId::from_u128(7).to_string(),
    }
}

/// Plants one object of every kind for a person who holds every role in the body; what can be confidential is, when
/// asked for.
pub async fn plant(house: &House, who: &Account, words: &str, confidential: bool) -> Planted {
    let ctx = house.context(who).await;
    let mut ids = BTreeMap::new();
    let note = format!("{words} nota");
    let (entry, document, sha256) = entry(&ctx, words, ("incoming", &note), confidential).await;
    let (outgoing, _, _) = self::entry(&ctx, words, ("outgoing", words), confidential).await;
    let (_, _, mail) = self::entry(&ctx, words, ("incoming", &mail(words)), confidential).await;
    let to = AssignTo {
        kind: AssignmentKind::Competence,
        unit: None,
        account: Some(who.id.clone()),
        note: Some(words.to_owned()),
    };
    assign(&ctx, entry.clone(), to, false).await.unwrap();
    let recipient = Recipient {
        name: words.to_owned(),
        channel: Channel::Email,
        address: "prova@posta.example".into(),
        body: None,
        confirm: false,
    };
    let sending = Sending { registration: outgoing, text: words.to_owned(), recipients: vec![recipient] };
    let delivery = send(&ctx, sending).await.unwrap().remove(0);
    ids.insert(Kind::Assignment, assignment_of(&ctx, &entry).await);
    ids.insert(Kind::Delivery, delivery.to_string());
    let (proved, at, now) = (sha256.clone(), delivery.clone(), ctx.moment.at);
    ctx.write(move |tx| {
        let failed = domain::message::Event::NotSubmitted { transient: true };
        let mut fact = app::use_cases::exchange::progress::own_fact(1, failed, now, "");
        fact.evidence = Some(proved);
        Ok(store::deliveries::add_fact(tx, &at, &fact)?)
    })
    .await
    .unwrap();
    dossier(&ctx, words, confidential, &mut ids).await;
    // A scan is of the whole office too.
    let shown = if confidential { "parole di tutti" } else { words };
    let paper = [&[0xff, 0xd8, 0xff, 0xe0, 0, 16][..], b"JFIF\0", words.as_bytes()].concat();
    let scan = app::use_cases::scans::upload(&ctx, "/document", &format!("{shown}.jpg"), &paper[..]).await;
    ids.insert(Kind::Scan, scan.unwrap().to_string());
    // Messages, templates and periods are of the whole office: no secret of one person.
    let open = if confidential { "parole di tutti" } else { words };
    desk(&ctx, (words, open), &mail, &mut ids).await;
    own(house, who, words, &mut ids).await;
    ids.insert(Kind::Entry, entry.to_string());
    ids.insert(Kind::Document, document.to_string());
    let elsewhere = if who.body.as_str() == A { B } else { A };
    Planted { ids, account: who.id.clone(), sha256, elsewhere }
}

/// A message with one file.
fn mail(words: &str) -> String {
    let part = "Content-Type: text/plain; charset=utf-8\r\n";
    let file = "Content-Disposition: attachment; filename=\"nota.txt\"\r\n";
    format!(
        "From: mittente@posta.example\r\nTo: prova@posta.example\r\nSubject: {words}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{part}\r\n{words}\r\n--b\r\n{part}{file}\r\n\
         {words}\r\n--b--\r\n"
    )
}

async fn entry(
    ctx: &Context,
    words: &str,
    (way, text): (&str, &str),
    hidden: bool,
) -> (RegistrationId, DocumentId, String) {
    let new = serde_json::from_value(json!({
        "body": ctx.actor.body, "aoo": "A1B2C3D", "direction": way, "subject": words, "confidential": hidden,
        "correspondents": [{"kind": "person", "name": words}], "classification": null,
    }));
    let document = receive_bytes(ctx, &ctx.actor.body, "/document", "nota.txt", text.as_bytes()).await;
    let document = document.unwrap();
    let what = NewDocument {
        new: new.unwrap(),
        document,
        attachments: Vec::new(),
        assignments: Vec::new(),
        idempotency_key: None,
    };
    let Registered::New(entry) = register_document(ctx, what).await.unwrap() else { panic!("a new entry") };
    let document = entry.document.clone();
    (entry.id, document.id, document.sha256)
}

async fn assignment_of(ctx: &Context, entry: &RegistrationId) -> String {
    let id = entry.clone();
    let all = ctx.read(move |r| Ok(store::register::assignments(r, &id)?)).await.unwrap();
    all[0].id.to_string()
}

async fn dossier(ctx: &Context, words: &str, confidential: bool, ids: &mut BTreeMap<Kind, String>) {
    let class = domain::scheme::Class { code: "I".into(), name: "Amministrazione".into() };
    let scheme = domain::scheme::Scheme::checked(vec![class]).unwrap();
    let body = ctx.actor.body.clone();
    // The second person of the same body finds the scheme there already.
    let _ = ctx.write(move |tx| Ok(store::classes::replace(tx, &body, &scheme, "system")?)).await;
    let level = if confidential { "confidential" } else { "public" };
    let new = json!({"classification": "I", "subject": words, "kind": "matter", "confidentiality": level});
    let dossier = open_dossier(ctx, serde_json::from_value(new).unwrap()).await.unwrap().id;
    let new = json!({"dossier": dossier, "title": words});
    let case = case::open::open_case(ctx, serde_json::from_value(new).unwrap()).await.unwrap();
    let to = AssignDossier {
        kind: AssignmentKind::Competence,
        unit: None,
        account: ctx.actor.account.clone(),
        note: Some(words.to_owned()),
    };
    let assigned = assign_dossier(ctx, dossier.clone(), to).await.unwrap();
    ids.insert(Kind::Dossier, dossier.to_string());
    ids.insert(Kind::Case, case.id.to_string());
    ids.insert(Kind::DossierAssignment, assigned.to_string());
}

/// What lies on desks: a message, a task, a template, a view, an emergency period.
async fn desk(ctx: &Context, (words, open): (&str, &str), sha256: &str, ids: &mut BTreeMap<Kind, String>) {
    let inbound = store::inbox::NewInbound {
        id: ctx.mint(),
        body: ctx.actor.body.clone(),
        channel: Channel::Email,
        mailbox: "prova@posta.example".into(),
        raw_sha256: sha256.to_owned(),
        size: 10,
        kind: "ordinary".into(),
        state: "waiting".into(),
        message_id: Some(open.to_owned()),
        sender_address: "mittente@posta.example".into(),
        sender_name: open.to_owned(),
        subject: open.to_owned(),
        legal_at: None,
        verdict: None,
        details: r#"{"files":[["nota.txt","text/plain",10]]}"#.into(),
    };
    let (it, task, about) = (ctx.clone(), ctx.mint::<TaskId>(), words.to_owned());
    ids.insert(Kind::Inbound, inbound.id.to_string());
    ids.insert(Kind::Task, task.to_string());
    ctx.write(move |tx| {
        store::inbox::insert(tx, &inbound)?;
        let new = store::tasks::NewTask {
            id: task,
            body: &it.actor.body,
            once: about.clone(),
            unit: None,
            account: it.actor.account.as_ref(),
            kind: "delivery-failed",
            about,
            href: "/deliveries".into(),
            proposal: None,
            case: None,
            due_on: None,
        };
        Ok(store::tasks::add(tx, &new, "system")?)
    })
    .await
    .unwrap();
    let letter = format!("---\ntitle: {open}\nvariable text: Testo\n---\n{{{{ text }}}}\n");
    let template = templates::save(ctx, None, 0, &letter).await.unwrap();
    ids.insert(Kind::Template, template.to_string());
    let filter = domain::register_filter::Filter::default();
    let view = app::use_cases::register::views::save(ctx, &words[..words.len().min(40)], &filter, false);
    ids.insert(Kind::View, view.await.unwrap().to_string());
    let opening = emergency::Opening {
        aoo: "A1B2C3D".parse().unwrap(),
        cause: open.to_owned(),
        started_at: ctx.moment.at - jiff::SignedDuration::from_hours(1),
        reference: open.to_owned(),
    };
    ids.insert(Kind::Period, emergency::open(ctx, opening).await.unwrap().to_string());
}

/// The own things: token, session, passkey, a request about the own rights, the account.
async fn own(house: &House, who: &Account, words: &str, ids: &mut BTreeMap<Kind, String>) {
    let ctx = house.context(who).await;
    let (token, _) = app::accounts::tokens::make(&ctx, words, 1).await.unwrap();
    let change =
        app::accounts::rights::ask(&ctx, who.id.clone(), app::accounts::rights::Change::Restore).await;
    let key = store::factors::Passkey {
        id: format!("aa{}", &who.id.as_str()[who.id.as_str().len() - 4..]),
        account: who.id.clone(),
        label: words.to_owned(),
        credential: "{}".into(),
        created_at: 0,
        used_at: None,
    };
    ids.insert(Kind::Passkey, key.id.clone());
    ctx.write(move |tx| Ok(store::factors::add_passkey(tx, &key)?)).await.unwrap();
    house.cookie(&who.username).await;
    let shown = app::accounts::own::read(&ctx).await.unwrap();
    ids.insert(Kind::Session, shown.sessions[0].id.to_string());
    ids.insert(Kind::Token, token.id.to_string());
    ids.insert(Kind::Change, change.unwrap().to_string());
    ids.insert(Kind::Account, who.id.to_string());
}
