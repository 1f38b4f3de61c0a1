//! Waiting for work that goes on after an answer, where the call says so and the provider describes how it is followed.

use std::sync::Arc;
use std::time::Duration;

use infra_mcp_model::{Location, Tasks, WAIT, WAIT_SECONDS};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use super::Server;
use super::look::{json, reading};
use crate::account::Account;
use crate::call::{Call, Caller, Progress};
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::executor::{Media, Reply, Seen};
use crate::exposure::OPERATION;
use crate::principal::Principal;

/// How long is waited where the call does not say, in seconds; the published default.
const USUAL: u64 = 120;

/// A call that waits for the task that it begins.
pub(super) struct Wait {
    tasks: &'static Tasks,
    /// The tool that reads the task.
    reader: Entry,
    /// What that needs besides the id.
    arguments: Map<String, Value>,
    limit: Duration,
    account: Arc<Account>,
    caller: Caller,
}

impl Wait {
    /// None where the call does not wait.
    pub(super) fn of(call: &Call) -> Option<Self> {
        let tasks = call.entry.provider.tasks.as_ref().filter(|_| call.entry.tool.awaits)?;
        let given = call.arguments.as_map();
        given.get(WAIT).filter(|wait| **wait == Value::Bool(true))?;
        let tool = call.entry.provider.tools().find(|tool| tool.name == tasks.tool)?;
        let needed = tool.operation().into_iter().flat_map(|operation| operation.parameters.iter());
        let needed = needed.filter(|parameter| parameter.location == Location::Path);
        let argument = |name: &str| Some((name.to_owned(), given.get(name)?.clone()));
        let arguments = needed.filter_map(|parameter| argument(&parameter.argument)).collect();
        let limit = given.get(WAIT_SECONDS).and_then(Value::as_u64).unwrap_or(USUAL);
        // Whoever may begin a task may know what came of it.
        let caller = Caller { principal: Arc::new(Principal::local()), ..call.caller.clone() };
        let reader = Entry { tool, ..call.entry };
        let limit = Duration::from_secs(limit);
        Some(Self { tasks, reader, arguments, limit, account: Arc::clone(&call.account), caller })
    }

    fn tell(&self, elapsed: Duration, id: &str, seen: &Seen) {
        if let Some(listener) = &self.caller.listener {
            let share = seen.progress.as_ref().map(|share| format!(", {share} %")).unwrap_or_default();
            listener.tell(Progress {
                done: elapsed.as_secs_f64(),
                total: Some(self.limit.as_secs_f64()),
                message: format!("task {id}: {}{share}", seen.state),
            });
        }
    }
}

impl Server {
    /// Follows the task that the answer names until it is over, or the time is.
    ///
    /// # Errors
    /// If the task does not end well.
    pub(super) async fn follow(&self, wait: Wait, reply: Reply) -> Result<Reply, CallError> {
        let tasks = wait.tasks;
        let answer: Value = serde_json::from_str(&reply.body).unwrap_or_default();
        // An answer without a task is all there is to wait for.
        let Some(id) = answer.get(tasks.id.as_ref()).and_then(Value::as_str) else { return Ok(reply) };
        let begun = Instant::now();
        loop {
            let mut arguments = wait.arguments.clone();
            arguments.insert(tasks.argument.to_string(), id.into());
            let seen = match self.seen(&wait, arguments).await {
                Ok(task) => Seen::of(tasks, task),
                Err(error) => {
                    let note = format!("The task could not be followed, and may go on. {error}");
                    return Ok(Reply { notes: vec![note, self.where_to_look(&wait, id)], ..reply });
                }
            };
            if seen.is(&tasks.done) {
                return Ok(of_task(&seen, Vec::new(), reply));
            }
            if seen.is(&tasks.failed) {
                let told = seen.told(tasks, &wait.account);
                return Err(CallError::Task { id: id.to_owned(), state: seen.state, told });
            }
            let elapsed = begun.elapsed();
            wait.tell(elapsed, id, &seen);
            let left = wait.limit.saturating_sub(elapsed);
            if left.is_zero() {
                let note = format!(
                    "After {} s the task is still {:?}, and it goes on. {}",
                    wait.limit.as_secs(),
                    seen.state,
                    self.where_to_look(&wait, id)
                );
                return Ok(of_task(&seen, vec![note], reply));
            }
            sleep(pause(elapsed).min(left)).await;
        }
    }

    async fn seen(&self, wait: &Wait, arguments: Map<String, Value>) -> Result<Value, CallError> {
        let read = reading(wait.reader, &wait.account, arguments, wait.caller.clone())?;
        json(wait.reader, &self.look(read).await?)
    }

    /// How the caller looks at a task, by the names that this server has for tools.
    fn where_to_look(&self, wait: &Wait, id: &str) -> String {
        let argument = &wait.tasks.argument;
        match self.exposure.place(wait.reader) {
            Some((tool, Some(operation))) => {
                format!("{tool} with `{OPERATION}` {operation:?} and `{argument}` {id:?} shows it.")
            }
            Some((tool, None)) => format!("{tool} with `{argument}` {id:?} shows it."),
            None => format!("Its id is {id:?}."),
        }
    }
}

/// The task in the place of the answer that named it.
fn of_task(seen: &Seen, notes: Vec<String>, reply: Reply) -> Reply {
    let correlation_id = reply.correlation_id;
    Reply { notes, correlation_id, ..Reply::new(200, seen.task.to_string(), Media::Json) }
}

/// Less and less often: most tasks are over in seconds, and those that are not take minutes.
fn pause(elapsed: Duration) -> Duration {
    Duration::from_secs(match elapsed.as_secs() {
        0..10 => 1,
        10..60 => 2,
        _ => 5,
    })
}

#[cfg(infra_mcp_provider = "xen-orchestra")]
#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::call::Listener;
    use crate::catalogue::Catalogue;
    use crate::config::{Config, Environment, Only, Options};
    use crate::exposure::Given;
    use crate::generated::PROVIDERS;

    const MACHINE: &str = "00000003-0000-4000-8000-000000000001";

    fn server() -> Server {
        let options = Options {
            sandbox: true,
            access: Some("full".to_owned()),
            approval: Some(crate::config::ApprovalWay::None),
            ..Options::default()
        };
        let provider = PROVIDERS.iter().find(|provider| provider.name == "xen-orchestra").unwrap();
        let config = Config::new(options, &Environment::of(&[]), Only::Provider(provider)).unwrap();
        let catalogue = Arc::new(Catalogue::select(PROVIDERS, &config.selection).unwrap());
        crate::assembly::server(config, catalogue, PROVIDERS)
    }

    async fn call(
        server: &Server,
        tool: &str,
        arguments: Value,
        listener: Option<Listener>,
    ) -> Result<Reply, CallError> {
        let entry = server.catalogue.get("xen-orchestra", tool).unwrap();
        let Value::Object(arguments) = arguments else { panic!("an object") };
        let caller = Caller { listener, ..Caller::local(None) };
        server.carry_out(entry, Given::from(arguments), caller).await
    }

    /// The task takes three seconds.
    #[tokio::test(start_paused = true)]
    async fn a_task_that_takes_longer_goes_on_and_is_named() {
        let server = server();
        let (listener, mut heard) = Listener::new();
        let begun = Instant::now();
        let arguments = json!({"id": MACHINE, "wait": true, "wait_seconds": 2});
        let reply = call(&server, "CleanRebootVm", arguments, Some(listener)).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 2);
        let task: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(task["status"], "pending");
        let [note] = reply.notes.as_slice() else { panic!("{:?}", reply.notes) };
        let place = format!("tasks_query with `operation` \"GetTask\" and `id` {} shows it.", task["id"]);
        assert!(note.starts_with("After 2 s the task is still \"pending\"") && note.ends_with(&place), "{note}");
        let mut last = -1.0;
        while let Ok(told) = heard.try_recv() {
            assert!(told.done > last && told.total == Some(2.0) && told.message.contains("pending, 0 %"), "{told:?}");
            last = told.done;
        }
        assert!(last >= 1.0, "{last}");
    }

    #[tokio::test]
    async fn a_task_is_followed_to_its_end() {
        let server = server();
        let arguments = json!({"id": MACHINE, "name_label": "before", "wait": true});
        let reply = call(&server, "SnapshotVm", arguments, None).await.unwrap();
        let task: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!((reply.status, &task["status"], reply.notes.len()), (200, &json!("success"), 0), "{task}");
        assert!(task["result"]["id"].is_string(), "{task}");
        // Without it the task is only named, and a call that is done at once has none.
        let reply = call(&server, "CleanRebootVm", json!({"id": MACHINE}), None).await.unwrap();
        assert_eq!(reply.status, 202);
        let arguments = json!({"id": MACHINE, "wait": true, "sync": true});
        assert_eq!(call(&server, "CleanRebootVm", arguments, None).await.unwrap().status, 204);
    }

    #[tokio::test]
    async fn a_task_that_fails_is_an_error() {
        let server = server();
        let stop = async {
            loop {
                let tasks =
                    call(&server, "GetTasks", json!({"fields": "id,status,properties", "markdown": false}), None);
                let tasks: Value = serde_json::from_str(&tasks.await.unwrap().body).unwrap();
                let begun = |task: &&Value| task["status"] == "pending" && task["properties"]["objectId"] == MACHINE;
                if let Some(task) = tasks.as_array().unwrap().iter().find(begun) {
                    call(&server, "AbortTask", json!({"id": task["id"], "sync": true}), None).await.unwrap();
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let arguments = json!({"id": MACHINE, "wait": true});
        let (outcome, ()) = tokio::join!(call(&server, "CleanRebootVm", arguments, None), stop);
        let error = outcome.unwrap_err();
        assert!(matches!(&error, CallError::Task { state, .. } if state == "interrupted"), "{error}");
    }
}
