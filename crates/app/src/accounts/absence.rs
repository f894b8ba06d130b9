//! Absence: who stands in for whom, from a day to a day, and what the one who stands in may do meanwhile.
//!
//! Standing in gives no right that one does not hold: the roles are those which both hold in the body, so that no
//! right moves without the second person whom a change of rights needs. What it opens is the work: the list, the
//! tasks, the dossiers and the entries of the absent person. It begins and ends by the calendar alone: whether it
//! lasts is asked at each request. Every entry of the journal says in whose place it was done.

use super::identify::Place;
use super::second_factor::note;
use crate::authority::Verb;
use crate::{Context, Error, Result};
use domain::body::IpaCode;
use domain::ids::AccountId;
use domain::{Invalid, Role};
use jiff::civil::Date;
use store::accounts::{self, Account, Post};
use store::factors;
pub use store::factors::Absence;

/// A hand-over as asked for.
#[derive(Debug, Clone)]
pub struct HandOver {
    /// Who stands in.
    pub deputy: AccountId,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// Names who stands in for the actor.
///
/// # Errors
/// `Invalid` at `/to` for days the wrong way round or already over, at `/deputy` for who is no colleague or holds
/// none of the absent person's roles; `NotFound` for the program itself.
pub async fn hand_over(ctx: &Context, what: HandOver) -> Result<()> {
    let absent = ctx.actor.account.clone().ok_or(Error::NotFound)?;
    record(ctx, absent, what).await
}

/// Names who stands in for a person of the actor's body who cannot do it.
///
/// # Errors
/// `Refusal` for who does not manage users; `NotFound` when the person does not work in the body; `Invalid` as
/// for [`hand_over`].
pub async fn hand_over_for(ctx: &Context, absent: AccountId, what: HandOver) -> Result<()> {
    ctx.may(Verb::ManageUsers)?;
    record(ctx, absent, what).await
}

async fn record(ctx: &Context, absent: AccountId, what: HandOver) -> Result<()> {
    let (actor, body, today) = (ctx.actor.tag(), ctx.actor.body.clone(), ctx.moment.today);
    ctx.write(move |tx| {
        let away = roles_in(&accounts::posts(tx, &absent)?, &body);
        if away.is_empty() {
            return Err(Error::NotFound);
        }
        let deputy =
            accounts::find(tx, &what.deputy)?.filter(|one| one.state == "active" && one.id != absent);
        let held = match &deputy {
            Some(deputy) => roles_in(&accounts::posts(tx, &deputy.id)?, &body),
            None => Vec::new(),
        };
        check(&what, today, &away, &held)?;
        let HandOver { deputy, from, to } = what;
        let absence = Absence { account: absent.clone(), deputy, body: body.clone(), from, to };
        factors::set_absence(tx, &absence)?;
        note(tx, &body, &actor, "account.absence.set", &absent)
    })
    .await
}

fn check(what: &HandOver, today: Date, away: &[Role], held: &[Role]) -> std::result::Result<(), Invalid> {
    let mut faults = Invalid::default();
    if what.to < what.from {
        faults.add("/to", "before-from");
    } else if what.to < today {
        faults.add("/to", "day-over");
    }
    if held.is_empty() {
        faults.add("/deputy", "unknown-colleague");
    } else if !held.iter().any(|role| away.contains(role)) {
        faults.add("/deputy", "deputy-without-role");
    }
    faults.or(())
}

/// Ends the hand-overs of the actor in the body where the actor works now.
///
/// # Errors
/// `NotFound` for the program itself; `Problem` when the store is away.
pub async fn end(ctx: &Context) -> Result<()> {
    let absent = ctx.actor.account.clone().ok_or(Error::NotFound)?;
    end_of(ctx, absent).await
}

/// Ends the hand-overs of a person of the actor's body.
///
/// # Errors
/// `Refusal` for who does not manage users; `NotFound` when the person does not work in the body.
pub async fn end_for(ctx: &Context, absent: AccountId) -> Result<()> {
    ctx.may(Verb::ManageUsers)?;
    end_of(ctx, absent).await
}

async fn end_of(ctx: &Context, absent: AccountId) -> Result<()> {
    let (actor, body) = (ctx.actor.tag(), ctx.actor.body.clone());
    ctx.write(move |tx| {
        if roles_in(&accounts::posts(tx, &absent)?, &body).is_empty() {
            return Err(Error::NotFound);
        }
        factors::end_absence(tx, &absent, &body)?;
        note(tx, &body, &actor, "account.absence.end", &absent)
    })
    .await
}

/// The roles held in a body, in whichever office.
fn roles_in(posts: &[Post], body: &IpaCode) -> Vec<Role> {
    posts.iter().filter(|post| &post.body == body).map(|post| post.role).collect()
}

/// What a person may work with in the place of another: the other's posts in the body, without the roles that the
/// first does not hold there.
fn shared(own: &[Post], absent: &[Post], body: &IpaCode) -> Vec<Post> {
    let held = roles_in(own, body);
    absent.iter().filter(|post| &post.body == body && held.contains(&post.role)).cloned().collect()
}

/// An absence that lasts, with the account of the absent person and the posts in which it lets work.
pub(super) struct Standing {
    /// Who is away.
    pub(super) absent: Account,
    /// In which posts their work may be done.
    pub(super) posts: Vec<Post>,
}

/// For whom an account stands in on a day.
pub(super) fn standing(
    query: &mut impl store::Query,
    deputy: &AccountId,
    own: &[Post],
    today: Date,
) -> Result<Vec<Standing>> {
    let mut all: Vec<Standing> = Vec::new();
    for absence in factors::stands_in(query, deputy, today)? {
        let Some(absent) = accounts::find(query, &absence.account)? else { continue };
        let posts = shared(own, &accounts::posts(query, &absent.id)?, &absence.body);
        if !posts.is_empty() && !all.iter().any(|one| one.absent.id == absent.id && one.posts == posts) {
            all.push(Standing { absent, posts });
        }
    }
    Ok(all)
}

/// Marks the places that standing in opens.
pub(super) fn in_place_of(places: Vec<Place>, absent: &Account) -> impl Iterator<Item = Place> {
    let for_whom = Some((absent.id.clone(), absent.name.clone()));
    places.into_iter().map(move |place| Place { for_whom: for_whom.clone(), ..place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_roles_that_both_hold_in_the_body_are_shared() {
        let (here, there) = (IpaCode::parse("c_x001").unwrap(), IpaCode::parse("c_x002").unwrap());
        let post = |body: &IpaCode, role| Post { body: body.clone(), unit: None, role };
        let own = [post(&here, Role::CaseOfficer), post(&there, Role::RecordsManager)];
        let absent = [post(&here, Role::CaseOfficer), post(&here, Role::RecordsManager)];
        assert_eq!(shared(&own, &absent, &here), [post(&here, Role::CaseOfficer)]);
        assert_eq!(shared(&own, &absent, &there), []);
    }
}
