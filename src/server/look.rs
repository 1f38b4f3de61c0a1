//! What the server reads of its own accord on the way of a call: the resource that the call acts on, and which one a
//! name stands for. Each read is a call on the same way, and nothing that does more than read passes.

use std::sync::Arc;

use infra_mcp_model::{Location, Reference, Tool};
use regress::Regex;
use serde_json::{Map, Value};

use super::Server;
use crate::arguments::Arguments;
use crate::call::{Call, Caller};
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::principal::Principal;
use crate::providers;

/// How many resources an error names that a reference fits.
const MOST_NAMED: usize = 10;

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
        match self.look(reader, arguments, caller).await {
            Ok(seen) => Ok(Some(unwrapped(seen))),
            Err(error) if call.entry.tool.review.opt_in => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Puts ids in the place of names among the arguments, as the references of the provider say, so that all that
    /// follows is about the resource that is meant.
    ///
    /// # Errors
    /// If a name fits nothing or several, or the list of names cannot be read.
    pub(super) async fn resolve(
        &self,
        entry: Entry,
        arguments: &mut Map<String, Value>,
        caller: &Caller,
    ) -> Result<(), CallError> {
        for reference in entry.provider.references.iter() {
            for name in reference.arguments.iter().filter(|name| entry.tool.takes(name)) {
                let Some(Value::String(given)) = arguments.get(name.as_ref()) else { continue };
                // What is refused anyway is not worth a look.
                if given.is_empty() || is_id(reference, given) || caller.principal.grant().lacking(&entry).is_some() {
                    continue;
                }
                let Some(tool) = entry.provider.tools().find(|tool| tool.name == reference.tool) else { continue };
                let list = self.look(Entry { tool, ..entry }, Map::new(), caller.clone()).await?;
                let id = found(reference, name, given, &list)?;
                arguments.insert(name.to_string(), id);
            }
        }
        Ok(())
    }

    async fn look(&self, entry: Entry, arguments: Map<String, Value>, caller: Caller) -> Result<Value, CallError> {
        let arguments = Arguments::validate(entry.tool, arguments).map_err(CallError::Arguments)?;
        let read = Call { entry, arguments, account: self.account(entry.provider)?, caller };
        let reply =
            providers::carry_out(&self.executor, self.gate.admit_look(read).map_err(CallError::Refused)?).await?;
        serde_json::from_str(&reply.body).map_err(|_| CallError::Undecodable {
            status: reply.status,
            problem: format!("{} gave no JSON.", entry.tool.name),
            excerpt: String::new(),
            unsettled: false,
        })
    }
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

fn is_id(reference: &Reference, given: &str) -> bool {
    // The patterns stand in our specs; one that is none fits nothing, so that every value is looked up.
    Regex::new(&reference.ids).is_ok_and(|ids| ids.find(given).is_some())
}

/// A resource that a reference may mean.
struct Candidate<'l> {
    id: &'l Value,
    /// The id as a caller writes it.
    written: String,
    name: &'l str,
}

/// How a reference may mean a resource, what counts most first.
const WAYS: [fn(&Candidate<'_>, &str) -> bool; 3] = [
    |candidate, given| candidate.written == given,
    |candidate, given| candidate.name == given,
    |candidate, given| candidate.name.starts_with(given),
];

/// The id of the resource that is meant.
fn found(reference: &Reference, argument: &str, given: &str, list: &Value) -> Result<Value, CallError> {
    let list = if reference.list.is_empty() { Some(list) } else { list.get(reference.list.as_ref()) };
    let resources = list.and_then(Value::as_array).into_iter().flatten().filter_map(|resource| {
        let id = resource.get(reference.id.as_ref())?;
        let written = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let name = resource.get(reference.name.as_ref()).and_then(Value::as_str).unwrap_or_default();
        Some(Candidate { id, written, name })
    });
    let resources: Vec<Candidate<'_>> = resources.collect();
    let fitting = WAYS.iter().map(|fits| resources.iter().filter(|one| fits(one, given)).collect::<Vec<_>>());
    let problem = match fitting.into_iter().find(|fitting| !fitting.is_empty()).as_deref() {
        Some([one]) => return Ok(one.id.clone()),
        Some(several) => {
            let named = several.iter().take(MOST_NAMED).map(|one| format!("{} ({})", one.name, one.written));
            let more = if several.len() > MOST_NAMED { ", and more" } else { "" };
            let named = named.collect::<Vec<_>>().join(", ");
            format!("fits {} of them: {named}{more}. Give one name in full, or the id", several.len())
        }
        None => format!("fits no {}. {} shows them", reference.kind, reference.tool),
    };
    Err(CallError::Reference { argument: argument.to_owned(), given: given.chars().take(100).collect(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_a_name_or_the_beginning_of_one_name() {
        let reference = Reference {
            arguments: vec!["vm".into()].into(),
            ids: "^ins::|^[0-9]+$".into(),
            tool: "list_vms".into(),
            list: "vms".into(),
            id: "id".into(),
            name: "hostname".into(),
            kind: "virtual machine".into(),
        };
        let vm = |id: Value, hostname: &str| json!({"id": id, "hostname": hostname});
        let list = json!({"vms": [
            vm(json!("ins::a"), "production-web"),
            vm(json!("ins::b"), "production-db"),
            vm(json!("ins::c"), "prod"),
            vm(json!("ins::d"), "twin"),
            vm(json!("ins::e"), "twin"),
            vm(json!(34), "test-vm"),
        ]});
        for (given, expected) in [
            ("ins::b", Ok(json!("ins::b"))),
            ("production-web", Ok(json!("ins::a"))),
            ("production-w", Ok(json!("ins::a"))),
            ("prod", Ok(json!("ins::c"))),
            ("34", Ok(json!(34))),
            ("test", Ok(json!(34))),
            ("produ", Err("fits 2 of them: production-web (ins::a), production-db (ins::b).")),
            ("twin", Err("fits 2 of them: twin (ins::d), twin (ins::e).")),
            ("Prod", Err("fits no virtual machine. list_vms shows them")),
            ("ins::", Err("fits no virtual machine")),
        ] {
            match (found(&reference, "vm", given, &list), expected) {
                (Ok(id), Ok(expected)) => assert_eq!(id, expected, "{given}"),
                (Err(error), Err(part)) => {
                    let text = error.to_string();
                    assert!(text.contains(part) && text.contains(&format!("`vm`: {given:?}")), "{text}");
                }
                (got, expected) => panic!("{given}: {got:?}, not {expected:?}"),
            }
        }
        for (given, expected) in [("ins::x", true), ("34", true), ("web-34", false), ("34a", false)] {
            assert_eq!(is_id(&reference, given), expected, "{given}");
        }
    }

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
