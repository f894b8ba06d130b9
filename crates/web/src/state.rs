//! What every handler can reach.

use app::App;
use std::sync::Arc;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The program.
    pub app: Arc<App>,
}
