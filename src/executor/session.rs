//! Sessions of accounts that sign in with user name and password, and tokens that may be of either kind.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::exchange::Exchange;
use super::response;
use super::send::{Network, collect, failure, outgoing};
use crate::account::{Key, Session, Ticket};
use crate::error::CallError;

impl Network {
    /// Has the exchange carried out within the session of its account, where it has one. A session that has ended is
    /// opened again, once: what was refused for want of one was not carried out.
    pub(super) async fn in_session(&self, exchange: &Exchange<'_>) -> Result<Response<Bytes>, CallError> {
        if let Some(key) = exchange.call.account.key() {
            return self.by_key(exchange, key).await;
        }
        let Some(session) = exchange.call.account.session() else {
            return self.attempt(exchange, None).await;
        };
        let ticket = self.ticket(exchange, session, None).await?;
        let answer = self.attempt(exchange, Some(&ticket)).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let ticket = self.ticket(exchange, session, Some(&ticket)).await?;
        self.attempt(exchange, Some(&ticket)).await
    }

    /// Has the exchange carried out with a given token, and once more the other way where it was refused the first.
    async fn by_key(&self, exchange: &Exchange<'_>, key: &Key) -> Result<Response<Bytes>, CallError> {
        let [(first, ticket), (second, other)] = key.ways();
        let answer = self.attempt(exchange, Some(ticket)).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            key.accept(first);
            return Ok(answer);
        }
        let again = self.attempt(exchange, Some(other)).await?;
        if again.status() == StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        key.accept(second);
        Ok(again)
    }

    /// The token of the session. Whoever needs it first fetches it, and all others wait for that.
    async fn ticket(
        &self,
        exchange: &Exchange<'_>,
        session: &Session,
        refused: Option<&Arc<Ticket>>,
    ) -> Result<Arc<Ticket>, CallError> {
        if let Some(ticket) = session.ticket(refused) {
            return Ok(ticket);
        }
        let _opening = session.opening.lock().await;
        if let Some(ticket) = session.ticket(refused) {
            return Ok(ticket);
        }
        let request = outgoing(session.request(exchange.call.account.headers()))?;
        let answer = self.client()?.execute(request).await.map_err(|error| failure(exchange, &error))?;
        let answer = collect(exchange, answer).await?;
        if !answer.status().is_success() {
            return Err(response::refused(exchange, answer.status(), answer.headers(), answer.body()));
        }
        session.open(answer.body()).ok_or_else(|| {
            let problem = "signing in gave no token. Check that the address is that of the system.".to_owned();
            CallError::Client { problem }
        })
    }
}
