//! Sendings, their recipients and what is known about each.
//!
//! Facts and answers are only ever added, each once; the state columns are a summary the caller computes and
//! writes beside them. This file does not know what a fact means.

use domain::body::IpaCode;
use domain::ids::{DeliveryId, RegistrationId, SendingId};
use domain::message::{Answer, Channel, DeliveryState, Event, Fact};
use jiff::Timestamp;

use crate::register_list::Eyes;
use crate::trace::Personal;
use crate::{Query, Row, StoreError, Tx, Value};

const INSERT_SENDING: &str = "insert into sendings (id, body, registration_id, text, notice_name, notice_xml, \
    created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)";
const INSERT: &str = "insert into deliveries (id, sending_id, body, registration_id, position, channel, \
    recipient_name, address, recipient_body, confirmation_asked, created_at, state, exchange_state, changed_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', 'pending', $11)";
const ADD_FACT: &str = "insert into delivery_facts (delivery_id, attempt, event, at, evidence, verdict, note, \
    learned_at) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
const FACTS: &str = "select attempt, event, at, evidence, verdict, note, learned_at from delivery_facts \
    where delivery_id = $1 order by attempt, at, event";
const ADD_ANSWER: &str = "insert into delivery_answers (delivery_id, answer, at, own_identifier, reason, evidence, \
    learned_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
const ANSWERS: &str = "select answer, at, own_identifier, reason, evidence, learned_at from delivery_answers \
    where delivery_id = $1 order by at, answer";
const SUMMARISE: &str = "update deliveries set state = $2, exchange_state = $3, proposal = $4, changed_at = $5 \
    where id = $1";
const REMIND: &str = "update deliveries set reminders = $2 where id = $1 and reminders < $2";
const FIND: &str = "select d.id, d.sending_id, d.body, d.registration_id, d.channel, d.recipient_name, d.address, \
    d.recipient_body, d.confirmation_asked, d.created_at, d.state, d.exchange_state, d.proposal, d.reminders, \
    d.changed_at, s.text, s.notice_name, s.notice_xml, s.created_by from deliveries d join sendings s on s.id = d.sending_id where d.id = $1";
const OF_REGISTRATION: &str = "select d.id, d.sending_id, d.body, d.registration_id, d.channel, d.recipient_name, \
    d.address, d.recipient_body, d.confirmation_asked, d.created_at, d.state, d.exchange_state, d.proposal, \
    d.reminders, d.changed_at, s.text, s.notice_name, s.notice_xml, s.created_by from deliveries d join sendings s on s.id = d.sending_id \
    where d.registration_id = $1 order by d.created_at, d.position";
const IDS_OF_REGISTRATION: &str = "select d.id, d.address, d.recipient_body from deliveries d join sendings s \
    on s.id = d.sending_id where d.registration_id = $1 and s.notice_name is null order by d.created_at, d.position";
const BY_OWN_IDENTIFIER: &str = "select a.delivery_id from delivery_answers a join deliveries d on \
    d.id = a.delivery_id where d.body = $1 and a.own_identifier = $2 and (d.address = $3 or d.recipient_body = $3) \
    order by a.at limit 1";
const PAGE: &str = "select d.id, d.sending_id, d.body, d.registration_id, d.channel, d.recipient_name, d.address, \
    d.recipient_body, d.confirmation_asked, d.created_at, d.state, d.exchange_state, d.proposal, d.reminders, \
    d.changed_at, s.text, s.notice_name, s.notice_xml, s.created_by from deliveries d join sendings s on s.id = d.sending_id \
    where d.body = $1 and (d.created_at < $2 or (d.created_at = $2 and d.id < $3)) \
    and ($4 = '' or d.state = $4) and ($6 = 1 or s.created_by = $7 or d.registration_id is null or exists \
    (select 1 from registrations r where r.id = d.registration_id and (r.confidential = 0 or r.registered_by = $7 \
    or exists (select 1 from assignments m where m.registration_id = r.id and m.account = $7 \
    and m.ended_at is null)))) order by d.created_at desc, d.id desc limit $5";
const SENT_BEFORE: &str = "select r.number, r.year from registration_files mine \
    join documents m on m.id = mine.document_id join documents x on x.body = m.body and x.sha256 = m.sha256 \
    join registration_files f on f.document_id = x.id join deliveries d on d.registration_id = f.registration_id \
    join sendings s on s.id = d.sending_id join registrations r on r.id = d.registration_id \
    where mine.registration_id = $1 and mine.position = 0 and d.body = $2 and d.address = $3 \
    and s.notice_name is null and d.state not in ('rejected', 'delivery_error', 'expired', 'closed_by_officer') \
    order by d.created_at desc, d.id desc limit 1";
const AWAITING: &str = "select id from deliveries where body = $1 and confirmation_asked = 1 and \
    state = 'delivered' and exchange_state in ('awaiting_confirmation', 'unconfirmed', 'pending') and reminders < 2 \
    order by changed_at limit $2";
const SILENT: &str = "select id from deliveries where body = $1 and state = $2 and channel = 'pec' and \
    proposal is null and changed_at < $3 order by changed_at limit $4";
const COUNTS: &str = "select state, count(*) from deliveries where body = $1 group by state";

/// A sending about to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewSending<'a> {
    /// Minted by the caller.
    pub id: &'a SendingId,
    /// Body that sends.
    pub body: &'a IpaCode,
    /// What is sent, or what the notice is about, once it is registered.
    pub registration: Option<&'a RegistrationId>,
    /// Covering text.
    pub text: &'a str,
    /// Name and XML of a notice of Annex 6, when that is all that is sent.
    pub notice: Option<(&'a str, &'a str)>,
    /// Who sends.
    pub by: &'a str,
}

/// A recipient about to be written.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Minted by the caller.
    pub id: DeliveryId,
    /// Road.
    pub channel: Channel,
    /// Name as used.
    pub recipient_name: String,
    /// Address as used; the IPA code in the hub.
    pub address: String,
    /// Body of the recipient, when it is one.
    pub recipient_body: Option<IpaCode>,
    /// Whether the segnatura asks for a confirmation.
    pub confirmation_asked: bool,
}

/// One recipient of one sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDelivery {
    /// Id.
    pub id: DeliveryId,
    /// The sending.
    pub sending: SendingId,
    /// Body that sends.
    pub body: IpaCode,
    /// What is sent, or what the notice is about.
    pub registration: Option<RegistrationId>,
    /// Road.
    pub channel: Channel,
    /// Name as used.
    pub recipient_name: String,
    /// Address as used.
    pub address: String,
    /// Body of the recipient, when it is one.
    pub recipient_body: Option<IpaCode>,
    /// Whether a confirmation was asked.
    pub confirmation_asked: bool,
    /// When it was created, UTC microseconds.
    pub created_at: i64,
    /// State of the delivery.
    pub state: DeliveryState,
    /// State of the exchange with the other register (`ExchangeState::name`).
    pub exchange_state: String,
    /// What an officer is asked to do (`Proposal::name`).
    pub proposal: Option<String>,
    /// Reminders already given.
    pub reminders: i64,
    /// Last change of the state, UTC microseconds.
    pub changed_at: i64,
    /// Covering text.
    pub text: String,
    /// Name and XML of a notice of Annex 6, when that is all that is sent.
    pub notice: Option<(String, String)>,
    /// Who sent: an account, or `system`.
    pub created_by: String,
}

/// A fact with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFact {
    /// The fact.
    pub fact: Fact,
    /// Fingerprint of the raw message that proves it, in the blobs of the body.
    pub evidence: Option<String>,
    /// What the verification of its signature said.
    pub verdict: Option<String>,
    /// Words of the server or of an officer.
    pub note: Option<String>,
    /// When it was learned, UTC microseconds.
    pub learned_at: i64,
}

/// An answer of the other register with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAnswer {
    /// The answer.
    pub answer: Answer,
    /// Instant, UTC microseconds.
    pub at: i64,
    /// The other register's own registration, in words (`p_po AOO PG 0020145 2026-11-23`).
    pub own_identifier: Option<String>,
    /// Reason of an exception or cancellation.
    pub reason: Option<String>,
    /// Fingerprint of the message that carried it.
    pub evidence: Option<String>,
    /// When it was learned, UTC microseconds.
    pub learned_at: i64,
}

/// Writes a sending with its recipients, all queued.
///
/// # Errors
/// Those of the database.
pub fn insert(tx: &mut Tx, sending: NewSending<'_>, all: &[NewDelivery]) -> Result<(), StoreError> {
    let at = tx.stamp();
    let (body, registration) = (sending.body.as_str(), sending.registration.map(RegistrationId::as_str));
    let params = [
        sending.id.as_str().into(),
        body.into(),
        registration.into(),
        sending.text.into(),
        sending.notice.map(|(name, _)| name).into(),
        sending.notice.map(|(_, xml)| xml).into(),
        sending.by.into(),
        at.into(),
    ];
    tx.put(INSERT_SENDING, &params)?;
    for (position, one) in all.iter().enumerate() {
        tx.put(
            INSERT,
            &[
                one.id.as_str().into(),
                sending.id.as_str().into(),
                body.into(),
                registration.into(),
                Value::Int(position as i64),
                one.channel.name().into(),
                one.recipient_name.as_str().into(),
                one.address.as_str().into(),
                one.recipient_body.as_ref().map(IpaCode::as_str).into(),
                one.confirmation_asked.into(),
                at.into(),
            ],
        )?;
    }
    Ok(())
}

/// Adds a fact; `false` when it was known.
///
/// # Errors
/// Those of the database.
pub fn add_fact(tx: &mut Tx, id: &DeliveryId, known: &KnownFact) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let params = [
        id.as_str().into(),
        known.fact.attempt.into(),
        json(&known.fact.event)?.into(),
        known.fact.at.as_microsecond().into(),
        known.evidence.as_deref().into(),
        known.verdict.as_deref().into(),
        known.note.as_deref().into(),
        at.into(),
    ];
    Ok(tx.execute(ADD_FACT, &params)? == 1)
}

/// What is known about a delivery, oldest attempt first.
///
/// # Errors
/// Those of the database.
pub fn facts(query: &mut impl Query, id: &DeliveryId) -> Result<Vec<KnownFact>, StoreError> {
    let read = |row: &Row| {
        let attempt = u16::try_from(row.int(0)?).map_err(|_| StoreError::Shape("attempt".into()))?;
        let event: Event = from_json(row.text(1)?)?;
        Ok(KnownFact {
            fact: Fact { attempt, event, at: instant(row.int(2)?)? },
            evidence: row.opt_text(3)?.map(str::to_owned),
            verdict: row.opt_text(4)?.map(str::to_owned),
            note: row.opt_text(5)?.map(str::to_owned),
            learned_at: row.int(6)?,
        })
    };
    query.rows(FACTS, &[id.as_str().into()])?.iter().map(read).collect()
}

/// Adds an answer of the other register; `false` when it was known.
///
/// # Errors
/// Those of the database.
pub fn add_answer(tx: &mut Tx, id: &DeliveryId, known: &KnownAnswer) -> Result<bool, StoreError> {
    let at = tx.stamp();
    let params = [
        id.as_str().into(),
        json(&known.answer)?.into(),
        known.at.into(),
        known.own_identifier.as_deref().into(),
        known.reason.as_deref().into(),
        known.evidence.as_deref().into(),
        at.into(),
    ];
    Ok(tx.execute(ADD_ANSWER, &params)? == 1)
}

/// The answers of the other register.
///
/// # Errors
/// Those of the database.
pub fn answers(query: &mut impl Query, id: &DeliveryId) -> Result<Vec<KnownAnswer>, StoreError> {
    let read = |row: &Row| {
        Ok(KnownAnswer {
            answer: from_json(row.text(0)?)?,
            at: row.int(1)?,
            own_identifier: row.opt_text(2)?.map(str::to_owned),
            reason: row.opt_text(3)?.map(str::to_owned),
            evidence: row.opt_text(4)?.map(str::to_owned),
            learned_at: row.int(5)?,
        })
    };
    query.rows(ANSWERS, &[id.as_str().into()])?.iter().map(read).collect()
}

/// Writes the summary of a delivery.
///
/// # Errors
/// Those of the database.
pub fn summarise(
    tx: &mut Tx,
    id: &DeliveryId,
    state: DeliveryState,
    exchange_state: &str,
    proposal: Option<&str>,
) -> Result<(), StoreError> {
    let at = tx.stamp();
    let params = [id.as_str().into(), state.name().into(), exchange_state.into(), proposal.into(), at.into()];
    tx.put(SUMMARISE, &params)
}

/// Counts a reminder; `false` when it was given before.
///
/// # Errors
/// Those of the database.
pub fn remind(tx: &mut Tx, id: &DeliveryId, number: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(REMIND, &[id.as_str().into(), number.into()])? == 1)
}

/// A delivery, for the use cases that work on it; people see it through [`look`].
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, id: &DeliveryId) -> Result<Option<StoredDelivery>, StoreError> {
    query.row(FIND, &[id.as_str().into()])?.as_ref().map(read).transpose()
}

/// A delivery as a person sees it: its recipient is personal data.
///
/// # Errors
/// Those of the database.
pub fn look(query: &mut impl Query, id: &DeliveryId) -> Result<Option<Personal<StoredDelivery>>, StoreError> {
    Ok(find(query, id)?.map(Personal::new))
}

/// The deliveries of a registration.
///
/// # Errors
/// Those of the database.
pub fn of_registration(
    query: &mut impl Query,
    id: &RegistrationId,
) -> Result<Personal<Vec<StoredDelivery>>, StoreError> {
    let rows = query.rows(OF_REGISTRATION, &[id.as_str().into()])?;
    Ok(Personal::new(rows.iter().map(read).collect::<Result<_, _>>()?))
}

/// Id, address and recipient body of the deliveries of an entry, notices left out.
///
/// # Errors
/// Those of the database.
pub fn ids_of_registration(
    query: &mut impl Query,
    id: &RegistrationId,
) -> Result<Vec<(DeliveryId, String, Option<String>)>, StoreError> {
    let rows = query.rows(IDS_OF_REGISTRATION, &[id.as_str().into()])?;
    let read =
        |row: &Row| Ok((row.parse(0)?, row.text(1)?.to_lowercase(), row.opt_text(2)?.map(str::to_owned)));
    rows.iter().map(read).collect()
}

/// Number and year of the latest entry with the same main document that left for the same address, or is about to;
/// what failed does not count. `address` in the form in which deliveries keep it.
///
/// # Errors
/// Those of the database.
pub fn sent_before(
    query: &mut impl Query,
    body: &IpaCode,
    entry: &RegistrationId,
    address: &str,
) -> Result<Option<(i64, i64)>, StoreError> {
    let row = query.row(SENT_BEFORE, &[entry.as_str().into(), body.as_str().into(), address.into()])?;
    row.map(|row| Ok((row.int(0)?, row.int(1)?))).transpose()
}

/// The delivery which the other register confirmed under the given identifier.
///
/// # Errors
/// Those of the database.
pub fn by_own_identifier(
    query: &mut impl Query,
    body: &IpaCode,
    own_identifier: &str,
    from: &str,
) -> Result<Option<DeliveryId>, StoreError> {
    let row = query.row(BY_OWN_IDENTIFIER, &[body.as_str().into(), own_identifier.into(), from.into()])?;
    row.map(|row| row.parse(0)).transpose()
}

/// Deliveries of a body that the eyes may see, newest first, before the given place; `state` empty means all.
///
/// # Errors
/// Those of the database.
pub fn page(
    query: &mut impl Query,
    body: &IpaCode,
    eyes: &Eyes,
    before: (i64, &str),
    state: Option<DeliveryState>,
    limit: i64,
) -> Result<Personal<Vec<StoredDelivery>>, StoreError> {
    let state = state.map_or("", DeliveryState::name);
    let params = [
        body.as_str().into(),
        before.0.into(),
        before.1.into(),
        state.into(),
        limit.into(),
        eyes.all.into(),
        eyes.account.as_str().into(),
    ];
    let rows = query.rows(PAGE, &params)?;
    Ok(Personal::new(rows.iter().map(read).collect::<Result<_, _>>()?))
}

/// Deliveries whose confirmation has not come, fewer than two reminders given.
///
/// # Errors
/// Those of the database.
pub fn awaiting(query: &mut impl Query, body: &IpaCode, limit: i64) -> Result<Vec<DeliveryId>, StoreError> {
    query.rows(AWAITING, &[body.as_str().into(), limit.into()])?.iter().map(|row| row.parse(0)).collect()
}

/// Certified mail handed over before an instant (UTC microseconds) with a receipt still to come, of which nobody
/// has been told yet.
///
/// # Errors
/// Those of the database.
pub fn silent(
    query: &mut impl Query,
    body: &IpaCode,
    before: i64,
    limit: i64,
) -> Result<Vec<DeliveryId>, StoreError> {
    let mut found = Vec::new();
    for state in [DeliveryState::Submitted, DeliveryState::Accepted, DeliveryState::LateNotice] {
        let params = [body.as_str().into(), state.name().into(), before.into(), limit.into()];
        for row in query.rows(SILENT, &params)? {
            found.push(row.parse(0)?);
        }
    }
    Ok(found)
}

/// How many deliveries of a body stand in each state.
///
/// # Errors
/// Those of the database.
pub fn counts(query: &mut impl Query, body: &IpaCode) -> Result<Vec<(DeliveryState, i64)>, StoreError> {
    let rows = query.rows(COUNTS, &[body.as_str().into()])?;
    rows.iter().map(|row| Ok((state(row.text(0)?)?, row.int(1)?))).collect()
}

fn read(row: &Row) -> Result<StoredDelivery, StoreError> {
    Ok(StoredDelivery {
        id: row.parse(0)?,
        sending: row.parse(1)?,
        body: row.parse(2)?,
        registration: row.opt_parse(3)?,
        channel: Channel::parse(row.text(4)?).ok_or_else(|| StoreError::Shape("channel".into()))?,
        recipient_name: row.text(5)?.to_owned(),
        address: row.text(6)?.to_owned(),
        recipient_body: row.opt_parse(7)?,
        confirmation_asked: row.flag(8)?,
        created_at: row.int(9)?,
        state: state(row.text(10)?)?,
        exchange_state: row.text(11)?.to_owned(),
        proposal: row.opt_text(12)?.map(str::to_owned),
        reminders: row.int(13)?,
        changed_at: row.int(14)?,
        text: row.text(15)?.to_owned(),
        notice: row.opt_text(16)?.map(str::to_owned).zip(row.opt_text(17)?.map(str::to_owned)),
        created_by: row.text(18)?.to_owned(),
    })
}

fn state(name: &str) -> Result<DeliveryState, StoreError> {
    DeliveryState::parse(name).ok_or_else(|| StoreError::Shape("state of a delivery".into()))
}

fn instant(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| StoreError::Shape(error.to_string()))
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Shape(error.to_string()))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Shape(error.to_string()))
}
