//! A citation of the law as a value, so that screens, letters and logs print the article and nobody types it twice.

use serde::Serialize;

/// A citation, in the usual Italian short form: `Law("D.P.R. 445/2000, art. 54")`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Law(pub &'static str);

impl std::fmt::Display for Law {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}
