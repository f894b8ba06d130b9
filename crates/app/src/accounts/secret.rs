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
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A code that a person can write down: ten letters and digits in two groups, fifty bits.
pub fn short_code() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
    let mut bytes = [0_u8; 10];
    getrandom::fill(&mut bytes).map_err(|why| Error::Problem(format!("no randomness: {why}")))?;
    let letters: String = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(format!("{}-{}", &letters[..5], &letters[5..]))
}

/// The digest of a code as typed: case, blanks and dashes aside.
pub fn digest_of_code(code: &str) -> [u8; 32] {
    let bare: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(bare.to_ascii_lowercase().as_bytes()).into()
}
