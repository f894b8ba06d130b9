//! Public bodies with their areas, registers and offices, and the rows that say who took over from whom.
//!
//! Reference data: few rows, read often, changed by the administrator only, so lists are read whole and joined
//! here. Which heir to propose is for `domain::succession` to say.

use crate::{Query, Row, StoreError, Tx};
use domain::body::{Aoo, AooCode, Body, BodyKind, IpaCode, RegisterInfo, Unit};
use domain::ids::UnitId;
use domain::succession::{Competence, Succession};
use jiff::civil::Date;
use std::collections::BTreeMap;

const INSERT: &str = "insert into bodies (ipa_code, tax_code, kind, digital_domicile, inside, valid_from, valid_to) \
    values ($1, $2, $3, $4, $5, $6, $7)";
const INSERT_NAME: &str = "insert into body_names (body, since, name, folded) values ($1, $2, $3, $4)";
const INSERT_AOO: &str =
    "insert into aoos (body, code, name, digital_domicile, position) values ($1, $2, $3, $4, $5)";
const INSERT_REGISTER: &str =
    "insert into registers (body, aoo, code, name, position) values ($1, $2, $3, $4, $5)";
const INSERT_UNIT: &str =
    "insert into units (id, body, aoo, code, name, parent, active) values ($1, $2, $3, $4, $5, $6, $7)";
const INSERT_SUCCESSION: &str = "insert into successions (source, heir, since, law, function, archives) \
    values ($1, $2, $3, $4, $5, $6)";
const INSERT_COMPETENCE: &str = "insert into competences (function, municipality, body, since, until, law) \
    values ($1, $2, $3, $4, $5, $6)";
const CLOSE: &str = "update bodies set valid_to = $2 where ipa_code = $1 and valid_to is null";

/// Newest name of each body, and the general heir if there is one.
const FIELDS: &str = "select b.ipa_code, n.name, b.tax_code, b.kind, b.digital_domicile, b.inside, \
    b.valid_from, b.valid_to, (select min(s.heir) from successions s where s.source = b.ipa_code \
    and s.function = '') from bodies b join body_names n on n.body = b.ipa_code and n.since = \
    (select max(m.since) from body_names m where m.body = b.ipa_code) \
    where ($1 = '' or b.ipa_code = $1) and b.ipa_code > $2 order by b.ipa_code limit $3";
const AOOS: &str = "select body, code, name, digital_domicile from aoos where $1 = '' or body = $1 \
    order by body, position";
const REGISTERS: &str = "select body, aoo, code, name from registers where $1 = '' or body = $1 \
    order by body, aoo, position";
const UNITS: &str = "select body, id, code, name, aoo, parent, active from units where $1 = '' or body = $1 \
    order by body, code";
const NAMES: &str = "select since, name from body_names where body = $1 order by since";
const SEARCH: &str = "select distinct n.body from body_names n where n.folded like $1 escape '!' \
    order by n.body limit $2";
const SUCCESSIONS: &str = "select source, heir, since, law, function, archives from successions \
    order by source, since, function desc, heir";
const COMPETENCES: &str = "select function, municipality, body, since, until, law from competences \
    order by function, municipality, since";

/// Adds a body with its first name, areas, registers and offices.
///
/// # Errors
/// `Constraint` when the code, an area or an office is there already; those of the database.
pub fn insert(tx: &mut Tx, body: &Body) -> Result<(), StoreError> {
    let code = body.ipa_code.as_str();
    tx.execute(
        INSERT,
        &[
            code.into(),
            body.tax_code.as_deref().into(),
            body.kind.name().into(),
            body.digital_domicile.as_deref().into(),
            body.inside.into(),
            body.valid_from.to_string().into(),
            body.valid_to.map(|date| date.to_string()).into(),
        ],
    )?;
    add_name(tx, &body.ipa_code, body.valid_from, &body.name)?;
    for (position, aoo) in body.aoos.iter().enumerate() {
        insert_aoo(tx, code, aoo, position as i64)?;
    }
    body.offices.iter().try_for_each(|unit| insert_unit(tx, &body.ipa_code, unit))
}

fn insert_aoo(tx: &mut Tx, body: &str, aoo: &Aoo, position: i64) -> Result<(), StoreError> {
    let area = aoo.code.as_str();
    let address = aoo.digital_domicile.as_deref();
    tx.put(
        INSERT_AOO,
        &[body.into(), area.into(), aoo.name.as_str().into(), address.into(), position.into()],
    )?;
    for (rank, register) in aoo.registers.iter().enumerate() {
        let (code, name) = (register.code.as_str(), register.name.as_str());
        tx.put(INSERT_REGISTER, &[body.into(), area.into(), code.into(), name.into(), (rank as i64).into()])?;
    }
    Ok(())
}

/// Gives a body another name from a day on; the former ones stay.
///
/// # Errors
/// `Constraint` when it already took a name on that day; those of the database.
pub fn add_name(tx: &mut Tx, body: &IpaCode, since: Date, name: &str) -> Result<(), StoreError> {
    let folded = fold(name);
    tx.put(INSERT_NAME, &[body.as_str().into(), since.to_string().into(), name.into(), folded.into()])
}

/// Adds an office; the office above it must be there.
///
/// # Errors
/// `Constraint` when its code is taken in the body or the office above is missing; those of the database.
pub fn insert_unit(tx: &mut Tx, body: &IpaCode, unit: &Unit) -> Result<(), StoreError> {
    let parent = unit.parent.as_ref().map(UnitId::as_str);
    tx.put(
        INSERT_UNIT,
        &[
            unit.id.as_str().into(),
            body.as_str().into(),
            unit.aoo.as_str().into(),
            unit.code.as_str().into(),
            unit.name.as_str().into(),
            parent.into(),
            unit.active.into(),
        ],
    )
}

/// Records that a body took over from another; when everything passed, the old body ends the day before.
///
/// # Errors
/// `Constraint` when the row is there already or a body is missing; those of the database.
pub fn insert_succession(tx: &mut Tx, row: &Succession) -> Result<(), StoreError> {
    let function = row.function.as_deref().unwrap_or_default();
    tx.execute(
        INSERT_SUCCESSION,
        &[
            row.from.as_str().into(),
            row.to.as_str().into(),
            row.since.to_string().into(),
            row.law.as_str().into(),
            function.into(),
            row.archives.into(),
        ],
    )?;
    if row.function.is_none() {
        let last = row.since.yesterday().unwrap_or(row.since);
        tx.put(CLOSE, &[row.from.as_str().into(), last.to_string().into()])?;
    }
    Ok(())
}

/// Records which body does a function from a day on.
///
/// # Errors
/// `Constraint` when the same rule is there already or the body is missing; those of the database.
pub fn insert_competence(tx: &mut Tx, row: &Competence) -> Result<(), StoreError> {
    tx.put(
        INSERT_COMPETENCE,
        &[
            row.function.as_str().into(),
            row.municipality.as_deref().unwrap_or_default().into(),
            row.body.as_str().into(),
            row.from.to_string().into(),
            row.to.map(|date| date.to_string()).into(),
            row.law.as_str().into(),
        ],
    )
}

/// One body with its areas, registers and offices.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, code: &IpaCode) -> Result<Option<Body>, StoreError> {
    Ok(read(query, code.as_str(), "", 1)?.into_iter().next())
}

/// At most `limit` bodies in order of code, after `after` (empty: from the first).
///
/// # Errors
/// Those of the database.
pub fn page(query: &mut impl Query, after: &str, limit: i64) -> Result<Vec<Body>, StoreError> {
    read(query, "", after, limit)
}

/// Bodies that bear or bore a name with this text in it (accents and case aside), in order of code.
///
/// # Errors
/// Those of the database.
pub fn search(query: &mut impl Query, text: &str, limit: i64) -> Result<Vec<Body>, StoreError> {
    let escaped = fold(text).replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let rows = query.rows(SEARCH, &[format!("%{escaped}%").into(), limit.into()])?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.extend(find(query, &row.parse(0)?)?);
    }
    Ok(found)
}

/// The names of a body, oldest first, each with the day from which it was used.
///
/// # Errors
/// Those of the database.
pub fn names(query: &mut impl Query, code: &IpaCode) -> Result<Vec<(Date, String)>, StoreError> {
    let rows = query.rows(NAMES, &[code.as_str().into()])?;
    rows.iter().map(|row| Ok((row.parse(0)?, row.text(1)?.to_owned()))).collect()
}

/// The offices of a body, in order of code.
///
/// # Errors
/// Those of the database.
pub fn units(query: &mut impl Query, code: &IpaCode) -> Result<Vec<Unit>, StoreError> {
    let rows = query.rows(UNITS, &[code.as_str().into()])?;
    rows.iter().map(read_unit).collect()
}

/// Every succession, oldest first within a body, successions of one function before the general one.
///
/// # Errors
/// Those of the database.
pub fn successions(query: &mut impl Query) -> Result<Vec<Succession>, StoreError> {
    let rows = query.rows(SUCCESSIONS, &[])?;
    rows.iter()
        .map(|row| {
            Ok(Succession {
                from: row.parse(0)?,
                to: row.parse(1)?,
                since: row.parse(2)?,
                law: row.text(3)?.to_owned(),
                function: some(row.text(4)?),
                archives: row.flag(5)?,
            })
        })
        .collect()
}

/// Every rule of competence.
///
/// # Errors
/// Those of the database.
pub fn competences(query: &mut impl Query) -> Result<Vec<Competence>, StoreError> {
    let rows = query.rows(COMPETENCES, &[])?;
    rows.iter()
        .map(|row| {
            Ok(Competence {
                function: row.text(0)?.to_owned(),
                municipality: some(row.text(1)?),
                body: row.parse(2)?,
                from: row.parse(3)?,
                to: row.opt_parse(4)?,
                law: row.text(5)?.to_owned(),
            })
        })
        .collect()
}

fn read(query: &mut impl Query, code: &str, after: &str, limit: i64) -> Result<Vec<Body>, StoreError> {
    let rows = query.rows(FIELDS, &[code.into(), after.into(), limit.into()])?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut areas = areas(query, code)?;
    let mut offices: BTreeMap<String, Vec<Unit>> = BTreeMap::new();
    for row in query.rows(UNITS, &[code.into()])? {
        offices.entry(row.text(0)?.to_owned()).or_default().push(read_unit(&row)?);
    }
    rows.iter()
        .map(|row| {
            let key = row.text(0)?;
            Ok(Body {
                ipa_code: row.parse(0)?,
                name: row.text(1)?.to_owned(),
                tax_code: row.opt_text(2)?.map(str::to_owned),
                kind: kind(row.text(3)?)?,
                digital_domicile: row.opt_text(4)?.map(str::to_owned),
                aoos: areas.remove(key).unwrap_or_default(),
                offices: offices.remove(key).unwrap_or_default(),
                succeeded_by: row.opt_parse(8)?,
                valid_from: row.parse(6)?,
                valid_to: row.opt_parse(7)?,
                inside: row.flag(5)?,
            })
        })
        .collect()
}

fn areas(query: &mut impl Query, code: &str) -> Result<BTreeMap<String, Vec<Aoo>>, StoreError> {
    let mut registers: BTreeMap<(String, String), Vec<RegisterInfo>> = BTreeMap::new();
    for row in query.rows(REGISTERS, &[code.into()])? {
        let key = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
        let register = RegisterInfo { code: row.parse(2)?, name: row.text(3)?.to_owned() };
        registers.entry(key).or_default().push(register);
    }
    let mut areas: BTreeMap<String, Vec<Aoo>> = BTreeMap::new();
    for row in query.rows(AOOS, &[code.into()])? {
        let body = row.text(0)?.to_owned();
        let area: AooCode = row.parse(1)?;
        let key = (body.clone(), area.as_str().to_owned());
        areas.entry(body).or_default().push(Aoo {
            code: area,
            name: row.text(2)?.to_owned(),
            digital_domicile: row.opt_text(3)?.map(str::to_owned),
            registers: registers.remove(&key).unwrap_or_default(),
        });
    }
    Ok(areas)
}

fn read_unit(row: &Row) -> Result<Unit, StoreError> {
    Ok(Unit {
        id: row.parse(1)?,
        code: row.text(2)?.to_owned(),
        name: row.text(3)?.to_owned(),
        aoo: row.parse(4)?,
        parent: row.opt_parse(5)?,
        active: row.flag(6)?,
    })
}

fn kind(text: &str) -> Result<BodyKind, StoreError> {
    BodyKind::parse(text).map_err(|_| StoreError::Shape("unknown kind of body".into()))
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Lower case without the accents of Italian names, so that the two engines compare alike.
fn fold(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .map(|c| match c {
            'à' | 'á' | 'â' => 'a',
            'è' | 'é' | 'ê' => 'e',
            'ì' | 'í' | 'î' => 'i',
            'ò' | 'ó' | 'ô' => 'o',
            'ù' | 'ú' | 'û' => 'u',
            '’' => '\'',
            other => other,
        })
        .collect()
}

/// Whether an office is of a body and still works.
///
/// # Errors
/// Those of the database.
pub fn has_unit(query: &mut impl Query, body: &IpaCode, unit: &UnitId) -> Result<bool, StoreError> {
    const HAS: &str = "select 1 from units where id = $1 and body = $2 and active = 1";
    Ok(query.row(HAS, &[unit.as_str().into(), body.as_str().into()])?.is_some())
}
