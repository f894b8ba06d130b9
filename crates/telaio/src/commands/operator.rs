//! What the commands of the operator share: the program opened for one body, its register, and how it says no.

use std::path::Path;

use app::{Actor, Context, Error};
use domain::body::{AooCode, Body, IpaCode, RegisterCode};
use web::prefs::Lang;

use super::Stop;
use crate::assembly;
use crate::cli::{Place, Which};

/// The context of whoever keeps the machine, at work for a body.
pub fn context(place: &Place, body: &str) -> Result<Context, Stop> {
    let body = IpaCode::parse(body).map_err(|_| Stop::Usage(format!("{body}: not an IPA code")))?;
    let config = assembly::installation(place)?;
    let app = assembly::program(&config, place.config.is_none())?;
    Ok(app.context(Actor::operator(body)))
}

/// The area and register a command speaks of; by default the body's first.
pub async fn register(ctx: &Context, which: &Which) -> Result<(AooCode, RegisterCode), Stop> {
    let body = body(ctx).await?;
    let unknown = |what: &str| Stop::Usage(format!("{} has no such {what}", which.body));
    let area = body.aoos.iter().find(|a| which.aoo.as_deref().is_none_or(|code| a.code.as_str() == code));
    let area = area.ok_or_else(|| unknown("area"))?;
    let wanted = |code: &str| which.register.as_deref().is_none_or(|asked| asked == code);
    let found = area.registers.iter().find(|r| wanted(r.code.as_str())).ok_or_else(|| unknown("register"))?;
    Ok((area.code.clone(), found.code.clone()))
}

/// The body of the context.
pub async fn body(ctx: &Context) -> Result<Body, Stop> {
    let code = ctx.actor.body.as_str();
    app::use_cases::bodies::find(ctx, code).await.map_err(|error| match error {
        Error::NotFound => Stop::Usage(format!("no body {code} here; see `telaio import bodies`")),
        other => refused(&other),
    })
}

/// Reads a file that was named on the command line.
pub fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(path).map_err(|error| Stop::Usage(format!("{}: {error}", path.display())))
}

/// How a use case's no ends a command: bad input is wrong usage, the rest a failure.
pub fn refused(error: &Error) -> Stop {
    match error {
        Error::Invalid(faults) => Stop::Usage(faults.errors.iter().map(fault).collect::<Vec<_>>().join("; ")),
        Error::Refusal(refusal) => Stop::Failed(words("refusal", refusal.code)),
        other => Stop::Failed(other.to_string()),
    }
}

/// One fault in words, with the place and what stands there.
pub fn fault(one: &domain::FieldError) -> String {
    let quoted = one.value.as_deref().map(|value| format!(" ({value})")).unwrap_or_default();
    format!("{}: {}{quoted}", one.pointer, words("err", one.code))
}

/// The words of the interface in English, or the bare code where the message quotes figures of its own.
fn words(kind: &str, code: &str) -> String {
    let key = format!("{kind}-{code}");
    match web::i18n::has(Lang::En, &key) {
        true => web::i18n::text1(Lang::En, &key, "value", "…"),
        false => code.to_owned(),
    }
}
