//! The way of a request that is no MCP: whose it is, what it says, and what [`Rest`] answers to it.

use std::net::SocketAddr;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;

use super::body::Body;
use super::respond::{App, Read, TurnedAway, plain};
use crate::authentication::Challenge;
use crate::call::Caller;
use crate::server::Served;
use crate::server::rest::{Lacking, Rest};

impl<H: Served> App<H> {
    /// Answers a request as `rest` does, to whom may ask it.
    pub(super) async fn door(&self, rest: &Rest, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let principal = match self.authentication.principal(request.uri(), request.headers()).await {
            Ok(principal) => principal,
            Err(challenge) => {
                self.note(self.proxies.client(peer, request.headers()), challenge.code(), challenge.reason());
                let said = json!({ "error": challenge.message(), "code": challenge.code() });
                return self.challenge(&challenge, &said);
            }
        };
        if self.closing.is_cancelled() {
            return turn_away(&TurnedAway::CLOSING);
        }
        let (parts, incoming) = request.into_parts();
        let address = Some(self.proxies.client(peer, &parts.headers).0);
        let mut response = match self.accept(incoming).await {
            // A web page can send all other types without asking first (Fetch standard, section 2.2.2).
            Ok((bytes, _)) if !bytes.is_empty() && !is_json(&parts.headers) => plain(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                &json!({ "error": "Send the body as `Content-Type: application/json`.", "code": "invalid_request" }),
            ),
            Ok((bytes, mut permit)) => {
                self.take_turn(&mut permit).await;
                // Nothing of the head goes on but what is asked for: the credentials of the caller end here.
                let caller = Caller { principal, address, ..Caller::local(None) };
                let answered = rest.answer(&parts.method, &parts.uri, &bytes, caller).await;
                let lacking = answered.extensions().get::<Lacking>().map(|lacking| lacking.0.to_owned());
                let mut response = answered.map(|body| Body::whole(body).holding(permit));
                if let Some(scope) = lacking {
                    self.name_challenge(&Challenge::Insufficient(vec![scope]), response.headers_mut());
                }
                response
            }
            Err(reason @ TurnedAway::Unreadable(_)) => return turn_away(&reason),
            Err(reason) => turn_away(&reason),
        };
        response.extensions_mut().insert(Read);
        response
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn turn_away(reason: &TurnedAway) -> Response<Body> {
    let code = if reason.status() == StatusCode::SERVICE_UNAVAILABLE { "unavailable" } else { "invalid_request" };
    reason.respond(&json!({ "error": reason.message(), "code": code }))
}
