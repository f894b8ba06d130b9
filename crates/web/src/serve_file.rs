//! Handing out bytes that strangers made: never sniffed, never run, shown by the browser only when the type is
//! known to be harmless.

use app::use_cases::exchange::desk::File;
use app::use_cases::register::download::safe_inline;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

/// An answer that streams a file. `inline` asks to show it; types that could run something are saved anyway.
pub fn stream(
    name: &str,
    media_type: &str,
    size: u64,
    inline: bool,
    bytes: impl AsyncRead + Send + 'static,
) -> Response {
    let mut headers = headers(name, media_type, inline);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    (headers, Body::from_stream(ReaderStream::new(bytes))).into_response()
}

/// An answer with a whole file that is in memory already; always saved, never shown.
pub fn whole(file: File, media_type: &str) -> Response {
    (headers(&file.name, media_type, false), file.bytes).into_response()
}

/// The headers of a download.
pub fn headers(name: &str, media_type: &str, inline: bool) -> HeaderMap {
    let inline = inline && safe_inline(media_type);
    let shown = match media_type {
        "text/plain" => "text/plain; charset=utf-8",
        other => other,
    };
    let how = if inline { "inline" } else { "attachment" };
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_ ".contains(c) { c } else { '_' }).collect();
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let disposition = format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("attachment"));
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_str(shown).unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    headers.insert(header::CONTENT_DISPOSITION, value(&disposition));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
        ),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_types_are_shown_and_names_cannot_break_the_header() {
        let of = |name: &str, kind: &str| {
            headers(name, kind, true)[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned()
        };
        assert!(of("atto.pdf", "application/pdf").starts_with("inline;"));
        for risky in ["text/html", "image/svg+xml", "application/xml", "application/zip"] {
            assert!(of("x", risky).starts_with("attachment;"), "{risky}");
        }
        let tricky = of("a\"; filename=\"b.exe\r\nX: y è.pdf", "application/pdf");
        assert_eq!(tricky.matches('"').count(), 2, "{tricky}");
        assert!(tricky.contains("%C3%A8"));
    }
}
