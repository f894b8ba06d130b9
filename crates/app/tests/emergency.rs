//! The emergency register told through the use cases: authorised, kept by hand, brought back with both numbers.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

mod support;

use app::Error;
use app::use_cases::daily_register::{Form, open as open_day};
use app::use_cases::emergency::{
    Opening, Outcome, authorise, blank, dry_run, import, linked, list, open, restore,
};
use app::use_cases::register::read::open_whole;
use app::workers::daily_register::run_once;
use documents::xml;
use domain::body::{AooCode, RegisterCode};
use domain::ids::EmergencyId;
use jiff::Timestamp;
use support::{House, incoming, register};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn aoo() -> AooCode {
    AooCode::parse("A1B2C3D").unwrap()
}

async fn opened(house: &House, started_at: &str) -> EmergencyId {
    let what = Opening {
        aoo: aoo(),
        cause: "Guasto alla linea".into(),
        started_at: at(started_at),
        reference: "Autorizzazione n. 3 del 23/11/2026".into(),
    };
    open(&house.manager(), what).await.unwrap()
}

/// Fourteen entries by hand of the morning of 23 November 2026.
fn fourteen() -> String {
    let mut file = "number;entered_at;direction;correspondent;tax_code;subject;class\n".to_owned();
    for n in 1..=14 {
        file.push_str(&format!(
            "{n:06};23/11/2026 {:02}:{:02};E;Prova {n};;Domanda {n};VI.3\n",
            9 + n / 4,
            15 + n
        ));
    }
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn register_scenario_05_emergency() {
    let house = House::at("2026-11-23T15:00:00Z").await;
    for started in ["2026-11-02T08:00:00Z", "2026-11-10T08:00:00Z"] {
        opened(&house, started).await;
    }
    let id = opened(&house, "2026-11-23T08:10:00Z").await;
    let manager = house.manager();
    let early = import(&house.clerk(), id.clone(), fourteen().as_bytes()).await;
    assert!(matches!(early, Err(Error::Refusal(_))), "nothing is brought in before the system works again");
    restore(&manager, id.clone(), at("2026-11-23T14:40:00Z")).await.unwrap();

    let ready = dry_run(&house.clerk(), id.clone(), fourteen().as_bytes()).await.unwrap();
    assert!(ready.iter().all(|row| row.outcome == Outcome::Ready), "{ready:?}");
    assert!(linked(&house.clerk(), id.clone()).await.unwrap().1.is_empty(), "a dry run writes nothing");

    let report = import(&house.clerk(), id.clone(), fourteen().as_bytes()).await.unwrap();
    let numbers: Vec<_> = report
        .iter()
        .map(|row| match row.outcome {
            Outcome::Registered(number, 2026) => number,
            ref other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, (1..=14).collect::<Vec<_>>());
    let (period, entries) = linked(&house.clerk(), id.clone()).await.unwrap();
    assert_eq!((period.code.as_str(), entries.len()), ("EM-2026-03", 14));
    assert!(entries.iter().all(|e| e.number == e.ordinary_number));
    let first = open_whole(&house.clerk(), entries[0].registration.clone()).await.unwrap().registration;
    assert_eq!(
        first.received_at,
        Some(at("2026-11-23T08:16:00Z")),
        "the legal date is that of the entry by hand"
    );

    let again = import(&house.clerk(), id.clone(), fourteen().as_bytes()).await.unwrap();
    assert!(again.iter().all(|row| matches!(row.outcome, Outcome::Before(_, 2026))), "{again:?}");
    let changed = fourteen().replace("Domanda 7;", "Domanda diversa;");
    let judged = import(&house.clerk(), id, changed.as_bytes()).await.unwrap();
    assert_eq!(judged.iter().filter(|row| matches!(row.outcome, Outcome::Differs(..))).count(), 1);

    house.move_to("2026-11-24T06:00:00Z");
    run_once(&house.app).await.unwrap();
    let general = RegisterCode::parse("RG").unwrap();
    let day = open_day(&manager, aoo(), general, "2026-11-23".parse().unwrap(), Form::Xml).await.unwrap();
    let day = xml::parse(&day).unwrap();
    assert_eq!(day.at(&["Totali", "DiEmergenza"]).unwrap().text, "14");
    let entry = &day.child("Registrazioni").unwrap().children[6];
    assert_eq!(entry.attribute("numero"), Some("0000007"));
    assert_eq!(entry.child("RegistroDiEmergenza").unwrap().text, "000007");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_authorised_by_the_records_manager_a_week_at_a_time() {
    let house = House::at("2026-11-23T15:00:00Z").await;
    let what = Opening {
        aoo: aoo(),
        cause: String::new(),
        started_at: at("2026-11-24T08:00:00Z"),
        reference: "x".into(),
    };
    let refused = open(&house.clerk(), what.clone()).await;
    assert!(matches!(refused, Err(Error::Refusal(_))));
    let Err(Error::Invalid(faults)) = open(&house.manager(), what).await else {
        panic!("a bad opening was taken")
    };
    let pointers: Vec<_> = faults.errors.iter().map(|e| e.pointer.as_str()).collect();
    assert_eq!(pointers, ["/cause", "/started_at"]);

    let id = opened(&house, "2026-11-23T08:10:00Z").await;
    let period = &list(&house.manager()).await.unwrap()[0];
    assert_eq!(period.authorised_until, at("2026-11-24T08:10:00Z").as_microsecond());
    let manager = house.manager();
    let longer = |until: &str| authorise(&manager, id.clone(), "Aut. 4".into(), at(until));
    assert!(matches!(longer("2026-12-02T08:10:00Z").await, Err(Error::Refusal(_))), "more than a week");
    longer("2026-12-01T08:10:00Z").await.unwrap();
    assert!(matches!(longer("2026-11-30T08:10:00Z").await, Err(Error::Refusal(_))), "never shorter");
    restore(&house.manager(), id.clone(), at("2026-11-23T14:00:00Z")).await.unwrap();
    assert!(matches!(
        restore(&house.manager(), id.clone(), at("2026-11-23T14:30:00Z")).await,
        Err(Error::Refusal(_))
    ));
    assert!(matches!(longer("2026-12-05T08:10:00Z").await, Err(Error::Refusal(_))), "it is over");
    let pdf = blank(&house.clerk(), id).await.unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_a_file_are_told_by_row_and_field() {
    let house = House::at("2026-11-23T15:00:00Z").await;
    let id = opened(&house, "2026-11-23T08:10:00Z").await;
    restore(&house.manager(), id.clone(), at("2026-11-23T14:40:00Z")).await.unwrap();
    register(&house.clerk(), incoming("Altra"), Vec::new()).await.unwrap();
    let file = "number,entered_at,direction,correspondent,subject\n\
        x,ieri,Z,,\n\
        2,2026-11-23T06:00:00Z,incoming,Prova Due,Prima del guasto\n\
        EM-2026-01/000003,2026-11-23T10:00,U,Prova Tre,Buona\n";
    let report = import(&house.clerk(), id.clone(), file.as_bytes()).await.unwrap();
    let of = |line: u64| &report.iter().find(|row| row.line == line).unwrap().outcome;
    let Outcome::Faulty(faults) = of(2) else { panic!("{report:?}") };
    let pointers: Vec<_> = faults.errors.iter().map(|e| e.pointer.as_str()).collect();
    assert_eq!(pointers, ["/number", "/entered_at", "/direction", "/subject", "/correspondent"]);
    let Outcome::Faulty(faults) = of(3) else { panic!("{report:?}") };
    assert_eq!(faults.errors[0].code, "outside-the-period");
    assert_eq!(*of(4), Outcome::Registered(2, 2026));
    let bad = import(&house.clerk(), id, b"a,b\n1,2\n").await;
    assert!(matches!(bad, Err(Error::Invalid(_))));
}
