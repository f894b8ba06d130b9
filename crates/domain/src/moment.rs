//! An instant together with its legal date in Italy.
//!
//! The clock is read once per request or job and handed down as a `Moment`; nothing below asks the system for
//! the time. The legal time of registers and certified mail is that of Europe/Rome (D.P.R. 445/2000, art. 53).

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// An instant (microseconds, UTC) with the civil date it falls on in Rome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The instant.
    pub at: Timestamp,
    /// The date in Europe/Rome at that instant.
    pub today: Date,
}

impl Moment {
    /// The moment of an instant.
    pub fn new(at: Timestamp) -> Self {
        Self { at, today: at.to_zoned(rome()).date() }
    }

    /// The moment of an instant given in microseconds since 1970 (UTC); out of range values are clamped.
    pub fn from_micros(micros: i64) -> Self {
        Self::new(Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        }))
    }

    /// Microseconds since 1970, UTC: the form in which instants are stored.
    pub fn micros(&self) -> i64 {
        self.at.as_microsecond()
    }

    /// The calendar year in Rome: the year of a register number.
    pub fn year(&self) -> i64 {
        i64::from(self.today.year())
    }

    /// The wall-clock time in Rome.
    pub fn local(&self) -> Zoned {
        self.at.to_zoned(rome())
    }

    /// RFC 3339 with the offset of Rome and whole seconds: the form of the API.
    pub fn rfc3339(&self) -> String {
        self.local().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

/// The time zone of Italian legal time. The zone data is compiled in, so this cannot fail on a bare machine.
pub fn rome() -> TimeZone {
    static ROME: std::sync::OnceLock<TimeZone> = std::sync::OnceLock::new();
    ROME.get_or_init(|| TimeZone::get("Europe/Rome").unwrap_or(TimeZone::UTC)).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_is_that_of_rome_not_of_greenwich() {
        let m = Moment::new("2026-12-31T23:30:00Z".parse().unwrap());
        assert_eq!(m.year(), 2027);
        assert_eq!(m.rfc3339(), "2027-01-01T00:30:00+01:00");
        assert_eq!(Moment::from_micros(m.micros()), m);
    }
}
