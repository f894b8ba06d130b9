//! Random tokens and the digests under which they are kept.

use crate::{Error, Result};
use sha2::{Digest, Sha256};

/// A random token of 256 bits, in URL-safe text.
pub fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|why| Error::Problem(format!("no randomness: {why}")))?;
    Ok(base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes))
}

/// The digest under which a token is kept. A fast hash suffices: the token has 256 random bits.
pub fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
