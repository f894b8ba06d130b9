//! The one road for errors: bad input, the law or a permission says no, the thing is not there, the world failed,
//! or we are wrong. `web::error` translates each into an answer; nothing else does.

use domain::{Invalid, Refusal};

/// Every way a use case can end without success.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Bad input: where, what, how to mend. Nothing was changed.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The law or a permission says no.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// Not there, or not for this person: the two are never told apart.
    #[error("not found")]
    NotFound,
    /// Somebody else changed it meanwhile; read again and repeat.
    #[error("changed meanwhile")]
    Conflict,
    /// The world failed: retry, or tell the operator. The text goes to the log, not to the person.
    #[error("problem: {0}")]
    Problem(String),
    /// Our fault. The text goes to the log, not to the person.
    #[error("bug: {0}")]
    Bug(String),
}

impl From<store::StoreError> for Error {
    fn from(error: store::StoreError) -> Self {
        Self::Problem(error.to_string())
    }
}

/// Result of a use case.
pub type Result<T> = std::result::Result<T, Error>;
