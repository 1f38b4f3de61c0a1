//! A call that needs an approval, and a client that can ask the person in front of it (MCP elicitation).
//!
//! A client of 2026-07-28 gets the question as an input-required result and repeats its call with the answer; to one of
//! an earlier revision it is sent as a request of the server while the call waits. Either way the answer counts for
//! nothing but the very call that was shown.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, ClientResult, ElicitResult, ElicitationAction, InputRequest, InputRequests,
    InputRequiredResult, ServerRequest,
};
use rmcp::service::RequestContext;
use serde_json::{Value, json};

use crate::call::Asking;
use crate::error::CallError;
use crate::policy::{LIFETIME, Request, Step};

/// What the answer goes by among those of a repeated call.
const KEY: &str = "approval";

/// What of the form has to be true.
const FIELD: &str = "approve";

/// How long a person may take: as long as the approval is good.
const PATIENCE: Duration = Duration::from_secs(LIFETIME.unsigned_abs());

/// What a request says about the person in front of the client.
pub(super) fn asking(context: &RequestContext<RoleServer>, request: &CallToolRequestParams) -> Asking {
    let able = context
        .client_capabilities()
        .and_then(|capabilities| capabilities.elicitation)
        // A capability without a mode is that of the forms, which were there first.
        .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none());
    if !able {
        return Asking::Impossible;
    }
    let answer = request.input_responses.as_ref().and_then(|responses| responses.get(KEY));
    match (&request.request_state, answer) {
        (Some(token), Some(answer)) if agrees(answer) => Asking::Agreed(token.clone()),
        (Some(token), Some(_)) => Asking::Declined(token.clone()),
        // An answer without the state that asked for it is an answer to nothing.
        _ => Asking::Possible,
    }
}

/// The question of a call that was held up for one, with the token of its answer.
pub(super) fn of(error: &CallError) -> Option<(&Request, &str)> {
    match error {
        CallError::Unapproved(request) => match &request.step {
            Step::Ask(token) => Some((request, token)),
            _ => None,
        },
        _ => None,
    }
}

/// The question as a result, for a client that repeats its call.
pub(super) fn as_result(request: &Request, token: &str) -> Option<InputRequiredResult> {
    let question: InputRequest = serde_json::from_value(form(request)).ok()?;
    let questions = InputRequests::from_iter([(KEY.to_owned(), question)]);
    Some(InputRequiredResult::new(Some(questions), Some(token.to_owned())))
}

/// Asks over the connection of a call that waits.
pub(super) async fn ask(request: &Request, token: &str, context: &RequestContext<RoleServer>) -> Asking {
    let Ok(InputRequest::Elicitation(question)) = serde_json::from_value(form(request)) else {
        return Asking::Impossible;
    };
    let answer = context.peer.send_request(ServerRequest::ElicitRequest(question));
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(ClientResult::ElicitResult(ElicitResult { action: ElicitationAction::Accept, content, .. })))
            if content.as_ref().is_some_and(is_ticked) =>
        {
            Asking::Agreed(token.to_owned())
        }
        Ok(Ok(ClientResult::ElicitResult(_))) | Err(_) => Asking::Declined(token.to_owned()),
        // It cannot ask after all.
        Ok(Ok(_) | Err(_)) => Asking::Impossible,
    }
}

fn form(request: &Request) -> Value {
    let message = format!("{}\n\nShall this call be made? It is made once, exactly as shown.", request.preview);
    let property = json!({ "type": "boolean", "title": "Approve this call" });
    let schema = json!({ "type": "object", "properties": { FIELD: property }, "required": [FIELD] });
    json!({ "method": "elicitation/create", "params": { "message": message, "requestedSchema": schema } })
}

fn agrees(answer: &Value) -> bool {
    answer.get("action").is_some_and(|action| action == "accept") && answer.get("content").is_some_and(is_ticked)
}

/// A person who merely sends the form has not agreed.
fn is_ticked(content: &Value) -> bool {
    content.get(FIELD) == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_ticked_form_agrees() {
        for (answer, expected) in [
            (json!({"action": "accept", "content": {"approve": true}}), true),
            (json!({"action": "accept", "content": {"approve": false}}), false),
            (json!({"action": "accept", "content": {"approve": "true"}}), false),
            (json!({"action": "accept", "content": {}}), false),
            (json!({"action": "accept"}), false),
            (json!({"action": "decline", "content": {"approve": true}}), false),
            (json!({"action": "cancel"}), false),
            (json!({"content": {"approve": true}}), false),
            (json!(true), false),
        ] {
            assert_eq!(agrees(&answer), expected, "{answer}");
        }
    }
}
