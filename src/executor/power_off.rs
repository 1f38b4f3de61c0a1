//! Powering a machine off with patience: the answer waits until it is off, and has its power cut after that if the call
//! wants it.

use std::time::Duration;

use infra_mcp_model::{Operation, PowerOff, Tasks};
use serde_json::{Value, json};

use super::composite::Run;
use super::task::Seen;
use super::{Executor, Reply};
use crate::call::Call;
use crate::error::CallError;
use crate::policy::Authorized;

/// How long a machine gets to be off after its power was cut.
const AFTER_FORCE: Duration = Duration::from_secs(30);

/// What a call wants of a machine that it powers off.
pub(super) struct Wish {
    power_off: &'static PowerOff,
    /// The request of the tool itself.
    shut_down: &'static Operation,
    /// The request that shows the machine.
    look: &'static Operation,
    /// The request that cuts the power, where that is wanted.
    force: Option<&'static Operation>,
    /// How the task that the request begins is followed, and the request that shows one.
    task: Option<(&'static Tasks, &'static Operation)>,
    /// How long to wait.
    patience: Duration,
    /// The tool that shows the machine, and the one that cuts its power, for people.
    named: (&'static str, &'static str),
}

impl Wish {
    /// None where nothing is to be waited for.
    pub(super) fn of(call: &Call) -> Option<Self> {
        let (tool, arguments) = (call.entry.tool, call.arguments.as_map());
        let power_off = tool.power_off.as_ref()?;
        let seconds = arguments.get(PowerOff::WAIT).and_then(Value::as_f64).filter(|seconds| *seconds > 0.0)?;
        // The generator sees to it that both tools are operations on the same machine.
        let operation = |name: &str| call.entry.provider.tools().find(|tool| tool.name == name)?.operation();
        let forced = arguments.get(PowerOff::FORCE) == Some(&Value::Bool(true));
        Some(Self {
            power_off,
            shut_down: tool.operation()?,
            look: operation(&tool.reader)?,
            force: operation(&power_off.force).filter(|_| forced),
            task: call.entry.provider.tasks.as_ref().and_then(|tasks| Some((tasks, operation(&tasks.tool)?))),
            patience: Duration::from_secs_f64(seconds),
            named: (&tool.reader, &power_off.force),
        })
    }
}

impl Executor {
    /// Carries out a call that waits for the machine to be off.
    pub(super) async fn power_off(&self, call: Authorized<Call>, wish: &Wish) -> Result<Reply, CallError> {
        let run = self.begin(call);
        let answer = carry_out(&run, wish).await?;
        Ok(run.finish(&answer))
    }
}

async fn carry_out(run: &Run<'_>, wish: &Wish) -> Result<Value, CallError> {
    let off = wish.power_off.off.as_ref();
    let before = state(run, wish).await?;
    if before == off {
        return Ok(json!({ "success": true, "was_running": false, "final_state": before }));
    }
    let answer = run.request(wish.shut_down).await?;
    let answer: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let mut wait = run.wait(wish.patience, pauses);
    let mut last = before;
    let still_on = |last: &str, elapsed: Duration, error: String, hint: String| {
        json!({
            "success": false, "was_running": true, "forced": false, "error": error, "current_state": last,
            "elapsed_seconds": elapsed.as_secs(), "hint": hint, "answer": answer,
        })
    };
    while wait.next(&format!("waiting for the machine to be {off}, now {last}")).await {
        last = state(run, wish).await?;
        if last == off {
            return Ok(json!({
                "success": true, "was_running": true, "forced": false, "final_state": last,
                "elapsed_seconds": wait.elapsed().as_secs(),
            }));
        }
        if wish.force.is_none()
            && let Some(error) = failure(run, wish, &answer).await
        {
            let hint = match wish.named {
                (reader, "") => format!("Look with {reader}, and try again."),
                (reader, harder) => format!("Look with {reader}, and try again or cut its power with {harder}."),
            };
            return Ok(still_on(&last, wait.elapsed(), error, hint));
        }
    }
    let elapsed = wait.elapsed();
    let Some(force) = wish.force else {
        let error = format!("the machine is not {off} after {} s", wish.patience.as_secs());
        let hint = match wish.named {
            (reader, "") => {
                format!("There is no harder way to power it off: give it more time, and look with {reader}.")
            }
            (reader, harder) => {
                format!("Give it more time and look with {reader}, or cut its power with {harder}.")
            }
        };
        return Ok(still_on(&last, elapsed, error, hint));
    };
    run.request(force).await?;
    let mut wait = run.wait(AFTER_FORCE, pauses);
    while last != off && wait.next("the power was cut").await {
        last = state(run, wish).await?;
    }
    Ok(json!({
        "success": last == off, "was_running": true, "forced": true, "final_state": last,
        "elapsed_seconds": (elapsed + wait.elapsed()).as_secs(),
    }))
}

/// Why the shutdown will not come to its end, where the provider has a task for it that tells. What cannot be read is
/// waited for.
async fn failure(run: &Run<'_>, wish: &Wish, answer: &Value) -> Option<String> {
    let (tasks, read) = wish.task?;
    let call = run.call.call();
    let mut values = call.arguments.as_map().clone();
    values.insert(tasks.argument.to_string(), answer.get(tasks.id.as_ref())?.clone());
    let reply = run.exchange(read, &values).await.ok()?;
    let seen = Seen::of(tasks, serde_json::from_str(&reply.body).ok()?);
    let told = seen.told(tasks, &call.account);
    seen.is(&tasks.failed).then(|| format!("the shutdown has ended as {}. {told}", seen.state).trim_end().to_owned())
}

/// The state of the machine.
async fn state(run: &Run<'_>, wish: &Wish) -> Result<String, CallError> {
    let reply = run.request(wish.look).await?;
    let machine: Value = serde_json::from_str(&reply.body).unwrap_or_default();
    let machine = machine.get("data").filter(|data| data.is_object()).unwrap_or(&machine);
    Ok(machine.get(wish.power_off.member.as_ref()).and_then(Value::as_str).unwrap_or("unknown").to_owned())
}

/// Between two looks: providers count requests.
fn pauses(elapsed: Duration) -> Duration {
    Duration::from_secs(if elapsed < Duration::from_secs(30) { 3 } else { 10 })
}
