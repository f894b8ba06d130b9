//! Dossiers: their rows, and the facts by which `domain::dossier::sight` says who sees how much.
//!
//! Every query answers for one viewer and brings along how that viewer stands to each dossier; the rule itself
//! is not here. Assignments, named readers and sharings are in `dossiers/links.rs`.

mod links;

use crate::timeline::{self, Doer, Happening};
use crate::trace::Personal;
use crate::{Query, Row, StoreError, Tx, Value};
use domain::body::IpaCode;
use domain::dossier::{Dossier, DossierState, Standing};
use domain::ids::{AccountId, DocumentId, DossierId, RegistrationId, UnitId};
use domain::moment::Moment;
use domain::register::Direction;

pub use links::{
    Assigned, NewLink, Reader, Share, add_reader, assign, assignment, assignments, end_assignment, end_share,
    readers, remove_reader, share, shares, take_charge,
};

const NEXT: &str = "insert into dossier_counters (scope, last) values ($1, 1) \
    on conflict (scope) do update set last = dossier_counters.last + 1 returning last";
const INSERT: &str = "insert into dossiers (id, body, year, class_code, code, parent, kind, subject, folded, \
    confidentiality, state, unit_id, officer, officer_name, opened_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const SET_STATE: &str = "update dossiers set state = $2, closed_at = $3 where id = $1";
const SET_OFFICER: &str = "update dossiers set officer = $2, officer_name = $3, unit_id = $4 where id = $1";
const SET_LEVEL: &str = "update dossiers set confidentiality = $2 where id = $1";
const FIND: &str = "select d.id, d.body, d.code, d.class_code, d.parent, d.kind, d.subject, d.confidentiality, \
    d.state, d.unit_id, d.officer, d.officer_name, d.opened_at, d.closed_at, \
    cast(case when d.unit_id = $3 or exists (select 1 from dossier_assignments a where a.dossier_id = d.id \
    and a.ended_at is null and a.unit_id = $3) then 1 else 0 end as bigint), \
    cast(case when d.officer = $2 or exists (select 1 from dossier_assignments a where a.dossier_id = d.id \
    and a.ended_at is null and a.account = $2) then 1 else 0 end as bigint), \
    cast(case when exists (select 1 from dossier_readers r where r.dossier_id = d.id and r.account = $2) \
    then 1 else 0 end as bigint), \
    cast(case when exists (select 1 from dossier_shares s where (s.dossier_id = d.id or s.dossier_id = d.parent) \
    and s.ended_at is null and s.with_body = $4) then 1 else 0 end as bigint) \
    from dossiers d where d.id = $1";
const LIST: &str = "select d.id, d.body, d.code, d.class_code, d.parent, d.kind, d.subject, d.confidentiality, \
    d.state, d.unit_id, d.officer, d.officer_name, d.opened_at, d.closed_at, \
    cast(case when d.unit_id = $3 or exists (select 1 from dossier_assignments a where a.dossier_id = d.id \
    and a.ended_at is null and a.unit_id = $3) then 1 else 0 end as bigint), \
    cast(case when d.officer = $2 or exists (select 1 from dossier_assignments a where a.dossier_id = d.id \
    and a.ended_at is null and a.account = $2) then 1 else 0 end as bigint), \
    cast(case when exists (select 1 from dossier_readers r where r.dossier_id = d.id and r.account = $2) \
    then 1 else 0 end as bigint), cast(0 as bigint) \
    from dossiers d where d.body = $1 and ($4 = '' or d.state = $4) \
    and ($5 = '' or d.class_code = $5 or d.class_code like $6) \
    and ($7 = '' or d.folded like $7 escape '!' or d.code = $8) \
    and ($9 = '' or d.parent = $9) and ($10 = 0 or d.officer = $2) \
    and (d.opened_at < $11 or (d.opened_at = $11 and d.id < $12)) \
    order by d.opened_at desc, d.id desc limit $13";
const SHARED_WITH: &str = "select d.id, d.body, d.code, d.class_code, d.parent, d.kind, d.subject, \
    d.confidentiality, d.state, d.unit_id, d.officer, d.officer_name, d.opened_at, d.closed_at, \
    cast(0 as bigint), cast(0 as bigint), cast(0 as bigint), cast(1 as bigint) from dossiers d \
    where exists (select 1 from dossier_shares s where s.dossier_id = d.id and s.ended_at is null \
    and s.with_body = $1) order by d.opened_at desc, d.id desc limit $2";
const DOCUMENTS: &str = "select r.id, r.year, r.number, r.registered_at, r.direction, \
    coalesce(r.subject_now, r.subject), r.confidential, d.id, d.name, \
    cast(case when r.confidential = 0 or r.registered_by = $2 or exists (select 1 from assignments a \
    where a.registration_id = r.id and a.ended_at is null and a.account = $2) then 1 else 0 end as bigint), \
    cast(case when exists (select 1 from annulments n where n.registration_id = r.id) then 1 else 0 end as bigint) \
    from registrations r join registration_files f on f.registration_id = r.id and f.position = 0 \
    join documents d on d.id = f.document_id where r.dossier_id = $1 order by r.registered_at desc, r.number desc \
    limit $3";
const BY_CODE: &str = "select id from dossiers where body = $1 and code = $2";

/// Who looks, as far as the store needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// Body in which the viewer works.
    pub body: IpaCode,
    /// Account, or the program's tag.
    pub account: String,
    /// Office in which the viewer works.
    pub unit: Option<UnitId>,
    /// Whether the viewer answers for document management.
    pub manager: bool,
}

/// A dossier and how the viewer stands to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The dossier; what of it may be shown follows from `standing`.
    pub dossier: Dossier,
    /// How the viewer stands to it.
    pub standing: Standing,
}

/// Filters of the list; absent means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// State.
    pub state: Option<DossierState>,
    /// Class, with those below it.
    pub class: Option<String>,
    /// Words of the subject, or a whole code.
    pub text: Option<String>,
    /// Parts of this dossier only.
    pub parent: Option<DossierId>,
    /// Those whose officer is the viewer.
    pub mine: bool,
    /// Where the page before ended: opening time and id.
    pub after: Option<(i64, String)>,
}

/// A document of a dossier: its register entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// The entry.
    pub registration: RegistrationId,
    /// Year of the number.
    pub year: i64,
    /// Number.
    pub number: i64,
    /// When it was registered, UTC microseconds.
    pub at: i64,
    /// Direction.
    pub direction: Direction,
    /// Subject, absent for who may not see the entry.
    pub subject: Option<String>,
    /// Main file and its name, absent for who may not see the entry.
    pub document: Option<(DocumentId, String)>,
    /// Whether the entry was annulled.
    pub annulled: bool,
}

/// Writes a new dossier with the next code of its class and year (of its whole, for a part).
///
/// # Errors
/// Those of the database.
pub fn open(
    tx: &mut Tx,
    dossier: &mut Dossier,
    whole: Option<&str>,
    doer: Doer<'_>,
) -> Result<(), StoreError> {
    let at = tx.stamp();
    let moment = Moment::from_micros(at);
    let prefix = match whole {
        Some(code) => format!("{code}."),
        None => format!("{}-{}/", moment.year(), dossier.classification),
    };
    let scope = format!("{} {prefix}", dossier.body);
    let number = tx.row(NEXT, &[scope.into()])?.map_or(Ok(1), |row| row.int(0))?;
    dossier.code = format!("{prefix}{number}");
    dossier.opened_at = moment.at;
    tx.execute(
        INSERT,
        &[
            dossier.id.as_str().into(),
            dossier.body.as_str().into(),
            moment.year().into(),
            dossier.classification.as_str().into(),
            dossier.code.as_str().into(),
            dossier.parent.as_ref().map(DossierId::as_str).into(),
            dossier.kind.name().into(),
            dossier.subject.as_str().into(),
            dossier.subject.to_lowercase().into(),
            dossier.confidentiality.name().into(),
            dossier.state.name().into(),
            dossier.unit.as_ref().map(UnitId::as_str).into(),
            dossier.officer.as_ref().map(AccountId::as_str).into(),
            dossier.officer_name.as_deref().into(),
            at.into(),
        ],
    )?;
    happened(tx, &dossier.id, doer, "dossier.open", Some(&dossier.code), None)
}

/// Moves a dossier to another state, already judged.
///
/// # Errors
/// Those of the database.
pub fn set_state(tx: &mut Tx, id: &DossierId, to: DossierState, doer: Doer<'_>) -> Result<(), StoreError> {
    let closed = (to != DossierState::Open).then(|| tx.stamp());
    tx.execute(SET_STATE, &[id.as_str().into(), to.name().into(), closed.into()])?;
    happened(tx, id, doer, "dossier.state", Some(to.name()), None)
}

/// Gives a dossier another officer and office in charge.
///
/// # Errors
/// Those of the database.
pub fn set_officer(
    tx: &mut Tx,
    id: &DossierId,
    officer: (&AccountId, &str),
    unit: Option<&UnitId>,
    doer: Doer<'_>,
) -> Result<(), StoreError> {
    let unit = unit.map(UnitId::as_str);
    tx.execute(SET_OFFICER, &[id.as_str().into(), officer.0.as_str().into(), officer.1.into(), unit.into()])?;
    happened(tx, id, doer, "dossier.officer", Some(officer.1), None)
}

/// Changes who may see it.
///
/// # Errors
/// Those of the database.
pub fn set_confidentiality(
    tx: &mut Tx,
    id: &DossierId,
    level: domain::dossier::Confidentiality,
    doer: Doer<'_>,
) -> Result<(), StoreError> {
    tx.execute(SET_LEVEL, &[id.as_str().into(), level.name().into()])?;
    happened(tx, id, doer, "dossier.confidentiality", Some(level.name()), None)
}

/// One dossier as it stands to a viewer, whatever its body.
///
/// # Errors
/// Those of the database.
pub fn find(
    query: &mut impl Query,
    id: &DossierId,
    viewer: &Viewer,
) -> Result<Option<Personal<Seen>>, StoreError> {
    let params = [id.as_str().into(), account(viewer), unit(viewer), viewer.body.as_str().into()];
    let row = query.row(FIND, &params)?;
    row.map(|row| read(&row, viewer).map(Personal::new)).transpose()
}

/// The dossier of a body that has this code.
///
/// # Errors
/// Those of the database.
pub fn by_code(query: &mut impl Query, body: &IpaCode, code: &str) -> Result<Option<DossierId>, StoreError> {
    let row = query.row(BY_CODE, &[body.as_str().into(), code.into()])?;
    row.map(|row| row.parse(0)).transpose()
}

/// At most `limit` dossiers of the viewer's body, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    query: &mut impl Query,
    viewer: &Viewer,
    filter: &Filter,
    limit: i64,
) -> Result<Personal<Vec<Seen>>, StoreError> {
    let text = filter.text.as_deref().unwrap_or_default().trim();
    let words = text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let like = if words.is_empty() { String::new() } else { format!("%{}%", words.replace(' ', "%")) };
    let class = filter.class.as_deref().unwrap_or_default();
    let (at, id) = filter.after.clone().unwrap_or((i64::MAX, String::new()));
    let rows = query.rows(
        LIST,
        &[
            viewer.body.as_str().into(),
            account(viewer),
            unit(viewer),
            filter.state.map_or("", DossierState::name).into(),
            class.into(),
            format!("{class}.%").into(),
            like.into(),
            text.into(),
            filter.parent.as_ref().map_or("", DossierId::as_str).into(),
            filter.mine.into(),
            at.into(),
            id.into(),
            limit.into(),
        ],
    )?;
    Ok(Personal::new(rows.iter().map(|row| read(row, viewer)).collect::<Result<_, _>>()?))
}

/// The dossiers that other bodies share with this one, newest first.
///
/// # Errors
/// Those of the database.
pub fn shared_with(
    query: &mut impl Query,
    viewer: &Viewer,
    limit: i64,
) -> Result<Personal<Vec<Seen>>, StoreError> {
    let rows = query.rows(SHARED_WITH, &[viewer.body.as_str().into(), limit.into()])?;
    Ok(Personal::new(rows.iter().map(|row| read(row, viewer)).collect::<Result<_, _>>()?))
}

/// The documents of a dossier, newest first; of a confidential entry others see number and date only.
///
/// # Errors
/// Those of the database.
pub fn documents(
    query: &mut impl Query,
    id: &DossierId,
    viewer: &Viewer,
    limit: i64,
) -> Result<Personal<Vec<Filed>>, StoreError> {
    let rows = query.rows(DOCUMENTS, &[id.as_str().into(), account(viewer), limit.into()])?;
    let filed = |row: &Row| {
        let visible = row.flag(9)?;
        Ok(Filed {
            registration: row.parse(0)?,
            year: row.int(1)?,
            number: row.int(2)?,
            at: row.int(3)?,
            direction: Direction::parse(row.text(4)?).map_err(|_| StoreError::Shape("direction".into()))?,
            subject: visible.then(|| row.text(5).map(str::to_owned)).transpose()?,
            document: visible
                .then(|| Ok::<_, StoreError>((row.parse(7)?, row.text(8)?.to_owned())))
                .transpose()?,
            annulled: row.flag(10)?,
        })
    };
    Ok(Personal::new(rows.iter().map(filed).collect::<Result<_, StoreError>>()?))
}

fn account(viewer: &Viewer) -> Value {
    viewer.account.as_str().into()
}

fn unit(viewer: &Viewer) -> Value {
    viewer.unit.as_ref().map_or("", UnitId::as_str).into()
}

fn read(row: &Row, viewer: &Viewer) -> Result<Seen, StoreError> {
    let instant = |micros: i64| Moment::from_micros(micros).at;
    let dossier = Dossier {
        id: row.parse(0)?,
        body: row.parse(1)?,
        code: row.text(2)?.to_owned(),
        classification: row.text(3)?.to_owned(),
        parent: row.opt_parse(4)?,
        kind: row.parse(5)?,
        subject: row.text(6)?.to_owned(),
        confidentiality: row.parse(7)?,
        state: row.parse(8)?,
        unit: row.opt_parse(9)?,
        officer: row.opt_parse(10)?,
        officer_name: row.opt_text(11)?.map(str::to_owned),
        opened_at: instant(row.int(12)?),
        closed_at: row.opt_int(13)?.map(instant),
    };
    let standing = Standing {
        same_body: dossier.body == viewer.body,
        office: row.flag(14)?,
        assigned: row.flag(15)?,
        named: row.flag(16)?,
        manager: viewer.manager,
        shared: row.flag(17)?,
    };
    Ok(Seen { dossier, standing })
}

pub(crate) fn happened(
    tx: &mut Tx,
    id: &DossierId,
    doer: Doer<'_>,
    verb: &'static str,
    about: Option<&str>,
    note: Option<&str>,
) -> Result<(), StoreError> {
    let norm = Some(domain::dossier::DOSSIER_LAW.0);
    timeline::append(tx, doer, Happening { object: id.as_str(), verb, about, note, case: None, norm })
}
