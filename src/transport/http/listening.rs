//! Streams on which a client merely listens. The right to listen may end before they do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};

use super::body::Body;
use crate::authentication::Authentication;

/// How long the answer to who listens holds. A call costs one answer, and so does a burst of events.
const HOLDS: Duration = Duration::from_secs(1);

/// A stream of events and who listens to it.
struct Listening {
    body: Body,
    authentication: Arc<Authentication>,
    /// `Authorization` alone, as it came.
    credentials: HeaderMap,
    /// When they were last good.
    known: Instant,
}

/// The same stream of events, told for as long as these credentials, which are good now, stay good. Keep-alive comments
/// are events here, so a stream that says nothing ends soon, too.
pub(super) fn while_admitted(body: Body, authentication: &Arc<Authentication>, headers: &HeaderMap) -> Body {
    if authentication.is_open() {
        return body;
    }
    let credentials = headers.get(AUTHORIZATION).map(|value| (AUTHORIZATION, value.clone())).into_iter().collect();
    let authentication = Arc::clone(authentication);
    let listening = Listening { body, authentication, credentials, known: Instant::now() };
    Body::stream(stream::unfold(listening, Listening::next))
}

impl Listening {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let event = self.body.event().await?;
        if self.known.elapsed() >= HOLDS {
            let answer = self.authentication.principal(&Uri::from_static("/mcp"), &self.credentials).await;
            if let Err(challenge) = answer {
                tracing::info!(target: "infra_mcp", "a stream of events is ended: {}", challenge.reason());
                return None;
            }
            self.known = Instant::now();
        }
        Some((event, self))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tempfile::TempDir;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::authentication::{Tokens, tokens};
    use crate::store::{Store, TokenRecord, now};

    fn events(from: UnboundedReceiver<&'static str>) -> Body {
        let next = |mut from: UnboundedReceiver<&'static str>| async {
            from.recv().await.map(|event| (Bytes::from_static(event.as_bytes()), from))
        };
        Body::stream(stream::unfold(from, next))
    }

    #[tokio::test]
    async fn nothing_is_told_to_whom_was_turned_away_meanwhile() {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::create(folder.path()).unwrap());
        let token = |name: &str, expires| {
            let (token, hash) = tokens::make().unwrap();
            let (toolsets, scopes, accounts) = (None, None, None);
            let (name, created, used, revoked) = (name.to_owned(), now(), None, None);
            let record = TokenRecord {
                name,
                hash,
                toolsets,
                scopes,
                accounts,
                read_only: false,
                created,
                expires,
                used,
                revoked,
            };
            store.add_token(&record).unwrap();
            HeaderMap::from_iter([(
                AUTHORIZATION,
                HeaderValue::try_from(format!("Bearer {}", token.expose())).unwrap(),
            )])
        };
        let listeners = [token("stays", None), token("revoked", None), token("expires", Some(now() + 1))];
        let authentication = Arc::new(Authentication::required(Some(Tokens::new(Arc::clone(&store))), None));
        let mut streams = listeners.map(|headers| {
            let (tell, told) = unbounded_channel();
            (tell, while_admitted(events(told), &authentication, &headers))
        });
        for (tell, stream) in &mut streams {
            tell.send("first").unwrap();
            assert_eq!(stream.event().await.as_deref(), Some(&b"first"[..]));
        }
        store.revoke_token("revoked", now()).unwrap();
        // The second in which the first answer holds, and in which a token expires.
        tokio::time::sleep(2 * HOLDS).await;
        for ((tell, stream), goes_on) in streams.iter_mut().zip([true, false, false]) {
            tell.send("second").unwrap();
            assert_eq!(stream.event().await.as_deref(), goes_on.then_some(&b"second"[..]));
        }
    }

    #[tokio::test]
    async fn who_asks_nobody_lets_everybody_listen() {
        let (tell, told) = unbounded_channel();
        let open = Arc::new(Authentication::open(&crate::principal::Principal::local()));
        let mut stream = while_admitted(events(told), &open, &HeaderMap::new());
        tell.send("first").unwrap();
        assert_eq!(stream.event().await.as_deref(), Some(&b"first"[..]));
    }
}
