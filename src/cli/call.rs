//! `call`: one call from the command line, on the same way as one that comes over MCP.

use std::io::{self, Read};
use std::process::ExitCode;

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

use super::{FAILED, arguments, complain, print, serve};
use crate::error::StartupError;
use crate::exposure::{Found, OPERATION};
use crate::server::Server;

/// What the program calls itself towards the provider.
const CLIENT: &str = "infra-mcp call";

/// Calls a tool and prints what it answers: the JSON of the provider as it came, and what is no JSON
/// as `{"message": …}` or `{"error": …}`.
pub(super) fn call(server: &Server, name: &str, given: &[String]) -> Result<ExitCode, StartupError> {
    let unknown = |problem: String| StartupError::new("call", problem, "`list` shows the tools.");
    let arguments = arguments::read(&schema(server, name, given), given, || {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    })?;
    let outcome =
        serve::runtime()?.block_on(server.call(name, arguments, server.local_caller(Some(CLIENT.to_owned()))));
    let result = outcome.map_err(|problem| unknown(problem.to_string()))?;
    let failed = result.is_error == Some(true);
    let mut texts = texts(&result);
    let answer = texts.next().unwrap_or_default();
    // What was left out and why is for the reader, not part of the result.
    texts.for_each(|remark| complain(&remark));
    let printed = print(&format!("{}\n", as_json(answer, failed)));
    Ok(if failed { ExitCode::from(FAILED) } else { printed })
}

/// The schema of what the words are to become. Of nothing that is served it is empty: the call will say so.
fn schema(server: &Server, name: &str, words: &[String]) -> Value {
    match server.exposure.find(name) {
        Some(Found::Tool(entry, None)) => arguments::schema(entry.tool),
        Some(Found::Tool(entry, Some(alias))) => arguments::schema_of_former(entry.tool, alias),
        Some(Found::Domain(domain)) => {
            let operation = words.iter().find_map(|word| word.strip_prefix(OPERATION)?.strip_prefix('='));
            let entry = operation.and_then(|operation| domain.operation(operation));
            entry.map_or(Value::Null, |entry| arguments::schema_of_operation(entry.tool))
        }
        Some(Found::Builtin(builtin)) => builtin.input_schema(),
        Some(Found::Contested(_)) | None => Value::Null,
    }
}

fn texts(result: &CallToolResult) -> impl Iterator<Item = &str> {
    result.content.iter().filter_map(|block| match block {
        ContentBlock::Text(text) => Some(text.text.as_str()),
        _ => None,
    })
}

fn as_json(answer: &str, failed: bool) -> String {
    if failed {
        json!({ "error": answer }).to_string()
    } else if serde_json::from_str::<serde::de::IgnoredAny>(answer).is_ok() {
        answer.to_owned()
    } else {
        Value::from_iter([("message", answer)]).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_answer_the_output_is_json() {
        for (answer, failed, expected) in [
            (r#"{"a": 1.10}"#, false, r#"{"a": 1.10}"#),
            ("Done: HTTP 204.", false, r#"{"message":"Done: HTTP 204."}"#),
            (r#"{"a":1}"#, true, r#"{"error":"{\"a\":1}"}"#),
        ] {
            assert_eq!(as_json(answer, failed), expected, "{answer}");
        }
    }
}
