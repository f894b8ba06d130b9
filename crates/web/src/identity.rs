//! Finds out who asks: session cookie for people, bearer token for programs; and refuses forms that did not come
//! from our own pages.
//!
//! It leaves `Actor`, `Identity`, `Person` and `Csrf` in the request for those behind it. It must not know what a
//! route allows: that is the guard's.

use crate::chrome::Csrf;
use crate::error::Fault;
use crate::prefs::cookie;
use crate::state::AppState;
use crate::view::{Person, Workplace};
use app::accounts::session::PlaceKey;
use app::accounts::{self, Identity};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;

/// Name of the session cookie over TLS, where the browser itself guards its scope.
const COOKIE_TLS: &str = "__Host-telaio";
/// Name of the session cookie without TLS (the demo on localhost).
const COOKIE_PLAIN: &str = "telaio_session";

/// Name of the session cookie of this installation.
pub fn cookie_name(state: &AppState) -> &'static str {
    if state.app.settings.public_url.starts_with("https://") { COOKIE_TLS } else { COOKIE_PLAIN }
}

/// The line that sets the session cookie; an empty token removes it.
pub fn set_cookie(state: &AppState, token: &str) -> Option<HeaderValue> {
    let name = cookie_name(state);
    let secure = if name == COOKIE_TLS { "; Secure" } else { "" };
    let gone = if token.is_empty() { "; Max-Age=0" } else { "" };
    HeaderValue::from_str(&format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{gone}")).ok()
}

/// The token of the session in the headers of a request.
pub fn session_token(state: &AppState, headers: &HeaderMap) -> Option<String> {
    cookie(headers, cookie_name(state)).filter(|token| !token.is_empty())
}

/// The layer: identifies, then lets pass. A bearer token that is not valid is refused at once.
pub async fn identify(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let who = match bearer(request.headers()) {
        Some(token) => Some(accounts::by_token(&state.app, &token).await?.ok_or(Fault::SignIn)?),
        None => match session_token(&state, request.headers()) {
            Some(token) => accounts::by_session(&state.app, &token).await?,
            None => None,
        },
    };
    if let Some(who) = who {
        let extensions = request.extensions_mut();
        extensions.insert(person(&who));
        extensions.insert(Csrf(who.csrf.clone()));
        extensions.insert(who.actor.clone());
        extensions.insert(who);
    }
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn person(who: &Identity) -> Person {
    let absent = |p: &accounts::identify::Place| p.for_whom.as_ref().map(|(id, _)| id.clone());
    let here = |p: &&accounts::identify::Place| {
        p.body == who.actor.body && p.unit == who.actor.unit && absent(p) == who.actor.on_behalf_of
    };
    let current = who.places.iter().find(here);
    let label = |place: &accounts::identify::Place| match &place.unit_name {
        Some(unit) => format!("{} · {unit}", place.body_name),
        None => place.body_name.clone(),
    };
    Person {
        name: who.actor.name.clone(),
        // Who works in no body (a citizen) has no place to show.
        body: current.map_or_else(String::new, |place| place.body_name.clone()),
        unit: current.and_then(|place| place.unit_name.clone()),
        stands_in_for: current.and_then(|place| place.for_whom.as_ref()).map(|(_, name)| name.clone()),
        workplaces: who
            .places
            .iter()
            .map(|place| Workplace {
                value: place_value(place),
                label: label(place),
                current: Some(place) == current,
                for_whom: place.for_whom.as_ref().map(|(_, name)| name.clone()),
            })
            .collect(),
        unread: None,
    }
}

/// A place as the form of workplaces sends it back: body, office, absent person.
fn place_value(place: &accounts::identify::Place) -> String {
    let unit = place.unit.as_ref().map_or("", |unit| unit.as_str());
    match &place.for_whom {
        Some((absent, _)) => format!("{}/{unit}/{absent}", place.body),
        None => format!("{}/{unit}", place.body),
    }
}

/// Reads what [`place_value`] wrote; `None` for anything else.
pub fn read_place(value: &str) -> Option<PlaceKey> {
    let mut parts = value.split('/');
    let body = parts.next()?.parse().ok()?;
    let unit = parts.next().filter(|unit| !unit.is_empty()).map(str::parse).transpose().ok()?;
    let for_whom = parts.next().map(str::parse).transpose().ok()?;
    parts.next().is_none().then_some(PlaceKey { body, unit, for_whom })
}

/// Whether a request that changes something came from a page of ours, as far as the browser tells.
///
/// Browsers say where a request starts (`Sec-Fetch-Site`, `Origin`); what they say cannot be forged by a page.
/// The token of the form, checked by [`form_token`], is the second lock. Bearer requests carry no cookie and are
/// not in danger.
pub fn same_origin(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || bearer(headers).is_some() {
        return true;
    }
    match headers.get("sec-fetch-site").and_then(|value| value.to_str().ok()) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => match (headers.get(header::ORIGIN), headers.get(header::HOST)) {
            (Some(origin), Some(host)) => {
                let origin = origin.to_str().unwrap_or_default();
                let host = host.to_str().unwrap_or_default();
                origin.split_once("://").is_some_and(|(_, rest)| rest == host)
            }
            _ => true,
        },
    }
}

/// The layer that refuses changes asked from another site.
pub async fn refuse_cross_site(request: Request, next: Next) -> Result<Response, Fault> {
    if same_origin(request.method(), request.headers()) {
        Ok(next.run(request).await)
    } else {
        Err(Fault::Status(axum::http::StatusCode::FORBIDDEN, "bad-csrf"))
    }
}

/// Whether the token sent with a form is that of the session.
///
/// # Errors
/// `Fault` "bad-csrf" when it is not.
pub fn form_token(expected: &str, sent: &str) -> Result<(), Fault> {
    let same = expected.len() == sent.len()
        && expected.bytes().zip(sent.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0;
    if same && !expected.is_empty() {
        Ok(())
    } else {
        Err(Fault::Status(axum::http::StatusCode::FORBIDDEN, "bad-csrf"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| ((*k).try_into().unwrap(), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn forms_from_other_sites_are_refused() {
        let cross = headers(&[("sec-fetch-site", "cross-site")]);
        assert!(!same_origin(&Method::POST, &cross));
        assert!(same_origin(&Method::GET, &cross));
        let other = headers(&[("origin", "https://evil.test"), ("host", "telaio.test")]);
        assert!(!same_origin(&Method::POST, &other));
        let own = headers(&[("origin", "https://telaio.test"), ("host", "telaio.test")]);
        assert!(same_origin(&Method::POST, &own));
        let program = headers(&[("sec-fetch-site", "cross-site"), ("authorization", "Bearer x")]);
        assert!(same_origin(&Method::POST, &program));
    }

    #[test]
    fn the_token_of_a_form_must_be_that_of_the_session() {
        assert!(form_token("abc", "abc").is_ok());
        assert!(form_token("abc", "abd").is_err());
        assert!(form_token("", "").is_err());
    }
}
