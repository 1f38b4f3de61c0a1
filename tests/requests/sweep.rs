//! Carries out calls through the built binary and keeps what the upstream received for each.

use std::sync::OnceLock;
use std::thread;

use crate::document::Entry;
use crate::example::Extent;
use crate::expectation::{Plan, plan};
use crate::provider::{ALL, Provider};
use crate::recorder::{Received, Recorder};
use crate::session::Session;

/// An operation with both of its calls and what each of them sent.
pub(crate) struct Recording {
    /// The operation.
    pub(crate) entry: Entry,
    /// The calls in the order of [`EXTENTS`].
    pub(crate) plans: Vec<Plan>,
    /// What the upstream received for each call, or what went wrong.
    pub(crate) sent: Vec<Result<Received, String>>,
}

/// The calls made of each operation.
pub(crate) const EXTENTS: [Extent; 2] = [Extent::Required, Extent::Everything];

/// Every operation of every provider, called in every way once for all tests of this process.
pub(crate) fn recordings() -> &'static [Recording] {
    static RECORDINGS: OnceLock<Vec<Recording>> = OnceLock::new();
    RECORDINGS.get_or_init(|| ALL.into_iter().flat_map(recordings_of).collect())
}

fn recordings_of(provider: Provider) -> Vec<Recording> {
    let entries = provider.entries();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = entries.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = entries.chunks(share).map(|part| scope.spawn(move || record(provider, part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("a worker does not panic")).collect()
    })
}

/// The calls of an operation, or what this test does not understand in the document.
pub(crate) fn plans(entry: &Entry) -> Result<Vec<Plan>, String> {
    EXTENTS.iter().map(|&extent| plan(entry, extent)).collect()
}

/// One upstream and one server, and one call at a time: so each request belongs to its call.
fn record(provider: Provider, entries: &[Entry]) -> Vec<Recording> {
    let upstream = Recorder::start();
    let mut session = Session::start(provider, &upstream.url());
    let recordings = entries.iter().map(|entry| {
        let (plans, sent) = match plans(entry) {
            Ok(plans) => {
                let sent = plans.iter().map(|plan| send(&mut session, &upstream, plan)).collect();
                (plans, sent)
            }
            Err(why) => (Vec::new(), vec![Err(why)]),
        };
        Recording { entry: entry.clone(), plans, sent }
    });
    recordings.collect()
}

fn send(session: &mut Result<Session, String>, upstream: &Recorder, plan: &Plan) -> Result<Received, String> {
    let session = session.as_mut().map_err(|why| why.clone())?;
    request_of(session, upstream, &plan.tool, plan)
}

/// Calls a tool by the name with the arguments of the plan and gives the one request this sent.
pub(crate) fn request_of(
    session: &mut Session,
    upstream: &Recorder,
    tool: &str,
    plan: &Plan,
) -> Result<Received, String> {
    let answer = session.call(tool, &plan.arguments);
    let mut received = upstream.take();
    match (answer, received.len()) {
        (Err(why), 0) => Err(format!("nothing was sent: {why}")),
        (_, 1) => received.remove(0),
        (Ok(_), 0) => Err("nothing was sent".into()),
        (_, count) => Err(format!("{count} requests were sent: {received:?}")),
    }
}

impl Recording {
    /// What differs between what was sent and what `plans` expect.
    pub(crate) fn differences(&self, plans: &[Plan]) -> Vec<String> {
        let mut found = Vec::new();
        for (index, sent) in self.sent.iter().enumerate() {
            let label = plans.get(index).map_or(self.entry.id(), |plan| &plan.label);
            match (sent, plans.get(index)) {
                (Ok(sent), Some(plan)) => {
                    found.extend(plan.expected.differences(sent).into_iter().map(|d| format!("{label}: {d}")));
                }
                (Ok(_), None) => found.push(format!("{label}: a call that was not planned")),
                (Err(why), _) => found.push(format!("{label}: {why}")),
            }
        }
        found
    }
}
