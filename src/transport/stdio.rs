//! MCP over standard input and output.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, GetMeta, JsonRpcMessage, JsonRpcRequest, ProtocolVersion,
    RequestId, ServerJsonRpcMessage, ServerResult,
};
use rmcp::{RoleServer, service, transport::Transport};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::calls::{BatchId, Calls};
use super::lines::{LONGEST_LINE, Line, Lines};
use super::message::{self, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, Inbound, Rejection};
use super::outbox::Outbox;
use super::parts::Parts;
use crate::server::Served;
use crate::server::listing::{self, Listing};

/// How long a client that no longer reads may hold up the end of the process.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// What a connection needs besides its handler.
#[derive(Debug)]
pub struct Session {
    /// Once cancelled, no new call is taken. The end of the input does the same.
    pub closing: CancellationToken,
    /// How long calls in flight may go on after that.
    pub grace: Duration,
}

/// Serves one connection, of the local user, until its input ends, `session.closing` is cancelled or the other side stops
/// reading. Calls in flight get `session.grace`; what is queued by then is written.
///
/// Must be called within a tokio runtime.
pub async fn serve_stdio<H, R, W>(handler: H, reader: R, writer: W, session: Session)
where
    H: Served,
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let Session { closing, grace } = session;
    let outbox = Arc::new(Outbox::default());
    let writing = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { outbox.write_to(writer).await }
    });
    let listing = handler.listing(&handler.local());
    let connection = Connection::new(reader, Arc::clone(&outbox), listing, closing.clone());
    // The transport minds the life cycle: both eras of MCP have to work on one pipe, in any order.
    let running = service::serve_directly(handler, connection, None);
    tokio::select! {
        _ = running.waiting() => {}
        () = outbox.broken() => {}
        () = async { closing.cancelled().await; tokio::time::sleep(grace).await } => {
            tracing::debug!(target: "infra_mcp", "the grace is over; calls in flight are dropped");
        }
    }
    // Nothing more can be done for a client that does not read.
    let _ = tokio::time::timeout(LAST_WRITE, outbox.emptied()).await;
    writing.abort();
    outbox.close();
}

/// The [`Transport`] that rmcp drives.
struct Connection<R> {
    lines: Lines<R>,
    outbox: Arc<Outbox>,
    listing: Option<Listing>,
    calls: Calls,
    /// Members of a batch that have not been handed over.
    waiting: VecDeque<(BatchId, ClientJsonRpcMessage)>,
    closing: CancellationToken,
    ended: bool,
    lifecycle: Lifecycle,
}

/// How far the handshake of the revisions before 2026-07-28 has come.
#[derive(Debug)]
enum Lifecycle {
    /// No `initialize` so far.
    Open,
    /// `initialize` is being answered. Nothing else is read meanwhile.
    Initializing(RequestId),
    /// This version was agreed on.
    Initialized(ProtocolVersion),
}

impl<R: AsyncRead + Unpin + Send> Connection<R> {
    fn new(reader: R, outbox: Arc<Outbox>, listing: Option<Listing>, closing: CancellationToken) -> Self {
        Self {
            lines: Lines::new(reader),
            outbox,
            listing,
            calls: Calls::default(),
            waiting: VecDeque::new(),
            closing,
            ended: false,
            lifecycle: Lifecycle::Open,
        }
    }

    /// The next message for the server, or `None` once nothing more will come and nothing is open.
    ///
    /// Cancel-safe. rmcp calls this anew after every message it sends, so a change that a sent
    /// answer brings (room for a call, the last call done) needs no wake-up.
    async fn next_message(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if self.closing.is_cancelled() && !self.ended {
                self.stop_taking();
            }
            if let Some(message) = self.next_waiting() {
                return Some(message);
            }
            if self.ended && self.calls.is_empty() {
                return None;
            }
            let reading = !self.ended && self.calls.has_room() && !self.is_initializing();
            tokio::select! {
                biased;
                line = next_line(&self.outbox, &mut self.lines), if reading => match line {
                    Ok(Some(line)) => if let Some(message) = self.take(&line) {
                        return Some(message);
                    },
                    // A reader that fails will not recover: the same as the end of the input.
                    Ok(None) | Err(_) => {
                        self.stop_taking();
                        self.closing.cancel();
                    }
                },
                () = self.closing.cancelled(), if !self.ended => {}
                () = self.outbox.broken() => return None,
            }
        }
    }

    /// Reads nothing more and refuses what has been read but not begun.
    fn stop_taking(&mut self) {
        self.ended = true;
        for (batch, message) in std::mem::take(&mut self.waiting) {
            match message {
                JsonRpcMessage::Request(request) => {
                    let id = request.id.into_json_value();
                    self.reject(&Rejection::new(id, INTERNAL_ERROR, "The server is shutting down."), Some(batch));
                }
                _ => self.settle(batch, None),
            }
        }
    }

    fn is_initializing(&self) -> bool {
        matches!(self.lifecycle, Lifecycle::Initializing(_))
    }

    fn next_waiting(&mut self) -> Option<ClientJsonRpcMessage> {
        while self.calls.has_room() {
            let (batch, message) = self.waiting.pop_front()?;
            if let Some(message) = self.admit(message, Some(batch)) {
                return Some(message);
            }
        }
        None
    }

    fn take(&mut self, line: &Line) -> Option<ClientJsonRpcMessage> {
        let inbound = match line {
            Line::Text(text) => message::read(text),
            Line::TooLong => Err(Rejection::new(
                Value::Null,
                INVALID_REQUEST,
                format!("The line is longer than {} MiB and was skipped.", LONGEST_LINE / (1024 * 1024)),
            )),
        };
        match inbound {
            Ok(Inbound::Nothing) => None,
            Ok(Inbound::Message(message)) => self.admit(message, None),
            Ok(Inbound::Batch(members)) => {
                self.take_batch(members);
                None
            }
            Err(rejection) => {
                self.reject(&rejection, None);
                None
            }
        }
    }

    fn take_batch(&mut self, members: Vec<Result<Option<ClientJsonRpcMessage>, Rejection>>) {
        if !matches!(&self.lifecycle, Lifecycle::Initialized(version) if *version == ProtocolVersion::V_2025_03_26) {
            let message = "Batches exist only in MCP 2025-03-26, which was not negotiated. \
                           Send every message on a line of its own.";
            return self.reject(&Rejection::new(Value::Null, INVALID_REQUEST, message), None);
        }
        let batch = self.calls.open_batch(members.len());
        for member in members {
            match member {
                Ok(Some(message)) => self.waiting.push_back((batch, message)),
                Ok(None) => self.settle(batch, None),
                Err(rejection) => self.reject(&rejection, Some(batch)),
            }
        }
    }

    /// Lets a message through to the server unless the state of the connection forbids it.
    fn admit(&mut self, message: ClientJsonRpcMessage, batch: Option<BatchId>) -> Option<ClientJsonRpcMessage> {
        if let JsonRpcMessage::Request(request) = &message {
            if let Err(rejection) = self.check(request, batch) {
                self.reject(&rejection, batch);
                return None;
            }
            tracing::debug!(target: "infra_mcp", id = %request.id, method = request.request.method(), "request");
            if matches!(request.request, ClientRequest::InitializeRequest(_)) {
                self.lifecycle = Lifecycle::Initializing(request.id.clone());
            }
            self.calls.begin(request.id.clone(), batch);
            return Some(message);
        }
        if let JsonRpcMessage::Notification(notification) = &message
            && let ClientNotification::CancelledNotification(cancelled) = &notification.notification
            && let Some(id) = &cancelled.params.request_id
            && let Some(Some(batch)) = self.calls.end(id)
        {
            self.settle(batch, None);
        }
        if let Some(batch) = batch {
            self.settle(batch, None);
        }
        Some(message)
    }

    fn check(&self, request: &JsonRpcRequest<ClientRequest>, batch: Option<BatchId>) -> Result<(), Rejection> {
        let reject =
            |code, message: Cow<'static, str>| Err(Rejection::new(request.id.clone().into_json_value(), code, message));
        if self.calls.contains(&request.id) {
            return reject(INVALID_REQUEST, "A request with this `id` is still being carried out.".into());
        }
        let method = request.request.method();
        if batch.is_some() && method == "initialize" {
            return reject(INVALID_REQUEST, "`initialize` cannot be part of a batch.".into());
        }
        let needs_handshake = !matches!(method, "initialize" | "ping" | "server/discover");
        if needs_handshake && !matches!(self.lifecycle, Lifecycle::Initialized(_)) {
            let missing = request.request.get_meta().missing_required_keys(&ProtocolVersion::V_2026_07_28);
            if !missing.is_empty() {
                let missing = missing.join(", ");
                return reject(
                    INVALID_PARAMS,
                    format!(
                        "Without `initialize` every request must describe itself as in MCP 2026-07-28: \
                         missing or malformed in `_meta`: {missing}."
                    )
                    .into(),
                );
            }
        }
        Ok(())
    }

    fn reject(&mut self, rejection: &Rejection, batch: Option<BatchId>) {
        tracing::debug!(target: "infra_mcp", id = %rejection.id, code = rejection.code, "rejected: {}", rejection.message);
        match batch {
            None => self.outbox.push(|out| rejection.write(out.bytes())),
            Some(batch) => {
                let mut answer = Vec::new();
                rejection.write(&mut answer);
                self.settle(batch, Some(&answer));
            }
        }
    }

    fn settle(&mut self, batch: BatchId, answer: Option<&[u8]>) {
        if let Some(answers) = self.calls.settle(batch, answer) {
            self.outbox.push(|out| out.bytes().extend_from_slice(&answers));
        }
    }

    /// Queues what the server says.
    fn post(&mut self, mut message: ServerJsonRpcMessage) {
        self.follow_handshake(&message);
        let batch = answered(&message).and_then(|id| self.calls.end(id)).flatten();
        let listed = match &mut message {
            JsonRpcMessage::Response(response) => listing::take_mark(&mut response.result),
            _ => None,
        };
        let listed = listed.zip(self.listing.as_ref());
        let write = |out: &mut Parts| match listed {
            Some((form, listing)) => {
                let (before, after) = listing::around(&message);
                out.bytes().extend_from_slice(&before);
                listing.pieces(form).for_each(|piece| out.add(piece));
                out.bytes().extend_from_slice(&after);
            }
            // Writing to memory fails only for maps without text keys, and these types have none.
            None => serde_json::to_writer(out.bytes(), &message).unwrap_or_default(),
        };
        match batch {
            None => self.outbox.push(write),
            Some(batch) => {
                let mut answer = Parts::default();
                write(&mut answer);
                self.settle(batch, Some(&answer.into_bytes()));
            }
        }
    }

    fn follow_handshake(&mut self, message: &ServerJsonRpcMessage) {
        let Lifecycle::Initializing(id) = &self.lifecycle else {
            return;
        };
        if answered(message) != Some(id) {
            return;
        }
        self.lifecycle = match message {
            JsonRpcMessage::Response(response) => match &response.result {
                ServerResult::InitializeResult(result) => Lifecycle::Initialized(result.protocol_version.clone()),
                _ => Lifecycle::Open,
            },
            _ => Lifecycle::Open,
        };
    }
}

/// The request that a message answers.
fn answered(message: &ServerJsonRpcMessage) -> Option<&RequestId> {
    match message {
        JsonRpcMessage::Response(response) => Some(&response.id),
        JsonRpcMessage::Error(error) => error.id.as_ref(),
        _ => None,
    }
}

/// The next line, not before the queue has room for what it may lead to.
async fn next_line<R: AsyncRead + Unpin>(outbox: &Outbox, lines: &mut Lines<R>) -> io::Result<Option<Line>> {
    outbox.room().await;
    lines.next().await
}

impl<R: AsyncRead + Unpin + Send + 'static> Transport<RoleServer> for Connection<R> {
    type Error = io::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.post(message);
        let outbox = Arc::clone(&self.outbox);
        async move {
            outbox.room().await;
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.next_message().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.outbox.emptied().await;
        Ok(())
    }
}

#[cfg(test)]
#[path = "stdio_tests.rs"]
mod tests;
