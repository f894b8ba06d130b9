//! Bodies come back as they went in, former names still find them, and heirs are recorded beside them.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

use domain::body::{Aoo, AooCode, Body, BodyKind, IpaCode, RegisterCode, RegisterInfo, Unit};
use domain::ids::{Id, UnitId};
use domain::succession::Succession;
use store::{StoreError, bodies, test_store};

fn body(code: &str, name: &str) -> Body {
    let ipa_code = IpaCode::parse(code).unwrap();
    let aoo = AooCode::parse("A1B2C3D").unwrap();
    let bits = name.bytes().fold(7u128, |sum, b| sum * 31 + u128::from(b));
    let unit = |n: u128, code: &str, parent| Unit {
        id: UnitId::from_u128(bits + n),
        code: code.into(),
        name: format!("Ufficio {code}"),
        aoo: aoo.clone(),
        parent,
        active: true,
    };
    let first = unit(0, "PROT", None);
    let second = unit(1, "SUAP", Some(first.id.clone()));
    Body {
        ipa_code,
        name: name.into(),
        tax_code: None,
        kind: BodyKind::PublicEntity,
        digital_domicile: Some("prova@pec.ente.test".into()),
        aoos: vec![Aoo {
            code: aoo,
            name: "Area unica".into(),
            digital_domicile: None,
            registers: vec![RegisterInfo {
                code: RegisterCode::parse("RG").unwrap(),
                name: "Registro generale".into(),
            }],
        }],
        offices: vec![first, second],
        succeeded_by: None,
        valid_from: "1994-01-01".parse().unwrap(),
        valid_to: None,
        inside: true,
    }
}

#[tokio::test]
async fn a_body_reads_back_and_its_former_names_find_it() {
    let store = test_store();
    let (given, copy) = (body("demo_uno", "Comunità di prova"), body("demo_uno", "Comunità di prova"));
    store
        .write(move |tx| {
            bodies::insert(tx, &given)?;
            bodies::add_name(tx, &given.ipa_code, "2012-01-01".parse().unwrap(), "Unione di prova 100%")
        })
        .await
        .unwrap();
    let read = |text: &'static str| store.read(move |r| bodies::search(r, text, 10));
    let found: Result<_, StoreError> = read("COMUNITA di").await;
    let found = found.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "Unione di prova 100%");
    assert_eq!(Body { name: copy.name.clone(), ..found[0].clone() }, copy);
    let hits: Result<_, StoreError> = read("100%").await;
    assert_eq!(hits.unwrap().len(), 1);
    let wild: Result<_, StoreError> = read("%%").await;
    assert!(wild.unwrap().is_empty(), "a percent sign is a character, not a wildcard");
}

#[tokio::test]
async fn bodies_scenario_01_heir_is_recorded_and_the_old_body_ends() {
    let store = test_store();
    let row = Succession {
        from: IpaCode::parse("demo_old").unwrap(),
        to: IpaCode::parse("demo_new").unwrap(),
        since: "2012-01-01".parse().unwrap(),
        law: "D.L. 201/2011, art. 21".into(),
        function: None,
        archives: true,
    };
    let given = row.clone();
    let all: Result<_, StoreError> = store
        .write(move |tx| {
            bodies::insert(tx, &body("demo_old", "Istituto vecchio"))?;
            bodies::insert(tx, &body("demo_new", "Istituto nuovo"))?;
            bodies::insert_succession(tx, &given)?;
            Ok((bodies::page(tx, "", 10)?, bodies::successions(tx)?))
        })
        .await;
    let (all, successions) = all.unwrap();
    assert_eq!(successions, [row]);
    let old = all.iter().find(|b| b.ipa_code.as_str() == "demo_old").unwrap();
    assert_eq!(old.succeeded_by.as_ref().map(IpaCode::as_str), Some("demo_new"));
    assert_eq!(old.valid_to, Some("2011-12-31".parse().unwrap()));
    assert_eq!(old.name, "Istituto vecchio");
}
