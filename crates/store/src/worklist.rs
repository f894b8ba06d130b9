//! What a person has to do, from every source, as one list: entries and dossiers assigned to the person or the
//! office, cases in charge, tasks. Soonest date first, then oldest.
//!
//! Confidential entries assigned to an office show number and date only to who is not named.

use crate::dossiers::Viewer;
use crate::trace::Personal;
use crate::{Query, Row, StoreError};
use domain::ids::UnitId;
use jiff::civil::Date;

/// From where a line comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A register entry assigned.
    Entry,
    /// A dossier assigned.
    Dossier,
    /// A case in charge.
    Case,
    /// A task.
    Task,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From where.
    pub source: Source,
    /// Id of the assignment, case or task.
    pub id: String,
    /// Id of the thing to open (entry, dossier, case); the address of the page for a task.
    pub target: String,
    /// Number, code or kind of task.
    pub label: String,
    /// What it is about; absent for who may not see it.
    pub about: Option<String>,
    /// By when.
    pub due_on: Option<Date>,
    /// Since when, UTC microseconds.
    pub since: i64,
    /// Whether it is the viewer's by name, and not only the office's.
    pub mine: bool,
    /// Whether it was taken charge of.
    pub taken: bool,
    /// Whether the viewer has opened it.
    pub seen: bool,
    /// Whether it waits for somebody outside.
    pub waiting: bool,
    /// To act, or only to know.
    pub to_act: bool,
    /// Code of a proposal, for tasks.
    pub proposal: Option<String>,
}

const LINES: &str = "select w.source, w.id, w.target, w.label, w.about, w.due_on, w.since, w.mine, w.taken, \
    cast(case when exists (select 1 from seen s where s.account = $2 and s.object = w.id) then 1 else 0 end \
    as bigint), w.waiting, w.to_act, w.proposal from ( \
    select cast(0 as bigint) as source, a.id as id, r.id as target, \
    cast(r.number as text) || '/' || cast(r.year as text) as label, \
    case when r.confidential = 0 or a.account = $2 or r.registered_by = $2 \
    then coalesce(r.subject_now, r.subject) end as about, cast(null as text) as due_on, a.assigned_at as since, \
    cast(case when a.account = $2 or a.taken_by = $2 then 1 else 0 end as bigint) as mine, \
    cast(case when a.taken_at is null then 0 else 1 end as bigint) as taken, cast(0 as bigint) as waiting, \
    cast(case when a.kind = 'competence' then 1 else 0 end as bigint) as to_act, cast(null as text) as proposal \
    from assignments a join registrations r on r.id = a.registration_id \
    where r.body = $1 and a.ended_at is null and (a.account = $2 or (a.account is null and a.unit_id = $3)) \
    union all \
    select cast(1 as bigint), a.id, d.id, d.code, case when d.confidentiality in ('public', 'office') \
    or a.account = $2 or d.officer = $2 then d.subject end, cast(null as text), a.assigned_at, \
    cast(case when a.account = $2 or a.taken_by = $2 then 1 else 0 end as bigint), \
    cast(case when a.taken_at is null then 0 else 1 end as bigint), cast(0 as bigint), \
    cast(case when a.kind = 'competence' then 1 else 0 end as bigint), cast(null as text) \
    from dossier_assignments a join dossiers d on d.id = a.dossier_id \
    where d.body = $1 and a.ended_at is null and (a.account = $2 or (a.account is null and a.unit_id = $3)) \
    union all \
    select cast(2 as bigint), c.id, c.id, d.code, case when d.confidentiality in ('public', 'office') \
    or c.officer = $2 or d.officer = $2 then c.title end, c.due_on, c.opened_at, \
    cast(case when c.officer = $2 then 1 else 0 end as bigint), cast(1 as bigint), \
    cast(case when c.state = 'waiting' then 1 else 0 end as bigint), cast(1 as bigint), cast(null as text) \
    from cases c join dossiers d on d.id = c.dossier_id \
    where c.body = $1 and c.state <> 'closed' and (c.officer = $2 or c.unit_id = $3) \
    union all \
    select cast(3 as bigint), t.id, t.href, t.kind, t.about, t.due_on, t.created_at, \
    cast(case when t.account = $2 then 1 else 0 end as bigint), cast(1 as bigint), cast(0 as bigint), \
    cast(1 as bigint), t.proposal from tasks t \
    where t.body = $1 and t.done_at is null and (t.account = $2 or (t.account is null and t.unit_id = $3))) w \
    order by case when w.due_on is null then 1 else 0 end, w.due_on, w.since limit $4";

/// At most `limit` things to do, those with a date first.
///
/// # Errors
/// Those of the database.
pub fn lines(query: &mut impl Query, viewer: &Viewer, limit: i64) -> Result<Personal<Vec<Line>>, StoreError> {
    ask(query, viewer, limit).map(Personal::new)
}

/// How many of the first `limit` things the viewer has not opened yet: a figure, no personal data.
///
/// # Errors
/// Those of the database.
pub fn unread(query: &mut impl Query, viewer: &Viewer, limit: i64) -> Result<i64, StoreError> {
    Ok(ask(query, viewer, limit)?.iter().filter(|line| !line.seen).count() as i64)
}

fn ask(query: &mut impl Query, viewer: &Viewer, limit: i64) -> Result<Vec<Line>, StoreError> {
    let unit = viewer.unit.as_ref().map_or("", UnitId::as_str);
    let params = [viewer.body.as_str().into(), viewer.account.as_str().into(), unit.into(), limit.into()];
    query.rows(LINES, &params)?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Line, StoreError> {
    let source = match row.int(0)? {
        0 => Source::Entry,
        1 => Source::Dossier,
        2 => Source::Case,
        _ => Source::Task,
    };
    Ok(Line {
        source,
        id: row.text(1)?.to_owned(),
        target: row.text(2)?.to_owned(),
        label: row.text(3)?.to_owned(),
        about: row.opt_text(4)?.map(str::to_owned),
        due_on: row.opt_parse(5)?,
        since: row.int(6)?,
        mine: row.flag(7)?,
        taken: row.flag(8)?,
        seen: row.flag(9)?,
        waiting: row.flag(10)?,
        to_act: row.flag(11)?,
        proposal: row.opt_text(12)?.map(str::to_owned),
    })
}
