//! Requests of 2026-07-28 about which nothing is left to decide go straight to the handler.
//!
//! rmcp's transport reads the body of a request once more and sets up a service for it alone, with tasks and channels of
//! 120 KiB, which costs as much as the call itself. It does so to find fault with the request, and to pass on what is
//! said before the answer. A request without any fault whose answer is all that is said needs neither, and goes to
//! rmcp's handling of requests at once; everything else goes the whole way.

use std::convert::Infallible;
use std::future::{pending, ready};

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode};
use rmcp::model::{
    ClientCapabilities, ClientRequest, GetMeta as _, Implementation, InitializeRequestParams, JsonRpcMessage,
    JsonRpcRequest, ProtocolVersion, ServerJsonRpcMessage,
};
use rmcp::service::{RequestContext, RunningService, RxJsonRpcMessage, Service as _, TxJsonRpcMessage, serve_directly};
use rmcp::transport::Transport;
use rmcp::{ErrorData, RoleServer};
use tokio_util::sync::CancellationToken;

use super::body::Body;
use super::respond::answer;
use crate::server::Served;

/// The one revision whose requests are answered here.
const REVISION: ProtocolVersion = ProtocolVersion::V_2026_07_28;

/// What becomes of a request that outlasts the server.
const CUT_OFF: &str =
    "The server ended before this request did. What came of it is not known: look before you repeat it.";

/// The way of a request that needs nothing of the transport but its answer.
pub(super) struct Direct<H: Served> {
    /// Talks to nobody: rmcp hands every handler something to talk to its client by.
    idle: RunningService<RoleServer, H>,
    /// Ends what is still being answered.
    end: CancellationToken,
}

impl<H: Served> Direct<H> {
    /// Must be called within a tokio runtime.
    pub(super) fn new(handler: H, end: CancellationToken) -> Self {
        let client = InitializeRequestParams::new(ClientCapabilities::default(), Implementation::default());
        let client = client.with_protocol_version(REVISION);
        Self { idle: serve_directly(handler, Nobody, Some(client)), end }
    }

    /// Whether the request, which came by POST with these headers, can be answered here.
    pub(super) fn takes(&self, headers: &HeaderMap, request: &ClientRequest) -> bool {
        is_faultless(headers, request) && self.idle.service().only_answers(request)
    }

    /// Answers it. `extensions` are those of its head, as the handler gets them.
    pub(super) async fn answer(
        &self,
        JsonRpcRequest { id, mut request, .. }: JsonRpcRequest<ClientRequest>,
        extensions: Extensions,
    ) -> Response<Body> {
        let mut context = RequestContext::new(id.clone(), self.idle.peer().clone());
        std::mem::swap(&mut context.meta, request.get_meta_mut());
        let (mut head, ()) = Request::new(()).into_parts();
        (head.method, head.extensions) = (Method::POST, extensions);
        context.extensions.insert(head);
        // Boxed: it has room for whatever may be asked of a handler.
        let handled = Box::pin(self.idle.service().handle_request(request, context));
        let (status, outcome) = tokio::select! {
            outcome = handled => (StatusCode::OK, outcome),
            () = self.end.cancelled() => (StatusCode::SERVICE_UNAVAILABLE, Err(ErrorData::internal_error(CUT_OFF, None))),
        };
        let message: ServerJsonRpcMessage = match outcome {
            Ok(result) => JsonRpcMessage::response(result, id),
            Err(error) => JsonRpcMessage::error(error, Some(id)),
        };
        // Writing to memory fails only for maps without text keys, and these types have none.
        answer(status, serde_json::to_vec(&message).unwrap_or_default())
    }
}

/// Whether the request says in head and body alike what it is, so that rmcp would have nothing against it. Whatever is
/// only said in another way than most clients say it is left to rmcp, which knows them all.
fn is_faultless(headers: &HeaderMap, request: &ClientRequest) -> bool {
    let meta = request.get_meta();
    let name = match request {
        ClientRequest::CallToolRequest(call) => Some(call.params.name.as_ref()),
        ClientRequest::ListToolsRequest(_) => None,
        _ => return false,
    };
    let said = |header: &str, expected: &str| only(headers, header) == Some(expected);
    said("mcp-protocol-version", REVISION.as_str())
        && meta.protocol_version() == Some(REVISION)
        && meta.missing_required_keys(&REVISION).is_empty()
        && said("mcp-method", request.method())
        // What begins like this may be Base64.
        && name.is_none_or(|name| said("mcp-name", name) && !name.starts_with("=?"))
        && said(CONTENT_TYPE.as_str(), "application/json")
        && only(headers, ACCEPT.as_str()).is_some_and(takes_either)
}

/// The value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Whether both media types that the answer could have are accepted without reservation.
fn takes_either(accept: &str) -> bool {
    let accepts = |wanted| accept.split(',').any(|range| range.trim() == wanted);
    accepts("application/json") && accepts("text/event-stream")
}

/// A client that says nothing and hears nothing.
struct Nobody;

impl Transport<RoleServer> for Nobody {
    type Error = Infallible;

    fn send(
        &mut self,
        _: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        ready(Ok(()))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        pending().await
    }

    async fn close(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::ClientJsonRpcMessage;
    use serde_json::{Value, json};

    use super::*;
    use crate::transport::message::{self, Inbound};

    const CALL: [(&str, &str); 5] = [
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "t"),
    ];

    fn request(method: &str, change: impl FnOnce(&mut Value)) -> ClientRequest {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let mut params = json!({ "name": "t", "arguments": {}, "_meta": meta });
        change(&mut params);
        let line = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        match message::read(line.as_bytes()) {
            Ok(Inbound::Message(ClientJsonRpcMessage::Request(request))) => request.request,
            other => panic!("{line} is no request: {other:?}"),
        }
    }

    fn headers<'h>(pairs: impl IntoIterator<Item = (&'h str, &'h str)>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn what_most_clients_send_is_faultless() {
        assert!(is_faultless(&headers(CALL), &request("tools/call", |_| {})));
        let list = CALL.map(|(name, value)| (name, if name == "mcp-method" { "tools/list" } else { value }));
        assert!(is_faultless(&headers(list), &request("tools/list", |_| {})));
        let order = CALL.map(|(name, value)| (name, value.strip_suffix(", text/event-stream").unwrap_or(value)));
        assert!(!is_faultless(&headers(order), &request("tools/call", |_| {})));
    }

    #[test]
    fn whatever_head_and_body_do_not_agree_on_is_for_rmcp() {
        let call = request("tools/call", |_| {});
        for (name, value) in [
            ("accept", "application/json"),
            ("accept", "application/json, text/event-stream;q=0"),
            ("accept", "*/*"),
            ("content-type", "text/plain"),
            ("mcp-protocol-version", "2025-11-25"),
            ("mcp-protocol-version", "2099-01-01"),
            ("mcp-method", "tools/list"),
            ("mcp-name", "other"),
            ("mcp-name", "=?base64?dA==?="),
        ] {
            let missing = CALL.into_iter().filter(|(other, _)| *other != name);
            assert!(!is_faultless(&headers(missing.clone()), &call), "without {name}");
            assert!(!is_faultless(&headers(missing.chain([(name, value)])), &call), "{name}: {value}");
            let twice = CALL.into_iter().chain(CALL.into_iter().filter(|(other, _)| *other == name));
            assert!(!is_faultless(&headers(twice), &call), "{name} twice");
        }
        let version = "io.modelcontextprotocol/protocolVersion";
        for (what, change) in [
            ("no metadata", (|params| params["_meta"] = json!({})) as fn(&mut Value)),
            ("no capabilities", |params| {
                params["_meta"].as_object_mut().unwrap().remove("io.modelcontextprotocol/clientCapabilities");
            }),
            ("capabilities that are none", |params| {
                params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!([]);
            }),
            ("encoded", |params| params["name"] = json!("=?base64?dA==?=")),
        ] {
            let name = if what == "encoded" { "=?base64?dA==?=" } else { "t" };
            let pairs = CALL.map(|(header, value)| (header, if header == "mcp-name" { name } else { value }));
            assert!(!is_faultless(&headers(pairs), &request("tools/call", change)), "{what}");
        }
        for other in ["2025-11-25", "2026-07-29"] {
            let request = request("tools/call", |params| params["_meta"][version] = json!(other));
            assert!(!is_faultless(&headers(CALL), &request), "{other} in the body");
        }
        let ping = CALL.map(|(name, value)| (name, if name == "mcp-method" { "ping" } else { value }));
        assert!(!is_faultless(&headers(ping), &request("ping", |_| {})), "another method");
    }
}
