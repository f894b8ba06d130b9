//! The morning's post of the demo: strangers write, and the clerks of every body go through what arrived.
//!
//! Most of it is registered, so that confirmations come back; a little is refused or discarded; some is left for
//! whoever tries the demonstration.

use super::cast::Cast;
use super::dice::Dice;
use super::outside::Outside;
use crate::use_cases::exchange::desk;
use crate::use_cases::exchange::register_inbound::{Changes, discard, refuse, register_inbound};
use crate::{Context, Result};
use channels::{Attachment, Letter};
use domain::Role;
use domain::body::Body;
use domain::message::{Anomaly, ReceiptForm};

/// What strangers write about, from which box.
const LETTERS: &[(&str, &str, &str)] = &[
    ("ditta.prova@pec.impresa.test", "Tessitura Uno Prova S.r.l.", "Richiesta di accesso agli atti"),
    ("studio.prova@pec.impresa.test", "Studio tecnico Due Prova", "Integrazione di documenti: planimetria"),
    ("prova.tre@posta.test", "Esempio Tre", "Segnalazione di una buca in via Galcianese"),
    ("offerte@posta.test", "Offerte Prova", "Sconto sulle cartucce"),
    ("officina.prova@pec.impresa.test", "Officina Quattro Prova S.r.l.", "Comunicazione di inizio attività"),
];

/// Two letters to bodies drawn by lot, two to the first body; `count` makes their identifiers different.
///
/// # Errors
/// Those of the world outside.
pub async fn strangers(
    ctx: &Context,
    bodies: &[&Body],
    dice: &mut Dice,
    count: &mut u32,
    outside: &impl Outside,
) -> Result<()> {
    let chosen = [bodies[0], bodies[0], *dice.pick(bodies), *dice.pick(bodies)];
    for body in chosen {
        let (from, name, subject) = *dice.pick(LETTERS);
        let Some(to) = body.digital_domicile.as_ref().filter(|address| address.ends_with(".test")) else {
            continue;
        };
        *count += 1;
        let text = format!("{subject}.\nMessaggio di dimostrazione: persone e fatti sono inventati.\n");
        let letter = Letter {
            message_id: format!("lettera.{count}@{}", from.rsplit('@').next().unwrap_or("posta.test")),
            from_name: name.to_owned(),
            from: from.to_owned(),
            to: vec![to.clone()],
            cc: Vec::new(),
            subject: subject.to_owned(),
            written_at: ctx.moment.at.as_second(),
            answers: None,
            receipt: from.contains("@pec.").then_some(ReceiptForm::Complete),
            attachments: vec![Attachment {
                name: "lettera.txt".to_owned(),
                media_type: "text/plain".to_owned(),
                bytes: text.clone().into_bytes(),
            }],
            text,
        };
        outside.write(&letter).await?;
    }
    Ok(())
}

/// Every clerk goes through the inbox.
///
/// # Errors
/// Whatever a use case answers.
pub async fn sort(cast: &Cast, bodies: &[&Body], dice: &mut Dice) -> Result<()> {
    for body in bodies {
        let clerk = cast.context(&body.ipa_code, Role::RegistryClerk)?;
        for waiting in desk::list(&clerk, "waiting", None).await?.lines {
            let id = waiting.message.id;
            let opened = desk::open(&clerk, id.clone()).await?;
            let is_protocol = opened.details.segnatura.is_some();
            match dice.roll(12) {
                0 | 1 => {}
                2 if is_protocol => {
                    refuse(&clerk, &id, Anomaly::Unreadable, "l’allegato non si apre: rimandarlo").await?;
                }
                _ if waiting.message.sender_address.starts_with("offerte") => {
                    discard(&clerk, &id, "Pubblicità: non riguarda l’ente").await?;
                }
                _ => drop(register_inbound(&clerk, &id, Changes::default()).await?),
            }
        }
    }
    Ok(())
}
