//! The acceptance scenarios of the register sheet (§21) told through the use cases, on the store that
//! `TELAIO_TEST_DB` names or on a throw-away SQLite folder.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

mod support;

use app::Error;
use app::use_cases::register::assign::{AssignTo, assign_many};
use app::use_cases::register::correct::{Correction, correct};
use app::use_cases::register::files::{receive_bytes, receive_file};
use app::use_cases::register::history::history;
use app::use_cases::register::import_old::{Import, Verdict, import_old};
use app::use_cases::register::list::list;
use app::use_cases::register::read::{Opened, TextState, open, open_whole};
use app::use_cases::register::register_document::{Registered, register_document};
use app::use_cases::register::{annul, classify, download, duplicates, views};
use app::use_cases::scheme;
use app::workers::texts;
use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::register::{ANNULMENT_LAW, AssignmentKind, IMMUTABLE_LAW};
use domain::register_filter::Filter;
use domain::{Moment, Role};
use std::collections::BTreeSet;
use store::counters::{Numbered, Scope, advance_to};
use store::{StoreError, trace};
use support::{BODY, House, OTHER, account, incoming, register, unit, with_file};

fn to_person(n: u128) -> AssignTo {
    AssignTo { kind: AssignmentKind::Competence, unit: None, account: Some(account(n)), note: None }
}

fn to_unit(n: u128) -> AssignTo {
    AssignTo { kind: AssignmentKind::Competence, unit: Some(unit(n)), account: None, note: None }
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::parse([(name, value)]).unwrap()
}

async fn start_at(house: &House, number: i64) {
    let at = Moment::new("2026-11-23T08:00:00Z".parse().unwrap()).micros();
    let done: Result<(), StoreError> = house
        .app
        .store
        .write(move |tx| {
            let (body, aoo) = (IpaCode::parse(BODY).unwrap(), AooCode::parse("A1B2C3D").unwrap());
            let register = RegisterCode::parse("RG").unwrap();
            let scope = Scope { body: &body, aoo: &aoo, register: &register };
            advance_to(tx, scope, Numbered { year: 2026, number, at })
        })
        .await;
    done.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn register_scenario_01_gap_free() {
    let house = House::new().await;
    start_at(&house, 184_211).await;
    let waiting: Vec<_> = (0..200)
        .map(|n| {
            let clerk = house.clerk();
            tokio::spawn(async move {
                // Ten fail before the transaction, ten inside it, after their number was taken.
                let subject = if n % 20 == 0 { String::new() } else { format!("Richiesta {n}") };
                let to = if n % 20 == 1 { vec![to_unit(999)] } else { Vec::new() };
                register(&clerk, incoming(&subject), to).await
            })
        })
        .collect();
    let mut numbers = BTreeSet::new();
    let mut refused = 0;
    for one in waiting {
        match one.await.unwrap() {
            Ok(entry) => assert!(numbers.insert(entry.number), "{} was given twice", entry.number),
            Err(Error::Invalid(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 20);
    assert_eq!(numbers, (184_212..=184_391).collect());
    let next = register(&house.clerk(), incoming("La prossima"), Vec::new()).await.unwrap();
    assert_eq!((next.number_label().as_str(), next.year), ("0184392", 2026));
}

#[tokio::test]
async fn register_scenario_02_immutable() {
    let house = House::new().await;
    let entry = register(&house.clerk(), incoming("Richesta occupazione suolo"), Vec::new()).await.unwrap();
    let asked = |field: &str| Correction {
        field: field.into(),
        value: "Richiesta occupazione suolo".into(),
        reason: "Errore di battitura".into(),
        order_reference: "Det. 88 del 23/11/2026".into(),
    };
    let refused = correct(&house.clerk(), entry.id.clone(), asked("subject")).await;
    assert!(matches!(refused, Err(Error::Refusal(r)) if r.code == "not-permitted"));
    let never = correct(&house.manager(), entry.id.clone(), asked("number")).await;
    assert!(matches!(never, Err(Error::Refusal(r)) if r.law == Some(IMMUTABLE_LAW)));
    let mut empty = asked("subject");
    empty.value = " ".into();
    let faulty = correct(&house.manager(), entry.id.clone(), empty).await;
    assert!(matches!(faulty, Err(Error::Invalid(f)) if f.errors[0].pointer == "/value"));

    correct(&house.manager(), entry.id.clone(), asked("subject")).await.unwrap();
    let shown = open_whole(&house.clerk(), entry.id.clone()).await.unwrap();
    assert_eq!(shown.registration.subject, "Richiesta occupazione suolo");
    let mended = &shown.corrections[0];
    assert_eq!(mended.old_value.as_deref(), Some("Richesta occupazione suolo"));
    assert_eq!(
        (mended.by_name.as_str(), mended.order_reference.as_str()),
        ("Prova 2", "Det. 88 del 23/11/2026")
    );
    let verbs: Vec<_> =
        history(&house.clerk(), entry.id.clone()).await.unwrap().into_iter().map(|l| l.verb).collect();
    assert_eq!(verbs, ["registration.correct", "registration.create"]);
    for word in ["richesta", "richiesta"] {
        let found = list(&house.clerk(), filter("q", word), None, 10).await.unwrap();
        assert_eq!(found.lines.len(), 1, "{word} finds the entry");
    }
}

#[tokio::test]
async fn register_scenario_03_cancelled_entry() {
    let house = House::new().await;
    let entry = register(&house.clerk(), incoming("Doppione"), Vec::new()).await.unwrap();
    let order = || "Det. 90 del 23/11/2026".to_owned();
    let without = annul::annul(&house.manager(), entry.id.clone(), " ".into(), order()).await;
    assert!(matches!(without, Err(Error::Invalid(f)) if f.errors[0].pointer == "/reason"));
    let clerk = annul::annul(&house.clerk(), entry.id.clone(), "Doppione".into(), order()).await;
    assert!(matches!(clerk, Err(Error::Refusal(_))));
    annul::annul(&house.manager(), entry.id.clone(), "Doppione".into(), order()).await.unwrap();
    let shown = open_whole(&house.clerk(), entry.id.clone()).await.unwrap();
    let mark = shown.registration.annulment.unwrap();
    assert_eq!((mark.order_reference, mark.by), (order(), "Prova 2".into()));
    assert_eq!(shown.registration.subject, "Doppione", "the text stays readable");
    let twice = annul::annul(&house.manager(), entry.id.clone(), "Doppione".into(), order()).await;
    assert!(matches!(twice, Err(Error::Refusal(r)) if r.law == Some(ANNULMENT_LAW)));
    let changed = assign_many(&house.clerk(), vec![entry.id], to_unit(2), false).await.unwrap();
    assert!(matches!(changed[0].outcome, Err(Error::Refusal(_))), "nothing more is done with it");
    let next = register(&house.clerk(), incoming("Altro"), Vec::new()).await.unwrap();
    assert_eq!(next.number, entry.number + 1, "the number is not used again");
    let only = list(&house.clerk(), filter("annulled", "yes"), None, 10).await.unwrap();
    assert_eq!(only.lines.len(), 1);
    assert_eq!(list(&house.clerk(), filter("annulled", "no"), None, 10).await.unwrap().lines.len(), 1);
}

#[tokio::test]
async fn register_scenario_04_year_change() {
    let house = House::at("2026-12-31T22:59:59.900Z").await;
    let old = register(&house.clerk(), incoming("Ultima"), Vec::new()).await.unwrap();
    house.move_to("2026-12-31T23:00:00.100Z");
    let new = register(&house.clerk(), incoming("Prima"), Vec::new()).await.unwrap();
    assert_eq!((old.number, old.year), (1, 2026));
    assert_eq!((new.number, new.year), (1, 2027));
    assert_eq!(new.full_label(), "0000001/2027");
}

#[tokio::test]
async fn register_scenario_09_confidential() {
    let house = House::new().await;
    let mut new = incoming("Segnalazione riservatissima");
    new.confidential = true;
    let clerk = house.clerk();
    let entry = register(&clerk, new, vec![to_person(7)]).await.unwrap();
    let colleague = house.person(8, BODY, &[Role::RegistryClerk]);

    let found = list(&colleague, filter("q", "1/2026"), None, 10).await.unwrap();
    assert_eq!(found.lines.len(), 1);
    let line = &found.lines[0];
    assert!(line.hidden && line.subject.is_empty() && line.correspondent.is_empty() && line.class.is_none());
    assert_eq!((line.number, line.registered_at), (1, entry.registered_at.as_microsecond()));
    for (name, value) in [("q", "riservatissima"), ("direction", "incoming"), ("classification", "VI.3")] {
        let lines = list(&colleague, filter(name, value), None, 10).await.unwrap().lines;
        assert!(lines.is_empty(), "{name} must not reveal it");
        let own =
            list(&house.person(7, BODY, &[Role::CaseOfficer]), filter(name, value), None, 10).await.unwrap();
        assert_eq!(own.lines.len(), 1, "the assignee finds it by {name}");
    }
    let opened = open(&colleague, entry.id.clone()).await.unwrap();
    assert!(matches!(opened, Opened::NumberOnly(head) if head.number == 1));
    assert!(matches!(download::open(&colleague, entry.document.id.clone()).await, Err(Error::NotFound)));
    assert!(matches!(history(&colleague, entry.id.clone()).await, Err(Error::NotFound)));
    let looks: Result<_, StoreError> = house
        .app
        .store
        .read(move |r| trace::looks_by(r, &IpaCode::parse(BODY).unwrap(), &account(8), 50))
        .await;
    let attempt = looks.unwrap().into_iter().find(|look| look.purpose == "register.read_denied");
    assert!(attempt.is_some(), "the attempt is logged");
    assert!(open_whole(&house.person(7, BODY, &[Role::CaseOfficer]), entry.id).await.is_ok());
}

#[tokio::test]
async fn another_body_sees_nothing_and_no_hint() {
    let house = House::new().await;
    let entry = register(&house.clerk(), incoming("Cosa nostra"), Vec::new()).await.unwrap();
    let stranger = house.person(9, OTHER, &[Role::RegistryClerk, Role::RecordsManager]);
    assert!(matches!(open(&stranger, entry.id.clone()).await, Err(Error::NotFound)));
    assert!(matches!(download::open(&stranger, entry.document.id.clone()).await, Err(Error::NotFound)));
    let order = "Det. 1".to_owned();
    assert!(matches!(
        annul::annul(&stranger, entry.id.clone(), "x".into(), order).await,
        Err(Error::NotFound)
    ));
    assert!(list(&stranger, Filter::default(), None, 10).await.unwrap().lines.is_empty());
    assert!(duplicates::with_same_file(&stranger, &entry.document.sha256).await.unwrap().is_empty());
    let there = register(&stranger, incoming("Nel registro altrui"), Vec::new()).await;
    assert!(matches!(there, Err(Error::Refusal(r)) if r.code == "not-permitted"));
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_no_second_number() {
    let house = House::new().await;
    let clerk = house.clerk();
    let mut what = with_file(&clerk, incoming("Una volta sola"), "x").await;
    what.idempotency_key = Some("k-1".into());
    let Registered::New(first) = register_document(&clerk, what.clone()).await.unwrap() else {
        panic!("the first request makes the entry")
    };
    let again = register_document(&clerk, what.clone()).await.unwrap();
    assert!(matches!(again, Registered::Before(id) if id == first.id));
    what.new.subject = "Altra richiesta".into();
    let other = register_document(&clerk, what).await;
    assert!(matches!(other, Err(Error::Invalid(f)) if f.errors[0].code == "used-otherwise"));
    let next = register(&clerk, incoming("Dopo"), Vec::new()).await.unwrap();
    assert_eq!(next.number, 2);
}

#[tokio::test]
async fn files_are_refused_when_empty_or_large_and_flagged_when_odd() {
    let house = House::new().await;
    let clerk = house.clerk();
    let body = IpaCode::parse(BODY).unwrap();
    let empty = receive_bytes(&clerk, &body, "/document", "vuoto.pdf", b"").await;
    assert!(matches!(empty, Err(Error::Invalid(f)) if f.errors[0].code == "empty-file"));
    let long = receive_bytes(&clerk, &body, "/document", &"x".repeat(5_000), b"x").await;
    assert!(matches!(long, Err(Error::Invalid(f)) if f.errors[0].pointer == "/document/name"));
    let named = receive_bytes(&clerk, &body, "/document", "../../etc/fattura.pdf", b"MZ\x90\x00not a pdf")
        .await
        .unwrap();
    assert_eq!(named.name, "fattura.pdf");
    assert!(named.flags.contains(&"executable"), "{:?}", named.flags);
}

/// A person is told at once; what a message brought is kept, since its arrival is a fact.
#[tokio::test]
async fn infected_files_are_refused_from_people_and_flagged_in_messages() {
    let house = House::new().await;
    let clerk = house.clerk();
    let body = IpaCode::parse(BODY).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let antivirus = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut peer, _)) = listener.accept().await {
            let mut said = Vec::new();
            while !said.ends_with(&[0; 4]) && peer.read_buf(&mut said).await.is_ok_and(|n| n > 0) {}
            peer.write_all(b"stream: Prova.Virus FOUND\0").await.unwrap();
        }
    });
    let settings = app::Settings { antivirus, ..app::Settings::default() };
    let app = std::sync::Arc::new(app::App::new(clerk.app.store.clone(), clerk.app.clock.clone(), settings));
    let clerk = app.context(clerk.actor.clone());
    let refused = receive_file(&clerk, &body, "/document", "a.txt", &b"prova"[..]).await;
    assert!(matches!(refused, Err(Error::Invalid(f)) if f.errors[0].code == "infected"));
    let kept = receive_bytes(&clerk, &body, "/document", "a.txt", b"prova").await.unwrap();
    assert!(kept.flags.contains(&"infected"), "{:?}", kept.flags);
}

#[tokio::test]
async fn lists_go_on_where_they_ended_and_filters_hold() {
    let house = House::new().await;
    let clerk = house.clerk();
    for n in 0..7 {
        let to = if n < 3 { vec![to_unit(2)] } else { Vec::new() };
        register(&clerk, incoming(&format!("Pratica edilizia {n}")), to).await.unwrap();
    }
    for query in ["", "pratica"] {
        let wanted = if query.is_empty() { Filter::default() } else { filter("q", query) };
        let mut numbers = Vec::new();
        let mut cursor = None;
        loop {
            let page = list(&clerk, wanted.clone(), cursor.as_deref(), 3).await.unwrap();
            numbers.extend(page.lines.iter().map(|line| line.number));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(numbers, [7, 6, 5, 4, 3, 2, 1], "{query:?}");
    }
    let mine = Filter { unit: Some(unit(2)), ..Filter::default() };
    assert_eq!(list(&clerk, mine, None, 10).await.unwrap().lines.len(), 3);
    assert_eq!(list(&clerk, filter("classification", "VI"), None, 10).await.unwrap().lines.len(), 7);
    assert!(list(&clerk, filter("classification", "VII"), None, 10).await.unwrap().lines.is_empty());
    assert!(list(&clerk, filter("with_attachments", "yes"), None, 10).await.unwrap().lines.is_empty());
    let tomorrow = list(&clerk, filter("from", "2026-11-24"), None, 10).await.unwrap();
    assert!(tomorrow.lines.is_empty());
    let bad = list(&clerk, Filter::default(), Some("../x"), 10).await;
    assert!(matches!(bad, Err(Error::Invalid(f)) if f.errors[0].pointer == "/cursor"));
}

#[tokio::test]
async fn class_and_duplicates_and_views() {
    let house = House::new().await;
    let clerk = house.clerk();
    let entry = register(&clerk, incoming("Domanda"), Vec::new()).await.unwrap();
    classify::classify(&clerk, entry.id.clone(), "IV.8".into()).await.unwrap();
    let shown = open_whole(&clerk, entry.id.clone()).await.unwrap();
    let codes: Vec<_> = shown.classes.iter().map(|(code, ..)| code.as_str()).collect();
    assert_eq!(codes, ["VI.3", "IV.8"], "both values stay");
    assert!(classify::classify(&clerk, entry.id.clone(), "with space".into()).await.is_err());
    let same = duplicates::with_same_file(&clerk, &entry.document.sha256).await.unwrap();
    assert_eq!(same.iter().map(|line| &line.id).collect::<Vec<_>>(), [&entry.id]);

    let view = views::save(&clerk, " In arrivo ", &filter("direction", "incoming"), false).await.unwrap();
    let all = views::all(&clerk).await.unwrap();
    assert_eq!((all[0].name.as_str(), all[0].query.as_str()), ("In arrivo", "direction=incoming"));
    assert!(views::all(&house.manager()).await.unwrap().is_empty(), "a view is its owner's");
    assert!(matches!(views::remove(&house.manager(), view.clone()).await, Err(Error::NotFound)));
    views::remove(&clerk, view).await.unwrap();
}

#[tokio::test]
async fn an_old_register_keeps_its_numbers_and_comes_in_once() {
    let house = House::new().await;
    let manager = house.manager();
    let mapping = "[columns]\nnumber = \"N\"\ndate = \"D\"\ndirection = \"V\"\nsubject = \"O\"\ncorrespondents = \"M\"\n\
                   [directions]\nE = \"incoming\"\n";
    let file =
        "N;D;V;O;M\n0009874;31/12/2025;E;Vecchia domanda;Prova Uno\nx;;;;\n12;02/01/2026;E;Nuova;Prova Due\n";
    let import = |dry_run| Import {
        aoo: AooCode::parse("A1B2C3D").unwrap(),
        register: RegisterCode::parse("RG").unwrap(),
        mapping: mapping.into(),
        file: file.as_bytes().to_vec(),
        dry_run,
    };
    let dry = import_old(&manager, import(true)).await.unwrap();
    assert!(
        list(&manager, Filter::default(), None, 10).await.unwrap().lines.is_empty(),
        "nothing was written"
    );
    let real = import_old(&manager, import(false)).await.unwrap();
    assert_eq!(dry, real, "the dry run told the truth");
    assert!(matches!(real[1].verdict, Verdict::Faulty(_)));
    let again = import_old(&manager, import(false)).await.unwrap();
    assert_eq!(again.iter().filter(|row| row.verdict == Verdict::AlreadyThere).count(), 2);
    let lines = list(&manager, Filter::default(), None, 10).await.unwrap().lines;
    assert_eq!(
        lines.iter().map(|l| (l.number, l.year, l.imported)).collect::<Vec<_>>(),
        [(12, 2026, true), (9874, 2025, true)]
    );
    let next = register(&house.clerk(), incoming("La prossima"), Vec::new()).await.unwrap();
    assert_eq!(next.number, 13, "numbers go on after the last imported one");
}

/// A short text is found with its entry, a long one once the worker has read it; what cannot be read is marked and
/// stops nobody.
#[tokio::test]
async fn documents_are_found_by_their_words_at_once_or_after_the_worker_has_read_them() {
    let house = House::new().await;
    let clerk = house.clerk();
    let body = IpaCode::parse(BODY).unwrap();
    let mut what =
        with_file(&clerk, incoming("Richiesta generica"), "Un PANTOGRAFO per l\u{2019}orditur\u{e0}.").await;
    let long = format!("{} incannatoio", "parola ".repeat(20_000));
    let broken = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog";
    for (name, bytes) in
        [("lungo.txt", long.as_bytes()), ("rotto.pdf", broken), ("righe.txt", b" . \n - \n".as_slice())]
    {
        what.attachments.push(receive_bytes(&clerk, &body, "/attachments/0", name, bytes).await.unwrap());
    }
    let Registered::New(entry) = register_document(&clerk, what).await.unwrap() else { unreachable!() };
    let hits = async |typed| list(&clerk, filter("q", typed), None, 10).await.unwrap().lines.len();
    assert_eq!((hits("pantografo ordit").await, hits("incannatoio").await), (1, 0));
    assert_eq!(texts::run_once(&house.app).await.unwrap(), 2);
    assert_eq!((hits("pantografo ordit").await, hits("incannatoio").await), (1, 1));
    assert_eq!(texts::run_once(&house.app).await.unwrap(), 0, "each file is read once");
    let entry = open_whole(&clerk, entry.id).await.unwrap();
    let files = std::iter::once(&entry.registration.document).chain(&entry.registration.attachments);
    let states: Vec<_> =
        files.map(|file| entry.facts.iter().find(|facts| facts.document == file.id).unwrap().text).collect();
    assert_eq!(states, [TextState::Done, TextState::Done, TextState::Failed, TextState::None]);
}

#[tokio::test]
async fn bodies_scenario_09_go_live_keeps_the_old_numbers_and_begins_the_new_year_at_one() {
    let house = House::at("2026-12-30T09:00:00Z").await;
    let mapping = "[columns]\nnumber = \"N\"\ndate = \"D\"\ndirection = \"V\"\nsubject = \"O\"\n\
        correspondents = \"M\"\n[directions]\nE = \"incoming\"\n";
    let rows: String =
        (1..=40).map(|n| format!("{n};15/03/2026;E;Vecchia domanda {n};Prova {n}\n")).collect();
    let import = Import {
        aoo: AooCode::parse("A1B2C3D").unwrap(),
        register: RegisterCode::parse("RG").unwrap(),
        mapping: mapping.into(),
        file: format!("N;D;V;O;M\n{rows}").into_bytes(),
        dry_run: false,
    };
    let report = import_old(&house.manager(), import).await.unwrap();
    assert!(report.iter().all(|row| row.verdict == Verdict::Imported));
    let last = register(&house.clerk(), incoming("Prima registrazione qui"), Vec::new()).await.unwrap();
    assert_eq!((last.number, last.year), (41, 2026), "the old register goes on without a gap");
    house.move_to("2027-01-02T09:00:00Z");
    let first = register(&house.clerk(), incoming("Prima dell'anno"), Vec::new()).await.unwrap();
    assert_eq!((first.number, first.year), (1, 2027));
}

#[tokio::test]
async fn a_class_must_be_of_the_scheme_once_the_body_has_one() {
    let house = House::new().await;
    let clerk = house.clerk();
    let mut odd = incoming("Senza titolario");
    odd.classification = Some("XX.99".into());
    let entry = register(&clerk, odd.clone(), vec![]).await.unwrap();
    scheme::import(&house.manager(), scheme::MUNICIPAL.as_bytes()).await.unwrap();
    let refused = register(&clerk, odd, vec![]).await;
    assert!(matches!(&refused, Err(Error::Invalid(f)) if f.errors[0].code == "unknown-class"), "{refused:?}");
    let again = classify::classify(&clerk, entry.id.clone(), "XX.99".into()).await;
    assert!(
        matches!(&again, Err(Error::Invalid(f)) if f.errors[0].pointer == "/classification"),
        "{again:?}"
    );
    classify::classify(&clerk, entry.id, "VI.3".into()).await.unwrap();
    assert_eq!(
        register(&clerk, incoming("Con titolario"), vec![]).await.unwrap().number,
        2,
        "no number lost"
    );
}
