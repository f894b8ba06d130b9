//! Working days in Italy: Monday to Friday except national holidays.
//!
//! Holidays are dated rows, because the list changes: the 4th of October is one again from 2026. Patron saints'
//! days are given by the caller, since each comune has its own. Terms of law are counted elsewhere; this file
//! only knows which days are worked.

use crate::law::Law;
use jiff::civil::{Date, Weekday};

/// A fixed national holiday: month, day, first and last year in force.
struct Holiday(i8, i8, i16, i16, Law);

const LIST: Law = Law("L. 260/1949, art. 2");

const FIXED: &[Holiday] = &[
    Holiday(1, 1, 1949, i16::MAX, LIST),
    Holiday(1, 6, 1986, i16::MAX, Law("D.P.R. 792/1985, art. 1")),
    Holiday(4, 25, 1949, i16::MAX, LIST),
    Holiday(5, 1, 1949, i16::MAX, LIST),
    Holiday(6, 2, 2001, i16::MAX, Law("L. 336/2000, art. 1")),
    Holiday(8, 15, 1949, i16::MAX, LIST),
    Holiday(10, 4, 2026, i16::MAX, Law("L. 151/2025")),
    Holiday(11, 1, 1949, i16::MAX, LIST),
    Holiday(12, 8, 1949, i16::MAX, LIST),
    Holiday(12, 25, 1949, i16::MAX, LIST),
    Holiday(12, 26, 1949, i16::MAX, LIST),
];

/// The law that makes a date a national holiday, if one does (Sundays apart).
pub fn holiday(day: Date) -> Option<Law> {
    let fixed =
        FIXED.iter().find(|h| (h.0, h.1) == (day.month(), day.day()) && (h.2..=h.3).contains(&day.year()));
    match fixed {
        Some(h) => Some(h.4),
        None => (easter(day.year()).and_then(|e| e.tomorrow().ok()) == Some(day)).then_some(LIST),
    }
}

/// Whether offices work on a date; `patron` is the month and day of the local patron saint, if it counts.
pub fn is_working_day(day: Date, patron: Option<(i8, i8)>) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
        && holiday(day).is_none()
        && patron != Some((day.month(), day.day()))
}

/// The date that stands `count` working days after `start`, the first day excluded.
pub fn add_working_days(start: Date, count: u32, patron: Option<(i8, i8)>) -> Date {
    let mut day = start;
    let mut left = count;
    while left > 0 {
        let Ok(next) = day.tomorrow() else { return day };
        day = next;
        if is_working_day(day, patron) {
            left -= 1;
        }
    }
    day
}

/// Easter Sunday of the Gregorian calendar (computus of Meeus, Jones and Butcher).
pub fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    let (month, day) = (i8::try_from(n / 31).ok()?, i8::try_from(n % 31 + 1).ok()?);
    Date::new(year, month, day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn easter_of_known_years() {
        for (year, date) in
            [(2024, "2024-03-31"), (2025, "2025-04-20"), (2026, "2026-04-05"), (2027, "2027-03-28")]
        {
            assert_eq!(easter(year), Some(day(date)));
        }
    }

    #[test]
    fn working_days_skip_weekends_holidays_and_the_patron() {
        assert!(!is_working_day(day("2026-04-06"), None)); // Easter Monday.
        assert!(is_working_day(day("2023-10-04"), None)); // Not yet a holiday again.
        assert!(!is_working_day(day("2027-10-04"), None));
        assert!(!is_working_day(day("2026-11-30"), Some((11, 30))));
        assert_eq!(add_working_days(day("2026-11-23"), 5, None), day("2026-11-30"));
        assert_eq!(add_working_days(day("2026-12-23"), 3, None), day("2026-12-29"));
    }
}
