//! Reading JSON that programs send: every fault names the field by a JSON pointer, unknown fields are refused.

use crate::error::Fault;
use domain::Invalid;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

/// Reads a value; the fault says where and what.
///
/// # Errors
/// `BadRequest` when the text is no JSON at all; `Invalid` when a field is missing, unknown or not of its kind.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|_| Fault::BadRequest("bad-json"))?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = pointer(error.path());
        Fault::from(fault(&place, &error.inner().to_string()))
    })
}

/// The parser tells what is wrong only in words; the name of a missing or unknown field stands between backticks.
fn fault(place: &str, words: &str) -> Invalid {
    let name = words.split('`').nth(1).unwrap_or_default();
    match words {
        _ if words.starts_with("missing field") => Invalid::one(format!("{place}/{name}"), "required"),
        _ if words.starts_with("unknown field") => {
            let name: String = name.chars().take(40).collect();
            // The path may already end with the field the parser stumbled on.
            let place = place.strip_suffix(&format!("/{name}")).unwrap_or(place);
            Invalid::with(format!("{place}/{name}"), "unknown-field", name)
        }
        _ => Invalid::one(if place.is_empty() { "/" } else { place }, "bad-value"),
    }
}

fn pointer(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::Error;
    use domain::register::NewRegistration;

    fn found(text: &str) -> (String, &'static str) {
        match read::<NewRegistration>(text.as_bytes()) {
            Err(Fault::App(error)) => match error.as_ref() {
                Error::Invalid(faults) => (faults.errors[0].pointer.clone(), faults.errors[0].code),
                other => panic!("{other}"),
            },
            Err(Fault::BadRequest(code)) => (String::new(), code),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_fault_has_its_pointer() {
        let with = |extra: &str| {
            format!(
                r#"{{"body":"c_g999","aoo":"A1B2C3D","direction":"incoming","subject":"x",
                   "correspondents":[{{"kind":"person","name":"Prova"{extra}}}]}}"#
            )
        };
        assert!(read::<NewRegistration>(with("").as_bytes()).is_ok());
        assert_eq!(found("{"), (String::new(), "bad-json"));
        assert_eq!(found("\"\u{0}"), (String::new(), "bad-json"));
        assert_eq!(found(r#"{"body":"c_g999"}"#), ("/aoo".into(), "required"));
        assert_eq!(found(&with(r#","nome":"x""#)).1, "unknown-field");
        assert_eq!(found(&with(r#","nome":"x""#)).0, "/correspondents/0/nome");
        assert_eq!(found(&with("").replace("incoming", "sideways")), ("/direction".into(), "bad-value"));
        assert_eq!(
            found(&with("").replace("person", "robot")),
            ("/correspondents/0/kind".into(), "bad-value")
        );
    }
}
