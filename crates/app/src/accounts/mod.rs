//! Accounts: who may sign in, and in whose name a request acts.
//!
//! Passwords are Argon2id strings, tokens are random and kept as digests, a second factor is a time-based code or
//! a passkey. The same answer and the same work is given for a wrong password and for a name that does not exist.
//! This room must not know cookies or headers.

pub mod absence;
pub mod enter_by_link;
pub mod first;
pub mod identify;
pub mod own;
pub mod passkeys;
pub mod password;
pub mod programs;
pub mod rights;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod tokens;

pub use identify::{Identity, by_session, by_token};
pub use sign_in::{SignIn, SignedIn, sign_in};

use domain::body::IpaCode;
use std::sync::OnceLock;

/// The code under which citizens and professionals are kept: no body bears it, so nothing of any body is theirs.
pub fn nowhere() -> IpaCode {
    static CODE: OnceLock<IpaCode> = OnceLock::new();
    CODE.get_or_init(|| match IpaCode::parse("_") {
        Ok(code) => code,
        Err(_) => unreachable!("an underscore is a code"),
    })
    .clone()
}
