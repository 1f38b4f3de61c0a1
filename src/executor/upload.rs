//! Files on their way to storage: an HTTP PUT to an address that the provider has signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{Stream, TryStreamExt as _};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Request, StatusCode};
use reqwest::{Body, Response};
use tokio::time::timeout;
use url::{Host, Url};

use super::composite::Run;
use super::files::{Fingerprint, Unreadable};
use super::response::{EXCERPT, shorten};
use super::send::{find, origin, timed_out, unreached};
use super::{Destination, Simulator};
use crate::call::{Call, Progress};
use crate::error::CallError;

/// What storage is told that every file is.
const MEDIA: &str = "application/octet-stream";

/// How much is read of an answer that is no success, in bytes.
const ANSWER: usize = 16 * 1024;

impl Run<'_> {
    /// Sends the file of the call to this address.
    pub(super) async fn put_file(&self, address: &str) -> Result<(), CallError> {
        let call = self.call.call();
        let (name, known) = file_of(call)?;
        let target = target(call, address)?;
        let (total, sent) = (known.size, Arc::new(AtomicU64::new(0)));
        let (counter, listener) = (Arc::clone(&sent), call.caller.listener.clone());
        let told = move |piece: &Bytes| {
            let sent = counter.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
            if let Some(listener) = &listener {
                let message = format!("{sent} of {total} bytes of the file are sent");
                listener.tell(Progress { done: sent as f64, total: Some(total as f64), message });
            }
        };
        let pieces = self.executor.files().pieces(name, &known).inspect_ok(told);
        let (status, body) = match &self.executor.destination {
            Destination::Network(network) => {
                let request = network.client()?.put(target.clone());
                let request = request.header(CONTENT_TYPE, MEDIA).header(CONTENT_LENGTH, total);
                put(call, &target, request.body(Body::wrap_stream(pieces)), &sent).await?
            }
            Destination::Simulated(simulator) => simulated(simulator.as_ref(), &target, pieces).await?,
        };
        if status.is_success() {
            return Ok(());
        }
        let excerpt = shorten(&call.mask(&String::from_utf8_lossy(&body)), EXCERPT);
        Err(CallError::Storage { origin: origin(&target), status: status.as_u16(), excerpt })
    }
}

/// The file that the call was judged with: its name, and what is in it.
fn file_of(call: &Call) -> Result<(&str, Fingerprint), CallError> {
    let arguments = call.arguments.as_map();
    let known = (|| {
        let name = arguments.get(call.entry.tool.file()?.argument.as_ref())?.as_str()?;
        let sha256 = Some(arguments.get("sha256")?.as_str()?.to_owned());
        Some((name, Fingerprint { size: arguments.get("size_bytes")?.as_u64()?, sha256 }))
    })();
    known.ok_or_else(|| CallError::Client { problem: "nothing is known of the file.".to_owned() })
}

/// Where the file may go: to a server of the provider, or with TLS to a host that has a name. So no answer,
/// whoever wrote it, makes this program write to a machine of the network that it stands in: what answers there has no
/// certificate for a name of somebody else.
fn target(call: &Call, address: &str) -> Result<Url, CallError> {
    let url = Url::parse(address).ok().filter(|url| url.username().is_empty() && url.password().is_none());
    let remote = call.account.remote().map(|remote| remote.url().origin());
    let own = [Some(call.account.base_url().origin()), remote];
    url.filter(|url| {
        let named = matches!(url.host(), Some(Host::Domain(name)) if name.contains('.'));
        own.contains(&Some(url.origin())) || (url.scheme() == "https" && named)
    })
    .ok_or_else(|| CallError::Unmet {
        problem: format!(
            "{} named no place where a file may go: that takes https:// and the name of a host. Nothing was sent.",
            call.entry.provider.title
        ),
        unsettled: false,
    })
}

/// Sends the request and reads its answer as far as that is of use. It may take as long as it wants while pieces leave.
async fn put(
    call: &Call,
    target: &Url,
    request: reqwest::RequestBuilder,
    sent: &AtomicU64,
) -> Result<(StatusCode, Bytes), CallError> {
    let patience = call.account.timeout();
    let late = |_| timed_out(call, target, patience, false);
    let failed = |error: reqwest::Error| match find::<Unreadable>(&error) {
        Some(problem) => changed(problem),
        None => unreached(call, target, &error, false),
    };
    let mut sending = Box::pin(request.send());
    let mut before = 0;
    let answer = loop {
        match timeout(patience, &mut sending).await {
            Ok(answer) => break answer.map_err(failed)?,
            Err(elapsed) => match sent.load(Ordering::Relaxed) {
                now if now == before => return Err(late(elapsed)),
                now => before = now,
            },
        }
    };
    let status = answer.status();
    let body = if status.is_success() { Bytes::new() } else { timeout(patience, begin(answer)).await.map_err(late)? };
    Ok((status, body))
}

/// The beginning of an answer, as far as it arrives.
async fn begin(mut answer: Response) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER {
            break;
        }
    }
    body.freeze()
}

async fn simulated(
    simulator: &dyn Simulator,
    target: &Url,
    pieces: impl Stream<Item = Result<Bytes, Unreadable>>,
) -> Result<(StatusCode, Bytes), CallError> {
    let body: Vec<Bytes> = pieces.try_collect().await.map_err(|problem| changed(&problem))?;
    let request = Request::put(target.as_str()).header(CONTENT_TYPE, MEDIA).body(body.concat().into());
    let request = request.map_err(|_| CallError::Client { problem: "the address is unfit.".to_owned() })?;
    let (head, body) = simulator.answer(request).into_parts();
    Ok((head.status, body))
}

fn changed(problem: &Unreadable) -> CallError {
    CallError::Unmet { problem: format!("The file {problem}. Nothing was installed."), unsettled: false }
}
