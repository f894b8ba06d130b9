//! Requests that may be repeated under a key of the caller: what is known of a key, and keeping its answer.
//!
//! The key travels in the `Context`; its first write claims it in the same transaction, so that the work and the
//! memory of it are durable together or not at all.

use crate::context::App;
use crate::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};
pub use store::answers::{Answer, Key, Known};

/// A key waiting for the first write of its request.
#[derive(Debug, Clone, Default)]
pub struct Claim(Arc<Mutex<Option<Key>>>);

impl Claim {
    /// For a request under this key.
    pub fn new(key: Key) -> Self {
        Self(Arc::new(Mutex::new(Some(key))))
    }

    /// Takes the key out: only one write claims it.
    pub(crate) fn take(&self) -> Option<Key> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts the key back after a write that was undone.
    pub(crate) fn put_back(&self, key: Key) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }
}

/// What is known of a key.
///
/// # Errors
/// `Problem` when the store is away.
pub async fn known(app: &Arc<App>, key: Key) -> Result<Known> {
    app.store.read(move |r| store::answers::find(r, &key).map_err(Error::from)).await
}

/// Keeps the answer to a key.
///
/// # Errors
/// `Problem` when the store is away; the work is done all the same.
pub async fn keep(app: &Arc<App>, key: Key, answer: Answer) -> Result<()> {
    app.store.write(move |tx| store::answers::answer(tx, &key, &answer).map_err(Error::from)).await
}
