//! Giving an entry another class; the classes before stay in its history (AgID guidelines 2021, 3.1.5).

use super::access;
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use domain::Invalid;
use domain::ids::RegistrationId;
use store::{classes, register};

/// Classifies an entry.
///
/// # Errors
/// `Invalid` when the text is no class of the body's scheme; `NotFound` for who may not see the entry.
pub async fn classify(ctx: &Context, id: RegistrationId, class: String) -> Result<()> {
    ctx.may(Verb::Assign)?;
    let class = check_class(&class)?;
    let (body, eyes) = (ctx.actor.body.clone(), access::eyes(&ctx.actor));
    let by = access::signer(&ctx.actor);
    ctx.write(move |tx| {
        access::must_see(tx, &body, &id, &eyes)?;
        if !classes::admits(tx, &body, &class)? {
            return Err(Invalid::with("/classification", "unknown-class", class).into());
        }
        Ok(register::classify(tx, &body, &id, &class, &by)?)
    })
    .await
}

/// Reads the code of a class: one to 32 characters without spaces.
///
/// # Errors
/// `Invalid` at `/classification`.
pub fn check_class(class: &str) -> std::result::Result<String, Invalid> {
    let class = class.trim();
    let fits = (1..=32).contains(&class.len()) && !class.chars().any(|c| c.is_whitespace() || c.is_control());
    match fits {
        true => Ok(class.to_owned()),
        false => {
            Err(Invalid::with("/classification", "unknown-class", class.chars().take(40).collect::<String>()))
        }
    }
}
