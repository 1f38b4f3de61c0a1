//! What rmcp asks of sessions.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::Stream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage, ServerResult};
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, LocalSessionManagerError};
use rmcp::transport::streamable_http_server::session::{
    RestoreOutcome, ServerSseMessage, SessionId, SessionManager, SessionState, SessionStore, SessionStoreError,
};

use super::{Awaited, Sessions, Use, lock};

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let (id, transport) = self.inner.create_session().await?;
        lock(&self.table).open.insert(Arc::clone(&id), Arc::new(Mutex::new(Use::new())));
        self.woke(&id).await;
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

    /// rmcp says so when it deletes a session, and when it has ended for whatever reason.
    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        if let Some(session) = self.find(id) {
            let mut session = lock(&session);
            if session.ends_due > 0 {
                session.ends_due -= 1;
                return Ok(());
            }
        }
        self.end(id).await
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
        let waiting = self.wait(id, request)?;
        Ok(Awaited { inner: Box::pin(self.inner.create_stream(id, message).await?), waiting })
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        let _waiting = self.wait(id, None)?;
        self.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let waiting = self.wait(id, None)?;
        Ok(Awaited { inner: Box::pin(self.inner.create_standalone_stream(id).await?), waiting })
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let waiting = self.wait(id, None)?;
        Ok(Awaited { inner: Box::pin(self.inner.resume(id, last_event_id).await?), waiting })
    }

    async fn restore_session(&self, id: SessionId) -> Result<RestoreOutcome<Self::Transport>, Self::Error> {
        let outcome = self.inner.restore_session(Arc::clone(&id)).await?;
        self.woke(&id).await;
        Ok(outcome)
    }
}

/// What wakes a session that rests.
#[async_trait]
impl SessionStore for Sessions {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let opening = self.find(id).and_then(|session| lock(&session).opening.clone());
        Ok(opening.map(|opening| serde_json::from_slice(&opening)).transpose()?)
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        if let Some(session) = self.find(id) {
            lock(&session).opening = Some(serde_json::to_vec(state)?.into_boxed_slice());
        }
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        self.end(&id.into()).await.map_err(Into::into)
    }
}
