//! Warnings of the installation as tasks of whoever administers a body: seals and the TLS certificate that end in
//! 60, 30 and 7 days, mailboxes that fill up.
//!
//! A warning is stated as it is now; what was stated before and is no longer true is settled by itself. Each
//! administrator has a task of their own; a body without any has it in its first office.

use crate::health::watched;
use crate::seals;
use crate::{App, Error, Result};
use domain::Role;
use domain::body::IpaCode;
use domain::ids::{AccountId, TaskId, UnitId};
use jiff::Timestamp;
use jiff::civil::Date;
use std::sync::Arc;
use store::tasks::{self, NewTask};
use store::{Query, StoreError, accounts, bodies};

/// Bodies read at a time.
const PAGE: i64 = 100;
/// Page on which an administrator sees what is wrong and how to mend it.
const WHERE: &str = "/admin";
/// Of a mailbox, hundredths that may be used before somebody is told.
const QUOTA_HUNDREDTHS: u64 = 90;

/// Something that will stop working if nobody acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What makes it a new warning: the same cause is told once.
    pub cause: String,
    /// What it is about, as people read it.
    pub about: String,
    /// By when somebody must have acted.
    pub due_on: Option<Date>,
    /// Code of the proposal.
    pub proposal: &'static str,
}

/// Looks at the certificates of every body here; answers how many tasks were made. Harmless to repeat.
///
/// # Errors
/// Those of the store.
pub async fn certificates(app: &Arc<App>) -> Result<usize> {
    let ending = seals::ending(app, app.clock.now().at).await?;
    let tls = watched::tls_ends(app).and_then(|ends| {
        let stage = seals::stage(ends.duration_since(app.clock.now().at).as_hours().div_euclid(24))?;
        Some(warning(&format!("tls {stage}"), "TLS".to_owned(), ends))
    });
    let mut made = 0;
    for body in inside(app).await? {
        let of_body = ending.iter().filter(|one| one.body == body);
        let mut now: Vec<Warning> = of_body
            .map(|one| warning(&format!("seal {}", one.stage), one.subject.clone(), one.not_after))
            .collect();
        now.extend(tls.clone());
        made += state(app, &body, "certificate-expiring", "", now).await?;
    }
    Ok(made)
}

/// States how full a mailbox of a body is, in the server's own units.
///
/// # Errors
/// Those of the store.
pub async fn mailbox(app: &Arc<App>, body: &IpaCode, address: &str, used: u64, limit: u64) -> Result<usize> {
    let full = limit > 0 && used.saturating_mul(100) / limit >= QUOTA_HUNDREDTHS;
    let warning = full.then(|| Warning {
        // Once a month, as long as it stays full.
        cause: app.clock.now().today.strftime("%Y-%m").to_string(),
        about: format!("{address}: {} %", used.saturating_mul(100) / limit),
        due_on: None,
        proposal: "decide",
    });
    state(app, body, "mailbox-full", address, warning.into_iter().collect()).await
}

fn warning(cause: &str, about: String, ends: Timestamp) -> Warning {
    let due_on = domain::Moment::new(ends).today;
    Warning { cause: format!("{cause} {due_on}"), about, due_on: Some(due_on), proposal: "renew" }
}

/// The bodies at work here.
pub(super) async fn inside(app: &Arc<App>) -> Result<Vec<IpaCode>> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let from = after.clone();
        let page = app.store.read(move |r| Ok::<_, Error>(bodies::page(r, &from, PAGE)?)).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.ipa_code.to_string();
        found.extend(page.into_iter().filter(|b| b.inside && b.succeeded_by.is_none()).map(|b| b.ipa_code));
    }
}

/// Makes the tasks of a kind and scope be exactly those of the warnings that hold now.
async fn state(
    app: &Arc<App>,
    body: &IpaCode,
    kind: &'static str,
    scope: &str,
    now: Vec<Warning>,
) -> Result<usize> {
    let ctx = app.system_context(body);
    let (code, beginning) = (body.clone(), format!("{kind} {scope}|"));
    let (open, told) = {
        let (code, beginning) = (code.clone(), beginning.clone());
        let read = move |r: &mut store::Reader| -> Result<_> {
            Ok((tasks::open_causes(r, &code, kind, &beginning)?, told(r, &code)?))
        };
        ctx.read(read).await?
    };
    let wanted: Vec<(Warning, Told, String)> = now
        .iter()
        .flat_map(|warning| {
            told.iter().map(|to| {
                (warning.clone(), to.clone(), format!("{beginning}{}|{}", warning.cause, to.name()))
            })
        })
        .collect();
    let over: Vec<String> =
        open.iter().filter(|once| wanted.iter().all(|w| &w.2 != *once)).cloned().collect();
    // Nothing new and nothing over: no write, so that looking often costs nothing.
    if over.is_empty() && wanted.iter().all(|w| open.contains(&w.2)) {
        return Ok(0);
    }
    let minted: Vec<TaskId> = wanted.iter().map(|_| ctx.mint()).collect();
    ctx.write(move |tx| {
        for once in &over {
            tasks::settle(tx, &code, once, "system")?;
        }
        let mut made = 0;
        for ((warning, to, once), id) in wanted.into_iter().zip(minted) {
            let task = NewTask {
                id,
                body: &code,
                once,
                unit: to.unit(),
                account: to.account(),
                kind,
                about: warning.about,
                href: WHERE.to_owned(),
                proposal: Some(warning.proposal),
                case: None,
                due_on: warning.due_on,
            };
            made += usize::from(tasks::add(tx, &task, "system")?);
        }
        Ok(made)
    })
    .await
}

/// Who is told.
#[derive(Debug, Clone)]
enum Told {
    Person(AccountId),
    Office(UnitId),
}

impl Told {
    fn name(&self) -> &str {
        match self {
            Self::Person(account) => account.as_str(),
            Self::Office(unit) => unit.as_str(),
        }
    }

    fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Person(account) => Some(account),
            Self::Office(_) => None,
        }
    }

    fn unit(&self) -> Option<&UnitId> {
        match self {
            Self::Person(_) => None,
            Self::Office(unit) => Some(unit),
        }
    }
}

/// The administrators of a body; without any, its first office.
fn told(query: &mut impl Query, body: &IpaCode) -> std::result::Result<Vec<Told>, StoreError> {
    let mut people = Vec::new();
    for account in accounts::of_body(query, body)? {
        let posts = accounts::posts(query, &account.id)?;
        let keeps = posts.iter().any(|post| &post.body == body && post.role == Role::ItAdmin);
        if account.state == "active" && keeps {
            people.push(Told::Person(account.id));
        }
    }
    if people.is_empty() {
        let office = bodies::units(query, body)?.into_iter().find(|unit| unit.active);
        people.extend(office.map(|unit| Told::Office(unit.id)));
    }
    Ok(people)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seals::{Material, install};
    use crate::{Clock, Settings};
    use documents::signature::KeyKind;
    use documents::signature::test_ca::{Holder, TestCa};
    use domain::Moment;
    use domain::body::{Aoo, AooCode, Body, BodyKind, Unit};
    use domain::ids::Id;
    use store::accounts::{Account, Post};

    const CODE: &str = "c_g999";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A body with one office, with or without an administrator.
    async fn house(admin: bool) -> (Arc<App>, IpaCode) {
        let clock = Clock::manual(Moment::new(at("2026-11-23T09:00:00Z")));
        let app = Arc::new(App::new(store::test_store(), clock, Settings::default()));
        let code = IpaCode::parse(CODE).unwrap();
        let aoo = AooCode::parse("A1B2C3D").unwrap();
        let office = Unit {
            id: UnitId::from_u128(1),
            code: "U".into(),
            name: "Ufficio".into(),
            aoo: aoo.clone(),
            parent: None,
            active: true,
        };
        let body = Body {
            ipa_code: code.clone(),
            name: "Comune di Prova".into(),
            tax_code: None,
            kind: BodyKind::Municipality,
            digital_domicile: None,
            aoos: vec![Aoo { code: aoo, name: "AOO".into(), digital_domicile: None, registers: Vec::new() }],
            offices: vec![office],
            succeeded_by: None,
            valid_from: "2020-01-01".parse().unwrap(),
            valid_to: None,
            inside: true,
        };
        let person = Account {
            id: AccountId::from_u128(1),
            username: "prova.uno".into(),
            name: "Prova Uno".into(),
            body: code.clone(),
            email: None,
            password_hash: None,
            state: "active".into(),
            failures: 0,
            locked_until: 0,
            totp_secret: None,
            totp_last_step: 0,
        };
        let post = Post { body: code.clone(), unit: None, role: Role::ItAdmin };
        let work = move |tx: &mut store::Tx| {
            bodies::insert(tx, &body)?;
            if admin {
                accounts::insert(tx, &person)?;
                accounts::add_post(tx, &person.id, &post)?;
            }
            Ok::<_, StoreError>(())
        };
        app.store.write(work).await.unwrap();
        (app, code)
    }

    async fn seal(app: &Arc<App>, code: &IpaCode, until: &str) {
        let ca = TestCa::create("CA di prova", at("2020-01-01T00:00:00Z")..at("2040-01-01T00:00:00Z"));
        let holder = Holder::seal("Comune di Prova", "VATIT-01234567890");
        let issued =
            ca.unwrap().issue(&holder, KeyKind::P256, at("2026-01-01T00:00:00Z")..at(until)).unwrap();
        let material = Material::pkcs12(&issued.pkcs12("segreto").unwrap(), "segreto");
        install(&app.system_context(code), code.clone(), material).await.unwrap();
    }

    async fn open(app: &Arc<App>, code: &IpaCode, kind: &'static str) -> Vec<String> {
        let code = code.clone();
        app.store.read(move |r| tasks::open_causes(r, &code, kind, kind)).await.unwrap()
    }

    #[tokio::test]
    async fn each_stage_is_one_task_of_the_administrator_and_a_new_seal_settles_it() {
        let (app, code) = house(true).await;
        seal(&app, &code, "2027-01-20T00:00:00Z").await;
        assert_eq!(certificates(&app).await.unwrap(), 1, "58 days left");
        assert_eq!(certificates(&app).await.unwrap(), 0, "told once");
        app.clock.set(Moment::new(at("2026-12-25T09:00:00Z")));
        assert_eq!(certificates(&app).await.unwrap(), 1, "25 days left");
        let causes = open(&app, &code, "certificate-expiring").await;
        assert_eq!(causes.len(), 1, "the stage before is settled: {causes:?}");
        assert!(causes[0].contains(AccountId::from_u128(1).as_str()), "{causes:?}");
        seal(&app, &code, "2029-01-20T00:00:00Z").await;
        assert_eq!(certificates(&app).await.unwrap(), 0);
        assert!(open(&app, &code, "certificate-expiring").await.is_empty());
    }

    #[tokio::test]
    async fn a_full_mailbox_is_told_to_the_first_office_when_there_is_no_administrator() {
        let (app, code) = house(false).await;
        assert_eq!(mailbox(&app, &code, "a@pec.test", 89, 100).await.unwrap(), 0);
        assert_eq!(mailbox(&app, &code, "a@pec.test", 90, 100).await.unwrap(), 1);
        assert_eq!(mailbox(&app, &code, "b@pec.test", 10, 100).await.unwrap(), 0, "another mailbox");
        assert_eq!(open(&app, &code, "mailbox-full").await.len(), 1);
        assert_eq!(mailbox(&app, &code, "a@pec.test", 20, 100).await.unwrap(), 0);
        assert!(open(&app, &code, "mailbox-full").await.is_empty());
    }
}
