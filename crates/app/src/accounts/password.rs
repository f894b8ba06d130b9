//! Passwords: what is accepted, how they are kept, how they are compared.
//!
//! Length is what protects (NIST SP 800-63B): at least twelve characters, no rule on their kinds, none of the
//! passwords everyone tries, not the name of the account.

use crate::{Error, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::Invalid;
use std::sync::OnceLock;

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

/// Memory in KiB, passes, lanes: the second choice of RFC 9106, scaled to a shared small server.
const COST: (u32, u32, u32) = (19_456, 2, 1);

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
const DEMO_COST: (u32, u32, u32) = (256, 1, 1);

fn hasher(cost: (u32, u32, u32)) -> Result<Argon2<'static>> {
    let params =
        Params::new(cost.0, cost.1, cost.2, None).map_err(|why| Error::Bug(format!("argon2: {why}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_at(cost: (u32, u32, u32), password: &str) -> Result<String> {
    let hashed = hasher(cost)?.hash_password(password.as_bytes());
    hashed.map(|hash| hash.to_string()).map_err(|why| Error::Bug(format!("argon2: {why}")))
}

/// The Argon2id string of a password. Slow on purpose: call it off the async threads.
///
/// # Errors
/// `Bug` when the parameters are refused.
pub fn hash(password: &str) -> Result<String> {
    hash_at(COST, password)
}

/// The Argon2id string of a password of the demo.
///
/// # Errors
/// `Bug` when the parameters are refused.
pub fn hash_for_demo(password: &str) -> Result<String> {
    hash_at(DEMO_COST, password)
}

/// Hashes off the async threads.
///
/// # Errors
/// `Bug` when the work was lost.
pub async fn hash_apart(password: String) -> Result<String> {
    tokio::task::spawn_blocking(move || hash(&password)).await.map_err(|why| Error::Bug(why.to_string()))?
}

/// Compares off the async threads.
///
/// # Errors
/// `Bug` when the work was lost.
pub async fn matches_apart(password: String, kept: Option<String>) -> Result<bool> {
    let compare = move || matches(&password, kept.as_deref());
    tokio::task::spawn_blocking(compare).await.map_err(|why| Error::Bug(why.to_string()))?
}

/// Whether a password is the one behind a string. Without a string the same work is done against a decoy, so that
/// time does not tell whether an account exists. Slow on purpose: call it off the async threads.
pub fn matches(password: &str, kept: Option<&str>) -> Result<bool> {
    static DECOY: OnceLock<String> = OnceLock::new();
    let decoy = match DECOY.get() {
        Some(decoy) => decoy,
        None => {
            let made = hash("a decoy that nobody can type")?;
            DECOY.get_or_init(|| made)
        }
    };
    let parsed =
        PasswordHash::new(kept.unwrap_or(decoy)).map_err(|why| Error::Bug(format!("argon2: {why}")))?;
    let same = hasher(COST)?.verify_password(password.as_bytes(), &parsed).is_ok();
    Ok(same && kept.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_again_and_another_is_not() {
        let kept = hash("una frase lunga di prova").unwrap();
        assert!(kept.starts_with("$argon2id$"));
        assert!(matches("una frase lunga di prova", Some(&kept)).unwrap());
        assert!(!matches("una frase lunga di prov", Some(&kept)).unwrap());
        assert!(!matches("a decoy that nobody can type", None).unwrap());
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
