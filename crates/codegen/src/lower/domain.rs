//! What a toolset needs to be listed as a whole: names of its operations, and the arguments that they share, as far as
//! one schema can say it for all of them.

use super::names;
use super::provider::LoweredToolset;
use super::text::bounded;
use super::tool::LoweredTool;
use crate::load::ExposeSetting;
use crate::report::{Report, Severity};
use infra_mcp_model::{RequestBody, SharedArgument};
use serde_json::{Map, Value, json};

/// The argument that says which operation is meant.
const OPERATION: &str = "operation";

/// The argument that stands for the request body.
const BODY: &str = "body";

/// The longest description of a shared argument, in characters: it stands beside many others.
const LONGEST: usize = 200;

/// Makes the names of the operations tell them apart, finds what they share, and leaves a toolset flat that cannot be
/// listed as a whole.
pub(super) fn settle(file: &str, toolset: &mut LoweredToolset, report: &mut Report) {
    let names: Vec<String> = toolset.tools.iter().map(|lowered| lowered.tool.operation_name.to_string()).collect();
    for tool in toolset.tools.iter_mut().map(|lowered| &mut lowered.tool) {
        let repeated = names.iter().filter(|name| **name == tool.operation_name).count() > 1;
        // A name that a definition chose is not taken away from it.
        if repeated && tool.operation_name == names::of_binding(&tool.name, &tool.binding) {
            tool.operation_name = tool.name.clone();
        }
    }
    toolset.arguments = shared(&toolset.tools);
    let taken = toolset.arguments.iter().any(|argument| argument.name == OPERATION);
    if taken && !matches!(toolset.settings.expose, Some(ExposeSetting::Flat)) {
        let name = &toolset.settings.name;
        let what = format!("the tools of `{name}` are always listed one by one: one has an argument `{OPERATION}`");
        report.add(Severity::Note, file, "", what, "");
        toolset.settings.expose = Some(ExposeSetting::Flat);
    }
}

/// Every argument outside the request body, in the order in which the tools have them, and `body` where one of the
/// tools takes a body.
fn shared(tools: &[LoweredTool]) -> Vec<SharedArgument> {
    let mut merged: Map<String, Value> = Map::new();
    let mut words: Vec<(String, String)> = Vec::new();
    let mut bodies = Vec::new();
    for lowered in tools {
        let body = lowered.tool.binding.body();
        for (name, schema) in lowered.published.get("properties").and_then(Value::as_object).into_iter().flatten() {
            match body {
                Some(RequestBody::Members { members, .. }) if members.iter().any(|member| member.argument == *name) => {
                    bodies.push("object");
                }
                Some(RequestBody::Whole { argument }) if argument == name => {
                    bodies.push(schema.get("type").and_then(Value::as_str).unwrap_or("object"));
                }
                _ => {
                    words.extend(description(schema).map(|text| (name.clone(), text.to_owned())));
                    let known = merged.get(name).map(|known| merge(known, schema));
                    merged.insert(name.clone(), known.unwrap_or_else(|| schema.clone()));
                }
            }
        }
    }
    for (name, schema) in &mut merged {
        if let (Some(text), Some(schema)) = (usual(name, &words), schema.as_object_mut()) {
            schema.insert("description".to_owned(), bounded(text, LONGEST).into());
        }
    }
    if !bodies.is_empty() && !merged.contains_key(BODY) {
        merged.insert(BODY.to_owned(), body_schema(&bodies));
    }
    let text =
        |(name, schema): (String, Value)| SharedArgument { name: name.into(), schema: schema.to_string().into() };
    merged.into_iter().map(text).collect()
}

fn body_schema(kinds: &[&str]) -> Value {
    let first = kinds.first().copied().unwrap_or("object");
    match kinds.iter().all(|kind| *kind == first) {
        true if first == "array" => json!({"type": "array", "items": {"type": "object"}}),
        true => json!({"type": first}),
        false => json!({"type": "object"}),
    }
}

fn description(schema: &Value) -> Option<&str> {
    schema.get("description").and_then(Value::as_str)
}

/// The description that most of the tools have for the argument; of equally many the first.
fn usual<'w>(name: &str, words: &'w [(String, String)]) -> Option<&'w str> {
    let texts: Vec<&str> = words.iter().filter(|(of, _)| of == name).map(|(_, text)| text.as_str()).collect();
    let count = |text: &str| texts.iter().filter(|other| **other == text).count();
    let most = texts.iter().map(|text| count(text)).max()?;
    texts.iter().copied().find(|text| count(text) == most)
}

/// One schema that admits what either does, in the subset that all clients accept.
fn merge(one: &Value, other: &Value) -> Value {
    let kind = |schema: &Value| schema.get("type").and_then(Value::as_str).unwrap_or("string").to_owned();
    let (first, second) = (kind(one), kind(other));
    let numeric = |kind: &str| matches!(kind, "integer" | "number");
    let mut merged = match (first.as_str(), second.as_str()) {
        (first, second) if first != second => {
            json!({"type": if numeric(first) && numeric(second) { "number" } else { "string" }})
        }
        ("string", _) => match (one.get("enum"), other.get("enum")) {
            (Some(Value::Array(one)), Some(Value::Array(other))) => {
                let more = other.iter().filter(|value| !one.contains(value));
                json!({"type": "string", "enum": one.iter().chain(more).collect::<Vec<_>>()})
            }
            _ => json!({"type": "string"}),
        },
        ("array", _) => {
            let items = |schema: &Value| schema.get("items").cloned().unwrap_or_else(|| json!({"type": "object"}));
            json!({"type": "array", "items": merge(&items(one), &items(other))})
        }
        ("object", _) if one.get("properties") == other.get("properties") => one.clone(),
        (kind, _) => json!({ "type": kind }),
    };
    if let (Some(text), Some(merged)) = (one.get("description"), merged.as_object_mut()) {
        merged.insert("description".to_owned(), text.clone());
    }
    merged
}
