//! The way of one HTTP request: whose name, which page, which path, and to whom it is passed on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONNECTION, HeaderValue, ORIGIN, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::body::{self, Body, Unreadable};
use super::direct::Direct;
use super::endpoint::MESSAGE;
use super::origins::{Foreign, Origins};
use super::proxies::Proxies;
use super::sessions::Sessions;
use super::{HttpOptions, MOST_REQUESTS};
use crate::audit::Stranger;
use crate::authentication::{Authentication, Challenge, METADATA};
use crate::call::ClientAddress;
use crate::policy::Code;
use crate::server::Served;
use crate::transport::message::INVALID_REQUEST;

/// The request headers that a web page may send, and the response headers it may read.
const CORS_REQUEST: &str = "authorization, content-type, accept, last-event-id, mcp-session-id, mcp-protocol-version, \
                            mcp-method, mcp-name";
const CORS_RESPONSE: &str = "mcp-session-id, www-authenticate, retry-after";

/// How long a client that is turned away for the moment should wait, in seconds.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("1");

/// Marks a response to a request whose body was read to its end.
#[derive(Clone, Copy)]
pub(super) struct Read;

/// Why a request is not carried out, whatever it asks for.
pub(super) enum TurnedAway {
    /// Its body was not read to its end.
    Unreadable(Unreadable),
    /// It has to come back.
    Busy(&'static str),
}

/// How many calls are carried out before others wait for their turn.
const AT_ONCE: usize = 64;

/// How long a call waits for its turn. One that has waited so long is carried out all the same, since those before it
/// wait for a slow provider.
const PATIENCE: Duration = Duration::from_millis(100);

/// Permission to carry out a request, until its response has gone out.
pub(super) struct Permit {
    pub(super) flight: OwnedSemaphorePermit,
    /// The turn of a call; none where it went ahead without.
    turn: Option<OwnedSemaphorePermit>,
}

/// What all connections share.
pub(super) struct App<H: Served> {
    origins: Origins,
    pub(super) proxies: Proxies,
    pub(super) authentication: Arc<Authentication>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) handler: H,
    pub(super) mcp: StreamableHttpService<H, Sessions>,
    /// For requests of 2026-07-28 that need nothing of rmcp's transport.
    pub(super) direct: Direct<H>,
    /// For requests of the revisions before 2026-07-28 that belong to no session.
    pub(super) bare: StreamableHttpService<H, NeverSessionManager>,
    /// A permit for every request that is being answered.
    pub(super) flight: Arc<Semaphore>,
    /// A permit for each call that has its turn. What is begun and not ended takes memory, and more of it than what waits,
    /// so beginning everything at once only makes all of it late.
    turns: Arc<Semaphore>,
    /// A permit for every long body that is being read.
    room: Semaphore,
    pub(super) closing: CancellationToken,
}

impl<H: Served> App<H> {
    /// `closing` ends the taking of requests, `end` whatever is still open after that.
    pub(super) fn new(handler: H, options: HttpOptions, closing: CancellationToken, end: CancellationToken) -> Self {
        let sessions = Sessions::new(options.most_sessions, options.session_idle);
        let mut config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_cancellation_token(end.clone())
            .with_max_request_body_bytes(body::LONGEST)
            // Both are checked here, for every path and before anything is read.
            .disable_allowed_hosts()
            .disable_allowed_origins();
        let factory = handler.clone();
        let factory = move || Ok(factory.clone());
        let sessionless = config.clone().with_legacy_session_mode(false);
        let bare = StreamableHttpService::new(factory.clone(), Arc::default(), sessionless);
        config.session_store = Some(Arc::<Sessions>::clone(&sessions));
        let mcp = StreamableHttpService::new(factory, Arc::clone(&sessions), config);
        let direct = Direct::new(handler.clone(), end);
        Self {
            origins: options.origins,
            proxies: options.proxies,
            authentication: Arc::new(options.authentication),
            sessions,
            handler,
            mcp,
            direct,
            bare,
            flight: Arc::new(Semaphore::new(MOST_REQUESTS)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
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
            return self.refuse_foreign(foreign, &request, peer);
        }
        if request.method() == Method::OPTIONS {
            return self.preflight(&request, peer);
        }
        match path {
            "/health" => reads_only(&request, || plain(StatusCode::OK, &json!({ "status": "ok" }))),
            "/ready" => reads_only(&request, || self.readiness()),
            "/" | "/mcp" => self.endpoint(request, peer).await,
            "/sse" if request.method() == Method::GET => plain(
                StatusCode::GONE,
                &json!({ "error": "The transport of 2024-11-05 is not served. Use Streamable HTTP: the MCP endpoint is /mcp." }),
            ),
            path if path.starts_with(METADATA) => reads_only(&request, || self.metadata(path)),
            path => match self.handler.rest() {
                Some(_) if path == MESSAGE => self.endpoint(request, peer).await,
                Some(rest) => self.door(rest, request, peer).await,
                None => nothing_here(),
            },
        }
    }

    /// Answers a CORS preflight (Fetch standard, section 3.2.2), for the origins that were allowed by name alone.
    fn preflight(&self, request: &Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        if !self.origins.shares_with(request.headers()) {
            return self.refuse_foreign(Foreign::Page, request, peer);
        }
        let mut response = empty(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(CORS_REQUEST));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        response
    }

    fn refuse_foreign(&self, foreign: Foreign, request: &Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let code = Code::BlockedByPolicy.as_str();
        self.note(self.proxies.client(peer, request.headers()), code, foreign.message());
        let speaks_mcp = matches!(request.uri().path(), "/" | "/mcp" | MESSAGE);
        let said = if speaks_mcp {
            let error = json!({ "code": INVALID_REQUEST, "message": foreign.message(), "data": { "code": code } });
            json!({ "jsonrpc": "2.0", "id": null, "error": error })
        } else {
            json!({ "error": foreign.message(), "code": code })
        };
        plain(StatusCode::FORBIDDEN, &said)
    }

    /// Notes for the audit log that somebody is turned away.
    pub(super) fn note(&self, ClientAddress(address): ClientAddress, code: &'static str, reason: &'static str) {
        self.handler.turned_away(Stranger { address, code, reason });
    }

    fn readiness(&self) -> Response<Body> {
        let mut missing = self.handler.missing();
        if self.closing.is_cancelled() {
            missing.push("The server is shutting down.".to_owned());
        }
        let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let mut state = json!({ "ready": missing.is_empty(), "missing": missing });
        if !self.handler.unsafe_ways().is_empty() {
            state["unsafe"] = self.handler.unsafe_ways().into();
        }
        plain(status, &state)
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

    /// The body of a request, and the permit to carry out what it asks for.
    pub(super) async fn accept(&self, incoming: Incoming) -> Result<(Bytes, Permit), TurnedAway> {
        let bytes = body::read(incoming, &self.room).await.map_err(TurnedAway::Unreadable)?;
        // Not before the body is there: whoever is slow to send one must not take the place of others.
        let flight = self.permits(1)?;
        if self.closing.is_cancelled() { Err(TurnedAway::CLOSING) } else { Ok((bytes, Permit { flight, turn: None })) }
    }

    /// Waits for the turn of a call, which ends with its permit.
    pub(super) async fn take_turn(&self, permit: &mut Permit) {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        permit.turn = turn.ok().and_then(Result::ok);
    }

    /// Permission to carry out so many more requests.
    pub(super) fn permits(&self, count: usize) -> Result<OwnedSemaphorePermit, TurnedAway> {
        let permits = Arc::clone(&self.flight).try_acquire_many_owned(u32::try_from(count).unwrap_or(u32::MAX));
        permits.map_err(|_| TurnedAway::Busy("The server carries out as many requests as it can."))
    }

    /// Turns away a caller, in these words.
    pub(super) fn challenge(&self, challenge: &Challenge, said: &Value) -> Response<Body> {
        let mut response = plain(challenge.status(), said);
        self.name_challenge(challenge, response.headers_mut());
        response
    }

    /// Says in the head of a response what the caller lacks.
    pub(super) fn name_challenge(&self, challenge: &Challenge, headers: &mut HeaderMap) {
        if let Challenge::Unavailable { retry_after } = challenge {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
        } else if let Ok(value) = HeaderValue::try_from(self.authentication.www_authenticate(challenge)) {
            headers.insert(WWW_AUTHENTICATE, value);
        }
    }
}

impl TurnedAway {
    /// The server takes no more requests.
    pub(super) const CLOSING: Self = Self::Busy("The server is shutting down.");

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unreadable(Unreadable::TooLong) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable(Unreadable::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Unreadable(Unreadable::Broken) => StatusCode::BAD_REQUEST,
            Self::Unreadable(Unreadable::Crowded) | Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::Unreadable(reason @ Unreadable::Crowded) => format!("{reason} Try again shortly."),
            Self::Unreadable(reason) => reason.to_string(),
            Self::Busy(reason) => format!("{reason} Try again shortly."),
        }
    }

    /// The response that says so in these words.
    pub(super) fn respond(&self, said: &Value) -> Response<Body> {
        let mut response = plain(self.status(), said);
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, TRY_AGAIN);
        }
        response
    }
}

fn nothing_here() -> Response<Body> {
    plain(
        StatusCode::NOT_FOUND,
        &json!({ "error": "There is nothing here. The MCP endpoint is /mcp; /health and /ready tell how the server is." }),
    )
}

fn reads_only(request: &Request<Incoming>, answer: impl FnOnce() -> Response<Body>) -> Response<Body> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer();
    }
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "This can only be read, with GET." }));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// A JSON-RPC error that answers no request in particular.
pub(super) fn refuse(status: StatusCode, code: i32, message: &str) -> Response<Body> {
    plain(status, &json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } }))
}

pub(super) fn plain(status: StatusCode, document: &Value) -> Response<Body> {
    answer(status, document.to_string().into_bytes())
}

pub(super) fn answer(status: StatusCode, text: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::whole(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::whole(Vec::new()));
    *response.status_mut() = status;
    response
}
