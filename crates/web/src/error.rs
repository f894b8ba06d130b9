//! The one translation of errors into answers.
//!
//! A handler returns `Fault`; the response carries only its status and the fault itself, and the guard dresses it
//! as `application/problem+json` (RFC 9457) or as a page in the reader's language. Texts of `Problem` and `Bug`
//! go to the log only.

use app::Error;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

/// Seconds after which a passing failure of the world is worth another try: a database restarts in less.
const SOON: u64 = 10;
/// Seconds after which somebody may have made room on the disk.
const AFTER_ROOM: u64 = 120;

/// What went wrong, as far as HTTP is concerned.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A use case said no.
    App(Arc<Error>),
    /// Nobody is signed in, and somebody must be.
    SignIn,
    /// The request itself is not understood: a stable code, e.g. `bad-json`.
    BadRequest(&'static str),
    /// Too many requests; seconds to wait.
    TooMany(u64),
    /// The body is larger than allowed; the limit in bytes.
    TooLarge(u64),
    /// The media type of the body is not one we read.
    UnsupportedMedia,
    /// Any other status with its code.
    Status(StatusCode, &'static str),
}

impl<E: Into<Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::App(Arc::new(error.into()))
    }
}

impl Fault {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::App(error) => match error.as_ref() {
                Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Error::Refusal(refusal)
                    if matches!(refusal.code, "not-permitted" | "second-factor-missing") =>
                {
                    StatusCode::FORBIDDEN
                }
                Error::Refusal(_) => StatusCode::CONFLICT,
                Error::NotFound => StatusCode::NOT_FOUND,
                Error::Conflict => StatusCode::CONFLICT,
                Error::Problem(_) => StatusCode::SERVICE_UNAVAILABLE,
                Error::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
                Error::Damaged(_) | Error::Bug(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Status(status, _) => *status,
        }
    }

    /// Stable code: the last part of the problem's `type` and the key `fault-<code>` of its words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::App(error) => match error.as_ref() {
                Error::Invalid(_) => "invalid",
                Error::Refusal(refusal) => refusal.code,
                Error::NotFound => "not-found",
                Error::Conflict => "conflict",
                Error::Problem(_) => "problem",
                Error::Full(_) => "storage-full",
                Error::Damaged(_) => "damaged",
                Error::Bug(_) => "bug",
            },
            Self::SignIn => "sign-in",
            Self::BadRequest(code) | Self::Status(_, code) => code,
            Self::TooMany(_) => "too-many-requests",
            Self::TooLarge(_) => "too-large",
            Self::UnsupportedMedia => "unsupported-media-type",
        }
    }
}

impl Fault {
    /// Seconds to wait before the same request is worth another try; none when waiting does not help.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(seconds) => Some(*seconds),
            Self::App(error) => match error.as_ref() {
                Error::Problem(_) => Some(SOON),
                Error::Full(_) => Some(AFTER_ROOM),
                _ => None,
            },
            _ => None,
        }
    }

    /// The error behind it, when it is one that only somebody with the log can explain: it gets a trace id.
    pub fn unexplained(&self) -> Option<&Error> {
        match self {
            Self::App(error) => {
                Some(error.as_ref()).filter(|e| matches!(e, Error::Damaged(_) | Error::Bug(_)))
            }
            _ => None,
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem as RFC 9457 wants it, with the list of faulty fields.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// URI that names the kind of problem.
    #[schema(format = "uri")]
    pub r#type: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    #[schema(minimum = 100, maximum = 599)]
    pub status: u16,
    /// What happened this time, and how to mend it.
    pub detail: String,
    /// Path of the request.
    pub instance: String,
    /// Faulty fields, for bad input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
    /// Article of law, for a refusal by law.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub law: Option<String>,
    /// For an error of the program: what to tell whoever runs it, who finds it in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub trace_id: Option<String>,
}

/// One faulty field.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemField {
    /// JSON pointer of the field.
    pub pointer: String,
    /// What is wrong and what to write instead.
    pub detail: String,
}
