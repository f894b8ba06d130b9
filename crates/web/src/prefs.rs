//! How a person wants to see the pages: language and look, kept in two cookies.
//!
//! The four looks and "senza stile" are those the original site of the programme offered. They work without
//! script and without an account: a link sets the cookie and comes back to the page it was on. Nothing personal
//! is in the cookies, and nothing else reads them.

use axum::extract::{FromRequestParts, Query};
use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::convert::Infallible;

/// Language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Lang {
    /// Italian.
    #[default]
    It,
    /// English.
    En,
}

impl Lang {
    /// Code for `lang` attributes and cookies.
    pub fn code(self) -> &'static str {
        match self {
            Self::It => "it",
            Self::En => "en",
        }
    }

    /// Reads a code; anything unknown is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.get(..2)?.to_ascii_lowercase().as_str() {
            "it" => Some(Self::It),
            "en" => Some(Self::En),
            _ => None,
        }
    }
}

/// Look of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Look {
    /// The design system of Italian public bodies.
    #[default]
    Standard,
    /// White on black.
    WhiteOnBlack,
    /// Yellow on black.
    YellowOnBlack,
    /// Black on white.
    BlackOnWhite,
    /// No style sheet at all.
    Plain,
}

impl Look {
    /// Every look, in the order of the top bar.
    pub const ALL: [Look; 5] =
        [Self::Standard, Self::WhiteOnBlack, Self::YellowOnBlack, Self::BlackOnWhite, Self::Plain];

    /// Code for the cookie, the `data-look` attribute and the message key `look-<code>`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::WhiteOnBlack => "white",
            Self::YellowOnBlack => "yellow",
            Self::BlackOnWhite => "black",
            Self::Plain => "plain",
        }
    }

    /// Reads a code; anything unknown is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|look| look.code() == text)
    }
}

/// Language and look of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefs {
    /// Language: cookie, then the browser's list, then Italian.
    pub lang: Lang,
    /// Look: cookie, then the standard one.
    pub look: Look,
}

const LANG_COOKIE: &str = "telaio_lang";
const LOOK_COOKIE: &str = "telaio_look";
/// A year, in seconds.
const KEPT_FOR: u32 = 31_536_000;

impl Prefs {
    /// Reads the preferences out of the headers of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let preferred = asked.and_then(|list| list.split(',').find_map(|one| Lang::parse(one.trim())));
        let lang = cookie(headers, LANG_COOKIE).and_then(|code| Lang::parse(&code)).or(preferred);
        let look = cookie(headers, LOOK_COOKIE).and_then(|code| Look::parse(&code));
        Self { lang: lang.unwrap_or_default(), look: look.unwrap_or_default() }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Prefs {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// The value of a cookie, if the browser sent it.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// What the links of the top bar ask.
#[derive(Debug, Deserialize)]
pub struct Change {
    lang: Option<String>,
    look: Option<String>,
    back: Option<String>,
}

/// `GET /preferences?look=yellow&back=/register`: keeps the choice and goes back. Only appearance changes, so a
/// plain link is enough; an address outside this site is never followed.
pub async fn change(Query(change): Query<Change>) -> Response {
    let mut response = Redirect::to(&local(change.back.as_deref())).into_response();
    let lang = change.lang.as_deref().and_then(Lang::parse).map(|lang| (LANG_COOKIE, lang.code()));
    let look = change.look.as_deref().and_then(Look::parse).map(|look| (LOOK_COOKIE, look.code()));
    for (name, value) in [lang, look].into_iter().flatten() {
        let text = format!("{name}={value}; Path=/; Max-Age={KEPT_FOR}; SameSite=Lax");
        if let Ok(line) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::SET_COOKIE, line);
        }
    }
    response
}

/// A path of this site; anything else becomes the first page.
pub fn local(path: Option<&str>) -> String {
    match path {
        Some(p)
            if p.starts_with('/')
                && !p.starts_with("//")
                && !p.contains('\\')
                && p.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            p.to_owned()
        }
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_win_over_the_browser_and_unknown_values_are_ignored() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("fr, en-GB;q=0.8"));
        assert_eq!(Prefs::of(&headers).lang, Lang::En);
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; telaio_lang=it; telaio_look=yellow"));
        assert_eq!(Prefs::of(&headers), Prefs { lang: Lang::It, look: Look::YellowOnBlack });
        headers.insert(header::COOKIE, HeaderValue::from_static("telaio_look=pink"));
        assert_eq!(Prefs::of(&headers).look, Look::Standard);
    }

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(local(Some("/register?q=a%20b")), "/register?q=a%20b");
        for bad in ["https://evil.test/", "//evil.test", "/\\evil.test", "", "register", "/a\r\nb"] {
            assert_eq!(local(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(local(None), "/");
    }
}
