//! Work that goes on upstream after an answer, as it is seen.

use infra_mcp_model::{Tasks, Text};
use serde_json::Value;

use super::response::shorten;
use crate::account::Account;

/// Characters of what came of a task that are told.
const TOLD: usize = 1_200;

/// A task as it was last seen.
pub(crate) struct Seen {
    /// All that was shown.
    pub(crate) task: Value,
    /// Its state; empty where it has none.
    pub(crate) state: String,
    /// How far it is, as the provider writes it.
    pub(crate) progress: Option<String>,
}

impl Seen {
    /// Reads what the provider shows of a task.
    pub(crate) fn of(tasks: &Tasks, task: Value) -> Self {
        let member = |name: &str| task.get(name).filter(|value| !name.is_empty() && !value.is_null());
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let state = member(&tasks.state).map(text).unwrap_or_default();
        let progress = member(&tasks.progress).map(text);
        Self { state, progress, task }
    }

    /// Whether its state is one of these.
    pub(crate) fn is(&self, states: &[Text]) -> bool {
        states.iter().any(|state| *state == self.state)
    }

    /// What came of it, as a sentence; empty where nothing is said.
    pub(crate) fn told(&self, tasks: &Tasks, account: &Account) -> String {
        let told = self.task.get(tasks.result.as_ref()).filter(|told| !told.is_null());
        told.map_or_else(String::new, |told| {
            let told = told.get("message").and_then(Value::as_str).map_or_else(|| told.to_string(), str::to_owned);
            format!("{}.", shorten(&account.mask(&told), TOLD).trim_end_matches('.'))
        })
    }
}
