//! The sessions of the revisions before 2026-07-28: capped, ended when idle, and each for the one who opened it.
//!
//! rmcp gives a session tasks, channels and buffers, 120 KiB in all, which most of them do not use most of the time. So
//! only some have them: when others want to wake, one that nobody waits for is put to rest, down to what it was opened
//! with, and from that its next request wakes it. One request at a time: rmcp takes a session for awake before it is.

mod manager;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use rmcp::model::{ProtocolVersion, RequestId};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionHandle, LocalSessionManager, LocalSessionManagerError, SessionConfig, SessionError,
};
use rmcp::transport::streamable_http_server::session::{SessionId, SessionManager as _};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

/// How many sessions are awake that nobody waits for. Waking one costs less than a call.
const MOST_IDLE: usize = 16;

/// rmcp's sessions with an owner each. Ids are random (UUID version 4, 122 bits).
pub(super) struct Sessions {
    /// Those that are awake.
    inner: LocalSessionManager,
    most: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: HashMap<SessionId, Shared>,
    awake: HashSet<SessionId>,
}

type Shared = Arc<Mutex<Use>>;

/// What is known of an open session.
struct Use {
    /// Nobody's for the moment between its making and its first answer.
    owner: Option<String>,
    /// What was agreed on.
    version: Option<ProtocolVersion>,
    /// What it was opened with, as JSON: as rmcp has it, it takes ten times the room.
    opening: Option<Box<[u8]>>,
    /// How many wait for something of it: while there are any it neither rests nor ends.
    waiting: usize,
    /// The requests that are not answered yet.
    requests: HashSet<RequestId>,
    /// A client went away before it was answered, and may come back for the rest.
    interrupted: bool,
    /// When somebody last waited.
    last: Instant,
    /// How often it was put to rest without rmcp having said so.
    ends_due: usize,
    /// It was put to rest and is not yet awake again.
    rests: bool,
    /// Whose turn it is to wake it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Use {
    fn new() -> Self {
        Self {
            owner: None,
            version: None,
            opening: None,
            waiting: 0,
            requests: HashSet::new(),
            interrupted: false,
            last: Instant::now(),
            ends_due: 0,
            rests: false,
            turn: Arc::default(),
        }
    }

    /// Whether nothing is lost if it rests.
    fn may_rest(&self) -> bool {
        self.owner.is_some() && self.opening.is_some() && self.waiting == 0 && !self.interrupted
    }
}

impl Sessions {
    /// Sessions that end after `idle` without anybody who waits, no more than `most` at a time.
    ///
    /// Must be called within a tokio runtime.
    pub(super) fn new(most: usize, idle: Duration) -> Arc<Self> {
        let mut config = SessionConfig::default();
        // rmcp would end a session in the middle of a call that takes longer.
        config.keep_alive = None;
        let mut inner = LocalSessionManager::default();
        inner.session_config = config;
        let sessions = Arc::new(Self { inner, most, table: Mutex::default() });
        tokio::spawn(end_idle(Arc::downgrade(&sessions), idle));
        sessions
    }

    /// Whether a further session may be opened.
    pub(super) fn has_room(&self) -> bool {
        lock(&self.table).open.len() < self.most
    }

    /// Makes the session the property of `principal`.
    pub(super) fn bind(&self, id: &str, principal: &str) {
        // A session that is gone by now stays gone.
        if let Some(session) = self.find(id) {
            lock(&session).owner = Some(principal.to_owned());
        }
    }

    /// Keeps the session awake for a request of `principal`, until that is dropped. None if it is not theirs.
    pub(super) fn enter(&self, id: &str, principal: &str) -> Option<Waiting> {
        let session = self.find(id)?;
        let mut state = lock(&session);
        if state.owner.as_deref() != Some(principal) {
            return None;
        }
        state.waiting += 1;
        drop(state);
        Some(Waiting { session, request: None, answered: false })
    }

    /// The turn to wake the session, which somebody keeps awake, if it is at rest. Waits for whoever has it.
    pub(super) async fn waking(&self, id: &SessionId) -> Option<Waking> {
        let waiting = self.wait(id, None).ok()?;
        if !waiting.at_rest() {
            return None;
        }
        let turn = Arc::clone(&lock(&waiting.session).turn);
        let turn = turn.lock_owned().await;
        // Whoever had the turn may have woken it.
        waiting.at_rest().then_some(Waking { waiting, _turn: turn })
    }

    /// Whether a request of this id waits for its answer. rmcp would forget it for a second one.
    pub(super) fn waits(&self, id: &str, request: &RequestId) -> bool {
        self.find(id).is_some_and(|session| lock(&session).requests.contains(request))
    }

    /// The revision that was agreed on in the session.
    pub(super) fn version(&self, id: &str) -> Option<ProtocolVersion> {
        self.find(id).and_then(|session| lock(&session).version.clone())
    }

    fn find(&self, id: &str) -> Option<Shared> {
        lock(&self.table).open.get(id).cloned()
    }

    /// Notes that somebody waits for a stream of the session, and perhaps for the answer to a request.
    fn wait(&self, id: &SessionId, request: Option<RequestId>) -> Result<Waiting, LocalSessionManagerError> {
        let session = self.find(id).ok_or_else(|| LocalSessionManagerError::SessionNotFound(Arc::clone(id)))?;
        let mut state = lock(&session);
        if request.as_ref().is_some_and(|request| !state.requests.insert(request.clone())) {
            return Err(SessionError::SessionServiceTerminated.into());
        }
        state.waiting += 1;
        drop(state);
        Ok(Waiting { session, request, answered: false })
    }

    /// Notes that the session is awake, and puts others to rest for it.
    async fn woke(&self, id: &SessionId) {
        lock(&self.table).awake.insert(Arc::clone(id));
        self.make_room().await;
    }

    /// Puts sessions to rest until no more are awake for nobody than may be.
    async fn make_room(&self) {
        loop {
            // Whoever looks for a session meanwhile waits for this lock, and finds it awake or at rest.
            let mut handles = self.inner.sessions.write().await;
            let Some(handle) = self.put_to_rest(&mut handles) else { return };
            drop(handles);
            // One that has ended by itself is what was wanted.
            let _ = handle.close().await;
        }
    }

    /// Takes from those that are awake the one that nobody has waited for the longest, where there are too many.
    fn put_to_rest(&self, handles: &mut HashMap<SessionId, LocalSessionHandle>) -> Option<LocalSessionHandle> {
        let mut table = lock(&self.table);
        let Table { open, awake } = &mut *table;
        loop {
            let idle = awake.iter().filter_map(|id| {
                let session = lock(open.get(id)?);
                session.may_rest().then_some((session.last, id))
            });
            let idle: Vec<_> = idle.collect();
            if idle.len() <= MOST_IDLE {
                return None;
            }
            let id = Arc::clone(idle.into_iter().min_by_key(|(last, _)| *last)?.1);
            let mut session = lock(open.get(&id)?);
            // Somebody may have come since it was looked at.
            if !session.may_rest() {
                continue;
            }
            awake.remove(&id);
            // One that has ended by itself is about to be forgotten.
            if let Some(handle) = handles.remove(&id) {
                session.rests = true;
                session.ends_due += 1;
                return Some(handle);
            }
        }
    }

    fn forget(&self, id: &SessionId) {
        let mut table = lock(&self.table);
        table.open.remove(id);
        table.awake.remove(id);
    }

    /// Ends the session, awake or not.
    async fn end(&self, id: &SessionId) -> Result<(), LocalSessionManagerError> {
        self.forget(id);
        self.inner.close_session(id).await
    }

    fn idle_since(&self, then: Instant) -> Vec<SessionId> {
        let table = lock(&self.table);
        let idle = table.open.iter().filter(|(_, session)| {
            let session = lock(session);
            session.waiting == 0 && session.last <= then
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
            let _ = sessions.end(&id).await;
        }
        // Those that somebody waited for when they should have rested.
        sessions.make_room().await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is locked here is whole at every moment, whoever panicked while holding it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody who waits, until it is dropped.
pub(super) struct Waiting {
    session: Shared,
    request: Option<RequestId>,
    answered: bool,
}

impl Waiting {
    fn at_rest(&self) -> bool {
        lock(&self.session).rests
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut session = lock(&self.session);
        session.waiting -= 1;
        session.last = Instant::now();
        if let Some(request) = &self.request {
            session.requests.remove(request);
            if session.requests.is_empty() {
                session.requests.shrink_to_fit();
            }
            session.interrupted |= !self.answered;
        }
    }
}

/// Somebody whose turn it is to wake a session.
pub(super) struct Waking {
    waiting: Waiting,
    _turn: OwnedMutexGuard<()>,
}

impl Waking {
    /// The session is awake.
    pub(super) fn done(self) {
        lock(&self.waiting.session).rests = false;
    }
}

/// A stream that somebody waits for.
struct Awaited<S> {
    inner: S,
    waiting: Waiting,
}

impl<S: Stream + Unpin> Stream for Awaited<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let next = Pin::new(&mut self.inner).poll_next(context);
        self.waiting.answered |= matches!(next, Poll::Ready(None));
        next
    }
}
