//! The facts of somebody's OpenAPI document without a word of theirs.

use crate::lower::document::{METHODS, component};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const SCHEMA: [&str; 24] = [
    "$ref",
    "type",
    "format",
    "nullable",
    "enum",
    "const",
    "default",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
    "readOnly",
    "writeOnly",
    "deprecated",
];
const PARAMETER: [&str; 7] = ["$ref", "name", "in", "required", "style", "explode", "deprecated"];
/// Flags that sort operations and say nothing in words.
const FLAGS: [&str; 3] = ["x-mcp-exposure", "x-stability", "x-unverified"];

/// Copies what is on the list of facts: paths, methods, operation ids, tags, parameters, bodies,
/// answers, the components they reach and the security schemes. Titles, summaries, descriptions and
/// examples stay behind; answers get a description of ours, which OpenAPI asks for.
#[must_use]
pub fn facts(root: &Value) -> Value {
    let mut paths = Map::new();
    for (path, item) in root.get("paths").and_then(Value::as_object).into_iter().flatten() {
        if let Some(item) = component(root, item).and_then(Value::as_object) {
            paths.insert(path.clone(), path_item(item));
        }
    }
    let version = root.pointer("/info/version").cloned().unwrap_or_else(|| "0".into());
    let servers: Vec<Value> =
        array(root, "servers").filter_map(|server| Some(json!({"url": server.get("url")?}))).collect();
    let mut out = json!({
        "openapi": root.get("openapi"),
        "info": {"title": "API facts", "version": version},
    });
    if !servers.is_empty() {
        out["servers"] = servers.into();
    }
    if let Some(security) = root.get("security") {
        out["security"] = security.clone();
    }
    out["paths"] = Value::Object(paths);
    let components = components(root, &out["paths"]);
    if !components.is_empty() {
        out["components"] = Value::Object(components);
    }
    out
}

fn array<'a>(owner: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    owner.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn kept(object: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    object
        .iter()
        .filter(|(key, _)| keys.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn path_item(item: &Map<String, Value>) -> Value {
    let mut out = Map::new();
    for (key, value) in item {
        match value {
            Value::Array(list) if key == "parameters" => {
                out.insert(key.clone(), list.iter().map(parameter).collect());
            }
            Value::Object(_) if METHODS.contains(&key.as_str()) => {
                out.insert(key.clone(), operation(value));
            }
            _ => {}
        }
    }
    Value::Object(out)
}

fn operation(operation: &Value) -> Value {
    let mut out = Map::new();
    for (key, value) in operation.as_object().into_iter().flatten() {
        let value = match key.as_str() {
            "operationId" | "tags" | "deprecated" | "security" => value.clone(),
            flag if FLAGS.contains(&flag) => value.clone(),
            "parameters" => value.as_array().into_iter().flatten().map(parameter).collect(),
            "requestBody" => body(value),
            "responses" => {
                let named = value.as_object().into_iter().flatten();
                named.map(|(status, answer)| (status.clone(), response(answer, status))).collect::<Map<_, _>>().into()
            }
            _ => continue,
        };
        out.insert(key.clone(), value);
    }
    Value::Object(out)
}

fn parameter(parameter: &Value) -> Value {
    let Some(object) = parameter.as_object() else { return json!({}) };
    let mut out = kept(object, &PARAMETER);
    if let Some(inner) = object.get("schema") {
        out.insert("schema".into(), schema(inner));
    }
    if let Some(inner) = object.get("content") {
        out.insert("content".into(), content(inner));
    }
    Value::Object(out)
}

fn body(body: &Value) -> Value {
    let Some(object) = body.as_object() else { return json!({}) };
    let mut out = kept(object, &["$ref", "required"]);
    if let Some(inner) = object.get("content") {
        out.insert("content".into(), content(inner));
    }
    Value::Object(out)
}

fn response(response: &Value, status: &str) -> Value {
    if let Some(reference) = response.get("$ref") {
        return json!({"$ref": reference});
    }
    let mut out = json!({"description": status_words(status)});
    if let Some(inner) = response.get("content") {
        out["content"] = content(inner);
    }
    out
}

fn content(content: &Value) -> Value {
    let kinds = content.as_object().into_iter().flatten().map(|(kind, media)| {
        let media = media.get("schema").map_or_else(|| json!({}), |inner| json!({"schema": schema(inner)}));
        (kind.clone(), media)
    });
    kinds.collect::<Map<_, _>>().into()
}

fn schema(value: &Value) -> Value {
    let Some(object) = value.as_object() else { return value.clone() };
    let mut out = kept(object, &SCHEMA);
    let null = out.get("default") == Some(&Value::Null);
    let nullable = object.get("nullable") == Some(&Value::Bool(true))
        || object.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
    if null && !nullable {
        out.shift_remove("default");
    }
    for key in ["items", "additionalProperties", "not"] {
        if let Some(inner) = object.get(key) {
            out.insert(key.into(), schema(inner));
        }
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(Value::Array(parts)) = object.get(key) {
            out.insert(key.into(), parts.iter().map(schema).collect());
        }
    }
    if let Some(Value::Object(named)) = object.get("properties") {
        let named = named.iter().map(|(name, inner)| (name.clone(), schema(inner)));
        out.insert("properties".into(), named.collect::<Map<_, _>>().into());
    }
    Value::Object(out)
}

fn status_words(status: &str) -> &'static str {
    match status {
        "201" => "Created",
        "202" => "Accepted",
        "204" => "Done, nothing to say",
        "400" => "The request was refused",
        "401" => "The credential is missing or not accepted",
        "403" => "Not allowed",
        "404" => "Not found",
        "409" => "In conflict with the present state",
        "422" => "An input was refused",
        "429" => "Too many requests",
        _ if status.starts_with('2') => "Done",
        _ if status.starts_with('3') => "Elsewhere",
        _ if status.starts_with('4') => "The request was refused",
        _ if status.starts_with('5') => "The service failed",
        _ => "Any other answer",
    }
}

/// The components that the paths reach, sections and names in document order.
fn components(root: &Value, paths: &Value) -> Map<String, Value> {
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut made: BTreeMap<(String, String), Value> = BTreeMap::new();
    let mut open = Vec::new();
    let statuses = statuses(paths);
    references(paths, &mut open);
    while let Some((section, name)) = open.pop() {
        if !wanted.entry(section.clone()).or_default().insert(name.clone()) {
            continue;
        }
        let Some(found) = root.get("components").and_then(|all| all.get(&section)?.get(&name)) else { continue };
        let value = match section.as_str() {
            "schemas" => schema(found),
            "parameters" => parameter(found),
            "requestBodies" => body(found),
            "responses" => response(found, statuses.get(name.as_str()).copied().unwrap_or_default()),
            _ => continue,
        };
        references(&value, &mut open);
        made.insert((section, name), value);
    }
    let mut out = Map::new();
    for (section, named) in root.get("components").and_then(Value::as_object).into_iter().flatten() {
        let kept: Map<String, Value> = match section.as_str() {
            "securitySchemes" => {
                named.as_object().into_iter().flatten().map(|(name, scheme)| (name.clone(), security(scheme))).collect()
            }
            _ => named
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, _)| Some((name.clone(), made.remove(&(section.clone(), name.clone()))?)))
                .collect(),
        };
        if !kept.is_empty() {
            out.insert(section.clone(), Value::Object(kept));
        }
    }
    out
}

/// The status under which a response component is first referred to.
fn statuses(paths: &Value) -> BTreeMap<&str, &str> {
    let mut found = BTreeMap::new();
    let operations =
        paths.as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object().into_iter().flatten());
    for (status, answer) in operations.filter_map(|(_, operation)| operation.get("responses")?.as_object()).flatten() {
        let reference = answer.get("$ref").and_then(Value::as_str);
        if let Some(name) = reference.and_then(|reference| reference.strip_prefix("#/components/responses/")) {
            found.entry(name).or_insert(status.as_str());
        }
    }
    found
}

fn security(scheme: &Value) -> Value {
    let empty = Map::new();
    Value::Object(kept(scheme.as_object().unwrap_or(&empty), &["type", "scheme", "in", "name"]))
}

fn references(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let reference =
                    inner.as_str().filter(|_| key == "$ref").and_then(|text| text.strip_prefix("#/components/"));
                match reference.and_then(|rest| rest.split_once('/')) {
                    Some((section, name)) => {
                        let name = name.split('/').next().unwrap_or(name);
                        found.push((section.to_owned(), name.replace("~1", "/").replace("~0", "~")));
                    }
                    None => references(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
