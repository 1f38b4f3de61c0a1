//! A stdio server in front of a remote one: every message goes on as it is, in both directions.
//!
//! What is open at either side stays with those who opened it: ids, progress, cancellation and questions to the user pass
//! unread. A lost session is opened again with the `initialize` of the client; whoever begins without a handshake gets one
//! done on their behalf.

use std::collections::HashSet;
use std::future::pending;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorData, InitializedNotification, RequestId,
    ServerJsonRpcMessage,
};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::executor::{RemoteLine, RemoteServer};

/// The id of a handshake that the client has not asked for.
const HANDSHAKE: &str = "infra-mcp bridge";

/// Carries messages until the input ends and what is open is answered, `closing` is cancelled, or the other side stops
/// reading. After the end of the input, answers get `grace`.
pub async fn bridge<R, W>(remote: RemoteServer, reader: R, writer: W, closing: CancellationToken, grace: Duration)
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let mut far = Far { remote, line: None, greeting: None, open: HashSet::new(), sends: FuturesUnordered::new() };
    let mut near = AsyncRwTransport::<RoleServer, R, W>::new_server(reader, writer);
    let mut ended = false;
    while !(ended && far.open.is_empty()) {
        let answers = tokio::select! {
            biased;
            answers = far.receive() => answers,
            message = near.receive(), if !ended => match message {
                Some(message) => far.send(message).await,
                None => {
                    ended = true;
                    Vec::new()
                }
            },
            () = closing.cancelled() => break,
            () = tokio::time::sleep(grace), if ended => break,
        };
        for answer in answers {
            if near.send(answer).await.is_err() {
                return far.close().await;
            }
        }
    }
    far.close().await;
}

/// A message on its way: the request that it is, and why it did not arrive.
type Delivery = BoxFuture<'static, (Option<RequestId>, Option<String>)>;

/// The remote side.
struct Far {
    remote: RemoteServer,
    /// None before the first message, and after the line was lost.
    line: Option<RemoteLine>,
    /// The `initialize` of the client.
    greeting: Option<ClientJsonRpcMessage>,
    /// Requests of the client that have no answer.
    open: HashSet<RequestId>,
    sends: FuturesUnordered<Delivery>,
}

impl Far {
    /// Passes a message of the client on. The answers are those that it has at once, being undeliverable.
    async fn send(&mut self, message: ClientJsonRpcMessage) -> Vec<ServerJsonRpcMessage> {
        let mut id = None;
        match &message {
            ClientJsonRpcMessage::Request(request) => {
                id = Some(request.id.clone());
                self.open.insert(request.id.clone());
                if matches!(request.request, ClientRequest::InitializeRequest(_)) {
                    // Another handshake is another session.
                    self.close().await;
                    self.greeting = Some(message.clone());
                }
            }
            ClientJsonRpcMessage::Notification(notification) => {
                // Nobody waits for the answer any more, and there need not be one.
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.open.remove(id);
                }
            }
            ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_) => {}
        }
        match self.line(&message).await {
            Ok(line) => {
                let sent = line.send(message);
                self.sends
                    .push(Box::pin(async move { (id, sent.await.err().map(|error| RemoteServer::problem(&error))) }));
                Vec::new()
            }
            Err(problem) => id.and_then(|id| self.apology(id, &problem)).into_iter().collect(),
        }
    }

    /// The line, opened if there is none. The first message on it is a handshake: rmcp takes what comes before the answer
    /// to that as a part of it.
    async fn line(&mut self, message: &ClientJsonRpcMessage) -> Result<&mut RemoteLine, String> {
        if self.line.is_none() {
            let mut line = self.remote.open()?;
            if !is_handshake(message) {
                let greeting = self.greeting.clone().or_else(|| handshake_for(message));
                greet(&mut line, greeting.ok_or("it begins without a handshake.")?).await?;
            }
            self.line = Some(line);
        }
        self.line.as_mut().ok_or_else(|| "there is no connection.".to_owned())
    }

    /// What comes from the other side, and what did not get there. Cancel-safe.
    async fn receive(&mut self) -> Vec<ServerJsonRpcMessage> {
        let line = async {
            match &mut self.line {
                Some(line) => line.receive().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            Some((id, problem)) = self.sends.next() => {
                id.zip(problem).and_then(|(id, problem)| self.apology(id, &problem)).into_iter().collect()
            }
            message = line => match message {
                Some(message) => {
                    match &message {
                        ServerJsonRpcMessage::Response(response) => self.open.remove(&response.id),
                        ServerJsonRpcMessage::Error(error) => error.id.as_ref().is_some_and(|id| self.open.remove(id)),
                        _ => false,
                    };
                    vec![message]
                }
                None => self.lost().await,
            },
        }
    }

    /// The line is lost: whatever is open is answered with why.
    async fn lost(&mut self) -> Vec<ServerJsonRpcMessage> {
        self.line = None;
        let mut answers = Vec::new();
        while let Some((id, problem)) = self.sends.next().await {
            answers.extend(id.zip(problem).and_then(|(id, problem)| self.apology(id, &problem)));
        }
        let open: Vec<RequestId> = self.open.iter().cloned().collect();
        answers.extend(open.into_iter().filter_map(|id| self.apology(id, "the connection broke.")));
        answers
    }

    /// The answer to a request that did not arrive, if it has none yet.
    fn apology(&mut self, id: RequestId, problem: &str) -> Option<ServerJsonRpcMessage> {
        self.open.remove(&id).then(|| {
            let message = format!("{} did not take the request: {problem}", self.remote.origin());
            ServerJsonRpcMessage::error(ErrorData::internal_error(message, None), Some(id))
        })
    }

    async fn close(&mut self) {
        if let Some(mut line) = self.line.take() {
            // The session ends at the other side, or by itself.
            let _ = line.close().await;
        }
    }
}

fn is_handshake(message: &ClientJsonRpcMessage) -> bool {
    let ClientJsonRpcMessage::Request(request) = message else { return false };
    matches!(request.request, ClientRequest::InitializeRequest(_) | ClientRequest::DiscoverRequest(_))
}

/// The handshake of a client that begins without: of the era whose marks its message bears.
fn handshake_for(message: &ClientJsonRpcMessage) -> Option<ClientJsonRpcMessage> {
    const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    let mut meta = serde_json::to_value(message).ok()?["params"]["_meta"].take();
    let handshake = if meta.get(VERSION).is_some() {
        // Nobody waits for how far it is.
        meta.as_object_mut()?.remove("progressToken");
        json!({"jsonrpc": "2.0", "id": HANDSHAKE, "method": "server/discover", "params": {"_meta": meta}})
    } else {
        let client = json!({"name": "infra-mcp bridge", "version": env!("CARGO_PKG_VERSION")});
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        json!({"jsonrpc": "2.0", "id": HANDSHAKE, "method": "initialize", "params": params})
    };
    serde_json::from_value(handshake).ok()
}

/// Does a handshake that the client need not know of.
async fn greet(line: &mut RemoteLine, greeting: ClientJsonRpcMessage) -> Result<(), String> {
    let failed = |error| RemoteServer::problem(&error);
    let ClientJsonRpcMessage::Request(request) = &greeting else { return Ok(()) };
    let (id, begins_session) = (request.id.clone(), matches!(request.request, ClientRequest::InitializeRequest(_)));
    line.send(greeting).await.map_err(failed)?;
    loop {
        match line.receive().await {
            Some(ServerJsonRpcMessage::Response(response)) if response.id == id => break,
            Some(ServerJsonRpcMessage::Error(error)) => return Err(error.error.message.into_owned()),
            Some(_) => {}
            None => return Err("the connection broke.".to_owned()),
        }
    }
    if !begins_session {
        return Ok(());
    }
    let initialized = ClientNotification::InitializedNotification(InitializedNotification::default());
    line.send(ClientJsonRpcMessage::notification(initialized)).await.map_err(failed)
}
