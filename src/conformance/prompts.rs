//! The prompts of the suite, and completions for their arguments.

use rmcp::model::{
    CompleteRequestParams, CompleteResult, GetPromptRequestParams, GetPromptResponse, GetPromptResult, JsonObject,
    ListPromptsResult,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::conversation::{Answers, Conversation, Progress, Turn};
use super::questions::CONTEXT;
use super::tools::{image, resource, words};
use super::{result, text};

struct Prompt {
    name: &'static str,
    description: &'static str,
    /// The arguments, all of them required.
    arguments: &'static [&'static str],
    /// What is asked first.
    conversation: Conversation,
    /// The contents of the messages.
    contents: fn(&JsonObject, &Answers) -> Vec<Value>,
}

/// No questions.
const SILENT: Conversation = Conversation { rounds: &[], sealed: false };

const PROMPTS: &[Prompt] = &[
    Prompt {
        name: "test_simple_prompt",
        description: "One message.",
        arguments: &[],
        conversation: SILENT,
        contents: |_, _| vec![words("This is a simple prompt for testing.")],
    },
    Prompt {
        name: "test_prompt_with_arguments",
        description: "One message with the arguments in it.",
        arguments: &["arg1", "arg2"],
        conversation: SILENT,
        contents: |arguments, _| {
            let [first, second] = ["arg1", "arg2"].map(|name| text(arguments, name));
            vec![words(&format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
        },
    },
    Prompt {
        name: "test_prompt_with_embedded_resource",
        description: "A resource and a message.",
        arguments: &["resourceUri"],
        conversation: SILENT,
        contents: |arguments, _| {
            let embedded = "Embedded resource content for testing.";
            let resource = resource(text(arguments, "resourceUri"), "text/plain", embedded);
            vec![resource, words("Please process the embedded resource above.")]
        },
    },
    Prompt {
        name: "test_prompt_with_image",
        description: "An image and a message.",
        arguments: &[],
        conversation: SILENT,
        contents: |_, _| vec![image(), words("Please analyze the image above.")],
    },
    Prompt {
        name: "test_input_required_result_prompt",
        description: "Asks the user first.",
        arguments: &[],
        conversation: Conversation { rounds: &[&[CONTEXT]], sealed: false },
        contents: |_, answers| vec![words(&format!("Use this: {}", answers[CONTEXT.key]["content"]))],
    },
];

pub(super) fn list() -> Result<ListPromptsResult, ErrorData> {
    let prompts = PROMPTS.iter().map(|prompt| {
        let arguments = prompt.arguments.iter().map(|name| json!({ "name": name, "required": true }));
        let arguments: Vec<Value> = arguments.collect();
        json!({ "name": prompt.name, "description": prompt.description, "arguments": arguments })
    });
    result(json!({ "prompts": prompts.collect::<Vec<_>>() }))
}

pub(super) async fn get(
    request: GetPromptRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let Some(prompt) = PROMPTS.iter().find(|prompt| prompt.name == request.name) else {
        return Err(ErrorData::invalid_params(format!("There is no prompt {:?}.", request.name), None));
    };
    let arguments = request.arguments.unwrap_or_default();
    if let Some(missing) = prompt.arguments.iter().find(|name| !arguments.contains_key(**name)) {
        return Err(ErrorData::invalid_params(format!("The argument {missing:?} is missing."), None));
    }
    let turn = Turn {
        subject: prompt.name,
        arguments: &arguments,
        responses: request.input_responses,
        state: request.request_state,
        context: &context,
    };
    Ok(match prompt.conversation.go_on(turn).await? {
        Progress::Asked(asked) => asked.into(),
        Progress::Answered(answers) => {
            let contents = (prompt.contents)(&arguments, &answers).into_iter();
            let messages: Vec<Value> = contents.map(|content| json!({ "role": "user", "content": content })).collect();
            result::<GetPromptResult>(json!({ "messages": messages }))?.into()
        }
    })
}

/// Completes any argument to one of three words.
pub(super) fn complete(request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let typed = &request.argument.value;
    let values: Vec<&str> = ["paris", "park", "testing"].into_iter().filter(|word| word.starts_with(typed)).collect();
    result(json!({ "completion": { "total": values.len(), "values": values, "hasMore": false } }))
}
