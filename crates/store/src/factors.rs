//! What an account has besides its password: passkeys, recovery codes, links to enter by, who stands in, and
//! the secrets of programs.
//!
//! Rows only, and digests instead of secrets: how each is made and judged is for `app` to say.

use crate::{Query, Row, StoreError, Tx};
use domain::body::IpaCode;
use domain::ids::{AccountId, TokenId};
use jiff::civil::Date;

const ABSENCE: &str = "insert into absences (account, deputy, body, from_day, to_day) \
    values ($1, $2, $3, $4, $5) on conflict (account, deputy, body, from_day) \
    do update set to_day = excluded.to_day";
const END_ABSENCE: &str = "delete from absences where account = $1 and body = $2";
const ABSENCES: &str = "select account, deputy, body, from_day, to_day from absences where account = $1 \
    order by from_day";
const STANDS_IN: &str = "select a.account, a.deputy, a.body, a.from_day, a.to_day from absences a \
    join accounts c on c.id = a.account where a.deputy = $1 and a.from_day <= $2 and a.to_day >= $2 \
    and c.state = 'active' order by a.body, a.account";
const STANDS_IN_FROM: &str = "select a.account, a.deputy, a.body, a.from_day, a.to_day from absences a \
    join accounts c on c.id = a.account where a.deputy = $1 and a.to_day >= $2 \
    and c.state = 'active' order by a.from_day, a.account";
const ABSENCES_IN: &str = "select account, deputy, body, from_day, to_day from absences where body = $1 \
    and to_day >= $2 order by from_day, account";
const ADD_CODE: &str = "insert into recovery_codes (account, hash) values ($1, $2)";
const CLEAR_CODES: &str = "delete from recovery_codes where account = $1";
const USE_CODE: &str =
    "update recovery_codes set used_at = $3 where account = $1 and hash = $2 and used_at is null";
const CODES_LEFT: &str = "select count(*) from recovery_codes where account = $1 and used_at is null";
const ADD_PASSKEY: &str =
    "insert into passkeys (id, account, label, credential, created_at) values ($1, $2, $3, $4, $5)";
const PASSKEYS: &str = "select id, account, label, credential, created_at, used_at from passkeys \
    where account = $1 order by created_at, id";
const PASSKEY: &str =
    "select id, account, label, credential, created_at, used_at from passkeys where id = $1";
const USE_PASSKEY: &str = "update passkeys set credential = $2, used_at = $3 where id = $1";
const DROP_PASSKEY: &str = "delete from passkeys where account = $1 and id = $2";
const CLEAR_PASSKEYS: &str = "delete from passkeys where account = $1";
const INVITE: &str = "insert into invitations (hash, account, purpose, made_at, made_by, ends_at) \
    values ($1, $2, $3, $4, $5, $6)";
const INVITATION: &str = "select account, purpose from invitations where hash = $1 and used_at is null \
    and ends_at > $2";
const USE_INVITATION: &str = "update invitations set used_at = $2 where hash = $1 and used_at is null";
const DROP_INVITATIONS: &str = "update invitations set used_at = $2 where account = $1 and used_at is null";
const ADD_CLIENT: &str = "insert into clients (id, hash, account, body, label, made_at, made_by) \
    values ($1, $2, $3, $4, $5, $6, $7)";
const CLIENT: &str =
    "select id, account, body, label, made_at, hash from clients where id = $1 and revoked_at is null";
const CLIENTS: &str = "select id, account, body, label, made_at, hash from clients where body = $1 \
    and revoked_at is null order by made_at desc, id limit $2";
const REVOKE_CLIENT: &str =
    "update clients set revoked_at = $3 where body = $1 and id = $2 and revoked_at is null";

/// One person stands in for another in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// Who is away.
    pub account: AccountId,
    /// Who stands in.
    pub deputy: AccountId,
    /// Where.
    pub body: IpaCode,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// A passkey as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Credential id, base64url.
    pub id: String,
    /// Whose.
    pub account: AccountId,
    /// What its owner calls it.
    pub label: String,
    /// Public key and counter, JSON.
    pub credential: String,
    /// When it was added, UTC microseconds.
    pub created_at: i64,
    /// When it was last used, UTC microseconds.
    pub used_at: Option<i64>,
}

/// Records an absence; the same one again changes its last day.
///
/// # Errors
/// Those of the database.
pub fn set_absence(tx: &mut Tx, absence: &Absence) -> Result<(), StoreError> {
    tx.put(
        ABSENCE,
        &[
            absence.account.as_str().into(),
            absence.deputy.as_str().into(),
            absence.body.as_str().into(),
            absence.from.to_string().into(),
            absence.to.to_string().into(),
        ],
    )
}

/// Ends every absence of an account in a body.
///
/// # Errors
/// Those of the database.
pub fn end_absence(tx: &mut Tx, id: &AccountId, body: &IpaCode) -> Result<(), StoreError> {
    tx.put(END_ABSENCE, &[id.as_str().into(), body.as_str().into()])
}

/// The absences of an account.
///
/// # Errors
/// Those of the database.
pub fn absences(query: &mut impl Query, id: &AccountId) -> Result<Vec<Absence>, StoreError> {
    query.rows(ABSENCES, &[id.as_str().into()])?.iter().map(read_absence).collect()
}

/// The absences in a body that last on a day or later.
///
/// # Errors
/// Those of the database.
pub fn absences_in(query: &mut impl Query, body: &IpaCode, day: Date) -> Result<Vec<Absence>, StoreError> {
    query
        .rows(ABSENCES_IN, &[body.as_str().into(), day.to_string().into()])?
        .iter()
        .map(read_absence)
        .collect()
}

/// Whom an account stands in for on a day.
///
/// # Errors
/// Those of the database.
pub fn stands_in(query: &mut impl Query, deputy: &AccountId, day: Date) -> Result<Vec<Absence>, StoreError> {
    query
        .rows(STANDS_IN, &[deputy.as_str().into(), day.to_string().into()])?
        .iter()
        .map(read_absence)
        .collect()
}

/// Whom an account stands in for on a day or later.
///
/// # Errors
/// Those of the database.
pub fn stands_in_from(
    query: &mut impl Query,
    deputy: &AccountId,
    day: Date,
) -> Result<Vec<Absence>, StoreError> {
    let params = [deputy.as_str().into(), day.to_string().into()];
    query.rows(STANDS_IN_FROM, &params)?.iter().map(read_absence).collect()
}

/// Replaces the recovery codes (digests) of an account.
///
/// # Errors
/// Those of the database.
pub fn set_codes(tx: &mut Tx, id: &AccountId, hashes: &[[u8; 32]]) -> Result<(), StoreError> {
    tx.execute(CLEAR_CODES, &[id.as_str().into()])?;
    hashes.iter().try_for_each(|hash| tx.put(ADD_CODE, &[id.as_str().into(), hash.into()]))
}

/// Uses up a recovery code; false when there is none like it or it was used.
///
/// # Errors
/// Those of the database.
pub fn use_code(tx: &mut Tx, id: &AccountId, hash: &[u8; 32]) -> Result<bool, StoreError> {
    let at = tx.stamp();
    Ok(tx.execute(USE_CODE, &[id.as_str().into(), hash.into(), at.into()])? == 1)
}

/// How many recovery codes are left.
///
/// # Errors
/// Those of the database.
pub fn codes_left(query: &mut impl Query, id: &AccountId) -> Result<i64, StoreError> {
    query.row(CODES_LEFT, &[id.as_str().into()])?.map_or(Ok(0), |row| row.int(0))
}

/// Adds a passkey.
///
/// # Errors
/// `Constraint` when the credential is known already; those of the database.
pub fn add_passkey(tx: &mut Tx, key: &Passkey) -> Result<(), StoreError> {
    let params = [
        key.id.as_str().into(),
        key.account.as_str().into(),
        key.label.as_str().into(),
        key.credential.as_str().into(),
        key.created_at.into(),
    ];
    tx.execute(ADD_PASSKEY, &params).map(|_| ())
}

/// The passkeys of an account, oldest first.
///
/// # Errors
/// Those of the database.
pub fn passkeys(query: &mut impl Query, id: &AccountId) -> Result<Vec<Passkey>, StoreError> {
    query.rows(PASSKEYS, &[id.as_str().into()])?.iter().map(read_passkey).collect()
}

/// The passkey with a credential id.
///
/// # Errors
/// Those of the database.
pub fn passkey(query: &mut impl Query, id: &str) -> Result<Option<Passkey>, StoreError> {
    query.row(PASSKEY, &[id.into()])?.as_ref().map(read_passkey).transpose()
}

/// Notes that a passkey was used, with its new counter.
///
/// # Errors
/// Those of the database.
pub fn use_passkey(tx: &mut Tx, id: &str, credential: &str) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.put(USE_PASSKEY, &[id.into(), credential.into(), at.into()])
}

/// Takes a passkey away; false when the account has none like it.
///
/// # Errors
/// Those of the database.
pub fn drop_passkey(tx: &mut Tx, account: &AccountId, id: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(DROP_PASSKEY, &[account.as_str().into(), id.into()])? == 1)
}

/// Takes away every second factor of an account: seed, codes, passkeys.
///
/// # Errors
/// Those of the database.
pub fn clear_factors(tx: &mut Tx, id: &AccountId) -> Result<(), StoreError> {
    crate::accounts::set_totp(tx, id, None)?;
    tx.put(CLEAR_CODES, &[id.as_str().into()])?;
    tx.put(CLEAR_PASSKEYS, &[id.as_str().into()])
}

/// Keeps the digest of an invitation link; links made before for the account no longer work.
///
/// # Errors
/// Those of the database.
pub fn invite(
    tx: &mut Tx,
    hash: &[u8; 32],
    id: &AccountId,
    purpose: &str,
    by: &str,
    ends_at: i64,
) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.put(DROP_INVITATIONS, &[id.as_str().into(), at.into()])?;
    let params = [hash.into(), id.as_str().into(), purpose.into(), at.into(), by.into(), ends_at.into()];
    tx.put(INVITE, &params)
}

/// Account and purpose of a link that still works at `now` (UTC microseconds).
///
/// # Errors
/// Those of the database.
pub fn invitation(
    query: &mut impl Query,
    hash: &[u8; 32],
    now: i64,
) -> Result<Option<(AccountId, String)>, StoreError> {
    let row = query.row(INVITATION, &[hash.into(), now.into()])?;
    row.map(|row| Ok((row.parse(0)?, row.text(1)?.to_owned()))).transpose()
}

/// Uses up a link; false when it was used before.
///
/// # Errors
/// Those of the database.
pub fn use_invitation(tx: &mut Tx, hash: &[u8; 32]) -> Result<bool, StoreError> {
    let at = tx.stamp();
    Ok(tx.execute(USE_INVITATION, &[hash.into(), at.into()])? == 1)
}

/// A program that may ask for bearer tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Name by which it asks.
    pub id: TokenId,
    /// Account whose rights it carries.
    pub account: AccountId,
    /// Body in which it works.
    pub body: IpaCode,
    /// What people call it.
    pub label: String,
    /// Made, UTC microseconds.
    pub made_at: i64,
    /// Digest of its secret.
    pub hash: Vec<u8>,
}

/// Adds a program's secret. `by` is who made it.
///
/// # Errors
/// Those of the database.
pub fn add_client(tx: &mut Tx, client: &Client, by: &str) -> Result<(), StoreError> {
    tx.put(
        ADD_CLIENT,
        &[
            client.id.as_str().into(),
            client.hash.as_slice().into(),
            client.account.as_str().into(),
            client.body.as_str().into(),
            client.label.as_str().into(),
            client.made_at.into(),
            by.into(),
        ],
    )
}

/// A program by its name, unless it was revoked.
///
/// # Errors
/// Those of the database.
pub fn client(query: &mut impl Query, id: &TokenId) -> Result<Option<Client>, StoreError> {
    query.row(CLIENT, &[id.as_str().into()])?.as_ref().map(read_client).transpose()
}

/// The programs of a body, newest first.
///
/// # Errors
/// Those of the database.
pub fn clients(query: &mut impl Query, body: &IpaCode, limit: i64) -> Result<Vec<Client>, StoreError> {
    query.rows(CLIENTS, &[body.as_str().into(), limit.into()])?.iter().map(read_client).collect()
}

/// Revokes a program of a body; false when the body has none like it.
///
/// # Errors
/// Those of the database.
pub fn revoke_client(tx: &mut Tx, body: &IpaCode, id: &TokenId) -> Result<bool, StoreError> {
    let at = tx.stamp();
    Ok(tx.execute(REVOKE_CLIENT, &[body.as_str().into(), id.as_str().into(), at.into()])? == 1)
}

fn read_client(row: &Row) -> Result<Client, StoreError> {
    Ok(Client {
        id: row.parse(0)?,
        account: row.parse(1)?,
        body: row.parse(2)?,
        label: row.text(3)?.to_owned(),
        made_at: row.int(4)?,
        hash: row.bytes(5)?.to_vec(),
    })
}

fn read_absence(row: &Row) -> Result<Absence, StoreError> {
    Ok(Absence {
        account: row.parse(0)?,
        deputy: row.parse(1)?,
        body: row.parse(2)?,
        from: row.parse(3)?,
        to: row.parse(4)?,
    })
}

fn read_passkey(row: &Row) -> Result<Passkey, StoreError> {
    Ok(Passkey {
        id: row.text(0)?.to_owned(),
        account: row.parse(1)?,
        label: row.text(2)?.to_owned(),
        credential: row.text(3)?.to_owned(),
        created_at: row.int(4)?,
        used_at: row.opt_int(5)?,
    })
}
