//! The bodies of the province, their heirs, competences, offices and classification schemes, from the data files.
//!
//! The facts stand in `crates/app/data/*.csv`, each file with its source; this file only reads them and puts
//! them into the store. Codes and addresses that could not be verified are marked as the demo's own.

use crate::{Context, Error, Result};
use domain::body::{Aoo, AooCode, Body, BodyKind, IpaCode, RegisterCode, RegisterInfo, Unit};
use domain::ids::{Id, UnitId};
use domain::succession::{Competence, Succession};
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::journal;

const BODIES: &str = include_str!("../../data/bodies.csv");
const SUCCESSIONS: &str = include_str!("../../data/successions.csv");
const COMPETENCES: &str = include_str!("../../data/competences.csv");
const OFFICES: &str = include_str!("../../data/offices.csv");
const SCHEME_OF_COMUNI: &str = include_str!("../../data/titolario_comuni_2005.csv");
const SCHEME_OF_OTHERS: &str = include_str!("../../data/general_scheme.csv");

/// Every address of the demo ends so: a domain that no mail can ever reach (RFC 2606).
const MAIL_DOMAIN: &str = "pec.prato.test";
/// The only register of each AOO.
const GENERAL_REGISTER: &str = "RG";
/// A body of this size has ceased: no offices, no accounts.
const CEASED: &str = "ceased";

#[derive(Deserialize)]
struct BodyRow {
    ipa_code: IpaCode,
    name: String,
    kind: BodyKind,
    tax_code: Option<String>,
    istat: Option<String>,
    aoo: AooCode,
    mail: String,
    valid_from: Date,
    size: String,
}

#[derive(Deserialize)]
struct OfficeRow {
    size: String,
    code: String,
    parent: Option<String>,
    name: String,
}

/// The province as data, before anything is stored.
#[derive(Debug)]
pub struct Province {
    /// Living and ceased bodies, with areas, registers and offices.
    pub bodies: Vec<Body>,
    /// Who took over from whom.
    pub successions: Vec<Succession>,
    /// Who answers for which function, where and when.
    pub competences: Vec<Competence>,
    /// ISTAT code of each comune.
    pub comuni: Vec<(IpaCode, String)>,
}

impl Province {
    /// Bodies that work today, in the order of the file: the capital first.
    pub fn living(&self) -> impl Iterator<Item = &Body> {
        self.bodies.iter().filter(|body| body.inside)
    }
}

/// Reads the province; ids of offices are minted by the context, so that the same seed gives the same ids.
///
/// # Errors
/// `Bug` when a data file cannot be read: they are part of the program.
pub fn read(ctx: &Context) -> Result<Province> {
    read_with(&|| ctx.mint())
}

/// The province without ids that mean anything: for who only wants names (the list of accounts).
///
/// # Errors
/// `Bug` when a data file cannot be read.
pub fn read_names() -> Result<Province> {
    read_with(&|| UnitId::from_u128(0))
}

fn read_with(mint: &dyn Fn() -> UnitId) -> Result<Province> {
    let offices: Vec<OfficeRow> = rows(OFFICES)?;
    let rows: Vec<BodyRow> = rows(BODIES)?;
    let comuni = rows.iter().filter_map(|row| Some((row.ipa_code.clone(), row.istat.clone()?))).collect();
    Ok(Province {
        bodies: rows.into_iter().map(|row| body(mint, row, &offices)).collect::<Result<_>>()?,
        successions: self::rows(SUCCESSIONS)?,
        competences: self::rows(COMPETENCES)?,
        comuni,
    })
}

/// The table of the classification scheme a body of this kind adopts in the demo, as `scheme::import` reads it.
pub fn scheme(kind: BodyKind) -> &'static str {
    match kind {
        BodyKind::Municipality | BodyKind::Union | BodyKind::Province => SCHEME_OF_COMUNI,
        _ => SCHEME_OF_OTHERS,
    }
}

/// Stores bodies, heirs and competences, each with its entry in the body's journal.
///
/// # Errors
/// `Problem` when the store fails; nothing is stored then.
pub async fn store(ctx: &Context, province: &Province) -> Result<()> {
    let (bodies, successions) = (province.bodies.clone(), province.successions.clone());
    let (competences, actor) = (province.competences.clone(), ctx.actor.tag());
    ctx.write(move |tx| {
        for body in &bodies {
            store::bodies::insert(tx, body)?;
            note(tx, &body.ipa_code, &actor, "body.create", &body.name)?;
        }
        for row in &successions {
            store::bodies::insert_succession(tx, row)?;
            note(tx, &row.to, &actor, "body.succeed", row.from.as_str())?;
        }
        for row in &competences {
            store::bodies::insert_competence(tx, row)?;
            note(tx, &row.body, &actor, "competence.create", &row.function)?;
        }
        Ok(())
    })
    .await
}

fn note(tx: &mut store::Tx, body: &IpaCode, actor: &str, verb: &str, state: &str) -> Result<()> {
    let subject = format!("body:{body}");
    let entry = journal::Entry {
        body,
        actor,
        on_behalf_of: None,
        verb,
        subject: &subject,
        case: None,
        norm: None,
        state: state.as_bytes(),
    };
    journal::append(tx, entry)?;
    Ok(())
}

fn body(mint: &dyn Fn() -> UnitId, row: BodyRow, offices: &[OfficeRow]) -> Result<Body> {
    let inside = row.size != CEASED;
    let domicile = format!("{}@{MAIL_DOMAIN}", row.mail);
    let register = RegisterInfo {
        code: RegisterCode::parse(GENERAL_REGISTER)?,
        name: "Registro generale di protocollo".to_owned(),
    };
    let area = Aoo {
        code: row.aoo.clone(),
        name: "AOO unica".to_owned(),
        digital_domicile: Some(domicile.clone()),
        registers: vec![register],
    };
    let own: Vec<&OfficeRow> = offices.iter().filter(|office| office.size == row.size).collect();
    Ok(Body {
        ipa_code: row.ipa_code,
        name: row.name,
        tax_code: row.tax_code,
        kind: row.kind,
        digital_domicile: Some(domicile),
        aoos: if inside { vec![area] } else { Vec::new() },
        offices: units(mint, &own, &row.aoo)?,
        succeeded_by: None,
        valid_from: row.valid_from,
        valid_to: None,
        inside,
    })
}

/// The offices in the order of the file, where each stands after the one above it.
fn units(mint: &dyn Fn() -> UnitId, rows: &[&OfficeRow], aoo: &AooCode) -> Result<Vec<Unit>> {
    let mut units: Vec<Unit> = Vec::with_capacity(rows.len());
    for row in rows {
        let parent: Option<UnitId> = match &row.parent {
            None => None,
            Some(code) => Some(above(&units, code)?),
        };
        units.push(Unit {
            id: mint(),
            code: row.code.clone(),
            name: row.name.clone(),
            aoo: aoo.clone(),
            parent,
            active: true,
        });
    }
    Ok(units)
}

fn above(units: &[Unit], code: &str) -> Result<UnitId> {
    let found = units.iter().find(|unit| unit.code == code);
    found.map(|unit| unit.id.clone()).ok_or_else(|| Error::Bug(format!("offices.csv: no office {code} yet")))
}

/// Reads a data file of ours; lines that begin with `#` are remarks.
pub(super) fn rows<T: DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.deserialize().collect::<std::result::Result<_, _>>().map_err(|error| Error::Bug(error.to_string()))
}
