use serde::Serialize;
use serde_json::{Value, json};

/// What a handler comes to: the body of a 200 answer, or why there is none.
pub(in crate::sandbox) type Outcome = Result<Value, Failure>;

/// Why an operation was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum Failure {
    /// What the path names does not exist (404).
    Missing(String),
    /// An input breaks a rule (422).
    Invalid {
        /// Name of the input, dotted for nested ones.
        field: String,
        /// The broken rule as a sentence.
        rule: String,
    },
}

impl Failure {
    pub(super) fn missing(kind: &str, id: impl std::fmt::Display) -> Self {
        Self::Missing(format!("There is no {kind} {id}."))
    }

    pub(super) fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), rule: rule.into() }
    }
}

/// `body` as an answer.
pub(super) fn answer(body: impl Serialize) -> Outcome {
    Ok(serde_json::to_value(body).expect("every type of the estate is plain data with text keys"))
}

/// The answer of operations that return nothing but a message.
pub(super) fn accepted() -> Outcome {
    Ok(json!({ "message": "Request accepted" }))
}
