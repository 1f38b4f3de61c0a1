//! HTTP for rmcp's client: the same client, limits and simulator as for every other request of this program.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt as _};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use reqwest::{Client, Response};
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::{Sse, SseStream};

use super::Simulator;
use super::send::{BODY_LIMIT, outgoing};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// One way to an MCP server.
#[derive(Clone)]
pub(crate) struct Wire {
    /// What answers.
    pub(super) end: End,
    /// What every request carries: user agent and credential.
    pub(super) headers: HeaderMap,
}

/// What answers requests.
#[derive(Clone)]
pub(super) enum End {
    Network(Client),
    Simulated(Arc<dyn Simulator>),
}

/// Why a message was not delivered, or its answer is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("no connection")]
    Connection(#[from] reqwest::Error),
    #[error("HTTP {0}")]
    Status(StatusCode, Box<HeaderMap>, Bytes),
    #[error("{0}")]
    Unreadable(String),
    #[error("too large")]
    TooLarge,
}

type Failure = StreamableHttpError<WireError>;

impl Wire {
    async fn exchange(
        &self,
        (method, uri): (Method, &str),
        accept: &'static str,
        session: Option<Arc<str>>,
        extra: HashMap<HeaderName, HeaderValue>,
        body: Bytes,
    ) -> Result<Response, Failure> {
        let unreadable = || StreamableHttpError::Client(WireError::Unreadable("the address is unfit.".to_owned()));
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().map_err(|_| unreadable())?;
        let mut headers = self.headers.clone();
        headers.extend(extra);
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if !request.body().is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        if let Some(session) = session.as_deref().and_then(|session| HeaderValue::from_str(session).ok()) {
            headers.insert(SESSION, session);
        }
        *request.headers_mut() = headers;
        match &self.end {
            End::Simulated(simulator) => Ok(Response::from(simulator.answer(request))),
            End::Network(client) => {
                let request = outgoing(request).map_err(|_| unreadable())?;
                client.execute(request).await.map_err(|error| StreamableHttpError::Client(error.into()))
            }
        }
    }
}

impl StreamableHttpClient for Wire {
    type Error = WireError;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let in_session = session_id.is_some();
        let awaits = matches!(message, ClientJsonRpcMessage::Request(_));
        let body = serde_json::to_vec(&message)?.into();
        let accept = "application/json, text/event-stream";
        let answer = self.exchange((Method::POST, &uri), accept, session_id, custom_headers, body).await?;
        let status = answer.status();
        if matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        if status == StatusCode::NOT_FOUND && in_session {
            return Err(StreamableHttpError::SessionExpired);
        }
        let session = answer.headers().get(SESSION).and_then(|id| id.to_str().ok()).map(str::to_owned);
        if status.is_success() && is(&answer, EVENTS) {
            return Ok(StreamableHttpPostResponse::Sse(events(answer), session));
        }
        let headers = answer.headers().clone();
        let body = collect(answer).await?;
        match serde_json::from_slice::<ServerJsonRpcMessage>(&body) {
            Ok(message) if status.is_success() => Ok(StreamableHttpPostResponse::Json(message, session)),
            // An error of the protocol stays one, whatever its status is; a credential that is refused is none.
            Ok(error @ ServerJsonRpcMessage::Error(_))
                if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) =>
            {
                Ok(StreamableHttpPostResponse::Json(error, session))
            }
            _ if !status.is_success() => {
                Err(StreamableHttpError::Client(WireError::Status(status, Box::new(headers), body)))
            }
            // Nobody waits for an answer to a notification.
            _ if !awaits => Ok(StreamableHttpPostResponse::Accepted),
            _ => {
                let begins = String::from_utf8_lossy(&body).into_owned();
                Err(StreamableHttpError::Client(WireError::Unreadable(begins)))
            }
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failure> {
        // A server that knows no end of sessions says so, and that is all there is to it.
        self.exchange((Method::DELETE, &uri), JSON, Some(session_id), custom_headers, Bytes::new()).await.map(drop)
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _: Option<String>,
        mut custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failure> {
        if let Some(id) = last_event_id.and_then(|id| HeaderValue::try_from(id).ok()) {
            custom_headers.insert(LAST_EVENT, id);
        }
        let answer = self.exchange((Method::GET, &uri), EVENTS, session_id, custom_headers, Bytes::new()).await?;
        match answer.status() {
            StatusCode::OK if is(&answer, EVENTS) => Ok(events(answer)),
            StatusCode::NOT_FOUND => Err(StreamableHttpError::SessionExpired),
            _ => Err(StreamableHttpError::ServerDoesNotSupportSse),
        }
    }
}

fn is(answer: &Response, media: &str) -> bool {
    let value = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media)
}

async fn collect(mut answer: Response) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    let chunk = |error: reqwest::Error| StreamableHttpError::Client(WireError::from(error));
    while let Some(chunk) = answer.chunk().await.map_err(chunk)? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(StreamableHttpError::Client(WireError::TooLarge));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The events of an answer, none of them longer than an answer may be.
fn events(answer: Response) -> BoxStream<'static, Result<Sse, SseError>> {
    let mut length = 0;
    let bytes = answer.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(WireError::from)?;
        // Events end with an empty line.
        let ends = [&b"\n\n"[..], b"\r\n\r\n", b"\r\r"];
        let ended = ends.iter().any(|end| chunk.windows(end.len()).any(|window| window == *end));
        length = if ended { 0 } else { length + chunk.len() };
        if length > BODY_LIMIT { Err(WireError::TooLarge) } else { Ok(chunk) }
    });
    SseStream::from_bytes_stream(bytes).boxed()
}
