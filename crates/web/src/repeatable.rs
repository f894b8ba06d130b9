//! Requests that may be repeated: `Idempotency-Key` on any POST of the interface.
//!
//! The key is claimed by the commit that does the work, so a request is never done twice; the answer is kept
//! afterwards and given again. Same key and other content: 422. Same key while the first is under way, or when
//! its answer was lost by a fall of the server: 409. Answers that changed nothing (errors) are not kept.

use crate::error::Fault;
use crate::state::AppState;
use app::repeatable::{self, Answer, Claim, Key, Known};
use app::{Actor, Error};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::Invalid;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The header.
const HEADER: &str = "idempotency-key";
/// Longest key.
const KEY_MAX: usize = 200;
/// Longest answer that is kept, bytes.
const ANSWER_MAX: usize = 1_000_000;
/// Headers that belong to the answer.
const KEPT: &[&str] = &["content-type", "location", "etag"];

/// Keys whose requests are under way in this process.
#[derive(Default)]
pub struct UnderWay(Mutex<HashSet<Key>>);

/// Takes the key off the list when the request ends, however it ends.
struct Place(Arc<UnderWay>, Key);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// The key of a request, if it has one and somebody is signed in.
fn key_of(request: &Request) -> Result<Option<Key>, Fault> {
    let Some(value) = request.headers().get(HEADER) else { return Ok(None) };
    let Some(account) = request.extensions().get::<Actor>().and_then(|actor| actor.account.as_ref()) else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > KEY_MAX {
        return Err(Invalid::with("/idempotency_key", "too-long", KEY_MAX.to_string()).into());
    }
    let route = format!("{} {}", request.method(), request.uri().path());
    Ok(Some(Key { account: account.to_string(), key: key.to_owned(), route }))
}

/// Runs a request once for each key.
///
/// # Errors
/// `Conflict` when the first is under way or its answer was lost; `Invalid` when the content differs.
pub async fn run(
    state: &AppState,
    shared: &Arc<UnderWay>,
    mut request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let Some(key) = key_of(&request)? else { return Ok(next.run(request).await) };
    if !shared.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
        return Err(Error::Conflict.into());
    }
    let _place = Place(shared.clone(), key.clone());
    let print = Arc::new(Mutex::new(Fingerprint::of(&request)));
    match repeatable::known(&state.app, key.clone()).await? {
        Known::Claimed => return Err(Error::Conflict.into()),
        Known::Answered(answer) => {
            drain(request.into_body(), &print).await?;
            return again(answer, &finish(&print));
        }
        Known::Unknown => {}
    }
    request.extensions_mut().insert(Claim::new(key.clone()));
    let (parts, body) = request.into_parts();
    let seen = print.clone();
    let watched = body.into_data_stream().inspect(move |piece| {
        if let Ok(piece) = piece {
            seen.lock().unwrap_or_else(PoisonError::into_inner).add(piece);
        }
    });
    let response = next.run(Request::from_parts(parts, Body::from_stream(watched))).await;
    if !response.status().is_success() {
        return Ok(response);
    }
    keep(state, key, &print, response).await
}

async fn keep(
    state: &AppState,
    key: Key,
    print: &Arc<Mutex<Fingerprint>>,
    response: Response,
) -> Result<Response, Fault> {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, ANSWER_MAX)
        .await
        .map_err(|_| Error::Bug("an answer too long to be repeated".to_owned()))?;
    let headers: BTreeMap<&str, &str> =
        KEPT.iter().filter_map(|name| Some((*name, parts.headers.get(*name)?.to_str().ok()?))).collect();
    let answer = Answer {
        fingerprint: finish(print),
        status: i64::from(parts.status.as_u16()),
        headers: serde_json::to_string(&headers).unwrap_or_default(),
        body: bytes.to_vec(),
    };
    repeatable::keep(&state.app, key, answer).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

async fn drain(body: Body, print: &Arc<Mutex<Fingerprint>>) -> Result<(), Fault> {
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        let piece: Bytes = piece.map_err(|_| Fault::BadRequest("bad-request"))?;
        print.lock().unwrap_or_else(PoisonError::into_inner).add(&piece);
    }
    Ok(())
}

fn finish(print: &Arc<Mutex<Fingerprint>>) -> Vec<u8> {
    print.lock().unwrap_or_else(PoisonError::into_inner).finish()
}

fn again(answer: Answer, print: &[u8]) -> Result<Response, Fault> {
    if answer.fingerprint != print {
        return Err(Invalid::one("/idempotency_key", "used-otherwise").into());
    }
    let mut response = Response::new(Body::from(answer.body));
    let status = u16::try_from(answer.status).ok().and_then(|code| StatusCode::from_u16(code).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::OK);
    let headers: BTreeMap<String, String> = serde_json::from_str(&answer.headers).unwrap_or_default();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// The digest of what was asked. The boundary of an upload is chosen anew each time, so it is left out.
struct Fingerprint {
    digest: Sha256,
    boundary: Vec<u8>,
    tail: Vec<u8>,
}

impl Fingerprint {
    fn of(request: &Request) -> Self {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = kind.and_then(|kind| kind.split_once("boundary=")).map(|(_, rest)| rest);
        let boundary = boundary.map(|text| text.split(';').next().unwrap_or_default().trim_matches('"'));
        Self {
            digest: Sha256::new(),
            boundary: boundary.unwrap_or_default().as_bytes().to_vec(),
            tail: Vec::new(),
        }
    }

    fn add(&mut self, piece: &[u8]) {
        if self.boundary.is_empty() {
            self.digest.update(piece);
            return;
        }
        self.tail.extend_from_slice(piece);
        let size = self.boundary.len();
        while let Some(at) = self.tail.windows(size).position(|window| window == self.boundary) {
            self.digest.update(&self.tail[..at]);
            self.tail.drain(..at + size);
        }
        let sure = self.tail.len().saturating_sub(size - 1);
        self.digest.update(&self.tail[..sure]);
        self.tail.drain(..sure);
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut digest = self.digest.clone();
        digest.update(&self.tail);
        digest.finalize().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(boundary: &str, pieces: &[&str]) -> Vec<u8> {
        let kind = format!("multipart/form-data; boundary={boundary}");
        let request =
            axum::http::Request::builder().header("content-type", kind).body(Body::empty()).unwrap();
        let mut print = Fingerprint::of(&request);
        pieces.iter().for_each(|piece| print.add(piece.as_bytes()));
        print.finish()
    }

    #[test]
    fn the_boundary_and_the_cuts_of_the_network_do_not_matter_and_the_content_does() {
        let one = print("AAAA", &["--AAAA\r\nx\r\n--AAAA--\r\n"]);
        assert_eq!(one, print("BBBB", &["--BB", "BB\r\nx\r\n--BBBB--", "\r\n"]));
        assert_ne!(one, print("AAAA", &["--AAAA\r\ny\r\n--AAAA--\r\n"]));
    }
}
