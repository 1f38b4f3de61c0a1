//! Public pages that handlers of composite tools read: at the addresses that a definition names, without a credential.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::LOCATION;
use http::{Request, Response};
use infra_mcp_model::Operation;
use serde_json::{Map, Value};
use url::Url;

use super::response::Media;
use super::send::{Network, deepest, origin, outgoing, redirects};
use super::{Destination, Executor, Reply, request};
use crate::call::Call;
use crate::error::CallError;

/// The longest page that is read, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;

/// How many redirects are followed.
const HOPS: usize = 5;

impl Executor {
    /// Reads a public page on behalf of a call.
    pub(super) async fn page(
        &self,
        call: &Call,
        page: &Operation,
        values: &Map<String, Value>,
        patience: Duration,
    ) -> Result<Reply, CallError> {
        let request = request::build_page(call, page, values)?;
        // What was made of a checked template is an address.
        let address = Url::parse(&request.uri().to_string())
            .map_err(|_| CallError::Client { problem: format!("{} is no address.", request.uri()) })?;
        let answer = match &self.destination {
            Destination::Network(network) => {
                let late = CallError::Timeout {
                    origin: origin(&address),
                    after: patience,
                    hint: "Try again later.",
                    unsettled: false,
                };
                tokio::time::timeout(patience, network.page(request, &address)).await.unwrap_or(Err(late))?
            }
            Destination::Simulated(simulator) => simulator.answer(request),
        };
        let status = answer.status();
        if !status.is_success() {
            let problem = format!("{address} answered HTTP {}. Try another page, or later.", status.as_u16());
            return Err(CallError::Unmet { problem, unsettled: false });
        }
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        Ok(Reply::new(status.as_u16(), body, Media::Text))
    }
}

impl Network {
    /// Reads a page, and follows it where its own server has moved it to.
    async fn page(&self, request: Request<Bytes>, address: &Url) -> Result<Response<Bytes>, CallError> {
        let unreached = |problem: String| CallError::Unreachable { origin: origin(address), problem, unsettled: false };
        let failed = |error: reqwest::Error| {
            unreached(format!("cannot be reached: {}. Check network, proxy and --ca-file.", deepest(&error)))
        };
        let request = outgoing(request)?;
        let mut target = None;
        for _ in 0..=HOPS {
            let mut next = request.try_clone().ok_or_else(|| unreached("cannot be asked again.".to_owned()))?;
            if let Some(target) = target.take() {
                *next.url_mut() = target;
            }
            let mut answer = self.client()?.execute(next).await.map_err(failed)?;
            if redirects(answer.status()) {
                let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
                let moved = location.and_then(|location| answer.url().join(location).ok());
                let elsewhere = || unreached("sends readers of this page elsewhere.".to_owned());
                target = Some(moved.filter(|moved| moved.origin() == address.origin()).ok_or_else(elsewhere)?);
                continue;
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = answer.chunk().await.map_err(failed)? {
                if body.len() + chunk.len() > LONGEST {
                    return Err(CallError::TooLarge { limit: LONGEST, unsettled: false });
                }
                body.extend_from_slice(&chunk);
            }
            let mut response = Response::new(body.freeze());
            *response.status_mut() = answer.status();
            return Ok(response);
        }
        Err(unreached("sends readers of this page around in circles.".to_owned()))
    }
}
