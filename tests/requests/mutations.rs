//! Ways to make a document wrong. Each takes an operation and gives every wrong copy of it.

use serde_json::{Value, json};

use crate::document::Entry;
use crate::example::{Extent, example, is_required, whole_object};

/// A way to make an operation wrong.
pub(crate) type Mutation = fn(&Entry) -> Vec<Entry>;

/// Every way, with its name for messages.
pub(crate) const MUTATIONS: [(&str, Mutation); 13] = [
    ("another method", another_method),
    ("another path", another_path),
    ("no authentication", no_authentication),
    ("a query parameter in a header", query_to_header),
    ("a query parameter renamed", query_renamed),
    ("a path parameter in the query", path_to_query),
    ("explode flipped", explode_flipped),
    ("another array style", another_style),
    ("required flag of a parameter flipped", parameter_required_flipped),
    ("a body member renamed", member_renamed),
    ("a body member in the query", member_to_query),
    ("required flag of a body member flipped", member_required_flipped),
    ("required flag of the body flipped", body_required_flipped),
];

const SCHEMA: &str = "/requestBody/content/application~1json/schema";

fn another_method(entry: &Entry) -> Vec<Entry> {
    let method = if entry.method == "POST" { "PUT" } else { "POST" };
    vec![Entry { method: method.into(), ..entry.clone() }]
}

fn another_path(entry: &Entry) -> Vec<Entry> {
    vec![Entry { path: entry.path.replacen("/v", "/w", 1), ..entry.clone() }]
}

fn no_authentication(entry: &Entry) -> Vec<Entry> {
    vec![changed(entry, |operation| operation["security"] = json!([]))]
}

fn query_to_header(entry: &Entry) -> Vec<Entry> {
    each_parameter(
        entry,
        |p| p["in"] == "query",
        |p| {
            *p = json!({ "name": p["name"], "in": "header", "required": p["required"], "schema": p["schema"] });
        },
    )
}

fn query_renamed(entry: &Entry) -> Vec<Entry> {
    each_parameter(
        entry,
        |p| p["in"] == "query",
        |p| p["name"] = renamed(p["name"].as_str().unwrap_or_default()).into(),
    )
}

fn path_to_query(entry: &Entry) -> Vec<Entry> {
    let mut copies = each_parameter(entry, |p| p["in"] == "path", |p| p["in"] = "query".into());
    for copy in &mut copies {
        let moved = copy.operation["parameters"].as_array().into_iter().flatten();
        let names: Vec<String> = moved
            .filter(|p| p["in"] == "query")
            .map(|p| format!("/{{{}}}", p["name"].as_str().unwrap_or_default()))
            .collect();
        for name in names {
            copy.path = copy.path.replace(&name, "");
        }
    }
    copies
}

fn explode_flipped(entry: &Entry) -> Vec<Entry> {
    each_parameter(entry, is_list, |p| p["explode"] = (p["explode"] == false).into())
}

fn another_style(entry: &Entry) -> Vec<Entry> {
    each_parameter(entry, is_list, |p| {
        p["style"] = "pipeDelimited".into();
        p["explode"] = false.into();
    })
}

/// A query parameter for which an array of several elements is sent.
fn is_list(parameter: &Value) -> bool {
    let value = example(&parameter["schema"], "x", Extent::Everything);
    parameter["in"] == "query" && value.is_ok_and(|v| v.as_array().is_some_and(|items| items.len() > 1))
}

fn parameter_required_flipped(entry: &Entry) -> Vec<Entry> {
    // What is sent anyway does not show whether it has to be given.
    let sent =
        |p: &Value| p["name"].as_str().is_some_and(|name| entry.defaults.get(name).is_some_and(|v| !v.is_null()));
    each_parameter(entry, |p| p["in"] == "query" && !sent(p), |p| p["required"] = (p["required"] != true).into())
}

fn member_renamed(entry: &Entry) -> Vec<Entry> {
    let mut objects = Vec::new();
    if let Some(schema) = entry.operation.pointer(SCHEMA) {
        object_schemas(schema, SCHEMA.into(), &mut objects);
    }
    let mut copies = Vec::new();
    for (pointer, names) in objects {
        for name in names {
            copies.push(changed(entry, |operation| {
                rename_member(operation.pointer_mut(&pointer).expect("a schema of the body"), &name);
            }));
        }
    }
    copies
}

/// Every object schema in a body with the names of its members.
fn object_schemas(schema: &Value, pointer: String, found: &mut Vec<(String, Vec<String>)>) {
    if let Some(properties) = schema["properties"].as_object() {
        found.push((pointer.clone(), properties.keys().cloned().collect()));
        for (name, member) in properties {
            object_schemas(
                member,
                format!("{pointer}/properties/{}", name.replace('~', "~0").replace('/', "~1")),
                found,
            );
        }
    }
    if let Some(items) = schema.get("items") {
        object_schemas(items, format!("{pointer}/items"), found);
    }
}

fn rename_member(schema: &mut Value, old: &str) {
    let properties = schema["properties"].as_object_mut().expect("an object schema");
    let member = properties.shift_remove(old).expect("a member of the schema");
    properties.insert(renamed(old), member);
    for name in schema["required"].as_array_mut().into_iter().flatten() {
        if name == old {
            *name = renamed(old).into();
        }
    }
}

fn member_to_query(entry: &Entry) -> Vec<Entry> {
    // Beside others an argument of that name is the whole body.
    let movable = |name: &str, schema: &Value| name != "body" && is_scalar(schema);
    each_member(entry, movable, |operation, name| {
        let schema = operation.pointer_mut(SCHEMA).expect("the body has a schema");
        let required = is_required(schema, name);
        let member = schema["properties"].as_object_mut().and_then(|p| p.shift_remove(name));
        let parameters = operation["parameters"].as_array_mut().expect("parameters are an array");
        parameters.push(json!({ "name": name, "in": "query", "required": required, "schema": member }));
    })
}

fn is_scalar(schema: &Value) -> bool {
    matches!(schema["type"].as_str(), Some("string" | "integer" | "boolean"))
}

fn member_required_flipped(entry: &Entry) -> Vec<Entry> {
    each_member(
        entry,
        |_, _| true,
        |operation, name| {
            let schema = operation.pointer_mut(SCHEMA).expect("the body has a schema");
            let was = is_required(schema, name);
            let mut names = schema["required"].as_array().cloned().unwrap_or_default();
            names.retain(|n| n != name);
            if !was {
                names.push(name.into());
            }
            schema["required"] = names.into();
        },
    )
}

/// Only an operation that can be called without any member shows the difference.
fn body_required_flipped(entry: &Entry) -> Vec<Entry> {
    match entry.operation.pointer(SCHEMA) {
        Some(schema) if whole_object(schema)["required"].as_array().is_none_or(Vec::is_empty) => {
            vec![changed(entry, |operation| {
                let body = &mut operation["requestBody"];
                body["required"] = (body["required"] != true).into();
            })]
        }
        _ => Vec::new(),
    }
}

fn renamed(name: &str) -> String {
    format!("{name}Renamed")
}

fn changed(entry: &Entry, change: impl FnOnce(&mut Value)) -> Entry {
    let mut copy = entry.clone();
    change(&mut copy.operation);
    copy
}

/// A copy for every parameter that is `wanted`, with that one changed.
fn each_parameter(entry: &Entry, wanted: impl Fn(&Value) -> bool, change: fn(&mut Value)) -> Vec<Entry> {
    let parameters = entry.operation["parameters"].as_array().into_iter().flatten().enumerate();
    parameters
        .filter(|(_, parameter)| wanted(parameter))
        .map(|(index, _)| changed(entry, |operation| change(&mut operation["parameters"][index])))
        .collect()
}

/// A copy for every member of the body that is `wanted`, with that one changed.
fn each_member(entry: &Entry, wanted: fn(&str, &Value) -> bool, change: fn(&mut Value, &str)) -> Vec<Entry> {
    let schema = entry.operation.pointer(SCHEMA);
    let members = schema.and_then(|s| s["properties"].as_object()).into_iter().flatten();
    members
        .filter(|(name, member)| wanted(name, member))
        .map(|(name, _)| changed(entry, |operation| change(operation, name)))
        .collect()
}
