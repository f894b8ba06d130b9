//! The scanner of the demo: papers handed in at the counter of the first body. Two wait, one is attested and
//! registered, one is set aside, one cannot be read as a paper: no part of the page is empty.

use super::cast::Cast;
use super::history::printed;
use crate::use_cases::scans::{self, NewEntry};
use crate::{Context, Error, Result};
use domain::Role;
use domain::body::Body;
use domain::register::{Correspondent, CorrespondentKind, Direction, NewRegistration};

/// What lay on the scanner, and who handed it in.
const PAPERS: &[(&str, &str)] = &[
    ("Domanda di contrassegno per la sosta", "Prova Nove"),
    ("Richiesta di rimborso consegnata a mano", "Esempio Dieci"),
    ("Dichiarazione di ospitalità", "Prova Sette"),
    ("Volantino pubblicitario", "Offerte Prova"),
];

/// Scans the papers and goes through some of them.
///
/// # Errors
/// Those of the use cases.
pub async fn play(cast: &Cast, body: &Body) -> Result<()> {
    let ctx = cast.context(&body.ipa_code, Role::RegistryClerk)?;
    let mut ids = Vec::new();
    for (number, (subject, who)) in PAPERS.iter().enumerate() {
        let lines = vec![format!("Oggetto: {subject}"), format!("{} – {who}", body.name)];
        let bytes = printed(subject, who, ctx.moment.local(), lines)?;
        let name = format!("scansione-{:03}.pdf", number + 1);
        ids.push(scans::upload(&ctx, "/file", &name, bytes.as_slice()).await?);
    }
    let text = b"Appunti lasciati nella cartella dello scanner.".as_slice();
    scans::arrive(&ctx, "appunti.txt", text.len() as u64, Ok(text)).await?;
    let [_, _, attested, aside] = ids.as_slice() else {
        return Err(Error::Bug("the demo scans four papers".to_owned()));
    };
    scans::discard(&ctx, aside.clone(), "Pubblicità: non si registra").await?;
    let (subject, who) = PAPERS[2];
    let what = NewEntry {
        new: entry(&ctx, body, subject, who)?,
        attachments: Vec::new(),
        assignments: Vec::new(),
        attested: true,
    };
    scans::register(&ctx, attested, what).await.map(drop)
}

fn entry(ctx: &Context, body: &Body, subject: &str, who: &str) -> Result<NewRegistration> {
    let area = body.aoos.first().ok_or_else(|| Error::Bug("a living body has an area".to_owned()))?;
    Ok(NewRegistration {
        body: body.ipa_code.clone(),
        aoo: area.code.clone(),
        register: None,
        direction: Direction::Incoming,
        subject: subject.to_owned(),
        correspondents: vec![Correspondent {
            kind: CorrespondentKind::Person,
            name: who.to_owned(),
            tax_code: None,
            digital_domicile: None,
            body: None,
        }],
        classification: None,
        case: None,
        dossier: None,
        confidential: false,
        received_at: Some(ctx.moment.at),
        sender_reference: None,
    })
}
