//! What has to leave: one row per attempt, claimed with a lease, so that a worker that dies loses nothing.
//!
//! A row is `waiting`, then `leaving` (its Message-ID is on disk, a server may be spoken to), then `gone`; or
//! `stuck` for an officer, or `withdrawn`. A `leaving` row whose lease ran out is of unknown fate: whoever claims
//! it is told so and must look for receipts before sending again. Nothing here speaks to servers.

use domain::body::IpaCode;
use domain::ids::{DeliveryId, OutboxId};
use domain::message::Channel;

use crate::{Query, Row, StoreError, Tx};

const INSERT: &str = "insert into outbox (id, body, delivery_id, attempt, channel, message_id, state, due_at, \
    created_at) values ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8) on conflict do nothing";
const DUE: &str = "select id, body, delivery_id, attempt, channel, message_id, state, due_at, tries, last_error, \
    raw_sha256 from outbox where (state = 'waiting' and due_at <= $1) or (state = 'leaving' and lease_until <= $1) \
    order by due_at, id limit $2";
const IS_DUE: &str = "select 1 from outbox where (state = 'waiting' and due_at <= $1) or (state = 'leaving' and \
    lease_until <= $1) limit 1";
const CLAIM: &str = "update outbox set state = 'leaving', lease_until = $2, tries = tries + 1 where id = $1 and \
    (state = 'waiting' or (state = 'leaving' and lease_until <= $3))";
const KEEP_RAW: &str = "update outbox set raw_sha256 = $2 where id = $1";
const SETTLE: &str = "update outbox set state = $2, lease_until = null, last_error = $3 where id = $1 \
    and state in ('waiting', 'leaving', 'stuck')";
const POSTPONE: &str = "update outbox set state = 'waiting', lease_until = null, due_at = $2, last_error = $3 \
    where id = $1 and state in ('waiting', 'leaving', 'stuck')";
const DOUBT: &str = "update outbox set lease_until = $2, last_error = $3 where id = $1 and state = 'leaving'";
const WITHDRAW: &str = "update outbox set state = 'withdrawn', lease_until = null where delivery_id = $1 \
    and state in ('waiting', 'stuck')";
const BY_MESSAGE: &str = "select id, body, delivery_id, attempt, channel, message_id, state, due_at, tries, \
    last_error, raw_sha256 from outbox where message_id = $1";
const OF_DELIVERY: &str = "select id, body, delivery_id, attempt, channel, message_id, state, due_at, tries, \
    last_error, raw_sha256 from outbox where delivery_id = $1 order by attempt";
const STUCK: &str = "select id, body, delivery_id, attempt, channel, message_id, state, due_at, tries, last_error, \
    raw_sha256 from outbox where body = $1 and state in ('waiting', 'leaving', 'stuck') and (tries > 0 or state = \
    'stuck') order by due_at, id limit $2";

/// A row about to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewOutgoing<'a> {
    /// Minted by the caller.
    pub id: &'a OutboxId,
    /// Body that sends.
    pub body: &'a IpaCode,
    /// What it delivers.
    pub delivery: &'a DeliveryId,
    /// Attempt, from 1.
    pub attempt: u16,
    /// Road.
    pub channel: Channel,
    /// Chosen now, used for this attempt only.
    pub message_id: &'a str,
    /// Not before, UTC microseconds.
    pub due_at: i64,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Id.
    pub id: OutboxId,
    /// Body that sends.
    pub body: IpaCode,
    /// What it delivers.
    pub delivery: DeliveryId,
    /// Attempt.
    pub attempt: u16,
    /// Road.
    pub channel: Channel,
    /// Message-ID of the attempt.
    pub message_id: String,
    /// `waiting`, `leaving`, `gone`, `stuck` or `withdrawn`.
    pub state: String,
    /// Not before, UTC microseconds.
    pub due_at: i64,
    /// How often it was claimed.
    pub tries: i64,
    /// What the server said last.
    pub last_error: Option<String>,
    /// Fingerprint of the bytes as they leave.
    pub raw_sha256: Option<String>,
}

/// A claimed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The row.
    pub row: Outgoing,
    /// It was `leaving` when its lease ran out: it may have left already.
    pub may_have_left: bool,
}

/// Writes a row; `false` when the attempt has one already.
///
/// # Errors
/// Those of the database.
pub fn insert(tx: &mut Tx, new: NewOutgoing<'_>) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let params = [
        new.id.as_str().into(),
        new.body.as_str().into(),
        new.delivery.as_str().into(),
        new.attempt.into(),
        new.channel.name().into(),
        new.message_id.into(),
        new.due_at.into(),
        at.into(),
    ];
    Ok(tx.execute(INSERT, &params)? == 1)
}

/// Whether anything is due: asked before a claim, so that an idle worker writes nothing.
///
/// # Errors
/// Those of the database.
pub fn is_due(query: &mut impl Query, now: i64) -> Result<bool, StoreError> {
    Ok(query.row(IS_DUE, &[now.into()])?.is_some())
}

/// Claims up to `limit` rows that are due, for `lease` microseconds.
///
/// # Errors
/// Those of the database.
pub fn claim(tx: &mut Tx, now: i64, lease: i64, limit: i64) -> Result<Vec<Claimed>, StoreError> {
    let rows = tx.rows(DUE, &[now.into(), limit.into()])?;
    let mut claimed = Vec::new();
    for row in rows.iter().map(read).collect::<Result<Vec<_>, _>>()? {
        let until = now + lease;
        if tx.execute(CLAIM, &[row.id.as_str().into(), until.into(), now.into()])? == 1 {
            claimed.push(Claimed { may_have_left: row.state == "leaving", row });
        }
    }
    Ok(claimed)
}

/// Names the bytes as they leave, before any server is spoken to.
///
/// # Errors
/// Those of the database.
pub fn keep_raw(tx: &mut Tx, id: &OutboxId, sha256: &str) -> Result<(), StoreError> {
    tx.put(KEEP_RAW, &[id.as_str().into(), sha256.into()])
}

/// The row left.
///
/// # Errors
/// Those of the database.
pub fn settle_gone(tx: &mut Tx, id: &OutboxId, reply: &str) -> Result<(), StoreError> {
    tx.put(SETTLE, &[id.as_str().into(), "gone".into(), reply.into()])
}

/// The row needs an officer.
///
/// # Errors
/// Those of the database.
pub fn settle_stuck(tx: &mut Tx, id: &OutboxId, error: &str) -> Result<(), StoreError> {
    tx.put(SETTLE, &[id.as_str().into(), "stuck".into(), error.into()])
}

/// The row is tried again, not before `due_at`.
///
/// # Errors
/// Those of the database.
pub fn postpone(tx: &mut Tx, id: &OutboxId, due_at: i64, error: &str) -> Result<(), StoreError> {
    tx.put(POSTPONE, &[id.as_str().into(), due_at.into(), error.into()])
}

/// The row stays of unknown fate: it is looked at again, not before `until`, and whoever claims it then asks first.
///
/// # Errors
/// Those of the database.
pub fn doubt(tx: &mut Tx, id: &OutboxId, until: i64, error: &str) -> Result<(), StoreError> {
    tx.put(DOUBT, &[id.as_str().into(), until.into(), error.into()])
}

/// What has not left of a delivery never will.
///
/// # Errors
/// Those of the database.
pub fn withdraw(tx: &mut Tx, delivery: &DeliveryId) -> Result<u64, StoreError> {
    tx.execute(WITHDRAW, &[delivery.as_str().into()])
}

/// The row a Message-ID belongs to.
///
/// # Errors
/// Those of the database.
pub fn by_message_id(query: &mut impl Query, message_id: &str) -> Result<Option<Outgoing>, StoreError> {
    query.row(BY_MESSAGE, &[message_id.into()])?.as_ref().map(read).transpose()
}

/// The attempts of a delivery.
///
/// # Errors
/// Those of the database.
pub fn of_delivery(query: &mut impl Query, id: &DeliveryId) -> Result<Vec<Outgoing>, StoreError> {
    query.rows(OF_DELIVERY, &[id.as_str().into()])?.iter().map(read).collect()
}

/// Rows of a body that failed at least once or wait for an officer, oldest first.
///
/// # Errors
/// Those of the database.
pub fn stuck(query: &mut impl Query, body: &IpaCode, limit: i64) -> Result<Vec<Outgoing>, StoreError> {
    query.rows(STUCK, &[body.as_str().into(), limit.into()])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Outgoing, StoreError> {
    Ok(Outgoing {
        id: row.parse(0)?,
        body: row.parse(1)?,
        delivery: row.parse(2)?,
        attempt: u16::try_from(row.int(3)?).map_err(|_| StoreError::Shape("attempt".into()))?,
        channel: Channel::parse(row.text(4)?).ok_or_else(|| StoreError::Shape("channel".into()))?,
        message_id: row.text(5)?.to_owned(),
        state: row.text(6)?.to_owned(),
        due_at: row.int(7)?,
        tries: row.int(8)?,
        last_error: row.opt_text(9)?.map(str::to_owned),
        raw_sha256: row.opt_text(10)?.map(str::to_owned),
    })
}
