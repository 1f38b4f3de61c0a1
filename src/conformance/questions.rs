//! What the client is asked.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use super::text;

/// One question.
pub(super) struct Question {
    /// What the answer goes by.
    pub(super) key: &'static str,
    /// The request, made of the arguments of the call.
    pub(super) ask: fn(&JsonObject) -> Value,
}

/// Asks for a name.
pub(super) const NAME: Question =
    Question { key: "user_name", ask: |_| form("What is your name?", json!({ "name": { "type": "string" } })) };

/// Asks to confirm.
pub(super) const CONFIRMATION: Question =
    Question { key: "confirm", ask: |_| form("Please confirm.", json!({ "ok": { "type": "boolean" } })) };

/// The first of two rounds.
pub(super) const FIRST_STEP: Question =
    Question { key: "step1", ask: |_| form("Step 1: What is your name?", json!({ "name": { "type": "string" } })) };

/// The second of two rounds.
pub(super) const SECOND_STEP: Question = Question {
    key: "step2",
    ask: |_| form("Step 2: What is your favorite color?", json!({ "color": { "type": "string" } })),
};

/// Asks what a prompt is for.
pub(super) const CONTEXT: Question = Question {
    key: "user_context",
    ask: |_| form("What context should the prompt use?", json!({ "context": { "type": "string" } })),
};

/// Asks the user what the argument `message` says.
pub(super) const MESSAGE: Question = Question {
    key: "answer",
    ask: |arguments| {
        let properties = json!({ "username": { "type": "string" }, "email": { "type": "string" } });
        form(text(arguments, "message"), properties)
    },
};

/// Has a default of every primitive type (SEP-1034).
pub(super) const DEFAULTS: Question = Question {
    key: "answer",
    ask: |_| {
        let properties = json!({
            "name": { "type": "string", "default": "John Doe" },
            "age": { "type": "integer", "default": 30 },
            "score": { "type": "number", "default": 95.5 },
            "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
            "verified": { "type": "boolean", "default": true },
        });
        form("Check your profile.", properties)
    },
};

/// Has every way to choose from a list (SEP-1330).
pub(super) const CHOICES: Question = Question {
    key: "answer",
    ask: |_| {
        let options = json!(["option1", "option2", "option3"]);
        let titles = ["Option One", "Option Two", "Option Three"];
        let titled = json!([
            { "const": "value1", "title": "First" },
            { "const": "value2", "title": "Second" },
            { "const": "value3", "title": "Third" },
        ]);
        let properties = json!({
            "untitledSingle": { "type": "string", "enum": options },
            "titledSingle": { "type": "string", "oneOf": titled },
            "legacyEnum": { "type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": titles },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
            "titledMulti": { "type": "array", "items": { "anyOf": titled } },
        });
        form("Choose.", properties)
    },
};

/// Asks the model what the argument `prompt` says.
pub(super) const PROMPT: Question = Question { key: "answer", ask: |arguments| sample(text(arguments, "prompt")) };

/// Asks the model for a greeting.
pub(super) const GREETING: Question = Question { key: "greeting", ask: |_| sample("Generate a greeting.") };

/// Asks the model what it knows.
pub(super) const CAPITAL: Question =
    Question { key: "capital_question", ask: |_| sample("What is the capital of France?") };

/// Asks for the roots.
pub(super) const ROOTS: Question = Question { key: "client_roots", ask: |_| json!({ "method": "roots/list" }) };

/// An elicitation by a form with these properties, all of them required.
pub(super) fn form(message: &str, properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(|map| map.keys()).collect();
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    json!({ "method": "elicitation/create", "params": { "message": message, "requestedSchema": schema } })
}

/// A request for one message of the client's model, of at most 100 tokens.
fn sample(text: &str) -> Value {
    let message = json!({ "role": "user", "content": { "type": "text", "text": text } });
    json!({ "method": "sampling/createMessage", "params": { "messages": [message], "maxTokens": 100 } })
}
