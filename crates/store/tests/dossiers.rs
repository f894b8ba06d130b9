//! Dossiers, cases, tasks and the worklist: what is kept, and how each viewer stands to it.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

mod common;

use common::{clerk, letter, montemurlo, prato, register_one};
use domain::case::{Case, CaseState, ORDINARY, ORDINARY_VERSION};
use domain::dossier::{Confidentiality, Dossier, DossierKind, DossierState, Sight, sight};
use domain::ids::{
    AccountId, AssignmentId, CaseId, DossierId, DraftId, Id, LookId, RegistrationId, TaskId, UnitId,
};
use domain::register::AssignmentKind;
use domain::scheme::{Class, Scheme};
use store::dossiers::{self, Filter, NewLink, Viewer};
use store::tasks::{self, NewTask};
use store::timeline::Doer;
use store::trace::{self, Look};
use store::worklist::{self, Source};
use store::{StoreError, cases, classes, drafts, register, test_store, timeline};

fn officer() -> AccountId {
    AccountId::from_u128(2)
}

fn viewer(account: &AccountId, unit: u128) -> Viewer {
    Viewer {
        body: prato(),
        account: account.to_string(),
        unit: Some(UnitId::from_u128(unit)),
        manager: false,
    }
}

fn doer<'a>(body: &'a domain::body::IpaCode) -> Doer<'a> {
    Doer { body, account: "acc_test", name: "Prova Due", on_behalf_of: None }
}

fn look(id: u128) -> Look {
    Look {
        id: LookId::from_u128(id),
        actor: "acc_test".into(),
        body: prato(),
        unit: None,
        purpose: "dossier.open".into(),
        norm: None,
        case: None,
        subjects: vec!["dossier".into()],
    }
}

fn dossier(seed: u128, level: Confidentiality) -> Dossier {
    Dossier {
        id: DossierId::from_u128(seed),
        body: prato(),
        code: String::new(),
        classification: "VI.3".into(),
        parent: None,
        kind: DossierKind::Matter,
        subject: format!("Ampliamento opificio {seed}"),
        confidentiality: level,
        state: DossierState::Open,
        unit: Some(UnitId::from_u128(10)),
        officer: Some(officer()),
        officer_name: Some("Prova Due".into()),
        opened_at: jiff::Timestamp::UNIX_EPOCH,
        closed_at: None,
    }
}

#[tokio::test]
async fn codes_count_inside_class_and_year_and_parts_inside_the_whole() {
    let store = test_store();
    let codes = store
        .write::<_, StoreError, _>(|tx| {
            let body = prato();
            let (mut one, mut two) =
                (dossier(1, Confidentiality::Public), dossier(2, Confidentiality::Public));
            dossiers::open(tx, &mut one, None, doer(&body))?;
            dossiers::open(tx, &mut two, None, doer(&body))?;
            let mut part = Dossier { parent: Some(one.id.clone()), ..dossier(3, Confidentiality::Public) };
            dossiers::open(tx, &mut part, Some(&one.code), doer(&body))?;
            Ok([one.code, two.code, part.code])
        })
        .await
        .unwrap();
    assert_eq!(codes, ["2026-VI.3/1", "2026-VI.3/2", "2026-VI.3/1.1"]);
}

#[tokio::test]
async fn each_viewer_stands_as_told_and_sharing_is_explicit() {
    let store = test_store();
    store
        .write::<_, StoreError, _>(|tx| {
            let body = prato();
            dossiers::open(tx, &mut dossier(1, Confidentiality::Confidential), None, doer(&body))?;
            dossiers::open(tx, &mut dossier(2, Confidentiality::Office), None, doer(&body))?;
            assert!(dossiers::share(tx, &DossierId::from_u128(2), &montemurlo(), "conferenza", doer(&body))?);
            assert!(!dossiers::share(tx, &DossierId::from_u128(2), &montemurlo(), "again", doer(&body))?);
            let seen_by =
                |tx: &mut store::Tx, id: u128, viewer: &Viewer, n: u128| -> Result<Sight, StoreError> {
                    let found = dossiers::find(tx, &DossierId::from_u128(id), viewer)?.unwrap();
                    let found = trace::open(tx, &look(n), found)?;
                    Ok(sight(found.dossier.confidentiality, found.standing))
                };
            let colleague = viewer(&AccountId::from_u128(7), 10);
            assert_eq!(seen_by(tx, 1, &viewer(&officer(), 10), 1)?, Sight::Full);
            assert_eq!(seen_by(tx, 1, &colleague, 2)?, Sight::CodeAndDate);
            assert_eq!(seen_by(tx, 2, &colleague, 3)?, Sight::Full);
            assert_eq!(seen_by(tx, 2, &viewer(&AccountId::from_u128(8), 11), 4)?, Sight::CodeAndDate);
            let abroad = Viewer { body: montemurlo(), ..colleague.clone() };
            assert_eq!(seen_by(tx, 1, &abroad, 5)?, Sight::Nothing);
            assert_eq!(seen_by(tx, 2, &abroad, 6)?, Sight::Full);
            assert!(dossiers::end_share(tx, &DossierId::from_u128(2), &montemurlo(), doer(&body))?);
            assert_eq!(seen_by(tx, 2, &abroad, 7)?, Sight::Nothing);
            dossiers::add_reader(
                tx,
                &DossierId::from_u128(1),
                &AccountId::from_u128(7),
                "Prova Tre",
                doer(&body),
            )?;
            assert_eq!(seen_by(tx, 1, &colleague, 8)?, Sight::Full);
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn the_list_pages_and_filters() {
    let store = test_store();
    store
        .write::<_, StoreError, _>(|tx| {
            let body = prato();
            for seed in 1..=5 {
                dossiers::open(tx, &mut dossier(seed, Confidentiality::Public), None, doer(&body))?;
            }
            dossiers::set_state(tx, &DossierId::from_u128(4), DossierState::Closed, doer(&body))?;
            let me = viewer(&officer(), 10);
            let page = dossiers::list(tx, &me, &Filter::default(), 3)?;
            let page = trace::open(tx, &look(1), page)?;
            let last = &page[2].dossier;
            let after = Some((last.opened_at.as_microsecond(), last.id.to_string()));
            let rest = dossiers::list(tx, &me, &Filter { after, ..Filter::default() }, 3)?;
            assert_eq!(trace::open(tx, &look(2), rest)?.len(), 2);
            let closed = Filter { state: Some(DossierState::Closed), ..Filter::default() };
            let closed = dossiers::list(tx, &me, &closed, 9)?;
            assert_eq!(trace::open(tx, &look(3), closed)?[0].dossier.code, "2026-VI.3/4");
            let wanted = [("opificio 5", 1), ("2026-VI.3/2", 1), ("50%", 0), ("ampliamento", 5)];
            for (n, (text, count)) in (100..).zip(wanted) {
                let filter =
                    Filter { text: Some(text.into()), class: Some("VI".into()), ..Filter::default() };
                let found = dossiers::list(tx, &me, &filter, 9)?;
                assert_eq!(trace::open(tx, &look(n), found)?.len(), count, "{text}");
            }
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn the_worklist_joins_entries_dossiers_cases_and_tasks() {
    let store = test_store();
    store
        .write::<_, StoreError, _>(|tx| {
            let (body, me, unit) = (prato(), viewer(&officer(), 10), UnitId::from_u128(10));
            register_one(tx, 7, &letter(&body, "Richiesta di prova"))?;
            let assignment = register::NewAssignment {
                id: &AssignmentId::from_u128(1),
                kind: AssignmentKind::Competence,
                unit: Some(&unit),
                account: None,
                by: &clerk(),
                note: None,
            };
            register::assign(tx, &body, &RegistrationId::from_u128(7), assignment)?;
            let mut it = dossier(1, Confidentiality::Public);
            dossiers::open(tx, &mut it, None, doer(&body))?;
            let link = NewLink {
                id: &AssignmentId::from_u128(2),
                kind: AssignmentKind::Information,
                unit: None,
                account: Some(&officer()),
                note: Some("per conoscenza"),
            };
            dossiers::assign(tx, &it.id, link, doer(&body))?;
            let mut case = Case {
                id: CaseId::from_u128(1),
                body: body.clone(),
                dossier: it.id.clone(),
                procedure: ORDINARY.into(),
                procedure_version: ORDINARY_VERSION,
                title: "Pratica di prova".into(),
                state: CaseState::Open,
                unit: Some(unit.clone()),
                officer: Some(officer()),
                officer_name: None,
                due_on: Some("2026-11-20".parse().unwrap()),
                opened_at: it.opened_at,
                closed_at: None,
            };
            cases::open(tx, &mut case, &[], doer(&body))?;
            let task = NewTask {
                id: TaskId::from_u128(1),
                body: &body,
                once: "dlv_1 failed".into(),
                unit: Some(&unit),
                account: None,
                kind: "delivery-failed",
                about: "PEC non consegnata".into(),
                href: "/deliveries/dlv_1".into(),
                proposal: Some("retry"),
                case: None,
                due_on: None,
            };
            assert!(tasks::add(tx, &task, "system")?);
            assert!(!tasks::add(tx, &NewTask { id: TaskId::from_u128(2), ..task.clone() }, "system")?);
            tasks::see(tx, &officer(), AssignmentId::from_u128(1).as_str())?;
            let lines = worklist::lines(tx, &me, 50)?;
            let lines = trace::open(tx, &look(1), lines)?;
            let sources: Vec<_> = lines.iter().map(|line| line.source).collect();
            assert_eq!(sources[0], Source::Case, "what has a date comes first");
            assert_eq!(sources.len(), 4);
            let entry = lines.iter().find(|line| line.source == Source::Entry).unwrap();
            assert_eq!(
                (entry.about.as_deref(), entry.seen, entry.mine),
                (Some("Richiesta di prova"), true, false)
            );
            tasks::settle_at(tx, &body, task.href.as_str(), "system")?;
            let other = worklist::lines(tx, &viewer(&AccountId::from_u128(9), 99), 50)?;
            assert!(trace::open(tx, &look(2), other)?.is_empty());
            assert_eq!(timeline::of(tx, case.id.as_str(), 9)?[0].verb, "case.open");
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn schemes_are_replaced_whole_and_drafts_are_the_authors_own() {
    let store = test_store();
    store
        .write::<_, StoreError, _>(|tx| {
            let body = prato();
            let class = |code: &str, name: &str| Class { code: code.into(), name: name.into() };
            let first = Scheme { classes: vec![class("I", "Uno"), class("I.1", "Uno uno")] };
            classes::replace(tx, &body, &first, "acc_test")?;
            classes::replace(tx, &body, &Scheme { classes: vec![class("II", "Due")] }, "acc_test")?;
            assert_eq!(classes::scheme(tx, &body)?.classes.len(), 1);
            assert_eq!(
                classes::name(tx, &body, "I.1")?.as_deref(),
                Some("Uno uno"),
                "old documents keep theirs"
            );
            let (author, other) = (officer(), AccountId::from_u128(9));
            drafts::save(tx, &DraftId::from_u128(1), &body, &author, ("answer", "case_1"), "{}")?;
            drafts::save(tx, &DraftId::from_u128(2), &body, &author, ("answer", "case_1"), "{\"a\":1}")?;
            assert_eq!(drafts::find(tx, &author, "answer", "case_1")?.unwrap().content, "{\"a\":1}");
            assert_eq!(drafts::of(tx, &author, &body)?.len(), 1);
            assert!(drafts::find(tx, &other, "answer", "case_1")?.is_none());
            Ok(())
        })
        .await
        .unwrap();
}
