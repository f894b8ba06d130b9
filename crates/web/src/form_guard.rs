//! The second lock against forged forms: every form of a signed-in person carries the token of the session, and
//! the token is checked here, before any handler reads a field.
//!
//! Of an upload only the beginning is looked at (the token is the first field of every form), and the stream is
//! handed on whole.

use crate::error::Fault;
use crate::identity::form_token;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header;
use futures_util::{StreamExt, stream};

/// Most bytes of a form without files.
const FORM_MAX: usize = 2_000_000;
/// The token of an upload stands within so many bytes.
const HEAD_MAX: usize = 65_536;
/// Header that scripts of ours send instead of a field.
const HEADER: &str = "x-csrf-token";

/// Lets the request through when it carries the token.
///
/// # Errors
/// `Fault` "bad-csrf" when it does not; `TooLarge` for an endless form.
pub async fn check(request: Request, expected: &str) -> Result<Request, Fault> {
    let said = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(said) = said {
        form_token(expected, &said)?;
        return Ok(request);
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let multipart = kind.is_some_and(|kind| kind.starts_with("multipart/form-data"));
    let (parts, body) = request.into_parts();
    let (found, body) = if multipart { of_upload(body).await? } else { of_form(body).await? };
    form_token(expected, found.as_deref().unwrap_or_default())?;
    Ok(Request::from_parts(parts, body))
}

async fn of_form(body: Body) -> Result<(Option<String>, Body), Fault> {
    let whole = axum::body::to_bytes(body, FORM_MAX).await.map_err(|_| Fault::TooLarge(FORM_MAX as u64))?;
    let text = std::str::from_utf8(&whole).map_err(|_| Fault::BadRequest("bad-form"))?;
    let token = text.split('&').find_map(|pair| pair.strip_prefix("csrf=")).map(str::to_owned);
    Ok((token, Body::from(whole)))
}

async fn of_upload(body: Body) -> Result<(Option<String>, Body), Fault> {
    let mut stream = body.into_data_stream();
    let mut head: Vec<u8> = Vec::new();
    let mut token = None;
    while token.is_none() && head.len() < HEAD_MAX {
        match stream.next().await {
            Some(Ok(piece)) => head.extend_from_slice(&piece),
            Some(Err(_)) => return Err(Fault::BadRequest("bad-form")),
            None => break,
        }
        token = first_field(&head);
    }
    let rest = stream::once(async move { Ok::<_, axum::Error>(Bytes::from(head)) }).chain(stream);
    Ok((token, Body::from_stream(rest)))
}

/// The value of the field `csrf`, once it is there whole.
fn first_field(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let (_, after) = text.split_once("name=\"csrf\"")?;
    let (_, value) = after.split_once("\r\n\r\n")?;
    let (value, _) = value.split_once("\r\n")?;
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: &str, body: &str) -> Request {
        let builder = axum::http::Request::builder().method("POST").uri("/x").header("content-type", kind);
        builder.body(Body::from(body.to_owned())).unwrap()
    }

    async fn whole(request: Request) -> String {
        let bytes = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_form_with_the_token_arrives_whole_and_one_without_does_not() {
        let kind = "application/x-www-form-urlencoded";
        let passed = check(request(kind, "csrf=abc&subject=x"), "abc").await.unwrap();
        assert_eq!(whole(passed).await, "csrf=abc&subject=x");
        for bad in ["subject=x", "csrf=abd&subject=x", "xcsrf=abc", ""] {
            assert!(check(request(kind, bad), "abc").await.is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn the_token_of_an_upload_is_found_in_its_head() {
        let kind = "multipart/form-data; boundary=b";
        let body = "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--b\r\n\
            Content-Disposition: form-data; name=\"document\"; filename=\"a\"\r\n\r\nbytes\r\n--b--\r\n";
        let passed = check(request(kind, body), "abc").await.unwrap();
        assert_eq!(whole(passed).await, body);
        assert!(check(request(kind, body), "abd").await.is_err());
        assert!(check(request("application/json", "{}"), "abc").await.is_err());
    }
}
