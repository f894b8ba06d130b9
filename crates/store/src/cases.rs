//! Cases: one run of a procedure in one dossier, with participants. Who sees a case is who sees its dossier.

use crate::timeline::{self, Doer, Happening};
use crate::trace::Personal;
use crate::{Query, Row, StoreError, Tx};
use domain::body::IpaCode;
use domain::case::{Case, CaseState, Participant};
use domain::ids::{AccountId, CaseId, DossierId, UnitId};
use domain::moment::Moment;
use domain::register::CorrespondentKind;
use jiff::civil::Date;

const INSERT: &str = "insert into cases (id, body, dossier_id, procedure_key, procedure_version, title, state, \
    unit_id, officer, officer_name, due_on, opened_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const COUNT: &str = "select count(*) from case_participants where case_id = $1";
const ADD: &str = "insert into case_participants (case_id, position, role, kind, name, digital_domicile) \
    values ($1, $2, $3, $4, $5, $6)";
const SET_STATE: &str = "update cases set state = $2, closed_at = $3 where id = $1";
const SET_DUE: &str = "update cases set due_on = $2 where id = $1";
const FIND: &str = "select id, body, dossier_id, procedure_key, procedure_version, title, state, unit_id, officer, \
    officer_name, due_on, opened_at, closed_at from cases where id = $1";
const OF_DOSSIER: &str = "select id, body, dossier_id, procedure_key, procedure_version, title, state, unit_id, \
    officer, officer_name, due_on, opened_at, closed_at from cases where dossier_id = $1 order by opened_at desc";
const PARTICIPANTS: &str = "select role, kind, name, digital_domicile from case_participants \
    where case_id = $1 order by position";

/// Writes a new case and its participants.
///
/// # Errors
/// Those of the database.
pub fn open(tx: &mut Tx, case: &mut Case, parties: &[Participant], doer: Doer<'_>) -> Result<(), StoreError> {
    let at = tx.stamp();
    case.opened_at = Moment::from_micros(at).at;
    tx.execute(
        INSERT,
        &[
            case.id.as_str().into(),
            case.body.as_str().into(),
            case.dossier.as_str().into(),
            case.procedure.as_str().into(),
            case.procedure_version.into(),
            case.title.as_str().into(),
            case.state.name().into(),
            case.unit.as_ref().map(UnitId::as_str).into(),
            case.officer.as_ref().map(AccountId::as_str).into(),
            case.officer_name.as_deref().into(),
            case.due_on.map(|date| date.to_string()).into(),
            at.into(),
        ],
    )?;
    happened(tx, &case.id, doer, "case.open", None, None)?;
    for party in parties {
        insert_party(tx, &case.id, party)?;
    }
    Ok(())
}

/// Adds a participant.
///
/// # Errors
/// Those of the database.
pub fn add_participant(
    tx: &mut Tx,
    id: &CaseId,
    party: &Participant,
    doer: Doer<'_>,
) -> Result<(), StoreError> {
    insert_party(tx, id, party)?;
    happened(tx, id, doer, "case.participant", Some(&party.name), None)
}

fn insert_party(tx: &mut Tx, id: &CaseId, party: &Participant) -> Result<(), StoreError> {
    let position = tx.row(COUNT, &[id.as_str().into()])?.map_or(Ok(0), |row| row.int(0))?;
    tx.put(
        ADD,
        &[
            id.as_str().into(),
            position.into(),
            party.role.name().into(),
            party.kind.name().into(),
            party.name.as_str().into(),
            party.digital_domicile.as_deref().into(),
        ],
    )
}

/// Moves a case to another state, already judged.
///
/// # Errors
/// Those of the database.
pub fn set_state(
    tx: &mut Tx,
    id: &CaseId,
    to: CaseState,
    note: Option<&str>,
    doer: Doer<'_>,
) -> Result<(), StoreError> {
    let closed = (to == CaseState::Closed).then(|| tx.stamp());
    tx.execute(SET_STATE, &[id.as_str().into(), to.name().into(), closed.into()])?;
    happened(tx, id, doer, "case.state", Some(to.name()), note)
}

/// Sets by when a case must end.
///
/// # Errors
/// Those of the database.
pub fn set_due(
    tx: &mut Tx,
    id: &CaseId,
    due: Option<Date>,
    why: &str,
    doer: Doer<'_>,
) -> Result<(), StoreError> {
    let text = due.map(|date| date.to_string());
    tx.execute(SET_DUE, &[id.as_str().into(), text.as_deref().into()])?;
    happened(tx, id, doer, "case.due", text.as_deref(), Some(why))
}

/// Writes a note of the office.
///
/// # Errors
/// Those of the database.
pub fn note(tx: &mut Tx, id: &CaseId, text: &str, doer: Doer<'_>) -> Result<(), StoreError> {
    happened(tx, id, doer, "case.note", None, Some(text))
}

/// Tells in the timeline of a case what happened elsewhere (an act sent, a receipt, a task).
///
/// # Errors
/// Those of the database.
pub fn happened(
    tx: &mut Tx,
    id: &CaseId,
    doer: Doer<'_>,
    verb: &'static str,
    about: Option<&str>,
    note: Option<&str>,
) -> Result<(), StoreError> {
    let case = Some(id.as_str());
    timeline::append(tx, doer, Happening { object: id.as_str(), verb, about, note, case, norm: None })
}

/// One case.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, id: &CaseId) -> Result<Option<Personal<Case>>, StoreError> {
    query.row(FIND, &[id.as_str().into()])?.map(|row| read(&row).map(Personal::new)).transpose()
}

/// Body and dossier of a case: what permission needs, without personal data.
///
/// # Errors
/// Those of the database.
pub fn whereabouts(query: &mut impl Query, id: &CaseId) -> Result<Option<(IpaCode, DossierId)>, StoreError> {
    let row = query.row(FIND, &[id.as_str().into()])?;
    row.map(|row| Ok((row.parse(1)?, row.parse(2)?))).transpose()
}

/// The cases of a dossier, newest first.
///
/// # Errors
/// Those of the database.
pub fn of_dossier(query: &mut impl Query, dossier: &DossierId) -> Result<Personal<Vec<Case>>, StoreError> {
    let rows = query.rows(OF_DOSSIER, &[dossier.as_str().into()])?;
    Ok(Personal::new(rows.iter().map(read).collect::<Result<_, _>>()?))
}

/// Who takes part, in order of arrival.
///
/// # Errors
/// Those of the database.
pub fn participants(query: &mut impl Query, id: &CaseId) -> Result<Personal<Vec<Participant>>, StoreError> {
    let rows = query.rows(PARTICIPANTS, &[id.as_str().into()])?;
    let party = |row: &Row| {
        Ok(Participant {
            role: row.parse(0)?,
            kind: CorrespondentKind::parse(row.text(1)?)
                .map_err(|_| StoreError::Shape("kind of party".into()))?,
            name: row.text(2)?.to_owned(),
            digital_domicile: row.opt_text(3)?.map(str::to_owned),
        })
    };
    Ok(Personal::new(rows.iter().map(party).collect::<Result<_, StoreError>>()?))
}

fn read(row: &Row) -> Result<Case, StoreError> {
    let instant = |micros: i64| Moment::from_micros(micros).at;
    Ok(Case {
        id: row.parse(0)?,
        body: row.parse(1)?,
        dossier: row.parse(2)?,
        procedure: row.text(3)?.to_owned(),
        procedure_version: row.int(4)?,
        title: row.text(5)?.to_owned(),
        state: row.parse(6)?,
        unit: row.opt_parse(7)?,
        officer: row.opt_parse(8)?,
        officer_name: row.opt_text(9)?.map(str::to_owned),
        due_on: row.opt_parse(10)?,
        opened_at: instant(row.int(11)?),
        closed_at: row.opt_int(12)?.map(instant),
    })
}
