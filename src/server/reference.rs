//! Names among the arguments of a call: which resource is meant, before anything else happens with the call.

use std::sync::Arc;

use infra_mcp_model::{Reference, Tool};
use regress::Regex;
use serde_json::{Map, Value};

use super::look::{json, reading};
use super::{Recording, Server};
use crate::account::Account;
use crate::audit::Trail;
use crate::call::Caller;
use crate::catalogue::Entry;
use crate::error::CallError;

/// How many resources an error names that a reference fits.
const MOST_NAMED: usize = 10;

impl Server {
    /// Puts ids in the place of names among the arguments, as the references of the provider say, so that all that
    /// follows is about the resource that is meant. Where every one is an id already, nothing is read.
    ///
    /// # Errors
    /// If a name fits nothing or several, or the list of names cannot be read.
    pub(super) async fn resolve(
        &self,
        entry: Entry,
        account: &Arc<Account>,
        arguments: &mut Map<String, Value>,
        caller: &Caller,
    ) -> Result<(), CallError> {
        // What is refused anyway is not worth a look.
        if caller.principal.lacking(&entry).is_some() {
            return Ok(());
        }
        for reference in entry.provider.references.iter().filter(|one| one.concerns(&entry.tool.toolset)) {
            let mut list = None;
            for argument in reference.arguments.iter() {
                for given in values(entry.tool, arguments, argument) {
                    let Some(text) = given.as_str().filter(|text| !text.is_empty()).map(str::to_owned) else {
                        continue;
                    };
                    *given = match as_id(reference, &text) {
                        Some(id) => id,
                        None => {
                            if list.is_none() {
                                let read = self.list(entry, account, reference, (argument, &text), caller);
                                list = Some(Box::pin(read).await?);
                            }
                            found(reference, argument, &text, list.as_ref().unwrap_or(&Value::Null))?
                        }
                    };
                }
            }
        }
        Ok(())
    }

    /// Reads the list of what may be meant, on behalf of the caller and into the audit log.
    async fn list(
        &self,
        entry: Entry,
        account: &Arc<Account>,
        reference: &Reference,
        (argument, given): (&str, &str),
        caller: &Caller,
    ) -> Result<Value, CallError> {
        let tool = entry.provider.tools().find(|tool| tool.name == reference.tool);
        let list = tool.map(|tool| Entry { tool, ..entry });
        let Some(list) = list.filter(|list| self.shows(&caller.principal, list) && !self.gate.may_ask(*list)) else {
            let problem =
                format!("is no id, and names take {}, which this caller may not use. Give the id", reference.tool);
            return Err(unresolved(argument, given, problem));
        };
        let query: Map<String, Value> = serde_json::from_str(&reference.query).unwrap_or_default();
        let mut trail = Trail::new(&list.tool.name, &query, caller);
        trail.found(list);
        let mut recording = Recording { recorder: &self.recorder, trail: Some(trail) };
        let outcome = match reading(list, account, query, caller.clone()) {
            Ok(read) => {
                recording.on(|trail| trail.made(&read));
                self.look(read).await
            }
            Err(error) => Err(error),
        };
        recording.end(&outcome);
        json(list, &outcome?)
    }
}

/// The values at a dotted path among arguments that the tool takes; of an array every element.
fn values<'a>(tool: &Tool, arguments: &'a mut Map<String, Value>, path: &str) -> &'a mut [Value] {
    let mut steps = path.split('.');
    let first = steps.next().filter(|name| tool.takes(name)).and_then(|name| arguments.get_mut(name));
    match steps.fold(first, |value, name| value?.get_mut(name)) {
        Some(Value::Array(values)) => values,
        Some(one) => std::slice::from_mut(one),
        None => &mut [],
    }
}

/// The id that a text is.
fn as_id(reference: &Reference, text: &str) -> Option<Value> {
    // The patterns stand in our specs; one that is none fits nothing, so that every value is looked up.
    let is_id = Regex::new(&reference.ids).is_ok_and(|ids| ids.find(text).is_some());
    let number = || text.parse::<u64>().ok().filter(|_| reference.numbers);
    is_id.then(|| number().map_or_else(|| text.into(), Value::from))
}

fn unresolved(argument: &str, given: &str, problem: String) -> CallError {
    CallError::Reference { argument: argument.to_owned(), given: given.chars().take(100).collect(), problem }
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
    Err(unresolved(argument, given, problem))
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;
