//! Registers a scan: number, attestation and the end of the waiting are one transaction, so that no scan is ever
//! registered without its attestation, nor twice.

use super::{Scan, desk, load};
use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::papers::word_with;
use crate::use_cases::register::access::signer;
use crate::use_cases::register::assign::AssignTo;
use crate::use_cases::register::files::{ReceivedFile, receive_file};
use crate::use_cases::register::register_document::{NewDocument, Registered, prepare};
use domain::ids::{AccountId, RegistrationId, ScanId};
use domain::register::{Direction, NewRegistration, RegisteredFile};
use domain::scan::{ATTESTATION_LAW, ScanState};
use domain::{Invalid, Refusal};
use store::{Tx, attestations, scans};

/// What a clerk says about a scan to register it.
#[derive(Clone)]
pub struct NewEntry {
    /// Data of the entry.
    pub new: NewRegistration,
    /// Further files, in order.
    pub attachments: Vec<ReceivedFile>,
    /// To whom it goes at once.
    pub assignments: Vec<AssignTo>,
    /// Whether the clerk attests that the scan conforms to the paper.
    pub attested: bool,
}

/// The words of the attestation, as they are signed and kept.
pub fn statement() -> String {
    word_with("attestation", &[("law", ATTESTATION_LAW.to_string())])
}

/// The scan as the file of an entry; its bytes are read again, so that what is registered is what is kept.
///
/// # Errors
/// `NotFound`; `Refusal` when it does not wait any more.
pub async fn document(ctx: &Context, id: &ScanId) -> Result<ReceivedFile> {
    let (scan, opened) = desk::content(ctx, id.clone()).await?;
    must_wait(&scan)?;
    receive_file(ctx, &scan.body, "/scan", &scan.name, opened.bytes).await
}

/// Attests a scan and registers it as incoming. One registered before answers its entry again.
///
/// # Errors
/// `Invalid` without the attestation, or for another direction; `NotFound`; `Refusal` when it was set aside; those of
/// registering.
pub async fn register(ctx: &Context, id: &ScanId, what: NewEntry) -> Result<RegistrationId> {
    ctx.may(Verb::ScanIntake)?;
    let scan = desk::open(ctx, id.clone()).await?;
    if let (ScanState::Registered, Some(entry)) = (scan.state, scan.registration) {
        return Ok(entry);
    }
    let mut faults = Invalid::default();
    if !what.attested {
        faults.add("/attested", "not-attested");
    }
    if what.new.direction != Direction::Incoming {
        faults.add("/direction", "scan-comes-in");
    }
    faults.or(())?;
    let document = document(ctx, id).await?;
    let NewEntry { new, attachments, assignments, .. } = what;
    let what = NewDocument { new, document, attachments, assignments, idempotency_key: None };
    let prepared = prepare(ctx, what).await?;
    let (it, id) = (ctx.clone(), id.clone());
    ctx.write(move |tx| {
        let scan = load(tx, &it, &id, "scan.register")?;
        let (entry, file) = (prepared.id().clone(), prepared.files().first().cloned());
        let file = file.ok_or_else(|| Error::Bug("an entry has a main file".into()))?;
        if let Registered::Before(entry) = prepared.record(tx)? {
            return Ok(entry);
        }
        attest(tx, &it, &entry, &file)?;
        finish(tx, &it, &scan, &entry)?;
        Ok(entry)
    })
    .await
}

fn attest(tx: &mut Tx, ctx: &Context, entry: &RegistrationId, file: &RegisteredFile) -> Result<()> {
    let new = attestations::NewAttestation {
        body: &ctx.actor.body,
        registration: entry,
        document: &file.id,
        sha256: &file.sha256,
        statement: &statement(),
        norm: ATTESTATION_LAW.0,
        by: &signer(&ctx.actor),
        on_behalf_of: ctx.actor.on_behalf_of.as_ref(),
        by_name: &ctx.actor.name,
    };
    Ok(attestations::insert(tx, new)?)
}

fn finish(tx: &mut Tx, ctx: &Context, scan: &Scan, entry: &RegistrationId) -> Result<()> {
    let how = scans::Handled {
        state: ScanState::Registered,
        registration: Some(entry),
        by: &ctx.actor.tag(),
        on_behalf_of: ctx.actor.on_behalf_of.as_ref().map(AccountId::as_str),
        reason: None,
    };
    match scans::handle(tx, scan, how)? {
        true => Ok(()),
        // Somebody was faster: their number stands, ours is rolled back with this closure.
        false => Err(Error::Conflict),
    }
}

fn must_wait(scan: &Scan) -> Result<()> {
    match scan.state {
        ScanState::Waiting => Ok(()),
        _ => Err(Refusal::of("scan-not-waiting").into()),
    }
}
