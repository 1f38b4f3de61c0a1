//! The sessions of the revisions before 2026-07-28: capped, ended when idle, and each for the one who opened it.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use rmcp::model::{ClientJsonRpcMessage, ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerResult};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, SessionConfig, SessionError,
};
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, SessionId, SessionManager};
use tokio::sync::RwLock;
use tokio::time::Instant;

/// rmcp's sessions with an owner each. Ids are random (UUID version 4, 122 bits).
pub(super) struct Sessions {
    inner: LocalSessionManager,
    most: usize,
    open: Mutex<HashMap<SessionId, Arc<Mutex<Use>>>>,
}

/// What is known of an open session.
struct Use {
    /// Nobody's for the moment between its making and its first answer.
    owner: Option<String>,
    /// What was agreed on.
    version: Option<ProtocolVersion>,
    /// How many streams are open for it: while there are any, somebody waits.
    streams: usize,
    /// The requests that are not answered yet.
    requests: HashSet<RequestId>,
    /// When a message came or a stream ended.
    last: Instant,
}

impl Sessions {
    /// Sessions that end after `idle` without a message or an open stream, no more than `most` at a time.
    ///
    /// Must be called within a tokio runtime.
    pub(super) fn new(most: usize, idle: Duration) -> Arc<Self> {
        let mut config = SessionConfig::default();
        // rmcp would end a session in the middle of a call that takes longer.
        config.keep_alive = None;
        let mut inner = LocalSessionManager::default();
        inner.session_config = config;
        // At their full size from the start: a table that grew among the sessions would hold the top of the heap, and
        // with it all the memory below, when they are gone.
        inner.sessions = RwLock::new(HashMap::with_capacity(most));
        let sessions = Arc::new(Self { inner, most, open: Mutex::new(HashMap::with_capacity(most)) });
        tokio::spawn(end_idle(Arc::downgrade(&sessions), idle));
        sessions
    }

    /// Whether a further session may be opened.
    pub(super) fn has_room(&self) -> bool {
        lock(&self.open).len() < self.most
    }

    /// Makes the session the property of `principal`.
    pub(super) fn bind(&self, id: &str, principal: &str) {
        // A session that is gone by now stays gone.
        if let Some(session) = self.find(id) {
            lock(&session).owner = Some(principal.to_owned());
        }
    }

    /// Whether the session exists and is that of `principal`.
    pub(super) fn belongs(&self, id: &str, principal: &str) -> bool {
        self.find(id).is_some_and(|session| lock(&session).owner.as_deref() == Some(principal))
    }

    /// Whether a request of this id waits for its answer. rmcp would forget it for a second one.
    pub(super) fn waits(&self, id: &str, request: &RequestId) -> bool {
        self.find(id).is_some_and(|session| lock(&session).requests.contains(request))
    }

    /// The revision that was agreed on in the session.
    pub(super) fn version(&self, id: &str) -> Option<ProtocolVersion> {
        self.find(id).and_then(|session| lock(&session).version.clone())
    }

    fn find(&self, id: &str) -> Option<Arc<Mutex<Use>>> {
        lock(&self.open).get(id).cloned()
    }

    /// Notes that somebody waits for a stream of the session, and perhaps for the answer to a request.
    fn enter(&self, id: &SessionId, request: Option<RequestId>) -> Result<Waiting, LocalSessionManagerError> {
        let session = self.find(id).ok_or_else(|| LocalSessionManagerError::SessionNotFound(Arc::clone(id)))?;
        let mut state = lock(&session);
        if request.as_ref().is_some_and(|request| !state.requests.insert(request.clone())) {
            return Err(SessionError::SessionServiceTerminated.into());
        }
        state.streams += 1;
        drop(state);
        Ok(Waiting { session, request })
    }

    fn idle_since(&self, then: Instant) -> Vec<SessionId> {
        let open = lock(&self.open);
        let idle = open.iter().filter(|(_, session)| {
            let session = lock(session);
            session.streams == 0 && session.last <= then
        });
        idle.map(|(id, _)| Arc::clone(id)).collect()
    }
}

/// Ends idle sessions for as long as there are any to come.
async fn end_idle(sessions: Weak<Sessions>, idle: Duration) {
    let mut look = tokio::time::interval((idle / 8).max(Duration::from_millis(100)));
    loop {
        let now = look.tick().await;
        let Some(sessions) = sessions.upgrade() else { return };
        for id in now.checked_sub(idle).map(|then| sessions.idle_since(then)).unwrap_or_default() {
            tracing::debug!(target: "infra_mcp", "a session was idle and is ended");
            // One that has ended by itself is what was wanted.
            let _ = sessions.close_session(&id).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is locked here is whole at every moment, whoever panicked while holding it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody who waits, until it is dropped.
struct Waiting {
    session: Arc<Mutex<Use>>,
    request: Option<RequestId>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut session = lock(&self.session);
        session.streams -= 1;
        session.last = Instant::now();
        if let Some(request) = &self.request {
            session.requests.remove(request);
        }
    }
}

/// A stream that somebody waits for.
struct Awaited<S> {
    inner: S,
    _waiting: Waiting,
}

impl<S: Stream + Unpin> Stream for Awaited<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut self.inner).poll_next(context)
    }
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let (id, transport) = self.inner.create_session().await?;
        let session = Use { owner: None, version: None, streams: 0, requests: HashSet::new(), last: Instant::now() };
        lock(&self.open).insert(Arc::clone(&id), Arc::new(Mutex::new(session)));
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let answer = self.inner.initialize_session(id, message).await?;
        if let ServerJsonRpcMessage::Response(response) = &answer
            && let ServerResult::InitializeResult(result) = &response.result
            && let Some(session) = self.find(id)
        {
            lock(&session).version = Some(result.protocol_version.clone());
        }
        Ok(answer)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.inner.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        let closed = self.inner.close_session(id).await;
        lock(&self.open).remove(id);
        closed
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let request = match &message {
            ClientJsonRpcMessage::Request(request) => Some(request.id.clone()),
            _ => None,
        };
        let waiting = self.enter(id, request)?;
        Ok(Awaited { inner: Box::pin(self.inner.create_stream(id, message).await?), _waiting: waiting })
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        let _waiting = self.enter(id, None)?;
        self.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let waiting = self.enter(id, None)?;
        Ok(Awaited { inner: Box::pin(self.inner.create_standalone_stream(id).await?), _waiting: waiting })
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let waiting = self.enter(id, None)?;
        Ok(Awaited { inner: Box::pin(self.inner.resume(id, last_event_id).await?), _waiting: waiting })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_has_one_owner_and_ends_when_idle() {
        let idle = Duration::from_secs(60);
        let sessions = Sessions::new(2, idle);
        let (id, _transport) = sessions.create_session().await.unwrap();
        assert!(!sessions.belongs(&id, "a"), "it is nobody's yet");
        sessions.bind(&id, "a");
        assert!(sessions.belongs(&id, "a") && !sessions.belongs(&id, "b"));
        assert!(sessions.has_room());
        let (other, _transport) = sessions.create_session().await.unwrap();
        assert!(!sessions.has_room());

        let request = RequestId::Number(1);
        let waiting = sessions.enter(&id, Some(request.clone())).unwrap();
        assert!(sessions.waits(&id, &request) && !sessions.waits(&other, &request));
        assert!(sessions.enter(&id, Some(request.clone())).is_err());
        tokio::time::sleep(2 * idle).await;
        assert!(sessions.find(&id).is_some(), "somebody waits");
        assert!(sessions.find(&other).is_none(), "it was idle");
        drop(waiting);
        assert!(!sessions.waits(&id, &request));
        tokio::time::sleep(idle / 2).await;
        assert!(sessions.find(&id).is_some());
        tokio::time::sleep(idle).await;
        assert!(sessions.find(&id).is_none());
    }
}
