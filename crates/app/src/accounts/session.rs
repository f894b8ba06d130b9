//! What a signed-in person does with the own session: leave, or work in another place.

use super::Identity;
use super::identify::Place;
use super::secret;
use crate::context::App;
use crate::{Error, Result};
use domain::body::IpaCode;
use domain::ids::{AccountId, UnitId};
use std::sync::Arc;
use store::accounts::{self, Moved};

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

/// Moves the session to another place among those the person may work in, with a new secret: whoever held the old
/// one does not follow. Gives the token for the cookie.
///
/// # Errors
/// `NotFound` when the place is not one of them.
pub async fn work_in(app: &Arc<App>, who: &Identity, to: PlaceKey) -> Result<String> {
    let allowed = who.places.iter().any(|place| to.is(place));
    let (Some(id), true) = (who.session.clone(), allowed) else { return Err(Error::NotFound) };
    let (token, csrf) = (secret::random_token()?, secret::random_token()?);
    let hash = secret::digest(&token);
    app.store
        .write(move |tx| {
            let moved = Moved {
                token_hash: &hash,
                csrf: &csrf,
                body: &to.body,
                unit: to.unit.as_ref(),
                stands_in_for: to.for_whom.as_ref(),
            };
            accounts::move_session(tx, &id, &moved).map_err(Error::from)
        })
        .await?;
    Ok(token)
}

/// What tells one place from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceKey {
    /// Body.
    pub body: IpaCode,
    /// Office.
    pub unit: Option<UnitId>,
    /// The absent person in whose place.
    pub for_whom: Option<AccountId>,
}

impl PlaceKey {
    /// Whether it is the key of a place.
    pub fn is(&self, place: &Place) -> bool {
        let absent = place.for_whom.as_ref().map(|(id, _)| id);
        place.body == self.body && place.unit == self.unit && absent == self.for_whom.as_ref()
    }
}
