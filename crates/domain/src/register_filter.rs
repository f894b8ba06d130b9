//! What somebody looks for in the register: filters as they stand in a query string, a saved view or an export.
//!
//! One value for pages, API, saved views and the store, so that a view can be bookmarked, sent and repeated. A
//! filter also says whether it touches the content of entries: then confidential entries of others must not even
//! be counted, because a hit would tell what they hold (register sheet, §16).

use crate::fault::Invalid;
use crate::ids::{AccountId, UnitId};
use crate::register::Direction;
use jiff::civil::Date;

/// Longest text looked for, in characters.
pub const TEXT_MAX: usize = 200;

/// Filters of a list of entries; absent means "any".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Calendar year of the number.
    pub year: Option<i64>,
    /// Lowest number.
    pub from_number: Option<i64>,
    /// Highest number.
    pub to_number: Option<i64>,
    /// Words of subject, correspondents or documents.
    pub text: Option<String>,
    /// First day of registration, in Rome.
    pub from: Option<Date>,
    /// Last day of registration, in Rome.
    pub to: Option<Date>,
    /// Direction.
    pub direction: Option<Direction>,
    /// Words of a sender's or recipient's name.
    pub correspondent: Option<String>,
    /// Class; the classes below it are meant too.
    pub class: Option<String>,
    /// Office to which it is assigned.
    pub unit: Option<UnitId>,
    /// Person to whom it is assigned.
    pub assigned_to: Option<AccountId>,
    /// Annulled entries only, or none of them.
    pub annulled: Option<bool>,
    /// Entries with attachments only, or without.
    pub attachments: Option<bool>,
}

impl Filter {
    /// The names of the parameters, in the order of the form.
    pub const NAMES: [&'static str; 13] = [
        "year",
        "from_number",
        "to_number",
        "q",
        "from",
        "to",
        "direction",
        "correspondent",
        "classification",
        "unit",
        "assigned_to",
        "annulled",
        "with_attachments",
    ];

    /// Reads a filter from pairs of a query string; empty values mean "any", names not in [`Filter::NAMES`] are
    /// left to the caller. A number alone in `q` (`1234`, `1234/2026`) is looked for as a number.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Invalid> {
        let mut it = Self::default();
        let mut faults = Invalid::default();
        for (name, value) in pairs {
            let value = value.trim();
            if !value.is_empty() {
                it.set(name, value, &mut faults);
            }
        }
        if let (Some(from), Some(to)) = (it.from, it.to)
            && to < from
        {
            faults.add("/to", "before-from");
        }
        if let Some((number, year)) = it.text.as_deref().and_then(number_and_year) {
            it.text = None;
            (it.from_number, it.to_number) = (Some(number), Some(number));
            it.year = year.or(it.year);
        }
        faults.or(it)
    }

    fn set(&mut self, name: &str, value: &str, faults: &mut Invalid) {
        match name {
            "year" => self.year = number(name, value, 1900..=9999, faults),
            "from_number" => self.from_number = number(name, value, 1..=i64::MAX, faults),
            "to_number" => self.to_number = number(name, value, 1..=i64::MAX, faults),
            "q" => self.text = text(name, value, faults),
            "from" => self.from = parsed(name, value, "bad-date", faults),
            "to" => self.to = parsed(name, value, "bad-date", faults),
            "direction" => match Direction::parse(value) {
                Ok(direction) => self.direction = Some(direction),
                Err(fault) => faults.errors.extend(fault.errors),
            },
            "correspondent" => self.correspondent = text(name, value, faults),
            "classification" => self.class = text(name, value, faults),
            "unit" => self.unit = parsed(name, value, "bad-code", faults),
            "assigned_to" => self.assigned_to = parsed(name, value, "bad-code", faults),
            "annulled" => self.annulled = yes_no(name, value, faults),
            "with_attachments" => self.attachments = yes_no(name, value, faults),
            _ => {}
        }
    }

    /// The filter as pairs of a query string: what [`Filter::parse`] reads back.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let yes = |flag: Option<bool>| flag.map(|on| if on { "yes" } else { "no" }.to_owned());
        let values = [
            self.year.map(|n| n.to_string()),
            self.from_number.map(|n| n.to_string()),
            self.to_number.map(|n| n.to_string()),
            self.text.clone(),
            self.from.map(|d| d.to_string()),
            self.to.map(|d| d.to_string()),
            self.direction.map(|d| d.name().to_owned()),
            self.correspondent.clone(),
            self.class.clone(),
            self.unit.as_ref().map(ToString::to_string),
            self.assigned_to.as_ref().map(ToString::to_string),
            yes(self.annulled),
            yes(self.attachments),
        ];
        Self::NAMES.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Whether it asks about what entries hold, beyond number and date.
    pub fn touches_content(&self) -> bool {
        self.text.is_some()
            || self.direction.is_some()
            || self.correspondent.is_some()
            || self.class.is_some()
            || self.unit.is_some()
            || self.assigned_to.is_some()
            || self.annulled.is_some()
            || self.attachments.is_some()
    }
}

/// Reads `1234`, `0001234` or `1234/2026` as a register number with its year if given.
pub fn number_and_year(text: &str) -> Option<(i64, Option<i64>)> {
    let digits = |t: &str, max: usize| {
        let fits = !t.is_empty() && t.len() <= max && t.bytes().all(|b| b.is_ascii_digit());
        if fits { t.parse::<i64>().ok().filter(|n| *n > 0) } else { None }
    };
    match text.trim().split_once('/') {
        None => Some((digits(text.trim(), 12)?, None)),
        Some((number, year)) if year.trim().len() == 4 => {
            Some((digits(number.trim(), 12)?, Some(digits(year.trim(), 4)?)))
        }
        Some(_) => None,
    }
}

fn pointer(name: &str) -> String {
    format!("/{name}")
}

fn number(
    name: &str,
    value: &str,
    within: std::ops::RangeInclusive<i64>,
    faults: &mut Invalid,
) -> Option<i64> {
    let read = value.parse().ok().filter(|n| within.contains(n));
    if read.is_none() {
        faults.add_with(pointer(name), "bad-number", short(value));
    }
    read
}

fn parsed<T: std::str::FromStr>(
    name: &str,
    value: &str,
    code: &'static str,
    faults: &mut Invalid,
) -> Option<T> {
    let read = value.parse().ok();
    if read.is_none() {
        faults.add_with(pointer(name), code, short(value));
    }
    read
}

fn text(name: &str, value: &str, faults: &mut Invalid) -> Option<String> {
    if value.chars().count() > TEXT_MAX || value.chars().any(char::is_control) {
        faults.add_with(pointer(name), "too-long", TEXT_MAX.to_string());
        return None;
    }
    Some(value.to_owned())
}

fn yes_no(name: &str, value: &str, faults: &mut Invalid) -> Option<bool> {
    match value {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => {
            faults.add_with(pointer(name), "bad-code", short(value));
            None
        }
    }
}

fn short(value: &str) -> String {
    value.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_in_the_search_box_goes_straight_to_it() {
        assert_eq!(number_and_year("1234/2026"), Some((1234, Some(2026))));
        assert_eq!(number_and_year(" 0184310 "), Some((184_310, None)));
        for other in ["", "0", "12 34", "1234/26", "via Roma 12", "-3", "99999999999999999999"] {
            assert_eq!(number_and_year(other), None, "{other}");
        }
        let filter = Filter::parse([("q", "77/2025"), ("year", "2026")]).unwrap();
        assert_eq!((filter.year, filter.from_number, filter.to_number), (Some(2025), Some(77), Some(77)));
        assert!(!filter.touches_content());
    }

    #[test]
    fn every_fault_is_named() {
        let bad = [("year", "MMXXVI"), ("from", "23/11/2026"), ("direction", "up"), ("annulled", "maybe")];
        let pointers: Vec<_> =
            Filter::parse(bad).unwrap_err().errors.into_iter().map(|e| e.pointer).collect();
        assert_eq!(pointers, ["/year", "/from", "/direction", "/annulled"]);
        assert!(Filter::parse([("from", "2026-11-23"), ("to", "2026-11-22")]).is_err());
    }

    #[test]
    fn filters_on_content_are_told_from_filters_on_number_and_date() {
        for (name, value) in [("q", "strada"), ("direction", "incoming"), ("classification", "VI.3")] {
            assert!(Filter::parse([(name, value)]).unwrap().touches_content(), "{name}");
        }
        for (name, value) in [("year", "2026"), ("from_number", "3"), ("from", "2026-01-01")] {
            assert!(!Filter::parse([(name, value)]).unwrap().touches_content(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_filter_reads_back(
            year in proptest::option::of(1900i64..=9999),
            text in proptest::option::of("[a-z]{1,20}( [a-z]{1,9})?"),
            annulled in proptest::option::of(any::<bool>()),
            from in proptest::option::of(1i64..10_000_000),
        ) {
            let filter = Filter { year, text, annulled, from_number: from, ..Filter::default() };
            let pairs = filter.pairs();
            let read = Filter::parse(pairs.iter().map(|(n, v)| (*n, v.as_str()))).unwrap();
            prop_assert_eq!(read, filter);
        }
    }
}
