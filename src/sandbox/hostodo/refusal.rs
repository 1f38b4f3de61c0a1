//! Why the endpoint does not do what it is asked.

use serde_json::{Map, Value, json};

/// What a tool of the endpoint comes to.
pub(super) type Outcome = Result<Value, Refusal>;

/// A code, words, and what else there is to know.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    message: String,
    more: Map<String, Value>,
}

/// A refusal with nothing more to know.
pub(super) fn refuse(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into(), more: Map::new() }
}

/// What an argument breaks.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    refuse("invalid_argument", message)
}

impl Refusal {
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    pub(super) fn to_json(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(error) = error.as_object_mut() {
            error.extend(self.more.clone());
        }
        json!({ "error": error })
    }
}
