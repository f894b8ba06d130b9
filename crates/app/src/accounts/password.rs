//! Passwords: what is accepted, how they are kept, how they are compared.
//!
//! Length is what protects (NIST SP 800-63B): at least twelve characters, no rule on their kinds, none of the
//! passwords everyone tries, not the name of the account.

use crate::{Error, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::Invalid;
use serde::{Deserialize, Serialize};

/// Fewest characters.
pub const MIN: usize = 12;
/// Most characters, so that hashing stays bounded.
pub const MAX: usize = 200;

/// Beginnings that everyone tries; compared without digits and signs.
const COMMON: &[&str] = &[
    "password",
    "qwerty",
    "telaio",
    "prato",
    "benvenuto",
    "cambiami",
    "changeme",
    "administrator",
    "letmein",
];

/// What one hash of Argon2id costs (RFC 9106): the more, the longer who stole the hashes must work for each guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes, each a thread's worth of work.
    pub lanes: u32,
}

impl Default for Cost {
    /// 19 MiB, two passes, one lane: the least that OWASP's password storage sheet takes, about 30 ms of one core.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl Cost {
    /// Whether Argon2 takes it and a sign-in stays bearable: 8 MiB to 1 GiB, at most 16 passes and 8 lanes.
    pub fn is_sane(self) -> bool {
        (8_192..=1_048_576).contains(&self.memory_kib)
            && (1..=16).contains(&self.passes)
            && (1..=8).contains(&self.lanes)
    }
}

/// Whether a new password is good enough for an account.
pub fn check(password: &str, username: &str) -> std::result::Result<(), Invalid> {
    let length = password.chars().count();
    if length < MIN {
        return Err(Invalid::with("/password", "password-short", MIN.to_string()));
    }
    if length > MAX {
        return Err(Invalid::with("/password", "too-long", MAX.to_string()));
    }
    let letters: String = password.to_lowercase().chars().filter(|c| c.is_alphabetic()).collect();
    let first = password.chars().next();
    let guessable = COMMON.contains(&letters.as_str())
        || letters.is_empty()
        || password.chars().all(|c| Some(c) == first)
        || (username.len() >= 4 && password.to_lowercase().contains(&username.to_lowercase()));
    if guessable { Err(Invalid::one("/password", "password-common")) } else { Ok(()) }
}

/// For the demo's accounts, whose passwords are printed anyway: a hundred of them must be made in a moment.
const DEMO_COST: Cost = Cost { memory_kib: 256, passes: 1, lanes: 1 };

fn hasher(cost: Cost) -> Result<Argon2<'static>> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
        .map_err(|why| Error::Bug(format!("argon2: {why}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The Argon2id string of a password. Slow on purpose: call it off the async threads.
///
/// # Errors
/// `Bug` when the parameters are refused.
pub fn hash(password: &str, cost: Cost) -> Result<String> {
    let hashed = hasher(cost)?.hash_password(password.as_bytes());
    hashed.map(|hash| hash.to_string()).map_err(|why| Error::Bug(format!("argon2: {why}")))
}

/// The Argon2id string of a password of the demo.
///
/// # Errors
/// `Bug` when the parameters are refused.
pub fn hash_for_demo(password: &str) -> Result<String> {
    hash(password, DEMO_COST)
}

/// Hashes off the async threads.
///
/// # Errors
/// `Bug` when the work was lost.
pub async fn hash_apart(password: String, cost: Cost) -> Result<String> {
    tokio::task::spawn_blocking(move || hash(&password, cost))
        .await
        .map_err(|why| Error::Bug(why.to_string()))?
}

/// Compares off the async threads.
///
/// # Errors
/// `Bug` when the work was lost.
pub async fn matches_apart(password: String, kept: Option<String>, cost: Cost) -> Result<bool> {
    let compare = move || matches(&password, kept.as_deref(), cost);
    tokio::task::spawn_blocking(compare).await.map_err(|why| Error::Bug(why.to_string()))?
}

/// Whether a password is the one behind a string. Without a string the same work is done against a decoy of the
/// present cost, so that time does not tell whether an account exists. Slow on purpose: call it off the async threads.
pub fn matches(password: &str, kept: Option<&str>, cost: Cost) -> Result<bool> {
    let decoy = decoy(cost);
    let parsed =
        PasswordHash::new(kept.unwrap_or(&decoy)).map_err(|why| Error::Bug(format!("argon2: {why}")))?;
    // What the string says about its own cost counts here.
    let same = hasher(cost)?.verify_password(password.as_bytes(), &parsed).is_ok();
    Ok(same && kept.is_some())
}

/// A string that no password fits: its salt and its hash are made up.
fn decoy(cost: Cost) -> String {
    let Cost { memory_kib, passes, lanes } = cost;
    let (salt, hash) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}")
}

/// Whether a string was made at another cost than the present one, or in another way altogether.
pub fn is_outdated(kept: &str, cost: Cost) -> bool {
    let Cost { memory_kib, passes, lanes } = cost;
    !kept.starts_with(&format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_again_and_another_is_not() {
        let cost = Cost::default();
        let kept = hash("una frase lunga di prova", cost).unwrap();
        assert!(kept.starts_with("$argon2id$"));
        assert!(matches("una frase lunga di prova", Some(&kept), cost).unwrap());
        assert!(!matches("una frase lunga di prov", Some(&kept), cost).unwrap());
        assert!(!matches("una frase lunga di prova", None, cost).unwrap());
        assert!(PasswordHash::new(&decoy(cost)).is_ok());
    }

    #[test]
    fn a_hash_of_another_cost_still_opens_and_is_known_as_outdated() {
        let (old, new) = (Cost { memory_kib: 8_192, passes: 1, lanes: 1 }, Cost::default());
        let kept = hash("una frase lunga di prova", old).unwrap();
        assert!(matches("una frase lunga di prova", Some(&kept), new).unwrap());
        assert!(is_outdated(&kept, new) && !is_outdated(&kept, old));
        assert!(new.is_sane() && !Cost { memory_kib: 64, ..new }.is_sane());
    }

    #[test]
    fn guessable_passwords_are_refused_with_the_reason() {
        let code = |password: &str| check(password, "prova.uno").map_err(|e| e.errors[0].code);
        assert_eq!(code("corta"), Err("password-short"));
        for bad in ["Password123!", "aaaaaaaaaaaaaaaa", "1234567890123", "xx-prova.uno-xx"] {
            assert_eq!(
                code(bad),
                Err(if bad.chars().count() < MIN { "password-short" } else { "password-common" })
            );
        }
        assert_eq!(code("cavallo batteria graffetta"), Ok(()));
    }
}
