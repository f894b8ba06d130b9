//! The demonstration: the province of Prato with true bodies and invented people.
//!
//! Everything is made by the use cases themselves with the clock moved by hand, so that numbers, journal,
//! deliveries and receipts are as real as anybody's. The same seed gives the same province. Nothing here is used
//! in production, and nothing here may reach a real mailbox: every address ends in `.test`.

pub mod accounts;
pub mod authority;
mod cast;
mod dice;
pub mod history;
pub mod outside;
mod post;
pub mod province;
mod scans;
mod troubles;

use std::sync::Arc;

use crate::{Actor, App, Error, Result};
use domain::Moment;
pub use outside::{Nowhere, Outside};

/// Makes the province and its history, the last event a little before `until`. The clock of `app` must be a
/// manual one, and `outside` go by it; it stands at `until` afterwards.
///
/// # Errors
/// Whatever a use case answers: the demo is data of ours, so each is a bug or a broken disk.
pub async fn make<O: Outside>(
    app: &Arc<App>,
    seed: u64,
    until: Moment,
    outside: impl AsyncFnOnce() -> Result<O>,
) -> Result<()> {
    let capital = domain::body::IpaCode::parse("c_g999")?;
    app.clock.set(history::beginning(until));
    let ctx = app.context(Actor::system(capital));
    let province = province::read(&ctx)?;
    province::store(&ctx, &province).await?;
    accounts::store(&ctx, seed, &province).await?;
    // The bodies must exist before anybody can open their boxes.
    let outside = outside().await?;
    history::play(app, &province, seed, until, &outside).await?;
    if app.clock.now() != until {
        return Err(Error::Bug("the demo's clock cannot be moved".to_owned()));
    }
    Ok(())
}
