//! Accounts: who may sign in, and in whose name a request acts.
//!
//! Passwords are Argon2id strings, tokens are random and kept as digests, a second factor is a time-based code or
//! a passkey. The same answer and the same work is given for a wrong password and for a name that does not exist.
//! This room must not know cookies or headers.

pub mod identify;
pub mod password;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod tokens;

pub use identify::{Identity, by_session, by_token};
pub use sign_in::{SignIn, SignedIn, sign_in};
