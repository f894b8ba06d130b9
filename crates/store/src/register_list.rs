//! Lists of register entries: filtered, newest first, one page at a time, whatever the size of the register.
//!
//! Each filter that may be rare (number, class, office, person, cancellation, words) has its own way into the
//! tables, so that a page costs the same with ten thousand entries and with a million. Confidential entries of
//! others come out as number and date only, and not at all when the filter touches content; which accounts may
//! see them is said by the caller's account, here checked row by row.

use crate::trace::Personal;
use crate::{Query, Row, StoreError, Value};
use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::ids::{AccountId, DossierId, RegistrationId, UnitId};
use domain::moment::rome;
use domain::register::Direction;
use domain::register_filter::Filter;
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Whose eyes the list is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eyes {
    /// The account; sees the confidential entries it registered or was given.
    pub account: String,
    /// Sees every entry of the body: the program itself, and the records manager who answers for the register
    /// (D.P.R. 445/2000, art. 61).
    pub all: bool,
}

/// One line of a list. When `hidden`, everything but number and date is blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub id: RegistrationId,
    /// Area.
    pub aoo: AooCode,
    /// Register.
    pub register: RegisterCode,
    /// Year.
    pub year: i64,
    /// Number.
    pub number: i64,
    /// When, UTC microseconds.
    pub registered_at: i64,
    /// Whether this person may see number and date only.
    pub hidden: bool,
    /// Direction.
    pub direction: Direction,
    /// Subject in force.
    pub subject: String,
    /// Name of the first correspondent in force.
    pub correspondent: String,
    /// How many correspondents.
    pub correspondents: i64,
    /// Class in force.
    pub class: Option<String>,
    /// Visible to named persons only.
    pub confidential: bool,
    /// Cancelled.
    pub annulled: bool,
    /// How many files, the main one included.
    pub files: i64,
    /// Dossier.
    pub dossier: Option<DossierId>,
    /// Office that has it to act, if any.
    pub unit: Option<UnitId>,
    /// Whether it came from an old register.
    pub imported: bool,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Time of the last line, UTC microseconds.
    pub at: i64,
    /// Its number.
    pub number: i64,
    /// Its id.
    pub id: String,
}

impl Position {
    /// Before the newest line.
    #[must_use]
    pub fn start() -> Self {
        Self { at: i64::MAX, number: i64::MAX, id: "~".into() }
    }
}

/// A page of lines and, when there may be more, where it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The lines, newest first.
    pub lines: Vec<Line>,
    /// Where to go on.
    pub next: Option<Position>,
}

/// How a statement enters the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Time,
    Unit,
    Person,
    Annulled,
    Ids,
}

/// Entries looked up by id in one statement.
const IDS: usize = 25;

const COLUMNS: &str = "r.id, r.aoo, r.register, r.year, r.number, r.registered_at, r.direction, \
    coalesce(r.subject_now, r.subject), r.classification, r.confidential, a.at, \
    (select c.name from correspondents c where c.registration_id = r.id \
      and c.version = r.correspondents_version order by c.position limit 1), \
    (select count(*) from correspondents c where c.registration_id = r.id \
      and c.version = r.correspondents_version), \
    (select count(*) from registration_files f where f.registration_id = r.id), r.dossier_id, \
    (select max(u.unit_id) from assignments u where u.registration_id = r.id and u.ended_at is null \
      and u.kind = 'competence'), r.imported, \
    case when r.confidential = 0 or $17 = 1 or r.registered_by = $16 or exists (select 1 from assignments m \
      where m.registration_id = r.id and m.account = $16 and m.ended_at is null) then 1 else 0 end";

const FROM_REGISTER: &str = " from registrations r left join annulments a on a.registration_id = r.id where ";
const FROM_UNIT: &str = " from registrations r left join annulments a on a.registration_id = r.id \
    where r.id in (select s.registration_id from assignments s where s.unit_id = $14 and s.ended_at is null) and ";
const FROM_PERSON: &str = " from registrations r left join annulments a on a.registration_id = r.id \
    where r.id in (select s.registration_id from assignments s where s.account = $15 and s.ended_at is null) and ";
const FROM_ANNULLED: &str = " from annulments a join registrations r on r.id = a.registration_id where ";

const FILTERS: &str = "r.body = $1 and (r.registered_at, r.number, r.id) < ($2, $3, $4) \
    and ($5 = 0 or r.year = $5) and r.number between $6 and $7 and r.registered_at between $8 and $9 \
    and ($10 = '' or r.direction = $10) \
    and ($11 = '' or r.classification = $11 or r.classification like $12 escape '!') \
    and ($13 < 0 or (case when a.at is null then 0 else 1 end) = $13) \
    and ($14 = '' or exists (select 1 from assignments x where x.registration_id = r.id \
      and x.unit_id = $14 and x.ended_at is null)) \
    and ($15 = '' or exists (select 1 from assignments y where y.registration_id = r.id \
      and y.account = $15 and y.ended_at is null)) \
    and ($18 = 0 or r.confidential = 0 or $17 = 1 or r.registered_by = $16 or exists (select 1 \
      from assignments n where n.registration_id = r.id and n.account = $16 and n.ended_at is null)) \
    and ($19 < 0 or (case when exists (select 1 from registration_files g where g.registration_id = r.id \
      and g.position > 0) then 1 else 0 end) = $19)";

const TAIL: &str = " order by r.registered_at desc, r.number desc, r.id desc limit $20";

/// The statement of a way. Built once: the parts are the same in all, and `Query` asks for lasting texts.
fn statement(way: Way) -> &'static str {
    static TEXTS: [OnceLock<String>; 5] = [const { OnceLock::new() }; 5];
    let (place, from) = source(way);
    TEXTS[place].get_or_init(|| format!("select {COLUMNS}{from}{FILTERS}{TAIL}"))
}

/// The statement that counts on a way, up to a limit.
fn counting(way: Way) -> &'static str {
    static TEXTS: [OnceLock<String>; 5] = [const { OnceLock::new() }; 5];
    let (place, from) = source(way);
    TEXTS[place]
        .get_or_init(|| format!("select count(*) from (select 1 as one{from}{FILTERS} limit $20) as found"))
}

/// Where a way enters the tables, and its place among the texts.
fn source(way: Way) -> (usize, String) {
    match way {
        Way::Time => (0, FROM_REGISTER.to_owned()),
        Way::Unit => (1, FROM_UNIT.to_owned()),
        Way::Person => (2, FROM_PERSON.to_owned()),
        Way::Annulled => (3, FROM_ANNULLED.to_owned()),
        Way::Ids => {
            let places: Vec<String> = (0..IDS).map(|n| format!("${}", n + 21)).collect();
            // The limit keeps the planners from merging the inner statement into the outer one: they would then
            // walk the body's whole register by time instead of fetching a handful of entries by id.
            let few = format!("select * from registrations where id in ({}) limit {IDS}", places.join(", "));
            (4, FROM_REGISTER.replacen("registrations r", &format!("({few}) r"), 1))
        }
    }
}

/// The way that a filter takes.
fn way(filter: &Filter) -> Way {
    match filter {
        Filter { assigned_to: Some(_), .. } => Way::Person,
        Filter { unit: Some(_), .. } => Way::Unit,
        Filter { annulled: Some(true), .. } => Way::Annulled,
        _ => Way::Time,
    }
}

/// How many entries of a body pass a filter, words excepted; counted no further than `most`, so that the count costs
/// the same in a small register and in a large one.
///
/// # Errors
/// Those of the database.
pub fn count(
    query: &mut impl Query,
    body: &IpaCode,
    filter: &Filter,
    eyes: &Eyes,
    most: usize,
) -> Result<i64, StoreError> {
    let params = params(body, filter, eyes, &Position::start(), most);
    query.row(counting(way(filter)), &params)?.map_or(Ok(0), |row| row.int(0))
}

/// One page of the entries of a body that pass a filter, words excepted: for those see [`among`].
///
/// # Errors
/// Those of the database.
pub fn page(
    query: &mut impl Query,
    body: &IpaCode,
    filter: &Filter,
    eyes: &Eyes,
    after: &Position,
    limit: usize,
) -> Result<Personal<Page>, StoreError> {
    let params = params(body, filter, eyes, after, limit + 1);
    let mut lines = read(query.rows(statement(way(filter)), &params)?)?;
    let more = lines.len() > limit;
    lines.truncate(limit);
    let next = if more { lines.last().map(position) } else { None };
    Ok(Personal::new(Page { lines, next }))
}

impl Personal<Page> {
    /// The page still closed, with what may be known before it is opened: the ids it shows and where it ended.
    #[must_use]
    pub fn outline(self) -> (Self, Vec<String>, Option<Position>) {
        let (ids, next) = {
            let page = self.peek();
            (page.lines.iter().map(|line| line.id.to_string()).collect(), page.next.clone())
        };
        (self, ids, next)
    }
}

/// The ids, of those named, of the entries that pass the rest of the filter.
///
/// # Errors
/// Those of the database.
pub fn passing(
    query: &mut impl Query,
    body: &IpaCode,
    filter: &Filter,
    eyes: &Eyes,
    ids: &[String],
) -> Result<BTreeSet<String>, StoreError> {
    let lines = among(query, body, filter, eyes, ids)?;
    Ok(lines.peek().iter().map(|line| line.id.to_string()).collect())
}

/// The only entry of a body that bears a number in a year; `None` when none or several areas have one.
///
/// # Errors
/// Those of the database.
pub fn only_one(
    query: &mut impl Query,
    body: &IpaCode,
    year: i64,
    number: i64,
) -> Result<Option<RegistrationId>, StoreError> {
    // By the few registers of the body that counted in that year: the order of the unique index.
    const BEARERS: &str = "select r.id from counters c join registrations r on r.body = c.body and r.aoo = c.aoo \
        and r.register = c.register and r.year = c.year and r.number = $3 \
        where c.body = $1 and c.year = $2 limit 2";
    let rows = query.rows(BEARERS, &[body.as_str().into(), year.into(), number.into()])?;
    match rows.as_slice() {
        [row] => row.parse(0).map(Some),
        _ => Ok(None),
    }
}

/// Of the entries named, those that pass the rest of the filter, newest first.
///
/// # Errors
/// Those of the database.
pub fn among(
    query: &mut impl Query,
    body: &IpaCode,
    filter: &Filter,
    eyes: &Eyes,
    ids: &[String],
) -> Result<Personal<Vec<Line>>, StoreError> {
    let mut lines = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(IDS) {
        let mut params = params(body, filter, eyes, &Position::start(), IDS);
        params.extend((0..IDS).map(|n| Value::from(chunk.get(n).map_or("", String::as_str))));
        lines.extend(read(query.rows(statement(Way::Ids), &params)?)?);
    }
    lines.sort_by(|a, b| {
        (b.registered_at, b.number, b.id.as_str()).cmp(&(a.registered_at, a.number, a.id.as_str()))
    });
    Ok(Personal::new(lines))
}

/// Whether the account may see what an entry holds; `None` when there is no such entry in the body.
///
/// # Errors
/// Those of the database.
pub fn may_see(
    query: &mut impl Query,
    body: &IpaCode,
    id: &RegistrationId,
    eyes: &Eyes,
) -> Result<Option<bool>, StoreError> {
    const SEE: &str = "select case when r.confidential = 0 or r.registered_by = $3 or exists (select 1 \
        from assignments m where m.registration_id = r.id and m.account = $3 and m.ended_at is null) \
        then 1 else 0 end from registrations r where r.id = $1 and r.body = $2";
    let row = query.row(SEE, &[id.as_str().into(), body.as_str().into(), eyes.account.as_str().into()])?;
    row.map(|row| Ok(eyes.all || row.flag(0)?)).transpose()
}

/// The entries of a body that hold a file with this fingerprint, newest first, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn with_fingerprint(
    query: &mut impl Query,
    body: &IpaCode,
    sha256: &str,
    eyes: &Eyes,
    limit: usize,
) -> Result<Personal<Vec<Line>>, StoreError> {
    const HOLDERS: &str = "select distinct f.registration_id from documents d join registration_files f \
        on f.document_id = d.id where d.body = $1 and d.sha256 = $2 order by f.registration_id desc limit $3";
    let rows = query.rows(HOLDERS, &[body.as_str().into(), sha256.into(), (limit as i64).into()])?;
    let ids = rows.iter().map(|row| row.text(0).map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
    among(query, body, &Filter::default(), eyes, &ids)
}

fn position(line: &Line) -> Position {
    Position { at: line.registered_at, number: line.number, id: line.id.to_string() }
}

fn params(body: &IpaCode, filter: &Filter, eyes: &Eyes, after: &Position, limit: usize) -> Vec<Value> {
    let flag = |flag: Option<bool>| flag.map_or(-1, i64::from);
    let class = filter.class.clone().unwrap_or_default();
    let below = format!("{}.%", class.replace('!', "!!").replace('%', "!%").replace('_', "!_"));
    vec![
        body.as_str().into(),
        after.at.into(),
        after.number.into(),
        after.id.as_str().into(),
        filter.year.unwrap_or(0).into(),
        filter.from_number.unwrap_or(1).into(),
        filter.to_number.unwrap_or(i64::MAX).into(),
        filter.from.and_then(midnight).unwrap_or(i64::MIN).into(),
        filter.to.and_then(|day| midnight(day.tomorrow().ok()?)).map_or(i64::MAX, |at| at - 1).into(),
        filter.direction.map_or("", Direction::name).into(),
        class.into(),
        below.into(),
        flag(filter.annulled).into(),
        filter.unit.as_ref().map_or("", UnitId::as_str).into(),
        filter.assigned_to.as_ref().map_or("", AccountId::as_str).into(),
        eyes.account.as_str().into(),
        eyes.all.into(),
        filter.touches_content().into(),
        flag(filter.attachments).into(),
        Value::Int(limit as i64),
    ]
}

/// The first instant of a day in Rome, UTC microseconds.
fn midnight(day: Date) -> Option<i64> {
    day.to_zoned(rome()).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

fn read(rows: Vec<Row>) -> Result<Vec<Line>, StoreError> {
    rows.iter().map(line).collect()
}

fn line(row: &Row) -> Result<Line, StoreError> {
    let whole = Line {
        id: row.parse(0)?,
        aoo: row.parse(1)?,
        register: row.parse(2)?,
        year: row.int(3)?,
        number: row.int(4)?,
        registered_at: row.int(5)?,
        hidden: !row.flag(17)?,
        direction: Direction::parse(row.text(6)?).map_err(|_| StoreError::Shape("direction".into()))?,
        subject: row.text(7)?.to_owned(),
        correspondent: row.opt_text(11)?.unwrap_or_default().to_owned(),
        correspondents: row.int(12)?,
        class: row.opt_text(8)?.map(str::to_owned),
        confidential: row.flag(9)?,
        annulled: row.opt_int(10)?.is_some(),
        files: row.int(13)?,
        dossier: row.opt_parse(14)?,
        unit: row.opt_parse(15)?,
        imported: row.flag(16)?,
    };
    Ok(if whole.hidden { blank(whole) } else { whole })
}

/// What others may know of a confidential entry: that it is there, its number and its date.
fn blank(line: Line) -> Line {
    Line {
        direction: Direction::Internal,
        subject: String::new(),
        correspondent: String::new(),
        correspondents: 0,
        class: None,
        annulled: false,
        files: 0,
        dossier: None,
        unit: None,
        imported: false,
        ..line
    }
}
