//! Mending one datum of an entry: it is cancelled by an act, the new value stands beside it, both stay readable.

use super::access;
use super::read::must_be_live;
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use domain::Invalid;
use domain::ids::RegistrationId;
use domain::register::{
    Correctable, Correspondent, Direction, NewRegistration, SenderReference, check_reasons,
};
use serde::Deserialize;
use store::register::{self, NewAnnulment, NewCorrection};
use store::search::{self, Words};

/// What is asked: the datum, its new value, why and by which act.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// Name of the datum; one that never changes is refused with its article.
    pub field: String,
    /// New value: a text for the subject, a list for the correspondents, an object or null for the reference.
    pub value: serde_json::Value,
    /// Why.
    pub reason: String,
    /// Act of the records manager.
    pub order_reference: String,
}

/// Corrects one datum (AgID guidelines 2021, 3.1.5; D.P.R. 445/2000, art. 54).
///
/// # Errors
/// `Refusal` for a datum that never changes, or an entry that is annulled; `Invalid` for the value.
pub async fn correct(ctx: &Context, id: RegistrationId, asked: Correction) -> Result<()> {
    let field = Correctable::parse(&asked.field)?;
    ctx.may(Verb::Annul)?;
    check_reasons(&asked.reason, &asked.order_reference)?;
    let value = read_value(ctx, field, asked.value)?;
    let (body, eyes) = (ctx.actor.body.clone(), access::eyes(&ctx.actor));
    let (by, by_name) = (access::signer(&ctx.actor), ctx.actor.name.clone());
    let (reason, order_reference) = (asked.reason, asked.order_reference);
    ctx.write(move |tx| {
        access::must_see(tx, &body, &id, &eyes)?;
        must_be_live(tx, &id)?;
        let why = NewAnnulment {
            reason: reason.trim(),
            order_reference: order_reference.trim(),
            by: &by,
            by_name: &by_name,
        };
        // The words before stay in the index: who remembers the old subject must still find the entry.
        search::add_words(tx, id.as_str(), &Words::of(&words(&value)))?;
        Ok(register::correct(tx, &body, &id, value, why)?)
    })
    .await
}

fn read_value(ctx: &Context, field: Correctable, value: serde_json::Value) -> Result<NewCorrection> {
    let unreadable = |_| Error::from(Invalid::one("/value", "bad-value"));
    let read = match field {
        Correctable::Subject => NewCorrection::Subject(serde_json::from_value(value).map_err(unreadable)?),
        Correctable::Correspondents => {
            NewCorrection::Correspondents(serde_json::from_value(value).map_err(unreadable)?)
        }
        Correctable::SenderReference => {
            NewCorrection::SenderReference(serde_json::from_value(value).map_err(unreadable)?)
        }
    };
    check_value(ctx, &read)?;
    Ok(read)
}

/// The new value must be fit for a new entry: it is tried in one, and faults are told of `/value`.
fn check_value(ctx: &Context, value: &NewCorrection) -> std::result::Result<(), Invalid> {
    let mut trial = trial(ctx)?;
    let field = match value {
        NewCorrection::Subject(subject) => {
            trial.subject = subject.clone();
            "/subject"
        }
        NewCorrection::Correspondents(all) => {
            trial.correspondents = all.clone();
            "/correspondents"
        }
        NewCorrection::SenderReference(reference) => {
            trial.sender_reference = reference.clone();
            "/sender_reference"
        }
    };
    trial.check(ctx.moment.at).map_err(|mut faults| {
        for fault in &mut faults.errors {
            if let Some(rest) = fault.pointer.strip_prefix(field) {
                fault.pointer = format!("/value{rest}");
            }
        }
        faults
    })
}

fn trial(ctx: &Context) -> std::result::Result<NewRegistration, Invalid> {
    let someone = Correspondent {
        kind: domain::register::CorrespondentKind::Office,
        name: "-".into(),
        tax_code: None,
        digital_domicile: None,
        body: None,
    };
    Ok(NewRegistration {
        body: ctx.actor.body.clone(),
        aoo: domain::body::AooCode::parse("A")?,
        register: None,
        direction: Direction::Internal,
        subject: "-".into(),
        correspondents: vec![someone],
        classification: None,
        case: None,
        dossier: None,
        confidential: false,
        received_at: None,
        sender_reference: None,
    })
}

fn words(value: &NewCorrection) -> String {
    match value {
        NewCorrection::Subject(subject) => subject.clone(),
        NewCorrection::Correspondents(all) => {
            all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(" ")
        }
        NewCorrection::SenderReference(reference) => {
            reference.as_ref().map(|SenderReference { number, .. }| number.clone()).unwrap_or_default()
        }
    }
}
