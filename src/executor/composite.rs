//! Calls of composite tools: their handlers send requests one after the other, and none that the definition of the
//! tool does not name.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use infra_mcp_model::{Binding, Composite, Method, Operation, RelayedStep};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};
use url::Url;

use super::exchange::Exchange;
use super::relay::Passed;
use super::{Executor, Media, Reply};
use crate::call::{Call, Progress};
use crate::error::CallError;
use crate::policy::Authorized;

/// The arguments of a composite tool. Generated for every definition of one.
pub trait CompositeTool: DeserializeOwned {
    /// The name of the tool.
    const NAME: &'static str;
    /// What arguments count as that were not given, as a JSON object.
    const DEFAULTS: &'static str;
}

/// A request with its values. Generated for every one that a definition names.
pub trait Request {
    /// What the definition calls it.
    const ID: &'static str;
    /// The values by name; `null` is left out.
    fn into_values(self) -> Vec<(&'static str, Value)>;
}

/// The handler of the tool `T` may send this request, because the definition of the tool names it.
pub trait SentBy<T>: Request {}

/// The handler of this tool may send one file of this machine away, because its definition says so.
pub trait SendsFile {}

/// A call of a composite tool that is being carried out. Only an authorised call becomes one.
pub struct Run<'e> {
    pub(super) executor: &'e Executor,
    pub(super) call: Authorized<Call>,
    /// When it has to be over. Waiting puts it off.
    deadline: Mutex<Instant>,
    /// Whether a request went out that changes something.
    changed: AtomicBool,
    /// By what the provider finds the last change, or else the last request.
    correlation_id: Mutex<Option<String>>,
}

impl Executor {
    /// Begins a call of a composite tool. Its handler carries it out.
    #[must_use]
    pub fn begin(&self, call: Authorized<Call>) -> Run<'_> {
        let deadline = Instant::now() + call.call().account.timeout();
        Run {
            executor: self,
            call,
            deadline: Mutex::new(deadline),
            changed: AtomicBool::default(),
            correlation_id: Mutex::default(),
        }
    }
}

impl Run<'_> {
    /// The name of the tool.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.call.call().entry.tool.name
    }

    /// The short name of the provider.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        &self.call.call().entry.provider.name
    }

    /// The arguments, defaults filled in.
    ///
    /// # Errors
    /// If the validated arguments do not fit: a whole number beyond 64 bits, or written with a decimal point.
    pub fn arguments<T: CompositeTool>(&self) -> Result<T, CallError> {
        let mut given = self.call.call().arguments.as_map().clone();
        let defaults: Map<String, Value> = serde_json::from_str(T::DEFAULTS).unwrap_or_default();
        for (name, value) in defaults {
            given.entry(name).or_insert(value);
        }
        serde_json::from_value(Value::Object(given)).map_err(|error| CallError::Unmet {
            problem: format!("The arguments cannot be read: {error}."),
            unsettled: false,
        })
    }

    /// What the handler of this call sends requests with.
    #[must_use]
    pub fn steps<T: CompositeTool>(&self) -> Steps<'_, T> {
        Steps { run: self, tool: PhantomData }
    }

    /// Makes a reply of what the handler answers: a text is there to be read as it is.
    #[must_use]
    pub fn finish(self, answer: &Value) -> Reply {
        let (media, body) = match answer {
            Value::String(text) => (Media::Text, text.clone()),
            other => (Media::Json, other.to_string()),
        };
        let body = self.call.call().account.mask(&body).into_owned();
        let correlation_id = self.correlation_id.into_inner().unwrap_or_else(PoisonError::into_inner);
        Reply { correlation_id, ..Reply::new(200, body, media) }
    }

    /// The error of a tool without a handler.
    #[must_use]
    pub fn unknown(&self) -> CallError {
        CallError::Client { problem: format!("this build cannot carry out {}.", self.tool()) }
    }

    fn composite(&self) -> Option<&Composite> {
        match &self.call.call().entry.tool.binding {
            Binding::Composite(composite) => Some(composite),
            Binding::Operation(_) | Binding::Relay(_) => None,
        }
    }

    fn operation(&self, id: &str) -> Option<&Operation> {
        self.composite()?.operations.iter().find(|operation| operation.id == id)
    }

    fn page(&self, id: &str) -> Option<&Operation> {
        self.composite()?.pages.iter().find(|page| page.id == id)
    }

    fn relayed(&self, id: &str) -> Option<&RelayedStep> {
        self.composite()?.relayed.iter().find(|step| step.id == id)
    }

    async fn send(&self, id: &str, values: Vec<(&'static str, Value)>) -> Result<Reply, CallError> {
        let values = values.into_iter().filter(|(_, value)| !value.is_null());
        let values: Map<String, Value> = values.map(|(name, value)| (name.to_owned(), value)).collect();
        if let Some(step) = self.relayed(id) {
            let changed = self.changed.fetch_or(!step.reads, Ordering::Relaxed);
            let call = self.call.call();
            let passed = Passed {
                call,
                tool: &step.tool,
                arguments: &values,
                patience: call.account.timeout().max(Duration::from_secs(step.timeout_seconds)),
                changes: changed || !step.reads,
            };
            return self.executor.relays.call(&self.executor.destination, &passed).await;
        }
        if let Some(page) = self.page(id) {
            return self.executor.page(self.call.call(), page, &values, self.left()).await;
        }
        self.exchange(self.operation(id).ok_or_else(|| self.unknown())?, &values).await
    }

    /// Sends a request with the arguments of the call.
    pub(super) async fn request(&self, operation: &Operation) -> Result<Reply, CallError> {
        self.exchange(operation, self.call.call().arguments.as_map()).await
    }

    /// Sends a request with these values.
    pub(super) async fn exchange(
        &self,
        operation: &Operation,
        values: &Map<String, Value>,
    ) -> Result<Reply, CallError> {
        let reads = matches!(operation.method, Method::Get | Method::Head);
        let changed = self.changed.fetch_or(!reads, Ordering::Relaxed);
        let exchange = Exchange {
            call: self.call.call(),
            operation,
            values,
            repeatable: reads,
            // A read that fails after a change leaves open what became of that.
            changes: changed || !reads,
            patience: self.left(),
        };
        let reply = self.executor.exchange(&exchange).await?;
        if !(changed && reads) {
            self.correlation_id.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&reply.correlation_id);
        }
        Ok(reply)
    }

    /// How long the next request may take.
    fn left(&self) -> Duration {
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        deadline.saturating_duration_since(Instant::now()).min(self.call.call().account.timeout())
    }

    pub(super) fn wait(&self, limit: Duration, pauses: fn(Duration) -> Duration) -> Wait<'_> {
        self.postpone(limit);
        Wait { run: self, begun: Instant::now(), limit, pauses }
    }

    fn postpone(&self, by: Duration) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    pub(super) fn report(&self, done: f64, total: Option<f64>, message: String) {
        if let Some(listener) = &self.call.call().caller.listener {
            listener.tell(Progress { done, total, message });
        }
    }
}

/// What the handler of the tool `T` sends its requests with. Dropping its future ends the call.
pub struct Steps<'r, T> {
    run: &'r Run<'r>,
    tool: PhantomData<fn() -> T>,
}

impl<T> Steps<'_, T> {
    /// Sends one request. Only reading is repeated after a passing failure.
    ///
    /// # Errors
    /// If nothing safe can be sent, if no usable answer arrives or if it is an error.
    pub async fn send<R: SentBy<T>>(&self, request: R) -> Result<Reply, CallError> {
        self.run.send(R::ID, request.into_values()).await
    }

    /// Sends one request and reads the JSON of its answer; `null` for an answer without a body.
    ///
    /// # Errors
    /// As for [`Steps::send`].
    pub async fn ask<R: SentBy<T>>(&self, request: R) -> Result<Value, CallError> {
        let reply = self.send(request).await?;
        // What is no JSON was refused, or is nothing.
        Ok(serde_json::from_str(&reply.body).unwrap_or(Value::Null))
    }

    /// Where requests to the provider go.
    #[must_use]
    pub fn address(&self) -> &Url {
        self.run.call.call().account.base_url()
    }

    /// Sends the file that the call names to an address that the provider gave, and tells how far it is. What leaves is
    /// what the call was judged with: a file that has changed since does not arrive whole.
    ///
    /// # Errors
    /// If the address is no place for a file, the file is not what it was, or it is not taken.
    pub async fn put_file(&self, address: &str) -> Result<(), CallError>
    where
        T: SendsFile,
    {
        self.run.put_file(address).await
    }

    /// The error of a call that cannot be carried out as things are. `problem` says why and what to do, in sentences.
    pub fn unmet(&self, problem: impl Into<String>) -> CallError {
        CallError::Unmet { problem: problem.into(), unsettled: self.run.changed.load(Ordering::Relaxed) }
    }

    /// Tells the client how far the call is, if it wants to know.
    pub fn progress(&self, done: f64, total: Option<f64>, message: impl Into<String>) {
        self.run.report(done, total, message.into());
    }

    /// Waits, which does not count as time of the call.
    pub async fn pause(&self, time: Duration) {
        self.run.postpone(time);
        sleep(time).await;
    }

    /// Looks again and again, for `limit` altogether, with pauses that depend on the time since the beginning. The
    /// time counts on top of what the call may take.
    #[must_use]
    pub fn wait(&self, limit: Duration, pauses: fn(Duration) -> Duration) -> Wait<'_> {
        self.run.wait(limit, pauses)
    }
}

/// A wait for something to happen upstream; see [`Steps::wait`].
pub struct Wait<'r> {
    run: &'r Run<'r>,
    begun: Instant,
    limit: Duration,
    pauses: fn(Duration) -> Duration,
}

impl Wait<'_> {
    /// Pauses and says whether to look once more: `false` once the time is over. The last look is at its very end.
    pub async fn next(&mut self, message: &str) -> bool {
        let left = self.limit.saturating_sub(self.elapsed());
        if left.is_zero() {
            return false;
        }
        sleep((self.pauses)(self.elapsed()).min(left)).await;
        self.run.report(self.elapsed().as_secs_f64(), Some(self.limit.as_secs_f64()), message.to_owned());
        true
    }

    /// How long it has been.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}
