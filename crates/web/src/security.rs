//! What every answer carries to keep a browser on our side: where scripts may come from, who may frame us, what
//! is told to other sites. One layer for all routes; nothing here depends on who asks.

use crate::state::AppState;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// No inline script or style, nothing from elsewhere, no frames, forms only to ourselves.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same for a page that shows a file chosen and not sent yet: PDF and pictures, from the browser's own memory.
pub const CSP_VIEWER: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    font-src 'self'; connect-src 'self'; frame-src blob:; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// Headers that never vary.
const FIXED: &[(&str, &str)] = &[
    ("content-security-policy", CSP),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), publickey-credentials-get=(self)",
    ),
];

/// Two years, with subdomains: only where the public address is on TLS.
const HSTS: &str = "max-age=63072000; includeSubDomains";

/// The layer.
pub async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let shared = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // A file that strangers made goes out under a policy of its own, narrower than that of pages; a page with a
    // viewer under one that lets it show what stands in the browser's memory.
    let own = headers.remove(header::CONTENT_SECURITY_POLICY);
    for (name, value) in FIXED {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Some(policy) = own {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if state.app.settings.public_url.starts_with("https://") {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    // What one person sees must not stay for the next one at the same desk.
    if !shared && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
