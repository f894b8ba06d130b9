//! What holds at the edge of every route, whatever stands behind it: forms carry the token of the session, answers
//! carry the headers that keep a browser with us, programs are told when they knock too often.

use crate::support::{A, House, PASSWORD, call, form, get};
use app::Settings;
use axum::http::{Method, StatusCode};
use domain::Role;
use web::routes::{Access, Entry, Kind, table};

/// A path with a word in each of its places.
fn filled(path: &str) -> String {
    path.split('/').map(|p| if p.starts_with('{') { "x" } else { p }).collect::<Vec<_>>().join("/")
}

fn pages_that_change() -> impl Iterator<Item = Entry> {
    table().into_iter().filter(|entry| entry.kind == Kind::Page && entry.method != "GET")
}

#[tokio::test]
async fn no_page_changes_anything_without_the_token_of_the_session_or_from_another_site() {
    let house = House::new().await;
    house.person(1, "prova.uno", "Prova Uno", A, Role::ALL).await;
    let cookie = house.cookie("prova.uno").await;
    let csrf = house.csrf(&cookie).await;
    let mut asked = 0;
    for entry in pages_that_change() {
        let path = filled(entry.path);
        let mut foreign = form(&path, &cookie, &format!("csrf={csrf}"));
        foreign.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        let answer = house.send(foreign).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} takes a form of another site");
        // Who is not signed in has no session to protect.
        if entry.access == Access::Public {
            continue;
        }
        for fields in ["", "csrf=", &format!("csrf={}", "x".repeat(csrf.len()))] {
            let answer = house.send(form(&path, &cookie, fields)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} with {fields:?}: {}", answer.text);
        }
        asked += 1;
    }
    assert!(asked > 50, "only {asked} forms were tried");
    assert_eq!(house.send(get("/account", &cookie)).await.status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn a_cookie_changes_nothing_through_the_api() {
    let house = House::new().await;
    house.person(1, "prova.uno", "Prova Uno", A, Role::ALL).await;
    let cookie = house.cookie("prova.uno").await;
    let csrf = house.csrf(&cookie).await;
    let changing = |entry: &Entry| entry.kind == Kind::Api && entry.method != "GET";
    for entry in table().into_iter().filter(changing).filter(|entry| entry.access != Access::Public) {
        let mut request = form(&filled(entry.path), &cookie, &format!("csrf={csrf}"));
        *request.method_mut() = Method::from_bytes(entry.method.as_bytes()).unwrap();
        let answer = house.send(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} {}", entry.method, entry.path);
    }
}

#[tokio::test]
async fn every_answer_of_every_route_keeps_the_browser_with_us() {
    let house = House::new().await;
    house.person(1, "prova.uno", "Prova Uno", A, Role::ALL).await;
    let cookie = house.cookie("prova.uno").await;
    for entry in table() {
        for cookie in ["", cookie.as_str()] {
            let path = filled(entry.path);
            let answer = match entry.method {
                "GET" => house.send(get(&path, cookie)).await,
                _ => house.send(form(&path, cookie, "")).await,
            };
            let header = |name: &str| {
                let value = answer.headers.get(name).unwrap_or_else(|| panic!("{path}: no {name}"));
                value.to_str().unwrap().to_owned()
            };
            let csp = header("content-security-policy");
            assert!(!csp.contains("unsafe"), "{path}: {csp}");
            // A file that strangers made runs nothing at all.
            assert!(csp.contains("script-src 'self'") || csp.ends_with("sandbox"), "{path}: {csp}");
            for wanted in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
                assert!(csp.contains(wanted), "{path}: {csp}");
            }
            assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(header("x-frame-options"), "DENY", "{path}");
            assert_eq!(header("referrer-policy"), "same-origin", "{path}");
            assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
            // What was built in is the same for everybody.
            if !path.starts_with("/assets/") {
                let kept = header("cache-control");
                assert!(kept.contains("no-store"), "{path}: {kept}");
            }
        }
    }
}

#[tokio::test]
async fn every_route_of_the_api_says_when_to_come_back_to_who_knocks_too_often() {
    let house = House::with(Settings { requests_per_minute: 30, ..Settings::default() }).await;
    let account = house.person(1, "prova.uno", "Prova Uno", A, Role::ALL).await;
    let token = house.token(&account).await;
    for _ in 0..30 {
        assert_eq!(house.send(call("GET", "/api/v1/me", &token, "")).await.status, StatusCode::OK);
    }
    for entry in table().iter().filter(|entry| entry.kind == Kind::Api) {
        let answer = house.send(call(entry.method, &filled(entry.path), &token, "{}")).await;
        let place = format!("{} {}", entry.method, entry.path);
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{place}");
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{place}: {wait}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{place}");
    }
    // Another account is not held up, and the first may come back after the time it was told.
    house.person(2, "prova.due", "Prova Due", A, &[Role::RegistryClerk]).await;
    assert_eq!(house.enter("prova.due", PASSWORD).await.status, StatusCode::SEE_OTHER);
    house.app.clock.advance_seconds(60);
    assert_eq!(house.send(call("GET", "/api/v1/me", &token, "")).await.status, StatusCode::OK);
}
