//! What happened, for whoever has to know later: an event for every tool call, one more before every change, and for
//! callers who never got that far.

mod door;
mod queue;

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use door::Stranger;

use crate::call::{Call, Caller};
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::executor::Reply;
use crate::store::LazyStore;
use door::Door;
use queue::Queue;

/// The principal of an event where nobody is known. No token can have this name: theirs begin with `token:`.
const NOBODY: &str = "nobody";

/// Most lines are no longer, in bytes.
const LINE: usize = 512;

/// As many characters are kept of a name that nobody has checked.
const NAME: usize = 100;

/// Which part of a call an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The call is about to be carried out, and changes something. Without an event of the same call behind it, nobody
    /// knows what came of it.
    Intent,
    /// The call is over, carried out or not.
    Call,
    /// A caller was turned away before it was known what they call.
    Door,
}

/// One event. Secrets among the arguments are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, to the millisecond, as RFC 3339 has it.
    pub time: String,
    /// Which part of the call.
    pub event: Kind,
    /// What the events of one call have in common.
    pub call: String,
    /// Who; `nobody` where nobody is known.
    pub principal: String,
    /// By which client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// In which session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Provider and address of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The tool, by the name that it has today.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub tool: Cow<'static, str>,
    /// What it acts on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// With what.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub arguments: Value,
    /// `allowed`, the code of a refusal, `invalid_arguments` or `unknown_tool`.
    pub decision: Cow<'static, str>,
    /// Why it was refused, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many callers were turned away like this within the hour so far; not every one leaves an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The approval that was asked for, or used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// What came of a call that was allowed: `done` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Cow<'static, str>>,
    /// The HTTP status of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// By what the provider finds the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

impl Event {
    /// An event of now, of which nothing else is known.
    fn new(kind: Kind, principal: &str, decision: &'static str) -> Self {
        Self {
            time: now(),
            event: kind,
            call: random_id(),
            principal: principal.to_owned(),
            client: None,
            address: None,
            session: None,
            account: None,
            tool: Cow::Borrowed(""),
            resource: None,
            arguments: Value::Null,
            decision: Cow::Borrowed(decision),
            reason: None,
            count: None,
            approval: None,
            result: None,
            status: None,
            correlation_id: None,
            milliseconds: None,
        }
    }

    /// A line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        // Writing to memory fails only for maps without text keys, and an event has none.
        let mut line = Vec::with_capacity(LINE);
        let _ = serde_json::to_writer(&mut line, self);
        String::from_utf8(line).unwrap_or_default()
    }
}

/// What is known of a call while it is under way.
#[derive(Debug)]
pub struct Trail {
    begun: Instant,
    event: Event,
}

impl Trail {
    /// Begins with who calls what. Of arguments that were not checked yet only the names are known to be harmless.
    #[must_use]
    pub fn new(tool: &str, arguments: &Map<String, Value>, caller: &Caller) -> Self {
        let event = Event {
            client: caller.client_name.clone(),
            address: caller.address,
            session: caller.session.clone(),
            tool: Cow::Owned(short(tool).to_owned()),
            arguments: arguments.keys().take(100).map(|name| short(name)).collect(),
            ..Event::new(Kind::Call, caller.principal.id(), "unknown_tool")
        };
        Self { begun: Instant::now(), event }
    }

    /// The tool is known.
    pub fn found(&mut self, entry: Entry) {
        self.event.tool = entry.tool.name.clone();
        self.event.decision = Cow::Borrowed("invalid_arguments");
    }

    /// No provider takes part.
    pub fn answered_here(&mut self) {
        self.event.decision = Cow::Borrowed("allowed");
    }

    /// The arguments are checked and the account is known.
    pub fn made(&mut self, call: &Call) {
        self.event.account = Some(call.account_name());
        self.event.resource = call.resource();
        self.event.arguments = Value::Object(call.arguments.masked(call.entry.tool).as_map().clone());
        self.event.decision = Cow::Borrowed("allowed");
    }

    /// The line to keep before the call is carried out.
    #[must_use]
    pub fn intent(&self, approval: Option<&str>) -> String {
        Event { event: Kind::Intent, approval: approval.map(str::to_owned), ..self.event.clone() }.to_line()
    }

    /// An approval was asked for, or used up.
    pub fn approved(&mut self, approval: Option<String>) {
        self.event.approval = approval;
    }

    /// The line to keep when the call is over.
    #[must_use]
    pub fn outcome(mut self, outcome: &Result<Reply, CallError>) -> String {
        self.event.milliseconds = u64::try_from(self.begun.elapsed().as_millis()).ok();
        match outcome {
            Ok(reply) => {
                self.event.result = Some(Cow::Borrowed("done"));
                self.event.status = Some(reply.status);
                self.event.correlation_id.clone_from(&reply.correlation_id);
            }
            Err(CallError::Refused(refusal)) => {
                self.event.decision = Cow::Borrowed(refusal.code().as_str());
                self.event.reason = refusal.objection.reason();
            }
            Err(CallError::Unapproved(_)) => self.event.decision = Cow::Borrowed("confirmation_required"),
            Err(CallError::Arguments(_) | CallError::Operation { .. } | CallError::Reference { .. }) => {
                self.event.decision = Cow::Borrowed("invalid_arguments");
            }
            Err(error) => {
                self.event.result = Some(Cow::Borrowed("failed"));
                if let CallError::Upstream(upstream) = error.cause() {
                    self.event.status = Some(upstream.status);
                    self.event.correlation_id.clone_from(&upstream.correlation_id);
                }
            }
        }
        self.event.to_line()
    }

    /// The line to keep for a call of a tool that is not served.
    #[must_use]
    pub fn unknown(mut self) -> String {
        self.event.milliseconds = u64::try_from(self.begun.elapsed().as_millis()).ok();
        self.event.to_line()
    }
}

/// Writes events to the audit log, behind the back of those who call.
#[derive(Debug)]
pub struct Recorder {
    store: Arc<LazyStore>,
    door: Door,
    /// Started by the first event.
    writer: Mutex<Option<Writer>>,
}

#[derive(Debug)]
struct Writer {
    queue: Arc<Queue>,
    thread: JoinHandle<()>,
}

impl Recorder {
    /// A recorder that writes to this store.
    #[must_use]
    pub fn new(store: Arc<LazyStore>) -> Self {
        Self { store, door: Door::default(), writer: Mutex::new(None) }
    }

    /// Whether the log could not be written of late. Then changes cannot be put on record either.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.as_ref().is_some_and(|writer| writer.queue.is_failing())
    }

    /// Keeps a line, soon. One that cannot be written waits until it can.
    pub fn keep(&self, line: String) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = writer.get_or_insert_with(|| {
            let (queue, store) = (Arc::<Queue>::default(), Arc::clone(&self.store));
            let read = Arc::clone(&queue);
            Writer { queue, thread: thread::spawn(move || write(&read, &store)) }
        });
        writer.queue.put(line);
    }

    /// Keeps that a caller was turned away, unless enough is told of such callers for this hour.
    pub fn turned_away(&self, stranger: Stranger) {
        let Some(count) = self.door.count(stranger, Instant::now()) else { return };
        let Stranger { address, code, reason } = stranger;
        tracing::warn!(target: "infra_mcp", %address, code, times = count.number, "turned away: {reason}");
        let reason = if count.alone { reason } else { "many callers, for reasons that are not told apart any more" };
        let event = Event {
            address: count.alone.then_some(address),
            reason: Some(reason.to_owned()),
            count: Some(count.number),
            ..Event::new(Kind::Door, NOBODY, if count.alone { code } else { "turned_away" })
        };
        self.keep(event.to_line());
    }

    /// Waits until every line that was given is written.
    pub fn flush(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Writer { queue, thread }) = writer {
            queue.close();
            let _ = thread.join();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.flush();
    }
}

fn write(queue: &Queue, store: &LazyStore) {
    while let Some(gathered) = queue.take() {
        let missing = |lost: usize, error| {
            tracing::error!(target: "infra_mcp", lost, "events are missing in the audit log: {error}");
        };
        match store.get().and_then(|store| store.append_audit(&gathered)) {
            Ok(()) if queue.recover() => tracing::info!(target: "infra_mcp", "the audit log is written again"),
            Ok(()) => {}
            // Nobody has said where the log is, and nobody will.
            Err(error) if store.directory().is_none() => missing(gathered.len(), error),
            Err(error) => {
                let setback = queue.put_back(gathered);
                if setback.new {
                    tracing::error!(target: "infra_mcp", "the audit log cannot be written, and its events wait: {error}");
                }
                if setback.lost > 0 {
                    missing(setback.lost, error);
                }
            }
        }
    }
}

/// As much of a name that nobody has checked as is kept.
fn short(name: &str) -> &str {
    name.char_indices().nth(NAME).map_or(name, |(end, _)| &name[..end])
}

fn now() -> String {
    DateTime::<Utc>::from(std::time::SystemTime::now()).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Tells calls apart. Nothing is decided by it, so it may be guessed.
fn random_id() -> String {
    // No two states of one thread are alike, and those of different threads have different random keys.
    format!("{:016x}", RandomState::new().hash_one(()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::error::UpstreamError;
    use crate::executor::{Media, fixture};

    #[test]
    fn events_that_cannot_be_written_wait_until_they_can() {
        let folder = TempDir::new().unwrap();
        let state = folder.path().join("state");
        // A file stands where the directory has to be.
        std::fs::write(&state, "").unwrap();
        let store = Arc::new(LazyStore::new(Some(state.clone())));
        let recorder = Recorder::new(Arc::clone(&store));
        recorder.keep("1".to_owned());
        while !recorder.is_failing() {
            thread::yield_now();
        }
        (2..2000).for_each(|number| recorder.keep(number.to_string()));
        std::fs::remove_file(&state).unwrap();
        while recorder.is_failing() {
            thread::yield_now();
        }
        recorder.keep("2000".to_owned());
        recorder.flush();
        let mut kept = String::new();
        store.get().unwrap().read_audit(|segment| kept += &(segment.events + "\n")).unwrap();
        let expected: String = (1..=2000).map(|number| format!("{number}\n")).collect();
        assert!(kept == expected, "every event, in its order");
    }

    #[test]
    fn nothing_waits_for_a_place_that_nobody_names() {
        let recorder = Recorder::new(Arc::new(LazyStore::new(None)));
        recorder.keep("1".to_owned());
        recorder.flush();
        assert!(!recorder.is_failing());
    }

    /// Whoever asks the provider about a call later needs the id that the provider gave it, whether it went well or not.
    #[test]
    fn an_outcome_keeps_status_and_correlation_id() {
        let done = Reply { correlation_id: Some("c-1".to_owned()), ..Reply::new(202, "{}", Media::Json) };
        let refused = UpstreamError { correlation_id: Some("c-2".to_owned()), ..fixture::upstream_error(409) };
        for (outcome, result, status, id) in [
            (Ok(Reply::new(204, "", Media::Empty)), "done", 204, None),
            (Ok(done), "done", 202, Some("c-1")),
            (Err(CallError::Upstream(Box::new(refused))), "failed", 409, Some("c-2")),
        ] {
            let trail = Trail::new("tool", &Map::new(), &Caller::local(None));
            let event: Event = serde_json::from_str(&trail.outcome(&outcome)).unwrap();
            let kept = (event.result.as_deref(), event.status, event.correlation_id.as_deref());
            assert_eq!(kept, (Some(result), Some(status), id));
        }
    }
}
