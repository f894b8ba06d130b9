//! What the layers and handlers of this process remember between requests, apart from the store: passkey
//! ceremonies under way, knocks counted, repeatable requests under way. A restart loses it without harm.

use crate::limits::Limits;
use crate::repeatable::UnderWay;
use app::accounts::passkeys::Ceremonies;
use std::sync::Arc;

/// The memory of one router.
#[derive(Default)]
pub struct Shared {
    /// Passkey ceremonies.
    pub ceremonies: Ceremonies,
    /// Knocks.
    pub limits: Arc<Limits>,
    /// Repeatable requests.
    pub under_way: Arc<UnderWay>,
}
