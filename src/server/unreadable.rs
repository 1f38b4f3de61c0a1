//! Requests that cannot be read: of unknown methods, and of known ones with malformed parameters.

use rmcp::ErrorData;
use rmcp::model::{ErrorCode, ServerCapabilities};

/// A text that says what a list is asked with.
const LIST: &str = "nothing but an optional `cursor` (text)";

/// The answer to such a request. `handshake` says that it is of an era that begins with one.
pub(super) fn refusal(method: &str, handshake: bool, capabilities: &ServerCapabilities) -> ErrorData {
    let (prompts, resources) = (capabilities.prompts.is_some(), capabilities.resources.is_some());
    let expected = match method {
        "initialize" if handshake => {
            "`protocolVersion` (text), `capabilities` (object) and `clientInfo` (object with `name` and `version`)"
        }
        "tools/call" => "`name` (text) and, where the tool takes any, `arguments` (object)",
        "tools/list" => LIST,
        "prompts/list" if prompts => LIST,
        "prompts/get" if prompts => "`name` (text) and, where the prompt takes any, `arguments` (object of texts)",
        "resources/list" | "resources/templates/list" if resources => LIST,
        "resources/read" if resources => "`uri` (text)",
        "ping" if handshake => "nothing of its own",
        "server/discover" => "nothing of its own",
        _ => {
            return ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("There is no method {method:?} here."), None);
        }
    };
    ErrorData::invalid_params(format!("The `params` of {method} must be an object with {expected}."), None)
}
