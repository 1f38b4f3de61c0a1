//! The tools of the suite.

use std::time::Duration;

use futures_util::future::BoxFuture;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, CreateTaskResult,
    JsonObject, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam,
};
use rmcp::service::{RequestContext, ServiceError};
use rmcp::task_manager::{TaskExit, TaskOptions};
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::conversation::{Answers, Conversation, Progress, Turn};
use super::handler::{Change, Fixtures};
use super::questions::{
    CAPITAL, CHOICES, CONFIRMATION, DEFAULTS, FIRST_STEP, GREETING, MESSAGE, NAME, PROMPT, Question, ROOTS, SECOND_STEP,
};
use super::tasks::{self, Task};
use super::{PIXEL, SILENCE, from_json, text};

/// How long a tool works between two notifications.
const STEP: Duration = Duration::from_millis(50);

/// A tool that the suite calls by its name.
pub(super) struct Tool {
    name: &'static str,
    description: &'static str,
    schema: fn() -> Value,
    run: Run,
}

/// Work of the server, for a request.
type Work = for<'a> fn(&'a Fixtures, &'a RequestContext<RoleServer>) -> BoxFuture<'a, Worked>;
type Worked = Result<CallToolResult, ServiceError>;

/// What a call does.
enum Run {
    /// Gives this result.
    Says(fn(&JsonObject) -> Value),
    /// Works, with notifications or effects on the server.
    Does(Work),
    /// Asks the client and makes its result of the answers.
    Asks(Conversation, fn(&Answers) -> String),
    /// Becomes a task, where the client takes tasks.
    Works(Task),
    /// Asks for a name and then becomes a task that greets.
    AsksAndWorks(Conversation),
}

const fn tool(name: &'static str, description: &'static str, schema: fn() -> Value, run: Run) -> Tool {
    Tool { name, description, schema, run }
}

const fn asks(
    name: &'static str,
    description: &'static str,
    schema: fn() -> Value,
    conversation: Conversation,
    result: fn(&Answers) -> String,
) -> Tool {
    tool(name, description, schema, Run::Asks(conversation, result))
}

const fn once(rounds: &'static [&'static [Question]]) -> Conversation {
    Conversation { rounds, sealed: false }
}

const fn sealed(rounds: &'static [&'static [Question]]) -> Conversation {
    Conversation { rounds, sealed: true }
}

const TOOLS: &[Tool] = &[
    // Content.
    tool(
        "test_simple_text",
        "Returns text.",
        none,
        Run::Says(|_| content(json!([words("This is a simple text response for testing.")]))),
    ),
    tool("test_image_content", "Returns an image.", none, Run::Says(|_| content(json!([image()])))),
    tool(
        "test_audio_content",
        "Returns a sound.",
        none,
        Run::Says(|_| content(json!([{ "type": "audio", "data": SILENCE, "mimeType": "audio/wav" }]))),
    ),
    tool(
        "test_embedded_resource",
        "Returns a resource.",
        none,
        Run::Says(|_| {
            content(json!([resource(
                "test://embedded-resource",
                "text/plain",
                "This is an embedded resource content."
            )]))
        }),
    ),
    tool(
        "test_multiple_content_types",
        "Returns text, an image and a resource.",
        none,
        Run::Says(|_| {
            content(json!([
                words("Multiple content types test:"),
                image(),
                resource("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#)
            ]))
        }),
    ),
    tool(
        "test_error_handling",
        "Fails.",
        none,
        Run::Says(
            |_| json!({ "content": [words("This tool intentionally returns an error for testing.")], "isError": true }),
        ),
    ),
    // Schemas and headers.
    tool(
        "json_schema_2020_12_tool",
        "Has a schema with the vocabulary of JSON Schema 2020-12.",
        vocabulary,
        Run::Says(|arguments| content(json!([words(&Value::Object(arguments.clone()).to_string())]))),
    ),
    tool(
        "test_header",
        "Takes an argument that is repeated in a header.",
        region,
        Run::Says(|arguments| content(json!([words(text(arguments, "region"))]))),
    ),
    // Notifications.
    tool("test_tool_with_logging", "Logs three messages.", none, Run::Does(|_, context| Box::pin(logs(context)))),
    tool("test_logging_tool", "Logs three messages.", none, Run::Does(|_, context| Box::pin(logs(context)))),
    tool("test_tool_with_progress", "Tells its progress.", none, Run::Does(|_, context| Box::pin(progresses(context)))),
    tool(
        "test_trigger_tool_change",
        "Tells subscribers that the tools have changed.",
        none,
        Run::Does(|fixtures, _| Box::pin(changes(fixtures, Change::Tools))),
    ),
    tool(
        "test_trigger_prompt_change",
        "Tells subscribers that the prompts have changed.",
        none,
        Run::Does(|fixtures, _| Box::pin(changes(fixtures, Change::Prompts))),
    ),
    // Questions to the client.
    asks("test_sampling", "Asks the client's model.", || required("prompt"), once(&[&[PROMPT]]), said),
    asks("test_elicitation", "Asks the user.", || required("message"), once(&[&[MESSAGE]]), completed),
    asks("test_elicitation_sep1034_defaults", "Asks with defaults.", none, once(&[&[DEFAULTS]]), completed),
    asks("test_elicitation_sep1330_enums", "Asks for a choice.", none, once(&[&[CHOICES]]), completed),
    asks("test_streaming_elicitation", "Asks for a name.", none, once(&[&[NAME]]), greeted),
    asks("test_missing_capability", "Needs the client's model.", none, once(&[&[GREETING]]), said),
    asks("test_input_required_result_elicitation", "Asks for a name.", none, once(&[&[NAME]]), greeted),
    asks("test_input_required_result_sampling", "Asks the client's model.", none, once(&[&[CAPITAL]]), said),
    asks("test_input_required_result_list_roots", "Asks for the roots.", none, once(&[&[ROOTS]]), said),
    asks("test_input_required_result_capabilities", "Asks what it can.", none, once(&[&[NAME, GREETING]]), said),
    asks("test_input_required_result_request_state", "Has a state.", none, sealed(&[&[CONFIRMATION]]), approved),
    asks("test_input_required_result_tampered_state", "Has a state.", none, sealed(&[&[CONFIRMATION]]), approved),
    asks(
        "test_input_required_result_multiple_inputs",
        "Asks three things at once.",
        none,
        sealed(&[&[NAME, GREETING, ROOTS]]),
        said,
    ),
    asks("test_input_required_result_multi_round", "Asks twice.", none, sealed(&[&[FIRST_STEP], &[SECOND_STEP]]), said),
    // Tasks.
    tool(
        "greet",
        "Greets.",
        || required("name"),
        Run::Says(|arguments| content(json!([words(&format!("Hello, {}!", text(arguments, "name")))]))),
    ),
    tool("slow_compute", "Takes its time.", duration, Run::Works(tasks::SLOW_COMPUTE)),
    tool("failing_job", "Fails after a while.", none, Run::Works(tasks::FAILING_JOB)),
    tool("protocol_error_job", "Ends with an error of the protocol.", none, Run::Works(tasks::PROTOCOL_ERROR_JOB)),
    tool("confirm_delete", "Asks the user while it works.", || required("filename"), Run::Works(tasks::CONFIRM_DELETE)),
    tool("multi_input", "Asks the user twice while it works.", none, Run::Works(tasks::MULTI_INPUT)),
    tool("test_tool_with_task", "Asks the user and then works.", none, Run::AsksAndWorks(once(&[&[NAME]]))),
];

/// The tools as they are listed.
pub(super) fn list() -> Result<Vec<rmcp::model::Tool>, ErrorData> {
    let tools = TOOLS
        .iter()
        .map(|tool| json!({ "name": tool.name, "description": tool.description, "inputSchema": (tool.schema)() }));
    tools.map(from_json).collect()
}

/// Carries out a call.
pub(super) async fn call(
    fixtures: &Fixtures,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let Some(tool) = TOOLS.iter().find(|tool| tool.name == request.name) else {
        return Err(ErrorData::invalid_params(format!("There is no tool {:?}.", request.name), None));
    };
    let arguments = request.arguments.unwrap_or_default();
    let turn = Turn {
        subject: tool.name,
        arguments: &arguments,
        responses: request.input_responses,
        state: request.request_state,
        context: &context,
    };
    match &tool.run {
        Run::Says(value) => super::result::<CallToolResult>(value(&arguments)).map(CallToolResponse::from),
        Run::Does(work) => work(fixtures, &context)
            .await
            .map(CallToolResponse::from)
            .map_err(|error| ErrorData::internal_error(format!("The client cannot be told: {error}"), None)),
        Run::Asks(conversation, result) => Ok(match conversation.go_on(turn).await? {
            Progress::Asked(asked) => asked.into(),
            Progress::Answered(answers) => told(result(&answers)).into(),
        }),
        Run::Works(task) => {
            let declared = context.client_capabilities().is_some_and(|capabilities| capabilities.supports_tasks());
            let work = task.work;
            if declared {
                let task = fixtures.tasks.spawn(TaskOptions::new(), |task| work(arguments, Some(task)));
                return Ok(CreateTaskResult::new(task).into());
            }
            if task.required {
                let tasks = ClientCapabilities::builder().enable_tasks().build();
                return Err(ErrorData::missing_required_client_capability(tasks));
            }
            work(arguments, None).await.map(CallToolResponse::from).map_err(|exit| match exit {
                TaskExit::Error(error) => error,
                TaskExit::Cancelled => ErrorData::internal_error("The call was cancelled.", None),
            })
        }
        Run::AsksAndWorks(conversation) => Ok(match conversation.go_on(turn).await? {
            Progress::Asked(asked) => asked.into(),
            Progress::Answered(answers) => {
                let result = told(greeted(&answers));
                let task = fixtures.tasks.spawn(TaskOptions::new(), |_| Box::pin(async { Ok(result) }));
                CreateTaskResult::new(task).into()
            }
        }),
    }
}

/// Logs three messages, to whoever has asked for that: by `logging/setLevel` before 2026-07-28, since then with
/// every request.
async fn logs(context: &RequestContext<RoleServer>) -> Worked {
    let wanted = context.meta.protocol_version().is_none() || context.meta.log_level().is_some();
    for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        if wanted {
            let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(message));
            context.peer.notify_logging_message(message).await?;
        }
        tokio::time::sleep(STEP).await;
    }
    Ok(told("Three messages were logged."))
}

async fn progresses(context: &RequestContext<RoleServer>) -> Worked {
    for percent in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, percent).with_total(100.0);
            context.peer.notify_progress(progress).await?;
        }
        tokio::time::sleep(STEP).await;
    }
    Ok(told("All is done."))
}

async fn changes(fixtures: &Fixtures, change: Change) -> Worked {
    // Without subscribers there is nobody to tell.
    let _ = fixtures.changes.send(change);
    Ok(told("Subscribers are told."))
}

fn completed(answers: &Answers) -> String {
    let answer = &answers["answer"];
    format!("Elicitation completed: action={}, content={}", text_of(&answer["action"]), answer["content"])
}

fn greeted(answers: &Answers) -> String {
    format!("Hello, {}!", text_of(&answers[NAME.key]["content"]["name"]))
}

/// The word by which the suite sees that the state was read.
fn approved(_: &Answers) -> String {
    "state-ok".to_owned()
}

fn said(answers: &Answers) -> String {
    format!("The client answered {}.", json!(answers))
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A result of one text.
pub(super) fn told(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn content(content: Value) -> Value {
    json!({ "content": content })
}

/// A text block.
pub(super) fn words(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// An image block.
pub(super) fn image() -> Value {
    json!({ "type": "image", "data": PIXEL, "mimeType": "image/png" })
}

/// A block with a resource in it.
pub(super) fn resource(uri: &str, mime_type: &str, text: &str) -> Value {
    json!({ "type": "resource", "resource": { "uri": uri, "mimeType": mime_type, "text": text } })
}

fn none() -> Value {
    json!({ "type": "object", "properties": {} })
}

fn required(name: &str) -> Value {
    json!({ "type": "object", "properties": { name: { "type": "string" } }, "required": [name] })
}

fn region() -> Value {
    json!({ "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } })
}

fn duration() -> Value {
    let properties = json!({ "seconds": { "type": "integer", "minimum": 0 }, "label": { "type": "string" } });
    json!({ "type": "object", "properties": properties })
}

/// Has every keyword that may get lost on the way to the client (SEP-1613, SEP-2106).
fn vocabulary() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": { "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
        } },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}
