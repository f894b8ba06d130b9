//! Places in lists ordered by instant and id, newest first, as words that clients hand back unread.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Invalid;

/// A place: whatever comes after it in the list is older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// UTC microseconds.
    pub at: i64,
    /// Id, where two have the same instant.
    pub id: String,
}

/// The words of a place.
pub fn write(place: &Place) -> String {
    URL_SAFE_NO_PAD.encode(format!("{} {}", place.at, place.id))
}

/// Reads words; without any, the beginning of the list.
///
/// # Errors
/// `bad-cursor` when they are not ours.
pub fn read(words: Option<&str>) -> Result<Place, Invalid> {
    let Some(words) = words else { return Ok(Place { at: i64::MAX, id: String::new() }) };
    let bad = || Invalid::one("/cursor", "bad-cursor");
    let bytes = URL_SAFE_NO_PAD.decode(words).map_err(|_| bad())?;
    let text = String::from_utf8(bytes).map_err(|_| bad())?;
    let (at, id) = text.split_once(' ').ok_or_else(bad)?;
    Ok(Place { at: at.parse().map_err(|_| bad())?, id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_back_and_others_are_refused() {
        let place = Place { at: 7, id: "dlv_1".into() };
        assert_eq!(read(Some(&write(&place))), Ok(place));
        assert_eq!(read(None).map(|start| start.at), Ok(i64::MAX));
        for bad in ["", "?", "bm9u", "NyA="] {
            assert!(read(Some(bad)).is_err(), "{bad}");
        }
    }
}
