//! A session that user name and password open: its token is fetched when it is needed first, and once for all. Or that
//! a given token belongs to.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use infra_mcp_model::{Authentication, Provider, SessionLogin};
use serde_json::Value;
use url::Url;

use super::headers::{bearer, credential_value, sensitive};
use super::{Secret, without};
use crate::error::StartupError;

/// How an account opens a session, and the one that is open.
pub(crate) struct Session {
    provider: &'static Provider,
    login: &'static SessionLogin,
    url: Url,
    authorization: HeaderValue,
    user: String,
    password: Secret,
    /// The token of the open session as a header carries it.
    current: Mutex<Option<Arc<Ticket>>>,
    /// Held by the one who opens a session, while all others wait.
    pub(crate) opening: tokio::sync::Mutex<()>,
}

/// What requests within a session carry.
pub(crate) struct Ticket {
    token: Secret,
    /// The header.
    pub(crate) name: HeaderName,
    /// Its value.
    pub(crate) value: HeaderValue,
}

/// A token that was given. It may be a key, which goes as `Authorization: Bearer`, or that of a session, which goes in
/// the cookie; nothing tells which but the answer.
pub(crate) struct Key {
    ways: [Ticket; 2],
    /// The way that was accepted last.
    accepted: AtomicUsize,
}

impl Key {
    pub(super) fn new(provider: &'static Provider, token: &Secret) -> Result<Self, StartupError> {
        let key = bearer(&provider.environment.token, token)?;
        let ways = [(AUTHORIZATION, key), (COOKIE, credential_value(provider, token)?)];
        let ways = ways.map(|(name, value)| Ticket { token: token.clone(), name, value });
        Ok(Self { ways, accepted: AtomicUsize::new(0) })
    }

    /// Both ways, the one first that was accepted last.
    pub(crate) fn ways(&self) -> [(usize, &Ticket); 2] {
        let first = self.accepted.load(Ordering::Relaxed);
        [first, 1 - first].map(|way| (way, &self.ways[way]))
    }

    /// Remembers the way that was accepted.
    pub(crate) fn accept(&self, way: usize) {
        self.accepted.store(way.min(1), Ordering::Relaxed);
    }

    /// What tells it from all others, for hashing alone.
    pub(super) fn identity(&self) -> &[u8] {
        self.ways[0].token.expose().as_bytes()
    }
}

impl Session {
    /// None for a provider that knows no sessions.
    pub(super) fn new(
        provider: &'static Provider,
        base_url: &Url,
        (user, password): (String, Secret),
    ) -> Result<Option<Self>, StartupError> {
        let Authentication::Session(login) = &provider.authentication else { return Ok(None) };
        let mut url = base_url.clone();
        url.set_path(&login.path);
        let pair = Secret::new(BASE64_STANDARD.encode(format!("{user}:{}", password.expose())));
        let authorization = sensitive(&provider.environment.password, &format!("Basic {}", pair.expose()))?;
        let (current, opening) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Some(Self { provider, login, url, authorization, user, password, current, opening }))
    }

    /// The token of the open session, unless it is the one that was refused.
    pub(crate) fn ticket(&self, refused: Option<&Arc<Ticket>>) -> Option<Arc<Ticket>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        current.filter(|current| refused.is_none_or(|refused| !Arc::ptr_eq(current, refused)))
    }

    /// The request that opens a session.
    pub(crate) fn request(&self, headers: &HeaderMap) -> http::Request<bytes::Bytes> {
        let body = serde_json::json!({ "login": self.user, "password": self.password.expose() }).to_string();
        let mut request = http::Request::new(bytes::Bytes::from(body));
        *request.method_mut() = http::Method::POST;
        // A URL that the client took is one that it takes again.
        *request.uri_mut() = self.url.as_str().parse().unwrap_or_default();
        let own = request.headers_mut();
        for name in [ACCEPT, USER_AGENT] {
            own.extend(headers.get(&name).map(|value| (name, value.clone())));
        }
        own.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        own.insert(AUTHORIZATION, self.authorization.clone());
        request
    }

    /// Keeps the token in the answer of the one who opened a session. None where there is none to be sent.
    pub(crate) fn open(&self, answer: &[u8]) -> Option<Arc<Ticket>> {
        let answer: Value = serde_json::from_slice(answer).ok()?;
        let token = match answer.get(self.login.token.as_ref())? {
            Value::String(token) if !token.is_empty() => Secret::new(token.as_str()),
            Value::Number(token) => Secret::new(token.to_string()),
            _ => return None,
        };
        let value = credential_value(self.provider, &token).ok()?;
        let ticket = Arc::new(Ticket { token, name: COOKIE, value });
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&ticket));
        Some(ticket)
    }

    /// The text without password and token.
    pub(super) fn mask<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        let text = without(text, std::slice::from_ref(&self.password));
        match self.ticket(None) {
            Some(ticket) => without(text, std::slice::from_ref(&ticket.token)),
            None => text,
        }
    }

    /// What tells it from all others, for hashing alone.
    pub(super) fn identity(&self) -> [&[u8]; 2] {
        [self.user.as_bytes(), self.password.expose().as_bytes()]
    }
}
