//! The tools that become tasks (SEP-2663).

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, InputRequest, JsonObject};
use rmcp::task_manager::{TaskContext, TaskExit, TaskFuture};
use serde_json::{Value, json};

use super::questions::form;
use super::tools::told;
use super::{from_json, text};

/// Work that may be a task.
pub(super) struct Task {
    /// Whether it is refused to clients that take no tasks.
    pub(super) required: bool,
    /// The work, with or without a task around it.
    pub(super) work: fn(JsonObject, Option<TaskContext>) -> TaskFuture,
}

/// Takes as many seconds as it is told and can be cancelled meanwhile.
pub(super) const SLOW_COMPUTE: Task = Task {
    required: false,
    work: |arguments, task| {
        Box::pin(async move {
            let seconds = arguments.get("seconds").and_then(Value::as_u64).unwrap_or_default();
            let cancelled = async {
                match &task {
                    Some(task) => task.cancelled().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = cancelled => Err(TaskExit::Cancelled),
                () = tokio::time::sleep(Duration::from_secs(seconds)) => {
                    Ok(told(format!("{} took {seconds} seconds.", text(&arguments, "label"))))
                }
            }
        })
    },
};

/// Has an error for a result after a second.
pub(super) const FAILING_JOB: Task = Task {
    required: true,
    work: |_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(CallToolResult::error(vec![ContentBlock::text("The job has failed.")]))
        })
    },
};

/// Ends without a result.
pub(super) const PROTOCOL_ERROR_JOB: Task = Task {
    required: true,
    work: |_, _| Box::pin(async { Err(ErrorData::internal_error("The job broke.", None).into()) }),
};

/// Asks once and completes with the answer.
pub(super) const CONFIRM_DELETE: Task = Task {
    required: true,
    work: |arguments, task| {
        Box::pin(async move {
            let message = format!("Delete {}?", text(&arguments, "filename"));
            let answer = ask(task.as_ref(), "confirm", &message, "confirm", "boolean").await?;
            Ok(told(format!("The user answered {answer}.")))
        })
    },
};

/// Asks two things at once and completes when both are answered.
pub(super) const MULTI_INPUT: Task = Task {
    required: true,
    work: |_, task| {
        Box::pin(async move {
            let task = task.as_ref();
            let name = ask(task, "name", "What is your name?", "name", "string");
            let confirmation = ask(task, "confirm", "Please confirm.", "confirm", "boolean");
            let (name, confirmation) = futures_util::future::try_join(name, confirmation).await?;
            Ok(told(format!("The user answered {name} and {confirmation}.")))
        })
    },
};

async fn ask(
    task: Option<&TaskContext>,
    key: &str,
    message: &str,
    property: &str,
    kind: &str,
) -> Result<Value, TaskExit> {
    let Some(task) = task else {
        return Err(ErrorData::internal_error("Only a task can ask while it works.", None).into());
    };
    let request: InputRequest = from_json(form(message, json!({ property: { "type": kind } })))?;
    task.request_input(key, request).await
}
