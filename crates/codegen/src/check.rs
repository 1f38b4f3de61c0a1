//! The rules that the whole model has to keep, looked at last.

use crate::lower::{LoweredProvider, LoweredTool, names};
use crate::report::{Report, Severity};
use infra_mcp_model::{Binding, Operation, Segment};
use serde_json::Value;
use std::collections::BTreeMap;

/// Checks every provider.
pub fn check(providers: &[LoweredProvider], report: &mut Report) {
    addresses(providers, report);
    prompts(providers, report);
    for provider in providers {
        let file = format!("{}/tools", provider.provider.name);
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let tools: Vec<&LoweredTool> = provider.toolsets.iter().flat_map(|toolset| &toolset.tools).collect();
        for lowered in &tools {
            *names.entry(lowered.tool.name.as_ref()).or_default() += 1;
            for alias in lowered.tool.aliases.iter() {
                *names.entry(alias.name.as_ref()).or_default() += 1;
            }
            let mut faults = Vec::new();
            published_faults(&lowered.published, "", true, &mut faults);
            for fault in faults {
                let what =
                    format!("the published schema of `{}` leaves what all clients accept: {fault}", lowered.tool.name);
                report.add(Severity::Error, &file, "", what, "this is a fault of the generator; please report it");
            }
        }
        for (name, count) in names {
            if !legal(name) {
                let what = format!("`{name}` is not a legal tool name");
                report.add(Severity::Error, &file, "", what, "up to 64 of A-Z a-z 0-9 _ -");
            }
            if count > 1 {
                report.add(Severity::Error, &file, "", format!("{count} tools answer to `{name}`"), "rename one");
            }
        }
        domains(provider, &file, report);
        requests(&tools, &file, report);
        let counted = tools.len() + provider.left_out.len();
        if counted != provider.operations && !report.has_errors() {
            let what = format!("{} operations went in, {counted} came out", provider.operations);
            report.add(Severity::Error, &file, "", what, "this is a fault of the generator; please report it");
        }
    }
}

/// No request to the REST door means two tools: one server may serve all providers.
fn addresses(providers: &[LoweredProvider], report: &mut Report) {
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for provider in providers {
        let file = format!("{}/provider.toml", provider.provider.name);
        for (index, route) in provider.provider.rest.iter().enumerate() {
            let path = route.path.0.iter().map(|segment| match segment {
                Segment::Literal(text) => text.as_ref(),
                Segment::Parameter(_) => "{}",
            });
            let address = format!("{} {}", route.method.as_str(), path.collect::<String>());
            if let Some(other) = known.insert(address, &route.tool) {
                let what = format!("{} {} is `{other}` already", route.method.as_str(), route.path);
                report.add(Severity::Error, &file, format!("/rest/{index}"), what, "take another path");
            }
        }
    }
}

/// One server may serve all providers, and a name means one prompt.
fn prompts(providers: &[LoweredProvider], report: &mut Report) {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for provider in providers.iter().map(|lowered| &lowered.provider) {
        for prompt in provider.prompts.iter() {
            if let Some(other) = known.insert(&prompt.name, &provider.name) {
                let what = format!("`{other}` has a prompt `{}` already", prompt.name);
                report.add(Severity::Error, &format!("{}/prompts.json", provider.name), "", what, "rename one");
            }
        }
    }
}

/// Every toolset can be listed as two tools with legal names of their own, and its operations are told apart.
fn domains(provider: &LoweredProvider, file: &str, report: &mut Report) {
    let mut prefixes: BTreeMap<String, &str> = BTreeMap::new();
    for toolset in &provider.toolsets {
        let name = toolset.settings.name.as_str();
        let prefix = name.replace('-', "_");
        if !legal(&format!("{prefix}_action")) {
            let what = format!("`{prefix}_action`, which can stand for a toolset, is not a legal tool name");
            report.add(Severity::Error, file, "", what, "rename the toolset");
        }
        if let Some(other) = prefixes.insert(prefix, name) {
            let what = format!("the toolsets `{other}` and `{name}` are called the same when listed as one");
            report.add(Severity::Error, file, "", what, "rename one");
        }
        let mut operations: BTreeMap<&str, &str> = BTreeMap::new();
        for tool in toolset.tools.iter().map(|lowered| &lowered.tool) {
            if let Some(other) = operations.insert(&tool.operation_name, &tool.name) {
                let what = format!("`{other}` and `{}` are both `{}` in their toolset", tool.name, tool.operation_name);
                report.add(Severity::Error, file, "", what, "give one of them another `operation_name`");
            }
        }
        for argument in &toolset.arguments {
            let mut faults = Vec::new();
            published_faults(&serde_json::from_str(&argument.schema).unwrap_or_default(), "", false, &mut faults);
            for fault in faults {
                let what = format!("what the tools of `{name}` share leaves what all clients accept: {fault}");
                report.add(Severity::Error, file, "", what, "this is a fault of the generator; please report it");
            }
        }
    }
}

/// Composite tools of one provider mean the same request by the same name.
fn requests(tools: &[&LoweredTool], file: &str, report: &mut Report) {
    let mut known: BTreeMap<&str, &Operation> = BTreeMap::new();
    for lowered in tools {
        let Binding::Composite(composite) = &lowered.tool.binding else { continue };
        for operation in composite.operations.iter().chain(composite.pages.iter()) {
            if known.insert(&operation.id, operation).is_some_and(|other| other != operation) {
                let what = format!("`{}` of `{}` is another request elsewhere", operation.id, lowered.tool.name);
                report.add(Severity::Error, file, "", what, "give one of them another name");
            }
        }
    }
}

fn legal(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Everything in a published schema that some client is known to refuse.
fn published_faults(schema: &Value, path: &str, root: bool, faults: &mut Vec<String>) {
    const KEYS: [&str; 6] = ["type", "description", "enum", "items", "properties", "required"];
    let Some(object) = schema.as_object() else {
        faults.push(format!("{path} is no object"));
        return;
    };
    for key in object.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        faults.push(format!("{path} uses `{key}`"));
    }
    let kind = object.get("type").and_then(Value::as_str);
    if kind.is_none() || (root && kind != Some("object")) {
        faults.push(format!("{path} has no single type"));
    }
    if let Some(values) = object.get("enum").and_then(Value::as_array)
        && (kind != Some("string") || values.is_empty() || !values.iter().all(Value::is_string))
    {
        faults.push(format!("{path} has an enum that is not of strings"));
    }
    if (kind == Some("array")) != object.contains_key("items") {
        faults.push(format!("{path}: an array has items and nothing else has"));
    }
    if let Some(properties) = object.get("properties") {
        let properties = properties.as_object().filter(|properties| !properties.is_empty());
        if kind != Some("object") || properties.is_none() {
            faults.push(format!("{path} has properties that are empty or not of an object"));
        }
        for (name, inner) in properties.into_iter().flatten() {
            if root && names::argument(name) != *name {
                faults.push(format!("{path}/{name} is not a name that every model API accepts"));
            }
            published_faults(inner, &format!("{path}/{name}"), false, faults);
        }
    }
    if let Some(items) = object.get("items") {
        published_faults(items, &format!("{path}/items"), false, faults);
    }
}
