//! The sessions of the revisions before 2026-07-28: capped, and each for the one who opened it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, SessionConfig};
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, SessionId, SessionManager};

/// rmcp's sessions with an owner each. Ids are random (UUID version 4, 122 bits).
pub(super) struct Sessions {
    inner: LocalSessionManager,
    most: usize,
    /// Whose each session is; nobody's for the moment between its making and its first answer.
    owners: Mutex<HashMap<SessionId, Option<String>>>,
}

impl Sessions {
    /// Sessions that end after `idle` without a message, no more than `most` at a time.
    pub(super) fn new(most: usize, idle: Duration) -> Self {
        let mut config = SessionConfig::default();
        config.keep_alive = Some(idle);
        let mut inner = LocalSessionManager::default();
        inner.session_config = config;
        Self { inner, most, owners: Mutex::default() }
    }

    /// Whether a further session may be opened.
    pub(super) fn has_room(&self) -> bool {
        self.owners().len() < self.most
    }

    /// Makes the session the property of `principal`.
    pub(super) fn bind(&self, id: &str, principal: &str) {
        // A session that is gone by now stays gone.
        if let Some(owner) = self.owners().get_mut(id) {
            *owner = Some(principal.to_owned());
        }
    }

    /// Whether the session exists and is that of `principal`.
    pub(super) fn belongs(&self, id: &str, principal: &str) -> bool {
        self.owners().get(id).is_some_and(|owner| owner.as_deref() == Some(principal))
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<SessionId, Option<String>>> {
        // The map is whole at every moment, whoever panicked while holding it.
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionManager for Sessions {
    type Error = <LocalSessionManager as SessionManager>::Error;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let (id, transport) = self.inner.create_session().await?;
        self.owners().insert(Arc::clone(&id), None);
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        self.inner.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.inner.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        let closed = self.inner.close_session(id).await;
        let mut owners = self.owners();
        owners.remove(id);
        if owners.capacity() > 64 && owners.len() < owners.capacity() / 4 {
            owners.shrink_to_fit();
        }
        closed
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.inner.create_stream(id, message).await
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        self.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.inner.create_standalone_stream(id).await
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.inner.resume(id, last_event_id).await
    }
}
