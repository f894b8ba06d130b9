//! Who asks. The identity layer (session cookie or bearer token) puts an `Actor` in the request; handlers take
//! it out as a ready `Context` through `Who`.

use crate::error::Fault;
use crate::state::AppState;
use app::repeatable::Claim;
use app::{Actor, Context};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The context of the signed-in person of this request.
pub struct Who(pub Context);

impl FromRequestParts<AppState> for Who {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Fault> {
        match parts.extensions.get::<Actor>() {
            Some(actor) => {
                let mut ctx = state.app.context(actor.clone());
                ctx.claim = parts.extensions.get::<Claim>().cloned();
                Ok(Self(ctx))
            }
            None => Err(Fault::SignIn),
        }
    }
}
