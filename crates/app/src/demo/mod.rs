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
pub mod province;

use std::sync::Arc;

use crate::{Actor, App, Error, Result};
use domain::Moment;

/// Makes the province and its history, the last event a little before `until`. The clock of `app` must be a
/// manual one; it stands at `until` afterwards.
///
/// # Errors
/// Whatever a use case answers: the demo is data of ours, so each is a bug or a broken disk.
pub async fn make(app: &Arc<App>, seed: u64, until: Moment) -> Result<()> {
    let capital = domain::body::IpaCode::parse("c_g999")?;
    app.clock.set(history::beginning(until));
    let ctx = app.context(Actor::system(capital));
    let province = province::read(&ctx)?;
    province::store(&ctx, &province).await?;
    accounts::store(&ctx, seed, &province).await?;
    history::play(app, &province, seed, until).await?;
    if app.clock.now() != until {
        return Err(Error::Bug("the demo's clock cannot be moved".to_owned()));
    }
    Ok(())
}
