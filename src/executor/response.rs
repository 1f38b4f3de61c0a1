//! From an HTTP answer to a reply or an error that tells what to do.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};
use infra_mcp_model::Answer;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Exchange, bound, retry};
use crate::account::Account;
use crate::call::Call;
use crate::error::{CallError, UpstreamError};

/// Characters of an unusable body that are shown.
pub(super) const EXCERPT: usize = 200;

/// Characters of the provider's error message that are passed on.
const MESSAGE: usize = 1_200;

/// How many single arguments an error names, and in how many characters each.
const FIELDS: (usize, usize) = (10, 160);

/// Characters of a correlation id that are passed on.
const CORRELATION_ID: usize = 100;

/// A longer error body is not searched for a message, in bytes.
const ERROR_BODY: usize = 1024 * 1024;

/// The answer to a call that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status, 200 to 299.
    pub status: u16,
    /// The body as it came, credentials of the account masked.
    pub body: String,
    /// What the body is.
    pub media: Media,
    /// What a reader should know besides, in sentences.
    pub notes: Vec<String>,
    /// By what the provider finds the request, if it says so.
    pub correlation_id: Option<String>,
}

impl Reply {
    /// A reply of which there is nothing else to know.
    #[must_use]
    pub(crate) fn new(status: u16, body: impl Into<String>, media: Media) -> Self {
        Self { status, body: body.into(), media, notes: Vec::new(), correlation_id: None }
    }
}

/// What the body of a [`Reply`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// Valid JSON.
    Json,
    /// Valid JSON that an MCP server gave as structured content.
    Structured,
    /// Other text.
    Text,
    /// Nothing.
    Empty,
}

/// Judges an answer.
pub(super) fn read(exchange: &Exchange<'_>, answer: Response<Bytes>) -> Result<Reply, CallError> {
    let (head, body) = answer.into_parts();
    if head.status.is_success() {
        success(exchange, head.status, &head.headers, body)
    } else {
        Err(refused(exchange, head.status, &head.headers, &body))
    }
}

/// The error that an error status is.
pub(super) fn refused(exchange: &Exchange<'_>, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> CallError {
    let call = exchange.call;
    let credential = call.account.credential();
    CallError::Upstream(Box::new(refusal(call, status, headers, body, credential, exchange.changes)))
}

fn success(exchange: &Exchange<'_>, status: StatusCode, headers: &HeaderMap, body: Bytes) -> Result<Reply, CallError> {
    let (call, due) = (exchange.call, exchange.operation.answer);
    let undecodable = |problem: String, excerpt: &str| CallError::Undecodable {
        status: status.as_u16(),
        problem,
        excerpt: shorten(&call.mask(excerpt), EXCERPT),
        unsettled: exchange.changes,
    };
    let body = match String::from_utf8(body.into()) {
        Ok(body) => body,
        Err(_) => {
            return Err(undecodable(
                format!("{} that is not UTF-8 text came instead of an answer.", named(headers)),
                "",
            ));
        }
    };
    let body = without_mark(masked(&call.account, body));
    let media = media(due, &body);
    let problem = match media {
        Media::Empty if due == Answer::Json && !bodiless(status) => "the body is empty where JSON was due.".to_owned(),
        Media::Text if due != Answer::Text && is_html(headers, &body) => {
            format!(
                "{} came instead of an answer of the API: check that the base URL is that of the API.",
                named(headers)
            )
        }
        // What is called Markdown was meant for a reader, whatever the description says.
        Media::Text
            if matches!(due, Answer::Json | Answer::JsonOrEmpty) && content_type(headers) != "text/markdown" =>
        {
            format!("{} came that is not valid JSON.", named(headers))
        }
        _ => {
            let notes = Vec::from_iter(bound::note(exchange, media, &body));
            return Ok(Reply {
                status: status.as_u16(),
                body: if media == Media::Empty { String::new() } else { body },
                media,
                notes,
                correlation_id: correlation_id(None, headers).map(|id| shorten(&call.mask(&id), CORRELATION_ID)),
            });
        }
    };
    Err(undecodable(problem, &body))
}

fn media(due: Answer, body: &str) -> Media {
    if body.trim_ascii().is_empty() {
        return Media::Empty;
    }
    // Text may look like JSON by chance, such as a number; nothing is made of that.
    match serde_json::from_str::<IgnoredAny>(body) {
        Ok(_) if due != Answer::Text || body.starts_with(['{', '[']) => Media::Json,
        _ => Media::Text,
    }
}

/// Statuses that forbid a body (RFC 9110 sections 15.3.5 and 15.3.6).
fn bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
}

fn masked(account: &Account, body: String) -> String {
    match account.mask(&body) {
        Cow::Borrowed(_) => body,
        Cow::Owned(masked) => masked,
    }
}

/// A byte order mark is no JSON.
fn without_mark(body: String) -> String {
    match body.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => body,
    }
}

/// The media type as a noun.
fn named(headers: &HeaderMap) -> String {
    match content_type(headers) {
        "" => "a body without a media type".to_owned(),
        media => format!("a body of type {}", shorten(media, 80)),
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn is_html(headers: &HeaderMap, body: &str) -> bool {
    let start = body.trim_start();
    let begins = |tag: &str| start.get(..tag.len()).is_some_and(|found| found.eq_ignore_ascii_case(tag));
    matches!(content_type(headers), "text/html" | "application/xhtml+xml")
        || begins("<!doctype html")
        || begins("<html")
}

/// What an error status says. `credential` names the variables of the one that was sent, in words.
pub(super) fn refusal(
    call: &Call,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    credential: String,
    changes: bool,
) -> UpstreamError {
    let text = String::from_utf8_lossy(body.get(..ERROR_BODY).unwrap_or(body));
    let json = serde_json::from_str::<Value>(&text).ok();
    let clean = |text: &str, length| shorten(&call.mask(text), length);
    let message = match &json {
        Some(json) => clean(&message(json).unwrap_or(Cow::Borrowed(&text)), MESSAGE),
        None if is_html(headers, &text) => clean(&html_title(&text), EXCERPT),
        None => clean(&text, EXCERPT),
    };
    let fields = json.as_ref().map(fields).unwrap_or_default();
    UpstreamError {
        provider: call.entry.provider,
        status: status.as_u16(),
        reason: status.canonical_reason().unwrap_or_default(),
        message,
        code: json.as_ref().and_then(code).map(str::to_owned),
        fields: fields.iter().take(FIELDS.0).map(|(name, text)| (clean(name, 60), clean(text, FIELDS.1))).collect(),
        correlation_id: correlation_id(json.as_ref(), headers).map(|id| clean(&id, CORRELATION_ID)),
        retry_after: retry::retry_after(headers),
        credential,
        changes,
    }
}

/// The message of an error body in the shapes that are in use (plain, RFC 9457, OAuth).
fn message(json: &Value) -> Option<Cow<'_, str>> {
    let places =
        ["/message", "/error/message", "/error_description", "/detail", "/error", "/title", "/errors/0/message"];
    let found = places.iter().find_map(|place| json.pointer(place)?.as_str().filter(|text| !text.is_empty()));
    found.or_else(|| json.as_str()).map(Cow::Borrowed)
}

/// The provider's own word for what went wrong.
fn code(json: &Value) -> Option<&str> {
    ["/code", "/data/error", "/error/code", "/error"].iter().find_map(|place| json.pointer(place)?.as_str())
}

/// What an error body says about single arguments: `{"errors": {"domain": ["is taken"]}}`
fn fields(json: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(texts) => texts
            .iter()
            .map(|text| text.as_str().map_or_else(|| text.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    };
    match json.get("errors") {
        Some(Value::Object(fields)) => fields.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        Some(Value::Array(list)) => {
            let named = |entry: &Value| Some((entry.get("field")?.as_str()?.to_owned(), text(entry.get("message")?)));
            list.iter().filter_map(named).collect()
        }
        _ => Vec::new(),
    }
}

fn correlation_id<'a>(json: Option<&'a Value>, headers: &'a HeaderMap) -> Option<Cow<'a, str>> {
    let in_body = json.and_then(|json| {
        ["correlation_id", "correlationId", "request_id"].iter().find_map(|name| json.get(*name)?.as_str())
    });
    let in_head = || ["x-correlation-id", "x-request-id"].iter().find_map(|name| headers.get(*name)?.to_str().ok());
    in_body.or_else(in_head).map(Cow::Borrowed)
}

fn html_title(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let title = lower
        .find("<title>")
        .zip(lower.find("</title>"))
        .and_then(|(start, end)| html.get(start + "<title>".len()..end));
    match title.map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => format!("an HTML page titled \"{title}\""),
        None => "an HTML page".to_owned(),
    }
}

/// One line of at most so many characters, without control characters.
pub(crate) fn shorten(text: &str, length: usize) -> String {
    let mut line = String::new();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    for (count, c) in words.flat_map(|word| std::iter::once(' ').chain(word.chars())).skip(1).enumerate() {
        if count == length {
            line.push('…');
            break;
        }
        line.push(c);
    }
    line
}
