//! Registering a document: number, entry, files, assignments, journal and search words in one closure.
//!
//! Everything slow (receiving, hashing, looking into files) has happened before; the closure only writes. What
//! was answered is on disk: the closure returns after the shared flush.

use super::access::{readers, signer};
use super::assign::{self, AssignTo};
use super::files::ReceivedFile;
use crate::Verb;
use crate::context::Context;
use crate::error::Result;
use domain::body::{AooCode, IpaCode, RegisterCode};
use domain::ids::{DocumentId, RegistrationId};
use domain::register::{NewRegistration, RegisteredFile, Registration};
use domain::{Invalid, Refusal};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use store::document_facts::Found;
use store::register::NewEntry;
use store::{Tx, blobs, bodies, classes, documents as stored_documents, idempotency, register};

/// What is to be registered.
#[derive(Clone)]
pub struct NewDocument {
    /// Data of the entry.
    pub new: NewRegistration,
    /// The main file.
    pub document: ReceivedFile,
    /// The attachments, in order.
    pub attachments: Vec<ReceivedFile>,
    /// To whom it goes at once.
    pub assignments: Vec<AssignTo>,
    /// A key under which a repetition of the same request gets the same answer.
    pub idempotency_key: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub enum Registered {
    /// A new entry.
    New(Box<Registration>),
    /// The request had been carried out before, under the same key: the entry it made.
    Before(RegistrationId),
}

/// Registers of the areas seen so far: reference data that only grows, kept in memory so that a registration
/// reads nothing it does not need.
#[derive(Default)]
pub struct KnownRegisters(RwLock<HashMap<(IpaCode, AooCode), Arc<[RegisterCode]>>>);

impl KnownRegisters {
    fn get(&self, body: &IpaCode, aoo: &AooCode) -> Option<Arc<[RegisterCode]>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&(body.clone(), aoo.clone())).cloned()
    }

    fn put(&self, body: &IpaCode, aoo: &AooCode, codes: Arc<[RegisterCode]>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert((body.clone(), aoo.clone()), codes);
    }
}

/// Registers a document in the actor's body.
///
/// # Errors
/// `Invalid` with a pointer for each bad datum; `Refusal` when the actor may not register there. Nothing is kept.
pub async fn register_document(ctx: &Context, what: NewDocument) -> Result<Registered> {
    let prepared = prepare(ctx, what).await?;
    ctx.write(move |tx| prepared.record(tx)).await
}

/// Checks and resolves everything that can be before the transaction; `record` then writes it in an open one, for
/// use cases that register and do more in the same breath (sending an act, answering a message).
///
/// # Errors
/// As [`register_document`].
pub async fn prepare(ctx: &Context, what: NewDocument) -> Result<Prepared> {
    ctx.may(Verb::Register)?;
    if what.new.body != ctx.actor.body {
        return Err(Refusal::of("not-permitted").into());
    }
    check(ctx, &what)?;
    if let Some(class) = &what.new.classification {
        must_be_a_class(ctx, class).await?;
    }
    let register = resolve_register(ctx, &what.new).await?;
    let id = ctx.mint::<RegistrationId>();
    let files: Vec<_> = std::iter::once(what.document).chain(what.attachments).collect();
    let registered = files.iter().map(|file| registered_file(ctx.mint(), file)).collect();
    Ok(Prepared {
        ctx: ctx.clone(),
        id,
        new: what.new,
        register,
        files,
        registered,
        assignments: what.assignments,
        key: what.idempotency_key,
    })
}

/// A class must be one of the body's scheme, when it has one (D.P.R. 445/2000, art. 64).
async fn must_be_a_class(ctx: &Context, class: &str) -> Result<()> {
    let (body, code) = (ctx.actor.body.clone(), class.to_owned());
    match ctx.read(move |r| Ok(classes::admits(r, &body, &code)?)).await? {
        true => Ok(()),
        false => Err(Invalid::with("/classification", "unknown-class", class).into()),
    }
}

fn check(ctx: &Context, what: &NewDocument) -> std::result::Result<(), Invalid> {
    let mut faults = Invalid::default();
    if let Err(found) = what.new.check(ctx.moment.at) {
        faults.errors.extend(found.errors);
    }
    let most = ctx.app.settings.max_files;
    if what.attachments.len() >= most {
        faults.add_with("/attachments", "too-many", most.to_string());
    }
    for (i, to) in what.assignments.iter().enumerate() {
        if let Err(found) = to.check() {
            let moved = found.errors.into_iter().map(|mut fault| {
                fault.pointer = format!("/assignments/{i}{}", fault.pointer);
                fault
            });
            faults.errors.extend(moved);
        }
    }
    if what.idempotency_key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 200) {
        faults.add_with("/idempotency_key", "too-long", "200");
    }
    faults.or(())
}

/// The register asked for, or the general one of the area.
async fn resolve_register(ctx: &Context, new: &NewRegistration) -> Result<RegisterCode> {
    let codes = match ctx.app.registers.get(&new.body, &new.aoo) {
        Some(codes) => codes,
        None => load_registers(ctx, new).await?,
    };
    match &new.register {
        None => codes.first().cloned().ok_or_else(|| Invalid::one("/register", "unknown-register").into()),
        Some(asked) if codes.contains(asked) => Ok(asked.clone()),
        Some(asked) => Err(Invalid::with("/register", "unknown-register", asked.as_str()).into()),
    }
}

async fn load_registers(ctx: &Context, new: &NewRegistration) -> Result<Arc<[RegisterCode]>> {
    let code = new.body.clone();
    let body = ctx.read(move |r| Ok(bodies::find(r, &code)?)).await?;
    let body = body.ok_or_else(|| Invalid::with("/body", "unknown-body", new.body.as_str()))?;
    let area = body.aoos.into_iter().find(|area| area.code == new.aoo);
    let area = area.ok_or_else(|| Invalid::with("/aoo", "unknown-aoo", new.aoo.as_str()))?;
    let codes: Arc<[RegisterCode]> = area.registers.into_iter().map(|register| register.code).collect();
    ctx.app.registers.put(&new.body, &new.aoo, codes.clone());
    Ok(codes)
}

fn registered_file(id: DocumentId, file: &ReceivedFile) -> RegisteredFile {
    RegisteredFile {
        id,
        sha256: file.bytes.sha256.clone(),
        media_type: file.media_type.clone(),
        size: file.bytes.size,
        name: file.name.clone(),
    }
}

/// A registration ready to be written.
pub struct Prepared {
    ctx: Context,
    id: RegistrationId,
    new: NewRegistration,
    register: RegisterCode,
    files: Vec<ReceivedFile>,
    registered: Vec<RegisteredFile>,
    assignments: Vec<AssignTo>,
    key: Option<String>,
}

impl Prepared {
    /// The id the entry will have.
    pub fn id(&self) -> &RegistrationId {
        &self.id
    }

    /// The files, main one first, as they will stand in the entry.
    pub fn files(&self) -> &[RegisteredFile] {
        &self.registered
    }

    /// Writes the entry in an open transaction.
    ///
    /// # Errors
    /// `Invalid` when an office is not of the body, or the key was used for another request.
    pub fn record(self, tx: &mut Tx) -> Result<Registered> {
        let by = signer(&self.ctx.actor);
        if let Some(key) = &self.key {
            let digest = self.digest();
            match idempotency::claim(tx, by.as_str(), key, &digest, self.id.as_str())? {
                idempotency::Claim::New => {}
                idempotency::Claim::Same(id) => return Ok(Registered::Before(earlier(&id)?)),
                idempotency::Claim::Other => {
                    return Err(Invalid::one("/idempotency_key", "used-otherwise").into());
                }
            }
        }
        for (file, registered) in self.files.iter().zip(&self.registered) {
            blobs::put(tx, &file.bytes)?;
            let found = Found {
                flags: &file.flags,
                pages: file.pages,
                may_be_signed: file.may_be_signed,
                words: file.words.as_ref(),
            };
            stored_documents::insert_with_entry(tx, &self.new.body, registered, by.as_str(), found)?;
        }
        let assigned: Vec<_> = self.assignments.iter().filter_map(|to| to.account.clone()).collect();
        let names = readers(self.new.confidential, by.as_str(), &assigned);
        let words: Vec<_> = self.files.iter().filter_map(|file| file.words.as_ref()).collect();
        let entry = NewEntry {
            id: &self.id,
            new: &self.new,
            register: &self.register,
            files: &self.registered,
            by: &by,
            on_behalf_of: self.ctx.actor.on_behalf_of.as_ref(),
            readers: &names,
            words: &words,
        };
        let numbered = register::create(tx, entry)?;
        for to in &self.assignments {
            assign::record(tx, &self.ctx, &self.id, to, &by)?;
        }
        Ok(Registered::New(Box::new(self.entry(numbered))))
    }

    /// What makes two requests the same: data and fingerprints, not ids nor the moment.
    fn digest(&self) -> String {
        let files: Vec<_> = self.registered.iter().map(|f| (&f.sha256, &f.name)).collect();
        serde_json::json!([self.new, self.register, files]).to_string()
    }

    fn entry(self, numbered: store::counters::Numbered) -> Registration {
        let mut files = self.registered;
        let document = files.remove(0);
        Registration {
            id: self.id,
            body: self.new.body,
            aoo: self.new.aoo,
            register: self.register,
            year: numbered.year,
            number: numbered.number,
            registered_at: Timestamp::from_microsecond(numbered.at).unwrap_or(self.ctx.moment.at),
            direction: self.new.direction,
            subject: self.new.subject,
            correspondents: self.new.correspondents,
            classification: self.new.classification,
            case: self.new.case,
            dossier: self.new.dossier,
            confidential: self.new.confidential,
            received_at: self.new.received_at,
            sender_reference: self.new.sender_reference,
            document,
            attachments: files,
            annulment: None,
        }
    }
}

fn earlier(id: &str) -> Result<RegistrationId> {
    id.parse().map_err(|_| crate::Error::Bug("an idempotency key names no registration".into()))
}
