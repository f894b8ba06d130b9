//! Reading entries: the head (nothing personal) for whoever must first decide
//! who may see, the whole entry, and pages of lines, newest first.

use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::ids::RegistrationId;
use domain::register::{
    Annulment, Correspondent, CorrespondentKind, Direction, Registration, SenderReference,
};
use jiff::Timestamp;

use crate::trace::Personal;
use crate::{Query, Row, StoreError, Value, documents};

const HEAD: &str = "select r.id, r.body, r.aoo, r.register, r.year, r.number, r.registered_at, \
    r.direction, r.confidential, r.imported, r.registered_by, r.case_id, r.dossier_id, a.at, \
    r.classification from registrations r left join annulments a on a.registration_id = r.id \
    where r.id = $1";
const WHOLE: &str = "select r.id, r.body, r.aoo, r.register, r.year, r.number, r.registered_at, \
    r.direction, coalesce(r.subject_now, r.subject), r.classification, r.case_id, r.dossier_id, \
    r.confidential, r.received_at, coalesce(r.sender_reference_now, r.sender_reference), \
    r.correspondents_version, a.reason, a.order_reference, a.account_name, a.at \
    from registrations r left join annulments a on a.registration_id = r.id where r.id = $1";
const BY_NUMBER: &str = "select id from registrations \
    where body = $1 and aoo = $2 and register = $3 and year = $4 and number = $5";
const CORRESPONDENTS: &str = "select kind, name, tax_code, digital_domicile, body from correspondents \
    where registration_id = $1 and version = $2 order by position";
const FILES: &str = "select d.id, d.sha256, d.media_type, d.size, d.name from registration_files f \
    join documents d on d.id = f.document_id where f.registration_id = $1 order by f.position";
const LIST: &str = "select r.id, r.aoo, r.register, r.year, r.number, r.registered_at, r.direction, \
    coalesce(r.subject_now, r.subject), r.classification, r.confidential, a.at, \
    (select c.name from correspondents c where c.registration_id = r.id \
      and c.version = r.correspondents_version order by c.position limit 1), \
    (select count(*) from correspondents c where c.registration_id = r.id \
      and c.version = r.correspondents_version), \
    (select count(*) from registration_files f where f.registration_id = r.id), r.dossier_id \
    from registrations r left join annulments a on a.registration_id = r.id \
    where r.body = $1 and (r.registered_at, r.number) < ($2, $3) \
    and (cast($4 as text) is null or r.aoo = $4) and (cast($5 as text) is null or r.register = $5) \
    and r.year between $6 and $7 and r.number between $8 and $9 \
    and (cast($10 as text) is null or r.direction = $10) \
    and r.registered_at between $11 and $12 \
    order by r.registered_at desc, r.number desc limit $13";

/// What may be known of an entry before anybody answers for looking at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Which.
    pub id: RegistrationId,
    /// Body.
    pub body: IpaCode,
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
    /// Direction.
    pub direction: Direction,
    /// Visible to named persons only.
    pub confidential: bool,
    /// Came from an older register.
    pub imported: bool,
    /// Account that registered it.
    pub registered_by: String,
    /// Case.
    pub case: Option<String>,
    /// Dossier.
    pub dossier: Option<String>,
    /// When it was cancelled, UTC microseconds.
    pub annulled_at: Option<i64>,
    /// Class in force.
    pub classification: Option<String>,
}

/// One line of a list.
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
    /// Direction.
    pub direction: Direction,
    /// Subject in force.
    pub subject: String,
    /// Class in force.
    pub classification: Option<String>,
    /// Visible to named persons only: the caller blanks what others may not see.
    pub confidential: bool,
    /// Cancelled.
    pub annulled: bool,
    /// Name of the first correspondent.
    pub correspondent: String,
    /// How many correspondents.
    pub correspondents: i64,
    /// How many files.
    pub files: i64,
    /// Dossier.
    pub dossier: Option<String>,
}

/// Where a page of a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Time of the last line shown, UTC microseconds.
    pub registered_at: i64,
    /// Number of the last line shown.
    pub number: i64,
}

/// Which entries a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Body, always.
    pub body: IpaCode,
    /// Area.
    pub aoo: Option<AooCode>,
    /// Register.
    pub register: Option<RegisterCode>,
    /// Year.
    pub year: Option<i64>,
    /// Lowest number.
    pub from_number: Option<i64>,
    /// Highest number.
    pub to_number: Option<i64>,
    /// Direction.
    pub direction: Option<Direction>,
    /// Earliest time, UTC microseconds.
    pub from_time: Option<i64>,
    /// Latest time, UTC microseconds.
    pub to_time: Option<i64>,
}

impl Filter {
    /// Everything of a body.
    #[must_use]
    pub fn of(body: IpaCode) -> Self {
        Self {
            body,
            aoo: None,
            register: None,
            year: None,
            from_number: None,
            to_number: None,
            direction: None,
            from_time: None,
            to_time: None,
        }
    }
}

/// The head of an entry.
///
/// # Errors
/// Those of the database.
pub fn head(query: &mut impl Query, id: &RegistrationId) -> Result<Option<Head>, StoreError> {
    let row = query.row(HEAD, &[id.as_str().into()])?;
    row.map(|row| {
        Ok(Head {
            id: row.parse(0)?,
            body: row.parse(1)?,
            aoo: row.parse(2)?,
            register: row.parse(3)?,
            year: row.int(4)?,
            number: row.int(5)?,
            registered_at: row.int(6)?,
            direction: direction(&row, 7)?,
            confidential: row.flag(8)?,
            imported: row.flag(9)?,
            registered_by: row.text(10)?.to_owned(),
            case: row.opt_text(11)?.map(str::to_owned),
            dossier: row.opt_text(12)?.map(str::to_owned),
            annulled_at: row.opt_int(13)?,
            classification: row.opt_text(14)?.map(str::to_owned),
        })
    })
    .transpose()
}

/// The id of the entry that bears a number.
///
/// # Errors
/// Those of the database.
pub fn by_number(
    query: &mut impl Query,
    scope: crate::counters::Scope<'_>,
    year: i64,
    number: i64,
) -> Result<Option<RegistrationId>, StoreError> {
    let params = [
        scope.body.as_str().into(),
        scope.aoo.as_str().into(),
        scope.register.as_str().into(),
        year.into(),
        number.into(),
    ];
    let row = query.row(BY_NUMBER, &params)?;
    row.map(|row| row.parse(0)).transpose()
}

/// The whole entry as it is in force.
///
/// # Errors
/// `Damaged` when the entry has no main file; those of the database.
pub fn find(
    query: &mut impl Query,
    id: &RegistrationId,
) -> Result<Option<Personal<Registration>>, StoreError> {
    let Some(row) = query.row(WHOLE, &[id.as_str().into()])? else {
        return Ok(None);
    };
    let version = row.int(15)?.into();
    let correspondents = query.rows(CORRESPONDENTS, &[id.as_str().into(), version])?;
    let files = query.rows(FILES, &[id.as_str().into()])?;
    let mut files = files.iter().map(documents::read).collect::<Result<Vec<_>, _>>()?;
    if files.is_empty() {
        return Err(StoreError::Damaged(format!("{id} has no file")));
    }
    let document = files.remove(0);
    Ok(Some(Personal::new(Registration {
        id: row.parse(0)?,
        body: row.parse(1)?,
        aoo: row.parse(2)?,
        register: row.parse(3)?,
        year: row.int(4)?,
        number: row.int(5)?,
        registered_at: time(row.int(6)?)?,
        direction: direction(&row, 7)?,
        subject: row.text(8)?.to_owned(),
        correspondents: correspondents.iter().map(correspondent).collect::<Result<_, _>>()?,
        classification: row.opt_text(9)?.map(str::to_owned),
        case: row.opt_parse(10)?,
        dossier: row.opt_parse(11)?,
        confidential: row.flag(12)?,
        received_at: row.opt_int(13)?.map(time).transpose()?,
        sender_reference: row.opt_text(14)?.map(reference).transpose()?.flatten(),
        document,
        attachments: files,
        annulment: annulment(&row)?,
    })))
}

/// Fingerprints of the files of an entry, the main document first.
///
/// # Errors
/// Those of the database.
pub fn digests(query: &mut impl Query, id: &RegistrationId) -> Result<Vec<String>, StoreError> {
    let files = query.rows(FILES, &[id.as_str().into()])?;
    files.iter().map(|row| row.text(1).map(str::to_owned)).collect()
}

/// One page of entries, newest first, after the position where the page before ended.
///
/// # Errors
/// Those of the database.
pub fn list(
    query: &mut impl Query,
    filter: &Filter,
    after: Option<Position>,
    limit: i64,
) -> Result<Personal<Vec<Line>>, StoreError> {
    let after = after.unwrap_or(Position { registered_at: i64::MAX, number: i64::MAX });
    let params: [Value; 13] = [
        filter.body.as_str().into(),
        after.registered_at.into(),
        after.number.into(),
        filter.aoo.as_ref().map(AooCode::as_str).into(),
        filter.register.as_ref().map(RegisterCode::as_str).into(),
        filter.year.unwrap_or(0).into(),
        filter.year.unwrap_or(i64::MAX).into(),
        filter.from_number.unwrap_or(0).into(),
        filter.to_number.unwrap_or(i64::MAX).into(),
        filter.direction.map(Direction::name).into(),
        filter.from_time.unwrap_or(i64::MIN).into(),
        filter.to_time.unwrap_or(i64::MAX).into(),
        limit.into(),
    ];
    let rows = query.rows(LIST, &params)?;
    let lines = rows.iter().map(line).collect::<Result<_, _>>()?;
    Ok(Personal::new(lines))
}

fn line(row: &Row) -> Result<Line, StoreError> {
    Ok(Line {
        id: row.parse(0)?,
        aoo: row.parse(1)?,
        register: row.parse(2)?,
        year: row.int(3)?,
        number: row.int(4)?,
        registered_at: row.int(5)?,
        direction: direction(row, 6)?,
        subject: row.text(7)?.to_owned(),
        classification: row.opt_text(8)?.map(str::to_owned),
        confidential: row.flag(9)?,
        annulled: row.opt_int(10)?.is_some(),
        correspondent: row.opt_text(11)?.unwrap_or_default().to_owned(),
        correspondents: row.int(12)?,
        files: row.int(13)?,
        dossier: row.opt_text(14)?.map(str::to_owned),
    })
}

pub(super) fn correspondent(row: &Row) -> Result<Correspondent, StoreError> {
    Ok(Correspondent {
        kind: CorrespondentKind::parse(row.text(0)?)
            .map_err(|_| StoreError::Shape("kind of correspondent".into()))?,
        name: row.text(1)?.to_owned(),
        tax_code: row.opt_text(2)?.map(str::to_owned),
        digital_domicile: row.opt_text(3)?.map(str::to_owned),
        body: row.opt_parse(4)?,
    })
}

fn annulment(row: &Row) -> Result<Option<Annulment>, StoreError> {
    let Some(at) = row.opt_int(19)? else {
        return Ok(None);
    };
    Ok(Some(Annulment {
        reason: row.text(16)?.to_owned(),
        order_reference: row.text(17)?.to_owned(),
        by: row.text(18)?.to_owned(),
        at: time(at)?,
    }))
}

/// A corrected reference may be `null`: the datum was cancelled without a new value.
fn reference(text: &str) -> Result<Option<SenderReference>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Shape("reference of the sender".into()))
}

fn direction(row: &Row, column: usize) -> Result<Direction, StoreError> {
    Direction::parse(row.text(column)?).map_err(|_| StoreError::Shape("direction".into()))
}

fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| StoreError::Shape(error.to_string()))
}
