//! The people of the demo: in each living body a clerk, a records manager, a case officer, a head of office and
//! an administrator, and for every other role at least one person. All are invented and say so in their names.
//!
//! Names and passwords follow from the seed alone, so that `telaio accounts` can list them without keeping any
//! password. A second factor is not asked of them.

use super::province::Province;
use crate::accounts::{nowhere, password, secret};
use crate::{App, Context, Error, Result};
use domain::Role;
use domain::body::{Body, IpaCode};
use domain::ids::UnitId;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use store::accounts::{Account, Post, Token, TokenHolder};

/// One account of the demo, in the form of the public contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemoAccount {
    /// Name to sign in with.
    pub username: String,
    /// Password.
    pub password: String,
    /// Name people read.
    pub name: String,
    /// IPA code of the body; none for citizens and professionals.
    pub body: Option<String>,
    /// Roles held.
    pub roles: Vec<&'static str>,
}

/// A job in a body: word of the username, word of the name, offices to choose from (first found; none: the whole
/// body) and roles.
struct Job {
    user: &'static str,
    word: &'static str,
    offices: &'static [&'static str],
    roles: &'static [Role],
}

/// The jobs of every living body.
const EVERYWHERE: &[Job] = &[
    Job { user: "protocollo", word: "Protocollo", offices: &["PROT"], roles: &[Role::RegistryClerk] },
    Job { user: "responsabile", word: "Responsabile", offices: &[], roles: &[Role::RecordsManager] },
    Job { user: "istruttore", word: "Istruttore", offices: OFFICES, roles: &[Role::CaseOfficer] },
    Job {
        user: "dirigente",
        word: "Dirigente",
        offices: OFFICES,
        roles: &[Role::UnitHead, Role::DecidingOfficer],
    },
    Job { user: "amministratore", word: "Amministratore", offices: &[], roles: &[Role::ItAdmin] },
];

/// Offices where cases are worked on, in the order of choice.
const OFFICES: &[&str] = &["SUEAP", "TEC", "AREA2", "PRAT"];

/// Jobs that only one body has.
const SPECIAL: &[(&str, Job)] = &[
    ("c_g999", Job { user: "revisore", word: "Revisore", offices: &[], roles: &[Role::Auditor] }),
    (
        "c_g999",
        Job { user: "privacy", word: "Protezione Dati", offices: &[], roles: &[Role::PrivacyOfficer] },
    ),
    ("c_g999", Job { user: "archivio", word: "Archivista", offices: &["PROT"], roles: &[Role::Archivist] }),
    ("c_g999", Job { user: "anagrafe", word: "Anagrafe", offices: &["DEMO"], roles: &[Role::Registrar] }),
    (
        "c_g999",
        Job {
            user: "stato.civile",
            word: "Stato Civile",
            offices: &["DEMO"],
            roles: &[Role::CivilStatusOfficer],
        },
    ),
    (
        "demo_procura_po",
        Job { user: "cancelleria", word: "Cancelleria", offices: OFFICES, roles: &[Role::ProsecutorClerk] },
    ),
    (
        "demo_procura_po",
        Job { user: "casellario", word: "Casellario", offices: OFFICES, roles: &[Role::RecordsClerk] },
    ),
    (
        "demo_questura_po",
        Job { user: "consultazione", word: "Consultazione", offices: OFFICES, roles: &[Role::PoliceUser] },
    ),
    (
        "demo_provincia_po",
        Job { user: "coordinamento", word: "Coordinamento", offices: &[], roles: &[Role::Coordinator] },
    ),
];

/// People who work for no body.
const OUTSIDE: &[(&str, &str, Role)] = &[
    ("cittadino.uno", "Prova Cittadino Uno", Role::Citizen),
    ("professionista.uno", "Prova Professionista Uno", Role::Professional),
];

/// A person with the posts held.
struct Person {
    shown: DemoAccount,
    home: IpaCode,
    posts: Vec<Post>,
}

/// The accounts of a province, in the order of its bodies. The same seed gives the same passwords.
pub fn list(seed: u64, province: &Province) -> Vec<DemoAccount> {
    people(seed, province).into_iter().map(|person| person.shown).collect()
}

/// Makes the accounts, ready to be used.
///
/// # Errors
/// `Problem` when the store fails; nothing is kept then.
pub async fn store(ctx: &Context, seed: u64, province: &Province) -> Result<()> {
    let people = people(seed, province);
    let hashed = tokio::task::spawn_blocking(move || {
        let hash = |person: Person| Ok((password::hash_for_demo(&person.shown.password)?, person));
        people.into_iter().map(hash).collect::<Result<Vec<_>>>()
    });
    let people = hashed.await.map_err(|why| Error::Bug(why.to_string()))??;
    let people: Vec<(Account, Vec<Post>)> =
        people.into_iter().map(|(hash, person)| (account(ctx, hash, &person), person.posts)).collect();
    let actor = ctx.actor.tag();
    ctx.write(move |tx| {
        for (account, posts) in &people {
            store::accounts::insert(tx, account)?;
            posts.iter().try_for_each(|post| store::accounts::add_post(tx, &account.id, post))?;
            crate::accounts::second_factor::note(tx, &account.body, &actor, "account.create", &account.id)?;
        }
        Ok(())
    })
    .await
}

/// How long a bearer token of the demo lives, days; renewed at every start.
const TOKEN_DAYS: i64 = 30;

/// The bearer token of an account of the demo: it follows from seed and name, as the password does, so that it can
/// be told while the server holds the data.
pub fn token(seed: u64, username: &str) -> String {
    hex::encode(
        Sha256::new()
            .chain_update("token")
            .chain_update(seed.to_be_bytes())
            .chain_update(username)
            .finalize(),
    )
}

/// Makes the tokens valid from now on, for every account of the demo.
///
/// # Errors
/// `NotFound` when this is not the demonstration; `Problem` when the store fails.
pub async fn renew_tokens(app: &Arc<App>, seed: u64) -> Result<()> {
    if !app.settings.demo {
        return Err(Error::NotFound);
    }
    let (program, now) = (app.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            for account in store::accounts::all(tx)? {
                let digest = secret::digest(&token(seed, &account.username));
                store::accounts::drop_token(tx, &digest)?;
                let posts = store::accounts::posts(tx, &account.id)?;
                let (body, unit) = crate::accounts::sign_in::first_place(&posts, &account);
                let ends_at = now.micros() + TOKEN_DAYS * 86_400_000_000;
                let holder = TokenHolder { account: account.id, body, unit, ends_at };
                let label = "telaio token".to_owned();
                let kept = Token { id: program.ids.mint(now), label, created_at: now.micros(), ends_at };
                store::accounts::add_token(tx, &digest, &holder, &kept)?;
            }
            Ok(())
        })
        .await
}

fn account(ctx: &Context, hash: String, person: &Person) -> Account {
    Account {
        id: ctx.mint(),
        username: person.shown.username.clone(),
        name: person.shown.name.clone(),
        body: person.home.clone(),
        email: None,
        password_hash: Some(hash),
        state: "active".to_owned(),
        failures: 0,
        locked_until: 0,
        totp_secret: None,
        totp_last_step: 0,
    }
}

fn people(seed: u64, province: &Province) -> Vec<Person> {
    let mut all = Vec::new();
    for body in province.living() {
        let special = SPECIAL.iter().filter(|(code, _)| *code == body.ipa_code.as_str()).map(|(_, job)| job);
        all.extend(EVERYWHERE.iter().chain(special).map(|job| worker(seed, body, job)));
    }
    all.extend(OUTSIDE.iter().map(|(username, name, role)| outsider(seed, username, name, *role)));
    all
}

fn worker(seed: u64, body: &Body, job: &Job) -> Person {
    let unit: Option<UnitId> = job
        .offices
        .iter()
        .find_map(|code| body.offices.iter().find(|unit| unit.code == *code))
        .map(|unit| unit.id.clone());
    let mail = body.digital_domicile.as_deref().unwrap_or(body.ipa_code.as_str());
    let username = format!("{}.{}", job.user, mail.split('@').next().unwrap_or_default());
    let place = body.name.strip_prefix("Comune di ").unwrap_or(&body.name);
    let post = |role: &Role| Post { body: body.ipa_code.clone(), unit: unit.clone(), role: *role };
    Person {
        shown: DemoAccount {
            password: secret_word(seed, &username),
            name: format!("Prova {} {place}", job.word),
            body: Some(body.ipa_code.to_string()),
            roles: job.roles.iter().map(|role| role.name()).collect(),
            username,
        },
        home: body.ipa_code.clone(),
        posts: job.roles.iter().map(post).collect(),
    }
}

fn outsider(seed: u64, username: &str, name: &str, role: Role) -> Person {
    Person {
        shown: DemoAccount {
            username: username.to_owned(),
            password: secret_word(seed, username),
            name: name.to_owned(),
            body: None,
            roles: vec![role.name()],
        },
        home: nowhere(),
        posts: vec![Post { body: nowhere(), unit: None, role }],
    }
}

/// Three groups of five letters and digits out of seed and name; letters that look alike are left out.
fn secret_word(seed: u64, username: &str) -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(username).finalize();
    let letters: String =
        digest.iter().take(15).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
    format!("{}-{}-{}", &letters[..5], &letters[5..10], &letters[10..])
}
