//! Reads one line as JSON-RPC, and says what is wrong with a line that is not.

use std::borrow::Cow;

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientJsonRpcMessage, ClientRequest, GetMeta, JsonObject, MetaObject,
    RequestId, RequestMetaObject,
};
use serde_json::{Map, Value};

/// JSON-RPC: the line is no JSON.
pub(crate) const PARSE_ERROR: i32 = -32700;
/// JSON-RPC: JSON, but no request that can be taken.
pub(crate) const INVALID_REQUEST: i32 = -32600;
/// JSON-RPC: the parameters of the request are wrong.
pub(crate) const INVALID_PARAMS: i32 = -32602;
/// JSON-RPC: the server cannot carry out the request.
pub(crate) const INTERNAL_ERROR: i32 = -32603;

/// What a line holds.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment, and a box would cost an allocation a message")]
pub(crate) enum Inbound {
    /// Nothing to act on: an empty line, or something that cannot be read and needs no answer.
    Nothing,
    /// A request or a notification.
    Message(ClientJsonRpcMessage),
    /// An array of messages. `None` is a member without an answer.
    Batch(Vec<Result<Option<ClientJsonRpcMessage>, Rejection>>),
}

/// A JSON-RPC error that answers a line which never became a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The id of the request, as it was written; null where it has none that can be used.
    pub(crate) id: Value,
    /// The JSON-RPC error code.
    pub(crate) code: i32,
    /// What is wrong and what would be right.
    pub(crate) message: Cow<'static, str>,
}

impl Rejection {
    pub(crate) fn new(id: Value, code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { id, code, message: message.into() }
    }

    /// Appends the error message as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let message = serde_json::json!({
            "jsonrpc": "2.0",
            "id": self.id,
            "error": { "code": self.code, "message": self.message },
        });
        out.extend_from_slice(message.to_string().as_bytes());
    }
}

/// Reads one line.
pub(crate) fn read(line: &[u8]) -> Result<Inbound, Rejection> {
    // Some clients on Windows start their output with a byte order mark.
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Ok(Inbound::Nothing);
    }
    let value: Value = serde_json::from_slice(line)
        .map_err(|error| Rejection::new(Value::Null, PARSE_ERROR, format!("The line is not valid JSON: {error}.")))?;
    match value {
        Value::Array(members) => batch(members),
        value => Ok(message(value, Some(line))?.map_or(Inbound::Nothing, Inbound::Message)),
    }
}

fn batch(members: Vec<Value>) -> Result<Inbound, Rejection> {
    if members.is_empty() {
        return Err(Rejection::new(Value::Null, INVALID_REQUEST, "A batch must hold at least one message."));
    }
    Ok(Inbound::Batch(members.into_iter().map(|member| message(member, None)).collect()))
}

/// Makes a message of `value`; `source` is the text it was read from, where it was alone on its line.
fn message(value: Value, source: Option<&[u8]>) -> Result<Option<ClientJsonRpcMessage>, Rejection> {
    let Value::Object(object) = value else {
        return Err(Rejection::new(Value::Null, INVALID_REQUEST, "A message must be a JSON object."));
    };
    let id = usable_id(&object);
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(Rejection::new(id, INVALID_REQUEST, "A message must carry `\"jsonrpc\": \"2.0\"`."));
    }
    match object.get("method") {
        Some(Value::String(_)) if !object.contains_key("id") => Ok(notification(object)),
        Some(Value::String(_)) => request(object, id, source).map(Some),
        Some(_) => Err(Rejection::new(id, INVALID_REQUEST, "The `method` must be a string.")),
        // An answer to what the server asked. One that answers nothing is left to rmcp, which drops it.
        None if object.contains_key("result") || object.contains_key("error") => {
            Ok(serde_json::from_value(Value::Object(object)).ok())
        }
        None => Err(Rejection::new(id, INVALID_REQUEST, "A request must name its `method`.")),
    }
}

/// The id an error may be sent under.
fn usable_id(object: &JsonObject) -> Value {
    match object.get("id") {
        Some(id @ (Value::String(_) | Value::Number(_))) => id.clone(),
        _ => Value::Null,
    }
}

/// A notification is never answered, so one that cannot be read is dropped.
fn notification(object: JsonObject) -> Option<ClientJsonRpcMessage> {
    serde_json::from_value(Value::Object(object)).ok()
}

fn request(object: JsonObject, id: Value, source: Option<&[u8]>) -> Result<ClientJsonRpcMessage, Rejection> {
    let Ok(request_id) = serde_json::from_value::<RequestId>(id.clone()) else {
        return Err(Rejection::new(id, INVALID_REQUEST, "The `id` of a request must be a string or a whole number."));
    };
    if let Some(problem) = unreadable(object.get("params")) {
        return Err(Rejection::new(id, INVALID_PARAMS, problem));
    }
    let object = match tool_call(object, &request_id) {
        Ok(message) => return Ok(message),
        Err(object) => object,
    };
    let parsed = match source {
        // Integers beyond 64 bits do not survive the way through a value.
        Some(line) => serde_json::from_value(Value::Object(object)).or_else(|_| serde_json::from_slice(line)),
        None => serde_json::from_value(Value::Object(object)),
    };
    parsed.map_err(|_| Rejection::new(id, INVALID_REQUEST, "The message is not a valid request."))
}

/// What rmcp would silently take for no parameters at all.
fn unreadable(params: Option<&Value>) -> Option<&'static str> {
    match params {
        None | Some(Value::Null) => None,
        Some(Value::Object(params)) => match params.get("cursor") {
            None | Some(Value::Null | Value::String(_)) => None,
            Some(_) => Some("The `cursor` must be a string."),
        },
        Some(_) => Some("The `params` must be an object."),
    }
}

/// Makes the request of a plain `tools/call` directly: this is the hot path, and trying every kind
/// of request in turn costs more than all the rest. Gives the object back if it is anything else.
fn tool_call(mut object: JsonObject, id: &RequestId) -> Result<ClientJsonRpcMessage, JsonObject> {
    if !is_plain_call(&object) {
        return Err(object);
    }
    let Some(Value::Object(mut params)) = object.remove("params") else {
        return Err(object);
    };
    let Some(Value::String(name)) = params.remove("name") else {
        return Err(object);
    };
    let mut call = CallToolRequestParams::new(name);
    call.arguments = take_object(&mut params, "arguments");
    let mut request = ClientRequest::CallToolRequest(CallToolRequest::new(call));
    if let Some(meta) = take_object(&mut params, "_meta") {
        *request.get_meta_mut() = RequestMetaObject(MetaObject(meta));
    }
    Ok(ClientJsonRpcMessage::request(request, id.clone()))
}

fn is_plain_call(object: &JsonObject) -> bool {
    let Some(Value::Object(params)) = object.get("params") else {
        return false;
    };
    object.get("method").is_some_and(|method| method == "tools/call")
        && params.get("name").is_some_and(Value::is_string)
        && params.iter().all(|(key, value)| match key.as_str() {
            "name" => true,
            "arguments" | "_meta" => value.is_object(),
            _ => false,
        })
}

fn take_object(params: &mut JsonObject, key: &str) -> Option<Map<String, Value>> {
    match params.remove(key) {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::JsonRpcMessage;

    use super::*;

    #[test]
    fn a_line_that_is_no_request_is_rejected_with_its_id() {
        let cases: &[(&[u8], Value, i32)] = &[
            (b"{", Value::Null, PARSE_ERROR),
            (b"hello", Value::Null, PARSE_ERROR),
            (b"\xff\xfe", Value::Null, PARSE_ERROR),
            (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", Value::Null, PARSE_ERROR),
            (b"5", Value::Null, INVALID_REQUEST),
            (b"\"x\"", Value::Null, INVALID_REQUEST),
            (b"[]", Value::Null, INVALID_REQUEST),
            (b"{}", Value::Null, INVALID_REQUEST),
            (br#"{"id":7,"method":"ping"}"#, 7.into(), INVALID_REQUEST),
            (br#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, "a".into(), INVALID_REQUEST),
            (br#"{"jsonrpc":"2.0","id":3}"#, 3.into(), INVALID_REQUEST),
            (br#"{"jsonrpc":"2.0","id":3,"method":5}"#, 3.into(), INVALID_REQUEST),
            (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Value::Null, INVALID_REQUEST),
            (br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, Value::Null, INVALID_REQUEST),
            (br#"{"jsonrpc":"2.0","id":4,"method":"ping","params":5}"#, 4.into(), INVALID_PARAMS),
            (br#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":[]}"#, 4.into(), INVALID_PARAMS),
            (br#"{"jsonrpc":"2.0","id":4,"method":"tools/list","params":{"cursor":5}}"#, 4.into(), INVALID_PARAMS),
        ];
        for (line, id, code) in cases {
            let rejection = read(line).expect_err(&String::from_utf8_lossy(line));
            assert_eq!((&rejection.id, rejection.code), (id, *code), "{}", String::from_utf8_lossy(line));
        }
        let fraction = read(br#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#).expect_err("no whole number");
        assert_eq!((fraction.id.to_string().as_str(), fraction.code), ("1.5", INVALID_REQUEST));
    }

    #[test]
    fn nothing_is_made_of_empty_lines() {
        for line in ["", "  ", "\r", "\u{feff}", r#"{"jsonrpc":"2.0","id":[],"result":{}}"#] {
            assert!(matches!(read(line.as_bytes()), Ok(Inbound::Nothing)), "{line:?}");
        }
    }

    #[test]
    fn answers_reach_the_server() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"approve":true}}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#,
        ] {
            let Ok(Inbound::Message(message)) = read(line.as_bytes()) else { panic!("{line} is an answer") };
            assert!(matches!(message, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_)), "{line}");
        }
    }

    #[test]
    fn both_ways_to_a_call_keep_every_digit() {
        let arguments = r#"{"a":123456789012345678901234567890,"b":1.10,"c":{"d":[9007199254740993]}}"#;
        let plain = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x","arguments":{arguments},"_meta":{{"progressToken":7}}}}}}"#
        );
        let other = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x","requestState":"s","arguments":{arguments},"_meta":{{"progressToken":7}}}}}}"#
        );
        for line in [plain, format!("\u{feff}{other}\r")] {
            let Ok(Inbound::Message(JsonRpcMessage::Request(mut request))) = read(line.as_bytes()) else {
                panic!("{line} is a request");
            };
            assert!(request.request.get_meta_mut().get_progress_token().is_some(), "{line}");
            let ClientRequest::CallToolRequest(call) = request.request else { panic!("{line} is a call") };
            assert_eq!(call.params.name, "x");
            assert_eq!(serde_json::to_string(&call.params.arguments).unwrap(), arguments);
        }
    }

    #[test]
    fn malformed_parameters_reach_the_server() {
        for params in [r#"{"name":5}"#, r#"{"name":"x","arguments":[]}"#, "{}"] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
            let Ok(Inbound::Message(JsonRpcMessage::Request(request))) = read(line.as_bytes()) else {
                panic!("{line} is a request");
            };
            assert!(matches!(request.request, ClientRequest::CustomRequest(_)), "{line}");
        }
    }
}
