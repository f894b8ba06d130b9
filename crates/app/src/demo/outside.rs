//! What is outside the program while its history is played: the provider of certified mail, and strangers who write.
//!
//! `telaio` brings the sandbox; a test that needs no mail brings [`Nowhere`].

use crate::Result;
use channels::Letter;
use std::future::Future;

/// The world outside, on the demo's clock.
pub trait Outside {
    /// Lets leave what waits in the outbox at this moment.
    fn leave(&self) -> impl Future<Output = Result<()>>;

    /// Lets arrive everything that can at this moment: receipts, notices, letters, reminders of silence.
    fn arrive(&self) -> impl Future<Output = Result<()>>;

    /// A stranger writes to a body, from a box of the provider.
    fn write(&self, letter: &Letter) -> impl Future<Output = Result<()>>;
}

/// A world without a provider: what is sent stays in the outbox.
pub struct Nowhere;

impl Outside for Nowhere {
    async fn leave(&self) -> Result<()> {
        Ok(())
    }

    async fn arrive(&self) -> Result<()> {
        Ok(())
    }

    async fn write(&self, _: &Letter) -> Result<()> {
        Ok(())
    }
}
