//! The segnatura of an entry as a file of its own (AgID guidelines 2021, annex 6): what the API gives at `segnatura.xml`.
//!
//! Messages carry their own, made for each recipient; this one names everybody the entry names. Sealed by the body,
//! made anew each time: it says what the entry says today.

use super::own_body;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::seals;
use crate::use_cases::exchange::package::segnatura_between;
use crate::use_cases::register::read;
use documents::segnatura::{self, Coded, Contacts, Person, Recipient, Subject};
use domain::ids::RegistrationId;
use domain::register::{Correspondent, CorrespondentKind, Direction};

/// The segnatura 3.0 of an entry, sealed XAdES baseline B.
///
/// # Errors
/// `NotFound` for who may not see the whole entry; refusal `no-seal`.
pub async fn segnatura(ctx: &Context, id: RegistrationId) -> Result<Vec<u8>> {
    let entry = read::open_whole(ctx, id).await?.registration;
    let body = own_body(ctx).await?;
    let us = || Subject::administration(body.name.as_str(), Coded::new(body.ipa_code.as_str()));
    let to = |subject| Recipient { subject, confirm: false, for_information: false };
    let (sender, recipients) = match (entry.direction, entry.correspondents.first()) {
        (Direction::Incoming, Some(first)) => (subject(first), vec![to(us())]),
        _ => (us(), entry.correspondents.iter().map(|it| to(subject(it))).collect()),
    };
    let xml = segnatura_between(&body, &entry, sender, recipients)?;
    let xml = segnatura::write(&xml).map_err(|e| Error::Bug(e.to_string()))?;
    Ok(seals::seal_xml(&ctx.app, &ctx.actor.body, xml, ctx.moment.at).await?.into_bytes())
}

/// A correspondent in the terms of the schema. The register keeps one name: its last word stands as the family name.
fn subject(it: &Correspondent) -> Subject {
    let contacts = it.digital_domicile.as_deref().map(Contacts::mail).unwrap_or_default();
    // Eleven digits for bodies and firms, sixteen signs for people: another length fits no field of the schema.
    let tax_code = |length: usize| it.tax_code.clone().filter(|code| code.len() == length);
    if let Some(code) = &it.body {
        return Subject::administration(it.name.as_str(), Coded::new(code.as_str()));
    }
    match it.kind {
        CorrespondentKind::ForeignBody => {
            Subject::ForeignBody { name: it.name.clone(), office: None, contacts }
        }
        CorrespondentKind::Person => {
            let (name, surname) = it.name.rsplit_once(' ').unwrap_or((&it.name, &it.name));
            Subject::NaturalPerson(Person {
                name: name.to_owned(),
                surname: surname.to_owned(),
                title: None,
                tax_code: tax_code(16),
                contacts,
            })
        }
        // A body whose code is not known is a legal person all the same.
        CorrespondentKind::Body | CorrespondentKind::Firm | CorrespondentKind::Office => {
            Subject::LegalPerson {
                name: it.name.clone(),
                tax_code: tax_code(11),
                contacts,
                people: Vec::new(),
            }
        }
    }
}
