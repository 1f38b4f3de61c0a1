//! From a call to a finished HTTP request. Pure: the same call always makes the same request.

mod path;
mod query;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use infra_mcp_model::{Location, Method, Operation, QueryArrays, RequestBody};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::account::printable;
use crate::call::Call;
use query::Query;

/// All but the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names itself to the provider after the connected client.
const CLIENT_NAME: HeaderName = HeaderName::from_static("x-mcp-client");

/// Characters of a client's name that are passed on.
const CLIENT_NAME_LENGTH: usize = 128;

/// Header parameters with these names are not the caller's to set (OpenAPI ignores the first three).
const OURS: &[HeaderName] = &[ACCEPT, CONTENT_TYPE, AUTHORIZATION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// Valid arguments that make no safe request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{argument}` {problem}. Nothing was sent.")]
pub struct BuildError {
    argument: String,
    problem: &'static str,
}

impl BuildError {
    fn new(argument: &str, problem: &'static str) -> Self {
        Self { argument: argument.to_owned(), problem }
    }
}

/// Makes the request that the operation of the tool prescribes for these arguments. It carries the
/// credential of the account, if there is one.
///
/// # Errors
/// If a path value could reach another path than the one of the operation, or if a header value
/// cannot be sent.
pub fn build(call: &Call) -> Result<Request<Bytes>, BuildError> {
    let operation =
        call.entry.tool.operation().ok_or_else(|| BuildError::new(&call.entry.tool.name, "is no single request"))?;
    build_step(call, operation, call.arguments.as_map())
}

/// Makes the request of one operation with its values, on behalf of a call.
///
/// # Errors
/// As for [`build`].
pub(super) fn build_step(
    call: &Call,
    operation: &Operation,
    arguments: &Map<String, Value>,
) -> Result<Request<Bytes>, BuildError> {
    let arguments = &*with_defaults(operation, arguments);
    let in_query = body_in_query(call, operation);
    let body = if in_query { None } else { operation.body.as_ref().and_then(|body| json_body(body, arguments)) };

    let mut target = String::with_capacity(192);
    target.push_str(call.account.base());
    path::write(&mut target, operation, arguments)?;
    let mut query = Query::new(&mut target);
    query.parameters(operation, arguments, call.entry.provider.query_arrays);
    if let (true, Some(body)) = (in_query, &operation.body) {
        query.members(body, arguments);
    }

    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method(operation.method);
    *request.headers_mut() = headers(call, operation, arguments, body.is_some())?;
    *request.uri_mut() =
        Uri::try_from(target).map_err(|_| BuildError::new("path and query", "are longer than a URL can be"))?;
    *request.body_mut() = body.unwrap_or_default();
    Ok(request)
}

/// Makes the request of a public page. Nothing of the account goes along but the name of this program.
///
/// # Errors
/// If a value could reach another page than one of this address.
pub(super) fn build_page(
    call: &Call,
    page: &Operation,
    values: &Map<String, Value>,
) -> Result<Request<Bytes>, BuildError> {
    let mut target = String::with_capacity(192);
    path::write(&mut target, page, values)?;
    Query::new(&mut target).parameters(page, values, QueryArrays::Declared);
    let mut request = Request::new(Bytes::new());
    let own = call.account.headers().get(USER_AGENT).cloned();
    request.headers_mut().extend(own.map(|name| (USER_AGENT, name)));
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/html, text/plain;q=0.9"));
    *request.uri_mut() =
        Uri::try_from(target).map_err(|_| BuildError::new("path and query", "are longer than a URL can be"))?;
    Ok(request)
}

/// The arguments, with what the description sends for those that the call leaves out.
fn with_defaults<'a>(operation: &Operation, given: &'a Map<String, Value>) -> Cow<'a, Map<String, Value>> {
    let mut arguments = Cow::Borrowed(given);
    for default in operation.defaults.iter().filter(|default| !given.contains_key(default.argument.as_ref())) {
        if let Ok(value) = serde_json::from_str(&default.value) {
            arguments.to_mut().insert(default.argument.to_string(), value);
        }
    }
    arguments
}

/// Whether what the description calls the body goes into the query.
fn body_in_query(call: &Call, operation: &Operation) -> bool {
    match &operation.body {
        Some(RequestBody::Members { as_query: true, .. }) => true,
        Some(_) => {
            let bodiless_by_custom = matches!(operation.method, Method::Get | Method::Head | Method::Delete);
            bodiless_by_custom && call.account.body_as_query().covers(&call.entry.tool.name)
        }
        None => false,
    }
}

fn json_body(body: &RequestBody, arguments: &Map<String, Value>) -> Option<Bytes> {
    match body {
        RequestBody::Whole { argument } => arguments.get(argument.as_ref()).map(|value| {
            let mut json = Vec::new();
            append(&mut json, value);
            json.into()
        }),
        RequestBody::Members { required, members, .. } => {
            let mut json = Vec::with_capacity(128);
            json.push(b'{');
            for member in members.iter() {
                let Some(value) = arguments.get(member.argument.as_ref()) else { continue };
                if json.len() > 1 {
                    json.push(b',');
                }
                append(&mut json, member.name.as_ref());
                json.push(b':');
                append(&mut json, value);
            }
            let given = json.len() > 1;
            json.push(b'}');
            (given || *required).then(|| json.into())
        }
    }
}

fn append(json: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    serde_json::to_writer(json, value).expect("strings and JSON values always serialise into memory");
}

fn headers(
    call: &Call,
    operation: &Operation,
    arguments: &Map<String, Value>,
    with_body: bool,
) -> Result<HeaderMap, BuildError> {
    let mut headers = call.account.headers().clone();
    if with_body && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let client = call.caller.client_name.as_deref().and_then(client_name);
    if let Some(name) = client.filter(|_| !headers.contains_key(CLIENT_NAME)) {
        headers.insert(CLIENT_NAME, name);
    }
    for parameter in operation.parameters.iter().filter(|parameter| parameter.location == Location::Header) {
        let Some(value) = arguments.get(parameter.argument.as_ref()).filter(|value| !value.is_null()) else { continue };
        let refuse = |problem| BuildError::new(&parameter.argument, problem);
        let name = HeaderName::try_from(parameter.name.as_ref())
            .map_err(|_| refuse("does not name a header that can be sent"))?;
        if OURS.contains(&name) {
            return Err(refuse("is a header that only this server sets; leave it out"));
        }
        // What the operator set for every request is not for a caller to change.
        if !call.account.headers().contains_key(&name) {
            let text = simple(value, parameter.explode);
            let text = HeaderValue::from_bytes(text.as_bytes());
            headers.insert(name, text.map_err(|_| refuse("must be one line without control characters"))?);
        }
    }
    Ok(headers)
}

fn client_name(name: &str) -> Option<HeaderValue> {
    let name: String = printable(name)?.chars().take(CLIENT_NAME_LENGTH).collect();
    HeaderValue::from_bytes(name.as_bytes()).ok()
}

/// Style `simple` without percent-encoding, for headers.
fn simple(value: &Value, explode: bool) -> Cow<'_, str> {
    match value {
        Value::Array(elements) => elements.iter().map(text).collect::<Vec<_>>().join(",").into(),
        Value::Object(members) => {
            let between = if explode { '=' } else { ',' };
            let members = members.iter().map(|(name, value)| format!("{name}{between}{}", text(value)));
            members.collect::<Vec<_>>().join(",").into()
        }
        scalar => text(scalar),
    }
}

/// A value as text. Numbers keep their digits; what is nested deeper than a style can say stays JSON.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Borrowed(number.as_str()),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Null => Cow::Borrowed(""),
        nested => Cow::Owned(nested.to_string()),
    }
}

fn push_encoded(target: &mut String, text: &str) {
    target.extend(utf8_percent_encode(text, RESERVED));
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Delete => http::Method::DELETE,
        Method::Patch => http::Method::PATCH,
        Method::Options => http::Method::OPTIONS,
    }
}
