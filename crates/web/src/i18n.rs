//! The words of the interface: message files in two languages, and dates that speak.
//!
//! Messages are Fluent files compiled in, one per slice and language, with the same keys in both (a test holds
//! them together). Code and templates name keys only; the sentence is in the file. This room must not know which
//! page asks, nor any rule: whether a date is late is told to it.

use crate::prefs::Lang;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use jiff::Timestamp;
use jiff::civil::Date;
use std::fmt::Display;
use std::sync::LazyLock;

macro_rules! slices {
    ($($name:literal),* $(,)?) => {
        const SLICES: &[(&str, &str, &str)] = &[$((
            $name,
            include_str!(concat!("../i18n/it/", $name, ".ftl")),
            include_str!(concat!("../i18n/en/", $name, ".ftl")),
        ),)*];
    };
}

slices![
    "access", "admin", "common", "dossier", "errors", "exchange", "papers", "register", "scans", "verify"
];

type Bundle = FluentBundle<FluentResource>;

static ITALIAN: LazyLock<Bundle> = LazyLock::new(|| bundle(Lang::It));
static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Lang::En));

fn bundle(lang: Lang) -> Bundle {
    let id = match lang {
        Lang::It => "it".parse(),
        Lang::En => "en".parse(),
    };
    let mut all = Bundle::new_concurrent(vec![id.unwrap_or_default()]);
    // Marks for mixed directions of writing would end up in copied numbers and in the tests; both languages go
    // from left to right.
    all.set_use_isolating(false);
    for (name, italian, english) in SLICES {
        let text = if lang == Lang::It { italian } else { english };
        let resource = FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(resource, faults)| {
            tracing::error!(slice = name, lang = lang.code(), ?faults, "message file has faults");
            resource
        });
        all.add_resource_overriding(resource);
    }
    all
}

/// The sentence of a key. An unknown key is shown as such, and fails a test before a reader sees it.
pub fn text(lang: Lang, key: &str) -> String {
    format(lang, key, None)
}

/// The sentence of a key that quotes one text.
pub fn text1(lang: Lang, key: &str, name: &str, value: impl Display) -> String {
    let mut args = FluentArgs::new();
    args.set(name, FluentValue::from(value.to_string()));
    format(lang, key, Some(&args))
}

/// The sentence of a key that quotes two texts.
pub fn text2(lang: Lang, key: &str, one: (&str, &str), two: (&str, &str)) -> String {
    let mut args = FluentArgs::new();
    args.set(one.0, FluentValue::from(one.1));
    args.set(two.0, FluentValue::from(two.1));
    format(lang, key, Some(&args))
}

/// The sentence of a key that counts: the message chooses singular or plural by `$n`.
pub fn text_n(lang: Lang, key: &str, n: i64) -> String {
    let mut args = FluentArgs::new();
    args.set("n", FluentValue::from(n));
    format(lang, key, Some(&args))
}

/// The sentence of a key that quotes figures, each with the separators of the language.
pub fn text_figures(lang: Lang, key: &str, figures: &[(&str, i64)]) -> String {
    let mut args = FluentArgs::new();
    for (name, value) in figures {
        args.set(*name, FluentValue::from(number(lang, *value)));
    }
    format(lang, key, Some(&args))
}

/// Whether a key exists (for families of keys such as `err-<code>`, where a general sentence stands in).
pub fn has(lang: Lang, key: &str) -> bool {
    of(lang).get_message(key).is_some_and(|message| message.value().is_some())
}

fn of(lang: Lang) -> &'static Bundle {
    match lang {
        Lang::It => &ITALIAN,
        Lang::En => &ENGLISH,
    }
}

fn format(lang: Lang, key: &str, args: Option<&FluentArgs>) -> String {
    let bundle = of(lang);
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        tracing::error!(key, "unknown message key");
        return key.to_owned();
    };
    let mut faults = Vec::new();
    let text = bundle.format_pattern(pattern, args, &mut faults).into_owned();
    if !faults.is_empty() {
        tracing::error!(key, ?faults, "message with faults");
    }
    text
}

/// `mercoledì 30 dicembre`, with the year when it is not this one.
pub fn day(lang: Lang, date: Date, today: Date) -> String {
    let weekday = text(lang, &format!("weekday-{}", date.weekday().to_monday_one_offset()));
    let month = text(lang, &format!("month-{}", date.month()));
    let mut args = FluentArgs::new();
    args.set("weekday", weekday);
    args.set("day", date.day().to_string());
    args.set("month", month);
    args.set("year", date.year().to_string());
    let key = if date.year() == today.year() { "day-this-year" } else { "day-any-year" };
    format(lang, key, Some(&args))
}

/// `oggi`, `domani`, `fra 7 giorni`, `3 giorni fa`.
pub fn distance(lang: Lang, date: Date, today: Date) -> String {
    let days = i64::from(today.until(date).map_or(0, |span| span.get_days()));
    match days {
        0 => text(lang, "distance-today"),
        1 => text(lang, "distance-tomorrow"),
        -1 => text(lang, "distance-yesterday"),
        n if n > 0 => text_n(lang, "distance-in", n),
        n => text_n(lang, "distance-ago", -n),
    }
}

/// `entro mercoledì 30 dicembre (fra 7 giorni)`.
pub fn by(lang: Lang, date: Date, today: Date) -> String {
    text2(lang, "due-by", ("date", &day(lang, date, today)), ("distance", &distance(lang, date, today)))
}

/// `lunedì 23 novembre, ore 10:15` in the legal time of Italy.
pub fn instant(lang: Lang, at: Timestamp, today: Date) -> String {
    let moment = domain::Moment::new(at);
    let time = moment.local().strftime("%H:%M").to_string();
    text2(lang, "at-time", ("date", &day(lang, moment.today, today)), ("time", &time))
}

/// `23/11/2026 10:15`: for columns, where words would not fit.
pub fn short_instant(at: Timestamp) -> String {
    domain::Moment::new(at).local().strftime("%d/%m/%Y %H:%M").to_string()
}

/// A size in bytes in words people use (`12 kB`, `3,4 MB` in Italian).
pub fn size(lang: Lang, bytes: u64) -> String {
    let (value, unit) = match bytes {
        0..=999 => (bytes as f64, "B"),
        1_000..=999_999 => (bytes as f64 / 1e3, "kB"),
        1_000_000..=999_999_999 => (bytes as f64 / 1e6, "MB"),
        _ => (bytes as f64 / 1e9, "GB"),
    };
    let text = if value < 10.0 && unit != "B" { format!("{value:.1}") } else { format!("{value:.0}") };
    let text = if lang == Lang::It { text.replace('.', ",") } else { text };
    format!("{text} {unit}")
}

/// `1.234` in Italian, `1,234` in English.
pub fn number(lang: Lang, value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(if lang == Lang::It { '.' } else { ',' });
        }
        out.push(c);
    }
    if value < 0 { format!("-{out}") } else { out }
}

#[cfg(test)]
#[path = "i18n_tests.rs"]
mod tests;
