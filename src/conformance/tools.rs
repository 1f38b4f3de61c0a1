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

use super::conversation::{
    Answers, CONFIRMATION, Conversation, GREETING, NAME, Progress, Question, ROOTS, Turn, form, sample,
};
use super::handler::{Change, Fixtures};
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

/// What a call does.
enum Run {
    /// Gives this result.
    Says(fn(&JsonObject) -> Value),
    /// Works, with notifications or effects on the server.
    Does(
        for<'a> fn(&'a Fixtures, &'a RequestContext<RoleServer>) -> BoxFuture<'a, Result<CallToolResult, ServiceError>>,
    ),
    /// Asks the client and makes its result of the answers.
    Asks(Conversation, fn(&Answers) -> String),
    /// Becomes a task, where the client takes tasks.
    Works(Task),
    /// Asks for a name and then becomes a task that greets.
    AsksAndWorks(Conversation),
}

const fn one_round(questions: &'static [&'static [Question]], sealed: bool) -> Conversation {
    Conversation { rounds: questions, sealed }
}

#[rustfmt::skip]
const TOOLS: &[Tool] = &[
    // Content.
    Tool { name: "test_simple_text", description: "Returns text.", schema: none,
        run: Run::Says(|_| content(json!([words("This is a simple text response for testing.")]))) },
    Tool { name: "test_image_content", description: "Returns an image.", schema: none,
        run: Run::Says(|_| content(json!([image()]))) },
    Tool { name: "test_audio_content", description: "Returns a sound.", schema: none,
        run: Run::Says(|_| content(json!([{ "type": "audio", "data": SILENCE, "mimeType": "audio/wav" }]))) },
    Tool { name: "test_embedded_resource", description: "Returns a resource.", schema: none,
        run: Run::Says(|_| content(json!([resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")]))) },
    Tool { name: "test_multiple_content_types", description: "Returns text, an image and a resource.", schema: none,
        run: Run::Says(|_| content(json!([words("Multiple content types test:"), image(),
            resource("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#)]))) },
    Tool { name: "test_error_handling", description: "Fails.", schema: none,
        run: Run::Says(|_| json!({ "content": [words("This tool intentionally returns an error for testing.")], "isError": true })) },
    // Schemas and headers.
    Tool { name: "json_schema_2020_12_tool", description: "Has a schema with the vocabulary of JSON Schema 2020-12.", schema: vocabulary,
        run: Run::Says(|arguments| content(json!([words(&Value::Object(arguments.clone()).to_string())]))) },
    Tool { name: "test_header", description: "Takes an argument that is repeated in a header.", schema: || json!({
            "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } }),
        run: Run::Says(|arguments| content(json!([words(text(arguments, "region"))]))) },
    // Notifications.
    Tool { name: "test_tool_with_logging", description: "Logs three messages.", schema: none, run: Run::Does(|_, context| Box::pin(logs(context))) },
    Tool { name: "test_logging_tool", description: "Logs three messages.", schema: none, run: Run::Does(|_, context| Box::pin(logs(context))) },
    Tool { name: "test_tool_with_progress", description: "Tells its progress.", schema: none, run: Run::Does(|_, context| Box::pin(progresses(context))) },
    Tool { name: "test_trigger_tool_change", description: "Tells subscribers that the tools have changed.", schema: none,
        run: Run::Does(|fixtures, _| Box::pin(changes(fixtures, Change::Tools))) },
    Tool { name: "test_trigger_prompt_change", description: "Tells subscribers that the prompts have changed.", schema: none,
        run: Run::Does(|fixtures, _| Box::pin(changes(fixtures, Change::Prompts))) },
    // Questions to the client.
    Tool { name: "test_sampling", description: "Asks the client's model.", schema: || required("prompt"),
        run: Run::Asks(one_round(&[&[Question { key: "answer", ask: |arguments| sample(text(arguments, "prompt")) }]], false),
            |answers| format!("LLM response: {}", answers["answer"]["content"])) },
    Tool { name: "test_elicitation", description: "Asks the user.", schema: || required("message"),
        run: Run::Asks(one_round(&[&[Question { key: "answer", ask: |arguments| form(text(arguments, "message"),
                json!({ "username": { "type": "string" }, "email": { "type": "string" } })) }]], false),
            |answers| format!("User response: {}", answers["answer"])) },
    Tool { name: "test_elicitation_sep1034_defaults", description: "Asks the user, with defaults.", schema: none,
        run: Run::Asks(one_round(&[&[Question { key: "answer", ask: |_| form("Check your profile.", json!({
                "name": { "type": "string", "default": "John Doe" },
                "age": { "type": "integer", "default": 30 },
                "score": { "type": "number", "default": 95.5 },
                "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
                "verified": { "type": "boolean", "default": true } })) }]], false),
            completed) },
    Tool { name: "test_elicitation_sep1330_enums", description: "Asks the user to choose.", schema: none,
        run: Run::Asks(one_round(&[&[Question { key: "answer", ask: |_| form("Choose.", json!({
                "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
                "titledSingle": { "type": "string", "oneOf": titled("Option") },
                "legacyEnum": { "type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"] },
                "untitledMulti": { "type": "array", "items": { "type": "string", "enum": ["option1", "option2", "option3"] } },
                "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } } })) }]], false),
            completed) },
    Tool { name: "test_streaming_elicitation", description: "Asks the user for a name.", schema: none,
        run: Run::Asks(one_round(&[&[NAME]], false), greeted) },
    Tool { name: "test_missing_capability", description: "Needs the client's model.", schema: none,
        run: Run::Asks(one_round(&[&[GREETING]], false), said) },
    Tool { name: "test_input_required_result_elicitation", description: "Asks the user for a name.", schema: none,
        run: Run::Asks(one_round(&[&[NAME]], false), greeted) },
    Tool { name: "test_input_required_result_sampling", description: "Asks the client's model.", schema: none,
        run: Run::Asks(one_round(&[&[Question { key: "capital_question", ask: |_| sample("What is the capital of France?") }]], false), said) },
    Tool { name: "test_input_required_result_list_roots", description: "Asks for the roots of the client.", schema: none,
        run: Run::Asks(one_round(&[&[ROOTS]], false), said) },
    Tool { name: "test_input_required_result_request_state", description: "Asks the user, with a state.", schema: none,
        run: Run::Asks(one_round(&[&[CONFIRMATION]], true), |_| "state-ok".to_owned()) },
    Tool { name: "test_input_required_result_tampered_state", description: "Asks the user, with a state.", schema: none,
        run: Run::Asks(one_round(&[&[CONFIRMATION]], true), said) },
    Tool { name: "test_input_required_result_multiple_inputs", description: "Asks three things at once.", schema: none,
        run: Run::Asks(one_round(&[&[NAME, GREETING, ROOTS]], true), said) },
    Tool { name: "test_input_required_result_capabilities", description: "Asks only what the client can answer.", schema: none,
        run: Run::Asks(one_round(&[&[NAME, GREETING]], false), said) },
    Tool { name: "test_input_required_result_multi_round", description: "Asks twice.", schema: none,
        run: Run::Asks(Conversation { sealed: true, rounds: &[
            &[Question { key: "step1", ask: |_| form("Step 1: What is your name?", json!({ "name": { "type": "string" } })) }],
            &[Question { key: "step2", ask: |_| form("Step 2: What is your favorite color?", json!({ "color": { "type": "string" } })) }],
        ] }, said) },
    // Tasks.
    Tool { name: "greet", description: "Greets.", schema: || required("name"),
        run: Run::Says(|arguments| content(json!([words(&format!("Hello, {}!", text(arguments, "name")))]))) },
    Tool { name: "slow_compute", description: "Takes its time.", schema: || json!({
            "type": "object", "properties": { "seconds": { "type": "integer", "minimum": 0 }, "label": { "type": "string" } } }),
        run: Run::Works(tasks::SLOW_COMPUTE) },
    Tool { name: "failing_job", description: "Fails after a while.", schema: none, run: Run::Works(tasks::FAILING_JOB) },
    Tool { name: "protocol_error_job", description: "Ends with an error of the protocol.", schema: none, run: Run::Works(tasks::PROTOCOL_ERROR_JOB) },
    Tool { name: "confirm_delete", description: "Asks the user while it works.", schema: || required("filename"), run: Run::Works(tasks::CONFIRM_DELETE) },
    Tool { name: "multi_input", description: "Asks the user twice while it works.", schema: none, run: Run::Works(tasks::MULTI_INPUT) },
    Tool { name: "test_tool_with_task", description: "Asks the user and then works.", schema: none,
        run: Run::AsksAndWorks(one_round(&[&[NAME]], false)) },
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
async fn logs(context: &RequestContext<RoleServer>) -> Result<CallToolResult, ServiceError> {
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

async fn progresses(context: &RequestContext<RoleServer>) -> Result<CallToolResult, ServiceError> {
    for percent in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, percent).with_total(100.0);
            context.peer.notify_progress(progress).await?;
        }
        tokio::time::sleep(STEP).await;
    }
    Ok(told("All is done."))
}

async fn changes(fixtures: &Fixtures, change: Change) -> Result<CallToolResult, ServiceError> {
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

fn titled(what: &str) -> Value {
    let titles = ["First", "Second", "Third"].iter().enumerate();
    titles
        .map(|(index, title)| json!({ "const": format!("value{}", index + 1), "title": format!("{title} {what}") }))
        .collect()
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
