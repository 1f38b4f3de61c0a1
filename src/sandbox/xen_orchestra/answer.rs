//! HTTP answers in the shape of Xen Orchestra.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// What a request comes to.
#[derive(Debug)]
pub(super) enum Answer {
    /// Status and body.
    Json(u16, Value),
    /// A text to read.
    Markdown(String),
    /// A page for browsers.
    Html(String),
    /// A success without a body.
    Done,
}

/// A refusal with the reason.
pub(super) fn refuse(status: u16, reason: &str) -> Answer {
    Answer::Json(status, json!({ "error": reason }))
}

impl From<Answer> for Response<Bytes> {
    fn from(answer: Answer) -> Self {
        let (status, media, body) = match answer {
            Answer::Json(status, body) => (status, "application/json", body.to_string()),
            Answer::Markdown(text) => (200, "text/markdown; charset=utf-8", text),
            Answer::Html(page) => (200, "text/html; charset=utf-8", page),
            Answer::Done => (204, "", String::new()),
        };
        let mut response = Self::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        if !media.is_empty() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
        }
        response
    }
}
