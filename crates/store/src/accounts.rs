//! Accounts of people, the posts they hold, their sessions and the tokens of programs.
//!
//! Tokens are kept as digests only; passwords as Argon2id strings made elsewhere. What a role may do is not known
//! here, nor is the time: instants come from the caller, UTC microseconds.

use crate::{Query, Row, StoreError, Tx};
use domain::Role;
use domain::body::IpaCode;
use domain::ids::{AccountId, SessionId, TokenId, UnitId};

const INSERT: &str = "insert into accounts (id, username, name, body, email, password_hash, state, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const BY_NAME: &str = "select id, username, name, body, email, password_hash, state, failures, locked_until, \
    totp_secret, totp_last_step from accounts where username = $1";
const BY_ID: &str = "select id, username, name, body, email, password_hash, state, failures, locked_until, \
    totp_secret, totp_last_step from accounts where id = $1";
const OF_BODY: &str = "select id, username, name, body, email, password_hash, state, failures, locked_until, \
    totp_secret, totp_last_step from accounts a where exists (select 1 from posts p where p.account = a.id and \
    p.body = $1) or a.body = $1 order by username";
const ALL: &str = "select id, username, name, body, email, password_hash, state, failures, locked_until, \
    totp_secret, totp_last_step from accounts order by username";
const SET_STATE: &str = "update accounts set state = $2 where id = $1";
const SET_PASSWORD: &str =
    "update accounts set password_hash = $2, failures = 0, locked_until = 0 where id = $1";
const REPLACE_HASH: &str = "update accounts set password_hash = $3 where id = $1 and password_hash = $2";
const SET_FAILURES: &str = "update accounts set failures = $2, locked_until = $3 where id = $1";
const SET_TOTP: &str = "update accounts set totp_secret = $2, totp_last_step = 0 where id = $1";
const USE_TOTP: &str = "update accounts set totp_last_step = $2 where id = $1 and totp_last_step < $2";
const ADD_POST: &str = "insert into posts (account, body, unit_id, role) values ($1, $2, $3, $4) \
    on conflict do nothing";
const DROP_POST: &str = "delete from posts where account = $1 and body = $2 and unit_id = $3 and role = $4";
const POSTS: &str = "select body, unit_id, role from posts where account = $1 order by body, unit_id, role";
const ADD_SESSION: &str = "insert into sessions (token_hash, id, account, body, unit_id, csrf, agent, strong, \
    created_at, seen_at, ends_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)";
const SESSION: &str = "select id, account, body, unit_id, csrf, agent, strong, created_at, seen_at, ends_at, \
    stands_in_for from sessions where token_hash = $1";
const SESSIONS_OF: &str = "select id, account, body, unit_id, csrf, agent, strong, created_at, seen_at, ends_at, \
    stands_in_for from sessions where account = $1 order by seen_at desc";
const SEEN: &str = "update sessions set seen_at = $2 where id = $1";
const MOVE: &str = "update sessions set token_hash = $2, csrf = $3, body = $4, unit_id = $5, stands_in_for = $6 \
    where id = $1";
const STRONG: &str = "update sessions set strong = 1 where id = $1 and account = $2";
const END: &str = "delete from sessions where id = $1 and account = $2";
const END_OTHERS: &str = "delete from sessions where account = $1 and id <> $2";
const SWEEP: &str = "delete from sessions where ends_at < $1 or seen_at < $2";
const ADD_TOKEN: &str = "insert into tokens (token_hash, id, account, body, unit_id, label, created_at, ends_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";
const DROP_TOKEN: &str = "delete from tokens where token_hash = $1";
const TOKEN: &str = "select account, body, unit_id, ends_at from tokens where token_hash = $1";
const END_TOKEN: &str = "delete from tokens where id = $1 and account = $2";
const TOKENS_OF: &str =
    "select id, label, created_at, ends_at from tokens where account = $1 order by created_at";

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Id.
    pub id: AccountId,
    /// Name used to sign in.
    pub username: String,
    /// Name shown to others.
    pub name: String,
    /// Body that looks after the account.
    pub body: IpaCode,
    /// Address for courtesy notices.
    pub email: Option<String>,
    /// Argon2id string; absent until the person has set a password.
    pub password_hash: Option<String>,
    /// `active`, `invited`, `suspended` or `removed`.
    pub state: String,
    /// Wrong attempts in a row.
    pub failures: i64,
    /// No attempt is read before this instant.
    pub locked_until: i64,
    /// Sealed seed of the second factor.
    pub totp_secret: Option<Vec<u8>>,
    /// Last time step used, so that no code works twice.
    pub totp_last_step: i64,
}

/// A role held in a body, and in one office of it when `unit` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Body.
    pub body: IpaCode,
    /// Office.
    pub unit: Option<UnitId>,
    /// Role.
    pub role: Role,
}

/// A session of a signed-in person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Id, shown in the list of sessions; not the token.
    pub id: SessionId,
    /// Account.
    pub account: AccountId,
    /// Body in which the person works now.
    pub body: IpaCode,
    /// Office in which the person works now.
    pub unit: Option<UnitId>,
    /// The absent person in whose place the person works now.
    pub stands_in_for: Option<AccountId>,
    /// Token of the forms.
    pub csrf: String,
    /// Browser, as it calls itself.
    pub agent: String,
    /// Whether a second factor was given.
    pub strong: bool,
    /// When it began.
    pub created_at: i64,
    /// When it was last used.
    pub seen_at: i64,
    /// When it ends in any case.
    pub ends_at: i64,
}

/// Adds an account.
///
/// # Errors
/// `Constraint` when the name is taken; those of the database.
pub fn insert(tx: &mut Tx, account: &Account) -> Result<(), StoreError> {
    let at = tx.stamp();
    tx.execute(
        INSERT,
        &[
            account.id.as_str().into(),
            account.username.as_str().into(),
            account.name.as_str().into(),
            account.body.as_str().into(),
            account.email.as_deref().into(),
            account.password_hash.as_deref().into(),
            account.state.as_str().into(),
            at.into(),
        ],
    )
    .map(drop)
}

/// The account of a name used to sign in.
///
/// # Errors
/// Those of the database.
pub fn by_name(query: &mut impl Query, username: &str) -> Result<Option<Account>, StoreError> {
    query.row(BY_NAME, &[username.into()])?.map(|row| account(&row)).transpose()
}

/// An account.
///
/// # Errors
/// Those of the database.
pub fn find(query: &mut impl Query, id: &AccountId) -> Result<Option<Account>, StoreError> {
    query.row(BY_ID, &[id.as_str().into()])?.map(|row| account(&row)).transpose()
}

/// The accounts that a body looks after or that hold a post in it.
///
/// # Errors
/// Those of the database.
pub fn of_body(query: &mut impl Query, body: &IpaCode) -> Result<Vec<Account>, StoreError> {
    query.rows(OF_BODY, &[body.as_str().into()])?.iter().map(account).collect()
}

/// Every account, by name: for the list of the demonstration only.
///
/// # Errors
/// Those of the database.
pub fn all(query: &mut impl Query) -> Result<Vec<Account>, StoreError> {
    query.rows(ALL, &[])?.iter().map(account).collect()
}

fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: row.parse(0)?,
        username: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        body: row.parse(3)?,
        email: row.opt_text(4)?.map(str::to_owned),
        password_hash: row.opt_text(5)?.map(str::to_owned),
        state: row.text(6)?.to_owned(),
        failures: row.int(7)?,
        locked_until: row.int(8)?,
        totp_secret: row.opt_bytes(9)?.map(<[u8]>::to_vec),
        totp_last_step: row.int(10)?,
    })
}

/// Sets the state of an account.
///
/// # Errors
/// Those of the database.
pub fn set_state(tx: &mut Tx, id: &AccountId, state: &str) -> Result<(), StoreError> {
    tx.execute(SET_STATE, &[id.as_str().into(), state.into()]).map(drop)
}

/// Sets a password (Argon2id string) and forgets wrong attempts.
///
/// # Errors
/// Those of the database.
pub fn set_password(tx: &mut Tx, id: &AccountId, hash: &str) -> Result<(), StoreError> {
    tx.execute(SET_PASSWORD, &[id.as_str().into(), hash.into()]).map(drop)
}

/// Puts another hash of the same password in the place of `old`; false when the password changed meanwhile.
///
/// # Errors
/// Those of the database.
pub fn replace_hash(tx: &mut Tx, id: &AccountId, old: &str, new: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(REPLACE_HASH, &[id.as_str().into(), old.into(), new.into()])? == 1)
}

/// Notes wrong attempts in a row and until when the account is locked.
///
/// # Errors
/// Those of the database.
pub fn set_failures(tx: &mut Tx, id: &AccountId, failures: i64, until: i64) -> Result<(), StoreError> {
    tx.execute(SET_FAILURES, &[id.as_str().into(), failures.into(), until.into()]).map(drop)
}

/// Sets or removes the sealed seed of the second factor.
///
/// # Errors
/// Those of the database.
pub fn set_totp(tx: &mut Tx, id: &AccountId, sealed: Option<&[u8]>) -> Result<(), StoreError> {
    tx.execute(SET_TOTP, &[id.as_str().into(), sealed.into()]).map(drop)
}

/// Marks a time step as used; `false` when it, or a later one, was used before.
///
/// # Errors
/// Those of the database.
pub fn use_totp_step(tx: &mut Tx, id: &AccountId, step: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(USE_TOTP, &[id.as_str().into(), step.into()])? == 1)
}

/// Gives a role in a body, or in one office of it.
///
/// # Errors
/// Those of the database.
pub fn add_post(tx: &mut Tx, id: &AccountId, post: &Post) -> Result<(), StoreError> {
    tx.execute(ADD_POST, &post_values(id, post)).map(drop)
}

/// Takes a role away.
///
/// # Errors
/// Those of the database.
pub fn drop_post(tx: &mut Tx, id: &AccountId, post: &Post) -> Result<(), StoreError> {
    tx.execute(DROP_POST, &post_values(id, post)).map(drop)
}

fn post_values(id: &AccountId, post: &Post) -> [crate::Value; 4] {
    let unit = post.unit.as_ref().map_or("", UnitId::as_str);
    [id.as_str().into(), post.body.as_str().into(), unit.into(), post.role.name().into()]
}

/// The posts of an account.
///
/// # Errors
/// Those of the database; `Shape` when a stored role is unknown.
pub fn posts(query: &mut impl Query, id: &AccountId) -> Result<Vec<Post>, StoreError> {
    let post = |row: &Row| {
        let unit = row.text(1)?;
        let unit = if unit.is_empty() { None } else { Some(row.parse(1)?) };
        Ok(Post { body: row.parse(0)?, unit, role: row.parse(2)? })
    };
    query.rows(POSTS, &[id.as_str().into()])?.iter().map(post).collect()
}

/// Adds a session under the digest of its token.
///
/// # Errors
/// Those of the database.
pub fn add_session(tx: &mut Tx, token_hash: &[u8], session: &Session) -> Result<(), StoreError> {
    tx.execute(
        ADD_SESSION,
        &[
            token_hash.into(),
            session.id.as_str().into(),
            session.account.as_str().into(),
            session.body.as_str().into(),
            session.unit.as_ref().map(UnitId::as_str).into(),
            session.csrf.as_str().into(),
            session.agent.as_str().into(),
            session.strong.into(),
            session.created_at.into(),
            session.ends_at.into(),
        ],
    )
    .map(drop)
}

/// The session of a token's digest.
///
/// # Errors
/// Those of the database.
pub fn session(query: &mut impl Query, token_hash: &[u8]) -> Result<Option<Session>, StoreError> {
    query.row(SESSION, &[token_hash.into()])?.map(|row| session_row(&row)).transpose()
}

/// The sessions of an account, the last used first.
///
/// # Errors
/// Those of the database.
pub fn sessions_of(query: &mut impl Query, account: &AccountId) -> Result<Vec<Session>, StoreError> {
    query.rows(SESSIONS_OF, &[account.as_str().into()])?.iter().map(session_row).collect()
}

fn session_row(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.parse(0)?,
        account: row.parse(1)?,
        body: row.parse(2)?,
        unit: row.opt_parse(3)?,
        csrf: row.text(4)?.to_owned(),
        agent: row.text(5)?.to_owned(),
        strong: row.flag(6)?,
        created_at: row.int(7)?,
        seen_at: row.int(8)?,
        ends_at: row.int(9)?,
        stands_in_for: row.opt_parse(10)?,
    })
}

/// Notes that a session was used.
///
/// # Errors
/// Those of the database.
pub fn seen(tx: &mut Tx, id: &SessionId, at: i64) -> Result<(), StoreError> {
    tx.execute(SEEN, &[id.as_str().into(), at.into()]).map(drop)
}

/// Where a session is to work, and the secrets it bears from then on.
#[derive(Debug)]
pub struct Moved<'a> {
    /// Digest of the new token.
    pub token_hash: &'a [u8],
    /// New token of the forms.
    pub csrf: &'a str,
    /// Body.
    pub body: &'a IpaCode,
    /// Office.
    pub unit: Option<&'a UnitId>,
    /// The absent person in whose place.
    pub stands_in_for: Option<&'a AccountId>,
}

/// Moves a session to another place, under new secrets: those it had are worth nothing afterwards.
///
/// # Errors
/// Those of the database.
pub fn move_session(tx: &mut Tx, id: &SessionId, to: &Moved<'_>) -> Result<(), StoreError> {
    let params = [
        id.as_str().into(),
        to.token_hash.into(),
        to.csrf.into(),
        to.body.as_str().into(),
        to.unit.map(UnitId::as_str).into(),
        to.stands_in_for.map(AccountId::as_str).into(),
    ];
    tx.execute(MOVE, &params).map(drop)
}

/// Notes that the person of a session has proved a second factor.
///
/// # Errors
/// Those of the database.
pub fn make_strong(tx: &mut Tx, account: &AccountId, id: &SessionId) -> Result<(), StoreError> {
    tx.execute(STRONG, &[id.as_str().into(), account.as_str().into()]).map(drop)
}

/// Ends a session of an account.
///
/// # Errors
/// Those of the database.
pub fn end_session(tx: &mut Tx, account: &AccountId, id: &SessionId) -> Result<(), StoreError> {
    tx.execute(END, &[id.as_str().into(), account.as_str().into()]).map(drop)
}

/// Ends every session of an account but one (none is spared when `but` is absent).
///
/// # Errors
/// Those of the database.
pub fn end_sessions(tx: &mut Tx, account: &AccountId, but: Option<&SessionId>) -> Result<(), StoreError> {
    tx.execute(END_OTHERS, &[account.as_str().into(), but.map_or("", SessionId::as_str).into()]).map(drop)
}

/// Forgets sessions that ended before `now` or were idle since before `idle`.
///
/// # Errors
/// Those of the database.
pub fn sweep_sessions(tx: &mut Tx, now: i64, idle: i64) -> Result<u64, StoreError> {
    tx.execute(SWEEP, &[now.into(), idle.into()])
}

/// A bearer token of a program, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Id.
    pub id: TokenId,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created_at: i64,
    /// When it ends.
    pub ends_at: i64,
}

/// In whose name a token acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// Account.
    pub account: AccountId,
    /// Body.
    pub body: IpaCode,
    /// Office.
    pub unit: Option<UnitId>,
    /// When it ends.
    pub ends_at: i64,
}

/// Adds a token under its digest.
///
/// # Errors
/// Those of the database.
pub fn add_token(
    tx: &mut Tx,
    token_hash: &[u8],
    holder: &TokenHolder,
    token: &Token,
) -> Result<(), StoreError> {
    tx.execute(
        ADD_TOKEN,
        &[
            token_hash.into(),
            token.id.as_str().into(),
            holder.account.as_str().into(),
            holder.body.as_str().into(),
            holder.unit.as_ref().map(UnitId::as_str).into(),
            token.label.as_str().into(),
            token.created_at.into(),
            token.ends_at.into(),
        ],
    )
    .map(drop)
}

/// Forgets the token of a digest, if there is one.
///
/// # Errors
/// Those of the database.
pub fn drop_token(tx: &mut Tx, token_hash: &[u8]) -> Result<(), StoreError> {
    tx.execute(DROP_TOKEN, &[token_hash.into()]).map(drop)
}

/// In whose name the token of a digest acts.
///
/// # Errors
/// Those of the database.
pub fn token(query: &mut impl Query, token_hash: &[u8]) -> Result<Option<TokenHolder>, StoreError> {
    let holder = |row: Row| {
        Ok(TokenHolder {
            account: row.parse(0)?,
            body: row.parse(1)?,
            unit: row.opt_parse(2)?,
            ends_at: row.int(3)?,
        })
    };
    query.row(TOKEN, &[token_hash.into()])?.map(holder).transpose()
}

/// The tokens of an account.
///
/// # Errors
/// Those of the database.
pub fn tokens_of(query: &mut impl Query, account: &AccountId) -> Result<Vec<Token>, StoreError> {
    let token = |row: &Row| {
        Ok(Token {
            id: row.parse(0)?,
            label: row.text(1)?.to_owned(),
            created_at: row.int(2)?,
            ends_at: row.int(3)?,
        })
    };
    query.rows(TOKENS_OF, &[account.as_str().into()])?.iter().map(token).collect()
}

/// Ends a token of an account.
///
/// # Errors
/// Those of the database.
pub fn end_token(tx: &mut Tx, account: &AccountId, id: &TokenId) -> Result<(), StoreError> {
    tx.execute(END_TOKEN, &[id.as_str().into(), account.as_str().into()]).map(drop)
}
