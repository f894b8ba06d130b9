//! Register entries: what is kept, what may change, what the tables refuse,
//! and that reading leaves a trace.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{aoo, clerk, general, letter, montemurlo, prato, register_one, registered};
use domain::ids::{AssignmentId, Id, LookId, RegistrationId, UnitId};
use domain::register::{AssignmentKind, Correspondent};
use store::counters::Scope;
use store::register::{self, Filter, NewAnnulment, NewAssignment, NewCorrection, Position};
use store::search::{self, Search, Words};
use store::trace::{self, Look};
use store::{Query, Store, StoreError, Tx, journal, test_store};

fn look(number: u128, subject: &str) -> Look {
    Look {
        id: LookId::from_u128(number),
        actor: clerk().to_string(),
        body: prato(),
        unit: None,
        purpose: "registration.open".into(),
        norm: None,
        case: None,
        subjects: vec![subject.to_owned()],
    }
}

async fn open(store: &Store, id: &RegistrationId) -> domain::register::Registration {
    let wanted = id.clone();
    let entry = store.read(move |reader| register::find(reader, &wanted)).await.unwrap().unwrap();
    let number = u128::from(store.figures().kept);
    let opened: Result<_, StoreError> = store.open_traced(look(number, id.as_str()), entry).await;
    opened.unwrap().into_inner()
}

fn order<'a>(by: &'a domain::ids::AccountId) -> NewAnnulment<'a> {
    NewAnnulment { reason: "errore", order_reference: "Det. 88 del 23/11/2026", by, by_name: "Prova Due" }
}

#[tokio::test]
async fn an_entry_reads_back_as_it_was_written() {
    let store = test_store();
    let new = letter(&prato(), "Richiesta occupazione suolo");
    let numbered = registered(&store, 7, new.clone()).await;
    let entry = open(&store, &RegistrationId::from_u128(7)).await;
    assert_eq!((entry.number, entry.year, entry.full_label()), (1, 2026, "0000001/2026".into()));
    assert_eq!(entry.registered_at.as_microsecond(), numbered.at);
    assert_eq!((entry.subject, entry.correspondents), (new.subject, new.correspondents));
    assert_eq!((entry.sender_reference, entry.classification), (new.sender_reference, new.classification));
    assert_eq!(entry.document.name, "documento-7.txt");
    assert!(entry.attachments.is_empty() && entry.annulment.is_none());
    let found = store
        .read(move |reader| {
            let scope = Scope { body: &prato(), aoo: &aoo(), register: &general() };
            register::by_number(reader, scope, 2026, 1)
        })
        .await;
    assert_eq!(found, Ok(Some(RegistrationId::from_u128(7))));
}

/// Scenario 2 of the register sheet: the tables themselves refuse; the datum is mended beside the original.
#[tokio::test]
async fn register_scenario_02_immutable() {
    let store = test_store();
    registered(&store, 1, letter(&prato(), "Richesta occupazione suolo")).await;
    let attempts = [
        "update registrations set subject = 'x'",
        "update registrations set number = 9",
        "delete from registrations",
        "update correspondents set name = 'x'",
        "update documents set sha256 = 'x'",
        "delete from journal",
    ];
    for attempt in attempts {
        let refused = store.write(move |tx| tx.execute(attempt, &[])).await;
        assert!(matches!(refused, Err(StoreError::Immutable(_))), "{attempt}: {refused:?}");
    }
    let id = RegistrationId::from_u128(1);
    let mended = NewCorrection::Subject("Richiesta occupazione suolo".into());
    store.write(move |tx| register::correct(tx, &prato(), &id, mended, order(&clerk()))).await.unwrap();
    let id = RegistrationId::from_u128(1);
    assert_eq!(open(&store, &id).await.subject, "Richiesta occupazione suolo");
    let all = store.read(move |reader| register::corrections(reader, &id)).await.unwrap();
    assert_eq!(all[0].old_value.as_deref(), Some("Richesta occupazione suolo"));
    assert_eq!(all[0].new_value.as_deref(), Some("Richiesta occupazione suolo"));
    assert_eq!((&*all[0].by_name, &*all[0].order_reference), ("Prova Due", "Det. 88 del 23/11/2026"));
}

#[tokio::test]
async fn corrected_correspondents_and_reference_keep_the_originals() {
    let store = test_store();
    registered(&store, 1, letter(&prato(), "Oggetto")).await;
    let id = RegistrationId::from_u128(1);
    let mut others = letter(&prato(), "x").correspondents;
    others[0].name = "Prova Tre".into();
    let expected = others.clone();
    store
        .write(move |tx| {
            let id = RegistrationId::from_u128(1);
            let by = clerk();
            register::correct(tx, &prato(), &id, NewCorrection::Correspondents(others), order(&by))?;
            register::correct(tx, &prato(), &id, NewCorrection::SenderReference(None), order(&by))
        })
        .await
        .unwrap();
    let entry = open(&store, &id).await;
    assert_eq!((entry.correspondents, entry.sender_reference), (expected, None));
    let all = store.read(move |reader| register::corrections(reader, &id)).await.unwrap();
    let old: Vec<Correspondent> = serde_json::from_str(all[0].old_value.as_deref().unwrap()).unwrap();
    assert_eq!(old[0].name, "Prova Uno");
    assert!(all[1].old_value.as_deref().unwrap().contains("12/A"));
}

/// Scenario 3 of the register sheet, the part of the store: once, visible, the number stays consumed.
#[tokio::test]
async fn register_scenario_03_cancelled_entry() {
    let store = test_store();
    registered(&store, 1, letter(&prato(), "Doppione")).await;
    let cancel = |tx: &mut Tx| register::annul(tx, &prato(), &RegistrationId::from_u128(1), order(&clerk()));
    store.write(cancel).await.unwrap();
    assert!(store.write(cancel).await.unwrap_err().is_duplicate());
    let annulment = open(&store, &RegistrationId::from_u128(1)).await.annulment.unwrap();
    assert_eq!(annulment.order_reference, "Det. 88 del 23/11/2026");
    assert_eq!(registered(&store, 2, letter(&prato(), "Altro")).await.number, 2);
}

#[tokio::test]
async fn class_and_assignment_change_with_history() {
    let store = test_store();
    registered(&store, 1, letter(&prato(), "Oggetto")).await;
    let id = RegistrationId::from_u128(1);
    let history = store
        .write(move |tx| {
            let (body, by, unit) = (prato(), clerk(), UnitId::from_u128(3));
            register::classify(tx, &body, &id, "VI.4", &by)?;
            let new = NewAssignment {
                id: &AssignmentId::from_u128(5),
                kind: AssignmentKind::Competence,
                unit: Some(&unit),
                account: None,
                by: &by,
                note: None,
            };
            register::assign(tx, &body, &id, new)?;
            let made = register::assignments(tx, &id)?.remove(0);
            assert!(register::take_charge(tx, &body, &made, &by)?);
            assert!(!register::take_charge(tx, &body, &made, &by)?, "taken once");
            assert!(register::end_assignment(tx, &body, &made, &by, "moved")?);
            assert!(!register::end_assignment(tx, &body, &made, &by, "moved")?);
            Ok::<_, StoreError>((register::classes(tx, &id)?, register::assignments(tx, &id)?))
        })
        .await
        .unwrap();
    let classes: Vec<_> = history.0.iter().map(|(class, ..)| class.as_str()).collect();
    assert_eq!(classes, ["VI.3", "VI.4"]);
    assert_eq!(history.1[0].end_reason.as_deref(), Some("moved"));
    assert_eq!(open(&store, &RegistrationId::from_u128(1)).await.classification.as_deref(), Some("VI.4"));
}

#[tokio::test]
async fn lists_are_paged_newest_first_within_a_body() {
    let store = test_store();
    for seed in 1..=7 {
        let body = if seed == 4 { montemurlo() } else { prato() };
        registered(&store, seed, letter(&body, &format!("Numero {seed}"))).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .write(move |tx| {
                let lines = register::list(tx, &Filter::of(prato()), after, 4)?;
                trace::open(tx, &look(tx_unique(after), "list"), lines)
            })
            .await
            .unwrap()
            .into_inner();
        let Some(last) = page.last() else { break };
        after = Some(Position { registered_at: last.registered_at, number: last.number });
        seen.extend(page.into_iter().map(|line| (line.subject, line.correspondent, line.files)));
    }
    let subjects: Vec<_> = seen.iter().map(|(subject, ..)| subject.as_str()).collect();
    assert_eq!(subjects, ["Numero 7", "Numero 6", "Numero 5", "Numero 3", "Numero 2", "Numero 1"]);
    assert!(seen.iter().all(|(_, name, files)| name == "Prova Uno" && *files == 1));
}

fn tx_unique(after: Option<Position>) -> u128 {
    after.map_or(100, |position| 200 + position.number as u128)
}

#[tokio::test]
async fn every_opening_is_written_down_and_chained() {
    let store = test_store();
    registered(&store, 1, letter(&prato(), "Oggetto")).await;
    let id = RegistrationId::from_u128(1);
    open(&store, &id).await;
    let (looks, chain) = store
        .read(|reader| {
            let looks = trace::looks_at(reader, &prato(), RegistrationId::from_u128(1).as_str(), 10)?;
            Ok::<_, StoreError>((looks, journal::verify_chain(reader, &prato())?))
        })
        .await
        .unwrap();
    assert_eq!(looks.len(), 1);
    assert_eq!((&*looks[0].actor, &*looks[0].purpose), (clerk().as_str(), "registration.open"));
    assert_eq!(chain.entries, 3, "document, registration, look");
}

#[tokio::test]
async fn an_altered_journal_is_found() {
    let store = test_store();
    for seed in 1..=3 {
        registered(&store, seed, letter(&prato(), "Oggetto")).await;
    }
    let altered = store
        .write(|tx| {
            let unprotect = if tx.is_postgres() {
                "alter table journal disable trigger journal_unchanging"
            } else {
                "drop trigger journal_unchanging"
            };
            tx.execute(unprotect, &[])?;
            tx.execute("update journal set actor = 'somebody else' where leaf = 2", &[])
        })
        .await;
    assert_eq!(altered, Ok(1));
    let verified = store.read(|reader| journal::verify_chain(reader, &prato())).await;
    assert!(
        matches!(verified, Err(StoreError::Damaged(ref what)) if what.contains("leaf 2")),
        "{verified:?}"
    );
}

async fn hits(store: &Store, typed: &str, readers: &[&str]) -> Vec<String> {
    let search = Search {
        body: prato(),
        readers: readers.iter().map(|reader| (*reader).to_owned()).collect(),
        typed: typed.to_owned(),
        before: None,
        limit: 10,
    };
    let found = store.read(move |reader| search::find(reader, &search)).await;
    found.unwrap().into_iter().map(|hit| hit.object).collect()
}

#[tokio::test]
async fn a_registration_is_found_at_once_by_number_party_and_subject() {
    let store = test_store();
    registered(&store, 1, letter(&prato(), "Richiesta di agibilità")).await;
    registered(&store, 2, letter(&prato(), "Agibilita parziale")).await;
    registered(&store, 3, letter(&montemurlo(), "Agibilità altrove")).await;
    let (first, second) =
        (RegistrationId::from_u128(1).to_string(), RegistrationId::from_u128(2).to_string());
    assert_eq!(hits(&store, "AGIBILITA", &["all"]).await, [second.clone(), first.clone()]);
    assert_eq!(hits(&store, "richiesta agib", &["all"]).await, *std::slice::from_ref(&first));
    assert_eq!(hits(&store, "0000002/2026", &["all"]).await, *std::slice::from_ref(&second));
    assert_eq!(hits(&store, "prova uno", &["all"]).await.len(), 2);
    assert_eq!(hits(&store, "agibilita", &["nobody"]).await, [""; 0]);
    for hostile in ["\"", "a OR b", "NOT", "scope : x", "'; drop table journal; --", "*", "agib* AND"] {
        hits(&store, hostile, &["all"]).await;
    }
    store
        .write(move |tx| {
            search::add_words(tx, &first, &Words::of("testo della relazione tecnica"))?;
            search::set_readers(tx, &prato(), &second, &["unit_x".to_owned()])
        })
        .await
        .unwrap();
    assert_eq!(hits(&store, "relazione agibilità", &["all"]).await.len(), 1);
    assert_eq!(hits(&store, "parziale", &["all"]).await.len(), 0);
    assert_eq!(hits(&store, "parziale", &["all", "unit_x"]).await.len(), 1);
}

#[tokio::test]
async fn a_number_taken_by_an_import_is_never_given_again() {
    let store = test_store();
    let import = |number| {
        move |tx: &mut Tx| {
            let seed = 1_000 + number as u128;
            let new = letter(&prato(), "Importata");
            register_one(tx, seed + 1_000, &new)?;
            Ok::<_, StoreError>(())
        }
    };
    store.write(import(1)).await.unwrap();
    let given = store::counters::Numbered { year: 2025, number: 41, at: 1_750_000_000_000_000 };
    let taken = move |tx: &mut Tx| {
        let id = RegistrationId::from_u128(9);
        let new = letter(&prato(), "Vecchia");
        let entry = register::NewEntry {
            id: &id,
            new: &new,
            register: &general(),
            files: &[],
            by: &clerk(),
            on_behalf_of: None,
            readers: &[],
            words: &[],
        };
        register::import(tx, entry, given)
    };
    store.write(taken).await.unwrap();
    assert!(store.write(taken).await.unwrap_err().is_duplicate());
    assert_eq!(registered(&store, 2, letter(&prato(), "Nuova")).await.number, 2, "2026 goes on by itself");
}
