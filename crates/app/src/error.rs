//! The one road for errors: bad input, the law or a permission says no, the thing is not there, the world failed,
//! or we are wrong. `web::error` translates each into an answer; nothing else does.

use domain::{Invalid, Refusal};
use store::StoreError;

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
    /// The world failed and will mend: try again. The text goes to the log, not to the person.
    #[error("problem: {0}")]
    Problem(String),
    /// No space left for data: somebody must make room, then the same request succeeds. The text goes to the log.
    #[error("no space: {0}")]
    Full(String),
    /// What is kept cannot be read or does not match its own fingerprint: nobody should trust it, or try again,
    /// before somebody has looked. The text goes to the log and to the page of the administrator.
    #[error("damaged: {0}")]
    Damaged(String),
    /// Our fault. The text goes to the log, not to the person.
    #[error("bug: {0}")]
    Bug(String),
}

impl Error {
    /// Whether the same request may succeed later without any change: workers stop and try again instead of
    /// blaming what they had in hand.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Problem(_) | Self::Full(_))
    }
}

/// What a failure of the store means to whoever asked. A row that is there already is somebody who was faster; any
/// other promise of the tables that a write would have broken should have been refused in words before: our fault.
impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let why = error.to_string();
        match error {
            StoreError::DiskFull(_) => Self::Full(why),
            StoreError::Damaged(_) | StoreError::Key(_) => Self::Damaged(why),
            passing if passing.is_passing() => Self::Problem(why),
            duplicate if duplicate.is_duplicate() => Self::Conflict,
            _ => Self::Bug(why),
        }
    }
}

/// Result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;
    use store::Broken;

    fn told(error: StoreError) -> &'static str {
        match Error::from(error) {
            Error::Full(_) => "full",
            Error::Damaged(_) => "damaged",
            Error::Problem(_) => "problem",
            Error::Conflict => "conflict",
            Error::Bug(_) => "bug",
            Error::Invalid(_) | Error::Refusal(_) | Error::NotFound => "never",
        }
    }

    #[test]
    fn each_failure_of_the_store_says_whether_to_wait_to_look_or_to_blame_us() {
        let broken = |broken| StoreError::Constraint { broken, what: "c".into() };
        assert_eq!(told(StoreError::DiskFull("d".into())), "full");
        for passing in [
            StoreError::Unavailable("u".into()),
            StoreError::Busy("b".into()),
            StoreError::Io("i".into()),
            StoreError::Closed,
        ] {
            assert_eq!(told(passing), "problem");
        }
        assert_eq!(told(StoreError::Damaged("f".into())), "damaged");
        assert_eq!(told(StoreError::Key("k".into())), "damaged");
        assert_eq!(told(broken(Broken::Unique)), "conflict");
        for ours in [
            broken(Broken::Reference),
            broken(Broken::Check),
            broken(Broken::Missing),
            StoreError::Immutable("registrations".into()),
            StoreError::Shape("s".into()),
            StoreError::Migration("m".into()),
            StoreError::Panicked,
        ] {
            assert_eq!(told(ours), "bug");
        }
        assert!(Error::Full(String::new()).is_passing() && !Error::Damaged(String::new()).is_passing());
    }
}
