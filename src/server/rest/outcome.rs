//! What came of a call, as an HTTP response.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::{Lacking, json_text, respond};
use crate::error::CallError;
use crate::executor::{Media, Reply};
use crate::policy::{CONFIRM_TOKEN, CONFIRMATION, Objection, Step};
use crate::result;

/// `{"result": ...}` with what the provider answered: JSON as it came, text as a string, nothing as null. What a tool
/// result would say besides is in `notes`.
pub(super) fn done(reply: Reply, limit_chars: usize) -> Response<Vec<u8>> {
    let media = reply.media;
    let result = result::to_result(Ok(reply), limit_chars);
    let mut texts = result.content.iter().filter_map(|block| block.as_text()).map(|block| block.text.as_str());
    let body = texts.next().unwrap_or_default();
    let value = match media {
        Media::Json | Media::Structured => body.to_owned(),
        Media::Text => Value::from(body).to_string(),
        Media::Empty => "null".to_owned(),
    };
    let notes: Vec<&str> = texts.collect();
    let notes = if notes.is_empty() { String::new() } else { format!(r#","notes":{}"#, json!(notes)) };
    json_text(StatusCode::OK, format!(r#"{{"result":{value}{notes}}}"#).into_bytes())
}

/// `{"error": ..., "code": ...}` with the words of a tool result and a stable code.
pub(super) fn failed(error: &CallError) -> Response<Vec<u8>> {
    let mut said = json!({ "error": error.to_string(), "code": error.code() });
    match error {
        CallError::Unapproved(request) => {
            said["approval"] = match &request.step {
                Step::Repeat(token) => json!({ CONFIRM_TOKEN: token }),
                Step::Say(phrase) => json!({ CONFIRMATION: phrase }),
                Step::Terminal(command) => json!({ "command": command }),
                // A script has nobody in front of it, and the gate asks only those who have.
                Step::Ask(_) => Value::Null,
            };
        }
        CallError::Upstream(upstream) => said["upstream_status"] = upstream.status.into(),
        _ => {}
    }
    let mut response = respond(status(error), &said);
    if let Some(wait) = retry_after(error) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if let CallError::Refused(refusal) = error
        && let Objection::Scope(scope) = refusal.objection
    {
        response.extensions_mut().insert(Lacking(scope));
    }
    response
}

fn retry_after(error: &CallError) -> Option<Duration> {
    match error {
        CallError::Refused(refusal) => refusal.retry_after(),
        CallError::Upstream(upstream) => upstream.retry_after,
        _ => None,
    }
}

/// What the provider says about a request of ours is no statement about the request to us, so it is 502 whatever it
/// is.
fn status(error: &CallError) -> StatusCode {
    match error {
        CallError::Arguments(_) | CallError::Operation { .. } | CallError::Build(_) | CallError::Reference { .. } => {
            StatusCode::BAD_REQUEST
        }
        CallError::Refused(refusal) => {
            StatusCode::from_u16(refusal.code().http_status()).unwrap_or(StatusCode::FORBIDDEN)
        }
        CallError::Unapproved(_) => StatusCode::FORBIDDEN,
        CallError::Store(_) | CallError::NoCredential { .. } | CallError::Client { .. } | CallError::Cancelled => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        CallError::Midway { error, .. } => status(error),
        CallError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
        CallError::Unreachable { .. }
        | CallError::Remote(_)
        | CallError::Task { .. }
        | CallError::Upstream(_)
        | CallError::Storage { .. }
        | CallError::Redirected { .. }
        | CallError::Undecodable { .. }
        | CallError::TooLarge { .. } => StatusCode::BAD_GATEWAY,
        // The state of the resource stands against it (RFC 9110 section 15.5.10).
        CallError::Unmet { .. } => StatusCode::CONFLICT,
    }
}
