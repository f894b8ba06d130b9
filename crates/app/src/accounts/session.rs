//! What a signed-in person does with the own session: leave, or work in another place.

use super::Identity;
use super::secret;
use crate::context::App;
use crate::{Error, Result};
use domain::body::IpaCode;
use domain::ids::UnitId;
use std::sync::Arc;
use store::accounts;

/// Ends the session behind a cookie.
///
/// # Errors
/// `Problem` when the store is away.
pub async fn sign_out(app: &Arc<App>, token: &str) -> Result<()> {
    let hash = secret::digest(token);
    app.store
        .write(move |tx| {
            if let Some(session) = accounts::session(tx, &hash)? {
                accounts::end_session(tx, &session.account, &session.id)?;
            }
            Ok::<_, Error>(())
        })
        .await
}

/// Moves the session to another place among those the person may work in.
///
/// # Errors
/// `NotFound` when the place is not one of them.
pub async fn work_in(app: &Arc<App>, who: &Identity, body: IpaCode, unit: Option<UnitId>) -> Result<()> {
    let allowed = who.places.iter().any(|place| place.body == body && place.unit == unit);
    let (Some(id), true) = (who.session.clone(), allowed) else { return Err(Error::NotFound) };
    app.store
        .write(move |tx| accounts::move_session(tx, &id, &body, unit.as_ref()).map_err(Error::from))
        .await
}
