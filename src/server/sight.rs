//! What a call acts on, as it is now, read by the server itself before the call is judged. The read passes the gate as
//! every call does, and nothing that changes, costs or runs something passes as one.

use std::sync::Arc;

use infra_mcp_model::{Location, Step, Tool};
use serde_json::{Map, Value};

use super::Server;
use super::look::{json, reading};
use crate::call::{Call, Caller};
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::policy::Need;
use crate::principal::Principal;
use crate::providers;
use crate::result::Secrets;

/// Members that tell the rows of a list apart.
const KEYS: [&str; 3] = ["id", "uuid", "$key"];

impl Server {
    /// What the call acts on, and behind it what that is a part of; none where nothing shows it, or nobody asks.
    ///
    /// # Errors
    /// If it has to be seen and the read failed.
    pub(super) async fn see_resource(&self, call: &Call) -> Result<Option<Vec<Value>>, CallError> {
        let (need, reader) = (self.gate.needs_sight(call), reader_of(call.entry));
        let Some(reader) = reader.filter(|reader| need == Need::Judge || need == Need::Show && reader.harmless())
        else {
            return Ok(None);
        };
        match Box::pin(self.inspect(call, reader)).await {
            Ok(seen) => Ok(seen),
            Err(error) if call.entry.tool.review.opt_in => Err(error),
            Err(_) => Ok(None),
        }
    }

    async fn inspect(&self, call: &Call, reader: Entry) -> Result<Option<Vec<Value>>, CallError> {
        let Some(arguments) = naming(call, reader.tool) else { return Ok(None) };
        // It is this server that looks, on behalf of whoever calls.
        let caller = Caller { principal: Arc::new(Principal::local()), ..call.caller.clone() };
        let read = reading(reader, &call.account, arguments, caller)?;
        let authorized = self.gate.admit_inspection(read).map_err(CallError::Refused)?;
        let reply = providers::carry_out(&self.executor, authorized).await?;
        // Nobody needs a credential to judge by, so none goes on.
        let reply = Secrets::Withheld.settle(reader.tool, &Principal::local(), reply);
        let answer = json(reader, &reply)?;
        if lists(reader.tool) {
            let wanted = call.path_values().pop();
            let row =
                listed(answer).into_iter().find(|row| wanted.as_deref().is_some_and(|wanted| is_row(row, wanted)));
            return Ok(row.map(|row| vec![row]));
        }
        Ok(Some(rows(answer)).filter(|rows| !rows.is_empty()))
    }

    /// Whether the principal may read what a call of the tool acts on, so that a preview may show it: with its reader,
    /// or with another tool that reads resources of this kind.
    pub(super) fn may_read_resource(&self, entry: Entry, principal: &Principal) -> bool {
        let tools = entry.provider.tools().map(|tool| Entry { tool, ..entry });
        let mut readers = tools.filter(|other| {
            other.tool.name == entry.tool.reader || kind(entry.tool).is_some_and(|own| kind(other.tool) == Some(own))
        });
        readers.any(|reader| reader.harmless() && principal.admits(&reader))
    }
}

/// The tool that shows what a call of this one acts on.
fn reader_of(entry: Entry) -> Option<Entry> {
    let tool = entry.provider.tools().find(|tool| tool.name == entry.tool.reader)?;
    Some(Entry { tool, ..entry })
}

/// The kind of resource that a composite or relayed tool acts on, where it is always the same.
fn kind(tool: &Tool) -> Option<&str> {
    match tool.resource().next()? {
        Step::Word(word) => Some(word),
        Step::Argument(_) => None,
    }
}

/// The arguments by which the reader finds what the call acts on.
fn naming(call: &Call, reader: &Tool) -> Option<Map<String, Value>> {
    if lists(reader) {
        return Some(Map::new());
    }
    let value = |name: &str| Some((name.to_owned(), call.arguments.as_map().get(name)?.clone()));
    if let Some(operation) = reader.operation() {
        let path = operation.parameters.iter().filter(|parameter| parameter.location == Location::Path);
        return path.map(|parameter| value(&parameter.argument)).collect();
    }
    let taken: Vec<Step<'_>> = reader.resource().collect();
    let given: Vec<Step<'_>> = call.entry.tool.resource().collect();
    let pairs = taken.iter().zip(&given).map(|pair| match pair {
        (Step::Word(word), Step::Word(other)) => (word == other).then(Map::new),
        (Step::Argument(name), Step::Word(word)) => Some(Map::from_iter([((*name).to_owned(), Value::from(*word))])),
        (Step::Argument(name), Step::Argument(other)) => Some(Map::from_iter([((*name).to_owned(), value(other)?.1)])),
        (Step::Word(_), Step::Argument(_)) => None,
    });
    let same_form = taken.len() == given.len();
    match same_form.then(|| pairs.collect::<Option<Vec<_>>>()).flatten() {
        Some(pairs) => Some(pairs.into_iter().flatten().collect()),
        // A call that acts on nothing there is, such as one that makes something, tells by arguments of the same names.
        None if given.is_empty() => {
            Some(call.arguments.as_map().clone().into_iter().filter(|(name, _)| reader.takes(name)).collect())
        }
        None => None,
    }
}

/// Whether the reader shows a list of all there is, whatever the call acts on.
fn lists(reader: &Tool) -> bool {
    match reader.operation() {
        Some(operation) => operation.parameters.iter().all(|parameter| parameter.location != Location::Path),
        None => reader.resource().next().is_none(),
    }
}

/// What a reader shows: the resource first.
fn rows(answer: Value) -> Vec<Value> {
    match answer {
        Value::Array(rows) => rows,
        // The only member of an answer wraps the resource.
        Value::Object(members) if members.len() == 1 && members.values().all(Value::is_object) => {
            members.into_iter().map(|(_, resource)| resource).collect()
        }
        resource => vec![resource],
    }
}

/// The rows of a list, which may be a page with its count.
fn listed(answer: Value) -> Vec<Value> {
    match answer {
        Value::Object(members) => members.into_iter().find_map(|(_, member)| match member {
            Value::Array(rows) => Some(rows),
            _ => None,
        }),
        Value::Array(rows) => Some(rows),
        _ => None,
    }
    .unwrap_or_default()
}

fn is_row(row: &Value, wanted: &str) -> bool {
    let mut ids = KEYS.iter().filter_map(|key| row.get(key));
    ids.any(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned) == wanted)
}

#[cfg(all(test, feature = "vergeos", feature = "hostodo", feature = "xen-orchestra"))]
#[path = "sight_tests.rs"]
mod estate_tests;

#[cfg(test)]
mod tests {
    use infra_mcp_model::{Binding, Method, Relay};
    use serde_json::json;

    use super::*;
    use crate::executor::fixture;

    #[test]
    fn a_resource_may_be_wrapped_or_one_of_several() {
        for (answer, expected) in [
            (json!({"vm": {"id": 1, "a": {}}}), json!([{"id": 1, "a": {}}])),
            (json!({"id": 1}), json!([{"id": 1}])),
            (json!({"vm": {"id": 1}, "more": 2}), json!([{"vm": {"id": 1}, "more": 2}])),
            (json!([{"id": 1}, {"id": 2}]), json!([{"id": 1}, {"id": 2}])),
            (json!([]), json!([])),
        ] {
            assert_eq!(Value::from(rows(answer)), expected);
        }
        let page = json!({"count": 1, "results": [{"id": 1}, {"id": "2"}]});
        assert_eq!(listed(page).iter().map(|row| is_row(row, "2")).collect::<Vec<_>>(), [false, true]);
    }

    /// A relayed tool that acts on this.
    fn acting_on(resource: &'static str) -> Tool {
        let relay = Relay {
            tool: "far".into(),
            timeout_seconds: 0,
            timeout_argument: "".into(),
            arguments: ["vm", "table", "key", "data"].map(Into::into).to_vec().into(),
            resource: resource.into(),
        };
        let tool = fixture::tool("near", fixture::operation(Method::Post, "/", vec![], None));
        Tool { binding: Binding::Relay(relay), ..tool }
    }

    #[test]
    fn a_reader_is_told_what_to_read() {
        for (taken, given, arguments, expected) in [
            ("vms/{vm}", "vms/{id}", r#"{"id": 34}"#, Some(json!({"vm": 34}))),
            ("{table}/{key}", "vms/{id}", r#"{"id": 34}"#, Some(json!({"table": "vms", "key": 34}))),
            ("{table}/{key}", "{table}/{key}", r#"{"table": "a", "key": 3}"#, Some(json!({"table": "a", "key": 3}))),
            ("vms/{vm}", "drives/{id}", r#"{"id": 34}"#, None),
            ("vms/{vm}", "{table}/{key}", r#"{"table": "vms", "key": 34}"#, None),
            ("vms/{vm}", "vms/{id}", "{}", None),
            ("{table}/{key}", "", r#"{"table": "vms", "data": {}, "x": 1}"#, Some(json!({"table": "vms", "data": {}}))),
        ] {
            let tools = vec![acting_on(given), acting_on(taken)];
            let provider = fixture::provider(vec![("main", tools)]);
            let call = fixture::call(provider, arguments, fixture::settings("https://api.example.com"));
            let reader = &provider.toolsets[0].tools[1];
            assert_eq!(naming(&call, reader).map(Value::Object), expected, "{taken} {given} {arguments}");
        }
    }
}
