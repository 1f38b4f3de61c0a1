//! The MCP endpoint: both eras, with sessions and without.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcRequest, RequestId};
use serde_json::{Value, json};

use super::body::Body;
use super::listening::while_admitted;
use super::respond::{App, Permit, Read, TurnedAway, answer, plain, refuse};
use crate::authentication::Challenge;
use crate::call::{Caller, ClientAddress};
use crate::principal::Principal;
use crate::server::Served;
use crate::transport::message::{self, INTERNAL_ERROR, INVALID_REQUEST, Inbound, PARSE_ERROR};

/// The header that names a session of the revisions before 2026-07-28.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// How long a request may be that opens a session, in bytes: it is kept as long as the session.
const LONGEST_OPENING: usize = 32 * 1024;

/// Where requests of those revisions are taken without a session, too.
pub(super) const MESSAGE: &str = "/message";

/// What a client of those revisions takes that does not say.
const EITHER: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// Who sends a request.
#[derive(Clone)]
pub(super) struct Sender {
    peer: SocketAddr,
    principal: Arc<Principal>,
    /// In which session, which is theirs.
    pub(super) session: Option<String>,
}

/// A request that was accepted, without its body.
#[derive(Clone)]
pub(super) struct Accepted {
    parts: http::request::Parts,
    pub(super) sender: Sender,
}

impl<H: Served> App<H> {
    /// Answers what comes to the endpoint.
    pub(super) async fn endpoint(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let principal = match self.authentication.principal(request.uri(), request.headers()).await {
            Ok(principal) => principal,
            Err(challenge) => {
                self.note(self.proxies.client(peer, request.headers()), challenge.code(), challenge.reason());
                return self.refuse_caller(&challenge, Value::Null);
            }
        };
        if self.closing.is_cancelled() {
            return turn_away(&TurnedAway::CLOSING);
        }
        // A stateless request belongs to no session, whichever it names.
        let session = request.headers().get(SESSION).filter(|_| !is_stateless(request.headers()));
        let session = session.map(|id| id.to_str().unwrap_or_default().to_owned());
        let entered = session.as_ref().map(|id| self.sessions.enter(id, principal.id()));
        if matches!(entered, Some(None)) {
            let message = "There is no such session, or no longer. Send `initialize` to open one.";
            return refuse(StatusCode::NOT_FOUND, INVALID_REQUEST, message);
        }
        if let Some(id) = &session {
            self.wake(id).await;
        }
        match *request.method() {
            Method::POST => self.post(request, Sender { peer, principal, session }).await,
            Method::GET => {
                let (parts, _) = request.into_parts();
                let credentials = parts.headers.clone();
                let request = self.admit(parts, Bytes::new(), peer, principal);
                let stream = self.mcp.handle(request).await.map(Body::of);
                stream.map(|body| while_admitted(body, &self.authentication, &credentials))
            }
            Method::DELETE => {
                let (parts, _) = request.into_parts();
                let request = self.admit(parts, Bytes::new(), peer, principal);
                let mut response = self.mcp.handle(request).await.map(Body::of);
                // The session is gone by now, while 202 says that it may go some day (RFC 9110, section 9.3.5). The
                // Python SDK complains of it.
                if response.status() == StatusCode::ACCEPTED {
                    *response.status_mut() = StatusCode::NO_CONTENT;
                }
                response
            }
            _ => {
                let mut response =
                    refuse(StatusCode::METHOD_NOT_ALLOWED, INVALID_REQUEST, "This takes POST, GET and DELETE.");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST, DELETE"));
                response
            }
        }
    }

    /// Wakes a session that is at rest, by a message without consequence. Whoever is the first to come may go away; the
    /// session is woken all the same.
    async fn wake(&self, id: &str) {
        let Some(waking) = self.sessions.waking(&id.into()).await else { return };
        let message = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
        let request = Request::post("/mcp")
            .header(HOST, "localhost")
            .header(SESSION, id)
            .header(ACCEPT, EITHER)
            .header(CONTENT_TYPE, "application/json")
            .body(http_body_util::Full::new(Bytes::from(message)));
        let (Ok(request), mcp) = (request, self.mcp.clone()) else { return };
        let woken = tokio::spawn(async move {
            if mcp.handle(request).await.status() == StatusCode::ACCEPTED {
                waking.done();
            }
        });
        let _ = woken.await;
    }

    async fn post(&self, request: Request<Incoming>, sender: Sender) -> Response<Body> {
        let (parts, incoming) = request.into_parts();
        let mut response = match self.accept(incoming).await {
            Ok((bytes, permit)) => self.take(Accepted { parts, sender }, bytes, permit).await,
            Err(reason @ TurnedAway::Unreadable(_)) => return turn_away(&reason),
            Err(reason) => turn_away(&reason),
        };
        response.extensions_mut().insert(Read);
        response
    }

    /// Carries out what the body of a request asks for.
    async fn take(&self, accepted: Accepted, bytes: Bytes, mut permit: Permit) -> Response<Body> {
        let message = match message::read(&bytes) {
            Ok(Inbound::Nothing) if bytes.trim_ascii().is_empty() => {
                return refuse(StatusCode::BAD_REQUEST, PARSE_ERROR, "The body of the request is empty.");
            }
            Ok(Inbound::Nothing) => None,
            Ok(Inbound::Message(message)) => Some(message),
            // Boxed: every other request would carry its state along.
            Ok(Inbound::Batch(members)) => return Box::pin(self.batch(&accepted, members, permit)).await,
            Err(rejection) => {
                let mut text = Vec::new();
                rejection.write(&mut text);
                return answer(StatusCode::BAD_REQUEST, text);
            }
        };
        if let Some(ClientJsonRpcMessage::Request(request)) = &message
            && matches!(request.request, ClientRequest::CallToolRequest(_))
        {
            self.take_turn(&mut permit).await;
        }
        self.answer(accepted, bytes, message).await.map(|body| body.holding(permit))
    }

    /// The answer to a request that is over before anybody is asked to carry it out.
    fn refuse_beforehand(
        &self,
        JsonRpcRequest { id, request, .. }: &JsonRpcRequest<ClientRequest>,
        sender: &Sender,
        headers: &HeaderMap,
    ) -> Option<Response<Body>> {
        if sender.session.as_ref().is_some_and(|session| self.sessions.waits(session, id)) {
            let message = "A request with this id is still being carried out in this session.";
            return Some(refuse_request(id, message));
        }
        match request {
            // Whoever is asked for no token cannot bring a better one: the result says what the call lacks.
            ClientRequest::CallToolRequest(call) if !self.authentication.is_open() => {
                let caller = Caller {
                    principal: Arc::clone(&sender.principal),
                    address: Some(self.proxies.client(sender.peer, headers).0),
                    session: sender.session.clone(),
                    ..Caller::local(None)
                };
                let scope = self.handler.lacking_scope(caller, &call.params)?;
                let id = id.clone().into_json_value();
                Some(self.refuse_caller(&Challenge::Insufficient(vec![scope.to_owned()]), id))
            }
            _ => None,
        }
    }

    /// Answers one message: `bytes`, which were read as `message`.
    pub(super) async fn answer(
        &self,
        Accepted { parts, sender }: Accepted,
        bytes: Bytes,
        message: Option<ClientJsonRpcMessage>,
    ) -> Response<Body> {
        let request = match &message {
            Some(ClientJsonRpcMessage::Request(request)) => Some(request),
            _ => None,
        };
        if let Some(refusal) = request.and_then(|request| self.refuse_beforehand(request, &sender, &parts.headers)) {
            return refusal;
        }
        let asked = request.map(|request| &request.request);
        let opens = matches!(asked, Some(ClientRequest::InitializeRequest(_)));
        if opens && bytes.len() > LONGEST_OPENING {
            let message = "An `initialize` request may be no longer than 32 KiB.";
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, message);
        }
        if opens && !self.sessions.has_room() {
            return turn_away(&TurnedAway::Busy("As many sessions are open as this server allows."));
        }
        let listens = matches!(asked, Some(ClientRequest::SubscriptionsListenRequest(_)));
        let credentials = if listens { parts.headers.clone() } else { HeaderMap::new() };
        let listing = match asked {
            Some(ClientRequest::ListToolsRequest(_)) => self.handler.listing(&sender.principal),
            _ => None,
        };
        if let Some(ClientJsonRpcMessage::Request(request)) = message
            && sender.session.is_none()
            && self.direct.takes(&parts.headers, &request.request)
        {
            let address = self.proxies.client(sender.peer, &parts.headers);
            let response = self.direct.answer(request, known(sender.principal, address)).await;
            return response.map(|body| body.filling(listing));
        }
        let owner = Arc::clone(&sender.principal);
        let bare = parts.uri.path() == MESSAGE && sender.session.is_none() && !opens && !is_stateless(&parts.headers);
        let request = self.admit(parts, bytes, sender.peer, sender.principal);
        let response = if bare { self.bare.handle(request).await } else { self.mcp.handle(request).await };
        if opens && let Some(id) = response.headers().get(SESSION).and_then(|id| id.to_str().ok()) {
            self.sessions.bind(id, owner.id());
        }
        let response = response.map(|inner| Body::of(inner).filling(listing));
        match listens {
            true => response.map(|body| while_admitted(body, &self.authentication, &credentials)),
            false => response,
        }
    }

    /// The request as rmcp and the handler get it. The credentials of the caller end here: nothing goes on of the
    /// request's head but what the protocol itself uses, so nothing else can ever reach a call.
    fn admit(
        &self,
        mut parts: http::request::Parts,
        bytes: Bytes,
        peer: SocketAddr,
        principal: Arc<Principal>,
    ) -> Request<http_body_util::Full<Bytes>> {
        let address = self.proxies.client(peer, &parts.headers);
        let names: Vec<HeaderName> = parts.headers.keys().filter(|name| !is_of_protocol(name)).cloned().collect();
        for name in names {
            parts.headers.remove(name);
        }
        if parts.method == Method::POST && !is_stateless(&parts.headers) && takes_anything(&parts.headers) {
            parts.headers.insert(ACCEPT, EITHER);
        }
        parts.uri = Uri::from_static("/mcp");
        parts.extensions = known(principal, address);
        Request::from_parts(parts, http_body_util::Full::new(bytes))
    }

    fn refuse_caller(&self, challenge: &Challenge, id: Value) -> Response<Body> {
        let error =
            json!({ "code": INVALID_REQUEST, "message": challenge.message(), "data": { "code": challenge.code() } });
        self.challenge(challenge, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
    }
}

/// What a handler is told of who sends a request.
fn known(principal: Arc<Principal>, address: ClientAddress) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(principal);
    extensions.insert(address);
    extensions
}

/// Whether rmcp reads this header.
fn is_of_protocol(name: &HeaderName) -> bool {
    [ACCEPT, CONTENT_TYPE, HOST].contains(name) || name.as_str().starts_with("mcp-") || name == "last-event-id"
}

/// Whether the request is of 2026-07-28 or later, which knows no sessions. Versions are dates.
fn is_stateless(headers: &HeaderMap) -> bool {
    let version = headers.get("mcp-protocol-version").and_then(|version| version.to_str().ok());
    version.is_some_and(|version| version >= "2026-07-28")
}

/// Whether every media type will do (RFC 9110, section 12.5.1): nothing is said, or `*/*`, as curl says.
fn takes_anything(headers: &HeaderMap) -> bool {
    let is_any = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let weightless = |part: &str| part.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
        parts.next() == Some("*/*") && !parts.any(weightless)
    };
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    !headers.contains_key(ACCEPT) || ranges.flat_map(|value| value.split(',')).any(|range| is_any(range.trim()))
}

pub(super) fn turn_away(reason: &TurnedAway) -> Response<Body> {
    let code = if reason.status() == StatusCode::SERVICE_UNAVAILABLE { INTERNAL_ERROR } else { INVALID_REQUEST };
    let error = json!({ "code": code, "message": reason.message() });
    reason.respond(&json!({ "jsonrpc": "2.0", "id": Value::Null, "error": error }))
}

/// A JSON-RPC error that answers this request.
fn refuse_request(id: &RequestId, message: &str) -> Response<Body> {
    let error = json!({ "code": INVALID_REQUEST, "message": message });
    plain(StatusCode::BAD_REQUEST, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_anything_says_so_or_nothing() {
        for (accept, expected) in [
            (&[][..], true),
            (&["*/*"], true),
            (&["text/html, */*;q=0.8"], true),
            (&["text/html", "*/*"], true),
            (&["*/*;q=0"], false),
            (&["*/*; q=0.000"], false),
            (&["application/*"], false),
            (&["application/json"], false),
            (&[""], false),
        ] {
            let mut headers = HeaderMap::new();
            accept.iter().for_each(|value| _ = headers.append(ACCEPT, value.parse().unwrap()));
            assert_eq!(takes_anything(&headers), expected, "{accept:?}");
        }
    }
}
