//! Several messages in one request, which 2025-03-26 has and no other revision.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ProtocolVersion};

use super::body::Body;
use super::endpoint::{Accepted, turn_away};
use super::respond::{App, Permit, empty, refuse};
use crate::server::Served;
use crate::transport::message::{INVALID_REQUEST, Rejection};

/// How many messages a batch may hold.
const MOST: usize = 100;

/// The media type of a stream of events.
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// A member of a batch, as it was read. `None` is one without an answer.
type Member = Result<Option<ClientJsonRpcMessage>, Rejection>;

/// What comes of one member.
enum Outcome {
    /// Events that end with the answer.
    Events(BoxStream<'static, Bytes>),
    /// Nothing: it was no request.
    Silence,
    /// The HTTP request is refused, and not one message in it.
    Refusal(Box<Response<Body>>),
}

impl<H: Served> App<H> {
    /// Carries out all members at once and answers with one stream of events, in which each request has its answer.
    /// Each counts as a request: `permit` is that of the first.
    pub(super) async fn batch(&self, accepted: &Accepted, members: Vec<Member>, mut permit: Permit) -> Response<Body> {
        let negotiated = accepted.sender.session.as_ref().and_then(|session| self.sessions.version(session));
        if negotiated != Some(ProtocolVersion::V_2025_03_26) {
            let message = "Batches exist only in MCP 2025-03-26, which was not negotiated in a session. Send every \
                           message in a request of its own.";
            return refuse(StatusCode::BAD_REQUEST, INVALID_REQUEST, message);
        }
        if members.len() > MOST {
            let message = format!("A batch may hold at most {MOST} messages. Send the rest in another one.");
            return refuse(StatusCode::BAD_REQUEST, INVALID_REQUEST, &message);
        }
        match self.permits(members.len() - 1) {
            Ok(others) => permit.flight.merge(others),
            Err(reason) => return turn_away(&reason),
        }
        self.take_turn(&mut permit).await;
        let mut answers = Vec::new();
        for member in members {
            match self.answer_member(accepted, member).await {
                Outcome::Events(events) => answers.push(events),
                Outcome::Silence => {}
                Outcome::Refusal(response) => return *response,
            }
        }
        if answers.is_empty() {
            return empty(StatusCode::ACCEPTED);
        }
        let mut response = Response::new(Body::stream(stream::select_all(answers)).holding(permit));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, EVENTS);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }

    async fn answer_member(&self, accepted: &Accepted, member: Member) -> Outcome {
        let message = match member {
            Ok(None) => return Outcome::Silence,
            Ok(Some(message)) => message,
            Err(rejection) => return rejected(&rejection),
        };
        if let ClientJsonRpcMessage::Request(request) = &message
            && matches!(request.request, ClientRequest::InitializeRequest(_))
        {
            let id = request.id.clone().into_json_value();
            return rejected(&Rejection::new(id, INVALID_REQUEST, "`initialize` cannot be part of a batch."));
        }
        // Writing to memory fails only for maps without text keys, and these types have none.
        let bytes = Bytes::from(serde_json::to_vec(&message).unwrap_or_default());
        outcome(self.answer(accepted.clone(), bytes, Some(message)).await).await
    }
}

fn rejected(rejection: &Rejection) -> Outcome {
    let mut text = Vec::new();
    rejection.write(&mut text);
    event(&text)
}

/// One event that holds this JSON, which has no line ends.
fn event(json: &[u8]) -> Outcome {
    let event = Bytes::from([b"data: ", json, b"\n\n"].concat());
    Outcome::Events(stream::once(async { event }).boxed())
}

/// What the answer to a message that was alone in its request means for one of many.
async fn outcome(response: Response<Body>) -> Outcome {
    let kind = response.headers().get(CONTENT_TYPE);
    if kind == Some(&EVENTS) {
        let next = |mut body: Body| async { body.event().await.map(|event| (event, body)) };
        return Outcome::Events(stream::unfold(response.into_body(), next).boxed());
    }
    if response.status() == StatusCode::ACCEPTED {
        return Outcome::Silence;
    }
    if kind.is_none_or(|kind| kind != "application/json") {
        return Outcome::Refusal(Box::new(response));
    }
    match response.into_body().collect().await {
        Ok(body) => event(&body.to_bytes()),
        Err(never) => match never {},
    }
}
