//! Users of a body: invite, move, suspend, restore, remove, recover; and the requests that wait for a second person.

use super::account::{Away, Once};
use super::{Page, html};
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::{Choice, Faults, Sampled, View};
use crate::who::Who;
use app::accounts::absence;
use app::accounts::rights::{self, Change, Decided, Held, NewUser, Users};
use app::{Context, Error, Verb};
use askama::Template;
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::ids::AccountId;
use domain::{Invalid, Role};
use jiff::Timestamp;

/// The routes of this file. Who asks and who decides hold different roles, so the list is open to both and the
/// use cases look closer.
pub fn routes() -> Vec<Entry> {
    let asks = Access::May(Verb::ManageUsers);
    vec![
        Entry::page("GET", "/admin/users", Access::Signed, get(show)),
        Entry::page("POST", "/admin/users", asks, post(invite)),
        Entry::page("POST", "/admin/users/{id}/absence", asks, post(hand_over)),
        Entry::page("POST", "/admin/users/{id}/absence/end", asks, post(end_absence)),
        Entry::page("POST", "/admin/users/{id}/{change}", asks, post(ask)),
        Entry::page("POST", "/admin/rights/{id}/{answer}", Access::May(Verb::ApproveRights), post(decide)),
    ]
}

/// A user as listed.
pub struct UserRow {
    id: String,
    name: String,
    username: String,
    state: String,
    roles: Vec<String>,
    absences: Vec<String>,
}

/// A request as listed.
pub struct ChangeRow {
    id: String,
    name: String,
    kind: String,
    state: String,
    at: Timestamp,
    roles: Vec<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "account/users.html")]
pub struct UsersPage {
    view: View,
    faults: Faults,
    users: Vec<UserRow>,
    changes: Vec<ChangeRow>,
    roles: Vec<&'static str>,
    offices: Vec<Choice>,
    colleagues: Vec<Choice>,
    may_ask: bool,
    may_decide: bool,
    typed: Typed,
}

/// What was typed into the invitation.
#[derive(Default, Clone)]
pub struct Typed {
    username: String,
    name: String,
    email: String,
}

impl UsersPage {
    fn new(view: View, users: &Users, ctx: &Context, faults: Faults, typed: Typed) -> Self {
        let words = |held: &[Held]| {
            let line = |one: &Held| {
                let office = one.unit.as_ref().and_then(|id| users.offices.iter().find(|o| &o.id == id));
                let role = view.family("role-", one.role.name());
                office.map_or_else(|| role.clone(), |office| format!("{role} · {}", office.name))
            };
            held.iter().map(line).collect::<Vec<_>>()
        };
        let name = |id: &AccountId| {
            let found = users.users.iter().find(|user| &user.account.id == id);
            found.map_or_else(|| id.to_string(), |user| user.account.name.clone())
        };
        let away = |one: &absence::Absence| {
            format!("{}: {} – {}", name(&one.deputy), view.day(&one.from), view.day(&one.to))
        };
        let active = users.users.iter().filter(|user| user.account.state == "active");
        let colleagues =
            active.map(|user| Choice::new(user.account.id.to_string(), user.account.name.clone(), "-"));
        let mut offices = vec![Choice::new("", view.t("users-whole-body"), "")];
        offices.extend(users.offices.iter().map(|o| Choice::new(o.id.to_string(), o.name.clone(), "-")));
        let user_rows = users.users.iter().map(|user| UserRow {
            id: user.account.id.to_string(),
            name: user.account.name.clone(),
            username: user.account.username.clone(),
            state: user.account.state.clone(),
            roles: words(&user.held),
            absences: users.absences.iter().filter(|one| one.account == user.account.id).map(away).collect(),
        });
        let change_rows = users.changes.iter().map(|change| ChangeRow {
            id: change.id.to_string(),
            name: name(&change.account),
            kind: change.kind.clone(),
            state: change.state.clone(),
            at: Timestamp::from_microsecond(change.asked_at).unwrap_or_default(),
            roles: match serde_json::from_str(&change.detail) {
                Ok(Change::Move { held }) => words(&held),
                _ => Vec::new(),
            },
        });
        Self {
            users: user_rows.collect(),
            changes: change_rows.collect(),
            roles: Role::ALL.iter().map(|role| role.name()).collect(),
            offices,
            colleagues: colleagues.collect(),
            may_ask: ctx.may(Verb::ManageUsers).is_ok(),
            may_decide: ctx.may(Verb::ApproveRights).is_ok(),
            view,
            faults,
            typed,
        }
    }
}

impl Sampled for UsersPage {
    fn samples(view: View) -> Vec<Self> {
        let user = |state: &str| UserRow {
            id: format!("acc_{state}"),
            name: "Prova Uno".into(),
            username: "prova.uno".into(),
            state: state.into(),
            roles: vec![view.family("role-", "registry_clerk")],
            absences: if state == "active" { vec!["Prova Due: oggi".to_owned()] } else { Vec::new() },
        };
        let change = |state: &str| ChangeRow {
            id: format!("rch_{state}"),
            name: "Prova Due".into(),
            kind: "move".into(),
            state: state.into(),
            at: Timestamp::UNIX_EPOCH,
            roles: vec![view.family("role-", "case_officer")],
        };
        let page = |full: bool, faults: Faults| Self {
            view: view.clone(),
            faults,
            users: if full { vec![user("active"), user("suspended"), user("invited")] } else { Vec::new() },
            changes: if full { vec![change("pending"), change("approved")] } else { Vec::new() },
            roles: Role::ALL.iter().map(|role| role.name()).collect(),
            offices: vec![Choice::new("", "Tutto l’ente", "")],
            colleagues: vec![Choice::new("acc_1", "Prova Due", "-")],
            may_ask: full,
            may_decide: true,
            typed: Typed::default(),
        };
        vec![page(false, Faults::default()), page(true, view.faults(&Invalid::one("/name", "length-1-200")))]
    }
}

async fn show(view: View, Who(ctx): Who) -> Page {
    page(view, &ctx, &Invalid::default(), Typed::default()).await
}

async fn page(view: View, ctx: &Context, invalid: &Invalid, typed: Typed) -> Page {
    let users = rights::list(ctx).await?;
    let faults = view.faults(invalid);
    html(&UsersPage::new(view, &users, ctx, faults, typed))
}

/// Fields as sent; a role stands once for each tick.
type Fields = Vec<(String, String)>;

fn field(fields: &Fields, name: &str) -> String {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// The ticked roles, all in the chosen office.
fn held(fields: &Fields) -> Result<Vec<Held>, Error> {
    let office = field(fields, "unit");
    let unit = match office.is_empty() {
        true => None,
        false => Some(office.parse().map_err(|_| Invalid::one("/held", "unknown-office"))?),
    };
    let ticked = fields.iter().filter(|(key, _)| key == "roles");
    ticked.map(|(_, role)| Ok(Held { role: role.parse()?, unit: unit.clone() })).collect()
}

async fn invite(view: View, Who(ctx): Who, Form(fields): Form<Fields>) -> Result<Response, Fault> {
    let typed = Typed {
        username: field(&fields, "username"),
        name: field(&fields, "name"),
        email: field(&fields, "email"),
    };
    let new = NewUser {
        username: typed.username.clone(),
        name: typed.name.clone(),
        email: Some(typed.email.clone()),
        held: held(&fields)?,
    };
    match rights::invite(&ctx, new).await {
        Ok((_, link)) => Ok(html(&link_page(view, &ctx, &link))?.into_response()),
        Err(Error::Invalid(invalid)) => {
            let page = page(view, &ctx, &invalid, typed).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

fn link_page(view: View, ctx: &Context, link: &str) -> Once {
    let address = format!("{}/enter/{link}", ctx.app.settings.public_url);
    Once::new(view, "users-link", vec![address], "/admin/users")
}

async fn ask(
    Who(ctx): Who,
    Path((id, change)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Result<Redirect, Fault> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let change = match change.as_str() {
        "move" => Change::Move { held: held(&fields)? },
        "suspend" => Change::Suspend,
        "restore" => Change::Restore,
        "remove" => Change::Remove,
        "recover" => Change::Recover,
        _ => return Err(Error::NotFound.into()),
    };
    rights::ask(&ctx, id, change).await?;
    Ok(Redirect::to("/admin/users?done=rights-asked"))
}

async fn hand_over(
    view: View,
    Who(ctx): Who,
    Path(id): Path<String>,
    Form(form): Form<Away>,
) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let outcome = match form.read() {
        Ok(what) => absence::hand_over_for(&ctx, id, what).await,
        Err(faults) => Err(faults.into()),
    };
    match outcome {
        Ok(()) => Ok(Redirect::to("/admin/users?done=absence").into_response()),
        Err(Error::Invalid(invalid)) => {
            let page = page(view, &ctx, &invalid, Typed::default()).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

async fn end_absence(Who(ctx): Who, Path(id): Path<String>) -> Result<Redirect, Fault> {
    absence::end_for(&ctx, id.parse().map_err(|_| Error::NotFound)?).await?;
    Ok(Redirect::to("/admin/users?done=absence-ended"))
}

async fn decide(
    view: View,
    Who(ctx): Who,
    Path((id, answer)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let approve = match answer.as_str() {
        "approve" => true,
        "refuse" => false,
        _ => return Err(Error::NotFound.into()),
    };
    match rights::decide(&ctx, id, approve).await? {
        Decided::Done => Ok(Redirect::to("/admin/users?done=rights-decided").into_response()),
        Decided::Link(link) => Ok(html(&link_page(view, &ctx, &link))?.into_response()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn the_page_holds_in_both_languages_and_all_looks() {
        check_pages::<UsersPage>();
    }
}
