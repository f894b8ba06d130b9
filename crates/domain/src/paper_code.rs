//! The code printed on a paper that the system gives out: 31 characters, the last a check on the others.
//!
//! It plays the part of the *contrassegno* (D.Lgs. 82/2005, art. 23, c. 2-bis): whoever holds the paper types or
//! scans it. The alphabet has 31 signs, none easily taken for another, and 31 is prime, so that the check sign
//! notices every single wrong sign and every swap of two neighbours.

use crate::fault::Invalid;
use std::fmt;
use std::str::FromStr;

const SIGNS: &[u8; 31] = b"123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM: usize = 30;

/// A code with a right check sign, in its plain form (no spaces).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PaperCode(String);

impl PaperCode {
    /// A code out of random bytes: 30 signs need a little more than 30 bytes, 64 are ample. `None` when they do not
    /// suffice.
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        // bytes from 248 on are passed over, so that every sign is equally likely
        let signs: Vec<u8> = bytes.iter().filter(|b| **b < 248).take(RANDOM).map(|b| b % 31).collect();
        (signs.len() == RANDOM).then(|| Self::with_check(&signs))
    }

    fn with_check(signs: &[u8]) -> Self {
        let all = signs.iter().copied().chain([check(signs)]);
        Self(all.map(|s| char::from(SIGNS[usize::from(s)])).collect())
    }

    /// Reads what somebody typed: small letters, spaces and hyphens are allowed, I and L count as 1.
    ///
    /// # Errors
    /// Code `paper-code` when it is not 31 signs or the check sign is wrong.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::one("/code", "paper-code");
        let plain = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let signs: Option<Vec<u8>> = plain
            .map(|c| match c.to_ascii_uppercase() {
                'I' | 'L' => '1',
                c => c,
            })
            .map(|c| SIGNS.iter().position(|s| char::from(*s) == c).and_then(|i| u8::try_from(i).ok()))
            .collect();
        let signs = signs.filter(|s| s.len() == RANDOM + 1).ok_or_else(wrong)?;
        let code = Self::with_check(&signs[..RANDOM]);
        if check(&signs[..RANDOM]) == signs[RANDOM] { Ok(code) } else { Err(wrong()) }
    }

    /// The 31 signs.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In groups, as people read it aloud: `7K2MX 9QF4A …`.
    pub fn spaced(&self) -> String {
        let groups: Vec<&str> =
            self.0.as_bytes().chunks(5).filter_map(|g| std::str::from_utf8(g).ok()).collect();
        groups.join(" ")
    }
}

/// What brings the weighted sum of all signs to a multiple of 31; its own weight is 1, that of its neighbour 30.
fn check(signs: &[u8]) -> u8 {
    let sum: u32 = signs.iter().zip(1u32..).map(|(sign, weight)| u32::from(*sign) * weight).sum();
    ((31 - sum % 31) % 31) as u8
}

impl fmt::Display for PaperCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PaperCode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> PaperCode {
        let bytes: Vec<u8> = (0..64).map(|i: u8| i.wrapping_mul(37)).collect();
        PaperCode::from_random(&bytes).unwrap()
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = code();
        assert_eq!(code.as_str().len(), 31);
        assert_eq!(PaperCode::parse(&code.spaced().to_lowercase()).unwrap(), code);
        assert!(PaperCode::parse("").is_err());
        assert!(PaperCode::parse(&format!("{code}1")).is_err());
        assert!(PaperCode::from_random(&[255; 64]).is_none());
    }

    #[test]
    fn every_wrong_sign_and_every_swap_is_noticed() {
        let good = code().as_str().to_owned().into_bytes();
        for i in 0..31 {
            for sign in SIGNS {
                let mut bad = good.clone();
                bad[i] = *sign;
                assert_eq!(PaperCode::parse(std::str::from_utf8(&bad).unwrap()).is_ok(), bad == good);
            }
            let mut swapped = good.clone();
            swapped.swap(i, (i + 1).min(30));
            assert_eq!(PaperCode::parse(std::str::from_utf8(&swapped).unwrap()).is_ok(), swapped == good);
        }
    }
}
