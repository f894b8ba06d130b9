//! The roads of this installation: mail accounts of the bodies, whom to believe.
//!
//! Made once from the configuration; the workers and what they call share it.

use crate::context::{App, Context};
use channels::Channel as Road;
use channels::pec::MailboxSettings;
use documents::signature::TrustStore;
use domain::body::IpaCode;
use domain::message::{Channel, Policy};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A mail account of a body.
#[derive(Clone)]
pub struct Account {
    /// Address mail leaves from and arrives at.
    pub address: String,
    /// How mail leaves.
    pub road: Arc<dyn Road>,
    /// Where mail arrives, if it is read here.
    pub mailbox: Option<MailboxSettings>,
}

/// The program with its roads.
#[derive(Clone)]
pub struct Exchange {
    /// The program.
    pub app: Arc<App>,
    /// Certified-mail accounts by body.
    pub pec: HashMap<IpaCode, Account>,
    /// Ordinary-mail accounts by body.
    pub email: HashMap<IpaCode, Account>,
    /// Bodies that register by themselves what arrives with a segnatura that holds in every part.
    pub automatic: BTreeSet<IpaCode>,
    /// How often to try.
    pub policy: Policy,
    /// Largest message sent, bytes on the wire (D.M. 2/11/2005, art. 12: 30 MB must be accepted).
    pub message_limit: u64,
}

impl Exchange {
    /// A program that reaches only its own bodies.
    pub fn new(app: Arc<App>) -> Self {
        Self {
            pec: HashMap::new(),
            email: HashMap::new(),
            automatic: BTreeSet::new(),
            policy: Policy::default(),
            message_limit: 25 * 1024 * 1024,
            app,
        }
    }

    /// Whom to believe now, providers of certified mail and issuers of seals: asked anew for each message, so that
    /// anchors and trusted lists that were read again hold at once.
    pub fn trust(&self) -> Arc<TrustStore> {
        self.app.seals.trust()
    }

    /// The account of a body on a road.
    pub fn account(&self, body: &IpaCode, channel: Channel) -> Option<&Account> {
        match channel {
            Channel::Hub => None,
            Channel::Pec => self.pec.get(body),
            Channel::Email => self.email.get(body),
        }
    }

    /// The context of the program itself, working for a body.
    pub fn context(&self, body: &IpaCode) -> Context {
        self.app.system_context(body)
    }
}
