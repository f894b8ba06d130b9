//! Accounts, rights and audit for programs, and the door where a program trades its secret for a token.

use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::state::AppState;
use crate::who::Who;
use app::accounts::programs;
use app::accounts::rights::{self, Change, Decided, Held, NewUser};
use app::use_cases::read_audit::{self, Chain, Filter};
use app::{Error, Verb};
use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use domain::Moment;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let asks = Access::May(Verb::ManageUsers);
    let audits = Access::May(Verb::ReadAudit);
    vec![
        Entry::api("GET", "/api/v1/me", Access::Signed, get(me)),
        Entry::api("GET", "/api/v1/accounts", Access::Signed, get(list)),
        Entry::api("POST", "/api/v1/accounts", asks, post(invite)),
        Entry::api("POST", "/api/v1/accounts/{id}/changes", asks, post(ask)),
        Entry::api("GET", "/api/v1/rights-changes", Access::Signed, get(changes)),
        Entry::api(
            "POST",
            "/api/v1/rights-changes/{id}/decision",
            Access::May(Verb::ApproveRights),
            post(decide),
        ),
        Entry::api("GET", "/api/v1/audit/entries", audits, get(entries)),
        Entry::api("GET", "/api/v1/audit/chain", audits, get(chain)),
        Entry::api("POST", "/oauth/token", Access::Public, post(token)),
    ]
}

/// The descriptions of this file.
pub fn describe() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(
        paths(me, list, invite, ask, changes, decide, entries, chain, token),
        components(schemas(
            Me, UserOut, Users, Invitation, Invited, HeldIn, ChangeIn, Asked, ChangeOut, Changes, Decision,
            DecidedOut, EntryOut, Entries, ChainOut, TokenIn, TokenOut
        ))
    )]
    struct Slice;
    Slice::openapi()
}

/// Who asks.
#[derive(Serialize, ToSchema)]
struct Me {
    /// Account.
    id: Option<String>,
    /// Name.
    name: String,
    /// IPA code of the body in which the account works.
    body: String,
    /// Office.
    unit: Option<String>,
    /// Roles held there.
    roles: Vec<String>,
}

/// Who asks
///
/// The account behind the token, with the place and roles it works in.
#[utoipa::path(get, path = "/api/v1/me", tag = "accounts", operation_id = "getMe",
    responses((status = 200, description = "The account.", body = Me)))]
async fn me(Who(ctx): Who) -> Json<Me> {
    Json(Me {
        id: ctx.actor.account.as_ref().map(ToString::to_string),
        name: ctx.actor.name.clone(),
        body: ctx.actor.body.to_string(),
        unit: ctx.actor.unit.as_ref().map(ToString::to_string),
        roles: ctx.actor.roles.iter().map(|role| role.name().to_owned()).collect(),
    })
}

/// A role, in one office or in the whole body.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HeldIn {
    /// Role.
    #[schema(max_length = 40)]
    role: String,
    /// Id of the office; none: the whole body.
    #[serde(default)]
    unit: Option<String>,
}

fn out(held: &[Held]) -> Vec<HeldIn> {
    let one = |held: &Held| HeldIn {
        role: held.role.name().to_owned(),
        unit: held.unit.as_ref().map(ToString::to_string),
    };
    held.iter().map(one).collect()
}

fn read(held: Vec<HeldIn>) -> Result<Vec<Held>, Error> {
    let one = |held: HeldIn| {
        let unit = held.unit.map(|unit| unit.parse()).transpose();
        let unit = unit.map_err(|_| domain::Invalid::one("/held", "unknown-office"))?;
        Ok(Held { role: held.role.parse()?, unit })
    };
    held.into_iter().map(one).collect()
}

/// A user of the body.
#[derive(Serialize, ToSchema)]
struct UserOut {
    /// Account.
    id: String,
    /// Name to sign in with.
    username: String,
    /// Name.
    name: String,
    /// `active`, `invited`, `suspended` or `removed`.
    state: String,
    /// Roles in this body.
    held: Vec<HeldIn>,
}

/// Users of the body.
#[derive(Serialize, ToSchema)]
struct Users {
    /// The users, by sign-in name.
    items: Vec<UserOut>,
}

/// Users of the body
///
/// For administrators and for those who decide about rights.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", operation_id = "listAccounts",
    responses((status = 200, description = "The users.", body = Users)))]
async fn list(Who(ctx): Who) -> Result<Json<Users>, Fault> {
    let found = rights::list(&ctx).await?;
    let user = |user: rights::User| UserOut {
        id: user.account.id.to_string(),
        username: user.account.username,
        name: user.account.name,
        state: user.account.state,
        held: out(&user.held),
    };
    Ok(Json(Users { items: found.users.into_iter().map(user).collect() }))
}

/// A person to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Invitation {
    /// Name to sign in with: lower-case letters, digits, dots, dashes.
    #[schema(min_length = 3, max_length = 64)]
    username: String,
    /// Name.
    #[schema(max_length = 200)]
    name: String,
    /// Address for notices.
    #[serde(default)]
    #[schema(max_length = 200)]
    email: Option<String>,
    /// Roles asked for; another person decides.
    #[schema(max_items = 50)]
    held: Vec<HeldIn>,
}

/// The invited account and its link, shown once.
#[derive(Serialize, ToSchema)]
struct Invited {
    /// Account.
    id: String,
    /// Address where the person sets the password.
    link: String,
}

/// Invite a person
///
/// The roles wait for a second person; the link works once, for three days.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", operation_id = "inviteAccount",
    request_body = Invitation, responses((status = 201, description = "Invited.", body = Invited)))]
async fn invite(Who(ctx): Who, Json(asked): Json<Invitation>) -> Result<Response, Fault> {
    let held = read(asked.held)?;
    let new = NewUser { username: asked.username, name: asked.name, email: asked.email, held };
    let (id, link) = rights::invite(&ctx, new).await?;
    let link = format!("{}/enter/{link}", ctx.app.settings.public_url);
    Ok((StatusCode::CREATED, Json(Invited { id: id.to_string(), link })).into_response())
}

/// A change to ask for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeIn {
    /// `move`, `suspend`, `restore`, `remove` or `recover`.
    #[schema(max_length = 20)]
    kind: String,
    /// For `move`: exactly these roles.
    #[serde(default)]
    #[schema(max_items = 50)]
    held: Vec<HeldIn>,
}

/// The request made.
#[derive(Serialize, ToSchema)]
struct Asked {
    /// Request.
    id: String,
}

/// Ask for a change of rights
///
/// Suspending acts at once; everything else waits for another person.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/changes", tag = "accounts", operation_id = "askRightsChange",
    params(("id" = String, Path, description = "Account.", max_length = 40)),
    request_body = ChangeIn, responses((status = 201, description = "Asked.", body = Asked)))]
async fn ask(Who(ctx): Who, Path(id): Path<String>, Json(asked): Json<ChangeIn>) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let change = match asked.kind.as_str() {
        "move" => Change::Move { held: read(asked.held)? },
        "suspend" => Change::Suspend,
        "restore" => Change::Restore,
        "remove" => Change::Remove,
        "recover" => Change::Recover,
        other => return Err(domain::Invalid::with("/kind", "bad-code", other).into()),
    };
    let made = rights::ask(&ctx, id, change).await?;
    Ok((StatusCode::CREATED, Json(Asked { id: made.to_string() })).into_response())
}

/// A request.
#[derive(Serialize, ToSchema)]
struct ChangeOut {
    /// Request.
    id: String,
    /// Account.
    account: String,
    /// Kind.
    kind: String,
    /// `pending`, `approved` or `refused`.
    state: String,
    /// Account that asked.
    asked_by: String,
    /// When.
    asked_at: String,
    /// Account that decided.
    decided_by: Option<String>,
}

/// Requests.
#[derive(Serialize, ToSchema)]
struct Changes {
    /// Those that wait first.
    items: Vec<ChangeOut>,
}

/// Requests for changes of rights
///
/// Of the body of the account, those that wait first.
#[utoipa::path(get, path = "/api/v1/rights-changes", tag = "accounts", operation_id = "listRightsChanges",
    responses((status = 200, description = "The requests.", body = Changes)))]
async fn changes(Who(ctx): Who) -> Result<Json<Changes>, Fault> {
    let found = rights::list(&ctx).await?.changes;
    let mut items = Vec::with_capacity(found.len());
    for one in found {
        items.push(ChangeOut {
            id: one.id.to_string(),
            account: one.account.to_string(),
            kind: one.kind,
            state: one.state,
            asked_by: one.asked_by,
            asked_at: Moment::from_micros(one.asked_at).rfc3339(),
            decided_by: one.decided_by,
        });
    }
    Ok(Json(Changes { items }))
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// Whether the request is approved.
    approve: bool,
}

/// What deciding brought about.
#[derive(Serialize, ToSchema)]
struct DecidedOut {
    /// For a recovery: the address where the person sets a new password, shown once.
    link: Option<String>,
}

/// Decide a request
///
/// Never by the person who asked, nor about the own rights.
#[utoipa::path(post, path = "/api/v1/rights-changes/{id}/decision", tag = "accounts",
    operation_id = "decideRightsChange",
    params(("id" = String, Path, description = "Request.", max_length = 40)),
    request_body = Decision, responses((status = 200, description = "Decided.", body = DecidedOut)))]
async fn decide(
    Who(ctx): Who,
    Path(id): Path<String>,
    Json(decision): Json<Decision>,
) -> Result<Json<DecidedOut>, Fault> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let link = match rights::decide(&ctx, id, decision.approve).await? {
        Decided::Done => None,
        Decided::Link(link) => Some(format!("{}/enter/{link}", ctx.app.settings.public_url)),
    };
    Ok(Json(DecidedOut { link }))
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Entries about this object only.
    #[param(max_length = 100)]
    subject: Option<String>,
    /// From this index on.
    #[param(minimum = 0)]
    from: Option<i64>,
}

/// An entry of the journal.
#[derive(Serialize, ToSchema)]
struct EntryOut {
    /// Position in the chain of the body.
    index: i64,
    /// When.
    at: String,
    /// Account or worker.
    actor: String,
    /// What was done.
    verb: String,
    /// To what.
    subject: String,
    /// Hash of the entry, which covers the one before.
    hash: String,
}

/// Entries.
#[derive(Serialize, ToSchema)]
struct Entries {
    /// Oldest first.
    items: Vec<EntryOut>,
    /// Index to go on from.
    next: Option<i64>,
}

/// Entries of the journal
///
/// Of the body of the account, at most a hundred. They hold ids and digests, no content.
#[utoipa::path(get, path = "/api/v1/audit/entries", tag = "audit", operation_id = "listJournalEntries",
    params(Which), responses((status = 200, description = "The entries.", body = Entries)))]
async fn entries(Who(ctx): Who, Query(which): Query<Which>) -> Result<Json<Entries>, Fault> {
    let paged = which.subject.is_none();
    let found = read_audit::entries(&ctx, Filter { subject: which.subject, from: which.from }).await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == read_audit::PAGE);
    let next = found.last().filter(|_| paged && full).map(|line| line.leaf.index + 1);
    let entry = |line: read_audit::Line| EntryOut {
        index: line.leaf.index,
        at: line.at.rfc3339(),
        actor: line.leaf.actor,
        verb: line.leaf.verb,
        subject: line.leaf.subject,
        hash: hex::encode(line.leaf.hash),
    };
    Ok(Json(Entries { items: found.into_iter().map(entry).collect(), next }))
}

/// Whether the chain holds.
#[derive(Serialize, ToSchema)]
struct ChainOut {
    /// Whether every hash was found right.
    holds: bool,
    /// Entries checked.
    entries: Option<i64>,
    /// Hash of the last entry.
    head: Option<String>,
    /// Where it does not hold.
    broken_at: Option<String>,
}

/// Verify the journal
///
/// Every hash of the chain of the body is computed again.
#[utoipa::path(get, path = "/api/v1/audit/chain", tag = "audit", operation_id = "verifyJournal",
    responses((status = 200, description = "The outcome.", body = ChainOut)))]
async fn chain(Who(ctx): Who) -> Result<Json<ChainOut>, Fault> {
    Ok(Json(match read_audit::verify(&ctx).await? {
        Chain::Holds(entries, head) => {
            ChainOut { holds: true, entries: Some(entries), head: Some(head), broken_at: None }
        }
        Chain::Broken(place) => ChainOut { holds: false, entries: None, head: None, broken_at: Some(place) },
    }))
}

/// What a program sends to get a token (RFC 6749, section 4.4.2).
#[derive(Deserialize, ToSchema)]
struct TokenIn {
    /// Always `client_credentials`.
    #[schema(max_length = 40)]
    grant_type: String,
    /// Name of the program, unless sent by HTTP Basic.
    #[schema(max_length = 100)]
    client_id: Option<String>,
    /// Secret of the program, unless sent by HTTP Basic.
    #[schema(max_length = 200)]
    client_secret: Option<String>,
}

/// A bearer token (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
struct TokenOut {
    /// The token.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds it works.
    #[schema(minimum = 1, maximum = 3600)]
    expires_in: i64,
}

/// A fault as RFC 6749, section 5.2, writes it.
#[derive(Debug, Serialize)]
struct TokenFault {
    /// `invalid_request`, `invalid_client` or `unsupported_grant_type`.
    error: &'static str,
}

/// Get a token
///
/// OAuth 2.0 client credentials: name and secret in the form or by HTTP Basic.
#[utoipa::path(post, path = "/oauth/token", tag = "accounts", operation_id = "getToken",
    request_body(content = TokenIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The token.", body = TokenOut),
        (status = 400, description = "A fault in the words of RFC 6749, section 5.2: JSON whose member `error` is \
            `invalid_request` or `unsupported_grant_type`; 401 with `invalid_client`.")))]
async fn token(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(asked): Form<TokenIn>,
) -> Result<Response, Fault> {
    if asked.grant_type != "client_credentials" {
        return Ok(oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type"));
    }
    let said = basic(&headers).or_else(|| asked.client_id.zip(asked.client_secret));
    let Some((name, secret)) = said else {
        return Ok(oauth_error(StatusCode::BAD_REQUEST, "invalid_request"));
    };
    let Some(access_token) = programs::trade(&state.app, &name, &secret).await? else {
        return Ok(oauth_error(StatusCode::UNAUTHORIZED, "invalid_client"));
    };
    let answer = TokenOut { access_token, token_type: "Bearer", expires_in: programs::TOKEN_SECONDS };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Errors of this door have the form of RFC 6749, section 5.2, which its callers' libraries expect.
fn oauth_error(status: StatusCode, error: &'static str) -> Response {
    (status, Json(TokenFault { error })).into_response()
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(name, secret)| (name.to_owned(), secret.to_owned()))
}
