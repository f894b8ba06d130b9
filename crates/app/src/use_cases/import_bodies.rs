//! Setting up bodies from tables: the bodies with their areas and registers, and the offices of one of them.
//!
//! Only the operator of the machine does this, before anybody can sign in. What is there already is left as it is,
//! so a table can be brought in again after rows were added. Looking bodies up is `bodies`' work.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::{Verb, authority};
use domain::Invalid;
use domain::body::{Aoo, AooCode, Body, BodyKind, IpaCode, RegisterCode, RegisterInfo, Unit};
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::{Tx, bodies, journal};

/// What reading a table gives.
type Checked<T> = std::result::Result<T, Invalid>;

/// One area of a body; a body with several areas has several rows, the general register's first.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyRow {
    ipa_code: IpaCode,
    name: String,
    kind: BodyKind,
    tax_code: Option<String>,
    digital_domicile: Option<String>,
    /// Whether it works here (`yes`) or is reached from outside (`no`).
    inside: String,
    valid_from: Date,
    aoo: Option<AooCode>,
    aoo_name: Option<String>,
    register: Option<RegisterCode>,
    register_name: Option<String>,
}

/// One office; the office above it stands in an earlier row or is there already.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficeRow {
    code: String,
    name: String,
    aoo: AooCode,
    parent: Option<String>,
}

/// How many were added, and how many stood already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brought {
    /// Added.
    pub added: usize,
    /// Left as they were.
    pub known: usize,
}

/// Adds the bodies of a table (CSV, UTF-8), each with its areas and registers.
///
/// # Errors
/// `Invalid` naming the row; `Refusal` for whoever is not the operator. Nothing is added then.
pub async fn bodies(ctx: &Context, csv: &[u8]) -> Result<Brought> {
    authority::may(&ctx.actor, Verb::ManageSystem)?;
    let found = gather(rows(csv)?)?;
    let actor = ctx.actor.tag();
    ctx.write(move |tx| {
        let mut brought = Brought::default();
        for body in &found {
            if bodies::find(tx, &body.ipa_code)?.is_some() {
                brought.known += 1;
                continue;
            }
            bodies::insert(tx, body)?;
            note(tx, &body.ipa_code, &actor, "body.create", &format!("body:{}", body.ipa_code))?;
            brought.added += 1;
        }
        Ok(brought)
    })
    .await
}

/// Adds the offices of the actor's body from a table (CSV, UTF-8).
///
/// # Errors
/// `Invalid` naming the row whose area or office above is not there; `NotFound` when the body is not. Nothing is
/// added then.
pub async fn offices(ctx: &Context, csv: &[u8]) -> Result<Brought> {
    authority::may(&ctx.actor, Verb::ManageSystem)?;
    let rows: Vec<OfficeRow> = rows(csv)?;
    let (work, body, actor) = (ctx.clone(), ctx.actor.body.clone(), ctx.actor.tag());
    ctx.write(move |tx| {
        let areas = bodies::find(tx, &body)?.ok_or(Error::NotFound)?.aoos;
        let mut units = bodies::units(tx, &body)?;
        let mut brought = Brought::default();
        for (index, row) in rows.iter().enumerate() {
            if units.iter().any(|unit| unit.code == row.code) {
                brought.known += 1;
                continue;
            }
            let unit = unit(&work, row, &areas, &units).ok_or_else(|| wrong(index))?;
            bodies::insert_unit(tx, &body, &unit)?;
            note(tx, &body, &actor, "office.create", unit.id.as_str())?;
            units.push(unit);
            brought.added += 1;
        }
        Ok(brought)
    })
    .await
}

fn unit(ctx: &Context, row: &OfficeRow, areas: &[Aoo], units: &[Unit]) -> Option<Unit> {
    let aoo = areas.iter().find(|area| area.code == row.aoo)?.code.clone();
    let parent = match row.parent.as_deref().filter(|code| !code.is_empty()) {
        None => None,
        Some(code) => Some(units.iter().find(|unit| unit.code == code)?.id.clone()),
    };
    Some(Unit { id: ctx.mint(), code: row.code.clone(), name: row.name.clone(), aoo, parent, active: true })
}

/// Joins the rows of each body; the first row says what it is, each names one area.
fn gather(rows: Vec<BodyRow>) -> Checked<Vec<Body>> {
    let mut found: Vec<Body> = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        if row.name.trim().is_empty() || !matches!(row.inside.as_str(), "yes" | "no") {
            return Err(wrong(index));
        }
        let area = area(&row, index)?;
        if row.inside == "yes" && area.is_none() {
            return Err(wrong(index));
        }
        match found.iter_mut().find(|body| body.ipa_code == row.ipa_code) {
            Some(body) => body.aoos.extend(area),
            None => found.push(Body {
                ipa_code: row.ipa_code,
                name: row.name,
                tax_code: row.tax_code,
                kind: row.kind,
                digital_domicile: row.digital_domicile,
                aoos: area.into_iter().collect(),
                offices: Vec::new(),
                succeeded_by: None,
                valid_from: row.valid_from,
                valid_to: None,
                inside: row.inside == "yes",
            }),
        }
    }
    Ok(found)
}

/// The area of a row: code, register and both names, or none of them.
fn area(row: &BodyRow, index: usize) -> Checked<Option<Aoo>> {
    match (&row.aoo, &row.aoo_name, &row.register, &row.register_name) {
        (None, None, None, None) => Ok(None),
        (Some(code), Some(name), Some(register), Some(register_name)) => Ok(Some(Aoo {
            code: code.clone(),
            name: name.clone(),
            digital_domicile: row.digital_domicile.clone(),
            registers: vec![RegisterInfo { code: register.clone(), name: register_name.clone() }],
        })),
        _ => Err(wrong(index)),
    }
}

fn wrong(index: usize) -> Invalid {
    // The heading is line 1.
    Invalid::with("/file", "bad-row", (index + 2).to_string())
}

fn rows<T: DeserializeOwned>(csv: &[u8]) -> Checked<Vec<T>> {
    let text = std::str::from_utf8(csv).map_err(|_| Invalid::one("/file", "not-utf8"))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let rows = reader.deserialize().enumerate();
    rows.map(|(index, row)| row.map_err(|_| wrong(index))).collect()
}

fn note(tx: &mut Tx, body: &IpaCode, actor: &str, verb: &str, subject: &str) -> Result<()> {
    let entry = journal::Entry {
        body,
        actor,
        on_behalf_of: None,
        verb,
        subject,
        case: None,
        norm: None,
        state: subject.as_bytes(),
    };
    journal::append(tx, entry)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, App, Clock, Settings};
    use std::sync::Arc;

    const HEADING: &str = "ipa_code,name,kind,tax_code,digital_domicile,inside,valid_from,aoo,aoo_name,register,register_name\n";

    fn operator() -> Context {
        let app = Arc::new(App::new(store::test_store(), Clock::System, Settings::default()));
        app.context(Actor::operator(IpaCode::parse("c_x001").unwrap()))
    }

    #[tokio::test]
    async fn bodies_and_offices_come_in_once_and_a_wrong_row_stops_everything() {
        let ctx = operator();
        let table = format!(
            "{HEADING}c_x001,Comune di Prova,municipality,01234567890,prova@pec.test,yes,2020-01-01,AX00001,AOO,RG,Registro generale\n\
             demo_fuori,Ente fuori,public_entity,,fuori@pec.test,no,2020-01-01,,,,\n"
        );
        let halved = format!("{table}c_x002,Senza area,municipality,,,yes,2020-01-01,,,,\n");
        let Err(Error::Invalid(fault)) = bodies(&ctx, halved.as_bytes()).await else { panic!("accepted") };
        assert_eq!(fault.errors[0].value.as_deref(), Some("4"));
        assert_eq!(bodies(&ctx, table.as_bytes()).await.unwrap(), Brought { added: 2, known: 0 });
        assert_eq!(bodies(&ctx, table.as_bytes()).await.unwrap(), Brought { added: 0, known: 2 });
        let units = "code,name,aoo,parent\nSG,Segreteria,AX00001,\nPR,Protocollo,AX00001,SG\n";
        assert_eq!(offices(&ctx, units.as_bytes()).await.unwrap().added, 2);
        let lost = "code,name,aoo,parent\nZZ,Persa,AX00001,QQ\n";
        assert!(matches!(offices(&ctx, lost.as_bytes()).await, Err(Error::Invalid(_))));
        let body = crate::use_cases::bodies::find(&ctx, "c_x001").await.unwrap();
        assert_eq!((body.offices.len(), body.aoos[0].registers[0].code.as_str()), (2, "RG"));
    }

    #[tokio::test]
    async fn only_the_operator_sets_bodies_up() {
        let mut ctx = operator();
        ctx.actor = Actor::system(ctx.actor.body.clone());
        assert!(matches!(bodies(&ctx, HEADING.as_bytes()).await, Err(Error::Refusal(_))));
        assert!(matches!(offices(&ctx, b"").await, Err(Error::Refusal(_))));
    }
}
