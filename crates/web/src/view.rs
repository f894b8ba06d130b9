//! What every page shows around its own content: language, look, who I am, where I can go.
//!
//! A `View` is handed to every template as `view`; templates ask it for words (`view.t("key")`) and for dates
//! that speak. It holds ready values only: it must not know the store, and it decides nothing.

use crate::i18n;
use crate::prefs::{Lang, Look, Prefs};
use axum::http::{HeaderMap, Uri};
use domain::{FieldError, Invalid};
use jiff::Timestamp;
use jiff::civil::Date;
use std::fmt::Display;

/// A body and office in which the person may work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workplace {
    /// What the form sends back when it is chosen.
    pub value: String,
    /// Body and office as people call them.
    pub label: String,
    /// Whether it is the present one.
    pub current: bool,
    /// Name of the absent person in whose place one works there.
    pub for_whom: Option<String>,
}

/// Who is signed in, as shown in the header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Body in which the person works now.
    pub body: String,
    /// Office in which the person works now.
    pub unit: Option<String>,
    /// Name of the absent person in whose place the person works now.
    pub stands_in_for: Option<String>,
    /// All the places the person may choose from.
    pub workplaces: Vec<Workplace>,
    /// How many things wait to be seen; absent where nobody counted (the page of a fault, the answer to a form).
    pub unread: Option<i64>,
}

/// An entry of the main navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavItem {
    /// Where it leads.
    pub href: &'static str,
    /// Key of its words.
    pub key: &'static str,
}

/// Every section, in the order of the navigation; who builds a `View` keeps those the person may enter.
pub const SECTIONS: &[NavItem] = &[
    NavItem { href: "/", key: "nav-worklist" },
    NavItem { href: "/register", key: "nav-register" },
    NavItem { href: "/inbox", key: "nav-inbox" },
    NavItem { href: "/dossiers", key: "nav-dossiers" },
    NavItem { href: "/deliveries", key: "nav-deliveries" },
    NavItem { href: "/admin", key: "nav-admin" },
];

/// The chrome of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Language.
    pub lang: Lang,
    /// Look.
    pub look: Look,
    /// Token for forms.
    pub csrf: String,
    /// Path and query of this page, so that a change of look comes back here.
    pub here: String,
    /// Who is signed in.
    pub person: Option<Person>,
    /// Where this person may go.
    pub nav: Vec<NavItem>,
    /// Whether this person may register documents: for links that stand on pages of everybody.
    pub registers: bool,
    /// Whether this is the demonstration, said on every page.
    pub demo: bool,
    /// Key of a message about what was just done (`done-<code>`), from `?done=<code>`.
    pub done: Option<String>,
    /// Today in Rome.
    pub today: Date,
}

impl View {
    /// The chrome of a request nobody has signed in for.
    pub fn of(headers: &HeaderMap, uri: &Uri, today: Date, demo: bool) -> Self {
        let prefs = Prefs::of(headers);
        let done = uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("done=")));
        let done = done.map(|code| format!("done-{code}")).filter(|key| i18n::has(prefs.lang, key));
        Self {
            lang: prefs.lang,
            look: prefs.look,
            csrf: String::new(),
            here: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            person: None,
            nav: Vec::new(),
            registers: false,
            demo,
            done,
            today,
        }
    }

    /// The words of a key.
    pub fn t(&self, key: &str) -> String {
        i18n::text(self.lang, key)
    }

    /// The words of a key that quotes one value.
    pub fn t1(&self, key: &str, name: &str, value: impl Display) -> String {
        i18n::text1(self.lang, key, name, value)
    }

    /// The words of a key that quotes two values.
    pub fn t2(&self, key: &str, one: &str, first: impl Display, two: &str, second: impl Display) -> String {
        i18n::text2(self.lang, key, (one, &first.to_string()), (two, &second.to_string()))
    }

    /// The words of a key that counts.
    pub fn tn(&self, key: &str, n: impl Count) -> String {
        i18n::text_n(self.lang, key, n.count())
    }

    /// The words of a key that quotes figures by name.
    pub fn figures(&self, key: &str, figures: &[(&str, i64)]) -> String {
        i18n::text_figures(self.lang, key, figures)
    }

    /// The words of a family: `family("dossier-state-", "open")`.
    pub fn family(&self, family: &str, code: impl Display) -> String {
        i18n::text(self.lang, &format!("{family}{code}"))
    }

    /// `mercoledì 30 dicembre`.
    pub fn day(&self, date: &Date) -> String {
        i18n::day(self.lang, *date, self.today)
    }

    /// `entro mercoledì 30 dicembre (fra 7 giorni)`.
    pub fn by(&self, date: &Date) -> String {
        i18n::by(self.lang, *date, self.today)
    }

    /// `fra 7 giorni`.
    pub fn distance(&self, date: &Date) -> String {
        i18n::distance(self.lang, *date, self.today)
    }

    /// `lunedì 23 novembre, ore 10:15`.
    pub fn instant(&self, at: &Timestamp) -> String {
        i18n::instant(self.lang, *at, self.today)
    }

    /// `23/11/2026 10:15`.
    pub fn short(&self, at: &Timestamp) -> String {
        i18n::short_instant(*at)
    }

    /// An instant for programs, in whole seconds: HTML allows at most three digits after them, we keep six.
    pub fn machine(&self, at: &Timestamp) -> String {
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// A size in bytes, in words.
    pub fn size(&self, bytes: &u64) -> String {
        i18n::size(self.lang, *bytes)
    }

    /// A figure with the separators of the language.
    pub fn number(&self, n: impl Count) -> String {
        i18n::number(self.lang, n.count())
    }

    /// Address of a file built in; empty when it is not.
    pub fn asset(&self, name: &str) -> &'static str {
        crate::assets::url(name).unwrap_or_default()
    }

    /// Whether the person has a worklist, and so a count of things not yet opened.
    pub fn works(&self) -> bool {
        self.goes("/")
    }

    /// Whether the navigation of this person has an entry.
    pub fn goes(&self, href: &str) -> bool {
        self.nav.iter().any(|item| item.href == href)
    }

    /// Whether pages load a style sheet at all ("senza stile").
    pub fn styled(&self) -> bool {
        self.look != Look::Plain
    }

    /// Address of an icon of the sprite, or `None` when icons were not built in.
    pub fn icon(&self, name: &str) -> Option<String> {
        crate::assets::url("icons.svg").map(|sprite| format!("{sprite}#{name}"))
    }

    /// Link that changes the look or the language and comes back here.
    pub fn change(&self, what: &str, code: &str) -> String {
        let back = percent_encoding::utf8_percent_encode(&self.here, percent_encoding::NON_ALPHANUMERIC);
        format!("/preferences?{what}={code}&back={back}")
    }

    /// The looks a person can choose.
    pub fn looks(&self) -> [Look; 5] {
        Look::ALL
    }

    /// The other language: its code.
    pub fn other_lang(&self) -> &'static str {
        match self.lang {
            Lang::It => "en",
            Lang::En => "it",
        }
    }

    /// Whether an entry of the navigation leads to the section of this page. Of two entries one within the other
    /// (`/admin`, `/admin/users`) only the nearer one does.
    pub fn inside(&self, href: &str) -> bool {
        let path = self.here.split('?').next().unwrap_or_default();
        let holds = |href: &str| {
            path == href || (href != "/" && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
        };
        holds(href) && !self.nav.iter().any(|item| item.href.len() > href.len() && holds(item.href))
    }

    /// The faults of a form, in words.
    pub fn faults(&self, invalid: &Invalid) -> Faults {
        Faults::new(self.lang, &invalid.errors)
    }
}

/// A whole number, by value or reference, as templates hand it over.
pub trait Count {
    /// The number.
    fn count(&self) -> i64;
}

macro_rules! counts {
    ($($kind:ty),*) => {$(
        impl Count for $kind {
            fn count(&self) -> i64 { i64::try_from(*self).unwrap_or(i64::MAX) }
        }
    )*};
}
counts!(i64, i32, u32, u64, usize);

impl<T: Count + ?Sized> Count for &T {
    fn count(&self) -> i64 {
        (**self).count()
    }
}

/// The faults of one form, in words, each tied to its field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults {
    /// Every fault, in the order of the form.
    pub all: Vec<FaultLine>,
}

/// One fault: which field, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultLine {
    /// JSON pointer of the field.
    pub pointer: String,
    /// Id of the field on the page.
    pub id: String,
    /// What is wrong and what to write instead.
    pub text: String,
}

impl Faults {
    /// Puts faults into words.
    pub fn new(lang: Lang, errors: &[FieldError]) -> Self {
        let line = |error: &FieldError| {
            let key = format!("err-{}", error.code);
            let key = if i18n::has(lang, &key) { key.as_str() } else { "err-invalid" };
            FaultLine {
                pointer: error.pointer.clone(),
                id: field_id(&error.pointer),
                text: i18n::text1(lang, key, "value", error.value.as_deref().unwrap_or_default()),
            }
        };
        Self { all: errors.iter().map(line).collect() }
    }

    /// Whether there is any.
    pub fn any(&self) -> bool {
        !self.all.is_empty()
    }

    /// The fault of a field named as in its form (`subject`), if any.
    pub fn of(&self, name: &str) -> Option<&str> {
        let id = field_id(name);
        self.all.iter().find(|line| line.id == id).map(|line| line.text.as_str())
    }
}

/// Id of a field on the page: `/correspondents/0/name` and `correspondents/0/name` become
/// `f-correspondents-0-name`; underscores become dashes.
pub fn field_id(pointer: &str) -> String {
    format!("f-{}", pointer.trim_start_matches('/').replace(['/', '_', '.'], "-"))
}

/// Whether a kind of field holds text, whose length can be bounded.
pub fn has_length(kind: &str) -> bool {
    matches!(kind, "text" | "email" | "password" | "search" | "tel" | "url")
}

/// Whether a list of choices begins with the empty one.
pub fn may_be_empty(choices: &[Choice]) -> bool {
    choices.first().is_some_and(|choice| choice.value.is_empty())
}

/// The five shapes of a state, the same on every page: a word, a shape and a colour, never a colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// ● it happened.
    Done,
    /// ◐ it is under way.
    Waiting,
    /// ▲ it is late.
    Late,
    /// ✕ it failed.
    Failed,
    /// ○ it has not begun.
    Idle,
}

impl Shape {
    /// The sign.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Done => "●",
            Self::Waiting => "◐",
            Self::Late => "▲",
            Self::Failed => "✕",
            Self::Idle => "○",
        }
    }

    /// The class that gives the colour.
    pub fn class(self) -> &'static str {
        match self {
            Self::Done => "tl-state tl-state-done",
            Self::Waiting => "tl-state tl-state-waiting",
            Self::Late => "tl-state tl-state-late",
            Self::Failed => "tl-state tl-state-failed",
            Self::Idle => "tl-state tl-state-idle",
        }
    }
}

/// A date by which something must happen, and why that date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The date.
    pub on: Date,
    /// Whether it has passed without the thing done.
    pub overdue: bool,
    /// Why that date: sentences already in the reader's language.
    pub why: Vec<String>,
    /// The norm it comes from, as cited.
    pub norm: Option<String>,
}

/// A filter that can be put in the address of a list, drawn as a chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// Words.
    pub label: String,
    /// Address of the list with this filter.
    pub href: String,
    /// Whether it is the one in force.
    pub current: bool,
    /// How many things it shows, when counted.
    pub count: Option<i64>,
    /// Shape, when the filter is a state.
    pub shape: Option<Shape>,
}

/// One choice of a list of choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Value sent.
    pub value: String,
    /// Words shown.
    pub label: String,
    /// Whether it is chosen.
    pub selected: bool,
}

impl Choice {
    /// A choice, chosen when it equals the present value.
    pub fn new(value: impl Into<String>, label: impl Into<String>, present: &str) -> Self {
        let value = value.into();
        let selected = value == present;
        Self { value, label: label.into(), selected }
    }
}

/// An entry of a timeline, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What happened, in words.
    pub what: String,
    /// Who did it.
    pub actor: String,
    /// Where the proof is.
    pub proof: Option<String>,
    /// The norm.
    pub norm: Option<String>,
    /// A reason or note given.
    pub note: Option<String>,
    /// How it ended, when it has a state.
    pub shape: Shape,
}

/// A context that can make samples of itself, so that a test renders every page before a reader does.
pub trait Sampled: Sized {
    /// At least one full and one empty sample.
    fn samples(view: View) -> Vec<Self>;
}

#[cfg(test)]
pub mod testing;
