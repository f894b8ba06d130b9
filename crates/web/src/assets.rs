//! The files pages load: one style sheet, one script, icons and fonts, all from the binary.
//!
//! Each file has the digest of its content in its address, so a browser keeps it for ever and a new release is
//! seen at once; the gzip form is made once, at the first use. Bootstrap Italia comes from `target/assets`
//! (made by `cargo xtask assets`); where it is missing, an own small style sheet takes its place.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::sync::LazyLock;

/// Own files, always there.
#[derive(rust_embed::Embed)]
#[folder = "assets/"]
struct Own;

/// Bootstrap Italia, icons and fonts; the folder is empty until `cargo xtask assets` has run.
#[derive(rust_embed::Embed)]
#[folder = "../../target/assets/"]
#[allow_missing = true]
struct Kit;

/// One file, ready to be sent.
struct Asset {
    bytes: bytes::Bytes,
    gzip: Option<bytes::Bytes>,
    url: String,
    etag: HeaderValue,
    media_type: &'static str,
}

static CATALOGUE: LazyLock<HashMap<String, Asset>> = LazyLock::new(catalogue);

/// The address of a file, e.g. `/assets/1f0c…/style.css`; `None` when it was not built in.
pub fn url(name: &str) -> Option<&'static str> {
    CATALOGUE.get(name).map(|asset| asset.url.as_str())
}

/// Whether Bootstrap Italia was built in; when not, the server says at start how to get it.
pub fn kit_present() -> bool {
    Kit::get("bootstrap-italia.css").is_some()
}

/// Warns once, at start, when pages will have the small style sheet only.
pub fn warn_if_missing() {
    if !kit_present() {
        tracing::warn!(
            "front-end files not built in: pages use the fallback style; run `cargo xtask assets`"
        );
    }
}

/// Serves `/assets/{hash}/{name}`: for ever when the digest is right, checked each time when it is old.
pub async fn serve(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response<Body> {
    let Some(asset) = CATALOGUE.get(&name) else {
        let mut missing = Response::new(Body::empty());
        *missing.status_mut() = StatusCode::NOT_FOUND;
        return missing;
    };
    let cache = match asset.url.contains(&format!("/{hash}/")) {
        true => HeaderValue::from_static("public, max-age=31536000, immutable"),
        false => HeaderValue::from_static("no-cache"),
    };
    let known = headers.get(header::IF_NONE_MATCH) == Some(&asset.etag);
    let zipped = asset.gzip.as_ref().filter(|_| accepts_gzip(&headers));
    let mut response = match (known, zipped) {
        (true, _) => Response::new(Body::empty()),
        (false, Some(gzip)) => Response::new(Body::from(gzip.clone())),
        (false, None) => Response::new(Body::from(asset.bytes.clone())),
    };
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, cache);
    out.insert(header::ETAG, asset.etag.clone());
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !known {
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
        if zipped.is_some() {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    response
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|list| list.split(',').any(|one| one.trim().starts_with("gzip")))
}

/// Everything that can be asked for. The kit's sheet and ours are joined into one file: one request less.
fn catalogue() -> HashMap<String, Asset> {
    let mut all = HashMap::new();
    for name in Kit::iter().filter(|name| !name.starts_with('.') && !name.ends_with(".css")) {
        if let Some(file) = Kit::get(&name) {
            all.insert(name.to_string(), asset(&name, file.data.into_owned()));
        }
    }
    for name in Own::iter().filter(|name| !name.ends_with(".css")) {
        if let Some(file) = Own::get(&name) {
            all.insert(name.to_string(), asset(&name, file.data.into_owned()));
        }
    }
    let base = Kit::get("bootstrap-italia.css").or_else(|| Own::get("fallback.css"));
    let mut sheet = base.map(|file| file.data.into_owned()).unwrap_or_default();
    if let Some(own) = Own::get("telaio.css") {
        sheet.extend_from_slice(place_addresses(&own.data, &all).as_bytes());
    }
    all.insert("style.css".to_owned(), asset("style.css", sheet));
    all
}

/// Replaces `asset:NAME` in a style sheet by the address of that file; an absent one becomes a name nobody asks
/// for twice, because the font face that wants it falls back to the system's.
fn place_addresses(sheet: &[u8], all: &HashMap<String, Asset>) -> String {
    let text = String::from_utf8_lossy(sheet);
    let mut out = String::with_capacity(text.len());
    for (i, piece) in text.split("asset:").enumerate() {
        if i == 0 {
            out.push_str(piece);
            continue;
        }
        let end = piece.find(['"', ')', '\'']).unwrap_or(piece.len());
        let (name, rest) = piece.split_at(end);
        out.push_str(all.get(name).map_or("data:,", |asset| asset.url.as_str()));
        out.push_str(rest);
    }
    out
}

fn asset(name: &str, bytes: Vec<u8>) -> Asset {
    let digest = hex::encode(&Sha256::digest(&bytes)[..8]);
    let media_type = media_type(name);
    let gzip =
        (!media_type.starts_with("font/")).then(|| gzip(&bytes)).filter(|zipped| zipped.len() < bytes.len());
    let etag = HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
    let url = format!("/assets/{digest}/{name}");
    Asset { bytes: bytes.into(), gzip: gzip.map(Into::into), url, etag, media_type }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing to memory cannot fail; if it did, the plain form would be sent because the empty one is dropped.
    match writer.write_all(bytes).and_then(|()| writer.finish()) {
        Ok(zipped) => zipped,
        Err(_) => bytes.to_vec(),
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_kept_for_ever_and_zipped_and_known_by_its_etag() {
        let address = url("style.css").unwrap();
        let hash = address.split('/').nth(2).unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        let answer = serve(Path((hash.clone(), "style.css".to_owned())), headers.clone()).await;
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
        assert!(answer.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        headers.insert(header::IF_NONE_MATCH, answer.headers()[header::ETAG].clone());
        let again = serve(Path((hash, "style.css".to_owned())), headers.clone()).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let old = serve(Path(("0000".to_owned(), "style.css".to_owned())), HeaderMap::new()).await;
        assert_eq!(old.headers()[header::CACHE_CONTROL], "no-cache");
        let none = serve(Path(("0000".to_owned(), "../Cargo.toml".to_owned())), HeaderMap::new()).await;
        assert_eq!(none.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn sheets_name_no_other_host_and_no_unplaced_asset() {
        let sheet = String::from_utf8(CATALOGUE["style.css"].bytes.to_vec()).unwrap();
        assert!(!sheet.contains("asset:"), "a placeholder was left");
        assert!(!sheet.contains("url(http") && !sheet.contains("@import"), "a sheet reaches outside");
    }
}
