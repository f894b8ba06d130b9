//! The page of the own account: password, second factor, recovery codes, passkeys, sessions, tokens, absence.

use super::{Page, html};
use crate::error::Fault;
use crate::routes::{Access, Entry};
use crate::view::{Choice, Faults, Sampled, View};
use crate::who::Who;
use app::accounts::absence::{self, HandOver};
use app::accounts::own::{self, Own};
use app::accounts::{Identity, second_factor, tokens};
use app::{Context, Error};
use askama::Template;
use axum::extract::{Extension, Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use domain::Invalid;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

/// The routes of this file.
pub fn routes() -> Vec<Entry> {
    let signed = |path, handler| Entry::page("POST", path, Access::Signed, handler);
    vec![
        Entry::page("GET", "/account", Access::Signed, get(show)),
        signed("/account/password", post(password)),
        Entry::page("GET", "/account/second-factor", Access::Signed, get(enrol)),
        signed("/account/second-factor", post(confirm)),
        signed("/account/second-factor/remove", post(remove_factor)),
        signed("/account/recovery-codes", post(codes)),
        signed("/account/sessions/{id}/end", post(end_session)),
        signed("/account/passkeys/{id}/remove", post(drop_passkey)),
        signed("/account/tokens", post(make_token)),
        signed("/account/tokens/{id}/end", post(end_token)),
        signed("/account/absence", post(hand_over)),
        signed("/account/absence/end", post(end_absence)),
    ]
}

/// A line with a name, an instant and the address of the form that ends it.
pub struct Row {
    /// What it is.
    pub what: String,
    /// Last used, or made.
    pub at: Timestamp,
    /// Where the button leads.
    pub end: String,
    /// Whether it is the one in use now.
    pub present: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "account/own.html")]
pub struct OwnPage {
    view: View,
    faults: Faults,
    name: String,
    username: String,
    has_factor: bool,
    codes_left: i64,
    sessions: Vec<Row>,
    passkeys: Vec<Row>,
    tokens: Vec<Row>,
    absences: Vec<String>,
    stands_in: Vec<String>,
    colleagues: Vec<Choice>,
}

impl OwnPage {
    fn new(view: View, own: Own, present: Option<&Identity>, faults: Faults) -> Self {
        let at = |micros: i64| Timestamp::from_microsecond(micros).unwrap_or_default();
        let now = present.and_then(|who| who.session.as_ref());
        let line = |(absence, name): &(own::Absence, String)| {
            format!("{name}: {} – {}", view.day(&absence.from), view.day(&absence.to))
        };
        Self {
            name: own.account.name,
            username: own.account.username,
            has_factor: own.account.totp_secret.is_some(),
            codes_left: own.codes_left,
            sessions: own
                .sessions
                .iter()
                .map(|one| Row {
                    what: one.agent.clone(),
                    at: at(one.seen_at),
                    end: format!("/account/sessions/{}/end", one.id),
                    present: Some(&one.id) == now,
                })
                .collect(),
            passkeys: own
                .passkeys
                .iter()
                .map(|one| Row {
                    what: one.label.clone(),
                    at: at(one.used_at.unwrap_or(one.created_at)),
                    end: format!("/account/passkeys/{}/remove", one.id),
                    present: false,
                })
                .collect(),
            tokens: own
                .tokens
                .iter()
                .map(|one| Row {
                    what: one.label.clone(),
                    at: at(one.created_at),
                    end: format!("/account/tokens/{}/end", one.id),
                    present: false,
                })
                .collect(),
            absences: own.absences.iter().map(line).collect(),
            stands_in: own.stands_in.iter().map(line).collect(),
            colleagues: own
                .colleagues
                .into_iter()
                .map(|(id, name)| Choice::new(id.to_string(), name, ""))
                .collect(),
            view,
            faults,
        }
    }
}

impl Sampled for OwnPage {
    fn samples(view: View) -> Vec<Self> {
        let row = |what: &str, present| Row {
            what: what.to_owned(),
            at: Timestamp::UNIX_EPOCH,
            end: "/account/x/end".to_owned(),
            present,
        };
        let page = |full: bool, faults: Faults| Self {
            view: view.clone(),
            faults,
            name: "Prova Uno".into(),
            username: "prova.uno".into(),
            has_factor: full,
            codes_left: if full { 7 } else { 0 },
            sessions: vec![row("Browser di prova", true), row("Altro browser", false)],
            passkeys: if full { vec![row("Chiave di prova", false)] } else { Vec::new() },
            tokens: if full { vec![row("Programma di prova", false)] } else { Vec::new() },
            absences: if full { vec!["Prova Due: oggi".to_owned()] } else { Vec::new() },
            stands_in: if full { vec!["Prova Tre: domani".to_owned()] } else { Vec::new() },
            colleagues: vec![Choice::new("acc_1", "Prova Due", "")],
        };
        let wrong = view.faults(&Invalid::one("/present", "wrong-password"));
        vec![page(false, Faults::default()), page(true, wrong)]
    }
}

/// Secrets shown once: codes, a token, a link.
#[derive(Template)]
#[template(path = "account/once.html")]
pub struct Once {
    view: View,
    title: &'static str,
    lines: Vec<String>,
    back: &'static str,
}

impl Once {
    /// The page; `title` is the key of its words.
    pub fn new(view: View, title: &'static str, lines: Vec<String>, back: &'static str) -> Self {
        Self { view, title, lines, back }
    }
}

impl Sampled for Once {
    fn samples(view: View) -> Vec<Self> {
        vec![Self::new(view, "recovery-codes", vec!["abcde-fghjk".into(), "mnpqr-stuvw".into()], "/account")]
    }
}

/// Enrolment of a second factor.
#[derive(Template)]
#[template(path = "account/second_factor.html")]
pub struct FactorPage {
    view: View,
    faults: Faults,
    secret: String,
    url: String,
    qr: Qr,
    required: bool,
}

impl Sampled for FactorPage {
    fn samples(view: View) -> Vec<Self> {
        let url = "otpauth://totp/Telaio:prova.uno?secret=ABCDEFGHIJKLMNOP";
        let page = |required, faults| Self {
            view: view.clone(),
            faults,
            secret: "ABCDEFGHIJKLMNOP".into(),
            url: url.into(),
            qr: Qr::of(url),
            required,
        };
        vec![page(false, Faults::default()), page(true, view.faults(&Invalid::one("/code", "wrong-code")))]
    }
}

/// A QR code as the outline of an SVG picture.
pub struct Qr {
    /// Width and height in modules, quiet zone included.
    pub size: i32,
    /// The dark modules as a path.
    pub path: String,
}

impl Qr {
    /// The code of a text; empty when the text is too long for one.
    pub fn of(text: &str) -> Self {
        const QUIET: i32 = 4;
        let Ok(code) = qrcodegen::QrCode::encode_text(text, qrcodegen::QrCodeEcc::Medium) else {
            return Self { size: 0, path: String::new() };
        };
        let dark = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
        let dark = dark.filter(|(x, y)| code.get_module(*x, *y));
        let path = dark.map(|(x, y)| format!("M{},{}h1v1h-1z", x + QUIET, y + QUIET)).collect();
        Self { size: code.size() + 2 * QUIET, path }
    }
}

async fn show(view: View, Who(ctx): Who, who: Option<Extension<Identity>>) -> Page {
    page(view, &ctx, who.as_deref(), &Invalid::default()).await
}

async fn page(view: View, ctx: &Context, who: Option<&Identity>, invalid: &Invalid) -> Page {
    let own = own::read(ctx).await?;
    let faults = view.faults(invalid);
    html(&OwnPage::new(view, own, who, faults))
}

/// Back to the account with a word about what was done, or the page again with its faults.
async fn done(
    outcome: app::Result<()>,
    code: &str,
    view: View,
    ctx: &Context,
    who: Option<&Identity>,
) -> Result<Response, Fault> {
    match outcome {
        Ok(()) => Ok(Redirect::to(&format!("/account?done={code}")).into_response()),
        Err(Error::Invalid(invalid)) => {
            let page = page(view, ctx, who, &invalid).await?;
            Ok((axum::http::StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

#[derive(Deserialize)]
struct Passwords {
    present: String,
    new: String,
}

async fn password(
    view: View,
    Who(ctx): Who,
    Extension(who): Extension<Identity>,
    Form(form): Form<Passwords>,
) -> Result<Response, Fault> {
    let outcome = own::change_password(&ctx, &who, form.present, form.new).await;
    done(outcome, "password", view, &ctx, Some(&who)).await
}

async fn enrol(view: View, Who(ctx): Who, who: Option<Extension<Identity>>) -> Page {
    let own = own::read(&ctx).await?;
    let fresh = second_factor::enrol(&ctx, &own.account.username)?;
    let qr = Qr::of(&fresh.url);
    let (faults, required) = (Faults::default(), missing(who.as_deref()));
    html(&FactorPage { view, faults, secret: fresh.secret, url: fresh.url, qr, required })
}

#[derive(Deserialize)]
struct Code {
    secret: String,
    url: String,
    code: String,
}

fn missing(who: Option<&Identity>) -> bool {
    who.is_some_and(|who| who.factor_missing)
}

async fn confirm(
    view: View,
    Who(ctx): Who,
    who: Option<Extension<Identity>>,
    Form(form): Form<Code>,
) -> Result<Response, Fault> {
    let session = who.as_ref().and_then(|who| who.session.clone());
    match second_factor::confirm(&ctx, session, &form.secret, &form.code).await {
        Ok(()) => Ok(Redirect::to("/account?done=second-factor").into_response()),
        Err(Error::Invalid(invalid)) => {
            let (faults, qr) = (view.faults(&invalid), Qr::of(&form.url));
            let required = missing(who.as_deref());
            let page = FactorPage { view, faults, secret: form.secret, url: form.url, qr, required };
            Ok((axum::http::StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

#[derive(Deserialize)]
struct Proof {
    password: String,
}

async fn remove_factor(view: View, Who(ctx): Who, Form(form): Form<Proof>) -> Result<Response, Fault> {
    let outcome = second_factor::remove(&ctx, form.password).await;
    done(outcome, "second-factor-removed", view, &ctx, None).await
}

async fn codes(view: View, Who(ctx): Who) -> Page {
    let codes = own::new_codes(&ctx).await?;
    html(&Once::new(view, "recovery-codes", codes, "/account"))
}

async fn end_session(view: View, Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let outcome = own::end_session(&ctx, id).await;
    done(outcome, "session-ended", view, &ctx, None).await
}

async fn drop_passkey(view: View, Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    let outcome = own::drop_passkey(&ctx, id).await;
    done(outcome, "passkey-removed", view, &ctx, None).await
}

#[derive(Deserialize)]
struct TokenWish {
    label: String,
    days: i64,
}

async fn make_token(view: View, Who(ctx): Who, Form(form): Form<TokenWish>) -> Result<Response, Fault> {
    match tokens::make(&ctx, &form.label, form.days).await {
        Ok((_, text)) => Ok(html(&Once::new(view, "token-made", vec![text], "/account"))?.into_response()),
        Err(error) => done(Err(error), "", view, &ctx, None).await,
    }
}

async fn end_token(view: View, Who(ctx): Who, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let outcome = own::end_token(&ctx, id).await;
    done(outcome, "token-ended", view, &ctx, None).await
}

/// The fields of a hand-over.
#[derive(Deserialize)]
pub struct Away {
    deputy: String,
    from: String,
    to: String,
}

impl Away {
    /// Reads what was typed.
    ///
    /// # Errors
    /// `Invalid` at each field that is missing or is no day.
    pub fn read(&self) -> Result<HandOver, Invalid> {
        let day = |text: &str| text.parse::<Date>().ok();
        let (from, to, deputy) = (day(&self.from), day(&self.to), self.deputy.parse().ok());
        let mut faults = Invalid::default();
        for (missing, pointer) in
            [(from.is_none(), "/from"), (to.is_none(), "/to"), (deputy.is_none(), "/deputy")]
        {
            if missing {
                faults.add(pointer, "required");
            }
        }
        match (deputy, from, to) {
            (Some(deputy), Some(from), Some(to)) => Ok(HandOver { deputy, from, to }),
            _ => Err(faults),
        }
    }
}

async fn hand_over(view: View, Who(ctx): Who, Form(form): Form<Away>) -> Result<Response, Fault> {
    let outcome = match form.read() {
        Ok(what) => absence::hand_over(&ctx, what).await,
        Err(faults) => Err(faults.into()),
    };
    done(outcome, "absence", view, &ctx, None).await
}

async fn end_absence(view: View, Who(ctx): Who) -> Result<Response, Fault> {
    done(absence::end(&ctx).await, "absence-ended", view, &ctx, None).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::check_pages;

    #[test]
    fn pages_of_the_account_hold_in_both_languages_and_all_looks() {
        check_pages::<OwnPage>();
        check_pages::<Once>();
        check_pages::<FactorPage>();
    }
}
