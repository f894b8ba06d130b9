//! What the tests of use cases start from: a store of their own, a clock moved by hand, one body with two
//! offices, and people with roles.

#![allow(dead_code, reason = "each test binary uses its own part of the support")]

use app::seals::Material;
use app::use_cases::register::assign::AssignTo;
use app::use_cases::register::files::receive_bytes;
use app::use_cases::register::register_document::{NewDocument, Registered, register_document};
use app::{Actor, App, Clock, Context, Settings};
use documents::signature::test_ca::{Holder, TestCa};
use documents::signature::{KeyKind, TrustStore};
use domain::body::{Aoo, AooCode, Body, BodyKind, IpaCode, RegisterCode, RegisterInfo, Unit};
use domain::ids::{AccountId, Id, UnitId};
use domain::register::{NewRegistration, Registration};
use domain::{Moment, Role};
use std::sync::Arc;
use store::{StoreError, TestClock, bodies, test_store_at};

/// The code of the body of the tests.
pub const BODY: &str = "c_g999";
/// The code of another body.
pub const OTHER: &str = "c_l775";

/// A running program on a store of its own.
pub struct House {
    /// The program.
    pub app: Arc<App>,
    /// The clock of the store.
    pub store_clock: TestClock,
    /// Root of the authority that made the seals, PEM.
    pub root: Vec<u8>,
}

/// Lets an authority of the tests make a seal for each body at its first need; gives its root, PEM.
fn give_seals(app: &App) -> Vec<u8> {
    let valid = "2020-01-01T00:00:00Z".parse().unwrap().."2040-01-01T00:00:00Z".parse().unwrap();
    let ca = TestCa::create("CA di prova", valid.clone()).unwrap();
    let root = ca.root_pem().unwrap();
    let mut trust = TrustStore::empty();
    trust.add_anchors_pem(&root).unwrap();
    app.seals.set_trust(trust);
    app.seals.set_issuer(Arc::new(move |body: &Body| {
        let issued =
            ca.issue(&Holder::seal(&body.name, "VATIT-01234567890"), KeyKind::P256, valid.clone())?;
        Ok(Material::pkcs12(&issued.pkcs12("segreto")?, "segreto"))
    }));
    root
}

impl House {
    /// A house at 10:00 of 23 November 2026.
    pub async fn new() -> Self {
        Self::at("2026-11-23T09:00:00Z").await
    }

    /// A house at a moment.
    pub async fn at(when: &str) -> Self {
        let moment = Moment::new(when.parse().unwrap());
        let store_clock = TestClock::at(moment.micros());
        let store = test_store_at(&store_clock);
        store
            .write(|tx| {
                bodies::insert(tx, &body(BODY, "Comune di Prato", 1))?;
                bodies::insert(tx, &body(OTHER, "Comune di Vernio", 100))?;
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
        let app = Arc::new(App::new(store, Clock::manual(moment), Settings::default()));
        let root = give_seals(&app);
        Self { app, store_clock, root }
    }

    /// Moves both clocks.
    pub fn move_to(&self, when: &str) {
        let moment = Moment::new(when.parse().unwrap());
        self.store_clock.set(moment.micros());
        self.app.clock.set(moment);
    }

    /// The context of person `n` with roles, in a body.
    pub fn person(&self, n: u128, body: &str, roles: &[Role]) -> Context {
        self.app.context(Actor {
            account: Some(account(n)),
            name: format!("Prova {n}"),
            body: IpaCode::parse(body).unwrap(),
            unit: Some(unit(1)),
            roles: roles.to_vec(),
            on_behalf_of: None,
        })
    }

    /// A registry clerk of the body.
    pub fn clerk(&self) -> Context {
        self.person(1, BODY, &[Role::RegistryClerk])
    }

    /// The records manager of the body.
    pub fn manager(&self) -> Context {
        self.person(2, BODY, &[Role::RecordsManager])
    }
}

/// The account of person `n`.
pub fn account(n: u128) -> AccountId {
    AccountId::from_u128(n)
}

/// Office `n` (1 and 2 are of the body of the tests).
pub fn unit(n: u128) -> UnitId {
    UnitId::from_u128(n)
}

/// A body with one area and two offices, numbered from `first_unit`.
pub fn body(code: &str, name: &str, first_unit: u128) -> Body {
    let aoo = AooCode::parse("A1B2C3D").unwrap();
    let office = |n: u128, code: &str| Unit {
        id: unit(n),
        code: code.into(),
        name: format!("Ufficio {code}"),
        aoo: aoo.clone(),
        parent: None,
        active: true,
    };
    Body {
        ipa_code: IpaCode::parse(code).unwrap(),
        name: name.into(),
        tax_code: None,
        kind: BodyKind::Municipality,
        digital_domicile: None,
        aoos: vec![Aoo {
            code: aoo.clone(),
            name: "Area unica".into(),
            digital_domicile: None,
            registers: vec![RegisterInfo {
                code: RegisterCode::parse("RG").unwrap(),
                name: "Registro generale".into(),
            }],
        }],
        offices: vec![office(first_unit, "PROT"), office(first_unit + 1, "SUAP")],
        succeeded_by: None,
        valid_from: "1860-01-01".parse().unwrap(),
        valid_to: None,
        inside: true,
    }
}

/// The data of an incoming entry.
pub fn incoming(subject: &str) -> NewRegistration {
    serde_json::from_value(serde_json::json!({
        "body": BODY, "aoo": "A1B2C3D", "direction": "incoming", "subject": subject,
        "correspondents": [{"kind": "person", "name": "Prova Mittente"}], "classification": "VI.3",
    }))
    .unwrap()
}

/// What is needed to register data with a small text file.
pub async fn with_file(ctx: &Context, new: NewRegistration, text: &str) -> NewDocument {
    let document = receive_bytes(ctx, &new.body, "/document", "domanda.txt", text.as_bytes()).await.unwrap();
    NewDocument { new, document, attachments: Vec::new(), assignments: Vec::new(), idempotency_key: None }
}

/// Registers data with a small text file.
pub async fn register(ctx: &Context, new: NewRegistration, to: Vec<AssignTo>) -> app::Result<Registration> {
    let mut what = with_file(ctx, new, "Si chiede quanto in oggetto.").await;
    what.assignments = to;
    match register_document(ctx, what).await? {
        Registered::New(entry) => Ok(*entry),
        Registered::Before(id) => panic!("{id} was there before"),
    }
}
