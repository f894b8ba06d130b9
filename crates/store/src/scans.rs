//! Scans that wait for a clerk: their bytes are held here until they become a file of an entry or are set aside.
//!
//! Names and bytes are personal data, so rows leave only against a trace. The same bytes wait once.

use domain::body::IpaCode;
use domain::ids::{RegistrationId, ScanId};
use domain::scan::ScanState;

use crate::journal::{self, Entry};
use crate::trace::Personal;
use crate::{Query, Row, StoreError, Tx, blobs};

const INSERT: &str = "insert into scans (id, body, source, name, sha256, media_type, size, pages, flags, arrived_at, \
    arrived_by, state, reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const FIND: &str = "select id, body, source, name, sha256, media_type, size, pages, flags, arrived_at, state, \
    registration_id, reason from scans where id = $1";
const PAGE: &str = "select id, body, source, name, sha256, media_type, size, pages, flags, arrived_at, state, \
    registration_id, reason from scans where body = $1 and state = $2 and (arrived_at, id) < ($3, $4) \
    order by arrived_at desc, id desc limit $5";
const COUNT: &str = "select count(*) from scans where body = $1 and state = $2";
const SAME: &str = "select id from scans where body = $1 and sha256 = $2 and state = 'waiting'";
const HANDLE: &str = "update scans set state = $2, registration_id = $3, handled_by = $4, handled_at = $5, \
    reason = coalesce($6, reason) where id = $1 and state in ('waiting', 'refused')";

/// A scan as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewScan {
    /// Which.
    pub id: ScanId,
    /// Whose.
    pub body: IpaCode,
    /// `folder` or `upload`.
    pub source: &'static str,
    /// Its name, cleaned.
    pub name: String,
    /// Fingerprint of its bytes, which are in the blobs already; none for what was refused.
    pub sha256: Option<String>,
    /// Media type by content, empty when nobody looked.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// Pages, when known.
    pub pages: Option<u32>,
    /// Codes of what to know about it.
    pub flags: Vec<String>,
    /// Why it was refused: a stable code.
    pub refused: Option<String>,
}

/// A scan and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Which.
    pub id: ScanId,
    /// Whose.
    pub body: IpaCode,
    /// `folder` or `upload`.
    pub source: String,
    /// Its name.
    pub name: String,
    /// Fingerprint of its bytes.
    pub sha256: Option<String>,
    /// Media type by content.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// Pages, when known.
    pub pages: Option<i64>,
    /// Codes of what to know about it.
    pub flags: Vec<String>,
    /// When it came, UTC microseconds.
    pub arrived_at: i64,
    /// Where it stands.
    pub state: ScanState,
    /// The entry made of it.
    pub registration: Option<RegistrationId>,
    /// Why it was refused (a code) or set aside (words).
    pub reason: Option<String>,
}

/// Writes a scan that came. The same bytes that wait already are left as they are; the answer is the one that waits.
///
/// # Errors
/// Those of the database.
pub fn insert(tx: &mut Tx, scan: &NewScan, by: &str) -> Result<ScanId, StoreError> {
    if let Some(sha256) = &scan.sha256 {
        if let Some(row) = tx.row(SAME, &[scan.body.as_str().into(), sha256.as_str().into()])? {
            return row.parse(0);
        }
        blobs::hold(tx, &scan.body, sha256, scan.id.as_str())?;
    }
    let at = tx.stamp();
    let state = if scan.refused.is_some() { ScanState::Refused } else { ScanState::Waiting };
    let size = i64::try_from(scan.size).map_err(|_| StoreError::Shape("size".into()))?;
    tx.put(
        INSERT,
        &[
            scan.id.as_str().into(),
            scan.body.as_str().into(),
            scan.source.into(),
            scan.name.as_str().into(),
            scan.sha256.as_deref().into(),
            scan.media_type.as_str().into(),
            size.into(),
            scan.pages.into(),
            scan.flags.join(" ").into(),
            at.into(),
            by.into(),
            state.name().into(),
            scan.refused.as_deref().into(),
        ],
    )?;
    let told = scan.sha256.as_deref().or(scan.refused.as_deref()).unwrap_or_default();
    journal::append(
        tx,
        Entry {
            body: &scan.body,
            actor: by,
            on_behalf_of: None,
            verb: "scan.arrive",
            subject: scan.id.as_str(),
            case: None,
            norm: None,
            state: format!("{}\n{told}\n{}", state.name(), scan.name).as_bytes(),
        },
    )?;
    Ok(scan.id.clone())
}

/// A scan; its name is personal data.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, id: &ScanId) -> Result<Option<Personal<Scan>>, StoreError> {
    let row = query.row(FIND, &[id.as_str().into()])?;
    row.map(|row| Ok(Personal::new(read(&row)?))).transpose()
}

/// Scans of a body in a state, newest first, before the given place.
///
/// # Errors
/// Those of the database.
pub fn page(
    query: &mut impl Query,
    body: &IpaCode,
    state: ScanState,
    before: (i64, &str),
    limit: i64,
) -> Result<Personal<Vec<Scan>>, StoreError> {
    let params = [body.as_str().into(), state.name().into(), before.0.into(), before.1.into(), limit.into()];
    let rows = query.rows(PAGE, &params)?;
    Ok(Personal::new(rows.iter().map(read).collect::<Result<_, _>>()?))
}

/// How many scans of a body are in a state.
///
/// # Errors
/// Those of the database.
pub fn count(query: &mut impl Query, body: &IpaCode, state: ScanState) -> Result<i64, StoreError> {
    query.row(COUNT, &[body.as_str().into(), state.name().into()])?.map_or(Ok(0), |row| row.int(0))
}

/// What became of a scan.
#[derive(Debug, Clone, Copy)]
pub struct Handled<'a> {
    /// `Registered` or `Discarded`.
    pub state: ScanState,
    /// The entry made of it.
    pub registration: Option<&'a RegistrationId>,
    /// Who.
    pub by: &'a str,
    /// For whom, while standing in.
    pub on_behalf_of: Option<&'a str>,
    /// Why it was set aside.
    pub reason: Option<&'a str>,
}

/// Says what became of a scan and lets go of its bytes; `false` when somebody did before.
///
/// # Errors
/// Those of the database.
pub fn handle(tx: &mut Tx, scan: &Scan, how: Handled<'_>) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let params = [
        scan.id.as_str().into(),
        how.state.name().into(),
        how.registration.map(RegistrationId::as_str).into(),
        how.by.into(),
        at.into(),
        how.reason.into(),
    ];
    if tx.execute(HANDLE, &params)? != 1 {
        return Ok(false);
    }
    if let Some(sha256) = &scan.sha256 {
        blobs::release(tx, &scan.body, sha256, scan.id.as_str())?;
    }
    journal::append(
        tx,
        Entry {
            body: &scan.body,
            actor: how.by,
            on_behalf_of: how.on_behalf_of,
            verb: match how.state {
                ScanState::Registered => "scan.register",
                _ => "scan.discard",
            },
            subject: scan.id.as_str(),
            case: None,
            norm: None,
            state: how.registration.map(RegistrationId::as_str).or(how.reason).unwrap_or_default().as_bytes(),
        },
    )?;
    Ok(true)
}

fn read(row: &Row) -> Result<Scan, StoreError> {
    Ok(Scan {
        id: row.parse(0)?,
        body: row.parse(1)?,
        source: row.text(2)?.to_owned(),
        name: row.text(3)?.to_owned(),
        sha256: row.opt_text(4)?.map(str::to_owned),
        media_type: row.text(5)?.to_owned(),
        size: u64::try_from(row.int(6)?).unwrap_or_default(),
        pages: row.opt_int(7)?,
        flags: row.text(8)?.split_whitespace().map(str::to_owned).collect(),
        arrived_at: row.int(9)?,
        state: ScanState::parse(row.text(10)?).ok_or_else(|| StoreError::Shape("state of a scan".into()))?,
        registration: row.opt_parse(11)?,
        reason: row.opt_text(12)?.map(str::to_owned),
    })
}
