//! Reading `multipart/form-data` part by part, files streamed straight into the store: a large upload never
//! stands in memory. Used by the API and by the pages, so that both refuse the same things.

use crate::error::Fault;
use app::Context;
use app::use_cases::register::files::{ReceivedFile, receive_file};
use app::use_cases::scans;
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::http::StatusCode;
use domain::Invalid;
use domain::ids::ScanId;
use futures_util::TryStreamExt;
use tokio_util::io::StreamReader;

/// Longest text part (metadata, a field of a form), in bytes.
pub const TEXT_MAX: usize = 512 * 1024;

/// The next part, if any.
///
/// # Errors
/// `BadRequest` when what comes is not the multipart it says to be, or was cut.
pub async fn next_part(parts: &mut Multipart) -> Result<Option<Field<'_>>, Fault> {
    parts.next_field().await.map_err(broken)
}

/// A part of text, whole, at most [`TEXT_MAX`] bytes.
///
/// # Errors
/// `Invalid` at `pointer` when it is longer; `BadRequest` when it was cut.
pub async fn text_part(mut field: Field<'_>, pointer: &str) -> Result<Bytes, Fault> {
    let mut all = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        if all.len() + piece.len() > TEXT_MAX {
            return Err(Invalid::with(pointer, "too-long", TEXT_MAX.to_string()).into());
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.into())
}

/// A part of text as UTF-8.
///
/// # Errors
/// As [`text_part`], and `Invalid` when it is not UTF-8.
pub async fn utf8_part(field: Field<'_>, pointer: &str) -> Result<String, Fault> {
    let bytes = text_part(field, pointer).await?;
    String::from_utf8(bytes.to_vec()).map_err(|_| Invalid::one(pointer, "not-utf8").into())
}

/// A file, streamed into the store of the actor's body.
///
/// # Errors
/// `Invalid` at `pointer` when it is empty, too large, cut or badly named.
pub async fn file_part(ctx: &Context, field: Field<'_>, pointer: &str) -> Result<ReceivedFile, Fault> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let stream = Box::pin(field.map_err(std::io::Error::other));
    Ok(receive_file(ctx, &ctx.actor.body, pointer, &name, StreamReader::new(stream)).await?)
}

/// A scan, streamed into the store of the actor's body, where it waits for its clerk.
///
/// # Errors
/// `Invalid` at `pointer` when nobody could attest it.
pub async fn scan_part(ctx: &Context, field: Field<'_>, pointer: &str) -> Result<ScanId, Fault> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let stream = Box::pin(field.map_err(std::io::Error::other));
    Ok(scans::upload(ctx, pointer, &name, StreamReader::new(stream)).await?)
}

/// Whether a file part of a form holds nothing: browsers send an unnamed empty part for an empty field.
pub fn is_blank(field: &Field<'_>) -> bool {
    field.file_name().is_none_or(str::is_empty)
}

fn broken(error: MultipartError) -> Fault {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge(TEXT_MAX as u64),
        _ => Fault::BadRequest("bad-multipart"),
    }
}
