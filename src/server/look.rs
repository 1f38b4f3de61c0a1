//! What the server reads of its own accord on the way of a call: the resource that the call acts on. The read is a call
//! on the same way, and nothing that does more than read passes.

use std::sync::Arc;

use infra_mcp_model::{Location, Tool};
use serde_json::{Map, Value};

use super::Server;
use crate::account::Account;
use crate::arguments::Arguments;
use crate::call::{Call, Caller};
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::executor::Reply;
use crate::principal::Principal;
use crate::providers;

impl Server {
    /// The resource that a call acts on, as it is now; none where nothing shows it.
    ///
    /// # Errors
    /// If it has to be seen and the read failed.
    pub(super) async fn see_resource(&self, call: &Call) -> Result<Option<Value>, CallError> {
        let reader = reader_of(call.entry);
        let Some((reader, arguments)) = reader.and_then(|reader| Some((reader, naming(call, reader.tool)?))) else {
            return Ok(None);
        };
        // It is this server that looks, on behalf of whoever calls.
        let caller = Caller { principal: Arc::new(Principal::local()), ..call.caller.clone() };
        let read = match reading(reader, &call.account, arguments, caller) {
            Ok(read) => self.look(read).await.and_then(|reply| json(reader, &reply)),
            Err(error) => Err(error),
        };
        match read {
            Ok(seen) => Ok(Some(unwrapped(seen))),
            Err(error) if call.entry.tool.review.opt_in => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Carries out a read that nobody asked for, if policy lets it.
    pub(super) async fn look(&self, read: Call) -> Result<Reply, CallError> {
        providers::carry_out(&self.executor, self.gate.admit_look(read).map_err(CallError::Refused)?).await
    }
}

/// A read that nobody asked for.
pub(super) fn reading(
    entry: Entry,
    account: &Arc<Account>,
    arguments: Map<String, Value>,
    caller: Caller,
) -> Result<Call, CallError> {
    let arguments = Arguments::validate(entry.tool, arguments).map_err(CallError::Arguments)?;
    Ok(Call { entry, arguments, account: Arc::clone(account), caller })
}

/// What an answer says.
pub(super) fn json(entry: Entry, reply: &Reply) -> Result<Value, CallError> {
    serde_json::from_str(&reply.body).map_err(|_| CallError::Undecodable {
        status: reply.status,
        problem: format!("{} gave no JSON.", entry.tool.name),
        excerpt: String::new(),
        unsettled: false,
    })
}

/// The tool that shows what a call of this one acts on.
pub(super) fn reader_of(entry: Entry) -> Option<Entry> {
    let tool = entry.provider.tools().find(|tool| tool.name == entry.tool.reader)?;
    Some(Entry { tool, ..entry })
}

/// The arguments by which the reader finds what the call acts on.
fn naming(call: &Call, reader: &Tool) -> Option<Map<String, Value>> {
    let value = |name: &str| Some((name.to_owned(), call.arguments.as_map().get(name)?.clone()));
    match (reader.operation(), reader.resource_argument()) {
        (Some(operation), _) => {
            let path = operation.parameters.iter().filter(|parameter| parameter.location == Location::Path);
            path.map(|parameter| value(&parameter.argument)).collect()
        }
        (None, Some(argument)) => Some(Map::from_iter([value(argument)?])),
        (None, None) => None,
    }
}

/// A resource that is the only member of an answer.
fn unwrapped(answer: Value) -> Value {
    match answer {
        Value::Object(members) if members.len() == 1 && members.values().all(Value::is_object) => {
            members.into_iter().next().map(|(_, resource)| resource).unwrap_or_default()
        }
        resource => resource,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_resource_may_be_wrapped() {
        for (answer, expected) in [
            (json!({"vm": {"id": 1, "a": {}}}), json!({"id": 1, "a": {}})),
            (json!({"id": 1}), json!({"id": 1})),
            (json!({"vm": {"id": 1}, "more": 2}), json!({"vm": {"id": 1}, "more": 2})),
            (json!([{"id": 1}]), json!([{"id": 1}])),
        ] {
            assert_eq!(unwrapped(answer), expected);
        }
    }
}
