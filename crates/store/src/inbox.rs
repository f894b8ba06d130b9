//! What arrived: raw messages, known before anything is decided about them.
//!
//! The same bytes in the same body are one row, whatever the mailbox says; the same registration of another
//! register is remembered with its first message. What a message is and what becomes of it is decided above.

use domain::body::IpaCode;
use domain::ids::{DeliveryId, InboundId, RegistrationId};
use domain::message::Channel;

use crate::trace::Personal;
use crate::{Query, Row, StoreError, Tx, Value, blobs};

const INSERT: &str = "insert into inbound (id, body, channel, mailbox, raw_sha256, size, arrived_at, kind, state, \
    message_id, sender_address, sender_name, subject, legal_at, verdict, details) values ($1, $2, $3, $4, $5, $6, \
    $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) on conflict do nothing";
const SAME: &str = "select id from inbound where body = $1 and raw_sha256 = $2";
const FIND: &str = "select id, body, channel, mailbox, raw_sha256, size, arrived_at, kind, state, message_id, \
    sender_address, sender_name, subject, legal_at, verdict, details, registration_id, delivery_id, handled_by, \
    handled_at, reason from inbound where id = $1";
const PAGE: &str = "select id, body, channel, mailbox, raw_sha256, size, arrived_at, kind, state, message_id, \
    sender_address, sender_name, subject, legal_at, verdict, details, registration_id, delivery_id, handled_by, \
    handled_at, reason from inbound where body = $1 and state = $2 and (arrived_at < $3 or (arrived_at = $3 \
    and id < $4)) order by arrived_at desc, id desc limit $5";
const WAITING_PROTOCOL: &str = "select i.id, i.details from inbound i join peer_messages p on p.inbound_id = i.id \
    where i.body = $1 and i.state = 'waiting' and not exists (select 1 from sender_annulments a \
    where a.inbound_id = i.id) order by i.arrived_at, i.id limit $2";
const ANNUL: &str = "insert into sender_annulments (inbound_id, reason, at) values ($1, $2, $3) \
    on conflict do nothing";
const ANNULLED: &str = "select reason from sender_annulments where inbound_id = $1";
const EARLY: &str = "insert into early_annulments (inbound_id, body, administration, aoo, register, number, date, \
    reason, act) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing";
const EARLY_OF: &str = "select inbound_id, reason, act from early_annulments where body = $1 and \
    administration = $2 and aoo = $3 and register = $4 and number = $5 and date = $6 order by inbound_id";
const COUNT: &str = "select count(*) from inbound where body = $1 and state = $2";
const HANDLE: &str = "update inbound set state = $2, registration_id = $3, delivery_id = $4, handled_by = $5, \
    handled_at = $6, reason = $7 where id = $1 and state in ('waiting', 'quarantined', 'unreadable')";
const PEER: &str = "insert into peer_messages (body, administration, aoo, register, number, date, \
    segnatura_sha256, inbound_id) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
const OF_REGISTRATION: &str = "select id from inbound where registration_id = $1 and state = 'registered' \
    order by arrived_at, id limit 1";
const KNOWN_PEER: &str = "select inbound_id, segnatura_sha256 from peer_messages where body = $1 and \
    administration = $2 and aoo = $3 and register = $4 and number = $5 and date = $6";

/// A message about to be kept.
#[derive(Debug, Clone)]
pub struct NewInbound {
    /// Minted by the caller.
    pub id: InboundId,
    /// Body that receives.
    pub body: IpaCode,
    /// Road it came by.
    pub channel: Channel,
    /// Address or box it came to.
    pub mailbox: String,
    /// Fingerprint of its bytes, already among the blobs of the body.
    pub raw_sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// `envelope`, `anomaly`, `ordinary`, `receipt`, `hub`, `unreadable`, `too_large`.
    pub kind: String,
    /// `waiting`, or what it is at once.
    pub state: String,
    /// Message-ID the sender chose.
    pub message_id: Option<String>,
    /// Address of the sender.
    pub sender_address: String,
    /// Name of the sender.
    pub sender_name: String,
    /// Subject.
    pub subject: String,
    /// Legal instant of receipt, UTC microseconds.
    pub legal_at: Option<i64>,
    /// What the verification of its signature said.
    pub verdict: Option<String>,
    /// What else was found, as JSON.
    pub details: String,
}

/// A kept message.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// What was kept.
    pub message: NewInbound,
    /// When it arrived here, UTC microseconds.
    pub arrived_at: i64,
    /// The entry made of it.
    pub registration: Option<RegistrationId>,
    /// The delivery it is about.
    pub delivery: Option<DeliveryId>,
    /// Who handled it.
    pub handled_by: Option<String>,
    /// When, UTC microseconds.
    pub handled_at: Option<i64>,
    /// Why it was discarded or kept apart.
    pub reason: Option<String>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy)]
pub struct Handled<'a> {
    /// `registered`, `attached`, `discarded`.
    pub state: &'a str,
    /// The entry made of it.
    pub registration: Option<&'a RegistrationId>,
    /// The delivery it is about.
    pub delivery: Option<&'a DeliveryId>,
    /// Who.
    pub by: &'a str,
    /// Why, when discarded.
    pub reason: Option<&'a str>,
}

/// The registration of another register that a message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerKey {
    /// Code of the administration.
    pub administration: String,
    /// Code of its AOO.
    pub aoo: String,
    /// Code of the register, empty in old messages.
    pub register: String,
    /// Number as written.
    pub number: String,
    /// Date, ISO.
    pub date: String,
}

/// Keeps a message whose bytes are among the blobs; `None` when the same bytes were kept before.
///
/// # Errors
/// Those of the database.
pub fn insert(tx: &mut Tx, new: &NewInbound) -> Result<Option<InboundId>, StoreError> {
    let at = tx.stamp();
    let size = i64::try_from(new.size).map_err(|_| StoreError::Shape("size".into()))?;
    let params = [
        new.id.as_str().into(),
        new.body.as_str().into(),
        new.channel.name().into(),
        new.mailbox.as_str().into(),
        new.raw_sha256.as_str().into(),
        size.into(),
        at.into(),
        new.kind.as_str().into(),
        new.state.as_str().into(),
        new.message_id.as_deref().into(),
        new.sender_address.as_str().into(),
        new.sender_name.as_str().into(),
        new.subject.as_str().into(),
        new.legal_at.into(),
        new.verdict.as_deref().into(),
        new.details.as_str().into(),
    ];
    if tx.execute(INSERT, &params)? == 0 {
        return Ok(None);
    }
    blobs::hold(tx, &new.body, &new.raw_sha256, new.id.as_str())?;
    Ok(Some(new.id.clone()))
}

/// Remembers that the sender annulled what a message carries, with its words; the first notice counts.
///
/// # Errors
/// Those of the database.
pub fn mark_annulled(tx: &mut Tx, id: &InboundId, reason: &str) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.execute(ANNUL, &[id.as_str().into(), reason.into(), at.into()]).map(drop)
}

/// The words with which the sender annulled what a message carries, if it did.
///
/// # Errors
/// Those of the database.
pub fn annulled(query: &mut impl Query, id: &InboundId) -> Result<Option<String>, StoreError> {
    query.row(ANNULLED, &[id.as_str().into()])?.map(|row| row.text(0).map(str::to_owned)).transpose()
}

/// The message with the same bytes, if it was kept.
///
/// # Errors
/// Those of the database.
pub fn with_bytes(
    query: &mut impl Query,
    body: &IpaCode,
    sha256: &str,
) -> Result<Option<InboundId>, StoreError> {
    let row = query.row(SAME, &[body.as_str().into(), sha256.into()])?;
    row.map(|row| row.parse(0)).transpose()
}

/// A message, for the use cases that work on it.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, id: &InboundId) -> Result<Option<Inbound>, StoreError> {
    query.row(FIND, &[id.as_str().into()])?.as_ref().map(read).transpose()
}

/// A message as a person sees it: sender and subject are personal data.
///
/// # Errors
/// Those of the database.
pub fn look(query: &mut impl Query, id: &InboundId) -> Result<Option<Personal<Inbound>>, StoreError> {
    Ok(find(query, id)?.map(Personal::new))
}

/// Messages of a body in a state, newest first, before the given place.
///
/// # Errors
/// Those of the database.
pub fn page(
    query: &mut impl Query,
    body: &IpaCode,
    state: &str,
    before: (i64, &str),
    limit: i64,
) -> Result<Personal<Vec<Inbound>>, StoreError> {
    let params = [body.as_str().into(), state.into(), before.0.into(), before.1.into(), limit.into()];
    let rows = query.rows(PAGE, &params)?;
    Ok(Personal::new(rows.iter().map(read).collect::<Result<_, _>>()?))
}

/// Waiting messages of other registers, oldest first: id and details.
///
/// # Errors
/// Those of the database.
pub fn waiting_protocol(
    query: &mut impl Query,
    body: &IpaCode,
    limit: i64,
) -> Result<Vec<(InboundId, String)>, StoreError> {
    let rows = query.rows(WAITING_PROTOCOL, &[body.as_str().into(), limit.into()])?;
    rows.iter().map(|row| Ok((row.parse(0)?, row.text(1)?.to_owned()))).collect()
}

/// How many messages of a body are in a state.
///
/// # Errors
/// Those of the database.
pub fn count(query: &mut impl Query, body: &IpaCode, state: &str) -> Result<i64, StoreError> {
    query.row(COUNT, &[body.as_str().into(), state.into()])?.map_or(Ok(0), |row| row.int(0))
}

/// Says what became of a message; `false` when somebody did before.
///
/// # Errors
/// Those of the database.
pub fn handle(tx: &mut Tx, id: &InboundId, how: Handled<'_>) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let params = [
        id.as_str().into(),
        how.state.into(),
        how.registration.map(RegistrationId::as_str).into(),
        how.delivery.map(DeliveryId::as_str).into(),
        how.by.into(),
        at.into(),
        how.reason.into(),
    ];
    Ok(tx.execute(HANDLE, &params)? == 1)
}

/// Remembers the registration a message carries. Answers the message that carried it first and the fingerprint
/// of its segnatura, when there was one.
///
/// # Errors
/// Those of the database.
pub fn remember_peer(
    tx: &mut Tx,
    body: &IpaCode,
    key: &PeerKey,
    segnatura_sha256: &str,
    inbound: &InboundId,
) -> Result<Option<(InboundId, String)>, StoreError> {
    let place = place(body, key);
    let mut params = place.to_vec();
    params.extend([segnatura_sha256.into(), inbound.as_str().into()]);
    if tx.execute(PEER, &params)? == 1 {
        return Ok(None);
    }
    let row = tx.row(KNOWN_PEER, &place)?;
    row.map(|row| Ok((row.parse(0)?, row.text(1)?.to_owned()))).transpose()
}

/// The message that first carried a registration of another register, if any did.
///
/// # Errors
/// Those of the database.
pub fn of_peer(
    query: &mut impl Query,
    body: &IpaCode,
    key: &PeerKey,
) -> Result<Option<InboundId>, StoreError> {
    query.row(KNOWN_PEER, &place(body, key))?.map(|row| row.parse(0)).transpose()
}

/// A registration of another register as the parameters of a statement, after the body that knows of it.
fn place(body: &IpaCode, key: &PeerKey) -> [Value; 6] {
    [
        body.as_str().into(),
        key.administration.as_str().into(),
        key.aoo.as_str().into(),
        key.register.as_str().into(),
        key.number.as_str().into(),
        key.date.as_str().into(),
    ]
}

/// A notice of annulment that came before what it annuls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlyAnnulment {
    /// The notice.
    pub notice: InboundId,
    /// Why, in the words of the other register.
    pub reason: String,
    /// By which act.
    pub act: String,
}

/// Keeps what a notice says of a registration that is not known yet; the same notice twice is one.
///
/// # Errors
/// Those of the database.
pub fn keep_early(
    tx: &mut Tx,
    body: &IpaCode,
    key: &PeerKey,
    early: &EarlyAnnulment,
) -> Result<(), StoreError> {
    let mut params = vec![early.notice.as_str().into()];
    params.extend(place(body, key));
    params.extend([early.reason.as_str().into(), early.act.as_str().into()]);
    tx.execute(EARLY, &params)?;
    Ok(())
}

/// The notices that came before a registration of another register.
///
/// # Errors
/// Those of the database.
pub fn early(
    query: &mut impl Query,
    body: &IpaCode,
    key: &PeerKey,
) -> Result<Vec<EarlyAnnulment>, StoreError> {
    let rows = query.rows(EARLY_OF, &place(body, key))?;
    let read = |row: &Row| {
        Ok(EarlyAnnulment {
            notice: row.parse(0)?,
            reason: row.text(1)?.to_owned(),
            act: row.text(2)?.to_owned(),
        })
    };
    rows.iter().map(read).collect()
}

/// The message an entry was made of, if it was made of one.
///
/// # Errors
/// Those of the database.
pub fn of_registration(
    query: &mut impl Query,
    entry: &RegistrationId,
) -> Result<Option<InboundId>, StoreError> {
    query.row(OF_REGISTRATION, &[entry.as_str().into()])?.map(|row| row.parse(0)).transpose()
}

fn read(row: &Row) -> Result<Inbound, StoreError> {
    let text = |column: usize| Ok::<_, StoreError>(row.opt_text(column)?.map(str::to_owned));
    let message = NewInbound {
        id: row.parse(0)?,
        body: row.parse(1)?,
        channel: Channel::parse(row.text(2)?).ok_or_else(|| StoreError::Shape("channel".into()))?,
        mailbox: row.text(3)?.to_owned(),
        raw_sha256: row.text(4)?.to_owned(),
        size: u64::try_from(row.int(5)?).unwrap_or_default(),
        kind: row.text(7)?.to_owned(),
        state: row.text(8)?.to_owned(),
        message_id: text(9)?,
        sender_address: row.text(10)?.to_owned(),
        sender_name: row.text(11)?.to_owned(),
        subject: row.text(12)?.to_owned(),
        legal_at: row.opt_int(13)?,
        verdict: text(14)?,
        details: row.text(15)?.to_owned(),
    };
    Ok(Inbound {
        message,
        arrived_at: row.int(6)?,
        registration: row.opt_parse(16)?,
        delivery: row.opt_parse(17)?,
        handled_by: text(18)?,
        handled_at: row.opt_int(19)?,
        reason: text(20)?,
    })
}
