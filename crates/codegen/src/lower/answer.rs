//! What an operation answers when all went well.

use super::document::component;
use super::operation::Unservable;
use infra_mcp_model::Answer;
use serde_json::Value;

/// Whether a body of this media type is plain JSON.
pub(super) fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim();
    media == "application/json" || media == "*/*" || media == "text/json"
}

/// What a success carries, with status and schema of the first that carries JSON.
pub(super) fn answer(document: &Value, operation: &Value) -> Result<(Answer, (u16, Option<Value>)), Unservable> {
    let responses = operation.get("responses").and_then(Value::as_object);
    let mut successes: Vec<(u16, &Value)> = responses
        .into_iter()
        .flatten()
        .filter_map(|(status, response)| Some((success_status(status)?, component(document, response)?)))
        .collect();
    if successes.is_empty() {
        let redirects = |status: &String| status.starts_with('3') && status != "304";
        if responses.is_some_and(|responses| !responses.contains_key("default") && responses.keys().any(redirects)) {
            return Err("it answers with a redirect alone, and those are not followed elsewhere".into());
        }
        let default = responses.and_then(|responses| responses.get("default"));
        successes.extend(default.and_then(|response| component(document, response)).map(|response| (200, response)));
    }
    let (mut json, mut text, mut empty) = (None, None, None);
    let mut other = None;
    for (status, response) in &successes {
        match response.get("content").and_then(Value::as_object).filter(|content| !content.is_empty()) {
            None => empty = empty.or(Some(*status)),
            Some(content) => match content.iter().find(|(media, _)| is_json(media) || media.contains("+json")) {
                Some((_, media)) => {
                    json = json.or_else(|| Some((*status, media.get("schema").cloned())));
                }
                None if content.keys().any(|media| is_text(media)) => text = text.or(Some(*status)),
                None => other = other.or_else(|| content.keys().next()),
            },
        }
    }
    Ok(match (json, text, empty, other) {
        (Some((status, schema)), _, empty, _) => {
            (if empty.is_some() { Answer::JsonOrEmpty } else { Answer::Json }, (status, schema))
        }
        (None, Some(status), _, _) => (Answer::Text, (status, None)),
        (None, None, _, Some(media)) => return Err(format!("it answers with {media}, which is not served")),
        (None, None, Some(status), None) => (Answer::Empty, (status, None)),
        (None, None, None, None) => (Answer::JsonOrEmpty, (200, None)),
    })
}

fn success_status(status: &str) -> Option<u16> {
    match status {
        "2XX" | "2xx" => Some(200),
        _ => status.parse().ok().filter(|status| (200..300).contains(status)),
    }
}

fn is_text(media: &str) -> bool {
    media.starts_with("text/") && !media.starts_with("text/event-stream")
}
