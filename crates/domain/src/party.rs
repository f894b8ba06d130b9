//! Citizens, firms and their addresses: what a code or an address must look like.
//!
//! Pure checks of form; whether a code was really given to somebody is for the registers to say.

/// Whether a text has the form of an Italian tax code: sixteen characters with the right control letter
/// (omocodia included; D.M. 23/12/1976) or eleven digits with the right control digit.
pub fn is_tax_code(text: &str) -> bool {
    match text.len() {
        16 => is_personal_code(text),
        11 => is_numeric_code(text),
        _ => false,
    }
}

/// Value of a character in an odd position, by the table of the decree; letters and digits share it, in order.
const ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

fn is_personal_code(text: &str) -> bool {
    let bytes = text.to_ascii_uppercase().into_bytes();
    let shape = b"AAAAAA99A99A999A";
    let fits = bytes.iter().zip(shape).all(|(b, s)| match s {
        b'A' => b.is_ascii_uppercase(),
        _ => b.is_ascii_digit() || b"LMNPQRSTUV".contains(b),
    });
    fits && control_letter(&bytes[..15]) == Some(bytes[15])
}

fn control_letter(first_fifteen: &[u8]) -> Option<u8> {
    let mut sum = 0;
    for (i, b) in first_fifteen.iter().enumerate() {
        let rank = match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'A'..=b'Z' => u32::from(b - b'A'),
            _ => return None,
        };
        sum += if i % 2 == 0 { ODD[rank as usize] } else { rank };
    }
    u8::try_from(sum % 26).ok().map(|n| b'A' + n)
}

fn is_numeric_code(text: &str) -> bool {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits else { return false };
    let sum: u32 = digits[..10]
        .iter()
        .enumerate()
        .map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 - if *d > 4 { 9 } else { 0 } })
        .sum();
    digits[10] == (10 - sum % 10) % 10
}

/// Whether a text has the form of a mail address: one `@`, no spaces or control characters, a dotted domain.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let clean =
        |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_graphic() && !b"()<>[]\\,;:\"@".contains(&b));
    text.len() <= 254
        && local.len() <= 64
        && clean(local)
        && clean(domain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
}

/// An address with its domain in lower case: the form in which addresses are stored and compared.
pub fn normal_address(text: &str) -> String {
    match text.trim().rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
        None => text.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tax_codes() {
        assert!(is_tax_code("84006890481")); // Comune di Prato: public, verified in the reference sheet.
        assert!(!is_tax_code("84006890482"));
        // Invented person; the last letter is the control letter of the first fifteen characters.
        let body = b"PRVNUO80A01G999";
        let mut code = body.to_vec();
        code.push(control_letter(body).unwrap());
        assert!(is_tax_code(std::str::from_utf8(&code).unwrap()));
        code[15] = if code[15] == b'A' { b'B' } else { b'A' };
        assert!(!is_tax_code(std::str::from_utf8(&code).unwrap()));
        assert!(!is_tax_code("hello"));
    }

    #[test]
    fn addresses() {
        for good in ["protocollo@pec.ente.test", "a.b+c@x.it"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "a", "@x.it", "a@", "a@b", "a b@x.it", "a@x..it", "a@-x.it", "a\r\nBcc: b@x.it@y.it"]
        {
            assert!(!is_address(bad), "{bad:?}");
        }
        assert_eq!(normal_address(" Prova@PEC.Ente.Test "), "Prova@pec.ente.test");
    }
}
