//! What every use case is given: who asks, at which moment, and the way to the store.

use crate::authority::{self, Verb};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::use_cases::register::register_document::KnownRegisters;
use domain::body::IpaCode;
use domain::ids::{AccountId, Id, UnitId};
use domain::{Moment, Refusal, Role};
use std::sync::{Arc, Mutex};
use store::{Reader, Store, Tx};

/// The running program: one per process.
pub struct App {
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// What the configuration says.
    pub settings: Settings,
    /// Where ids come from.
    pub ids: Ids,
    /// Registers seen so far, so that the hot path reads nothing it does not need.
    pub registers: KnownRegisters,
    /// Holders of tokens seen lately.
    pub holders: crate::accounts::identify::Holders,
    /// Seals of the bodies and whom the installation trusts.
    pub seals: crate::seals::Seals,
    /// Since when each part is as it is.
    pub health: crate::health::Seen,
    /// Old registers being brought in from browsers.
    pub imports: crate::use_cases::register::import_job::Jobs,
}

impl App {
    /// Joins store, clock and settings.
    pub fn new(store: Store, clock: Clock, settings: Settings) -> Self {
        let seals = crate::seals::Seals::default();
        let (ids, registers) = (Ids::Random, KnownRegisters::default());
        let (holders, health, imports) = Default::default();
        Self { store, clock, settings, ids, registers, holders, seals, health, imports }
    }

    /// The context of a person at this moment.
    pub fn context(self: &Arc<Self>, actor: Actor) -> Context {
        Context { app: self.clone(), actor, moment: self.clock.now(), purpose: None, claim: None }
    }

    /// The context of the program itself, working for a body at night or in the background.
    pub fn system_context(self: &Arc<Self>, body: &IpaCode) -> Context {
        self.context(Actor::system(body.clone()))
    }
}

/// Where ids come from: random in production, counted from a seed in tests and in the demo's history.
pub enum Ids {
    /// Time-ordered and random (UUID version 7).
    Random,
    /// Time-ordered and repeatable: the counter grows by one for each id.
    Counted(Mutex<u64>),
}

impl Ids {
    /// A new id, for work that has no `Context` yet (signing in).
    pub fn mint<I: Id>(&self, moment: Moment) -> I {
        I::from_u128(self.bits(moment))
    }

    fn bits(&self, moment: Moment) -> u128 {
        let millis = u64::try_from(moment.at.as_millisecond()).unwrap_or(0);
        match self {
            Self::Random => {
                let mut noise = [0u8; 10];
                // Without the system's random source nothing here could be trusted; UUID v4 draws from the same.
                if getrandom::fill(&mut noise).is_err() {
                    noise.copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[..10]);
                }
                uuid::Builder::from_unix_timestamp_millis(millis, &noise).into_uuid().as_u128()
            }
            Self::Counted(next) => {
                let mut next = next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                *next += 1;
                let mut noise = [0u8; 10];
                noise[2..].copy_from_slice(&next.to_be_bytes());
                uuid::Builder::from_unix_timestamp_millis(millis, &noise).into_uuid().as_u128()
            }
        }
    }
}

/// Who acts: a signed-in person, an integrator's token, or the program itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Account; absent for the program itself.
    pub account: Option<AccountId>,
    /// Name as shown in histories.
    pub name: String,
    /// Body in which the person is working now.
    pub body: IpaCode,
    /// Office in which the person is working now.
    pub unit: Option<UnitId>,
    /// Roles held there.
    pub roles: Vec<Role>,
    /// Person for whom this one stands in during an absence.
    pub on_behalf_of: Option<AccountId>,
}

impl Actor {
    /// The program itself, at work for a body.
    pub fn system(body: IpaCode) -> Self {
        let roles = vec![Role::RegistryClerk, Role::RecordsManager];
        Self { account: None, name: "telaio".into(), body, unit: None, roles, on_behalf_of: None }
    }

    /// Whoever keeps the machine, at its command line: sets up, imports and exports for a body.
    pub fn operator(body: IpaCode) -> Self {
        let roles = vec![Role::ItAdmin, Role::RecordsManager];
        Self { account: None, name: "operator".into(), body, unit: None, roles, on_behalf_of: None }
    }

    /// How the actor is written in the journal: the account's id, or `system`.
    pub fn tag(&self) -> String {
        self.account.as_ref().map_or_else(|| "system".to_owned(), ToString::to_string)
    }

    /// Whose work it is: the absent person's while standing in, otherwise the actor's own. Decides what is seen as
    /// one's own; who did it is always [`Actor::tag`].
    pub fn owner(&self) -> Option<&AccountId> {
        self.on_behalf_of.as_ref().or(self.account.as_ref())
    }

    /// [`Actor::owner`] as journal and store write accounts, or `system`.
    pub fn owner_tag(&self) -> String {
        self.owner().map_or_else(|| "system".to_owned(), ToString::to_string)
    }

    /// Whether the actor holds a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Who asks, when, and for what.
#[derive(Clone)]
pub struct Context {
    /// The program.
    pub app: Arc<App>,
    /// Who acts.
    pub actor: Actor,
    /// The moment of the request.
    pub moment: Moment,
    /// Why personal data is looked at, when the verb alone does not say it.
    pub purpose: Option<String>,
    /// Key of a request that may be repeated; the first write claims it.
    pub claim: Option<crate::repeatable::Claim>,
}

impl Context {
    /// A new id.
    pub fn mint<I: Id>(&self) -> I {
        I::from_u128(self.app.ids.bits(self.moment))
    }

    /// Whether the actor may do the verb in the actor's own body.
    pub fn may(&self, verb: Verb) -> std::result::Result<(), Refusal> {
        authority::may(&self.actor, verb)
    }

    /// Whether the actor may do the verb on something of a body.
    pub fn may_in(&self, verb: Verb, body: &IpaCode) -> Result<()> {
        authority::may_in(&self.actor, verb, body)
    }

    /// Runs load–decide–save inside the shared transaction; answered after the flush.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T> + Send + 'static,
    {
        let absent = self.actor.on_behalf_of.clone();
        let work = move |tx: &mut Tx| {
            absent.iter().for_each(|absent| tx.act_for(absent));
            work(tx)
        };
        let Some((claim, key)) = self.claim.as_ref().and_then(|claim| Some((claim, claim.take()?))) else {
            return self.app.store.write::<T, Error, _>(work).await;
        };
        let claimed = key.clone();
        let done = self.app.store.write::<T, Error, _>(move |tx| {
            let value = work(tx)?;
            match store::answers::claim(tx, &claimed) {
                Err(error) if error.is_duplicate() => Err(Error::Conflict),
                other => Ok(other.map(|()| value)?),
            }
        });
        let done = done.await;
        if done.is_err() {
            claim.put_back(key);
        }
        done
    }

    /// Reads from a snapshot.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Reader) -> Result<T> + Send + 'static,
    {
        self.app.store.read::<T, Error, F>(work).await
    }
}
