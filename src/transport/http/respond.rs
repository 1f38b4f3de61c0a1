//! The way of one HTTP request: whose name, which page, which path, who, what size, what message, MCP.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderName,
    HeaderValue, ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, RequestId};
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::body::{self, Body, Unreadable};
use super::origins::{Foreign, Origins};
use super::proxies::Proxies;
use super::sessions::Sessions;
use super::{HttpOptions, MOST_REQUESTS};
use crate::authentication::{Authentication, Challenge, METADATA};
use crate::principal::Principal;
use crate::server::Served;
use crate::transport::message::{self, INTERNAL_ERROR, INVALID_REQUEST, Inbound, PARSE_ERROR};

/// The header that names a session of the revisions before 2026-07-28.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// The request headers that a web page may send, and the response headers it may read.
const CORS_REQUEST: &str = "authorization, content-type, accept, last-event-id, mcp-session-id, mcp-protocol-version, \
                            mcp-method, mcp-name";
const CORS_RESPONSE: &str = "mcp-session-id, www-authenticate, retry-after";

/// How long a client that is turned away for the moment should wait, in seconds.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("1");

/// Marks a response to a request whose body was read to its end.
#[derive(Clone, Copy)]
struct Read;

/// What all connections share.
pub(super) struct App<H> {
    origins: Origins,
    proxies: Proxies,
    authentication: Authentication,
    sessions: Arc<Sessions>,
    handler: H,
    mcp: StreamableHttpService<H, Sessions>,
    /// A permit for every request that is being answered.
    pub(super) flight: Arc<Semaphore>,
    /// A permit for every long body that is being read.
    room: Semaphore,
    closing: CancellationToken,
}

impl<H: Served> App<H> {
    /// `closing` ends the taking of requests, `end` whatever is still open after that.
    pub(super) fn new(handler: H, options: HttpOptions, closing: CancellationToken, end: CancellationToken) -> Self {
        let sessions = Sessions::new(options.most_sessions, options.session_idle);
        let config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_cancellation_token(end)
            .with_max_request_body_bytes(body::LONGEST)
            // Both are checked here, for every path and before anything is read.
            .disable_allowed_hosts()
            .disable_allowed_origins();
        let factory = handler.clone();
        let mcp = StreamableHttpService::new(move || Ok(factory.clone()), Arc::clone(&sessions), config);
        Self {
            origins: options.origins,
            proxies: options.proxies,
            authentication: options.authentication,
            sessions,
            handler,
            mcp,
            flight: Arc::new(Semaphore::new(MOST_REQUESTS)),
            room: Semaphore::new(body::MOST_LONG),
            closing,
        }
    }

    /// Answers one request that came from `peer` and arrived at `local`.
    pub(super) async fn respond(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Response<Body> {
        let page =
            self.origins.shares_with(request.headers()).then(|| request.headers().get(ORIGIN).cloned()).flatten();
        let has_body = !http_body::Body::is_end_stream(request.body());
        let mut response = self.route(request, peer, local).await;
        if has_body && response.extensions().get::<Read>().is_none() {
            // hyper closes the connection rather than read on, and a client that is not told sends its next request.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(page) = page {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(CORS_RESPONSE));
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        response
    }

    async fn route(&self, request: Request<Incoming>, peer: SocketAddr, local: SocketAddr) -> Response<Body> {
        let path = request.uri().path();
        let probe = matches!(path, "/health" | "/ready");
        let checked = match probe {
            // A probe of the platform calls by an address that only the platform knows.
            true => self.origins.check_page(request.headers(), local),
            false => self.origins.check(request.uri(), request.headers(), local),
        };
        if let Err(foreign) = checked {
            return refuse_foreign(foreign);
        }
        if request.method() == Method::OPTIONS {
            return self.preflight(&request);
        }
        match path {
            "/health" => reads_only(&request, || plain(StatusCode::OK, &json!({ "status": "ok" }))),
            "/ready" => reads_only(&request, || self.readiness()),
            "/" | "/mcp" => self.endpoint(request, peer).await,
            path if path.starts_with(METADATA) => reads_only(&request, || self.metadata(path)),
            _ => plain(
                StatusCode::NOT_FOUND,
                &json!({ "error": "There is nothing here. The MCP endpoint is /mcp; /health and /ready tell how the server is." }),
            ),
        }
    }

    /// Answers a CORS preflight (Fetch standard, section 3.2.2), for the origins that were allowed by name alone.
    fn preflight(&self, request: &Request<Incoming>) -> Response<Body> {
        if !self.origins.shares_with(request.headers()) {
            return refuse_foreign(Foreign::Page);
        }
        let mut response = empty(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(CORS_REQUEST));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        response
    }

    fn readiness(&self) -> Response<Body> {
        let mut missing = self.handler.missing();
        if self.closing.is_cancelled() {
            missing.push("The server is shutting down.".to_owned());
        }
        let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        plain(status, &json!({ "ready": missing.is_empty(), "missing": missing }))
    }

    fn metadata(&self, path: &str) -> Response<Body> {
        match self.authentication.metadata(path) {
            Some(document) => plain(StatusCode::OK, &document),
            None => plain(
                StatusCode::NOT_FOUND,
                &json!({ "error": "This server trusts no OAuth issuer; its tokens come from its operator." }),
            ),
        }
    }

    /// The MCP endpoint.
    async fn endpoint(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let principal = match self.authentication.principal(request.uri(), request.headers()).await {
            Ok(principal) => principal,
            Err(challenge) => return self.challenge(&challenge),
        };
        if self.closing.is_cancelled() {
            return busy("The server is shutting down.");
        }
        let session = request.headers().get(SESSION).map(|id| id.to_str().unwrap_or_default().to_owned());
        if let Some(id) = &session
            && !is_stateless(&request)
            && !self.sessions.belongs(id, principal.id())
        {
            let message = "There is no such session, or no longer. Send `initialize` to open one.";
            return refuse(StatusCode::NOT_FOUND, INVALID_REQUEST, message);
        }
        match *request.method() {
            Method::POST => self.post(request, peer, principal, session).await,
            Method::GET | Method::DELETE => {
                let (parts, _) = request.into_parts();
                let ends = parts.method == Method::DELETE;
                let request = self.admit(parts, Bytes::new(), peer, principal);
                let mut response = self.mcp.handle(request).await.map(Body::from);
                // The session is gone by now, while 202 says that it may go some day (RFC 9110, section 9.3.5). The
                // Python SDK complains of it.
                if ends && response.status() == StatusCode::ACCEPTED {
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

    async fn post(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        principal: Arc<Principal>,
        session: Option<String>,
    ) -> Response<Body> {
        let (parts, incoming) = request.into_parts();
        let bytes = match body::read(incoming, &self.room).await {
            Ok(bytes) => bytes,
            Err(unreadable) => return unreadable_body(&unreadable),
        };
        let mut response = self.take(parts, bytes, peer, principal, session).await;
        response.extensions_mut().insert(Read);
        response
    }

    /// Carries out what the body of a request asks for.
    async fn take(
        &self,
        parts: http::request::Parts,
        bytes: Bytes,
        peer: SocketAddr,
        principal: Arc<Principal>,
        session: Option<String>,
    ) -> Response<Body> {
        // Not before the body is there: whoever is slow to send one must not take the place of others.
        let Ok(permit) = Arc::clone(&self.flight).try_acquire_owned() else {
            return busy("The server carries out as many requests as it can.");
        };
        if self.closing.is_cancelled() {
            return busy("The server is shutting down.");
        }
        let inbound = match message::read(&bytes) {
            Ok(Inbound::Nothing) if bytes.trim_ascii().is_empty() => {
                return refuse(StatusCode::BAD_REQUEST, PARSE_ERROR, "The body of the request is empty.");
            }
            Ok(Inbound::Batch(_)) => {
                let message = "Batches are not taken over HTTP. Send every message in a request of its own.";
                return refuse(StatusCode::BAD_REQUEST, INVALID_REQUEST, message);
            }
            Ok(inbound) => inbound,
            Err(rejection) => {
                let mut text = Vec::new();
                rejection.write(&mut text);
                return answer(StatusCode::BAD_REQUEST, text);
            }
        };
        let mut listing = None;
        let mut opens = false;
        if let Inbound::Message(ClientJsonRpcMessage::Request(request)) = &inbound {
            if session.is_some_and(|session| self.sessions.waits(&session, &request.id)) {
                let message = "A request with this id is still being carried out in this session.";
                return refuse_request(&request.id, message);
            }
            match &request.request {
                ClientRequest::CallToolRequest(call) => {
                    if let Some(scope) = self.handler.lacking_scope(&principal, &call.params.name) {
                        return self.challenge(&Challenge::Insufficient(vec![scope.to_owned()]));
                    }
                }
                ClientRequest::ListToolsRequest(_) => listing = self.handler.listing(&principal),
                ClientRequest::InitializeRequest(_) => opens = true,
                _ => {}
            }
        }
        if opens && !self.sessions.has_room() {
            return busy("As many sessions are open as this server allows.");
        }
        let owner = Arc::clone(&principal);
        let request = self.admit(parts, bytes, peer, principal);
        let response = self.mcp.handle(request).await;
        if opens && let Some(id) = response.headers().get(SESSION).and_then(|id| id.to_str().ok()) {
            self.sessions.bind(id, owner.id());
        }
        response.map(|inner| Body::from(inner).holding(permit).filling(listing))
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
        parts.uri = Uri::from_static("/mcp");
        parts.extensions.insert(principal);
        parts.extensions.insert(address);
        Request::from_parts(parts, http_body_util::Full::new(bytes))
    }

    fn challenge(&self, challenge: &Challenge) -> Response<Body> {
        let text = json!({
            "jsonrpc": "2.0",
            "id": null,
            "error": { "code": INVALID_REQUEST, "message": challenge.message(), "data": { "code": challenge.code() } },
        });
        let mut response = plain(challenge.status(), &text);
        let headers = response.headers_mut();
        if let Challenge::Unavailable { retry_after } = challenge {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
        } else if let Ok(value) = HeaderValue::try_from(self.authentication.www_authenticate(challenge)) {
            headers.insert(WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// Whether rmcp reads this header.
fn is_of_protocol(name: &HeaderName) -> bool {
    [ACCEPT, CONTENT_TYPE, HOST].contains(name) || name.as_str().starts_with("mcp-") || name == "last-event-id"
}

/// Whether the request is of 2026-07-28 or later, which knows no sessions. Versions are dates.
fn is_stateless(request: &Request<Incoming>) -> bool {
    let version = request.headers().get("mcp-protocol-version").and_then(|version| version.to_str().ok());
    version.is_some_and(|version| version >= "2026-07-28")
}

fn reads_only(request: &Request<Incoming>, answer: impl FnOnce() -> Response<Body>) -> Response<Body> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer();
    }
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "This can only be read, with GET." }));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn refuse_foreign(foreign: Foreign) -> Response<Body> {
    tracing::warn!(target: "infra_mcp", "refused: {}", foreign.message());
    refuse(StatusCode::FORBIDDEN, INVALID_REQUEST, foreign.message())
}

fn unreadable_body(unreadable: &Unreadable) -> Response<Body> {
    let status = match unreadable {
        Unreadable::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        Unreadable::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Unreadable::Broken => StatusCode::BAD_REQUEST,
        Unreadable::Crowded => return busy(&unreadable.to_string()),
    };
    refuse(status, INVALID_REQUEST, &unreadable.to_string())
}

fn busy(message: &str) -> Response<Body> {
    let mut response =
        refuse(StatusCode::SERVICE_UNAVAILABLE, INTERNAL_ERROR, &format!("{message} Try again shortly."));
    response.headers_mut().insert(RETRY_AFTER, TRY_AGAIN);
    response
}

/// A JSON-RPC error that answers no request in particular.
fn refuse(status: StatusCode, code: i32, message: &str) -> Response<Body> {
    plain(status, &json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } }))
}

/// A JSON-RPC error that answers this request.
fn refuse_request(id: &RequestId, message: &str) -> Response<Body> {
    let error = json!({ "code": INVALID_REQUEST, "message": message });
    plain(StatusCode::BAD_REQUEST, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

fn plain(status: StatusCode, document: &Value) -> Response<Body> {
    answer(status, document.to_string().into_bytes())
}

fn answer(status: StatusCode, text: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::whole(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::whole(Vec::new()));
    *response.status_mut() = status;
    response
}
