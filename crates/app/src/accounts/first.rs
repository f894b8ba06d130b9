//! The first people of a body: invited from the command line of the machine, before anybody could ask or approve.
//!
//! Two people must exist before the rule of the second person can work: one who asks (an administrator) and one
//! who decides (a records manager or head of office). Each can be put in this way once; afterwards the way is shut.

use super::enter_by_link;
use super::rights::{NewUser, checked, known_offices, new_account};
use super::second_factor::note;
use crate::authority::Verb;
use crate::{Context, Error, Result};
use domain::{Invalid, Refusal};
use store::accounts::{self, Post};

/// Invites a person with rights at once, while nobody in the body holds any of them; gives the link's secret.
///
/// # Errors
/// Refusal `second-person` when somebody of the body may already do what these roles may; `NotFound` when the body
/// does not work here; `Invalid` as for every invitation.
pub async fn invite_first(ctx: &Context, new: NewUser) -> Result<String> {
    ctx.may(Verb::ManageUsers)?;
    checked(&new)?;
    let account = new_account(ctx, &new);
    let (actor, body, held) = (ctx.actor.tag(), ctx.actor.body.clone(), new.held);
    let opening =
        |role| Verb::ManageUsers.roles().contains(role) || Verb::ApproveRights.roles().contains(role);
    if held.is_empty() || !held.iter().all(|one| opening(&one.role)) {
        return Err(Invalid::one("/held", "required").into());
    }
    ctx.write(move |tx| {
        store::bodies::find(tx, &body)?.filter(|found| found.inside).ok_or(Error::NotFound)?;
        known_offices(tx, &body, &held)?;
        for present in accounts::of_body(tx, &body)? {
            for post in accounts::posts(tx, &present.id)? {
                if post.body == body && held.iter().any(|one| same_power(one.role, post.role)) {
                    return Err(Refusal::of("second-person").into());
                }
            }
        }
        if accounts::by_name(tx, &account.username)?.is_some() {
            return Err(Invalid::with("/username", "name-taken", account.username.clone()).into());
        }
        accounts::insert(tx, &account)?;
        for one in &held {
            let post = Post { body: body.clone(), unit: one.unit.clone(), role: one.role };
            accounts::add_post(tx, &account.id, &post)?;
        }
        note(tx, &body, &actor, "account.invite-first", &account.id)?;
        enter_by_link::make(tx, &account.id, "invite", &actor)
    })
    .await
}

/// Whether both roles open the same half of the rule.
fn same_power(one: domain::Role, other: domain::Role) -> bool {
    [Verb::ManageUsers, Verb::ApproveRights]
        .iter()
        .any(|verb| verb.roles().contains(&one) && verb.roles().contains(&other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::rights::Held;
    use crate::use_cases::import_bodies;
    use crate::{Actor, App, Clock, Settings};
    use domain::Role;
    use domain::body::IpaCode;
    use std::sync::Arc;

    fn person(username: &str, role: Role) -> NewUser {
        let held = vec![Held { role, unit: None }];
        NewUser { username: username.into(), name: "Prova Uno".into(), email: None, held }
    }

    #[tokio::test]
    async fn one_administrator_and_one_approver_come_in_this_way_and_nobody_after_them() {
        let app = Arc::new(App::new(store::test_store(), Clock::System, Settings::default()));
        let ctx = app.context(Actor::operator(IpaCode::parse("c_x001").unwrap()));
        let nowhere = invite_first(&ctx, person("prova.uno", Role::ItAdmin)).await;
        assert!(matches!(nowhere, Err(Error::NotFound)));
        let table = "ipa_code,name,kind,tax_code,digital_domicile,inside,valid_from,aoo,aoo_name,register,register_name\n\
                     c_x001,Comune di Prova,municipality,,,yes,2020-01-01,AX00001,AOO,RG,Registro\n";
        import_bodies::bodies(&ctx, table.as_bytes()).await.unwrap();
        let link = invite_first(&ctx, person("prova.uno", Role::ItAdmin)).await.unwrap();
        assert_eq!(enter_by_link::whose(&app, &link).await.unwrap(), "prova.uno");
        let second = invite_first(&ctx, person("prova.due", Role::ItAdmin)).await;
        assert!(matches!(second, Err(Error::Refusal(r)) if r.code == "second-person"));
        invite_first(&ctx, person("prova.tre", Role::RecordsManager)).await.unwrap();
        let clerk = invite_first(&ctx, person("prova.quattro", Role::RegistryClerk)).await;
        assert!(matches!(clerk, Err(Error::Invalid(_))), "others are invited by these two");
    }
}
