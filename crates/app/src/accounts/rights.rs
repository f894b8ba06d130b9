//! Users of a body: invite, suspend, move, remove, recover; and the second person whom each change of rights needs.
//!
//! An administrator asks; a records manager or head of office of the same body, never the same person, decides.
//! Only suspending acts at once, because waiting would protect nobody. Whoever's rights change is signed out, so
//! that no session outlives them (rotation at a change of privilege).

use super::second_factor::note;
use super::{enter_by_link, own};
use crate::authority::Verb;
use crate::{Context, Error, Result};
use domain::body::{IpaCode, Unit};
use domain::ids::{AccountId, RightsChangeId, UnitId};
use domain::{Invalid, Refusal, Role};
use serde::{Deserialize, Serialize};
use store::accounts::{self, Account, Post};
use store::factors::{self, Absence};
use store::rights::{self, RightsChange};

/// Most decided requests shown.
const SHOWN: i64 = 100;

/// A role in the body, and in one office of it if given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Role.
    pub role: Role,
    /// Office; none: the whole body.
    #[serde(default)]
    pub unit: Option<UnitId>,
}

/// What is asked for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Change {
    /// Have exactly these roles in the body, e.g. after a move to another office.
    Move {
        /// Roles and offices.
        held: Vec<Held>,
    },
    /// Enter no more, until restored. Acts at once.
    Suspend,
    /// Enter again.
    Restore,
    /// Leave the body for good; histories keep the name.
    Remove,
    /// Get a link to set a new password and enrol again.
    Recover,
}

impl Change {
    /// The name kept with the request.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Move { .. } => "move",
            Self::Suspend => "suspend",
            Self::Restore => "restore",
            Self::Remove => "remove",
            Self::Recover => "recover",
        }
    }
}

/// A user as the administrator sees one.
#[derive(Debug, Clone)]
pub struct User {
    /// The account.
    pub account: Account,
    /// Roles in this body.
    pub held: Vec<Held>,
}

/// Everything the page of users shows.
pub struct Users {
    /// Users of the body, by sign-in name.
    pub users: Vec<User>,
    /// Requests: those that wait first.
    pub changes: Vec<RightsChange>,
    /// Offices of the body.
    pub offices: Vec<Unit>,
    /// Who is away, now or later, and who stands in.
    pub absences: Vec<Absence>,
}

/// A person to invite.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Name to sign in with: lower-case letters, digits and dots.
    pub username: String,
    /// Name people read.
    pub name: String,
    /// Address for courtesy notices.
    #[serde(default)]
    pub email: Option<String>,
    /// Roles asked for.
    pub held: Vec<Held>,
}

/// What deciding brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// Done.
    Done,
    /// Done; this secret of a link is to be handed to the person, once, after recognising them.
    Link(String),
}

/// Users, offices and requests of the actor's body, for who asks and for who decides.
///
/// # Errors
/// `Refusal` when the actor may do neither.
pub async fn list(ctx: &Context) -> Result<Users> {
    if ctx.may(Verb::ManageUsers).is_err() {
        ctx.may(Verb::ApproveRights)?;
    }
    let (body, today) = (ctx.actor.body.clone(), ctx.moment.today);
    ctx.read(move |r| {
        let mut users = Vec::new();
        for account in accounts::of_body(r, &body)? {
            let held = held_in(&accounts::posts(r, &account.id)?, &body);
            users.push(User { account, held });
        }
        Ok(Users {
            users,
            changes: rights::of_body(r, &body, SHOWN)?,
            offices: store::bodies::units(r, &body)?,
            absences: factors::absences_in(r, &body, today)?,
        })
    })
    .await
}

fn held_in(posts: &[Post], body: &IpaCode) -> Vec<Held> {
    let here = posts.iter().filter(|post| &post.body == body);
    here.map(|post| Held { role: post.role, unit: post.unit.clone() }).collect()
}

/// Invites a person: an account without rights, a link for its first password, and a request for its roles.
///
/// # Errors
/// `Refusal` when the actor may not; `Invalid` for the name, a taken name or unknown offices.
pub async fn invite(ctx: &Context, new: NewUser) -> Result<(AccountId, String)> {
    ctx.may(Verb::ManageUsers)?;
    checked(&new)?;
    let account = new_account(ctx, &new);
    let id = account.id.clone();
    let request = request(ctx, &id, &Change::Move { held: new.held.clone() })?;
    let (actor, held) = (ctx.actor.tag(), new.held);
    let link = ctx.write(move |tx| {
        known_offices(tx, &account.body, &held)?;
        if accounts::by_name(tx, &account.username)?.is_some() {
            return Err(Invalid::with("/username", "name-taken", account.username.clone()).into());
        }
        accounts::insert(tx, &account)?;
        note(tx, &account.body, &actor, "account.invite", &account.id)?;
        if !held.is_empty() {
            ask_in(tx, &request, &actor)?;
        }
        enter_by_link::make(tx, &account.id, "invite", &actor)
    });
    Ok((id, link.await?))
}

/// The account of an invited person: it cannot enter before a first password is set.
pub(super) fn new_account(ctx: &Context, new: &NewUser) -> Account {
    Account {
        id: ctx.mint(),
        username: new.username.trim().to_owned(),
        name: new.name.trim().to_owned(),
        body: ctx.actor.body.clone(),
        email: new.email.clone().filter(|address| !address.trim().is_empty()),
        password_hash: None,
        state: "invited".to_owned(),
        failures: 0,
        locked_until: 0,
        totp_secret: None,
        totp_last_step: 0,
    }
}

pub(super) fn checked(new: &NewUser) -> Result<()> {
    let mut faults = Invalid::default();
    let username = new.username.trim();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    if !(3..=64).contains(&username.len()) || !username.bytes().all(plain) {
        faults.add("/username", "bad-username");
    }
    if new.name.trim().is_empty() || new.name.chars().count() > 200 {
        faults.add("/name", "length-1-200");
    }
    if new.email.as_deref().is_some_and(|e| !e.trim().is_empty() && !domain::party::is_address(e.trim())) {
        faults.add("/email", "bad-address");
    }
    Ok(faults.or(())?)
}

pub(super) fn known_offices(tx: &mut store::Tx, body: &IpaCode, held: &[Held]) -> Result<()> {
    let offices = store::bodies::units(tx, body)?;
    let known = |one: &Held| one.unit.as_ref().is_none_or(|unit| offices.iter().any(|o| &o.id == unit));
    match held.iter().all(known) {
        true => Ok(()),
        false => Err(Invalid::one("/held", "unknown-office").into()),
    }
}

/// Asks for a change of an account of the body. Suspending acts at once; everything else waits for another person.
///
/// # Errors
/// `Refusal` when the actor may not; `NotFound` when the account is not of this body; `Invalid` for offices.
pub async fn ask(ctx: &Context, account: AccountId, change: Change) -> Result<RightsChangeId> {
    ctx.may(Verb::ManageUsers)?;
    let request = request(ctx, &account, &change)?;
    let (actor, id) = (ctx.actor.tag(), request.id.clone());
    ctx.write(move |tx| {
        in_reach(tx, &account, &request.body, &change)?;
        if let Change::Move { held } = &change {
            known_offices(tx, &request.body, held)?;
        }
        ask_in(tx, &request, &actor)?;
        if change == Change::Suspend {
            suspend(tx, &request.body, &account, &actor)?;
        }
        Ok(())
    })
    .await?;
    Ok(id)
}

fn request(ctx: &Context, account: &AccountId, change: &Change) -> Result<RightsChange> {
    Ok(RightsChange {
        id: ctx.mint(),
        body: ctx.actor.body.clone(),
        account: account.clone(),
        kind: change.kind().to_owned(),
        detail: serde_json::to_string(change).map_err(|why| Error::Bug(format!("change: {why}")))?,
        asked_by: ctx.actor.tag(),
        asked_at: ctx.moment.micros(),
        state: "pending".to_owned(),
        decided_by: None,
        decided_at: None,
    })
}

fn ask_in(tx: &mut store::Tx, request: &RightsChange, actor: &str) -> Result<()> {
    rights::insert(tx, request)?;
    store::journal::append(
        tx,
        store::journal::Entry {
            body: &request.body,
            actor,
            on_behalf_of: None,
            verb: "rights.ask",
            subject: request.id.as_str(),
            case: None,
            norm: None,
            state: request.detail.as_bytes(),
        },
    )?;
    Ok(())
}

/// The account, when the change is for this body to make. Roles held here are this body's to give and to take,
/// also from a guest; whether and how a person may enter at all is only for the body that looks after the account.
fn in_reach(tx: &mut store::Tx, id: &AccountId, body: &IpaCode, change: &Change) -> Result<Account> {
    let account = accounts::find(tx, id)?.ok_or(Error::NotFound)?;
    let only_here = matches!(change, Change::Suspend | Change::Restore | Change::Recover);
    let works = accounts::posts(tx, id)?.iter().any(|post| &post.body == body);
    if &account.body == body || (works && !only_here) { Ok(account) } else { Err(Error::NotFound) }
}

fn suspend(tx: &mut store::Tx, body: &IpaCode, id: &AccountId, actor: &str) -> Result<()> {
    accounts::set_state(tx, id, "suspended")?;
    accounts::end_sessions(tx, id, None)?;
    own::end_tokens(tx, id)?;
    note(tx, body, actor, "account.suspend", id)
}

/// Approves or refuses a request; what was asked is done in the same transaction.
///
/// # Errors
/// `Refusal` when the actor may not, asked for it, or would decide about the own rights; `NotFound` when the body
/// has no such request; `Conflict` when it was decided meanwhile.
pub async fn decide(ctx: &Context, id: RightsChangeId, approve: bool) -> Result<Decided> {
    ctx.may(Verb::ApproveRights)?;
    let (actor, body, me) = (ctx.actor.tag(), ctx.actor.body.clone(), ctx.actor.account.clone());
    let absent = ctx.actor.on_behalf_of.clone();
    ctx.write(move |tx| {
        let request = rights::find(tx, &id, &body)?.ok_or(Error::NotFound)?;
        let absent_asked = absent.as_ref().is_some_and(|absent| absent.as_str() == request.asked_by);
        if request.asked_by == actor || absent_asked || Some(&request.account) == me.as_ref() {
            return Err(Refusal::of("second-person").into());
        }
        if !rights::decide(tx, &id, approve, &actor)? {
            return Err(Error::Conflict);
        }
        let verb = if approve { "rights.approve" } else { "rights.refuse" };
        note(tx, &body, &actor, verb, &request.account)?;
        match approve {
            true => carry_out(tx, &request, &actor),
            false => Ok(Decided::Done),
        }
    })
    .await
}

fn carry_out(tx: &mut store::Tx, request: &RightsChange, actor: &str) -> Result<Decided> {
    let (body, id) = (&request.body, &request.account);
    let change: Change = serde_json::from_str(&request.detail)
        .map_err(|why| Error::Bug(format!("request {}: {why}", request.id)))?;
    let account = in_reach(tx, id, body, &change)?;
    accounts::end_sessions(tx, id, None)?;
    match change {
        Change::Move { held } => replace_posts(tx, id, body, &held)?,
        Change::Suspend => {}
        Change::Restore => accounts::set_state(tx, id, "active")?,
        Change::Remove => {
            replace_posts(tx, id, body, &[])?;
            // A guest only loses the roles held here; tokens without a role open nothing.
            if &account.body == body {
                own::end_tokens(tx, id)?;
                if accounts::posts(tx, id)?.is_empty() {
                    accounts::set_state(tx, id, "removed")?;
                }
            }
        }
        Change::Recover => return Ok(Decided::Link(enter_by_link::make(tx, id, "recover", actor)?)),
    }
    note(tx, body, actor, &format!("account.{}", request.kind), id)?;
    Ok(Decided::Done)
}

fn replace_posts(tx: &mut store::Tx, id: &AccountId, body: &IpaCode, held: &[Held]) -> Result<()> {
    for post in accounts::posts(tx, id)?.iter().filter(|post| &post.body == body) {
        accounts::drop_post(tx, id, post)?;
    }
    for one in held {
        let post = Post { body: body.clone(), unit: one.unit.clone(), role: one.role };
        accounts::add_post(tx, id, &post)?;
    }
    Ok(())
}
