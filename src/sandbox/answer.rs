//! HTTP responses in the shape of the provider.

use super::hostinger::{Failure, Outcome};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use infra_mcp_model::Route;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes answers, and numbers the failures among them so that each has its own correlation id.
#[derive(Default)]
pub(super) struct Answers {
    failures: AtomicU64,
}

impl Answers {
    pub(super) fn outcome(&self, outcome: Outcome) -> Response<Bytes> {
        match outcome {
            Ok(body) => json_response(StatusCode::OK, &body),
            Err(Failure::Missing(what)) => self.not_found(&what),
            Err(Failure::Invalid { field, rule }) => {
                let mut body = self.failure(&rule);
                body["errors"] = json!({ field: [rule] });
                json_response(StatusCode::UNPROCESSABLE_ENTITY, &body)
            }
        }
    }

    pub(super) fn not_found(&self, message: &str) -> Response<Bytes> {
        json_response(StatusCode::NOT_FOUND, &self.failure(message))
    }

    pub(super) fn method_not_allowed(&self, method: &str, allowed: &[&str]) -> Response<Bytes> {
        let allowed = BTreeSet::from_iter(allowed.iter().copied()).into_iter().collect::<Vec<_>>().join(", ");
        let message = format!("{method} is not supported here; supported: {allowed}.");
        let mut response = json_response(StatusCode::METHOD_NOT_ALLOWED, &self.failure(&message));
        if let Ok(allowed) = HeaderValue::from_str(&allowed) {
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }

    pub(super) fn sample(&self, route: &'static Route) -> Response<Bytes> {
        let status = StatusCode::from_u16(route.status).unwrap_or(StatusCode::OK);
        let body = match &route.body {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::copy_from_slice(text.as_bytes()),
        };
        text_response(status, body)
    }

    fn failure(&self, message: &str) -> Value {
        let number = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        json!({ "message": message, "correlation_id": format!("00000000-0000-4000-8000-{number:012x}") })
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    text_response(status, Bytes::from(body.to_string()))
}

/// Text that does not read as JSON is labelled as plain text; an empty body carries no type.
fn text_response(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let media = match body.first() {
        None => None,
        Some(_) if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() => Some("application/json"),
        Some(_) => Some("text/plain; charset=utf-8"),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Some(media) = media {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    response
}
