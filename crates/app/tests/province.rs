//! The demo's province, read from its data files and kept by the real store: heirs, competences, schemes.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

use std::sync::Arc;

use app::demo::province;
use app::{Actor, App, Clock, Context, Settings};
use domain::Moment;
use domain::body::{BodyKind, IpaCode};
use domain::succession::{competent, heirs};
use jiff::civil::{Date, date};

const TODAY: Date = date(2026, 11, 23);

async fn stored() -> (Context, province::Province) {
    let clock = Clock::manual(Moment::from_micros(1_795_424_400_000_000));
    let app = Arc::new(App::new(store::test_store(), clock, Settings::default()));
    let ctx = app.context(Actor::system(code("c_g999")));
    let province = province::read(&ctx).unwrap();
    province::store(&ctx, &province).await.unwrap();
    (ctx, province)
}

fn code(text: &str) -> IpaCode {
    IpaCode::parse(text).unwrap()
}

#[tokio::test]
async fn every_body_of_the_programme_is_there_with_offices_and_a_register() {
    let (ctx, province) = stored().await;
    let bodies = ctx.read(|reader| Ok(store::bodies::page(reader, "", 100)?)).await.unwrap();
    assert_eq!(bodies.len(), province.bodies.len());
    for body in bodies.iter().filter(|body| body.inside) {
        let areas = &body.aoos;
        assert!(
            areas.iter().all(|aoo| aoo.code.is_unique_code() && aoo.registers.len() == 1),
            "{}",
            body.name
        );
        assert!(body.offices.iter().any(|unit| unit.code == "PROT"), "{} has no registry office", body.name);
        assert!(body.digital_domicile.as_deref().is_some_and(|address| address.ends_with(".test")));
    }
    assert_eq!(bodies.iter().filter(|body| body.kind == BodyKind::Municipality).count(), 7);
    assert_eq!(province.comuni.len(), 7);
}

#[tokio::test]
async fn bodies_scenario_01_heir_with_the_data_of_the_province() {
    let (ctx, _) = stored().await;
    let rows = ctx.read(|reader| Ok(store::bodies::successions(reader)?)).await.unwrap();
    let found = heirs(&rows, &code("demo_inpdap_po"), TODAY, None);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].1.as_str(), found[0].0.law.as_str()), ("demo_inps_po", "D.L. 201/2011, art. 21"));
    let old = ctx.read(|reader| Ok(store::bodies::find(reader, &code("demo_inpdap_po"))?)).await;
    let old = old.unwrap().unwrap();
    assert_eq!((old.name.as_str(), old.valid_to), ("INPDAP sede di Prato", Some(date(2011, 12, 31))));
}

#[tokio::test]
async fn bodies_scenario_02_split_heirs_with_the_data_of_the_province() {
    let (ctx, _) = stored().await;
    let rows = ctx.read(|reader| Ok(store::bodies::successions(reader)?)).await.unwrap();
    let heir = |function| {
        let found = heirs(&rows, &code("demo_forestale_po"), TODAY, function);
        found.iter().map(|(_, heir)| heir.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(heir(Some("forest_fires")), ["demo_vvf_po"]);
    assert_eq!(heir(Some("illegal_cut")), ["demo_carabinieri_forestali_po"]);
}

#[tokio::test]
async fn bodies_scenario_03_territory_by_date_with_the_data_of_the_province() {
    let (ctx, _) = stored().await;
    let rows = ctx.read(|reader| Ok(store::bodies::competences(reader)?)).await.unwrap();
    let body = |on| competent(&rows, "forestry_bond", "100002", on).map(|row| row.body.to_string());
    assert_eq!(body(date(2015, 6, 1)).as_deref(), Some("demo_provincia_po"));
    assert_eq!(body(TODAY).as_deref(), Some("demo_unione_valbisenzio"));
}

#[tokio::test]
async fn bodies_scenario_04_environment() {
    let (ctx, _) = stored().await;
    let rows = ctx.read(|reader| Ok(store::bodies::competences(reader)?)).await.unwrap();
    let row = competent(&rows, "environmental_authorisation", "100003", TODAY).unwrap();
    assert_eq!((row.body.as_str(), row.law.as_str()), ("demo_regione_toscana", "L.R. Toscana 22/2015"));
}

#[tokio::test]
async fn bodies_scenario_05_chamber() {
    let (ctx, _) = stored().await;
    let rows = ctx.read(|reader| Ok(store::bodies::successions(reader)?)).await.unwrap();
    let heir = heirs(&rows, &code("demo_cciaa_po"), TODAY, None)[0].1.clone();
    let (old, new) = ctx
        .read(move |reader| {
            let old = store::bodies::find(reader, &code("demo_cciaa_po"))?;
            Ok((old, store::bodies::find(reader, &heir)?))
        })
        .await
        .unwrap();
    let (old, new) = (old.unwrap(), new.unwrap());
    assert_eq!(old.valid_to, Some(date(2020, 9, 29)), "the old entry is marked as ceased");
    assert_ne!(old.digital_domicile, new.digital_domicile);
    assert_eq!(new.name, "Camera di commercio di Pistoia-Prato");
}

#[tokio::test]
async fn comuni_adopt_the_model_scheme_and_others_their_own() {
    let (ctx, _) = stored().await;
    let of = |kind| province::scheme(kind).as_bytes();
    let comuni = app::use_cases::scheme::import(&ctx, of(BodyKind::Municipality)).await.unwrap();
    let others = app::use_cases::scheme::import(&ctx, of(BodyKind::Court)).await.unwrap();
    assert!(others > 5 && others < comuni, "{others} classes, {comuni} classes");
}

/// The demo's life made twice from the same seed: ids, numbers, subjects, correspondents of the capital's register.
#[tokio::test]
async fn the_same_seed_gives_the_same_history_gap_free_and_in_order_of_time() {
    let (first, second) = (life(5).await, life(5).await);
    assert_eq!(first, second);
    assert_ne!(first, life(6).await);
    let mut numbers: Vec<i64> = first.iter().map(|line| line.number).collect();
    numbers.reverse();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>());
    assert!(first.is_sorted_by(|newer, older| newer.registered_at >= older.registered_at));
}

async fn life(seed: u64) -> Vec<store::register_list::Line> {
    let until = Moment::from_micros(1_795_424_400_000_000);
    let mut app = App::new(store::test_store(), Clock::manual(until), Settings::default());
    app.ids = app::context::Ids::Counted(std::sync::Mutex::new(0));
    let app = Arc::new(app);
    app::demo::make(&app, seed, until, async || Ok(app::demo::Nowhere)).await.unwrap();
    let ctx = app.context(Actor::system(code("c_g999")));
    let page = app::use_cases::register::list::list(&ctx, Default::default(), None, 200).await.unwrap();
    page.lines
}
